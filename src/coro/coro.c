/* SPDX-License-Identifier: MIT */
/* coro.c - beginnings and ends of coroutines
 *
 * A new coroutine looks as if it had been suspended right before
 * heph_coro_entry. That finds the function to call with its result, and the
 * coroutine, at the foot of the stack, and leaves nothing but a return address
 * between that and the first function.
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
_Noreturn void heph_coro_restart(struct heph_coro *self, heph_coro_fn *fn,
				 void *foot)
	__attribute__((visibility("hidden")));

/* The frame of switch_*.S. */
struct frame {
	const void *arg, *then;
#if defined(__x86_64__)
	uintptr_t r15_to_rbp[6];
#else
	uintptr_t x19_to_x30[12], d8_to_d15[8];
#endif
	heph_coro_end *end;
	struct heph_coro *coro;
};

_Static_assert(sizeof(struct frame) == HEPH_CORO_FRAME, "as coro.h says");

#if HEPH_ASAN
static int begin(struct heph_coro *coro)
{
	heph_san_arrive(&coro->san);
	return coro->fn(coro);
}
#endif

void heph_coro_init(struct heph_coro *coro, void *low, size_t size, void *top,
		    void *image, heph_coro_fn *fn, heph_coro_end *end)
{
	struct frame *frame = image;

	coro->sp = (char *)top - HEPH_CORO_FRAME;
#if HEPH_ASAN || HEPH_TSAN
	heph_san_init(&coro->san, low, size, false);
#endif
#if HEPH_ASAN
	coro->fn = fn;
	fn = begin;
#endif
	(void)low, (void)size;
	*frame = (struct frame){ .arg = (void *)(uintptr_t)fn,
				 .then = heph_coro_entry,
				 .end = end,
				 .coro = coro };
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

void heph_coro_reset(struct heph_coro *self, void *low, size_t size, void *top,
		     heph_coro_fn *fn)
{
	(void)low, (void)size;
#if HEPH_ASAN || HEPH_TSAN
	heph_san_reset(&self->san, low, size);
#endif
	heph_coro_restart(self, fn, (char *)top - HEPH_CORO_FOOT);
}

#if HEPH_ASAN || HEPH_TSAN
/* What TSan notes of entering and leaving a function happens in the same
 * coroutine, for these are not inlined. */
__attribute__((noinline, no_sanitize("thread"))) void
heph_coro_switch_san(struct heph_coro *from, struct heph_coro *to)
{
	heph_san_depart(&from->san, &to->san, false);
	heph_coro_swap(from, to);
	heph_san_arrive(&from->san);
}

__attribute__((noinline, no_sanitize("thread"))) void
heph_coro_leave_san(struct heph_coro *from, struct heph_coro *to)
{
	heph_san_depart(&from->san, &to->san, true);
	heph_coro_go(from, to);
}
#endif
