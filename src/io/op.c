/* SPDX-License-Identifier: MIT */
#include "io/op.h"

#include <heph/time.h>

#include <limits.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coro/san.h"
#include "io/net.h"
#include "io/uring.h"

/* ---- the table --------------------------------------------------------------- */

enum { CURRENT_POSITION = -1 };

static void prepare_read(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_read(sqe, op->number, op->buf, op->size,
			   CURRENT_POSITION);
}

static int attempt_read(struct heph_op *op)
{
	return (int)read(op->number, op->buf, op->size);
}

static void prepare_recv(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_recv(sqe, op->number, op->buf, op->size, 0);
}

static int attempt_recv(struct heph_op *op)
{
	return (int)recv(op->number, op->buf, op->size, MSG_DONTWAIT);
}

static void prepare_write(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_write(sqe, op->number, op->buf, op->size,
			    CURRENT_POSITION);
}

/* A pipe that is ready takes PIPE_BUF bytes at once; with more, write(2) would
 * wait for a reader whatever the deadline says. */
static size_t write_at_once(const struct heph_op *op)
{
	struct stat info;

	if (op->size <= PIPE_BUF ||
	    (fstat(op->number, &info) == 0 && S_ISREG(info.st_mode)))
		return op->size;
	return PIPE_BUF;
}

/* A broken pipe is -EPIPE and no signal. */
static int attempt_write(struct heph_op *op)
{
	size_t size = write_at_once(op);
	struct timespec none = { 0 };
	sigset_t pipe, old;
	int n, err;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	n = (int)write(op->number, op->buf, size);
	err = errno;
	if (n < 0 && err == EPIPE && !sigismember(&old, SIGPIPE))
		sigtimedwait(&pipe, NULL, &none);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = err;
	return n;
}

static void prepare_send(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_send(sqe, op->number, op->buf, op->size, MSG_NOSIGNAL);
}

static int attempt_send(struct heph_op *op)
{
	return (int)send(op->number, op->buf, op->size,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void prepare_accept(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_multishot_accept(sqe, op->number, NULL, NULL,
				       SOCK_CLOEXEC);
}

static int attempt_accept(struct heph_op *op)
{
	return accept4(op->number, NULL, NULL, SOCK_CLOEXEC);
}

static void prepare_connect(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_connect(sqe, op->number, op->buf, op->size);
}

static int attempt_connect(struct heph_op *op)
{
	return heph_net_connect_now(op->number, op->buf, op->size);
}

static void prepare_poll(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_poll_add(sqe, op->number, op->events);
}

static int attempt_poll(struct heph_op *op)
{
	struct pollfd fd = { .fd = op->number, .events = (short)op->events };

	errno = EAGAIN;
	return poll(&fd, 1, 0) == 1 ? fd.revents : -1;
}

const struct heph_op_type heph_op_types[] = {
	[HEPH_OP_READ] = { "read", prepare_read, attempt_read, POLLIN },
	[HEPH_OP_RECV] = { "recv", prepare_recv, attempt_recv, POLLIN },
	[HEPH_OP_WRITE] = { "write", prepare_write, attempt_write, POLLOUT },
	[HEPH_OP_SEND] = { "send", prepare_send, attempt_send, POLLOUT },
	[HEPH_OP_ACCEPT] = { "accept", prepare_accept, attempt_accept, POLLIN },
	[HEPH_OP_CONNECT] = { "connect", prepare_connect, attempt_connect,
			      POLLOUT },
	[HEPH_OP_POLL] = { "poll", prepare_poll, attempt_poll, 0 },
};
_Static_assert(sizeof(heph_op_types) / sizeof(*heph_op_types) == HEPH_OP_KINDS,
	       "an operation is missing in the table");

/* ---- on a worker ---------------------------------------------------------------- */

static struct heph_uring *ring_of(const struct heph_op *op)
{
	return heph_uring_of(heph_worker_of(op->self));
}

void heph_op_start(struct heph_op *op)
{
	op->done = op->cancelling = false;
	op->buffer = -1;
	heph_list_push_back(&op->self->ext->operations, &op->node);
	heph_count(&op->self->thread->count.operations);
	heph_uring_submit(ring_of(op), op);
}

void heph_op_cancel(struct heph_op *op)
{
	if (op->done || op->cancelling)
		return;
	op->cancelling = true;
	heph_uring_cancel(ring_of(op), op);
}

void heph_op_await(struct heph_op *op)
{
	while (!op->done)
		heph_wait_only(op->self, HEPH_WAIT_OP);
}

static bool reads(const struct heph_op *op)
{
	return op->kind == HEPH_OP_READ || op->kind == HEPH_OP_RECV;
}

void heph_op_complete(struct heph_op *op, int result, int buffer, bool more)
{
	struct heph_self *self = op->self;

	if (reads(op) && result > 0 && !op->provided)
		heph_san_written(op->buf, (size_t)result);
	op->result = result;
	op->buffer = buffer;
	if (!more) {
		op->done = true;
		heph_list_remove(&op->node);
		heph_count_add(&self->thread->count.operations, (uint64_t)-1);
	}
	if (op->kind == HEPH_OP_ACCEPT)
		heph_net_accepted(op); /* may free it */
	heph_wake(self, HEPH_WAIT_OP);
	if (heph_unlikely(self->thread->moves))
		heph_thread_wake(self->thread); /* it rests while we are here */
}

/* Waits for the end of an operation. Its result, or why it was given up. */
static int await(heph_ctx ctx, struct heph_op *op)
{
	int err;

	while (!op->done) {
		err = heph_wait_for(ctx, HEPH_WAIT_OP);
		if (op->done || err == 0)
			continue;
		heph_op_cancel(op);
		heph_op_await(op);
		if (op->result == -ECANCELED || op->result == -EINTR)
			return err; /* -EINTR: a thread of the kernel did it */
	}
	return op->result;
}

/* For a descriptor that says -EAGAIN although we would wait: O_NONBLOCK. */
static int wait_until_ready(heph_ctx ctx, const struct heph_op *op)
{
	struct heph_op *poll =
		heph_pool_take(&ctx.self->thread->pool, sizeof(*poll));
	int err;

	if (!poll)
		return -ENOMEM;
	*poll = (struct heph_op){
		.self = ctx.self,
		.kind = HEPH_OP_POLL,
		.number = op->number,
		.events = (uint32_t)heph_op_types[op->kind].events
	};
	heph_op_start(poll);
	err = await(ctx, poll);
	heph_pool_give(&ctx.self->thread->pool, poll, sizeof(*poll));
	return err < 0 ? err : 0;
}

static int run_on_worker(heph_ctx ctx, struct heph_op *op)
{
	int result;

	for (;;) {
		heph_op_start(op);
		result = await(ctx, op);
		if (result == -EAGAIN)
			result = wait_until_ready(ctx, op);
		else if (result != -EINTR)
			return result;
		if (result < 0 && result != -EINTR)
			return result;
	}
}

#define SLICE (100 * HEPH_MSEC)

/* ---- on a plain thread ------------------------------------------------------------ */

static short events_of(const struct heph_op *op)
{
	return op->kind == HEPH_OP_POLL ? (short)op->events :
					  heph_op_types[op->kind].events;
}

/* Sleeps for `length` at most. 1: it is ready; 0; an error. */
static int poll_for(const struct heph_op *op, heph_time length)
{
	struct pollfd fd = { .fd = op->number, .events = events_of(op) };
	struct timespec timeout = { .tv_sec = length / HEPH_SEC,
				    .tv_nsec = length % HEPH_SEC };
	int n = ppoll(&fd, 1, &timeout, NULL);

	return n >= 0 ? n : errno == EINTR ? 0 : -errno;
}

/* In slices, because the runtime may be abandoned meanwhile. */
static int poll_thread(heph_ctx ctx, const struct heph_op *op)
{
	heph_time left;
	int n;

	for (;;) {
		left = heph_deadline(ctx) - heph_now();
		n = poll_for(op, left < 0 ? 0 : left < SLICE ? left : SLICE);
		if (n)
			return n < 0 ? n : 0;
		if (left <= 0)
			return -ETIME;
		if (atomic_load(&ctx.self->thread->heph->abandon))
			return -ECANCELED;
	}
}

/* A blocking descriptor is asked only when it is ready. */
static bool must_poll_first(const struct heph_op *op)
{
	return op->kind == HEPH_OP_READ || op->kind == HEPH_OP_WRITE ||
	       op->kind == HEPH_OP_ACCEPT;
}

static int run_on_thread(heph_ctx ctx, struct heph_op *op)
{
	const struct heph_op_type *type = &heph_op_types[op->kind];
	int err = must_poll_first(op) ? poll_thread(ctx, op) : 0;
	int result;

	while (err == 0) {
		result = type->attempt(op);
		if (result >= 0)
			return result;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = poll_thread(ctx, op);
	}
	return err;
}

int heph_op_run(heph_ctx ctx, struct heph_op *op)
{
	op->self = ctx.self;
	return ctx.self->kind ? run_on_worker(ctx, op) : run_on_thread(ctx, op);
}

void heph_op_close(int number)
{
	struct heph_thread *thread = heph_thread_current;

	if (thread->is_worker && !HEPH_TSAN) /* which must know who closes it */
		heph_uring_close(heph_uring_of((struct heph_worker *)thread),
				 number);
	else
		close(number);
}
