/* SPDX-License-Identifier: MIT */
/* Messages that are sent later, and intervals. */
#include "act.h"

#include <heph/test.h>

/* ---- messages that are sent later ------------------------------------------------ */

/* Takes the next `n` messages; the last number. */
static long take(heph_ctx ctx, act_inbox in, int n)
{
	struct act_msg msg = { 0 };

	while (n--)
		must_be(heph_recv(ctx, in, &msg), 0);
	return msg.n;
}

static int to_itself(heph_ctx ctx, act_inbox in, void *arg)
{
	static const heph_time not_before[] = { 0, 0, 2 * HEPH_MSEC,
						3 * HEPH_MSEC + 1 };
	heph_time begin = heph_now();
	bool seen[4] = { false };
	long came;

	(void)arg;
	must_be(heph_send_after(ctx, heph_self(in), 3 * HEPH_MSEC + 1,
				{ .n = 3 }),
		0);
	must_be(heph_send_after(ctx, heph_self(in), 2 * HEPH_MSEC, { .n = 2 }),
		0);
	must_be(heph_send_after(ctx, heph_self(in), 0, { .n = 0 }), 0);
	must_be(heph_send_after(ctx, heph_self(in), INT64_MIN, { .n = 1 }), 0);
	for (int n = 0; n < 4; n++) {
		came = take(ctx, in, 1);
		must(came >= 0 && came < 4 && !seen[came]);
		seen[came] = true;
		must(heph_now() - begin >= not_before[came]);
		/* elsewhere time may pass between the calls */
		if (test_simulated())
			must_be(came, n);
	}
	return 0;
}

static void arrive_when_their_time_has_come(void **state)
{
	(void)state;
	run(to_itself, NULL);
}

static int tell_parent(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	must_be(heph_send_after(ctx, *(act_ref *)arg, HEPH_MSEC, { .n = 7 }),
		0);
	return heph_sleep(ctx, HEPH_NEVER);
}

static int to_others(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int places[] = { HEPH_HERE, HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	static act_ref self;
	act_ref other;

	(void)arg;
	self = heph_self(in);
	for (int n = 0; n < (test_simulated() ? 3 : 4); n++) {
		other = spawn_on(ctx, places[n], tell_parent, &self);
		must_be(take(ctx, in, 1), 7);
		stop_and_join(ctx, other);
	}
	return 0;
}

static void go_from_any_worker_to_any(void **state)
{
	(void)state;
	run(to_others, NULL);
}

static int keep(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_timer_id a, b;

	(void)arg;
	must_be(heph_send_timer(ctx, &a, heph_self(in), HEPH_NEVER,
				{ .owned = malloc(1) }),
		0);
	must_be(heph_send_timer(ctx, &b, heph_self(in), 0, { .n = 5 }), 0);
	must(heph_timer_left(ctx, a) > 1000 * HEPH_SEC);
	must_be(heph_cancel_timer(ctx, a), 0);
	must_be(act_dropped, 1);
	must_be(heph_cancel_timer(ctx, a), -ENOENT);
	must_be(heph_timer_left(ctx, a), -ENOENT);
	must_be(take(ctx, in, 1), 5);
	must_be(heph_cancel_timer(ctx, b), -ENOENT);
	must_be(heph_cancel_timer(ctx, (heph_timer_id){ 0 }), -ENOENT);
	/* its place is used again, its number is not */
	must_be(heph_send_timer(ctx, &b, heph_self(in), HEPH_NEVER, { .n = 6 }),
		0);
	must_be(heph_cancel_timer(ctx, a), -ENOENT);
	must_be(heph_cancel_timer(ctx, b), 0);
	return 0;
}

static void can_be_cancelled_once(void **state)
{
	(void)state;
	run(keep, NULL);
}

static heph_timer_id stolen;

static int steal(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must_be(heph_cancel_timer(ctx, stolen), -ENOENT);
	return 0;
}

static int is_stolen_from(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref thief;

	(void)arg;
	must_be(heph_send_timer(ctx, &stolen, heph_self(in), 1000 * HEPH_SEC,
				{ .n = 6 }),
		0);
	thief = spawn_on(ctx, HEPH_HERE, steal, NULL);
	must_be(heph_join(ctx, thief, NULL), 0);
	must_be(heph_cancel_timer(ctx, stolen), 0);
	return 0;
}

static void belong_to_who_made_them(void **state)
{
	(void)state;
	run(is_stolen_from, NULL);
}

/* Leaves three behind, of which one owns memory. */
static int leave(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to = *(act_ref *)arg;

	(void)in;
	for (int n = 0; n < 3; n++)
		must_be(heph_send_after(ctx, to, 1000 * HEPH_SEC,
					{ .owned = n ? NULL : malloc(1) }),
			0);
	return 0;
}

static int outlives(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref self;
	act_ref child;
	struct act_msg msg;

	(void)arg;
	self = heph_self(in);
	child = spawn_on(ctx, HEPH_HERE, leave, &self);
	must_be(heph_join(ctx, child, NULL), 0);
	must_be(act_dropped, 3);
	must_be(heph_try_recv(in, &msg), -EAGAIN);
	return 0;
}

static void are_cancelled_with_their_maker(void **state)
{
	(void)state;
	run(outlives, NULL);
}

/* Whether the target had ended before the time came. What was sent to the one
 * before has been dropped when the next one is there. */
static bool outlived_by_timer(heph_ctx ctx, heph_time delay)
{
	act_ref other = spawn_on(ctx, HEPH_WORKER(0), idle, NULL);
	uint64_t before = heph_stats(ctx).posts_dropped;
	long dropped = act_dropped;
	heph_timer_id timer;

	must_be(heph_send_timer(ctx, &timer, other, delay,
				{ .owned = malloc(1) }),
		0);
	stop_and_join(ctx, other);
	must_be(heph_send_after(ctx, other, 0, { .n = 1 }), -ESRCH);
	if (heph_timer_left(ctx, timer) == -ENOENT)
		return false;
	while (heph_timer_left(ctx, timer) != -ENOENT)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must_be(act_dropped, dropped + 1);
	must_be(heph_stats(ctx).posts_dropped, before + 1);
	return true;
}

static int to_the_dead(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time delay = 2 * HEPH_MSEC;

	(void)in, (void)arg;
	while (!outlived_by_timer(ctx, delay))
		delay *= 2;
	return 0;
}

static void are_dropped_and_counted_when_the_target_has_gone(void **state)
{
	(void)state;
	run(to_the_dead, NULL);
}

/* Takes a message when it is told to, by the number of them that it may have. */
static int take_slowly(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_sleep(ctx, 20 * HEPH_MSEC), 0);
	*(long *)arg = take(ctx, in, 6);
	return 0;
}

static int to_the_full(heph_ctx ctx, act_inbox in, void *arg)
{
	static long last;
	act_ref other;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &other, { take_slowly, &last },
			   .inbox = 2),
		0);
	for (long n = 1; n <= 6; n++)
		must_be(heph_send_after(ctx, other, n, { .n = n }), 0);
	must_be(heph_join(ctx, other, NULL), 0);
	must(last >= 1);
	must_be(heph_stats(ctx).posts_dropped, 0);
	return 0;
}

static void wait_for_room(void **state)
{
	(void)state;
	run(to_the_full, NULL);
}

enum { CROWD = 1000 };

/* Many at the same time arrive in the order in which they were made. */
static int in_a_crowd(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_timer_id timers[CROWD];

	(void)arg;
	for (int n = 0; n < CROWD; n++)
		must_be(heph_send_timer(ctx, &timers[n], heph_self(in),
					n % 2 ? 5 * HEPH_MSEC : HEPH_NEVER,
					{ .n = n }),
			0);
	for (int n = 0; n < CROWD; n += 2)
		must_be(heph_cancel_timer(ctx, timers[n]), 0);
	for (int n = 1; n < CROWD; n += 2)
		must_be(take(ctx, in, 1), n);
	return 0;
}

static int crowd(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref other;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &other, { in_a_crowd, NULL },
			   .inbox = CROWD, .stack = 1 << 18),
		0);
	must_be(heph_join(ctx, other, NULL), 0);
	return 0;
}

static void keep_their_order(void **state)
{
	(void)state;
	run(crowd, NULL);
}

static void are_not_for_plain_threads(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_on(ctx, HEPH_WORKER(0), idle, NULL);

	(void)state;
	must_be(heph_send_after(ctx, ref, 0, { .n = 1 }), -EOPNOTSUPP);
	must_be(heph_cancel_timer(ctx, (heph_timer_id){ 1, 1 }), -ENOENT);
	stop_and_join(ctx, ref);
	end(ctx);
}

/* ---- in virtual time --------------------------------------------------------------- */

static int plan(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to = *(act_ref *)arg;

	(void)in;
	must_be(heph_send_after(ctx, to, 60 * HEPH_SEC, { .n = 60 }), 0);
	must_be(heph_send_after(ctx, to, 10 * HEPH_SEC, { .n = 10 }), 0);
	return heph_sleep(ctx, HEPH_NEVER);
}

static void follow_virtual_time(void **state)
{
	struct heph_test *test;
	struct act_msg msg;
	static act_ref probe;

	(void)state;
	must_be(heph_test_new(&test, NULL), 0);
	heph_probe(test, act, &probe);
	must_be(heph_spawn(heph_test_ctx(test), act, NULL, { plan, &probe }),
		0);
	heph_test_run(test);
	heph_test_advance(test, 10 * HEPH_SEC - HEPH_MSEC);
	heph_expect_none(test, probe);
	heph_expect_within(test, 2 * HEPH_MSEC, probe, &msg);
	must_be(msg.n, 10);
	heph_expect_within(test, 51 * HEPH_SEC, probe, &msg);
	must_be(msg.n, 60);
	heph_test_free(test);
}

/* ---- intervals --------------------------------------------------------------------- */

static int tick_tick(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time begin = heph_now();
	struct heph_interval every = heph_interval(2 * HEPH_MSEC);
	heph_time first = every.next;

	(void)in, (void)arg;
	must(first >= begin + 2 * HEPH_MSEC);
	for (uint64_t n = 1; n <= 10; n++) {
		must_be(heph_tick(ctx, &every), 0);
		must(heph_now() >= first);
		/* no drift: it stays on the grid */
		must_be((every.next - first) % (2 * HEPH_MSEC), 0);
		if (test_simulated())
			must(every.next > heph_now() - 2 * HEPH_MSEC ||
			     every.skipped == 0);
	}
	return 0;
}

static void do_not_drift(void **state)
{
	(void)state;
	run(tick_tick, NULL);
}

static int are_late(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_interval it = { .period = 10 * HEPH_SEC };
	heph_time began = heph_now();

	(void)in, (void)arg;
	/* three and a half periods late */
	it.next = began - 35 * HEPH_SEC;
	must_be(heph_tick(ctx, &it), 0);
	must_be(it.skipped, 3);
	must_be(it.next, began + 5 * HEPH_SEC);
	must_be(heph_tick(heph_within(ctx, 0), &it), -ETIME);
	must_be(it.next, began + 5 * HEPH_SEC);

	it = (struct heph_interval){ .period = 10 * HEPH_SEC,
				     .late = HEPH_LATE_BURST,
				     .next = began - 35 * HEPH_SEC };
	for (int n = 0; n < 4; n++)
		must_be(heph_tick(heph_within(ctx, 0), &it), 0);
	must_be(heph_tick(heph_within(ctx, 0), &it), -ETIME);
	must_be(it.skipped, 0);
	must_be(it.next, began + 5 * HEPH_SEC);

	it = (struct heph_interval){ .period = 10 * HEPH_SEC,
				     .late = HEPH_LATE_DELAY,
				     .next = began - 35 * HEPH_SEC };
	must_be(heph_tick(ctx, &it), 0);
	must_be(it.skipped, 3);
	must(it.next >= began + 10 * HEPH_SEC);
	return 0;
}

static void leave_out_catch_up_or_move_on(void **state)
{
	(void)state;
	run(are_late, NULL);
}

static int odd_intervals(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_interval it = heph_interval(0);

	(void)in, (void)arg;
	must_be(heph_tick(ctx, &it), -EINVAL);
	it.period = -HEPH_SEC;
	must_be(heph_tick(ctx, &it), -EINVAL);
	it = heph_interval(HEPH_NEVER);
	must_be(it.next, HEPH_NEVER);
	it.next = heph_now(); /* the first one at once, and no other */
	must_be(heph_tick(ctx, &it), 0);
	must_be(it.next, HEPH_NEVER);
	must_be(heph_tick(heph_within(ctx, HEPH_MSEC), &it), -ETIME);
	it.late = HEPH_LATE_BURST;
	it.next = INT64_MIN;
	it.period = INT64_MAX;
	must_be(heph_tick(ctx, &it), 0);
	return 0;
}

static void mind_the_ends_of_time(void **state)
{
	(void)state;
	run(odd_intervals, NULL);
}

static int wait_for_both(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_interval every = heph_interval(3 * HEPH_MSEC);
	struct act_msg msg;
	int ticks = 0, messages = 0;

	(void)arg;
	must_be(heph_send_after(ctx, heph_self(in), HEPH_MSEC, { .n = 1 }), 0);
	while (ticks < 3 || messages < 1)
		switch (heph_wait(ctx, heph_on_msg(in, &msg),
				  heph_on_tick(&every))) {
		case 0:
			messages++;
			break;
		case 1:
			ticks++;
			break;
		default:
			must(!"one of both");
		}
	must_be(messages, 1);
	return 0;
}

static void are_clauses(void **state)
{
	(void)state;
	run(wait_for_both, NULL);
}

static void tick_for_threads(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_interval every = heph_interval(HEPH_MSEC);

	(void)state;
	for (int n = 0; n < 3; n++)
		must_be(heph_tick(ctx, &every), 0);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrive_when_their_time_has_come),
		cmocka_unit_test(go_from_any_worker_to_any),
		cmocka_unit_test(can_be_cancelled_once),
		cmocka_unit_test(belong_to_who_made_them),
		cmocka_unit_test(are_cancelled_with_their_maker),
		cmocka_unit_test(
			are_dropped_and_counted_when_the_target_has_gone),
		cmocka_unit_test(wait_for_room),
		cmocka_unit_test(keep_their_order),
		cmocka_unit_test(are_not_for_plain_threads),
		cmocka_unit_test(follow_virtual_time),
		cmocka_unit_test(do_not_drift),
		cmocka_unit_test(leave_out_catch_up_or_move_on),
		cmocka_unit_test(mind_the_ends_of_time),
		cmocka_unit_test(are_clauses),
		cmocka_unit_test(tick_for_threads),
	};

	return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
