/* SPDX-License-Identifier: MIT */
/*
 * Actors that move between workers. That they do what all actors do is tested
 * by the other tests, which run again with TEST_ON=any; here is what is special.
 */
#include "act.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct heph_config one_worker = { .workers = 1,
					       .no_signals = true };

static act_ref spawn_any(heph_ctx ctx, act_fn *fn, void *arg)
{
	return spawn_on(ctx, HEPH_ANY, fn, arg);
}

/* ---- moving -------------------------------------------------------------------- */

static _Atomic bool release, held;

/* Holds up its worker until the flag is set. */
static int hold_up(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	held = true;
	while (!release)
		sched_yield();
	return 0;
}

/* Goes on between waits while one of two workers is held up, whichever. */
static void goes_on_where_there_is_time(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref mover = spawn_any(ctx, answer_all, NULL), holder;

	(void)state;
	for (int n = 0; n < 20; n++) {
		release = held = false;
		holder = spawn_on(ctx, HEPH_WORKER(n % 2), hold_up, NULL);
		while (!held)
			sched_yield();
		for (int i = 0; i < 10; i++)
			sync_with(ctx, mover);
		release = true;
		must_be(heph_join(ctx, holder, NULL), 0);
	}
	stop_and_join(ctx, mover);
	end(ctx);
}

/* It has slept on the worker that is held up before its time comes. */
static int sleep_and_release(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	*(_Atomic int *)arg = heph_worker(ctx);
	must_be(heph_sleep(ctx, 5 * HEPH_MSEC), 0);
	release = true;
	return 0;
}

static void wakes_up_in_time_where_there_is_time(void **state)
{
	static _Atomic int place;
	heph_ctx ctx = begin(&two_workers);
	act_ref holder, mover;

	(void)state;
	for (int n = 0; n < 10; n++) {
		release = held = false;
		place = -1;
		mover = spawn_any(ctx, sleep_and_release,
				  (void *)(uintptr_t)&place);
		while (place < 0)
			sched_yield();
		holder = spawn_on(ctx, HEPH_WORKER(place), hold_up, NULL);
		must_be(heph_join(ctx, mover, NULL), 0);
		must_be(heph_join(ctx, holder, NULL), 0);
	}
	end(ctx);
}

static _Atomic int together;

/* Two of them end only if they run at the same time. */
static int meet(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	together++;
	while (together % 2)
		sched_yield();
	return 0;
}

static int spawn_two(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref refs[2];

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++)
		refs[n] = spawn_any(ctx, meet, NULL);
	for (int n = 0; n < 2; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	return 0;
}

static void a_burst_is_shared(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref;

	(void)state;
	for (int n = 0; n < 50; n++) {
		together = 0;
		ref = spawn_on(ctx, HEPH_WORKER(n % 2), spawn_two, NULL);
		must_be(heph_join(ctx, ref, NULL), 0);
		together = 0;
		ref = spawn_any(ctx, spawn_two, NULL);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	end(ctx);
}

/* ---- waking ----------------------------------------------------------------------- */

static uint64_t asleep(heph_ctx ctx)
{
	return heph_stats(ctx).sleeps;
}

/* Whenever all workers sleep, a message of a plain thread is handled at once:
 * if it were forgotten this would not end. */
static void wake_sleepers(const struct heph_config *config, int rounds)
{
	heph_ctx ctx = begin(config);
	act_ref mover = spawn_any(ctx, answer_all, NULL);
	uint64_t slept;

	for (int n = 0; n < rounds; n++) {
		slept = asleep(ctx);
		sync_with(ctx, mover);
		if (n % 16 == 0) /* otherwise at any moment of falling asleep */
			while (asleep(ctx) == slept)
				sched_yield();
	}
	stop_and_join(ctx, mover);
	end(ctx);
}

static void wakes_a_worker_that_sleeps(void **state)
{
	(void)state;
	wake_sleepers(&one_worker, 3000);
	wake_sleepers(&two_workers, 3000);
}

/* ---- descriptors --------------------------------------------------------------------- */

/* While an operation is in flight it stays; what comes then does not move it. */
static int read_at_home(heph_ctx ctx, act_inbox in, void *arg)
{
	int place, *number = arg;
	char byte;
	heph_fd fd;

	(void)in;
	must_be(heph_fd_adopt(ctx, *number, &fd), 0);
	for (int n = 0; n < 100; n++) {
		place = heph_worker(ctx);
		must_be(heph_read(ctx, fd, &byte, 1), 1);
		must_be(heph_worker(ctx), place);
		must_be(heph_write(ctx, fd, &byte, 1), 1);
	}
	return 0;
}

static void stays_while_it_has_operations(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	int numbers[4][2];
	act_ref refs[4];
	char byte = 'x';

	(void)state;
	for (int n = 0; n < 4; n++) {
		must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   numbers[n]),
			0);
		refs[n] = spawn_any(ctx, read_at_home, numbers[n]);
	}
	for (int i = 0; i < 100; i++)
		for (int n = 0; n < 4; n++) {
			must_be(write(numbers[n][1], &byte, 1), 1);
			must_be(heph_try_send(refs[n], { .n = i }) <= 0, 1);
			must_be(read(numbers[n][1], &byte, 1), 1);
		}
	for (int n = 0; n < 4; n++) {
		must_be(heph_join(ctx, refs[n], NULL), 0);
		close(numbers[n][1]);
	}
	end(ctx);
}

/* A listener has an accept in flight all the time. */
static int serve_some(heph_ctx ctx, act_inbox in, void *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener, client, server;
	char buf[4];

	(void)in, (void)arg;
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	for (int n = 0; n < 20; n++) {
		must_be(heph_connect(ctx, address, &client), 0);
		must_be(heph_accept(ctx, listener, &server), 0);
		must_be(heph_yield(ctx), 0);
		must_be(heph_write_all(ctx, client, "1234", 4), 0);
		must_be(heph_read_exact(ctx, server, buf, 4, NULL), 0);
		must_be(heph_sleep(ctx, 10 * HEPH_USEC), 0);
		heph_close(client);
		heph_close(server);
	}
	return 0;
}

static void listens_and_connects(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref refs[6];

	(void)state;
	for (int n = 0; n < 6; n++)
		refs[n] = spawn_any(ctx, serve_some, NULL);
	for (int n = 0; n < 6; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	end(ctx);
}

/* ---- many ---------------------------------------------------------------------------- */

enum { SENDERS = 8, EACH = 2000 };

static int expect_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	long next[SENDERS] = { 0 };
	struct act_msg msg;

	(void)arg;
	for (int n = 0; n < SENDERS * EACH; n++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(msg.n / SENDERS, next[msg.n % SENDERS]++);
	}
	return 0;
}

static act_ref receiver;

static int send_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	long me = (long)(intptr_t)arg;

	(void)in;
	for (long n = 0; n < EACH; n++)
		must_be(heph_send(ctx, receiver, { .n = n * SENDERS + me }), 0);
	return 0;
}

/* From both workers, from movers, and from a thread of its own. */
static void gets_messages_of_each_in_order(void **state)
{
	static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	heph_ctx ctx = begin(&two_workers);
	act_ref senders[SENDERS];

	(void)state;
	must_be(heph_spawn(ctx, act, &receiver, { expect_in_order, NULL },
			   .on = HEPH_ANY, .inbox = 10),
		0);
	for (int n = 0; n < SENDERS - 1; n++)
		senders[n] = spawn_on(ctx, places[n % 4], send_in_order,
				      (void *)(intptr_t)n);
	for (long n = 0; n < EACH; n++)
		must_be(heph_send(ctx, receiver,
				  { .n = n * SENDERS + SENDERS - 1 }),
			0);
	for (int n = 0; n < SENDERS - 1; n++)
		must_be(heph_join(ctx, senders[n], NULL), 0);
	must_be(heph_join(ctx, receiver, NULL), 0);
	end(ctx);
}

static int start_children(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int places[] = { HEPH_HERE, HEPH_WORKER(0), HEPH_WORKER(1),
				      HEPH_ANY, HEPH_OWN_THREAD };
	struct act_arg child = { start_children, (void *)((intptr_t)arg - 1) };
	int err = 0;

	(void)in;
	for (int n = 0; arg && n < 5 && err == 0; n++)
		err = heph_spawn(ctx, act, NULL, child, .on = places[n]);
	must(err == 0 || err == -ECANCELED);
	return heph_sleep(ctx, HEPH_NEVER);
}

/* A tree of all kinds, each of which has children of all kinds. */
static void ends_after_its_children(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref root;

	(void)state;
	for (int depth = 0; depth < 3; depth++) {
		root = spawn_any(ctx, start_children, (void *)(intptr_t)depth);
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
		stop_and_join(ctx, root);
		must_be(heph_drain(ctx), 0);
	}
	end(ctx);
}

static void are_stopped_with_their_runtime(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	for (int n = 0; n < 100; n++)
		spawn_any(ctx, idle, NULL);
	must_be(heph_stats(ctx).actors, 100);
	heph_free(ctx);
}

static _Atomic int spawned;

static int spawn_more(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = 0;

	(void)in, (void)arg;
	while (err == 0) {
		err = heph_spawn(ctx, act, NULL, { idle, NULL }, .on = HEPH_ANY,
				 .detached = true);
		spawned += err == 0;
	}
	return 0;
}

/* Also those that begin when it has been asked to end. */
static void are_stopped_when_they_begin_too_late(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	spawned = 0;
	spawn_on(ctx, HEPH_WORKER(0), spawn_more, NULL);
	spawn_any(ctx, spawn_more, NULL);
	while (spawned < 1000)
		sched_yield();
	heph_free(ctx);
}

static int ask_and_end(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer;

	(void)in;
	must_be(heph_call(ctx, *(act_ref *)arg, answer, &answer,
			  { .n = 4, .asks = true }),
		0);
	must_be(answer, 5);
	return 0;
}

/* Their places are used again, and late answers are not taken for theirs. */
static void come_and_go_in_numbers(void **state)
{
	static act_ref answerer;
	heph_ctx ctx = begin(&two_workers);
	act_ref refs[50];

	(void)state;
	answerer = spawn_any(ctx, answer_all, NULL);
	for (int round = 0; round < 40; round++) {
		for (int n = 0; n < 50; n++)
			refs[n] = spawn_any(ctx, ask_and_end, &answerer);
		for (int n = 0; n < 50; n++)
			must_be(heph_join(ctx, refs[n], NULL), 0);
	}
	stop_and_join(ctx, answerer);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_where_there_is_time),
		cmocka_unit_test(wakes_up_in_time_where_there_is_time),
		cmocka_unit_test(a_burst_is_shared),
		cmocka_unit_test(wakes_a_worker_that_sleeps),
		cmocka_unit_test(stays_while_it_has_operations),
		cmocka_unit_test(listens_and_connects),
		cmocka_unit_test(gets_messages_of_each_in_order),
		cmocka_unit_test(ends_after_its_children),
		cmocka_unit_test(are_stopped_with_their_runtime),
		cmocka_unit_test(are_stopped_when_they_begin_too_late),
		cmocka_unit_test(come_and_go_in_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
