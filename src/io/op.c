/* SPDX-License-Identifier: MIT */
#include "io/op.h"

#include <heph/time.h>

#include <limits.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "core/solo.h"
#include "coro/san.h"
#include "io/driver.h"
#include "io/kinds.h"
#include "io/net.h"
#include "io/process.h"
#include "io/offload.h"
#include "io/uring_abi.h"

/* ---- the table --------------------------------------------------------------- */

#define WHEN_READY(op, name_, events_)                                         \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_WHEN_READY,                     \
		.events = (events_), .opcode = IORING_OP_##op,                 \
		.prepare = heph_prepare_##name_,                               \
		.attempt = heph_attempt_##name_                                \
	}
#define READS(op, name_)                                                       \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_WHEN_READY, .events = POLLIN,   \
		.reads = true, .opcode = IORING_OP_##op,                       \
		.prepare = heph_prepare_##name_,                               \
		.attempt = heph_attempt_##name_                                \
	}
/* Of a disk, with an opcode and without. */
#define BLOCKING(op, name_)                                                    \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_BLOCKING, .opcode = (op),       \
		.prepare = heph_prepare_##name_,                               \
		.attempt = heph_attempt_##name_                                \
	}
#define BY_THREAD(name_)                                                       \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_BLOCKING, .opcode = -1,         \
		.attempt = heph_attempt_##name_                                \
	}
#define POLLED(name_, events_)                                                 \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_WHEN_READY,                     \
		.events = (events_), .polled = true, .opcode = -1,             \
		.attempt = heph_attempt_##name_                                \
	}
#define AT_ONCE(name_)                                                         \
	{                                                                      \
		.name = #name_, .way = HEPH_OP_AT_ONCE, .opcode = -1,          \
		.attempt = heph_attempt_##name_                                \
	}

const struct heph_op_type heph_op_types[] = {
	[HEPH_OP_READ] = READS(READ, read),
	[HEPH_OP_WRITE] = WHEN_READY(WRITE, write, POLLOUT),
	[HEPH_OP_READV] = WHEN_READY(READV, readv, POLLIN),
	[HEPH_OP_WRITEV] = WHEN_READY(WRITEV, writev, POLLOUT),
	[HEPH_OP_RECV] = READS(RECV, recv),
	[HEPH_OP_SEND] = WHEN_READY(SEND, send, POLLOUT),
	[HEPH_OP_RECVMSG] = WHEN_READY(RECVMSG, recvmsg, POLLIN),
	[HEPH_OP_RECVMMSG] = AT_ONCE(recvmmsg),
	[HEPH_OP_SENDMSG] = WHEN_READY(SENDMSG, sendmsg, POLLOUT),
	[HEPH_OP_SENDMSG_ZC] = WHEN_READY(SENDMSG_ZC, sendmsg_zc, POLLOUT),
	[HEPH_OP_ACCEPT] = WHEN_READY(ACCEPT, accept, POLLIN),
	[HEPH_OP_ACCEPT_ONE] = WHEN_READY(ACCEPT, accept_one, POLLIN),
	[HEPH_OP_CONNECT] = WHEN_READY(CONNECT, connect, POLLOUT),
	[HEPH_OP_POLL] = WHEN_READY(POLL_ADD, poll, 0),
	[HEPH_OP_CLOSE] = AT_ONCE(close),
	[HEPH_OP_CLOSE_FILE] = BLOCKING(IORING_OP_CLOSE, close_file),
	[HEPH_OP_FCNTL] = AT_ONCE(fcntl),
	[HEPH_OP_SPAWN] = BY_THREAD(spawn),
	[HEPH_OP_WAIT_PROCESS] = POLLED(wait_process, POLLIN),
	[HEPH_OP_KILL_PROCESS] = AT_ONCE(kill_process),
	[HEPH_OP_PIPE] = AT_ONCE(pipe),
	[HEPH_OP_STATUS] = AT_ONCE(status),
	[HEPH_OP_STAT] = AT_ONCE(stat),
	[HEPH_OP_SOCKET] = AT_ONCE(socket),
	[HEPH_OP_SOCKET_PAIR] = AT_ONCE(socket_pair),
	[HEPH_OP_BIND] = AT_ONCE(bind),
	[HEPH_OP_LISTEN] = AT_ONCE(listen),
	[HEPH_OP_SHUTDOWN] = AT_ONCE(shutdown),
	[HEPH_OP_GET_OPTION] = AT_ONCE(get_option),
	[HEPH_OP_SET_OPTION] = AT_ONCE(set_option),
	[HEPH_OP_NAME] = AT_ONCE(name),
	[HEPH_OP_RESOLVE] = BY_THREAD(resolve),
	[HEPH_OP_OPEN] = BLOCKING(IORING_OP_OPENAT, open),
	[HEPH_OP_STATX] = BLOCKING(IORING_OP_STATX, statx),
	[HEPH_OP_CHMOD] = BY_THREAD(chmod),
	[HEPH_OP_CHOWN] = BY_THREAD(chown),
	[HEPH_OP_UTIMES] = BY_THREAD(utimes),
	[HEPH_OP_RENAME] = BLOCKING(IORING_OP_RENAMEAT, rename),
	[HEPH_OP_LINK] = BLOCKING(IORING_OP_LINKAT, link),
	[HEPH_OP_SYMLINK] = BLOCKING(IORING_OP_SYMLINKAT, symlink),
	[HEPH_OP_READ_LINK] = BY_THREAD(read_link),
	[HEPH_OP_REMOVE] = BLOCKING(IORING_OP_UNLINKAT, remove),
	[HEPH_OP_MKDIR] = BLOCKING(IORING_OP_MKDIRAT, mkdir),
	[HEPH_OP_XATTR_GET] = BLOCKING(IORING_OP_GETXATTR, xattr_get),
	[HEPH_OP_XATTR_SET] = BLOCKING(IORING_OP_SETXATTR, xattr_set),
	[HEPH_OP_XATTR_LIST] = BY_THREAD(xattr_list),
	[HEPH_OP_XATTR_REMOVE] = BY_THREAD(xattr_remove),
	[HEPH_OP_SYNC] = BLOCKING(IORING_OP_FSYNC, sync),
	[HEPH_OP_TRUNCATE] = BLOCKING(HEPH_URING_FTRUNCATE, truncate),
	[HEPH_OP_ALLOCATE] = BLOCKING(IORING_OP_FALLOCATE, allocate),
	[HEPH_OP_ADVISE] = BLOCKING(IORING_OP_FADVISE, advise),
	[HEPH_OP_SEEK] = BY_THREAD(seek),
	[HEPH_OP_READ_DIR] = BY_THREAD(read_dir),
	[HEPH_OP_LOCK] = BY_THREAD(lock),
	[HEPH_OP_CLONE] = BY_THREAD(clone),
	[HEPH_OP_COPY_RANGE] = BY_THREAD(copy_range),
	[HEPH_OP_SPLICE] = BLOCKING(IORING_OP_SPLICE, splice),
	[HEPH_OP_MEMORY_ADVISE] = BLOCKING(IORING_OP_MADVISE, memory_advise),
	[HEPH_OP_NOTIFY_OPEN] = AT_ONCE(notify_open),
	[HEPH_OP_NOTIFY_ADD] = BY_THREAD(notify_add),
	[HEPH_OP_NOTIFY_REMOVE] = AT_ONCE(notify_remove),
};
_Static_assert(sizeof(heph_op_types) / sizeof(*heph_op_types) == HEPH_OP_KINDS,
	       "an operation is missing in the table");

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

int heph_op_texts(struct heph_op *op, const char *first, const char *second)
{
	size_t n = first ? strnlen(first, PATH_MAX) + 1 : 0;
	size_t m = second ? strnlen(second, PATH_MAX) + 1 : 0;
	char *room;

	if (!first)
		return -EINVAL;
	if (n > PATH_MAX || m > PATH_MAX)
		return -ENAMETOOLONG;
	room = heph_op_room(op, n + m);
	if (!room)
		return -ENOMEM;
	op->buf = memcpy(room, first, n);
	if (second)
		op->buf2 = memcpy(room + n, second, m);
	return 0;
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

/* `tried`: its system call has just said -EAGAIN. */
static int until_ready(heph_ctx ctx, const struct heph_op *op, bool tried)
{
	return ctx.self->kind ? poll_worker(ctx, op, tried) :
				poll_thread(ctx, op);
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
	int err = must_poll_first(op) ? until_ready(ctx, op, false) : 0;
	int result;

	while (err == 0) {
		/* before it has a descriptor that nobody else knows of */
		heph_worker_spend(ctx.self);
		result = attempt(op);
		if (result != -EAGAIN && result != -EINTR)
			return result;
		if (result == -EAGAIN)
			err = until_ready(ctx, op, true);
	}
	return last_attempt(op, err);
}

/* ---- as the case may be ------------------------------------------------------------ */

/* It has ended, but what was asked for has not come about. */
static int run_again(heph_ctx ctx, struct heph_op *op, int result)
{
	do {
		if (result == -EAGAIN)
			result = until_ready(ctx, op, true);
		if (result < 0 && result != -EINTR)
			return result;
		heph_op_start(op);
		result = await(ctx, op);
	} while (result == -EINTR || (result == -EAGAIN && events_of(op)));
	return result;
}

int heph_op_run_begun(heph_ctx ctx, struct heph_op *op)
{
	int result;

	heph_op_start(op);
	result = await(ctx, op);
	if (heph_unlikely(result == -EINTR ||
			  (result == -EAGAIN && events_of(op)))) /* O_NONBLOCK */
		return run_again(ctx, op, result);
	return result;
}

/* It may block the thread that runs it, which is its own. */
static int run_blocking(struct heph_op *op)
{
	int result;

	do {
		result = heph_op_type(op)->attempt(op);
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

/* ---- when the worker's loop is over ---------------------------------------------------- */

static struct heph_worker *guest_at(struct heph_list *node)
{
	return &heph_container_of(node, struct heph_solo, guest)->worker;
}

/* Also of those that would move if they had none. */
static uint64_t in_flight(const struct heph_worker *worker)
{
	uint64_t n = atomic_load(&worker->thread.count.operations);
	struct heph_list *node;

	heph_list_each(node, &worker->guests)
		n += atomic_load(&guest_at(node)->thread.count.operations);
	return n;
}

static void cancel_own(struct heph_worker *worker)
{
	for (uint32_t n = worker->first_self; n < worker->n_selves; n++)
		if (worker->selves[n].ext)
			heph_op_cancel_all(&worker->selves[n]);
}

static void cancel_actors(struct heph_worker *worker)
{
	struct heph_list *node;

	cancel_own(worker);
	heph_list_each(node, &worker->guests)
		cancel_own(guest_at(node));
}

/* What was offloaded comes there. */
static void open_doors(struct heph_worker *worker)
{
	struct heph_list *node;

	heph_thread_open_door(&worker->thread);
	heph_list_each(node, &worker->guests)
		heph_thread_open_door(&guest_at(node)->thread);
}

/* What abandoned actors have been brought. */
static void undo_own(struct heph_worker *worker)
{
	struct heph_ext *ext;
	struct heph_op *op;

	for (uint32_t n = worker->first_self; n < worker->n_selves; n++) {
		ext = worker->selves[n].ext;
		while (ext && !heph_list_empty(&ext->results)) {
			op = heph_container_of(heph_list_first(&ext->results),
					       struct heph_op, node);
			undo_of(op)(worker->thread.heph, op);
			see(op);
		}
	}
}

static void undo_results(struct heph_worker *worker)
{
	struct heph_list *node;

	undo_own(worker);
	heph_list_each(node, &worker->guests)
		undo_own(guest_at(node));
}

/* A pause of the whole machine is not the kernel's fault: it is asked so often. */
void heph_ops_end(struct heph_worker *worker)
{
	enum { POLLS = 1000 };

	const struct heph_driver *driver = worker->thread.heph->driver;
	heph_time until = heph_now() + HEPH_SEC;

	if (in_flight(worker))
		cancel_actors(worker);
	for (int n = 0; in_flight(worker) && (n < POLLS || heph_now() < until);
	     n++) {
		driver->poll(worker, HEPH_MSEC);
		open_doors(worker);
	}
	if (!in_flight(worker)) {
		undo_results(worker);
		return;
	}
	heph_log_error("operations cannot be cancelled: giving up",
		       HEPH_KV_UINT("operations", in_flight(worker)));
	heph_log_flush();
	_exit(EXIT_FAILURE); /* the kernel may still write to our memory */
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
