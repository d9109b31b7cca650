/* SPDX-License-Identifier: MIT */
/*
 * time.h - clocks, deadlines, sleeping
 *
 * A deadline is part of the context, so it covers everything that is called
 * with that context, and nests by itself:
 *
 *     err = heph_call(heph_within(ctx, HEPH_SEC), store, get, &value, ...);
 *
 * A wait that reaches its deadline returns -ETIME. One that need not wait is
 * done whatever the deadline says. The first wait with a deadline of an actor
 * that moves or has a thread of its own needs some memory: without it, it
 * returns -ENOMEM.
 */
#ifndef HEPH_TIME_H
#define HEPH_TIME_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The time now, in nanoseconds. Any thread. */
HEPH_API heph_time heph_now(void);

/* The context of a thread that is attached to no runtime, for channels and
 * oneshots: it waits for ever, unless a deadline is added below. { 0 } is one
 * that does not wait. Not for actors, which have one. */
static inline heph_ctx heph_no_ctx(void)
{
	heph_ctx ctx = { NULL, HEPH_NEVER };

	return ctx;
}

/* `ctx`, but every wait through it ends with -ETIME at `when`, an odd one a
 * nanosecond later. A context never waits longer than the one it was made from. */
static inline heph_ctx heph_until(heph_ctx ctx, heph_time when)
{
	if (when < ctx.deadline)
		ctx.deadline = ((when + 1) & ~INT64_C(1)) | (ctx.deadline & 1);
	return ctx;
}

/* The same, `length` from now. A length too large to add means for ever. */
static inline heph_ctx heph_within(heph_ctx ctx, heph_time length)
{
	heph_time when;

	if (__builtin_add_overflow(heph_now(), length, &when))
		when = HEPH_NEVER;
	return heph_until(ctx, when);
}

/* Until when this context is willing to wait; HEPH_NEVER: for ever. */
static inline heph_time heph_deadline(heph_ctx ctx)
{
	return ctx.deadline & ~INT64_C(1);
}

/*
 * `ctx`, but its waits go on after the actor was asked to stop, for at most
 * `length` from now and not past the end of the runtime's grace (a tenth of
 * what is left, 100 ms at most, is kept to leave in good order): to finish a
 * line, to roll back, to say good-bye. The deadline of `ctx` holds as well.
 */
HEPH_API heph_ctx heph_shield(heph_ctx ctx, heph_time length);

/* Waits. For `length`; not at all if that is 0 or less. Never wakes early.
 * Returns 0; -ETIME, -ECANCELED; -ENOMEM. */
HEPH_API HEPH_MUST int heph_sleep(heph_ctx ctx, heph_time length);

/* Waits. Lets the other actors of this worker run that can. Returns 0;
 * -ECANCELED. */
HEPH_API HEPH_MUST int heph_yield(heph_ctx ctx);

#ifdef __cplusplus
}
#endif
#endif
