/* SPDX-License-Identifier: MIT */
/*
 * The road of a mover, as its `asleep` tells it:
 *
 *     1  asleep   nobody owns it; what it waits for comes to its door, or its
 *                 time comes
 *     0  queued   in the runtime's queue, or among the visitors of its home
 *        running  a slice: door, timers, actor; then queued again, or asleep
 *        taken    by a spawner, while it rests
 *
 * Falling asleep is that of any thread: it says so, then looks at its door once
 * more. Its timers are in a wheel of its own, and the earliest of them in one
 * that all movers share: when that one expires the mover is woken like by
 * anybody else, and if it was not asleep it looks at its own wheel before it
 * sleeps. So `armed` is read again at that moment, as the door is.
 *
 * Who queues a mover counts it, in `movers`, and then looks for a sleeper; who
 * falls asleep does it the other way round. So a mover that is ready is seen by
 * everyone who could sleep.
 *
 * A worker that goes on to its own actors while movers wait wakes a sleeper as
 * well: nobody knows how long its own actors will take.
 */
#include "core/mover.h"

#include <heph/time.h>

#include "core/timers.h"
#include "core/trace.h"

enum { SLICE = 16 }; /* steps of one mover in a row */

/* ---- queues ---------------------------------------------------------------- */

static void append(struct heph_movers *queue, struct heph_solo *solo)
{
	solo->next = NULL;
	if (queue->first)
		queue->last->next = solo;
	else
		queue->first = solo;
	queue->last = solo;
}

static void push(struct heph_solo *solo)
{
	struct heph *heph = solo->worker.thread.heph;
	struct heph_solos *solos = heph_solos_of(heph);

	pthread_mutex_lock(&solos->lock);
	append(&solos->ready, solo);
	atomic_fetch_add(&heph->movers, 1);
	pthread_mutex_unlock(&solos->lock);
}

/* NULL: another worker was faster. */
static struct heph_solo *pop(struct heph *heph)
{
	struct heph_solos *solos;
	struct heph_solo *solo;

	if (!atomic_load_explicit(&heph->movers, memory_order_relaxed))
		return NULL;
	solos = heph_solos_of(heph);
	pthread_mutex_lock(&solos->lock);
	solo = solos->ready.first;
	if (solo) {
		solos->ready.first = solo->next;
		atomic_fetch_sub(&heph->movers, 1);
	}
	pthread_mutex_unlock(&solos->lock);
	return solo;
}

static void wake_one(struct heph *heph)
{
	struct heph_thread *thread;

	if (!atomic_load(&heph->sleepers))
		return;
	for (unsigned n = 0; n < heph->workers; n++) {
		thread = heph_thread_of(heph, n);
		if (!thread || !atomic_load(&thread->asleep))
			continue;
		heph_thread_wake(thread);
		return;
	}
}

/* The next one, from both queues by turns. */
static struct heph_solo *next_solo(struct heph_worker *on)
{
	struct heph_movers *visitors = &on->visitors;
	struct heph_solo *solo = NULL;

	on->visitor_next = !on->visitor_next;
	if (!on->visitor_next || !visitors->first)
		solo = pop(on->thread.heph);
	if (!solo && visitors->first) {
		solo = visitors->first;
		visitors->first = solo->next;
	}
	return solo;
}

static void visit(struct heph_solo *solo)
{
	append(&solo->home->visitors, solo);
}

void heph_mover_visit(struct heph_event *event)
{
	visit(heph_container_of(event, struct heph_solo, visit));
}

static void go_home(struct heph_solo *solo)
{
	if (&solo->home->thread == heph_thread_current)
		visit(solo);
	else
		heph_thread_post(&solo->home->thread, &solo->visit);
}

void heph_mover_ready(struct heph_thread *thread)
{
	struct heph_solo *solo = heph_solo_of(thread);
	struct heph *heph = thread->heph;

	if (solo->home) {
		go_home(solo);
		return;
	}
	push(solo); /* from here on it is not ours */
	wake_one(heph);
}

void heph_mover_launch(struct heph_worker *worker)
{
	heph_mover_ready(&worker->thread);
}

/* ---- timers ---------------------------------------------------------------- */

/* Publishes when the next one expires; whether that is earlier than before.
 * Under their lock. */
static bool publish_next(struct heph *heph, struct heph_solos *solos)
{
	heph_time next = heph_wheel_next(&solos->wheel);

	return next < atomic_exchange(&heph->next_timer, next);
}

/* Who sleeps does not know of an earlier one. */
static void arm(struct heph_solo *solo, heph_time when)
{
	struct heph *heph = solo->worker.thread.heph;
	struct heph_solos *solos = heph_solos_of(heph);
	bool earlier;

	pthread_mutex_lock(&solos->timer_lock);
	heph_wheel_set(&solos->wheel, &solo->timer, when);
	atomic_store(&solo->armed, when);
	earlier = publish_next(heph, solos);
	pthread_mutex_unlock(&solos->timer_lock);
	if (earlier)
		wake_one(heph);
}

/* Waking under the lock is swapping and queueing; nobody takes this lock when
 * he has that of the queue. */
void heph_movers_expire(struct heph *heph)
{
	struct heph_solos *solos = heph_solos_of(heph);
	struct heph_timer *timer;
	struct heph_solo *solo;

	if (heph_now() < atomic_load(&heph->next_timer))
		return;
	pthread_mutex_lock(&solos->timer_lock);
	while ((timer = heph_wheel_expire(&solos->wheel, heph_now()))) {
		solo = heph_container_of(timer, struct heph_solo, timer);
		atomic_store(&solo->armed, HEPH_NEVER); /* pairs with sleep_or_enqueue() */
		heph_thread_wake(&solo->worker.thread);
	}
	publish_next(heph, solos);
	pthread_mutex_unlock(&solos->timer_lock);
}

/* ---- slices ---------------------------------------------------------------- */

static bool operates(struct heph_worker *worker)
{
	struct heph_self *self = &worker->selves[worker->first_self];

	return self->ext && !heph_list_empty(&self->ext->operations);
}

/* By the worker that it is, or was, at home with. */
static void set_home(struct heph_solo *solo, struct heph_worker *home)
{
	if (solo->home == home)
		return;
	heph_list_remove(&solo->guest);
	if (home)
		heph_list_push_back(&home->guests, &solo->guest);
	solo->home = home;
}

/* It is ready, or may be. */
static void enqueue(struct heph_solo *solo)
{
	if (solo->home)
		visit(solo);
	else
		push(solo);
}

static void sleep_or_enqueue(struct heph_solo *solo)
{
	struct heph_thread *thread = &solo->worker.thread;
	heph_time next = heph_timers_next(&solo->worker);

	if (next < atomic_load(&solo->armed))
		arm(solo, next);
	atomic_store(&thread->asleep, 1); /* now it is not ours */
	if ((!heph_events_empty(&thread->door) ||
	     atomic_load(&solo->armed) > next) &&
	    atomic_exchange(&thread->asleep, 0))
		enqueue(solo);
}

static int run_traced(struct heph_worker *on, struct heph_worker *worker,
		      int budget)
{
	int steps;

	heph_trace_slice_begin(on, &worker->selves[worker->first_self]);
	steps = heph_worker_run_actors(worker, budget);
	heph_trace_slice_end(on, worker);
	return steps;
}

/* Runs a mover for so many steps at most; how many it took, and one. */
static int run_slice(struct heph_worker *on, struct heph_solo *solo, int budget)
{
	struct heph_worker *worker = &solo->worker;
	int steps;

	solo->runner = on;
	worker->driver = on->driver;
	worker->main = on->main;
	heph_thread_current = &worker->thread;
	heph_worker_look(worker);
	heph_timers_run(worker);
	steps = heph_tracing(on->thread.heph) ?
			run_traced(on, worker, budget) :
			heph_worker_run_actors(worker, budget);
	heph_worker_publish(worker);
	heph_thread_current = &on->thread;
	set_home(solo, operates(worker) ? on : NULL);
	if (heph_worker_any_ready(worker) || !heph_list_empty(&worker->roomy))
		enqueue(solo);
	else
		sleep_or_enqueue(solo);
	return steps + 1;
}

void heph_movers_run(struct heph_worker *worker)
{
	struct heph *heph = worker->thread.heph;
	int left = (int)heph->config.poll_ratio;
	uint64_t end = heph_sched_ticks(worker) + worker->sched.max_run;
	struct heph_solo *solo;

	while (left > 0 && !atomic_load(&heph->abandon) &&
	       heph_sched_ticks(worker) < end && (solo = next_solo(worker)))
		left -= run_slice(worker, solo, left < SLICE ? left : SLICE);
	if (atomic_load(&heph->movers) > (heph_worker_any_ready(worker) ? 0 : 1))
		wake_one(heph);
}
