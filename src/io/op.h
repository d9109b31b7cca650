/* SPDX-License-Identifier: MIT */
/*
 * op.h - one operation that the kernel does for an actor
 *
 * An operation is a record outside of every stack, in the list of its actor
 * until the kernel has let go of it, which happens exactly once. A table says
 * for each kind how io_uring is asked to do it, and how it is tried with a
 * system call, for plain threads, which have no ring.
 *
 * Memory. What the kernel reads or writes is never on a stack that may move
 * (stackrule.h): a buffer of the caller that lies there is stood in for by a
 * bounce buffer, or, for reading, by one that the worker provides when the data
 * is there.
 */
#ifndef HEPH_IO_OP_H
#define HEPH_IO_OP_H

#include "core/wait.h"
#include "io/file.h"

enum heph_op_kind {
	HEPH_OP_READ,
	HEPH_OP_RECV,
	HEPH_OP_WRITE,
	HEPH_OP_SEND,
	HEPH_OP_ACCEPT, /* goes on until it is cancelled or fails */
	HEPH_OP_CONNECT,
	HEPH_OP_POLL,
	HEPH_OP_KINDS,
};

struct heph_op {
	struct heph_list node; /* in ext->operations, while in flight */
	struct heph_self *self;
	struct heph_file *file; /* accept: the listener */
	enum heph_op_kind kind;
	int number;	   /* the descriptor */
	void *buf;	   /* or the address, of a connect */
	uint32_t size;	   /* of it */
	uint32_t events;   /* poll: POLLIN, POLLOUT */
	bool provided;	   /* the kernel chooses a buffer of the worker */
	bool done;	   /* the kernel has let go of it */
	bool cancelling;
	int result;
	int buffer; /* the one that the kernel chose, or -1 */
};

/* What the two ways of doing it need to know of a kind. */
struct io_uring_sqe;
struct heph_op_type {
	const char *name;
	void (*prepare)(struct io_uring_sqe *sqe, struct heph_op *op);
	int (*attempt)(struct heph_op *op); /* -EAGAIN: wait for `events` */
	short events;
};
extern const struct heph_op_type heph_op_types[HEPH_OP_KINDS];

/* Waits. Does an operation that the caller has filled in but for the private
 * members. Returns its result; -ETIME, -ECANCELED. */
int heph_op_run(heph_ctx ctx, struct heph_op *op);

/* Begins one, for a worker: `op` lives until `done`. */
void heph_op_start(struct heph_op *op);

/* Asks the kernel to give one up. It ends with -ECANCELED, or with what it had
 * done before. */
void heph_op_cancel(struct heph_op *op);

/* Waits until an operation has ended. */
void heph_op_await(struct heph_op *op);

/* The driver's: the kernel has said something about the operation; `more`:
 * and will again. */
void heph_op_complete(struct heph_op *op, int result, int buffer, bool more);

/* Closes a number, without waiting for it. Any thread of the runtime. */
void heph_op_close(int number);

#endif
