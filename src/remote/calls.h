/* SPDX-License-Identifier: MIT */
/*
 * calls.h - calls of ours that a peer has not answered
 *
 * A call has a number, which is never used again: its place, and how often that was
 * used. A caller that gives up says nothing of it, so its call stays until the answer
 * comes; when there is no place left those are looked for, some at a time.
 */
#ifndef HEPH_REMOTE_CALLS_H
#define HEPH_REMOTE_CALLS_H

#include "remote/peer.h"

struct heph_call_out {
	struct heph_reply reply;
	const struct heph_field *field; /* what it is answered with */
	uint32_t turn;                  /* even: the place is free */
	uint32_t next;                  /* free place; its number plus 1 */
};

struct heph_calls_out {
	struct heph_call_out *places;
	uint32_t n, max; /* places that there are; at most */
	uint32_t free;   /* the first free one plus 1; 0: none */
	uint32_t hand;   /* where the next look begins */
	uint32_t in_use;
};

/* At most `max`, 1 or more. */
struct heph_calls_out *heph_calls_new(uint32_t max);
/* Refuses all of them with that error. NULL is ignored. */
void heph_calls_free(struct heph_calls_out *calls, int err);

/* Returns 0, and the number, which is not 0; -ENOMEM; -EDQUOT. */
int heph_calls_add(struct heph_calls_out *calls, struct heph_reply reply,
		   const struct heph_field *field, uint64_t *ret_number);

/* Takes one out. Returns 0; -ENOENT. */
int heph_calls_take(struct heph_calls_out *calls, uint64_t number,
		    struct heph_call_out *ret_call);

#endif
