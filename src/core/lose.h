/* SPDX-License-Identifier: MIT */
/*
 * lose.h - messages that are lost on purpose, for tests
 *
 * The short way of a message does not ask whether it is to be lost: while that
 * may be, no thread has its own node in `near`, so that every message takes a
 * longer way, which asks.
 */
#ifndef HEPH_CORE_LOSE_H
#define HEPH_CORE_LOSE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/thread.h"

/* In percent; 0: nothing is lost. */
extern _Atomic unsigned heph_lose_percent;

/* Sets `near` of a thread that was added to its runtime. */
void heph_lose_init_thread(struct heph_thread *thread);

/* Whether the next one of the pattern is lost. */
bool heph_lose_draw(void);

/* Whether the message that is being sent is to be lost. Any thread. */
static inline bool heph_lose_next(void)
{
	return heph_unlikely(atomic_load_explicit(&heph_lose_percent,
						  memory_order_relaxed)) &&
	       heph_lose_draw();
}

#endif
