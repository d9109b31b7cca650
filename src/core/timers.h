/* SPDX-License-Identifier: MIT */
/* timers.h - the deadlines of the actors of a worker */
#ifndef HEPH_CORE_TIMERS_H
#define HEPH_CORE_TIMERS_H

#include "core/worker.h"

/* What heph_now() says on this thread; NULL: the clock of the kernel. */
extern __thread const heph_time *heph_time_virtual;

/* The actor's wait ends at `deadline`. Returns 0; -ENOMEM. */
int heph_timers_set(struct heph_self *self, heph_time deadline);

/* Wakes all whose time has come. Returns whether there were any. */
bool heph_timers_run(struct heph_worker *worker);

/* When the worker must look again, an ordinary one also for those that move;
 * HEPH_NEVER: there are no timers. */
heph_time heph_timers_next(struct heph_worker *worker);

/* How long the worker may sleep; HEPH_NEVER: there are no timers. */
heph_time heph_timers_wait(struct heph_worker *worker);

#endif
