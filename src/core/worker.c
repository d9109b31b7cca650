/* SPDX-License-Identifier: MIT */
/*
 * Actors switch to the next actor directly, and to the loop (worker_loop.c) when
 * the turn is over or nobody else can run.
 */
#include "core/worker.h"

#include <heph/message.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/lane.h"
#include "core/life.h"
#include "core/sample.h"
#include "core/slot.h"
#include "core/timers.h"

/* Blocks stay with their type, so the tables have room for more of them than
 * there may be actors at a time: so many times, and at least so many. */
enum { TABLE_TIMES = 4, TABLE_MIN = 1 << 16, TABLE_ENOUGH = 1 << 24 };

static size_t selves_size(const struct heph_worker *worker)
{
	return worker->max_selves * sizeof(*worker->selves);
}

static size_t places_size(const struct heph_worker *worker)
{
	return worker->max_selves * sizeof(*worker->places);
}

static size_t pokes_size(const struct heph_worker *worker)
{
	return worker->max_selves * sizeof(*worker->pokes);
}

static size_t alarms_size(const struct heph_worker *worker)
{
	return worker->max_selves * sizeof(*worker->alarms);
}

static size_t kinds_size(const struct heph_worker *worker)
{
	return worker->max_kinds * sizeof(*worker->kinds);
}

static uint32_t table_size(uint32_t max_actors)
{
	if (max_actors >= TABLE_ENOUGH)
		return max_actors;
	if (max_actors >= TABLE_ENOUGH / TABLE_TIMES)
		return TABLE_ENOUGH;
	return max_actors * TABLE_TIMES + TABLE_MIN;
}

int heph_worker_init(struct heph_worker *worker, struct heph *heph,
		     uint32_t max_actors)
{
	int err;

	heph_worker_prepare(worker, heph);
	worker->first_self = worker->n_selves = 1; /* the first is nobody's */
	worker->max_alive = max_actors;
	worker->max_selves = table_size(max_actors) + 1;
	worker->movers = &heph->movers;
	worker->n_lanes = heph->workers;
	worker->max_kinds = HEPH_KINDS_MAX + 1;
	err = heph_calls_init(&worker->thread.calls, worker->max_selves);
	if (err < 0)
		goto fail_calls;
	err = heph_timers_need(worker);
	if (err < 0)
		goto fail_wheel;
	worker->selves = heph_mem_reserve_table(selves_size(worker));
	worker->places = heph_mem_reserve_table(places_size(worker));
	worker->pokes = heph_mem_reserve_table(pokes_size(worker));
	worker->alarms = heph_mem_reserve_table(alarms_size(worker));
	worker->kinds = heph_mem_reserve(kinds_size(worker));
	err = -ENOMEM;
	if (!worker->selves || !worker->places || !worker->pokes ||
	    !worker->alarms || !worker->kinds)
		goto fail_tables;
	worker->selves[0].id = UINT64_MAX; /* no reference finds it */
	err = heph_stacks_init(&worker->stacks, HEPH_STACK_SIZE, max_actors);
	if (err < 0)
		goto fail_tables;
	err = heph_slots_init(worker);
	if (err < 0)
		goto fail_slots;
	err = heph_sched_init(worker);
	if (err < 0)
		goto fail_sched;
	return 0;

fail_sched:
	heph_slots_fini(worker);
fail_slots:
	heph_stacks_fini(&worker->stacks);
fail_tables:
	heph_mem_unreserve(worker->alarms, alarms_size(worker));
	heph_mem_unreserve(worker->kinds, kinds_size(worker));
	heph_mem_unreserve(worker->pokes, pokes_size(worker));
	heph_mem_unreserve(worker->places, places_size(worker));
	heph_mem_unreserve(worker->selves, selves_size(worker));
fail_wheel:
	heph_calls_fini(&worker->thread.calls);
fail_calls:
	heph_worker_release(worker);
	return err;
}

void heph_worker_fini(struct heph_worker *worker)
{
	heph_serial_used(worker->thread.heph, worker->serial);
	heph_samples_free(worker);
	heph_sched_fini(worker);
	heph_slots_fini(worker);
	heph_stacks_fini(&worker->stacks);
	heph_mem_unreserve(worker->alarms, alarms_size(worker));
	heph_mem_unreserve(worker->kinds, kinds_size(worker));
	heph_mem_unreserve(worker->pokes, pokes_size(worker));
	heph_mem_unreserve(worker->places, places_size(worker));
	heph_mem_unreserve(worker->selves, selves_size(worker));
	heph_calls_fini(&worker->thread.calls);
	heph_worker_release(worker);
}

void heph_worker_prepare(struct heph_worker *worker, struct heph *heph)
{
	*worker = (struct heph_worker){
		.serial = heph_serial_base(heph),
		.stop_event.fn = heph_stop_heard,
		.spin.budget = heph->config.spin,
		.inbox = heph->config.inbox ? heph->config.inbox :
					      HEPH_INBOX_DEFAULT,
		.sample_in = HEPH_SAMPLE_TURNS,
	};
	for (unsigned n = 0; n < HEPH_PRIORITIES; n++)
		worker->ready[n].end = &worker->ready[n].first;
	heph_thread_prepare(&worker->thread, heph);
	heph_list_init(&worker->roomy);
	heph_list_init(&worker->guests);
	worker->thread.is_worker = true;
	worker->thread.host = worker;
}

void heph_worker_release(struct heph_worker *worker)
{
	heph_timers_fini(worker);
	heph_delays_fini(&worker->delays);
	worker->thread.calls.table = NULL; /* given back, or not its own */
	heph_thread_fini(&worker->thread);
}

static struct heph_kind *new_kind(struct heph_worker *worker,
				  const struct heph_actor *type)
{
	uint32_t n =
		atomic_load_explicit(&worker->n_kinds, memory_order_relaxed);
	struct heph_kind *kind;

	if (++n >= worker->max_kinds)
		return NULL;
	kind = &worker->kinds[n];
	*kind = (struct heph_kind){ .type = type,
				    .arg_size = type->arg_size,
				    .next = worker->latest_kind };
	atomic_store_explicit(&worker->n_kinds, n, memory_order_release);
	return worker->latest_kind = kind;
}

struct heph_kind *heph_worker_kind(struct heph_worker *worker,
				   const struct heph_actor *type)
{
	struct heph_kind **link = &worker->latest_kind, *kind;

	for (; (kind = *link); link = &kind->next) {
		if (kind->type != type)
			continue;
		*link = kind->next; /* the latest one is the first */
		kind->next = worker->latest_kind;
		return worker->latest_kind = kind;
	}
	return new_kind(worker, type);
}

/* ---- running --------------------------------------------------------------- */

unsigned heph_worker_count_ready(const struct heph_worker *worker)
{
	const struct heph_self *self;
	unsigned count = worker->sched.inside;

	for (unsigned n = 0; n < HEPH_PRIORITIES; n++)
		for (self = worker->ready[n].first; self; self = self->next)
			count++;
	return count;
}

/* Whether the running actor can switch to that one by itself. */
static bool can_switch(struct heph_self *self, struct heph_self *next)
{
	return !(next->flags & HEPH_FLAG_SAMPLED) &&
	       heph_slot_of(next) != self->slot &&
	       heph_slot_enter(next, heph_life_ended);
}

static __attribute__((noinline)) void do_rare(struct heph_worker *worker,
					      struct heph_self *self)
{
	if (worker->thread.current != self)
		heph_ctx_misused(self, NULL);
	if (worker->dirty)
		heph_lanes_flush(worker);
	if (worker->n_unusual)
		heph_sched_charge(worker, self);
}

/* Where the running actor goes when it suspends: to the next one if its frames
 * are in place, or can come to their place from here, and it is not measured;
 * otherwise to the loop, which sees to that. */
static struct heph_coro *choose(struct heph_self *self)
{
	struct heph_worker *worker = heph_worker_of(self);
	struct heph_self *next = NULL;

	worker->budget--;
	if (heph_unlikely(heph_worker_has_rare(worker, self)))
		do_rare(worker, self);
	if (heph_likely(worker->budget > 0) ||
	    (worker->sched.reserve && heph_sched_refill(worker)))
		next = heph_worker_next(worker);
	worker->thread.current = next;
	if (!next ||
	    ((next->flags & HEPH_FLAGS_BY_LOOP) && !can_switch(self, next))) {
		HEPH_PROBE3(run, 0, self->id, self->waiting);
		return &worker->main;
	}
	HEPH_PROBE3(run, next->id, self->id, self->waiting);
	return &next->coro;
}

void heph_worker_suspend(struct heph_self *self)
{
	struct heph_coro *to = choose(self);

	if (to != &self->coro)
		heph_coro_switch(&self->coro, to);
}

int heph_worker_suspend_slowly(struct heph_self *self, void *arg,
			       heph_coro_then *then)
{
	struct heph_coro *to = choose(self);

	return heph_coro_switch_then(&self->coro, to, arg, then);
}

void heph_worker_leave(struct heph_self *self)
{
	struct heph_worker *worker = heph_worker_of(self);

	worker->ended = self;
	worker->thread.current = NULL;
	heph_coro_leave(&self->coro, &worker->main);
}

void heph_worker_yield(struct heph_self *self)
{
	struct heph_worker *worker = heph_worker_of(self);

	if (!self->kind)
		return;
	self->waiting = 0;
	heph_worker_ready(worker, self);
	heph_worker_suspend(self);
}

void heph_worker_spent(struct heph_self *self)
{
	struct heph_worker *worker = heph_worker_of(self);

	if (!worker->sched.reserve || !heph_sched_refill(worker))
		heph_worker_yield(self);
}

/* There was no memory to make room for its frames: it waits for its turn again,
 * in which there may be. */
static void put_off(struct heph_worker *worker, struct heph_self *self)
{
	static _Atomic bool told;

	if (!atomic_exchange(&told, true))
		heph_log_error("no memory to switch between actors",
			       HEPH_KV_STR("actor", heph_self_name(self)));
	heph_worker_ready(worker, self);
	worker->thread.current = NULL;
}

/* Runs an actor, and those that it switches to, until one comes back here with
 * nobody to go on with. */
static void run_from(struct heph_worker *worker, struct heph_self *self)
{
	bool measured;

	worker->thread.current = self;
	while ((self = worker->thread.current)) {
		if ((self->flags & HEPH_FLAG_AWAY) &&
		    !heph_slot_enter(self, heph_life_ended)) {
			put_off(worker, self);
			return;
		}
		HEPH_PROBE3(run, self->id, 0, 0);
		measured = self->flags & HEPH_FLAG_SAMPLED;
		if (heph_unlikely(worker->n_unusual || measured))
			heph_sched_start(worker, self);
		if (heph_unlikely(measured))
			heph_sample_run(worker, self);
		else
			heph_coro_switch(&worker->main, &self->coro);
		if (worker->ended) {
			if (heph_unlikely(worker->n_unusual))
				heph_sched_charge(worker, worker->ended);
			if (heph_unlikely(worker->sched.object != NULL))
				heph_sched_gone(worker, worker->ended);
			heph_life_bury(worker->ended);
			worker->ended = NULL;
		}
	}
}

static void run_one(struct heph_worker *worker, struct heph_self *self,
		    int budget)
{
	worker->budget = budget;
	run_from(worker, self);
}

int heph_worker_run_actors(struct heph_worker *worker, int budget)
{
	struct heph_self *self;
	int steps;

	heph_sched_begin(worker, budget);
	if (heph_unlikely(--worker->sample_in == 0))
		heph_sample_begin(worker);
	while ((worker->budget > 0 ||
		(worker->sched.reserve && heph_sched_refill(worker))) &&
	       (self = heph_worker_next(worker)))
		run_one(worker, self, worker->budget - 1);
	if (worker->dirty)
		heph_lanes_flush(worker);
	steps = budget - heph_sched_left(worker);
	heph_count_add(&worker->thread.count.runs, (uint64_t)steps);
	return steps;
}

/* Takes an actor that was preempted out of its queue again. */
static void take_back(struct heph_worker *worker, struct heph_self *self)
{
	struct heph_queue *queue = heph_worker_queue(worker, self);
	struct heph_self **link = &queue->first;

	while (*link != self)
		link = &(*link)->next;
	*link = self->next;
	if (queue->end == &self->next)
		queue->end = link;
	worker->n_unusual -= !heph_worker_usual(self);
}

/* One that has spent its budget has a negative one when it is back; one that
 * waits has none left. */
bool heph_worker_step(struct heph_worker *worker)
{
	struct heph_self *self = heph_worker_next(worker);
	unsigned left = worker->thread.heph->config.poll_ratio;

	if (!self)
		return false;
	worker->sched.reserve = 0;
	run_one(worker, self, 1);
	while (worker->budget < 0 && --left) {
		take_back(worker, self);
		run_one(worker, self, 1);
	}
	if (worker->dirty)
		heph_lanes_flush(worker);
	heph_worker_publish(worker);
	return true;
}

void heph_worker_rotate(struct heph_worker *worker)
{
	heph_worker_ready(worker, heph_worker_next(worker));
}
