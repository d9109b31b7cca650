/* SPDX-License-Identifier: MIT */
#include "core/call.h"

#include "rig.h"

/* One call, and what became of it. */
struct caller {
	act_ref to;
	heph_time within; /* 0: no deadline */
	int result;
	long answer;
	bool done;
};

static int call_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct caller *caller = arg;

	(void)in;
	if (caller->within)
		ctx = heph_within(ctx, caller->within);
	caller->answer = -1;
	caller->result = heph_call(ctx, caller->to, answer, &caller->answer,
				   { .n = 20, .asks = true });
	caller->done = true;
	return 0;
}

static int answer_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		if (msg.asks)
			must(heph_answer(msg.answer, msg.n + 1) == 0);
	return 0;
}

/* Receives one message and keeps it; ends when the gate is opened. */
static int keep_one(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg *kept = arg;

	must(heph_recv(ctx, in, kept) == 0);
	gate(ctx);
	return 0;
}

static unsigned calls_in_use(unsigned n)
{
	return rig.workers[n]->thread.calls.in_use;
}

/* For the caller on the same worker, then for one on another. */
#define near_and_far(n_) for (unsigned n_ = 0; n_ < 2; n_++)

static void is_answered(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = 0 };

		rig_open(2);
		caller.to = rig_spawn(0, answer_all, NULL);
		rig_spawn(from, call_once, &caller);
		rig_settle();
		assert_true(caller.done);
		assert_int_equal(caller.result, 0);
		assert_int_equal(caller.answer, 21);
		assert_int_equal(calls_in_use(from), 0);
		heph_stop(caller.to);
		rig_settle();
		rig_close();
	}
}

static void fails_when_who_owes_the_answer_ends(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = 0 };
		struct act_msg kept;

		rig_open(2);
		caller.to = rig_spawn(0, keep_one, &kept);
		rig_spawn(from, call_once, &caller);
		rig_settle();
		assert_false(caller.done);
		assert_int_equal(calls_in_use(from), 1);
		assert_true(heph_reply_wanted(kept.answer));
		rig_open_gate(caller.to.addr);
		rig_settle();
		assert_int_equal(caller.result, -EPIPE);
		assert_int_equal(caller.answer, -1);
		rig_close();
	}
}

static void fails_when_it_is_dropped_unread(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = 0 };

		rig_open(2);
		caller.to = rig_spawn(0, idle, NULL);
		rig_spawn(from, call_once, &caller);
		rig_settle();
		heph_stop(caller.to);
		rig_settle();
		assert_int_equal(caller.result, -EPIPE);
		assert_int_equal(act_dropped, 1);
		rig_close();
	}
}

static void fails_when_nobody_is_there(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = 0 };

		rig_open(2);
		caller.to = rig_spawn(0, idle, NULL);
		heph_stop(caller.to);
		rig_settle();
		rig_spawn(from, call_once, &caller);
		rig_settle();
		assert_int_equal(caller.result, -ESRCH);
		assert_int_equal(calls_in_use(from), 0);
		rig_close();
	}
}

/* The message is on its way in the lane when the receiver ends. */
static void fails_when_the_lane_finds_nobody(void **state)
{
	struct caller caller = { .within = 0 };

	(void)state;
	rig_open(2);
	caller.to = rig_spawn(0, idle, NULL);
	rig_step(0);
	rig_spawn(1, call_once, &caller);
	rig_step(1); /* written */
	heph_life_stop(rig_self(caller.to));
	{ /* ends before the lane is read */
		static const _Atomic bool quit = true;
		struct heph_thread *mine = heph_thread_current;

		heph_worker_run(rig.workers[0], &quit);
		heph_thread_current = mine;
	}
	rig_settle();
	assert_int_equal(caller.result, -EPIPE);
	rig_close();
}

static void counts_an_answer_that_comes_late(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = HEPH_MSEC };
		struct act_msg kept;

		rig_open(2);
		caller.to = rig_spawn(0, keep_one, &kept);
		rig_spawn(from, call_once, &caller);
		rig_settle();
		assert_int_equal(caller.result, -ETIME);
		assert_int_equal(calls_in_use(from), 0);
		assert_false(heph_reply_wanted(kept.answer));
		assert_int_equal(heph_answer(kept.answer, 1), -EPIPE);
		assert_int_equal(rig.ctx.self->thread->count.late_answers, 1);
		rig_open_gate(caller.to.addr);
		rig_settle();
		rig_close();
	}
}

static void is_given_up_at_a_stop(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = 0 };
		struct act_msg kept;
		act_ref ref;

		rig_open(2);
		caller.to = rig_spawn(0, keep_one, &kept);
		ref = rig_spawn(from, call_once, &caller);
		rig_settle();
		heph_stop(ref);
		rig_settle();
		assert_int_equal(caller.result, -ECANCELED);
		rig_open_gate(caller.to.addr);
		rig_settle();
		rig_close();
	}
}

static void takes_only_the_first_answer(void **state)
{
	(void)state;
	near_and_far(from)
	{
		struct caller caller = { .within = 0 };
		struct act_msg kept;

		rig_open(2);
		caller.to = rig_spawn(0, keep_one, &kept);
		rig_spawn(from, call_once, &caller);
		rig_settle();
		assert_int_equal(heph_answer(kept.answer, 1), 0);
		assert_int_equal(heph_answer(kept.answer, 2), -EPIPE);
		assert_false(heph_reply_wanted(kept.answer));
		rig_settle();
		assert_int_equal(caller.answer, 1);
		/* the record is in other hands now */
		caller.done = false;
		rig_spawn(from, call_once, &caller);
		rig_settle();
		assert_int_equal(calls_in_use(from), 1);
		assert_int_equal(heph_answer(kept.answer, 3), -EPIPE);
		assert_false(caller.done);
		rig_open_gate(caller.to.addr);
		rig_settle();
		assert_int_equal(caller.result, -EPIPE);
		rig_close();
	}
}

/* The answer came between the stop, or the deadline, and the caller's turn. */
static void takes_an_answer_that_came_with_the_stop(void **state)
{
	struct caller caller = { .within = 0 };
	struct act_msg kept;
	act_ref ref;

	(void)state;
	rig_open(2);
	caller.to = rig_spawn(0, keep_one, &kept);
	ref = rig_spawn(1, call_once, &caller);
	rig_settle();
	assert_int_equal(heph_answer(kept.answer, 7), 0);
	heph_stop(ref);
	rig_settle();
	assert_int_equal(caller.result, 0);
	assert_int_equal(caller.answer, 7);
	caller.done = false;
	rig_open_gate(caller.to.addr);
	rig_settle();

	caller.to = rig_spawn(0, keep_one, &kept);
	ref = rig_spawn(1, call_once, &caller);
	rig_settle();
	heph_life_stop(rig_self(ref)); /* it is ready, and has not run */
	assert_int_equal(heph_answer(kept.answer, 8), 0);
	rig_settle();
	assert_int_equal(caller.result, 0);
	assert_int_equal(caller.answer, 8);
	rig_open_gate(caller.to.addr);
	rig_settle();
	rig_close();
}

/* ---- answers of another size ------------------------------------------------- */

struct blob {
	char bytes[1000];
};
struct blob_msg {
	HEPH_REPLY(struct blob) get;
};
HEPH_ACTOR(blob, struct blob_msg, void);

static int blob_main(heph_ctx ctx, blob_inbox in)
{
	static struct blob blob;
	struct blob_msg msg;

	memset(blob.bytes, 'x', sizeof(blob.bytes));
	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.get, blob);
	return 0;
}
HEPH_ACTOR_MAIN(blob, blob_main);

static blob_ref the_blob;
static struct blob got;
static int got_err;

static int get_blob(heph_ctx ctx, act_inbox in, void *arg)
{
	struct blob_msg msg = { .get = { { 0 } } };

	(void)in, (void)arg;
	got_err = heph_call(ctx, the_blob, get, &got, msg);
	return 0;
}

static blob_ref spawn_blob(void)
{
	blob_ref ref;

	HEPH_SPAWN__(blob, )
	assert_int_equal(rig_begin(0, &blob_actor, &heph_s__, &ref.addr), 0);
	return ref;
}

static void takes_large_answers(void **state)
{
	(void)state;
	near_and_far(from)
	{
		rig_open(2);
		memset(&got, 0, sizeof(got));
		the_blob = spawn_blob();
		rig_spawn(from, get_blob, NULL);
		rig_settle();
		assert_int_equal(got_err, 0);
		assert_int_equal(got.bytes[999], 'x');
		heph_stop(the_blob);
		rig_settle();
		rig_close();
	}
}

static void survives_every_refused_allocation(void **state)
{
	bool refused;
	long n;

	(void)state;
	near_and_far(from)
	{
		n = 0;
		do {
			rig_open(2);
			the_blob = spawn_blob();
			rig_spawn(from, get_blob, NULL);
			rig_refuse(++n);
			rig_settle();
			refused = rig_refused();
			assert_true(got_err == 0 ||
				    (refused && (got_err == -ENOMEM ||
						 got_err == -EPIPE)));
			heph_stop(the_blob);
			rig_settle();
			rig_close();
		} while (refused);
		assert_int_equal(got_err, 0);
		assert_true(n > 1);
	}
}

/* ---- numbers ----------------------------------------------------------------- */

static void has_a_number_that_no_runtime_had(void **state)
{
	struct caller caller = { .within = 0 };
	struct act_msg kept, old;

	(void)state;
	for (int i = 0; i < 2; i++) {
		old = kept;
		rig_open(2);
		caller.to = rig_spawn(0, keep_one, &kept);
		rig_spawn(1, call_once, &caller);
		rig_settle();
		if (i == 1) { /* from the runtime that was here before */
			assert_int_equal(old.answer.raw.slot,
					 kept.answer.raw.slot);
			assert_int_equal(old.answer.raw.thread,
					 kept.answer.raw.thread);
			assert_int_equal(old.answer.raw.node,
					 kept.answer.raw.node);
			assert_int_equal(heph_answer(old.answer, 1), -EPIPE);
		}
		rig_open_gate(caller.to.addr);
		rig_settle();
		assert_int_equal(caller.result, -EPIPE);
		rig_close();
	}
}

static void ignores_replies_that_cannot_be(void **state)
{
	static const struct heph_reply replies[] = {
		{ .call = 0 },
		{ .call = 1 },
		{ .call = 2, .slot = UINT32_MAX },
		{ .call = 2, .slot = 1, .thread = UINT16_MAX },
		{ .call = 2, .slot = 1, .thread = 900 },
		{ .call = 2, .slot = 1, .node = UINT16_MAX },
		{ .call = 2, .slot = 1, .node = 200 },
		{ .call = 1 << 20, .slot = 1 },
	};
	long value = 1;

	(void)state;
	rig_open(1);
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		assert_int_equal(heph_raw_answer(replies[i], &value,
						 sizeof(value)),
				 -EPIPE);
		assert_false(heph_raw_reply_wanted(replies[i]));
	}
	rig_close();
}

/* ---- races -------------------------------------------------------------------- */

enum { ROUNDS = 3000 };

/* Answers race with deadlines: each caller learns one of the two. */
static int call_again_and_again(heph_ctx ctx, act_inbox in, void *arg)
{
	const act_ref *to = arg;
	long answer;
	int err;

	(void)in;
	for (long n = 0; n < ROUNDS; n++) {
		err = heph_call(heph_within(ctx, n % 32 * HEPH_USEC), *to,
				answer, &answer, { .n = n, .asks = true });
		must(err == -ETIME || (err == 0 && answer == n + 1));
	}
	heph_stop(*to);
	return 0;
}

static int answer_some(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.answer, msg.n + 1);
	return 0;
}

static void races_with_deadlines(void **state)
{
	static act_ref to;

	(void)state;
	rig_open_with(2, &heph_futex_driver);
	to = rig_spawn(0, answer_some, NULL);
	rig_spawn(1, call_again_and_again, &to);
	rig_start();
	rig_join();
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_answered),
		cmocka_unit_test(fails_when_who_owes_the_answer_ends),
		cmocka_unit_test(fails_when_it_is_dropped_unread),
		cmocka_unit_test(fails_when_nobody_is_there),
		cmocka_unit_test(fails_when_the_lane_finds_nobody),
		cmocka_unit_test(counts_an_answer_that_comes_late),
		cmocka_unit_test(is_given_up_at_a_stop),
		cmocka_unit_test(takes_only_the_first_answer),
		cmocka_unit_test(takes_an_answer_that_came_with_the_stop),
		cmocka_unit_test(takes_large_answers),
		cmocka_unit_test(survives_every_refused_allocation),
		cmocka_unit_test(has_a_number_that_no_runtime_had),
		cmocka_unit_test(ignores_replies_that_cannot_be),
		cmocka_unit_test(races_with_deadlines),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
