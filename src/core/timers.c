/* SPDX-License-Identifier: MIT */
#include "core/timers.h"

#include <heph/time.h>

#include "core/wait.h"

int heph_timers_set(struct heph_self *self, heph_time deadline)
{
	struct heph_ext *ext = heph_self_extend(self);

	if (!ext)
		return -ENOMEM;
	ext->deadline = deadline;
	if (!heph_timer_armed(&ext->timer) || ext->timer.when > deadline)
		heph_wheel_set(&heph_worker_of(self)->wheel, &ext->timer,
			       deadline);
	return 0;
}

/* The timer has expired; the deadline may have moved meanwhile. */
static void expire(struct heph_worker *worker, struct heph_ext *ext)
{
	if (ext->deadline == HEPH_NEVER)
		return;
	if (ext->deadline > worker->now)
		heph_wheel_set(&worker->wheel, &ext->timer, ext->deadline);
	else
		heph_wake(ext->self, HEPH_WAIT_TIME);
}

bool heph_timers_run(struct heph_worker *worker)
{
	struct heph_timer *timer;
	bool any = false;

	if (!heph_wheel_count(&worker->wheel))
		return false;
	worker->now = heph_now();
	while ((timer = heph_wheel_expire(&worker->wheel, worker->now))) {
		expire(worker, heph_container_of(timer, struct heph_ext, timer));
		any = true;
	}
	return any;
}

heph_time heph_timers_wait(struct heph_worker *worker)
{
	heph_time next = heph_wheel_next(&worker->wheel), now;

	if (next == HEPH_NEVER)
		return HEPH_NEVER;
	now = heph_now();
	return next > now ? next - now : 0;
}
