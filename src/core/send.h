/* SPDX-License-Identifier: MIT */
/*
 * send.h - which way a message goes
 *
 *     sender                  receiver             way
 *     on a worker             same worker          into its inbox
 *     on a worker             another worker       the lane between them
 *     on a worker             a solo (solo.h)      a parcel
 *     anybody else            any                  a parcel
 *
 * Who must wait for room leaves a parcel where the way begins: at the inbox, or
 * at the lane. So the way depends on the two alone, and the messages of a sender
 * arrive in their order.
 */
#ifndef HEPH_CORE_SEND_H
#define HEPH_CORE_SEND_H

#include "core/inbox.h"

/* Waits while the inbox is full. See heph_raw_send(). */
HEPH_MUST int heph_letter_send(heph_ctx ctx, struct heph_addr to,
			       const struct heph_letter *letter);

/* Sends if that needs no waiting. Also -EAGAIN. */
HEPH_MUST int heph_letter_try_send(heph_ctx ctx, struct heph_addr to,
				   const struct heph_letter *letter);

/* The same by any thread, which need not have a context. */
HEPH_MUST int heph_letter_offer(struct heph_addr to,
				const struct heph_letter *letter);

/* heph_raw_try_send() without the shortest way. */
HEPH_MUST int heph_letter_put(struct heph_addr to, const void *msg,
			      size_t size);

/* Disposes of a message that the actor will not get. Any thread. */
void heph_letter_drop(struct heph_addr to, const void *msg);

#endif
