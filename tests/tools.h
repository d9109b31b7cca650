/* SPDX-License-Identifier: MIT */
/* tools.h - what tests do otherwise under valgrind and the sanitizers */
#ifndef TEST_TOOLS_H
#define TEST_TOOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

/* Everything takes much longer there, and threads run one at a time, each until
 * it waits or has run for some milliseconds. */
static inline bool on_valgrind(void)
{
#ifdef RUNNING_ON_VALGRIND
	return RUNNING_ON_VALGRIND;
#else
	return false;
#endif
}

#if defined(__SANITIZE_ADDRESS__)
#define ON_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define ON_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ON_ASAN 1
#elif __has_feature(thread_sanitizer)
#define ON_TSAN 1
#endif
#endif
#ifndef ON_ASAN
#define ON_ASAN 0
#endif
#ifndef ON_TSAN
#define ON_TSAN 0
#endif

/* So many nanoseconds a test waits for what must come: a third of the time limit that
 * meson.build and the Makefile give it, so that it says itself what did not come. */
static inline int64_t patience(void)
{
	int64_t seconds = on_valgrind() ? 100 : ON_ASAN || ON_TSAN ? 40 : 10;

	return seconds * 1000000000;
}

/* recv(2) of all of it; MSG_WAITALL gets less if a debugger or a freezer interrupts it.
 * Returns what it has got. */
static inline ssize_t recv_whole(int number, void *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = recv(number, (char *)buf + done, size - done, MSG_WAITALL);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* For processes that die with a runtime in them: valgrind would look for leaks,
 * in all the memory that the runtime has reserved, for twenty seconds. */
static inline void dies_with_leaks(void)
{
#ifdef VALGRIND_CLO_CHANGE
	VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
}

#endif
