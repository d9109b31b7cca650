/* SPDX-License-Identifier: MIT */
/* tools.h - what tests do otherwise under valgrind */
#ifndef TEST_TOOLS_H
#define TEST_TOOLS_H

#include <stdbool.h>

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

/* For processes that die with a runtime in them: valgrind would look for leaks,
 * in all the memory that the runtime has reserved, for twenty seconds. */
static inline void dies_with_leaks(void)
{
#ifdef VALGRIND_CLO_CHANGE
	VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
}

#endif
