/* SPDX-License-Identifier: MIT */
/*
 * Where the frequency of the counter is not known, it is measured: both clocks
 * are read twice, and the pace is the quotient of the two lengths. An error in
 * a reading matters less the longer the interval is. So the first reading is
 * kept, and each later calibration measures from there.
 */
#include "base/clock.h"

#include <pthread.h>
#include <time.h>

enum {
	SCALE_BITS = 40,
	TRIES = 5, /* readings of which the least disturbed one is used */
};

__extension__ typedef unsigned __int128 wide;

struct heph_clock heph_clock;
__thread const heph_time *heph_time_virtual;

/* Guards all of heph_clock against a second calibration. */
static pthread_mutex_t calibrating = PTHREAD_MUTEX_INITIALIZER;

heph_time heph_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * HEPH_SEC + now.tv_nsec;
}

/* Reads both clocks at nearly the same moment. */
static void read_both(uint64_t *ret_ticks, heph_time *ret_time)
{
	uint64_t before, after, best = UINT64_MAX;
	heph_time time;

	for (int i = 0; i < TRIES; i++) {
		before = heph_ticks_read();
		time = heph_clock_now();
		after = heph_ticks_read();
		if (after - before >= best)
			continue;
		best = after - before;
		*ret_ticks = before + best / 2;
		*ret_time = time;
	}
}

/* Nanoseconds per tick, times 2^SCALE_BITS. */
static void set_scale(uint64_t length, uint64_t ticks)
{
	wide scale = ((wide)length << SCALE_BITS) / (ticks ? ticks : 1);

	atomic_store_explicit(&heph_clock.scale, (uint64_t)scale,
			      memory_order_relaxed);
}

/* Measures the pace over the time since the first reading. */
static void measure(void)
{
	uint64_t ticks = 0;
	heph_time time = 0;

	read_both(&ticks, &time);
	set_scale((uint64_t)(time - heph_clock.first_time),
		  ticks - heph_clock.first_ticks);
}

static void wait_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = HEPH_MSEC };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
	while (heph_clock_now() - heph_clock.first_time < HEPH_MSEC)
		; /* a signal came: rarely, and not for long */
}

static void calibrate_first(void)
{
	if (!heph_ticks_steady()) {
		set_scale(1, 1);
		return;
	}
	if (heph_ticks_frequency()) {
		set_scale((uint64_t)HEPH_SEC, heph_ticks_frequency());
	} else {
		read_both(&heph_clock.first_ticks, &heph_clock.first_time);
		wait_a_moment();
		measure();
	}
	atomic_store(&heph_clock.counter, true);
}

void heph_clock_calibrate(void)
{
	pthread_mutex_lock(&calibrating);
	if (!atomic_load(&heph_clock.scale))
		calibrate_first();
	else if (atomic_load(&heph_clock.counter) && !heph_ticks_frequency())
		measure();
	pthread_mutex_unlock(&calibrating);
}

uint64_t heph_clock_pace(void)
{
	return atomic_load_explicit(&heph_clock.scale, memory_order_relaxed);
}

heph_time heph_clock_ticks_at(uint64_t ticks, uint64_t pace)
{
	return (heph_time)(((wide)ticks * pace) >> SCALE_BITS);
}

heph_time heph_clock_ticks_to_ns(uint64_t ticks)
{
	return heph_clock_ticks_at(ticks, heph_clock_pace());
}

uint64_t heph_clock_ns_to_ticks(heph_time length)
{
	uint64_t scale =
		atomic_load_explicit(&heph_clock.scale, memory_order_relaxed);

	if (length <= 0 || scale == 0)
		return 0;
	return (uint64_t)(((wide)length << SCALE_BITS) / scale);
}
