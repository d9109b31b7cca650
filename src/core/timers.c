/* SPDX-License-Identifier: MIT */
#include "core/timers.h"

#include <heph/time.h>

#include "core/wait.h"

int heph_timers_set(struct heph_self *self, heph_time deadline)
{
	struct heph_ext *ext = heph_self_extend(self);

	if (!ext || heph_worker_need_wheel(heph_worker_of(self)) < 0)
		return -ENOMEM;
	ext->deadline = deadline;
	if (!heph_timer_armed(&ext->timer) || ext->timer.when > deadline)
		heph_wheel_set(heph_worker_of(self)->wheel, &ext->timer,
			       deadline);
	return 0;
}

/* The timer has expired; the deadline may have moved meanwhile. */
static void expire(struct heph_worker *worker, struct heph_ext *ext)
{
	if (ext->deadline == HEPH_NEVER)
		return;
	if (ext->deadline > worker->now)
		heph_wheel_set(worker->wheel, &ext->timer, ext->deadline);
	else
		heph_wake(ext->self, HEPH_WAIT_TIME);
}

bool heph_timers_run(struct heph_worker *worker)
{
	struct heph_timer *timer;
	bool any = false;

	if (!worker->wheel || !heph_wheel_count(worker->wheel))
		return false;
	worker->now = heph_now();
	while ((timer = heph_wheel_expire(worker->wheel, worker->now))) {
		expire(worker,
		       heph_container_of(timer, struct heph_ext, timer));
		any = true;
	}
	return any;
}

heph_time heph_timers_next(struct heph_worker *worker)
{
	heph_time next = HEPH_NEVER, of_movers;

	if (worker->wheel)
		next = heph_wheel_next(worker->wheel);
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
