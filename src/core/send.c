/* SPDX-License-Identifier: MIT */
#include "core/send.h"

#include <heph/time.h>

#include "base/usdt.h"
#include "core/lane.h"
#include "core/lose.h"
#include "core/map.h"
#include "core/parcel.h"
#include "core/stackrule.h"
#include "core/wait.h"

static int try_local(struct heph_worker *worker, struct heph_addr to,
		     const struct heph_letter *letter)
{
	struct heph_self *self = heph_worker_find(worker, to.id, to.slot);

	if (!self)
		return -ESRCH;
	if (heph_inbox_full(self))
		return -EAGAIN;
	return heph_inbox_put(self, letter);
}

static int try_lane(struct heph_worker *from, struct heph_worker *worker,
		    struct heph_addr to, const struct heph_letter *letter)
{
	struct heph_lane *lane = heph_lane_to(from, &worker->thread);
	bool has_room;
	int err;

	if (!lane)
		return -ENOMEM;
	has_room = heph_lane_has_room(lane, to.slot, letter->size, false);
	err = heph_worker_room(worker, to);
	if (err < 0)
		return err;
	return has_room ? heph_lane_write(lane, from, to.id, to.slot, letter) :
			  -EAGAIN;
}

/* Whoever sends to a solo shares the window of its door. */
static int try_parcel(_Atomic uint32_t *under_way, struct heph_worker *worker,
		      struct heph_addr to, const struct heph_letter *letter)
{
	int err = heph_worker_room_by_door(worker, to);

	if (err < 0)
		return err;
	if (!heph_worker_ordinary(worker))
		under_way = &worker->thread.arriving;
	if (atomic_load_explicit(under_way, memory_order_relaxed) >=
	    HEPH_WINDOW)
		return -EAGAIN;
	return heph_parcel_post(&worker->thread, to, letter, under_way);
}

/* Sends if that needs no waiting, to an actor of that worker. `from` is NULL if
 * it is not of this runtime. */
HEPH_INLINE int try_at(struct heph_worker *worker, struct heph_thread *from,
		       struct heph_addr to, const struct heph_letter *letter)
{
	if (from == &worker->thread)
		return try_local(worker, to, letter);
	if (from && heph_thread_has_lanes(from, &worker->thread))
		return try_lane((struct heph_worker *)from, worker, to, letter);
	return try_parcel(from ? &from->under_way :
				 &worker->thread.heph->strangers,
			  worker, to, letter);
}

static int try_any(struct heph *heph, struct heph_thread *from,
		   struct heph_addr to, const struct heph_letter *letter)
{
	struct heph_worker *worker = heph_worker_with(heph, to);

	return worker ? try_at(worker, from, to, letter) : -ESRCH;
}

/* To an actor of another runtime, which may end at any time: nothing of ours
 * waits there, so when there is no room this asks again and again. */
static int send_abroad(heph_ctx ctx, struct heph_addr to,
		       const struct heph_letter *letter)
{
	struct heph *heph;
	bool inside;
	int err;

	if (heph_addr_is_map(to))
		return heph_map_send(ctx, to, letter);
	for (;;) {
		heph = heph_enter(to.node, &inside);
		if (!heph)
			return -ESRCH;
		err = try_any(heph, NULL, to, letter);
		heph_leave(to.node, inside);
		if (err != -EAGAIN)
			return err;
		err = heph_wait_for(heph_within(ctx, HEPH_MSEC), 0);
		if (err != -ETIME || heph_now() >= heph_deadline(ctx))
			return err;
	}
}

int heph_letter_offer(struct heph_addr to, const struct heph_letter *letter)
{
	struct heph *heph;
	bool inside;
	int err;

	heph = heph_enter(to.node, &inside);
	if (!heph)
		return -ESRCH;
	err = try_any(heph, inside ? heph_thread_current : NULL, to, letter);
	heph_leave(to.node, inside);
	if (err == -ESRCH && heph_addr_is_map(to))
		err = heph_map_offer(to, letter);
	return err;
}

int heph_letter_try_send(heph_ctx ctx, struct heph_addr to,
			 const struct heph_letter *letter)
{
	int err = heph_letter_offer(to, letter);

	if (err == 0)
		heph_worker_spend(ctx.self);
	return err;
}

/* The actor, if it is on the worker that runs. Ids tell their workers, and the
 * block that is nobody's has none that a reference could have. */
HEPH_INLINE struct heph_self *near(struct heph_thread *thread,
				   struct heph_addr to)
{
	struct heph_worker *worker = (struct heph_worker *)thread;
	struct heph_self *self;

	if (to.node !=
		    atomic_load_explicit(&thread->near, memory_order_relaxed) ||
	    to.slot >= worker->n_selves)
		return NULL;
	self = &worker->selves[to.slot];
	return self->id == to.id ? self : NULL;
}

static int send_near(heph_ctx ctx, struct heph_self *target,
		     struct heph_addr to, const struct heph_letter *letter)
{
	int err;

	if (heph_inbox_hand_call(target, letter))
		err = 0;
	else if (heph_likely(!heph_inbox_full(target)))
		err = heph_inbox_put(target, letter);
	else if (target == ctx.self)
		err = -EDEADLK;
	else
		err = heph_parcel_send(ctx, target->thread, to, letter);
	if (err == 0)
		heph_worker_spend(ctx.self);
	return err;
}

int heph_letter_send(heph_ctx ctx, struct heph_addr to,
		     const struct heph_letter *letter)
{
	struct heph_self *self = ctx.self;
	struct heph_thread *thread = self->thread;
	struct heph_self *target = near(thread, to);
	struct heph_worker *worker;
	int err;

	if (heph_likely(target != NULL))
		return send_near(ctx, target, to, letter);
	if (to.node != thread->node)
		return send_abroad(ctx, to, letter);
	worker = heph_worker_with(thread->heph, to);
	err = worker ? try_at(worker, thread, to, letter) : -ESRCH;
	if (err == -EAGAIN)
		err = self->id && self->id == to.id ?
			      -EDEADLK :
			      heph_parcel_send(ctx, &worker->thread, to,
					       letter);
	if (err == 0)
		heph_worker_spend(self);
	else if (err == -ESRCH && heph_addr_is_map(to))
		err = heph_map_send(ctx, to, letter);
	return err;
}

/* A message that nobody will get. Its type is that of the place, unless the
 * reference is from a runtime that was here before. */
static void drop(struct heph *heph, struct heph_addr to, const void *msg)
{
	struct heph_kind *kind = heph_kind_with(heph, to);

	if (heph_addr_is_map(to))
		heph_map_drop(heph, to, msg);
	else if (kind)
		heph_msg_dispose(kind, (void *)(uintptr_t)msg, HEPH_NO_REPLY);
}

void heph_letter_drop(struct heph_addr to, const void *msg)
{
	struct heph *heph;
	bool inside;

	heph = heph_enter(to.node, &inside);
	if (heph) {
		drop(heph, to, msg);
		heph_leave(to.node, inside);
	}
}

/* Whether it was lost. */
HEPH_INLINE bool lost(struct heph_addr to, const void *msg)
{
	if (!heph_lose_next())
		return false;
	heph_letter_drop(to, msg);
	return true;
}

/* The worker that the actor is on, if that is another one that this one has a
 * lane to. */
HEPH_INLINE struct heph_worker *over_the_lane(struct heph_thread *thread,
					      struct heph_addr to,
					      struct heph_lane **ret_lane)
{
	struct heph *heph = thread->heph;
	unsigned number = heph_id_thread(to.id);

	if (number >= heph->workers || !thread->is_worker ||
	    to.node !=
		    atomic_load_explicit(&thread->near, memory_order_relaxed))
		return NULL;
	*ret_lane = atomic_load_explicit(
		&heph->lanes[thread->number * heph->workers + number],
		memory_order_relaxed);
	return *ret_lane ? (struct heph_worker *)(*ret_lane)->to : NULL;
}

/* The shortest way to another worker, if nothing is in the way. */
HEPH_INLINE bool put_in_lane(heph_ctx ctx, struct heph_addr to, const void *msg,
			     size_t size)
{
	struct heph_worker *from = heph_worker_of(ctx.self);
	struct heph_lane *lane;
	struct heph_worker *worker = over_the_lane(&from->thread, to, &lane);

	return worker && to.slot < worker->max_selves &&
	       heph_worker_room(worker, to) == 0 &&
	       heph_lane_put(lane, from, to.id, to.slot, msg, (uint32_t)size);
}

/* Apart, so that the short way saves no registers for it. */
static __attribute__((noinline)) int send_far(heph_ctx ctx, struct heph_addr to,
					      const void *msg, size_t size)
{
	const struct heph_letter letter = { .data = msg,
					    .size = (uint32_t)size,
					    .reply_at = HEPH_NO_REPLY };
	int err;

	if (heph_likely(!(ctx.self->flags & HEPH_FLAGS_REFUSE)) &&
	    put_in_lane(ctx, to, msg, size)) {
		heph_worker_spend(ctx.self);
		return 0;
	}
	err = heph_wait_allowed(ctx);
	if (err < 0)
		return err;
	return lost(to, msg) ? 0 : heph_letter_send(ctx, to, &letter);
}

static __attribute__((noinline)) int give_turn(struct heph_self *self)
{
	heph_worker_spent(self);
	return 0;
}

int heph_raw_send(heph_ctx ctx, struct heph_addr to, const void *msg,
		  size_t size)
{
	struct heph_self *target;

	HEPH_PROBE3(send, to.id, size, ctx.self->id);
	target = near(ctx.self->thread, to);
	heph_stackrule_check_msg(ctx.self, to, msg, size);
	if (heph_unlikely(!target || (ctx.self->flags & HEPH_FLAGS_REFUSE) ||
			  !heph_inbox_push_quick(target, msg, size)))
		return send_far(ctx, to, msg, size);
	heph_debug_assert(size == heph_type_of(target)->msg_size);
	if (heph_unlikely(--heph_worker_of(target)->budget <= 0))
		return give_turn(ctx.self);
	return 0;
}

__attribute__((noinline)) int heph_letter_put(struct heph_addr to,
					      const void *msg, size_t size)
{
	const struct heph_letter letter = { .data = msg,
					    .size = (uint32_t)size,
					    .reply_at = HEPH_NO_REPLY };

	return lost(to, msg) ? 0 : heph_letter_offer(to, &letter);
}

int heph_raw_try_send(struct heph_addr to, const void *msg, size_t size)
{
	struct heph_thread *thread = heph_thread_current;
	struct heph_self *target;

	HEPH_PROBE3(send, to.id, size, 0);
	target = thread ? near(thread, to) : NULL;
	if (thread && thread->current)
		heph_stackrule_check_msg(thread->current, to, msg, size);
	if (heph_unlikely(!target || !heph_inbox_push_quick(target, msg, size)))
		return heph_letter_put(to, msg, size);
	return 0;
}

void heph_raw_post(struct heph_addr to, const void *msg, size_t size)
{
	struct heph_thread *thread = heph_thread_current;
	struct heph *heph;
	bool inside;

	if (heph_raw_try_send(to, msg, size) == 0)
		return;
	if (thread)
		heph_count(&thread->count.posts_dropped);
	heph = heph_enter(to.node, &inside);
	if (!heph)
		return;
	if (!thread)
		atomic_fetch_add(&heph->strangers_dropped, 1);
	drop(heph, to, msg);
	heph_leave(to.node, inside);
}
