/* SPDX-License-Identifier: MIT */
/* Starting, ending, several runtimes, the result, one on each worker. */
#include "act.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void returns_what_the_actor_returned(void **state)
{
	(void)state;
	setenv("HEPH_LOG", "off", 0);
	must_be(heph_run(&two_workers, act, { return_arg, NULL }), 0);
	must_be(heph_run(&two_workers, act, { return_arg, (void *)-EIO }),
		-EIO);
	must_be(heph_run(NULL, act, { return_arg, (void *)5 }), 0);
	must_be(heph_run(&two_workers, act, { return_arg, NULL }, .on = -4),
		-EINVAL);
	must_be(heph_run(&two_workers, act, { return_arg, NULL },
			 .on = HEPH_WORKER(2)),
		-EINVAL);
}

static _Atomic int ended;

static int end_later(heph_ctx ctx, act_inbox in, void *arg)
{
	for (int n = 0; n < 20; n++)
		must_be(heph_yield(ctx), 0);
	must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	ended++;
	(void)in, (void)arg;
	return 0;
}

static int leave_detached(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (int n = 0; n < 4; n++)
		must_be(heph_spawn(ctx, act, NULL, { end_later, NULL },
				   .detached = true, .on = HEPH_WORKER(n % 2)),
			0);
	return 0;
}

static void waits_until_no_actor_is_left(void **state)
{
	(void)state;
	ended = 0;
	must_be(heph_run(&two_workers, act, { leave_detached, NULL }), 0);
	must_be(ended, 4);
}

static void refuses_a_wrong_configuration(void **state)
{
	static const struct heph_config configs[] = {
		{ .workers = HEPH_WORKERS_MAX + 1 },
		{ .grace = -1 },
		{ .actors = 1U << 31 },
		{ .poll_ratio = 1 << 30 },
	};
	heph_ctx ctx;

	(void)state;
	for (int n = 0; n < 4; n++) {
		must_be(heph_new(&ctx, &configs[n]), -EINVAL);
		must(!ctx.self);
		must_be(heph_run(&configs[n], act, { return_arg, NULL }),
			-EINVAL);
	}
	heph_free((heph_ctx){ 0 });
}

static void stops_all_when_it_is_freed(void **state)
{
	heph_ctx ctx;

	(void)state;
	for (int round = 0; round < 20; round++) {
		ctx = begin(&two_workers);
		for (int n = 0; n < round; n++)
			spawn_on(ctx, HEPH_HERE, idle, NULL);
		heph_free(ctx);
		must_be(act_args_dropped, round);
	}
}

/* Those that are spawned while it ends have to end as well. */
static void spawn_detached(heph_ctx ctx, long *unused)
{
	(void)unused;
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .detached = true,
			   .on = HEPH_WORKER(1)),
		0);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .detached = true),
		0);
}

static int spawns_at_its_end(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_defer(ctx, spawn_detached, 0L), 0);
	return idle(ctx, in, arg);
}

static void ends_the_late_ones(void **state)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;

	(void)state;
	config.grace = 1000 * HEPH_SEC;
	ctx = begin(&config);
	spawn_on(ctx, HEPH_WORKER(0), spawns_at_its_end, NULL);
	heph_free(ctx);
	must_be(act_args_dropped, 3);
}

/* The grace is added to the time: the largest one is not a small one. */
static int say_goodbye(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(idle(ctx, in, arg), -ECANCELED);
	must_be(heph_sleep(heph_shield(ctx, HEPH_NEVER), 2 * HEPH_MSEC), 0);
	ended++;
	return 0;
}

static void may_have_all_the_time_to_end(void **state)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;

	(void)state;
	config.grace = HEPH_NEVER;
	ended = 0;
	ctx = begin(&config);
	spawn_on(ctx, HEPH_WORKER(0), say_goodbye, NULL);
	heph_free(ctx);
	must_be(ended, 1);
	must_be(act_args_dropped, 1);
}

/* ---- on each worker ---------------------------------------------------------------------- */

static _Atomic unsigned seen;

static int see_worker(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	seen += 1U << (8 * heph_worker(ctx));
	return heph_worker(ctx) == 1 ? (int)(intptr_t)arg : 0;
}

static int run_on_each(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	seen = 0;
	must_be(heph_run_on_each(ctx, act, { see_worker, NULL }), 0);
	must_be(seen, 0x0101);
	must_be(heph_run_on_each(ctx, act, { see_worker, (void *)-EIO }), -EIO);
	must_be(seen, 0x0202);
	must_be(heph_run_on_each(ctx, act, { see_worker, NULL }, .priority = 7),
		-EINVAL);
	must_be(seen, 0x0202);
	must_be(heph_run_on_each(heph_within(ctx, HEPH_MSEC), act,
				 { idle, NULL }),
		-ETIME);
	return 0;
}

static void runs_one_on_each_worker(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(run_on_each, NULL);
	ctx = begin(&two_workers);
	must_be(run_on_each(ctx, (act_inbox){ { NULL } }, NULL), 0);
	end(ctx);
}

/* On one of the workers, which is known by the argument, it fails; the others end
 * as they should before that is told. */
static int fail_on(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	if (heph_worker(ctx) == (int)(intptr_t)arg % 10) {
		if ((intptr_t)arg >= 10)
			heph_panic(ctx, "on purpose");
		return -EILSEQ;
	}
	must_be(heph_sleep(ctx, 2 * HEPH_MSEC), 0);
	ended++;
	return 0;
}

static int fail_on_each(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (intptr_t n = 0; n < 2; n++) {
		ended = 0;
		must_be(heph_run_on_each(ctx, act, { fail_on, (void *)n }),
			-EILSEQ);
		must_be(ended, 1);
		must_be(heph_run_on_each(ctx, act, { fail_on, (void *)(n + 10) }),
			-ENOTRECOVERABLE);
		must_be(ended, 2);
	}
	must_be(heph_stats(ctx).panicked, 2);
	return 0;
}

/* And the runtime goes on. */
static void tells_what_fails_on_a_worker(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(fail_on_each, NULL);
	ctx = begin(&two_workers);
	must_be(fail_on_each(ctx, (act_inbox){ { NULL } }, NULL), 0);
	must_be(heph_run_on_each(ctx, act, { see_worker, NULL }), 0);
	end(ctx);
}

/* One cannot start: the others are stopped, and end. */
static int each_but_one(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must_be(heph_run_on_each(ctx, act, { idle, NULL }), -EAGAIN);
	return 0;
}

static void stops_the_others_when_one_cannot_start(void **state)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;
	act_ref ref, other;

	(void)state;
	config.actors = 1; /* on each worker */
	ctx = begin(&config);
	ref = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	must_be(each_but_one(ctx, (act_inbox){ { NULL } }, NULL), 0);
	must(heph_alive(ref));
	stop_and_join(ctx, ref);
	end(ctx);

	config.actors = 2;
	ctx = begin(&config);
	ref = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	other = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	must_be(heph_join(ctx,
			  spawn_on(ctx, HEPH_WORKER(0), each_but_one, NULL),
			  NULL),
		0);
	must(heph_alive(ref));
	stop_and_join(ctx, ref);
	stop_and_join(ctx, other);
	end(ctx);
}

/* ---- several runtimes ----------------------------------------------------------------------- */

enum { RUNTIMES = 4 };

static act_ref answerers[RUNTIMES];
static _Atomic int ready, called, done;

static int call_all(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (int round = 0; round < 20; round++)
		for (int n = 0; n < RUNTIMES; n++) {
			sync_with(ctx, answerers[n]);
			must_be(heph_send(ctx, answerers[n],
					  { .owned = malloc(10) }),
				0);
		}
	return 0;
}

static void *have_runtime(void *arg)
{
	int me = (int)(intptr_t)arg;
	heph_ctx ctx;
	act_ref ref;

	must_be(heph_new(&ctx, &two_workers), 0);
	must_be(heph_spawn(ctx, act, &answerers[me], { answer_all, NULL },
			   .inbox = 2),
		0);
	ready++;
	while (ready < RUNTIMES)
		sched_yield();
	must_be(call_all(ctx, (act_inbox){ { NULL } }, arg), 0);
	for (int n = 0; n < 2; n++) {
		ref = spawn_on(ctx, HEPH_WORKER(n), call_all, arg);
		must_be(heph_join(ctx, ref, NULL), 0);
	}
	called++;
	while (called < RUNTIMES)
		sched_yield();
	heph_stop(answerers[(me + 1) % RUNTIMES]); /* of another one */
	done++;
	while (done < RUNTIMES)
		sched_yield();
	must_be(heph_drain(ctx), 0);
	await_all_back(ctx);
	heph_free(ctx);
	return NULL;
}

static void may_be_one_of_several(void **state)
{
	pthread_t threads[RUNTIMES];

	(void)state;
	ready = called = done = 0;
	for (intptr_t n = 0; n < RUNTIMES; n++)
		must_be(pthread_create(&threads[n], NULL, have_runtime,
				       (void *)n),
			0);
	for (int n = 0; n < RUNTIMES; n++)
		pthread_join(threads[n], NULL);
}

/* A runtime that ends without its actor, and others who wait to send to it. */
static act_ref stuck;
static _Atomic bool is_stuck;
static _Atomic int waiting;

static int sleep_on(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER);
}

static int send_to_stuck(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (heph_try_send(stuck, { .n = 1 }) == 0)
		;
	must_be(heph_send(heph_within(ctx, HEPH_MSEC), stuck, { .n = 1 }),
		-ETIME);
	waiting++;
	must_be(heph_send(ctx, stuck, { .n = 1 }), -ESRCH);
	return 0;
}

static void *end_with_stuck(void *arg)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;

	(void)arg;
	config.grace = 20 * HEPH_MSEC;
	must_be(heph_new(&ctx, &config), 0);
	must_be(heph_spawn(ctx, act, &stuck, { sleep_on, NULL }, .inbox = 1),
		0);
	is_stuck = true;
	while (waiting < 2)
		sched_yield();
	heph_free(ctx);
	return NULL;
}

static void wait_for_stuck(void)
{
	heph_ctx ctx = begin(&two_workers);
	pthread_t thread;
	act_ref ref;

	is_stuck = false;
	waiting = 0;
	must_be(pthread_create(&thread, NULL, end_with_stuck, NULL), 0);
	while (!is_stuck)
		sched_yield();
	ref = spawn_on(ctx, HEPH_WORKER(0), send_to_stuck, NULL);
	must_be(send_to_stuck(ctx, (act_inbox){ { NULL } }, NULL), 0);
	must_be(heph_join(ctx, ref, NULL), 0);
	pthread_join(thread, NULL);
	end(ctx);
}

/* In a child process that is killed in the end: nobody frees the messages of who
 * was abandoned, which is no leak that a sanitizer or valgrind should tell of. */
static void does_not_wait_for_senders_of_another_one(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(100);
		wait_for_stuck();
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* A reference into a runtime that has gone, with another one in its place. */
static void is_not_taken_for_the_next_one(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref old = spawn_on(ctx, HEPH_WORKER(0), idle, NULL), ref;
	long answer;

	(void)state;
	heph_free(ctx);
	must(!heph_alive(old));
	must_be(heph_try_send(old, { .n = 1 }), -ESRCH);
	heph_post(old, { .n = 1 });
	heph_stop(old);
	ctx = begin(&two_workers);
	ref = spawn_on(ctx, HEPH_WORKER(0), idle, NULL);
	must_be(ref.addr.slot, old.addr.slot);
	must_be(ref.addr.node, old.addr.node);
	must(!heph_alive(old));
	must_be(heph_send(ctx, old, { .n = 1 }), -ESRCH);
	must_be(heph_call(ctx, old, answer, &answer, { .n = 1 }), -ESRCH);
	must_be(heph_join(ctx, old, NULL), 0);
	heph_stop(old);
	must(heph_alive(ref));
	heph_free(ctx);
}

/* Threads of no runtime shoot at actors while their runtimes end. */
static _Atomic bool over;
static _Atomic(uint64_t) target;

static void *shoot(void *arg)
{
	struct act_msg msg = { .n = 1 };
	struct heph_addr addr = { .slot = 1 };

	(void)arg;
	while (!over) {
		addr.id = target;
		(void)!heph_raw_try_send(addr, &msg, sizeof(msg));
		heph_raw_stop(addr);
		(void)heph_raw_alive(addr);
		sched_yield();
	}
	return NULL;
}

static void ends_under_fire(void **state)
{
	pthread_t thread;
	heph_ctx ctx;

	(void)state;
	over = false;
	target = 0;
	must_be(pthread_create(&thread, NULL, shoot, NULL), 0);
	for (int n = 0; n < 100; n++) {
		ctx = begin(&two_workers);
		target = spawn_on(ctx, HEPH_WORKER(0), idle, NULL).addr.id;
		heph_free(ctx);
	}
	over = true;
	pthread_join(thread, NULL);
}

/* ---- numbers of a type ------------------------------------------------------ */

/* Wherever they run. */
static void counts_the_actors_of_a_type(void **state)
{
	static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	heph_ctx ctx = begin(&two_workers);
	act_ref refs[4];

	must_be(heph_type_stats(ctx, act).spawned, 0);
	for (int n = 0; n < 4; n++)
		must_be(heph_spawn(ctx, act, &refs[n], { idle, NULL },
				   .on = places[n]),
			0);
	must_be(heph_type_stats(ctx, act).spawned, 4);
	must_be(heph_type_stats(ctx, act).alive, 4);
	must(!heph_type_stats(ctx, act).own_stacks);
	for (int n = 0; n < 4; n++)
		stop_and_join(ctx, refs[n]);
	while (heph_type_stats(ctx, act).alive)
		sched_yield();
	must_be(heph_type_stats(ctx, act).spawned, 4);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_not_wait_for_senders_of_another_one),
		cmocka_unit_test(returns_what_the_actor_returned),
		cmocka_unit_test(waits_until_no_actor_is_left),
		cmocka_unit_test(refuses_a_wrong_configuration),
		cmocka_unit_test(stops_all_when_it_is_freed),
		cmocka_unit_test(ends_the_late_ones),
		cmocka_unit_test(may_have_all_the_time_to_end),
		cmocka_unit_test(runs_one_on_each_worker),
		cmocka_unit_test(tells_what_fails_on_a_worker),
		cmocka_unit_test(stops_the_others_when_one_cannot_start),
		cmocka_unit_test(may_be_one_of_several),
		cmocka_unit_test(is_not_taken_for_the_next_one),
		cmocka_unit_test(ends_under_fire),
		cmocka_unit_test(counts_the_actors_of_a_type),
	};

	return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
