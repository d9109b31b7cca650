/* SPDX-License-Identifier: MIT */
/*
 * epoll.h - the driver for epoll: one instance for each worker
 *
 * For where io_uring is forbidden. It tells when a descriptor is ready, and the
 * actor makes the system call by itself; what is never told to be ready, files
 * on disks, goes to the threads of offload.h.
 */
#ifndef HEPH_IO_EPOLL_H
#define HEPH_IO_EPOLL_H

#include <sys/epoll.h>

#include "core/worker.h"
#include "io/driver.h"

enum { HEPH_EPOLL_BATCH = 128 }; /* events of one look at the kernel */

/* What is known of the descriptor with a number. */
struct heph_interest {
	struct heph_op *waiters; /* polls, by `offload.next` */
	uint64_t key;    /* whose it was when it was registered; 0: it is not */
	uint32_t serial; /* of the registration */
	uint32_t events; /* that it was registered for */
	uint32_t useless; /* times in a row that nobody waited for what came */
};

struct heph_epoll {
	struct heph_worker *worker;
	int epoll;
	int event;	 /* an eventfd that other threads wake us with */
	bool told;	 /* somebody polls `epoll` */
	bool coarse;	 /* it sleeps for whole milliseconds */
	unsigned waiting; /* polls */
	uint32_t serial; /* of the latest registration */
	uint32_t n;	 /* places in `interests`, by number */
	struct heph_interest *interests;
	struct epoll_event events[HEPH_EPOLL_BATCH];
};

extern const struct heph_io heph_epoll_io;

static inline struct heph_epoll *heph_epoll_of(struct heph_worker *worker)
{
	return worker->driver;
}

/* For tests: lets the n-th registration from now on fail with that error, and
 * only that one; 1 is the next. -1: none. All instances count. */
void heph_epoll_fail_after(long n, int err);

/* Whether that registration was asked for, or none is to fail. */
bool heph_epoll_failed(void);

#endif
