/* SPDX-License-Identifier: MIT */
/*
 * A deadline is a timer of the worker, and setting it is lazy: a timer that
 * is armed for an earlier time than the deadline stays as it is, and when it
 * expires it is set again for the deadline of that moment. So an actor that
 * waits again and again, each time for at most 30 s from then, touches the
 * wheel once in 30 s.
 *
 * Whether a deadline has passed already is told by what the clock said last:
 * that was when the deadline was made, or at the latest turn. If it has passed
 * since then, the actor is woken at the next turn.
 */
#include "core/wait.h"

#include <heph/time.h>

#include "core/futex.h"
#include "core/heph.h"
#include "core/misuse.h"
#include "core/timers.h"

enum { REFUSALS_MAX = 1000 };

/* ---- plain threads -------------------------------------------------------- */

/* Whether the workers have left, so that nothing more will come. Who waits for
 * the end hears of it in another way. */
static bool abandoned(const struct heph_self *self)
{
	return (self->waiting & HEPH_WAIT_STOP) &&
	       !(self->waiting & HEPH_WAIT_DRAIN) &&
	       atomic_load(&self->thread->heph->abandon);
}

static void sleep_thread(struct heph_self *self, heph_time deadline)
{
	struct heph_thread *thread = self->thread;
	heph_time now;

	atomic_store(&thread->asleep, 1);
	if (heph_events_empty(&thread->door) && !abandoned(self)) {
		now = deadline == HEPH_NEVER ? 0 : heph_now();
		if (now < deadline)
			heph_futex_wait(&thread->asleep, 1,
					deadline == HEPH_NEVER ?
						HEPH_NEVER :
						deadline - now);
		else
			heph_wake(self, HEPH_WAIT_TIME);
	}
	atomic_store(&thread->asleep, 0);
}

static void suspend_thread(struct heph_self *self, heph_time deadline)
{
	/* Also where assertions are cheap: nobody would ever wake an actor that waits
	 * as a thread does, and the thread would not hear of anything any more. */
	if (heph_unlikely(!heph_ctx_is_ours(self)))
		heph_ctx_misused(self, NULL);
	for (;;) {
		heph_thread_open_door(self->thread);
		if (abandoned(self))
			heph_wake(self, HEPH_WAIT_STOP);
		if (!self->waiting)
			return;
		if (self->thread->host)
			self->thread->heph->nap(self, deadline);
		else
			sleep_thread(self, deadline);
	}
}

/* ---- both ------------------------------------------------------------------ */

/* Says -ECANCELED, and lets others run. */
static int refuse(struct heph_self *self)
{
	if (self->flags & HEPH_FLAG_STUCK) {
		self->flags &= (uint16_t)~HEPH_FLAG_STUCK;
		return -EDEADLK;
	}
	self->refused++;
	heph_worker_yield(self);
	return -ECANCELED;
}

static bool refused(heph_ctx ctx)
{
	unsigned flags = ctx.self->flags;

	return __builtin_expect(flags & HEPH_FLAGS_REFUSE, 0) &&
	       (!heph_ctx_shielded(ctx) || (flags & HEPH_FLAG_FORCED));
}

int heph_wait_refused(heph_ctx ctx)
{
	if (!refused(ctx))
		return 0;
	if (ctx.self->refused >= REFUSALS_MAX)
		heph_panic(ctx, "ignores stop: %d waits were refused",
			   (int)REFUSALS_MAX);
	return refuse(ctx.self);
}

/* Sees to it that the deadline wakes the actor. 0, -ETIME, -ENOMEM. */
static int set_deadline(struct heph_self *self, heph_time deadline)
{
	if (deadline <= heph_recently()) {
		heph_worker_spend(self);
		return -ETIME;
	}
	return self->kind ? heph_timers_set(self, deadline) : 0;
}

/* What the reason that an actor went on with means for the caller. */
static int outcome(struct heph_self *self)
{
	if (__builtin_expect(self->woken & (HEPH_WAIT_STOP | HEPH_WAIT_FORCE),
			     0))
		return refuse(self);
	return self->woken == HEPH_WAIT_TIME ? -ETIME : 0;
}

/* The actor goes on. */
static int went_on(struct heph_coro *coro, void *unused)
{
	(void)unused;
	return outcome(heph_container_of(coro, struct heph_self, coro));
}

/* The last thing that a wait does, so that nothing of it stays on the stack. */
static int suspend(struct heph_self *self, heph_time deadline)
{
	if (heph_likely(self->kind))
		return heph_worker_suspend_slowly(self, NULL, went_on);
	suspend_thread(self, deadline);
	return outcome(self);
}

static int wait_until(struct heph_self *self, heph_time deadline, unsigned what)
{
	int err = set_deadline(self, deadline);

	if (err < 0)
		return err;
	self->waiting = (uint16_t)(what | HEPH_WAIT_TIME);
	return suspend(self, deadline);
}

/* Who waits for a message that nobody will send is stopped by that. */
static bool refused_wait(heph_ctx ctx, unsigned what)
{
	if ((ctx.self->flags & HEPH_FLAG_UNHELD) && (what & HEPH_WAIT_MSG))
		ctx.self->flags |= HEPH_FLAG_STOP;
	return refused(ctx);
}

int heph_wait_for(heph_ctx ctx, unsigned what)
{
	struct heph_self *self = ctx.self;
	heph_time deadline = heph_deadline(ctx);

	heph_debug_assert(!(what & HEPH_WAIT_TIME));
	if (heph_unlikely(self->flags & HEPH_FLAGS_SLOW) &&
	    refused_wait(ctx, what))
		return refuse(self);
	what |= heph_ctx_shielded(ctx) ? HEPH_WAIT_FORCE : HEPH_WAIT_STOP;
	if (deadline != HEPH_NEVER)
		return wait_until(self, deadline, what);
	self->waiting = (uint16_t)what;
	return suspend(self, HEPH_NEVER);
}

void heph_wait_only(struct heph_self *self, unsigned what)
{
	self->waiting = (uint16_t)what;
	if (self->kind)
		heph_worker_suspend(self);
	else
		suspend_thread(self, HEPH_NEVER);
}
