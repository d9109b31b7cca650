/* SPDX-License-Identifier: MIT */
/* How large an actor is. */
#include <heph/test.h>

#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "core/inbox.h"
#include "core/slot.h"
#include "core/worker.h"

enum { PAGE = 4096, PAGES_MAX = 256 };

static size_t size_of_extension(const struct heph_self *self)
{
	const struct heph_ext *ext = self->ext;
	size_t size = sizeof(*ext);

	if (!ext)
		return 0;
	if (ext->name)
		size += strlen(ext->name) + 1;
	if (ext->spawn)
		size += heph_type_of(self)->spawn_size;
	return size + ext->max_owed * sizeof(*ext->owed);
}

static size_t size_of_inbox(const struct heph_self *self)
{
	const struct heph_msg *msg = self->last;
	size_t size = 0;

	if (!msg)
		return 0;
	do {
		msg = msg->next;
		size += sizeof(*msg) + msg->size;
	} while (msg != self->last);
	return size;
}

/* From where it is, or we are, to the top. */
static size_t size_of_stack(const struct heph_self *self)
{
	const struct heph_slot *slot = heph_slot_of(self);

	if (self->thread->current != self)
		return heph_slot_live(self);
	return (size_t)((const char *)slot -
			(const char *)__builtin_frame_address(0));
}

/* Pages that were touched and not given back. */
static size_t size_of_memory(char *low, size_t size)
{
	unsigned char there[PAGES_MAX] = { 0 };
	size_t n = 0, pages = size / PAGE < PAGES_MAX ? size / PAGE : PAGES_MAX;
	char *first =
		(char *)(((uintptr_t)low + PAGE - 1) & ~(uintptr_t)(PAGE - 1));

	if (mincore(first, pages * PAGE, there) < 0)
		return 0;
	for (size_t i = 0; i < pages; i++)
		n += there[i] & 1;
	return n * PAGE;
}

int heph_raw_size_of(heph_ctx ctx, struct heph_addr addr,
		     struct heph_size *ret_size)
{
	struct heph_thread *thread = ctx.self->thread;
	struct heph_worker *worker = thread->host;
	const struct heph_slot *slot;
	struct heph_self *self;

	if (addr.node != thread->node || !worker ||
	    heph_worker_with(thread->heph, addr) != worker)
		return heph_raw_alive(addr) ? -EXDEV : -ESRCH;
	self = heph_worker_find(worker, addr.id, addr.slot);
	if (!self)
		return -ESRCH;
	slot = heph_slot_of(self);
	*ret_size = (struct heph_size){
		.control = sizeof(*self),
		.extension = size_of_extension(self),
		.arena = self->ext ? heph_arena_size(&self->ext->arena) : 0,
		.inbox = size_of_inbox(self),
		.stack = size_of_stack(self),
		.stack_held = size_of_memory(slot->low, heph_slot_size(slot)),
	};
	return 0;
}
