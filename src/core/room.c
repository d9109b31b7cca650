/* SPDX-License-Identifier: MIT */
/*
 * Whether a send would find room is asked of what the sender can see: the inbox
 * of a neighbour, the place of another worker's actor and what is under way to
 * it. If there is none a parcel without a message waits in the line with those
 * of senders, and comes back when its turn has come.
 */
#include "core/room.h"

#include "core/lane.h"
#include "core/map.h"
#include "core/parcel.h"

/* Whether what is under way from this thread leaves room for one more. */
static bool window_open(struct heph_thread *from, struct heph_worker *worker,
			struct heph_addr to)
{
	struct heph_kind *kind = heph_kind_with(from->heph, to);
	_Atomic uint32_t *under_way = &from->under_way;
	struct heph_lane *lane;

	if (heph_thread_has_lanes(from, &worker->thread)) {
		lane = heph_lane_to((struct heph_worker *)from,
				    &worker->thread);
		return !lane || !kind ||
		       heph_lane_has_room(lane, to.slot,
					  (uint32_t)kind->type->msg_size,
					  false);
	}
	if (!heph_worker_ordinary(worker))
		under_way = &worker->thread.arriving;
	return atomic_load_explicit(under_way, memory_order_relaxed) <
	       HEPH_WINDOW;
}

static bool place_open(struct heph_thread *from, struct heph_worker *worker,
		       struct heph_addr to)
{
	int err = heph_thread_has_lanes(from, &worker->thread) ?
			  heph_worker_room(worker, to) :
			  heph_worker_room_by_door(worker, to);

	return err != -EAGAIN;
}

/* Whether a send would not wait: there is room, or it is gone. */
static bool has_room(struct heph_thread *from, struct heph_addr to)
{
	struct heph_worker *worker = heph_worker_with(from->heph, to);
	struct heph_self *self;

	if (!worker || !heph_worker_alive(worker, to))
		return true;
	if (&worker->thread == from) {
		self = heph_worker_find(worker, to.id, to.slot);
		return !self || !heph_inbox_full(self);
	}
	return window_open(from, worker, to) && place_open(from, worker, to);
}

int heph_room_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_parcel *parcel = clause->begun;
	struct heph_addr to;

	if (parcel && !parcel->request.back)
		return 0;
	if (parcel)
		return parcel->request.result == -ENOMEM ? -ENOMEM : 1;
	to = heph_addr_resolve(clause->on->who);
	if (to.id && to.node != ctx.self->thread->node)
		return heph_raw_alive(to) ? -EXDEV : 1;
	return has_room(ctx.self->thread, to);
}

int heph_room_begin(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_addr to = heph_addr_resolve(clause->on->who);
	struct heph_worker *worker =
		heph_worker_with(ctx.self->thread->heph, to);

	if (!worker)
		return 0; /* it has ended in this moment */
	clause->begun = heph_parcel_ask(ctx.self, &worker->thread, to);
	return clause->begun ? 0 : -ENOMEM;
}

void heph_room_end(heph_ctx ctx, struct heph_clause *clause)
{
	(void)ctx;
	heph_parcel_end(clause->begun);
}
