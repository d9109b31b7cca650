/* SPDX-License-Identifier: MIT */
/*
 * stress_crash.c SECONDS - a storm of crashes; see storm.h
 *
 * Rounds in which nothing fails; then each allocation in turn, the first, the
 * second ... until a round is over before the number is reached; then each
 * submission in the same way; and from the beginning, with more lives.
 */
#include "storm.h"

#include "base/mem.h"
#include "io/epoll.h"
#include "io/uring.h"

static heph_time end_of_test;

static bool over(void)
{
	return heph_now() >= end_of_test;
}

/* Returns how many there were. */
static long each_allocation(int lives)
{
	long before, n = 1;

	for (; !over(); n++) {
		before = heph_mem_allocations();
		storm_round(lives, heph_mem_fail_after, n);
		if (heph_mem_allocations() - before < n)
			break;
	}
	return n - 1;
}

static bool submission_reached;

static void fail_submission(long n)
{
	if (n < 0)
		submission_reached =
			heph_uring_failed() || heph_epoll_failed();
	heph_uring_fail_after(n);
	heph_epoll_fail_after(n, -ENOMEM);
}

static long each_submission(int lives)
{
	long n = 1;

	for (; !over(); n++) {
		storm_round(lives, fail_submission, n);
		if (!submission_reached)
			break;
	}
	return n - 1;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 1;
	long allocations, submissions;

	alarm((unsigned)seconds * 10 + 60);
	end_of_test = heph_now() + seconds * HEPH_SEC;
	for (int lives = 1; !over(); lives++) {
		storm_round(20 * lives, NULL, 0);
		allocations = each_allocation(lives);
		submissions = each_submission(lives);
		printf("%d lives: %ld allocations, %ld submissions failed%s\n",
		       lives, allocations, submissions,
		       over() ? ", not all" : "");
	}
	printf("%ld crashes\n", storm_lives);
	return 0;
}
