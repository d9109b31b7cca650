/* SPDX-License-Identifier: MIT */
/*
 * park.h - one that waits until another thread wakes it
 *
 * Who waits may be an actor, a plain thread with a context, or one without a
 * runtime. Its record is embedded in memory that is on no actor's stack. It
 * prepares the record, hands it over under a lock (or by a swap) of the thing
 * that it waits for, looks at that thing once more, and waits. Who finds the
 * record there takes it out and wakes, once.
 *
 * Giving up (deadline, stop) is the waiter's business: it takes the record out
 * itself. If somebody else was faster, a wake is on its way, and the waiter has
 * to stay for it: heph_park_finish().
 *
 * tests/model/chan.pml and oneshot.pml show that nobody is forgotten.
 */
#ifndef HEPH_CORE_PARK_H
#define HEPH_CORE_PARK_H

#include "core/self.h"

struct heph_park {
	struct heph_event event;
	struct heph_self *self;     /* NULL: a thread without a runtime */
	struct heph_thread *thread; /* of self */
	uint64_t first_serial;      /* of its runtime, to know it again */
	uint16_t node;              /* of the same */
	_Atomic uint32_t woken;     /* HEPH_PARK_... */
	uint8_t what;               /* HEPH_PARKS_... */
};

enum {
	HEPH_PARK_WAITING,
	HEPH_PARK_WOKEN,  /* or not waiting */
	HEPH_PARK_ASLEEP, /* in futex(2): a thread without a runtime */
};

/* What one waits for, for who looks into it. */
enum {
	HEPH_PARKS_CHANNEL,
	HEPH_PARKS_ONESHOT,
	HEPH_PARKS_INSPECTION,
};

/* A record of nobody who waits. */
static inline void heph_park_init(struct heph_park *park)
{
	atomic_store_explicit(&park->woken, HEPH_PARK_WOKEN,
			      memory_order_relaxed);
}

/* Waiter, before others can find the record. */
void heph_park_prepare(struct heph_park *park, heph_ctx ctx, unsigned what);

/* Waits until it is woken. Returns 0; -ETIME, -ECANCELED, -ENOMEM: the record
 * may still be found. */
HEPH_MUST int heph_park_wait(heph_ctx ctx, struct heph_park *park);

/* Waits for the wake that is on its way, and for nothing else. */
void heph_park_finish(heph_ctx ctx, struct heph_park *park);

/* Waiter: whether it has been woken. */
static inline bool heph_park_woken(struct heph_park *park)
{
	return atomic_load_explicit(&park->woken, memory_order_acquire) ==
	       HEPH_PARK_WOKEN;
}

/*
 * Wakes the waiter, which may free the record at once. Any thread, by the one
 * that took the record out. Returns false if the runtime of the waiter has
 * ended under it (it was abandoned): then nobody uses the record any more.
 */
bool heph_park_wake(struct heph_park *park);

/* heph_wait_allowed(), also for a thread without a runtime. */
HEPH_MUST int heph_park_allowed(heph_ctx ctx);

#endif
