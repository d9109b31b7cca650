/* SPDX-License-Identifier: MIT */
/*
 * heph.h - the runtime as the core sees it: its threads, and how to reach them
 *
 * The only global state is the table of runtimes. A reference holds the number
 * of its runtime; who is not a thread of that runtime enters it for the time
 * of one call, so that heph_free() can wait until nobody is inside.
 */
#ifndef HEPH_CORE_HEPH_H
#define HEPH_CORE_HEPH_H

#include <heph/runtime.h>
#include <heph/types.h>

#include <pthread.h>
#include <stdatomic.h>

#include "core/map.h"
#include "core/registry.h"
#include "core/thread.h"

struct heph_lane;
struct heph_sim;
struct heph_solos;
struct heph_trace_stream;
struct heph_worker;
struct heph_self;
struct heph_worker_stats;

/*
 * What the layer above gives to a worker: time and sleep. io has three of these
 * (io/driver.h); the core has one that knows nothing but futexes.
 */
struct heph_driver {
	const char *name;
	bool alone; /* no threads but one, no descriptors of the kernel: those are
		     * -EOPNOTSUPP, and all actors are on the first worker */
	bool simulated; /* one thread runs all workers: others are -EOPNOTSUPP */

	/* On the worker's own thread, before and after its actors. */
	int (*start)(struct heph_worker *worker);
	void (*stop)(struct heph_worker *worker);

	/* When the thread has ended and nobody can wake it any more. */
	void (*release)(struct heph_worker *worker);

	/* Handles what has happened; sleeps for at most `max_wait` if there is
	 * nothing, not at all if it is 0. Wakes up when wake() is called. */
	void (*poll)(struct heph_worker *worker, heph_time max_wait);

	/* Any thread. */
	void (*wake)(struct heph_worker *worker);

	/* What it has; NULL: nothing to tell of. Any thread. */
	void (*describe)(struct heph_worker *worker,
			 struct heph_worker_stats *stats);

	/* For who sleeps elsewhere. From now on, when poll() may find something,
	 * an eventfd is written to, or the descriptor that is returned is
	 * readable (-1: there is none); and before it sleeps what was collected
	 * is handed over to the kernel. */
	int (*tell)(struct heph_worker *worker, int event, int *ret_number);
	void (*submit)(struct heph_worker *worker);

	/* Asks the kernel to give up all operations of an actor; each of them
	 * leaves ext->operations as it ends. */
	void (*cancel)(struct heph_self *self);

	/* A clause of heph_wait() about a descriptor: whether it could be had
	 * now (1, 0, -EBADF); or begin, ask, end. One that has begun is an
	 * operation of the actor. */
	int (*poll_now)(struct heph_self *self, struct heph_fd fd,
			bool writing);
	int (*poll_begin)(struct heph_self *self, struct heph_fd fd,
			  bool writing, void **ret_poll);
	bool (*poll_ready)(void *poll);
	void (*poll_end)(void *poll);

	/* Takes a descriptor from its owner, waiting until it is idle, and
	 * gives it to an owner, who has an extension, on that one's thread. 0;
	 * -EBADF, -ECANCELED. */
	int (*fd_detach)(heph_ctx ctx, struct heph_fd fd);
	void (*fd_attach)(struct heph_self *to, struct heph_fd fd);
};

struct heph {
	uint16_t node;
	unsigned workers;
	struct heph_config config; /* all values filled in */
	char name[32];             /* of it, copied */
	const struct heph_driver *driver;

	/* How to take a signal for an actor, filled by rt; -EINVAL. */
	int (*take_signal)(struct heph *heph, int signal);
	void (*untake_signal)(struct heph *heph, int signal);

	/* What a plain thread that hosts a worker does instead of sleeping: lets
	 * the worker run. Wakes `self` with HEPH_WAIT_TIME when `deadline` has
	 * come, with HEPH_FLAG_STUCK and HEPH_WAIT_STOP when nobody ever will. */
	void (*nap)(struct heph_self *self, heph_time deadline);

	/* Starts a thread that runs a worker until the runtime ends, filled by
	 * rt. Returns when the driver has started there: 0, or its error; -EAGAIN. */
	int (*start_thread)(struct heph_worker *worker);

	/* Told of each failure of an actor; NULL: nobody is. */
	void (*failed)(struct heph_self *self, const struct heph_exit *exit);

	/* Told of a panic of a plain thread, which ends the process when this
	 * returns; it may jump out. NULL: nobody is. */
	void (*panicked)(struct heph_self *self, const char *file, int line,
			 const char *text);

	/* Told when `busy` may have become 0, and when the runtime must end. */
	void (*notify)(struct heph *heph);

	pthread_mutex_t lock; /* of the tables of threads and of lanes */
	_Atomic(struct heph_thread *) threads[HEPH_THREADS_MAX];
	uint16_t free_threads[HEPH_THREADS_MAX];
	unsigned n_threads, n_free_threads;
	_Atomic(struct heph_lane *) *lanes; /* [from * workers + to] */

	void *files;           /* io's */
	struct heph_sim *sim;  /* io's, its world; NULL: it is the real one */
	uint64_t sim_seed;     /* of that */
	uint64_t first_serial; /* of its actors */
	struct heph_maps maps;
	struct heph_registry registry;

	_Atomic uint32_t busy;              /* workers that have actors */
	_Atomic uint32_t strangers;         /* messages of theirs under way */
	_Atomic uint64_t strangers_dropped; /* posts of theirs */
	_Atomic uint64_t strangers_late;    /* answers of theirs */
	_Atomic uint64_t strangers_closed; /* descriptors that they discarded */
	_Atomic heph_time deadline; /* the end of the grace; 0: not ending */
	_Atomic unsigned stopping;  /* phases below are asked to; see stop.c */
	_Atomic uint32_t roots[HEPH_PHASES]; /* workers with actors of them */
	_Atomic bool abandon;       /* workers leave at once */
	_Atomic int result;         /* of heph_drain() */
	_Atomic uint32_t turn;      /* where a thread spawns next */
	_Atomic(struct heph_solos *) solos; /* made when first used; solo.h */
	_Atomic(struct heph_trace_stream *) trace_streams; /* see trace.h */
	struct heph_trace_stream *trace_own; /* the coordinator's, under `lock` */
	_Atomic uint32_t trace_full; /* a futex: some stream is half full */

	/* Looked at by each worker in each turn. */
	char apart[HEPH_CACHE_LINE];
	_Atomic uint32_t movers;      /* ready, for any worker */
	_Atomic heph_time next_timer; /* of those that move; HEPH_NEVER */
	_Atomic uint32_t sleepers;    /* workers that are asleep */
	_Atomic uint32_t moving;      /* actors that move, and live */
	_Atomic uint32_t tracing;     /* the number of the trace; 0: none */
	_Atomic bool unwatched; /* a worker that wakes up tells so; stall.h */
};

/* The table of runtimes, for debuggers to read too; heph.c explains it. */
struct heph_place {
	_Atomic(struct heph *) heph; /* NULL: the place is free */
	_Atomic uint32_t inside;
	_Atomic uint64_t serial;
};
extern struct heph_place heph_places[HEPH_RUNTIMES_MAX];

/* Prepares a runtime and gives it a place in the table. Returns 0; -ENOMEM,
 * -EAGAIN (too many runtimes). */
int heph_init(struct heph *heph, const struct heph_config *config,
	      const struct heph_driver *driver);

/* Takes it out of the table, waits until no stranger is inside, and disposes of
 * the messages that came after the last actor's end. Its threads have ended,
 * and none of their records is freed before. */
void heph_retire(struct heph *heph);

/* Retires it, if that was not done, and frees what init made. */
void heph_fini(struct heph *heph);

/* Gives a thread a number, the next worker's or a plain one's. Returns 0;
 * -EAGAIN. Any thread. */
int heph_threads_add(struct heph *heph, struct heph_thread *thread);

/* A plain thread has left: its record stays in its place, because late answers
 * still look at it, until heph_threads_reuse() gives it to another one, which
 * returns NULL if there is none. Any thread. */
void heph_threads_retire(struct heph *heph, struct heph_thread *thread);
struct heph_thread *heph_threads_reuse(struct heph *heph);

/* How many plain threads are attached. Any thread. */
unsigned heph_threads_attached(struct heph *heph);

/* The highest serial that an actor of this place in the table ever had. */
uint64_t heph_serial_base(struct heph *heph);
void heph_serial_used(struct heph *heph, uint64_t serial);

/*
 * The runtime of a reference, or NULL. `*ret_inside` says whether the caller
 * is one of its threads; heph_leave() must be called with it. Any thread.
 */
struct heph *heph_enter(uint16_t node, bool *ret_inside);
void heph_leave(uint16_t node, bool inside);

/* The runtime with that number, or NULL. Any thread, also in a signal handler. */
struct heph *heph_at_place(unsigned node);

/* The thread with that number, or NULL. */
static inline struct heph_thread *heph_thread_of(struct heph *heph,
						 unsigned number)
{
	return atomic_load_explicit(&heph->threads[number],
				    memory_order_acquire);
}

/* All threads, those with numbers first: the one after `thread`, or the first
 * one after NULL; NULL: that was the last. Any thread. */
struct heph_thread *heph_threads_next(struct heph *heph,
				      const struct heph_thread *thread);

/* Asks every first-level actor to stop, phase by phase, by `deadline` at the
 * latest. Any thread; never fails. Only the first deadline counts. */
void heph_stop_runtime(struct heph *heph, heph_time deadline);

/* A phase may be over: asks the next one, if the runtime is stopping. Any thread. */
void heph_stop_next(struct heph *heph);

/* A worker that is used again, or new, hears of it as well. Its owner. */
void heph_stop_late(struct heph_worker *worker);

/* A worker hears of it. */
void heph_stop_heard(struct heph_event *event);

/* Ends the runtime at once, with that result. Any thread. */
void heph_abandon(struct heph *heph, int result);

/* Lets it end as a stop does, but with that result. Any thread. */
void heph_fail(struct heph *heph, int result);

#endif
