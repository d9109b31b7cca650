/* SPDX-License-Identifier: MIT */
/*
 * assert.h - checks for our own mistakes, in three prices
 *
 *   heph_assert        always on, also in release: cheap, and going on would
 *                      corrupt somebody else's memory
 *   heph_debug_assert  HEPH_DEBUG >= 1: cheap, on in tests and development
 *   heph_slow_assert   HEPH_DEBUG >= 2: walks a list, locks, counts
 *
 * Only for programming errors. What the world can cause (no memory, a closed
 * socket, a full inbox) is an error code, never an assertion.
 */
#ifndef HEPH_BASE_ASSERT_H
#define HEPH_BASE_ASSERT_H

#include <stdbool.h>

#ifndef HEPH_DEBUG
#define HEPH_DEBUG 0
#endif

/*
 * Set by an upper layer before any thread starts, or NULL: writes who is
 * running to `fd`. It is called once, between the message of a failed
 * assertion and the abort, on the thread and the stack that failed; it may use
 * write(2) and heph_fmt_* and nothing that locks or allocates.
 */
extern void (*heph_assert_note)(int fd);

/*
 * Prints where and what with write(2), calls heph_assert_note, writes out the
 * log (waits a second at most) and aborts. Any thread, any stack. An assertion
 * that fails while another one is being reported aborts after its message.
 */
_Noreturn void heph_assert_failed(const char *expr, const char *file, int line,
				  const char *func);

/*
 * The same for a mistake of who uses the library, which it can see: prints "heph:
 * misuse: TEXT", where TEXT says who did what and what to do instead, and in which
 * page of the guide there is more.
 */
_Noreturn void heph_misuse(const char *text, const char *page);

/* Whether one has failed. Any thread, and in signal handlers. */
bool heph_assert_reported(void);

#define heph_assert(expr)                                                      \
	(__builtin_expect(!!(expr), 1) ?                                       \
		 (void)0 :                                                     \
		 heph_assert_failed(#expr, __FILE__, __LINE__, __func__))

/* Off means unevaluated but still compiled, so that it cannot rot. */
#define heph_debug_assert(expr)                                                \
	((void)(HEPH_DEBUG >= 1 && (heph_assert(expr), 0)))
#define heph_slow_assert(expr)                                                 \
	((void)(HEPH_DEBUG >= 2 && (heph_assert(expr), 0)))

#endif
