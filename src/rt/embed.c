/* SPDX-License-Identifier: MIT */
/*
 * The descriptor is an epoll instance that holds two: a timerfd, and the eventfd
 * of the coordinator, whose work is done here. The ring writes to that eventfd
 * too when something has completed, and so what other threads wake the worker
 * with comes there as well. With epoll as the driver its instance is a third.
 *
 * Between two runs the worker is in one of two states. It dozes: it has said
 * that it sleeps, so others wake it, and the timer is set to when it must run.
 * Or there is more to do at once: then the timer is set to the past, which keeps
 * the descriptor readable, and nobody needs to wake it.
 *
 * A callback that waits runs turns, and sleeps on the same descriptor.
 */
#include <heph/embed.h>
#include <heph/time.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/attach.h"
#include "core/wait.h"
#include "coro/fault.h"
#include "io/choose.h"
#include "rt/own_thread.h"
#include "rt/ctl.h"
#include "rt/runtime.h"
#include "rt/trace.h"

#define AT_ONCE INT64_C(1) /* a moment that has passed */

struct heph_embed {
	struct heph_runtime *runtime;
	struct heph_worker *worker;
	heph_ctx ctx;
	int epoll, timer;
	heph_time armed; /* what the timer is set to */
	bool dozing;
	bool running;
};

static void arm(struct heph_embed *embed, heph_time when)
{
	struct itimerspec value = { 0 };

	if (when == embed->armed)
		return;
	embed->armed = when;
	if (when != HEPH_NEVER)
		value.it_value =
			(struct timespec){ .tv_sec = when / HEPH_SEC,
					   .tv_nsec = when % HEPH_SEC };
	timerfd_settime(embed->timer, TFD_TIMER_ABSTIME, &value, NULL);
}

/* ---- running ---------------------------------------------------------------- */

static heph_time earlier(heph_time a, heph_time b)
{
	return a < b ? a : b;
}

static bool abandoned(const struct heph_embed *embed)
{
	return atomic_load(&embed->runtime->heph.abandon);
}

/* When the worker must run again, if nobody wakes it; 0: it must go on. */
static heph_time next_time(struct heph_embed *embed)
{
	heph_time wait = heph_worker_wait(embed->worker), when;

	if (!wait)
		return 0;
	if (__builtin_add_overflow(heph_now(), wait, &when))
		when = HEPH_NEVER;
	return earlier(when, heph_coordinator_next(embed->runtime));
}

/* Whether it does: nobody can run. */
static bool doze(struct heph_embed *embed)
{
	heph_time when;

	embed->runtime->heph.driver->submit(embed->worker);
	when = next_time(embed);
	if (!when || !heph_worker_doze(embed->worker))
		return false;
	arm(embed, when);
	return embed->dozing = true;
}

static void wake_up(struct heph_embed *embed)
{
	if (!embed->dozing)
		return;
	embed->dozing = false;
	heph_worker_rouse(embed->worker);
}

/* What was written to the eventfd so far, also by what we did ourselves, is
 * dealt with now. Whether there is something to do then. */
static bool look_again(struct heph_embed *embed)
{
	heph_coordinator_heard(embed->runtime);
	heph_coordinator_turn(embed->runtime);
	return heph_worker_turn(embed->worker);
}

/* Whether there is more to do. */
static bool turn(struct heph_embed *embed)
{
	wake_up(embed);
	heph_coordinator_turn(embed->runtime);
	if (heph_worker_turn(embed->worker) || look_again(embed) ||
	    !doze(embed)) {
		arm(embed, AT_ONCE);
		return true;
	}
	return false;
}

/* It has ended by itself: nothing will be readable any more. */
static int over(struct heph_embed *embed)
{
	heph_coordinator_heard(embed->runtime);
	heph_coordinator_turn(embed->runtime);
	arm(embed, HEPH_NEVER);
	return atomic_load(&embed->runtime->heph.result);
}

/* What runs in between is on the worker's account. */
static struct heph_thread *enter(struct heph_embed *embed)
{
	struct heph_thread *mine = heph_thread_current;

	heph_assert(!embed->running); /* or: within an actor of it */
	embed->running = true;
	heph_thread_current = &embed->worker->thread;
	return mine;
}

static void leave(struct heph_embed *embed, struct heph_thread *mine)
{
	heph_thread_current = mine;
	embed->running = false;
}

int heph_embed_run(struct heph_embed *embed)
{
	struct heph_thread *mine = enter(embed);
	bool more = !abandoned(embed) && turn(embed);

	leave(embed, mine);
	return abandoned(embed) ? over(embed) : more;
}

static void sleep_until(struct heph_embed *embed, heph_time deadline)
{
	struct pollfd fd = { .fd = embed->epoll, .events = POLLIN };
	heph_time left = deadline - heph_now();
	struct timespec timeout;

	if (left < 0)
		left = 0;
	timeout = (struct timespec){ .tv_sec = left / HEPH_SEC,
				     .tv_nsec = left % HEPH_SEC };
	ppoll(&fd, 1, deadline == HEPH_NEVER ? NULL : &timeout, NULL);
}

/* Lets the worker take in what is at its door, but runs no actor: that is all
 * that a spawn needs. Whether it has brought something to ours. */
static bool look(struct heph_embed *embed, struct heph_thread *thread)
{
	struct heph_thread *mine = enter(embed);

	heph_worker_look(embed->worker);
	leave(embed, mine);
	return !heph_events_empty(&thread->door);
}

/* A callback waits: lets the worker have a turn, and sleeps if it has nothing
 * to do. The answer may come from another runtime, by our door. */
static void nap(struct heph_self *self, heph_time deadline)
{
	struct heph_embed *embed =
		((struct heph_runtime *)self->thread->heph)->host;
	struct heph_thread *thread = self->thread;

	if (deadline != HEPH_NEVER && heph_now() >= deadline) {
		heph_wake(self, HEPH_WAIT_TIME);
		return;
	}
	if (look(embed, thread) || heph_embed_run(embed))
		return;
	atomic_store(&thread->asleep, 1);
	if (heph_events_empty(&thread->door))
		sleep_until(embed, deadline);
	atomic_store(&thread->asleep, 0);
}

/* ---- beginning, ending --------------------------------------------------------- */

static int watch(struct heph_embed *embed, int number)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(embed->epoll, EPOLL_CTL_ADD, number, &event) < 0 ?
		       -errno :
		       0;
}

static int open_descriptors(struct heph_embed *embed)
{
	embed->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (embed->epoll < 0)
		return -errno;
	embed->timer =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (embed->timer < 0) {
		close(embed->epoll);
		return -errno;
	}
	embed->armed = HEPH_NEVER;
	return 0;
}

static void close_descriptors(struct heph_embed *embed)
{
	close(embed->timer);
	close(embed->epoll);
}

static int watch_all(struct heph_embed *embed)
{
	const struct heph_driver *driver = embed->runtime->heph.driver;
	int err = watch(embed, embed->timer), number;

	if (err == 0)
		err = watch(embed, embed->runtime->event);
	if (err == 0)
		err = driver->tell(embed->worker, embed->runtime->event,
				   &number);
	if (err == 0 && number >= 0)
		err = watch(embed, number);
	return err;
}

static void end_worker(struct heph_embed *embed)
{
	struct heph_thread *mine = heph_thread_current;

	heph_thread_current = &embed->worker->thread;
	heph_worker_exit(embed->worker);
	embed->runtime->heph.driver->stop(embed->worker);
	heph_thread_current = mine;
	if (!mine)
		heph_fault_thread_fini();
}

static int begin_worker(struct heph_embed *embed)
{
	struct heph_thread *mine = heph_thread_current;
	int err = embed->runtime->heph.driver->start(embed->worker);

	if (err < 0)
		return err;
	err = watch_all(embed);
	if (err == 0)
		err = heph_attach_host(embed->worker, &embed->ctx);
	if (err < 0) {
		end_worker(embed);
		return err;
	}
	mine = heph_thread_current;
	heph_worker_enter(embed->worker);
	heph_thread_current = mine;
	heph_fault_thread_init();
	return 0;
}

static int start(struct heph_embed *embed)
{
	struct heph_runtime *runtime = embed->runtime;
	int err = heph_coordinator_init(runtime);

	if (err < 0)
		return err;
	embed->worker = &runtime->workers[0]->worker;
	runtime->host = embed;
	runtime->heph.nap = nap;
	heph_own_threads_init(runtime);
	err = begin_worker(embed);
	if (err < 0) {
		heph_coordinator_fini(runtime);
		return err;
	}
	runtime->owner = embed->ctx;
	(void)heph_embed_run(embed);
	return 0;
}

/* As heph_new() does: with another driver where there is no ring for the worker. */
static int begin(struct heph_embed *embed, const struct heph_config *config,
		 const struct heph_io *io)
{
	const struct heph_io *other = NULL;
	int err = heph_runtime_new(&embed->runtime, config, &io->driver);

	if (err < 0)
		return err;
	err = heph_tracer_begin(embed->runtime);
	if (err == 0)
		err = start(embed);
	if (err == 0)
		return 0;
	if (embed->worker && embed->worker->no_ring &&
	    !atomic_load(&embed->runtime->heph.tracing))
		other = heph_choose_other(config->driver, io, err);
	heph_runtime_free(embed->runtime);
	embed->worker = NULL;
	return other ? begin(embed, config, other) : err;
}

int heph_raw_embed_new(struct heph_embed **ret_embed,
		       const struct heph_config *given, size_t size)
{
	const struct heph_io *io;
	struct heph_config config;
	struct heph_embed *embed;
	int err = heph_config_resolve(&config, given, size);

	*ret_embed = NULL;
	if (err == 0 && given && given->workers > 1)
		err = -EINVAL;
	if (err < 0)
		return err;
	config.workers = 1;
	config.no_signals = true;
	embed = heph_mem_alloc(sizeof(*embed));
	if (!embed)
		return -ENOMEM;
	err = open_descriptors(embed);
	if (err < 0)
		goto fail_descriptors;
	err = heph_choose(config.driver, &io);
	if (err == 0)
		err = begin(embed, &config, io);
	if (err < 0)
		goto fail_runtime;
	heph_tracer_begun(embed->runtime);
	err = heph_ctl_start(embed->runtime);
	if (err < 0) {
		heph_embed_free(embed);
		return err;
	}
	*ret_embed = embed;
	return 0;

fail_runtime:
	close_descriptors(embed);
fail_descriptors:
	heph_mem_free(embed);
	return err;
}

void heph_embed_free(struct heph_embed *embed)
{
	if (!embed)
		return;
	heph_assert(!embed->running);
	/* or: another thread has not called heph_detach() yet */
	heph_assert(heph_threads_attached(&embed->runtime->heph) == 1);
	heph_embed_stop(embed);
	if (heph_drain(embed->ctx) < 0)
		heph_log_debug("runtime did not drain");
	heph_ctl_stop(embed->runtime);
	heph_detach(embed->ctx);
	heph_runtime_end_threads(embed->runtime);
	end_worker(embed);
	heph_coordinator_fini(embed->runtime);
	heph_runtime_free(embed->runtime);
	close_descriptors(embed);
	heph_mem_free(embed);
}

/* ---- looking, asking ------------------------------------------------------------ */

heph_ctx heph_embed_ctx(struct heph_embed *embed)
{
	return embed->ctx;
}

int heph_embed_fd(struct heph_embed *embed)
{
	return embed->epoll;
}

int heph_embed_timeout(struct heph_embed *embed)
{
	heph_time left;

	if (!atomic_load(&embed->worker->thread.asleep) && !abandoned(embed))
		return 0;
	if (embed->armed == HEPH_NEVER)
		return -1;
	left = embed->armed - heph_now();
	if (left <= 0)
		return 0;
	left = (left + HEPH_MSEC - 1) / HEPH_MSEC;
	return left < INT32_MAX ? (int)left : INT32_MAX;
}

void heph_embed_stop(struct heph_embed *embed)
{
	struct heph *heph = &embed->runtime->heph;

	heph_stop_runtime(heph, heph_now() + heph->config.grace);
}

bool heph_embed_done(struct heph_embed *embed)
{
	return atomic_load(&embed->runtime->heph.busy) == 0;
}
