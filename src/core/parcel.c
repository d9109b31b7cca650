/* SPDX-License-Identifier: MIT */
#include "core/parcel.h"

#include "base/mem.h"
#include "core/lane.h"
#include "core/wait.h"

static void arrive(struct heph_event *event);
static void on_cancel(struct heph_event *event);

static struct heph_parcel *make(struct heph_thread *to, struct heph_addr addr,
				const struct heph_letter *letter)
{
	size_t size = sizeof(struct heph_parcel) + letter->size;
	bool local = to == heph_thread_current;
	struct heph_parcel *parcel;

	parcel = local ? heph_pool_take(&to->pool, size) :
			 heph_mem_alloc_raw(size);
	if (!parcel)
		return NULL;
	*parcel = (struct heph_parcel){
		.request.event.fn = arrive,
		.cancel.fn = on_cancel,
		.id = addr.id,
		.slot = addr.slot,
		.thread = to,
		.local = local,
		.lane = -1,
		.size = letter->size,
		.reply_at = letter->reply_at,
	};
	heph_list_init(&parcel->node);
	heph_letter_copy(letter, parcel->data);
	return parcel;
}

static void dispose(struct heph_parcel *parcel)
{
	if (parcel->local)
		heph_pool_give(&parcel->thread->pool, parcel,
			       sizeof(*parcel) + parcel->size);
	else
		heph_mem_free(parcel);
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
	struct heph_letter letter = { .data = parcel->data,
				      .size = parcel->size,
				      .reply_at = parcel->reply_at };

	if (parcel->probe)
		return 0;
	if (letter.reply_at != HEPH_NO_REPLY) /* it is in the data already */
		memcpy(&letter.reply, parcel->data + parcel->reply_at,
		       sizeof(letter.reply));
	return heph_inbox_put(self, &letter);
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

	if (parcel->lane >= 0)
		heph_lane_read(worker, (unsigned)parcel->lane);
	self = heph_worker_find(worker, parcel->id, parcel->slot);
	if (parcel->under_way)
		deliver_or_drop(worker, self, parcel);
	else
		deliver_or_queue(self, parcel);
}

static struct heph_parcel *next_waiting(struct heph_self *self)
{
	struct heph_list *node = heph_list_pop_front(&self->ext->parcels);

	return node ? heph_container_of(node, struct heph_parcel, node) : NULL;
}

void heph_parcels_admit(struct heph_self *self)
{
	struct heph_parcel *parcel;

	while (!heph_inbox_full(self) && (parcel = next_waiting(self)))
		if (claim(parcel))
			send_back(parcel, put(self, parcel));
}

void heph_parcels_refuse(struct heph_self *self)
{
	struct heph_parcel *parcel;

	while ((parcel = next_waiting(self)))
		if (claim(parcel))
			send_back(parcel, -ESRCH);
}

/* ---- the sender ---------------------------------------------------------- */

int heph_parcel_post(struct heph_thread *to, struct heph_addr addr,
		     const struct heph_letter *letter,
		     _Atomic uint32_t *under_way)
{
	struct heph_parcel *parcel = make(to, addr, letter);

	if (!parcel)
		return -ENOMEM;
	atomic_fetch_add(under_way, 1);
	parcel->under_way = under_way;
	heph_thread_post(to, &parcel->request.event);
	return 0;
}

/* The receiver's worker takes it out of the list, if it is there, and frees
 * it: senders that try for a short while each leave nothing behind. */
static void give_up(struct heph_self *sender, struct heph_parcel *parcel)
{
	if (parcel->thread == sender->thread)
		on_cancel(&parcel->cancel);
	else
		heph_thread_post(parcel->thread, &parcel->cancel);
}

/* Sends a parcel that somebody waits for. */
static void start(struct heph_self *self, struct heph_parcel *parcel)
{
	struct heph_thread *from = self->thread, *to = parcel->thread;

	heph_request_init(&parcel->request, self, HEPH_WAIT_ROOM, arrive);
	if (to != from && heph_thread_has_lanes(from, to)) {
		parcel->lane = from->number;
		heph_lanes_flush((struct heph_worker *)from);
	}
	heph_request_send(&parcel->request, to);
}

int heph_parcel_send(heph_ctx ctx, struct heph_thread *to,
		     struct heph_addr addr, const struct heph_letter *letter)
{
	struct heph_parcel *parcel = make(to, addr, letter);
	bool gone = false;
	int err;

	if (!parcel)
		return -ENOMEM;
	start(ctx.self, parcel);
	err = heph_request_await(ctx, &parcel->request, &gone);
	if (gone)
		give_up(ctx.self, parcel);
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
	struct heph_parcel *parcel = make(to, addr, &nothing);

	if (!parcel)
		return NULL;
	parcel->probe = true;
	start(asker, parcel);
	return parcel;
}

void heph_parcel_end(struct heph_self *asker, struct heph_parcel *parcel)
{
	if (heph_request_abandon(&parcel->request))
		give_up(asker, parcel);
	else
		dispose(parcel);
}
