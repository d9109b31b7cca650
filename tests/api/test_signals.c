/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM, the grace, and the ends of programs: in children. */
#include "act.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What it returns comes by a pipe. The child is killed then, because what an
 * abandoned runtime had is lost, as a sanitizer would tell. */
static void be_child(int (*fn)(void), int number)
{
	int result;

	signal(SIGABRT, SIG_DFL);
	setenv("HEPH_LOG", "off", 0);
	alarm(100);
	dies_with_leaks();
	result = fn();
	must_be(write(number, &result, sizeof(result)), sizeof(result));
	kill(getpid(), SIGKILL);
}

/* Runs it in a child and returns the result, or, if it did not get so far, the
 * signal that killed it, plus 1000. */
static int in_child(int (*fn)(void))
{
	int status, result, numbers[2];
	ssize_t size;
	pid_t pid;

	fflush(NULL);
	must_be(pipe(numbers), 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0)
		be_child(fn, numbers[1]);
	close(numbers[1]);
	size = read(numbers[0], &result, sizeof(result));
	close(numbers[0]);
	must_be(waitpid(pid, &status, 0), pid);
	must(WIFSIGNALED(status));
	return size == sizeof(result) ? result : 1000 + WTERMSIG(status);
}

static int run_with(heph_time grace, act_fn *fn, void *arg)
{
	const struct heph_config config = { .workers = 2, .grace = grace };

	return heph_run(&config, act, { fn, arg }, .on = HEPH_WORKER(1));
}

/* ---- the first signal -------------------------------------------------------------- */

static int signal_and_wait(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .on = HEPH_WORKER(0),
			   .detached = true),
		0);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL },
			   .on = HEPH_WORKER(0)),
		0);
	must_be(kill(getpid(), (int)(intptr_t)arg), 0);
	must_be(idle(ctx, in, NULL), -ECANCELED);
	must_be(heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_MSEC), 0);
	return 0;
}

static int end_by_int(void)
{
	return run_with(1000 * HEPH_SEC, signal_and_wait, (void *)SIGINT);
}

static int end_by_term(void)
{
	return run_with(1000 * HEPH_SEC, signal_and_wait, (void *)SIGTERM);
}

static void ask_all_of_the_first_level_to_stop(void **state)
{
	(void)state;
	must_be(in_child(end_by_int), 0);
	must_be(in_child(end_by_term), 0);
}

/* A child is not asked before its parent ends. */
static _Atomic bool child_stopped;

static int child(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(idle(ctx, in, arg), -ECANCELED);
	child_stopped = true;
	return 0;
}

static int ask_child_for_a_last_word(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_WORKER(0), answer_all, NULL);

	must_be(heph_spawn(ctx, act, NULL, { child, NULL }), 0);
	must_be(kill(getpid(), SIGTERM), 0);
	must_be(idle(ctx, in, arg), -ECANCELED);
	must(!child_stopped);
	sync_with(heph_shield(ctx, HEPH_NEVER), ref);
	return 0;
}

static int last_word(void)
{
	int err = run_with(0, ask_child_for_a_last_word, NULL);

	must(child_stopped);
	return err;
}

static void reach_children_when_their_parent_ends(void **state)
{
	(void)state;
	must_be(in_child(last_word), 0);
}

/* ---- the second ---------------------------------------------------------------------- */

static int does_not_end(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(kill(getpid(), SIGTERM), 0);
	must_be(idle(ctx, in, arg), -ECANCELED);
	must_be(kill(getpid(), SIGINT), 0);
	(void)!heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER);
	must(!"that it goes on");
	return 0;
}

static int end_at_once(void)
{
	return run_with(1000 * HEPH_SEC, does_not_end, NULL);
}

static void end_at_once_by_a_second_one(void **state)
{
	(void)state;
	must_be(in_child(end_at_once), -EINTR);
}

/* ---- the end of the grace ---------------------------------------------------------------- */

static int outlasts_the_grace(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(kill(getpid(), SIGTERM), 0);
	must_be(idle(ctx, in, arg), -ECANCELED);
	while (!arg)
		(void)!heph_yield(heph_shield(ctx, HEPH_SEC));
	return 0;
}

static int end_with_grace(void)
{
	return run_with(20 * HEPH_MSEC, outlasts_the_grace, NULL);
}

static void end_when_the_grace_is_over(void **state)
{
	(void)state;
	must_be(in_child(end_with_grace), -ETIMEDOUT);
}

/* The same by heph_free(): SIGTERM is taken by the program itself. */
static void ignore_term(int signal)
{
	(void)signal;
}

static int never_ends(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in;
	*(_Atomic bool *)arg = true;
	while (arg)
		(void)!heph_yield(heph_shield(ctx, HEPH_SEC));
	return 0;
}

static int free_with_grace(void)
{
	const struct heph_config config = { .workers = 2,
					    .no_signals = true,
					    .grace = 20 * HEPH_MSEC };
	static _Atomic bool runs;
	heph_time begun;
	heph_ctx ctx;

	signal(SIGTERM, ignore_term);
	ctx = begin(&config);
	spawn_on(ctx, HEPH_WORKER(0), never_ends, (void *)(uintptr_t)&runs);
	while (!runs)
		sched_yield();
	must_be(kill(getpid(), SIGTERM), 0); /* left alone */
	must_be(heph_drain(heph_within(ctx, HEPH_MSEC)), -ETIME);
	begun = heph_now();
	heph_free(ctx);
	must(heph_now() - begun >= 20 * HEPH_MSEC);
	return 0;
}

static void bound_what_freeing_takes(void **state)
{
	(void)state;
	must_be(in_child(free_with_grace), 0);
}

/* Joins and calls of actors that are abandoned do not come back either. */
static int waits_for_who_never_ends(heph_ctx ctx, act_inbox in, void *arg)
{
	static _Atomic bool runs;
	act_ref ref = spawn_on(ctx, HEPH_WORKER(0), never_ends,
			       (void *)(uintptr_t)&runs);
	long answer;

	(void)in, (void)arg;
	while (!runs)
		must_be(heph_yield(ctx), 0);
	must_be(kill(getpid(), SIGTERM), 0);
	(void)!heph_call(heph_shield(ctx, HEPH_SEC), ref, answer, &answer,
			 { .n = 1 });
	return 0;
}

/* Threads that wait for them hear of it. */
static act_ref stuck;
static struct heph *stuck_heph;
static _Atomic int n_waiting;

static int never_reads(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;

	(void)in, (void)arg;
	while (heph_now() < until) /* a shield ends with the grace */
		(void)!heph_sleep(heph_shield(ctx, HEPH_SEC), HEPH_SEC);
	return 0;
}

static void *join_stuck(void *arg)
{
	heph_ctx ctx;

	(void)arg;
	must_be(heph_attach(stuck_heph, &ctx), 0);
	n_waiting++;
	must_be(heph_join(ctx, stuck, NULL), -ECANCELED);
	heph_detach(ctx);
	return NULL;
}

static void *call_stuck(void *arg)
{
	heph_ctx ctx;
	long answer;

	(void)arg;
	must_be(heph_attach(stuck_heph, &ctx), 0);
	n_waiting++;
	must_be(heph_call(ctx, stuck, answer, &answer, { .n = 1 }), -ECANCELED);
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	heph_detach(ctx);
	return NULL;
}

static void *send_to_stuck(void *arg)
{
	heph_ctx ctx;
	int err;

	(void)arg;
	must_be(heph_attach(stuck_heph, &ctx), 0);
	n_waiting++;
	do
		err = heph_send(ctx, stuck, { .n = 1 });
	while (err == 0);
	must_be(err, -ECANCELED);
	heph_detach(ctx);
	return NULL;
}

static int abandon_threads(void)
{
	static void *(*const fns[])(void *) = { join_stuck, call_stuck,
						send_to_stuck };
	const struct heph_config config = { .workers = 2,
					    .grace = 20 * HEPH_MSEC };
	pthread_t threads[3];
	heph_ctx ctx = begin(&config);
	int err;

	stuck_heph = heph_runtime(ctx);
	must_be(heph_spawn(ctx, act, &stuck, { never_reads, NULL }, .inbox = 3),
		0);
	for (int n = 0; n < 3; n++)
		must_be(pthread_create(&threads[n], NULL, fns[n], NULL), 0);
	while (n_waiting < 3)
		sched_yield();
	must_be(raise(SIGTERM), 0);
	err = heph_drain(ctx);
	for (int n = 0; n < 3; n++)
		pthread_join(threads[n], NULL);
	heph_free(ctx);
	return err;
}

static void abandon_threads_that_wait(void **state)
{
	(void)state;
	must_be(in_child(abandon_threads), -ETIMEDOUT);
}

static int abandon_family(void)
{
	return run_with(20 * HEPH_MSEC, waits_for_who_never_ends, NULL);
}

static void abandon_families(void **state)
{
	(void)state;
	must_be(in_child(abandon_family), -ETIMEDOUT);
}

/* ---- taken by an actor ------------------------------------------------------------------- */

static int takes_int(heph_ctx ctx, act_inbox in, void *arg)
{
	unsigned count;

	(void)in, (void)arg;
	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGINT, &count)),
		-ETIME);
	for (int n = 0; n < 3; n++) {
		must_be(kill(getpid(), SIGINT), 0);
		must_be(heph_wait(ctx, heph_on_signal(SIGINT, &count)), 0);
		must_be(count, 1);
	}
	must(!heph_stopping(ctx));
	return 0;
}

static int then_stops(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_WORKER(0), takes_int, NULL);

	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(kill(getpid(), SIGINT), 0); /* nobody takes it any more */
	must_be(idle(ctx, in, arg), -ECANCELED);
	return -EINVAL;
}

static int take_signals(void)
{
	return run_with(0, then_stops, NULL);
}

static void do_not_stop_when_an_actor_takes_them(void **state)
{
	(void)state;
	must_be(in_child(take_signals), -EINVAL);
}

/* ---- panics and assertions ------------------------------------------------------------------ */

static void panics_in_defer(heph_ctx ctx, long *unused)
{
	(void)unused;
	heph_panic(ctx, "in a deferred call");
}

static int defers_panic(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_defer(ctx, panics_in_defer, 1L);
}

static int panic_while_ending(void)
{
	must(freopen("/dev/null", "w", stderr)); /* the report */
	return run_with(0, defers_panic, NULL);
}

static int panic_on_thread(void)
{
	heph_ctx ctx = begin(&two_workers);

	must(freopen("/dev/null", "w", stderr));
	heph_panic(ctx, "not in an actor");
}

static void abort_where_a_panic_cannot_be(void **state)
{
	(void)state;
	must_be(in_child(panic_while_ending), 1000 + SIGABRT);
	must_be(in_child(panic_on_thread), 1000 + SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_all_of_the_first_level_to_stop),
		cmocka_unit_test(reach_children_when_their_parent_ends),
		cmocka_unit_test(end_at_once_by_a_second_one),
		cmocka_unit_test(end_when_the_grace_is_over),
		cmocka_unit_test(bound_what_freeing_takes),
		cmocka_unit_test(abandon_families),
		cmocka_unit_test(abandon_threads_that_wait),
		cmocka_unit_test(do_not_stop_when_an_actor_takes_them),
		cmocka_unit_test(abort_where_a_panic_cannot_be),
	};

	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
