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

#include <string.h>

#include "core/self.h"
#include "core/worker.h"

enum { HEPH_NO_REPLY = UINT32_MAX };

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

/* Copies a letter to `to`, with its reply in it. */
static inline void heph_letter_copy(const struct heph_letter *letter, void *to)
{
	memcpy(to, letter->data, letter->size);
	if (letter->reply_at != HEPH_NO_REPLY)
		memcpy((char *)to + letter->reply_at, &letter->reply,
		       sizeof(letter->reply));
}

/* Puts a message into an inbox, whatever its fill, and wakes the actor.
 * Returns 0; -ENOMEM. */
int heph_inbox_put(struct heph_self *self, const struct heph_letter *letter);

/* Takes the oldest message, which there is, and lets a waiting sender in. */
void heph_inbox_take(struct heph_self *self, void *ret_msg);

/* Drops all messages, fails their calls, and sends waiting parcels back: the
 * actor has ended. */
void heph_inbox_close(struct heph_self *self);

/* Disposes of a message that nobody will get: fails its call with -EPIPE and
 * calls the type's drop function. */
void heph_msg_dispose(const struct heph_kind *kind, void *data, uint32_t reply_at);

/* The same, for one that came too late for its actor. */
void heph_msg_undeliverable(struct heph_thread *thread,
			    const struct heph_kind *kind, void *data,
			    uint32_t reply_at);

static inline bool heph_inbox_full(const struct heph_self *self)
{
	return self->n >= self->capacity;
}

#endif
