/* SPDX-License-Identifier: MIT */
/*
 * own.h - what an actor owns, and gives back when it ends
 *
 * Memory, deferred calls and descriptors are given back however the actor
 * ends: it returns, fails, panics, or is restarted. The order is the reverse
 * of that in which they were acquired; memory goes last.
 *
 * A plain thread may use these too: what it owns goes with heph_detach(). All of
 * them are called by the owner of the context; none waits that does not say so.
 */
#ifndef HEPH_OWN_H
#define HEPH_OWN_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory from the actor's arena: zeroed, aligned for any type, freed when the
 * actor ends or restarts, not before. Returns NULL when there is none. */
HEPH_API HEPH_MUST void *heph_alloc(heph_ctx ctx, size_t size);

/* A copy of a string in the arena, or NULL. */
HEPH_API HEPH_MUST char *heph_strdup(heph_ctx ctx, const char *string);

/* Calls `free_fn(ptr)` when the actor ends. Returns 0; -ENOMEM, and then `ptr`
 * is still the caller's. */
HEPH_API HEPH_MUST int heph_own(heph_ctx ctx, void *ptr, void (*free_fn)(void *));

/* Takes the latest heph_own() of `ptr` back: it is not freed, and the caller's
 * again. Looks through what was acquired since. Returns whether there was one. */
HEPH_API bool heph_disown(heph_ctx ctx, void *ptr);

/*
 * heph_defer(ctx, fn, value): calls void fn(heph_ctx, T *copy) when the actor
 * ends, with a copy of `value`, a T. The context it gets is shielded: it may
 * wait, for at most five seconds and not past the runtime's grace.
 * `record` holds the function pointer, and the value at offset `value_at`.
 * Returns 0; -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_raw_defer(heph_ctx ctx, const void *record,
				      size_t size, size_t value_at);

/*
 * A call for the case that the actor ends before something is done. It is part
 * of what it is about, on the heap, so setting one takes no memory, and it can be
 * cleared again. Which struct it is in, fn finds by its address.
 */
struct heph_ending {
	void *place__[3];
	void (*fn__)(heph_ctx ctx, struct heph_ending *ending);
};

/*
 * From now on fn(ctx, ending) is called when the actor ends, or the scope that is
 * the innermost one now; it is not set any more then. The context is that
 * of a deferred call. Returns 0; -ENOMEM (only at the first thing that an actor
 * acquires).
 */
HEPH_API HEPH_MUST int
heph_ending_set(heph_ctx ctx, struct heph_ending *ending,
		void (*fn)(heph_ctx ctx, struct heph_ending *ending));

/* Nothing is called. Only by the actor that has set it; one that is not set may
 * be all zero. */
HEPH_API void heph_ending_clear(struct heph_ending *ending);

/* ---- scopes -------------------------------------------------------------- */

/*
 * A part of an actor, or of a plain thread, that ends before it: from
 * heph_scope_open() to heph_scope_close(). Plain data; scopes nest, and the end
 * of the actor closes those that are open.
 *
 * In a scope are the actors that are spawned while it is the innermost one, but
 * for `.detached` ones, and all that the actor acquires: memory, deferred
 * calls, descriptors, monitors, holds, signals taken. Links are not.
 */
struct heph_scope {
	struct heph_self *self;
	unsigned number;
};

/* Opens a scope. Returns 0; -ENOMEM. */
HEPH_API HEPH_MUST int heph_scope_open(heph_ctx ctx,
				       struct heph_scope *ret_scope);

/*
 * Waits. Closes a scope and those that were opened after it: stops its actors
 * and waits until they have ended, whatever the deadline and whether or not the
 * caller was asked to stop; then gives back what was acquired since, the latest
 * first, and frees its memory. A scope that is not open, because one around it
 * was closed before, or which is another actor's, is an assertion.
 */
HEPH_API void heph_scope_close(heph_ctx ctx, struct heph_scope scope);

/*
 * Waits. Until the actors of the scope, and of those that were opened after it,
 * have ended by themselves. The scope stays open.
 * Returns 0, or the first error that one of this scope's actors ended with;
 * -ETIME, -ECANCELED: they go on.
 */
HEPH_API HEPH_MUST int heph_scope_join(heph_ctx ctx, struct heph_scope scope);

#ifdef __cplusplus
}
#endif
#endif
