/* SPDX-License-Identifier: MIT */
#include "core/spin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/time.h>

/* Sleeps of that length until it wants to spin; how many there were. */
static unsigned sleep_until_it_spins(struct heph_spin *spin, heph_time slept,
				     enum heph_spin_end end, unsigned most)
{
	unsigned n = 0;

	while (!spin->length && n < most) {
		heph_spin_slept(spin, slept, end);
		n++;
	}
	return n;
}

static void does_not_spin_at_first(void **state)
{
	struct heph_spin spin = { 0 };

	(void)state;
	assert_int_equal(spin.length, 0);
	heph_spin_slept(&spin, 20 * HEPH_USEC, HEPH_SPIN_WOKEN);
	assert_int_equal(spin.length, 0);
}

static void spins_after_short_sleeps(void **state)
{
	struct heph_spin spin = { 0 };

	(void)state;
	assert_in_range(sleep_until_it_spins(&spin, 100 * HEPH_USEC,
					     HEPH_SPIN_WOKEN, 100),
			2, 20);
	assert_in_range(spin.length, HEPH_USEC, 100 * HEPH_USEC);
}

static void spins_less_for_what_comes_from_outside(void **state)
{
	struct heph_spin inside = { 0 }, outside = { 0 };

	(void)state;
	sleep_until_it_spins(&inside, 20 * HEPH_USEC, HEPH_SPIN_WOKEN, 100);
	sleep_until_it_spins(&outside, 20 * HEPH_USEC, HEPH_SPIN_OUTSIDE, 100);
	assert_in_range(outside.length, 1, inside.length - 1);
}

static void does_not_spin_after_long_sleeps(void **state)
{
	struct heph_spin spin = { 0 };

	(void)state;
	sleep_until_it_spins(&spin, HEPH_MSEC, HEPH_SPIN_WOKEN, 10000);
	assert_int_equal(spin.length, 0);
	sleep_until_it_spins(&spin, HEPH_MSEC, HEPH_SPIN_OUTSIDE, 10000);
	assert_int_equal(spin.length, 0);
	sleep_until_it_spins(&spin, HEPH_USEC, HEPH_SPIN_TIME, 10000);
	assert_int_equal(spin.length, 0);
}

/* Completions that the kernel has at once are no sleeps. */
static void takes_no_notice_of_what_was_no_sleep(void **state)
{
	struct heph_spin spin = { 0 };

	(void)state;
	sleep_until_it_spins(&spin, HEPH_USEC, HEPH_SPIN_OUTSIDE, 10000);
	assert_int_equal(spin.length, 0);
}

static void goes_on_while_it_pays(void **state)
{
	struct heph_spin spin = { 0 };

	(void)state;
	sleep_until_it_spins(&spin, 50 * HEPH_USEC, HEPH_SPIN_WOKEN, 100);
	for (int i = 0; i < 1000; i++) {
		heph_spin_paid(&spin);
		assert_true(spin.length > 0);
		if (i % 2)
			heph_spin_slept(&spin, 50 * HEPH_USEC, HEPH_SPIN_WOKEN);
	}
}

static void stops_after_one_long_sleep(void **state)
{
	struct heph_spin spin = { 0 };

	(void)state;
	sleep_until_it_spins(&spin, 50 * HEPH_USEC, HEPH_SPIN_WOKEN, 100);
	heph_spin_paid(&spin);
	heph_spin_slept(&spin, HEPH_SEC, HEPH_SPIN_WOKEN);
	assert_int_equal(spin.length, 0);
}

/* How long it spins in vain, of all the time, when short sleeps go on for ever
 * and no spin ever finds anything. */
static double share_in_vain(heph_time slept, enum heph_spin_end end)
{
	struct heph_spin spin = { 0 };
	heph_time spun = 0, all = 0;

	while (all < 10 * HEPH_SEC) {
		spun += spin.length;
		all += spin.length + slept;
		heph_spin_slept(&spin, slept, end);
	}
	return (double)spun / (double)all;
}

static void spins_hardly_ever_in_vain(void **state)
{
	(void)state;
	assert_true(share_in_vain(60 * HEPH_USEC, HEPH_SPIN_WOKEN) < 0.01);
	assert_true(share_in_vain(200 * HEPH_USEC, HEPH_SPIN_WOKEN) < 0.01);
	assert_true(share_in_vain(15 * HEPH_USEC, HEPH_SPIN_OUTSIDE) < 0.01);
}

static void never_spins_longer_than_the_budget(void **state)
{
	struct heph_spin spin = { .budget = 7 * HEPH_USEC };
	struct heph_spin off = { .budget = -1 };

	(void)state;
	sleep_until_it_spins(&spin, 5 * HEPH_USEC, HEPH_SPIN_WOKEN, 100);
	assert_int_equal(spin.length, 7 * HEPH_USEC);
	spin = (struct heph_spin){ .budget = 50 * HEPH_USEC };
	sleep_until_it_spins(&spin, 5 * HEPH_USEC, HEPH_SPIN_WOKEN, 100);
	assert_int_equal(spin.length, HEPH_SPIN_USUAL);
	assert_int_equal(sleep_until_it_spins(&off, 5 * HEPH_USEC,
					      HEPH_SPIN_WOKEN, 100),
			 100);
	assert_int_equal(off.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_not_spin_at_first),
		cmocka_unit_test(spins_after_short_sleeps),
		cmocka_unit_test(spins_less_for_what_comes_from_outside),
		cmocka_unit_test(does_not_spin_after_long_sleeps),
		cmocka_unit_test(takes_no_notice_of_what_was_no_sleep),
		cmocka_unit_test(goes_on_while_it_pays),
		cmocka_unit_test(stops_after_one_long_sleep),
		cmocka_unit_test(spins_hardly_ever_in_vain),
		cmocka_unit_test(never_spins_longer_than_the_budget),
	};

	return cmocka_run_group_tests_name("spin", tests, NULL, NULL);
}
