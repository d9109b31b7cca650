/* SPDX-License-Identifier: MIT */
/* counter.h - an actor that is declared once, for C and for C++ */
#ifndef TEST_COUNTER_H
#define TEST_COUNTER_H

#ifdef __cplusplus
#include <heph/heph.hpp>
#else
#include <heph/heph.h>
#endif

enum counter_kind { COUNTER_ADD, COUNTER_TOTAL };

struct counter_msg {
	enum counter_kind kind;
	union {
		long add;
		HEPH_REPLY(long) total;
	};
};

struct counter_arg {
	long start;
};

HEPH_ACTOR(counter, struct counter_msg, struct counter_arg); /* in C */
HEPH_ACTOR(pounter, struct counter_msg, struct counter_arg); /* in C++ */

struct holder_msg {
	int *owned;
};
HEPH_ACTOR(holder, struct holder_msg, void); /* in C++ */

#ifdef __cplusplus
extern "C" {
#endif

/* In C: uses an actor that is written in C++. Returns the total. */
long use_from_c(heph_ctx ctx);

/* In C: sends to all of a group of actors that are written in C++: two of asked,
 * two of holder. Returns how many got it. */
HEPH_ACTOR(asked, struct counter_msg, void);
int tell_all_from_c(heph_ctx ctx, int *owned);

/* In C: actors that call a function which may throw. */
HEPH_ACTOR(calls_back, void, void);
extern void (*to_call_back)(void);

#ifdef __cplusplus
}
#endif
#endif
