/* SPDX-License-Identifier: MIT */
/*
 * A ring between senders, who take turns by a lock, and one receiver, who does
 * not need it: it takes values out of the ring as long as there are any.
 *
 *   tail    values put in since the start; changed under the lock
 *   head    values taken out; changed by the receiver, without the lock
 *
 * The receiver waits: under the lock it finds the ring empty and sets `parked`.
 * A sender, under the same lock, puts a value in and finds `parked`; it takes
 * that back and wakes the receiver. No step of one is between two of the other.
 *
 * A sender waits: under the lock it puts a record with a copy of its value at
 * the end of `sending`, raises n_sending, and looks whether there is room after
 * all. The receiver takes a value (head) and then looks at n_sending. Both are
 * sequentially consistent, so one of the two sees the other; that one admits:
 * under the lock it moves values of waiting senders into the ring while there is
 * room, the oldest first, and wakes those senders. So a sender that is woken has
 * sent, or cannot any more; nobody competes with it for the room. While anybody
 * waits nobody overtakes: every send admits first and then finds the ring full.
 *
 * A sender that gives up takes its record out under the lock. If it is not in
 * the list any more the value was sent: that is the result then.
 *
 * The wakes themselves are done after the lock was given back.
 *
 * tests/model/chan.pml is a model of this, which CI looks through in all orders
 * of events.
 */
#include "core/chan.h"

#include <pthread.h>
#include <string.h>

#include "base/copy.h"
#include "base/mem.h"
#include "core/chan_state.h"
#include "core/stackrule.h"

/* One that waits to send its value, or for the end. */
struct waiter {
	struct heph_list node; /* in a list of the channel, or in woken */
	struct heph_park park;
	bool listed; /* in a list of the channel */
	int result;
	alignas(16) unsigned char value[];
};

/* ---- with the lock ----------------------------------------------------------- */

void heph_chan_lock(struct heph_chan *chan, struct heph_chan_woken *woken)
{
	heph_list_init(&woken->waiters);
	woken->receiver = NULL;
	pthread_mutex_lock(&chan->lock);
}

void heph_chan_unlock(struct heph_chan *chan, struct heph_chan_woken *woken)
{
	struct heph_list *node;
	struct waiter *waiter;

	pthread_mutex_unlock(&chan->lock);
	if (woken->receiver)
		(void)heph_park_wake(woken->receiver);
	while ((node = heph_list_pop_front(&woken->waiters))) {
		waiter = heph_container_of(node, struct waiter, node);
		if (!heph_park_wake(&waiter->park))
			heph_mem_free(waiter);
	}
}

static bool closed(const struct heph_chan *chan)
{
	return !chan->received && !chan->managed;
}

/* The head is the receiver's last access to the slot before; it is also the
 * second look of who has raised n_sending. */
static bool room(struct heph_chan *chan)
{
	return atomic_load_explicit(&chan->tail, memory_order_relaxed) -
		       atomic_load(&chan->head) <
	       chan->capacity;
}

static void call_receiver(struct heph_chan *chan, struct heph_chan_woken *woken)
{
	if (!chan->parked)
		return;
	chan->parked = false;
	woken->receiver = &chan->park;
}

/* The store of `tail` releases the value to front(). */
static void put(struct heph_chan *chan, const void *value,
		struct heph_chan_woken *woken)
{
	uint64_t tail = atomic_load_explicit(&chan->tail, memory_order_relaxed);

	heph_copy(heph_chan_slot(chan, chan->tail_at), value, chan->size);
	chan->tail_at = heph_chan_after(chan, chan->tail_at);
	atomic_store_explicit(&chan->tail, tail + 1, memory_order_release);
	call_receiver(chan, woken);
}

static void count_sending(struct heph_chan *chan, int more)
{
	uint32_t n =
		atomic_load_explicit(&chan->n_sending, memory_order_relaxed);

	atomic_store(&chan->n_sending, n + (uint32_t)more);
}

static void enlist(struct heph_chan *chan, struct heph_list *list,
		   struct waiter *waiter)
{
	heph_list_push_back(list, &waiter->node);
	waiter->listed = true;
	if (list == &chan->sending)
		count_sending(chan, 1);
}

static void delist(struct heph_chan *chan, struct heph_list *list,
		   struct waiter *waiter)
{
	heph_list_remove(&waiter->node);
	waiter->listed = false;
	if (list == &chan->sending)
		count_sending(chan, -1);
}

static struct waiter *first_of(struct heph_list *list)
{
	struct heph_list *node = heph_list_first(list);

	return node ? heph_container_of(node, struct waiter, node) : NULL;
}

/* Takes the first one out of a list of the channel, to be woken. */
static void release(struct heph_chan *chan, struct heph_list *list, int result,
		    struct heph_chan_woken *woken)
{
	struct waiter *waiter = first_of(list);

	delist(chan, list, waiter);
	waiter->result = result;
	heph_list_push_back(&woken->waiters, &waiter->node);
}

void heph_chan_admit(struct heph_chan *chan, struct heph_chan_woken *woken)
{
	while (!heph_list_empty(&chan->sending) && room(chan)) {
		put(chan, first_of(&chan->sending)->value, woken);
		release(chan, &chan->sending, 0, woken);
	}
}

static void release_all(struct heph_chan *chan, struct heph_chan_woken *woken)
{
	while (!heph_list_empty(&chan->sending))
		release(chan, &chan->sending, -EPIPE, woken);
	while (!heph_list_empty(&chan->joining))
		release(chan, &chan->joining, 0, woken);
}

/* ---- handles ------------------------------------------------------------------ */

static struct heph_chan *make(size_t size, uint32_t capacity)
{
	struct heph_chan *chan =
		heph_mem_alloc_raw(sizeof(*chan) + capacity * size);

	if (!chan)
		return NULL;
	*chan = (struct heph_chan){ .size = (uint32_t)size,
				    .capacity = capacity };
	pthread_mutex_init(&chan->lock, NULL);
	heph_list_init(&chan->sending);
	heph_list_init(&chan->joining);
	heph_park_init(&chan->park);
	return chan;
}

int heph_raw_chan_new(size_t size, unsigned capacity, void (*drop)(void *value),
		      bool managed, struct heph_chan **ret_chan)
{
	struct heph_chan *chan;

	*ret_chan = NULL;
	if (!capacity || capacity > HEPH_INBOX_MAX || size > HEPH_MSG_MAX)
		return -EINVAL;
	chan = make(size, capacity);
	if (!chan)
		return -ENOMEM;
	chan->drop = drop;
	chan->senders = 1;
	chan->received = true;
	chan->managed = managed;
	chan->refs = 2 + managed;
	*ret_chan = chan;
	return 0;
}

void heph_raw_chan_new_sender(struct heph_chan *chan)
{
	struct heph_chan_woken woken;

	heph_chan_lock(chan, &woken);
	chan->refs++;
	chan->senders++;
	heph_chan_unlock(chan, &woken);
}

int heph_raw_chan_new_receiver(struct heph_chan *chan)
{
	struct heph_chan_woken woken;
	int err = 0;

	heph_chan_lock(chan, &woken);
	if (chan->received) {
		err = -EBUSY;
	} else {
		chan->received = true;
		chan->refs++;
	}
	heph_chan_unlock(chan, &woken);
	return err;
}

/* The values that nobody will take: nobody else touches them any more. Without
 * the lock, because the values may hold handles of this very channel. */
static void drain(struct heph_chan *chan)
{
	uint64_t n = chan->tail - chan->head;

	heph_thread_hook(1);
	for (; n && chan->drop; n--) {
		chan->drop(heph_chan_slot(chan, chan->head_at));
		chan->head_at = heph_chan_after(chan, chan->head_at);
	}
	heph_thread_hook(-1);
}

static void unref(struct heph_chan *chan)
{
	struct heph_chan_woken woken;
	bool last;

	heph_chan_lock(chan, &woken);
	last = --chan->refs == 0;
	heph_chan_unlock(chan, &woken);
	if (!last)
		return;
	pthread_mutex_destroy(&chan->lock);
	heph_mem_free(chan);
}

static void free_sender(struct heph_chan *chan)
{
	struct heph_chan_woken woken;

	heph_chan_lock(chan, &woken);
	if (--chan->senders == 0) /* releases what they have sent to look() */
		call_receiver(chan, &woken);
	heph_chan_unlock(chan, &woken);
}

/* `*which` is chan->received or chan->managed. */
static void free_end(struct heph_chan *chan, bool *which)
{
	struct heph_chan_woken woken;
	bool is_closed;

	heph_chan_lock(chan, &woken);
	heph_assert(!chan->parked || which != &chan->received);
	*which = false;
	is_closed = closed(chan);
	if (is_closed)
		release_all(chan, &woken);
	heph_chan_unlock(chan, &woken);
	if (is_closed)
		drain(chan);
}

void heph_raw_chan_free(struct heph_chan *chan, size_t kind)
{
	if (!chan)
		return;
	if (kind == HEPH_CHAN_SENDER__)
		free_sender(chan);
	else
		free_end(chan, kind == HEPH_CHAN_RECEIVER__ ? &chan->received :
							      &chan->managed);
	unref(chan);
}

bool heph_raw_chan_is_connected(struct heph_chan *chan, size_t kind)
{
	struct heph_chan_woken woken;
	bool connected;

	heph_chan_lock(chan, &woken);
	connected = kind == HEPH_CHAN_SENDER__ ? !closed(chan) :
						 chan->senders > 0;
	heph_chan_unlock(chan, &woken);
	return connected;
}

bool heph_raw_chan_has_manager(struct heph_chan *chan)
{
	struct heph_chan_woken woken;
	bool managed;

	heph_chan_lock(chan, &woken);
	managed = chan->managed;
	heph_chan_unlock(chan, &woken);
	return managed;
}

unsigned heph_raw_chan_capacity(const struct heph_chan *chan)
{
	return chan->capacity;
}

/* The head first: then it is not past the tail. */
unsigned heph_raw_chan_count(struct heph_chan *chan)
{
	uint64_t head = atomic_load(&chan->head);
	uint64_t n = atomic_load(&chan->tail) - head;

	return n < chan->capacity ? (unsigned)n : chan->capacity;
}

/* ---- sending ------------------------------------------------------------------- */

static int send_now(struct heph_chan *chan, const void *value)
{
	struct heph_chan_woken woken;
	int err = 0;

	heph_chan_lock(chan, &woken);
	heph_chan_admit(chan, &woken);
	if (closed(chan))
		err = -EPIPE;
	else if (!room(chan))
		err = -EAGAIN;
	else
		put(chan, value, &woken);
	heph_chan_unlock(chan, &woken);
	return err;
}

int heph_raw_chan_try_send(struct heph_chan *chan, const void *value,
			   size_t size)
{
	struct heph_thread *thread = heph_thread_current;

	heph_assert(size == chan->size);
	if (thread && thread->current)
		heph_stackrule_check(thread->current, value, size, "value",
				     NULL);
	return send_now(chan, value);
}

static struct waiter *make_waiter(heph_ctx ctx, const void *value, size_t size)
{
	struct waiter *waiter = heph_mem_alloc_raw(sizeof(*waiter) + size);

	if (!waiter)
		return NULL;
	waiter->result = 0;
	waiter->listed = false;
	heph_park_prepare(&waiter->park, ctx, HEPH_PARKS_CHANNEL);
	memcpy(waiter->value, value, size);
	return waiter;
}

/* Puts it into a list, unless the channel is closed, and looks again whether
 * there is room. Whether it was put there. */
static bool announce(struct heph_chan *chan, struct heph_list *list,
		     struct waiter *waiter)
{
	struct heph_chan_woken woken;
	bool open;

	heph_chan_lock(chan, &woken);
	open = !closed(chan);
	if (open) {
		enlist(chan, list, waiter);
		heph_chan_admit(chan, &woken);
	}
	heph_chan_unlock(chan, &woken);
	return open;
}

/* Takes it out of the list. False: somebody else did that before, and a wake is
 * on its way. */
static bool withdraw(struct heph_chan *chan, struct heph_list *list,
		     struct waiter *waiter)
{
	struct heph_chan_woken woken;
	bool listed;

	heph_chan_lock(chan, &woken);
	listed = waiter->listed;
	if (listed)
		delist(chan, list, waiter);
	heph_chan_unlock(chan, &woken);
	return listed;
}

static int wait_in(heph_ctx ctx, struct heph_chan *chan, struct heph_list *list,
		   struct waiter *waiter)
{
	int err;

	if (!announce(chan, list, waiter))
		return list == &chan->sending ? -EPIPE : 0;
	err = heph_park_wait(ctx, &waiter->park);
	if (err < 0) {
		if (withdraw(chan, list, waiter))
			return err;
		heph_park_finish(ctx, &waiter->park);
	}
	return waiter->result;
}

static int wait_with(heph_ctx ctx, struct heph_chan *chan,
		     struct heph_list *list, const void *value, size_t size)
{
	struct waiter *waiter = make_waiter(ctx, value, size);
	int err;

	if (!waiter)
		return -ENOMEM;
	err = wait_in(ctx, chan, list, waiter);
	heph_mem_free(waiter);
	return err;
}

int heph_raw_chan_send(heph_ctx ctx, struct heph_chan *chan, const void *value,
		       size_t size)
{
	int err = heph_park_allowed(ctx);

	heph_assert(size == chan->size);
	if (err < 0)
		return err;
	if (ctx.self)
		heph_stackrule_check(ctx.self, value, size, "value", NULL);
	err = send_now(chan, value);
	if (err == -EAGAIN)
		return wait_with(ctx, chan, &chan->sending, value, size);
	heph_chan_spend(ctx);
	return err;
}

int heph_raw_chan_join(heph_ctx ctx, struct heph_chan *chan)
{
	int err = heph_park_allowed(ctx);

	return err < 0 ? err : wait_with(ctx, chan, &chan->joining, "", 0);
}
