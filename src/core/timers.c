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

int heph_timers_set(struct heph_self *self, heph_time deadline)
{
	struct heph_worker *worker = heph_worker_of(self);
	struct heph_alarm *alarm = alarm_of(self);

	if (heph_unlikely(!worker->wheel) && heph_worker_need_wheel(worker) < 0)
		return -ENOMEM;
	alarm->deadline = deadline;
	if ((self->flags & HEPH_FLAG_ARMED) && alarm->timer.when <= deadline)
		return 0;
	heph_wheel_set(worker->wheel, &alarm->timer, deadline);
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
	heph_wheel_cancel(heph_worker_of(self)->wheel, &alarm_of(self)->timer);
	self->flags &= (uint16_t)~HEPH_FLAG_ARMED;
}

static struct heph_self *self_of(const struct heph_worker *worker,
				 const struct heph_alarm *alarm)
{
	return &worker->selves[alarm - worker->alarms];
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
static void expire(struct heph_worker *worker, struct heph_alarm *alarm)
{
	struct heph_self *self = self_of(worker, alarm);

	self->flags &= (uint16_t)~HEPH_FLAG_ARMED;
	if (!(self->waiting & HEPH_WAIT_TIME))
		return;
	if (alarm->deadline > worker->now)
		heph_timers_set(self, alarm->deadline);
	else
		heph_wake(self, HEPH_WAIT_TIME);
	fetch_stack(self);
}

/* Takes out some timers that have expired, and begins to fetch the control
 * blocks of their actors. */
static unsigned take(struct heph_worker *worker, struct heph_alarm **ret_alarms)
{
	struct heph_timer *timer;
	unsigned n = 0;

	while (n < TAKEN &&
	       (timer = heph_wheel_expire(worker->wheel, worker->now))) {
		ret_alarms[n] =
			heph_container_of(timer, struct heph_alarm, timer);
		fetch(self_of(worker, ret_alarms[n++]),
		      sizeof(struct heph_self));
	}
	return n;
}

unsigned heph_timers_run(struct heph_worker *worker)
{
	struct heph_alarm *alarms[TAKEN];
	unsigned n, sum = 0;

	if (!worker->wheel || !heph_wheel_count(worker->wheel))
		return 0;
	worker->now = heph_now();
	while ((n = take(worker, alarms))) {
		for (unsigned i = 0; i < n; i++)
			expire(worker, alarms[i]);
		sum += n;
	}
	if (sum >= SEVERAL)
		worker->next_batch = (worker->now & -HEPH_WHEEL_TICK) + BATCH;
	return sum;
}

/* When its wheel has something that is worth to be woken for. */
static heph_time next_of_wheel(const struct heph_worker *worker)
{
	heph_time next = heph_wheel_next(worker->wheel);

	return next < worker->next_batch ? worker->next_batch : next;
}

heph_time heph_timers_next(struct heph_worker *worker)
{
	heph_time next = HEPH_NEVER, of_movers;

	if (worker->wheel)
		next = next_of_wheel(worker);
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
