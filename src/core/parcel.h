/* SPDX-License-Identifier: MIT */
/*
 * parcel.h - a message that does not go the short way
 *
 * The short ways are the inbox itself, for a sender on the same worker, and
 * the lane, for one on another. A parcel carries a message whose sender waits
 * for room, and every message of plain threads and solos; if nobody waits for it
 * it is just an event.
 *
 * Who sends by a lane waits at the lane: its parcel stays on its own worker.
 * Any other parcel is a request to the receiver's worker and waits there, in a
 * list of the receiver. One that is abandoned is cancelled by an event of its
 * own, which takes it out of that list and frees it.
 */
#ifndef HEPH_CORE_PARCEL_H
#define HEPH_CORE_PARCEL_H

#include "core/inbox.h"
#include "core/request.h"

struct heph_parcel {
	struct heph_request request;
	struct heph_event cancel;
	struct heph_list
		node; /* in ext->parcels of the receiver, or at the lane */
	uint64_t id;
	uint32_t slot;
	struct heph_thread *thread;  /* of the receiver */
	_Atomic uint32_t *under_way; /* the sender's count; NULL: none */
	struct heph_lane *lane;      /* it waits there; NULL: at the receiver */
	struct heph_pool *pool; /* it is from; NULL: it goes to another thread */
	bool probe;             /* no message: comes back when there is room */
	uint32_t size, reply_at;
	alignas(16) unsigned char data[];
};

/* Sends a parcel that nobody waits for. Returns 0; -ENOMEM. Any thread. */
int heph_parcel_post(struct heph_thread *to, struct heph_addr addr,
		     const struct heph_letter *letter,
		     _Atomic uint32_t *under_way);

/* Waits until the message is in the inbox. Returns 0; -ESRCH, -ETIME,
 * -ECANCELED, -ENOMEM. */
int heph_parcel_send(heph_ctx ctx, struct heph_thread *to,
		     struct heph_addr addr, const struct heph_letter *letter);

/*
 * A parcel without a message, which comes back when there is room in the inbox,
 * or had been when it was its turn: see `request`. NULL: no memory. The asker
 * ends it.
 */
struct heph_parcel *heph_parcel_ask(struct heph_self *asker,
				    struct heph_thread *to,
				    struct heph_addr addr);
void heph_parcel_end(struct heph_parcel *parcel);

/* There is room in the inbox: lets the first waiting parcel in. Whether there
 * was one. */
bool heph_parcels_admit(struct heph_self *self);

/* Lets some of those in that wait at lanes of that worker, if there is room; or
 * tells whether it would, sequentially consistent. */
void heph_parcels_pass(struct heph_worker *from);
bool heph_parcels_may_pass(struct heph_worker *from);

/* The actor has ended: sends all back. */
void heph_parcels_refuse(struct heph_self *self);

#endif
