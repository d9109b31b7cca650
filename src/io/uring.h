/* SPDX-License-Identifier: MIT */
/*
 * uring.h - the driver for io_uring: one ring for each worker
 *
 * Operations are collected and go to the kernel together, at the end of a
 * turn of the worker's loop.
 */
#ifndef HEPH_IO_URING_H
#define HEPH_IO_URING_H

#include <liburing.h>

#include "core/worker.h"
#include "io/buffers.h"
#include "io/driver.h"
#include "io/features.h"

struct heph_uring {
	struct io_uring ring;
	struct heph_features features;
	struct heph_buffers buffers; /* one for each read */
	struct heph_buffers streams; /* incremental, for those */
	struct heph_worker *worker;
	unsigned in_flight; /* that will complete */
	int event;	    /* an eventfd that other threads wake us with */
	int told;	    /* another one, of who sleeps for us; -1: none */
	uint64_t event_value;
	bool complained;
};

extern const struct heph_io heph_uring_io;

static inline struct heph_uring *heph_uring_of(struct heph_worker *worker)
{
	return worker->driver;
}

/* The driver's start, stop and release; see struct heph_driver. */
int heph_uring_start(struct heph_worker *worker);
void heph_uring_stop(struct heph_worker *worker);
void heph_uring_release(struct heph_worker *worker);

/* Hands over what was collected; what the kernel refuses stays in the ring. */
void heph_uring_submit(struct heph_uring *uring);

/* Asks the kernel to tell the next write to `event`. */
void heph_uring_await_event(struct heph_uring *uring);

/* Buffers that hold data, or are about to be taken. */
unsigned heph_uring_in_use(const struct heph_uring *uring);

/*
 * For tests: lets the n-th attempt from now on fail, and only that one, to get
 * an entry of a ring (as if it were full) or to enter the kernel (-EAGAIN,
 * -EBUSY and -EINTR by turns); 1 is the next. -1: none. All rings count.
 */
void heph_uring_fail_after(long n);

/* For tests: how many entries the queues of the next rings have; 0: as usual. */
void heph_uring_queues(unsigned submissions, unsigned completions);

/* Whether that attempt was made, or none is to fail. */
bool heph_uring_failed(void);

#endif
