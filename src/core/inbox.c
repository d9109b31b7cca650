/* SPDX-License-Identifier: MIT */
#include "core/inbox.h"

#include "core/answers.h"
#include "core/lane.h"
#include "core/parcel.h"
#include "core/scan.h"
#include "core/wait.h"

static _Atomic uint64_t *place_of(struct heph_self *self)
{
	return &heph_worker_of(self)->places[heph_self_index(self)];
}

void heph_inbox_shut(struct heph_self *self)
{
	self->flags |= HEPH_FLAG_FULL;
	atomic_fetch_or(place_of(self), self->flags & HEPH_FLAG_GRANTED ?
						HEPH_PLACE_LANES :
						HEPH_PLACE_FULL);
}

/* Takes these bits away, so that other workers may send; those that wait for it
 * are told. */
static void reopen(struct heph_self *self, uint64_t bits)
{
	uint64_t old =
		atomic_fetch_and(place_of(self), ~(bits | HEPH_PLACE_WANTED));

	if (!(old & HEPH_PLACE_WANTED))
		return;
	self->flags |= HEPH_FLAG_GRANTED;
	heph_lanes_tell_room(heph_worker_of(self));
}

void heph_inbox_leave_place(struct heph_self *self)
{
	_Atomic uint64_t *place = place_of(self);

	if (!(atomic_load_explicit(place, memory_order_relaxed) &
	      HEPH_PLACE_FULL))
		atomic_store_explicit(place, 0, memory_order_release);
	else if (atomic_exchange(place, 0) & HEPH_PLACE_WANTED)
		heph_lanes_tell_room(heph_worker_of(self));
}

void heph_inbox_take_grant(struct heph_self *self)
{
	self->flags &= (uint16_t)~HEPH_FLAG_GRANTED;
	if (heph_inbox_full(self))
		heph_inbox_shut(self);
}

int heph_inbox_put(struct heph_self *self, const struct heph_letter *letter)
{
	struct heph_pool *pool = &self->thread->pool;
	struct heph_msg *msg;

	heph_debug_assert(letter->size == heph_type_of(self)->msg_size);
	if (letter->reply_at != HEPH_NO_REPLY && !heph_self_extend(self))
		return -ENOMEM;
	msg = heph_pool_take(pool, sizeof(*msg) + letter->size);
	if (!msg)
		return -ENOMEM;
	msg->size = letter->size;
	msg->reply_at = letter->reply_at;
	heph_letter_copy(letter, msg->data);
	heph_inbox_link(self, msg);
	return 0;
}

static bool somebody_waits(const struct heph_self *self)
{
	return self->ext && !heph_list_empty(&self->ext->parcels);
}

/* There is room: for other workers as well. */
static void open_to_others(struct heph_self *self)
{
	const uint64_t bits = HEPH_PLACE_FULL | HEPH_PLACE_LANES;

	if (atomic_load_explicit(place_of(self), memory_order_relaxed) & bits)
		reopen(self, bits);
}

/* Whether somebody waits for it, here or on another worker. */
static bool is_wanted(const struct heph_self *self)
{
	return somebody_waits(self) ||
	       (atomic_load_explicit(
			&heph_worker_of(self)->places[heph_self_index(self)],
			memory_order_relaxed) &
		HEPH_PLACE_WANTED);
}

void heph_inbox_make_room(struct heph_self *self)
{
	if (heph_inbox_full(self))
		return;
	if (!is_wanted(self) || !heph_self_extend(self))
		open_to_others(self);
	else if (heph_list_empty(&self->ext->roomy))
		heph_list_push_back(&heph_worker_of(self)->roomy,
				    &self->ext->roomy);
	if (!somebody_waits(self))
		self->flags &= (uint16_t)~HEPH_FLAG_FULL;
	else if (self->n <= self->capacity / 2)
		heph_parcels_admit(self);
}

/* Neighbours have used the room up that there was in this turn. Those that wait
 * on other workers would be passed over for ever if that is so in each turn; the
 * others wait on. What was under way may have used it up once: a window more
 * would be too much. */
static void open_to_waiting(struct heph_self *self)
{
	if (self->n > self->capacity ||
	    !(atomic_load_explicit(place_of(self), memory_order_relaxed) &
	      HEPH_PLACE_WANTED))
		return;
	atomic_fetch_or(place_of(self), HEPH_PLACE_LANES);
	reopen(self, HEPH_PLACE_FULL);
}

/* One for each SHARE places, so that it can send some more before it has to
 * wait again. Whether there is room left for others. */
static bool let_some_in(struct heph_self *self)
{
	enum { SHARE = 32 };
	unsigned n;

	if (heph_inbox_full(self)) {
		open_to_waiting(self);
		return false;
	}
	open_to_others(self);
	for (n = 1 + (self->capacity - self->n) / SHARE;
	     n && !heph_inbox_full(self); n--)
		if (!heph_parcels_admit(self))
			break;
	return !heph_inbox_full(self) && somebody_waits(self);
}

void heph_inboxes_let_in(struct heph_worker *worker)
{
	struct heph_list *node, *next;
	struct heph_ext *ext;

	heph_list_each_safe(node, next, &worker->roomy) {
		ext = heph_container_of(node, struct heph_ext, roomy);
		if (let_some_in(ext->self))
			continue;
		heph_list_remove(node);
	}
}

static void free_msg(struct heph_self *self, struct heph_msg *msg)
{
	heph_pool_give(&self->thread->pool, msg, sizeof(*msg) + msg->size);
}

void heph_inbox_took(struct heph_self *self, struct heph_msg *msg)
{
	struct heph_reply reply;

	if (heph_msg_marked(msg))
		heph_scans_leave(self, msg, NULL);
	if (msg->reply_at == HEPH_NO_REPLY)
		return;
	memcpy(&reply, msg->data + msg->reply_at, sizeof(reply));
	heph_answers_owe(self, reply);
}

void heph_msg_dispose(const struct heph_kind *kind, void *data,
		      uint32_t reply_at)
{
	struct heph_reply reply;

	if (reply_at != HEPH_NO_REPLY) {
		memcpy(&reply, (char *)data + reply_at, sizeof(reply));
		heph_call_fail(reply, -EPIPE);
	}
	if (kind->type->drop) {
		heph_thread_hook(1);
		kind->type->drop(data);
		heph_thread_hook(-1);
	}
}

void heph_msg_undeliverable(struct heph_thread *thread,
			    const struct heph_kind *kind, void *data,
			    uint32_t reply_at)
{
	heph_count(&thread->count.delivered);
	heph_count(&thread->count.unread_dropped);
	heph_msg_dispose(kind, data, reply_at);
}

void heph_inbox_close(struct heph_self *self)
{
	struct heph_msg *msg;

	while (self->last) {
		msg = heph_inbox_unlink(self);
		if (heph_msg_marked(msg))
			heph_scans_leave(self, msg, NULL);
		heph_msg_dispose(heph_kind_of(self), msg->data, msg->reply_at);
		free_msg(self, msg);
		heph_count(&self->thread->count.unread_dropped);
	}
	if (!self->ext)
		return;
	heph_list_remove(&self->ext->roomy);
	heph_parcels_refuse(self);
}

/* Until there is a message, or the wait ends otherwise. */
static int await_msg(heph_ctx ctx)
{
	struct heph_self *self = ctx.self;
	int err = heph_wait_allowed(ctx);

	while (err == 0 && !self->last) {
		err = heph_wait_for(ctx, HEPH_WAIT_MSG);
		if (err == -ETIME && self->last)
			err = 0;
	}
	return err;
}

/* Sanitizers' frames are others. */
#if HEPH_ASAN || HEPH_TSAN
enum { HANDS = 0 };
#else
enum { HANDS = HEPH_WAIT_HAND };
#endif

/* By any way. */
static __attribute__((noinline)) int await_and_take(heph_ctx ctx, void *ret_msg)
{
	int err = await_msg(ctx);

	if (err < 0)
		return err;
	heph_inbox_take(ctx.self, ret_msg);
	heph_worker_spend(ctx.self);
	return 0;
}

/* What is to be done after a message was taken: others are let in where there
 * was no room, and run if the turn is over. */
static __attribute__((noinline)) int make_room_and_turn(struct heph_self *self)
{
	if (self->flags & HEPH_FLAG_FULL)
		heph_inbox_make_room(self);
	if (heph_worker_of(self)->budget <= 0)
		heph_worker_spent(self);
	return 0;
}

static __attribute__((noinline)) int make_room(struct heph_self *self)
{
	heph_inbox_make_room(self);
	return 0;
}

/* An actor that waited for a message, or a stop, goes on. */
static int woken(struct heph_coro *coro, void *ret_msg)
{
	struct heph_self *self =
		heph_container_of(coro, struct heph_self, coro);

	if (heph_likely(self->woken == HEPH_WAIT_HAND)) {
		self->n--;
		heph_inbox_count(self);
		if (HEPH_RECEIPTS_KEPT)
			heph_receipts_note(&self->thread->receipts, self->id,
					   ret_msg,
					   heph_type_of(self)->msg_size);
	} else if (heph_unlikely(self->woken != HEPH_WAIT_MSG ||
				 !heph_inbox_take_quick(self, ret_msg))) {
		return await_and_take(heph_self_ctx(self), ret_msg);
	}
	return heph_unlikely(self->flags & HEPH_FLAG_FULL) ? make_room(self) :
							     0;
}

/* The common case calls nothing: it needs no frame, and leaves none on the stack
 * while the actor waits. */
int heph_raw_recv(heph_ctx ctx, struct heph_inbox *inbox, void *ret_msg,
		  size_t size)
{
	struct heph_self *self = (struct heph_self *)inbox;

	if (HEPH_DEBUG >= 1)
		heph_inbox_check(ctx, self);
	heph_debug_assert(size == heph_type_of(self)->msg_size);
	if (heph_unlikely(self->flags & HEPH_FLAGS_SLOW))
		return await_and_take(ctx, ret_msg);
	if (self->last) {
		if (heph_unlikely(!heph_inbox_take_quick(self, ret_msg)))
			return await_and_take(ctx, ret_msg);
		if (heph_unlikely(--heph_worker_of(self)->budget <= 0 ||
				  (self->flags & HEPH_FLAG_FULL)))
			return make_room_and_turn(self);
		return 0;
	}
	if (heph_unlikely(ctx.deadline != HEPH_NEVER))
		return await_and_take(ctx, ret_msg);
	self->waiting = HANDS | HEPH_WAIT_MSG | HEPH_WAIT_STOP;
	return heph_worker_suspend_then(self, ret_msg, woken);
}

int heph_raw_try_recv(struct heph_inbox *inbox, void *ret_msg, size_t size)
{
	struct heph_self *self = (struct heph_self *)inbox;

	heph_debug_assert(size == heph_type_of(self)->msg_size);
	if (!self->last)
		return -EAGAIN;
	heph_inbox_take(self, ret_msg);
	return 0;
}

/* The oldest message, which there is, stays. */
static void show_first(const struct heph_self *self, void *ret_msg)
{
	const struct heph_msg *msg = self->last->next;

	memcpy(ret_msg, msg->data, msg->size);
}

int heph_raw_peek(heph_ctx ctx, struct heph_inbox *inbox, void *ret_msg,
		  size_t size)
{
	struct heph_self *self = (struct heph_self *)inbox;
	int err;

	heph_inbox_check(ctx, self);
	heph_debug_assert(size == heph_type_of(self)->msg_size);
	err = await_msg(ctx);
	if (err < 0)
		return err;
	show_first(self, ret_msg);
	heph_worker_spend(self);
	return 0;
}

int heph_raw_try_peek(struct heph_inbox *inbox, void *ret_msg, size_t size)
{
	struct heph_self *self = (struct heph_self *)inbox;

	heph_debug_assert(size == heph_type_of(self)->msg_size);
	if (!self->last)
		return -EAGAIN;
	show_first(self, ret_msg);
	return 0;
}

struct heph_addr heph_raw_self(struct heph_inbox *inbox)
{
	return heph_self_addr((struct heph_self *)inbox);
}

struct heph_inbox_info heph_raw_inbox_info(struct heph_inbox *inbox)
{
	const struct heph_self *self = (struct heph_self *)inbox;

	return (struct heph_inbox_info){ .capacity = self->capacity,
					 .fill = self->n,
					 .received = heph_self_received(self) };
}
