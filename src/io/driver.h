/* SPDX-License-Identifier: MIT */
/*
 * driver.h - what io needs of a driver, besides what the core needs
 *
 * There are three: uring.h, epoll.h, sim.h. A runtime has one; each of its
 * workers has an own instance, in worker->driver.
 */
#ifndef HEPH_IO_DRIVER_H
#define HEPH_IO_DRIVER_H

#include "core/worker.h"
#include "io/file.h"
#include "io/op.h"
#include "io/poll.h"

struct heph_io {
	struct heph_driver driver; /* first */

	/* It only tells when a descriptor is ready: what can be done when one is
	 * is done by the actor, and never begun. Polls are. */
	bool by_readiness;

	/* An operation costs more than a system call that succeeds: what is
	 * large is sent to a stream by one first, see stream.c. */
	bool sends_first;

	/* Begins an operation that is not HEPH_OP_AT_ONCE: it will be completed
	 * with heph_op_complete(). Asks for its end. On the worker's thread. */
	void (*begin)(struct heph_worker *worker, struct heph_op *op);
	void (*cancel)(struct heph_worker *worker, struct heph_op *op);

	/* Where the data of op->buffer lies, until it is given back; whether
	 * there are few others, so that it should be soon. NULL: there are none,
	 * nothing is `provided`. Into one that is of a stream fewer bytes may
	 * come than were asked for. */
	void *(*data)(struct heph_worker *worker, int buffer);
	bool (*scarce)(struct heph_worker *worker, int buffer);
	void (*give)(struct heph_worker *worker, int buffer);

	/* Closes a number, before the worker sleeps. */
	void (*close)(struct heph_worker *worker, int number);

	/* A number goes to another worker, perhaps; NULL: it need not know. */
	void (*forget)(struct heph_worker *worker, int number);

	/* Does what cannot block; NULL: by its system call. Any thread. */
	int (*now)(struct heph *heph, struct heph_op *op);
};

static inline const struct heph_io *heph_io_of(const struct heph *heph)
{
	return (const struct heph_io *)heph->driver;
}

/* A pipe, of a kernel that cannot try one without waiting. */
static inline bool heph_io_pipe_by_call(const struct heph_self *self,
					const struct heph_op *op)
{
	const unsigned mask = HEPH_FILE_PIPE | HEPH_FILE_NONBLOCK;

	return heph_worker_of(self)->pipes_by_call && op->file &&
	       (op->file->flags & mask) == HEPH_FILE_PIPE;
}

/* The same as heph_op_by_actor(), inline. */
static inline bool heph_io_by_actor(const struct heph_self *self,
				    const struct heph_op *op)
{
	if (op->kind == HEPH_OP_RESOLVE) /* it has a thread of its own */
		return false;
	if (heph_unlikely(!self->kind || heph_op_type(op)->polled))
		return true;
	if (op->kind == HEPH_OP_POLL ||
	    (!heph_io_of(self->thread->heph)->by_readiness &&
	     heph_likely(!heph_io_pipe_by_call(self, op))))
		return heph_op_type(op)->way == HEPH_OP_AT_ONCE;
	return heph_op_way(op) != HEPH_OP_BLOCKING;
}

/* What is the same in all of them. */
#define HEPH_IO_COMMON                                                         \
	.cancel = heph_op_cancel_all, .poll_now = heph_poll_now,               \
	.poll_begin = heph_poll_begin, .poll_ready = heph_poll_ready,          \
	.poll_end = heph_poll_end, .fd_detach = heph_file_detach,              \
	.fd_attach = heph_file_attach

#endif
