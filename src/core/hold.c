/* SPDX-License-Identifier: MIT */
/*
 * A hold is a watch that its maker owns. An actor that was spawned `.held` is
 * unheld when the last one has left its list; it is stopped when it waits for a
 * message after that, and so has received all that were there.
 *
 * The end of a hold goes through the door of the held actor's thread, also on
 * one and the same thread, and has the sender's lane read before. So what its
 * holder did before (sent a message, caused another actor to make a hold of its
 * own) has arrived.
 */
#include <heph/watch.h>

#include "core/lane.h"
#include "core/life.h"
#include "core/watch.h"

int heph_raw_hold(heph_ctx ctx, struct heph_addr addr)
{
	struct heph_watch *watch;
	int err;

	addr = heph_addr_resolve(addr);
	err = heph_watch_possible(ctx.self, addr);
	if (err < 0)
		return err;
	if (!heph_raw_alive(addr))
		return -ESRCH;
	watch = heph_watch_new(ctx.self, HEPH_WATCH_HOLD);
	if (!watch)
		return -ENOMEM;
	heph_watch_start(watch, addr);
	return 0;
}

int heph_raw_release(heph_ctx ctx, struct heph_addr addr)
{
	return heph_watch_undo(ctx.self, HEPH_WATCH_HOLD, addr);
}

/* ---- the held actor's thread ------------------------------------------------ */

static bool is_hold(const struct heph_list *node)
{
	return heph_container_of(node, struct heph_watch, by_watched)->use ==
	       HEPH_WATCH_HOLD;
}

static bool held_loosely(struct heph_self *self)
{
	struct heph_list *node;

	heph_list_each(node, &self->thread->loose)
		if (is_hold(node) &&
		    heph_container_of(node, struct heph_watch, by_watched)
				    ->who.id == self->id)
			return true;
	return false;
}

static bool is_held(struct heph_self *self)
{
	struct heph_list *first = heph_list_first(&self->ext->watchers);

	return (first && is_hold(first)) || held_loosely(self);
}

static void unheld(struct heph_self *self)
{
	if (!heph_type_of(self)->msg_size || (self->waiting & HEPH_WAIT_MSG))
		heph_life_stop(self);
	else
		self->flags |= HEPH_FLAG_UNHELD;
}

void heph_hold_released(struct heph_watch *watch, struct heph_self *held)
{
	struct heph_thread *from = watch->home, *here = watch->thread;

	if (from != here && heph_thread_has_lanes(from, here))
		heph_lane_read((struct heph_worker *)here, from->number);
	heph_list_remove(&watch->by_watched);
	if (held && held->ext && held->ext->held && !is_held(held))
		unheld(held);
}
