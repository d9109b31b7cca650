/* SPDX-License-Identifier: MIT */
#include "core/answers.h"

#include "rig.h"

enum { CALLERS = 60 };

struct caller {
	act_ref to;
	long n;
	int result;
	long answer;
};

static struct caller callers[CALLERS];
static struct act_msg kept[CALLERS];
static int n_kept;

static int call_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct caller *caller = arg;

	(void)in;
	caller->result = heph_call(ctx, caller->to, answer, &caller->answer,
				   { .n = caller->n });
	return 0;
}

/* Receives all, answers when the gate is opened: those that `arg` says. */
static int keep_all(heph_ctx ctx, act_inbox in, void *arg)
{
	int (*fn)(int) = *(int (**)(int))arg;

	for (n_kept = 0; n_kept < CALLERS; n_kept++)
		must(heph_recv(ctx, in, &kept[n_kept]) == 0);
	gate(ctx);
	for (int i = 0; i < CALLERS; i++)
		if (fn(i))
			must(heph_answer(kept[i].answer, kept[i].n * 2) == 0);
	gate(ctx);
	return 0;
}

static int all(int i)
{
	(void)i;
	return 1;
}

static int none(int i)
{
	(void)i;
	return 0;
}

static int even(int i)
{
	return i % 2 == 0;
}

static void owe(int (*fn)(int))
{
	act_ref to;

	rig_open(2);
	to = rig_spawn(0, keep_all, &fn);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .to = to, .n = i, .result = 1 };
		rig_spawn(i % 2, call_once, &callers[i]);
	}
	rig_settle();
	assert_int_equal(n_kept, CALLERS);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(callers[i].result, 1);
	rig_open_gate(to.addr);
	rig_settle();
	for (int i = 0; i < CALLERS; i++) {
		int k = (int)kept[i].n;

		assert_int_equal(callers[k].result, fn(i) ? 0 : 1);
		assert_true(!fn(i) || callers[k].answer == k * 2);
	}
	rig_open_gate(to.addr);
	rig_settle();
	for (int i = 0; i < CALLERS; i++) {
		int k = (int)kept[i].n;

		assert_int_equal(callers[k].result, fn(i) ? 0 : -EPIPE);
	}
	rig_close();
}

static void fail_at_the_end_when_owed(void **state)
{
	(void)state;
	owe(none);
}

static void are_given_once(void **state)
{
	(void)state;
	owe(all);
}

static void are_owed_one_by_one(void **state)
{
	(void)state;
	owe(even);
}

/* Answers each when the next one has come: the list must not grow. */
static int answer_the_former(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned *most = arg;
	struct act_msg msg, former = { .n = -1 };

	while (heph_recv(ctx, in, &msg) == 0) {
		if (former.n >= 0)
			must(heph_answer(former.answer, former.n * 2) == 0);
		former = msg;
		if (ctx.self->ext->max_owed > *most)
			*most = ctx.self->ext->max_owed;
	}
	return 0;
}

static int call_often(heph_ctx ctx, act_inbox in, void *arg)
{
	struct caller *caller = arg;

	for (int i = 0; i < 500; i++)
		call_once(ctx, in, caller);
	return 0;
}

static void leave_the_list_when_answered(void **state)
{
	unsigned most = 0;
	act_ref to;

	(void)state;
	rig_open(1);
	to = rig_spawn(0, answer_the_former, &most);
	for (int i = 0; i < 2; i++) {
		callers[i] = (struct caller){ .to = to, .n = i };
		rig_spawn(0, call_often, &callers[i]);
	}
	rig_settle();
	assert_true(most > 0 && most <= 16);
	heph_stop(to);
	rig_settle();
	rig_close();
}

static void survive_every_refused_allocation(void **state)
{
	int (*fn)(int) = none;
	bool refused;
	act_ref to;
	long n = 0;
	int missing;

	(void)state;
	do {
		rig_open(1);
		to = rig_spawn(0, keep_all, &fn);
		for (int i = 0; i < CALLERS; i++) {
			callers[i] = (struct caller){ .to = to, .n = i };
			rig_spawn(0, call_once, &callers[i]);
		}
		rig_refuse(++n);
		rig_settle();
		refused = rig_refused();
		missing = CALLERS - n_kept;
		assert_true(missing <= (refused ? 1 : 0));
		if (missing) /* a call was refused: one more */
			rig_spawn(0, call_once, &callers[0]);
		rig_settle();
		assert_int_equal(n_kept, CALLERS);
		rig_open_gate(to.addr);
		rig_settle();
		rig_open_gate(to.addr);
		rig_settle();
		for (int i = 0; i < CALLERS; i++)
			assert_true(callers[i].result == -EPIPE ||
				    (refused && callers[i].result == -ENOMEM));
		rig_close();
	} while (refused);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_at_the_end_when_owed),
		cmocka_unit_test(are_given_once),
		cmocka_unit_test(are_owed_one_by_one),
		cmocka_unit_test(leave_the_list_when_answered),
		cmocka_unit_test(survive_every_refused_allocation),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
