/* SPDX-License-Identifier: MIT */
/* Sending, trying, posting; receiving; order; what becomes of the unread. */
#include "act.h"

#include <pthread.h>

enum { MANY = 3000 };

/* ---- order ------------------------------------------------------------------- */

static int receive_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	for (long n = 0; n < MANY; n++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(msg.n, n);
		if (arg && n % 5 == 0)
			must_be(heph_yield(ctx), 0);
	}
	return 0;
}

static int send_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	static const unsigned inboxes[] = { 1, 2, 64, 1000 };
	static act_ref to;

	(void)in, (void)arg;
	for (int i = 0; i < 16; i++) {
		must_be(heph_spawn(ctx, act, &to,
				   { receive_many, i & 1 ? &to : NULL },
				   .inbox = inboxes[i / 4],
				   .on = i & 2 ? HEPH_WORKER(1) : HEPH_HERE),
			0);
		for (long n = 0; n < MANY; n++)
			must_be(heph_send(ctx, to, { .n = n }), 0);
		must_be(heph_join(ctx, to, NULL), 0);
	}
	return 0;
}

static void arrive_in_order(void **state)
{
	(void)state;
	run(send_in_order, NULL);
}

static void arrive_in_order_from_a_thread(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref to;

	(void)state;
	for (int i = 0; i < 3; i++) {
		must_be(heph_spawn(ctx, act, &to, { receive_many, &to },
				   .inbox = i ? 64 : 1),
			0);
		for (long n = 0; n < MANY; n++) {
			if (i == 2 && heph_try_send(to, { .n = n }) == 0)
				continue;
			must_be(heph_send(ctx, to, { .n = n }), 0);
		}
		must_be(heph_join(ctx, to, NULL), 0);
	}
	end(ctx);
}

/* A stop may overtake messages: they are dropped when they arrive. */
static void await_dropped(heph_ctx ctx, long n)
{
	while (act_dropped < n) {
		must_be(heph_yield(ctx), 0);
		sched_yield();
	}
	must_be(act_dropped, n);
}

/* ---- without waiting ------------------------------------------------------------ */

static int try_sending(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref here, there;
	int n, err;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &here, { idle, NULL }, .inbox = 3), 0);
	for (n = 0; n < 3; n++)
		must_be(heph_try_send(here, { .n = n }), 0);
	must_be(heph_try_send(here, { .n = n }), -EAGAIN);
	stop_and_join(ctx, here);
	must_be(heph_try_send(here, { .n = n }), -ESRCH);
	must_be(heph_send(ctx, here, { .n = n }), -ESRCH);
	must_be(act_dropped, 3);

	must_be(heph_spawn(ctx, act, &there, { idle, NULL }, .inbox = 3,
			   .on = HEPH_WORKER(1)),
		0);
	for (n = 0; (err = heph_try_send(there, { .n = n })) == 0; n++)
		must(n < 1000);
	must_be(err, -EAGAIN);
	must(n >= 3 && n <= 3 + 64);
	stop_and_join(ctx, there);
	must_be(heph_try_send(there, { .n = n }), -ESRCH);
	await_dropped(ctx, 3 + n);
	return 0;
}

static void are_refused_by_a_full_inbox(void **state)
{
	(void)state;
	run(try_sending, NULL);
}

static int fill_self(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_inbox_info info = heph_inbox_info(in);
	struct act_msg msg;

	(void)arg;
	must_be(heph_try_recv(in, &msg), -EAGAIN);
	must_be(info.capacity, 64);
	for (unsigned n = 0; n < info.capacity; n++)
		must_be(heph_send(ctx, heph_self(in), { .n = n }), 0);
	must_be(heph_send(ctx, heph_self(in), { .n = 0 }), -EDEADLK);
	must_be(heph_inbox_info(in).fill, 64);
	for (unsigned n = 0; n < info.capacity; n++) {
		must_be(heph_try_recv(in, &msg), 0);
		must_be(msg.n, n);
	}
	must_be(heph_inbox_info(in).received, 64);
	return 0;
}

static void do_not_wait_for_oneself(void **state)
{
	(void)state;
	run(fill_self, NULL);
}

static int post(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_stats before = heph_stats(ctx);
	act_ref to;

	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, &to, { idle, NULL }, .inbox = 2), 0);
	for (int n = 0; n < 5; n++)
		heph_post(to, { .n = n, .owned = malloc(10) });
	must_be(act_dropped, 3);
	must_be(heph_stats(ctx).posts_dropped - before.posts_dropped, 3);
	stop_and_join(ctx, to);
	must_be(act_dropped, 5);
	heph_post(to, { .n = 0, .owned = malloc(10) });
	must_be(act_dropped, 6);
	must_be(heph_stats(ctx).posts_dropped - before.posts_dropped, 4);
	must_be(heph_stats(ctx).unread_dropped - before.unread_dropped, 2);
	heph_post((act_ref){ .addr = { 0 } }, { .n = 0 }); /* nobody's */
	return 0;
}

static void are_dropped_and_counted_when_posted(void **state)
{
	(void)state;
	run(post, NULL);
}

/* ---- the unread -------------------------------------------------------------------- */

static int end_at_the_third(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	for (int n = 0; n < 3; n++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		free(msg.owned);
	}
	return (int)(intptr_t)arg;
}

static int send_owned(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int ons[] = { HEPH_HERE, HEPH_WORKER(1) };
	long before, sent;
	act_ref to;
	void *owned;

	(void)in, (void)arg;
	for (int i = 0; i < 40; i++) {
		before = act_dropped;
		must_be(heph_spawn(ctx, act, &to, { end_at_the_third, NULL },
				   .on = ons[i % 2], .inbox = i % 4 ? 64 : 2),
			0);
		for (sent = 0;; sent++) {
			owned = malloc(100);
			if (heph_send(ctx, to, { .owned = owned }) < 0)
				break;
		}
		free(owned); /* a failed send leaves it with the sender */
		must_be(heph_join(ctx, to, NULL), 0);
		if (i % 2)
			sync_with(ctx, *(act_ref *)arg); /* behind the lane */
		must_be(act_dropped - before, sent - 3);
	}
	return 0;
}

static int with_answerer(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref there = spawn_on(ctx, HEPH_WORKER(1), answer_all, NULL);

	(void)arg;
	must_be(send_owned(ctx, in, &there), 0);
	stop_and_join(ctx, there);
	return 0;
}

static void are_dropped_once_at_the_end(void **state)
{
	(void)state;
	run(with_answerer, NULL);
}

struct survivor {
	_Atomic int runs;
};

static int fail_and_receive(heph_ctx ctx, act_inbox in, void *arg)
{
	struct survivor *it = arg;
	struct act_msg msg;

	if (it->runs++ == 0) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(msg.n, 0);
		return -EIO;
	}
	for (long n = 1; n < 10; n++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(msg.n, n);
	}
	return 0;
}

static enum heph_verdict restart(const struct heph_exit *why,
				 struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

static int survive(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct survivor it;
	act_ref to;

	(void)in, (void)arg;
	it.runs = 0;
	must_be(heph_spawn(ctx, act, &to, { fail_and_receive, &it },
			   .decide = restart),
		0);
	for (long n = 0; n < 10; n++)
		must_be(heph_send(ctx, to, { .n = n }), 0);
	must_be(heph_join(ctx, to, NULL), 0);
	must_be(act_dropped, 0);
	must_be(it.runs, 2);
	return 0;
}

static void survive_a_restart(void **state)
{
	(void)state;
	run(survive, NULL);
}

/* What is on its way when the runtime ends must be dropped as well. */
static int end_quickly(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_yield(ctx);
}

static int shower(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref to = spawn_on(ctx, HEPH_WORKER(1), end_quickly, NULL);
	_Atomic long *sent = arg;
	void *owned;

	(void)in;
	for (;;) {
		owned = malloc(10);
		if (heph_try_send(to, { .owned = owned }) < 0)
			break;
		++*sent;
	}
	free(owned);
	return 0;
}

static void are_dropped_at_the_end_of_the_runtime(void **state)
{
	static _Atomic long sent;
	heph_ctx ctx;

	(void)state;
	for (int i = 0; i < 50; i++) {
		sent = 0;
		ctx = begin(&two_workers);
		must_be(heph_spawn(ctx, act, NULL, { shower, &sent },
				   .on = HEPH_WORKER(0)),
			0);
		must_be(heph_drain(ctx), 0);
		heph_free(ctx);
		must_be(act_dropped, sent);
	}
}

/* ---- large and small ----------------------------------------------------------------- */

struct bulk {
	unsigned char bytes[HEPH_MSG_MAX];
};
HEPH_ACTOR(bulk, struct bulk, void);

static int bulk_main(heph_ctx ctx, bulk_inbox in)
{
	struct bulk *bulk = heph_alloc(ctx, sizeof(*bulk));

	must(bulk);
	for (int n = 0; n < 20; n++) {
		must_be(heph_recv(ctx, in, bulk), 0);
		must_be(bulk->bytes[0], n);
		must_be(bulk->bytes[HEPH_MSG_MAX - 1], n);
	}
	return 0;
}
HEPH_ACTOR_MAIN(bulk, bulk_main);

static int send_bulk(heph_ctx ctx, act_inbox in, void *arg)
{
	struct bulk *bulk = heph_alloc(ctx, sizeof(*bulk));
	bulk_ref to;

	(void)in, (void)arg;
	must(bulk);
	for (int i = 0; i < 2; i++) {
		must_be(heph_spawn(ctx, bulk, &to, .inbox = 2,
				   .on = HEPH_WORKER(i)),
			0);
		for (int n = 0; n < 20; n++) {
			memset(bulk, n, sizeof(*bulk));
			must_be(heph_raw_send(ctx, to.addr, bulk,
					      sizeof(*bulk)),
				0);
		}
		must_be(heph_join(ctx, to, NULL), 0);
	}
	return 0;
}

static void may_have_a_mebibyte(void **state)
{
	(void)state;
	run(send_bulk, NULL);
}

/* ---- deadlines ------------------------------------------------------------------------- */

static int deadlines(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_ctx late = heph_within(ctx, -HEPH_SEC);
	heph_ctx soon = heph_within(ctx, HEPH_MSEC);
	struct act_msg msg;
	act_ref to;

	(void)arg;
	must_be(heph_recv(soon, in, &msg), -ETIME);
	must_be(heph_recv(late, in, &msg), -ETIME);
	must_be(heph_send(late, heph_self(in), { .n = 5 }), 0);
	must_be(heph_recv(late, in, &msg), 0); /* need not wait */
	must_be(msg.n, 5);
	must_be(heph_spawn(ctx, act, &to, { idle, NULL }, .inbox = 1), 0);
	must_be(heph_send(late, to, { .n = 1 }), 0);
	must_be(heph_send(late, to, { .n = 1 }), -ETIME);
	must_be(heph_send(heph_within(ctx, HEPH_MSEC), to, { .n = 1 }), -ETIME);
	stop_and_join(ctx, to);
	must_be(act_dropped, 1);
	return 0;
}

static void wait_until_a_deadline(void **state)
{
	(void)state;
	run(deadlines, NULL);
}

static void wait_until_a_deadline_on_a_thread(void **state)
{
	heph_ctx ctx = begin(&two_workers), late = heph_within(ctx, -1);
	act_ref to;
	int n, err = 0;

	(void)state;
	must_be(heph_spawn(ctx, act, &to, { idle, NULL }, .inbox = 1), 0);
	for (n = 0; err == 0; n++)
		err = heph_send(late, to, { .n = 1 });
	must_be(err, -ETIME);
	must(n <= 1 + 64 + 1);
	must_be(heph_send(heph_within(ctx, HEPH_MSEC), to, { .n = 1 }), -ETIME);
	stop_and_join(ctx, to);
	await_dropped(ctx, n - 1);
	end(ctx);
}

/* ---- from nowhere -------------------------------------------------------------------------- */

static void *try_from_nowhere(void *arg)
{
	const act_ref *to = arg;

	for (long n = 0; n < 500; n++)
		while (heph_try_send(*to, { .n = n }) == -EAGAIN)
			sched_yield();
	heph_post(*to, { .n = -1, .owned = malloc(5) });
	return NULL;
}

static int count_messages(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	for (int n = 0; n < 4 * 500; n++) {
		do {
			must_be(heph_recv(ctx, in, &msg), 0);
			free(msg.owned);
		} while (msg.n < 0);
	}
	*(_Atomic bool *)arg = true;
	return 0;
}

static void come_from_threads_without_a_context(void **state)
{
	static _Atomic bool done;
	static act_ref to;
	pthread_t threads[4];
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	done = false;
	to = spawn_on(ctx, HEPH_HERE, count_messages, (void *)(uintptr_t)&done);
	for (int i = 0; i < 4; i++)
		must_be(pthread_create(&threads[i], NULL, try_from_nowhere,
				       &to),
			0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	must_be(heph_join(ctx, to, NULL), 0);
	must(done);
	end(ctx);
}

/* ---- posted from nowhere --------------------------------------------------------------- */

static void as_stranger(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	must_be(pthread_create(&thread, NULL, fn, arg), 0);
	pthread_join(thread, NULL);
}

enum { POSTS = 200 };

static void *post_many(void *arg)
{
	for (long n = 0; n < POSTS; n++)
		heph_post(*(act_ref *)arg, { .n = n, .owned = malloc(10) });
	return NULL;
}

static void are_counted_when_strangers_post_them(void **state)
{
	static act_ref to;
	heph_ctx ctx = begin(&two_workers);
	long dropped;

	(void)state;
	must_be(heph_spawn(ctx, act, &to, { idle, NULL }, .inbox = 2), 0);
	as_stranger(post_many, &to);
	dropped = act_dropped;
	must(dropped >= POSTS - 2 - 64);
	must_be(heph_stats(ctx).posts_dropped, dropped);
	stop_and_join(ctx, to);
	await_dropped(ctx, POSTS);
	as_stranger(post_many, &to);
	must_be(act_dropped, 2 * POSTS);
	must_be(heph_stats(ctx).posts_dropped, dropped + POSTS);
	end(ctx);
}

/* ---- of an earlier runtime --------------------------------------------------------------- */

struct plain_msg {
	long n[4];
};
HEPH_ACTOR(plain, struct plain_msg, void);

static int plain_main(heph_ctx ctx, plain_inbox in)
{
	struct plain_msg msg;

	return heph_recv(ctx, in, &msg);
}
HEPH_ACTOR_MAIN(plain, plain_main);

static void *post_plain(void *arg)
{
	heph_post(*(plain_ref *)arg, { { 1, 2, 3, 4 } });
	return NULL;
}

/* In the place of the old one is an actor of another type. */
static void are_not_dropped_by_another_type(void **state)
{
	static plain_ref old;
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	must_be(heph_spawn(ctx, plain, &old, .on = HEPH_WORKER(0)), 0);
	heph_free(ctx);
	ctx = begin(&two_workers);
	ref = spawn_on(ctx, HEPH_WORKER(0), idle, NULL);
	must_be(ref.addr.slot, old.addr.slot);
	must_be(ref.addr.node, old.addr.node);
	post_plain(&old);
	must_be(heph_stats(ctx).posts_dropped, 1);
	as_stranger(post_plain, &old);
	must_be(heph_stats(ctx).posts_dropped, 2);
	must_be(act_dropped, 0);
	stop_and_join(ctx, ref);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrive_in_order),
		cmocka_unit_test(arrive_in_order_from_a_thread),
		cmocka_unit_test(are_refused_by_a_full_inbox),
		cmocka_unit_test(do_not_wait_for_oneself),
		cmocka_unit_test(are_dropped_and_counted_when_posted),
		cmocka_unit_test(are_dropped_once_at_the_end),
		cmocka_unit_test(survive_a_restart),
		cmocka_unit_test(are_dropped_at_the_end_of_the_runtime),
		cmocka_unit_test(may_have_a_mebibyte),
		cmocka_unit_test(wait_until_a_deadline),
		cmocka_unit_test(wait_until_a_deadline_on_a_thread),
		cmocka_unit_test(come_from_threads_without_a_context),
		cmocka_unit_test(are_counted_when_strangers_post_them),
		cmocka_unit_test(are_not_dropped_by_another_type),
	};

	return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
