/* SPDX-License-Identifier: MIT */
/*
 * stall.h - actors that run for too long
 *
 * A worker counts its turns, and a turn is over soon unless an actor does not
 * come back from one of its runs. So who watches sees the same count again and
 * again, and nothing of it costs the worker anything. Then it asks the thread of
 * the worker who that is, by a signal whose handler writes the name and a
 * backtrace with write(2).
 *
 * The watcher looks four times in the time that is too long, and each time must
 * be the same: so a pause of the machine, or of a debugger, which is one look,
 * is not taken for a stall. When all workers sleep it does not look; one that
 * wakes up finds that it does not, and tells it.
 */
#ifndef HEPH_CORE_STALL_H
#define HEPH_CORE_STALL_H

#include <heph/types.h>

#include <pthread.h>
#include <stdbool.h>

struct heph;
struct heph_worker;

/* What a watcher knows of a worker. */
struct heph_stall {
	uint64_t turn;  /* the count of turns when it was seen first */
	unsigned looks; /* so often */
	heph_time since;
	bool reported, ending;
};

/* Prepares to be asked; once for the process. Whether there can be reports: not
 * with TSan, nor if the program has a handler of its own for the signal. */
bool heph_stall_install(void);

/* Before a thread runs actors: lets the signal in. */
void heph_stall_thread_init(void);

/* A worker has woken up, and nobody watches. */
void heph_stall_awake(struct heph *heph);

/* Looks at a worker that `thread` runs, and asks it if it is time to. `stall` is
 * how long is too long, `limit` when the process is to end; HEPH_NEVER: never.
 * Whether it is awake. */
bool heph_stall_look(struct heph_stall *it, struct heph_worker *worker,
		     pthread_t thread, heph_time stall, heph_time limit);

#endif
