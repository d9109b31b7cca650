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

#include <heph/time.h>

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/stackrule.h"
#include "core/wait.h"
#include "coro/san.h"
#include "io/file.h"
#include "io/offload.h"
#include "io/uring_abi.h"

enum {
	ENTRIES = 256,
	COMPLETIONS = 4096,
	TAGS = 7,
	WAKE = 1,
	CLOSE = 2,
	NUDGE = 3,
	TAG_BITS = 3,
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

/* What the kernel would say, or 0: it is asked. */
static int refusal(void)
{
	static const int errors[] = { -EAGAIN, -EBUSY, -EINTR };
	static atomic_uint turn;

	if (heph_likely(
		    !atomic_load_explicit(&fail_in, memory_order_relaxed)) ||
	    atomic_fetch_sub(&fail_in, 1) != 1)
		return 0;
	return errors[atomic_fetch_add(&turn, 1) % 3];
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

static void submit_or_complain(struct heph_uring *uring)
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
		submit_or_complain(uring);
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

	if (heph_stackrule_forbids(op->self, uring->worker, first, size) ||
	    heph_stackrule_forbids(op->self, uring->worker, second, 1))
		heph_stackrule_broken_op(op->self,
					 heph_op_types[op->kind].name);
}

static void submit_op(struct heph_uring *uring, struct heph_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(uring);

	heph_op_types[op->kind].prepare(sqe, op);
	if (HEPH_DEBUG >= 1)
		check_addresses(uring, sqe, op);
	if (op->provided) {
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = HEPH_BUFFER_GROUP;
	}
	io_uring_sqe_set_data(sqe, op);
	uring->in_flight++;
}

/* What the kernel cannot be asked is done by a system call, on another thread. */
static bool offloaded(const struct heph_uring *uring, const struct heph_op *op)
{
	int opcode = heph_op_type(op)->opcode;

	return opcode < 0 || op->by_call || !(uring->opcodes >> opcode & 1);
}

static void begin(struct heph_worker *worker, struct heph_op *op)
{
	if (!offloaded(heph_uring_of(worker), op))
		submit_op(heph_uring_of(worker), op);
	else if (op->provided) /* only the kernel chooses buffers */
		heph_op_complete(op, -ENOBUFS, -1, false);
	else
		heph_offload_begin(op);
}

static void cancel(struct heph_worker *worker, struct heph_op *op)
{
	struct io_uring_sqe *sqe;

	if (offloaded(heph_uring_of(worker), op)) {
		heph_offload_cancel(op);
		return;
	}
	sqe = get_sqe(heph_uring_of(worker));
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

static void await_event(struct heph_uring *uring)
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
		await_event(uring);
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

static void complete(struct heph_uring *uring, const struct io_uring_cqe *cqe)
{
	struct heph_op *op = io_uring_cqe_get_data(cqe);
	bool more = cqe->flags & IORING_CQE_F_MORE;
	int buffer = -1;

	if (cqe->user_data & TAGS) {
		complete_tagged(uring, cqe->user_data, cqe->res);
		return;
	}
	if (!op)
		return;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		uring->buffers.in_use++;
	}
	if (!more)
		uring->in_flight--;
	if (uring->told >= 0 && by_eventfd(op))
		register_again(uring);
	heph_op_complete(op, cqe->res, buffer, more);
}

/* Each completion is taken out before it is acted on, because acting on it may
 * come back here by way of get_sqe(). */
static void reap(struct heph_uring *uring)
{
	struct io_uring_cqe *ready, cqe;

	while (io_uring_cq_ready(&uring->ring) &&
	       io_uring_peek_cqe(&uring->ring, &ready) == 0) {
		cqe = *ready;
		io_uring_cqe_seen(&uring->ring, ready);
		complete(uring, &cqe);
	}
}

/* Whether the kernel has something that only a call brings out. */
static bool must_enter(struct heph_uring *uring)
{
	unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);

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

	heph_count_set(&worker->thread.count.buffers, uring->buffers.in_use);
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
static int uring_tell(struct heph_worker *worker, int event)
{
	struct heph_uring *uring = heph_uring_of(worker);

	uring->told = event;
	return io_uring_register_eventfd(&uring->ring, event);
}

static void uring_submit(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_uring_of(worker);

	if (io_uring_sq_ready(&uring->ring))
		submit_or_complain(uring);
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
	    thread->heph == worker->thread.heph)
		nudge(heph_uring_of((struct heph_worker *)thread), to);
	else
		signal_event(to);
}

/* ---- starting, stopping ----------------------------------------------------------- */

/* From the best that the kernel may have to what all have. */
static const unsigned setups[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_SUBMIT_ALL,
	0,
};

/* liburing maps and unmaps rings by itself: a key for TSan. */
static char rings;

static int make_ring(struct heph_uring *uring)
{
	size_t n = sizeof(setups) / sizeof(*setups), i = 0;
	int err = -EINVAL;

	if (heph_san_on_valgrind())
		i = n - 1; /* see sleep_on_valgrind(): poll(2) must tell */
	for (; err == -EINVAL && i < n; i++) {
		struct io_uring_params params = { .flags = setups[i] |
							   IORING_SETUP_CQSIZE |
							   IORING_SETUP_CLAMP,
						  .cq_entries = COMPLETIONS };

		err = io_uring_queue_init_params(ENTRIES, &uring->ring,
						 &params);
	}
	heph_san_acquire(&rings);
	return err;
}

/* The opcodes that the kernel has: a bit for each. If it does not tell, all are
 * tried. */
static uint64_t probe_opcodes(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	uint64_t opcodes = 0;

	if (!probe)
		return UINT64_MAX;
	for (int opcode = 0; opcode < HEPH_OPCODES; opcode++)
		if (io_uring_opcode_supported(probe, opcode))
			opcodes |= UINT64_C(1) << opcode;
	io_uring_free_probe(probe);
	return opcodes;
}

static int uring_start(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_mem_alloc(sizeof(*uring));
	int err = -ENOMEM;

	if (!uring)
		return -ENOMEM;
	uring->worker = worker;
	uring->told = -1;
	uring->event = eventfd(0, EFD_CLOEXEC);
	if (uring->event < 0) {
		err = -errno;
		goto fail_event;
	}
	err = make_ring(uring);
	if (err < 0)
		goto fail_ring;
	io_uring_ring_dontfork(&uring->ring);
	io_uring_register_ring_fd(&uring->ring);
	uring->opcodes = probe_opcodes(&uring->ring);
	err = heph_buffers_init(&uring->buffers, &uring->ring);
	if (err < 0)
		goto fail_buffers;
	await_event(uring);
	worker->driver = uring;
	return 0;

fail_buffers:
	heph_san_release(&rings);
	io_uring_queue_exit(&uring->ring);
fail_ring:
	close(uring->event);
fail_event:
	heph_mem_free(uring);
	heph_log_error("io_uring cannot be set up", HEPH_KV_ERR("err", err));
	return err;
}

/* The worker's loop is over, but what completes is on its account. */
static void uring_stop(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_uring_of(worker);
	struct heph_thread *mine = heph_thread_current;

	heph_thread_current = &worker->thread;
	heph_ops_end(worker);
	while (io_uring_sq_ready(&uring->ring)) /* what is to be closed */
		submit_or_complain(uring);
	heph_thread_current = mine;
}

static void uring_release(struct heph_worker *worker)
{
	struct heph_uring *uring = heph_uring_of(worker);

	heph_buffers_fini(&uring->buffers, &uring->ring);
	heph_san_release(&rings);
	io_uring_queue_exit(&uring->ring);
	close(uring->event);
	heph_mem_free(uring);
	worker->driver = NULL;
}

static void take(struct heph_worker *worker, unsigned buffer, void *to, size_t n)
{
	heph_buffers_take(&heph_uring_of(worker)->buffers, buffer, to, n);
}

const struct heph_io heph_uring_io = {
	.driver = { .name = "io_uring",
		    .start = uring_start,
		    .stop = uring_stop,
		    .release = uring_release,
		    .poll = uring_poll,
		    .wake = uring_wake,
		    .tell = uring_tell,
		    .submit = uring_submit,
		    HEPH_IO_COMMON },
	.begin = begin,
	.cancel = cancel,
	.take = take,
	.close = close_number,
};
