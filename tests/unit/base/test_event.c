/* SPDX-License-Identifier: MIT */
#include "base/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

enum {
	THREADS = 4,
	EACH = 20000,
};

struct item {
	struct heph_event event;
	int thread, n;
};

static struct heph_events events;
static struct item items[THREADS][EACH];
static int seen[THREADS];
static int total;

static struct item *item_of(struct heph_event *event)
{
	return (struct item *)event;
}

static void see(struct heph_event *event)
{
	struct item *item = item_of(event);

	/* In the order of its thread, each once. */
	assert_int_equal(item->n, seen[item->thread]);
	seen[item->thread]++;
	total++;
}

static int take_all(void)
{
	struct heph_event *event, *next;
	int n = 0;

	for (event = heph_events_take_all(&events); event; event = next) {
		next = event->next;
		event->fn(event);
		n++;
	}
	return n;
}

static void are_taken_in_the_order_of_pushes(void **state)
{
	struct heph_event *event;

	(void)state;
	assert_true(heph_events_empty(&events));
	assert_null(heph_events_take_all(&events));
	for (int i = 0; i < 3; i++)
		heph_events_push(&events, &items[0][i].event);
	assert_false(heph_events_empty(&events));
	event = heph_events_take_all(&events);
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(event, &items[0][i].event);
		event = event->next;
	}
	assert_null(event);
	assert_true(heph_events_empty(&events));
}

static void the_first_push_tells_that_it_was_the_first(void **state)
{
	(void)state;
	assert_true(heph_events_push(&events, &items[0][0].event));
	assert_false(heph_events_push(&events, &items[0][1].event));
	assert_non_null(heph_events_take_all(&events));
	assert_true(heph_events_push(&events, &items[0][0].event));
	assert_non_null(heph_events_take_all(&events));
}

static void push_again(struct heph_event *event)
{
	if (++item_of(event)->n < 10)
		heph_events_push(&events, event);
}

static void an_event_may_push_itself_again(void **state)
{
	struct item item = { .event = { NULL, push_again } };
	int rounds = 0;

	(void)state;
	heph_events_push(&events, &item.event);
	while (take_all())
		rounds++;
	assert_int_equal(rounds, 10);
}

/* Returns how often it found the queue empty. */
static void *push_all(void *arg)
{
	struct item *mine = arg;
	intptr_t firsts = 0;

	for (int i = 0; i < EACH; i++) {
		firsts += heph_events_push(&events, &mine[i].event);
		if (i % 512 == 0)
			sched_yield();
	}
	return (void *)firsts;
}

static void many_threads_lose_and_repeat_nothing(void **state)
{
	pthread_t threads[THREADS];
	intptr_t firsts = 0, takes = 0;
	void *result;

	(void)state;
	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < EACH; i++)
			items[t][i] = (struct item){ { NULL, see }, t, i };
	for (int t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, push_all,
						items[t]),
				 0);
	while (total < THREADS * EACH) {
		if (take_all())
			takes++;
		else
			sched_yield();
	}
	for (int t = 0; t < THREADS; t++) {
		pthread_join(threads[t], &result);
		firsts += (intptr_t)result;
		assert_int_equal(seen[t], EACH);
	}
	/* One waker for each batch. */
	assert_int_equal(firsts, takes);
	assert_true(heph_events_empty(&events));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_taken_in_the_order_of_pushes),
		cmocka_unit_test(the_first_push_tells_that_it_was_the_first),
		cmocka_unit_test(an_event_may_push_itself_again),
		cmocka_unit_test(many_threads_lose_and_repeat_nothing),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
