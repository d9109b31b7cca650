/* SPDX-License-Identifier: MIT */
/*
 * own_thread.h - the threads of actors that have one of their own
 *
 * Each is a worker with its own ring and at most one actor; see core/solo.h. A
 * thread whose actor has ended sleeps until another one comes, and ends with
 * the runtime.
 */
#ifndef HEPH_RT_OWN_THREAD_H
#define HEPH_RT_OWN_THREAD_H

#include "rt/runtime.h"

/* Fills in heph->start_thread. */
void heph_own_threads_init(struct heph_runtime *runtime);

/* Ends them, after `quit` is set or the runtime was abandoned. */
void heph_own_threads_stop(struct heph_runtime *runtime);

/* When nobody can wake one any more. */
void heph_own_threads_free(struct heph_runtime *runtime);

#endif
