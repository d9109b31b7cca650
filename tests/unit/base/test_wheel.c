/* SPDX-License-Identifier: MIT */
/*
 * The model is a list of the armed timers, sorted by the tick in which they
 * are to expire and then by when they were armed. It knows exactly which timer
 * the wheel has to hand out next, whatever was set and cancelled before.
 */
#include "base/wheel.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#define DAY (24 * 3600 * HEPH_SEC)

enum {
	TIMERS = 150,
	SEEDS = 12,
	STEPS = 150000, /* for each seed */
};

static struct heph_wheel wheel;

static int start(void **state)
{
	(void)state;
	heph_wheel_init(&wheel, 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return heph_wheel_validate(&wheel) ? 0 : -1;
}

/* ---- single properties ---- */

static void is_empty_at_first(void **state)
{
	(void)state;
	assert_int_equal(heph_wheel_count(&wheel), 0);
	assert_true(heph_wheel_next(&wheel) == HEPH_NEVER);
	assert_null(heph_wheel_expire(&wheel, 1000 * DAY));
}

static void is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct heph_timer) <= 32);
	assert_true(sizeof(struct heph_wheel) <= 6400);
}

static void a_timer_of_zeros_is_not_armed(void **state)
{
	struct heph_timer timer = { .when = 0 };

	(void)state;
	assert_false(heph_timer_armed(&timer));
	heph_wheel_cancel(&wheel, &timer);
	heph_wheel_set(&wheel, &timer, 5);
	assert_true(heph_timer_armed(&timer));
	heph_wheel_cancel(&wheel, &timer);
	heph_wheel_cancel(&wheel, &timer);
	assert_false(heph_timer_armed(&timer));
	assert_int_equal(heph_wheel_count(&wheel), 0);
	assert_true(heph_wheel_next(&wheel) == HEPH_NEVER);
}

static void never_expires_early_and_at_most_a_tick_late(void **state)
{
	static const heph_time whens[] = { 1,
					   HEPH_WHEEL_TICK - 1,
					   HEPH_WHEEL_TICK,
					   HEPH_WHEEL_TICK + 1,
					   HEPH_MSEC,
					   HEPH_SEC,
					   HEPH_SEC * 3600,
					   DAY,
					   150 * DAY,
					   250 * DAY,
					   2000 * DAY };
	struct heph_timer timer = { .when = 0 };
	heph_time now;

	(void)state;
	for (size_t i = 0; i < sizeof(whens) / sizeof(whens[0]); i++) {
		start(NULL);
		heph_wheel_set(&wheel, &timer, whens[i]);
		assert_null(heph_wheel_expire(&wheel, whens[i] - 1));
		now = whens[i] + HEPH_WHEEL_TICK - 1;
		assert_ptr_equal(heph_wheel_expire(&wheel, now), &timer);
		assert_false(heph_timer_armed(&timer));
		assert_true(timer.when == whens[i]);
		assert_null(heph_wheel_expire(&wheel, now));
	}
}

/* The wheel that Heph had before fired them all with the latest of them. */
static void timers_of_one_slot_expire_one_by_one(void **state)
{
	/* All are in one slot of level 2, and of level 1 after that. */
	const heph_time base = 2 * 4096 * HEPH_WHEEL_TICK;
	struct heph_timer timers[64];

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (int i = 63; i >= 0; i--)
		heph_wheel_set(&wheel, &timers[i], base + i * HEPH_WHEEL_TICK);
	for (int i = 0; i < 64; i++) {
		assert_null(heph_wheel_expire(&wheel, timers[i].when - 1));
		assert_ptr_equal(heph_wheel_expire(&wheel, timers[i].when),
				 &timers[i]);
	}
}

static void the_same_tick_keeps_the_order_of_arming(void **state)
{
	struct heph_timer timers[10];
	const heph_time when = 100 * HEPH_SEC;

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (int i = 0; i < 10; i++) {
		/* From further and further near, so from other levels. */
		heph_wheel_set(&wheel, &timers[i], when);
		assert_null(heph_wheel_expire(&wheel, when - (when >> i) / 2));
	}
	for (int i = 0; i < 10; i++)
		assert_ptr_equal(heph_wheel_expire(&wheel, 2 * when),
				 &timers[i]);
}

static void the_past_expires_at_once(void **state)
{
	struct heph_timer timers[3];
	const heph_time now = 5 * HEPH_SEC;

	(void)state;
	memset(timers, 0, sizeof(timers));
	assert_null(heph_wheel_expire(&wheel, now));
	heph_wheel_set(&wheel, &timers[0], 1);
	heph_wheel_set(&wheel, &timers[1], 0);
	heph_wheel_set(&wheel, &timers[2], -7);
	assert_true(heph_wheel_next(&wheel) <= now);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(heph_wheel_expire(&wheel, now), &timers[i]);
}

static void setting_again_moves_a_timer(void **state)
{
	struct heph_timer timer = { .when = 0 };

	(void)state;
	heph_wheel_set(&wheel, &timer, HEPH_SEC);
	heph_wheel_set(&wheel, &timer, 3 * HEPH_SEC);
	assert_int_equal(heph_wheel_count(&wheel), 1);
	assert_null(heph_wheel_expire(&wheel, 2 * HEPH_SEC));
	heph_wheel_set(&wheel, &timer, HEPH_SEC);
	assert_ptr_equal(heph_wheel_expire(&wheel, 2 * HEPH_SEC), &timer);
}

static void a_due_timer_can_still_be_cancelled(void **state)
{
	struct heph_timer a = { .when = 0 }, b = { .when = 0 };

	(void)state;
	heph_wheel_set(&wheel, &a, HEPH_SEC);
	heph_wheel_set(&wheel, &b, HEPH_SEC);
	assert_ptr_equal(heph_wheel_expire(&wheel, 2 * HEPH_SEC), &a);
	heph_wheel_cancel(&wheel, &b);
	assert_null(heph_wheel_expire(&wheel, 2 * HEPH_SEC));
	assert_int_equal(heph_wheel_count(&wheel), 0);
}

static void never_is_never(void **state)
{
	struct heph_timer a = { .when = 0 }, b = { .when = 0 };

	(void)state;
	heph_wheel_set(&wheel, &a, HEPH_NEVER);
	heph_wheel_set(&wheel, &b, INT64_MAX);
	for (heph_time now = 0; now < 100000 * DAY; now += 97 * DAY) {
		assert_null(heph_wheel_expire(&wheel, now));
		assert_true(heph_wheel_next(&wheel) > now);
	}
	assert_null(heph_wheel_expire(&wheel, HEPH_NEVER - 1));
	assert_true(heph_wheel_validate(&wheel));
	heph_wheel_cancel(&wheel, &a);
	heph_wheel_cancel(&wheel, &b);
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
	struct heph_timer timer = { .when = 0 };

	(void)state;
	assert_null(heph_wheel_expire(&wheel, 10 * HEPH_SEC));
	heph_wheel_set(&wheel, &timer, 9 * HEPH_SEC);
	assert_null(heph_wheel_expire(&wheel, 8 * HEPH_SEC));
	assert_null(heph_wheel_expire(&wheel, -1));
	assert_ptr_equal(heph_wheel_expire(&wheel, 10 * HEPH_SEC), &timer);
}

/* Sleeping until `next` must reach a timer in a few steps, from any level. */
static void next_leads_to_each_timer_in_few_steps(void **state)
{
	struct heph_timer timer = { .when = 0 };
	struct heph_rand rand;
	heph_time now = 0, next;
	int steps;

	(void)state;
	heph_rand_seed(&rand, 3);
	for (int i = 0; i < 20000; i++) {
		heph_wheel_set(&wheel, &timer,
			       now + (heph_time)(heph_rand_next(&rand) >>
						 (10 + i % 50)));
		for (steps = 0; heph_timer_armed(&timer); steps++) {
			next = heph_wheel_next(&wheel);
			assert_true(next <= timer.when + HEPH_WHEEL_TICK - 1);
			assert_true(steps <= HEPH_WHEEL_LEVELS);
			now = next > now ? next : now;
			heph_wheel_expire(&wheel, now);
		}
		if (now > 30000 * DAY) {
			now = 0;
			heph_wheel_init(&wheel, 0);
		}
	}
}

static void a_jump_of_days_costs_nothing(void **state)
{
	struct heph_timer timer = { .when = 0 };
	heph_time now = 0;

	(void)state;
	/* Tick by tick these would be 10^13 steps. */
	for (int i = 0; i < 10000; i++) {
		heph_wheel_set(&wheel, &timer, now + 3 * DAY + i);
		now += 4 * DAY;
		assert_ptr_equal(heph_wheel_expire(&wheel, now), &timer);
		assert_null(heph_wheel_expire(&wheel, now));
	}
}

static void validate_finds_a_timer_in_the_wrong_slot(void **state)
{
	struct heph_timer timer = { .when = 0 };

	(void)state;
	heph_wheel_set(&wheel, &timer, HEPH_SEC);
	assert_true(heph_wheel_validate(&wheel));
	timer.when = HEPH_MSEC;
	assert_false(heph_wheel_validate(&wheel));
	timer.when = HEPH_SEC;
	wheel.occupied[0] |= 2;
	assert_false(heph_wheel_validate(&wheel));
	wheel.occupied[0] &= ~UINT64_C(2);
	wheel.count++;
	assert_false(heph_wheel_validate(&wheel));
	wheel.count--;
	assert_true(heph_wheel_validate(&wheel));
}

static void dump_shows_all_timers(void **state)
{
	struct heph_timer timers[100];
	char text[8192];
	size_t len;
	ssize_t n;
	int fds[2];

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (int i = 0; i < 100; i++)
		heph_wheel_set(&wheel, &timers[i], 1000000000 + i);
	heph_wheel_set(&wheel, &timers[0], -5);
	assert_int_equal(pipe(fds), 0);
	heph_wheel_dump(&wheel, fds[1]);
	close(fds[1]);
	for (len = 0; (n = read(fds[0], text + len, 8191 - len)) > 0;)
		len += (size_t)n;
	close(fds[0]);
	text[len] = '\0';
	assert_non_null(strstr(text, "timers: 100"));
	assert_non_null(strstr(text, "due: -5\n"));
	assert_non_null(strstr(text, " 1000000001 "));
	assert_non_null(strstr(text, " 1000000099\n"));
}

/* ---- against the model ---- */

struct model_timer {
	struct heph_timer timer;
	struct heph_list node; /* in the model, while armed */
	uint64_t tick;         /* in which it is to expire */
	bool far;              /* may lose its turn among its equals */
};

static struct model {
	struct model_timer timers[TIMERS];
	struct heph_list sorted;
	struct heph_rand rand;
	heph_time now;
	uint64_t tick; /* where the wheel is */
	unsigned long expired;
} model;

static struct model_timer *model_of(struct heph_list *node)
{
	return heph_container_of(node, struct model_timer, node);
}

static struct model_timer *model_first(void)
{
	struct heph_list *node = heph_list_first(&model.sorted);

	return node ? model_of(node) : NULL;
}

/* After all that have the same tick or an earlier one. */
static void model_insert(struct model_timer *timer)
{
	struct heph_list *at = model.sorted.prev;

	while (at != &model.sorted && model_of(at)->tick > timer->tick)
		at = at->prev;
	heph_list_push_front(at, &timer->node);
}

/* A length with a random number of digits, so that all levels are used. */
static heph_time random_length(unsigned most_bits)
{
	unsigned bits = (unsigned)heph_rand_below(&model.rand, most_bits);

	return (heph_time)(heph_rand_next(&model.rand) >> (63 - bits));
}

static void model_set(struct model_timer *timer)
{
	heph_time when = model.now + random_length(57);

	if (heph_rand_below(&model.rand, 16) == 0)
		when = model.now - random_length(40);
	if (heph_rand_below(&model.rand, 8) == 0 && model_first())
		when = model_first()->timer.when; /* the same again */
	heph_list_remove(&timer->node);
	heph_wheel_set(&wheel, &timer->timer, when);
	timer->tick = when <= 0 ? 0 :
				  (uint64_t)(when + HEPH_WHEEL_TICK - 1) >>
					  HEPH_WHEEL_TICK_BITS;
	if (timer->tick < model.tick)
		timer->tick = model.tick;
	timer->far = timer->tick - model.tick >= UINT64_C(62) << 30;
	model_insert(timer);
}

static void model_cancel(struct model_timer *timer)
{
	heph_list_remove(&timer->node);
	heph_wheel_cancel(&wheel, &timer->timer);
	assert_false(heph_timer_armed(&timer->timer));
}

static void check_next(void)
{
	heph_time next = heph_wheel_next(&wheel);

	if (!model_first())
		assert_true(next == HEPH_NEVER);
	else
		assert_true(next >> HEPH_WHEEL_TICK_BITS <=
			    (heph_time)model_first()->tick);
}

/* Takes one timer from both. Returns false if there is none. */
static bool model_expire(void)
{
	uint64_t until = (uint64_t)model.now >> HEPH_WHEEL_TICK_BITS;
	struct heph_timer *got = heph_wheel_expire(&wheel, model.now);
	struct model_timer *first = model_first(), *timer;

	if (!got) {
		assert_true(!first || first->tick > until);
		model.tick = until;
		return false;
	}
	timer = heph_container_of(got, struct model_timer, timer);
	assert_true(got->when <= model.now);
	assert_false(heph_timer_armed(got));
	assert_true(timer->tick == first->tick);
	if (!timer->far && !first->far)
		assert_ptr_equal(timer, first);
	model.tick = timer->tick;
	heph_list_remove(&timer->node);
	model.expired++;
	return true;
}

static void model_advance(void)
{
	heph_time next = heph_wheel_next(&wheel);
	uint64_t most = heph_rand_below(&model.rand, 8);

	if (most > 4 && next < HEPH_NEVER)
		model.now = next > model.now ? next : model.now;
	else
		model.now += random_length(most == 0 ? 55 : 35);
	/* Often all of them; else what is left meets new timers. */
	if (most > 5)
		most = UINT64_MAX;
	while (most-- > 0 && model_expire())
		;
	check_next();
}

static void model_start(uint64_t seed)
{
	memset(&model, 0, sizeof(model));
	heph_rand_seed(&model.rand, seed);
	heph_list_init(&model.sorted);
	for (int i = 0; i < TIMERS; i++)
		heph_list_init(&model.timers[i].node);
	model.now = random_length(60);
	model.tick = (uint64_t)model.now >> HEPH_WHEEL_TICK_BITS;
	heph_wheel_init(&wheel, model.now);
}

static void model_step(void)
{
	struct model_timer *timer =
		&model.timers[heph_rand_below(&model.rand, TIMERS)];

	switch (heph_rand_below(&model.rand, 6)) {
	case 0:
		model_cancel(timer);
		break;
	case 1:
		model_advance();
		break;
	default:
		model_set(timer);
		break;
	}
}

static void agrees_with_a_sorted_list(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		model_start(seed);
		for (int step = 0; step < STEPS; step++) {
			model_step();
			if (step % 1024 == 0)
				assert_true(heph_wheel_validate(&wheel));
			/* Times beyond the range of heph_time are no use. */
			if (model.now > INT64_MAX / 4 * 3)
				break;
		}
		assert_true(model.expired > 100);
		model.now = INT64_MAX - 2 * HEPH_WHEEL_TICK;
		while (model_expire())
			;
		assert_int_equal(heph_wheel_count(&wheel), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_empty_at_first, start, stop),
		cmocka_unit_test(is_small),
		cmocka_unit_test_setup_teardown(a_timer_of_zeros_is_not_armed,
						start, stop),
		cmocka_unit_test_setup_teardown(
			never_expires_early_and_at_most_a_tick_late, start,
			stop),
		cmocka_unit_test_setup_teardown(
			timers_of_one_slot_expire_one_by_one, start, stop),
		cmocka_unit_test_setup_teardown(
			the_same_tick_keeps_the_order_of_arming, start, stop),
		cmocka_unit_test_setup_teardown(the_past_expires_at_once, start,
						stop),
		cmocka_unit_test_setup_teardown(setting_again_moves_a_timer,
						start, stop),
		cmocka_unit_test_setup_teardown(
			a_due_timer_can_still_be_cancelled, start, stop),
		cmocka_unit_test_setup_teardown(never_is_never, start, stop),
		cmocka_unit_test_setup_teardown(
			a_clock_that_goes_back_does_no_harm, start, stop),
		cmocka_unit_test_setup_teardown(
			next_leads_to_each_timer_in_few_steps, start, stop),
		cmocka_unit_test_setup_teardown(a_jump_of_days_costs_nothing,
						start, stop),
		cmocka_unit_test_setup(validate_finds_a_timer_in_the_wrong_slot,
				       start),
		cmocka_unit_test_setup(dump_shows_all_timers, start),
		cmocka_unit_test_setup_teardown(agrees_with_a_sorted_list,
						start, stop),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
