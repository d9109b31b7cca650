/* SPDX-License-Identifier: MIT */
#include "io/sim_driver.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "core/heph.h"
#include "io/kinds.h"
#include "io/sim_file.h"
#include "io/sim_kinds.h"

/* How long the kernel takes for something at hand, and for a disk. */
#define QUICK_MAX (10 * HEPH_USEC)
#define DISK_MIN (20 * HEPH_USEC)
#define DISK_MAX (2 * HEPH_MSEC)

enum { LATE_TIMES = 100, WAKE_SELDOM = 100, DOUBLE_SELDOM = 2000 };

struct completion {
	struct heph_list node; /* in heph_sim_worker.done */
	struct heph_op *op;
	int result, buffer;
	bool more;
};

/* ---- completing ------------------------------------------------------------------ */

static void free_record(struct heph_sim_op *record)
{
	heph_list_remove(&record->all);
	heph_mem_free(record);
}

void heph_sim_forget(struct heph_sim *sim)
{
	struct heph_list *node, *next;
	struct heph_sim_op *record;

	heph_list_each_safe(node, next, &sim->ops) {
		record = heph_container_of(node, struct heph_sim_op, all);
		heph_sim_never(sim, &record->try);
		heph_list_remove(&record->node);
		free_record(record);
	}
}

static void complete(struct heph_sim *sim, struct heph_sim_op *record,
		     int result, int buffer, bool more)
{
	struct completion *done = heph_sim_memory(sizeof(*done));

	*done = (struct completion){ .op = record->op,
				     .result = result,
				     .buffer = buffer,
				     .more = more };
	heph_list_push_back(&record->on->done, &done->node);
	record->ended = !more;
	sim->wake(sim, record->on->worker);
}

/* The actor hears of it. */
static void deliver(struct heph_sim *sim, const struct completion *done)
{
	struct heph_op *op = done->op;
	bool twice = sim->defect == HEPH_SIM_DOUBLE && !done->more &&
		     op->kind != HEPH_OP_ACCEPT &&
		     !heph_sim_below(sim, DOUBLE_SELDOM);

	heph_sim_trace(sim, HEPH_SIM_COMPLETED, op->kind, (uint64_t)done->result);
	if (!done->more)
		free_record(op->record);
	heph_op_complete(op, done->result, done->buffer, done->more);
	if (twice)
		heph_op_complete(op, done->result, done->buffer, false);
}

static void deliver_all(struct heph_sim_worker *on)
{
	struct heph_list *node;
	struct completion *done;

	while ((node = heph_list_pop_front(&on->done))) {
		done = heph_container_of(node, struct completion, node);
		deliver(on->sim, done);
		heph_mem_free(done);
	}
}

/* ---- trying ---------------------------------------------------------------------- */

static heph_time how_long(struct heph_sim *sim, struct heph_op *op)
{
	heph_time length = heph_op_way(op) == HEPH_OP_BLOCKING ?
				   heph_sim_between(sim, DISK_MIN, DISK_MAX) :
				   heph_sim_between(sim, 0, QUICK_MAX);

	if (heph_sim_fault(sim, HEPH_SIM_KIND(late)))
		length *= heph_sim_between(sim, 2, LATE_TIMES);
	return length;
}

static void try_soon(struct heph_sim *sim, struct heph_sim_op *record)
{
	const struct heph_op *before = sim->about;

	sim->about = record->op;
	heph_sim_at(sim, &record->try, sim->now + how_long(sim, record->op));
	sim->about = before;
}

void heph_sim_changed(struct heph_sim *sim, struct heph_list *waiters)
{
	struct heph_list *node;

	while ((node = heph_list_pop_front(waiters)))
		try_soon(sim, heph_container_of(node, struct heph_sim_op, node));
}

/* The number of a buffer that is not lent, or -1. */
static int free_buffer(struct heph_sim_worker *on)
{
	for (int n = 0; n < HEPH_SIM_BUFFERS; n++)
		if (!(on->lent & 1u << n))
			return n;
	return -1;
}

/* Into a buffer of the worker. */
static int attempt_provided(struct heph_sim *sim, struct heph_sim_op *record,
			    struct heph_list **ret_waiters, int *ret_buffer)
{
	struct heph_op *op = record->op;
	uint32_t size = op->size;
	int result, buffer = free_buffer(record->on);

	if (buffer < 0 || heph_sim_fault(sim, HEPH_SIM_KIND(no_buffer)))
		return -ENOBUFS;
	op->buf = record->on->buffers + buffer * HEPH_SIM_BUFFER_SIZE;
	if (size > HEPH_SIM_BUFFER_SIZE)
		op->size = HEPH_SIM_BUFFER_SIZE;
	result = heph_sim_attempt(sim, op, ret_waiters);
	op->buf = NULL;
	op->size = size;
	if (result > 0) {
		record->on->lent |= 1u << buffer;
		*ret_buffer = buffer;
	}
	return result;
}

/* Whether it ends for no reason. */
static bool interrupted(struct heph_sim *sim, struct heph_sim_op *record,
			int *ret_result)
{
	if (record->begun || record->op->kind == HEPH_OP_CONNECT ||
	    !heph_sim_fault(sim, HEPH_SIM_KIND(interrupted)))
		return false;
	*ret_result = heph_sim_below(sim, 2) ? -EINTR : -EAGAIN;
	if (record->op->kind == HEPH_OP_ACCEPT ||
	    record->op->kind == HEPH_OP_POLL ||
	    heph_op_way(record->op) == HEPH_OP_BLOCKING)
		*ret_result = -EINTR;
	return true;
}

/* What it comes to; -EAGAIN: it is left with `*ret_waiters`. */
static int attempt(struct heph_sim *sim, struct heph_sim_op *record,
		   struct heph_list **ret_waiters, int *ret_buffer)
{
	*ret_buffer = -1;
	if (record->op->provided)
		return attempt_provided(sim, record, ret_waiters, ret_buffer);
	return heph_sim_attempt(sim, record->op, ret_waiters);
}

/* MSG_..., as io_uring is given them. */
static unsigned flags_of(const struct heph_op *op)
{
	switch (op->kind) {
	case HEPH_OP_SEND:
	case HEPH_OP_SENDMSG:
	case HEPH_OP_SENDMSG_ZC:
		return heph_send_flags(op);
	case HEPH_OP_WRITEV:
		return op->buf2 ? heph_send_flags(op) : 0;
	case HEPH_OP_RECV:
	case HEPH_OP_RECVMSG:
		return op->flags;
	default:
		return 0;
	}
}

/* O_NONBLOCK says that nobody waits; connections are made all the same. */
static bool does_not_wait(struct heph_sim *sim, const struct heph_op *op)
{
	struct heph_sim_file *file = heph_sim_file(sim, op->number);

	if (flags_of(op) & MSG_DONTWAIT)
		return true;
	return file && (file->flags & O_NONBLOCK) && op->kind != HEPH_OP_POLL &&
	       op->kind != HEPH_OP_CONNECT;
}

static bool goes_on(struct heph_sim *sim, const struct heph_op *op, int result)
{
	return op->kind == HEPH_OP_ACCEPT && result >= 0 &&
	       !heph_sim_fault(sim, HEPH_SIM_KIND(accept_end));
}

static void on_try(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct heph_sim_op *record =
		heph_container_of(event, struct heph_sim_op, try);
	struct heph_op *op = record->op;
	struct heph_list *waiters = NULL;
	int result, buffer = -1;

	sim->about = op;
	if (!interrupted(sim, record, &result))
		result = attempt(sim, record, &waiters, &buffer);
	record->begun = true;
	if (result == -EAGAIN && waiters && !does_not_wait(sim, op)) {
		heph_list_push_back(waiters, &record->node);
	} else if (goes_on(sim, op, result)) {
		complete(sim, record, result, buffer, true);
		try_soon(sim, record);
	} else {
		complete(sim, record, result, buffer, false);
	}
	sim->about = NULL;
}

static void begin(struct heph_worker *worker, struct heph_op *op)
{
	struct heph_sim_worker *on = heph_sim_worker_of(worker);
	struct heph_sim_op *record = heph_sim_memory(sizeof(*record));

	record->op = op;
	record->on = on;
	record->try.fn = on_try;
	heph_list_init(&record->node);
	heph_list_push_back(&on->sim->ops, &record->all);
	op->record = record;
	try_soon(on->sim, record);
}

/* It may be too late: then it does what it can. */
static void cancel(struct heph_worker *worker, struct heph_op *op)
{
	struct heph_sim_op *record = op->record;
	struct heph_sim *sim = record->on->sim;
	struct heph_list *waiters = NULL;
	int result = -EAGAIN, buffer = -1;

	if (record->ended)
		return;
	heph_sim_never(sim, &record->try);
	heph_list_remove(&record->node);
	sim->about = op;
	if (heph_sim_fault(sim, HEPH_SIM_KIND(cancel_late)))
		result = attempt(sim, record, &waiters, &buffer);
	if (result >= 0 && op->kind == HEPH_OP_ACCEPT) {
		complete(sim, record, result, buffer, true);
		result = -EAGAIN;
	}
	if (result == -EAGAIN)
		result = -ECANCELED;
	complete(sim, record, result, buffer, false);
	sim->about = NULL;
}

/* ---- the driver ------------------------------------------------------------------- */

/* With time to wait only when the worker's loop is over. */
static void sim_poll(struct heph_worker *worker, heph_time max_wait)
{
	struct heph_sim_worker *on = heph_sim_worker_of(worker);
	struct heph_sim *sim = on->sim;
	heph_time until = sim->now + max_wait;

	while (max_wait && heph_list_empty(&on->done))
		if (!heph_sim_next(sim, until)) {
			sim->now = until;
			break;
		}
	deliver_all(on);
}

static void sim_wake(struct heph_worker *worker)
{
	struct heph_sim *sim = worker->thread.heph->sim;

	if (sim->defect == HEPH_SIM_LOST_WAKE &&
	    !heph_sim_below(sim, WAKE_SELDOM))
		return;
	sim->wake(sim, worker);
}

static int sim_start(struct heph_worker *worker)
{
	struct heph_sim_worker *on = heph_mem_alloc(sizeof(*on));

	if (!on)
		return -ENOMEM;
	on->buffers = heph_mem_alloc(HEPH_SIM_BUFFERS * HEPH_SIM_BUFFER_SIZE);
	if (!on->buffers) {
		heph_mem_free(on);
		return -ENOMEM;
	}
	on->sim = worker->thread.heph->sim;
	on->worker = worker;
	heph_list_init(&on->done);
	worker->driver = on;
	return 0;
}

/* In a world that has failed nothing happens any more: what is in flight is lost
 * with it. */
static void sim_stop(struct heph_worker *worker)
{
	struct heph_thread *mine = heph_thread_current;

	if (worker->thread.heph->sim->result.failed) {
		heph_sim_forget(worker->thread.heph->sim);
		return;
	}
	heph_thread_current = &worker->thread;
	heph_ops_end(worker);
	heph_thread_current = mine;
}

static void sim_release(struct heph_worker *worker)
{
	struct heph_sim_worker *on = heph_sim_worker_of(worker);
	struct heph_list *node;

	while ((node = heph_list_pop_front(&on->done)))
		heph_mem_free(heph_container_of(node, struct completion, node));
	heph_mem_free(on->buffers);
	heph_mem_free(on);
	worker->driver = NULL;
}

static void *data(struct heph_worker *worker, int buffer)
{
	return heph_sim_worker_of(worker)->buffers +
	       buffer * HEPH_SIM_BUFFER_SIZE;
}

static bool scarce(struct heph_worker *worker, int buffer)
{
	uint32_t lent = heph_sim_worker_of(worker)->lent;

	(void)buffer;
	return 2 * __builtin_popcount(lent) >= HEPH_SIM_BUFFERS;
}

static void give(struct heph_worker *worker, int buffer)
{
	heph_sim_worker_of(worker)->lent &= ~(1u << buffer);
}

static void close_number(struct heph_worker *worker, int number)
{
	heph_sim_close(worker->thread.heph->sim, number);
}

static int do_now(struct heph *heph, struct heph_op *op)
{
	struct heph_list *waiters;
	int result = heph_sim_attempt(heph->sim, op, &waiters);

	heph_sim_trace(heph->sim, HEPH_SIM_NOW, op->kind, (uint64_t)result);
	return result;
}

const struct heph_io heph_sim_io = {
	.driver = { .name = "sim",
		    .simulated = true,
		    .start = sim_start,
		    .stop = sim_stop,
		    .release = sim_release,
		    .poll = sim_poll,
		    .wake = sim_wake,
		    HEPH_IO_COMMON },
	.begin = begin,
	.cancel = cancel,
	.data = data,
	.scarce = scarce,
	.give = give,
	.close = close_number,
	.now = do_now,
};
