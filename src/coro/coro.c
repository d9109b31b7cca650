/* SPDX-License-Identifier: MIT */
/* coro.c - beginnings and ends of coroutines
 *
 * A new coroutine looks as if it had been suspended right before
 * heph_coro_entry with its function in the frame pointer. So nothing need be
 * written to its stack, which may not have a page yet, or may hold somebody
 * else's frames until the first switch.
 *
 * With ASan the first thing on a new stack must be a call into its runtime; so
 * `begin` stands between the entry and the function there.
 */
#include "coro/coro.h"

#if HEPH_ASAN
#include <pthread.h>
#endif

/* switch_*.S */
extern const char heph_coro_entry[] __attribute__((visibility("hidden")));
_Noreturn void heph_coro_restart(struct heph_coro *self, void *top,
				 heph_coro_fn *fn)
	__attribute__((visibility("hidden")));

#if HEPH_ASAN
static void begin(struct heph_coro *coro)
{
	heph_san_arrive(&coro->san);
	coro->fn(coro);
}
#endif

void heph_coro_init(struct heph_coro *coro, void *low, size_t size,
		    size_t reserve, heph_coro_fn *fn)
{
	coro->sp = heph_coro_reserved(low, size, reserve);
	coro->ip = (void *)(uintptr_t)heph_coro_entry;
	coro->fp = (void *)(uintptr_t)fn;
#if HEPH_ASAN
	coro->fn = fn;
	coro->fp = (void *)(uintptr_t)begin;
#endif
#if HEPH_ASAN || HEPH_TSAN
	heph_san_init(&coro->san, low, size, false);
#endif
}

#if HEPH_ASAN
static void own_stack(void **ret_low, size_t *ret_size)
{
	pthread_attr_t attr;

	*ret_low = NULL;
	*ret_size = 0;
	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	pthread_attr_getstack(&attr, ret_low, ret_size);
	pthread_attr_destroy(&attr);
}
#endif

void heph_coro_init_thread(struct heph_coro *coro)
{
	coro->sp = NULL;
	coro->ip = NULL;
	coro->fp = NULL;
#if HEPH_ASAN
	void *low;
	size_t size;

	own_stack(&low, &size);
	heph_san_init(&coro->san, low, size, true);
#elif HEPH_TSAN
	heph_san_init(&coro->san, NULL, 0, true);
#endif
}

void heph_coro_fini(struct heph_coro *coro)
{
	(void)coro;
#if HEPH_ASAN || HEPH_TSAN
	heph_san_fini(&coro->san);
#endif
}

void heph_coro_reset(struct heph_coro *self, void *low, size_t size,
		     size_t reserve, heph_coro_fn *fn)
{
#if HEPH_ASAN || HEPH_TSAN
	heph_san_reset(&self->san, low, size);
#endif
	heph_coro_restart(self, heph_coro_reserved(low, size, reserve), fn);
}

#if HEPH_ASAN || HEPH_TSAN
/* What TSan notes of entering and leaving a function happens in the same
 * coroutine, for these are not inlined. */
__attribute__((noinline, no_sanitize("thread"))) void
heph_coro_switch_san(struct heph_coro *from, struct heph_coro *to)
{
	heph_san_depart(&from->san, &to->san, false);
	heph_coro_jump(from, to);
	heph_san_arrive(&from->san);
}

__attribute__((noinline, no_sanitize("thread"))) void
heph_coro_leave_san(struct heph_coro *from, struct heph_coro *to)
{
	heph_san_depart(&from->san, &to->san, true);
	heph_coro_go(to);
}
#endif
