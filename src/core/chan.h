/* SPDX-License-Identifier: MIT */
/*
 * chan.h - bounded channels of their own: many senders, one receiver
 *
 * The interface is in <heph/inbox.h>; this is what heph_wait() needs of it.
 */
#ifndef HEPH_CORE_CHAN_H
#define HEPH_CORE_CHAN_H

#include <heph/inbox.h>

#include "core/select.h"

/* The clause of heph_on_chan(). */
int heph_chan_clause_ready(heph_ctx ctx, struct heph_clause *clause);
int heph_chan_clause_begin(heph_ctx ctx, struct heph_clause *clause);
void heph_chan_clause_end(heph_ctx ctx, struct heph_clause *clause);

#endif
