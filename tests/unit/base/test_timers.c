/* SPDX-License-Identifier: MIT */
/*
 * What heph/timers.h asks of timers, for each that there is: the wheel, and a
 * sorted list, which is as simple as timers can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/rand.h"
#include "base/wheel.h"

#define SLOT (INT64_C(1) << 30) /* of a wheel like Heph's: a second, about */
enum { SLOTS = 64, MANY = 300 };

/* ---- the sorted list -------------------------------------------------------------- */

struct sorted {
	struct heph_list timers; /* the earliest first */
	unsigned long n;
};

static struct heph_timer *timer_of(struct heph_list *node)
{
	return heph_container_of(node, struct heph_timer, node);
}

static void *sorted_create(heph_time now)
{
	struct sorted *sorted = calloc(1, sizeof(*sorted));

	(void)now;
	if (sorted)
		heph_list_init(&sorted->timers);
	return sorted;
}

static void sorted_add(void *timers, struct heph_timer *timer)
{
	struct sorted *sorted = timers;
	struct heph_list *at = sorted->timers.prev;

	while (at != &sorted->timers && timer_of(at)->when > timer->when)
		at = at->prev;
	timer->node = (struct heph_list){ .prev = at, .next = at->next };
	at->next->prev = &timer->node;
	at->next = &timer->node;
	sorted->n++;
}

static void sorted_remove(void *timers, struct heph_timer *timer)
{
	struct sorted *sorted = timers;

	heph_list_remove(&timer->node);
	sorted->n--;
}

static heph_time sorted_next(void *timers)
{
	struct sorted *sorted = timers;
	struct heph_list *first = heph_list_first(&sorted->timers);

	return first ? timer_of(first)->when : HEPH_NEVER;
}

static struct heph_timer *sorted_expire(void *timers, heph_time now)
{
	struct sorted *sorted = timers;
	struct heph_list *first = heph_list_first(&sorted->timers);

	if (!first || timer_of(first)->when > now)
		return NULL;
	sorted_remove(sorted, timer_of(first));
	return timer_of(first);
}

static unsigned long sorted_count(const void *timers)
{
	return ((const struct sorted *)timers)->n;
}

static const struct heph_timers sorted_timers = {
	.name = "sorted",
	.create = sorted_create,
	.destroy = free,
	.add = sorted_add,
	.remove = sorted_remove,
	.next = sorted_next,
	.expire = sorted_expire,
	.count = sorted_count,
};

/* ---- the bench ---------------------------------------------------------------------- */

static const heph_time begin = 5000 * HEPH_SEC + 12345;

static const struct heph_timers *table; /* under test */
static void *timers;
static struct heph_timer pool[MANY];
static heph_time now;

static void open_timers(void)
{
	now = begin;
	timers = table->create(now);
	assert_non_null(timers);
	memset(pool, 0, sizeof(pool));
	assert_int_equal(table->count(timers), 0);
	assert_int_equal(table->next(timers), HEPH_NEVER);
	assert_null(table->expire(timers, now));
}

static void close_timers(void)
{
	assert_int_equal(table->count(timers), 0);
	assert_int_equal(table->next(timers), HEPH_NEVER);
	assert_null(table->expire(timers, now));
	table->destroy(timers);
}

static struct heph_timer *add(int n, heph_time when)
{
	unsigned long before = table->count(timers);

	pool[n].when = when;
	table->add(timers, &pool[n]);
	assert_int_equal(table->count(timers), before + 1);
	assert_true(table->next(timers) <
		    (when > now ? when : now) + HEPH_WHEEL_TICK + 1);
	return &pool[n];
}

static void take_out(int n)
{
	unsigned long before = table->count(timers);

	table->remove(timers, &pool[n]);
	assert_int_equal(table->count(timers), before - 1);
}

/* Looks when it is told to look, until `until`; what expires is not early, and
 * less than two ticks late. How many did. */
static int run_until(heph_time until)
{
	struct heph_timer *timer;
	int n = 0;

	for (;;) {
		while ((timer = table->expire(timers, now))) {
			assert_true(timer->when <= now);
			assert_true(timer->when > now - 2 * HEPH_WHEEL_TICK ||
				    timer->when <= begin);
			n++;
		}
		if (table->next(timers) > until)
			break;
		if (table->next(timers) > now)
			now = table->next(timers);
	}
	now = until;
	return n;
}

/* ---- the cases ---------------------------------------------------------------------- */

static void one_in_the_first_slot(void **state)
{
	(void)state;
	open_timers();
	add(0, now + 1);
	assert_int_equal(run_until(now), 0);
	assert_int_equal(run_until(now + HEPH_MSEC), 1);
	close_timers();
}

static void one_in_each_slot(void **state)
{
	(void)state;
	open_timers();
	for (int n = 0; n < SLOTS; n++)
		add(n, begin + n * SLOT + 10);
	for (int n = 0; n < SLOTS; n++)
		assert_int_equal(run_until(begin + n * SLOT + HEPH_MSEC), 1);
	close_timers();
}

/* The earlier of two in a slot does not wait for the later one. */
static void several_in_each_slot(void **state)
{
	static const int order[] = { 2, 0, 3, 1 };

	(void)state;
	open_timers();
	for (int slot = 0; slot < SLOTS; slot++)
		for (int n = 0; n < 4; n++)
			add(4 * slot + n,
			    begin + slot * SLOT +
				    (order[n] + 1) * 100 * HEPH_MSEC);
	for (int slot = 0; slot < SLOTS; slot++)
		for (int n = 0; n < 4; n++)
			assert_int_equal(run_until(begin + slot * SLOT +
						   (n + 1) * 100 * HEPH_MSEC +
						   HEPH_MSEC),
					 1);
	close_timers();
}

/* 75 s beside 1,000 s, and years. */
static void several_beyond_the_horizon(void **state)
{
	static const heph_time when[] = { 1000 * HEPH_SEC, 75 * HEPH_SEC,
					  400 * INT64_C(86400) * HEPH_SEC,
					  74 * HEPH_SEC };

	(void)state;
	open_timers();
	for (int n = 0; n < 4; n++)
		add(n, begin + when[n]);
	assert_int_equal(run_until(begin + 73 * HEPH_SEC), 0);
	assert_int_equal(run_until(begin + 74 * HEPH_SEC + HEPH_MSEC), 1);
	assert_int_equal(run_until(begin + 75 * HEPH_SEC + HEPH_MSEC), 1);
	assert_int_equal(run_until(begin + 999 * HEPH_SEC), 0);
	assert_int_equal(run_until(begin + 1001 * HEPH_SEC), 1);
	assert_int_equal(run_until(begin + when[2] + HEPH_MSEC), 1);
	close_timers();
}

static void in_the_past(void **state)
{
	(void)state;
	open_timers();
	add(0, 0);
	add(1, now - HEPH_SEC);
	add(2, -HEPH_SEC);
	add(3, now);
	assert_true(table->next(timers) <= now);
	assert_int_equal(run_until(now + HEPH_WHEEL_TICK), 4);
	close_timers();
}

static void never(void **state)
{
	(void)state;
	open_timers();
	pool[0].when = HEPH_NEVER;
	table->add(timers, &pool[0]);
	assert_int_equal(run_until(begin + 1000 * HEPH_SEC), 0);
	take_out(0);
	close_timers();
}

static void an_earlier_one_is_told(void **state)
{
	heph_time first;

	(void)state;
	open_timers();
	add(0, now + 10 * HEPH_SEC);
	first = table->next(timers);
	add(1, now + HEPH_SEC);
	assert_true(table->next(timers) < first);
	assert_int_equal(run_until(begin + 5 * HEPH_SEC), 1);
	assert_int_equal(run_until(begin + 11 * HEPH_SEC), 1);
	close_timers();
}

static void the_same_moment(void **state)
{
	(void)state;
	open_timers();
	for (int n = 0; n < MANY; n++)
		add(n, now + HEPH_SEC);
	assert_int_equal(run_until(begin + HEPH_SEC - 1), 0);
	now = begin + HEPH_SEC + HEPH_MSEC;
	for (int n = 0; n < MANY; n++) /* in the order of adding */
		assert_ptr_equal(table->expire(timers, now), &pool[n]);
	close_timers();
}

static void removed_ones_do_not_expire(void **state)
{
	(void)state;
	open_timers();
	for (int n = 0; n < SLOTS; n++) {
		add(2 * n, begin + n * SLOT + 10);
		add(2 * n + 1, begin + n * SLOT + 20);
	}
	add(2 * SLOTS, 0); /* in the past, and far away */
	add(2 * SLOTS + 1, begin + 1000 * HEPH_SEC);
	for (int n = 0; n < SLOTS; n++)
		take_out(2 * n);
	take_out(2 * SLOTS);
	take_out(2 * SLOTS + 1);
	assert_int_equal(run_until(begin + SLOTS * SLOT), SLOTS);
	close_timers();
}

static void removed_after_time_has_passed(void **state)
{
	(void)state;
	open_timers();
	add(0, begin + 2 * HEPH_SEC);
	add(1, begin + 100 * HEPH_SEC);
	add(2, begin + 100 * HEPH_SEC);
	assert_int_equal(run_until(begin + 50 * HEPH_SEC), 1);
	take_out(1);
	add(0, now + HEPH_SEC); /* used again */
	add(1, begin + 200 * HEPH_SEC);
	assert_int_equal(run_until(begin + 101 * HEPH_SEC), 2);
	take_out(1);
	close_timers();
}

/* Against what is easy to see: each expires in its time, or was taken out. */
static void at_random(void **state)
{
	struct heph_rand rand;
	bool in[MANY] = { 0 };
	struct heph_timer *timer;
	heph_time when;
	int n;

	(void)state;
	heph_rand_seed(&rand, 1);
	open_timers();
	for (int round = 0; round < 20000; round++) {
		n = (int)heph_rand_below(&rand, MANY);
		when = now + (heph_time)(heph_rand_below(&rand, 1 << 20)
					 << heph_rand_below(&rand, 20));
		if (in[n])
			take_out(n);
		else
			add(n, when);
		in[n] = !in[n];
		now += (heph_time)heph_rand_below(&rand, HEPH_MSEC);
		while ((timer = table->expire(timers, now))) {
			n = (int)(timer - pool);
			assert_true(in[n] && timer->when <= now);
			in[n] = false;
		}
		for (n = 0; n < MANY && round % 100 == 0; n++)
			assert_true(!in[n] ||
				    pool[n].when > now - HEPH_WHEEL_TICK);
	}
	for (n = 0; n < MANY; n++)
		if (in[n])
			take_out(n);
	close_timers();
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(one_in_the_first_slot),
	cmocka_unit_test(one_in_each_slot),
	cmocka_unit_test(several_in_each_slot),
	cmocka_unit_test(several_beyond_the_horizon),
	cmocka_unit_test(in_the_past),
	cmocka_unit_test(never),
	cmocka_unit_test(an_earlier_one_is_told),
	cmocka_unit_test(the_same_moment),
	cmocka_unit_test(removed_ones_do_not_expire),
	cmocka_unit_test(removed_after_time_has_passed),
	cmocka_unit_test(at_random),
};

int main(void)
{
	int failed;

	table = &heph_timers_wheel;
	failed = cmocka_run_group_tests_name("wheel", cases, NULL, NULL);
	table = &sorted_timers;
	return failed +
	       cmocka_run_group_tests_name("sorted", cases, NULL, NULL);
}
