/* SPDX-License-Identifier: MIT */
/*
 * chan_state.h - what a channel is, for its two sides: chan.c, chan_recv.c
 *
 * chan.c begins with who changes what, and why nobody is forgotten.
 */
#ifndef HEPH_CORE_CHAN_STATE_H
#define HEPH_CORE_CHAN_STATE_H

#include <pthread.h>
#include <stdalign.h>

#include "base/list.h"
#include "core/park.h"
#include "core/worker.h"

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
	struct heph_list sending, joining; /* those who wait, see chan.c */
	struct heph_park park;             /* the receiver's */

	/* the receiver */
	char apart[HEPH_CACHE_LINE];
	_Atomic uint64_t head;
	uint32_t head_at;
	_Atomic uint32_t n_sending; /* length of `sending` */

	alignas(16) unsigned char slots[];
};

/* Who is to be woken when the lock has been given back. */
struct heph_chan_woken {
	struct heph_list waiters;
	struct heph_park *receiver;
};

/* Takes the lock; gives it back, and wakes those who were let in meanwhile. */
void heph_chan_lock(struct heph_chan *chan, struct heph_chan_woken *woken);
void heph_chan_unlock(struct heph_chan *chan, struct heph_chan_woken *woken);

/* Lets in those who wait to send, while there is room. With the lock. */
void heph_chan_admit(struct heph_chan *chan, struct heph_chan_woken *woken);

static inline void *heph_chan_slot(struct heph_chan *chan, uint32_t at)
{
	return chan->slots + (size_t)at * chan->size;
}

/* The place after that one, in the ring. */
static inline uint32_t heph_chan_after(const struct heph_chan *chan,
				       uint32_t at)
{
	return at + 1 == chan->capacity ? 0 : at + 1;
}

/* Others run, if the turn of the one that sent or received is over. */
static inline void heph_chan_spend(heph_ctx ctx)
{
	if (ctx.self)
		heph_worker_spend(ctx.self);
}

#endif
