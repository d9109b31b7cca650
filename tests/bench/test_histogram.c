/* SPDX-License-Identifier: MIT */
/* The histogram of the benches: what it takes a duration for. */
#include "../../bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct histogram histogram;

static int start(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	return 0;
}

/* What the histogram takes `value` for, when something longer is there too. */
static uint64_t seen_as(uint64_t value)
{
	start(NULL);
	histogram_add(&histogram, value);
	histogram_add(&histogram, UINT64_MAX);
	return histogram_at(&histogram, 0.5);
}

static void an_empty_one_is_zero(void **state)
{
	(void)state;
	assert_int_equal(histogram_at(&histogram, 0.99), 0);
}

static void short_ones_are_exact(void **state)
{
	(void)state;
	for (uint64_t value = 0; value < 64; value++)
		assert_int_equal(seen_as(value), value);
}

/* Around each place where something could change: powers of two, and their
 * thirty-seconds. */
static void long_ones_are_at_most_a_32nd_longer(void **state)
{
	uint64_t value, seen;

	(void)state;
	for (int bit = 6; bit < 64; bit++)
		for (int part = 0; part < 32; part++)
			for (int around = -1; around <= 1; around++) {
				value = UINT64_C(1) << bit;
				value += part * (value >> 5) + around;
				seen = seen_as(value);
				assert_true(seen >= value);
				assert_true(seen - value <= value / 32);
			}
}

static void shares_are_of_all_that_were_counted(void **state)
{
	(void)state;
	for (uint64_t value = 1; value <= 50; value++)
		histogram_add(&histogram, value);
	assert_int_equal(histogram.n, 50);
	assert_int_equal(histogram_at(&histogram, 0), 1);
	assert_int_equal(histogram_at(&histogram, 0.5), 25);
	assert_int_equal(histogram_at(&histogram, 0.51), 26);
	assert_int_equal(histogram_at(&histogram, 0.98), 49);
	assert_int_equal(histogram_at(&histogram, 1), 50);
}

static void none_is_longer_than_the_longest(void **state)
{
	(void)state;
	histogram_add(&histogram, 1000001);
	assert_int_equal(histogram_at(&histogram, 0.5), 1000001);
	assert_int_equal(histogram.worst, 1000001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_one_is_zero, start),
		cmocka_unit_test(short_ones_are_exact),
		cmocka_unit_test(long_ones_are_at_most_a_32nd_longer),
		cmocka_unit_test_setup(shares_are_of_all_that_were_counted,
				       start),
		cmocka_unit_test_setup(none_is_longer_than_the_longest, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
