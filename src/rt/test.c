/* SPDX-License-Identifier: MIT */
/*
 * The worker has a driver that does nothing. Its queue of ready actors is used
 * one at a time, its wheel not at all: the deadlines of those that wait are
 * looked at instead, each time the clock moves, because the wheel rounds. That
 * costs a look at every actor, which is what tests can afford.
 *
 * The work of the coordinator is done here, when somebody has notified it or
 * the grace is over.
 */
#include "rt/test.h"

#include <heph/time.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/attach.h"
#include "core/life.h"
#include "core/signals.h"
#include "core/timers.h"
#include "core/wait.h"
#include "io/driver.h"
#include "core/state.h"

#define BEGINNING HEPH_SEC
#define GRACE_DEFAULT (8 * HEPH_SEC)

enum { ACTORS_DEFAULT = 100000, STEPS_DEFAULT = 10000000 };

/* ---- a driver that does nothing ------------------------------------------------ */

static int driver_start(struct heph_worker *worker)
{
	(void)worker;
	return 0;
}

static void driver_stop(struct heph_worker *worker)
{
	(void)worker;
}

static void driver_poll(struct heph_worker *worker, heph_time max_wait)
{
	(void)worker, (void)max_wait;
}

static void driver_cancel(struct heph_self *self)
{
	(void)self; /* there are no operations */
}

static int driver_poll_now(struct heph_self *self, struct heph_fd fd,
			   bool writing)
{
	(void)self, (void)fd, (void)writing;
	return -EBADF;
}

static int driver_poll_begin(struct heph_self *self, struct heph_fd fd,
			     bool writing, void **ret_poll)
{
	(void)self, (void)fd, (void)writing, (void)ret_poll;
	return -EBADF;
}

static int driver_detach(heph_ctx ctx, struct heph_fd fd)
{
	(void)ctx, (void)fd;
	return -EBADF;
}

/* All that io asks for is not there: no operation gets as far as to a driver. */
static const struct heph_io test_io = {
	.driver = {
		.name = "test",
		.alone = true,
		.start = driver_start,
		.stop = driver_stop,
		.release = driver_stop,
		.poll = driver_poll,
		.wake = driver_stop,
		.cancel = driver_cancel,
		.poll_now = driver_poll_now,
		.poll_begin = driver_poll_begin,
		.fd_detach = driver_detach,
	},
};

/* ---- failing --------------------------------------------------------------------- */

static struct heph_test *test_of(struct heph *heph)
{
	return ((struct heph_runtime *)heph)->host;
}

void heph_test_fail(struct heph_test *test, const char *format, ...)
{
	size_t n;
	va_list args;

	va_start(args, format);
	vsnprintf(test->text, sizeof(test->text), format, args);
	va_end(args);
	n = strlen(test->text);
	if (test->config.seed && n < sizeof(test->text))
		snprintf(test->text + n, sizeof(test->text) - n,
			 " (HEPH_TEST_SEED=%llu)",
			 (unsigned long long)test->config.seed);
	test->failed = true;
	heph_log_flush();
	if (test->config.fail)
		test->config.fail(test->text);
	else
		fprintf(stderr, "%s\n", test->text);
	abort();
}

static bool grow(struct heph_test *test)
{
	unsigned max = test->max_failures ? test->max_failures * 2 : 8;
	struct heph_test_failure *more = heph_mem_alloc(max * sizeof(*more));

	if (!more)
		return false;
	if (test->n_failures)
		memcpy(more, test->failures, test->n_failures * sizeof(*more));
	heph_mem_free(test->failures);
	test->failures = more;
	test->max_failures = max;
	return true;
}

/* On the actor's stack, so this only takes it down. */
static void on_failure(struct heph_self *self, const struct heph_exit *exit)
{
	struct heph_test *test = test_of(self->thread->heph);
	struct heph_test_failure *failure;

	if (test->n_failures == test->max_failures && !grow(test))
		return;
	failure = &test->failures[test->n_failures++];
	*failure = (struct heph_test_failure){ .who = { heph_self_addr(self) },
					       .exit = *exit };
	snprintf(failure->name, sizeof(failure->name), "%s",
		 heph_self_name(self));
}

/* By the test itself, and not within an actor that uses its context. */
static void on_panic(struct heph_self *self, const char *file, int line,
		     const char *text)
{
	struct heph_test *test = test_of(self->thread->heph);

	if (!test->running && self == test->ctx.self)
		heph_test_fail(test, "%s:%d: %s", file, line, text);
}

static void check_failures(struct heph_test *test)
{
	const struct heph_test_failure *failure;
	const char *name;

	if (!test->config.fail_on_error || test->failed ||
	    test->told == test->n_failures)
		return;
	failure = &test->failures[test->told++];
	name = strerrorname_np(-failure->exit.err);
	heph_test_fail(test, "error running '%s' actor: %s%s%s", failure->name,
		       name ? name : "unknown", *failure->exit.note ? ": " : "",
		       failure->exit.note);
}

/* ---- running --------------------------------------------------------------------- */

void heph_test_enter(struct heph_test *test)
{
	heph_assert(!test->running); /* or: called within an actor */
	test->running = true;
	test->mine = heph_thread_current;
	heph_thread_current = &test->worker->thread;
}

void heph_test_leave(struct heph_test *test)
{
	heph_thread_current = test->mine;
	test->running = false;
}

static bool abandoned(const struct heph_test *test)
{
	return atomic_load(&test->runtime->heph.abandon);
}

/* The first time when the wait of an actor ends with its deadline, and whose;
 * HEPH_NEVER and NULL. */
static heph_time first_to_expire(struct heph_worker *worker,
				 struct heph_self **ret_self)
{
	heph_time deadline, first = HEPH_NEVER;

	*ret_self = NULL;
	for (uint32_t slot = worker->first_self; slot < worker->n_selves;
	     slot++) {
		deadline = worker->selves[slot].id ?
				   heph_timers_deadline(&worker->selves[slot]) :
				   HEPH_NEVER;
		if (deadline >= first)
			continue;
		first = deadline;
		*ret_self = &worker->selves[slot];
	}
	return first;
}

static void expire(struct heph_test *test)
{
	struct heph_self *self;

	while (first_to_expire(test->worker, &self) <= test->now)
		heph_wake(self, HEPH_WAIT_TIME);
	test->worker->now = test->now;
	heph_delays_run(test->worker);
}

/* Messages of the test itself and of other threads, and what time has brought;
 * but runs no actor. */
static void take_in(struct heph_test *test)
{
	heph_worker_look(test->worker);
	expire(test);
	if (atomic_exchange(&test->news, false) ||
	    heph_coordinator_next(test->runtime) <= test->now)
		heph_coordinator_turn(test->runtime);
}

/* Draws one of those that are ready: those before it go to the end. */
static void shuffle(struct heph_test *test)
{
	struct heph_worker *worker = test->worker;
	uint64_t n;

	if (!test->config.seed || heph_worker_count_ready(worker) < 2)
		return;
	for (n = heph_rand_below(&test->order, heph_worker_count_ready(worker));
	     n; n--)
		heph_worker_rotate(worker);
}

/* Of a test that has failed there is nothing more to say. */
static bool give_up_quietly(struct heph_test *test)
{
	if (test->failed)
		atomic_store(&test->runtime->heph.abandon, true);
	return test->failed;
}

static bool step(struct heph_test *test)
{
	bool ran = false;

	heph_test_enter(test);
	take_in(test);
	if (!abandoned(test)) {
		shuffle(test);
		ran = heph_worker_step(test->worker);
	}
	heph_test_leave(test);
	if (ran && ++test->steps > test->config.steps && !give_up_quietly(test))
		heph_test_fail(test,
			       "%llu steps, and no time has passed: the "
			       "actors never wait",
			       (unsigned long long)test->config.steps);
	check_failures(test);
	return ran;
}

bool heph_test_step(struct heph_test *test)
{
	test->steps = 0;
	return step(test);
}

uint64_t heph_test_run(struct heph_test *test)
{
	test->steps = 0;
	while (step(test))
		;
	return test->steps;
}

/* ---- time ------------------------------------------------------------------------ */

static heph_time next_time(struct heph_test *test)
{
	struct heph_self *self;
	heph_time next = first_to_expire(test->worker, &self);
	heph_time grace = heph_coordinator_next(test->runtime);
	heph_time delayed = heph_delays_next(test->worker);

	if (delayed < next)
		next = delayed;
	return grace < next ? grace : next;
}

/* Moves the clock to the next timer, or to the deadline if that comes before.
 * Whether it has moved. */
static bool pass_time(struct heph_test *test, heph_time deadline)
{
	heph_time next = abandoned(test) ? HEPH_NEVER : next_time(test);

	if (deadline < next)
		next = deadline;
	if (next == HEPH_NEVER || next <= test->now)
		return false;
	test->now = next;
	test->steps = 0;
	return true;
}

bool heph_test_progress(struct heph_test *test, heph_time deadline)
{
	return step(test) || pass_time(test, deadline);
}

void heph_test_advance(struct heph_test *test, heph_time length)
{
	heph_time until;

	heph_assert(length >= 0);
	if (__builtin_add_overflow(test->now, length, &until) ||
	    until >= HEPH_NEVER)
		until = HEPH_NEVER - 1;
	test->steps = 0;
	while (heph_test_progress(test, until))
		;
}

/* ---- what waits through the context of the test ----------------------------------- */

/* Nobody will ever wake it. */
static void give_up(struct heph_test *test, struct heph_self *self)
{
	heph_log_error("the test waits for something that cannot happen");
	heph_test_list(test);
	if (!(self->waiting & HEPH_WAIT_STOP))
		heph_test_fail(test, "the test waits for something that must "
				     "happen, but nobody can run");
	self->flags |= HEPH_FLAG_STUCK;
	heph_wake(self, HEPH_WAIT_STOP);
}

/* The door first: a spawn needs no actor to run. */
static void nap(struct heph_self *self, heph_time deadline)
{
	struct heph_test *test = test_of(self->thread->heph);

	heph_test_enter(test); /* or: an actor uses heph_test_ctx() */
	heph_worker_look(test->worker);
	heph_test_leave(test);
	if (!heph_events_empty(&self->thread->door) || step(test))
		return;
	if (!heph_events_empty(&self->thread->door) || abandoned(test))
		return;
	if (test->now >= deadline)
		heph_wake(self, HEPH_WAIT_TIME);
	else if (!pass_time(test, deadline))
		give_up(test, self);
}

/* ---- beginning, ending -------------------------------------------------------------- */

static void notify(struct heph *heph)
{
	atomic_store(&test_of(heph)->news, true);
}

static int take_signal(struct heph *heph, int signal)
{
	(void)heph, (void)signal;
	return 0;
}

static void untake_signal(struct heph *heph, int signal)
{
	(void)heph, (void)signal;
}

void heph_test_signal(struct heph_test *test, int signal)
{
	heph_assert(signal > 0 && signal < HEPH_SIGNALS);
	heph_signals_post(&test->worker->thread, signal, 1);
}

static void fill_in(struct heph_test_config *config,
		    const struct heph_test_config *given, size_t size)
{
	const char *seed = getenv("HEPH_TEST_SEED");

	if (given)
		memcpy(config, given,
		       size < sizeof(*config) ? size : sizeof(*config));
	if (config->seed && seed)
		config->seed = strtoull(seed, NULL, 10);
	if (!config->grace)
		config->grace = GRACE_DEFAULT;
	if (!config->actors)
		config->actors = ACTORS_DEFAULT;
	if (!config->steps)
		config->steps = STEPS_DEFAULT;
}

static int make(struct heph_test *test)
{
	const struct heph_config config = { .grace = test->config.grace,
					    .actors = test->config.actors,
					    .workers = 1,
					    .no_signals = true };
	struct heph_config resolved;
	struct heph *heph;
	int err = heph_config_resolve(&resolved, &config, sizeof(config));

	if (err == 0)
		err = heph_runtime_new(&test->runtime, &resolved,
				       &test_io.driver);
	if (err < 0)
		return err;
	test->worker = &test->runtime->workers[0]->worker;
	test->runtime->host = test;
	heph_list_init(&test->runtime->drainers);
	heph = &test->runtime->heph;
	heph->nap = nap;
	heph->failed = on_failure;
	heph->panicked = on_panic;
	heph->notify = notify;
	heph->take_signal = take_signal;
	heph->untake_signal = untake_signal;
	err = heph_attach_host(test->worker, &test->ctx);
	if (err < 0) {
		heph_runtime_free(test->runtime);
		return err;
	}
	test->runtime->owner = test->ctx;
	heph_test_enter(test);
	heph_worker_enter(test->worker);
	heph_test_leave(test);
	return 0;
}

int heph_raw_test_new(struct heph_test **ret_test,
		      const struct heph_test_config *given, size_t size)
{
	struct heph_test *test;
	int err;

	heph_assert(!heph_thread_current); /* it has another context */
	*ret_test = NULL;
	test = heph_mem_alloc(sizeof(*test));
	if (!test)
		return -ENOMEM;
	fill_in(&test->config, given, size);
	heph_rand_seed(&test->order, test->config.seed);
	test->now = BEGINNING;
	heph_time_virtual = &test->now;
	err = make(test);
	if (err < 0) {
		heph_time_virtual = NULL;
		heph_mem_free(test);
		return err;
	}
	*ret_test = test;
	return 0;
}

static void look_what_is_left(struct heph_test *test)
{
	const struct {
		const char *name;
		uint64_t n;
	} things[] = {
		{ "actors", test->worker->alive },
		{ "messages", heph_stats(test->ctx).messages },
		{ "calls", test->worker->thread.calls.in_use },
		{ "stacks", test->worker->stacks.in_use },
		{ "bytes", heph_pool_in_use(&test->worker->thread.pool) },
	};

	if (test->failed)
		return;
	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++)
		if (things[i].n)
			heph_test_fail(test,
				       "left at the end of the test: "
				       "%llu %s",
				       (unsigned long long)things[i].n,
				       things[i].name);
}

/* Until all have ended, or the grace is over. */
static void drain(struct heph_test *test)
{
	struct heph *heph = &test->runtime->heph;

	heph_stop_runtime(heph, test->now + test->config.grace);
	test->steps = 0;
	while (atomic_load(&heph->busy) && !abandoned(test) &&
	       heph_test_progress(test, HEPH_NEVER))
		;
	if (atomic_load(&heph->busy) && !test->failed) {
		heph_test_list(test);
		heph_test_fail(test,
			       "actors do not end when they are stopped: "
			       "%u are left",
			       (unsigned)test->worker->alive);
	}
}

static void end(struct heph_test *test)
{
	struct heph *heph = &test->runtime->heph;

	if (atomic_load(&heph->busy) || test->ctx.self->waiting)
		atomic_store(&heph->abandon,
			     true); /* or: failed as it waited */
	heph_detach(test->ctx);
	test->ctx.self = NULL;
	heph->notify = NULL;
	heph_time_virtual = NULL;
	heph_runtime_free(test->runtime);
	heph_probes_free(test);
	heph_mem_free(test->failures);
	heph_mem_free(test);
}

void heph_test_free(struct heph_test *test)
{
	if (!test)
		return;
	heph_assert(!test->running);
	drain(test);
	look_what_is_left(test);
	end(test);
}

void heph_test_list(struct heph_test *test)
{
	heph_state_list(test->worker, "in the test");
}

/* ---- looking ----------------------------------------------------------------------- */

heph_ctx heph_test_ctx(struct heph_test *test)
{
	return test->ctx;
}

struct heph_self *heph_test_find(struct heph_test *test, struct heph_addr addr)
{
	if (addr.node != test->runtime->heph.node)
		return NULL;
	return heph_worker_find(test->worker, addr.id, addr.slot);
}

const char *heph_raw_test_state(struct heph_test *test, struct heph_addr addr)
{
	const struct heph_self *self = heph_test_find(test, addr);

	if (self)
		heph_state_say(self, test->state, sizeof(test->state));
	return self ? test->state : "gone";
}

unsigned heph_test_failures(struct heph_test *test)
{
	return test->n_failures;
}

const struct heph_test_failure *heph_test_failure(struct heph_test *test,
						  unsigned n)
{
	return n < test->n_failures ? &test->failures[n] : NULL;
}
