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
#include "base/list.h"
#include "base/mem.h"
#include "core/park.h"
#include "core/stackrule.h"
#include "core/wait.h"

/* One that waits to send its value, or for the end. */
struct waiter {
	struct heph_list node; /* in a list of the channel, or in woken */
	struct heph_park park;
	bool listed; /* in a list of the channel */
	int result;
	alignas(16) unsigned char value[];
};

struct heph_chan {
	/* nobody, after the start */
	uint32_t size, capacity;
	void (*drop)(void *value);

	/* who has the lock */
	pthread_mutex_t lock;   /* of all but `head` and `head_at` */
	uint32_t refs;          /* handles */
	bool received, managed; /* has a receiver, a manager */
	bool parked;            /* the receiver can be found in `park` */
	uint32_t tail_at;
	_Atomic uint64_t tail;
	_Atomic uint32_t senders;          /* handles of theirs */
	struct heph_list sending, joining; /* struct waiter */
	struct heph_park park;             /* the receiver's */

	/* the receiver */
	char apart[HEPH_CACHE_LINE];
	_Atomic uint64_t head;
	uint32_t head_at;
	_Atomic uint32_t n_sending; /* length of `sending` */

	alignas(16) unsigned char slots[];
};

/* Who is to be woken when the lock has been given back. */
struct woken {
	struct heph_list waiters;
	struct heph_park *receiver;
};

/* ---- with the lock ----------------------------------------------------------- */

static void lock(struct heph_chan *chan, struct woken *woken)
{
	heph_list_init(&woken->waiters);
	woken->receiver = NULL;
	pthread_mutex_lock(&chan->lock);
}

static void unlock(struct heph_chan *chan, struct woken *woken)
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

static void *slot(struct heph_chan *chan, uint32_t at)
{
	return chan->slots + (size_t)at * chan->size;
}

static uint32_t after(const struct heph_chan *chan, uint32_t at)
{
	return at + 1 == chan->capacity ? 0 : at + 1;
}

static void call_receiver(struct heph_chan *chan, struct woken *woken)
{
	if (!chan->parked)
		return;
	chan->parked = false;
	woken->receiver = &chan->park;
}

/* The store of `tail` releases the value to front(). */
static void put(struct heph_chan *chan, const void *value, struct woken *woken)
{
	uint64_t tail = atomic_load_explicit(&chan->tail, memory_order_relaxed);

	heph_copy(slot(chan, chan->tail_at), value, chan->size);
	chan->tail_at = after(chan, chan->tail_at);
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
		    struct woken *woken)
{
	struct waiter *waiter = first_of(list);

	delist(chan, list, waiter);
	waiter->result = result;
	heph_list_push_back(&woken->waiters, &waiter->node);
}

/* Lets in those who wait, while there is room. */
static void admit(struct heph_chan *chan, struct woken *woken)
{
	while (!heph_list_empty(&chan->sending) && room(chan)) {
		put(chan, first_of(&chan->sending)->value, woken);
		release(chan, &chan->sending, 0, woken);
	}
}

static void release_all(struct heph_chan *chan, struct woken *woken)
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
	struct woken woken;

	lock(chan, &woken);
	chan->refs++;
	chan->senders++;
	unlock(chan, &woken);
}

int heph_raw_chan_new_receiver(struct heph_chan *chan)
{
	struct woken woken;
	int err = 0;

	lock(chan, &woken);
	if (chan->received) {
		err = -EBUSY;
	} else {
		chan->received = true;
		chan->refs++;
	}
	unlock(chan, &woken);
	return err;
}

/* The values that nobody will take: nobody else touches them any more. Without
 * the lock, because the values may hold handles of this very channel. */
static void drain(struct heph_chan *chan)
{
	uint64_t n = chan->tail - chan->head;

	heph_thread_hook(1);
	for (; n && chan->drop; n--) {
		chan->drop(slot(chan, chan->head_at));
		chan->head_at = after(chan, chan->head_at);
	}
	heph_thread_hook(-1);
}

static void unref(struct heph_chan *chan)
{
	struct woken woken;
	bool last;

	lock(chan, &woken);
	last = --chan->refs == 0;
	unlock(chan, &woken);
	if (!last)
		return;
	pthread_mutex_destroy(&chan->lock);
	heph_mem_free(chan);
}

static void free_sender(struct heph_chan *chan)
{
	struct woken woken;

	lock(chan, &woken);
	if (--chan->senders == 0) /* releases what they have sent to look() */
		call_receiver(chan, &woken);
	unlock(chan, &woken);
}

/* `*which` is chan->received or chan->managed. */
static void free_end(struct heph_chan *chan, bool *which)
{
	struct woken woken;
	bool is_closed;

	lock(chan, &woken);
	heph_assert(!chan->parked || which != &chan->received);
	*which = false;
	is_closed = closed(chan);
	if (is_closed)
		release_all(chan, &woken);
	unlock(chan, &woken);
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
	struct woken woken;
	bool connected;

	lock(chan, &woken);
	connected = kind == HEPH_CHAN_SENDER__ ? !closed(chan) :
						 chan->senders > 0;
	unlock(chan, &woken);
	return connected;
}

bool heph_raw_chan_has_manager(struct heph_chan *chan)
{
	struct woken woken;
	bool managed;

	lock(chan, &woken);
	managed = chan->managed;
	unlock(chan, &woken);
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
	struct woken woken;
	int err = 0;

	lock(chan, &woken);
	admit(chan, &woken);
	if (closed(chan))
		err = -EPIPE;
	else if (!room(chan))
		err = -EAGAIN;
	else
		put(chan, value, &woken);
	unlock(chan, &woken);
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
	struct woken woken;
	bool open;

	lock(chan, &woken);
	open = !closed(chan);
	if (open) {
		enlist(chan, list, waiter);
		admit(chan, &woken);
	}
	unlock(chan, &woken);
	return open;
}

/* Takes it out of the list. False: somebody else did that before, and a wake is
 * on its way. */
static bool withdraw(struct heph_chan *chan, struct heph_list *list,
		     struct waiter *waiter)
{
	struct woken woken;
	bool listed;

	lock(chan, &woken);
	listed = waiter->listed;
	if (listed)
		delist(chan, list, waiter);
	unlock(chan, &woken);
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

static void spend(heph_ctx ctx)
{
	if (ctx.self)
		heph_worker_spend(ctx.self);
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
	spend(ctx);
	return err;
}

int heph_raw_chan_join(heph_ctx ctx, struct heph_chan *chan)
{
	int err = heph_park_allowed(ctx);

	return err < 0 ? err : wait_with(ctx, chan, &chan->joining, "", 0);
}

/* ---- receiving: without the lock, but for waiting and admitting ----------------- */

/* The oldest value, or NULL. Acquires it from put(). */
static void *front(struct heph_chan *chan)
{
	uint64_t tail = atomic_load_explicit(&chan->tail, memory_order_acquire);

	if (atomic_load_explicit(&chan->head, memory_order_relaxed) == tail)
		return NULL;
	return slot(chan, chan->head_at);
}

/* Senders are counted first: when there are none, what they sent last can be
 * seen. 0, and the oldest value; -EAGAIN; -EPIPE. */
static int look(struct heph_chan *chan, void **ret_value)
{
	bool alone =
		!atomic_load_explicit(&chan->senders, memory_order_acquire);

	*ret_value = front(chan);
	if (*ret_value)
		return 0;
	return alone ? -EPIPE : -EAGAIN;
}

static void admit_more(struct heph_chan *chan)
{
	struct woken woken;

	lock(chan, &woken);
	admit(chan, &woken);
	unlock(chan, &woken);
}

/* Head, then n_sending, both sequentially consistent: see above. */
static void take(struct heph_chan *chan, void *value, void *ret_value)
{
	uint64_t head = atomic_load_explicit(&chan->head, memory_order_relaxed);

	heph_copy(ret_value, value, chan->size);
	chan->head_at = after(chan, chan->head_at);
	atomic_store(&chan->head, head + 1);
	if (heph_unlikely(atomic_load(&chan->n_sending)))
		admit_more(chan);
}

/* Lets senders find the receiver, unless it need not wait. */
static void park(heph_ctx ctx, struct heph_chan *chan)
{
	struct woken woken;

	lock(chan, &woken);
	heph_assert(!chan->parked); /* or: two receive at a time */
	if (!front(chan) && chan->senders) {
		heph_park_prepare(&chan->park, ctx, HEPH_PARKS_CHANNEL);
		chan->parked = true;
	}
	unlock(chan, &woken);
}

/* Is not found any more. Whether nobody had found it before. */
static bool unpark(heph_ctx ctx, struct heph_chan *chan)
{
	struct woken woken;
	bool was;

	if (heph_park_woken(&chan->park))
		return false;
	lock(chan, &woken);
	was = chan->parked;
	chan->parked = false;
	unlock(chan, &woken);
	if (was)
		heph_park_init(&chan->park);
	else
		heph_park_finish(ctx, &chan->park);
	return was;
}

/* Waits for a value. As look(); -ETIME, -ECANCELED, -ENOMEM. */
static int await(heph_ctx ctx, struct heph_chan *chan, void **ret_value)
{
	int err = heph_park_allowed(ctx), looked;

	if (err < 0)
		return err;
	while ((looked = look(chan, ret_value)) == -EAGAIN) {
		park(ctx, chan);
		err = heph_park_wait(ctx, &chan->park);
		if (err < 0 && unpark(ctx, chan))
			return err;
	}
	spend(ctx);
	return looked;
}

int heph_raw_chan_try_recv(struct heph_chan *chan, void *ret_value, size_t size)
{
	void *value;
	int err;

	heph_assert(size == chan->size);
	err = look(chan, &value);
	if (err == 0)
		take(chan, value, ret_value);
	return err;
}

int heph_raw_chan_recv(heph_ctx ctx, struct heph_chan *chan, void *ret_value,
		       size_t size)
{
	void *value;
	int err;

	heph_assert(size == chan->size);
	err = await(ctx, chan, &value);
	if (err == 0)
		take(chan, value, ret_value);
	return err;
}

int heph_raw_chan_try_peek(struct heph_chan *chan, void **ret_value)
{
	return look(chan, ret_value);
}

int heph_raw_chan_peek(heph_ctx ctx, struct heph_chan *chan, void **ret_value)
{
	*ret_value = NULL;
	return await(ctx, chan, ret_value);
}

/* ---- as a clause ------------------------------------------------------------------ */

static struct heph_chan *chan_of(const struct heph_clause *clause)
{
	return clause->on->object;
}

int heph_chan_clause_begin(heph_ctx ctx, struct heph_clause *clause)
{
	clause->begun = chan_of(clause);
	return 0;
}

/* Once it has begun the receiver is parked when this returns 0, or its wake is
 * on the way; so it looks after it has parked. */
int heph_chan_clause_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_chan *chan = chan_of(clause);
	void *value;
	int err;

	heph_assert(clause->on->size == chan->size);
	while ((err = look(chan, &value)) == -EAGAIN && clause->begun &&
	       heph_park_woken(&chan->park))
		park(ctx, chan);
	if (err < 0)
		return err == -EAGAIN ? 0 : err;
	take(chan, value, clause->on->ret);
	return 1;
}

void heph_chan_clause_end(heph_ctx ctx, struct heph_clause *clause)
{
	(void)unpark(ctx, chan_of(clause));
}
