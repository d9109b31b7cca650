/* SPDX-License-Identifier: MIT */
/* Who sleeps is woken: by another worker, by a plain thread, by a stranger. */
#include "../../api/task.h"

#include <pthread.h>

#include "core/heph.h"

enum { ROUNDS = 200 };

struct echo_msg {
	HEPH_REPLY(int) back;
	int number;
};
HEPH_ACTOR(echo, struct echo_msg, void);

static _Atomic int heard;

static int echo_main(heph_ctx ctx, echo_inbox in)
{
	struct echo_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		heard++;
		if (heph_reply_wanted(msg.back))
			heph_answer(msg.back, msg.number + 1);
	}
	return 0;
}
HEPH_ACTOR_MAIN(echo, echo_main);

static bool sleeps(heph_ctx ctx, unsigned worker)
{
	return atomic_load(&heph_thread_of(heph_runtime(ctx), worker)->asleep);
}

static struct heph_config two_workers(void)
{
	return (struct heph_config){ .workers = 2,
				     .actors = 1000,
				     .no_signals = true };
}

static echo_ref echo_on(heph_ctx ctx, int worker)
{
	echo_ref echo;

	must_be(heph_spawn(ctx, echo, &echo, .on = HEPH_WORKER(worker)), 0);
	return echo;
}

/* An actor on worker 0 calls one on worker 1, which sleeps each time. */
static echo_ref there;

static int call_sleepers(heph_ctx ctx, void *arg)
{
	uint64_t wakes = heph_stats(ctx).wakes;
	int answer;

	for (int i = 0; i < ROUNDS; i++) {
		while (!sleeps(ctx, 1))
			must_be(heph_yield(ctx), 0);
		must_be(heph_call(ctx, there, back, &answer, { .number = i }),
			0);
		must_be(answer, i + 1);
	}
	must(heph_stats(ctx).wakes - wakes >= ROUNDS);
	return 0;
}

static void a_worker_wakes_a_worker(void **state)
{
	struct heph_config config = two_workers();
	task_ref caller;
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	there = echo_on(ctx, 1);
	assert_int_equal(heph_spawn(ctx, task, &caller, { call_sleepers, NULL },
				    .on = HEPH_WORKER(0)),
			 0);
	end_task(ctx, caller);
	heph_free(ctx);
}

/* A plain thread sleeps on a futex, a worker in its ring. */
static void a_thread_and_a_worker_wake_each_other(void **state)
{
	struct heph_config config = two_workers();
	int answer;
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	for (int worker = 0; worker < 2; worker++) {
		there = echo_on(ctx, worker);
		for (int i = 0; i < ROUNDS; i++) {
			while (!sleeps(ctx, (unsigned)worker))
				sched_yield();
			assert_int_equal(heph_call(ctx, there, back, &answer,
						   { .number = i }),
					 0);
			assert_int_equal(answer, i + 1);
		}
	}
	heph_free(ctx);
}

static heph_ctx owner;

static void *wake_as_a_stranger(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		while (!sleeps(owner, 1))
			sched_yield();
		heard = 0;
		must_be(heph_try_send(there, { .number = i }), 0);
		while (!heard)
			sched_yield();
	}
	return NULL;
}

static void a_stranger_wakes_a_worker(void **state)
{
	struct heph_config config = two_workers();
	pthread_t thread;

	assert_int_equal(heph_new(&owner, &config), 0);
	there = echo_on(owner, 1);
	assert_int_equal(
		pthread_create(&thread, NULL, wake_as_a_stranger, NULL), 0);
	pthread_join(thread, NULL);
	heph_free(owner);
}

/* A worker that waits for descriptors is woken by messages, and the other way
 * round; the one does not hide the other. */
static int number_to_read;

static int read_on(heph_ctx ctx, void *arg)
{
	heph_fd fd = adopt(ctx, number_to_read);
	char byte;

	while (heph_read(ctx, fd, &byte, 1) == 1)
		heard++;
	return 0;
}

static void data_and_messages_wake_a_worker(void **state)
{
	struct heph_config config = two_workers();
	int numbers[2], answer;
	task_ref reader;
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	assert_int_equal(pipe(numbers), 0);
	number_to_read = numbers[0];
	there = echo_on(ctx, 1);
	assert_int_equal(heph_spawn(ctx, task, &reader, { read_on, NULL },
				    .on = HEPH_WORKER(1)),
			 0);
	for (int i = 0; i < ROUNDS; i++) {
		while (!sleeps(ctx, 1))
			sched_yield();
		heard = 0;
		assert_int_equal(write(numbers[1], "x", 1), 1);
		while (!heard)
			sched_yield();
		assert_int_equal(heph_call(ctx, there, back, &answer,
					   { .number = i }),
				 0);
	}
	close(numbers[1]);
	end_task(ctx, reader);
	heph_free(ctx);
}

/* Timers wake it too, never early. */
static int nap(heph_ctx ctx, void *arg)
{
	for (int i = 0; i < 20; i++) {
		heph_time until = heph_now() + (i * 97 % 2000) * HEPH_USEC;

		must_be(heph_sleep(ctx, until - heph_now()), 0);
		must(heph_now() >= until);
	}
	return 0;
}

static void time_wakes_a_worker(void **state)
{
	run_task_on(1, nap, NULL);
	run_thread(nap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_wakes_a_worker),
		cmocka_unit_test(a_thread_and_a_worker_wake_each_other),
		cmocka_unit_test(a_stranger_wakes_a_worker),
		cmocka_unit_test(data_and_messages_wake_a_worker),
		cmocka_unit_test(time_wakes_a_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
