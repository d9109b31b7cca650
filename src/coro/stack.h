/* SPDX-License-Identifier: MIT */
/* stack.h - the stacks of one worker
 *
 * Stacks of one size, carved out of chunks of 64 MiB of address space. Each has
 * a guard page below. A stack costs address space until it is used, then the
 * pages that were touched: 4 KiB at least. The one given back last is the first
 * to be taken. Idle stacks keep their pages until heph_stacks_trim.
 *
 * From one stack to the next it is always an odd number of pages; to that end
 * the guard may be two pages. If it were a power of two, the stacks' tops would
 * share a few sets of the TLB: with 1,000 coroutines in a ring a hop then takes
 * 24 ns instead of 9.
 *
 * Thread     One thread at a time. Only heph_stacks_owns and
 *            heph_stacks_guard_of may also be called from a signal handler.
 * Guards     MADV_GUARD_INSTALL where the kernel has it (Linux 6.13): about
 *            a microsecond per stack, once, and no map of its own. Otherwise
 *            mprotect, which needs two maps per stack, until all stacks of the
 *            process together use 40 % of vm.max_map_count; the stacks carved
 *            after that have no guard, and are counted in `unguarded`.
 */
#ifndef HEPH_CORO_STACK_H
#define HEPH_CORO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coro/san.h"

/* The usual size of a stack, to which the guard is added. Sanitizers' frames
 * are several times larger than others. */
#if HEPH_ASAN || HEPH_TSAN
#define HEPH_STACK_SIZE (256 * 1024)
#else
#define HEPH_STACK_SIZE (64 * 1024)
#endif

/* What guards a stack. */
enum heph_guard {
	HEPH_GUARD_NONE,
	HEPH_GUARD_MPROTECT,
	HEPH_GUARD_INSTALL,
};

/* The best guard to use; HEPH_GUARD_INSTALL, unless a test wants to see what
 * an older kernel would do. */
extern enum heph_guard heph_stacks_best_guard;

struct heph_stacks {
	/* for others to read */
	size_t size;      /* usable bytes of a stack */
	size_t stride;    /* from one stack to the next: size + guard */
	size_t max;       /* so many can be taken at the same time */
	size_t in_use;    /* taken */
	size_t idle;      /* given back */
	size_t unguarded; /* of those two, have no guard */

	void **free;    /* the idle, the hottest last */
	size_t trimmed; /* the first so many of them have no memory */
	char **chunks;
	size_t n_chunks;
	size_t per_chunk;
	char *next;        /* where the last chunk is carved */
	size_t left;       /* so many stacks are still in it */
	size_t guard;      /* bytes below each stack */
	size_t n_mprotect; /* so many guards take maps */
	unsigned *ids;     /* valgrind's, in the order of carving; or NULL */
	bool watched;      /* by a tool that is to know what is in use */
	void *only;        /* heph_stacks_borrow(): what is in the tables */
	char *chunk;
};

/* Prepares for `max` stacks of `size` usable bytes, rounded up to the page (so
 * see stacks->size). Takes next to no memory yet. Returns 0; -EINVAL if either
 * is 0; -ENOMEM. */
int heph_stacks_init(struct heph_stacks *stacks, size_t size, size_t max);

/* Makes a set of one stack, which is taken from another set for good; it ends
 * with that set: no fini. Returns 0; -ENOMEM. */
int heph_stacks_borrow(struct heph_stacks *stacks, struct heph_stacks *from);

/* Unmaps all stacks. None is in use by a running coroutine. Accepts a zeroed
 * struct. */
void heph_stacks_fini(struct heph_stacks *stacks);

/* Hands out a stack, the one given back last or a new one. Returns its lowest
 * usable byte, aligned to the page; NULL if there are `max`, or no memory. What
 * is in it is undefined. */
void *heph_stack_take(struct heph_stacks *stacks);

/* Takes a stack back. No coroutine may run on it. Does not touch its memory. */
void heph_stack_give(struct heph_stacks *stacks, void *low);

/* Returns the memory of the idle stacks to the kernel, all but the `keep`
 * hottest, including their top pages. Up to 2 us for each that has not been
 * trimmed before: not on a hot path. */
void heph_stacks_trim(struct heph_stacks *stacks, size_t keep);

/* Whether `addr` lies in a stack of these, or in a stack's guard. */
bool heph_stacks_owns(const struct heph_stacks *stacks, const void *addr);

/* The stack, as its lowest usable byte, in which `addr` lies; NULL if in none
 * (or in a guard). */
void *heph_stacks_stack_of(const struct heph_stacks *stacks, const void *addr);

/* The stack in whose guard `addr` lies: an overflow of that stack. NULL if it
 * lies in no guard. */
void *heph_stacks_guard_of(const struct heph_stacks *stacks, const void *addr);

#endif
