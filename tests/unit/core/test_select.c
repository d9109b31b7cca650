/* SPDX-License-Identifier: MIT */
/* heph_wait(), with what the core knows: messages, times, signals. */
#include <heph/message.h>
#include <heph/time.h>

#include <signal.h>

#include "core/signals.h"

#include "rig.h"

enum { MSG, TIME, SIGNAL };

static int taken[HEPH_SIGNALS];

static int take_signal(struct heph *heph, int signal)
{
	(void)heph;
	if (signal == SIGKILL)
		return -EINVAL;
	taken[signal]++;
	return 0;
}

static void untake_signal(struct heph *heph, int signal)
{
	(void)heph;
	taken[signal]--;
}

static void setup(void)
{
	rig_open(1);
	rig.heph.take_signal = take_signal;
	rig.heph.untake_signal = untake_signal;
	memset(taken, 0, sizeof(taken));
}

/* Waits again and again for what is in it. */
struct waiter {
	heph_time length; /* of the clause about time; 0: none */
	heph_time within; /* 0: no deadline */
	int signal;       /* 0: none */
	int results[10];
	unsigned counts[10];
	long got[10];
	int n, done;
};

static int wait_again(heph_ctx ctx, act_inbox in, void *arg)
{
	struct waiter *w = arg;
	struct act_msg msg;
	heph_time begin;
	int i;

	while (w->done < w->n) {
		i = w->done;
		begin = heph_now();
		w->results[i] = heph_wait(
			w->within ? heph_within(ctx, w->within) : ctx,
			[MSG] = heph_on_msg(in, &msg),
			[TIME] = w->length ? heph_on_time(begin + w->length) :
					     (struct heph_on){ 0 },
			[SIGNAL] = w->signal ? heph_on_signal(w->signal,
							      &w->counts[i]) :
					       (struct heph_on){ 0 });
		if (w->results[i] == MSG)
			w->got[i] = msg.n;
		if (w->results[i] == TIME)
			must(heph_now() - begin >= w->length);
		w->done++;
	}
	return 0;
}

static void takes_the_first_of_the_list(void **state)
{
	struct waiter w = { .length = 1, .signal = 10, .n = 4 };
	act_ref ref;

	(void)state;
	setup();
	ref = rig_spawn(0, wait_again, &w);
	rig_settle(); /* all of them by time */
	w.done = 0;
	w.length = 0;
	ref = rig_spawn(0, wait_again, &w);
	rig_step(0);
	heph_signals_post(&rig.workers[0]->thread, 10, 3);
	assert_int_equal(heph_try_send(ref, { .n = 7 }), 0);
	rig_step(0);
	/* the signal came first, and both are there when the actor runs */
	assert_int_equal(w.done, 2);
	assert_int_equal(w.results[0], MSG);
	assert_int_equal(w.got[0], 7);
	assert_int_equal(w.results[1], SIGNAL);
	assert_int_equal(w.counts[1], 3);
	heph_stop(ref);
	rig_settle();
	assert_int_equal(w.done, 4);
	assert_int_equal(w.results[2], -ECANCELED);
	assert_int_equal(taken[10], 0);
	rig_close();
}

static void waits_until_a_time(void **state)
{
	struct waiter w = { .length = 2 * HEPH_MSEC, .n = 3 };

	(void)state;
	setup();
	rig_spawn(0, wait_again, &w);
	rig_settle();
	assert_int_equal(w.done, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(w.results[i], TIME);
	rig_close();
}

static void tells_a_deadline_from_a_time(void **state)
{
	struct waiter w = { .length = 1000 * HEPH_SEC,
			    .within = HEPH_MSEC,
			    .n = 1 };

	(void)state;
	setup();
	rig_spawn(0, wait_again, &w);
	rig_settle();
	assert_int_equal(w.results[0], -ETIME);
	w = (struct waiter){ .length = HEPH_MSEC,
			     .within = 1000 * HEPH_SEC,
			     .n = 1 };
	rig_spawn(0, wait_again, &w);
	rig_settle();
	assert_int_equal(w.results[0], TIME);
	w = (struct waiter){ .within = HEPH_MSEC, .n = 1 };
	rig_spawn(0, wait_again, &w);
	rig_settle();
	assert_int_equal(w.results[0], -ETIME);
	rig_close();
}

static int need_not_wait(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	heph_ctx late = heph_within(ctx, -HEPH_SEC);

	(void)arg;
	must(heph_send(ctx, heph_self(in), { .n = 1 }) == 0);
	must(heph_wait(late, heph_on_msg(in, &msg)) == 0);
	must(heph_wait(late, heph_on_msg(in, &msg)) == -ETIME);
	must(heph_wait(late, heph_on_msg(in, &msg), heph_on_time(heph_now())) ==
	     1);
	must(heph_wait(ctx, heph_on_time(INT64_MIN)) == 0);
	must(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_time(HEPH_NEVER)) ==
	     -ETIME);
	return 0;
}

static void does_not_wait_for_what_is_there(void **state)
{
	(void)state;
	setup();
	rig_spawn(0, need_not_wait, NULL);
	rig_settle();
	rig_close();
}

static int wrong_clauses(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_on many[65];

	(void)in, (void)arg;
	must(heph_raw_wait(ctx, NULL, 0) == -EINVAL);
	must(heph_wait(ctx, [3] = { 0 }) == -EINVAL);
	must(heph_wait(ctx, heph_on_signal(0, NULL)) == -EINVAL);
	must(heph_wait(ctx, heph_on_signal(-1, NULL)) == -EINVAL);
	must(heph_wait(ctx, heph_on_signal(65, NULL)) == -EINVAL);
	must(heph_wait(ctx, heph_on_signal(SIGKILL, NULL)) == -EINVAL);
	must(heph_wait(ctx, heph_on_readable((heph_fd){ 0 })) == -EBADF);
	must(heph_wait(ctx, heph_on_time(HEPH_NEVER),
		       heph_on_writable((heph_fd){ 1, 1 })) == -EBADF);
	for (int i = 0; i < 65; i++)
		many[i] = heph_on_time(0);
	must(heph_raw_wait(ctx, many, 65) == -EINVAL);
	must(heph_raw_wait(ctx, many, 64) == 0);
	return 0;
}

static void refuses_wrong_clauses(void **state)
{
	(void)state;
	setup();
	rig_spawn(0, wrong_clauses, NULL);
	rig_settle();
	rig_close();
}

static void keeps_signals_until_they_are_asked_for(void **state)
{
	struct waiter w = { .signal = 10, .n = 1 };
	struct waiter other = { .signal = 10, .n = 1 };
	act_ref ref;

	(void)state;
	setup();
	rig_spawn(0, wait_again, &w);
	ref = rig_spawn(0, wait_again, &other);
	rig_step(0);
	assert_int_equal(taken[10], 2);
	heph_signals_post(&rig.workers[0]->thread, 12, 1); /* not theirs */
	rig_step(0);
	assert_int_equal(w.done + other.done, 0);
	heph_signals_post(&rig.workers[0]->thread, 10, 2);
	heph_signals_post(&rig.workers[0]->thread, 10, 2);
	rig_step(0);
	assert_int_equal(w.counts[0], 4);
	assert_int_equal(other.counts[0], 4);
	assert_false(heph_alive(ref));
	assert_int_equal(taken[10], 0);
	rig_close();
}

static void survives_every_refused_allocation(void **state)
{
	bool refused;
	long n = 0;

	(void)state;
	do {
		struct waiter w = { .length = HEPH_MSEC,
				    .signal = 10,
				    .within = 1000 * HEPH_SEC,
				    .n = 1 };

		setup();
		rig_spawn(0, wait_again, &w);
		rig_refuse(++n);
		rig_settle();
		refused = rig_refused();
		assert_int_equal(w.results[0], refused ? -ENOMEM : TIME);
		assert_int_equal(taken[10], 0);
		rig_close();
	} while (refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_first_of_the_list),
		cmocka_unit_test(waits_until_a_time),
		cmocka_unit_test(tells_a_deadline_from_a_time),
		cmocka_unit_test(does_not_wait_for_what_is_there),
		cmocka_unit_test(refuses_wrong_clauses),
		cmocka_unit_test(keeps_signals_until_they_are_asked_for),
		cmocka_unit_test(survives_every_refused_allocation),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
