/* SPDX-License-Identifier: MIT */
#include "core/stall.h"

#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fmt.h"
#include "core/describe.h"
#include "core/worker.h"
#include "coro/san.h"

/* SIGURG, which debuggers let pass, is taken by the threads of offload.h. */
enum { ASK = SIGVTALRM, LOOKS = 4, FRAMES = 64 };

/* What is asked, in sigval: how long it was, in ms, and whether it is the end. */
enum { THE_END = 1 };

static void put_backtrace(void)
{
	void *frames[FRAMES];
	int n = backtrace(frames, FRAMES);

	/* this function, and the handler */
	backtrace_symbols_fd(frames + 2, n > 2 ? n - 2 : 0, STDERR_FILENO);
}

static void report(struct heph_self *self, uint64_t ms, bool the_end)
{
	char text[256];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "heph: ");
	heph_describe_actor(&fmt, self);
	heph_fmt_str(&fmt, " has run for ");
	heph_fmt_uint(&fmt, ms);
	heph_fmt_str(&fmt, " ms without waiting");
	heph_fmt_str(&fmt, the_end ? ", longer than config.run_limit: "
				     "the process ends\n" :
				     "; it is at:\n");
	heph_fmt_write(&fmt, STDERR_FILENO);
}

/* On the thread of the worker, while the actor runs. */
static void on_ask(int signal, siginfo_t *info, void *context)
{
	struct heph_thread *thread = heph_thread_current;
	struct heph_self *self = thread ? thread->current : NULL;
	uintptr_t asked = (uintptr_t)info->si_value.sival_ptr;
	int saved = errno;

	(void)signal, (void)context;
	if (info->si_code != SI_QUEUE || info->si_pid != getpid() || !self ||
	    !self->kind)
		return; /* it has come back meanwhile */
	report(self, asked >> 1, asked & THE_END);
	if (asked & THE_END)
		abort(); /* the report of that has the backtrace */
	put_backtrace();
	errno = saved;
}

bool heph_stall_install(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction action = { .sa_sigaction = on_ask,
				    .sa_flags = SA_SIGINFO | SA_RESTART |
						SA_ONSTACK };
	struct sigaction before;
	void *frame;
	bool ours;

	if (HEPH_TSAN)
		return false;
	(void)backtrace(&frame, 1); /* the first call loads libgcc */
	pthread_mutex_lock(&lock);
	ours = sigaction(ASK, NULL, &before) == 0;
	if (ours && (before.sa_flags & SA_SIGINFO))
		ours = before.sa_sigaction == on_ask;
	else if (ours)
		ours = before.sa_handler == SIG_DFL &&
		       sigaction(ASK, &action, NULL) == 0;
	pthread_mutex_unlock(&lock);
	return ours;
}

void heph_stall_thread_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, ASK);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void heph_stall_awake(struct heph *heph)
{
	if (atomic_exchange(&heph->unwatched, false))
		heph->notify(heph);
}

/* The real time, in which the watcher lives. */
static void begin(struct heph_stall *it, uint64_t turn)
{
	*it = (struct heph_stall){ .turn = turn, .since = heph_clock_now() };
}

static void ask(pthread_t thread, heph_time length, bool the_end)
{
	uintptr_t what = (uintptr_t)(length / HEPH_MSEC) << 1;

	if (the_end)
		what |= THE_END;
	pthread_sigqueue(thread, ASK,
			 (union sigval){ .sival_ptr = (void *)what });
}

bool heph_stall_look(struct heph_stall *it, struct heph_worker *worker,
		     pthread_t thread, heph_time stall, heph_time limit)
{
	uint64_t turn = atomic_load_explicit(&worker->thread.count.polls,
					     memory_order_relaxed);
	bool awake = !atomic_load(&worker->thread.asleep);
	heph_time length;

	if (!awake || turn != it->turn || !it->since) {
		begin(it, turn);
		return awake;
	}
	length = heph_clock_now() - it->since;
	if (++it->looks < LOOKS)
		return true;
	if (!it->ending && length >= limit) {
		it->ending = true;
		ask(thread, length, true);
	} else if (!it->reported && length >= stall) {
		it->reported = true;
		ask(thread, length, false);
	}
	return true;
}
