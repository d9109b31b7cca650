/* SPDX-License-Identifier: MIT */
/*
 * A turn of the loop: run actors, for as long as the budget lasts; open the
 * door, read the lanes, run the timers; ask the driver. If nobody can run the
 * worker spins for a while, if that was worth it lately (spin.h), and sleeps;
 * then the driver is asked only now, so that one call hands over what was
 * collected and sleeps.
 */
#include <heph/time.h>

#include <unistd.h>

#include "core/inbox.h"
#include "core/lane.h"
#include "core/life.h"
#include "core/mover.h"
#include "core/parcel.h"
#include "core/stall.h"
#include "core/timers.h"
#include "core/trace.h"
#include "core/worker.h"

enum { SPIN_ROUNDS = 16 };

/* Idle stacks that keep their memory, and after which time without work. */
enum { STACKS_KEPT = 64 };
#define TRIM_AFTER HEPH_SEC
/* How long it may take, and so how far away the next deadline must be. */
#define TRIM_TAKES (50 * HEPH_MSEC)

bool heph_worker_look(struct heph_worker *worker)
{
	heph_thread_open_door(&worker->thread);
	if (heph_lanes_read(
		    worker)) /* what their senders did before comes first */
		heph_thread_open_door(&worker->thread);
	if (!heph_list_empty(&worker->roomy))
		heph_inboxes_let_in(worker);
	if (worker->blocked)
		heph_parcels_pass(worker);
	if (worker->dirty) /* also by a drop function */
		heph_lanes_flush(worker);
	return heph_worker_any_ready(worker) || heph_movers_waiting(worker) ||
	       !heph_list_empty(&worker->roomy);
}

/* That, and the timers. */
static bool take_in(struct heph_worker *worker)
{
	unsigned expired;
	bool any;

	if (heph_unlikely(atomic_load_explicit(&worker->thread.heph->next_timer,
					       memory_order_relaxed) !=
			  HEPH_NEVER))
		heph_movers_expire(worker->thread.heph);
	any = heph_worker_look(worker);
	expired = heph_timers_run(worker);
	if (expired && heph_tracing(worker->thread.heph))
		heph_trace_timers(worker, expired);
	return expired || any;
}

/* Sequentially consistent, as all that is looked at before falling asleep. */
static bool over(struct heph_worker *worker, const _Atomic bool *quit)
{
	return atomic_load(&worker->thread.heph->abandon) ||
	       (atomic_load(quit) && !worker->alive &&
		!atomic_load(&worker->thread.heph->moving));
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Asks the kernel. Whether somebody can run now. */
static bool ask(struct heph_worker *worker)
{
	worker->thread.heph->driver->poll(worker, 0);
	return heph_worker_any_ready(worker) || heph_movers_waiting(worker);
}

static bool look_often(struct heph_worker *worker)
{
	for (unsigned n = 0; n < SPIN_ROUNDS; n++) {
		relax();
		if (heph_worker_look(worker))
			return true;
	}
	return ask(worker);
}

/* Whether there was something to do before it was worth to sleep. What is there
 * at once is no merit of the spinning. */
static bool spin(struct heph_worker *worker)
{
	heph_time until;

	if (!worker->spin.length)
		return false;
	if (ask(worker))
		return true;
	until = heph_now() + worker->spin.length;
	do {
		if (!look_often(worker))
			continue;
		heph_spin_paid(&worker->spin);
		return true;
	} while (heph_now() < until);
	return false;
}

static enum heph_spin_end why_awake(struct heph_worker *worker, bool woken,
				    heph_time slept, heph_time wait)
{
	if (woken)
		return HEPH_SPIN_WOKEN;
	if (slept >= wait || !heph_worker_any_ready(worker))
		return HEPH_SPIN_TIME;
	return HEPH_SPIN_OUTSIDE;
}

/* Those who have a mover to be run count the sleepers before they look which
 * one to wake. */
bool heph_worker_doze(struct heph_worker *worker)
{
	struct heph_thread *thread = &worker->thread;

	atomic_store(&thread->asleep, 1);
	if (heph_worker_ordinary(worker))
		atomic_fetch_add(&thread->heph->sleepers, 1);
	if (heph_events_empty(&thread->door) && !heph_lanes_waiting(worker) &&
	    !worker->visitors.first && !atomic_load(worker->movers) &&
	    (!worker->blocked || !heph_parcels_may_pass(worker)))
		return true;
	heph_worker_rouse(worker);
	return false;
}

bool heph_worker_rouse(struct heph_worker *worker)
{
	if (heph_worker_ordinary(worker))
		atomic_fetch_sub(&worker->thread.heph->sleepers, 1);
	return !atomic_exchange(&worker->thread.asleep, 0);
}

static void publish_in_use(struct heph_worker *worker)
{
	struct heph_counters *count = &worker->thread.count;

	heph_count_set(&count->timers, heph_timers_count(worker));
	heph_count_set(&count->calls, worker->thread.calls.in_use);
	heph_count_set(&count->stacks,
		       worker->stacks.in_use + worker->slots.large);
	heph_count_set(&count->slots, worker->slots.n);
	heph_count_set(&count->bytes, heph_pool_in_use(&worker->thread.pool));
}

/* How long it may sleep is asked at last: who sets an earlier timer of a mover
 * than all so far looks for a sleeper then, and may not have found us. */
static void fall_asleep(struct heph_worker *worker, const _Atomic bool *quit)
{
	struct heph_thread *thread = &worker->thread;
	heph_time began, wait, slept;
	bool woken;

	if (!heph_worker_doze(worker))
		return;
	if (over(worker, quit)) {
		heph_worker_rouse(worker);
		return;
	}
	wait = heph_worker_wait(worker);
	publish_in_use(worker); /* after what was taken in */
	if (heph_tracing(thread->heph))
		heph_trace_idle(worker);
	began = heph_now();
	heph_count(&thread->count.sleeps);
	thread->heph->driver->poll(worker, wait);
	woken = heph_worker_rouse(worker);
	if (heph_unlikely(atomic_load(&thread->heph->unwatched)) &&
	    heph_worker_ordinary(worker))
		heph_stall_awake(thread->heph);
	slept = heph_now() - began;
	heph_spin_slept(&worker->spin, slept,
			why_awake(worker, woken, slept, wait));
}

void heph_worker_publish(struct heph_worker *worker)
{
	heph_count(&worker->thread.count.polls);
	publish_in_use(worker);
}

static bool trimmable(const struct heph_worker *worker)
{
	return worker->stacks.idle - worker->stacks.trimmed > STACKS_KEPT ||
	       heph_pool_trimmable(&worker->thread.pool);
}

/* Gives the memory of idle stacks and records back when there was no work for
 * a while. Returns how long the worker may sleep, which is `wait` at most. */
static heph_time trim(struct heph_worker *worker, heph_time wait)
{
	heph_time now;

	if (!trimmable(worker)) {
		worker->trim_at = 0;
		return wait;
	}
	now = heph_now();
	if (!worker->trim_at)
		worker->trim_at = now + TRIM_AFTER;
	if (now < worker->trim_at)
		return wait < worker->trim_at - now ? wait :
						      worker->trim_at - now;
	if (wait < TRIM_TAKES)
		return wait;
	heph_stacks_trim(&worker->stacks, STACKS_KEPT);
	heph_pool_trim(&worker->thread.pool);
	worker->trim_at = 0;
	return 0; /* look again: it took a while */
}

/* All of a turn but to ask the driver. Whether somebody can run now. */
static bool half_turn(struct heph_worker *worker)
{
	struct heph *heph = worker->thread.heph;
	bool traced = heph_tracing(heph) && heph_trace_turn(worker);

	if (heph_unlikely(heph_movers_waiting(worker)))
		heph_movers_run(worker);
	if (heph_unlikely(traced))
		heph_trace_run_actors(worker, (int)heph->config.poll_ratio);
	else
		heph_worker_run_actors(worker, (int)heph->config.poll_ratio);
	heph_worker_publish(worker);
	return take_in(worker);
}

bool heph_worker_turn(struct heph_worker *worker)
{
	bool more = half_turn(worker);

	worker->thread.heph->driver->poll(worker, 0);
	return more || heph_worker_look(worker);
}

heph_time heph_worker_wait(struct heph_worker *worker)
{
	return trim(worker, heph_timers_wait(worker));
}

/* It goes to sleep only when the kernel has had a look at what was written, as
 * most writes are done then. */
static void wait_for_work(struct heph_worker *worker, const _Atomic bool *quit)
{
	bool soon = worker->soon;

	worker->soon = false;
	if (soon || !heph_worker_wait(worker))
		worker->thread.heph->driver->poll(worker, 0);
	else if (!spin(worker))
		fall_asleep(worker, quit);
}

void heph_worker_enter(struct heph_worker *worker)
{
	heph_thread_current = &worker->thread;
	worker->thread.tid = gettid();
	heph_coro_init_thread(&worker->main);
	if (heph_tracing(worker->thread.heph))
		(void)heph_trace_stream(&worker->thread); /* says who it is */
}

void heph_worker_exit(struct heph_worker *worker)
{
	heph_worker_publish(worker);
	if (worker->alive)
		heph_life_list(worker);
	heph_thread_current = NULL;
}

void heph_worker_run(struct heph_worker *worker, const _Atomic bool *quit)
{
	heph_worker_enter(worker);
	while (!over(worker, quit))
		if (half_turn(worker))
			worker->thread.heph->driver->poll(worker, 0);
		else if (!over(worker, quit))
			wait_for_work(worker, quit);
	heph_worker_exit(worker);
}
