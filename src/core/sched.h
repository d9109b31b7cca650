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
	bool chosen;     /* the table is the program's */
	bool is_virtual; /* the clock */
	bool calm;       /* the clock says nothing: the queues stay */
	uint64_t max_run, chunk_long; /* ticks */
	uint32_t inside;              /* ready, and in the object */
	unsigned quiet;            /* turns until the queues are used again */
	bool noisy;                /* somebody did, in this one */
	struct heph_self *running; /* since `stamp`; NULL: not known */
	uint64_t stamp, chunk_began, turn_ends; /* ticks of the clock */
	heph_time cpu_began;    /* of the thread, at the begin of the turn */
	uint64_t virtual_ticks; /* of a clock that a test has */
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

/* Of an object of heph_scheduler_fair: whether nobody has to wait until the others
 * have used more time than that. */
bool heph_fair_settled(const void *scheduler, heph_time length);

/* What the clock says, in ticks. */
uint64_t heph_sched_ticks(struct heph_worker *worker);

#endif
