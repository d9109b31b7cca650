/* SPDX-License-Identifier: MIT */
#include "rt/signal.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <heph/runtime.h>

#include "core/signals.h"

enum { SIGNALS = 65, NO_EVENT = 0 };

/* What a runtime hears; `event` is the number and one. */
static struct {
	_Atomic int event;
	_Atomic uint32_t inside; /* handlers that may write to it */
	_Atomic uint32_t count[SIGNALS];
	_Atomic bool any; /* not fetched yet; set after the count */
} sinks[HEPH_RUNTIMES_MAX];

/* Who has sent the latest one of each; set before it is counted. */
static _Atomic uint64_t senders[SIGNALS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users[SIGNALS];
static struct sigaction before[SIGNALS];

/* The kernel has no sender for those that it makes itself. */
static bool has_sender(const siginfo_t *info)
{
	return info->si_code == SI_USER || info->si_code == SI_QUEUE ||
	       info->si_code == SI_TKILL || info->si_signo == SIGCHLD;
}

/* In a signal handler: atomics and write(2) alone. */
static void on_signal(int signal, siginfo_t *info, void *context)
{
	int saved = errno, event;
	uint64_t one = 1;
	ssize_t n;

	(void)context;
	atomic_store(&senders[signal],
		     has_sender(info) ?
			     heph_sender_pack(info->si_pid, info->si_uid) :
			     0);
	for (unsigned node = 0; node < HEPH_RUNTIMES_MAX; node++) {
		if (atomic_load(&sinks[node].event) == NO_EVENT)
			continue;
		atomic_fetch_add(&sinks[node].inside, 1);
		event = atomic_load(&sinks[node].event);
		if (event != NO_EVENT) {
			atomic_fetch_add(&sinks[node].count[signal], 1);
			atomic_store(&sinks[node].any, true);
			n = write(event - 1, &one, sizeof(one));
			(void)n;
		}
		atomic_fetch_sub(&sinks[node].inside, 1);
	}
	errno = saved;
}

void heph_signal_join(unsigned node, int event)
{
	for (int signal = 0; signal < SIGNALS; signal++)
		atomic_store(&sinks[node].count[signal], 0);
	atomic_store(&sinks[node].event, event + 1);
}

void heph_signal_leave(unsigned node)
{
	atomic_store(&sinks[node].event, NO_EVENT);
	while (atomic_load(&sinks[node].inside))
		sched_yield();
}

static int install(int signal)
{
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_RESTART | SA_ONSTACK |
						SA_SIGINFO };

	sigfillset(&action.sa_mask);
	return sigaction(signal, &action, &before[signal]) < 0 ? -EINVAL : 0;
}

int heph_signal_take(int signal)
{
	int err = 0;

	if (signal < 1 || signal >= SIGNALS)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	if (users[signal] == 0)
		err = install(signal);
	if (err == 0)
		users[signal]++;
	pthread_mutex_unlock(&lock);
	return err;
}

void heph_signal_forget(int signal)
{
	pthread_mutex_lock(&lock);
	if (--users[signal] == 0)
		sigaction(signal, &before[signal], NULL);
	pthread_mutex_unlock(&lock);
}

bool heph_signal_any(unsigned node)
{
	return atomic_load(&sinks[node].any) &&
	       atomic_exchange(&sinks[node].any, false);
}

uint64_t heph_signal_sender(int signal)
{
	return atomic_load(&senders[signal]);
}

uint32_t heph_signal_fetch(unsigned node, int signal)
{
	return atomic_exchange(&sinks[node].count[signal], 0);
}
