/* SPDX-License-Identifier: MIT */
#include "core/timers.h"

#include <heph/time.h>

#include "base/rand.h"

#include "rig.h"

static struct heph_timer *timer_of(act_ref ref)
{
	struct heph_self *self = rig_self(ref);

	return &heph_worker_of(self)->alarms[heph_self_index(self)].timer;
}

static unsigned long armed(void)
{
	return heph_wheel_count(rig.workers[0]->wheel);
}

/* What it waits for, and how often it did. */
struct waits {
	heph_time lengths[10];
	int n, done;
	heph_time began, ended;
};

static int wait_in_turn(heph_ctx ctx, act_inbox in, void *arg)
{
	struct waits *waits = arg;
	struct act_msg msg;

	while (waits->done < waits->n) {
		waits->began = heph_now();
		(void)!heph_recv(heph_within(ctx, waits->lengths[waits->done]),
				 in, &msg);
		waits->ended = heph_now();
		waits->done++;
	}
	return 0;
}

/* Ends the current wait with a message. */
static void go_on(act_ref ref)
{
	assert_int_equal(heph_try_send(ref, { .n = 1 }), 0);
	rig_step(0);
}

/* Time that stands still unless a test moves it. */
static heph_time virtual_now;

static void open_in_virtual_time(void)
{
	virtual_now = 1000 * HEPH_SEC + 12345;
	heph_time_virtual = &virtual_now;
	rig_open(1);
}

static void close_in_virtual_time(void)
{
	heph_time_virtual = NULL;
	rig_close();
}

static void stay_as_they_are_for_a_later_deadline(void **state)
{
	struct waits waits = { .lengths = { 1000 * HEPH_SEC, 2000 * HEPH_SEC,
					    3000 * HEPH_SEC, HEPH_NEVER },
			       .n = 4 };
	heph_time first;
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	assert_int_equal(armed(), 1);
	first = timer_of(ref)->when;
	go_on(ref);
	assert_int_equal(timer_of(ref)->when, first);
	assert_true(heph_timers_deadline(rig_self(ref)) > first);
	go_on(ref);
	assert_int_equal(timer_of(ref)->when, first);
	go_on(ref); /* waits for ever now */
	assert_int_equal(heph_timers_deadline(rig_self(ref)), HEPH_NEVER);
	assert_int_equal(armed(), 1);
	go_on(ref);
	assert_int_equal(armed(), 0);
	rig_close();
}

static void move_for_an_earlier_deadline(void **state)
{
	struct waits waits = { .lengths = { 2000 * HEPH_SEC, 1000 * HEPH_SEC },
			       .n = 2 };
	heph_time first;
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	first = timer_of(ref)->when;
	go_on(ref);
	assert_true(timer_of(ref)->when < first);
	assert_int_equal(armed(), 1);
	go_on(ref);
	rig_close();
}

/* Armed for 1 ms, while the actor waits for 5: set again, not late. */
static void are_set_again_when_they_come_too_soon(void **state)
{
	struct waits waits = { .lengths = { HEPH_MSEC, 5 * HEPH_MSEC },
			       .n = 2 };
	act_ref ref;

	(void)state;
	open_in_virtual_time();
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	go_on(ref);
	virtual_now += 2 * HEPH_MSEC;
	rig_step(0);
	assert_int_equal(waits.done, 1);
	virtual_now = heph_timers_next(rig.workers[0]);
	rig_step(0);
	assert_int_equal(waits.done, 2);
	assert_true(waits.ended - waits.began >= 5 * HEPH_MSEC);
	close_in_virtual_time();
}

/* It does not wait with a deadline any more when the timer expires. */
static void do_not_wake_who_waits_for_ever(void **state)
{
	struct waits waits = { .lengths = { HEPH_MSEC, HEPH_NEVER }, .n = 2 };
	act_ref ref;

	(void)state;
	open_in_virtual_time();
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	go_on(ref);
	virtual_now += 2 * HEPH_MSEC;
	rig_step(0);
	assert_int_equal(waits.done, 1);
	assert_int_equal(armed(), 0);
	heph_stop(ref);
	rig_settle();
	close_in_virtual_time();
}

static void are_never_early(void **state)
{
	struct waits waits = { .lengths = { 1, 1000, HEPH_WHEEL_TICK - 1,
					    HEPH_WHEEL_TICK, HEPH_MSEC,
					    3 * HEPH_MSEC },
			       .n = 1 };

	(void)state;
	rig_open(1);
	for (int n = 0; n < 6; n++) {
		waits.lengths[0] = waits.lengths[n];
		waits.done = 0;
		rig_spawn(0, wait_in_turn, &waits);
		rig_settle();
		assert_int_equal(waits.done, 1);
		assert_true(waits.ended - waits.began >= waits.lengths[n]);
	}
	rig_close();
}

static void tell_how_long_to_sleep(void **state)
{
	struct waits waits = { .lengths = { 1000 * HEPH_SEC }, .n = 1 };
	act_ref ref;

	(void)state;
	rig_open(1);
	assert_int_equal(heph_timers_wait(rig.workers[0]), HEPH_NEVER);
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	assert_true(heph_timers_wait(rig.workers[0]) <=
		    1000 * HEPH_SEC + HEPH_WHEEL_TICK);
	assert_in_range(rig.wait, 1, 1000 * HEPH_SEC + HEPH_WHEEL_TICK);
	assert_false(heph_timers_run(rig.workers[0]));
	go_on(ref);
	assert_int_equal(heph_timers_wait(rig.workers[0]), HEPH_NEVER);
	rig_close();
}

static int wait_with_deadline(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	*(int *)arg = heph_recv(heph_within(ctx, 1000 * HEPH_SEC), in, &msg);
	return 0;
}

static void need_no_memory(void **state)
{
	act_ref ref;
	int result;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, wait_with_deadline, &result);
	rig_refuse(1);
	rig_step(0);
	assert_false(rig_refused());
	assert_int_equal(armed(), 1);
	go_on(ref);
	assert_int_equal(result, 0);
	rig_close();
}

/* ---- in a crowd ---------------------------------------------------------------------- */

static int sleep_once(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	return heph_sleep(ctx, *(heph_time *)arg);
}

/* What is told of one timer more, after `n` have expired at a time. */
static heph_time next_after(int n)
{
	static heph_time length = HEPH_MSEC, more = 1;
	heph_time next;

	open_in_virtual_time();
	for (int i = 0; i < n; i++)
		rig_spawn(0, sleep_once, &length);
	rig_step(0);
	assert_int_equal(armed(), n);
	virtual_now += 2 * HEPH_MSEC;
	rig_step(0);
	assert_int_equal(armed(), 0);
	rig_spawn(0, sleep_once, &more);
	rig_step(0);
	next = heph_timers_next(rig.workers[0]) - virtual_now;
	virtual_now += HEPH_MSEC;
	rig_step(0);
	close_in_virtual_time();
	return next;
}

static void are_waited_for_together_if_they_are_many(void **state)
{
	(void)state;
	assert_in_range(next_after(1), 1, HEPH_WHEEL_TICK);
	assert_in_range(next_after(7), 1, HEPH_WHEEL_TICK);
	assert_in_range(next_after(8), 2 * HEPH_WHEEL_TICK,
			3 * HEPH_WHEEL_TICK);
}

struct sleeper {
	struct heph_rand rand;
	heph_time longest, worst;
	int left;
};

static int sleep_at_random(heph_ctx ctx, act_inbox in, void *arg)
{
	struct sleeper *sleeper = arg;
	heph_time length, due, late;

	(void)in;
	while (sleeper->left--) {
		length = (heph_time)heph_rand_below(&sleeper->rand,
						    (uint64_t)sleeper->longest);
		due = virtual_now + length;
		if (heph_sleep(ctx, length) < 0)
			return -1;
		late = virtual_now - due;
		if (late < 0)
			return -1;
		if (late > sleeper->worst)
			sleeper->worst = late;
	}
	return 0;
}

/* The latest of `n` sleepers, in a world where nothing takes time. */
static heph_time worst_of(int n, heph_time longest)
{
	static struct sleeper sleepers[RIG_ACTORS];
	heph_time worst = 0;

	open_in_virtual_time();
	for (int i = 0; i < n; i++) {
		sleepers[i] =
			(struct sleeper){ .longest = longest, .left = 50 };
		heph_rand_seed(&sleepers[i].rand, (uint64_t)i);
		rig_spawn(0, sleep_at_random, &sleepers[i]);
	}
	rig_step(0);
	while (armed()) {
		virtual_now = heph_timers_next(rig.workers[0]);
		rig_step(0);
	}
	for (int i = 0; i < n; i++) {
		assert_int_equal(sleepers[i].left, -1);
		if (sleepers[i].worst > worst)
			worst = sleepers[i].worst;
	}
	close_in_virtual_time();
	return worst;
}

static void are_a_tick_late_alone_and_less_than_1_ms_in_a_crowd(void **state)
{
	(void)state;
	for (heph_time longest = HEPH_MSEC; longest < 100 * HEPH_SEC;
	     longest *= 10) {
		assert_in_range(worst_of(7, longest), 0, HEPH_WHEEL_TICK);
		assert_in_range(worst_of(180, longest), 0, HEPH_MSEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stay_as_they_are_for_a_later_deadline),
		cmocka_unit_test(move_for_an_earlier_deadline),
		cmocka_unit_test(are_set_again_when_they_come_too_soon),
		cmocka_unit_test(do_not_wake_who_waits_for_ever),
		cmocka_unit_test(are_never_early),
		cmocka_unit_test(tell_how_long_to_sleep),
		cmocka_unit_test(need_no_memory),
		cmocka_unit_test(are_waited_for_together_if_they_are_many),
		cmocka_unit_test(
			are_a_tick_late_alone_and_less_than_1_ms_in_a_crowd),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
