/* SPDX-License-Identifier: MIT */
/*
 * stackrule.h - an actor's stack is its own
 *
 * While an actor waits its stack may be somewhere else and the place be in
 * other hands. So nobody but the running actor reads or writes it: no other
 * actor, no other thread, and not the kernel.
 *
 * A debug build looks at all that leaves an actor (messages, answers, values,
 * arguments) for an address of its stack, and at what goes to the kernel for
 * one of any stack, and stops the program if there is one.
 */
#ifndef HEPH_CORE_STACKRULE_H
#define HEPH_CORE_STACKRULE_H

#include "base/assert.h"
#include "core/slot.h"
#include "core/worker.h"

/* Whether the stack of an actor is in other hands while it waits, perhaps. Not
 * that of a plain thread. Where sanitizers watch no stack is shared, but what
 * is done for shared ones is done too, so that they watch that. */
static inline bool heph_stack_may_move(const struct heph_self *self)
{
	return self->kind &&
	       (!HEPH_SLOTS_DEFAULT || heph_slot_shared(self->slot));
}

/* Whether some of that memory lies in the stack of an actor, who runs, and may
 * move when it waits; then something else has to stand in for it. */
static inline bool heph_stack_moves(const struct heph_self *self,
				    const void *ptr, size_t size)
{
	return heph_stack_may_move(self) &&
	       (heph_slot_has(self->slot, ptr) ||
		(uintptr_t)self->slot->low - (uintptr_t)ptr < size);
}

/* The offset of an address of the stack of `self`, who runs, in those bytes, or
 * -1. */
long heph_stackrule_find(const struct heph_self *self, const void *bytes,
			 size_t size);

/* Says so and aborts: the `what` for a `whom`, or for NULL nobody special, has
 * an address of the stack at that offset. */
_Noreturn void heph_stackrule_broken(struct heph_self *self, const char *what,
				     const char *whom, size_t offset);

/* The same for a message. */
_Noreturn void heph_stackrule_broken_msg(struct heph_self *self,
					 struct heph_addr to, size_t offset);

/* Whether that memory must not go to the kernel: some of it lies in a stack of
 * the worker whose ring it is, and that is not the one which the actor has to
 * itself. */
bool heph_stackrule_forbids(const struct heph_self *self,
			    const struct heph_worker *worker, const void *ptr,
			    size_t size);

/* An operation of that name is about to go to the kernel with such memory. */
_Noreturn void heph_stackrule_broken_op(struct heph_self *self,
					const char *name);

static inline void heph_stackrule_check(struct heph_self *self,
					const void *bytes, size_t size,
					const char *what, const char *whom)
{
	long offset;

	if (HEPH_DEBUG < 1)
		return;
	offset = heph_stackrule_find(self, bytes, size);
	if (offset >= 0)
		heph_stackrule_broken(self, what, whom, (size_t)offset);
}

/* The argument in a spawn struct. */
static inline void heph_stackrule_check_arg(struct heph_self *self,
					    const struct heph_actor *type,
					    const void *spawn)
{
	heph_stackrule_check(self, (const char *)spawn + type->arg_at,
			     type->arg_size, "argument", type->name);
}

static inline void heph_stackrule_check_msg(struct heph_self *self,
					    struct heph_addr to,
					    const void *msg, size_t size)
{
	long offset;

	if (HEPH_DEBUG < 1)
		return;
	offset = heph_stackrule_find(self, msg, size);
	if (offset >= 0)
		heph_stackrule_broken_msg(self, to, (size_t)offset);
}

#endif
