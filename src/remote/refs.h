/* SPDX-License-Identifier: MIT */
/* refs.h - frames about references: what they say, and what is refused */
#ifndef HEPH_REMOTE_REFS_H
#define HEPH_REMOTE_REFS_H

#include "remote/peer.h"

/* Why something is refused. Each is counted, and logged once of each peer. */
enum heph_refused {
	HEPH_REFUSED_SEND,   /* a message of ours could not leave */
	HEPH_REFUSED_FORGED, /* a reference with a wrong code */
	HEPH_REFUSED_GONE,   /* the actor is not there any more; counted as lost */
	HEPH_REFUSED_TYPE,   /* a message of another type */
	HEPH_REFUSED_MESSAGE, /* bytes that are no such message */
	HEPH_REFUSED_RIGHT,  /* what the reference does not allow */
	HEPH_REFUSED_LIMIT,
	HEPH_REFUSED_ANSWER, /* to a call that nobody made, or no such value */
	HEPH_REFUSED_ROOM,   /* a loose message to one that is full; lost */
	HEPH_REFUSED_MEMORY,
	HEPH_REFUSED_NAME, /* a third node, by another name than is known */
	HEPH_REFUSED_KINDS,
};
void heph_refs_refuse(struct heph_peer *peer, enum heph_refused what, int err);

/* Which of them an error of what has come is. */
enum heph_refused heph_refused_kind(int err);

/* The reference at the beginning of a body. Returns 0; -EPROTO. */
int heph_refs_cut(struct heph_cut *cut, struct heph_wire_ref *ret_ref);

/* Posts a frame that is numbered with an errno, and has one number and some bytes
 * for a body. Returns 0; -ENOMEM, -EDQUOT and others: the peer is to be closed. */
int heph_refs_post(struct heph_peer *peer, enum heph_frame_type type, int err,
		   uint64_t id, const void *more, size_t size);

#endif
