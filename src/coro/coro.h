/* SPDX-License-Identifier: MIT */
/* coro.h - the switch between two stacks
 *
 * A coroutine that does not run is one address, its stack pointer. What it
 * needs to go on lies from there to the top of its stack: the registers that a
 * function must preserve, and how to go on (see switch_*.S). So that part can
 * be kept elsewhere while the stack serves others, and is put back, at the same
 * addresses, before the coroutine goes on.
 *
 * Thread     A coroutine runs on one thread at a time. It may go on on another
 *            one than it was suspended on; the caller orders the two (a lock,
 *            an acquire of a release) and then must not keep addresses of
 *            thread-local variables, errno's among them, over the switch.
 * Ownership  Stack and struct are the caller's. The struct must stay where it
 *            is while the coroutine is suspended.
 * Not saved  The control words of SSE and x87 (mxcsr, fpcr): whoever changes
 *            rounding or traps changes them back before the next switch. The
 *            signal mask and alternate signal stack belong to the thread.
 *            Shadow stacks (CET SHSTK, -fsanitize=shadow-call-stack) are not
 *            supported.
 */
#ifndef HEPH_CORO_CORO_H
#define HEPH_CORO_CORO_H

#include <stddef.h>
#include <stdint.h>

#include "coro/san.h"

/* Bytes below the top of a coroutine's stack: those that stay there, and those
 * that a new one begins with. */
#define HEPH_CORO_FOOT 16
#if defined(__x86_64__)
#define HEPH_CORO_FRAME (64 + HEPH_CORO_FOOT)
#elif defined(__aarch64__)
#define HEPH_CORO_FRAME (176 + HEPH_CORO_FOOT)
#else
#error "heph: no switch for this machine"
#endif

/* Tops of stacks start at this many different lines of the cache. */
#define HEPH_CORO_COLOURS 32

struct heph_coro;

/* The code of a coroutine, and what is called when that returns, with its
 * result. That must not return: it ends by heph_coro_leave. */
typedef int heph_coro_fn(struct heph_coro *coro);
typedef void heph_coro_end(struct heph_coro *coro, int result);

/* What a coroutine does when it goes on: its result is that of the call it was
 * suspended in. */
typedef int heph_coro_then(struct heph_coro *self, void *arg);

struct heph_coro {
	void *sp; /* while it is suspended */
#if HEPH_ASAN || HEPH_TSAN
	struct heph_san san;
	heph_coro_fn *fn;
#endif
};

/*
 * Prepares a coroutine whose frames begin below `top`, which is aligned to 16,
 * on the stack [low, low+size): the first switch to it runs fn(coro). The
 * HEPH_CORO_FRAME bytes that belong below `top` are written to `image`: there,
 * or where they are kept until then. Any thread. In sanitizer builds it must
 * be followed by heph_coro_fini.
 */
void heph_coro_init(struct heph_coro *coro, void *low, size_t size, void *top,
		    void *image, heph_coro_fn *fn, heph_coro_end *end);

/* The calling thread and its own stack, as the other side of switches. */
void heph_coro_init_thread(struct heph_coro *coro);

/* Releases what sanitizers keep; otherwise does nothing. The coroutine is not
 * running (a thread's: no other coroutine of this thread runs). The stack may
 * then be used again. */
void heph_coro_fini(struct heph_coro *coro);

/* The running coroutine `self` abandons all its frames and runs fn(self) as if
 * it were started anew; low, size and top are those of heph_coro_init. For
 * panics. */
_Noreturn void heph_coro_reset(struct heph_coro *self, void *low, size_t size,
			       void *top, heph_coro_fn *fn);

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

/* Of the foot, the return address, and six registers. */
#define HEPH_CORO_KNOWN_MAX (HEPH_CORO_FOOT + 8 + 48)

/* switch_*.S */
extern const char heph_coro_returned[] __attribute__((visibility("hidden")));
void heph_coro_swap(struct heph_coro *from, struct heph_coro *to)
	__attribute__((visibility("hidden")));
int heph_coro_jump(struct heph_coro *from, struct heph_coro *to, void *arg,
		   heph_coro_then *then) __attribute__((visibility("hidden")));
_Noreturn void heph_coro_go(struct heph_coro *from, struct heph_coro *to)
	__attribute__((visibility("hidden")));

#if HEPH_ASAN || HEPH_TSAN
/* The same, apart: TSan must not see the switch from code it watches. */
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
	heph_coro_swap(from, to);
#endif
}

/* The same, and then calls then(from, arg) and returns its result. As the last
 * thing that a function does it leaves no frame of it on the stack. */
static inline __attribute__((always_inline)) int
heph_coro_switch_then(struct heph_coro *from, struct heph_coro *to, void *arg,
		      heph_coro_then *then)
{
#if HEPH_ASAN || HEPH_TSAN
	heph_coro_switch_san(from, to);
	return then(from, arg);
#else
	return heph_coro_jump(from, to, arg, then);
#endif
}

/* The argument that a coroutine was suspended with by heph_coro_switch_then, or
 * NULL: it cannot be told in this build. */
static inline void *heph_coro_arg(const struct heph_coro *coro)
{
#if HEPH_ASAN || HEPH_TSAN
	(void)coro;
	return NULL;
#else
	return *(void **)coro->sp;
#endif
}

/*
 * The bytes below the top of a suspended coroutine's stack that
 * heph_coro_restore() can write anew, so that they need not be kept while the
 * stack serves others: what is known, and zeros. That is most of what the first
 * function saves of registers that nobody uses. A multiple of 8,
 * HEPH_CORO_KNOWN_MAX at most. Once that function has returned it is 0: then the
 * foot is not what it was, whatever lies below it.
 */
static inline size_t heph_coro_known(const struct heph_coro *coro,
				     const void *top)
{
	const uintptr_t *word =
		(const uintptr_t *)top - HEPH_CORO_KNOWN_MAX / 8;

	if (word < (const uintptr_t *)coro->sp ||
	    word[6] != (uintptr_t)heph_coro_returned ||
	    word[8] != (uintptr_t)coro)
		return 0;
#ifndef __OPTIMIZE__ /* its frame has holes, which valgrind knows */
	heph_san_written((void *)(uintptr_t)word, 6 * sizeof(*word));
#endif
	if (!(word[0] | word[1] | word[2] | word[3] | word[4] | word[5]))
		return HEPH_CORO_KNOWN_MAX;
	for (word += 6; !word[-1]; word--)
		;
	return (size_t)((const char *)top - (const char *)word);
}

/* Before the rest is put back: writes HEPH_CORO_KNOWN_MAX bytes. */
static inline void heph_coro_restore(struct heph_coro *coro, void *top,
				     heph_coro_end *after)
{
	uintptr_t *word = (uintptr_t *)top - HEPH_CORO_KNOWN_MAX / 8;

	word[0] = word[1] = word[2] = word[3] = word[4] = word[5] = 0;
	word[6] = (uintptr_t)heph_coro_returned;
	word[7] = (uintptr_t)after;
	word[8] = (uintptr_t)coro;
}

/* The last switch of `from`: ends it and goes on with `to`. Once `to` runs,
 * `from` may be finished, and its stack given away. */
static inline __attribute__((always_inline, noreturn)) void
heph_coro_leave(struct heph_coro *from, struct heph_coro *to)
{
#if HEPH_ASAN || HEPH_TSAN
	heph_coro_leave_san(from, to);
#else
	heph_coro_go(from, to);
#endif
}

#endif
