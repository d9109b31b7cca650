/* SPDX-License-Identifier: MIT */
/*
 * answers.h - which calls an actor owes an answer
 *
 * The latest one that it received is in hand; if it receives another one
 * before it has answered, the former goes to a list. When the actor ends or
 * restarts all of them fail with -EPIPE.
 */
#ifndef HEPH_CORE_ANSWERS_H
#define HEPH_CORE_ANSWERS_H

#include "core/self.h"

/* The actor, which has an extension, received that call. */
void heph_answers_owe(struct heph_self *self, struct heph_reply reply);

/* It has answered it, or somebody had before. */
static inline void heph_answers_given(struct heph_self *self,
				      struct heph_reply reply)
{
	if (self->ext && heph_reply_same(self->ext->hand, reply))
		self->ext->hand.call = 0;
}

/* Fails all calls that it owes an answer. */
void heph_answers_fail(struct heph_self *self);

#endif
