/* SPDX-License-Identifier: MIT */
/* The coordinator: brings signals to the runtime, and waits for its end. */
#include <heph/time.h>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/signals.h"
#include "core/trace.h"
#include "core/wait.h"
#include "rt/report.h"
#include "rt/runtime.h"
#include "rt/signal.h"
#include "rt/thread.h"

/* ---- those that wait for the end ------------------------------------------------ */

struct drainer {
	struct heph_list node; /* in runtime->drainers, under its lock */
	struct heph_event event;
	struct heph_self *self;
	bool done;
};

static void on_drained(struct heph_event *event)
{
	struct drainer *drainer =
		heph_container_of(event, struct drainer, event);

	drainer->done = true;
	heph_wake(drainer->self, HEPH_WAIT_DRAIN);
}

static bool drained(struct heph_runtime *runtime)
{
	return atomic_load(&runtime->heph.busy) == 0 ||
	       atomic_load(&runtime->heph.abandon);
}

static void release_drainers(struct heph_runtime *runtime)
{
	struct drainer *drainer;
	struct heph_list *node;

	pthread_mutex_lock(&runtime->lock);
	while ((node = heph_list_pop_front(&runtime->drainers))) {
		drainer = heph_container_of(node, struct drainer, node);
		heph_thread_post(drainer->self->thread, &drainer->event);
	}
	pthread_mutex_unlock(&runtime->lock);
}

/* Takes a drainer back whose wait has ended for another reason. */
static void withdraw(struct heph_runtime *runtime, struct drainer *drainer)
{
	bool released;

	pthread_mutex_lock(&runtime->lock);
	released = heph_list_empty(&drainer->node);
	heph_list_remove(&drainer->node);
	pthread_mutex_unlock(&runtime->lock);
	while (released && !drainer->done)
		heph_wait_only(drainer->self, HEPH_WAIT_DRAIN);
}

static int await(heph_ctx ctx, struct heph_runtime *runtime,
		 struct drainer *drainer)
{
	int err = 0;

	pthread_mutex_lock(&runtime->lock);
	heph_list_push_back(&runtime->drainers, &drainer->node);
	pthread_mutex_unlock(&runtime->lock);
	runtime->heph.notify(&runtime->heph);
	while (err == 0 && !drainer->done)
		err = heph_wait_for(ctx, HEPH_WAIT_DRAIN);
	if (!drainer->done)
		withdraw(runtime, drainer);
	return err;
}

int heph_drain(heph_ctx ctx)
{
	struct heph_runtime *runtime =
		(struct heph_runtime *)ctx.self->thread->heph;
	struct drainer *drainer;
	int err;

	if (ctx.self->kind)
		return -EDEADLK;
	if (drained(runtime))
		return atomic_load(&runtime->heph.result);
	drainer = heph_mem_alloc(sizeof(*drainer));
	if (!drainer)
		return -ENOMEM;
	drainer->event.fn = on_drained;
	drainer->self = ctx.self;
	err = await(ctx, runtime, drainer);
	heph_mem_free(drainer);
	return err < 0 ? err : atomic_load(&runtime->heph.result);
}

/* ---- signals --------------------------------------------------------------------- */

static void stop_by_signal(struct heph_runtime *runtime, int signal, uint32_t n)
{
	struct heph *heph = &runtime->heph;
	uint64_t sender = heph->sim ? 0 : heph_signal_sender(signal);

	runtime->stops += n;
	heph_log_info("asked to stop", HEPH_KV_INT("signal", signal),
		      HEPH_KV_UINT("sending_pid", sender >> 32),
		      HEPH_KV_UINT("sending_uid", (uint32_t)sender));
	if (runtime->stops > 1)
		heph_abandon(heph, -EINTR);
	else
		heph_stop_runtime(heph, heph_now() + heph->config.grace);
}

static void bring(struct heph_runtime *runtime, int signal, uint32_t n)
{
	uint64_t sender = runtime->heph.sim ? 0 : heph_signal_sender(signal);
	struct heph_thread *thread = NULL;

	while ((thread = heph_threads_next(&runtime->heph, thread)))
		if (atomic_load(&thread->takes_signals)) {
			heph_signals_sent_by(thread, signal, sender);
			heph_signals_post(thread, signal, n);
		}
}

void heph_coordinator_signal(struct heph_runtime *runtime, int signal,
			     uint32_t n)
{
	if (atomic_load(&runtime->taken[signal]))
		bring(runtime, signal, n);
	else if (runtime->heph.config.no_signals)
		return;
	else if (signal == SIGINT || signal == SIGTERM)
		stop_by_signal(runtime, signal, n);
	else if (heph_report_is(signal))
		heph_report(runtime, signal);
}

static void handle_signals(struct heph_runtime *runtime)
{
	uint64_t start;
	uint32_t n;

	if (!heph_signal_any(runtime->heph.node))
		return;
	for (int signal = 1; signal < HEPH_SIGNALS; signal++) {
		n = heph_signal_fetch(runtime->heph.node, signal);
		if (!n)
			continue;
		start = heph_clock_ticks();
		heph_coordinator_signal(runtime, signal, n);
		heph_trace_coordinator(&runtime->heph, HEPH_TRACE_SIGNALS, start,
				       (uint64_t)signal, NULL);
	}
}

static int take_signal(struct heph *heph, int signal)
{
	struct heph_runtime *runtime = (struct heph_runtime *)heph;
	int err = heph_signal_take(signal);

	if (err == 0)
		atomic_fetch_add(&runtime->taken[signal], 1);
	return err;
}

static void untake_signal(struct heph *heph, int signal)
{
	struct heph_runtime *runtime = (struct heph_runtime *)heph;

	atomic_fetch_sub(&runtime->taken[signal], 1);
	heph_signal_forget(signal);
}

/* ---- the thread ------------------------------------------------------------------- */

void heph_coordinator_notify(struct heph *heph)
{
	struct heph_runtime *runtime = (struct heph_runtime *)heph;
	uint64_t one = 1;
	ssize_t n = write(runtime->event, &one, sizeof(one));

	(void)n;
}

static void enforce_grace(struct heph_runtime *runtime)
{
	struct heph *heph = &runtime->heph;
	heph_time deadline = atomic_load(&heph->deadline);

	if (!deadline || heph_now() < deadline || drained(runtime))
		return;
	heph_log_error("the grace is over, some actors still run",
		       HEPH_KV_INT("grace_ms", heph->config.grace / HEPH_MSEC),
		       HEPH_KV_UINT("phase", atomic_load(&heph->stopping) - 1));
	heph_abandon(heph, -ETIMEDOUT);
}

heph_time heph_coordinator_next(struct heph_runtime *runtime)
{
	heph_time deadline = atomic_load(&runtime->heph.deadline);

	return deadline && !drained(runtime) ? deadline : HEPH_NEVER;
}

void heph_coordinator_heard(struct heph_runtime *runtime)
{
	uint64_t value;
	ssize_t n = read(runtime->event, &value, sizeof(value));

	(void)n;
}

void heph_coordinator_turn(struct heph_runtime *runtime)
{
	handle_signals(runtime);
	enforce_grace(runtime);
	if (drained(runtime))
		release_drainers(runtime);
}

/* ---- stalls ---------------------------------------------------------------------- */

/* Four looks make a stall. */
static heph_time watch_period(const struct heph_runtime *runtime)
{
	const struct heph_config *config = &runtime->heph.config;
	heph_time shorter = config->stall < config->run_limit ?
				    config->stall :
				    config->run_limit;

	return shorter == HEPH_NEVER ? HEPH_NEVER : shorter / 4 + 1;
}

static bool any_awake(struct heph_runtime *runtime)
{
	for (unsigned n = 0; n < runtime->heph.workers; n++)
		if (!atomic_load(&runtime->workers[n]->worker.thread.asleep))
			return true;
	return false;
}

/* Nobody is awake: who wakes up says so from now on. One that did so in the
 * meantime has not. */
static void watch_no_more(struct heph_runtime *runtime)
{
	runtime->watch_at = HEPH_NEVER;
	atomic_store(&runtime->heph.unwatched, true);
	if (any_awake(runtime) &&
	    atomic_exchange(&runtime->heph.unwatched, false))
		runtime->watch_at = heph_now() + watch_period(runtime);
}

/* Before that a worker has no thread to be asked. */
static bool all_started(struct heph_runtime *runtime)
{
	bool all;

	pthread_mutex_lock(&runtime->lock);
	all = runtime->started >= runtime->heph.workers;
	pthread_mutex_unlock(&runtime->lock);
	return all;
}

static void look_at_all(struct heph_runtime *runtime)
{
	const struct heph_config *config = &runtime->heph.config;
	struct heph_worker_thread *it;
	bool awake = false;

	/* They end, and are joined. */
	if (atomic_load(&runtime->quit) || atomic_load(&runtime->heph.abandon)) {
		runtime->watch_at = HEPH_NEVER;
		return;
	}
	if (!all_started(runtime)) {
		runtime->watch_at = heph_now() + watch_period(runtime);
		return;
	}
	for (unsigned n = 0; n < runtime->heph.workers; n++) {
		it = runtime->workers[n];
		awake |= heph_stall_look(&it->stall, &it->worker, it->thread,
					 config->stall, config->run_limit);
	}
	if (awake) {
		runtime->watch_at = heph_now() + watch_period(runtime);
		return;
	}
	heph_circles_look(runtime);
	watch_no_more(runtime);
}

/* If somebody is awake, it is looked for when nobody is, as above. */
static void look_for_circles(struct heph_runtime *runtime)
{
	runtime->circles.again = HEPH_NEVER;
	if (!any_awake(runtime) && !atomic_load(&runtime->quit) &&
	    !atomic_load(&runtime->heph.abandon))
		heph_circles_look(runtime);
}

/* A worker that has woken up may have said so. */
static void watch(struct heph_runtime *runtime)
{
	if (watch_period(runtime) == HEPH_NEVER)
		return;
	if (runtime->watch_at == HEPH_NEVER &&
	    !atomic_load(&runtime->heph.unwatched))
		runtime->watch_at = heph_now() + watch_period(runtime);
	else if (heph_now() >= runtime->watch_at)
		look_at_all(runtime);
	else if (heph_now() >= runtime->circles.again)
		look_for_circles(runtime);
}

/* Workers are awake when they start. */
static void begin_to_watch(struct heph_runtime *runtime)
{
	runtime->watch_at = HEPH_NEVER;
	runtime->circles.again = HEPH_NEVER;
	if (watch_period(runtime) == HEPH_NEVER)
		return;
	if (!heph_stall_install()) {
		runtime->heph.config.stall = HEPH_NEVER;
		runtime->heph.config.run_limit = HEPH_NEVER;
		return;
	}
	runtime->watch_at = heph_now() + watch_period(runtime);
}

/* Until something is new, the grace is over, or it is time to look. */
static void wait_for_news(struct heph_runtime *runtime)
{
	struct pollfd fd = { .fd = runtime->event, .events = POLLIN };
	heph_time grace = heph_coordinator_next(runtime);
	heph_time next = grace < runtime->watch_at ? grace : runtime->watch_at;
	uint64_t start = heph_clock_ticks();
	struct timespec timeout;
	heph_time left;

	if (runtime->circles.again < next)
		next = runtime->circles.again;
	left = next == HEPH_NEVER ? 0 : next - heph_now();
	if (left < 0)
		left = 0;
	timeout = (struct timespec){ .tv_sec = left / HEPH_SEC,
				     .tv_nsec = left % HEPH_SEC };
	if (ppoll(&fd, 1, next == HEPH_NEVER ? NULL : &timeout, NULL) == 1)
		heph_coordinator_heard(runtime);
	heph_trace_coordinator(&runtime->heph, HEPH_TRACE_POLL, start, 0, NULL);
}

static void *coordinate(void *arg)
{
	struct heph_runtime *runtime = arg;

	heph_thread_name(runtime->heph.config.name, "/c");
	while (!atomic_load(&runtime->coordinator_quit)) {
		wait_for_news(runtime);
		heph_coordinator_turn(runtime);
		watch(runtime);
	}
	return NULL;
}

/* Those that have a meaning even if no actor takes them. */
static const int ours[] = { SIGINT, SIGTERM, SIGQUIT, SIGUSR2 };

static void join_signals(struct heph_runtime *runtime)
{
	heph_signal_join(runtime->heph.node, runtime->event);
	if (runtime->heph.config.no_signals)
		return;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		heph_signal_take(ours[i]);
}

static void leave_signals(struct heph_runtime *runtime)
{
	heph_signal_leave(runtime->heph.node);
	if (runtime->heph.config.no_signals)
		return;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		heph_signal_forget(ours[i]);
}

int heph_coordinator_init(struct heph_runtime *runtime)
{
	heph_list_init(&runtime->drainers);
	runtime->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (runtime->event < 0)
		return -errno;
	runtime->heph.take_signal = take_signal;
	runtime->heph.untake_signal = untake_signal;
	runtime->heph.notify = heph_coordinator_notify;
	join_signals(runtime);
	return 0;
}

void heph_coordinator_fini(struct heph_runtime *runtime)
{
	leave_signals(runtime);
	heph_report_end(runtime);
	runtime->heph.notify = NULL;
	close(runtime->event);
}

int heph_coordinator_start(struct heph_runtime *runtime)
{
	begin_to_watch(runtime);
	return heph_thread_start(&runtime->coordinator, coordinate, runtime);
}

void heph_coordinator_stop(struct heph_runtime *runtime)
{
	atomic_store(&runtime->coordinator_quit, true);
	heph_coordinator_notify(&runtime->heph);
	pthread_join(runtime->coordinator, NULL);
}
