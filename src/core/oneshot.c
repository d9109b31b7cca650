/* SPDX-License-Identifier: MIT */
/*
 * All is in one word, of four bits:
 *
 *     SENDER    there is a sender; it clears this when it sends or leaves, and
 *               touches the memory no more, but to wake
 *     RECEIVER  there is a receiver
 *     VALUE     there is a value; the sender has gone by then
 *     PARKED    the receiver can be found in `park`
 *
 * Of sender and receiver, who goes last frees the memory. The receiver parks by
 * one swap that fails if the sender has changed the word since it looked; the
 * sender takes PARKED back in the swap with which it goes, and then it is the
 * one to wake. So no wake is lost, and the memory is there for it, because the
 * receiver waits.
 *
 * tests/model/oneshot.pml is a model of this.
 */
#include "core/oneshot.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "core/park.h"
#include "core/stackrule.h"

enum { SENDER = 1 << 0, RECEIVER = 1 << 1, VALUE = 1 << 2, PARKED = 1 << 3 };

struct heph_oneshot {
	_Atomic unsigned state;
	uint32_t size;
	void (*drop)(void *value);
	struct heph_park park; /* the receiver's */
	alignas(16) unsigned char value[];
};

int heph_raw_oneshot_new(size_t size, void (*drop)(void *value),
			 struct heph_oneshot **ret_shot)
{
	struct heph_oneshot *shot;

	*ret_shot = NULL;
	if (size > HEPH_MSG_MAX)
		return -EINVAL;
	shot = heph_mem_alloc_raw(sizeof(*shot) + size);
	if (!shot)
		return -ENOMEM;
	*shot = (struct heph_oneshot){ .state = SENDER | RECEIVER,
				       .size = (uint32_t)size,
				       .drop = drop };
	heph_park_init(&shot->park);
	*ret_shot = shot;
	return 0;
}

/* ---- the sender ---------------------------------------------------------------- */

/* Goes, with a value in place (`more` is VALUE) or without. The swap releases
 * the value to look(), and acquires that the receiver has gone. */
static int leave(struct heph_oneshot *shot, unsigned more)
{
	unsigned old = atomic_load(&shot->state);

	do {
		if (!(old & RECEIVER)) {
			heph_mem_free(shot);
			return -EPIPE;
		}
	} while (!atomic_compare_exchange_weak(&shot->state, &old,
					       (old & RECEIVER) | more));
	if (old & PARKED)
		(void)heph_park_wake(&shot->park);
	return 0;
}

int heph_raw_oneshot_send(struct heph_oneshot *shot, const void *value,
			  size_t size)
{
	struct heph_thread *thread = heph_thread_current;

	heph_assert(size == shot->size);
	if (thread && thread->current)
		heph_stackrule_check(thread->current, value, size, "value",
				     NULL);
	memcpy(shot->value, value, size);
	return leave(shot, VALUE);
}

/* ---- the receiver --------------------------------------------------------------- */

static void drop_value(struct heph_oneshot *shot)
{
	heph_thread_hook(1);
	if (shot->drop)
		shot->drop(shot->value);
	heph_thread_hook(-1);
}

static void free_receiver(struct heph_oneshot *shot)
{
	unsigned old = atomic_fetch_and(&shot->state, ~(unsigned)RECEIVER);

	heph_assert(!(old & PARKED));
	if (old & VALUE)
		drop_value(shot);
	if (!(old & SENDER))
		heph_mem_free(shot);
}

void heph_raw_oneshot_free(struct heph_oneshot *shot, size_t kind)
{
	if (!shot)
		return;
	if (kind == HEPH_ONESHOT_SENDER__)
		(void)leave(shot, 0);
	else
		free_receiver(shot);
}

bool heph_raw_oneshot_is_connected(struct heph_oneshot *shot, size_t kind)
{
	return atomic_load(&shot->state) &
	       (kind == HEPH_ONESHOT_SENDER__ ? RECEIVER : SENDER);
}

/* 0: there is a value; -EAGAIN; -EPIPE. */
static int look(struct heph_oneshot *shot)
{
	unsigned state =
		atomic_load_explicit(&shot->state, memory_order_acquire);

	if (state & VALUE)
		return 0;
	return state & SENDER ? -EAGAIN : -EPIPE;
}

static void take(struct heph_oneshot *shot, void *ret_value)
{
	memcpy(ret_value, shot->value, shot->size);
	atomic_fetch_and(&shot->state, ~(unsigned)VALUE);
}

/* Lets the sender find the receiver, unless it has gone. */
static void park(heph_ctx ctx, struct heph_oneshot *shot)
{
	unsigned waiting = SENDER | RECEIVER;

	heph_park_prepare(&shot->park, ctx, HEPH_PARKS_ONESHOT);
	if (!atomic_compare_exchange_strong(&shot->state, &waiting,
					    waiting | PARKED))
		heph_park_init(&shot->park);
}

/* Is not found any more. Whether the sender had not found it before. */
static bool unpark(heph_ctx ctx, struct heph_oneshot *shot)
{
	unsigned parked = SENDER | RECEIVER | PARKED;

	if (heph_park_woken(&shot->park))
		return false;
	if (atomic_compare_exchange_strong(&shot->state, &parked,
					   SENDER | RECEIVER)) {
		heph_park_init(&shot->park);
		return true;
	}
	heph_park_finish(ctx, &shot->park);
	return false;
}

int heph_raw_oneshot_try_recv(struct heph_oneshot *shot, void *ret_value,
			      size_t size)
{
	int err = look(shot);

	heph_assert(size == shot->size);
	if (err == 0)
		take(shot, ret_value);
	return err;
}

int heph_raw_oneshot_recv(heph_ctx ctx, struct heph_oneshot *shot,
			  void *ret_value, size_t size)
{
	int err = heph_park_allowed(ctx);

	if (err < 0)
		return err;
	while (look(shot) == -EAGAIN) {
		park(ctx, shot);
		err = heph_park_wait(ctx, &shot->park);
		if (err < 0 && unpark(ctx, shot))
			return err;
	}
	return heph_raw_oneshot_try_recv(shot, ret_value, size);
}

/* The sender has gone, so the word is the receiver's alone. */
int heph_raw_oneshot_reset(struct heph_oneshot *shot)
{
	unsigned state =
		atomic_load_explicit(&shot->state, memory_order_acquire);

	if (state & SENDER)
		return -EBUSY;
	if (state & VALUE)
		drop_value(shot);
	atomic_store(&shot->state, SENDER | RECEIVER);
	return 0;
}

/* ---- as a clause ------------------------------------------------------------------ */

static struct heph_oneshot *shot_of(const struct heph_clause *clause)
{
	return clause->on->object;
}

int heph_oneshot_clause_begin(heph_ctx ctx, struct heph_clause *clause)
{
	clause->begun = shot_of(clause);
	return 0;
}

/* See heph_chan_clause_ready(). */
int heph_oneshot_clause_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_oneshot *shot = shot_of(clause);
	int err;

	heph_assert(clause->on->size == shot->size);
	while ((err = look(shot)) == -EAGAIN && clause->begun &&
	       heph_park_woken(&shot->park))
		park(ctx, shot);
	if (err < 0)
		return err == -EAGAIN ? 0 : err;
	take(shot, clause->on->ret);
	return 1;
}

void heph_oneshot_clause_end(heph_ctx ctx, struct heph_clause *clause)
{
	(void)unpark(ctx, shot_of(clause));
}
