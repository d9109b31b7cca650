/* SPDX-License-Identifier: MIT */
/* Kinds of operations: reading and writing, sockets or not; readiness. */
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/kinds.h"

void heph_prepare_read(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_read(sqe, op->number, op->buf, op->size, op->offset);
}

bool heph_attempt_must_not_wait(const struct heph_op *op)
{
	return op->offset == HEPH_OFFSET_NONE && op->file &&
	       (op->file->flags & HEPH_FILE_LENT) &&
	       !(op->file->flags & (HEPH_FILE_DISK | HEPH_FILE_NONBLOCK));
}

/* Before Linux 6.4 pipes know no RWF_NOWAIT, but splice(2) does not wait: by way of
 * another pipe, which nobody else has. It holds 64 KiB; what it is given and cannot
 * pass on is not told. */
static ssize_t splice_some(int from, int to, size_t size)
{
	return splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK);
}

static ssize_t by_splice(const struct heph_op *op, const struct iovec *pieces,
			 int n, bool writing)
{
	int numbers[2], err;
	ssize_t size = 0;

	for (int i = 0; i < n; i++)
		size += (ssize_t)pieces[i].iov_len;
	if (pipe2(numbers, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	if (writing) {
		size = writev(numbers[1], pieces, n);
		if (size > 0)
			size = splice_some(numbers[0], op->number,
					   (size_t)size);
	} else {
		size = splice_some(op->number, numbers[1], (size_t)size);
		if (size > 0)
			size = readv(numbers[0], pieces, n);
	}
	err = errno;
	close(numbers[0]);
	close(numbers[1]);
	errno = err;
	return size;
}

/* What is neither a pipe nor knows RWF_NOWAIT may wait all the same. */
ssize_t heph_attempt_try_read(const struct heph_op *op,
			      const struct iovec *pieces, int n)
{
	ssize_t size = preadv2(op->number, pieces, n, -1, RWF_NOWAIT);

	if (size >= 0 || errno != EOPNOTSUPP)
		return size;
	return op->file->flags & HEPH_FILE_PIPE ?
		       by_splice(op, pieces, n, false) :
		       readv(op->number, pieces, n);
}

ssize_t heph_attempt_try_write(const struct heph_op *op,
			       const struct iovec *pieces, int n)
{
	ssize_t size = pwritev2(op->number, pieces, n, -1, RWF_NOWAIT);

	if (size >= 0 || errno != EOPNOTSUPP)
		return size;
	return op->file->flags & HEPH_FILE_PIPE ?
		       by_splice(op, pieces, n, true) :
		       writev(op->number, pieces, n);
}

static ssize_t read_it(struct heph_op *op)
{
	struct iovec piece = { .iov_base = op->buf, .iov_len = op->size };

	if (heph_attempt_must_not_wait(op))
		return heph_attempt_try_read(op, &piece, 1);
	return op->offset == HEPH_OFFSET_NONE ?
		       read(op->number, op->buf, op->size) :
		       pread(op->number, op->buf, op->size, (off_t)op->offset);
}

int heph_attempt_read(struct heph_op *op)
{
	ssize_t n = read_it(op);

	return n < 0 ? -errno : (int)n;
}

void heph_prepare_write(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_write(sqe, op->number, op->buf, op->size, op->offset);
}

/* A pipe that is ready takes PIPE_BUF bytes at once; with more, write(2) would
 * wait for a reader whatever the deadline says. */
static size_t write_at_once(const struct heph_op *op)
{
	if (op->size <= PIPE_BUF ||
	    (op->file->flags & (HEPH_FILE_DISK | HEPH_FILE_NONBLOCK)))
		return op->size;
	return PIPE_BUF;
}

static ssize_t write_it(struct heph_op *op)
{
	struct iovec piece = { .iov_base = op->buf, .iov_len = op->size };
	size_t size = write_at_once(op);

	if (heph_attempt_must_not_wait(op))
		return heph_attempt_try_write(op, &piece, 1);
	return op->offset == HEPH_OFFSET_NONE ?
		       write(op->number, op->buf, size) :
		       pwrite(op->number, op->buf, size, (off_t)op->offset);
}

/* Forgets a signal of this thread that came when it was blocked. */
static void swallow(const sigset_t *set)
{
	struct timespec none = { 0 };

	sigtimedwait(set, NULL, &none);
}

int heph_attempt_quietly(struct heph_op *op, ssize_t (*call)(struct heph_op *op))
{
	sigset_t pipe, old;
	int result;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	result = (int)call(op);
	if (result < 0)
		result = -errno;
	if (result == -EPIPE && !sigismember(&old, SIGPIPE))
		swallow(&pipe);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return result;
}

int heph_attempt_write(struct heph_op *op)
{
	return heph_attempt_quietly(op, write_it);
}

void heph_prepare_recv(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_recv(sqe, op->number, op->buf, op->size, (int)op->flags);
}

int heph_attempt_recv(struct heph_op *op)
{
	int n = (int)recv(op->number, op->buf, op->size,
			  (int)op->flags | MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

/* A datagram that finds no room is for us to send again (op.c): the kernel, which would
 * wait until there is some, then sends an empty one in its place where it was the
 * receiver that had none (Unix sockets, netlink; seen in Linux 6.18). */
unsigned heph_send_flags(const struct heph_op *op)
{
	unsigned flags = op->flags | MSG_NOSIGNAL;

	return op->file && (op->file->flags & HEPH_FILE_DATAGRAMS) ?
		       flags | MSG_DONTWAIT :
		       flags;
}

void heph_prepare_send(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_send(sqe, op->number, op->buf, op->size,
			   (int)heph_send_flags(op));
}

int heph_attempt_send(struct heph_op *op)
{
	int n = (int)send(op->number, op->buf, op->size,
			  (int)op->flags | MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

void heph_prepare_poll(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_poll_add(sqe, op->number, op->events);
}

int heph_attempt_poll(struct heph_op *op)
{
	struct pollfd fd = { .fd = op->number, .events = (short)op->events };

	if (poll(&fd, 1, 0) != 1)
		return -EAGAIN;
	return fd.revents & POLLNVAL ? -EBADF : fd.revents;
}

int heph_attempt_close(struct heph_op *op)
{
	return close(op->number) < 0 ? -errno : 0;
}

void heph_prepare_close_file(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_close(sqe, op->number);
}

/* Linux has closed it even if that was interrupted. */
int heph_attempt_close_file(struct heph_op *op)
{
	return close(op->number) < 0 && errno != EINTR ? -errno : 0;
}

int heph_attempt_fcntl(struct heph_op *op)
{
	int result = fcntl(op->number, (int)op->flags, op->number2);

	return result < 0 ? -errno : result;
}

int heph_attempt_pipe(struct heph_op *op)
{
	return pipe2(op->buf, (int)op->flags) < 0 ? -errno : 0;
}

int heph_attempt_status(struct heph_op *op)
{
	int result = op->flags ? fcntl(op->number, F_SETFL, (int)op->size) :
				 fcntl(op->number, F_GETFL);

	return result < 0 ? -errno : result;
}

int heph_attempt_stat(struct heph_op *op)
{
	return fstat(op->number, op->buf) < 0 ? -errno : 0;
}
