/* SPDX-License-Identifier: MIT */
/* Channels between actors, and actors and threads: all that waits. */
#include "act.h"

#include <pthread.h>

struct num {
	long n;
};

static _Atomic long dropped;

static void num_drop(struct num *num)
{
	(void)num;
	dropped++;
}

HEPH_CHAN(num, struct num, num_drop);

static num_sender tx;
static num_receiver rx;

/* What an actor that waits has got: how many times, and what. */
static _Atomic int done;
static _Atomic long got[16];
static long order[64];
static int n_order;

static void open_chan(unsigned capacity)
{
	done = 0;
	n_order = 0;
	dropped = 0;
	must_be(heph_chan_new(num, capacity, &tx, &rx), 0);
}

static void let_run(heph_ctx ctx)
{
	for (int n = 0; n < 4; n++)
		must_be(heph_yield(ctx), 0);
}

static long try_recv(void)
{
	struct num num;
	int err = heph_chan_try_recv(rx, &num);

	return err < 0 ? err : num.n;
}

static long recv_one(heph_ctx ctx)
{
	struct num num;
	int err = heph_chan_recv(ctx, rx, &num);

	return err < 0 ? err : num.n;
}

static int recv_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	got[done] = recv_one(ctx);
	done++;
	return 0;
}

static int peek_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct num *seen;
	int err = heph_chan_peek(ctx, rx, &seen);

	(void)in, (void)arg;
	got[done] = err < 0 ? err : seen->n;
	done++;
	return 0;
}

static int send_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	long n = (long)(intptr_t)arg;
	int err = heph_chan_send(ctx, tx, { n });

	(void)in;
	got[n] = err;
	order[n_order++] = n;
	done++;
	return 0;
}

static int join_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	got[done] = heph_chan_join(ctx, tx);
	done++;
	return 0;
}

static act_ref start(heph_ctx ctx, act_fn *fn, long arg)
{
	act_ref ref = spawn_on(ctx, HEPH_HERE, fn, (void *)(intptr_t)arg);

	let_run(ctx);
	return ref;
}

static void join_it(heph_ctx ctx, act_ref ref)
{
	must_be(heph_join(ctx, ref, NULL), 0);
}

static void expect(heph_ctx ctx, int wanted, long last)
{
	let_run(ctx);
	must_be(done, wanted);
	if (wanted)
		must_be(got[wanted - 1], last);
}

#define ACTOR_TEST(name_)                                                      \
	static int name_##_actor(heph_ctx ctx, act_inbox in, void *arg);       \
	static void name_(void **state)                                        \
	{                                                                      \
		(void)state;                                                   \
		run(name_##_actor, NULL);                                      \
	}                                                                      \
	static int name_##_actor(heph_ctx ctx, UNUSED act_inbox in,            \
				 UNUSED void *arg)

/* ---- receiving ------------------------------------------------------------------ */

ACTOR_TEST(recv_value)
{
	open_chan(8);
	must_be(heph_chan_send(ctx, tx, { 7 }), 0);
	must_be(recv_one(ctx), 7);
	heph_chan_free(tx);
	must_be(recv_one(ctx), -EPIPE);
	heph_chan_free(rx);
	return 0;
}

static void value_wakes(heph_ctx ctx, act_fn *fn)
{
	act_ref ref;

	open_chan(8);
	ref = start(ctx, fn, 0);
	expect(ctx, 0, 0);
	must_be(heph_chan_try_send(tx, { 1 }), 0);
	must_be(heph_chan_try_send(tx, { 2 }), 0);
	expect(ctx, 1, 1);
	join_it(ctx, ref);
	must_be(try_recv(), fn == peek_actor ? 1 : 2);
	heph_chan_free(tx);
	heph_chan_free(rx);
}

/* Only the last of the senders wakes. */
static void last_sender_wakes(heph_ctx ctx, act_fn *fn)
{
	num_sender clone;
	act_ref ref;

	open_chan(8);
	clone = heph_chan_new_sender(tx);
	ref = start(ctx, fn, 0);
	heph_chan_free(tx);
	expect(ctx, 0, 0);
	heph_chan_free(clone);
	expect(ctx, 1, -EPIPE);
	join_it(ctx, ref);
	heph_chan_free(rx);
}

static void senders_gone_not_empty(heph_ctx ctx, act_fn *fn)
{
	act_ref ref;

	open_chan(8);
	must_be(heph_chan_try_send(tx, { 1 }), 0);
	heph_chan_free(tx);
	ref = start(ctx, fn, 0);
	expect(ctx, 1, 1);
	join_it(ctx, ref);
	heph_chan_free(rx);
	must_be(dropped, fn == peek_actor);
}

ACTOR_TEST(recv_and_peek_value_wait)
{
	value_wakes(ctx, recv_actor);
	value_wakes(ctx, peek_actor);
	return 0;
}

ACTOR_TEST(recv_and_peek_all_senders_disconnected)
{
	last_sender_wakes(ctx, recv_actor);
	last_sender_wakes(ctx, peek_actor);
	senders_gone_not_empty(ctx, recv_actor);
	senders_gone_not_empty(ctx, peek_actor);
	return 0;
}

static int drop_and_revive(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	heph_chan_free(tx);
	tx = heph_chan_new_sender(rx);
	return 0;
}

/* The receiver is woken, but there is a sender again when it looks. */
ACTOR_TEST(a_revived_channel_is_no_reason_to_return)
{
	act_ref ref, other;

	open_chan(8);
	ref = start(ctx, recv_actor, 0);
	other = start(ctx, drop_and_revive, 0);
	join_it(ctx, other);
	expect(ctx, 0, 0);
	must_be(heph_chan_try_send(tx, { 3 }), 0);
	expect(ctx, 1, 3);
	join_it(ctx, ref);
	heph_chan_free(tx);
	heph_chan_free(rx);
	return 0;
}

ACTOR_TEST(a_stopped_receiver_leaves)
{
	act_ref ref;

	open_chan(8);
	ref = start(ctx, recv_actor, 0);
	stop_and_join(ctx, ref);
	expect(ctx, 1, -ECANCELED);
	must_be(heph_chan_try_send(tx, { 1 }), 0); /* wakes nobody */
	must_be(try_recv(), 1);
	must_be(recv_one(heph_within(ctx, HEPH_MSEC)), -ETIME);
	must_be(heph_chan_try_send(tx, { 2 }), 0);
	must_be(recv_one(heph_within(ctx, 0)), 2); /* it need not wait */
	heph_chan_free(tx);
	heph_chan_free(rx);
	return 0;
}

/* It is stopped when its value is there already. */
ACTOR_TEST(what_is_there_comes_before_the_stop)
{
	act_ref ref;

	open_chan(8);
	ref = start(ctx, recv_actor, 0);
	must_be(heph_chan_try_send(tx, { 1 }), 0);
	heph_stop(ref);
	join_it(ctx, ref);
	expect(ctx, 1, 1);
	heph_chan_free(tx);
	heph_chan_free(rx);
	return 0;
}

/* ---- sending ---------------------------------------------------------------------- */

/* Each receive lets one sender in, the first that came. */
static void full_channel(heph_ctx ctx, unsigned capacity, int senders)
{
	act_ref refs[10];
	unsigned n;

	open_chan(capacity);
	for (n = 0; n < capacity; n++)
		must_be(heph_chan_try_send(tx, { 100 + (long)n }), 0);
	for (int i = 0; i < senders; i++)
		refs[i] = start(ctx, send_actor, i);
	must_be(done, 0);
	must_be(heph_chan_try_send(tx, { -1 }), -EAGAIN);
	for (int i = 0; i < senders; i++) {
		must_be(try_recv(),
			i < (int)capacity ? 100 + i : i - (int)capacity);
		must_be(heph_chan_count(rx), capacity);
		must_be(heph_chan_try_send(tx, { -1 }), -EAGAIN);
		let_run(ctx);
		must_be(done, i + 1);
		must_be(order[i], i);
		must_be(got[i], 0);
	}
	for (int i = 0; i < senders; i++)
		join_it(ctx, refs[i]);
	heph_chan_free(tx);
	heph_chan_free(rx);
	must_be(dropped, capacity);
}

ACTOR_TEST(send_many_values_full_channel)
{
	static const int senders[] = { 1, 2, 3, 4, 10 };

	for (unsigned capacity = 1; capacity <= 8; capacity *= 2)
		for (int i = 0; i < 5; i++)
			full_channel(ctx, capacity, senders[i]);
	return 0;
}

/* Heph: a sender that lost the room to another one waits for ever. */
ACTOR_TEST(nobody_takes_the_room_of_one_who_waits)
{
	act_ref ref;

	open_chan(1);
	must_be(heph_chan_try_send(tx, { 5 }), 0);
	ref = start(ctx, send_actor, 1);
	must_be(try_recv(), 5);
	must_be(heph_chan_try_send(tx, { 6 }), -EAGAIN);
	must_be(try_recv(), 1);
	must_be(heph_chan_try_send(tx, { 6 }), 0);
	expect(ctx, 1, got[0]);
	join_it(ctx, ref);
	heph_chan_free(tx);
	heph_chan_free(rx);
	return 0;
}

ACTOR_TEST(a_sender_that_gives_up_keeps_its_value)
{
	act_ref a, b, c;

	open_chan(1);
	must_be(heph_chan_try_send(tx, { 5 }), 0);
	a = start(ctx, send_actor, 1);
	b = start(ctx, send_actor, 2);
	c = start(ctx, send_actor, 3);
	stop_and_join(ctx, b);
	must_be(got[2], -ECANCELED);
	must_be(heph_chan_send(heph_within(ctx, HEPH_MSEC), tx, { 9 }), -ETIME);
	must_be(try_recv(), 5);
	must_be(try_recv(), 1);
	must_be(try_recv(), 3);
	must_be(try_recv(), -EAGAIN);
	join_it(ctx, a);
	join_it(ctx, c);
	must_be(got[1], 0);
	must_be(got[3], 0);
	heph_chan_free(tx);
	heph_chan_free(rx);
	must_be(dropped, 0);
	return 0;
}

/* The value is in the channel when the stop comes: it was sent. */
ACTOR_TEST(what_was_sent_comes_before_the_stop)
{
	act_ref ref;

	open_chan(1);
	must_be(heph_chan_try_send(tx, { 5 }), 0);
	ref = start(ctx, send_actor, 1);
	must_be(try_recv(), 5);
	heph_stop(ref);
	join_it(ctx, ref);
	must_be(got[1], 0);
	must_be(try_recv(), 1);
	heph_chan_free(tx);
	heph_chan_free(rx);
	return 0;
}

ACTOR_TEST(the_end_wakes_senders_and_joiners)
{
	act_ref refs[4];

	open_chan(1);
	must_be(heph_chan_try_send(tx, { 5 }), 0);
	refs[0] = start(ctx, send_actor, 8);
	refs[1] = start(ctx, send_actor, 9);
	refs[2] = start(ctx, join_actor, 0);
	refs[3] = start(ctx, join_actor, 0);
	must_be(done, 0);
	heph_chan_free(rx);
	let_run(ctx);
	must_be(done, 4);
	must_be(got[8], -EPIPE);
	must_be(got[9], -EPIPE);
	must_be(dropped, 1); /* the values of the senders are theirs */
	for (int i = 0; i < 4; i++)
		join_it(ctx, refs[i]);
	must_be(heph_chan_join(ctx, tx), 0); /* at once */
	heph_chan_free(tx);
	return 0;
}

ACTOR_TEST(sender_join)
{
	num_manager manager;
	act_ref ref;

	done = 0;
	must_be(heph_chan_new_managed(num, 1, &manager, &tx, &rx), 0);
	ref = start(ctx, join_actor, 0);
	heph_chan_free(rx);
	expect(ctx, 0, 0); /* the manager is there */
	must_be(heph_chan_new_receiver(manager, &rx), 0);
	heph_chan_free(manager);
	expect(ctx, 0, 0);
	heph_chan_free(rx);
	expect(ctx, 1, 0);
	join_it(ctx, ref);
	heph_chan_free(tx);
	return 0;
}

ACTOR_TEST(joiners_give_up)
{
	act_ref a, b;

	open_chan(1);
	a = start(ctx, join_actor, 0);
	b = start(ctx, join_actor, 0);
	stop_and_join(ctx, a);
	must_be(done, 1);
	must_be(got[0], -ECANCELED);
	must_be(heph_chan_join(heph_within(ctx, HEPH_MSEC), tx), -ETIME);
	heph_chan_free(rx);
	expect(ctx, 2, 0); /* it is still on the list */
	join_it(ctx, b);
	heph_chan_free(tx);
	return 0;
}

/* ---- as a clause ------------------------------------------------------------------- */

static int send_later(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in;
	must_be(heph_chan_try_send(*(num_sender *)arg, { 4 }), 0);
	return 0;
}

ACTOR_TEST(a_clause_takes_a_value)
{
	static num_sender other_tx;
	num_receiver other;
	struct num a = { 0 }, b = { 0 };
	act_ref ref;

	open_chan(2);
	must_be(heph_chan_new(num, 1, &other_tx, &other), 0);
	ref = spawn_on(ctx, HEPH_WORKER(1), send_later, &other_tx);
	must_be(heph_wait(ctx, heph_on_chan(rx, &a), heph_on_chan(other, &b)),
		1);
	must_be(b.n, 4);
	must_be(a.n, 0);
	join_it(ctx, ref);
	ref = spawn_on(ctx, HEPH_HERE, send_later, &tx);
	must_be(heph_wait(ctx, heph_on_chan(rx, &a), heph_on_chan(other, &b)),
		0);
	join_it(ctx, ref);
	must_be(heph_chan_try_send(tx, { 5 }), 0);
	must_be(heph_wait(ctx, heph_on_chan(rx, &a), heph_on_chan(other, &b)),
		0);
	must_be(a.n, 5);
	must_be(heph_wait(heph_within(ctx, HEPH_MSEC), heph_on_chan(rx, &a),
			  heph_on_chan(other, &b)),
		-ETIME);
	must_be(heph_wait(ctx, heph_on_chan(rx, &a), heph_on_time(heph_now())),
		1);
	heph_chan_free(tx);
	must_be(heph_wait(ctx, heph_on_chan(rx, &a), heph_on_chan(other, &b)),
		-EPIPE);
	heph_chan_free(rx);
	heph_chan_free(other_tx);
	heph_chan_free(other);
	return 0;
}

static int wait_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	struct num num;
	int err = heph_wait(ctx, heph_on_chan(rx, &num));

	(void)in, (void)arg;
	got[done] = err < 0 ? err : num.n;
	done++;
	return 0;
}

ACTOR_TEST(a_clause_is_woken)
{
	act_ref ref, other;

	value_wakes(ctx, wait_actor);
	last_sender_wakes(ctx, wait_actor);
	open_chan(1);
	ref = start(ctx, wait_actor, 0);
	other = start(ctx, drop_and_revive, 0);
	join_it(ctx, other);
	expect(ctx, 0, 0);
	must_be(heph_chan_try_send(tx, { 6 }), 0);
	expect(ctx, 1, 6);
	join_it(ctx, ref);
	ref = start(ctx, wait_actor, 0);
	stop_and_join(ctx, ref);
	expect(ctx, 2, -ECANCELED);
	must_be(heph_chan_try_send(tx, { 7 }), 0);
	must_be(recv_one(ctx), 7);
	heph_chan_free(tx);
	heph_chan_free(rx);
	return 0;
}

/* ---- everybody at once ---------------------------------------------------------------- */

enum { SENDERS = 6 };

static long each; /* values that one of them sends */

struct source {
	num_sender tx;
	int number;
};

static struct source sources[SENDERS];

/* Sends numbers in order, with and without patience. */
static void send_each(heph_ctx ctx, struct source *source)
{
	long first = (long)source->number * each;
	int err;

	for (long n = 0; n < each; n += err == 0) {
		err = heph_chan_send(
			heph_within(ctx, n % 3 ? HEPH_SEC : n % 20 * HEPH_USEC),
			source->tx, { first + n });
		must(err == 0 || err == -ETIME);
	}
	heph_chan_free(source->tx);
}

static int source_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	send_each(ctx, arg);
	return 0;
}

static void *source_thread(void *arg)
{
	send_each(heph_no_ctx(), arg);
	return NULL;
}

/* A runtime of its own; every other one sends from an actor of that. */
static void *other_runtime(void *arg)
{
	static const struct heph_config config = { .workers = 1,
						   .no_signals = true };
	struct source *source = arg;
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	if (source->number % 4)
		send_each(ctx, source);
	else
		join_it(ctx, spawn_on(ctx, HEPH_HERE, source_actor, source));
	heph_free(ctx);
	return NULL;
}

static void check_sums(heph_ctx ctx)
{
	long next[SENDERS] = { 0 }, n, count = 0;

	while ((n = recv_one(heph_within(ctx, count % 7 ? HEPH_SEC :
							  5 * HEPH_USEC))) !=
	       -EPIPE) {
		if (n == -ETIME)
			continue;
		must_be(n % each, next[n / each]);
		next[n / each]++;
		count++;
	}
	must_be(count, SENDERS * each);
}

static void actors_and_threads_with(unsigned capacity)
{
	static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	heph_ctx ctx = begin(&two_workers);
	static pthread_t threads[2];

	open_chan(capacity);
	for (int n = 0; n < SENDERS; n++)
		sources[n] = (struct source){ heph_chan_new_sender(tx), n };
	heph_chan_free(tx);
	for (int n = 0; n < 4; n++)
		(void)spawn_on(ctx, places[n], source_actor, &sources[n]);
	must_be(pthread_create(&threads[0], NULL, source_thread, &sources[4]),
		0);
	must_be(pthread_create(&threads[1], NULL, other_runtime, &sources[5]),
		0);
	check_sums(ctx);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	heph_chan_free(rx);
	end(ctx);
}

static int sink_actor(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	check_sums(ctx);
	return 0;
}

/* The receiver is an actor, the senders are elsewhere. */
static void actor_receives_with(unsigned capacity)
{
	static const int sinks[] = { HEPH_WORKER(1), HEPH_ANY,
				     HEPH_OWN_THREAD };
	heph_ctx ctx = begin(&two_workers);
	static pthread_t threads[SENDERS];
	act_ref sink;

	open_chan(capacity);
	sink = spawn_on(ctx, sinks[capacity % 3], sink_actor, NULL);
	for (int n = 0; n < SENDERS; n++)
		sources[n] = (struct source){ heph_chan_new_sender(tx), n };
	heph_chan_free(tx);
	for (int n = 0; n < SENDERS; n++)
		must_be(pthread_create(&threads[n], NULL,
				       n % 2 ? source_thread : other_runtime,
				       &sources[n]),
			0);
	for (int n = 0; n < SENDERS; n++)
		pthread_join(threads[n], NULL);
	join_it(ctx, sink);
	heph_chan_free(rx);
	end(ctx);
}

static void actors_and_threads_of_several_runtimes(void **state)
{
	(void)state;
	each = on_valgrind() ? 20 : 500; /* who has no patience is busy */
	for (unsigned capacity = 1; capacity <= 3; capacity++) {
		actors_and_threads_with(capacity);
		actor_receives_with(capacity);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recv_value),
		cmocka_unit_test(recv_and_peek_value_wait),
		cmocka_unit_test(recv_and_peek_all_senders_disconnected),
		cmocka_unit_test(a_revived_channel_is_no_reason_to_return),
		cmocka_unit_test(a_stopped_receiver_leaves),
		cmocka_unit_test(what_is_there_comes_before_the_stop),
		cmocka_unit_test(send_many_values_full_channel),
		cmocka_unit_test(nobody_takes_the_room_of_one_who_waits),
		cmocka_unit_test(a_sender_that_gives_up_keeps_its_value),
		cmocka_unit_test(what_was_sent_comes_before_the_stop),
		cmocka_unit_test(the_end_wakes_senders_and_joiners),
		cmocka_unit_test(sender_join),
		cmocka_unit_test(joiners_give_up),
		cmocka_unit_test(a_clause_takes_a_value),
		cmocka_unit_test(a_clause_is_woken),
		cmocka_unit_test(actors_and_threads_of_several_runtimes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
