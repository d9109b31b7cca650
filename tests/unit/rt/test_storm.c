/* SPDX-License-Identifier: MIT */
/*
 * test_storm.c - crashes with everything in flight and anything failing
 *
 * The everyday dose of tests/stress/stress_crash.c.
 */
#include "../../stress/storm.h"

#include "base/mem.h"
#include "coro/san.h"
#include "io/epoll.h"
#include "io/uring.h"

/* Slow tools try every so many-eth only; another time another one. */
static long step(void)
{
	return heph_san_on_valgrind() ? 40 : HEPH_TSAN || HEPH_ASAN ? 7 : 1;
}

static long first(void)
{
	return 1 + heph_now() % step();
}

static void a_thousand_crashes_leave_nothing_behind(void **state)
{
	long before = storm_lives;

	storm_round(heph_san_on_valgrind() ? 20 : 500, NULL, 0);
	assert_true(storm_lives - before >= 40);
}

static void any_allocation_may_fail(void **state)
{
	long before, n = first();

	for (;; n += step()) {
		before = heph_mem_allocations();
		storm_round(1, heph_mem_fail_after, n);
		if (heph_mem_allocations() - before < n)
			break;
	}
	assert_true(n > 20);
}

/* With io_uring, or, with epoll, any registration. */
static bool reached;

static void fail_submission(long n)
{
	if (n < 0)
		reached = heph_uring_failed() || heph_epoll_failed();
	heph_uring_fail_after(n);
	heph_epoll_fail_after(n, -ENOMEM);
}

static void any_submission_may_fail(void **state)
{
	long n = first();

	for (;; n += step()) {
		storm_round(1, fail_submission, n);
		if (!reached)
			break;
	}
	assert_true(n > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_crashes_leave_nothing_behind),
		cmocka_unit_test(any_allocation_may_fail),
		cmocka_unit_test(any_submission_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
