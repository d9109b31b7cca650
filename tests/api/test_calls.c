/* SPDX-License-Identifier: MIT */
/* heph_call(), heph_answer(): every outcome, from actors and from threads. */
#include "act.h"

#include <pthread.h>

/* Takes one message and ends without an answer. */
static int end_owing(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	must_be(heph_recv(ctx, in, &msg), 0);
	return 0;
}

static int panic_owing(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_panic(ctx, "owing");
}

/* Fails with what it took, and answers when it runs again. */
static int restart_owing(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	_Atomic int *runs = arg;

	if ((*runs)++)
		return answer_all(ctx, in, NULL);
	must_be(heph_recv(ctx, in, &msg), 0);
	return -EIO;
}

static enum heph_verdict restart(const struct heph_exit *why,
				 struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

/* Keeps the first, answers it after the second: in vain. */
static int answer_late(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg first, second;

	(void)arg;
	must_be(heph_recv(ctx, in, &first), 0);
	must(heph_reply_wanted(first.answer));
	must_be(heph_recv(ctx, in, &second), 0);
	must(!heph_reply_wanted(first.answer));
	must_be(heph_answer(first.answer, 1), -EPIPE);
	must_be(heph_answer(second.answer, 2), 0);
	must_be(heph_answer(second.answer, 3), -EPIPE);
	return 0;
}

static int call(heph_ctx ctx, act_ref to, long *ret)
{
	return heph_call(ctx, to, answer, ret, { .n = 1, .asks = true });
}

/* All that a call can come to, with the callee on that worker. */
static void all_outcomes(heph_ctx ctx, int on)
{
	heph_ctx soon;
	static _Atomic int runs;
	struct heph_stats before = heph_stats(ctx);
	act_ref to;
	long n;

	runs = 0;
	to = spawn_on(ctx, on, answer_all, NULL);
	for (int i = 0; i < 100; i++) {
		n = 0;
		must_be(call(ctx, to, &n), 0);
		must_be(n, 2);
	}
	stop_and_join(ctx, to);
	n = 77;
	must_be(call(ctx, to, &n), -ESRCH);

	to = spawn_on(ctx, on, end_owing, NULL);
	must_be(call(ctx, to, &n), -EPIPE);
	to = spawn_on(ctx, on, panic_owing, NULL);
	must_be(call(ctx, to, &n), -EPIPE);

	must_be(heph_spawn(ctx, act, &to,
			   { restart_owing, (void *)(uintptr_t)&runs },
			   .on = on, .decide = restart),
		0);
	must_be(call(ctx, to, &n), -EPIPE);
	must_be(n, 77); /* untouched by failures */
	must_be(call(ctx, to, &n), 0);
	stop_and_join(ctx, to);

	to = spawn_on(ctx, on, answer_late, NULL);
	soon = heph_within(ctx, HEPH_MSEC);
	must_be(call(soon, to, &n), -ETIME);
	must_be(call(ctx, to, &n), 0);
	must_be(n, 2);
	must_be(heph_join(ctx, to, NULL), 0);
	must_be(heph_stats(ctx).late_answers - before.late_answers, 2);
}

/* Who calls an actor that reads nothing and is stopped meanwhile. */
static int call_idle(heph_ctx ctx, act_inbox in, void *arg)
{
	long n;

	(void)in;
	must_be(call(ctx, *(act_ref *)arg, &n), -EPIPE);
	return 0;
}

static int from_an_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref to;
	act_ref caller;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		all_outcomes(ctx, HEPH_WORKER(i % 2));
		to = spawn_on(ctx, HEPH_WORKER(i % 2), idle, NULL);
		caller = spawn_on(ctx, HEPH_WORKER(i / 2), call_idle, &to);
		while (!heph_stats(ctx).messages)
			must_be(heph_yield(ctx), 0);
		stop_and_join(ctx, to);
		must_be(heph_join(ctx, caller, NULL), 0);
	}
	return 0;
}

static void end_in_all_ways(void **state)
{
	(void)state;
	run(from_an_actor, NULL);
}

static void end_in_all_ways_for_threads(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	all_outcomes(ctx, HEPH_WORKER(0));
	all_outcomes(ctx, HEPH_WORKER(1));
	end(ctx);
}

/* ---- the answerer -------------------------------------------------------------------- */

static _Atomic bool is_kept;

static int keep_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg *kept = arg;

	must_be(heph_recv(ctx, in, kept), 0);
	is_kept = true;
	return idle(ctx, in, NULL);
}

static int call_and_count(heph_ctx ctx, act_inbox in, void *arg)
{
	struct {
		act_ref to;
		long n;
		int err;
		_Atomic bool done;
	} *it = arg;

	(void)in;
	it->err = call(ctx, it->to, &it->n);
	it->done = true;
	return 0;
}

static void *answer_elsewhere(void *arg)
{
	const struct act_msg *msg = arg;

	must_be(heph_answer(msg->answer, 42), 0);
	must_be(heph_answer(msg->answer, 43), -EPIPE);
	return NULL;
}

static void may_be_answered_by_any_thread(void **state)
{
	static struct {
		act_ref to;
		long n;
		int err;
		_Atomic bool done;
	} it;
	static struct act_msg kept;
	heph_ctx ctx = begin(&two_workers);
	pthread_t thread;
	act_ref caller;

	(void)state;
	is_kept = false;
	it.to = spawn_on(ctx, HEPH_WORKER(0), keep_one, &kept);
	caller = spawn_on(ctx, HEPH_WORKER(1), call_and_count, &it);
	while (!is_kept)
		sched_yield();
	must_be(pthread_create(&thread, NULL, answer_elsewhere, &kept), 0);
	pthread_join(thread, NULL);
	must_be(heph_join(ctx, caller, NULL), 0);
	must_be(it.n, 42);
	must_be(it.err, 0);
	stop_and_join(ctx, it.to);
	end(ctx);
}

/* Passes calls on: who has the message may answer. */
static int pass_on(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	struct act_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		must_be(heph_raw_send(ctx, to->addr, &msg, sizeof(msg)), 0);
	return 0;
}

static int call_by_way_of(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref last;
	act_ref middle;
	long n;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		last = spawn_on(ctx, HEPH_WORKER(i % 2), answer_all, NULL);
		middle = spawn_on(ctx, HEPH_WORKER(i / 2), pass_on, &last);
		for (int k = 0; k < 50; k++) {
			must_be(call(ctx, middle, &n), 0);
			must_be(n, 2);
		}
		stop_and_join(ctx, middle);
		stop_and_join(ctx, last);
	}
	return 0;
}

static void may_be_passed_on(void **state)
{
	(void)state;
	run(call_by_way_of, NULL);
}

/* ---- large answers ---------------------------------------------------------------------- */

struct table {
	long rows[500];
};
struct table_msg {
	long first;
	HEPH_REPLY(struct table) rows;
};
HEPH_ACTOR(table, struct table_msg, void);

static int table_main(heph_ctx ctx, table_inbox in)
{
	struct table_msg msg;
	struct table table;

	while (heph_recv(ctx, in, &msg) == 0) {
		for (int i = 0; i < 500; i++)
			table.rows[i] = msg.first + i;
		heph_answer(msg.rows, table);
	}
	return 0;
}
HEPH_ACTOR_MAIN(table, table_main);

static void ask_for_tables(heph_ctx ctx, int on)
{
	struct table table;
	table_ref to;

	must_be(heph_spawn(ctx, table, &to, .on = on), 0);
	for (long n = 0; n < 100; n++) {
		memset(&table, 0, sizeof(table));
		must_be(heph_call(ctx, to, rows, &table, { .first = n }), 0);
		must_be(table.rows[0], n);
		must_be(table.rows[499], n + 499);
	}
	heph_stop(to);
	must_be(heph_join(ctx, to, NULL), 0);
}

static int ask_both(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	ask_for_tables(ctx, HEPH_WORKER(0));
	ask_for_tables(ctx, HEPH_WORKER(1));
	return 0;
}

static void may_be_answered_at_length(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(ask_both, NULL);
	ctx = begin(&two_workers);
	ask_for_tables(ctx, HEPH_HERE);
	end(ctx);
}

/* ---- stops --------------------------------------------------------------------------------- */

static int call_until_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	long n;

	(void)in;
	must_be(call(ctx, *(act_ref *)arg, &n), -ECANCELED);
	must_be(call(heph_shield(ctx, HEPH_MSEC), *(act_ref *)arg, &n), -ETIME);
	return 0;
}

static int stop_callers(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref to;
	act_ref callers[10];

	(void)in, (void)arg;
	to = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	for (int i = 0; i < 10; i++)
		callers[i] = spawn_on(ctx, HEPH_WORKER(i % 2),
				      call_until_stopped, &to);
	for (int i = 0; i < 10; i++)
		stop_and_join(ctx, callers[i]);
	stop_and_join(ctx, to);
	return 0;
}

static void end_with_a_stop(void **state)
{
	(void)state;
	run(stop_callers, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_in_all_ways),
		cmocka_unit_test(end_in_all_ways_for_threads),
		cmocka_unit_test(may_be_answered_by_any_thread),
		cmocka_unit_test(may_be_passed_on),
		cmocka_unit_test(may_be_answered_at_length),
		cmocka_unit_test(end_with_a_stop),
	};

	return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
