/* SPDX-License-Identifier: MIT */
/*
 * user_data is a pointer to the operation, whose low bits are 0, or a tag:
 *
 *     0                  nobody is interested
 *     WAKE               our eventfd was written to
 *     CLOSE | number     a close; looked at only if it failed
 *     NUDGE | number     a message to the ring of worker `number`; the same
 *
 * Waking. A worker wakes another one by a message from ring to ring; a plain
 * thread, which has no ring, writes to the worker's eventfd.
 */
#include "io/uring.h"

#include <heph/metrics.h>
#include <heph/time.h>

#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "core/stackrule.h"
#include "core/wait.h"
#include "coro/san.h"
#include "io/file.h"
#include "io/offload.h"
#include "io/stream.h"
#include "io/uring_abi.h"

enum {
	TAGS = 7,
	WAKE = 1,
	CLOSE = 2,
	NUDGE = 3,
	TAG_BITS = 3,
	STREAMS_BIT = 1 << 30, /* of op->buffer */
};

/* ---- submitting ---------------------------------------------------------------- */

static void reap(struct heph_uring *uring);

static void count_call(struct heph_uring *uring)
{
	heph_count(&uring->worker->thread.count.system_calls);
}

/* Of the tests: the attempt that fails, counted down by all; 0: none. */
static atomic_long fail_in;

void heph_uring_fail_after(long n)
{
	heph_assert(n == -1 || n > 0);
	atomic_store(&fail_in, n < 0 ? 0 : n);
}

bool heph_uring_failed(void)
{
	return atomic_load(&fail_in) <= 0;
}

static __attribute__((cold, noinline)) int refuse_in_turn(void)
{
	static const int errors[] = { -EAGAIN, -EBUSY, -EINTR };
	static atomic_uint turn;

	if (atomic_fetch_sub(&fail_in, 1) != 1)
		return 0;
	return errors[atomic_fetch_add(&turn, 1) % 3];
}

/* What the kernel would say, or 0: it is asked. */
static inline int refusal(void)
{
	if (heph_likely(!atomic_load_explicit(&fail_in, memory_order_relaxed)))
		return 0;
	return refuse_in_turn();
}

static int submit(struct heph_uring *uring)
{
	int err = refusal();

	count_call(uring);
	return err ? err : io_uring_submit(&uring->ring);
}

/* The same, and lets the kernel do what it has put off. What it refuses stays
 * in the ring until the next time. */
static void submit_and_get_events(struct heph_uring *uring)
{
	if (!refusal())
		io_uring_submit_and_get_events(&uring->ring);
}

void heph_uring_submit(struct heph_uring *uring)
{
	int result = submit(uring);

	if (result >= 0)
		return;
	reap(uring); /* what keeps the kernel from taking more, perhaps */
	if (!uring->complained)
		heph_log_error("io_uring takes no operations",
			       HEPH_KV_ERR("err", result));
	uring->complained = true;
}

/* An entry, after submitting what there is if need be. */
static struct io_uring_sqe *get_sqe(struct heph_uring *uring)
{
	struct io_uring_sqe *sqe;

	while (refusal() || !(sqe = io_uring_get_sqe(&uring->ring)))
		heph_uring_submit(uring);
	return sqe;
}

/* The kernel reads and writes while the actor waits. What is no address lies in
 * no stack either. */
static void check_addresses(struct heph_uring *uring,
			    const struct io_uring_sqe *sqe, struct heph_op *op)
{
	const void *first = (const void *)(uintptr_t)sqe->addr;
	const void *second = (const void *)(uintptr_t)sqe->addr2;
	uint32_t size = sqe->len ? sqe->len : 1;

	if (sqe->opcode == IORING_OP_SPLICE) /* which has positions there */
		return;
	if (heph_stackrule_forbids(op->self, uring->worker, first, size) ||
	    heph_stackrule_forbids(op->self, uring->worker, second, 1))
		heph_stackrule_broken_op(op->self,
					 heph_op_types[op->kind].name);
}

/* Of a stream the rest can be read later. */
static struct heph_buffers *buffers_for(struct heph_uring *uring,
					const struct heph_op *op)
{
	return heph_file_is_stream(op->file) && uring->streams.ring ?
		       &uring->streams :
		       &uring->buffers;
}

static void select_buffer(struct io_uring_sqe *sqe,
			  const struct heph_buffers *buffers)
{
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = buffers->group;
	if (sqe->len > buffers->size)
		sqe->len = buffers->size;
}

/* Whether the next read of a socket would find it empty: a large one then waits
 * until it is readable, instead of looking for itself first. Small ones look, as
 * that costs them less than to be woken for it. */
static bool reads_large(const struct heph_op *op)
{
	return op->kind == HEPH_OP_RECV && op->size >= HEPH_TRANSFER_LARGE &&
	       !op->flags;
}

static void note_drained(struct heph_op *op, const struct io_uring_cqe *cqe)
{
	op->file->flags &= (uint16_t)~HEPH_FILE_DRAINED;
	if (cqe->res > 0 && !(cqe->flags & IORING_CQE_F_SOCK_NONEMPTY))
		op->file->flags |= HEPH_FILE_DRAINED;
}

static bool poll_first(const struct heph_uring *uring, const struct heph_op *op)
{
	return reads_large(op) && (op->file->flags & HEPH_FILE_DRAINED) &&
	       heph_features_have(&uring->features, HEPH_FEATURE_POLL_FIRST);
}

/* As this ring does it. */
static void adapt(struct heph_uring *uring, struct io_uring_sqe *sqe,
		  struct heph_op *op)
{
	if (op->provided)
		select_buffer(sqe, buffers_for(uring, op));
	if (poll_first(uring, op))
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	if (op->kind == HEPH_OP_ACCEPT &&
	    !heph_features_have(&uring->features,
				HEPH_FEATURE_MULTISHOT_ACCEPT))
		sqe->ioprio &= (uint16_t)~IORING_ACCEPT_MULTISHOT;
}

static void submit_op(struct heph_uring *uring, struct heph_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(uring);

	heph_op_type(op)->prepare(sqe, op);
	if (HEPH_DEBUG >= 1)
		check_addresses(uring, sqe, op);
	adapt(uring, sqe, op);
	io_uring_sqe_set_data(sqe, op);
	uring->in_flight++;
	if (heph_op_type(op)->events == POLLOUT)
		uring->worker->soon = true;
}

/* What the kernel cannot be asked is done by a system call, on another thread. */
static bool offloaded(const struct heph_uring *uring, const struct heph_op *op)
{
	return op->by_call || !heph_features_opcode(&uring->features,
						    heph_op_type(op)->opcode);
}

static void begin(struct heph_worker *worker, struct heph_op *op)
{
	struct heph_uring *uring = heph_uring_of(worker);

	if (op->provided &&
	    (offloaded(uring, op) || !buffers_for(uring, op)->ring))
		heph_op_complete(op, -ENOBUFS, -1, false);
	else if (offloaded(uring, op))
		heph_offload_begin(op);
	else
		submit_op(uring, op);
}

static void cancel(struct heph_worker *worker, struct heph_op *op)
{
	struct heph_uring *uring = heph_uring_of(worker);
	struct io_uring_sqe *sqe;

	if (offloaded(uring, op)) {
		heph_offload_cancel(op);
		return;
	}
	sqe = get_sqe(uring);
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data64(sqe, 0);
}

static void close_number(struct heph_worker *worker, int number)
{
	struct io_uring_sqe *sqe = get_sqe(heph_uring_of(worker));

	io_uring_prep_close(sqe, number);
	io_uring_sqe_set_data64(sqe, (uint64_t)number << TAG_BITS | CLOSE);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void heph_uring_await_event(struct heph_uring *uring)
{
	struct io_uring_sqe *sqe = get_sqe(uring);

	io_uring_prep_read(sqe, uring->event, &uring->event_value,
			   sizeof(uring->event_value), 0);
	io_uring_sqe_set_data64(sqe, WAKE);
}

/* ---- completing ---------------------------------------------------------------- */

static void signal_event(struct heph_uring *uring)
{
	uint64_t one = 1;
	int event = uring->told >= 0 ? uring->told : uring->event;
	ssize_t n = write(event, &one, sizeof(one));

	(void)n; /* it can only be that it is signalled already */
}

/* A close that the kernel has not begun; any other one has closed the number,
 * whatever it says. */
static bool not_begun(int result)
{
	return result == -ECANCELED || result == -EINVAL || result == -ENOMEM ||
	       result == -EAGAIN;
}

static void complete_tagged(struct heph_uring *uring, uint64_t data, int result)
{
	unsigned number = (unsigned)(data >> TAG_BITS);

	switch (data & TAGS) {
	case WAKE:
		heph_uring_await_event(uring);
		break;
	case CLOSE:
		if (not_begun(result))
			close((int)number);
		break;
	case NUDGE:
		signal_event(heph_uring_of((struct heph_worker *)heph_thread_of(
			uring->worker->thread.heph, number)));
		break;
	}
}

/* Whether what completed it may have been a write to an eventfd, as the kernel
 * gives those no type. */
static bool by_eventfd(const struct heph_op *op)
{
	struct stat info;

	return (op->kind == HEPH_OP_READ || op->kind == HEPH_OP_POLL) &&
	       fstat(op->number, &info) == 0 && !(info.st_mode & S_IFMT);
}

/* Within a write to an eventfd the kernel may not signal another one at once,
 * and its way of doing that later works only once for each registration (seen
 * in Linux 6.18: a bit in io_ev_fd that nobody clears). */
static void register_again(struct heph_uring *uring)
{
	io_uring_unregister_eventfd(&uring->ring);
	io_uring_register_eventfd(&uring->ring, uring->told);
}

/* What op->buffer is to be. */
static int chosen(struct heph_uring *uring, const struct heph_op *op,
		  const struct io_uring_cqe *cqe)
{
	struct heph_buffers *buffers;
	int piece;

	if (!(cqe->flags & IORING_CQE_F_BUFFER))
		return -1;
	buffers = buffers_for(uring, op);
	piece = heph_buffers_got(buffers, cqe->flags >> IORING_CQE_BUFFER_SHIFT,
				 cqe->res,
				 cqe->flags & HEPH_ABI_CQE_BUFFER_MORE);
	return buffers == &uring->streams ? piece | STREAMS_BIT : piece;
}

unsigned heph_uring_in_use(const struct heph_uring *uring)
{
	return uring->buffers.in_use + uring->streams.in_use;
}

/* The kernel tells -ERESTARTSYS and such, which are for itself alone, of a splice
 * that was cancelled as it waited for a pipe: it was interrupted. */
static int result_of(const struct io_uring_cqe *cqe)
{
	enum { RESTARTS = -516, RESTART = -512 };

	return cqe->res <= RESTART && cqe->res >= RESTARTS ? -EINTR : cqe->res;
}

static void complete(struct heph_uring *uring, const struct io_uring_cqe *cqe)
{
	struct heph_op *op = io_uring_cqe_get_data(cqe);
	bool more = cqe->flags & IORING_CQE_F_MORE;

	if (cqe->user_data & TAGS) {
		complete_tagged(uring, cqe->user_data, cqe->res);
		return;
	}
	if (!op)
		return;
	if (!more)
		uring->in_flight--;
	if (reads_large(op))
		note_drained(op, cqe);
	if (uring->told >= 0 && by_eventfd(op))
		register_again(uring);
	if (cqe->flags &
	    IORING_CQE_F_NOTIF) /* of a send that was told before */
		heph_op_complete(op, op->result, -1, more);
	else
		heph_op_complete(op, result_of(cqe), chosen(uring, op, cqe),
				 more);
}

/* Each completion is taken out before it is acted on, because acting on it may
 * come back here by way of get_sqe(), and take out more. What has overflown
 * comes with the next call, see must_enter(). */
static void reap(struct heph_uring *uring)
{
	struct io_uring_cq *cq = &uring->ring.cq;
	unsigned mask = *cq->kring_mask;
	unsigned head = *cq->khead, tail;
	struct io_uring_cqe cqe;

	while (head != (tail = io_uring_smp_load_acquire(cq->ktail)))
		for (; (int)(tail - head) > 0; head = *cq->khead) {
			cqe = cq->cqes[head & mask];
			io_uring_smp_store_release(cq->khead, head + 1);
			complete(uring, &cqe);
		}
}

/* Whether the kernel has something that only a call brings out. */
static bool must_enter(struct heph_uring *uring)
{
	unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);

	if (heph_unlikely(flags & IORING_SQ_CQ_OVERFLOW))
		heph_count(&uring->worker->thread.count.overflows);
	return io_uring_sq_ready(&uring->ring) ||
	       (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

/* Valgrind does not let other threads run during io_uring_enter(2). What was
 * refused is tried again before it sleeps. */
static void sleep_on_valgrind(struct heph_uring *uring, heph_time max_wait)
{
	struct timespec time = { .tv_sec = max_wait / HEPH_SEC,
				 .tv_nsec = max_wait % HEPH_SEC };
	struct pollfd fd = { .fd = uring->ring.ring_fd, .events = POLLIN };

	submit_and_get_events(uring);
	if (!io_uring_cq_ready(&uring->ring) &&
	    !io_uring_sq_ready(&uring->ring))
		ppoll(&fd, 1, max_wait == HEPH_NEVER ? NULL : &time, NULL);
	io_uring_get_events(&uring->ring);
}

static void sleep_until(struct heph_uring *uring, heph_time max_wait)
{
	struct __kernel_timespec time = { .tv_sec = max_wait / HEPH_SEC,
					  .tv_nsec = max_wait % HEPH_SEC };
	struct io_uring_cqe *cqe;

	count_call(uring);
	if (heph_san_on_valgrind()) {
		sleep_on_valgrind(uring, max_wait);
		return;
	}
	if (refusal())
		return;
	io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1,
					 max_wait == HEPH_NEVER ? NULL : &time,
					 NULL);
}

static void uring_poll(struct heph_worker *worker, heph_time max_wait)
{
	struct heph_uring *uring = heph_uring_of(worker);

	heph_count_set(&worker->thread.count.buffers, heph_uring_in_use(uring));
	if (max_wait && !io_uring_cq_ready(&uring->ring)) {
		sleep_until(uring, max_wait);
	} else if (must_enter(uring)) {
		count_call(uring);
		submit_and_get_events(uring);
	}
	reap(uring);
}

/* The ring's own descriptor would not do: with DEFER_TASKRUN who polls it is
 * not woken. */
static int uring_tell(struct heph_worker *worker, int event, int *ret_number)
{
	struct heph_uring *uring = heph_uring_of(worker);

	*ret_number = -1;
	uring->told = event;
	return io_uring_register_eventfd(&uring->ring, event);
}

static void uring_submit(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_uring_of(worker);

	if (io_uring_sq_ready(&uring->ring))
		heph_uring_submit(uring);
}

/* ---- waking ---------------------------------------------------------------------- */

static void nudge(struct heph_uring *from, struct heph_uring *to)
{
	struct io_uring_sqe *sqe = get_sqe(from);

	io_uring_prep_msg_ring(sqe, to->ring.ring_fd, 0, 0, 0);
	io_uring_sqe_set_data64(
		sqe, (uint64_t)to->worker->thread.number << TAG_BITS | NUDGE);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	submit(from);
}

static void uring_wake(struct heph_worker *worker)
{
	struct heph_thread *thread = heph_thread_current;
	struct heph_uring *to = heph_uring_of(worker);

	if (thread && thread->is_worker && heph_worker_ordinary(worker) &&
	    thread->heph == worker->thread.heph &&
	    heph_features_have(&to->features, HEPH_FEATURE_MSG_RING))
		nudge(heph_uring_of((struct heph_worker *)thread), to);
	else
		signal_event(to);
}

/* ---- its buffers ---------------------------------------------------------------- */

/* The ring that op->buffer is of. */
static struct heph_buffers *ring_of(struct heph_worker *worker, int buffer)
{
	struct heph_uring *uring = heph_uring_of(worker);

	return buffer & STREAMS_BIT ? &uring->streams : &uring->buffers;
}

static void *data(struct heph_worker *worker, int buffer)
{
	return heph_buffers_data(ring_of(worker, buffer),
				 buffer & ~STREAMS_BIT);
}

static bool scarce(struct heph_worker *worker, int buffer)
{
	return heph_buffers_scarce(ring_of(worker, buffer));
}

static void give(struct heph_worker *worker, int buffer)
{
	heph_buffers_give(ring_of(worker, buffer), buffer & ~STREAMS_BIT);
}

/* All of it is as it was when the worker began. */
static void uring_describe(struct heph_worker *worker,
			   struct heph_worker_stats *stats)
{
	const struct heph_uring *uring = heph_uring_of(worker);

	stats->ring_size = uring->ring.sq.ring_entries;
	stats->buffers_size = (uint64_t)uring->buffers.n * uring->buffers.size +
			      (uint64_t)uring->streams.n * uring->streams.size;
	heph_features_text(&uring->features, stats->features,
			   sizeof(stats->features));
}

const struct heph_io heph_uring_io = {
	.driver = { .name = "uring",
		    .start = heph_uring_start,
		    .stop = heph_uring_stop,
		    .release = heph_uring_release,
		    .poll = uring_poll,
		    .wake = uring_wake,
		    .tell = uring_tell,
		    .describe = uring_describe,
		    .submit = uring_submit,
		    HEPH_IO_COMMON },
	.sends_first = true,
	.begin = begin,
	.cancel = cancel,
	.data = data,
	.scarce = scarce,
	.give = give,
	.close = close_number,
};
