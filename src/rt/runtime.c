/* SPDX-License-Identifier: MIT */
/*
 * Starting: the workers' records are made and numbered, then each thread makes
 * its ring by itself (a ring belongs to the thread that made it) and says so;
 * heph_new() returns when all have. If one fails, all are ended in the order
 * in which heph_free() ends them.
 */
#include "rt/runtime.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/attach.h"
#include "core/describe.h"
#include "core/life.h"
#include "core/solo.h"
#include "core/watch.h"
#include "coro/fault.h"
#include "io/choose.h"
#include "io/file.h"
#include "rt/cpus.h"
#include "rt/gdb.h"
#include "rt/ctl.h"
#include "rt/own_thread.h"
#include "rt/thread.h"
#include "rt/trace.h"

/* How long a worker may take to leave an actor after the end of the grace: so
 * many slices, of which a pause of the whole machine is one. */
enum { LEAVE_SLICES = 50 };
#define LEAVE_SLICE (100 * HEPH_MSEC)

/* What there was too little of, and who can give more. */
static const char *advice(int err)
{
	switch (err) {
	case -EMFILE:
		return "more descriptors: ulimit -n, LimitNOFILE=; or fewer "
		       "workers";
	case -ENOMEM:
		return "more memory or address space: ulimit -v, "
		       "vm.max_map_count; or fewer workers";
	case -EAGAIN:
		return "more threads: ulimit -u, TasksMax=; or fewer workers";
	default:
		return "ask heph doctor";
	}
}

/* Which step of starting failed, of which worker; -1: of none. Returns `err`. */
static int failed(const char *step, int worker, int err)
{
	if (err < 0 && worker < 0)
		heph_log_error("the runtime does not start",
			       HEPH_KV_STR("step", step),
			       HEPH_KV_ERR("err", err),
			       HEPH_KV_STR("do", advice(err)));
	else if (err < 0)
		heph_log_error("the runtime does not start",
			       HEPH_KV_STR("step", step),
			       HEPH_KV_INT("worker", worker),
			       HEPH_KV_ERR("err", err),
			       HEPH_KV_STR("do", advice(err)));
	return err;
}

/* ---- a worker's thread ------------------------------------------------------------ */

static void pin(const struct heph_worker_thread *it)
{
	cpu_set_t set;
	int err;

	if (it->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(it->cpu, &set);
	err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (err)
		heph_log_warn("cannot pin a worker",
			      HEPH_KV_INT("cpu", it->cpu),
			      HEPH_KV_ERR("err", err));
}

static void say_started(struct heph_runtime *runtime,
			const struct heph_worker *worker, int err)
{
	pthread_mutex_lock(&runtime->lock);
	runtime->started++;
	if (err < 0) {
		runtime->start_error = err;
		runtime->start_worker = worker->thread.number;
		runtime->no_ring |= worker->no_ring;
	}
	pthread_cond_broadcast(&runtime->changed);
	pthread_mutex_unlock(&runtime->lock);
}

static void *work(void *arg)
{
	struct heph_worker_thread *it = arg;
	struct heph_runtime *runtime = it->runtime;
	char what[8];
	int err;

	snprintf(what, sizeof(what), "/%u", it->worker.thread.number);
	heph_thread_name(runtime->heph.config.name, what);
	pin(it);
	heph_fault_thread_init();
	heph_stall_thread_init();
	err = runtime->heph.driver->start(&it->worker);
	say_started(runtime, &it->worker, err);
	if (err == 0) {
		heph_worker_run(&it->worker, &runtime->quit);
		runtime->heph.driver->stop(&it->worker);
	}
	heph_fault_thread_fini();
	return NULL;
}

/* ---- starting ------------------------------------------------------------------------ */

static int make_worker(struct heph_runtime *runtime, unsigned n, int cpu)
{
	struct heph_worker_thread *it = heph_mem_reserve(sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	err = heph_worker_init(&it->worker, &runtime->heph,
			       runtime->heph.config.actors);
	if (err < 0) {
		heph_mem_unreserve(it, sizeof(*it));
		return err;
	}
	it->runtime = runtime;
	it->cpu = cpu;
	runtime->workers[n] = it;
	return heph_threads_add(&runtime->heph, &it->worker.thread);
}

static int make_workers(struct heph_runtime *runtime)
{
	int cpus[HEPH_WORKERS_MAX];
	unsigned n_cpus = heph_cpus_allowed(cpus, HEPH_WORKERS_MAX);
	bool pinned = runtime->heph.config.pin && n_cpus;
	int err = 0;

	if (pinned)
		heph_cpus_order("", cpus, n_cpus);
	for (unsigned n = 0; err == 0 && n < runtime->heph.workers; n++)
		err = failed("the memory of a worker", (int)n,
			     make_worker(runtime, n,
					 pinned ? cpus[n % n_cpus] : -1));
	return err;
}

static int start_workers(struct heph_runtime *runtime)
{
	struct heph_worker_thread *it;
	unsigned n;
	int err = 0;

	for (n = 0; err == 0 && n < runtime->heph.workers; n++) {
		it = runtime->workers[n];
		err = failed("the thread of a worker", (int)n,
			     heph_thread_start(&it->thread, work, it));
		it->running = err == 0;
	}
	if (err < 0)
		n--;
	pthread_mutex_lock(&runtime->lock);
	while (runtime->started < n)
		pthread_cond_wait(&runtime->changed, &runtime->lock);
	if (err == 0)
		err = runtime->start_error;
	pthread_mutex_unlock(&runtime->lock);
	return err;
}

/* ---- ending --------------------------------------------------------------------------- */

/* Whether the thread ended within a slice. */
static bool join_for_a_slice(pthread_t thread)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LEAVE_SLICE;
	if (until.tv_nsec >= HEPH_SEC) {
		until.tv_nsec -= HEPH_SEC;
		until.tv_sec++;
	}
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

/* Of the actor that a thread does not come back from: a look from outside, at
 * what does not change any more. */
__attribute__((no_sanitize("thread"))) static const char *
stuck_in(const struct heph_thread *worker)
{
	const struct heph_self *self = worker->current;

	return self && self->kind ? heph_self_name(self) : NULL;
}

/* If it is stuck in an actor the process ends, because nothing of that worker
 * can be freed. */
void heph_runtime_join(struct heph_runtime *runtime, pthread_t thread,
		       const struct heph_thread *worker)
{
	if (!atomic_load(&runtime->heph.abandon)) {
		pthread_join(thread, NULL);
		return;
	}
	for (int i = 0; i < LEAVE_SLICES; i++)
		if (join_for_a_slice(thread))
			return;
	heph_tracers_save();
	heph_log_error("a worker does not come back from an actor: giving up",
		       HEPH_KV_STR("actor", stuck_in(worker)),
		       HEPH_KV_INT("worker", heph_solo_place(worker)));
	heph_log_flush();
	_exit(EXIT_FAILURE);
}

void heph_runtime_end_threads(struct heph_runtime *runtime)
{
	struct heph_worker_thread *it;

	atomic_store(&runtime->quit, true);
	for (unsigned n = 0; n < runtime->heph.workers; n++)
		if (runtime->workers[n] && runtime->workers[n]->running)
			heph_thread_wake(&runtime->workers[n]->worker.thread);
	for (unsigned n = 0; n < runtime->heph.workers; n++) {
		it = runtime->workers[n];
		if (it && it->running)
			heph_tracer_join(runtime, HEPH_TRACE_JOIN, it->thread,
					 &it->worker.thread);
	}
	heph_own_threads_stop(runtime);
	if (atomic_load(&runtime->heph.abandon))
		heph_solos_list(&runtime->heph);
}

/* When no stranger can wake one any more. */
static void free_workers(struct heph_runtime *runtime)
{
	struct heph_worker_thread *it;

	for (unsigned n = 0; n < runtime->heph.workers; n++) {
		it = runtime->workers[n];
		if (!it)
			continue;
		if (it->worker.driver)
			runtime->heph.driver->release(&it->worker);
		heph_worker_fini(&it->worker);
		heph_mem_unreserve(it, sizeof(*it));
	}
	heph_own_threads_free(runtime);
}

/* ---- public ---------------------------------------------------------------------------- */

static void install_once(void)
{
	heph_clock_calibrate();
	heph_describe_install();
	heph_fault_install();
	/* Brings the table, and the script beside it, into a static program. */
	__asm__ volatile("" ::"r"(&heph_gdb_layout));
}

static struct heph_runtime *make_runtime(unsigned workers)
{
	struct heph_runtime *runtime = heph_mem_alloc(sizeof(*runtime));

	if (!runtime)
		return NULL;
	runtime->workers = heph_mem_alloc(workers * sizeof(*runtime->workers));
	if (!runtime->workers) {
		heph_mem_free(runtime);
		return NULL;
	}
	pthread_mutex_init(&runtime->lock, NULL);
	pthread_cond_init(&runtime->changed, NULL);
	return runtime;
}

static void free_runtime(struct heph_runtime *runtime)
{
	pthread_cond_destroy(&runtime->changed);
	pthread_mutex_destroy(&runtime->lock);
	heph_mem_free(runtime->workers);
	heph_mem_free(runtime);
}

int heph_runtime_new(struct heph_runtime **ret_runtime,
		     const struct heph_config *config,
		     const struct heph_driver *driver)
{
	struct heph_runtime *runtime;
	int err;

	install_once();
	runtime = make_runtime(config->workers);
	if (!runtime)
		return failed("the memory of the runtime", -1, -ENOMEM);
	err = failed("a place for the runtime", -1,
		     heph_init(&runtime->heph, config, driver));
	if (err < 0)
		goto fail_init;
	err = failed("the table of descriptors", -1,
		     heph_files_init(&runtime->heph));
	if (err < 0)
		goto fail_files;
	err = failed("the tracer", -1, heph_tracer_init(runtime));
	if (err < 0)
		goto fail_tracer;
	err = make_workers(runtime);
	if (err < 0)
		goto fail_workers;
	*ret_runtime = runtime;
	return 0;

fail_workers:
	free_workers(runtime);
	heph_tracer_fini(runtime);
fail_tracer:
	heph_files_fini(&runtime->heph);
fail_files:
	heph_fini(&runtime->heph);
fail_init:
	free_runtime(runtime);
	return err;
}

void heph_runtime_free(struct heph_runtime *runtime)
{
	heph_tracer_fini(runtime);
	heph_attach_fini(&runtime->heph);
	free_workers(runtime);
	heph_files_fini(&runtime->heph);
	heph_fini(&runtime->heph);
	free_runtime(runtime);
}

static int start(struct heph_runtime *runtime)
{
	int err = failed("the event of the coordinator", -1,
			 heph_coordinator_init(runtime));

	if (err < 0)
		return err;
	err = failed("the thread of the coordinator", -1,
		     heph_coordinator_start(runtime));
	if (err < 0)
		goto fail_coordinator;
	err = start_workers(runtime);
	if (err == 0)
		err = failed("the context of the caller", -1,
			     heph_attach(&runtime->heph, &runtime->owner));
	if (err < 0)
		goto fail_workers;
	return 0;

fail_workers:
	heph_runtime_end_threads(runtime);
	heph_coordinator_stop(runtime);
fail_coordinator:
	heph_coordinator_fini(runtime);
	return err;
}

/* Makes one, and has its threads run. */
static int begin(struct heph_runtime **ret_runtime,
		 const struct heph_config *config, const struct heph_io *io)
{
	int err = heph_runtime_new(ret_runtime, config, &io->driver);
	struct heph_runtime *runtime = *ret_runtime;

	if (err < 0)
		return err;
	heph_own_threads_init(runtime);
	err = heph_tracer_begin(runtime);
	if (err == 0)
		err = start(runtime);
	return err;
}

/* The same with another driver, if it was that of a worker which did not start.
 * A trace has begun in a new file, so with one there is no second time. */
static int begin_with_any(struct heph_runtime **ret_runtime,
			  const struct heph_config *config,
			  const struct heph_io *io)
{
	struct heph_runtime *runtime = NULL;
	const struct heph_io *other = NULL;
	int err = begin(&runtime, config, io);

	*ret_runtime = runtime;
	if (err == 0 || !runtime)
		return err;
	if (runtime->no_ring && !atomic_load(&runtime->heph.tracing))
		other = heph_choose_other(config->driver, io,
					  runtime->start_error);
	if (!other && runtime->start_error)
		failed("the driver", runtime->start_worker, err);
	heph_runtime_free(runtime);
	return other ? begin_with_any(ret_runtime, config, other) : err;
}

int heph_raw_new(heph_ctx *ret_ctx, const struct heph_config *given,
		 size_t size)
{
	const struct heph_io *io;
	struct heph_runtime *runtime = NULL;
	struct heph_config config;
	int err = heph_config_resolve(&config, given, size);

	*ret_ctx = (heph_ctx){ 0 };
	if (err == 0)
		err = heph_choose(config.driver, &io);
	if (err == 0)
		err = begin_with_any(&runtime, &config, io);
	if (err < 0)
		return err;
	heph_tracer_begun(runtime);
	heph_log_debug("runtime started", HEPH_KV_STR("name", config.name),
		       HEPH_KV_UINT("workers", config.workers),
		       HEPH_KV_STR("driver", runtime->heph.driver->name));
	err = heph_ctl_start(runtime);
	if (err < 0) {
		heph_free(runtime->owner);
		return err;
	}
	*ret_ctx = runtime->owner;
	return 0;
}

void heph_free(heph_ctx ctx)
{
	struct heph_runtime *runtime;
	struct heph *heph;

	if (!ctx.self)
		return;
	heph = ctx.self->thread->heph;
	runtime = (struct heph_runtime *)heph;
	heph_assert(runtime->owner.self == ctx.self);
	/* or: another thread has not called heph_detach() yet */
	heph_assert(heph_threads_attached(heph) == 1);
	/* Not that of a <heph/test.h> on this thread: the coordinator's time. */
	heph_stop_runtime(heph, heph_clock_now() + heph->config.grace);
	if (heph_drain(ctx) < 0)
		heph_log_debug("runtime did not drain");
	heph_ctl_stop(runtime);
	heph_detach(ctx);
	heph_runtime_end_threads(runtime);
	heph_coordinator_stop(runtime);
	heph_coordinator_fini(runtime);
	heph_runtime_free(runtime);
}

/* ---- a whole program -------------------------------------------------------------------- */

static int run_in(heph_ctx ctx, const struct heph_actor *actor,
		  const void *spawn)
{
	struct heph_exit exit = { 0 };
	struct heph_watch *watch;
	int result, err = heph_spawn_joined(ctx, actor, spawn, &watch);

	if (err < 0)
		return err;
	result = heph_drain(ctx);
	if (result == 0)
		err = heph_watch_join(ctx, watch, &exit);
	else if (!atomic_load(&ctx.self->thread->heph->abandon))
		heph_watch_free(watch);
	if (result < 0)
		return result;
	return err < 0 ? err : exit.err;
}

int heph_raw_run(const struct heph_config *config, size_t size,
		 const struct heph_actor *actor, const void *spawn)
{
	heph_ctx ctx;
	int err = heph_raw_new(&ctx, config, size);

	if (err < 0)
		return err;
	err = run_in(ctx, actor, spawn);
	heph_free(ctx);
	return err;
}
