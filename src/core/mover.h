/* SPDX-License-Identifier: MIT */
/*
 * mover.h - running the solos that any worker may run
 *
 * `asleep` of a mover's thread is 1 when nobody runs it and nobody is
 * going to. Who swaps it to 0, which is what waking does, owns it and puts it
 * where it will be run: into the runtime's queue, or, while operations of it
 * are in flight, to the worker whose ring they are in.
 */
#ifndef HEPH_CORE_MOVER_H
#define HEPH_CORE_MOVER_H

#include "core/solo.h"

/* Lets a mover, which got its actor from who took it, run. */
void heph_mover_launch(struct heph_worker *worker);

/* Somebody has swapped `asleep` of this mover. See heph_thread_wake(). */
void heph_mover_ready(struct heph_thread *thread);

/* Runs movers that are ready, in slices, as long as actors of this worker may
 * run in a turn. */
void heph_movers_run(struct heph_worker *worker);

/* Wakes the movers whose time has come. Any thread of the runtime. */
void heph_movers_expire(struct heph *heph);

/* The event that brings a mover to the worker where it has operations. */
void heph_mover_visit(struct heph_event *event);

/* ---- inline: in each turn of a worker ---- */

static inline bool heph_movers_waiting(struct heph_worker *worker)
{
	return worker->visitors.first ||
	       atomic_load_explicit(worker->movers, memory_order_relaxed);
}

#endif
