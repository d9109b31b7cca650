/* SPDX-License-Identifier: MIT */
/* counter.h - a number that everybody may ask for */
#ifndef COUNTER_H
#define COUNTER_H

#include <heph/heph.h>

/* Private to the functions below and to the actor. */
struct counter_msg {
	enum { COUNTER_ADD, COUNTER_TOTAL } kind;
	union {
		long add;
		HEPH_REPLY(long) total;
	};
};

struct counter_arg {
	long start;
};

HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);

/* Waits. Adds `n`. Returns 0, or what heph_send() says. */
static inline int counter_add(heph_ctx ctx, counter_ref to, long n)
{
	return heph_send(ctx, to, { .kind = COUNTER_ADD, .add = n });
}

/* Waits. Asks for the total. Returns 0, or what heph_call() says. */
static inline int counter_total(heph_ctx ctx, counter_ref to, long *ret_total)
{
	return heph_call(ctx, to, total, ret_total, { .kind = COUNTER_TOTAL });
}

#endif
