/* SPDX-License-Identifier: MIT */
/*
 * A runtime without work does nothing: what its workers do is counted, because
 * CPU time on a machine that is busy with other things says little. A turn takes
 * some microseconds, so FEW of them in LENGTH are far below 1 % of a core.
 */
#include <heph/time.h>

#include "act.h"

enum { ROUNDS = 1000, MANY = 200, FEW = 20 };
#define SETTLED (100 * HEPH_MSEC)
#define LENGTH (300 * HEPH_MSEC)

static const struct heph_config two = { .workers = 2, .no_signals = true };

/* Two workers answer each other, so that both spin at last. */
static int keep_two_busy(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref other = *(act_ref *)arg;

	(void)in;
	for (int i = 0; i < ROUNDS; i++)
		sync_with(ctx, other);
	return 0;
}

/* What was counted while nothing happened. */
static struct heph_stats do_nothing(heph_ctx ctx)
{
	struct heph_stats began, ended;

	must_be(heph_sleep(ctx, SETTLED), 0);
	began = heph_stats(ctx);
	must_be(heph_sleep(ctx, LENGTH), 0);
	ended = heph_stats(ctx);
	return (struct heph_stats){
		.polls = ended.polls - began.polls,
		.sleeps = ended.sleeps - began.sleeps,
		.wakes = ended.wakes - began.wakes,
		.system_calls = ended.system_calls - began.system_calls,
	};
}

static bool is_silent(const struct heph_stats *stats)
{
	return stats->polls <= FEW && stats->sleeps <= FEW &&
	       stats->wakes <= FEW && stats->system_calls <= FEW;
}

/* A worker that was kept from running may settle late: then again. One that
 * never falls asleep meets the time limit. */
static void check_silence(heph_ctx ctx)
{
	struct heph_stats stats;

	do
		stats = do_nothing(ctx);
	while (!is_silent(&stats));
}

static void a_runtime_that_never_had_work_sleeps(void **state)
{
	heph_ctx ctx = begin(&two);

	(void)state;
	check_silence(ctx);
	end(ctx);
}

static void workers_that_were_busy_fall_asleep(void **state)
{
	heph_ctx ctx = begin(&two);
	act_ref other, caller;

	(void)state;
	other = spawn_on(ctx, HEPH_WORKER(1), answer_all, NULL);
	caller = spawn_on(ctx, HEPH_WORKER(0), keep_two_busy, &other);
	assert_int_equal(heph_join(ctx, caller, NULL), 0);
	check_silence(ctx);
	stop_and_join(ctx, other);
	end(ctx);
}

static void actors_that_wait_cost_nothing(void **state)
{
	heph_ctx ctx = begin(&two);
	act_ref refs[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		refs[i] = spawn_on(ctx, HEPH_WORKER(i % 2), answer_all, NULL);
		sync_with(ctx, refs[i]);
	}
	check_silence(ctx);
	for (int i = 0; i < MANY; i++)
		stop_and_join(ctx, refs[i]);
	end(ctx);
}

/* One that waits for room on another worker does so without looking. */
static int send_too_many(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to = *(act_ref *)arg;

	(void)in;
	while (heph_send(ctx, to, { .n = 1 }) == 0)
		;
	return 0;
}

static void a_sender_that_waits_sleeps(void **state)
{
	heph_ctx ctx = begin(&two);
	act_ref to, from[2];

	(void)state;
	to = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	for (int i = 0; i < 2; i++)
		from[i] = spawn_on(ctx, HEPH_WORKER(i), send_too_many, &to);
	check_silence(ctx);
	for (int i = 0; i < 2; i++)
		stop_and_join(ctx, from[i]);
	stop_and_join(ctx, to);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_runtime_that_never_had_work_sleeps),
		cmocka_unit_test(workers_that_were_busy_fall_asleep),
		cmocka_unit_test(actors_that_wait_cost_nothing),
		cmocka_unit_test(a_sender_that_waits_sleeps),
	};

	return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
