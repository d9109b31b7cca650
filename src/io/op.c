/* SPDX-License-Identifier: MIT */
#include "io/op.h"

#include <heph/time.h>

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/usdt.h"
#include "coro/san.h"
#include "io/driver.h"
#include "io/kinds.h"
#include "io/net.h"
#include "io/offload.h"
#include "io/process.h"

/* ---- its memory ---------------------------------------------------------------- */

static bool is_short(enum heph_op_kind kind)
{
	return UINT64_C(1) << kind & HEPH_OP_SHORT_KINDS;
}

HEPH_INLINE struct heph_op *take(struct heph_pool *pool, enum heph_op_kind kind)
{
	struct heph_op *op;

	if (!is_short(kind)) {
		op = heph_pool_take(pool, sizeof(*op));
		return op ? memset(op, 0, sizeof(*op)) : NULL;
	}
	op = heph_pool_take(pool, HEPH_OP_SHORT_SIZE);
	return op ? memset(op, 0, HEPH_OP_SHORT_SIZE) : NULL;
}

HEPH_INLINE struct heph_op *make(struct heph_self *self, enum heph_op_kind kind,
				 struct heph_file *file)
{
	struct heph_op *op;

	if (heph_unlikely(!self->ext) && !heph_self_extend(self))
		return NULL;
	op = take(&self->thread->pool, kind);
	if (!op)
		return NULL;
	op->kind = (uint8_t)kind;
	op->self = self;
	op->file = file;
	op->number = file ? file->number : -1;
	op->offset = HEPH_OFFSET_NONE;
	op->done = true;
	return op;
}

struct heph_op *heph_op_make(struct heph_self *self, enum heph_op_kind kind,
			     struct heph_file *file)
{
	return make(self, kind, file);
}

int heph_op_new(heph_ctx ctx, enum heph_op_kind kind, struct heph_file *file,
		struct heph_op **ret_op)
{
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	*ret_op = make(ctx.self, kind, file);
	return *ret_op ? 0 : -ENOMEM;
}

void *heph_op_room(struct heph_op *op, size_t size)
{
	heph_debug_assert(!op->room);
	op->room = heph_pool_take(&op->self->thread->pool, size);
	op->room_size = (uint32_t)size;
	return op->room;
}

typedef void undo_fn(struct heph *heph, struct heph_op *op);

/* Of those that bring descriptors. */
static undo_fn *undo_of(const struct heph_op *op)
{
	switch (op->kind) {
	case HEPH_OP_ACCEPT_ONE:
	case HEPH_OP_OPEN:
		return heph_undo_number;
	case HEPH_OP_RECVMSG:
		return heph_undo_recvmsg;
	default:
		return NULL;
	}
}

static void see(struct heph_op *op)
{
	if (op->unseen)
		heph_list_remove(&op->node);
	op->unseen = false;
}

void heph_op_undo(struct heph *heph, struct heph_op *op)
{
	undo_of(op)(heph, op);
	see(op);
}

void heph_op_free(struct heph_op *op)
{
	struct heph_pool *pool = &op->self->thread->pool;

	see(op);
	heph_debug_assert(op->done);
	if (op->room)
		heph_pool_give(pool, op->room, op->room_size);
	if (is_short(op->kind))
		heph_pool_give(pool, op, HEPH_OP_SHORT_SIZE);
	else
		heph_pool_give(pool, op, sizeof(*op));
}

/* ---- begun, and completed -------------------------------------------------------- */

static const struct heph_io *io_of(const struct heph_op *op)
{
	return heph_io_of(op->self->thread->heph);
}

void heph_op_start(struct heph_op *op)
{
	heph_debug_assert(heph_op_type(op)->way != HEPH_OP_AT_ONCE);
	see(op);
	op->done = op->cancelling = false;
	op->buffer = -1;
	heph_list_push_back(&op->self->ext->operations, &op->node);
	heph_count(&op->self->thread->count.operations);
	HEPH_PROBE3(io_submit, op->self->id, heph_op_type(op)->name,
		    op->number);
	if (op->self->kind)
		io_of(op)->begin(heph_worker_of(op->self), op);
	else
		heph_offload_begin(op);
}

void heph_op_cancel(struct heph_op *op)
{
	if (op->done || op->cancelling)
		return;
	op->cancelling = true;
	if (op->self->kind)
		io_of(op)->cancel(heph_worker_of(op->self), op);
	else
		heph_offload_cancel(op);
}

static struct heph_op *next_to_cancel(struct heph_ext *ext)
{
	struct heph_list *node;
	struct heph_op *op;

	heph_list_each(node, &ext->operations) {
		op = heph_container_of(node, struct heph_op, node);
		if (!op->cancelling)
			return op;
	}
	return NULL;
}

/* From the beginning each time: to ask may complete others. */
void heph_op_cancel_all(struct heph_self *self)
{
	struct heph_op *op;

	while ((op = next_to_cancel(self->ext)))
		heph_op_cancel(op);
}

void heph_op_await(struct heph_op *op)
{
	while (!op->done)
		heph_wait_only(op->self, HEPH_WAIT_OP);
}

void heph_op_complete(struct heph_op *op, int result, int buffer, bool more)
{
	struct heph_self *self = op->self;

	HEPH_PROBE4(io_complete, self->id, heph_op_type(op)->name, op->number,
		    result);
	if (heph_op_type(op)->reads && result > 0 && !op->provided)
		heph_san_written(op->buf, (size_t)result);
	op->result = result;
	op->buffer = buffer;
	if (!more) {
		op->done = true;
		heph_list_remove(&op->node);
		heph_count_add(&self->thread->count.operations, (uint64_t)-1);
		op->unseen = undo_of(op) != NULL;
		if (op->unseen)
			heph_list_push_back(&self->ext->results, &op->node);
	}
	if (op->kind == HEPH_OP_SPAWN)
		heph_process_born(op);
	if (op->kind == HEPH_OP_CLOSE_FILE)
		heph_file_closed(op);
	if (op->kind == HEPH_OP_ACCEPT)
		heph_net_accepted(op); /* may free it */
	heph_wake(self, HEPH_WAIT_OP);
	if (heph_unlikely(self->thread->moves))
		heph_thread_wake(self->thread); /* it rests while we are here */
}

/* The wait for it was given up. Its result, or why. */
static int give_up(struct heph_op *op, int err)
{
	heph_op_cancel(op);
	heph_op_await(op);
	if (op->result == -ECANCELED || op->result == -EINTR)
		return err; /* -EINTR: a thread of the kernel did it */
	return op->result;
}

/* Waits for the end of an operation. Its result, or why it was given up. */
HEPH_INLINE int await(heph_ctx ctx, struct heph_op *op)
{
	int err;

	while (!op->done) {
		err = heph_wait_about(ctx, HEPH_WAIT_OP, op);
		if (heph_unlikely(err < 0) && !op->done)
			return give_up(op, err);
	}
	return op->result;
}

int heph_op_result(heph_ctx ctx, struct heph_op *op)
{
	return await(ctx, op);
}

/* ---- until it is ready, for those who make the system calls themselves ----------- */

#define SLICE (100 * HEPH_MSEC)
#define PAUSE_MAX (100 * HEPH_MSEC)

static short events_of(const struct heph_op *op)
{
	if (op->kind == HEPH_OP_POLL)
		return (short)op->events;
	if (op->kind == HEPH_OP_RECVMSG && (op->flags & MSG_ERRQUEUE))
		return POLLERR;
	if (op->kind == HEPH_OP_RECVMSG && (op->flags & MSG_OOB))
		return POLLPRI;
	return heph_op_type(op)->events;
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

static int poll_worker(heph_ctx ctx, const struct heph_op *op, bool tried)
{
	struct heph_op *poll = heph_op_make(ctx.self, HEPH_OP_POLL, op->file);
	int err;

	if (!poll)
		return -ENOMEM;
	poll->number = op->number;
	poll->events = (uint32_t)events_of(op);
	poll->tried = tried;
	heph_op_start(poll);
	err = heph_op_result(ctx, poll);
	heph_op_free(poll);
	return err < 0 ? err : 0;
}

static int poll_until(heph_ctx ctx, const struct heph_op *op, bool tried)
{
	return ctx.self->kind ? poll_worker(ctx, op, tried) :
				poll_thread(ctx, op);
}

int heph_op_pause(heph_ctx ctx, heph_time *pause)
{
	int err = heph_sleep(ctx, *pause);

	*pause = *pause * 2 < PAUSE_MAX ? *pause * 2 : PAUSE_MAX;
	if (!*pause)
		*pause = HEPH_MSEC;
	return err;
}

static bool sends_datagram(const struct heph_op *op)
{
	return op->file && (op->file->flags & HEPH_FILE_DATAGRAMS) &&
	       heph_op_type(op)->events == POLLOUT;
}

static bool says_ready(heph_ctx ctx, const struct heph_op *op)
{
	struct heph_op poll = { .kind = HEPH_OP_POLL,
				.number = op->number,
				.events = (uint32_t)events_of(op) };

	return heph_op_now(ctx.self, &poll) > 0;
}

/* It is the receiver that has no room, perhaps. That a socket hears of only if it is
 * connected to it, and then not by epoll or poll(2) while much of what it has sent lies
 * unread elsewhere. So it is tried again now and then. */
static int until_room(heph_ctx ctx, const struct heph_op *op, heph_time *pause)
{
	heph_ctx slice = heph_within(ctx, SLICE);
	int err;

	if (says_ready(ctx, op))
		return heph_op_pause(ctx, pause);
	err = poll_until(slice, op, true);
	return err == -ETIME && heph_deadline(slice) < heph_deadline(ctx) ? 0 :
									    err;
}

/* Its system call, or the kernel, has just said -EAGAIN. */
static int until_ready_again(heph_ctx ctx, const struct heph_op *op,
			     heph_time *pause)
{
	return sends_datagram(op) ? until_room(ctx, op, pause) :
				    poll_until(ctx, op, true);
}

/* What does not listen will never be ready to accept. */
static bool listens(int number)
{
	socklen_t size = sizeof(int);
	int is = 0;

	return getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &is, &size) == 0 &&
	       is;
}

/* Its system call would wait if it is not ready. */
static bool must_poll_first(const struct heph_op *op)
{
	if (op->file && (op->file->flags & HEPH_FILE_NONBLOCK))
		return false;
	switch (op->kind) {
	case HEPH_OP_READ:
	case HEPH_OP_WRITE:
		return true;
	case HEPH_OP_READV:
	case HEPH_OP_WRITEV:
		return !op->buf2; /* a socket's */
	case HEPH_OP_ACCEPT:
	case HEPH_OP_ACCEPT_ONE:
		return listens(op->number);
	default:
		return false;
	}
}

/* Those which no driver completes do not wait: it may stand in for them. */
static int attempt(struct heph_op *op)
{
	if (op->provided)
		return heph_attempt_provided(op);
	return heph_op_type(op)->polled ?
		       heph_op_now_by(op->self->thread->heph, op) :
		       heph_op_type(op)->attempt(op);
}

/* What came together with the deadline, or with the stop, comes first. */
static int last_attempt(struct heph_op *op, int err)
{
	int result;

	if (err != -ETIME && err != -ECANCELED)
		return err;
	if (must_poll_first(op) && poll_for(op, 0) != 1)
		return err;
	result = attempt(op);
	return result == -EAGAIN || result == -EINTR ? err : result;
}

static int run_when_ready(heph_ctx ctx, struct heph_op *op)
{
	heph_time pause = 0;
	int err = must_poll_first(op) ? poll_until(ctx, op, false) : 0;
	int result;

	while (err == 0) {
		/* before it has a descriptor that nobody else knows of */
		heph_worker_spend(ctx.self);
		result = attempt(op);
		if (result != -EAGAIN && result != -EINTR)
			return result;
		if (result == -EAGAIN)
			err = until_ready_again(ctx, op, &pause);
	}
	return last_attempt(op, err);
}

/* ---- as the case may be ------------------------------------------------------------ */

static bool shall_run_again(const struct heph_op *op, int result)
{
	return result == -EINTR || (result == -EAGAIN && events_of(op));
}

/* The pause may have been longer than what was left, so it is tried once more. */
static int last_datagram(heph_ctx ctx, struct heph_op *op, int err)
{
	int result;

	if (!sends_datagram(op) || (err != -ETIME && err != -ECANCELED))
		return err;
	result = heph_op_now(ctx.self, op);
	return result == -EAGAIN ? err : result;
}

/* It has ended, but what was asked for has not come about: O_NONBLOCK, or datagrams. */
static int run_again(heph_ctx ctx, struct heph_op *op, int result)
{
	heph_time pause = 0;
	int err = 0;

	while (shall_run_again(op, result)) {
		if (result == -EAGAIN)
			err = until_ready_again(ctx, op, &pause);
		if (err < 0)
			return last_datagram(ctx, op, err);
		heph_op_start(op);
		result = await(ctx, op);
	}
	return result;
}

int heph_op_run_begun(heph_ctx ctx, struct heph_op *op)
{
	int result;

	heph_op_start(op);
	result = await(ctx, op);
	return heph_unlikely(shall_run_again(op, result)) ?
		       run_again(ctx, op, result) :
		       result;
}

/* It may block the thread that runs it, which is its own. */
static int run_blocking(struct heph_op *op)
{
	int result;

	do {
		result = attempt(op);
	} while (result == -EINTR);
	return result;
}

bool heph_op_by_actor(const struct heph_self *self, const struct heph_op *op)
{
	return heph_io_by_actor(self, op);
}

int heph_op_run(heph_ctx ctx, struct heph_op *op)
{
	enum heph_op_way way = heph_op_way(op);

	if (way == HEPH_OP_AT_ONCE)
		return heph_op_now(ctx.self, op);
	if (!heph_io_by_actor(ctx.self, op))
		return heph_op_run_begun(ctx, op);
	return way == HEPH_OP_BLOCKING ? run_blocking(op) :
					 run_when_ready(ctx, op);
}

int heph_op_finish(heph_ctx ctx, struct heph_op *op)
{
	int result = heph_op_run(ctx, op);

	heph_op_free(op);
	return result;
}

int heph_op_now_by(struct heph *heph, struct heph_op *op)
{
	const struct heph_io *io = heph->driver->alone ? NULL :
							 heph_io_of(heph);
	int result;

	do {
		result = io && io->now ? io->now(heph, op) :
					 heph_op_type(op)->attempt(op);
	} while (result == -EINTR && op->kind != HEPH_OP_CLOSE);
	return result;
}

int heph_op_now(struct heph_self *self, struct heph_op *op)
{
	op->self = self;
	return heph_op_now_by(self->thread->heph, op);
}

/* ---- closing ------------------------------------------------------------------------- */

void heph_op_close_now(struct heph *heph, int number)
{
	struct heph_op op = { .kind = HEPH_OP_CLOSE, .number = number };

	heph_op_now_by(heph, &op);
}

void heph_op_close(int number)
{
	struct heph_thread *thread = heph_thread_current;

	if (thread->is_worker && !HEPH_TSAN) /* which must know who closes it */
		heph_io_of(thread->heph)
			->close((struct heph_worker *)thread, number);
	else
		heph_op_close_now(thread->heph, number);
}
