/* SPDX-License-Identifier: MIT */
/*
 * gate.h - where actors of one worker wait for something that another one has
 *
 * Those who wait go through one by one, in the order in which they came. One may go
 * through by mistake, so each looks again for what it came for.
 */
#ifndef HEPH_REMOTE_GATE_H
#define HEPH_REMOTE_GATE_H

#include <heph/heph.h>

struct heph_token {
	char unused;
};
HEPH_CHAN(heph_tokens, struct heph_token);

/* A channel for one token, which is full: who waits wants to send another one. */
struct heph_gate {
	heph_tokens_sender tx;
	heph_tokens_receiver rx; /* { 0 }: it is closed for ever */
	unsigned waiting, called; /* of these so many were called in */
};

/* Returns 0; -ENOMEM. */
int heph_gate_init(struct heph_gate *gate);
/* Nobody waits any more, or will: -EPIPE. */
void heph_gate_close(struct heph_gate *gate);
/* When nobody is in heph_gate_wait(). One that is all zero is fine. */
void heph_gate_release(struct heph_gate *gate);

/* Waits, until called. Returns 0; -EPIPE; -ETIME, -ECANCELED, -ENOMEM. */
int heph_gate_wait(heph_ctx ctx, struct heph_gate *gate);
/* Calls one in. Returns whether there was one. */
bool heph_gate_call(struct heph_gate *gate);

#endif
