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
	must_be(heph_recv(ctx, in, &second), 0);
	must(heph_reply_wanted(second.answer));
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

/* ---- forwarding -------------------------------------------------------------------------- */

/* Forwards one call to each of two actors, if they are there, and ends. */
static int forward_and_end(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	struct act_msg msg;

	for (int i = 0; i < 2; i++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(heph_forward(ctx, to[i], answer, msg.answer,
				     { .n = msg.n + 10, .asks = true }),
			0);
		must(heph_reply_wanted(msg.answer));
	}
	return 0;
}

/* Gets a call and another message, in whichever order, then ends as `arg` says:
 * after an answer, or without one. */
static int hold_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msgs[2], *held;

	must_be(heph_recv(ctx, in, &msgs[0]), 0);
	must_be(heph_recv(ctx, in, &msgs[1]), 0);
	held = msgs[0].asks ? &msgs[0] : &msgs[1];
	if (arg)
		must_be(heph_answer(held->answer, held->n), 0);
	return 0;
}

static int forward_calls(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref to[2];
	HEPH_PENDING(long) calls[2];
	act_ref middle;
	long n;

	(void)in, (void)arg;
	for (int i = 0; i < 8; i++) {
		to[0] = spawn_on(ctx, HEPH_WORKER(i % 2), hold_one, to);
		to[1] = spawn_on(ctx, HEPH_WORKER(i / 4), hold_one, NULL);
		middle = spawn_on(ctx, HEPH_WORKER(i / 2 % 2), forward_and_end,
				  to);
		for (int k = 0; k < 2; k++)
			must_be(heph_start_call(ctx, middle, answer, &calls[k],
						{ .n = k, .asks = true }),
				0);
		must_be(heph_join(ctx, middle, NULL), 0);
		must_be(heph_wait(heph_until(ctx, 1),
				  [0] = heph_on_answer(calls[0]),
				  [1] = heph_on_answer(calls[1])),
			-ETIME);
		for (int k = 0; k < 2; k++)
			must_be(heph_send(ctx, to[k], { .n = 0 }), 0);
		must_be(heph_await(ctx, &calls[0], &n), 0);
		must_be(n, 10);
		must_be(heph_await(ctx, &calls[1], &n), -EPIPE);
		for (int k = 0; k < 2; k++)
			must_be(heph_join(ctx, to[k], NULL), 0);
	}
	return 0;
}

static void are_owed_by_whom_they_were_forwarded_to(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(forward_calls, NULL);
	ctx = begin(&two_workers);
	must_be(forward_calls(ctx, (act_inbox){ .inbox = NULL }, NULL), 0);
	end(ctx);
}

/* Receives two calls, forwards the first in vain, ends. */
static int forward_in_vain(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref gone = *(act_ref *)arg, self = heph_self(in);
	struct act_msg first, second;

	must_be(heph_recv(ctx, in, &first), 0);
	must_be(heph_recv(ctx, in, &second), 0);
	must_be(heph_forward(ctx, gone, answer, first.answer, { .n = 1 }),
		-ESRCH);
	must_be(heph_send(ctx, self, { .n = 1 }), 0);
	must_be(heph_send(ctx, self, { .n = 2 }), 0);
	must_be(heph_forward(ctx, self, answer, first.answer, { .n = 1 }),
		-EDEADLK);
	must(heph_reply_wanted(first.answer));
	return 0;
}

static int call_in_vain(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref gone;
	HEPH_PENDING(long) calls[2];
	act_ref to;
	long n;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		gone = spawn_on(ctx, HEPH_WORKER(i % 2), idle, NULL);
		stop_and_join(ctx, gone);
		must_be(heph_spawn(ctx, act, &to, { forward_in_vain, &gone },
				   .on = HEPH_WORKER(i / 2), .inbox = 2),
			0);
		for (int k = 0; k < 2; k++)
			must_be(heph_start_call(ctx, to, answer, &calls[k],
						{ .n = k, .asks = true }),
				0);
		for (int k = 0; k < 2; k++)
			must_be(heph_await(ctx, &calls[k], &n), -EPIPE);
		must_be(heph_join(ctx, to, NULL), 0);
	}
	return 0;
}

static void are_still_owed_when_forwarding_failed(void **state)
{
	(void)state;
	run(call_in_vain, NULL);
}

/* ---- deadlines that go along -------------------------------------------------------------- */

/* Answers with the deadline that it finds; passes some on before. */
static int tell_deadline(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *next = arg;
	struct act_msg msg;
	heph_ctx its;
	long answer;

	while (heph_recv(ctx, in, &msg) == 0) {
		its = heph_for_caller(ctx, msg.answer);
		answer = heph_deadline(its);
		if (next)
			must_be(heph_call(heph_within(its, msg.n * HEPH_SEC),
					  *next, answer, &answer,
					  { .n = 0, .asks = true }),
				0);
		if (msg.asks)
			heph_answer(msg.answer, answer);
		else
			must_be(heph_deadline(its), HEPH_NEVER);
	}
	return 0;
}

static long deadline_at(heph_ctx ctx, act_ref to, long n)
{
	long deadline;

	must_be(heph_call(ctx, to, answer, &deadline, { .n = n, .asks = true }),
		0);
	return deadline;
}

static int carry_deadlines(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref last;
	heph_time now = heph_now() & ~(heph_time)1, within;
	act_ref first;

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		last = spawn_on(ctx, HEPH_WORKER(i % 2), tell_deadline, NULL);
		first = spawn_on(ctx, HEPH_WORKER(i / 2), tell_deadline, &last);
		must_be(deadline_at(ctx, last, 0), HEPH_NEVER);
		within = now + 100 * HEPH_SEC;
		must_be(deadline_at(heph_until(ctx, within), last, 0), within);
		must_be(deadline_at(heph_until(ctx, within), first, 1000),
			within);
		must(deadline_at(heph_until(ctx, within), first, 50) < within);
		must(deadline_at(ctx, first, 50) < within);
		must_be(heph_send(ctx, last, { .n = 0 }), 0);
		must_be(deadline_at(ctx, last, 0), HEPH_NEVER);
		stop_and_join(ctx, first);
		stop_and_join(ctx, last);
	}
	return 0;
}

static void carry_their_deadlines(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(carry_deadlines, NULL);
	ctx = begin(&two_workers);
	must_be(carry_deadlines(ctx, (act_inbox){ .inbox = NULL }, NULL), 0);
	end(ctx);
}

/* Waits as long as its caller does, and a little longer. */
static int wait_as_long(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	heph_ctx its;

	(void)arg;
	must_be(heph_recv(ctx, in, &msg), 0);
	its = heph_for_caller(ctx, msg.answer);
	must_be(heph_sleep(its, HEPH_NEVER), -ETIME);
	must(heph_now() >= heph_deadline(its));
	while (heph_reply_wanted(msg.answer))
		must_be(heph_yield(ctx), 0);
	must_be(heph_deadline(heph_for_caller(ctx, msg.answer)), 0);
	must_be(heph_sleep(heph_for_caller(ctx, msg.answer), HEPH_SEC), -ETIME);
	must_be(heph_answer(msg.answer, 1), -EPIPE);
	return 0;
}

static int call_shortly(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to;
	long n;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		to = spawn_on(ctx, on, wait_as_long, NULL);
		must_be(call(heph_within(ctx, HEPH_MSEC), to, &n), -ETIME);
		must_be(heph_join(ctx, to, NULL), 0);
	}
	return 0;
}

static void end_together_with_the_patience_of_the_caller(void **state)
{
	(void)state;
	run(call_shortly, NULL);
}

/* ---- what is told of a failure ------------------------------------------------------------- */

static struct heph_call_failure failure_of(heph_ctx ctx, int err, act_ref to)
{
	struct heph_call_failure failure = heph_call_error(ctx);

	must_be(failure.err, err);
	must(heph_same(failure.target, to));
	must(strcmp(failure.member, "answer") == 0);
	must(failure.waited < 0 ||
	     failure.waited == failure.inbox + failure.processing);
	return failure;
}

static int name_failures(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ctx soon;
	struct heph_call_failure failure;
	heph_time began;
	char text[200];
	act_ref to;
	long n;

	(void)in, (void)arg;
	must_be(heph_call_error(ctx).err, 0);
	must_be(heph_call_error(ctx).waited, -1);
	for (int on = 1; on <= 2; on++) {
		to = spawn_on(ctx, on, idle, NULL);
		began = heph_now();
		soon = heph_within(ctx, 2 * HEPH_MSEC);
		must_be(call(soon, to, &n), -ETIME); /* never received */
		failure = failure_of(ctx, -ETIME, to);
		must(strcmp(failure.name, "act") == 0);
		must(failure.waited >= 0 &&
		     failure.waited <= heph_now() - began);
		must_be(failure.processing, 0);
		heph_stop(to);
		must_be(heph_join(ctx, to, NULL), 0);
		must_be(call(ctx, to, &n), -ESRCH);
		must_be(failure_of(ctx, -ESRCH, to).waited, -1);
		failure = failure_of(ctx, -ESRCH, to);
		heph_call_error_text(&failure, text, sizeof(text));
		must(strcmp(text, "call act.answer: there is no such actor") ==
		     0);
		for (heph_time length = HEPH_MSEC;; length *= 2) {
			to = spawn_on(ctx, on, wait_as_long, NULL);
			soon = heph_within(ctx, length);
			must_be(call(soon, to, &n), -ETIME);
			failure = failure_of(ctx, -ETIME, to);
			must_be(heph_join(ctx, to, NULL), 0);
			if (failure.processing > 0)
				break; /* it was received in time */
		}
		to = spawn_on(ctx, on, end_owing, NULL);
		must_be(call(ctx, to, &n), -EPIPE);
		must_be(failure_of(ctx, -EPIPE, to).inbox, -1);
	}
	return 0;
}

static void that_fail_are_named(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(name_failures, NULL);
	ctx = begin(&two_workers);
	must_be(name_failures(ctx, (act_inbox){ .inbox = NULL }, NULL), 0);
	end(ctx);
}

static int call_itself(heph_ctx ctx, act_inbox in, void *arg)
{
	long n;

	(void)arg;
	must_be(call(ctx, heph_self(in), &n), -EDEADLK);
	must_be(failure_of(ctx, -EDEADLK, heph_self(in)).waited, -1);
	must_be(call(ctx, (act_ref){ .addr = { 0 } }, &n), -ESRCH);
	must(strcmp(heph_call_error(ctx).name, "nobody") == 0);
	heph_stop(heph_self(in));
	must_be(call(ctx, heph_self(in), &n), -ECANCELED);
	must_be(failure_of(ctx, -ECANCELED, heph_self(in)).waited, -1);
	return 0;
}

static void to_oneself_fail(void **state)
{
	(void)state;
	run(call_itself, NULL);
}

/* Refuses each call with the error in its message; tries what is none first. */
static int refuse_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0) {
		must_be(heph_refuse(msg.answer, 0), -EINVAL);
		must_be(heph_refuse(msg.answer, 1), -EINVAL);
		must_be(heph_refuse(msg.answer, -4096), -EINVAL);
		must(heph_reply_wanted(msg.answer));
		must_be(heph_refuse(msg.answer, (int)msg.n), 0);
		must_be(heph_refuse(msg.answer, -EIO), -EPIPE);
		must_be(heph_answer(msg.answer, 1), -EPIPE);
	}
	return 0;
}

/* Refuses the first too late, ends owing the last. */
static int refuse_late(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg first, second;

	(void)arg;
	must_be(heph_recv(ctx, in, &first), 0);
	must_be(heph_recv(ctx, in, &second), 0);
	must_be(heph_refuse(first.answer, -EIO), -EPIPE);
	must_be(heph_refuse(second.answer, -EIO), 0);
	must_be(heph_recv(ctx, in, &second), 0);
	return 0;
}

static void be_refused(heph_ctx ctx, int on)
{
	static const int errors[] = { -EACCES, -EPIPE,     -ETIME, -ESRCH,
				      -ECANCELED, -EINVAL, -1,     -4095 };
	struct heph_stats before = heph_stats(ctx);
	heph_ctx soon = heph_within(ctx, HEPH_MSEC);
	act_ref to = spawn_on(ctx, on, refuse_all, NULL);
	struct heph_call_failure failure;
	long n = 77;

	for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		must_be(heph_call(ctx, to, answer, &n, { .n = errors[i] }),
			errors[i]);
		failure = heph_call_error(ctx);
		must_be(failure.err, errors[i]);
		must(failure.refused);
		must(heph_same(failure.target, to));
	}
	must_be(n, 77);
	stop_and_join(ctx, to);
	must_be(call(ctx, to, &n), -ESRCH);
	must(!heph_call_error(ctx).refused);
	must_be(heph_stats(ctx).late_answers - before.late_answers, 16);

	to = spawn_on(ctx, on, refuse_late, NULL);
	must_be(call(soon, to, &n), -ETIME);
	must(!heph_call_error(ctx).refused);
	must_be(call(heph_within(ctx, 60 * HEPH_SEC), to, &n), -EIO);
	failure = heph_call_error(ctx);
	must(failure.refused && failure.waited >= 0);
	must_be(call(ctx, to, &n), -EPIPE);
	must(!heph_call_error(ctx).refused);
	must_be(heph_join(ctx, to, NULL), 0);
	must_be(heph_stats(ctx).late_answers - before.late_answers, 17);
}

static int refusals(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	be_refused(ctx, HEPH_WORKER(0));
	be_refused(ctx, HEPH_WORKER(1));
	return 0;
}

static void may_be_refused(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(refusals, NULL);
	ctx = begin(&two_workers);
	be_refused(ctx, HEPH_WORKER(0));
	end(ctx);
}

static void *refuse_elsewhere(void *arg)
{
	struct act_msg *msg = arg;

	must_be(heph_refuse(msg->answer, -EDOM), 0);
	must_be(heph_refuse(msg->answer, -EDOM), -EPIPE);
	return NULL;
}

/* Lets a plain thread refuse. */
static int refuse_by_thread(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct act_msg msg;
	pthread_t thread;

	(void)arg;
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(pthread_create(&thread, NULL, refuse_elsewhere, &msg), 0);
	must_be(pthread_join(thread, NULL), 0);
	return 0;
}

static int be_refused_by_a_thread(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t late = heph_stats(ctx).late_answers;
	long n;
	act_ref to = spawn_on(ctx, HEPH_WORKER(0), refuse_by_thread, NULL);

	(void)in, (void)arg;
	must_be(call(ctx, to, &n), -EDOM);
	must_be(heph_join(ctx, to, NULL), 0);
	must_be(heph_stats(ctx).late_answers - late, 1); /* of a stranger */
	return 0;
}

static void may_be_refused_by_any_thread(void **state)
{
	(void)state;
	run(be_refused_by_a_thread, NULL);
}

static void check_text(struct heph_call_failure failure, const char *wanted)
{
	char text[200];
	int n = heph_call_error_text(&failure, text, sizeof(text));

	assert_string_equal(text, wanted);
	assert_int_equal(n, strlen(wanted));
	assert_int_equal(heph_call_error_text(&failure, text, 5), n);
	assert_int_equal(strlen(text), 4);
}

static void that_failed_can_be_read(void **state)
{
	struct heph_call_failure failure = { .err = -ETIME,
					     .name = "counter",
					     .member = "total",
					     .waited = HEPH_SEC,
					     .inbox = 200 * HEPH_MSEC,
					     .processing = 800 * HEPH_MSEC };

	(void)state;
	check_text(failure, "call counter.total: no answer within 1.000 s: "
			    "0.200 s in its inbox, 0.800 s in processing");
	failure.err = -EPIPE;
	check_text(failure, "call counter.total: nobody can answer it any more "
			    "after 1.000 s: 0.200 s in its inbox, 0.800 s in "
			    "processing");
	failure.waited = -1;
	failure.member = NULL;
	check_text(failure, "call counter.?: nobody can answer it any more");
	failure.err = -ECANCELED;
	check_text(failure, "call counter.?: given up to stop");
	failure.err = -EDEADLK;
	check_text(failure, "call counter.?: would wait for itself");
	failure.err = -ENOMEM;
	check_text(failure, "call counter.?: Cannot allocate memory");
	failure.err = 0;
	check_text(failure, "call counter.?: has not failed");
}

static void that_were_refused_can_be_read(void **state)
{
	struct heph_call_failure failure = { .err = -EACCES,
					     .refused = true,
					     .name = "counter",
					     .member = "total",
					     .waited = -1 };

	(void)state;
	check_text(failure, "call counter.total: refused: Permission denied");
	failure.err = -ESRCH;
	check_text(failure,
		   "call counter.total: refused: there is no such actor");
	failure.err = -ETIME;
	check_text(failure, "call counter.total: refused: no answer in time");
	failure.waited = HEPH_SEC;
	failure.inbox = 0;
	failure.processing = HEPH_SEC;
	check_text(failure, "call counter.total: refused: no answer in time "
			    "after 1.000 s: 0.000 s in its inbox, 1.000 s in "
			    "processing");
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
		cmocka_unit_test(are_owed_by_whom_they_were_forwarded_to),
		cmocka_unit_test(are_still_owed_when_forwarding_failed),
		cmocka_unit_test(carry_their_deadlines),
		cmocka_unit_test(end_together_with_the_patience_of_the_caller),
		cmocka_unit_test(that_fail_are_named),
		cmocka_unit_test(to_oneself_fail),
		cmocka_unit_test(may_be_refused),
		cmocka_unit_test(may_be_refused_by_any_thread),
		cmocka_unit_test(that_failed_can_be_read),
		cmocka_unit_test(that_were_refused_can_be_read),
	};

	return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
