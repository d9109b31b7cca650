/* SPDX-License-Identifier: MIT */
/* Options of programs that were compiled for another version than the library. */
#include "task.h"

struct now {
	size_t size;
	int a;
	long b;
};

struct later {
	struct now now;
	long c;
};

static void what_an_earlier_program_does_not_know_is_zero(void **state)
{
	const struct now given = { .size = offsetof(struct now, b), .a = 7, .b = 8 };
	struct now its = { .b = 9 };

	(void)state;
	assert_true(heph_take_options__(&its, sizeof(its), &given));
	assert_int_equal(its.size, sizeof(its));
	assert_int_equal(its.a, 7);
	assert_int_equal(its.b, 0);
}

static void what_a_later_program_leaves_out_does_no_harm(void **state)
{
	struct later given = { { .size = sizeof(given), .a = 7, .b = 8 }, 0 };
	struct now its;

	(void)state;
	assert_true(heph_take_options__(&its, sizeof(its), &given));
	assert_int_equal(its.size, sizeof(its));
	assert_int_equal(its.b, 8);
	given.c = 1;
	assert_false(heph_take_options__(&its, sizeof(its), &given));
}

static void a_size_that_is_none_is_refused(void **state)
{
	struct now given = { .size = 0 }, its;

	(void)state;
	assert_false(heph_take_options__(&its, sizeof(its), &given));
	given.size = sizeof(size_t) - 1;
	assert_false(heph_take_options__(&its, sizeof(its), &given));
	given.size = SIZE_MAX;
	assert_false(heph_take_options__(&its, sizeof(its), &given));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_earlier_program_does_not_know_is_zero),
		cmocka_unit_test(what_a_later_program_leaves_out_does_no_harm),
		cmocka_unit_test(a_size_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
