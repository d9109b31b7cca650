/* SPDX-License-Identifier: MIT */
/*
 * The default scheduler is first come, first served, in three queues, because
 * actors that run for a microsecond each need no better justice: a turn of all
 * is over soon. Queues share the time by what they have used of it, weighted; it
 * is measured only while there are actors in several. One that had nobody ready
 * does not save up for later.
 *
 * The clock is read once in 32 steps, to end a turn in time, or after each as
 * long as steps are long. Under valgrind all are, which says nothing.
 *
 * In a world with a clock of its own each run takes a microsecond, so that the
 * same happens each time.
 */
#include "core/sched.h"

#include "base/clock.h"
#include "core/trace.h"
#include "core/worker.h"
#include "coro/san.h"

#define LONGEST_RUN (3600 * HEPH_SEC) /* ticks have a range */
#define CHUNK_LONG (500 * HEPH_USEC)  /* its steps take long */

enum {
	CHUNK = 32,         /* steps between two looks at the clock */
	VIRTUAL_RUN = 1000, /* ns */
};

/* Time counts 5 of 10 for high ones, 15 of 10 for low ones. */
static const uint64_t weights[HEPH_PRIORITIES] = { 1, 2, 3 };

static const struct heph_config *config_of(const struct heph_worker *worker)
{
	return &worker->thread.heph->config;
}

static bool is_virtual(const struct heph_worker *worker)
{
	return worker->sched.is_virtual;
}

uint64_t heph_sched_ticks(struct heph_worker *worker)
{
	if (is_virtual(worker))
		return worker->sched.virtual_ticks += VIRTUAL_RUN;
	return heph_clock_ticks();
}

static uint64_t to_ticks(const struct heph_worker *worker, heph_time length)
{
	return is_virtual(worker) ? (uint64_t)length :
				    heph_clock_ns_to_ticks(length);
}

static heph_time to_time(const struct heph_worker *worker, uint64_t ticks)
{
	return is_virtual(worker) ? (heph_time)ticks :
				    heph_clock_ticks_to_ns(ticks);
}

static int priority_of(const struct heph_self *self)
{
	return HEPH_HIGH - (int)(self->flags >> HEPH_FLAG_QUEUE);
}

/* ---- a table chooses --------------------------------------------------------- */

/* Those who became ready since the last time. */
static void hand_over(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	struct heph_queue *queue;
	struct heph_self *self;

	for (unsigned n = 0; n < HEPH_PRIORITIES; n++) {
		queue = &worker->ready[n];
		while ((self = queue->first)) {
			heph_queue_pop(queue);
			worker->n_unusual -= n != HEPH_USUAL;
			sched->table->ready(sched->object,
					    heph_self_index(self),
					    priority_of(self));
			sched->inside++;
		}
	}
}

static struct heph_self *next_of_table(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	uint32_t index;

	hand_over(worker);
	if (!sched->inside)
		return NULL;
	index = sched->table->next(sched->object);
	heph_assert(index && index < worker->n_selves);
	sched->inside--;
	return &worker->selves[index];
}

int heph_sched_init(struct heph_worker *worker)
{
	const struct heph_scheduler *table = config_of(worker)->scheduler;
	heph_time max_run = config_of(worker)->max_run;
	const struct heph_driver *driver = worker->thread.heph->driver;
	struct heph_sched *sched = &worker->sched;

	sched->is_virtual = driver->alone || driver->simulated;
	if (!max_run)
		max_run = HEPH_MAX_RUN_DEFAULT;
	sched->max_run =
		to_ticks(worker, max_run < LONGEST_RUN ? max_run : LONGEST_RUN);
	sched->chunk_long = to_ticks(worker, CHUNK_LONG);
	sched->calm = !sched->is_virtual && heph_san_on_valgrind();
	if (!table)
		return 0;
	sched->object = table->create(worker->max_selves);
	if (!sched->object)
		return -ENOMEM;
	sched->table = table;
	worker->n_unusual++;
	return 0;
}

void heph_sched_fini(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;

	if (sched->object)
		sched->table->destroy(sched->object);
}

void heph_sched_gone(struct heph_worker *worker, struct heph_self *self)
{
	struct heph_sched *sched = &worker->sched;

	sched->table->gone(sched->object, heph_self_index(self));
}

/* ---- three queues share ---------------------------------------------------------- */

/* As long as one of another priority was ready in this turn all runs are charged,
 * that of the last such actor as well. */
static void begin_sharing(struct heph_worker *worker)
{
	worker->n_unusual += !worker->sched.sharing;
	worker->sched.sharing = true;
}

static void end_sharing(struct heph_worker *worker)
{
	if (!worker->sched.sharing || worker->ready[0].first ||
	    worker->ready[HEPH_PRIORITIES - 1].first)
		return;
	worker->n_unusual--;
	worker->sched.sharing = false;
}

static struct heph_self *next_of_queues(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	unsigned best = HEPH_PRIORITIES;
	struct heph_self *self;

	for (unsigned n = 0; n < HEPH_PRIORITIES; n++)
		if (!worker->ready[n].first) {
			if (sched->used[n] < sched->latest)
				sched->used[n] = sched->latest;
		} else if (best == HEPH_PRIORITIES ||
			   sched->used[n] < sched->used[best]) {
			best = n;
		}
	if (best == HEPH_PRIORITIES)
		return NULL;
	self = worker->ready[best].first;
	heph_queue_pop(&worker->ready[best]);
	sched->latest = sched->used[best];
	if (best == HEPH_USUAL)
		return self;
	worker->n_unusual--;
	begin_sharing(worker);
	return self;
}

struct heph_self *heph_sched_next(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	struct heph_self *self;

	if (worker->sampling)
		return NULL; /* back to the loop */
	if (worker->n_unusual & HEPH_TRACE_TURN)
		return heph_trace_next(worker);
	self = sched->table ? next_of_table(worker) : next_of_queues(worker);
	sched->running = self;
	return self;
}

bool heph_sched_any(const struct heph_worker *worker)
{
	unsigned n = worker->n_unusual & ~(unsigned)HEPH_TRACE_TURN;

	n -= (worker->sched.table != NULL) + worker->sched.sharing +
	     worker->sampling;
	return worker->sched.inside || n;
}

/* ---- time -------------------------------------------------------------------------- */

static void charge(struct heph_worker *worker, struct heph_self *self,
		   uint64_t ticks)
{
	struct heph_sched *sched = &worker->sched;
	unsigned queue = self->flags >> HEPH_FLAG_QUEUE;

	if (sched->table)
		sched->table->ran(sched->object, heph_self_index(self),
				  priority_of(self), to_time(worker, ticks));
	else if (sched->sharing || heph_sched_any(worker))
		sched->used[queue] += ticks * weights[queue];
}

void heph_sched_start(struct heph_worker *worker, struct heph_self *self)
{
	worker->sched.running = self;
	worker->sched.stamp = heph_sched_ticks(worker);
}

static void drop_reserve(struct heph_sched *sched)
{
	sched->dropped += sched->reserve;
	sched->reserve = 0;
}

void heph_sched_charge(struct heph_worker *worker, struct heph_self *self)
{
	struct heph_sched *sched = &worker->sched;
	uint64_t now = heph_sched_ticks(worker);

	if (sched->running == self)
		charge(worker, self, now - sched->stamp);
	sched->stamp = now;
	if (now < sched->turn_ends || !heph_worker_ordinary(worker))
		return;
	drop_reserve(sched);
	if (worker->budget > 0) {
		sched->dropped += worker->budget;
		worker->budget = 0;
	}
}

int heph_sched_left(const struct heph_worker *worker)
{
	return worker->budget + worker->sched.reserve + worker->sched.dropped;
}

/* Gives the turn so many of the steps that it has left. */
static void take_reserve(struct heph_worker *worker, int steps)
{
	struct heph_sched *sched = &worker->sched;

	worker->budget = sched->reserve < steps ? sched->reserve : steps;
	sched->reserve -= worker->budget;
}

void heph_sched_begin(struct heph_worker *worker, int steps)
{
	struct heph_sched *sched = &worker->sched;

	end_sharing(worker);
	sched->running = NULL;
	sched->reserve = sched->dropped = 0;
	worker->budget = steps;
	if (!heph_worker_ordinary(worker))
		return;
	sched->reserve = steps;
	sched->chunk = sched->slow ? 1 : CHUNK;
	sched->slow = false;
	take_reserve(worker, steps > CHUNK ? sched->chunk : (steps + 1) / 2);
	sched->chunk_began = heph_sched_ticks(worker);
	sched->turn_ends = sched->chunk_began + sched->max_run;
}

/* The clock is read more often while steps take long. */
static void note_length(struct heph_sched *sched, uint64_t now)
{
	uint64_t most = sched->chunk == 1 ? sched->chunk_long / CHUNK :
					    sched->chunk_long;

	if (now - sched->chunk_began > most && !sched->calm) {
		sched->chunk = 1;
		sched->slow = true;
	}
	sched->chunk_began = now;
}

bool heph_sched_refill(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	uint64_t now = heph_sched_ticks(worker);

	note_length(sched, now);
	if (!worker->n_unusual)
		sched->running = NULL;
	if (now >= sched->turn_ends)
		drop_reserve(sched);
	take_reserve(worker, sched->chunk);
	return worker->budget > 0;
}
