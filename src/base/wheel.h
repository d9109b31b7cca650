/* SPDX-License-Identifier: MIT */
/*
 * wheel.h - the timers of one thread
 *
 * A hierarchical timing wheel: setting and cancelling a timer take constant
 * time. Time is counted in ticks of 2^18 ns, a quarter of a millisecond. A
 * timer is rounded up to the next tick: it never expires early, and at most
 * one tick late if the wheel is looked at in time.
 *
 *   heph_wheel_set(&wheel, &timer, now + 5 * HEPH_SEC);
 *   ... sleep until heph_wheel_next(&wheel) ...
 *   while ((timer = heph_wheel_expire(&wheel, heph_clock_now())))
 *           ...
 *
 * Order      By tick; timers of the same tick in the order they were set
 *            (except such that are more than 200 days away).
 * Thread     A wheel and its timers are used by one thread.
 * Ownership  A timer is embedded in what it is about. Cancel it before its
 *            memory goes away. A wheel cannot be moved. No call allocates.
 */
#ifndef HEPH_BASE_WHEEL_H
#define HEPH_BASE_WHEEL_H

#include "base/list.h"

#include <heph/timers.h>

#include <stdbool.h>
#include <stdint.h>

enum {
	HEPH_WHEEL_LEVELS = 6,
	HEPH_WHEEL_BITS = 6, /* of the slots of one level */
	HEPH_WHEEL_SLOTS = 1 << HEPH_WHEEL_BITS,
	HEPH_WHEEL_TICK_BITS = 18,
};

/* The length of a tick in nanoseconds. */
#define HEPH_WHEEL_TICK (INT64_C(1) << HEPH_WHEEL_TICK_BITS)

/* struct heph_timer: all zeros is one that is not armed. Both members are the
 * wheel's to write; `when` stays readable, also after it expired. */

/* wheel.c explains how it works. */
struct heph_wheel {
	uint64_t tick;        /* all before it has expired or is due */
	unsigned long count;  /* of the armed timers */
	struct heph_list due; /* will be handed out next */
	uint64_t occupied[HEPH_WHEEL_LEVELS]; /* a bit for each slot in use */
	struct heph_list slots[HEPH_WHEEL_LEVELS][HEPH_WHEEL_SLOTS];
};

/* Makes an empty wheel that begins at `now`. There is no fini. */
void heph_wheel_init(struct heph_wheel *wheel, heph_time now);

/* Arms a timer, or moves one that is armed in this wheel. A `when` in the past
 * is right: it expires at once. One of HEPH_NEVER and above does not expire. */
void heph_wheel_set(struct heph_wheel *wheel, struct heph_timer *timer,
		    heph_time when);

/* Disarms a timer of this wheel. Harmless if it is not armed. */
void heph_wheel_cancel(struct heph_wheel *wheel, struct heph_timer *timer);

/*
 * When to call heph_wheel_expire next; HEPH_NEVER if nothing is armed. This is
 * the tick of the earliest timer, or earlier when timers have to be sorted
 * first: then expire returns NULL, and a new call here tells a later time. It
 * lies in the past if there is something to expire already.
 */
heph_time heph_wheel_next(const struct heph_wheel *wheel);

/*
 * Takes out one timer that has expired; NULL if there is none. `now` must not
 * be earlier than in the call before. Timers that are set between two calls
 * are respected. Costs what there is to move, not how far `now` has moved.
 */
struct heph_timer *heph_wheel_expire(struct heph_wheel *wheel, heph_time now);

/* How many timers are armed, those that are due included. */
unsigned long heph_wheel_count(const struct heph_wheel *wheel);

/* Looks at every slot and timer. Returns false if something is not as it
 * should be. For tests and slow assertions. */
bool heph_wheel_validate(const struct heph_wheel *wheel);

/* Writes the slots in use and their timers to `fd`, for a human. Async-signal-
 * safe as long as the wheel's thread does not run. */
void heph_wheel_dump(const struct heph_wheel *wheel, int fd);

/* True from set until cancel or expire. */
static inline bool heph_timer_armed(const struct heph_timer *timer)
{
	return timer->node.next && timer->node.next != &timer->node;
}

#endif
