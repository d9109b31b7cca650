/* SPDX-License-Identifier: MIT */
/*
 * sched.h - who runs next: schedulers as tables of functions
 *
 * A worker runs actors one after the other, each until it waits. When several
 * could run the scheduler chooses. By default that is the order in which they
 * became ready, with three priorities that share the time of the worker as 6 to
 * 3 to 2 (high, normal, low) while all of them want it.
 *
 * A program with other wishes gives a table in `config.scheduler`: one of those
 * below, or its own. Each worker makes one object and uses it alone, one call at
 * a time; so no function needs a lock. They run between two actors: they must
 * not wait, call Heph, or fail. Actors that move, and those with a thread of
 * their own, are not a worker's to schedule.
 *
 * Actors are numbers, from 1 to `max`, which are used again for others.
 */
#ifndef HEPH_SCHED_H
#define HEPH_SCHED_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_scheduler {
	const char *name;

	/* An object for a worker with so many actors at most (see
	 * config.actors); NULL: there is no memory. What is not touched of a
	 * large calloc(3) costs nothing, so arrays may have a place for each. */
	void *(*create)(uint32_t max);
	void (*destroy)(void *scheduler);

	/* The actor may run. It is not ready already. `priority` is that of its
	 * spawn, HEPH_LOW to HEPH_HIGH. */
	void (*ready)(void *scheduler, uint32_t actor, int priority);
	/* Takes out the one that is to run; 0: none is ready. */
	uint32_t (*next)(void *scheduler);
	/* It ran for so long, in nanoseconds, and waits now or will be ready. */
	void (*ran)(void *scheduler, uint32_t actor, int priority,
		    heph_time length);
	/* It has ended, and its number may come again for another one. */
	void (*gone)(void *scheduler, uint32_t actor);
};

/*
 * Completely fair: the one that has used the least time runs next, where time
 * counts 5 of 10 for those of high priority and 15 of 10 for low ones; so of two
 * that always want to run a high one gets twice as much as a normal one. Equal
 * ones: the higher priority, then who was ready first. A new actor begins 0.1 ms
 * behind the one that has used the least; one that was waiting for long is at
 * most 5 ms ahead of that. An actor that yields may be the next one again.
 */
HEPH_API extern const struct heph_scheduler heph_scheduler_fair;

/* First come, first served. Knows no priorities. */
HEPH_API extern const struct heph_scheduler heph_scheduler_fifo;

#ifdef __cplusplus
}
#endif
#endif
