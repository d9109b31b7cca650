/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - messages, and the queue of them in front of an actor
 *
 * The queue is a ring of linked messages; the block of the actor holds the
 * last one. It is touched by the actor's own worker alone, so there are no
 * atomics here. A message that waits costs its size and 16 bytes, an empty
 * queue nothing.
 */
#ifndef HEPH_CORE_INBOX_H
#define HEPH_CORE_INBOX_H

#include <heph/message.h>

#include "base/copy.h"
#include "base/usdt.h"
#include "core/self.h"
#include "core/wait.h"
#include "core/worker.h"

enum { HEPH_NO_REPLY = UINT32_MAX };

/* Changes `reply_at` of a message that a scan stands on; see scan.h. A marked
 * one is neither HEPH_NO_REPLY nor an offset. */
#define HEPH_MSG_MARK (UINT32_C(1) << 30)

struct heph_msg {
	struct heph_msg *next;
	uint32_t size;
	uint32_t reply_at; /* where the reply is in it; HEPH_NO_REPLY */
	unsigned char data[];
};

/* A message that is to be sent: where it lies, and what goes in as its reply. */
struct heph_letter {
	const void *data;
	uint32_t size;
	uint32_t reply_at;
	struct heph_reply reply;
};

static inline bool heph_msg_marked(const struct heph_msg *msg)
{
	return ((msg->reply_at >> 30) ^ (msg->reply_at >> 31)) & 1;
}

/* Copies a letter to `to`, with its reply in it. */
static inline void heph_letter_copy(const struct heph_letter *letter, void *to)
{
	heph_copy(to, letter->data, letter->size);
	if (letter->reply_at != HEPH_NO_REPLY)
		memcpy((char *)to + letter->reply_at, &letter->reply,
		       sizeof(letter->reply));
}

/* Puts a message into an inbox, whatever its fill, and wakes the actor.
 * Returns 0; -ENOMEM. */
int heph_inbox_put(struct heph_self *self, const struct heph_letter *letter);

/* The inbox has become full: other threads find it so from now on. */
void heph_inbox_shut(struct heph_self *self);

/*
 * A message was taken out of an inbox that had been full. If nobody waits for
 * room there is some at once, for all. Else those that wait are let in at the
 * end of the turn, not all at once as long as each of them may send more; below
 * half one is let in at once. Senders on other workers wait there, and find the
 * inbox full until the end of the turn as well. If some of them wait it stays
 * open until one has come: then take_grant is called.
 */
void heph_inbox_make_room(struct heph_self *self);
void heph_inbox_take_grant(struct heph_self *self);

/* The end of a turn: lets senders into the inboxes that have room. */
void heph_inboxes_let_in(struct heph_worker *worker);

/* The actor is gone for other threads. */
void heph_inbox_leave_place(struct heph_self *self);

/* The actor has received that message, which is a call or marked. */
void heph_inbox_took(struct heph_self *self, struct heph_msg *msg);

/* Drops all messages, fails their calls, and sends waiting parcels back: the
 * actor has ended. */
void heph_inbox_close(struct heph_self *self);

/* Disposes of a message that nobody will get: fails its call with -EPIPE and
 * calls the type's drop function. */
void heph_msg_dispose(const struct heph_kind *kind, void *data,
		      uint32_t reply_at);

/* The same, for one that came too late for its actor. */
void heph_msg_undeliverable(struct heph_thread *thread,
			    const struct heph_kind *kind, void *data,
			    uint32_t reply_at);

/* ---- inline: on the path of every message ---------------------------------- */

HEPH_INLINE void heph_inbox_append(struct heph_self *self, struct heph_msg *msg)
{
	if (self->last) {
		msg->next = self->last->next;
		self->last->next = msg;
	} else {
		msg->next = msg;
	}
	self->last = msg;
	self->n++;
}

HEPH_INLINE void heph_inbox_link(struct heph_self *self, struct heph_msg *msg)
{
	heph_inbox_append(self, msg);
	if (self->n == self->capacity)
		heph_inbox_shut(self);
	heph_count(&self->thread->count.delivered);
	heph_wake(self, HEPH_WAIT_MSG);
}

/* An actor goes on because of a message. */
HEPH_INLINE void heph_inbox_rouse(struct heph_self *self, unsigned reason)
{
	self->waiting = 0;
	self->woken = (uint16_t)reason;
	heph_queue_push(&heph_worker_of(self)->ready[HEPH_USUAL], self);
}

/* Counts a message as received. */
HEPH_INLINE void heph_inbox_count(struct heph_self *self)
{
	HEPH_PROBE1(receive, self->id);
	if (heph_unlikely(!++self->received))
		self->received_high++;
	heph_count(&self->thread->count.received);
}

/* Whether the actor waits for a message with its frames in place, so that one
 * can be copied to where it wants it. Until it runs that one counts as one in
 * its inbox, but is not in the list. */
HEPH_INLINE bool heph_inbox_has_hands(const struct heph_self *self)
{
	return (self->waiting & HEPH_WAIT_HAND) &&
	       !(self->flags & HEPH_FLAG_AWAY);
}

/* Puts a message at the end of the queue. False: no record is at hand. */
HEPH_INLINE bool heph_inbox_queue_quick(struct heph_self *self,
					const void *data, size_t size)
{
	struct heph_msg *msg =
		heph_pool_take_quick(&self->thread->pool, sizeof(*msg) + size);

	if (heph_unlikely(!msg))
		return false;
	msg->size = (uint32_t)size;
	msg->reply_at = HEPH_NO_REPLY;
	heph_copy_quick(msg->data, data, size);
	heph_inbox_append(self, msg);
	if (self->waiting & HEPH_WAIT_MSG)
		heph_inbox_rouse(self, HEPH_WAIT_MSG);
	return true;
}

/*
 * Sends a message without a reply by the short way, which calls nothing: so the
 * function that this is in saves no registers. False: it needs the long way,
 * because of its size or of the actor's inbox or priority.
 */
HEPH_INLINE bool heph_inbox_push_quick(struct heph_self *self, const void *data,
				       size_t size)
{
	if (heph_unlikely(self->n + 1 >= self->capacity ||
			  !heph_worker_usual(self) ||
			  !heph_copy_is_quick(size)))
		return false;
	if (heph_inbox_has_hands(self)) {
		heph_copy_quick(heph_coro_arg(&self->coro), data, size);
		self->n++;
		heph_inbox_rouse(self, HEPH_WAIT_HAND);
	} else if (!heph_inbox_queue_quick(self, data, size)) {
		return false;
	}
	heph_count(&self->thread->count.delivered);
	return true;
}

/* The same for a call: it is owed from now on. False: it goes the long way. */
HEPH_INLINE bool heph_inbox_hand_call(struct heph_self *self,
				      const struct heph_letter *letter)
{
	struct heph_ext *ext = self->ext;
	char *to;

	if (!heph_inbox_has_hands(self) || !ext || ext->hand.call ||
	    letter->reply_at == HEPH_NO_REPLY ||
	    (letter->reply.call & HEPH_CALL_TIMED) ||
	    self->n + 1 >= self->capacity || !heph_worker_usual(self) ||
	    !heph_copy_is_quick(letter->size))
		return false;
	to = heph_coro_arg(&self->coro);
	heph_copy_quick(to, letter->data, letter->size);
	memcpy(to + letter->reply_at, &letter->reply, sizeof(letter->reply));
	ext->hand = letter->reply;
	self->n++;
	heph_count(&self->thread->count.delivered);
	heph_inbox_rouse(self, HEPH_WAIT_HAND);
	return true;
}

/* The oldest message, which there is. */
HEPH_INLINE struct heph_msg *heph_inbox_unlink(struct heph_self *self)
{
	struct heph_msg *msg = self->last->next;

	if (msg == self->last)
		self->last = NULL;
	else
		self->last->next = msg->next;
	self->n--;
	return msg;
}

/* Gives the actor a message that was unlinked, and lets a waiting sender in. */
HEPH_INLINE void heph_inbox_hand_over(struct heph_self *self,
				      struct heph_msg *msg, void *ret_msg)
{
	heph_inbox_count(self);
	if (HEPH_RECEIPTS_KEPT)
		heph_receipts_note(&self->thread->receipts, self->id, msg->data,
				   msg->size);
	heph_copy(ret_msg, msg->data, msg->size);
	if (msg->reply_at != HEPH_NO_REPLY)
		heph_inbox_took(self, msg);
	heph_pool_give(&self->thread->pool, msg, sizeof(*msg) + msg->size);
	if (self->flags & HEPH_FLAG_FULL)
		heph_inbox_make_room(self);
}

/* Takes the oldest message, which there is. */
HEPH_INLINE void heph_inbox_take(struct heph_self *self, void *ret_msg)
{
	heph_inbox_hand_over(self, heph_inbox_unlink(self), ret_msg);
}

/* The same by the short way, which calls nothing. False: the message needs the
 * long one. True: if the actor has HEPH_FLAG_FULL, who called is to call
 * heph_inbox_make_room(). */
HEPH_INLINE bool heph_inbox_take_quick(struct heph_self *self, void *ret_msg)
{
	struct heph_msg *msg = self->last->next;
	uint32_t size = msg->size;

	if (HEPH_RECEIPTS_KEPT || HEPH_POOL_CHECKED ||
	    heph_unlikely(msg->reply_at != HEPH_NO_REPLY ||
			  !heph_copy_is_quick(size)))
		return false;
	heph_inbox_unlink(self);
	heph_inbox_count(self);
	heph_copy_quick(ret_msg, msg->data, size);
	heph_pool_give(&self->thread->pool, msg, sizeof(*msg) + size);
	return true;
}

static inline bool heph_inbox_full(const struct heph_self *self)
{
	return self->n >= self->capacity;
}

#endif
