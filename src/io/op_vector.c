/* SPDX-License-Identifier: MIT */
/*
 * Kinds of operations: reading to and writing from several pieces of memory. Of
 * sockets `buf2` is a message with the same vectors, because only a message says
 * that there shall be no signal, and no waiting.
 */
#include <liburing.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "io/kinds.h"

void heph_prepare_readv(struct io_uring_sqe *sqe, struct heph_op *op)
{
	if (op->buf2)
		io_uring_prep_recvmsg(sqe, op->number, op->buf2, op->flags);
	else
		io_uring_prep_readv(sqe, op->number, op->buf, op->size,
				    op->offset);
}

static ssize_t read_it(struct heph_op *op)
{
	if (op->buf2)
		return recvmsg(op->number, op->buf2,
			       (int)op->flags | MSG_DONTWAIT);
	if (heph_attempt_must_not_wait(op))
		return heph_attempt_try_read(op, op->buf, (int)op->size);
	return op->offset == HEPH_OFFSET_NONE ?
		       readv(op->number, op->buf, (int)op->size) :
		       preadv(op->number, op->buf, (int)op->size,
			      (off_t)op->offset);
}

int heph_attempt_readv(struct heph_op *op)
{
	ssize_t n = read_it(op);

	return n < 0 ? -errno : (int)n;
}

void heph_prepare_writev(struct io_uring_sqe *sqe, struct heph_op *op)
{
	if (op->buf2)
		io_uring_prep_sendmsg(sqe, op->number, op->buf2,
				      heph_send_flags(op));
	else
		io_uring_prep_writev(sqe, op->number, op->buf, op->size,
				     op->offset);
}

static ssize_t write_it(struct heph_op *op)
{
	if (op->buf2)
		return sendmsg(op->number, op->buf2,
			       (int)op->flags | MSG_NOSIGNAL | MSG_DONTWAIT);
	if (heph_attempt_must_not_wait(op))
		return heph_attempt_try_write(op, op->buf, (int)op->size);
	return op->offset == HEPH_OFFSET_NONE ?
		       writev(op->number, op->buf, (int)op->size) :
		       pwritev(op->number, op->buf, (int)op->size,
			       (off_t)op->offset);
}

int heph_attempt_writev(struct heph_op *op)
{
	return heph_attempt_quietly(op, write_it);
}
