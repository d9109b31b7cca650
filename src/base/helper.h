/* SPDX-License-Identifier: MIT */
/* helper.h - threads of the library's own */
#ifndef HEPH_BASE_HELPER_H
#define HEPH_BASE_HELPER_H

#include <pthread.h>
#include <stddef.h>

/*
 * Starts a thread that no signal interrupts but those of faults, with a stack of
 * `stack` bytes, or the least that there is (128 KiB on AArch64); 0: as usual. It is
 * detached if `ret_thread` is NULL, else the caller joins it. Returns 0; -EAGAIN. Any
 * thread.
 */
int heph_helper_start(pthread_t *ret_thread, size_t stack, void *(*fn)(void *),
		      void *arg);

#endif
