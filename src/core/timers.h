/* SPDX-License-Identifier: MIT */
/* timers.h - the deadlines of the actors of a worker */
#ifndef HEPH_CORE_TIMERS_H
#define HEPH_CORE_TIMERS_H

#include "core/worker.h"

/*
 * When the current wait of an actor ends, in a table of the worker, at the same
 * index as its control block: so nothing can fail, and what is never used takes
 * no memory. `deadline` means something while the actor waits for HEPH_WAIT_TIME
 * only; the timer may be armed for an earlier time, and without such a wait.
 */
struct heph_alarm {
	struct heph_timer timer;
	heph_time deadline;
};

/* What heph_now() said last on this thread, or says if that costs nothing. */
heph_time heph_recently(void);

/* Sees to it that the worker can have timers. Returns 0; -ENOMEM. */
int heph_timers_need(struct heph_worker *worker);
void heph_timers_fini(struct heph_worker *worker);

/* How many are armed. */
unsigned long heph_timers_count(const struct heph_worker *worker);

/* Of a worker that can have timers: one that is not in the table of alarms, of
 * a delayed message. */
void heph_timers_arm(struct heph_worker *worker, struct heph_timer *timer,
		     heph_time when);
void heph_timers_disarm(struct heph_worker *worker, struct heph_timer *timer);

/* The actor's wait ends at `deadline`. Returns 0; -ENOMEM, which only a solo's
 * first one does. */
int heph_timers_set(struct heph_self *self, heph_time deadline);

/* When the wait of an actor ends; HEPH_NEVER: it has no deadline. */
heph_time heph_timers_deadline(const struct heph_self *self);

/* The actor has ended. */
void heph_timers_cancel(struct heph_self *self);

/* Wakes all whose time has come. Returns whether there were any. */
unsigned heph_timers_run(struct heph_worker *worker);

/* When the worker must look again, an ordinary one also for those that move;
 * HEPH_NEVER: there are no timers. */
heph_time heph_timers_next(struct heph_worker *worker);

/* How long the worker may sleep; HEPH_NEVER: there are no timers. */
heph_time heph_timers_wait(struct heph_worker *worker);

#endif
