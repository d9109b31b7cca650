/* SPDX-License-Identifier: MIT */
/* References that take messages of another type. */
#include "act.h"

#include <pthread.h>

/* What the adapters below take. */
struct word_msg {
	char text[24];
};
HEPH_REF(word, struct word_msg);

struct coin_msg {
	int value;
	void *owned; /* from malloc(); may be NULL */
};
HEPH_REF(coin, struct coin_msg);

struct wish_msg {
	char pad[8];
	HEPH_REPLY(long) answer;
	long n;
};
HEPH_REF(wish, struct wish_msg);

static _Atomic int coins_dropped;

static void coin_drop(struct coin_msg *msg)
{
	free(msg->owned);
	coins_dropped++;
}

static int from_word(const struct word_msg *from, struct act_msg *to)
{
	to->n = (long)strlen(from->text);
	return 0;
}

/* A false coin is refused. */
static int from_coin(const struct coin_msg *from, struct act_msg *to)
{
	if (from->value < 0)
		return -EDOM;
	to->n = from->value;
	to->owned = from->owned;
	return 1; /* positive numbers say nothing */
}

static int add(const struct coin_msg *from, struct act_msg *to,
	       const long *value)
{
	to->n = from->value + *value;
	return 0;
}

static int from_wish(const struct wish_msg *from, struct act_msg *to)
{
	to->n = from->n;
	to->asks = true;
	heph_carry_reply(to->answer, from->answer);
	return 0;
}

static int coin_from_word(const struct word_msg *from, struct coin_msg *to)
{
	to->value = (int)strlen(from->text);
	return to->value ? 0 : -ENOMSG;
}

static int double_coin(const struct coin_msg *from, struct coin_msg *to)
{
	to->value = from->value * 2;
	to->owned = from->owned;
	return 0;
}

static int from_double_coin(const struct coin_msg *from, struct act_msg *to)
{
	to->n = from->value * 2;
	return 0;
}

static void expect_on(heph_ctx ctx, act_inbox in, long n)
{
	struct act_msg msg;

	must_be(heph_recv(heph_within(ctx, 20 * HEPH_SEC), in, &msg), 0);
	must_be(msg.n, n);
	must(!msg.asks);
	free(msg.owned);
}

static void expect_none(act_inbox in)
{
	struct act_msg msg;

	must_be(heph_try_recv(in, &msg), -EAGAIN);
}

/* ---- sending ----------------------------------------------------------------- */

static int mapped_send_(heph_ctx ctx, act_inbox in, void *arg)
{
	word_ref word;

	must_be(heph_map(ctx, &word, heph_self(in), from_word), 0);
	must(heph_id(word) != heph_id(heph_self(in)));
	must_be(heph_send(ctx, word, { "three" }), 0);
	must_be(heph_try_send(word, { "four" }), 0);
	heph_post(word, { "" });
	expect_on(ctx, in, 5);
	expect_on(ctx, in, 4);
	expect_on(ctx, in, 0);
	expect_none(in);
	return 0;
}

static void mapped_send(void **state)
{
	(void)state;
	run(mapped_send_, NULL);
	assert_int_equal(act_dropped, 0);
}

/* It is plain data. */
static int mapped_cloned_(heph_ctx ctx, act_inbox in, void *arg)
{
	word_ref word, copy;

	must_be(heph_map(ctx, &word, heph_self(in), from_word), 0);
	copy = word;
	must_be(heph_send(ctx, copy, { "ab" }), 0);
	must_be(heph_send(ctx, word, { "abc" }), 0);
	expect_on(ctx, in, 2);
	expect_on(ctx, in, 3);
	must(heph_same(copy, word));
	return 0;
}

static void mapped_cloned(void **state)
{
	(void)state;
	run(mapped_cloned_, NULL);
}

struct point {
	long x, y;
};

static int add_point(const struct coin_msg *from, struct act_msg *to,
		     const struct point *at)
{
	to->n = from->value * at->x + at->y;
	return 0;
}

static int mapped_fn_send_(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref by_5, by_7, point, literal;
	struct point at = { 10, 3 };
	long five = 5;

	must_be(heph_map(ctx, &by_5, heph_self(in), add, five), 0);
	five = 100; /* it was copied */
	must_be(heph_map(ctx, &by_7, heph_self(in), add, 7L), 0);
	must_be(heph_map(ctx, &point, heph_self(in), add_point, at), 0);
	must_be(heph_map(ctx, &literal, heph_self(in), add_point,
			 (struct point){ 100, .y = 9 }),
		0);
	must_be(heph_send(ctx, by_5, { .value = 1 }), 0);
	must_be(heph_send(ctx, by_7, { .value = 1 }), 0);
	must_be(heph_send(ctx, point, { .value = 2 }), 0);
	must_be(heph_send(ctx, literal, { .value = 2 }), 0);
	expect_on(ctx, in, 6);
	expect_on(ctx, in, 8);
	expect_on(ctx, in, 23);
	expect_on(ctx, in, 209);
	return 0;
}

static void mapped_fn_send(void **state)
{
	(void)state;
	run(mapped_fn_send_, NULL);
}

static int try_mapped_send_(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref coin;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_send(ctx, coin, { 5, malloc(10) }), 0);
	must_be(heph_try_send(coin, { 6, malloc(10) }), 0);
	expect_on(ctx, in, 5);
	expect_on(ctx, in, 6);
	must_be(heph_send(ctx, coin, { 7, malloc(10) }), 0);
	return 0;
}

/* The one that is not received goes to the drop function of the actor. */
static void try_mapped_send(void **state)
{
	(void)state;
	run(try_mapped_send_, NULL);
	assert_int_equal(act_dropped, 1);
}

static int try_mapped_send_conversion_error_(heph_ctx ctx, act_inbox in,
					     void *arg)
{
	void *mine = malloc(10);
	coin_ref coin;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_send(ctx, coin, { -1, mine }), -EDOM);
	must_be(heph_try_send(coin, { -1, mine }), -EDOM);
	free(mine);
	expect_none(in);
	must_be(heph_inbox_info(in).received, 0);
	must_be(heph_send(ctx, coin, { .value = 1 }), 0);
	expect_on(ctx, in, 1);
	return 0;
}

static void try_mapped_send_conversion_error(void **state)
{
	(void)state;
	run(try_mapped_send_conversion_error_, NULL);
	assert_int_equal(act_dropped, 0);
}

static int recv_all(heph_ctx ctx, act_inbox in, void *arg)
{
	_Atomic long *sum = arg;
	struct act_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		*sum += msg.n;
		free(msg.owned);
		if (msg.asks)
			heph_answer(msg.answer, *sum);
	}
	return 0;
}

/* On this worker and on the other one. */
static int from_all_sides(heph_ctx ctx, act_inbox in, void *arg)
{
	static _Atomic long sum;
	act_ref ref;
	coin_ref coin;
	long answer;

	for (int on = 1; on <= 2; on++) {
		sum = 0;
		ref = spawn_on(ctx, on, recv_all, &sum);
		must_be(heph_map(ctx, &coin, ref, from_coin), 0);
		for (int n = 1; n <= 500; n++)
			must_be(heph_send(ctx, coin, { .value = n }), 0);
		must_be(heph_call(ctx, ref, answer, &answer, { .asks = true }),
			0);
		must_be(answer, 500 * 501 / 2);
		stop_and_join(ctx, ref);
		must_be(heph_send(ctx, coin, { .value = 1 }), -ESRCH);
		must_be(heph_try_send(coin, { .value = 1 }), -ESRCH);
	}
	return 0;
}

static void goes_to_other_workers(void **state)
{
	(void)state;
	run(from_all_sides, NULL);
}

static int full_(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref coin;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	for (int n = 0; n < 64; n++)
		must_be(heph_try_send(coin, { .value = n }), 0);
	must_be(heph_try_send(coin, { .value = 64 }), -EAGAIN);
	must_be(heph_send(ctx, coin, { .value = 64 }), -EDEADLK);
	must_be(heph_try_send(coin, { .value = -1 }), -EDOM);
	for (int n = 0; n < 64; n++)
		expect_on(ctx, in, n);
	return 0;
}

static void mapped_send_to_a_full_inbox(void **state)
{
	(void)state;
	run(full_, NULL);
}

struct late {
	_Atomic bool go;
};

static int start_late(heph_ctx ctx, act_inbox in, void *arg)
{
	struct late *late = arg;

	while (!late->go)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	for (int n = 0; n < 11; n++)
		expect_on(ctx, in, n);
	return 0;
}

static int waits_for_room(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct late late;
	act_ref ref;
	coin_ref coin;

	for (int on = 1; on <= 2; on++) {
		late.go = false;
		must_be(heph_spawn(ctx, act, &ref, { start_late, &late },
				   .on = on, .inbox = 8),
			0);
		must_be(heph_map(ctx, &coin, ref, from_coin), 0);
		for (int n = 0; n < 8; n++)
			must_be(heph_send(ctx, coin, { .value = n }), 0);
		if (on == 1)
			must_be(heph_send(heph_within(ctx, HEPH_MSEC), coin,
					  { .value = 8 }),
				-ETIME);
		late.go = true;
		for (int n = 8; n < 11; n++)
			must_be(heph_send(ctx, coin, { .value = n }), 0);
		must_be(heph_join(ctx, coin, NULL), 0);
	}
	return 0;
}

static void mapped_send_waits_for_room(void **state)
{
	(void)state;
	run(waits_for_room, NULL);
}

/* ---- posting ----------------------------------------------------------------- */

static int post_(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t before;
	coin_ref coin;

	must_be(heph_map_owning(ctx, &coin, heph_self(in), from_coin,
				coin_drop),
		0);
	heph_post(coin, { 1, malloc(10) });
	expect_on(ctx, in, 1);
	must_be(coins_dropped, 0);
	heph_post(coin, { -1, malloc(10) }); /* refused */
	must_be(coins_dropped, 1);
	for (int n = 0; n < 64; n++)
		heph_post(coin, { .value = n });
	before = heph_stats(ctx).posts_dropped;
	heph_post(coin, { 64, malloc(10) }); /* full */
	must_be(coins_dropped, 2);
	must_be(heph_stats(ctx).posts_dropped, before + 1);
	must_be(heph_unmap(ctx, coin), 0);
	heph_post(coin, { 1, malloc(10) }); /* gone */
	must_be(coins_dropped, 3);
	return 0;
}

static void a_failed_post_goes_to_the_drop_function(void **state)
{
	(void)state;
	coins_dropped = 0;
	run(post_, NULL);
	assert_int_equal(act_dropped, 64);
}

static int post_plain(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref coin;
	uint64_t before = heph_stats(ctx).posts_dropped;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	heph_post(coin, { .value = -1 });
	must_be(heph_stats(ctx).posts_dropped, before + 1);
	expect_none(in);
	return 0;
}

static void a_failed_post_without_a_drop_function_is_counted(void **state)
{
	(void)state;
	coins_dropped = 0;
	run(post_plain, NULL);
	assert_int_equal(coins_dropped, 0);
}

static int owning_with_value(const struct coin_msg *from, struct act_msg *to,
			     const int *limit)
{
	if (from->value > *limit)
		return -EFBIG;
	return from_coin(from, to);
}

static int post_with_value(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref coin;

	must_be(heph_map_owning(ctx, &coin, heph_self(in), owning_with_value,
				coin_drop, 10),
		0);
	heph_post(coin, { 10, malloc(1) });
	heph_post(coin, { 11, malloc(1) });
	expect_on(ctx, in, 10);
	expect_none(in);
	must_be(coins_dropped, 1);
	return 0;
}

static void owning_adapters_have_values_too(void **state)
{
	(void)state;
	coins_dropped = 0;
	run(post_with_value, NULL);
}

/* ---- calls ------------------------------------------------------------------- */

static int calls_(heph_ctx ctx, act_inbox in, void *arg)
{
	wish_ref wish;
	act_ref ref;
	long answer;

	for (int on = 1; on <= 2; on++) {
		ref = spawn_on(ctx, on, answer_all, NULL);
		must_be(heph_map(ctx, &wish, ref, from_wish), 0);
		must_be(heph_call(ctx, wish, answer, &answer, { .n = 41 }), 0);
		must_be(answer, 42);
		stop_and_join(ctx, ref);
		must_be(heph_call(ctx, wish, answer, &answer, { .n = 1 }),
			-ESRCH);
	}
	return 0;
}

static void mapped_call(void **state)
{
	(void)state;
	run(calls_, NULL);
}

static int forget_reply(const struct wish_msg *from, struct act_msg *to)
{
	to->n = from->n;
	return 0;
}

static int refuse_wish(const struct wish_msg *from, struct act_msg *to)
{
	(void)from, (void)to;
	return -EACCES;
}

static int bad_calls(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_HERE, answer_all, NULL);
	wish_ref forgets, refuses, self;
	long answer;

	must_be(heph_map(ctx, &forgets, ref, forget_reply), 0);
	must_be(heph_map(ctx, &refuses, ref, refuse_wish), 0);
	must_be(heph_map(ctx, &self, heph_self(in), from_wish), 0);
	must_be(heph_call(ctx, forgets, answer, &answer, { .n = 1 }), -EINVAL);
	must_be(heph_call(ctx, refuses, answer, &answer, { .n = 1 }), -EACCES);
	must_be(heph_call(ctx, self, answer, &answer, { .n = 1 }), -EDEADLK);
	expect_none(in);
	sync_with(ctx, ref);
	stop_and_join(ctx, ref);
	return 0;
}

static void mapped_calls_that_fail(void **state)
{
	(void)state;
	run(bad_calls, NULL);
}

static int answers_pipe(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	return heph_recv(ctx, in, &msg);
}

static int lost_call(heph_ctx ctx, act_inbox in, void *arg)
{
	wish_ref wish;
	long answer;

	must_be(heph_map(ctx, &wish, spawn_on(ctx, 2, answers_pipe, NULL),
			 from_wish),
		0);
	must_be(heph_call(ctx, wish, answer, &answer, { .n = 1 }), -EPIPE);
	must_be(heph_map(ctx, &wish, spawn_on(ctx, 2, idle, NULL), from_wish),
		0);
	must_be(heph_call(heph_within(ctx, HEPH_MSEC), wish, answer, &answer,
			  { .n = 1 }),
		-ETIME);
	return 0;
}

static void mapped_calls_without_an_answer(void **state)
{
	(void)state;
	run(lost_call, NULL);
}

/* ---- chains ------------------------------------------------------------------- */

static int wish_again(const struct wish_msg *from, struct wish_msg *to)
{
	to->n = from->n + 1;
	heph_carry_reply(to->answer, from->answer);
	return 0;
}

static int chains(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref coin, twice;
	wish_ref wish;
	word_ref word;
	long answer;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_map(ctx, &twice, coin, double_coin), 0);
	must_be(heph_map(ctx, &word, twice, coin_from_word), 0);
	must_be(heph_send(ctx, word, { "1234" }), 0);
	expect_on(ctx, in, 8);
	must_be(heph_send(ctx, twice, { .value = -2 }), -EDOM);
	must_be(heph_send(ctx, word, { "" }), -ENOMSG);
	expect_none(in);

	must_be(heph_map(ctx, &wish, spawn_on(ctx, 2, answer_all, NULL),
			 from_wish),
		0);
	must_be(heph_map(ctx, &wish, wish, wish_again), 0);
	must_be(heph_call(ctx, wish, answer, &answer, { .n = 5 }), 0);
	must_be(answer, 7);

	must_be(heph_unmap(ctx, twice), 0);
	must_be(heph_send(ctx, word, { "12" }), -ESRCH);
	must_be(heph_send(ctx, coin, { .value = 3 }), 0);
	expect_on(ctx, in, 3);
	must(!heph_alive(word));
	must(heph_alive(coin));
	must_be(heph_map(ctx, &coin, twice, double_coin), -ESRCH);
	return 0;
}

static void mapped_chains(void **state)
{
	(void)state;
	run(chains, NULL);
}

static int long_chain(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref coin, next;
	int n;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	for (n = 1; n < HEPH_MAP_DEPTH_MAX; n++)
		must_be(heph_map(ctx, &coin, coin, double_coin), 0);
	must_be(heph_map(ctx, &next, coin, double_coin), -ELOOP);
	must_be(heph_send(ctx, coin, { .value = 1 }), 0);
	expect_on(ctx, in, 1 << (HEPH_MAP_DEPTH_MAX - 1));
	must(heph_same(coin, heph_self(in)));
	return 0;
}

static void a_chain_has_at_most_16_adapters(void **state)
{
	(void)state;
	run(long_chain, NULL);
}

/* ---- what is not a send --------------------------------------------------------- */

/* The twelve combinations of Heph, and some. */
static int sends_to_(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref a = spawn_on(ctx, 1, idle, NULL),
		b = spawn_on(ctx, 2, idle, NULL);
	act_ref copy = a;
	coin_ref map_a, map_a2, map_b, nobody = { 0 };
	word_ref chain_a;
	heph_ref any = { a.addr };

	must_be(heph_map(ctx, &map_a, a, from_coin), 0);
	must_be(heph_map(ctx, &map_a2, a, from_double_coin), 0);
	must_be(heph_map(ctx, &map_b, b, from_coin), 0);
	must_be(heph_map(ctx, &chain_a, map_a, coin_from_word), 0);
	must(heph_same(a, a));
	must(heph_same(a, copy));
	must(heph_same(a, map_a));
	must(heph_same(map_a, a));
	must(heph_same(map_a, map_a));
	must(heph_same(map_a, map_a2));
	must(heph_same(chain_a, a));
	must(heph_same(chain_a, map_a2));
	must(heph_same(any, chain_a));
	must(!heph_same(a, b));
	must(!heph_same(a, map_b));
	must(!heph_same(map_b, a));
	must(!heph_same(map_a, map_b));
	must(!heph_same(chain_a, map_b));
	must(!heph_same(chain_a, b));
	must(!heph_same(nobody, map_a));
	must(heph_same(nobody, nobody));
	stop_and_join(ctx, a); /* the same as before */
	must(heph_same(a, chain_a));
	must_be(heph_unmap(ctx, map_a), 0);
	must(heph_same(map_a, map_a));
	must(!heph_same(map_a, a));
	must(!heph_same(chain_a, a));
	must(!heph_same(chain_a, map_a));
	return 0;
}

static void sends_to(void **state)
{
	(void)state;
	run(sends_to_, NULL);
}

static int join_mapped_(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_exit exit;
	act_ref ref;
	coin_ref coin;

	for (int on = 1; on <= 2; on++) {
		ref = spawn_on(ctx, on, idle, NULL);
		must_be(heph_map(ctx, &coin, ref, from_coin), 0);
		must_be(heph_join(heph_within(ctx, HEPH_MSEC), coin, &exit),
			-ETIME);
		heph_stop(coin);
		must_be(heph_join(ctx, coin, &exit), 0);
		/* on another worker it may have ended before the join */
		must(exit.err == 0 || (on == 2 && exit.err == -ESRCH));
		must(!heph_alive(ref));
		must_be(heph_join(ctx, coin, &exit), 0); /* it had ended */
		must_be(exit.err, -ESRCH);
		must_be(heph_unmap(ctx, coin), 0);
		must_be(heph_join(ctx, coin, &exit), 0);
		must_be(exit.err, -ESRCH);
		heph_stop(coin);
	}
	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_join(ctx, coin, &exit), -EDEADLK);
	return 0;
}

static void join_mapped(void **state)
{
	(void)state;
	run(join_mapped_, NULL);
}

/* Who watches through an adapter watches the actor. */
static int watched_(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_down down;
	struct heph_exit exit;
	coin_ref coin;
	act_ref ref;

	for (int on = 1; on <= 2; on++) {
		ref = spawn_on(ctx, on, idle, NULL);
		must_be(heph_map(ctx, &coin, ref, from_coin), 0);
		must_be(heph_monitor(ctx, coin), 0);
		must_be(heph_monitor(ctx, coin), 0);
		must_be(heph_demonitor(ctx, coin), 0);
		must_be(heph_link(ctx, coin), 0);
		must_be(heph_link(ctx, ref), -EEXIST);
		must_be(heph_unlink(ctx, coin), 0);
		must_be(heph_hold(ctx, coin), 0);
		must_be(heph_release(ctx, coin), 0);
		must_be(heph_release(ctx, ref), -ENOENT);
		heph_stop(coin);
		must_be(heph_wait(ctx, heph_on_join(coin, &exit)), 0);
		must_be(heph_wait(ctx, heph_on_down(&down)), 0);
		must(heph_same(down.who, ref));
		must(heph_same(down.who, coin));
		must_be(heph_unmap(ctx, coin), 0);
		must_be(heph_link(ctx, coin), -ESRCH);
		must_be(heph_hold(ctx, coin), -ESRCH);
		must_be(heph_monitor(ctx, coin), 0);
		must_be(heph_wait(ctx, heph_on_down(&down)), 0);
		must_be(down.exit.err, -ESRCH);
	}
	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_link(ctx, coin), -EDEADLK);
	must_be(heph_wait(ctx, heph_on_join(coin, NULL)), -EDEADLK);
	return 0;
}

static void an_adapter_is_watched(void **state)
{
	(void)state;
	run(watched_, NULL);
}

static int scoped_(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_scope scope;
	coin_ref outer, inner;

	must_be(heph_map(ctx, &outer, heph_self(in), from_coin), 0);
	must_be(heph_scope_open(ctx, &scope), 0);
	must_be(heph_map(ctx, &inner, outer, double_coin), 0);
	must_be(heph_send(ctx, inner, { .value = 2 }), 0);
	heph_scope_close(ctx, scope);
	must(!heph_alive(inner));
	must_be(heph_send(ctx, inner, { .value = 2 }), -ESRCH);
	must_be(heph_send(ctx, outer, { .value = 5 }), 0);
	expect_on(ctx, in, 4);
	expect_on(ctx, in, 5);
	return 0;
}

static void an_adapter_ends_with_its_scope(void **state)
{
	(void)state;
	run(scoped_, NULL);
}

/* To actors that are on a thread of their own, or move. */
static int solo_(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int places[] = { HEPH_OWN_THREAD, HEPH_ANY };
	wish_ref wish;
	act_ref ref;
	long answer;

	for (int n = 0; n < 2; n++) {
		ref = spawn_on(ctx, places[n], answer_all, NULL);
		must_be(heph_map(ctx, &wish, ref, from_wish), 0);
		for (int i = 0; i < 50; i++) {
			must_be(heph_call(ctx, wish, answer, &answer,
					  { .n = i }),
				0);
			must_be(answer, i + 1);
		}
		must(heph_same(wish, ref));
		heph_stop(wish);
		must_be(heph_join(ctx, wish, NULL), 0);
	}
	return 0;
}

static void leads_to_actors_anywhere(void **state)
{
	(void)state;
	run(solo_, NULL);
}

static int end_when_told(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	return heph_recv(ctx, in, &msg);
}

static int mapped_is_connected_(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, 2, end_when_told, NULL);
	coin_ref coin;
	word_ref word;

	must_be(heph_map(ctx, &coin, ref, from_coin), 0);
	must_be(heph_map(ctx, &word, coin, coin_from_word), 0);
	must(heph_alive(coin) && heph_alive(word));
	must_be(heph_send(ctx, coin, { .value = 1 }), 0);
	must_be(heph_join(ctx, word, NULL), 0);
	for (int n = 0; n < 100; n++) {
		must(!heph_alive(coin) && !heph_alive(word));
		ref = spawn_on(ctx, 2, end_when_told, NULL);
		must_be(heph_send(ctx, ref, { .n = 1 }), 0);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	must_be(heph_map(ctx, &coin, ref, from_coin), -ESRCH);
	return 0;
}

static void mapped_is_connected(void **state)
{
	(void)state;
	run(mapped_is_connected_, NULL);
}

/* An ended adapter is not alive, though its target is; and never again. */
static int alive_(heph_ctx ctx, act_inbox in, void *arg)
{
	coin_ref first, later;

	must_be(heph_map(ctx, &first, heph_self(in), from_coin), 0);
	must(heph_alive(first));
	must_be(heph_unmap(ctx, first), 0);
	for (int n = 0; n < 100; n++) {
		must_be(heph_map(ctx, &later, heph_self(in), from_coin), 0);
		must(later.addr.slot == first.addr.slot);
		must(heph_id(later) > heph_id(first));
		must(!heph_alive(first));
		must_be(heph_try_send(first, { .value = 1 }), -ESRCH);
		must_be(heph_unmap(ctx, first), -ESRCH);
		must_be(heph_unmap(ctx, later), 0);
	}
	expect_none(in);
	return 0;
}

static void once_ended_never_alive_again(void **state)
{
	(void)state;
	run(alive_, NULL);
}

/* ---- whose it is ----------------------------------------------------------------- */

struct leaves {
	coin_ref coin;
	act_ref target;
	int runs;
};

static int make_and_return(heph_ctx ctx, act_inbox in, void *arg)
{
	struct leaves *leaves = arg;

	must_be(heph_map(ctx, &leaves->coin, leaves->target, from_coin), 0);
	return 0;
}

static int ends_with_its_maker(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct leaves leaves;
	act_ref maker;

	for (int on = 1; on <= 2; on++) {
		leaves.target = heph_self(in);
		maker = spawn_on(ctx, on, make_and_return, &leaves);
		must_be(heph_join(ctx, maker, NULL), 0);
		must_be(heph_send(ctx, leaves.coin, { .value = 1 }), -ESRCH);
		must_be(heph_unmap(ctx, leaves.coin), -ESRCH);
		must(!heph_alive(leaves.coin));
	}
	expect_none(in);
	return 0;
}

static void an_adapter_ends_with_its_maker(void **state)
{
	(void)state;
	run(ends_with_its_maker, NULL);
}

static enum heph_verdict again(const struct heph_exit *why, struct act_arg *arg)
{
	(void)arg;
	return why->err == -EIO ? HEPH_RESTART : HEPH_STOP;
}

static int fail_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct leaves *leaves = arg;

	if (leaves->runs++)
		return 0;
	must_be(heph_map(ctx, &leaves->coin, leaves->target, from_coin), 0);
	must_be(heph_send(ctx, leaves->coin, { .value = 3 }), 0);
	return -EIO;
}

static int ends_at_restart(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct leaves leaves;
	act_ref ref;

	leaves = (struct leaves){ .target = heph_self(in) };
	must_be(heph_spawn(ctx, act, &ref, { fail_once, &leaves },
			   .decide = again),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(leaves.runs, 2);
	expect_on(ctx, in, 3);
	must_be(heph_try_send(leaves.coin, { .value = 1 }), -ESRCH);
	return 0;
}

static void an_adapter_ends_when_its_maker_restarts(void **state)
{
	(void)state;
	run(ends_at_restart, NULL);
}

static int unmap_mine(heph_ctx ctx, act_inbox in, void *arg)
{
	const coin_ref *coin = arg;

	must_be(heph_unmap(ctx, *coin), -ESRCH);
	must_be(heph_unmap(ctx, heph_self(in)), -ESRCH);
	return 0;
}

static int only_its_maker(heph_ctx ctx, act_inbox in, void *arg)
{
	static coin_ref coin;

	must_be(heph_map(ctx, &coin, heph_self(in), from_coin), 0);
	must_be(heph_join(ctx, spawn_on(ctx, 2, unmap_mine, &coin), NULL), 0);
	must_be(heph_send(ctx, coin, { .value = 1 }), 0);
	expect_on(ctx, in, 1);
	return 0;
}

static void only_its_maker_ends_it(void **state)
{
	(void)state;
	run(only_its_maker, NULL);
}

/* ---- large messages, and no memory --------------------------------------------------- */

struct large_msg {
	char text[3000];
	HEPH_REPLY(long) answer;
	long n;
};
HEPH_REF(large, struct large_msg);

static int from_large(const struct large_msg *from, struct act_msg *to)
{
	to->n = from->n;
	heph_carry_reply(to->answer, from->answer);
	to->asks = true;
	return from->text[2999] == 'x' ? 0 : -EILSEQ;
}

static int large_from_large(const struct large_msg *from, struct large_msg *to)
{
	*to = *from;
	return 0;
}

static int large_messages(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct large_msg msg = { .n = 4 };
	act_ref ref = spawn_on(ctx, 2, answer_all, NULL);
	large_ref large, larger;
	long answer;

	must_be(heph_map(ctx, &large, ref, from_large), 0);
	must_be(heph_map(ctx, &larger, large, large_from_large), 0);
	must_be(heph_call(ctx, larger, answer, &answer, msg), -EILSEQ);
	msg.text[2999] = 'x';
	must_be(heph_call(ctx, large, answer, &answer, msg), 0);
	must_be(answer, 5);
	must_be(heph_call(ctx, larger, answer, &answer, msg), 0);
	must_be(answer, 5);
	return 0;
}

static void large_messages_travel_too(void **state)
{
	(void)state;
	run(large_messages, NULL);
}

/* ---- threads --------------------------------------------------------------------------- */

struct senders {
	coin_ref coin;
	heph_ctx ctx;
	_Atomic int sent, refused, gone;
};

enum { EACH = 2000 };

static void *send_as_stranger(void *arg)
{
	struct senders *it = arg;
	int err;

	for (int n = 0; n < EACH; n++) {
		do
			err = heph_try_send(it->coin,
					    { .value = n % 10 ? 1 : -1 });
		while (err == -EAGAIN && !sched_yield());
		must(err == 0 || err == -EDOM);
		if (err == 0)
			it->sent++;
		else
			it->refused++;
	}
	return NULL;
}

static void *send_attached(void *arg)
{
	struct senders *it = arg;
	heph_ctx ctx;
	int err;

	must_be(heph_attach(heph_runtime(it->ctx), &ctx), 0);
	for (int n = 0; n < EACH; n++) {
		err = heph_send(ctx, it->coin, { .value = n % 10 ? 1 : -1 });
		must(err == 0 || err == -EDOM);
		if (err == 0)
			it->sent++;
		else
			it->refused++;
	}
	heph_detach(ctx);
	return NULL;
}

static void threads_send_through_it(void **state)
{
	static _Atomic long sum;
	struct senders it = { .ctx = begin(&two_workers) };
	pthread_t threads[4];
	act_ref ref;
	long answer;

	(void)state;
	sum = 0;
	ref = spawn_on(it.ctx, 1, recv_all, &sum);
	must_be(heph_map(it.ctx, &it.coin, ref, from_coin), 0);
	for (int n = 0; n < 4; n++)
		must_be(pthread_create(&threads[n], NULL,
				       n % 2 ? send_attached : send_as_stranger,
				       &it),
			0);
	for (int n = 0; n < 4; n++)
		pthread_join(threads[n], NULL);
	must_be(heph_call(it.ctx, ref, answer, &answer, { .asks = true }), 0);
	must_be(it.refused, 4 * EACH / 10);
	must_be(answer, it.sent);
	heph_stop(it.coin);
	must_be(heph_join(it.ctx, it.coin, NULL), 0);
	end(it.ctx);
}

/* Adapters come and go in the same place while others send: each message went
 * through the adapter that it was sent to, or none. */
struct changing {
	_Atomic uint64_t id;
	_Atomic uint32_t slot;
	_Atomic bool over;
	uint16_t node;
	_Atomic long sent, gone;
};

static int check_value(const struct coin_msg *from, struct act_msg *to,
		       const int *value)
{
	must_be(from->value, *value);
	to->n = 1;
	return 0;
}

static void send_to_current(struct changing *it)
{
	coin_ref coin = { { .addr = { .node = it->node } } };
	int err;

	coin.addr.id = it->id;
	coin.addr.slot = 1;
	err = heph_try_send(coin,
			    { .value = (int)(coin.addr.id / 1024 % 1000) });
	must(err == 0 || err == -ESRCH || err == -EAGAIN);
	if (err == 0)
		it->sent++;
	else
		it->gone++;
}

static void *send_to_changing(void *arg)
{
	struct changing *it = arg;

	while (!it->over)
		send_to_current(it);
	return NULL;
}

static int change(heph_ctx ctx, act_inbox in, void *arg)
{
	struct changing *it = arg;
	struct act_msg msg;
	coin_ref coin;
	int value;

	must_be(heph_map(ctx, &coin, heph_self(in), check_value, 0), 0);
	value = (int)(coin.addr.id / 1024 % 1000);
	for (int n = 0; n < 3000; n++) {
		must_be(heph_unmap(ctx, coin), 0);
		value = (value + 1) % 1000;
		must_be(heph_map(ctx, &coin, heph_self(in), check_value, value),
			0);
		must_be(coin.addr.slot, 1);
		it->id = coin.addr.id;
		while (heph_try_recv(in, &msg) == 0)
			must_be(msg.n, 1);
		must_be(heph_yield(ctx), 0);
	}
	it->over = true;
	return 0;
}

static void adapters_change_while_others_send(void **state)
{
	static struct changing it;
	heph_ctx ctx = begin(&two_workers);
	pthread_t threads[2];
	act_ref ref;

	(void)state;
	it = (struct changing){ .over = false };
	ref = spawn_on(ctx, 1, change, &it);
	it.node = ref.addr.node;
	for (int n = 0; n < 2; n++)
		must_be(pthread_create(&threads[n], NULL, send_to_changing,
				       &it),
			0);
	must_be(heph_join(ctx, ref, NULL), 0);
	for (int n = 0; n < 2; n++)
		pthread_join(threads[n], NULL);
	end(ctx);
}

/* ---- plain threads, and other runtimes ---------------------------------------------------- */

static void a_thread_makes_adapters(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_on(ctx, 2, answer_all, NULL);
	wish_ref wish;
	coin_ref coin;
	long answer;

	(void)state;
	must_be(heph_map(ctx, &wish, ref, from_wish), 0);
	must_be(heph_map(ctx, &coin, ref, from_coin), 0);
	must_be(heph_call(ctx, wish, answer, &answer, { .n = 1 }), 0);
	must_be(answer, 2);
	must_be(heph_unmap(ctx, coin), 0);
	must_be(heph_send(ctx, coin, { .value = 1 }), -ESRCH);
	heph_stop(wish);
	must_be(heph_join(ctx, wish, NULL), 0);
	end(ctx); /* the other one ends with the thread */
}

static void *in_another_runtime(void *arg)
{
	struct senders *it = arg;
	heph_ctx ctx;
	coin_ref twice;

	must_be(heph_new(&ctx, &two_workers), 0);
	must_be(heph_send(ctx, it->coin, { .value = 1 }), 0);
	must_be(heph_try_send(it->coin, { .value = 1 }), 0);
	must_be(heph_send(ctx, it->coin, { .value = -1 }), -EDOM);
	must_be(heph_map(ctx, &twice, it->coin, double_coin), 0);
	must_be(heph_send(ctx, twice, { .value = 4 }), 0);
	must(heph_same(twice, it->coin));
	must(heph_alive(twice));
	must_be(heph_join(heph_within(ctx, HEPH_MSEC), twice, NULL), -ETIME);
	must_be(heph_monitor(ctx, twice), -EXDEV);
	heph_free(ctx);
	must_be(heph_try_send(twice, { .value = 1 }), -ESRCH);
	must(!heph_alive(twice));
	return NULL;
}

static void it_leads_to_another_runtime(void **state)
{
	static _Atomic long sum;
	struct senders it = { .ctx = begin(&two_workers) };
	pthread_t thread;
	act_ref ref;
	long answer;

	(void)state;
	sum = 0;
	ref = spawn_on(it.ctx, 1, recv_all, &sum);
	must_be(heph_map(it.ctx, &it.coin, ref, from_coin), 0);
	must_be(pthread_create(&thread, NULL, in_another_runtime, &it), 0);
	pthread_join(thread, NULL);
	must_be(heph_call(it.ctx, ref, answer, &answer, { .asks = true }), 0);
	must_be(answer, 10);
	stop_and_join(it.ctx, ref);
	end(it.ctx);
}

/* A reference of an earlier runtime in the same place. */
static void a_stale_adapter_leads_nowhere(void **state)
{
	coin_ref old, coin;
	heph_ctx ctx;
	act_ref ref;

	(void)state;
	for (int n = 0; n < 3; n++) {
		ctx = begin(&two_workers);
		ref = spawn_on(ctx, 1, idle, NULL);
		must_be(heph_map_owning(ctx, &coin, ref, from_coin, coin_drop),
			0);
		if (n > 0) {
			must(heph_id(coin) > heph_id(old));
			must(!heph_alive(old));
			coins_dropped = 0;
			heph_post(old, { .value = 1 });
			must_be(coins_dropped, 0); /* nobody knows how */
			heph_post(coin, { .value = -1 });
			must_be(coins_dropped, 1);
		}
		old = coin;
		stop_and_join(ctx, ref);
		end(ctx);
		heph_post(old, { .value = 1 });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_send),
		cmocka_unit_test(mapped_cloned),
		cmocka_unit_test(mapped_fn_send),
		cmocka_unit_test(try_mapped_send),
		cmocka_unit_test(try_mapped_send_conversion_error),
		cmocka_unit_test(goes_to_other_workers),
		cmocka_unit_test(mapped_send_to_a_full_inbox),
		cmocka_unit_test(mapped_send_waits_for_room),
		cmocka_unit_test(a_failed_post_goes_to_the_drop_function),
		cmocka_unit_test(
			a_failed_post_without_a_drop_function_is_counted),
		cmocka_unit_test(owning_adapters_have_values_too),
		cmocka_unit_test(mapped_call),
		cmocka_unit_test(mapped_calls_that_fail),
		cmocka_unit_test(mapped_calls_without_an_answer),
		cmocka_unit_test(mapped_chains),
		cmocka_unit_test(a_chain_has_at_most_16_adapters),
		cmocka_unit_test(sends_to),
		cmocka_unit_test(join_mapped),
		cmocka_unit_test(an_adapter_is_watched),
		cmocka_unit_test(an_adapter_ends_with_its_scope),
		cmocka_unit_test(leads_to_actors_anywhere),
		cmocka_unit_test(mapped_is_connected),
		cmocka_unit_test(once_ended_never_alive_again),
		cmocka_unit_test(an_adapter_ends_with_its_maker),
		cmocka_unit_test(an_adapter_ends_when_its_maker_restarts),
		cmocka_unit_test(only_its_maker_ends_it),
		cmocka_unit_test(large_messages_travel_too),
		cmocka_unit_test(threads_send_through_it),
		cmocka_unit_test(adapters_change_while_others_send),
		cmocka_unit_test(a_thread_makes_adapters),
		cmocka_unit_test(it_leads_to_another_runtime),
		cmocka_unit_test(a_stale_adapter_leads_nowhere),
	};

	return cmocka_run_group_tests_name("adapters", tests, NULL, NULL);
}
