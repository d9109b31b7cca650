/* SPDX-License-Identifier: MIT */
/*
 * callin.h - calls of a peer that actors of ours have to answer
 *
 * They are started by the peer's actor, and their answers come to it. At most `calls`
 * of the node's config are under way; those whose callers have given up make room.
 */
#ifndef HEPH_REMOTE_CALLIN_H
#define HEPH_REMOTE_CALLIN_H

#include "remote/export.h"
#include "remote/stub.h"

/* Calls the actor. Returns 0: the message is given away; -EAGAIN: there is no room;
 * -EDQUOT, -ENOMEM and others. */
int heph_callin_start(heph_ctx ctx, struct heph_export *export,
		      const struct heph_delivery_in *delivery);

/* The answer to a call is an error. Errors end the peer. */
int heph_callin_error(struct heph_peer *peer, uint64_t call, int err);

/* One is over: its answer goes to the peer. Errors end the peer. */
int heph_callin_answered(heph_ctx ctx, struct heph_peer *peer,
			 struct heph_pending *pending);

/* Forgets all of them. */
void heph_callins_free(heph_ctx ctx, struct heph_exports *exports);

#endif
