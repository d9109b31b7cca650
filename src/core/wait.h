/* SPDX-License-Identifier: MIT */
/*
 * wait.h - suspending, and the reason for going on
 *
 * An actor waits for a set of reasons. Whoever has one calls heph_wake(), on
 * the actor's own thread; the first reason wins and the others are ignored. So
 * a wait ends for one reason, and the caller looks whether what it waited for
 * is there.
 *
 * A plain thread waits in the same way: it sleeps on a futex, runs the events
 * at its door, and goes on when one of them woke it.
 */
#ifndef HEPH_CORE_WAIT_H
#define HEPH_CORE_WAIT_H

#include "core/self.h"
#include "core/worker.h"

/*
 * Waits for one of `what`, the deadline of `ctx`, or a stop (these two are not
 * in `what`). Returns 0;
 * -ETIME; -ECANCELED, at once if it was asked to stop before (unless shielded).
 * Where both the thing and the deadline could be, the caller looks first.
 */
HEPH_MUST int heph_wait_for(heph_ctx ctx, unsigned what);

/*
 * The same, and lets others see what it is about, which is not on a stack: with
 * HEPH_WAIT_CALL a struct heph_waiting_call, with _ROOM the request of a
 * struct heph_parcel, with _REQUEST any struct heph_request, with _WATCH a struct
 * heph_watch, with _OP a struct heph_op, with _PARK a struct heph_park; with _MSG
 * it says that the message must match something.
 */
HEPH_MUST static inline int heph_wait_about(heph_ctx ctx, unsigned what,
					    const void *about);

/* Waits for one of `what` and for nothing else: for what is sure to come. */
void heph_wait_only(struct heph_self *self, unsigned what);

/* Called first by every public function that may wait, before it acquires
 * anything: whether waits through `ctx` are refused. Panics an actor that has
 * ignored it too often. 0 or -ECANCELED. */
HEPH_MUST static inline int heph_wait_allowed(heph_ctx ctx);

static inline bool heph_ctx_shielded(heph_ctx ctx)
{
	return ctx.deadline & 1;
}

/* The same, where a flag says that they may be. */
HEPH_MUST int heph_wait_refused(heph_ctx ctx);

static inline int heph_wait_allowed(heph_ctx ctx)
{
	return heph_likely(!(ctx.self->flags & HEPH_FLAGS_REFUSE)) ?
		       0 :
		       heph_wait_refused(ctx);
}

/* Who waits is in no run queue, and nothing on the way there puts it into one
 * but what ends the wait. */
static inline int heph_wait_about(heph_ctx ctx, unsigned what,
				  const void *about)
{
	ctx.self->about = about;
	return heph_wait_for(ctx, what | HEPH_WAIT_ABOUT);
}

/* `reason` is there. On the thread of `self`. */
static inline void heph_wake(struct heph_self *self, unsigned reason)
{
	if (!(self->waiting & reason))
		return;
	self->waiting = 0;
	self->woken = (uint16_t)reason;
	if (self->kind)
		heph_worker_ready(heph_worker_of(self), self);
}

#endif
