/* SPDX-License-Identifier: MIT */
/*
 * sched.h - which of a worker's actors runs next, and for how long a turn lasts
 *
 * On the path of every message there is one queue and a count of steps, and
 * nothing of this. `n_unusual` of the worker leads here: it counts the actors
 * that are ready with another priority than the normal one, and one more while
 * a table of functions chooses. Only then is the clock read at each switch.
 */
#ifndef HEPH_CORE_SCHED_H
#define HEPH_CORE_SCHED_H

#include <heph/sched.h>

#include <stdbool.h>
#include <stdint.h>

struct heph_self;
struct heph_worker;

#define HEPH_MAX_RUN_DEFAULT (5 * HEPH_MSEC)

struct heph_sched {
	const struct heph_scheduler *table; /* NULL: the queues */
	void *object;
	bool sharing; /* the queues do, in this turn; n_unusual is one more */
	bool is_virtual;           /* the clock */
	uint64_t max_run;          /* ticks */
	uint32_t inside;           /* ready, and in the object */
	struct heph_self *running; /* since `stamp`; NULL: not known */
	uint64_t stamp, turn_ends; /* ticks of the clock */
	uint64_t virtual_ticks;    /* of a clock that a test has */
	uint64_t chunk_long, chunk_began;
	int chunk;   /* steps between two looks at the clock */
	bool slow;   /* some of this turn took long */
	bool calm;   /* the clock says nothing about that */
	int reserve; /* steps of the turn that are not in worker->budget */
	int dropped; /* and those that it does not get: its time was over */
	uint64_t used[3], latest; /* of each queue: time, weighted */
};

/* Returns 0; -ENOMEM. */
int heph_sched_init(struct heph_worker *worker);
void heph_sched_fini(struct heph_worker *worker);

/* Before actors run: so many steps may be done, in worker->budget at first some of
 * them. `ends` is when the turn is over. */
void heph_sched_begin(struct heph_worker *worker, int steps);

/* worker->budget is used up: gives it more, if the turn has some left. Whether
 * there is. */
bool heph_sched_refill(struct heph_worker *worker);

/* How many steps of the turn were not done. */
int heph_sched_left(const struct heph_worker *worker);

/* The loop is about to run an actor; an actor has stopped running, and another one
 * will run. Only with n_unusual. */
void heph_sched_start(struct heph_worker *worker, struct heph_self *self);
void heph_sched_charge(struct heph_worker *worker, struct heph_self *self);

/* The actor whose turn it is; NULL: nobody can run. The same. */
struct heph_self *heph_sched_next(struct heph_worker *worker);

/* Whether anybody can, by those who are not in the normal queue. */
bool heph_sched_any(const struct heph_worker *worker);

/* An actor has ended. */
void heph_sched_gone(struct heph_worker *worker, struct heph_self *self);

/* What the clock says, in ticks. */
uint64_t heph_sched_ticks(struct heph_worker *worker);

#endif
