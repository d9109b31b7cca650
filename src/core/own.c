/* SPDX-License-Identifier: MIT */
#include "core/own.h"

#include <heph/own.h>
#include <heph/time.h>

#include <string.h>

#include "base/mem.h"
#include "core/scope.h"
#include "core/stackrule.h"

#define DEFER_LENGTH (5 * HEPH_SEC)

static void count_bytes(struct heph_self *self)
{
	struct heph_thread *thread = self->thread;

	heph_count_set(&thread->count.bytes, heph_pool_in_use(&thread->pool));
}

void *heph_alloc(heph_ctx ctx, size_t size)
{
	struct heph_ext *ext = heph_self_extend(ctx.self);
	void *ptr;

	if (!ext)
		return NULL;
	ptr = heph_arena_alloc(&ext->arena, &ctx.self->thread->pool, size);
	count_bytes(ctx.self);
	return ptr;
}

char *heph_strdup(heph_ctx ctx, const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = heph_alloc(ctx, size);

	return copy ? memcpy(copy, string, size) : NULL;
}

struct pointer {
	struct heph_owned owned;
	void *ptr;
	void (*free_fn)(void *);
};

static void free_pointer(heph_ctx ctx, struct heph_owned *owned)
{
	struct pointer *pointer =
		heph_container_of(owned, struct pointer, owned);

	void (*free_fn)(void *) = pointer->free_fn;
	void *ptr = pointer->ptr;

	(void)ctx;
	heph_mem_free(pointer);
	free_fn(ptr);
}

int heph_own(heph_ctx ctx, void *ptr, void (*free_fn)(void *))
{
	struct pointer *pointer;

	heph_stackrule_check(ctx.self, &ptr, sizeof(ptr),
			     "pointer of heph_own()", NULL);
	/* Not of the arena: who takes over and disowns for ever must not grow. */
	pointer = heph_self_extend(ctx.self) ? heph_mem_alloc(sizeof(*pointer)) :
					       NULL;
	if (!pointer)
		return -ENOMEM;
	*pointer = (struct pointer){ .owned.undo = free_pointer,
				     .ptr = ptr,
				     .free_fn = free_fn };
	heph_list_push_back(&ctx.self->ext->owned, &pointer->owned.node);
	return 0;
}

/* The pointer that `owned` is about, or NULL: it is something else. */
static struct pointer *pointer_of(struct heph_list *node)
{
	struct heph_owned *owned =
		heph_container_of(node, struct heph_owned, node);

	return owned->undo == free_pointer ?
		       heph_container_of(owned, struct pointer, owned) :
		       NULL;
}

bool heph_disown(heph_ctx ctx, void *ptr)
{
	struct heph_list *owned = ctx.self->ext ? &ctx.self->ext->owned : NULL;

	if (!owned)
		return false;
	for (struct heph_list *node = owned->prev; node != owned;
	     node = node->prev) {
		struct pointer *pointer = pointer_of(node);

		if (!pointer || pointer->ptr != ptr)
			continue;
		heph_list_remove(node);
		heph_mem_free(pointer);
		return true;
	}
	return false;
}

/* A deferred call: `record` is the caller's struct, a function pointer first. */
struct deferred {
	struct heph_owned owned;
	size_t value_at;
	alignas(16) unsigned char record[];
};

static void call_deferred(heph_ctx ctx, struct heph_owned *owned)
{
	struct deferred *deferred =
		heph_container_of(owned, struct deferred, owned);
	void (*fn)(heph_ctx, void *);

	/* Its parameter is a pointer to the value's own type, which the macro
	 * has checked; all pointers to objects are passed alike. */
	memcpy(&fn, deferred->record, sizeof(fn));
	fn(heph_shield(ctx, DEFER_LENGTH), deferred->record + deferred->value_at);
}

int heph_raw_defer(heph_ctx ctx, const void *record, size_t size, size_t value_at)
{
	struct deferred *deferred;

	heph_stackrule_check(ctx.self, (const char *)record + value_at,
			     size - value_at, "value of heph_defer()", NULL);
	deferred = heph_alloc(ctx, sizeof(*deferred) + size);
	if (!deferred)
		return -ENOMEM;
	deferred->owned.undo = call_deferred;
	deferred->value_at = value_at;
	memcpy(deferred->record, record, size);
	heph_list_push_back(&ctx.self->ext->owned, &deferred->owned.node);
	return 0;
}

/* ---- endings --------------------------------------------------------------- */

_Static_assert(sizeof(struct heph_owned) <=
		       sizeof(((struct heph_ending *)NULL)->place__),
	       "there is room for what the actor acquires");

/* What it has in that room; all zero when it is not set. */
static struct heph_owned *owned_of(struct heph_ending *ending)
{
	return (struct heph_owned *)(void *)ending->place__;
}

static void call_ending(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_ending *ending =
		heph_container_of(owned, struct heph_ending, place__);

	owned->undo = NULL;
	ending->fn__(heph_shield(ctx, DEFER_LENGTH), ending);
}

int heph_ending_set(heph_ctx ctx, struct heph_ending *ending,
		    void (*fn)(heph_ctx ctx, struct heph_ending *ending))
{
	struct heph_ext *ext = heph_self_extend(ctx.self);
	struct heph_owned *owned = owned_of(ending);

	heph_stackrule_check(ctx.self, &ending, sizeof(ending),
			     "ending of heph_ending_set()", NULL);
	if (!ext)
		return -ENOMEM;
	ending->fn__ = fn;
	owned->undo = call_ending;
	heph_list_push_back(&ext->owned, &owned->node);
	return 0;
}

void heph_ending_clear(struct heph_ending *ending)
{
	struct heph_owned *owned = owned_of(ending);

	if (!owned->undo)
		return;
	heph_list_remove(&owned->node);
	owned->undo = NULL;
}

bool heph_own_undo_one(struct heph_self *self, const struct heph_mark *mark)
{
	struct heph_list *node = heph_list_last(&self->ext->owned);
	struct heph_owned *owned;

	if (!node || (mark && node == &mark->owned.node))
		return false;
	owned = heph_container_of(node, struct heph_owned, node);
	heph_list_remove(node);
	owned->undo(heph_self_ctx(self), owned);
	return true;
}
