/* SPDX-License-Identifier: MIT */
/* Receiving the oldest message that matches. */
#include "act.h"

struct pick_inbox;

enum pick_kind { PICK_NUMBER = 3, PICK_CALL, PICK_END };

struct pick_msg {
	enum pick_kind kind;
	bool urgent;
	uint8_t small;
	int64_t n;
	struct {
		int pad;
		struct {
			short deep;
		} b;
	} a;
	union {
		unsigned id;
		char text[8];
	};
	const void *ptr;
	void *owned;
	HEPH_REPLY(long) answer;
};

typedef int pick_fn(heph_ctx ctx, struct pick_inbox in, void *arg);

struct pick_arg {
	pick_fn *fn;
	void *arg;
};
HEPH_ACTOR(pick, struct pick_msg, struct pick_arg);

static _Atomic int pick_dropped;

static void pick_drop(struct pick_msg *msg)
{
	free(msg->owned);
	pick_dropped++;
}

static int pick_main(heph_ctx ctx, pick_inbox in, struct pick_arg *arg)
{
	return arg->fn(ctx, in, arg->arg);
}
HEPH_ACTOR_MAIN(pick, pick_main, .drop = pick_drop);

static pick_ref start_on(heph_ctx ctx, int on, pick_fn *fn, void *arg)
{
	pick_ref ref;

	must_be(heph_spawn(ctx, pick, &ref, { fn, arg }, .on = on, .inbox = 8),
		0);
	return ref;
}

static void run_pick(pick_fn *fn)
{
	heph_ctx ctx = begin(&two_workers);
	pick_ref ref;

	pick_dropped = 0;
	ref = start_on(ctx, 1, fn, NULL);
	must_be(heph_join(ctx, ref, NULL), 0);
	end(ctx);
}

static void put(heph_ctx ctx, pick_inbox in, long n)
{
	must_be(heph_send(ctx, heph_self(in), { .kind = PICK_NUMBER, .n = n }),
		0);
}

static void expect_next(heph_ctx ctx, pick_inbox in, long n)
{
	struct pick_msg msg;

	must_be(heph_recv(heph_within(ctx, 20 * HEPH_SEC), in, &msg), 0);
	must_be(msg.n, n);
}

/* ---- what is taken --------------------------------------------------------------- */

static int takes_oldest(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msg;

	for (long n = 1; n <= 5; n++)
		put(ctx, in, n);
	must_be(heph_recv_where(ctx, in, &msg, n, 3), 0);
	must_be(msg.n, 3);
	must_be(heph_try_recv_where(in, &msg, n, 3), -EAGAIN);
	must_be(heph_try_recv_where(in, &msg, n, 5), 0);
	must_be(heph_try_recv_where(in, &msg, n, 1), 0);
	must_be(heph_inbox_info(in).fill, 2);
	must_be(heph_inbox_info(in).received, 3);
	expect_next(ctx, in, 2);
	expect_next(ctx, in, 4);
	must_be(heph_try_recv_where(in, &msg, n, 1), -EAGAIN);
	return 0;
}

static void the_others_keep_place_and_order(void **state)
{
	(void)state;
	run_pick(takes_oldest);
}

static int oldest_of_several(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msg;

	for (long n = 1; n <= 6; n++)
		must_be(heph_send(ctx, heph_self(in),
				  { .n = n, .small = n % 2 }),
			0);
	for (long n = 2; n <= 6; n += 2) {
		must_be(heph_recv_where(ctx, in, &msg, small, 0), 0);
		must_be(msg.n, n);
	}
	for (long n = 1; n <= 5; n += 2) {
		must_be(heph_recv_where(ctx, in, &msg, small, 1), 0);
		must_be(msg.n, n);
	}
	return 0;
}

static void the_oldest_that_matches_comes_first(void **state)
{
	(void)state;
	run_pick(oldest_of_several);
}

#define one(in_, member_, value_, other_)                                      \
	do {                                                                   \
		struct pick_msg msg__ = { 0 };                                 \
		msg__.member_ = (other_);                                      \
		must_be(heph_try_send(heph_self(in_), msg__), 0);              \
		must_be(heph_try_recv_where(in_, &msg__, member_, value_),     \
			-EAGAIN);                                              \
		msg__.member_ = (value_);                                      \
		must_be(heph_try_send(heph_self(in_), msg__), 0);              \
		must_be(heph_try_recv_where(in_, &msg__, member_, value_), 0); \
		must(msg__.member_ == (value_));                               \
		must_be(heph_try_recv(in_, &msg__), 0);                        \
		must(msg__.member_ == (other_));                               \
	} while (0)

static int member_types(heph_ctx ctx, pick_inbox in, void *arg)
{
	static const int here, there;
	struct pick_msg msg;

	one(in, kind, PICK_END, PICK_CALL);
	one(in, urgent, true, false);
	one(in, small, 255, 1);
	one(in, n, INT64_MIN, INT64_MAX);
	one(in, n, -1, UINT32_MAX);
	one(in, a.b.deep, -3, 3);
	one(in, id, 0xffffffffu, 0xff);
	one(in, ptr, &here, &there);
	one(in, ptr, NULL, &there);
	/* The value is converted as by an assignment. */
	must_be(heph_try_send(heph_self(in), { .urgent = true }), 0);
	must_be(heph_try_recv_where(in, &msg, urgent, 5), 0);
	return 0;
}

static void members_of_all_scalar_types(void **state)
{
	(void)state;
	run_pick(member_types);
}

static int evaluated;

static pick_inbox count_in(pick_inbox in)
{
	evaluated++;
	return in;
}

static long count_value(long n)
{
	evaluated += 100;
	return n;
}

static int evaluates(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msgs[4], *next = msgs;

	put(ctx, in, 1);
	put(ctx, in, 2);
	put(ctx, in, 3);
	evaluated = 0;
	must_be(heph_recv_where(ctx, count_in(in), next++, n, count_value(2)),
		0);
	must_be(heph_try_recv_where(count_in(in), next++, n, count_value(3)),
		0);
	must_be(heph_wait(ctx, heph_on_msg_where(count_in(in), next++, n,
						 count_value(1))),
		0);
	must_be(evaluated, 303);
	must(next == msgs + 3);
	return 0;
}

static void arguments_are_evaluated_once(void **state)
{
	(void)state;
	run_pick(evaluates);
}

/* ---- waiting ----------------------------------------------------------------------- */

struct sender {
	pick_ref to;
	_Atomic int step;
};

static int send_some(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct sender *it = arg;

	for (long n = 1; n <= 4; n++) {
		must_be(heph_send(ctx, it->to, { .n = n }), 0);
		must_be(heph_yield(ctx), 0);
	}
	return 0;
}

static int waits(heph_ctx ctx, pick_inbox in, void *arg)
{
	static struct sender it;
	struct pick_msg msg;

	for (int on = 1; on <= 2; on++) {
		it.to = heph_self(in);
		must_be(heph_recv_where(heph_within(ctx, HEPH_MSEC), in, &msg,
					n, 4),
			-ETIME);
		start_on(ctx, on, send_some, &it);
		must_be(heph_recv_where(ctx, in, &msg, n, 4), 0);
		must_be(msg.n, 4);
		must_be(heph_recv_where(heph_within(ctx, HEPH_MSEC), in, &msg,
					n, 4),
			-ETIME);
		must_be(heph_recv_where(heph_within(ctx, 0), in, &msg, n, 2),
			0);
		expect_next(ctx, in, 1);
		expect_next(ctx, in, 3);
	}
	return 0;
}

static void waits_until_it_comes(void **state)
{
	(void)state;
	run_pick(waits);
}

static int is_stopped(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msg;

	must_be(heph_recv_where(ctx, in, &msg, n, 9), -ECANCELED);
	must_be(heph_recv_where(ctx, in, &msg, n, 1), -ECANCELED);
	must_be(heph_recv_where(heph_shield(ctx, HEPH_NEVER), in, &msg, n, 1),
		0);
	must_be(heph_recv_where(heph_shield(ctx, HEPH_MSEC), in, &msg, n, 1),
		-ETIME);
	return 0;
}

static int stops(heph_ctx ctx, pick_inbox in, void *arg)
{
	pick_ref ref;

	for (int on = 1; on <= 2; on++) {
		ref = start_on(ctx, on, is_stopped, NULL);
		must_be(heph_send(ctx, ref, { .n = 1 }), 0);
		must_be(heph_yield(ctx), 0);
		heph_stop(ref);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	return 0;
}

static void a_stop_refuses_it(void **state)
{
	(void)state;
	run_pick(stops);
}

/* ---- several at once ------------------------------------------------------------------ */

static int priorities(heph_ctx ctx, pick_inbox in, void *arg)
{
	enum { URGENT, ANY };
	static const long order[] = { 2, 4, 1, 3 };
	struct pick_msg msg;

	for (long n = 1; n <= 4; n++)
		must_be(heph_send(ctx, heph_self(in),
				  { .n = n, .urgent = n % 2 == 0 }),
			0);
	for (int n = 0; n < 4; n++) {
		must_be(heph_wait(ctx,
				  [URGENT] = heph_on_msg_where(in, &msg, urgent,
							       true),
				  [ANY] = heph_on_msg(in, &msg)),
			n < 2 ? URGENT : ANY);
		must_be(msg.n, order[n]);
	}
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC),
			  heph_on_msg_where(in, &msg, n, 1)),
		-ETIME);
	must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 1),
			  heph_on_time(heph_now() + HEPH_MSEC)),
		1);
	return 0;
}

static void urgent_messages_first(void **state)
{
	(void)state;
	run_pick(priorities);
}

static int clauses_wait(heph_ctx ctx, pick_inbox in, void *arg)
{
	static struct sender it;
	struct pick_msg msg;

	for (int on = 1; on <= 2; on++) {
		it.to = heph_self(in);
		start_on(ctx, on, send_some, &it);
		must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 9),
				  heph_on_msg_where(in, &msg, n, 3)),
			1);
		must_be(msg.n, 3);
		must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 4),
				  heph_on_msg_where(in, &msg, n, 3)),
			0);
		must_be(msg.n, 4);
		expect_next(ctx, in, 1);
		expect_next(ctx, in, 2);
	}
	return 0;
}

static void clauses_wait_for_what_matches(void **state)
{
	(void)state;
	run_pick(clauses_wait);
}

/* ---- a full inbox ----------------------------------------------------------------------- */

static int full(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msg;

	for (long n = 0; n < 8; n++)
		put(ctx, in, n);
	must_be(heph_recv_where(ctx, in, &msg, n, 100), -ENOBUFS);
	must_be(heph_try_recv_where(in, &msg, n, 100), -ENOBUFS);
	must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 100)), -ENOBUFS);
	must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 100),
			  heph_on_time(heph_now() + 1000 * HEPH_SEC)),
		-ENOBUFS);
	/* ... unless another clause can be had */
	must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 100),
			  heph_on_time(0)),
		1);
	must_be(heph_wait(ctx, heph_on_msg_where(in, &msg, n, 100),
			  heph_on_msg(in, &msg)),
		1);
	must_be(msg.n, 0);
	must_be(heph_try_recv_where(in, &msg, n, 100), -EAGAIN);
	must_be(heph_recv_where(heph_within(ctx, HEPH_MSEC), in, &msg, n, 100),
		-ETIME);
	put(ctx, in, 8);
	must_be(heph_recv_where(ctx, in, &msg, n, 100), -ENOBUFS);
	must_be(heph_recv_where(ctx, in, &msg, n, 8), 0);
	return 0;
}

static void a_full_inbox_cannot_get_what_matches(void **state)
{
	(void)state;
	run_pick(full);
	assert_int_equal(pick_dropped, 7);
}

static int fill(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct sender *it = arg;

	for (long n = 1; n <= 12; n++) {
		must_be(heph_send(ctx, it->to, { .n = n }), 0);
		it->step = (int)n;
	}
	return 0;
}

/* It gets full while it waits: the wait ends. Then room is made for a sender
 * that waits by taking from the middle. */
static int becomes_full(heph_ctx ctx, pick_inbox in, void *arg)
{
	static struct sender it;
	struct pick_msg msg;
	pick_ref ref;

	it = (struct sender){ .to = heph_self(in) };
	ref = start_on(ctx, HEPH_HERE, fill, &it);
	must_be(heph_recv_where(ctx, in, &msg, n, 12), -ENOBUFS);
	must_be(heph_inbox_info(in).fill, 8);
	must_be(it.step, 8);
	for (long n = 5; n <= 8; n++) {
		must_be(heph_recv_where(ctx, in, &msg, n, n), 0);
		while (it.step < n + 4)
			must_be(heph_yield(ctx), 0);
	}
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(heph_recv_where(ctx, in, &msg, n, 12), 0);
	for (long n = 1; n <= 4; n++)
		expect_next(ctx, in, n);
	for (long n = 9; n <= 11; n++)
		expect_next(ctx, in, n);
	return 0;
}

static void taking_from_the_middle_makes_room(void **state)
{
	(void)state;
	run_pick(becomes_full);
}

/* ---- ownership, calls, restarts ------------------------------------------------------------ */

static int leave_some(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msg;

	for (long n = 1; n <= 4; n++)
		must_be(heph_send(ctx, heph_self(in),
				  { .n = n, .owned = malloc(1) }),
			0);
	must_be(heph_recv_where(ctx, in, &msg, n, 2), 0);
	free(msg.owned);
	must_be(heph_try_recv_where(in, &msg, n, 9), -EAGAIN);
	return 0;
}

static void what_does_not_match_is_dropped_at_the_end(void **state)
{
	(void)state;
	run_pick(leave_some);
	assert_int_equal(pick_dropped, 3);
}

static int answer_second(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct pick_msg msg;

	must_be(heph_recv_where(ctx, in, &msg, n, 2), 0);
	must(heph_reply_wanted(msg.answer));
	must_be(heph_answer(msg.answer, 22), 0);
	must_be(heph_recv_where(ctx, in, &msg, n, 3), 0);
	return 0; /* owes an answer */
}

struct caller {
	pick_ref to;
	long n;
	int err;
};

static int call_it(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct caller *it = arg;
	long answer = 0;

	must_be(heph_call(ctx, it->to, answer, &answer,
			  { .kind = PICK_CALL, .n = it->n }),
		it->err);
	must_be(answer, it->err ? 0 : 22);
	return 0;
}

static int calls(heph_ctx ctx, pick_inbox in, void *arg)
{
	static struct caller callers[3];
	pick_ref refs[3];

	for (int on = 1; on <= 2; on++) {
		callers[0].to = start_on(ctx, on, answer_second, NULL);
		for (int n = 0; n < 3; n++) {
			callers[n] = (struct caller){ callers[0].to, n + 1,
						      n == 1 ? 0 : -EPIPE };
			refs[n] =
				start_on(ctx, HEPH_HERE, call_it, &callers[n]);
		}
		for (int n = 0; n < 3; n++)
			must_be(heph_join(ctx, refs[n], NULL), 0);
	}
	return 0;
}

static void a_call_that_matches_is_owed(void **state)
{
	(void)state;
	run_pick(calls);
}

static enum heph_verdict again(const struct heph_exit *why,
			       struct pick_arg *arg)
{
	(void)arg;
	return why->err == -EIO ? HEPH_RESTART : HEPH_STOP;
}

static int fail_between(heph_ctx ctx, pick_inbox in, void *arg)
{
	_Atomic int *runs = arg;
	struct pick_msg msg;

	if ((*runs)++ == 0) {
		for (long n = 1; n <= 4; n++)
			put(ctx, in, n);
		must_be(heph_try_recv_where(in, &msg, n, 9), -EAGAIN);
		must_be(heph_try_recv_where(in, &msg, n, 2), 0);
		return -EIO;
	}
	put(ctx, in, 9);
	must_be(heph_recv_where(ctx, in, &msg, n, 9), 0);
	must_be(heph_try_recv_where(in, &msg, n, 2), -EAGAIN);
	must_be(heph_try_recv_where(in, &msg, n, 3), 0);
	expect_next(ctx, in, 1);
	expect_next(ctx, in, 4);
	return 0;
}

static int restarts(heph_ctx ctx, pick_inbox in, void *arg)
{
	static _Atomic int runs;
	pick_ref ref;

	runs = 0;
	must_be(heph_spawn(ctx, pick, &ref,
			   { fail_between, (void *)(uintptr_t)&runs },
			   .decide = again),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(runs, 2);
	return 0;
}

static void it_goes_on_after_a_restart(void **state)
{
	(void)state;
	run_pick(restarts);
}

/* ---- two workers ----------------------------------------------------------------------------- */

enum { EACH = 2000 };

static int send_numbered(heph_ctx ctx, pick_inbox in, void *arg)
{
	struct caller *it = arg;

	for (unsigned n = 0; n < EACH; n++)
		must_be(heph_send(ctx, it->to,
				  { .n = n,
				    .small = (uint8_t)it->n,
				    .id = n % 3 }),
			0);
	return 0;
}

/* From one sender after the other what it sent, in its order. */
static int take_turns(heph_ctx ctx, pick_inbox in, void *arg)
{
	static struct caller callers[2];
	struct pick_msg msg;
	int err, taken = 0;
	long next[2] = { 0 };

	for (int n = 0; n < 2; n++) {
		callers[n] = (struct caller){ .to = heph_self(in), .n = n };
		start_on(ctx, n + 1, send_numbered, &callers[n]);
	}
	while (taken < 2 * EACH) {
		err = heph_recv_where(heph_within(ctx, 20 * HEPH_SEC), in, &msg,
				      small, taken % 2);
		if (err == -ENOBUFS || (err == 0 && next[taken % 2] == EACH))
			err = heph_recv(ctx, in, &msg);
		must_be(err, 0);
		must_be(msg.n, next[msg.small]);
		next[msg.small]++;
		taken++;
		if (next[0] == EACH || next[1] == EACH)
			break;
	}
	for (; taken < 2 * EACH; taken++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(msg.n, next[msg.small]++);
	}
	return 0;
}

static void senders_keep_their_order(void **state)
{
	(void)state;
	run_pick(take_turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_others_keep_place_and_order),
		cmocka_unit_test(the_oldest_that_matches_comes_first),
		cmocka_unit_test(members_of_all_scalar_types),
		cmocka_unit_test(arguments_are_evaluated_once),
		cmocka_unit_test(waits_until_it_comes),
		cmocka_unit_test(a_stop_refuses_it),
		cmocka_unit_test(urgent_messages_first),
		cmocka_unit_test(clauses_wait_for_what_matches),
		cmocka_unit_test(a_full_inbox_cannot_get_what_matches),
		cmocka_unit_test(taking_from_the_middle_makes_room),
		cmocka_unit_test(what_does_not_match_is_dropped_at_the_end),
		cmocka_unit_test(a_call_that_matches_is_owed),
		cmocka_unit_test(it_goes_on_after_a_restart),
		cmocka_unit_test(senders_keep_their_order),
	};

	return cmocka_run_group_tests_name("select_recv", tests, NULL, NULL);
}
