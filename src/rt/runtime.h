/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - the threads of a runtime: workers and their coordinator
 *
 * The coordinator is a thread that sleeps: it hears of signals, of the last
 * actor's end, and of the end of the grace, and acts even when every worker is
 * stuck in an actor.
 */
#ifndef HEPH_RT_RUNTIME_H
#define HEPH_RT_RUNTIME_H

#include <pthread.h>

#include "base/list.h"
#include "core/heph.h"
#include "core/stall.h"
#include "core/worker.h"
#include "rt/circles.h"

struct heph_runtime;
struct heph_ctl;
struct heph_own_thread;
struct heph_tracer;

/* A worker and its thread. */
struct heph_worker_thread {
	struct heph_worker worker; /* first */
	struct heph_runtime *runtime;
	pthread_t thread;
	bool running;
	int cpu;                 /* -1: any */
	struct heph_stall stall; /* the coordinator's */
};

struct heph_runtime {
	struct heph heph; /* first */
	struct heph_worker_thread **workers;
	_Atomic bool quit; /* workers end when they have no actors */

	pthread_mutex_t lock; /* of what follows, up to `coordinator` */
	pthread_cond_t changed;
	unsigned started;
	int start_error, start_worker; /* of a driver, and whose */
	bool no_ring;                  /* that was why */
	struct heph_list drainers;
	struct heph_own_thread *own_threads;

	pthread_t coordinator;
	int event; /* an eventfd: something is new */
	_Atomic bool coordinator_quit;
	_Atomic uint32_t taken[HEPH_SIGNALS]; /* actors that take the signal */
	unsigned stops;     /* signals that asked for the end */
	heph_time watch_at; /* when to look for stalls; HEPH_NEVER */
	struct heph_circles circles; /* the coordinator's */
	heph_ctx owner;     /* of the thread that called heph_new() */
	void *host;         /* of who runs the worker by hand */
	struct heph_tracer *tracer;
	struct heph_ctl *ctl; /* NULL: there is no control socket */

	pthread_t reporter; /* see report.h */
	int report; /* the signal that asked for it; 0: it does not run */
	_Atomic bool reporting;
};

/* ---- runtime.c ---- */

/* Makes a runtime and its workers, which nobody runs so far. `config` is
 * complete. Returns 0; -ENOMEM, -EAGAIN. */
int heph_runtime_new(struct heph_runtime **ret_runtime,
		     const struct heph_config *config,
		     const struct heph_driver *driver);

/* Ends all threads that it has: of workers, and of single actors. */
void heph_runtime_end_threads(struct heph_runtime *runtime);

/* Frees it, when nobody runs its workers any more and nobody is attached. */
void heph_runtime_free(struct heph_runtime *runtime);

/* Waits for the thread of a worker that was told to end. */
void heph_runtime_join(struct heph_runtime *runtime, pthread_t thread,
		       const struct heph_thread *worker);

/* ---- coordinator.c ---- */

/* Lets the runtime hear of signals and of its own end. 0; -EMFILE. */
int heph_coordinator_init(struct heph_runtime *runtime);
void heph_coordinator_fini(struct heph_runtime *runtime);

/* Acts on what is new. By the coordinator, or by who runs the only worker, when
 * runtime->event is readable or the time has come. */
void heph_coordinator_turn(struct heph_runtime *runtime);

/* Acts on a signal that has come so often. */
void heph_coordinator_signal(struct heph_runtime *runtime, int signal,
			     uint32_t n);

/* When that is; HEPH_NEVER. */
heph_time heph_coordinator_next(struct heph_runtime *runtime);

/* Takes back that `event` is readable. */
void heph_coordinator_heard(struct heph_runtime *runtime);

/* Begins and ends the thread, after init and before fini. 0; -EAGAIN. */
int heph_coordinator_start(struct heph_runtime *runtime);
void heph_coordinator_stop(struct heph_runtime *runtime);

/* Something is new. Any thread. */
void heph_coordinator_notify(struct heph *heph);

/* ---- config.c ---- */

/* Fills in the defaults and checks. 0; -EINVAL. */
int heph_config_resolve(struct heph_config *config,
			const struct heph_config *given, size_t size);

#endif
