/* SPDX-License-Identifier: MIT */
/* thread.h - starting threads of ours */
#ifndef HEPH_RT_THREAD_H
#define HEPH_RT_THREAD_H

#include "base/helper.h"

/* Starts a thread that no signal interrupts but those of faults. Returns 0;
 * -EAGAIN. */
static inline int heph_thread_start(pthread_t *ret_thread, void *(*fn)(void *),
				    void *arg)
{
	return heph_helper_start(ret_thread, 0, fn, arg);
}

/* Names the calling thread for top(1) and gdb: 15 characters at most. */
void heph_thread_name(const char *program, const char *what);

#endif
