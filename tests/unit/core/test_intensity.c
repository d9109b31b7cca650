/* SPDX-License-Identifier: MIT */
#include "core/intensity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define S HEPH_SEC

static struct heph_intensity *it;
static heph_time pause;

static void begin(struct heph_restarts limits, heph_time now)
{
	free(it);
	assert_null(heph_restarts_wrong(&limits));
	it = malloc(heph_intensity_size(&limits));
	assert_non_null(it);
	heph_intensity_init(it, &limits, 42, now);
}

static int fini(void **state)
{
	(void)state;
	free(it);
	it = NULL;
	return 0;
}

static bool add(heph_time now)
{
	pause = -1;
	return heph_intensity_add(it, now, &pause);
}

static void allows_n_in_a_row(void **state)
{
	(void)state;
	for (unsigned times = 1; times < 10; times++) {
		begin((struct heph_restarts){ .times = times }, 0);
		for (unsigned i = 0; i < times; i++) {
			assert_int_equal(heph_intensity_left(it, 7), times - i);
			assert_true(add(7));
			assert_int_equal(pause, 0);
		}
		assert_int_equal(heph_intensity_left(it, 7), 0);
		assert_false(add(7));
		assert_false(add(7));
	}
}

static void none_is_too_many(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .within = S }, 0);
	assert_false(add(0));
	assert_int_equal(heph_intensity_left(it, 0), 0);
}

/* Not the time between two, but how many lie in the time before the latest. */
static void the_window_slides(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .times = 2, .within = 10 * S }, 0);
	assert_true(add(0));
	assert_true(add(6 * S));
	assert_false(add(10 * S)); /* the first one is just within */
	assert_int_equal(heph_intensity_left(it, 10 * S), 0);
	assert_int_equal(heph_intensity_left(it, 10 * S + 1), 1);
	assert_true(add(10 * S + 1));
	assert_false(add(16 * S));
	assert_true(add(16 * S + 1));
	assert_int_equal(heph_intensity_left(it, 100 * S), 2);
}

static void five_seconds_unless_said(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .times = 1 }, 0);
	assert_true(add(S));
	assert_false(add(6 * S));
	assert_true(add(6 * S + 1));
}

static void never_forgets(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .times = 1, .within = HEPH_NEVER }, 5);
	assert_true(add(S));
	assert_false(add(1000000000 * S));
}

static void unlimited(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .times = HEPH_UNLIMITED, .backoff = 1 },
	      0);
	for (int i = 0; i < 100000; i++) {
		assert_true(add(0));
		assert_int_equal(pause, 1);
	}
	assert_int_equal(heph_intensity_left(it, 0), HEPH_UNLIMITED);
}

static void pauses_double(void **state)
{
	static const heph_time pauses[] = { 3, 6, 12, 24, 40, 40, 40 };

	(void)state;
	begin((struct heph_restarts){ .times = HEPH_UNLIMITED,
				      .within = 1000,
				      .backoff = 3,
				      .backoff_max = 40 },
	      0);
	for (unsigned i = 0; i < 7; i++) {
		assert_true(add(10 * i));
		assert_int_equal(pause, pauses[i]);
	}
}

/* A life is from the end of its pause to the failure. */
static void a_long_life_begins_anew(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .times = HEPH_UNLIMITED,
				      .within = 1000,
				      .backoff = 100,
				      .backoff_max = 1000 },
	      0);
	assert_true(add(5000));
	assert_int_equal(pause, 100);
	assert_true(add(6100)); /* it lived for 1000 */
	assert_int_equal(pause, 200);
	assert_true(add(7301)); /* 1001 */
	assert_int_equal(pause, 100);
	assert_true(add(7401));
	assert_int_equal(pause, 200);
}

static void large_pauses_do_not_overflow(void **state)
{
	(void)state;
	begin((struct heph_restarts){ .times = HEPH_UNLIMITED,
				      .within = HEPH_NEVER,
				      .backoff = HEPH_NEVER / 3,
				      .backoff_max = HEPH_NEVER },
	      0);
	assert_true(add(0));
	assert_int_equal(pause, HEPH_NEVER / 3);
	it->began = 0;
	assert_true(add(0));
	assert_int_equal(pause, HEPH_NEVER / 3 * 2);
	it->began = 0;
	assert_true(add(0));
	assert_int_equal(pause, HEPH_NEVER);
}

static void pauses_are_random_but_repeatable(void **state)
{
	heph_time first[20];
	bool differ = false;

	(void)state;
	for (int round = 0; round < 2; round++) {
		begin((struct heph_restarts){ .times = HEPH_UNLIMITED,
					      .backoff = S,
					      .jitter = 25 },
		      0);
		for (int i = 0; i < 20; i++) {
			assert_true(add(0));
			assert_in_range(pause, S - S / 4, S);
			if (!round)
				first[i] = pause;
			assert_int_equal(pause, first[i]);
			differ = differ || pause != first[0];
		}
	}
	assert_true(differ);
}

static void tells_what_is_wrong(void **state)
{
	static const struct heph_restarts wrong[] = {
		{ .times = HEPH_RESTARTS_MAX + 1 },
		{ .times = 1, .within = -1 },
		{ .times = 1, .backoff = -1 },
		{ .times = 1, .backoff_max = -1 },
		{ .times = 1, .jitter = 101 },
	};
	static const struct heph_restarts right[] = {
		{ 0 },
		{ .times = HEPH_RESTARTS_MAX, .within = HEPH_NEVER },
		{ .times = 1, .backoff = 2, .backoff_max = 1, .jitter = 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_non_null(heph_restarts_wrong(&wrong[i]));
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
		assert_null(heph_restarts_wrong(&right[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_n_in_a_row),
		cmocka_unit_test(none_is_too_many),
		cmocka_unit_test(the_window_slides),
		cmocka_unit_test(five_seconds_unless_said),
		cmocka_unit_test(never_forgets),
		cmocka_unit_test(unlimited),
		cmocka_unit_test(pauses_double),
		cmocka_unit_test(a_long_life_begins_anew),
		cmocka_unit_test(large_pauses_do_not_overflow),
		cmocka_unit_test(pauses_are_random_but_repeatable),
		cmocka_unit_test(tells_what_is_wrong),
	};

	return cmocka_run_group_tests_name("intensity", tests, NULL, fini);
}
