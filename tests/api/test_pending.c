/* SPDX-License-Identifier: MIT */
/* Calls that are started, and awaited later, or never. */
#include "act.h"

#include <pthread.h>

enum { MANY = 100 };

typedef HEPH_PENDING(long) pending;

static _Atomic int kept, refused;

/* Keeps calls until it gets something else, then answers all of them. */
static int keep_until_told(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg *msgs = heph_alloc(ctx, MANY * sizeof(*msgs)), msg;
	int n = 0;

	(void)arg;
	must(msgs);
	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.asks) {
			msgs[n++] = msg;
			kept++;
			continue;
		}
		while (n-- > 0)
			if (heph_answer(msgs[n].answer, msgs[n].n + 1) < 0)
				refused++;
		n = 0;
	}
	return 0;
}

static int start(heph_ctx ctx, act_ref to, pending *call, long n)
{
	return heph_start_call(ctx, to, answer, call, { .n = n, .asks = true });
}

static void tell(heph_ctx ctx, act_ref to)
{
	must_be(heph_send(ctx, to, { .n = 0 }), 0);
}

static void await_count(heph_ctx ctx, _Atomic int *count, int n)
{
	while (*count < n)
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
	must_be(*count, n);
}

static void both_ways(act_fn *fn)
{
	heph_ctx ctx = begin(&two_workers);

	kept = refused = 0;
	must_be(fn(ctx, (act_inbox){ .inbox = NULL }, NULL), 0); /* a thread */
	end(ctx);
	kept = refused = 0;
	run(fn, NULL);
}

static int many(heph_ctx ctx, act_inbox in, void *arg)
{
	pending calls[MANY];
	act_ref to[2];
	long n;

	(void)in, (void)arg;
	to[0] = spawn_on(ctx, HEPH_WORKER(0), keep_until_told, NULL);
	to[1] = spawn_on(ctx, HEPH_WORKER(1), keep_until_told, NULL);
	for (int i = 0; i < MANY; i++)
		must_be(start(ctx, to[i % 2], &calls[i], i), 0);
	tell(ctx, to[0]);
	tell(ctx, to[1]);
	for (int i = MANY; i-- > 0;) {
		must_be(heph_await(ctx, &calls[i], &n), 0);
		must_be(n, i + 1);
		must_be(calls[i].raw.call, 0);
		must_be(heph_await(ctx, &calls[i], &n), -EINVAL);
	}
	stop_and_join(ctx, to[0]);
	stop_and_join(ctx, to[1]);
	return 0;
}

static void are_awaited_in_any_order(void **state)
{
	(void)state;
	both_ways(many);
}

static int again(heph_ctx ctx, act_inbox in, void *arg)
{
	pending call;
	act_ref to;
	long n;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		n = 5;
		to = spawn_on(ctx, on, keep_until_told, NULL);
		must_be(start(ctx, to, &call, 1), 0);
		must_be(heph_await(heph_within(ctx, HEPH_MSEC), &call, &n),
			-ETIME);
		must_be(n, 5);
		must_be(heph_await(heph_until(ctx, 1), &call, &n), -ETIME);
		tell(ctx, to);
		must_be(heph_await(ctx, &call, &n), 0);
		must_be(n, 2);
		stop_and_join(ctx, to);
	}
	return 0;
}

static void go_on_after_a_deadline(void **state)
{
	(void)state;
	both_ways(again);
}

static int end_owing(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	return heph_recv(ctx, in, &msg);
}

static int fail_all_ways(heph_ctx ctx, act_inbox in, void *arg)
{
	pending call;
	act_ref to;
	long n = 5;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		to = spawn_on(ctx, on, end_owing, NULL);
		must_be(start(ctx, to, &call, 1), 0);
		must_be(heph_await(ctx, &call, &n), -EPIPE);
		must_be(call.raw.call, 0);
		must_be(heph_join(ctx, to, NULL), 0);
		call.raw.call = 1;
		must_be(start(ctx, to, &call, 1), -ESRCH);
		must_be(call.raw.call, 0);
		to = spawn_on(ctx, on, idle, NULL);
		must_be(start(ctx, to, &call, 1), 0);
		heph_stop(to);
		must_be(heph_await(ctx, &call, &n), -EPIPE);
		must_be(n, 5);
		must_be(heph_call_error(ctx).err, -EPIPE);
		must(heph_same(heph_call_error(ctx).target, to));
	}
	return 0;
}

static void fail_by_name(void **state)
{
	(void)state;
	both_ways(fail_all_ways);
}

/* Refuses all that come, with what they say. */
static int refuse_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		must_be(heph_refuse(msg.answer, (int)msg.n), 0);
	return 0;
}

/* A refusal ends a started call, whichever error it names. */
static int be_refused(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int errors[] = { -EACCES, -ETIME, -ECANCELED };
	pending call;
	act_ref to;
	long n = 5;

	(void)in, (void)arg;
	for (int i = 0; i < 6; i++) {
		to = spawn_on(ctx, HEPH_WORKER(i % 2), refuse_all, NULL);
		must_be(start(ctx, to, &call, errors[i / 2]), 0);
		must_be(heph_wait(ctx, [0] = heph_on_answer(call)), 0);
		must_be(heph_await(ctx, &call, &n), errors[i / 2]);
		must(call.raw.call == 0);
		must_be(n, 5);
		must(heph_call_error(ctx).refused);
		must_be(heph_await(ctx, &call, &n), -EINVAL);
		stop_and_join(ctx, to);
	}
	return 0;
}

static void may_be_refused(void **state)
{
	(void)state;
	both_ways(be_refused);
}

static int wait_for_any(heph_ctx ctx, act_inbox in, void *arg)
{
	pending calls[3], none = { .raw = { 0, 0, 0 } }, stale;
	act_ref to[2];
	long n;

	(void)in, (void)arg;
	to[0] = spawn_on(ctx, HEPH_WORKER(0), keep_until_told, NULL);
	to[1] = spawn_on(ctx, HEPH_WORKER(1), keep_until_told, NULL);
	for (int i = 0; i < 2; i++)
		must_be(start(ctx, to[i], &calls[i], i), 0);
	must_be(heph_wait(ctx, [0] = heph_on_answer(calls[0]),
			  [1] = heph_on_answer(calls[1]),
			  [2] = heph_on_time(heph_now() + HEPH_MSEC)),
		2);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), [0] = heph_on_answer(
							       calls[0])),
		-ETIME);
	tell(ctx, to[1]);
	must_be(heph_wait(ctx, [0] = heph_on_answer(none),
			  [1] = heph_on_answer(calls[0]),
			  [2] = heph_on_answer(calls[1])),
		2);
	stale = calls[1];
	must_be(heph_await(heph_until(ctx, 1), &calls[1], &n), 0);
	must_be(n, 2);
	must_be(heph_wait(ctx, [0] = heph_on_answer(calls[0]),
			  [1] = heph_on_answer(stale)),
		-EINVAL);
	must_be(heph_wait(ctx, [0] = heph_on_answer(none)), -EINVAL);
	heph_stop(to[0]); /* a failure fires as well */
	must_be(heph_wait(ctx, [0] = heph_on_answer(calls[0])), 0);
	must_be(heph_await(ctx, &calls[0], &n), -EPIPE);
	stop_and_join(ctx, to[1]);
	return 0;
}

static void are_clauses_of_a_wait(void **state)
{
	(void)state;
	both_ways(wait_for_any);
}

/* A message and an answer, whichever comes first. */
static int answer_or_message(heph_ctx ctx, act_inbox in, void *arg)
{
	enum { MSG, ANSWER };
	act_ref to = spawn_on(ctx, HEPH_WORKER(1), keep_until_told, NULL);
	struct act_msg msg;
	pending call;
	long n;

	(void)arg;
	must_be(start(ctx, to, &call, 1), 0);
	must_be(heph_send(ctx, heph_self(in), { .n = 7 }), 0);
	must_be(heph_wait(ctx, [MSG] = heph_on_msg(in, &msg),
			  [ANSWER] = heph_on_answer(call)),
		MSG);
	must_be(msg.n, 7);
	tell(ctx, to);
	must_be(heph_wait(ctx, [MSG] = heph_on_msg(in, &msg),
			  [ANSWER] = heph_on_answer(call)),
		ANSWER);
	must_be(heph_await(ctx, &call, &n), 0);
	stop_and_join(ctx, to);
	return 0;
}

static void are_waited_for_beside_messages(void **state)
{
	(void)state;
	run(answer_or_message, NULL);
}

static int forget(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t late = heph_stats(ctx).late_answers;
	pending call, copy;
	act_ref to;
	long n;

	(void)in, (void)arg;
	kept = refused = 0;
	for (int on = 1; on <= 2; on++) {
		to = spawn_on(ctx, on, keep_until_told, NULL);
		must_be(start(ctx, to, &call, 1), 0);
		copy = call;
		await_count(ctx, &kept, on);
		heph_forget_call(ctx, &call);
		must_be(call.raw.call, 0);
		must_be(heph_await(ctx, &call, &n), -EINVAL);
		must_be(heph_await(ctx, &copy, &n), -EINVAL);
		heph_forget_call(ctx, &copy); /* in vain */
		tell(ctx, to);
		await_count(ctx, &refused, on);
		stop_and_join(ctx, to);
	}
	must_be(heph_stats(ctx).late_answers - late, 2);
	for (int on = 1; on <= 2; on++) { /* when the answer is there */
		to = spawn_on(ctx, on, answer_all, NULL);
		must_be(start(ctx, to, &call, 1), 0);
		must_be(heph_wait(ctx, [0] = heph_on_answer(call)), 0);
		heph_forget_call(ctx, &call);
		stop_and_join(ctx, to);
	}
	must_be(heph_stats(ctx).late_answers - late, 4);
	return 0;
}

static void can_be_forgotten(void **state)
{
	(void)state;
	both_ways(forget);
}

/* ---- they end with their actor ------------------------------------------------ */

static act_ref keepers[2];
static pending of_another;
static _Atomic int runs;

/* Starts calls and leaves; the first time as a failure. */
static int start_and_leave(heph_ctx ctx, act_inbox in, void *arg)
{
	static pending before;
	pending calls[2];
	long n;

	(void)in, (void)arg;
	must_be(heph_await(ctx, &of_another, &n), -EINVAL);
	if (runs)
		must_be(heph_await(ctx, &before, &n), -EINVAL);
	for (int i = 0; i < 2; i++)
		must_be(start(ctx, keepers[i], &calls[i], 1), 0);
	before = calls[0];
	await_count(ctx, &kept, 2 * runs + 3);
	return runs++ ? 0 : -EIO;
}

static enum heph_verdict restart(const struct heph_exit *why,
				 struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

static int leave_calls(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;
	long n;

	(void)in, (void)arg;
	runs = 0;
	for (int i = 0; i < 2; i++)
		keepers[i] =
			spawn_on(ctx, HEPH_WORKER(i), keep_until_told, NULL);
	must_be(start(ctx, keepers[0], &of_another, 1), 0);
	must_be(heph_spawn(ctx, act, &ref, { start_and_leave, NULL },
			   .decide = restart, .on = HEPH_WORKER(0)),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(runs, 2);
	tell(ctx, keepers[0]);
	tell(ctx, keepers[1]);
	must_be(heph_await(ctx, &of_another, &n), 0);
	await_count(ctx, &refused, 4);
	stop_and_join(ctx, keepers[0]);
	stop_and_join(ctx, keepers[1]);
	return 0;
}

static void are_given_up_at_the_end_and_at_a_restart(void **state)
{
	(void)state;
	both_ways(leave_calls);
}

static int shielded(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to = *(act_ref *)arg;
	pending call;
	long n;

	(void)in;
	must_be(start(ctx, to, &call, 1), 0);
	must_be(heph_await(ctx, &call, &n), -ECANCELED);
	must_be(heph_await(ctx, &call, &n), -ECANCELED);
	must_be(heph_call_error(ctx).err, -ECANCELED);
	must_be(heph_send(heph_shield(ctx, HEPH_NEVER), to, { .n = 0 }), 0);
	must_be(heph_await(heph_shield(ctx, HEPH_NEVER), &call, &n), 0);
	must_be(n, 2);
	return 0;
}

static int stop_one(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref to;
	act_ref ref;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		kept = 0;
		to = spawn_on(ctx, HEPH_WORKER(0), keep_until_told, NULL);
		ref = spawn_on(ctx, on, shielded, &to);
		await_count(ctx, &kept, 1);
		stop_and_join(ctx, ref);
		stop_and_join(ctx, to);
	}
	return 0;
}

static void go_on_through_a_shield(void **state)
{
	(void)state;
	both_ways(stop_one);
}

/* ---- many of them -------------------------------------------------------------- */

struct block {
	long numbers[100];
};
struct block_msg {
	long first;
	HEPH_REPLY(struct block) block;
};
HEPH_ACTOR(block, struct block_msg, void);

static int block_main(heph_ctx ctx, block_inbox in)
{
	struct block_msg msg;
	struct block block;

	while (heph_recv(ctx, in, &msg) == 0) {
		for (int i = 0; i < 100; i++)
			block.numbers[i] = msg.first + i;
		heph_answer(msg.block, block);
	}
	return 0;
}
HEPH_ACTOR_MAIN(block, block_main);

/* Large answers, each second one of which is not wanted when it comes. */
static int large(heph_ctx ctx, act_inbox in, void *arg)
{
	HEPH_PENDING(struct block) calls[MANY];
	struct block block;
	block_ref to;

	(void)in, (void)arg;
	for (int on = 1; on <= 2; on++) {
		must_be(heph_spawn(ctx, block, &to, .on = on), 0);
		for (int i = 0; i < MANY; i++) {
			must_be(heph_start_call(ctx, to, block, &calls[i],
						{ .first = i }),
				0);
			if (i % 2)
				heph_forget_call(ctx, &calls[i]);
		}
		for (int i = 0; i < MANY; i += 2) {
			must_be(heph_await(ctx, &calls[i], &block), 0);
			must_be(block.numbers[99], i + 99);
		}
		heph_stop(to);
		must_be(heph_join(ctx, to, NULL), 0);
	}
	return 0;
}

static void may_be_large(void **state)
{
	(void)state;
	both_ways(large);
}

/* They are answered from the last to the first, and come in that order. */
static int any(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ctx soon = heph_within(ctx, 20 * HEPH_MSEC);
	pending calls[MANY], which;
	act_ref to = spawn_on(ctx, HEPH_WORKER(1), keep_until_told, NULL);
	act_ref gone = spawn_on(ctx, HEPH_WORKER(0), idle, NULL);
	act_ref full;
	uint64_t call;
	int err, n_full = 0;
	long n;

	(void)in, (void)arg;
	must_be(heph_wait(soon, heph_on_any_answer(&which.raw)), -ETIME);
	for (int i = 0; i < MANY; i++)
		must_be(start(ctx, to, &calls[i], i), 0);
	tell(ctx, to);
	for (int i = MANY; i-- > 0;) {
		must_be(heph_wait(ctx, heph_on_any_answer(&which.raw)), 0);
		must_be(heph_wait(ctx, heph_on_any_answer(&which.raw)), 0);
		must(heph_same_call(which, calls[i]));
		must(i == 0 || !heph_same_call(which, calls[i - 1]));
		if (i % 2) {
			heph_forget_call(ctx, &which);
			continue;
		}
		must_be(heph_await(ctx, &which, &n), 0);
		must_be(n, i + 1);
	}
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC),
			  heph_on_any_answer(&which.raw)),
		-ETIME);

	must_be(heph_spawn(ctx, act, &full, { idle, NULL }, .inbox = 1), 0);
	do /* as many as may be under way to another worker */
		err = heph_try_start_call(ctx, full, answer, &calls[n_full++],
					  { .asks = true });
	while (err == 0 && n_full < MANY);
	must_be(err, -EAGAIN);
	must_be(calls[n_full - 1].raw.call, 0);
	must_be(start(ctx, gone, &which, 1), 0);
	call = which.raw.call;
	stop_and_join(ctx, gone);
	must_be(heph_wait(ctx, heph_on_any_answer(&which.raw)), 0);
	must(which.raw.call == call);
	must_be(heph_await(ctx, &which, &n), -EPIPE);
	must_be(heph_try_start_call(ctx, gone, answer, &which,
				    { .asks = true }),
		-ESRCH);
	stop_and_join(ctx, full); /* their failures are there, not awaited */
	while (n_full-- > 0)
		heph_forget_call(ctx, &calls[n_full]);
	stop_and_join(ctx, to);
	return 0;
}

static void come_in_the_order_of_their_answers(void **state)
{
	(void)state;
	both_ways(any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_in_the_order_of_their_answers),
		cmocka_unit_test(are_awaited_in_any_order),
		cmocka_unit_test(go_on_after_a_deadline),
		cmocka_unit_test(fail_by_name),
		cmocka_unit_test(may_be_refused),
		cmocka_unit_test(are_clauses_of_a_wait),
		cmocka_unit_test(are_waited_for_beside_messages),
		cmocka_unit_test(can_be_forgotten),
		cmocka_unit_test(are_given_up_at_the_end_and_at_a_restart),
		cmocka_unit_test(go_on_through_a_shield),
		cmocka_unit_test(may_be_large),
	};

	return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
