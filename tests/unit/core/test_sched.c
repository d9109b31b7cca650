/* SPDX-License-Identifier: MIT */
/*
 * Schedulers, those that come with Heph and one of the test's own: as tables,
 * and in a worker. The clock is virtual: a run takes a microsecond, and as much
 * more as an actor says.
 */
#include "core/sched.h"

#include <heph/time.h>

#include "base/rand.h"

#include "rig.h"

static const struct heph_scheduler *table; /* under test; NULL: the default */

/* ---- the latest first: as unfair as can be --------------------------------------- */

struct stack {
	uint32_t actors[1 << 17];
	uint32_t n;
};

static void *stack_create(uint32_t max)
{
	assert_true(max < 1 << 17);
	return calloc(1, sizeof(struct stack));
}

static void stack_ready(void *scheduler, uint32_t actor, int priority)
{
	struct stack *stack = scheduler;

	(void)priority;
	stack->actors[stack->n++] = actor;
}

static uint32_t stack_next(void *scheduler)
{
	struct stack *stack = scheduler;

	return stack->n ? stack->actors[--stack->n] : 0;
}

static void stack_ran(void *scheduler, uint32_t actor, int priority,
		      heph_time length)
{
	(void)scheduler, (void)actor, (void)priority;
	assert_true(length >= 0);
}

static void stack_gone(void *scheduler, uint32_t actor)
{
	(void)scheduler, (void)actor;
}

static const struct heph_scheduler stack_scheduler = {
	.name = "stack",
	.create = stack_create,
	.destroy = free,
	.ready = stack_ready,
	.next = stack_next,
	.ran = stack_ran,
	.gone = stack_gone,
};

/* ---- what all tables do ------------------------------------------------------------ */

enum { MAX = 1000 };

static void smoke(void **state)
{
	void *it = table->create(MAX);

	(void)state;
	assert_non_null(it);
	assert_int_equal(table->next(it), 0);
	table->ready(it, 7, HEPH_NORMAL);
	assert_int_equal(table->next(it), 7);
	assert_int_equal(table->next(it), 0); /* it runs */
	table->ran(it, 7, HEPH_NORMAL, HEPH_MSEC);
	assert_int_equal(table->next(it), 0); /* it waits */
	table->ready(it, 7, HEPH_NORMAL);
	assert_int_equal(table->next(it), 7);
	table->gone(it, 7);
	table->ready(it, 7, HEPH_LOW); /* another one */
	assert_int_equal(table->next(it), 7);
	assert_int_equal(table->next(it), 0);
	table->destroy(it);
}

static void each_comes_once(void **state)
{
	void *it = table->create(MAX);
	bool in[MAX + 1] = { 0 };
	struct heph_rand rand;
	uint32_t actor;
	unsigned n = 0;

	(void)state;
	heph_rand_seed(&rand, 1);
	for (int round = 0; round < 50000; round++) {
		actor = 1 + (uint32_t)heph_rand_below(&rand, MAX);
		if (!in[actor] && heph_rand_below(&rand, 3)) {
			in[actor] = true;
			n++;
			table->ready(it, actor, (int)(actor % 3) - 1);
			continue;
		}
		actor = table->next(it);
		assert_int_equal(!actor, !n);
		if (!actor)
			continue;
		assert_true(in[actor]);
		in[actor] = false;
		n--;
		table->ran(it, actor, (int)(actor % 3) - 1,
			   (heph_time)heph_rand_below(&rand, HEPH_MSEC));
		if (!heph_rand_below(&rand, 10))
			table->gone(it, actor);
	}
	while ((actor = table->next(it))) {
		assert_true(in[actor]);
		in[actor] = false;
		n--;
	}
	assert_int_equal(n, 0);
	table->destroy(it);
}

/* ---- the fair one ------------------------------------------------------------------ */

static const struct heph_scheduler *const fair = &heph_scheduler_fair;

static void fair_prefers_the_higher_of_equals(void **state)
{
	void *it = fair->create(MAX);

	(void)state;
	fair->ready(it, 1, HEPH_LOW);
	fair->ready(it, 2, HEPH_NORMAL);
	fair->ready(it, 3, HEPH_HIGH);
	fair->ready(it, 4, HEPH_NORMAL);
	fair->ready(it, 5, HEPH_HIGH);
	assert_int_equal(fair->next(it), 3);
	assert_int_equal(fair->next(it), 5);
	assert_int_equal(fair->next(it), 2);
	assert_int_equal(fair->next(it), 4);
	assert_int_equal(fair->next(it), 1);
	fair->destroy(it);
}

/* 5 ms count 25, 2 ms 20, 1 ms 15 with the three priorities: so a high one that
 * ran for 5 ms comes last. */
static void fair_weighs_time_by_priority(void **state)
{
	void *it = fair->create(MAX);

	(void)state;
	for (uint32_t actor = 1; actor <= 3; actor++)
		fair->ready(it, actor, HEPH_HIGH - (int)actor + 1);
	for (uint32_t actor = 1; actor <= 3; actor++)
		assert_int_equal(fair->next(it), actor);
	fair->ran(it, 1, HEPH_HIGH, 5 * HEPH_MSEC);
	fair->ran(it, 2, HEPH_NORMAL, 2 * HEPH_MSEC);
	fair->ran(it, 3, HEPH_LOW, 1 * HEPH_MSEC);
	for (uint32_t actor = 1; actor <= 3; actor++)
		fair->ready(it, actor, HEPH_HIGH - (int)actor + 1);
	assert_int_equal(fair->next(it), 3);
	assert_int_equal(fair->next(it), 2);
	assert_int_equal(fair->next(it), 1);
	fair->destroy(it);
}

/* Each runs for a time of its own; all get the same in the end. */
static void fair_gives_all_the_same(void **state)
{
	enum { N = 50 };
	void *it = fair->create(MAX);
	heph_time used[N + 1] = { 0 }, least, most;
	uint32_t actor;

	(void)state;
	for (actor = 1; actor <= N; actor++)
		fair->ready(it, actor, HEPH_NORMAL);
	for (int round = 0; round < 200000; round++) {
		actor = fair->next(it);
		used[actor] += (heph_time)actor * HEPH_USEC;
		fair->ran(it, actor, HEPH_NORMAL, (heph_time)actor * HEPH_USEC);
		fair->ready(it, actor, HEPH_NORMAL);
	}
	least = most = used[1];
	for (actor = 2; actor <= N; actor++) {
		least = used[actor] < least ? used[actor] : least;
		most = used[actor] > most ? used[actor] : most;
	}
	assert_true(most - least <= 2 * N * HEPH_USEC);
	fair->destroy(it);
}

/* New ones do not outrank old ones for what those have used. */
static void fair_lets_newcomers_wait_their_turn(void **state)
{
	void *it = fair->create(MAX);
	uint32_t actor, n_old = 0;

	(void)state;
	fair->ready(it, 1, HEPH_NORMAL);
	for (int n = 0; n < 100; n++) { /* it was alone for long */
		assert_int_equal(fair->next(it), 1);
		fair->ran(it, 1, HEPH_NORMAL, 10 * HEPH_MSEC);
		fair->ready(it, 1, HEPH_NORMAL);
	}
	for (uint32_t n = 0; n < 900; n++) { /* a new one each time */
		fair->ready(it, 2 + n, HEPH_NORMAL);
		actor = fair->next(it);
		n_old += actor == 1;
		fair->ran(it, actor, HEPH_NORMAL, HEPH_MSEC);
		if (actor == 1)
			fair->ready(it, 1, HEPH_NORMAL);
		else
			fair->gone(it, actor);
	}
	assert_in_range(n_old, 5, 500);
	fair->destroy(it);
}

/* Who waited for long does not have all that time to itself. */
static void fair_forgets_long_waits(void **state)
{
	void *it = fair->create(MAX);
	heph_time used = 0;

	(void)state;
	fair->ready(it, 1, HEPH_NORMAL);
	fair->ready(it, 2, HEPH_NORMAL);
	assert_int_equal(fair->next(it), 1);
	fair->ran(it, 1, HEPH_NORMAL, 1); /* and waits */
	for (int n = 0; n < 1000; n++) {
		assert_int_equal(fair->next(it), 2);
		fair->ran(it, 2, HEPH_NORMAL, HEPH_SEC);
		fair->ready(it, 2, HEPH_NORMAL);
	}
	fair->ready(it, 1, HEPH_NORMAL);
	while (fair->next(it) == 1) {
		used += HEPH_MSEC;
		fair->ran(it, 1, HEPH_NORMAL, HEPH_MSEC);
		fair->ready(it, 1, HEPH_NORMAL);
	}
	assert_in_range(used, HEPH_MSEC, HEPH_SEC + 6 * HEPH_MSEC);
	fair->destroy(it);
}

static void first_come_first_served(void **state)
{
	void *it = heph_scheduler_fifo.create(MAX);

	(void)state;
	for (uint32_t actor = 1; actor <= 100; actor++)
		heph_scheduler_fifo.ready(it, actor, (int)(actor % 3) - 1);
	for (uint32_t actor = 1; actor <= 100; actor++)
		assert_int_equal(heph_scheduler_fifo.next(it), actor);
	heph_scheduler_fifo.destroy(it);
}

/* ---- in a worker ------------------------------------------------------------------- */

static struct heph_driver driver;
static unsigned polls;

static void poll_counted(struct heph_worker *worker, heph_time max_wait)
{
	polls++;
	rig_poll(worker, max_wait);
}

static void open_with_table(void)
{
	driver = heph_futex_driver;
	driver.poll = poll_counted;
	driver.wake = rig_wake;
	driver.alone = true; /* the clock is virtual */
	polls = 0;
	rig_open_scheduled(&driver, table);
}

struct load {
	heph_time length; /* of a run */
	heph_time used;
	heph_time until; /* all of them have used so much */
	unsigned runs, polls;
};

static heph_time used_by_all;

/* Runs again and again, each time for so long. */
static int run_on(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_worker *worker = heph_worker_of(ctx.self);
	struct load *load = arg;

	(void)in;
	while (used_by_all < load->until) {
		worker->sched.virtual_ticks += (uint64_t)load->length;
		load->used += load->length;
		used_by_all += load->length;
		load->runs++;
		load->polls = polls;
		must(heph_yield(ctx) == 0);
	}
	return 0;
}

enum { BUSY = 40 };

/* So many that run for `length`, and the last one for `other`; until all have
 * used so much. */
static void busy(struct load *loads, int n, heph_time length, heph_time other,
		 heph_time until)
{
	used_by_all = 0;
	for (int i = 0; i < n; i++) {
		loads[i] = (struct load){ .length = i < n - 1 ? length : other,
					  .until = until };
		rig_spawn(0, run_on, &loads[i]);
	}
	rig_settle();
}

static void all_have_their_turn(void **state)
{
	struct load loads[BUSY];

	(void)state;
	if (table == &stack_scheduler)
		return; /* it is not fair */
	open_with_table();
	busy(loads, BUSY, 10 * HEPH_USEC, 10 * HEPH_USEC, HEPH_SEC);
	for (int i = 0; i < BUSY; i++)
		assert_in_range(loads[i].used, HEPH_SEC / BUSY * 9 / 10,
				HEPH_SEC / BUSY * 11 / 10);
	rig_close();
}

/* One that runs for 10 ms at a time, among 39 for 10 us. */
static void who_runs_for_long_has_no_more(void **state)
{
	struct load loads[BUSY];
	heph_time fair_share = 10 * HEPH_SEC / BUSY;

	(void)state;
	if (table != &heph_scheduler_fair)
		return;
	open_with_table();
	busy(loads, BUSY, 10 * HEPH_USEC, 10 * HEPH_MSEC, 10 * HEPH_SEC);
	assert_in_range(loads[BUSY - 1].used, fair_share / 2, fair_share * 2);
	rig_close();
}

/* Whoever comes and goes: all of them end, and nobody runs twice at a time. */
static int come_and_go(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref child;
	struct act_msg msg;
	intptr_t depth = (intptr_t)arg;

	if (!depth)
		return 0;
	for (int n = 0; n < 3; n++) {
		must(heph_spawn(ctx, act, &child,
				{ come_and_go, (void *)(depth - 1) },
				.priority = n - 1) == 0);
		must(heph_send(ctx, heph_self(in), { .n = n }) == 0);
		must(heph_yield(ctx) == 0);
		must(heph_recv(ctx, in, &msg) == 0 && msg.n == n);
		must(heph_join(ctx, child, NULL) == 0);
	}
	return 0;
}

static void actors_come_and_go(void **state)
{
	(void)state;
	open_with_table();
	rig_spawn(0, come_and_go, (void *)5);
	rig_settle();
	assert_int_equal(rig.workers[0]->thread.count.ended, 364);
	rig_close();
}

static void a_turn_ends_in_time(void **state)
{
	struct load loads[BUSY];

	(void)state;
	open_with_table();
	busy(loads, BUSY, 3 * HEPH_MSEC, 3 * HEPH_MSEC, HEPH_SEC);
	/* a turn of 5 ms has room for two, but for the first 32 */
	assert_true(polls >= (unsigned)(HEPH_SEC / (6 * HEPH_MSEC)) - 30);
	rig_close();
}

/* ---- the default ------------------------------------------------------------------- */

/* 6 to 3 to 2, while all three want to run. */
static void priorities_have_their_shares(void **state)
{
	static const heph_time shares[] = { 6, 3, 2 };
	struct load loads[3];

	(void)state;
	for (int long_runs = 0; long_runs < 2; long_runs++) {
		open_with_table();
		used_by_all = 0;
		for (int i = 0; i < 3; i++) {
			loads[i] =
				(struct load){ .length = long_runs ?
								 HEPH_MSEC :
								 10 * HEPH_USEC,
					       .until = 11 * HEPH_SEC };
			rig_spawn_with(0, (run_on, &loads[i]),
				       .priority = HEPH_HIGH - i);
		}
		rig_settle();
		for (int i = 0; i < 3; i++)
			assert_in_range(loads[i].used,
					shares[i] * HEPH_SEC * 9 / 10,
					shares[i] * HEPH_SEC * 11 / 10);
		rig_close();
	}
}

static act_ref listener;

static void work(heph_ctx ctx, struct load *load)
{
	heph_worker_of(ctx.self)->sched.virtual_ticks += (uint64_t)load->length;
	load->used += load->length;
	used_by_all += load->length;
}

static int work_when_told(heph_ctx ctx, act_inbox in, void *arg)
{
	struct load *load = arg;
	struct act_msg msg;

	while (used_by_all < load->until) {
		must(heph_recv(ctx, in, &msg) == 0);
		work(ctx, load);
	}
	return 0;
}

static int work_and_tell(heph_ctx ctx, act_inbox in, void *arg)
{
	struct load *load = arg;

	(void)in;
	while (used_by_all < load->until) {
		work(ctx, load);
		(void)!heph_try_send(listener, { .n = 0 });
		must(heph_yield(ctx) == 0);
	}
	(void)!heph_try_send(listener, { .n = 0 });
	return 0;
}

/* 3 to 2, also if the low one waits each time, and is the only one. */
static void who_waits_has_no_more(void **state)
{
	struct load loads[2];

	(void)state;
	open_with_table();
	used_by_all = 0;
	for (int i = 0; i < 2; i++)
		loads[i] = (struct load){ .length = HEPH_MSEC,
					  .until = 10 * HEPH_SEC };
	listener = rig_spawn_with(0, (work_when_told, &loads[1]),
				  .priority = HEPH_LOW);
	rig_spawn(0, work_and_tell, &loads[0]);
	rig_settle();
	assert_in_range(loads[1].used, 37 * HEPH_SEC / 10, 43 * HEPH_SEC / 10);
	rig_close();
}

static const struct CMUnitTest of_tables[] = {
	cmocka_unit_test(smoke),
	cmocka_unit_test(each_comes_once),
};

static const struct CMUnitTest of_workers[] = {
	cmocka_unit_test(all_have_their_turn),
	cmocka_unit_test(who_runs_for_long_has_no_more),
	cmocka_unit_test(actors_come_and_go),
	cmocka_unit_test(a_turn_ends_in_time),
};

int main(void)
{
	static const struct heph_scheduler *const all[] = {
		&heph_scheduler_fair, &heph_scheduler_fifo, &stack_scheduler,
		NULL
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fair_prefers_the_higher_of_equals),
		cmocka_unit_test(fair_weighs_time_by_priority),
		cmocka_unit_test(fair_gives_all_the_same),
		cmocka_unit_test(fair_lets_newcomers_wait_their_turn),
		cmocka_unit_test(fair_forgets_long_waits),
		cmocka_unit_test(first_come_first_served),
		cmocka_unit_test(priorities_have_their_shares),
		cmocka_unit_test(who_waits_has_no_more),
	};
	int failed = 0;

	for (size_t n = 0; n < sizeof(all) / sizeof(*all); n++) {
		table = all[n];
		if (table)
			failed += cmocka_run_group_tests_name(
				table->name, of_tables, NULL, NULL);
		failed += cmocka_run_group_tests_name(table ? table->name :
							      "default",
						      of_workers, NULL, NULL);
	}
	return failed + cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
