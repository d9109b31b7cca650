/* SPDX-License-Identifier: MIT */
/* trace.h - the traces of a runtime, and who writes them */
#ifndef HEPH_RT_TRACE_H
#define HEPH_RT_TRACE_H

#include <heph/trace.h>

#include <pthread.h>

#include "core/trace.h"
#include "rt/tracefile.h"

struct heph_runtime;

struct heph_tracer {
	pthread_mutex_t lock; /* of beginning and ending */
	bool on;              /* under it */
	uint32_t number;      /* of the latest trace, under it */
	pthread_t thread;
	_Atomic bool quit;
	atomic_flag writing; /* held by who takes records out */
	uint64_t lost;       /* of the trace before, under it */
	struct heph_tracefile file;
};

/* Gives a runtime its tracer, and takes it back; ends the trace. */
int heph_tracer_init(struct heph_runtime *runtime);
void heph_tracer_fini(struct heph_runtime *runtime);

/* Begins the trace that HEPH_TRACE or the configuration asks for, before the
 * workers start, and tells of it when they have. 0, also if there is none. */
HEPH_MUST int heph_tracer_begin(struct heph_runtime *runtime);
void heph_tracer_begun(struct heph_runtime *runtime);

/* heph_runtime_join(), and tells of it. */
void heph_tracer_join(struct heph_runtime *runtime, enum heph_trace_kind kind,
		      pthread_t thread, const struct heph_thread *worker);

/* Writes what all runtimes of the process have to tell, if that can be done. In
 * a signal handler, or at the end of the process. */
void heph_tracers_save(void);

#endif
