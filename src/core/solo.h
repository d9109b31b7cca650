/* SPDX-License-Identifier: MIT */
/*
 * solo.h - workers of one actor: on a thread of its own, or on any
 *
 * A solo is a worker that has one actor at most. So its door, its pool, its
 * calls and whatever else an actor relies on are those of a worker, and nobody
 * else needs to know. Who runs it makes the difference:
 *
 *     own thread   a thread that does nothing else, by heph_worker_run()
 *     mover        any ordinary worker, for a slice at a time
 *
 * All solos have one number, HEPH_SOLO, and share their tables; the slot in an
 * address says which one it is. They are made as needed and never freed before
 * their runtime, because somebody may still have something for their door. A
 * solo that rests is used again for the same type of actor, as control blocks
 * are.
 */
#ifndef HEPH_CORE_SOLO_H
#define HEPH_CORE_SOLO_H

#include "core/heph.h"
#include "core/worker.h"

enum {
	HEPH_SOLOS_MAX = 1 << 18,
	HEPH_SOLO_CALLS = 256, /* places in the table of calls; one is unused */
	HEPH_SOLO_STACK = 1 << 20, /* bytes, of one with an own thread */
};

struct heph_solo_type;

struct heph_solo {
	struct heph_worker worker; /* first */
	struct heph_solo *next;    /* in a queue */
	struct heph_solo *younger; /* in the list of its type, while it rests */
	struct heph_solo_type *type;
	bool started; /* has its thread */
	struct heph_kind kinds[2]; /* of the worker */

	/* a mover: who owns it */
	struct heph_worker *runner; /* of the slice, or of the last one */
	struct heph_worker *home;   /* where it has operations; NULL: nowhere */
	struct heph_list guest;	    /* in its list of those */
	struct heph_event visit;    /* brings it home */

	/* a mover's place in the wheel of all, under their lock */
	struct heph_timer timer;
	_Atomic heph_time armed; /* HEPH_NEVER: not armed */
};

/* The solos of a type of actor that rest, the longest resting first. Meanwhile
 * one may be in a queue, because there is something at its door. */
struct heph_solo_type {
	const struct heph_actor *type;
	bool moves;
	struct heph_solo *first, *last;
	unsigned n;
	struct heph_solo_type *next;
};

struct heph_solos {
	/* tables by slot, reserved memory; place 0 is nobody's */
	struct heph_solo *table;
	struct heph_self *selves;
	struct heph_poke *pokes;
	struct heph_alarm *alarms;
	_Atomic uint64_t *places;
	struct heph_waiting_call *calls;
	_Atomic uint32_t n; /* ever made, and one */
	_Atomic uint64_t serial;

	pthread_mutex_t lock; /* of what follows */
	struct heph_stacks small, large;
	struct heph_solo_type *types;
	struct heph_movers ready; /* for any worker */

	pthread_mutex_t timer_lock; /* of the wheel */
	struct heph_wheel wheel;
};

static inline struct heph_solos *heph_solos_of(struct heph *heph)
{
	return atomic_load_explicit(&heph->solos, memory_order_acquire);
}

static inline struct heph_solo *heph_solo_of(struct heph_thread *thread)
{
	return (struct heph_solo *)thread;
}

/* ---- spawning ---- */

/* A solo that rests, or a new one, for an actor of that type, HEPH_ANY or
 * HEPH_OWN_THREAD; it is the caller's. Returns 0; -ENOMEM, -EAGAIN (too many
 * actors, or threads), -EOPNOTSUPP (no threads here), and what the driver
 * says. Any thread. */
HEPH_MUST int heph_solo_take(struct heph *heph, const struct heph_actor *type,
			     int on, struct heph_worker **ret_worker);

/* Its actor has ended, or did not begin: it may be used again. Does nothing
 * with an ordinary worker. Owner. */
void heph_solo_rest(struct heph_worker *worker);

/* The same, by who took it and did not use it. */
void heph_solo_give(struct heph_worker *worker);

/* The number of the worker that an actor of that thread runs on, at the moment;
 * -1: it has a thread of its own. Owner. */
int heph_solo_place(const struct heph_thread *thread);

/* The worker for what an actor of that thread spawns here. Owner. */
struct heph_worker *heph_solo_near(struct heph_thread *thread);

/* The thread of a solo is to be called after its actor. Does nothing
 * otherwise. */
void heph_solo_name(struct heph_self *self);

/* ---- all of a runtime ---- */

/* The solo that made the call in that place; NULL: there is none. Any thread. */
struct heph_thread *heph_solo_of_call(struct heph *heph, uint32_t slot);

/* See heph_threads_next(). */
struct heph_thread *heph_solos_next(struct heph *heph,
				    const struct heph_thread *thread);

/* Logs the movers that still run. */
void heph_solos_list(struct heph *heph);

/* See heph_retire() and heph_fini(). */
void heph_solos_retire(struct heph *heph);
void heph_solos_fini(struct heph *heph);

#endif
