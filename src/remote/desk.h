/* SPDX-License-Identifier: MIT */
/* desk.h - what peers ask this node for: see asks.h for the other side */
#ifndef HEPH_REMOTE_DESK_H
#define HEPH_REMOTE_DESK_H

#include "remote/home.h"

/* All of these: in the peer's actor, and do not wait. Return 0; errors end the peer. */
int heph_desk_whereis(struct heph_peer *peer, struct heph_cut *cut);
int heph_desk_spawn(heph_ctx ctx, struct heph_peer *peer,
		    const struct heph_frame_view *view, struct heph_cut *cut);
int heph_desk_list(struct heph_peer *peer, struct heph_cut *cut);
int heph_desk_tap(struct heph_peer *peer, const struct heph_frame_view *view,
		  struct heph_cut *cut);

/* ---- on behalf of whomever; in the node's actor ------------------------------------- */

/* Spawns one that is a child of the node; `arg`, which may be NULL, is the actor's
 * after 0. Returns what heph_spawn() does; -EACCES; -EAGAIN. */
int heph_desk_start(heph_ctx ctx, const struct heph_remote_actor *remote,
		    const void *arg, struct heph_addr *ret_addr);

#endif
