/* SPDX-License-Identifier: MIT */
/*
 * slot.h - the stacks of actors, which they share
 *
 * A suspended actor needs a hundred bytes or two of its stack, and a stack
 * takes a page of memory at least. So the actors of a worker share a number of
 * stacks, the slots. An actor is bound to one for life, for its addresses are
 * of that. As long as there are free ones each actor gets a slot for itself.
 * After that, an actor that is about to run in a slot where another one's
 * frames are puts those away: the live part is copied to a record of its size,
 * and copied back, to the same addresses, before that actor runs again.
 *
 * Nobody but the actor may use an address of its stack while it is suspended:
 * not the kernel, not another actor, not the runtime (P9).
 *
 * Some have a slot of their own, which is an ordinary stack: actors spawned
 * with .stack, those that move or have a thread, those of a type that was once
 * found with much on its stack, and all of them where sanitizers watch stacks.
 *
 * Thread     All functions are the worker's.
 */
#ifndef HEPH_CORE_SLOT_H
#define HEPH_CORE_SLOT_H

#include "core/self.h"
#include "coro/stack.h"

struct heph_worker;

#if HEPH_ASAN || HEPH_TSAN
#define HEPH_SLOTS_DEFAULT 0
#elif HEPH_DEBUG >= 2
#define HEPH_SLOTS_DEFAULT 1 /* hostile: every switch copies */
#else
#define HEPH_SLOTS_DEFAULT 1024
#endif

enum {
	HEPH_SLOTS_MAX = 1 << 16,
	/* A type whose actors suspend with more than this on the stack gets
	 * slots of its own. */
	HEPH_SLOT_LIVE_MAX = 4096,
};

/* Lies at the top of its stack; frames begin below. */
struct heph_slot {
	alignas(16) struct heph_self *inside; /* NULL: nobody's frames */
	struct heph_stacks *stacks;           /* that it is of */
	char *low;                            /* the stack's lowest byte */
	uint32_t bound;                       /* so many actors */
	uint32_t number; /* among those that are shared; HEPH_SLOT_OWN */
};

/* The live part of a stack that is put away, but for the bytes in the middle
 * that are known (heph_coro_known). */
struct heph_saved {
	uintptr_t slot_and_known; /* words: the slot is aligned to 16 */
	unsigned char bytes[];
};

/* The number of one that is not shared. */
#define HEPH_SLOT_OWN UINT32_MAX

static inline bool heph_slot_shared(const struct heph_slot *slot)
{
	return slot->number != HEPH_SLOT_OWN;
}

static inline struct heph_slot *heph_saved_slot(const struct heph_saved *saved)
{
	return (struct heph_slot *)(saved->slot_and_known & ~(uintptr_t)15);
}

static inline size_t heph_saved_known(const struct heph_saved *saved)
{
	return (saved->slot_and_known & 15) * 8;
}

static inline struct heph_slot *heph_slot_of(const struct heph_self *self)
{
	return self->flags & HEPH_FLAG_AWAY ? heph_saved_slot(self->saved) :
					      self->slot;
}

/* The actor's argument, in its stack; frames begin right below it. */
static inline void *heph_slot_top(const struct heph_slot *slot, size_t arg_size)
{
	return (void *)(((uintptr_t)slot - arg_size) & ~(uintptr_t)15);
}

/* The bytes in use on the stack of a suspended actor. */
static inline size_t heph_slot_live(const struct heph_self *self)
{
	return (size_t)((char *)heph_slot_of(self) - (char *)self->coro.sp);
}

static inline size_t heph_slot_size(const struct heph_slot *slot)
{
	return slot->stacks->size;
}

/* Whether the address lies in the actor's stack. */
static inline bool heph_slot_has(const struct heph_slot *slot, const void *addr)
{
	return (uintptr_t)addr - (uintptr_t)slot->low < heph_slot_size(slot);
}

/* Prepares for slots. 0; -ENOMEM. */
int heph_slots_init(struct heph_worker *worker);
void heph_slots_fini(struct heph_worker *worker);

/*
 * Gives a new actor its slot, and puts the beginning of its stack there, or
 * where it is kept: its first function is fn(), then end(), and `arg` lies at
 * the top. `stack` is the option of that name. 0; -ENOMEM.
 */
int heph_slot_bind(struct heph_self *self, size_t stack, const void *arg,
		   heph_coro_fn *fn, heph_coro_end *end);

/* The actor has ended, or did not begin. */
void heph_slot_unbind(struct heph_self *self);

/* Its frames come back into its slot. Not on a stack that is in a slot. False:
 * there is no memory to put those away that are there. `end` is that of all
 * actors. */
bool heph_slot_enter(struct heph_self *self, heph_coro_end *end);

/* Where the frames of an actor are that is on its own stack; see coro.h. */
_Noreturn void heph_slot_reset(struct heph_self *self, heph_coro_fn *fn);

#endif
