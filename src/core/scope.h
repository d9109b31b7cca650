/* SPDX-License-Identifier: MIT */
/*
 * scope.h - a part of what an actor acquired
 *
 * A scope is a mark in the list of what the actor owns. To close it is to do
 * what the end of the actor does, down to the mark.
 */
#ifndef HEPH_CORE_SCOPE_H
#define HEPH_CORE_SCOPE_H

#include "core/self.h"

struct heph_mark {
	struct heph_owned owned;
	struct heph_mark *outer;
	unsigned number; /* later ones have higher numbers */
	uint64_t serial; /* children on the same worker came before, or after */
	struct heph_arena_mark arena;
	int err; /* the first one that one of its actors ended with */
};

/* The number of the scope that `self` is in, 0: in none. */
static inline unsigned heph_scope_number(const struct heph_self *self)
{
	return self->ext && self->ext->mark ? self->ext->mark->number : 0;
}

/* An actor that was spawned in the scope with that number has ended. */
void heph_scope_child_ended(struct heph_self *self, unsigned number, int err);

/* The same for one with that id on the same worker. */
void heph_scope_near_child_ended(struct heph_self *self, uint64_t id, int err);

#endif
