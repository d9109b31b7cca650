/* SPDX-License-Identifier: MIT */
/*
 * The default scheduler is first come, first served, in three queues, because
 * actors that run for a microsecond each need no better justice: a turn of all
 * is over soon. The clock is read once in 32 steps. If those took long, somebody
 * runs for long, and from then on the fair scheduler (fair.c) chooses and every
 * run is measured, until for a while nobody has run for long.
 *
 * Queues share the time by what they have used of it, weighted. One that had
 * nobody ready does not save up for later.
 *
 * Under valgrind all runs are long, and the queues stay.
 *
 * In a world with a clock of its own each run takes a microsecond, so that the
 * same happens each time.
 */
#include "core/sched.h"

#include <time.h>

#include "base/clock.h"
#include "core/trace.h"
#include "core/worker.h"
#include "coro/san.h"

enum {
	CHUNK = 32, /* steps between two looks at the clock */
	/* Turns after which the queues are good enough: when somebody was seen
	 * to run for long, and when it may have been the machine that paused. */
	QUIET_SURE = 1024,
	QUIET_UNSURE = 8,
	VIRTUAL_RUN = 1000, /* ns */
};
#define CHUNK_LONG (500 * HEPH_USEC) /* some of them were long */
#define RUN_LONG (100 * HEPH_USEC)

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

static int use(struct heph_worker *worker, const struct heph_scheduler *table)
{
	struct heph_sched *sched = &worker->sched;

	if (!sched->object)
		sched->object = table->create(worker->max_selves);
	if (!sched->object)
		return -ENOMEM;
	sched->table = table;
	/* Until all that are ready now have run. */
	sched->quiet = QUIET_UNSURE + heph_worker_count_ready(worker) / CHUNK;
	worker->n_unusual++;
	return 0;
}

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

/* The queues are good enough again: nobody is in them now. */
static void use_queues(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	uint32_t index;

	hand_over(worker);
	worker->n_unusual--;
	for (; sched->inside; sched->inside--) {
		index = sched->table->next(sched->object);
		heph_worker_ready(worker, &worker->selves[index]);
	}
	sched->table = NULL;
}

int heph_sched_init(struct heph_worker *worker)
{
	const struct heph_scheduler *table = config_of(worker)->scheduler;
	heph_time max_run = config_of(worker)->max_run;
	const struct heph_driver *driver = worker->thread.heph->driver;
	struct heph_sched *sched = &worker->sched;

	sched->is_virtual = driver->alone || driver->simulated;
	sched->max_run =
		to_ticks(worker, max_run ? max_run : HEPH_MAX_RUN_DEFAULT);
	sched->chunk_long = to_ticks(worker, CHUNK_LONG);
	sched->calm = heph_san_on_valgrind();
	sched->chosen = table;
	return table ? use(worker, table) : 0;
}

void heph_sched_fini(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	const struct heph_scheduler *table =
		sched->chosen ? sched->table : &heph_scheduler_fair;

	if (sched->object)
		table->destroy(sched->object);
}

void heph_sched_gone(struct heph_worker *worker, struct heph_self *self)
{
	struct heph_sched *sched = &worker->sched;
	const struct heph_scheduler *table =
		sched->chosen ? sched->table : &heph_scheduler_fair;

	table->gone(sched->object, heph_self_index(self));
}

/* ---- three queues share ---------------------------------------------------------- */

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
	self = worker->ready[best].first;
	heph_queue_pop(&worker->ready[best]);
	worker->n_unusual -= best != HEPH_USUAL;
	sched->latest = sched->used[best];
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

	n -= (worker->sched.table != NULL) + worker->sampling;
	return worker->sched.inside || n;
}

/* ---- time -------------------------------------------------------------------------- */

/* What the thread has used, to tell a run that was long from one in which others
 * had the processor. */
static heph_time cpu_time(struct heph_worker *worker)
{
	struct timespec time;

	if (is_virtual(worker))
		return (heph_time)worker->sched.virtual_ticks;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * HEPH_SEC + time.tv_nsec;
}

static void charge(struct heph_worker *worker, struct heph_self *self,
		   uint64_t ticks)
{
	struct heph_sched *sched = &worker->sched;
	unsigned queue = self->flags >> HEPH_FLAG_QUEUE;
	heph_time length;

	if (!sched->table) {
		sched->used[queue] += ticks * weights[queue];
		return;
	}
	length = to_time(worker, ticks);
	if (length > RUN_LONG && !sched->noisy)
		sched->noisy = cpu_time(worker) - sched->cpu_began > RUN_LONG;
	sched->table->ran(sched->object, heph_self_index(self),
			  priority_of(self), length);
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

void heph_sched_begin(struct heph_worker *worker, int steps)
{
	struct heph_sched *sched = &worker->sched;

	sched->running = NULL;
	sched->reserve = sched->dropped = 0;
	worker->budget = steps;
	if (!heph_worker_ordinary(worker))
		return;
	if (steps > CHUNK)
		worker->budget = CHUNK;
	else if (steps > 1)
		worker->budget = steps / 2;
	sched->reserve = steps - worker->budget;
	sched->chunk_began = heph_sched_ticks(worker);
	sched->turn_ends = sched->chunk_began + sched->max_run;
	if (heph_likely(!sched->table || sched->chosen))
		return;
	sched->cpu_began = cpu_time(worker);
	if (sched->noisy)
		sched->quiet = QUIET_SURE;
	sched->noisy = false;
	if (sched->quiet)
		sched->quiet--;
	else if (heph_fair_settled(sched->object, RUN_LONG))
		use_queues(worker);
}

bool heph_sched_refill(struct heph_worker *worker)
{
	struct heph_sched *sched = &worker->sched;
	uint64_t now = heph_sched_ticks(worker);

	if (heph_unlikely(now - sched->chunk_began > sched->chunk_long) &&
	    !sched->table && !sched->calm)
		(void)!use(worker, &heph_scheduler_fair);
	sched->chunk_began = now;
	if (!worker->n_unusual)
		sched->running = NULL;
	if (now >= sched->turn_ends)
		drop_reserve(sched);
	worker->budget = sched->reserve < CHUNK ? sched->reserve : CHUNK;
	sched->reserve -= worker->budget;
	return worker->budget > 0;
}
