/* SPDX-License-Identifier: MIT */
/*
 * timers.h - the timers of a worker as a table of functions
 *
 * All that is about time on a worker (deadlines, sleeping, intervals, messages
 * that are sent later) is a timer in one object: by default a hierarchical
 * timing wheel, which sets and cancels in constant time. A program with other
 * wishes gives a table of its own in `config.timers`:
 *
 *     static const struct heph_timers mine = { .name = "mine", ... };
 *     heph_run(&(struct heph_config){ .timers = &mine }, app);
 *
 * Each worker, and each actor that moves or has a thread of its own and waits
 * with a deadline, makes one object and uses it alone, one call at a time; so
 * no function needs a lock. They run in the middle of the runtime's own work:
 * they must not wait, call Heph, or fail.
 */
#ifndef HEPH_TIMERS_H
#define HEPH_TIMERS_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Two words for whoever keeps something in a list of its own. */
struct heph_list {
	struct heph_list *prev, *next;
};

/* One timer. It is the runtime's memory; from `add` until `expire` or `remove`
 * the timers may use `node` as they like, and `when` does not change. */
struct heph_timer {
	struct heph_list node;
	heph_time when;
};

struct heph_timers {
	const char *name;

	/* An empty object; NULL: there is no memory. `now` is the time, which
	 * never goes back. */
	void *(*create)(heph_time now);
	/* When no timer is left in it. */
	void (*destroy)(void *timers);

	/* `timer->when` may lie in the past: it expires at the next look. One of
	 * HEPH_NEVER never does. */
	void (*add)(void *timers, struct heph_timer *timer);
	/* Of one that was added and has not expired. */
	void (*remove)(void *timers, struct heph_timer *timer);

	/* When to look again, at the latest; HEPH_NEVER: there is none. Too early
	 * costs a look, too late makes a timer late. */
	heph_time (*next)(void *timers);
	/* Takes out one with `when` <= `now`; NULL: there is none. One that is too
	 * early is added again. */
	struct heph_timer *(*expire)(void *timers, heph_time now);

	/* How many there are. */
	unsigned long (*count)(const void *timers);
};

/* The wheel, for who wants to build on it. The default. */
HEPH_API extern const struct heph_timers heph_timers_wheel;

#ifdef __cplusplus
}
#endif
#endif
