/* SPDX-License-Identifier: MIT */
#include "core/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/heph.h"
#include "core/worker.h"
#include "coro/san.h"

#define SHORT (20 * HEPH_MSEC)

void heph_futex_wait(_Atomic uint32_t *word, uint32_t value, heph_time length)
{
	struct timespec time;

	if (HEPH_SAN_SLEEPS_SHORT && length > SHORT)
		length = SHORT;
	time = (struct timespec){ .tv_sec = length / HEPH_SEC,
				  .tv_nsec = length % HEPH_SEC };
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
		length == HEPH_NEVER ? NULL : &time, NULL, 0);
	heph_san_slept();
}

void heph_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static int start(struct heph_worker *worker)
{
	(void)worker;
	return 0;
}

static void stop(struct heph_worker *worker)
{
	(void)worker;
}

static void release(struct heph_worker *worker)
{
	(void)worker;
}

static void futex_poll(struct heph_worker *worker, heph_time max_wait)
{
	if (max_wait > 0)
		heph_futex_wait(&worker->thread.asleep, 1, max_wait);
}

static void wake(struct heph_worker *worker)
{
	heph_futex_wake(&worker->thread.asleep);
}

static void cancel(struct heph_self *self)
{
	(void)self; /* there are no operations */
}

static int poll_now(struct heph_self *self, struct heph_fd fd, bool writing)
{
	(void)self, (void)fd, (void)writing;
	return -EBADF;
}

static int poll_begin(struct heph_self *self, struct heph_fd fd, bool writing,
		      void **ret_poll)
{
	(void)self, (void)fd, (void)writing, (void)ret_poll;
	return -EBADF;
}

static int fd_detach(heph_ctx ctx, struct heph_fd fd)
{
	(void)ctx, (void)fd;
	return -EBADF;
}

const struct heph_driver heph_futex_driver = {
	.name = "futex",
	.start = start,
	.stop = stop,
	.release = release,
	.poll = futex_poll,
	.wake = wake,
	.cancel = cancel,
	.poll_now = poll_now,
	.poll_begin = poll_begin,
	.fd_detach = fd_detach,
};
