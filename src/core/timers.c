/* SPDX-License-Identifier: MIT */
/*
 * Falling asleep and waking up again takes some 20 us of a processor, as much
 * as a hundred timers. So after a look at the clock that has brought several,
 * the next ones are not waited for one by one: the worker sleeps for three
 * ticks, 0.8 ms, if nothing else wakes it. With the rounding to a tick that
 * makes the latest of them less than 1 ms late; who is alone is not late.
 */
#include "core/timers.h"

#include <heph/time.h>

#include "base/mem.h"
#include "core/delay.h"
#include "core/wait.h"

enum {
	SEVERAL = 8,
	TAKEN = 32, /* of timers at a time */
	LIVE = 256, /* bytes of its stack that an actor needs soon, about */
	LINE = 64,
};
#define BATCH (3 * HEPH_WHEEL_TICK)

static struct heph_alarm *alarm_of(const struct heph_self *self)
{
	return &heph_worker_of(self)->alarms[heph_self_index(self)];
}

/* ---- the wheel, or what is there in its place -------------------------------- */

static const struct heph_timers *table_of(const struct heph_worker *worker)
{
	return worker->thread.heph->config.timers;
}

int heph_timers_need(struct heph_worker *worker)
{
	const struct heph_timers *table = table_of(worker);

	if (worker->wheel || worker->timers)
		return 0;
	if (table) {
		worker->timers = table->create(heph_now());
		return worker->timers ? 0 : -ENOMEM;
	}
	worker->wheel = heph_mem_alloc_raw(sizeof(*worker->wheel));
	if (!worker->wheel)
		return -ENOMEM;
	heph_wheel_init(worker->wheel, heph_now());
	return 0;
}

void heph_timers_fini(struct heph_worker *worker)
{
	if (worker->timers)
		table_of(worker)->destroy(worker->timers);
	heph_mem_free(worker->wheel);
}

unsigned long heph_timers_count(const struct heph_worker *worker)
{
	if (heph_likely(worker->wheel != NULL))
		return heph_wheel_count(worker->wheel);
	return worker->timers ? table_of(worker)->count(worker->timers) : 0;
}

void heph_timers_arm(struct heph_worker *worker, struct heph_timer *timer,
		     heph_time when)
{
	if (heph_likely(worker->wheel != NULL)) {
		heph_wheel_set(worker->wheel, timer, when);
		return;
	}
	timer->when = when;
	table_of(worker)->add(worker->timers, timer);
}

void heph_timers_disarm(struct heph_worker *worker, struct heph_timer *timer)
{
	if (heph_likely(worker->wheel != NULL))
		heph_wheel_cancel(worker->wheel, timer);
	else
		table_of(worker)->remove(worker->timers, timer);
}

static struct heph_timer *next_expired(struct heph_worker *worker)
{
	if (heph_likely(worker->wheel != NULL))
		return heph_wheel_expire(worker->wheel, worker->now);
	return table_of(worker)->expire(worker->timers, worker->now);
}

/* ---- deadlines --------------------------------------------------------------- */

int heph_timers_set(struct heph_self *self, heph_time deadline)
{
	struct heph_worker *worker = heph_worker_of(self);
	struct heph_alarm *alarm = alarm_of(self);

	if (heph_unlikely(!worker->wheel) && heph_timers_need(worker) < 0)
		return -ENOMEM;
	alarm->deadline = deadline;
	if ((self->flags & HEPH_FLAG_ARMED) && alarm->timer.when <= deadline)
		return 0;
	if (heph_unlikely(!worker->wheel) && (self->flags & HEPH_FLAG_ARMED))
		heph_timers_disarm(worker, &alarm->timer);
	heph_timers_arm(worker, &alarm->timer, deadline);
	self->flags |= HEPH_FLAG_ARMED;
	return 0;
}

heph_time heph_timers_deadline(const struct heph_self *self)
{
	if (!self->kind || !(self->waiting & HEPH_WAIT_TIME))
		return HEPH_NEVER;
	return alarm_of(self)->deadline;
}

void heph_timers_cancel(struct heph_self *self)
{
	if (!(self->flags & HEPH_FLAG_ARMED))
		return;
	heph_timers_disarm(heph_worker_of(self), &alarm_of(self)->timer);
	self->flags &= (uint16_t)~HEPH_FLAG_ARMED;
}

static struct heph_alarm *alarm_with(struct heph_timer *timer)
{
	return heph_container_of(timer, struct heph_alarm, timer);
}

static struct heph_self *self_of(const struct heph_worker *worker,
				 struct heph_timer *timer)
{
	return &worker->selves[alarm_with(timer) - worker->alarms];
}

/* Begins to fetch memory that was not touched for long. (Inline: gcc takes such a
 * function for one without effect, and leaves calls of it out.) */
HEPH_INLINE void fetch(const void *at, size_t size)
{
	for (size_t n = 0; n < size; n += LINE)
		__builtin_prefetch((const char *)at + n, 1);
}

/* Where it is, or where it was put away. */
HEPH_INLINE void fetch_stack(const struct heph_self *self)
{
	if (self->flags & HEPH_FLAG_AWAY)
		fetch(self->saved, LIVE);
	else
		fetch(self->coro.sp, LIVE);
}

/* A timer has expired; the actor may wait for something else meanwhile, or with
 * another deadline. */
static void expire(struct heph_worker *worker, struct heph_timer *timer)
{
	struct heph_alarm *alarm = alarm_with(timer);
	struct heph_self *self = self_of(worker, timer);

	self->flags &= (uint16_t)~HEPH_FLAG_ARMED;
	if (!(self->waiting & HEPH_WAIT_TIME))
		return;
	if (alarm->deadline > worker->now)
		heph_timers_set(self, alarm->deadline);
	else
		heph_wake(self, HEPH_WAIT_TIME);
	fetch_stack(self);
}

/* Whether it is that of an actor; the others are of delayed messages. */
static bool is_alarm(const struct heph_worker *worker,
		     const struct heph_timer *timer)
{
	return (uintptr_t)timer - (uintptr_t)worker->alarms <
	       worker->max_selves * sizeof(*worker->alarms);
}

/* Takes out some timers that have expired, and begins to fetch the control
 * blocks of their actors. */
static unsigned take(struct heph_worker *worker, struct heph_timer **ret_timers)
{
	struct heph_timer *timer;
	unsigned n = 0;

	while (n < TAKEN && (timer = next_expired(worker))) {
		ret_timers[n++] = timer;
		if (is_alarm(worker, timer))
			fetch(self_of(worker, timer), sizeof(struct heph_self));
	}
	return n;
}

unsigned heph_timers_run(struct heph_worker *worker)
{
	struct heph_timer *timers[TAKEN];
	unsigned n, sum = 0;

	if (!heph_timers_count(worker))
		return 0;
	worker->now = heph_now();
	while ((n = take(worker, timers))) {
		for (unsigned i = 0; i < n; i++)
			if (is_alarm(worker, timers[i]))
				expire(worker, timers[i]);
			else
				heph_delay_expire(worker, timers[i]);
		sum += n;
	}
	if (sum >= SEVERAL)
		worker->next_batch = (worker->now & -HEPH_WHEEL_TICK) + BATCH;
	return sum;
}

/* When there is something of its own that is worth to be woken for. */
static heph_time next_of_own(const struct heph_worker *worker)
{
	heph_time next = worker->wheel ? heph_wheel_next(worker->wheel) :
					 table_of(worker)->next(worker->timers);

	return next < worker->next_batch ? worker->next_batch : next;
}

heph_time heph_timers_next(struct heph_worker *worker)
{
	heph_time next = HEPH_NEVER, of_movers;

	if (worker->wheel || worker->timers)
		next = next_of_own(worker);
	if (!heph_worker_ordinary(worker))
		return next;
	of_movers = atomic_load(&worker->thread.heph->next_timer);
	return of_movers < next ? of_movers : next;
}

heph_time heph_timers_wait(struct heph_worker *worker)
{
	heph_time next = heph_timers_next(worker), now;

	if (next == HEPH_NEVER)
		return HEPH_NEVER;
	now = heph_now();
	return next > now ? next - now : 0;
}
