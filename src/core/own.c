/* SPDX-License-Identifier: MIT */
#include "core/own.h"

#include <heph/own.h>
#include <heph/time.h>

#include <string.h>

#include "core/scope.h"
#include "core/stackrule.h"
#include "core/wait.h"

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

	(void)ctx;
	pointer->free_fn(pointer->ptr);
}

int heph_own(heph_ctx ctx, void *ptr, void (*free_fn)(void *))
{
	struct pointer *pointer;

	heph_stackrule_check(ctx.self, &ptr, sizeof(ptr),
			     "pointer of heph_own()", NULL);
	pointer = heph_alloc(ctx, sizeof(*pointer));
	if (!pointer)
		return -ENOMEM;
	*pointer = (struct pointer){ .owned.undo = free_pointer,
				     .ptr = ptr,
				     .free_fn = free_fn };
	heph_list_push_back(&ctx.self->ext->owned, &pointer->owned.node);
	return 0;
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
