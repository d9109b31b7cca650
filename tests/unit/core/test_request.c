/* SPDX-License-Identifier: MIT */
#include "core/request.h"

#include "rig.h"

/* Asks a worker for a number, which a test lets it answer at once or not. */
struct question {
	struct heph_request request;
	struct heph_thread *to;
	heph_time within; /* 0: no deadline */
	bool later, arrived, refused;
	int result;
	bool gone, done;
};

static void arrive(struct heph_event *event)
{
	struct question *question =
		heph_container_of(event, struct question, request.event);

	question->arrived = true;
	question->refused = !heph_request_claim(&question->request);
	if (!question->refused && !question->later)
		heph_request_answer(&question->request, 42);
}

static int ask(heph_ctx ctx, act_inbox in, void *arg)
{
	struct question *question = arg;

	(void)in;
	if (question->within)
		ctx = heph_within(ctx, question->within);
	heph_request_init(&question->request, ctx.self, HEPH_WAIT_REQUEST,
			  arrive);
	heph_request_send(&question->request, question->to);
	question->result =
		heph_request_await(ctx, &question->request, &question->gone);
	question->done = true;
	return 0;
}

static void answer(unsigned n, struct question *question)
{
	struct heph_thread *mine = heph_thread_current;

	heph_thread_current = &rig.workers[n]->thread;
	heph_request_answer(&question->request, 43);
	heph_thread_current = mine;
}

/* To the same worker, then to another one. */
#define near_and_far(n_) for (unsigned n_ = 0; n_ < 2; n_++)

static void comes_back_with_an_answer(void **state)
{
	(void)state;
	near_and_far(to)
	{
		struct question question = { .within = 0 };

		rig_open(2);
		question.to = &rig.workers[to]->thread;
		rig_spawn(0, ask, &question);
		rig_settle();
		assert_true(question.done);
		assert_int_equal(question.result, 42);
		assert_false(question.gone);
		rig_close();
	}
}

static void may_be_answered_later(void **state)
{
	(void)state;
	near_and_far(to)
	{
		struct question question = { .later = true };

		rig_open(2);
		question.to = &rig.workers[to]->thread;
		rig_spawn(0, ask, &question);
		rig_settle();
		assert_true(question.arrived);
		assert_false(question.done);
		answer(to, &question);
		rig_settle();
		assert_int_equal(question.result, 43);
		rig_close();
	}
}

static void can_be_given_up_before_it_is_claimed(void **state)
{
	struct question question = { .within = HEPH_MSEC };

	(void)state;
	rig_open(2);
	question.to = &rig.workers[1]->thread;
	rig_spawn(0, ask, &question);
	while (!question.done)
		rig_step(0);
	assert_int_equal(question.result, -ETIME);
	assert_true(question.gone);
	rig_settle();
	assert_true(question.arrived);
	assert_true(question.refused);
	rig_close();
}

static void is_not_given_up_once_it_is_claimed(void **state)
{
	struct question question = { .later = true };
	act_ref asker;

	(void)state;
	rig_open(2);
	question.to = &rig.workers[1]->thread;
	asker = rig_spawn(0, ask, &question);
	rig_settle();
	heph_stop(asker);
	rig_settle();
	assert_false(question.done);
	answer(1, &question);
	rig_settle();
	assert_true(question.done);
	assert_int_equal(question.result, 43);
	assert_false(question.gone);
	rig_close();
}

static void is_refused_to_who_was_stopped_before(void **state)
{
	struct question question = { .later = false };
	act_ref asker;

	(void)state;
	rig_open(2);
	question.to = &rig.workers[1]->thread;
	asker = rig_spawn(0, ask, &question);
	heph_stop(asker);
	rig_settle();
	assert_int_equal(question.result, -ECANCELED);
	assert_true(question.gone);
	assert_true(question.refused);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_with_an_answer),
		cmocka_unit_test(may_be_answered_later),
		cmocka_unit_test(can_be_given_up_before_it_is_claimed),
		cmocka_unit_test(is_not_given_up_once_it_is_claimed),
		cmocka_unit_test(is_refused_to_who_was_stopped_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
