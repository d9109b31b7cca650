/* SPDX-License-Identifier: MIT */
#include "base/logring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum {
	THREADS = 4,
	EACH = 20000,
};

static struct heph_logring ring;

static int start(void **state)
{
	(void)state;
	heph_logring_reset(&ring);
	return 0;
}

static bool push(int thread, int n)
{
	struct heph_logslot *slot = heph_logring_claim(&ring);

	if (!slot)
		return false;
	memcpy(slot->text, &thread, sizeof(thread));
	memcpy(slot->text + sizeof(thread), &n, sizeof(n));
	heph_logring_publish(slot);
	return true;
}

static bool pop(int *thread, int *n)
{
	struct heph_logslot *slot = heph_logring_front(&ring);

	if (!slot)
		return false;
	memcpy(thread, slot->text, sizeof(*thread));
	memcpy(n, slot->text + sizeof(*thread), sizeof(*n));
	heph_logring_advance(&ring);
	return true;
}

static void refuses_when_it_is_full(void **state)
{
	int thread, n;

	(void)state;
	/* Several laps, each from another slot. */
	for (int lap = 0; lap < 5; lap++) {
		for (int i = 0; i < HEPH_LOGRING_SLOTS; i++)
			assert_true(push(lap, i));
		assert_false(push(lap, -1));
		for (int i = 0; i < HEPH_LOGRING_SLOTS; i++) {
			assert_true(pop(&thread, &n));
			assert_int_equal(thread, lap);
			assert_int_equal(n, i);
		}
		assert_false(pop(&thread, &n));
		assert_true(push(0, 0) && pop(&thread, &n));
	}
	assert_int_equal(heph_logring_claimed(&ring),
			 heph_logring_written(&ring));
}

static void shows_no_line_before_it_is_published(void **state)
{
	struct heph_logslot *first = heph_logring_claim(&ring);

	(void)state;
	assert_true(push(1, 1));
	assert_null(heph_logring_front(&ring));
	heph_logring_publish(first);
	assert_ptr_equal(heph_logring_front(&ring), first);
	heph_logring_advance(&ring);
	assert_non_null(heph_logring_front(&ring));
}

static void *push_all(void *arg)
{
	int thread = (int)(intptr_t)arg;

	for (int n = 0; n < EACH; n++)
		while (!push(thread, n))
			sched_yield();
	return NULL;
}

static void keeps_the_order_of_each_thread(void **state)
{
	pthread_t threads[THREADS];
	int next[THREADS] = { 0 };
	int thread, n;

	(void)state;
	for (intptr_t t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, push_all,
						(void *)t),
				 0);
	for (int done = 0; done < THREADS * EACH;) {
		if (!pop(&thread, &n)) {
			sched_yield();
			continue;
		}
		assert_int_equal(n, next[thread]);
		next[thread]++;
		done++;
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	assert_null(heph_logring_front(&ring));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses_when_it_is_full, start),
		cmocka_unit_test_setup(shows_no_line_before_it_is_published,
				       start),
		cmocka_unit_test_setup(keeps_the_order_of_each_thread, start),
	};

	return cmocka_run_group_tests_name("logring", tests, NULL, NULL);
}
