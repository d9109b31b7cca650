/* SPDX-License-Identifier: MIT */
/*
 * rig.h - workers that run on the thread of the test, one after the other
 *
 * rig_step() runs a worker until it would sleep for ever. So what two workers
 * do to each other happens in the order that a test wants. The thread of the
 * test has a context of its own, rig.ctx, for what does not wait.
 *
 * Actors are all of one type, `act`: they run the function in their argument.
 * rig_close() looks whether everything was given back.
 */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/heph.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/attach.h"
#include "core/futex.h"
#include "core/heph.h"
#include "core/inbox.h"
#include "core/lane.h"
#include "core/life.h"
#include "core/parcel.h"
#include "core/timers.h"
#include "core/wait.h"
#include "core/worker.h"

#define UNUSED __attribute__((unused))

/* For actors: cmocka's assertions jump, which they must not. */
#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))

UNUSED static void must_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	abort();
}

/* ---- the actors ------------------------------------------------------------ */

struct act_inbox;

struct act_msg {
	long n;
	bool asks;
	HEPH_REPLY(long) answer;
};

struct act_arg {
	int (*fn)(heph_ctx ctx, struct act_inbox in, void *arg);
	void *arg;
};

HEPH_ACTOR(act, struct act_msg, struct act_arg);

static _Atomic int act_dropped, act_args_dropped;
static _Atomic long act_last_dropped;

static void act_drop(struct act_msg *msg)
{
	act_dropped++;
	act_last_dropped = msg->n;
}

static void act_drop_arg(struct act_arg *arg)
{
	(void)arg;
	act_args_dropped++;
}

static int act_main(heph_ctx ctx, act_inbox in, struct act_arg *arg)
{
	return arg->fn(ctx, in, arg->arg);
}
HEPH_ACTOR_MAIN(act, act_main, .drop = act_drop, .drop_arg = act_drop_arg);

/* ---- the workers ----------------------------------------------------------- */

enum { RIG_WORKERS = 3, RIG_ACTORS = 200 };

static struct rig {
	struct heph heph;
	struct heph_worker *workers[RIG_WORKERS];
	unsigned n;
	heph_ctx ctx;
	heph_time wait; /* until the next timer */
} rig;

/* Leaves instead of sleeping. */
UNUSED static void rig_poll(struct heph_worker *worker, heph_time max_wait)
{
	heph_time wait = heph_timers_wait(worker);

	if (!max_wait)
		return;
	if (wait < rig.wait)
		rig.wait = wait;
	atomic_store(&worker->thread.heph->abandon, true);
}

UNUSED static void rig_wake(struct heph_worker *worker)
{
	(void)worker;
}

static struct heph_driver rig_driver;

UNUSED static struct heph_worker *rig_worker(void)
{
	struct heph_worker *worker = heph_mem_reserve(sizeof(*worker));

	assert_non_null(worker);
	assert_int_equal(heph_worker_init(worker, &rig.heph, RIG_ACTORS), 0);
	assert_int_equal(heph_threads_add(&rig.heph, &worker->thread), 0);
	return worker;
}

UNUSED static void rig_open_configured(const struct heph_config *config,
				       const struct heph_driver *driver)
{
	unsigned n = config->workers;

	heph_log_set_level(HEPH_LOG_OFF);
	heph_clock_calibrate();
	act_dropped = 0;
	act_args_dropped = 0;
	assert_int_equal(heph_init(&rig.heph, config, driver), 0);
	rig.n = n;
	for (unsigned i = 0; i < n; i++)
		rig.workers[i] = rig_worker();
	assert_int_equal(heph_attach(&rig.heph, &rig.ctx), 0);
}

UNUSED static void rig_open_with(unsigned n, const struct heph_driver *driver)
{
	const struct heph_config config = { .workers = n,
					    .poll_ratio = 64,
					    .grace = HEPH_SEC,
					    .actors = RIG_ACTORS };

	rig_open_configured(&config, driver);
}

/* One worker with that scheduler. */
UNUSED static void rig_open_scheduled(const struct heph_driver *driver,
				      const struct heph_scheduler *scheduler)
{
	const struct heph_config config = { .workers = 1,
					    .poll_ratio = 64,
					    .grace = HEPH_SEC,
					    .actors = RIG_ACTORS,
					    .scheduler = scheduler };

	rig_open_configured(&config, driver);
}

UNUSED static struct heph_driver *rig_own_driver(void)
{
	rig_driver = heph_futex_driver;
	rig_driver.poll = rig_poll;
	rig_driver.wake = rig_wake;
	return &rig_driver;
}

UNUSED static void rig_open(unsigned n)
{
	rig_open_with(n, rig_own_driver());
}

/* One worker whose turns have all the time, also on a machine that is busy. */
UNUSED static void rig_open_patient(void)
{
	const struct heph_config config = { .workers = 1,
					    .poll_ratio = 64,
					    .grace = HEPH_SEC,
					    .actors = RIG_ACTORS,
					    .max_run = HEPH_SEC };

	rig_open_configured(&config, rig_own_driver());
}

/* Runs a worker as long as it has something to do at once. */
UNUSED static void rig_step(unsigned n)
{
	static const _Atomic bool never;
	struct heph_thread *mine = heph_thread_current;

	heph_worker_run(rig.workers[n], &never);
	atomic_store(&rig.heph.abandon, false);
	heph_thread_current = mine;
}

UNUSED static bool rig_busy(struct heph_worker *worker)
{
	return heph_worker_any_ready(worker) ||
	       !heph_events_empty(&worker->thread.door) ||
	       heph_lanes_waiting(worker) || heph_parcels_may_pass(worker);
}

/* One turn of all. Whether there is more to do. */
UNUSED static bool rig_turn(void)
{
	bool busy = false;

	rig.wait = HEPH_NEVER;
	for (unsigned n = 0; n < rig.n; n++)
		rig_step(n);
	for (unsigned n = 0; n < rig.n; n++)
		busy |= rig_busy(rig.workers[n]);
	return busy;
}

/* Runs all workers until none has anything to do and no timer is set. */
UNUSED static void rig_settle(void)
{
	_Atomic uint32_t nobody = 0;

	for (;;) {
		if (rig_turn())
			continue; /* which may take a timer back */
		if (rig.wait == HEPH_NEVER)
			return;
		heph_futex_wait(&nobody, 0, rig.wait);
	}
}

/* Opens the gate that an actor waits at. */
UNUSED static void rig_open_gate(struct heph_addr addr)
{
	unsigned n = heph_id_thread(addr.id);

	heph_wake(heph_worker_find(rig.workers[n], addr.id, addr.slot),
		  HEPH_WAIT_SIGNAL);
}

UNUSED static void gate(heph_ctx ctx)
{
	must(heph_wait_for(ctx, HEPH_WAIT_SIGNAL) == 0);
}

UNUSED static struct heph_counters *rig_count(unsigned n)
{
	return &rig.workers[n]->thread.count;
}

/* What a worker has in use. */
UNUSED static size_t rig_bytes(unsigned n)
{
	return heph_pool_in_use(&rig.workers[n]->thread.pool);
}

UNUSED static void rig_check_empty(void)
{
	uint64_t in = 0, out = 0;

	for (unsigned n = 0; n < rig.n; n++) {
		assert_int_equal(rig.workers[n]->alive, 0);
		assert_int_equal(rig_bytes(n), 0);
		assert_int_equal(rig.workers[n]->stacks.in_use, 0);
		assert_int_equal(heph_wheel_count(rig.workers[n]->wheel), 0);
		assert_int_equal(rig.workers[n]->thread.calls.in_use, 0);
		assert_int_equal(rig_count(n)->spawned, rig_count(n)->ended);
		in += rig_count(n)->delivered;
		out += rig_count(n)->received + rig_count(n)->unread_dropped;
	}
	assert_int_equal(in, out);
	assert_int_equal(atomic_load(&rig.heph.busy), 0);
	assert_int_equal(atomic_load(&rig.heph.strangers), 0);
}

UNUSED static void rig_close(void)
{
	heph_detach(rig.ctx);
	heph_retire(&rig.heph);
	rig_check_empty();
	heph_attach_fini(&rig.heph);
	for (unsigned n = 0; n < rig.n; n++) {
		heph_worker_fini(rig.workers[n]);
		heph_mem_unreserve(rig.workers[n], sizeof(*rig.workers[n]));
	}
	heph_fini(&rig.heph);
}

/* Spawns without waiting, as one of the first level. */
UNUSED static int rig_begin(unsigned n, const struct heph_actor *type,
			    const void *spawn, struct heph_addr *ret_addr)
{
	const struct heph_birth birth = { .type = type, .spawn = spawn };
	struct heph_thread *mine = heph_thread_current;
	struct heph_self *self;
	int err;

	heph_thread_current = &rig.workers[n]->thread;
	err = heph_life_begin(rig.workers[n], &birth, &self);
	heph_thread_current = mine;
	if (err == 0)
		*ret_addr = heph_self_addr(self);
	return err;
}

#define rig_try_spawn(n_, ret_ref_, ...)                                       \
	HEPH_DO__(HEPH_SPAWN__(act, __VA_ARGS__) rig_begin(                    \
		(n_), &act_actor, &heph_s__, &(ret_ref_)->addr))

/* A reference to a new actor: rig_spawn(worker, fn, arg, options...). */
#define rig_spawn(n_, ...)                                                     \
	__extension__({                                                        \
		act_ref rig_ref__;                                             \
		assert_int_equal(rig_try_spawn((n_), &rig_ref__,               \
					       .arg = { __VA_ARGS__ }),        \
				 0);                                           \
		rig_ref__;                                                     \
	})

/* The same with options: rig_spawn_with(worker, (fn, arg), .inbox = 3). */
#define rig_spawn_with(n_, arg_, ...)                                          \
	__extension__({                                                        \
		act_ref rig_ref__;                                             \
		assert_int_equal(rig_try_spawn((n_), &rig_ref__,               \
					       .arg = { RIG_LIST__ arg_ },     \
					       __VA_ARGS__),                   \
				 0);                                           \
		rig_ref__;                                                     \
	})
#define RIG_LIST__(...) __VA_ARGS__

/* The block of an actor. */
UNUSED static struct heph_self *rig_self(act_ref ref)
{
	return heph_worker_find(rig.workers[heph_id_thread(ref.addr.id)],
				ref.addr.id, ref.addr.slot);
}

/* ---- actors that are often needed ------------------------------------------- */

struct log {
	long got[400];
	int n;
};

/* Receives until it is stopped, into a struct log. */
UNUSED static int collect(heph_ctx ctx, act_inbox in, void *arg)
{
	struct log *log = arg;
	struct act_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		log->got[log->n++] = msg.n;
	return 0;
}

/* Does nothing until it is stopped. */
UNUSED static int idle(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_sleep(ctx, HEPH_NEVER);
}

/* ---- refusing memory -------------------------------------------------------- */

static long rig_refused_at;

/* Lets the n-th allocation from now on fail, the first one being 1. */
UNUSED static void rig_refuse(long n)
{
	rig_refused_at = heph_mem_allocations() + n;
	heph_mem_fail_after(n);
}

/* Lets all succeed from now on. Whether one was refused. */
UNUSED static bool rig_refused(void)
{
	heph_mem_fail_after(-1);
	return heph_mem_allocations() >= rig_refused_at;
}

/* ---- workers with threads of their own --------------------------------------- */

struct rig_thread {
	pthread_t thread;
	struct heph_worker *worker;
};

static struct rig_thread rig_threads[RIG_WORKERS];
static _Atomic bool rig_quit;

UNUSED static void *rig_work(void *arg)
{
	struct rig_thread *it = arg;

	heph_worker_run(it->worker, &rig_quit);
	return NULL;
}

/* With heph_futex_driver: workers run until rig_join(), and then until they
 * have no actors. */
UNUSED static void rig_start(void)
{
	atomic_store(&rig_quit, false);
	for (unsigned n = 0; n < rig.n; n++) {
		rig_threads[n].worker = rig.workers[n];
		assert_int_equal(pthread_create(&rig_threads[n].thread, NULL,
						rig_work, &rig_threads[n]),
				 0);
	}
}

UNUSED static void rig_join(void)
{
	while (atomic_load(&rig.heph.busy))
		sched_yield();
	atomic_store(&rig_quit, true);
	for (unsigned n = 0; n < rig.n; n++)
		heph_thread_wake(&rig.workers[n]->thread);
	for (unsigned n = 0; n < rig.n; n++)
		pthread_join(rig_threads[n].thread, NULL);
}

#endif
