/* SPDX-License-Identifier: MIT */
#include "base/assert.h"

#include "base/log.h"

#include "child.h"

#include <string.h>

static struct child child;

static void do_nothing_when_true(void **state)
{
	(void)state;
	heph_assert(1 + 1 == 2);
	heph_debug_assert(1 + 1 == 2);
	heph_slow_assert(1 + 1 == 2);
}

static void fail_one(void)
{
	heph_assert(1 + 1 == 3);
}

static void say_where_and_what_and_abort(void **state)
{
	(void)state;
	child_run(&child, fail_one);
	assert_true(child_aborted(&child));
	assert_non_null(strstr(child.output, "test_assert.c:"));
	assert_non_null(strstr(child.output,
			       ": fail_one: assertion failed: 1 + 1 == 3\n"));
}

static void note(int fd)
{
	assert_int_equal(write(fd, "in actor 7\n", 11), 11);
}

static void fail_with_note(void)
{
	heph_assert_note = note;
	heph_assert(!"a note");
}

static void ask_the_upper_layer_who_is_running(void **state)
{
	(void)state;
	child_run(&child, fail_with_note);
	assert_true(child_aborted(&child));
	assert_non_null(strstr(child.output, "\nin actor 7\n"));
}

static void note_that_fails(int fd)
{
	(void)fd;
	heph_assert(!"the second");
}

static void fail_twice(void)
{
	heph_assert_note = note_that_fails;
	heph_assert(!"the first");
}

static void end_when_the_report_fails_too(void **state)
{
	(void)state;
	child_run(&child, fail_twice);
	assert_true(child_aborted(&child));
	assert_non_null(strstr(child.output, "the first"));
	assert_non_null(strstr(child.output, "the second"));
}

static void log_and_fail(void)
{
	heph_log_to(STDERR_FILENO);
	heph_log_set_level(HEPH_LOG_INFO);
	for (int i = 0; i < 100; i++)
		heph_log_info("before", HEPH_KV_INT("i", i));
	heph_assert(!"the end");
}

static void write_out_the_log_first(void **state)
{
	(void)state;
	child_run(&child, log_and_fail);
	assert_true(child_aborted(&child));
	assert_non_null(strstr(child.output, "i=99\n"));
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static void are_not_evaluated_when_off(void **state)
{
	(void)state;
	heph_debug_assert(evaluate());
	heph_slow_assert(evaluate());
	assert_int_equal(evaluated, (HEPH_DEBUG >= 1) + (HEPH_DEBUG >= 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(do_nothing_when_true),
		cmocka_unit_test(say_where_and_what_and_abort),
		cmocka_unit_test(ask_the_upper_layer_who_is_running),
		cmocka_unit_test(end_when_the_report_fails_too),
		cmocka_unit_test(write_out_the_log_first),
		cmocka_unit_test(are_not_evaluated_when_off),
	};

	return cmocka_run_group_tests_name("assert", tests, NULL, NULL);
}
