/* SPDX-License-Identifier: MIT */
/* Looking at the next message without taking it; and receiving in time. */
#include "act.h"

static void send_self(heph_ctx ctx, act_inbox in, long n)
{
	must_be(heph_send(ctx, heph_self(in), { .n = n }), 0);
}

static int shows_first(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	must_be(heph_try_peek(in, &msg), -EAGAIN);
	send_self(ctx, in, 1);
	send_self(ctx, in, 2);
	for (int n = 0; n < 3; n++) {
		must_be(heph_peek(ctx, in, &msg), 0);
		must_be(msg.n, 1);
		must_be(heph_try_peek(in, &msg), 0);
		must_be(msg.n, 1);
	}
	must_be(heph_inbox_info(in).fill, 2);
	must_be(heph_inbox_info(in).received, 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(msg.n, 1);
	must_be(heph_peek(ctx, in, &msg), 0);
	must_be(msg.n, 2);
	must_be(heph_try_recv(in, &msg), 0);
	must_be(msg.n, 2);
	must_be(heph_try_peek(in, &msg), -EAGAIN);
	return 0;
}

static void shows_the_first_message_again_and_again(void **state)
{
	(void)state;
	run(shows_first, NULL);
}

static int peek_and_leave(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	must_be(heph_send(ctx, heph_self(in), { .owned = malloc(10) }), 0);
	must_be(heph_peek(ctx, in, &msg), 0);
	must(msg.owned != NULL);
	return 0;
}

/* What it owns is still the inbox's. */
static void a_peeked_message_is_dropped_once(void **state)
{
	(void)state;
	run(peek_and_leave, NULL);
	assert_int_equal(act_dropped, 1);
}

static int full(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	for (int n = 0; n < 64; n++)
		send_self(ctx, in, n);
	must_be(heph_peek(ctx, in, &msg), 0);
	must_be(heph_try_send(heph_self(in), { .n = 64 }), -EAGAIN);
	return 0;
}

static void peeking_makes_no_room(void **state)
{
	(void)state;
	run(full, NULL);
	assert_int_equal(act_dropped, 64);
}

struct send_at {
	act_ref to;
	heph_time when;
};

static int send_at(heph_ctx ctx, act_inbox in, void *arg)
{
	struct send_at *it = arg;

	if (it->when)
		must_be(heph_sleep(ctx, it->when - heph_now()), 0);
	must_be(heph_send(ctx, it->to, { .n = 7 }), 0);
	return 0;
}

static int waits(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct send_at it;
	struct act_msg msg;

	for (int on = 1; on <= 2; on++) {
		it = (struct send_at){ .to = heph_self(in) };
		must_be(heph_peek(heph_within(ctx, HEPH_MSEC), in, &msg),
			-ETIME);
		spawn_on(ctx, on, send_at, &it);
		must_be(heph_peek(ctx, in, &msg), 0);
		must_be(msg.n, 7);
		must_be(heph_peek(heph_within(ctx, 0), in, &msg), 0);
		must_be(heph_recv(ctx, in, &msg), 0);
	}
	return 0;
}

static void waits_for_a_message(void **state)
{
	(void)state;
	run(waits, NULL);
}

static _Atomic bool is_there;

/* The same result as that of receiving. */
static int stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	must_be(heph_peek(ctx, in, &msg), 0);
	is_there = true; /* for a stop may overtake it */
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	/* From another worker the stop may overtake the message. */
	must_be(heph_peek(heph_shield(ctx, HEPH_NEVER), in, &msg), 0);
	must_be(heph_try_peek(in, &msg), 0);
	must_be(heph_peek(ctx, in, &msg), -ECANCELED);
	must_be(heph_recv(ctx, in, &msg), -ECANCELED);
	must_be(heph_peek(heph_shield(ctx, HEPH_NEVER), in, &msg), 0);
	must_be(msg.n, 1);
	must_be(heph_recv(heph_shield(ctx, HEPH_NEVER), in, &msg), 0);
	must_be(heph_peek(heph_shield(ctx, HEPH_MSEC), in, &msg), -ETIME);
	return 0;
}

static int stop_it(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	for (int on = 1; on <= 2; on++) {
		is_there = false;
		ref = spawn_on(ctx, on, stopped, NULL);
		must_be(heph_send(ctx, ref, { .n = 1 }), 0);
		while (!is_there)
			must_be(heph_sleep(ctx, HEPH_USEC), 0);
		stop_and_join(ctx, ref);
	}
	return 0;
}

static void a_stop_refuses_it(void **state)
{
	(void)state;
	run(stop_it, NULL);
}

/* ---- calls ------------------------------------------------------------------- */

static int peek_then_answer(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg peeked, msg;

	must_be(heph_peek(ctx, in, &peeked), 0);
	must(heph_reply_wanted(peeked.answer));
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(heph_answer(msg.answer, 5), 0);
	must(!heph_reply_wanted(peeked.answer));
	return 0;
}

static int peek_and_end(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	return heph_peek(ctx, in, &msg);
}

static int peek_and_answer_early(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	must_be(heph_peek(ctx, in, &msg), 0);
	must_be(heph_answer(msg.answer, 6), 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	must(!heph_reply_wanted(msg.answer));
	must_be(heph_answer(msg.answer, 7), -EPIPE);
	return 0;
}

static int call_peekers(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer;

	for (int on = 1; on <= 2; on++) {
		must_be(heph_call(ctx,
				  spawn_on(ctx, on, peek_then_answer, NULL),
				  answer, &answer, { .asks = true }),
			0);
		must_be(answer, 5);
		must_be(heph_call(ctx, spawn_on(ctx, on, peek_and_end, NULL),
				  answer, &answer, { .asks = true }),
			-EPIPE);
		must_be(heph_call(ctx,
				  spawn_on(ctx, on, peek_and_answer_early,
					   NULL),
				  answer, &answer, { .asks = true }),
			0);
		must_be(answer, 6);
	}
	return 0;
}

static void a_peeked_call_is_answered_as_usual(void **state)
{
	(void)state;
	run(call_peekers, NULL);
}

/* ---- deadlines ----------------------------------------------------------------- */

static int in_time(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	heph_time past = heph_now() - HEPH_SEC;

	must_be(heph_recv(heph_until(ctx, past), in, &msg), -ETIME);
	must_be(heph_recv(heph_within(ctx, 0), in, &msg), -ETIME);
	must_be(heph_recv(heph_within(ctx, -5), in, &msg), -ETIME);
	for (int n = 0; n < 4; n++)
		send_self(ctx, in, n);
	must_be(heph_recv(heph_until(ctx, past), in, &msg), 0);
	must_be(heph_recv(heph_within(ctx, 0), in, &msg), 0);
	must_be(heph_recv(heph_within(ctx, 1000 * HEPH_SEC), in, &msg), 0);
	must_be(heph_recv(heph_within(heph_within(ctx, HEPH_NEVER), 0), in,
			  &msg),
		0);
	must_be(msg.n, 3);
	must_be(heph_recv(heph_within(heph_within(ctx, 0), HEPH_SEC), in, &msg),
		-ETIME);
	return 0;
}

static void what_is_there_is_received_after_the_deadline(void **state)
{
	(void)state;
	run(in_time, NULL);
}

/* The message and the deadline come in one turn of the loop: the actor is woken
 * by the deadline, and the message is there. */
static int at_deadline(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct send_at it;
	struct act_msg msg;
	act_ref helper;
	int err;

	for (int n = 0; n < 20; n++) {
		it.to = heph_self(in);
		it.when = heph_now() + 2 * HEPH_MSEC;
		helper = spawn_on(ctx, n % 2 + 1, send_at, &it);
		err = heph_recv(heph_until(ctx, it.when), in, &msg);
		must(err == 0 || err == -ETIME);
		must_be(heph_join(ctx, helper, NULL), 0);
		must_be(heph_recv(heph_within(ctx, err ? HEPH_NEVER : 0), in,
				  &msg),
			err ? 0 : -ETIME);
	}
	return 0;
}

static void a_message_at_the_deadline_is_not_lost(void **state)
{
	(void)state;
	run(at_deadline, NULL);
}

static int never_early(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	heph_time began;

	for (int n = 0; n < 5; n++) {
		began = heph_now();
		must_be(heph_recv(heph_within(ctx, 3 * HEPH_MSEC), in, &msg),
			-ETIME);
		must(heph_now() - began >= 3 * HEPH_MSEC);
	}
	return 0;
}

static void a_deadline_is_never_early(void **state)
{
	(void)state;
	run(never_early, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_the_first_message_again_and_again),
		cmocka_unit_test(a_peeked_message_is_dropped_once),
		cmocka_unit_test(peeking_makes_no_room),
		cmocka_unit_test(waits_for_a_message),
		cmocka_unit_test(a_stop_refuses_it),
		cmocka_unit_test(a_peeked_call_is_answered_as_usual),
		cmocka_unit_test(what_is_there_is_received_after_the_deadline),
		cmocka_unit_test(a_message_at_the_deadline_is_not_lost),
		cmocka_unit_test(a_deadline_is_never_early),
	};

	return cmocka_run_group_tests_name("peek", tests, NULL, NULL);
}
