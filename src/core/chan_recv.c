/* SPDX-License-Identifier: MIT */
/*
 * The receiver's side of a channel: without the lock, but for waiting and for
 * letting senders in. chan.c says how the two sides meet.
 */
#include "base/copy.h"
#include "core/chan.h"
#include "core/chan_state.h"

/* The oldest value, or NULL. Acquires it from put(). */
static void *front(struct heph_chan *chan)
{
	uint64_t tail = atomic_load_explicit(&chan->tail, memory_order_acquire);

	if (atomic_load_explicit(&chan->head, memory_order_relaxed) == tail)
		return NULL;
	return heph_chan_slot(chan, chan->head_at);
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
	struct heph_chan_woken woken;

	heph_chan_lock(chan, &woken);
	heph_chan_admit(chan, &woken);
	heph_chan_unlock(chan, &woken);
}

/* Head, then n_sending, both sequentially consistent: see above. */
static void take(struct heph_chan *chan, void *value, void *ret_value)
{
	uint64_t head = atomic_load_explicit(&chan->head, memory_order_relaxed);

	heph_copy(ret_value, value, chan->size);
	chan->head_at = heph_chan_after(chan, chan->head_at);
	atomic_store(&chan->head, head + 1);
	if (heph_unlikely(atomic_load(&chan->n_sending)))
		admit_more(chan);
}

/* Lets senders find the receiver, unless it need not wait. */
static void park(heph_ctx ctx, struct heph_chan *chan)
{
	struct heph_chan_woken woken;

	heph_chan_lock(chan, &woken);
	heph_assert(!chan->parked); /* or: two receive at a time */
	if (!front(chan) && chan->senders) {
		heph_park_prepare(&chan->park, ctx, HEPH_PARKS_CHANNEL);
		chan->parked = true;
	}
	heph_chan_unlock(chan, &woken);
}

/* Is not found any more. Whether nobody had found it before. */
static bool unpark(heph_ctx ctx, struct heph_chan *chan)
{
	struct heph_chan_woken woken;
	bool was;

	if (heph_park_woken(&chan->park))
		return false;
	heph_chan_lock(chan, &woken);
	was = chan->parked;
	chan->parked = false;
	heph_chan_unlock(chan, &woken);
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
	heph_chan_spend(ctx);
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
