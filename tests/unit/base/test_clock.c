/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <time.h>

static void sleep_for(heph_time length)
{
	const struct timespec span = { .tv_sec = length / HEPH_SEC,
				       .tv_nsec = length % HEPH_SEC };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

static void tells_monotonic_time(void **state)
{
	struct timespec now;
	heph_time before, after;

	(void)state;
	before = heph_clock_now();
	clock_gettime(CLOCK_MONOTONIC, &now);
	after = heph_clock_now();
	assert_true(before <= now.tv_sec * HEPH_SEC + now.tv_nsec);
	assert_true(after >= now.tv_sec * HEPH_SEC + now.tv_nsec);
}

static void *calibrate(void *unused)
{
	heph_clock_calibrate();
	assert_true(heph_clock.scale > 0);
	return unused;
}

static void is_calibrated_once_by_many_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, calibrate, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(heph_clock.counter, heph_ticks_steady());
}

/* Between the readings of the two clocks any time may pass: so a length of time
 * is compared with one in ticks that it contains, and one that contains it. One
 * per cent is for a calibration on a machine that is busy with other tests. */
static void measures_lengths_in_ticks(void **state)
{
	heph_time before, length, inner, outer;
	uint64_t first, second, third, fourth;

	(void)state;
	heph_clock_calibrate();
	for (int tries = 0; tries < 5; tries++) {
		first = heph_clock_ticks();
		before = heph_clock_now();
		second = heph_clock_ticks();
		sleep_for(20 * HEPH_MSEC);
		third = heph_clock_ticks();
		length = heph_clock_now() - before;
		fourth = heph_clock_ticks();
		inner = heph_clock_ticks_to_ns(third - second);
		outer = heph_clock_ticks_to_ns(fourth - first);
		if (outer > length - length / 100 &&
		    inner < length + length / 100)
			return;
		heph_clock_calibrate();
	}
	fail_msg("%ld ns measured as %ld to %ld", (long)length, (long)inner,
		 (long)outer);
}

static void refines_without_jumping(void **state)
{
	uint64_t second = heph_clock_ns_to_ticks(HEPH_SEC);
	heph_time again;

	(void)state;
	sleep_for(10 * HEPH_MSEC);
	heph_clock_calibrate();
	again = heph_clock_ticks_to_ns(second);
	assert_true(again > HEPH_SEC - HEPH_SEC / 50);
	assert_true(again < HEPH_SEC + HEPH_SEC / 50);
}

static void converts_years_without_overflow(void **state)
{
	const heph_time year = 365 * 24 * 3600 * HEPH_SEC;
	uint64_t ticks = heph_clock_ns_to_ticks(100 * year);
	heph_time back = heph_clock_ticks_to_ns(ticks);

	(void)state;
	assert_true(back <= 100 * year);
	assert_true(back > 100 * year - HEPH_MSEC);
	assert_int_equal(heph_clock_ns_to_ticks(-1), 0);
	assert_int_equal(heph_clock_ticks_to_ns(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_monotonic_time),
		cmocka_unit_test(is_calibrated_once_by_many_threads),
		cmocka_unit_test(measures_lengths_in_ticks),
		cmocka_unit_test(refines_without_jumping),
		cmocka_unit_test(converts_years_without_overflow),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
