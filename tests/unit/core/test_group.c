/* SPDX-License-Identifier: MIT */
/* Groups and started calls when memory is refused, one allocation at a time. */
#include "core/group.h"

#include "core/call.h"

#include "rig.h"

enum { MEMBERS = 3, MANY = 3000 };

static act_ref members[MEMBERS];
static int result, n_reached;
static uint64_t skipped;

static int answer_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		if (msg.asks)
			heph_answer(msg.answer, msg.n + 1);
	return 0;
}

/* Whether it is a result that a lack of memory explains. */
static bool explained(int err)
{
	return err == -ENOMEM || err == -EPIPE;
}

static int join_group(heph_ctx ctx, act_group *group)
{
	int err = 0;

	for (int i = 0; i < MEMBERS && err == 0; i++)
		err = heph_group_add(ctx, group, members[i]);
	return err;
}

static int add_many(heph_ctx ctx, act_inbox in, void *arg)
{
	act_group group = { 0 }, other = { 0 };
	int err = 0;

	(void)in, (void)arg;
	for (int i = 0; i < MANY && err == 0; i++)
		err = heph_group_add(ctx, &group, members[i % MEMBERS]);
	if (err == 0)
		err = heph_group_extend(ctx, &other, &group);
	must(err == 0 ? heph_group_count(&other) == MANY :
			heph_group_count(&other) == 0);
	if (err == 0)
		err = heph_group_add_unique(ctx, &(act_group){ 0 }, members[0]);
	result = err == 1 ? 0 : err;
	return 0;
}

static int call_any(heph_ctx ctx, act_inbox in, void *arg)
{
	act_group group = { 0 };
	long n = 0;

	(void)in, (void)arg;
	result = join_group(ctx, &group);
	if (result == 0)
		result = heph_call_any(heph_within(ctx, 1000 * HEPH_SEC),
				       &group, answer, &n,
				       { .n = 1, .asks = true });
	must(result < 0 || n == 2);
	return 0;
}

static int call_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct {
		int err;
		long value;
	} results[MEMBERS];
	act_group group = { 0 };
	int n;

	(void)in, (void)arg;
	result = join_group(ctx, &group);
	if (result < 0)
		return 0;
	n = heph_call_all(ctx, &group, answer, results,
			  { .n = 1, .asks = true });
	for (int i = 0; n >= 0 && i < MEMBERS; i++)
		if (results[i].err < 0)
			result = results[i].err;
		else
			must(results[i].value == 2 && n-- > 0);
	if (n < 0)
		result = n;
	else
		must(n == 0);
	return 0;
}

static int start_calls(heph_ctx ctx, act_inbox in, void *arg)
{
	HEPH_PENDING(long) calls[MEMBERS];
	int err;
	long n;

	(void)in, (void)arg;
	result = 0;
	for (int i = 0; i < MEMBERS; i++) {
		err = heph_start_call(heph_within(ctx, 1000 * HEPH_SEC),
				      members[i], answer, &calls[i],
				      { .n = 1, .asks = true });
		must(err == 0 || calls[i].raw.call == 0);
		result = err ? err : result;
	}
	for (int i = 0; i < MEMBERS - 1; i++) { /* one is left behind */
		if (!calls[i].raw.call)
			continue;
		err = heph_await(ctx, &calls[i], &n);
		must(err < 0 || n == 2);
		result = err ? err : result;
	}
	return 0;
}

/* Messages that own, too large for a small buffer. */
struct text_msg {
	char *text;
	char more[400];
};
HEPH_ACTOR(text, struct text_msg, void);

static _Atomic int texts;

static void text_drop(struct text_msg *msg)
{
	texts--;
	free(msg->text);
}

static int text_copy(struct text_msg *to, const struct text_msg *from)
{
	*to = *from;
	to->text = strdup(from->text);
	texts++;
	return 0;
}

static int text_main(heph_ctx ctx, text_inbox in)
{
	struct text_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		text_drop(&msg);
	return 0;
}
HEPH_ACTOR_MAIN(text, text_main, .drop = text_drop, .copy = text_copy);

static text_ref readers[MEMBERS];

static int tell_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct text_msg msg = { .text = strdup("text") };
	text_group group = { 0 };

	(void)in, (void)arg;
	texts++;
	result = 0;
	for (int i = 0; i < MEMBERS && result == 0; i++)
		result = heph_group_add(ctx, &group, readers[i]);
	if (result == 0)
		result = heph_send_all(ctx, &group, msg);
	if (result < 0)
		text_drop(&msg);
	n_reached = result;
	skipped = group.skipped;
	must(result < 0 || n_reached + (int)skipped == MEMBERS);
	if (result > 0)
		result = skipped ? -ENOMEM : 0;
	return 0;
}

static void spawn_members(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		members[i] = rig_spawn(i % 2, answer_all, NULL);
		HEPH_SPAWN__(text, )
		assert_int_equal(rig_begin(i % 2, &text_actor, &heph_s__,
					   &readers[i].addr),
				 0);
	}
	rig_settle();
}

static void stop_members(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		heph_stop(members[i]);
		heph_stop(readers[i]);
	}
	rig_settle();
}

static void refuse_each(int (*fn)(heph_ctx ctx, act_inbox in, void *arg))
{
	bool refused;
	long n = 0;

	do {
		rig_open(2);
		texts = 0;
		result = 1;
		spawn_members();
		rig_spawn(0, fn, NULL);
		rig_refuse(++n);
		rig_settle();
		refused = rig_refused();
		assert_true(result == 0 || (refused && explained(result)));
		stop_members();
		assert_int_equal(texts, 0);
		rig_close();
	} while (refused);
	assert_true(n > 1);
}

static void keeps_its_members_when_there_is_no_memory(void **state)
{
	(void)state;
	refuse_each(add_many);
}

static void is_called_in_spite_of_a_refused_allocation(void **state)
{
	(void)state;
	refuse_each(call_any);
	refuse_each(call_all);
}

static void starts_no_call_without_memory(void **state)
{
	(void)state;
	refuse_each(start_calls);
}

static void loses_no_copy_when_memory_is_refused(void **state)
{
	(void)state;
	refuse_each(tell_all);
}

/* ---- calls that were given up while they were answered -------------------------- */

static int keep_one(heph_ctx ctx, act_inbox in, void *arg)
{
	must(heph_recv(ctx, in, (struct act_msg *)arg) == 0);
	gate(ctx);
	return 0;
}

static int start_and_forget(heph_ctx ctx, act_inbox in, void *arg)
{
	HEPH_PENDING(long) call;

	(void)in;
	must(heph_start_call(ctx, *(act_ref *)arg, answer, &call,
			     { .n = 1, .asks = true }) == 0);
	gate(ctx);
	heph_forget_call(ctx, &call);
	gate(ctx);
	return 0;
}

/* The answer is at the door of the caller, who does not know it yet. */
static void can_be_forgotten_while_it_is_answered(void **state)
{
	struct heph_thread *mine;
	struct act_msg kept;
	act_ref to, caller;

	(void)state;
	rig_open(2);
	to = rig_spawn(1, keep_one, &kept);
	caller = rig_spawn(0, start_and_forget, &to);
	rig_settle();
	assert_int_equal(rig.workers[0]->thread.calls.in_use, 1);
	rig_open_gate(caller.addr); /* runs before the door is opened */
	mine = heph_thread_current;
	heph_thread_current = &rig.workers[1]->thread;
	assert_int_equal(heph_answer(kept.answer, 5), 0);
	heph_thread_current = mine;
	rig_settle();
	assert_int_equal(rig.workers[0]->thread.calls.in_use, 0);
	assert_int_equal(rig_count(0)->late_answers, 1);
	rig_open_gate(caller.addr);
	rig_open_gate(to.addr);
	rig_settle();
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_members_when_there_is_no_memory),
		cmocka_unit_test(is_called_in_spite_of_a_refused_allocation),
		cmocka_unit_test(starts_no_call_without_memory),
		cmocka_unit_test(loses_no_copy_when_memory_is_refused),
		cmocka_unit_test(can_be_forgotten_while_it_is_answered),
	};

	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
