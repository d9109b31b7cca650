/* SPDX-License-Identifier: MIT */
/*
 * The writer is a thread that empties the streams several times a second, and
 * when one is half full. A process that crashes or exits empties them itself, if
 * the writer is not at it.
 */
#include "rt/trace.h"

#include <heph/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/futex.h"
#include "core/trace.h"
#include "coro/fault.h"
#include "rt/runtime.h"
#include "rt/thread.h"

#define WRITE_EVERY (250 * HEPH_MSEC)
#define SAVE_TRY (10 * HEPH_MSEC)
enum { SAVE_TRIES = 100, PATH_MAX_HERE = 4096 };

/* ---- taking out ------------------------------------------------------------- */

static void drain(struct heph *heph, struct heph_tracefile *file)
{
	struct heph_trace_stream *stream = atomic_load(&heph->trace_streams);
	const struct heph_trace_record *record;
	uint64_t pos;

	for (; stream; stream = stream->next_one) {
		pos = atomic_load(&stream->tail);
		while ((record = heph_trace_take(stream, &pos))) {
			if (!heph_tracefile_add(file, stream->id, record))
				continue;
			stream->gaps += record->counter - stream->next;
			stream->next = record->counter + 1;
		}
	}
	heph_tracefile_flush(file);
}

/* What was lost after the last event of a stream would leave no gap: an event
 * comes after it, and says how many there were. Returns how many in all. */
static uint64_t tell_lost(struct heph *heph, struct heph_tracefile *file)
{
	struct heph_trace_stream *stream = atomic_load(&heph->trace_streams);
	struct heph_trace_record record = { .kind = HEPH_TRACE_LOST };
	uint64_t lost, sum = 0;

	record.trace = (uint16_t)file->trace;
	record.start = record.end = heph_clock_ticks();
	for (; stream; stream = stream->next_one) {
		lost = heph_trace_lost(stream);
		sum += lost;
		if (!lost)
			continue;
		record.counter = stream->next + (uint32_t)(lost - stream->gaps);
		record.value[0] = lost;
		heph_tracefile_add(file, stream->id, &record);
	}
	heph_tracefile_flush(file);
	return sum;
}

static bool try_lock(struct heph_tracer *tracer)
{
	return !atomic_flag_test_and_set_explicit(&tracer->writing,
						  memory_order_acquire);
}

static void unlock(struct heph_tracer *tracer)
{
	atomic_flag_clear_explicit(&tracer->writing, memory_order_release);
}

static void pause_for(heph_time length)
{
	const struct timespec time = { .tv_nsec = length };

	nanosleep(&time, NULL);
}

static void drain_now(struct heph_runtime *runtime)
{
	while (!try_lock(runtime->tracer))
		pause_for(SAVE_TRY);
	drain(&runtime->heph, &runtime->tracer->file);
	unlock(runtime->tracer);
}

static void *write_trace(void *arg)
{
	struct heph_runtime *runtime = arg;
	struct heph_tracer *tracer = runtime->tracer;
	_Atomic uint32_t *full = &runtime->heph.trace_full;
	bool quit;

	heph_thread_name(runtime->heph.config.name, "/trc");
	do {
		if (!atomic_load(&tracer->quit))
			heph_futex_wait(full, 0, WRITE_EVERY);
		quit = atomic_load(&tracer->quit);
		atomic_store(full, 0);
		if (!tracer->file.pace)
			heph_clock_calibrate(); /* it knows more by now */
		drain_now(runtime);
	} while (!quit);
	return NULL;
}

/* ---- crashes ------------------------------------------------------------------ */

static void save(struct heph_runtime *runtime)
{
	struct heph_tracer *tracer = runtime->tracer;

	if (!tracer || !atomic_load(&runtime->heph.tracing))
		return;
	for (int n = 0; n < SAVE_TRIES; n++) {
		if (try_lock(tracer)) {
			drain(&runtime->heph, &tracer->file);
			unlock(tracer);
			return;
		}
		pause_for(SAVE_TRY);
	}
}

void heph_tracers_save(void)
{
	struct heph *heph;

	for (unsigned n = 0; n < HEPH_RUNTIMES_MAX; n++) {
		heph = heph_at_place(n);
		if (heph)
			save((struct heph_runtime *)heph);
	}
}

__attribute__((destructor)) static void save_at_exit(void)
{
	heph_tracers_save();
}

/* ---- beginning --------------------------------------------------------------- */

/* What plain threads call is told of. */
static void tell_threads(struct heph *heph, bool on)
{
	struct heph_thread *thread = NULL;

	while ((thread = heph_threads_next(heph, thread))) {
		if (!thread->is_worker)
			atomic_store(&thread->told, on);
		else if (on && !thread->moves)
			heph_thread_wake(thread); /* it says who it is */
	}
}

static int begin(struct heph_runtime *runtime, const char *path)
{
	struct heph_tracer *tracer = runtime->tracer;
	struct heph *heph = &runtime->heph;
	int err = heph_tracefile_open(&tracer->file, path, tracer->number + 1);

	if (err < 0)
		return err;
	heph_trace_streams_forget(heph);
	atomic_store(&tracer->quit, false);
	err = heph_thread_start(&tracer->thread, write_trace, runtime);
	if (err < 0) {
		heph_tracefile_close(&tracer->file);
		unlink(path);
		return err;
	}
	heph_fault_save = heph_tracers_save;
	tracer->on = true;
	atomic_store(&heph->tracing, ++tracer->number);
	return 0;
}

static int start(struct heph_runtime *runtime, const char *path)
{
	struct heph_tracer *tracer = runtime->tracer;
	int err = -EOPNOTSUPP;

	if (runtime->heph.driver->alone || runtime->heph.driver->simulated)
		goto refused;
	pthread_mutex_lock(&tracer->lock);
	err = tracer->on ? -EALREADY : begin(runtime, path);
	pthread_mutex_unlock(&tracer->lock);
	if (err == 0)
		return 0;
refused:
	heph_log_error("cannot begin a trace", HEPH_KV_STR("path", path),
		       HEPH_KV_ERR("err", err));
	return err;
}

int heph_trace_start(struct heph *heph, const char *path)
{
	uint64_t now = heph_clock_ticks();
	int err = start((struct heph_runtime *)heph, path);

	if (err < 0)
		return err;
	tell_threads(heph, true);
	heph_trace_coordinator(heph, HEPH_TRACE_START, now, heph->workers,
			       "coordinator");
	return 0;
}

/* %p in the path is the process, so that its children have files of their own;
 * %r the number of the runtime in it, %% a %. */
static int expand(struct heph_runtime *runtime, const char *path,
		  char *ret_path, size_t size)
{
	size_t n = 0;

	for (; *path && n + 24 < size; path++) {
		if (*path != '%') {
			ret_path[n++] = *path;
			continue;
		}
		switch (*++path) {
		case 'p':
			n += (size_t)sprintf(ret_path + n, "%ld",
					     (long)getpid());
			break;
		case 'r':
			n += (size_t)sprintf(ret_path + n, "%u",
					     runtime->heph.node);
			break;
		case '%':
			ret_path[n++] = '%';
			break;
		default:
			return -EINVAL;
		}
	}
	ret_path[n] = '\0';
	return *path ? -ENAMETOOLONG : 0;
}

int heph_tracer_begin(struct heph_runtime *runtime)
{
	const char *from = getenv("HEPH_TRACE");
	char path[PATH_MAX_HERE];
	int err;

	if (!from || !*from)
		return runtime->heph.config.trace ?
			       start(runtime, runtime->heph.config.trace) :
			       0;
	err = expand(runtime, from, path, sizeof(path));
	if (err == 0)
		return start(runtime, path);
	heph_log_error("HEPH_TRACE: only %p, %r and %% have a meaning",
		       HEPH_KV_STR("path", from), HEPH_KV_ERR("err", err));
	return err;
}

void heph_tracer_begun(struct heph_runtime *runtime)
{
	struct heph *heph = &runtime->heph;

	heph->config.trace = NULL; /* it was the caller's */
	tell_threads(heph, atomic_load(&heph->tracing));
	heph_trace_coordinator(heph, HEPH_TRACE_BUILD,
			       runtime->tracer->file.zero, heph->workers,
			       "coordinator");
}

void heph_tracer_join(struct heph_runtime *runtime, enum heph_trace_kind kind,
		      pthread_t thread, const struct heph_thread *worker)
{
	uint64_t start = heph_clock_ticks();
	uint64_t id = worker->number;

	if (id == HEPH_SOLO)
		id = heph_trace_stream_id(worker);
	heph_runtime_join(runtime, thread, worker);
	heph_trace_coordinator(&runtime->heph, kind, start, id, NULL);
}

/* ---- ending ------------------------------------------------------------------- */

static uint64_t count_lost(struct heph *heph)
{
	struct heph_trace_stream *stream = atomic_load(&heph->trace_streams);
	uint64_t sum = 0;

	for (; stream; stream = stream->next_one)
		sum += heph_trace_lost(stream);
	return sum;
}

static void end(struct heph_runtime *runtime)
{
	struct heph_tracer *tracer = runtime->tracer;
	struct heph *heph = &runtime->heph;

	atomic_store(&heph->tracing, 0);
	tell_threads(heph, false);
	atomic_store(&tracer->quit, true);
	atomic_store(&heph->trace_full, 1);
	heph_futex_wake(&heph->trace_full);
	pthread_join(tracer->thread, NULL);
	tracer->lost = tell_lost(heph, &tracer->file);
	heph_tracefile_close(&tracer->file);
	tracer->on = false;
}

int heph_trace_stop(struct heph *heph)
{
	struct heph_tracer *tracer = ((struct heph_runtime *)heph)->tracer;
	uint64_t lost;
	int err = -EALREADY;

	pthread_mutex_lock(&tracer->lock);
	if (tracer->on) {
		end((struct heph_runtime *)heph);
		err = atomic_load(&tracer->file.err);
		lost = tracer->lost;
		if (err < 0)
			heph_log_error("cannot write a trace",
				       HEPH_KV_ERR("err", err));
		if (lost)
			heph_log_warn("events of a trace were lost",
				      HEPH_KV_UINT("lost", lost));
	}
	pthread_mutex_unlock(&tracer->lock);
	return err;
}

struct heph_trace_info heph_trace_info(struct heph *heph)
{
	struct heph_tracer *tracer = ((struct heph_runtime *)heph)->tracer;
	struct heph_trace_info info;

	pthread_mutex_lock(&tracer->lock);
	info = (struct heph_trace_info){
		.on = tracer->on,
		.err = atomic_load(&tracer->file.err),
		.written = atomic_load(&tracer->file.events),
		.lost = tracer->on ? count_lost(heph) : tracer->lost,
		.bytes = atomic_load(&tracer->file.bytes),
	};
	pthread_mutex_unlock(&tracer->lock);
	return info;
}

/* ---- with the runtime --------------------------------------------------------- */

int heph_tracer_init(struct heph_runtime *runtime)
{
	struct heph_tracer *tracer = heph_mem_alloc(sizeof(*tracer));

	if (!tracer)
		return -ENOMEM;
	pthread_mutex_init(&tracer->lock, NULL);
	runtime->tracer = tracer;
	return 0;
}

void heph_tracer_fini(struct heph_runtime *runtime)
{
	struct heph_tracer *tracer = runtime->tracer;

	if (tracer->on && heph_trace_stop(&runtime->heph) < 0)
		heph_log_debug("the trace ended with an error");
	runtime->tracer = NULL;
	pthread_mutex_destroy(&tracer->lock);
	heph_mem_free(tracer);
}
