/* SPDX-License-Identifier: MIT */
/* san.h - what sanitizers and valgrind must be told about stacks
 *
 * The only file of the project that calls them. Each function does nothing, and
 * costs nothing, in a build without the tool it speaks to; valgrind's requests
 * are a handful of instructions outside of valgrind, and are made only when a
 * stack is carved, taken or given, never by a switch.
 *
 * HEPH_ASAN, HEPH_TSAN and HEPH_VALGRIND are always defined, as 0 or 1. The
 * build may set HEPH_VALGRIND; otherwise it is 1 where the header is found.
 */
#ifndef HEPH_CORO_SAN_H
#define HEPH_CORO_SAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __has_feature
#define HEPH_HAS_FEATURE__(x_) __has_feature(x_)
#else
#define HEPH_HAS_FEATURE__(x_) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HEPH_HAS_FEATURE__(address_sanitizer)
#define HEPH_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define HEPH_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || HEPH_HAS_FEATURE__(thread_sanitizer)
#define HEPH_TSAN 1
#include <sanitizer/tsan_interface.h>
#include <unistd.h>
#else
#define HEPH_TSAN 0
#endif

#ifndef HEPH_VALGRIND
#if __has_include(<valgrind/memcheck.h>)
#define HEPH_VALGRIND 1
#else
#define HEPH_VALGRIND 0
#endif
#endif
#if HEPH_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define HEPH_SAN_INLINE static inline __attribute__((always_inline, unused))

/* What the sanitizers keep for each coroutine; a member of struct heph_coro in
 * their builds only. */
struct heph_san {
#if HEPH_ASAN
	void *fake_stack; /* saved while suspended */
	const void *low;  /* the bounds of its stack */
	size_t size;
#endif
#if HEPH_TSAN
	void *fiber;
	bool foreign; /* the fiber is the thread's, not ours */
#endif
	char unused; /* no struct is empty */
};

/* ---- coroutines ---- */

/* A new coroutine on [low, low+size), or with `thread` the calling thread on
 * its own stack, whose bounds these are. */
HEPH_SAN_INLINE void heph_san_init(struct heph_san *san, void *low, size_t size,
				   bool thread)
{
	(void)san, (void)low, (void)size, (void)thread;
#if HEPH_ASAN
	san->fake_stack = NULL;
	san->low = low;
	san->size = size;
	if (!thread)
		__asan_unpoison_memory_region(low, size);
#endif
#if HEPH_TSAN
	san->foreign = thread;
	san->fiber = thread ? __tsan_get_current_fiber() :
			      __tsan_create_fiber(0);
#endif
}

/* Releases it. It is not running. */
HEPH_SAN_INLINE void heph_san_fini(struct heph_san *san)
{
	(void)san;
#if HEPH_TSAN
	if (san->fiber && !san->foreign)
		__tsan_destroy_fiber(san->fiber);
	san->fiber = NULL;
#endif
}

/* Immediately before the jump from one to the other; with `last`, `from` never
 * goes on. Coroutines are ordered by their switches, also across threads, so
 * TSan is told to synchronise them. */
HEPH_SAN_INLINE void heph_san_depart(struct heph_san *from, struct heph_san *to,
				     bool last)
{
	(void)from, (void)to, (void)last;
#if HEPH_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->low,
				       to->size);
#endif
#if HEPH_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* First thing after the jump. */
HEPH_SAN_INLINE void heph_san_arrive(struct heph_san *self)
{
	(void)self;
#if HEPH_ASAN
	__sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
#endif
}

/* The running coroutine abandons its frames in [low, low+size). */
HEPH_SAN_INLINE void heph_san_reset(struct heph_san *self, void *low,
				    size_t size)
{
	(void)self, (void)low, (void)size;
#if HEPH_ASAN
	__asan_handle_no_return();
	__asan_unpoison_memory_region(low, size);
#endif
#if HEPH_TSAN
	/* A new fiber, for the old one's shadow stack holds the dead frames. */
	void *old = self->fiber;

	self->fiber = __tsan_create_fiber(0);
	__tsan_switch_to_fiber(self->fiber, 0);
	if (!self->foreign)
		__tsan_destroy_fiber(old);
	self->foreign = false;
#endif
}

/* ---- memory ---- */

/* A stack exists from now on. Returns its number for heph_san_stack_gone. */
HEPH_SAN_INLINE unsigned heph_san_stack_new(void *low, size_t size)
{
	(void)low, (void)size;
#if HEPH_VALGRIND
	return VALGRIND_STACK_REGISTER(low, (char *)low + size - 1);
#else
	return 0;
#endif
}

HEPH_SAN_INLINE void heph_san_stack_gone(unsigned id)
{
	(void)id;
#if HEPH_VALGRIND
	VALGRIND_STACK_DEREGISTER(id);
#endif
}

/* Whether the process runs on valgrind. */
HEPH_SAN_INLINE bool heph_san_on_valgrind(void)
{
#if HEPH_VALGRIND
	return RUNNING_ON_VALGRIND;
#else
	return false;
#endif
}

/* TSan runs a signal handler when the thread calls something that it knows; a
 * sleep in a bare system call is not. So such sleeps are short, and followed by
 * this. */
#define HEPH_SAN_SLEEPS_SHORT HEPH_TSAN
HEPH_SAN_INLINE void heph_san_slept(void)
{
#if HEPH_TSAN
	usleep(0);
#endif
}

/* What was done before a release happened before what is done after a later
 * acquire of the same key; for memory that is unmapped and mapped without TSan
 * hearing of it, at the same addresses. */
HEPH_SAN_INLINE void heph_san_release(void *key)
{
	(void)key;
#if HEPH_TSAN
	__tsan_release(key);
#endif
}

HEPH_SAN_INLINE void heph_san_acquire(void *key)
{
	(void)key;
#if HEPH_TSAN
	__tsan_acquire(key);
#endif
}

/* Whether valgrind knows that some of the 8 bytes at `addr` were never set. */
HEPH_SAN_INLINE bool heph_san_unset(const void *addr)
{
	uint64_t unset = 0;

	(void)addr;
#if HEPH_VALGRIND
	if (RUNNING_ON_VALGRIND)
		(void)VALGRIND_GET_VBITS(addr, &unset, sizeof(unset));
#endif
	return unset != 0;
}

/* Nobody may touch these bytes. */
HEPH_SAN_INLINE void heph_san_poison(void *addr, size_t size)
{
	(void)addr, (void)size;
#if HEPH_ASAN
	__asan_poison_memory_region(addr, size);
#endif
#if HEPH_VALGRIND
	VALGRIND_MAKE_MEM_NOACCESS(addr, size);
#endif
}

/* The kernel has written them, without a system call that tools know. */
HEPH_SAN_INLINE void heph_san_written(void *addr, size_t size)
{
	(void)addr, (void)size;
#if HEPH_VALGRIND
	VALGRIND_MAKE_MEM_DEFINED(addr, size);
#endif
}

/* They may be written, and hold nothing yet. */
HEPH_SAN_INLINE void heph_san_unpoison(void *addr, size_t size)
{
	(void)addr, (void)size;
#if HEPH_ASAN
	__asan_unpoison_memory_region(addr, size);
#endif
#if HEPH_VALGRIND
	VALGRIND_MAKE_MEM_UNDEFINED(addr, size);
#endif
}

#endif
