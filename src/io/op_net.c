/* SPDX-License-Identifier: MIT */
/* Kinds of operations: messages, connections, sockets. */
#include <liburing.h>
#include <string.h>
#include <sys/socket.h>

#include "io/kinds.h"

void heph_prepare_recvmsg(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_recvmsg(sqe, op->number, op->buf,
			      op->flags | MSG_CMSG_CLOEXEC);
}

int heph_attempt_recvmsg(struct heph_op *op)
{
	int n = (int)recvmsg(op->number, op->buf,
			     (int)op->flags | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

void heph_prepare_sendmsg(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_sendmsg(sqe, op->number, op->buf, heph_send_flags(op));
}

int heph_attempt_sendmsg(struct heph_op *op)
{
	int n = (int)sendmsg(op->number, op->buf,
			     (int)op->flags | MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

void heph_prepare_sendmsg_zc(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_sendmsg_zc(sqe, op->number, op->buf, heph_send_flags(op));
}

int heph_attempt_sendmsg_zc(struct heph_op *op)
{
	return heph_attempt_sendmsg(op);
}

void heph_prepare_accept(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_multishot_accept(sqe, op->number, NULL, NULL,
				       SOCK_CLOEXEC);
}

int heph_attempt_accept(struct heph_op *op)
{
	int number = accept4(op->number, NULL, NULL, SOCK_CLOEXEC);

	return number < 0 ? -errno : number;
}

void heph_prepare_accept_one(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_accept(sqe, op->number, op->buf, op->buf2, SOCK_CLOEXEC);
}

int heph_attempt_accept_one(struct heph_op *op)
{
	int number = accept4(op->number, op->buf, op->buf2, SOCK_CLOEXEC);

	return number < 0 ? -errno : number;
}

void heph_prepare_connect(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_connect(sqe, op->number, op->buf, op->size);
}

/* Of a socket that does not block; asked again, it tells the end. */
int heph_attempt_connect(struct heph_op *op)
{
	socklen_t length = sizeof(int);
	int err = 0, result;

	if (connect(op->number, op->buf, op->size) == 0 || errno == EISCONN)
		return 0;
	if (errno == EINPROGRESS || errno == EALREADY)
		return -EAGAIN;
	result = -errno;
	if (getsockopt(op->number, SOL_SOCKET, SO_ERROR, &err, &length) == 0 &&
	    err)
		result = -err;
	return result;
}

/* ---- what nobody will see -------------------------------------------------------- */

void heph_undo_number(struct heph *heph, struct heph_op *op)
{
	if (op->result >= 0)
		heph_op_close_now(heph, op->result);
}

void heph_undo_recvmsg(struct heph *heph, struct heph_op *op)
{
	struct msghdr *header = op->buf;
	struct cmsghdr *cmsg = op->result < 0 ? NULL : CMSG_FIRSTHDR(header);
	int number;

	for (; cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at) < cmsg->cmsg_len;
		     at += sizeof(number)) {
			memcpy(&number, CMSG_DATA(cmsg) + at, sizeof(number));
			heph_op_close_now(heph, number);
		}
	}
}

/* ---- what cannot block --------------------------------------------------------- */

int heph_attempt_socket(struct heph_op *op)
{
	int number = socket(op->number, (int)op->flags, op->number2);

	return number < 0 ? -errno : number;
}

int heph_attempt_socket_pair(struct heph_op *op)
{
	return socketpair(op->number, (int)op->flags, op->number2, op->buf) <
			       0 ?
		       -errno :
		       0;
}

int heph_attempt_recvmmsg(struct heph_op *op)
{
	int n = recvmmsg(op->number, op->buf, op->size,
			 MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);

	return n < 0 ? -errno : n;
}

int heph_attempt_bind(struct heph_op *op)
{
	return bind(op->number, op->buf, op->size) < 0 ? -errno : 0;
}

int heph_attempt_listen(struct heph_op *op)
{
	return listen(op->number, (int)op->flags) < 0 ? -errno : 0;
}

int heph_attempt_shutdown(struct heph_op *op)
{
	return shutdown(op->number, (int)op->flags) < 0 ? -errno : 0;
}

int heph_attempt_get_option(struct heph_op *op)
{
	socklen_t size = op->size;

	return getsockopt(op->number, (int)op->flags, op->number2, op->buf,
			  &size) < 0 ?
		       -errno :
		       (int)size;
}

int heph_attempt_set_option(struct heph_op *op)
{
	return setsockopt(op->number, (int)op->flags, op->number2, op->buf,
			  op->size) < 0 ?
		       -errno :
		       0;
}

int heph_attempt_name(struct heph_op *op)
{
	socklen_t size = op->size;
	int err = op->flags ? getpeername(op->number, op->buf, &size) :
			      getsockname(op->number, op->buf, &size);

	return err < 0 ? -errno : (int)size;
}
