/* SPDX-License-Identifier: MIT */
#include "core/self.h"

#include <heph/call.h>

#include <string.h>

#include "core/scan.h"
#include "core/verdict.h"
#include "core/worker.h"

struct heph_ext *heph_self_extend(struct heph_self *self)
{
	struct heph_ext *ext = self->ext;

	if (ext)
		return ext;
	ext = heph_pool_take(&self->thread->pool, sizeof(*ext));
	if (!ext)
		return NULL;
	*ext = (struct heph_ext){ .self = self };
	heph_list_init(&ext->owned);
	heph_list_init(&ext->answered);
	heph_list_init(&ext->operations);
	heph_list_init(&ext->results);
	heph_list_init(&ext->watching);
	heph_list_init(&ext->watchers);
	heph_list_init(&ext->downs);
	heph_list_init(&ext->parcels);
	heph_list_init(&ext->roomy);
	heph_list_init(&ext->names_gone);
	return self->ext = ext;
}

struct heph_exit *heph_self_need_exit(struct heph_self *self)
{
	struct heph_ext *ext = heph_self_extend(self);

	if (ext && !ext->exit)
		ext->exit = heph_pool_take(&self->thread->pool,
					   sizeof(*ext->exit));
	return ext ? ext->exit : NULL;
}

void heph_self_drop_exit(struct heph_self *self)
{
	struct heph_ext *ext = self->ext;

	heph_pool_give(&self->thread->pool, ext->exit, sizeof(*ext->exit));
	ext->exit = NULL;
}

void heph_self_shrink(struct heph_self *self)
{
	struct heph_pool *pool = &self->thread->pool;
	struct heph_ext *ext = self->ext;

	if (!ext)
		return;
	heph_debug_assert(heph_list_empty(&ext->owned));
	heph_debug_assert(heph_list_empty(&ext->operations));
	heph_debug_assert(heph_list_empty(&ext->watching));
	heph_debug_assert(heph_list_empty(&ext->watchers));
	heph_debug_assert(heph_list_empty(&ext->downs));
	heph_debug_assert(heph_list_empty(&ext->parcels));
	if (self->kind)
		heph_verdict_fini(self);
	heph_self_drop_exit(self);
	heph_pool_give(pool, ext->failure, sizeof(*ext->failure));
	heph_pool_give(pool, ext->scans, sizeof(*ext->scans));
	if (ext->name)
		heph_pool_give(pool, ext->name, strlen(ext->name) + 1);
	heph_arena_fini(&ext->arena, pool);
	self->ext = NULL;
	heph_pool_give(pool, ext, sizeof(*ext));
}

const char *heph_self_name(const struct heph_self *self)
{
	if (self->ext && self->ext->name)
		return self->ext->name;
	return self->kind ? heph_type_of(self)->name : "thread";
}
