/* SPDX-License-Identifier: MIT */
/*
 * clock.h - what time it is, exactly or quickly
 *
 * heph_clock_now() is CLOCK_MONOTONIC. heph_clock_ticks() reads the processor's
 * own counter where that is safe; it is cheaper, but counts in a unit of its
 * own. Only lengths between two readings mean anything, and only after
 * heph_clock_calibrate(). Where the counter may stop or change its pace with
 * the processor, ticks are nanoseconds of CLOCK_MONOTONIC.
 *
 * Thread     All calls may be made from any thread.
 */
#ifndef HEPH_BASE_CLOCK_H
#define HEPH_BASE_CLOCK_H

#include "base/ticks.h"

#include <heph/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The relation of ticks to nanoseconds. There is one: heph_clock. */
struct heph_clock {
	/* set by the first calibration, then constant */
	atomic_bool counter;  /* ticks are the processor's counter */
	uint64_t first_ticks; /* the two clocks at the same moment */
	heph_time first_time;
	/* refined by each calibration */
	_Atomic(uint64_t) scale; /* nanoseconds per tick, times 2^40 */
};

extern struct heph_clock heph_clock;

/* What heph_now() says on this thread; NULL: the clock of the kernel. */
extern __thread const heph_time *heph_time_virtual;

/* Nanoseconds of CLOCK_MONOTONIC. */
heph_time heph_clock_now(void);

/*
 * Measures how long a tick is. The first call takes about a millisecond and
 * must come before ticks are read, as it decides what they are; a later one
 * takes no time and is more exact, since it knows a longer interval.
 */
void heph_clock_calibrate(void);

/* The length in nanoseconds of `ticks`, a difference of two readings; exact to
 * some 100 ppm after the first calibration. Does not overflow. */
heph_time heph_clock_ticks_to_ns(uint64_t ticks);

/* The same with the pace of some moment, which heph_clock_pace() told: so that
 * a later calibration changes nothing. */
uint64_t heph_clock_pace(void);
heph_time heph_clock_ticks_at(uint64_t ticks, uint64_t pace);

/* The number of ticks in a length of time, at least 0. */
uint64_t heph_clock_ns_to_ticks(heph_time length);

/* ---- inline: on the path of the scheduler ---- */

/* The counter now. Not ordered with the instructions around it. */
static inline uint64_t heph_clock_ticks(void)
{
	if (__builtin_expect(atomic_load_explicit(&heph_clock.counter,
						  memory_order_relaxed),
			     1))
		return heph_ticks_read();
	return (uint64_t)heph_clock_now();
}

#endif
