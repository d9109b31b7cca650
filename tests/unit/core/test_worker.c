/* SPDX-License-Identifier: MIT */
#include "core/worker.h"

#include "core/timers.h"

#include "rig.h"

static char order[1000];
static int n_order;

static void setup(void)
{
	rig_open(1);
	memset(order, 0, sizeof(order));
	n_order = 0;
}

/* The same with a clock that is virtual: each run takes as long. */
static void setup_alone(void)
{
	static struct heph_driver alone;

	n_order = 0;
	alone = heph_futex_driver;
	alone.poll = rig_poll;
	alone.wake = rig_wake;
	alone.alone = true;
	rig_open_with(1, &alone);
}

/* Notes its letter and lets others run, often. */
static int take_turns(heph_ctx ctx, act_inbox in, void *arg)
{
	const char *letter = arg;

	(void)in;
	for (int n = 0; n < 100 && n_order < 900; n++) {
		order[n_order++] = *letter;
		must(heph_yield(ctx) == 0);
	}
	return 0;
}

static int count_letter(char letter, int from, int to)
{
	int n = 0;

	for (int i = from; i < to; i++)
		n += order[i] == letter;
	return n;
}

static void lets_equals_take_turns(void **state)
{
	static char letters[] = "abc";

	(void)state;
	setup();
	for (int i = 0; i < 3; i++)
		rig_spawn(0, take_turns, &letters[i]);
	rig_settle();
	assert_int_equal(n_order, 300);
	for (int i = 0; i < 300; i++)
		assert_int_equal(order[i], letters[i % 3]);
	rig_close();
}

static void prefers_the_higher_and_starves_nobody(void **state)
{
	static char letters[] = "hnl";

	(void)state;
	setup_alone();
	for (int i = 0; i < 3; i++)
		rig_spawn_with(0, (take_turns, &letters[i]),
			       .priority = HEPH_HIGH - i);
	rig_settle();
	assert_int_equal(n_order, 300);
	/* while all three can run */
	assert_true(count_letter('h', 0, 100) > count_letter('n', 0, 100));
	assert_true(count_letter('n', 0, 100) > count_letter('l', 0, 100));
	for (int i = 0; i < 100; i += 20)
		assert_true(count_letter('l', i, i + 20) > 0);
	for (int i = 0; i < 100; i += 10)
		assert_true(count_letter('n', i, i + 10) > 0);
	rig_close();
}

/* Sends to itself for ever, so to say: it never waits. */
static int busy(heph_ctx ctx, act_inbox in, void *arg)
{
	const _Atomic bool *end = arg;
	struct act_msg msg;
	long n = 0;

	while (!*end) {
		must(heph_send(ctx, heph_self(in), { .n = n }) == 0);
		must(heph_recv(ctx, in, &msg) == 0);
		must(msg.n == n++);
		must(n < 1000000);
	}
	return 0;
}

static int set(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in;
	*(_Atomic bool *)arg = true;
	return 0;
}

static void takes_a_turn_from_who_never_waits(void **state)
{
	static _Atomic bool end;

	(void)state;
	setup();
	end = false;
	rig_spawn_with(0, (busy, (void *)(uintptr_t)&end),
		       .priority = HEPH_HIGH);
	rig_spawn_with(0, (set, (void *)(uintptr_t)&end), .priority = HEPH_LOW);
	rig_settle();
	assert_true(end);
	rig_close();
}

/* Deadlines that have passed do not wait either. */
static int busy_with_deadlines(heph_ctx ctx, act_inbox in, void *arg)
{
	const _Atomic bool *end = arg;
	struct act_msg msg;

	for (long n = 0; !*end; n++) {
		must(heph_recv(heph_within(ctx, 0), in, &msg) == -ETIME);
		must(n < 1000000);
	}
	return 0;
}

static void takes_a_turn_from_who_has_no_time(void **state)
{
	static _Atomic bool end;

	(void)state;
	setup();
	end = false;
	rig_spawn(0, busy_with_deadlines, (void *)(uintptr_t)&end);
	rig_spawn(0, set, (void *)(uintptr_t)&end);
	rig_settle();
	assert_true(end);
	rig_close();
}

/* Ends the others when it is stopped. */
static int set_when_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	must(heph_sleep(ctx, HEPH_NEVER) == -ECANCELED);
	return set(ctx, in, arg);
}

static void looks_at_its_door_while_actors_are_busy(void **state)
{
	static _Atomic bool end;
	act_ref ref;

	(void)state;
	setup();
	end = false;
	rig_spawn(0, busy, (void *)(uintptr_t)&end);
	ref = rig_spawn(0, set_when_stopped, (void *)(uintptr_t)&end);
	rig_spawn(0, busy, (void *)(uintptr_t)&end);
	heph_stop(ref);
	rig_settle();
	assert_true(end);
	rig_close();
}

static void runs_with_the_smallest_budget(void **state)
{
	static char letters[] = "ab";

	(void)state;
	setup();
	rig.heph.config.poll_ratio = 1;
	rig_spawn(0, take_turns, &letters[0]);
	rig_spawn(0, take_turns, &letters[1]);
	rig_settle();
	assert_int_equal(n_order, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal(order[i], letters[i % 2]);
	rig_close();
}

static int spawn_children(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (int n = 0; n < 100; n++) {
		must(heph_spawn(ctx, act, NULL, { idle, NULL }) == 0);
		if (n % 10 == 0)
			must(heph_yield(ctx) == 0);
	}
	return 0;
}

static void uses_blocks_and_stacks_again(void **state)
{
	size_t stacks;
	uint32_t selves;

	(void)state;
	setup();
	rig_spawn(0, spawn_children, NULL);
	rig_settle();
	selves = rig.workers[0]->n_selves;
	stacks = rig.workers[0]->stacks.in_use + rig.workers[0]->stacks.idle;
	for (int n = 0; n < 20; n++) {
		rig_spawn(0, spawn_children, NULL);
		rig_settle();
	}
	assert_int_equal(rig.workers[0]->n_selves, selves);
	assert_int_equal(rig.workers[0]->stacks.in_use +
				 rig.workers[0]->stacks.idle,
			 stacks);
	rig_close();
}

static void gives_the_memory_of_idle_stacks_back(void **state)
{
	static heph_time now;
	struct heph_worker *worker;

	(void)state;
	now = heph_now();
	heph_time_virtual = &now;
	setup();
	worker = rig.workers[0];
	for (int n = 0; n < RIG_ACTORS; n++)
		rig_spawn_with(0, (idle, NULL), .stack = HEPH_STACK_OWN);
	rig_settle();
	assert_int_equal(worker->trim_at, 0);
	heph_stop_runtime(&rig.heph, now + HEPH_SEC);
	rig_settle();
	assert_true(worker->trim_at > now);
	assert_int_equal(worker->stacks.idle, RIG_ACTORS);
	assert_int_equal(worker->stacks.trimmed, 0);
	worker->trim_at = 1; /* long ago */
	rig_step(0);
	assert_true(worker->stacks.trimmed > 0);
	assert_int_equal(worker->trim_at, 0);
	heph_time_virtual = NULL;
	rig_close();
}

static int sleep_for_ever(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	return heph_sleep(heph_until(ctx, *(heph_time *)arg), HEPH_NEVER);
}

static void gives_nothing_back_while_a_deadline_is_near(void **state)
{
	static heph_time now, deadline;
	struct heph_worker *worker;
	act_ref refs[RIG_ACTORS / 2];

	(void)state;
	now = 1000 * HEPH_SEC;
	deadline = now + 100 * HEPH_SEC;
	heph_time_virtual = &now;
	setup();
	worker = rig.workers[0];
	for (int n = 0; n < RIG_ACTORS / 2; n++)
		refs[n] = rig_spawn_with(0, (idle, NULL),
					 .stack = HEPH_STACK_OWN);
	rig_spawn(0, sleep_for_ever, &deadline);
	rig_step(0);
	for (int n = 0; n < RIG_ACTORS / 2; n++)
		heph_stop(refs[n]);
	rig_step(0);
	assert_int_equal(worker->stacks.idle, RIG_ACTORS / 2);
	now = deadline - HEPH_MSEC;
	rig_step(0);
	assert_int_equal(worker->stacks.trimmed, 0);
	now = deadline + HEPH_MSEC;
	rig_step(0);
	rig_step(0);
	assert_true(worker->stacks.trimmed > 0);
	heph_time_virtual = NULL;
	rig_close();
}

static void begins_without_memory_or_not_at_all(void **state)
{
	struct heph heph;
	const struct heph_config config = { .workers = 1, .poll_ratio = 1 };
	struct heph_worker *worker;
	bool refused;
	long n = 0;
	int err;

	(void)state;
	do {
		rig_refuse(++n);
		err = heph_init(&heph, &config, &heph_futex_driver);
		if (err == 0) {
			worker = heph_mem_reserve(sizeof(*worker));
			err = worker ? heph_worker_init(worker, &heph, 10) :
				       -ENOMEM;
			if (err == 0)
				heph_worker_fini(worker);
			heph_mem_unreserve(worker, sizeof(*worker));
			heph_fini(&heph);
		}
		refused = rig_refused();
		assert_int_equal(err, refused ? -ENOMEM : 0);
	} while (refused);
	assert_true(n > 5);
}

/* ---- threads: one sleeps while the other is busy, and the other way round ------------ */

struct ball {
	act_ref to;
	heph_time pause; /* every 64th time */
};

static int play(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct ball *ball = arg;
	struct act_msg msg;

	while (heph_recv(ctx, in, &msg) == 0 && msg.n > 0) {
		if (msg.n % 64 == 0 && ball->pause)
			must(heph_sleep(ctx, ball->pause) == 0);
		must(heph_try_send(ball->to, { .n = msg.n - 1 }) == 0);
		if (msg.n <= 1)
			return 0;
	}
	return 0;
}

static void wakes_and_is_woken(void **state)
{
	static const heph_time pauses[] = { 0, 1, 60 * HEPH_USEC };
	static struct ball balls[2];

	(void)state;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		rig_open_with(2, &heph_futex_driver);
		for (int n = 0; n < 2; n++) {
			balls[1 - n] = (struct ball){
				.to = rig_spawn(n, play, &balls[n]),
				.pause = pauses[i],
			};
		}
		assert_int_equal(
			heph_try_send(balls[0].to,
				      { .n = pauses[i] ? 3000 : 20000 }),
			0);
		rig_start();
		rig_join();
		rig_close();
	}
}

/* ---- timers of those that move --------------------------------------------- */

static heph_time slept;
static int looks;

/* Another worker sets one while this one spins, and finds no sleeper. */
static void poll_late(struct heph_worker *worker, heph_time max_wait)
{
	if (max_wait)
		slept = max_wait;
	else if (++looks == 2)
		atomic_store(&rig.heph.next_timer,
			     heph_now() + 3600 * HEPH_SEC);
	atomic_store(&rig.heph.abandon, max_wait != 0);
}

static void sees_a_timer_that_was_set_while_it_spun(void **state)
{
	struct heph_driver driver = heph_futex_driver;

	(void)state;
	driver.poll = poll_late;
	driver.wake = rig_wake;
	rig_open_with(1, &driver);
	looks = 0;
	rig.workers[0]->spin.length = 1;
	rig_step(0);
	assert_int_equal(looks, 2);
	assert_in_range(slept, 1, 3600 * HEPH_SEC);
	atomic_store(&rig.heph.next_timer, HEPH_NEVER);
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_equals_take_turns),
		cmocka_unit_test(prefers_the_higher_and_starves_nobody),
		cmocka_unit_test(takes_a_turn_from_who_never_waits),
		cmocka_unit_test(takes_a_turn_from_who_has_no_time),
		cmocka_unit_test(looks_at_its_door_while_actors_are_busy),
		cmocka_unit_test(runs_with_the_smallest_budget),
		cmocka_unit_test(uses_blocks_and_stacks_again),
		cmocka_unit_test(gives_the_memory_of_idle_stacks_back),
		cmocka_unit_test(gives_nothing_back_while_a_deadline_is_near),
		cmocka_unit_test(begins_without_memory_or_not_at_all),
		cmocka_unit_test(wakes_and_is_woken),
		cmocka_unit_test(sees_a_timer_that_was_set_while_it_spun),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
