/* SPDX-License-Identifier: MIT */
/*
 * misuse.h - a context, or an inbox, in the wrong hands
 *
 * A context belongs to whoever got it: the actor whose function it was given to,
 * the thread that attached. Somebody else who waits through it would suspend the
 * wrong actor; so the process stops, and says who used whose context.
 *
 * The path of a message has one comparison for that, where an actor suspends (see
 * heph_worker_suspend_then()). What costs more than a message anyway begins with
 * heph_ctx_check(), which also finds an empty context.
 */
#ifndef HEPH_CORE_MISUSE_H
#define HEPH_CORE_MISUSE_H

#include "core/self.h"

/* `self`, which may be NULL, does not run here: says so and aborts. `what` is a
 * function of the interface, or NULL. */
_Noreturn void heph_ctx_misused(const struct heph_self *self, const char *what);

/* `self`, who has a context, receives from the inbox of `owner`. */
_Noreturn void heph_inbox_misused(const struct heph_self *self,
				  const struct heph_self *owner);

/* Whether the caller is who the context was given to. */
bool heph_ctx_is_ours(const struct heph_self *self);

static inline void heph_ctx_check(heph_ctx ctx, const char *what)
{
	if (heph_unlikely(!heph_ctx_is_ours(ctx.self)))
		heph_ctx_misused(ctx.self, what);
}

static inline void heph_inbox_check(heph_ctx ctx, const struct heph_self *owner)
{
	if (heph_unlikely(owner != ctx.self))
		heph_inbox_misused(ctx.self, owner);
}

#endif
