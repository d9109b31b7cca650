/* SPDX-License-Identifier: MIT */
#include "core/thread.h"

#include "rig.h"

struct note {
	struct heph_event event;
	int n;
};

static int order[100], n_order;

static void on_note(struct heph_event *event)
{
	order[n_order++] = heph_container_of(event, struct note, event)->n;
}

static void opens_its_door_in_order(void **state)
{
	struct note notes[50];

	(void)state;
	rig_open(1);
	n_order = 0;
	for (int n = 0; n < 50; n++) {
		notes[n] = (struct note){ .event.fn = on_note, .n = n };
		heph_thread_post(rig.ctx.self->thread, &notes[n].event);
	}
	assert_true(heph_thread_open_door(rig.ctx.self->thread));
	assert_false(heph_thread_open_door(rig.ctx.self->thread));
	assert_int_equal(n_order, 50);
	for (int n = 0; n < 50; n++)
		assert_int_equal(order[n], n);
	rig_close();
}

static void is_woken_once_for_each_sleep(void **state)
{
	struct heph_thread *worker;
	struct note note = { .event.fn = on_note };
	uint64_t before;

	(void)state;
	rig_open(1);
	worker = &rig.workers[0]->thread;
	before = rig.ctx.self->thread->count.wakes;
	heph_thread_wake(worker); /* it does not sleep */
	assert_int_equal(rig.ctx.self->thread->count.wakes, before);
	atomic_store(&worker->asleep, 1);
	heph_thread_post(worker, &note.event);
	heph_thread_wake(worker);
	assert_int_equal(rig.ctx.self->thread->count.wakes, before + 1);
	assert_int_equal(atomic_load(&worker->asleep), 0);
	rig_step(0);
	rig_close();
}

/* ---- plain threads that wait ---------------------------------------------------- */

static void sleeps_for_a_while(void **state)
{
	heph_time begin;

	(void)state;
	rig_open(1);
	begin = heph_now();
	assert_int_equal(heph_sleep(rig.ctx, 2 * HEPH_MSEC), 0);
	assert_true(heph_now() - begin >= 2 * HEPH_MSEC);
	assert_int_equal(heph_sleep(rig.ctx, 0), 0);
	assert_int_equal(heph_sleep(rig.ctx, -1), 0);
	assert_int_equal(heph_sleep(heph_within(rig.ctx, HEPH_MSEC), HEPH_SEC),
			 -ETIME);
	assert_int_equal(heph_yield(rig.ctx), 0);
	rig_close();
}

static int answer_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		if (msg.asks)
			must(heph_answer(msg.answer, msg.n + 1) == 0);
	return 0;
}

enum { THREADS = 8, CALLS = 300 };

static act_ref answerer;

static void *call_from_thread(void *arg)
{
	heph_ctx ctx;
	long answer;

	(void)arg;
	for (int round = 0; round < 3; round++) {
		must(heph_attach(&rig.heph, &ctx) == 0);
		for (long n = 0; n < CALLS; n++) {
			must(heph_call(ctx, answerer, answer, &answer,
				       { .n = n, .asks = true }) == 0);
			must(answer == n + 1);
		}
		heph_detach(ctx);
	}
	return NULL;
}

static void come_and_go(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	rig_open_with(1, &heph_futex_driver);
	answerer = rig_spawn_with(0, (answer_all, NULL), .inbox = 2);
	rig_start();
	for (int n = 0; n < THREADS; n++)
		assert_int_equal(pthread_create(&threads[n], NULL,
						call_from_thread, NULL),
				 0);
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	assert_true(rig.heph.n_threads <= 1 + 1 + THREADS);
	assert_int_equal(rig.heph.n_free_threads, rig.heph.n_threads - 2);
	heph_stop(answerer);
	rig_join();
	rig_close();
}

static void owns_and_gives_back(void **state)
{
	heph_ctx ctx;
	void *ptr;

	(void)state;
	rig_open(1);
	ptr = malloc(100);
	assert_int_equal(heph_own(rig.ctx, ptr, free), 0);
	assert_non_null(heph_alloc(rig.ctx, 5000));
	assert_int_equal(heph_worker(rig.ctx), -1);
	assert_string_equal(heph_name(rig.ctx), "thread");
	assert_false(heph_stopping(rig.ctx));
	heph_detach(rig.ctx);
	assert_int_equal(heph_attach(&rig.heph, &ctx), 0);
	assert_ptr_equal(ctx.self, rig.ctx.self);
	assert_int_equal(heph_pool_in_use(&ctx.self->thread->pool), 0);
	rig_close();
}

static void attaches_with_memory_or_not_at_all(void **state)
{
	bool refused;
	heph_ctx ctx;
	long n = 0;
	int err;

	(void)state;
	rig_open(1);
	heph_thread_current = NULL; /* as another thread */
	do {
		rig_refuse(++n);
		err = heph_attach(&rig.heph, &ctx);
		refused = rig_refused();
		assert_int_equal(err, refused ? -ENOMEM : 0);
	} while (refused);
	heph_detach(ctx);
	heph_thread_current = rig.ctx.self->thread;
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_its_door_in_order),
		cmocka_unit_test(is_woken_once_for_each_sleep),
		cmocka_unit_test(sleeps_for_a_while),
		cmocka_unit_test(come_and_go),
		cmocka_unit_test(owns_and_gives_back),
		cmocka_unit_test(attaches_with_memory_or_not_at_all),
	};

	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
