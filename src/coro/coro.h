/* SPDX-License-Identifier: MIT */
/* coro.h - the switch between two stacks
 *
 * A coroutine that does not run is three addresses: where its stack ends, where
 * its code goes on, and its frame pointer. All other registers are in the asm's
 * clobber list, so the compiler saves what is live at that place, in the frame
 * of the function the switch was inlined into, and nothing else. Nothing is
 * pushed.
 *
 * Thread     A coroutine runs on one thread at a time. It may go on on another
 *            one than it was suspended on; the caller orders the two (a lock,
 *            an acquire of a release) and then must not keep addresses of
 *            thread-local variables, errno's among them, over the switch.
 * Ownership  Stack and struct are the caller's, and must stay where they are
 *            while the coroutine is suspended (the stack's live part may be
 *            moved away and back, see heph_coro_live).
 * Not saved  The control words of SSE and x87 (mxcsr, fpcr): whoever changes
 *            rounding or traps changes them back before the next switch. The
 *            signal mask and alternate signal stack belong to the thread.
 * Place      A function that switches must not both call alloca (or have a
 *            variable-length array) and have locals aligned to more than 16
 *            bytes: clang then keeps its frame in a register that the switch
 *            clobbers. Shadow stacks (CET SHSTK, -fsanitize=shadow-call-stack)
 *            are not supported.
 */
#ifndef HEPH_CORO_CORO_H
#define HEPH_CORO_CORO_H

#include <stddef.h>
#include <stdint.h>

#include "coro/san.h"

/* Below sp, a function that calls nothing may keep this many bytes of locals
 * (none in code built with -mno-red-zone). */
#ifdef __x86_64__
#define HEPH_CORO_RED_ZONE 128
#else
#define HEPH_CORO_RED_ZONE 0
#endif

/* Tops of stacks start at this many different lines of the cache. */
#define HEPH_CORO_COLOURS 32

struct heph_coro;

/* The code of a coroutine. It must not return: it ends by heph_coro_leave. */
typedef void heph_coro_fn(struct heph_coro *coro);

struct heph_coro {
	/* Where it goes on; valid while it is suspended. Before its first run:
	 * the top of its stack, heph_coro_entry, and its function. */
	void *sp;
	void *ip;
	void *fp;
#if HEPH_ASAN || HEPH_TSAN
	struct heph_san san;
	heph_coro_fn *fn;
#endif
};

/* Prepares a coroutine on the stack [low, low+size): the first switch to it
 * runs fn(coro) below `reserve` bytes at the top, which are the caller's, for
 * the argument (heph_coro_reserved). Does not touch the stack's memory.
 * Any thread. In sanitizer builds it must be followed by heph_coro_fini. */
void heph_coro_init(struct heph_coro *coro, void *low, size_t size,
		    size_t reserve, heph_coro_fn *fn);

/* The calling thread and its own stack, as the other side of switches. */
void heph_coro_init_thread(struct heph_coro *coro);

/* Releases what sanitizers keep; otherwise does nothing. The coroutine is not
 * running (a thread's: no other coroutine of this thread runs). The stack may
 * then be used again. */
void heph_coro_fini(struct heph_coro *coro);

/* The running coroutine `self` abandons all its frames and runs fn(self) as if
 * it were started anew; low, size and reserve are those of heph_coro_init. What
 * is in the reserved bytes stays. For panics. */
_Noreturn void heph_coro_reset(struct heph_coro *self, void *low, size_t size,
			       size_t reserve, heph_coro_fn *fn);

/* ---- inline ---- */

/* The end of the part of the stack [low, low+size) that is used. The stacks'
 * tops are spread over the lines of a page: if all ended at the same line,
 * eight of them would fill the sets of the first-level cache they fall into. */
static inline void *heph_coro_top(void *low, size_t size)
{
	uint64_t hash = ((uint64_t)(uintptr_t)low >> 10) * 0x9e3779b97f4a7c15u;
	size_t n = size >> 10;
	size_t colour;

	if (n > HEPH_CORO_COLOURS)
		n = HEPH_CORO_COLOURS;
	colour = (size_t)((hash >> 32) * n >> 32);
	return (char *)low + (size & ~(size_t)63) - colour * 64;
}

/* The `reserve` bytes at the top of the stack, aligned to 16. The coroutine's
 * frames begin right below. */
static inline void *heph_coro_reserved(void *low, size_t size, size_t reserve)
{
	uintptr_t top = (uintptr_t)heph_coro_top(low, size);

	return (void *)((top - reserve) & ~(uintptr_t)15);
}

/* The lowest byte of a suspended coroutine's stack that is in use: what must
 * be kept is [heph_coro_live, heph_coro_top). If the functions that switch are
 * built with -mno-red-zone, [coro->sp, heph_coro_top) is enough. */
static inline void *heph_coro_live(const struct heph_coro *coro)
{
	return (char *)coro->sp - HEPH_CORO_RED_ZONE;
}

#if defined(__x86_64__)
#include "coro/switch_x86_64.h"
#elif defined(__aarch64__)
#include "coro/switch_aarch64.h"
#else
#error "heph: no switch for this machine"
#endif

#if HEPH_ASAN || HEPH_TSAN
/* The same, not inline: TSan must not see the switch from code it watches, and
 * ASan aligns the locals of the functions it watches (see "Place"). */
void heph_coro_switch_san(struct heph_coro *from, struct heph_coro *to);
_Noreturn void heph_coro_leave_san(struct heph_coro *from,
				   struct heph_coro *to);
#endif

/* Suspends `from`, which is running, and goes on with `to`. Returns when
 * somebody switches to `from` again. */
static inline __attribute__((always_inline)) void
heph_coro_switch(struct heph_coro *from, struct heph_coro *to)
{
#if HEPH_ASAN || HEPH_TSAN
	heph_coro_switch_san(from, to);
#else
	heph_coro_jump(from, to);
#endif
}

/* The last switch of `from`: ends it and goes on with `to`. Once `to` runs,
 * `from` may be finished, and its stack given away. */
static inline __attribute__((always_inline, noreturn)) void
heph_coro_leave(struct heph_coro *from, struct heph_coro *to)
{
#if HEPH_ASAN || HEPH_TSAN
	heph_coro_leave_san(from, to);
#else
	(void)from;
	heph_coro_go(to);
#endif
}

#endif
