/* SPDX-License-Identifier: MIT */
#include "core/parcel.h"

#include "base/mem.h"
#include "core/lane.h"
#include "core/wait.h"

static void arrive(struct heph_event *event);
static void on_cancel(struct heph_event *event);

/* One that stays on this thread is from its pool. */
static struct heph_parcel *make(struct heph_thread *to, struct heph_addr addr,
				const struct heph_letter *letter,
				struct heph_lane *lane)
{
	size_t size = sizeof(struct heph_parcel) + letter->size;
	struct heph_thread *mine = heph_thread_current;
	struct heph_pool *pool = lane || to == mine ? &mine->pool : NULL;
	struct heph_parcel *parcel;

	parcel = pool ? heph_pool_take(pool, size) : heph_mem_alloc_raw(size);
	if (!parcel)
		return NULL;
	*parcel = (struct heph_parcel){
		.request.event.fn = arrive,
		.cancel.fn = on_cancel,
		.id = addr.id,
		.slot = addr.slot,
		.thread = to,
		.lane = lane,
		.pool = pool,
		.size = letter->size,
		.reply_at = letter->reply_at,
	};
	heph_list_init(&parcel->node);
	heph_letter_copy(letter, parcel->data);
	return parcel;
}

static void dispose(struct heph_parcel *parcel)
{
	if (parcel->pool)
		heph_pool_give(parcel->pool, parcel,
			       sizeof(*parcel) + parcel->size);
	else
		heph_mem_free(parcel);
}

static struct heph_letter letter_of(struct heph_parcel *parcel)
{
	struct heph_letter letter = { .data = parcel->data,
				      .size = parcel->size,
				      .reply_at = parcel->reply_at };

	if (letter.reply_at != HEPH_NO_REPLY) /* it is in the data already */
		memcpy(&letter.reply, parcel->data + parcel->reply_at,
		       sizeof(letter.reply));
	return letter;
}

static struct heph_parcel *parcel_at(struct heph_list *node)
{
	return heph_container_of(node, struct heph_parcel, node);
}

/* ---- the receiver's worker ----------------------------------------------- */

/* Whether the sender still waits; if not, its cancellation is on the way. */
static bool claim(struct heph_parcel *parcel)
{
	return heph_request_claim(&parcel->request);
}

/* The sender has given it up. It has arrived before. */
static void on_cancel(struct heph_event *event)
{
	struct heph_parcel *parcel =
		heph_container_of(event, struct heph_parcel, cancel);

	heph_list_remove(&parcel->node);
	dispose(parcel);
}

static void send_back(struct heph_parcel *parcel, int result)
{
	heph_request_answer(&parcel->request, result);
}

static int put(struct heph_self *self, struct heph_parcel *parcel)
{
	struct heph_letter letter = letter_of(parcel);

	return parcel->probe ? 0 : heph_inbox_put(self, &letter);
}

/* For a parcel that somebody waits for. */
static void deliver_or_queue(struct heph_self *self, struct heph_parcel *parcel)
{
	struct heph_ext *ext;

	if (self && heph_inbox_full(self)) {
		ext = heph_self_extend(self);
		if (ext) {
			heph_list_push_back(&ext->parcels, &parcel->node);
			return;
		}
	}
	if (!claim(parcel))
		return;
	if (!self)
		send_back(parcel, -ESRCH);
	else if (heph_inbox_full(self))
		send_back(parcel, -ENOMEM);
	else
		send_back(parcel, put(self, parcel));
}

/* For a parcel that nobody waits for. */
static void deliver_or_drop(struct heph_worker *worker, struct heph_self *self,
			    struct heph_parcel *parcel)
{
	if (!self || put(self, parcel) < 0)
		heph_msg_undeliverable(&worker->thread,
				       heph_kind_at(worker, parcel->slot),
				       parcel->data, parcel->reply_at);
	atomic_fetch_sub(parcel->under_way, 1);
	dispose(parcel);
}

static void arrive(struct heph_event *event)
{
	struct heph_parcel *parcel =
		heph_container_of(event, struct heph_parcel, request.event);
	struct heph_worker *worker = (struct heph_worker *)parcel->thread;
	struct heph_self *self;

	self = heph_worker_find(worker, parcel->id, parcel->slot);
	if (parcel->under_way)
		deliver_or_drop(worker, self, parcel);
	else
		deliver_or_queue(self, parcel);
}

static struct heph_parcel *next_waiting(struct heph_self *self)
{
	struct heph_list *node = heph_list_pop_front(&self->ext->parcels);

	return node ? parcel_at(node) : NULL;
}

bool heph_parcels_admit(struct heph_self *self)
{
	struct heph_parcel *parcel = NULL;

	while (self->ext && (parcel = next_waiting(self)) && !claim(parcel))
		;
	if (parcel)
		send_back(parcel, put(self, parcel));
	return parcel;
}

void heph_parcels_refuse(struct heph_self *self)
{
	struct heph_parcel *parcel;

	while ((parcel = next_waiting(self)))
		if (claim(parcel))
			send_back(parcel, -ESRCH);
}

/* ---- at a lane ----------------------------------------------------------- */

/* How many of those that wait at a lane are looked at in a turn, how many are
 * let in, and how many messages each of them may send before the next one to
 * the same receiver is let in. */
enum { LOOKS = 32, PASSES = 8, SHARE = HEPH_WINDOW / 2 };

/* Tells the receiver's worker that somebody wants in, where it is full. 0;
 * -EAGAIN, -ESRCH. */
static int look(struct heph_parcel *parcel)
{
	struct heph_worker *worker = (struct heph_worker *)parcel->thread;
	_Atomic uint64_t *place = &worker->places[parcel->slot];
	uint64_t found = atomic_load(place);

	if ((found ^ parcel->id) / HEPH_THREADS_MAX)
		return -ESRCH;
	if ((found & HEPH_PLACE_FULL) && !(found & HEPH_PLACE_WANTED))
		found = atomic_fetch_or(place, HEPH_PLACE_WANTED);
	return found & HEPH_PLACE_FULL ? -EAGAIN : 0;
}

static uint32_t size_in_lane(struct heph_parcel *parcel)
{
	struct heph_addr addr = { .id = parcel->id, .slot = parcel->slot };
	struct heph_kind *kind;

	if (!parcel->probe)
		return parcel->size;
	kind = heph_kind_with(parcel->thread->heph, addr);
	return kind ? (uint32_t)kind->type->msg_size : 0;
}

/* Whether there is room. First what is under way, so that an inbox that was
 * filled by that is seen to be full. 0; -EAGAIN, -ESRCH. */
static int room_at_lane(struct heph_parcel *parcel)
{
	if (!heph_lane_has_room(parcel->lane, parcel->slot,
				size_in_lane(parcel), true))
		return -EAGAIN;
	return look(parcel);
}

static int pass(struct heph_parcel *parcel, struct heph_worker *from)
{
	struct heph_letter letter = letter_of(parcel);
	int err = room_at_lane(parcel);

	if (err < 0 || parcel->probe)
		return err;
	return heph_lane_write_waited(parcel->lane, from, parcel->id,
				      parcel->slot, &letter);
}

/* Those that may not yet go to the end, so that all are looked at by turns. */
static void pass_some(struct heph_lane *lane, struct heph_worker *from)
{
	unsigned looks = LOOKS, n = 0;
	struct heph_list *node, *last = lane->waiting.prev;
	uint32_t passed[PASSES];
	struct heph_parcel *parcel;
	int err;

	while (looks-- && n < PASSES &&
	       (node = heph_list_pop_front(&lane->waiting))) {
		parcel = parcel_at(node);
		err = pass(parcel, from);
		if (err == 0) {
			heph_lane_pretend(lane, parcel->slot, SHARE);
			passed[n++] = parcel->slot;
		}
		if (err == -EAGAIN)
			heph_list_push_back(&lane->waiting, node);
		else if (claim(parcel))
			send_back(parcel, err);
		if (node == last)
			break;
	}
	while (n)
		heph_lane_pretend(lane, passed[--n], -SHARE);
}

void heph_parcels_pass(struct heph_worker *from)
{
	struct heph_lane **link = &from->blocked, *lane;

	while ((lane = *link)) {
		pass_some(lane, from);
		if (heph_list_empty(&lane->waiting)) {
			*link = lane->next_blocked;
			heph_lane_unblock(lane);
		} else {
			link = &lane->next_blocked;
		}
	}
}

bool heph_parcels_may_pass(struct heph_worker *from)
{
	struct heph_list *node;

	for (struct heph_lane *lane = from->blocked; lane;
	     lane = lane->next_blocked)
		heph_list_each(node, &lane->waiting)
			if (room_at_lane(parcel_at(node)) != -EAGAIN)
				return true;
	return false;
}

/* ---- the sender ---------------------------------------------------------- */

int heph_parcel_post(struct heph_thread *to, struct heph_addr addr,
		     const struct heph_letter *letter,
		     _Atomic uint32_t *under_way)
{
	struct heph_parcel *parcel = make(to, addr, letter, NULL);

	if (!parcel)
		return -ENOMEM;
	atomic_fetch_add(under_way, 1);
	parcel->under_way = under_way;
	heph_thread_post(to, &parcel->request.event);
	return 0;
}

/* Whoever has the list takes it out, if it is there, and frees it: senders that
 * try for a short while each leave nothing behind. */
static void give_up(struct heph_parcel *parcel)
{
	if (parcel->pool)
		on_cancel(&parcel->cancel);
	else
		heph_thread_post(parcel->thread, &parcel->cancel);
}

/* Sends a parcel that somebody waits for. */
static void start(struct heph_self *self, struct heph_parcel *parcel)
{
	heph_request_init(&parcel->request, self, HEPH_WAIT_ROOM, arrive);
	if (parcel->lane) {
		heph_list_push_back(&parcel->lane->waiting, &parcel->node);
		heph_lane_block(parcel->lane, heph_worker_of(self));
	} else {
		heph_request_send(&parcel->request, parcel->thread);
	}
}

/* A parcel of an actor, or of a thread, that will wait. */
static struct heph_parcel *make_to_wait(struct heph_self *self,
					struct heph_thread *to,
					struct heph_addr addr,
					const struct heph_letter *letter)
{
	struct heph_lane *lane = NULL;

	if (to != self->thread && heph_thread_has_lanes(self->thread, to)) {
		lane = heph_lane_to(heph_worker_of(self), to);
		if (!lane)
			return NULL;
	}
	return make(to, addr, letter, lane);
}

int heph_parcel_send(heph_ctx ctx, struct heph_thread *to,
		     struct heph_addr addr, const struct heph_letter *letter)
{
	struct heph_parcel *parcel = make_to_wait(ctx.self, to, addr, letter);
	bool gone = false;
	int err;

	if (!parcel)
		return -ENOMEM;
	start(ctx.self, parcel);
	err = heph_request_await(ctx, &parcel->request, &gone);
	if (gone)
		give_up(parcel);
	else
		dispose(parcel);
	return err;
}

struct heph_parcel *heph_parcel_ask(struct heph_self *asker,
				    struct heph_thread *to,
				    struct heph_addr addr)
{
	const struct heph_letter nothing = { .data = "",
					     .reply_at = HEPH_NO_REPLY };
	struct heph_parcel *parcel = make_to_wait(asker, to, addr, &nothing);

	if (!parcel)
		return NULL;
	parcel->probe = true;
	start(asker, parcel);
	return parcel;
}

void heph_parcel_end(struct heph_parcel *parcel)
{
	if (heph_request_abandon(&parcel->request))
		give_up(parcel);
	else
		dispose(parcel);
}
