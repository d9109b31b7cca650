/* SPDX-License-Identifier: MIT */
#include "io/reaper.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"

enum { STACK_SIZE = 64 * 1024, AT_A_TIME = 16 };

/* A thread has an epoll descriptor of its own, so the next one may begin before
 * this one has quite ended. */
static struct {
	pthread_mutex_t lock;
	int epoll;
	unsigned n; /* 0: no thread */
} reaper = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Taken out by hand: what it is a duplicate of may still be open, and then epoll(7)
 * would go on about a number that is another one's by now. */
static void reap(int epoll, int pidfd)
{
	siginfo_t info;

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 &&
	       errno == EINTR)
		;
	epoll_ctl(epoll, EPOLL_CTL_DEL, pidfd, NULL);
	close(pidfd);
}

/* Whether there are more. */
static bool forget(int epoll, unsigned n)
{
	bool more;

	pthread_mutex_lock(&reaper.lock);
	reaper.n -= n;
	more = reaper.n;
	if (!more)
		close(epoll);
	pthread_mutex_unlock(&reaper.lock);
	return more;
}

static void *work(void *arg)
{
	struct epoll_event events[AT_A_TIME];
	int epoll = (int)(intptr_t)arg, n;

	pthread_setname_np(pthread_self(), "heph-reaper");
	do {
		n = epoll_wait(epoll, events, AT_A_TIME, -1);
		for (int i = 0; i < n; i++)
			reap(epoll, events[i].data.fd);
	} while (n < 0 || forget(epoll, (unsigned)n));
	return NULL;
}

static int start_thread(int epoll)
{
	return heph_helper_start(NULL, STACK_SIZE, work,
				 (void *)(intptr_t)epoll);
}

static int watch(int pidfd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = pidfd };

	return epoll_ctl(reaper.epoll, EPOLL_CTL_ADD, pidfd, &event) < 0 ?
		       -errno :
		       0;
}

static int begin(int pidfd)
{
	int err;

	reaper.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (reaper.epoll < 0)
		return -errno;
	err = watch(pidfd);
	if (err == 0)
		err = start_thread(reaper.epoll);
	if (err < 0)
		close(reaper.epoll);
	return err;
}

int heph_reaper_add(int pidfd)
{
	int err;

	pthread_mutex_lock(&reaper.lock);
	err = reaper.n ? watch(pidfd) : begin(pidfd);
	reaper.n += err == 0;
	pthread_mutex_unlock(&reaper.lock);
	return err;
}
