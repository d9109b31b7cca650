/* SPDX-License-Identifier: MIT */
#include "core/scope.h"

#include <heph/own.h>

#include "core/life.h"
#include "core/own.h"
#include "core/wait.h"

/* Undone after all that came later. It lies in the arena itself. */
static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_mark *mark =
		heph_container_of(owned, struct heph_mark, owned);
	const struct heph_arena_mark arena = mark->arena;
	struct heph_ext *ext = ctx.self->ext;

	heph_assert(ext->mark == mark);
	ext->mark = mark->outer;
	heph_arena_release(&ext->arena, &ctx.self->thread->pool, &arena);
}

int heph_scope_open(heph_ctx ctx, struct heph_scope *ret_scope)
{
	struct heph_self *self = ctx.self;
	struct heph_ext *ext = heph_self_extend(self);
	struct heph_arena_mark arena;
	struct heph_mark *mark;

	if (!ext)
		return -ENOMEM;
	arena = heph_arena_mark(&ext->arena);
	mark = heph_alloc(ctx, sizeof(*mark));
	if (!mark)
		return -ENOMEM;
	*mark = (struct heph_mark){
		.owned.undo = undo,
		.outer = ext->mark,
		.number = ++ext->marks,
		.serial = self->kind ? heph_worker_of(self)->serial : 0,
		.arena = arena,
	};
	heph_list_push_back(&ext->owned, &mark->owned.node);
	ext->mark = mark;
	*ret_scope =
		(struct heph_scope){ .self = self, .number = mark->number };
	return 0;
}

static struct heph_mark *find(struct heph_self *self, unsigned number)
{
	struct heph_mark *mark = self->ext ? self->ext->mark : NULL;

	while (mark && mark->number != number)
		mark = mark->outer;
	return mark;
}

static struct heph_mark *open_one(heph_ctx ctx, struct heph_scope scope)
{
	struct heph_mark *mark = find(ctx.self, scope.number);

	if (scope.self != ctx.self || !mark)
		heph_misuse("this scope is not open (was one around it closed "
			    "before?): close the innermost one first",
			    "links");
	return mark;
}

void heph_scope_close(heph_ctx ctx, struct heph_scope scope)
{
	struct heph_mark *mark = open_one(ctx, scope);

	heph_life_give_back(ctx.self, mark);
	heph_own_undo_one(ctx.self, NULL);
}

int heph_scope_join(heph_ctx ctx, struct heph_scope scope)
{
	struct heph_mark *mark = open_one(ctx, scope);
	int err = heph_wait_allowed(ctx);

	while (err == 0 && heph_life_has_children(ctx.self, mark))
		err = heph_wait_for(ctx, HEPH_WAIT_CHILD);
	if (heph_life_has_children(ctx.self, mark))
		return err;
	return mark->err;
}

static void note(struct heph_mark *mark, int err)
{
	if (mark && !mark->err && err < 0)
		mark->err = err;
}

void heph_scope_child_ended(struct heph_self *self, unsigned number, int err)
{
	note(find(self, number), err);
}

void heph_scope_near_child_ended(struct heph_self *self, uint64_t id, int err)
{
	struct heph_mark *mark = self->ext ? self->ext->mark : NULL;

	while (mark && id / HEPH_THREADS_MAX <= mark->serial)
		mark = mark->outer;
	note(mark, err);
}
