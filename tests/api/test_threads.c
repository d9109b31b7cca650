/* SPDX-License-Identifier: MIT */
/* Plain threads with a context. */
#include "act.h"

#include <pthread.h>

enum { THREADS = 40, ROUNDS = 20 };

static struct heph *heph;
static act_ref answerer;

static void *come_and_go(void *arg)
{
	heph_ctx ctx;
	act_ref mine;

	(void)arg;
	for (int n = 0; n < ROUNDS; n++) {
		must_be(heph_attach(heph, &ctx), 0);
		must_be(heph_worker(ctx), -1);
		must(heph_runtime(ctx) == heph);
		must_be(heph_workers(ctx), 2);
		sync_with(ctx, answerer);
		must_be(heph_send(ctx, answerer, { .n = n }), 0);
		mine = spawn_on(ctx, HEPH_HERE, answer_all, NULL);
		sync_with(ctx, mine);
		stop_and_join(ctx, mine);
		must(heph_alloc(ctx, 5000));
		must_be(heph_own(ctx, malloc(10), free), 0);
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
		must_be(heph_yield(ctx), 0);
		heph_detach(ctx);
	}
	return NULL;
}

static void come_and_go_in_numbers(void **state)
{
	pthread_t threads[THREADS];
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	heph = heph_runtime(ctx);
	must_be(heph_spawn(ctx, act, &answerer, { answer_all, NULL },
			   .inbox = 3),
		0);
	for (int n = 0; n < THREADS; n++)
		must_be(pthread_create(&threads[n], NULL, come_and_go, NULL),
			0);
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	stop_and_join(ctx, answerer);
	end(ctx);
}

static void *attach_once(void *arg)
{
	heph_ctx ctx;

	(void)arg;
	must_be(heph_attach(heph, &ctx), 0);
	sync_with(ctx, answerer);
	heph_detach(ctx);
	return NULL;
}

/* More of them, one after the other, than there are numbers. */
static void use_numbers_again(void **state)
{
	pthread_t thread;
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	heph = heph_runtime(ctx);
	answerer = spawn_on(ctx, HEPH_HERE, answer_all, NULL);
	for (int n = 0; n < 1100; n++) {
		must_be(pthread_create(&thread, NULL, attach_once, NULL), 0);
		pthread_join(thread, NULL);
	}
	stop_and_join(ctx, answerer);
	end(ctx);
}

/* An answer that comes when the thread has left, and another one has its
 * number, reaches nobody. */
static struct act_msg kept;
static _Atomic bool is_kept;

static int keep_one(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)arg;
	must_be(heph_recv(ctx, in, &kept), 0);
	is_kept = true;
	return idle(ctx, in, NULL);
}

static void *give_up_call(void *arg)
{
	heph_ctx ctx;
	long answer;
	int err = -ETIME;

	must_be(heph_attach(heph, &ctx), 0);
	is_kept = false;
	while (!is_kept && err == -ETIME)
		err = heph_call(heph_within(ctx, HEPH_MSEC), *(act_ref *)arg,
				answer, &answer, { .n = 1 });
	must_be(err, -ETIME);
	heph_detach(ctx);
	return NULL;
}

static void *answer_kept(void *arg)
{
	(void)arg;
	must_be(heph_answer(kept.answer, 5), -EPIPE);
	return NULL;
}

static void are_not_reached_by_late_answers(void **state)
{
	static act_ref ref;
	pthread_t thread;
	uint64_t late;
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	heph = heph_runtime(ctx);
	answerer = spawn_on(ctx, HEPH_HERE, answer_all, NULL);
	ref = spawn_on(ctx, HEPH_HERE, keep_one, NULL);
	must_be(pthread_create(&thread, NULL, give_up_call, &ref), 0);
	pthread_join(thread, NULL);
	must_be(heph_answer(kept.answer, 5), -EPIPE);
	must_be(pthread_create(&thread, NULL, attach_once, NULL), 0);
	must_be(heph_answer(kept.answer, 5), -EPIPE);
	pthread_join(thread, NULL);
	late = heph_stats(ctx).late_answers;
	must_be(pthread_create(&thread, NULL, answer_kept, NULL), 0);
	pthread_join(thread, NULL);
	must_be(heph_stats(ctx).late_answers, late + 1); /* of a stranger */
	stop_and_join(ctx, answerer);
	stop_and_join(ctx, ref);
	end(ctx);
}

/* ---- many senders on one small inbox -------------------------------------------------- */

static int expect_from_each(heph_ctx ctx, act_inbox in, void *arg)
{
	long *next = heph_alloc(ctx, THREADS * sizeof(*next));
	struct act_msg msg;

	(void)arg;
	for (int n = 0; n < THREADS * ROUNDS; n++) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(next[msg.n / ROUNDS]++, msg.n % ROUNDS);
	}
	return 0;
}

static void *send_numbers(void *arg)
{
	intptr_t me = (intptr_t)arg;
	heph_ctx ctx;

	must_be(heph_attach(heph, &ctx), 0);
	for (long n = 0; n < ROUNDS; n++)
		must_be(heph_send(ctx, answerer, { .n = me * ROUNDS + n }), 0);
	heph_detach(ctx);
	return NULL;
}

static void wait_for_room_in_their_order(void **state)
{
	pthread_t threads[THREADS];
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	heph = heph_runtime(ctx);
	must_be(heph_spawn(ctx, act, &answerer, { expect_from_each, NULL },
			   .inbox = 1),
		0);
	for (intptr_t n = 0; n < THREADS; n++)
		must_be(pthread_create(&threads[n], NULL, send_numbers,
				       (void *)n),
			0);
	for (int n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	must_be(heph_join(ctx, answerer, NULL), 0);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_and_go_in_numbers),
		cmocka_unit_test(use_numbers_again),
		cmocka_unit_test(are_not_reached_by_late_answers),
		cmocka_unit_test(wait_for_room_in_their_order),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
