/* SPDX-License-Identifier: MIT */
#include "core/timers.h"

#include <heph/time.h>

#include "rig.h"

static struct heph_timer *timer_of(act_ref ref)
{
	return &rig_self(ref)->ext->timer;
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

static void stay_as_they_are_for_a_later_deadline(void **state)
{
	struct waits waits = { .lengths = { 10 * HEPH_SEC, 20 * HEPH_SEC,
					    30 * HEPH_SEC, HEPH_NEVER },
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
	assert_true(rig_self(ref)->ext->deadline > first);
	go_on(ref);
	assert_int_equal(timer_of(ref)->when, first);
	go_on(ref); /* waits for ever now */
	assert_int_equal(rig_self(ref)->ext->deadline, HEPH_NEVER);
	assert_int_equal(armed(), 1);
	go_on(ref);
	assert_int_equal(armed(), 0);
	rig_close();
}

static void move_for_an_earlier_deadline(void **state)
{
	struct waits waits = { .lengths = { 10 * HEPH_SEC, HEPH_SEC }, .n = 2 };
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
	rig_open(1);
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	go_on(ref);
	rig_settle();
	assert_int_equal(waits.done, 2);
	assert_true(waits.ended - waits.began >= 5 * HEPH_MSEC);
	rig_close();
}

/* It does not wait with a deadline any more when the timer expires. */
static void do_not_wake_who_waits_for_ever(void **state)
{
	struct waits waits = { .lengths = { HEPH_MSEC, HEPH_NEVER }, .n = 2 };
	act_ref ref;

	(void)state;
	rig_open(1);
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	go_on(ref);
	rig_settle();
	assert_int_equal(waits.done, 1);
	assert_int_equal(armed(), 0);
	heph_stop(ref);
	rig_settle();
	rig_close();
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
	struct waits waits = { .lengths = { HEPH_SEC }, .n = 1 };
	act_ref ref;

	(void)state;
	rig_open(1);
	assert_int_equal(heph_timers_wait(rig.workers[0]), HEPH_NEVER);
	ref = rig_spawn(0, wait_in_turn, &waits);
	rig_step(0);
	assert_true(heph_timers_wait(rig.workers[0]) <=
		    HEPH_SEC + HEPH_WHEEL_TICK);
	assert_true(rig.wait > 0 && rig.wait <= HEPH_SEC + HEPH_WHEEL_TICK);
	assert_false(heph_timers_run(rig.workers[0]));
	go_on(ref);
	assert_int_equal(heph_timers_wait(rig.workers[0]), HEPH_NEVER);
	rig_close();
}

static int wait_with_deadline(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	*(int *)arg = heph_recv(heph_within(ctx, HEPH_SEC), in, &msg);
	return 0;
}

static void need_memory_the_first_time(void **state)
{
	int result;
	bool refused;
	long n = 0;

	(void)state;
	do {
		act_ref ref;

		rig_open(1);
		ref = rig_spawn(0, wait_with_deadline, &result);
		rig_refuse(++n);
		rig_step(0);
		refused = rig_refused();
		if (heph_alive(ref))
			go_on(ref);
		assert_int_equal(result, refused ? -ENOMEM : 0);
		rig_close();
	} while (refused);
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
		cmocka_unit_test(need_memory_the_first_time),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
