/* SPDX-License-Identifier: MIT */
/* The end of a runtime, phase by phase, and what is said of those that are late. */
#include "act.h"

#include <heph/test.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PHASES = HEPH_PHASE_MAX + 1 };

static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
			      HEPH_OWN_THREAD };
enum { PLACES = sizeof(places) / sizeof(*places) };

static _Atomic int alive[PHASES], ended;

/* The arguments are phases. */
static int phase_of(void *arg)
{
	return (int)(intptr_t)arg;
}

static void nobody_before(int phase)
{
	for (int n = 0; n < phase; n++)
		must_be(alive[n], 0);
}

/* A child, of an actor of that phase, that takes a while to end. */
static int live_on(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(idle(ctx, in, NULL), -ECANCELED);
	nobody_before(phase_of(arg));
	must_be(heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_MSEC), 0);
	alive[phase_of(arg)]--;
	ended++;
	return 0;
}

static int live(heph_ctx ctx, act_inbox in, void *arg)
{
	alive[phase_of(arg)]++;
	must_be(heph_spawn(ctx, act, NULL, { live_on, arg }), 0);
	return live_on(ctx, in, arg);
}

static act_ref spawn_in(heph_ctx ctx, int phase, int on, act_fn *fn)
{
	act_ref ref;

	alive[phase]++;
	must_be(heph_spawn(ctx, act, &ref, { fn, (void *)(intptr_t)phase },
			   .on = on, .phase = (unsigned)phase),
		0);
	return ref;
}

static heph_ctx begin_phases(void)
{
	for (int n = 0; n < PHASES; n++)
		alive[n] = 0;
	ended = 0;
	return begin(&two_workers);
}

static void end_one_after_the_other(void **state)
{
	static const int phases[] = { 3, 0, 7, 1, 4 };
	heph_ctx ctx = begin_phases();

	(void)state;
	for (int n = 0; n < 5; n++)
		for (int place = 0; place < PLACES; place++)
			spawn_in(ctx, phases[n], places[place], live);
	heph_free(ctx);
	must_be(ended, 2 * 5 * PLACES);
	nobody_before(PHASES);
	must_be(act_args_dropped, 2 * 5 * PLACES);
}

/* One phase alone is asked at once, whichever it is. */
static void are_skipped_without_an_actor(void **state)
{
	(void)state;
	for (int phase = 0; phase < PHASES; phase++) {
		heph_ctx ctx = begin_phases();

		spawn_in(ctx, phase, HEPH_HERE, live);
		heph_free(ctx);
		must_be(ended, 2);
	}
}

static void are_not_needed(void **state)
{
	heph_ctx ctx = begin_phases();

	(void)state;
	heph_free(ctx);
}

/* Actors of later phases end by themselves, or by a stop of their own, in any
 * order. */
static void leave_a_stop_of_one_alone(void **state)
{
	heph_ctx ctx = begin_phases();
	act_ref late = spawn_in(ctx, 5, HEPH_WORKER(1), idle);
	act_ref first = spawn_in(ctx, 0, HEPH_WORKER(0), idle);

	(void)state;
	stop_and_join(ctx, late);
	must(heph_alive(first));
	late = spawn_in(ctx, 5, HEPH_WORKER(1), idle);
	stop_and_join(ctx, first);
	must(heph_alive(late));
	stop_and_join(ctx, late);
	end(ctx);
}

/* ---- a store and who uses it ----------------------------------------------------- */

static act_ref store;

/* Asks the store after it was asked to stop. */
static int use_to_the_last(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(idle(ctx, in, arg), -ECANCELED);
	for (int n = 0; n < 10; n++) {
		sync_with(heph_shield(ctx, HEPH_NEVER), store);
		must_be(heph_yield(heph_shield(ctx, HEPH_NEVER)), 0);
	}
	ended++;
	return 0;
}

static void let_a_store_outlive_who_uses_it(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		heph_ctx ctx = begin_phases();

		store = spawn_in(ctx, 1, HEPH_WORKER(round % 2), answer_all);
		for (int n = 0; n < 8; n++)
			spawn_in(ctx, 0, HEPH_WORKER(n % 2), use_to_the_last);
		heph_free(ctx);
		must_be(ended, 8);
	}
}

/* ---- those that begin late ---------------------------------------------------------- */

static void spawn_late(heph_ctx ctx, int phase)
{
	alive[phase]++;
	must_be(heph_spawn(ctx, act, NULL, { live_on, (void *)(intptr_t)phase },
			   .detached = true, .on = HEPH_WORKER(0),
			   .phase = (unsigned)phase),
		0);
}

/* In a phase that has come: stopped as it begins. In one that has not: later. */
static int spawn_at_the_end(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(idle(ctx, in, arg), -ECANCELED);
	ctx = heph_shield(ctx, HEPH_NEVER);
	spawn_late(ctx, 0);
	spawn_late(ctx, 3);
	spawn_late(ctx, 2);
	alive[phase_of(arg)]--;
	return 0;
}

static void catch_those_that_begin_late(void **state)
{
	struct heph_config config = two_workers;
	heph_ctx ctx;

	(void)state;
	config.grace = 1000 * HEPH_SEC;
	for (int phase = 0; phase < 2; phase++) {
		ctx = begin_phases();
		heph_free(ctx);
		ctx = begin(&config);
		spawn_in(ctx, phase, HEPH_WORKER(1), spawn_at_the_end);
		heph_free(ctx);
		must_be(ended, 3);
	}
}

/* ---- wrong uses ------------------------------------------------------------------------ */

static int spawns_wrongly(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .phase = 1),
		-EINVAL);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .phase = 1,
			   .on = HEPH_WORKER(1)),
		-EINVAL);
	must_be(heph_spawn(ctx, act, NULL, { return_arg, NULL }, .phase = 1,
			   .detached = true),
		0);
	return 0;
}

static void are_numbers_of_the_first_level(void **state)
{
	heph_ctx ctx = begin_phases();

	(void)state;
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }, .phase = PHASES),
		-EINVAL);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL },
			   .phase = (unsigned)-1),
		-EINVAL);
	must_be(heph_join(ctx, spawn_on(ctx, HEPH_HERE, spawns_wrongly, NULL),
			  NULL),
		0);
	end(ctx);
	run(spawns_wrongly, NULL);
}

/* ---- in the test kit ----------------------------------------------------------------------- */

static void come_in_virtual_time_too(void **state)
{
	struct heph_test *test;

	(void)state;
	ended = 0;
	for (int n = 0; n < PHASES; n++)
		alive[n] = 0;
	must_be(heph_test_new(&test, NULL), 0);
	for (int phase = PHASES; phase--;)
		spawn_in(heph_test_ctx(test), phase, HEPH_HERE, live);
	heph_test_run(test);
	heph_test_free(test);
	must_be(ended, 2 * PHASES);
}

/* ---- too late -------------------------------------------------------------------------------- */

static heph_time grace = 10 * HEPH_MSEC;
static _Atomic int shielded;
static act_ref its_child;

/* Its shield was taken before there was an end that could bound it. */
static int never_end(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	ctx = heph_shield(ctx, HEPH_NEVER);
	shielded++;
	return heph_sleep(ctx, HEPH_NEVER);
}

static int with_a_child(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_spawn(ctx, act, &its_child, { idle, NULL },
			   .name = "child"),
		0);
	return never_end(ctx, in, arg);
}

/* An answer that comes late is asked for again. */
static void await_wait_of(heph_ctx ctx, act_ref ref)
{
	struct heph_actor_info info;
	int err;

	do {
		sched_yield();
		err = heph_actor_info(ctx, ref, &info);
		must(err == 0 || err == -EBUSY);
	} while (err < 0 || info.state != HEPH_STATE_WAITING);
}

static void overrun(void)
{
	struct heph_config config = { .workers = 2, .grace = grace };
	act_ref stubborn, mover, last;
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	must_be(heph_spawn(ctx, act, &stubborn, { with_a_child, NULL },
			   .on = HEPH_WORKER(1), .name = "stubborn"),
		0);
	must_be(heph_spawn(ctx, act, &mover, { never_end, NULL },
			   .on = HEPH_ANY, .name = "mover"),
		0);
	must_be(heph_spawn(ctx, act, &last, { answer_all, NULL }, .phase = 2,
			   .on = HEPH_WORKER(0), .name = "store"),
		0);
	while (shielded < 2)
		sched_yield();
	await_wait_of(ctx, stubborn);
	await_wait_of(ctx, its_child);
	await_wait_of(ctx, mover);
	await_wait_of(ctx, last);
	raise(SIGTERM);
	must_be(heph_drain(ctx), -ETIMEDOUT);
	heph_free(ctx);
}

/* What a child process says in its log until it is killed. */
static char *log_of(void (*fn)(void))
{
	static char text[20000];
	int numbers[2];
	size_t size = 0;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	must_be(pipe(numbers), 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		setenv("HEPH_LOG", "logfmt", 1);
		unsetenv("HEPH_LOG_LEVEL");
		dup2(numbers[1], 2);
		close(numbers[0]);
		close(numbers[1]);
		alarm(100);
		dies_with_leaks();
		fn();
		exit(0);
	}
	close(numbers[1]);
	while ((n = read(numbers[0], text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = 0;
	close(numbers[0]);
	must_be(waitpid(pid, NULL, 0), pid);
	return text;
}

/* Whether the line of the log about that actor has all of these. */
static bool says(const char *log, const char *who, const char *const *words)
{
	const char *line = strstr(log, who), *end;
	char copy[1000];

	if (!line)
		return false;
	while (line > log && line[-1] != '\n')
		line--;
	end = strchr(line, '\n');
	must(end && end - line < (int)sizeof(copy));
	memcpy(copy, line, (size_t)(end - line));
	copy[end - line] = 0;
	for (; *words; words++)
		if (!strstr(copy, *words))
			return false;
	return true;
}

static bool names_those_that_are_late(const char *log)
{
	char ms[32];
	const char *const over[] = { ms, "phase=0", NULL };
	static const char *const stubborn[] = { "type=act",
						"worker=1",
						"phase=0",
						"state=\"waits",
						"stop=\"asked to stop\"",
						NULL };
	static const char *const mover[] = { "type=act", "state=\"waits",
					     "stop=\"asked to stop\"", NULL };
	static const char *const child[] = { "worker=1", "state=\"waits",
					     "its parent has not ended", NULL };
	static const char *const last[] = { "worker=0", "phase=2",
					    "state=\"waits for a message\"",
					    "its phase has not come", NULL };

	snprintf(ms, sizeof(ms), "grace_ms=%lld ",
		 (long long)(grace / HEPH_MSEC));
	return says(log, "the grace is over", over) &&
	       says(log, "name=stubborn", stubborn) &&
	       says(log, "name=mover", mover) &&
	       says(log, "name=child", child) && says(log, "name=store", last);
}

/* A worker that the machine lets wait for as long as the grace has not asked its
 * actors to stop: then there is more of it. */
static void name_those_that_are_late(void **state)
{
	const char *log = log_of(overrun);

	(void)state;
	while (!names_those_that_are_late(log)) {
		grace *= 4;
		if (grace > 5 * HEPH_SEC)
			fail_msg("somebody is missing:\n%s", log);
		log = log_of(overrun);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* it forks, before there are threads */
		cmocka_unit_test(name_those_that_are_late),
		cmocka_unit_test(end_one_after_the_other),
		cmocka_unit_test(are_skipped_without_an_actor),
		cmocka_unit_test(are_not_needed),
		cmocka_unit_test(leave_a_stop_of_one_alone),
		cmocka_unit_test(let_a_store_outlive_who_uses_it),
		cmocka_unit_test(catch_those_that_begin_late),
		cmocka_unit_test(are_numbers_of_the_first_level),
		cmocka_unit_test(come_in_virtual_time_too),
	};

	return cmocka_run_group_tests_name("phases", tests, NULL, NULL);
}
