/* SPDX-License-Identifier: MIT */
/*
 * A descriptor is registered when somebody waits for it the first time, stays so
 * until it is closed or given away, and is edge-triggered: so a wait costs no
 * system call of its own. It is registered only for what was waited for, as
 * sockets say often that they can be written.
 *
 * No readiness is remembered. Who begins to wait has just seen that there is
 * nothing to be had: by his own system call, which said -EAGAIN, or by a poll(2)
 * that we make for him. Between that and his entry in the list of those who wait
 * nothing is taken out of the epoll instance, so what happens from then on finds
 * him there, and what happened before was seen by that call. An event that finds
 * nobody is forgotten.
 *
 * Numbers are used again, sometimes without our hearing of it. So a registration
 * has a key, the place and the turn of the struct heph_file: another key means
 * another descriptor, which is registered again. It has a serial number as well,
 * which comes back with each event: an older one is about a descriptor that had
 * the number before, and that somebody else still has under another number. A
 * number that others know (HEPH_FILE_LENT), or that belongs to no struct
 * heph_file so far, is registered again for each wait.
 *
 * An actor that moves leaves registrations where it was; other programs' work
 * may bring many events that nobody waits for. After some of those in a row the
 * descriptor is taken out.
 */
#include "io/epoll.h"

#include <heph/time.h>

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "coro/san.h"
#include "io/offload.h"

enum { USELESS_MAX = 16, NUMBERS_MIN = 64 };

#define NOBODYS UINT64_MAX /* a key that is equal to no other */
#define WAKE UINT64_MAX	   /* the data of our eventfd */

/* What a poll may ask for: poll(2) and epoll(7) have the same bits. */
#define WANTED                                                                 \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM |            \
	 EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND)
#define UNASKED (EPOLLERR | EPOLLHUP)

static void count_call(struct heph_epoll *epoll)
{
	heph_count(&epoll->worker->thread.count.system_calls);
}

/* ---- registrations --------------------------------------------------------------- */

/* Of the tests: the registration that fails, counted down by all; 0: none. */
static atomic_long fail_in;
static atomic_int fail_with;

void heph_epoll_fail_after(long n, int err)
{
	heph_assert(n == -1 || n > 0);
	atomic_store(&fail_with, err);
	atomic_store(&fail_in, n < 0 ? 0 : n);
}

bool heph_epoll_failed(void)
{
	return atomic_load(&fail_in) <= 0;
}

static int refusal(void)
{
	if (heph_likely(
		    !atomic_load_explicit(&fail_in, memory_order_relaxed)) ||
	    atomic_fetch_sub(&fail_in, 1) != 1)
		return 0;
	return atomic_load(&fail_with);
}

static int control(struct heph_epoll *epoll, int what, int number,
		   uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events | EPOLLET,
				     .data.u64 = data };

	count_call(epoll);
	return epoll_ctl(epoll->epoll, what, number, &event) < 0 ? -errno : 0;
}

/* Its place, or NULL: there is no memory for so many. */
static struct heph_interest *interest_in(struct heph_epoll *epoll, int number)
{
	uint32_t at = (uint32_t)number, n = epoll->n ? epoll->n : NUMBERS_MIN;
	struct heph_interest *more;

	if (heph_likely(at < epoll->n))
		return &epoll->interests[at];
	while (n <= at)
		n *= 2;
	more = heph_mem_alloc(n * sizeof(*more));
	if (!more)
		return NULL;
	if (epoll->n)
		memcpy(more, epoll->interests, epoll->n * sizeof(*more));
	heph_mem_free(epoll->interests);
	epoll->interests = more;
	epoll->n = n;
	return &more[at];
}

static uint64_t key_of(const struct heph_file *file)
{
	if (!file || (file->flags & HEPH_FILE_LENT))
		return NOBODYS;
	return (uint64_t)file->slot << 32 |
	       atomic_load_explicit(&file->turn, memory_order_relaxed);
}

static bool registered(const struct heph_interest *interest, uint64_t key,
		       uint32_t events)
{
	return interest->key == key && key != NOBODYS &&
	       (interest->events & events) == events;
}

/* Whether it was one of ours before or not, it is from now on, and what it is
 * ready for already will be told. Tells the kernel what is more likely first. */
static int tell_kernel(struct heph_epoll *epoll, bool known, int number,
		       uint32_t events, uint64_t data)
{
	int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int second = known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	int err = refusal();

	if (err)
		return err;
	err = control(epoll, first, number, events, data);
	if (err == (known ? -ENOENT : -EEXIST))
		err = control(epoll, second, number, events, data);
	return err;
}

static int register_it(struct heph_epoll *epoll, struct heph_interest *interest,
		       int number, uint64_t key, uint32_t events)
{
	bool same = interest->key == key;
	uint32_t serial = epoll->serial + 1;
	int err;

	if (same)
		events |= interest->events;
	err = tell_kernel(epoll, same, number, events,
			  (uint64_t)serial << 32 | (uint32_t)number);
	if (err < 0) {
		if (!interest->waiters) /* for whom it holds on as it was */
			interest->key = 0;
		return err;
	}
	interest->key = key;
	interest->serial = epoll->serial = serial;
	interest->events = events;
	interest->useless = 0;
	return 0;
}

/* Sees to it that what happens to it from now on is told. 0, or an error. */
static int need_registration(struct heph_epoll *epoll, struct heph_op *op)
{
	struct heph_interest *interest;
	uint64_t key = key_of(op->file);
	uint32_t events = op->events & WANTED;

	if (op->number < 0)
		return -EBADF;
	interest = interest_in(epoll, op->number);
	if (!interest)
		return -ENOMEM;
	if (heph_likely(registered(interest, key, events)))
		return 0;
	return register_it(epoll, interest, op->number, key, events);
}

static void take_out(struct heph_epoll *epoll, int number)
{
	struct heph_interest *interest = &epoll->interests[number];

	interest->key = 0;
	control(epoll, EPOLL_CTL_DEL, number, 0, 0);
}

/* It is closed, or given away. The kernel would forget it by itself only if
 * nobody else has it under another number. */
static void forget(struct heph_epoll *epoll, int number)
{
	if ((uint32_t)number < epoll->n && epoll->interests[number].key)
		take_out(epoll, number);
}

/* ---- those who wait ------------------------------------------------------------------ */

static void add_waiter(struct heph_epoll *epoll, struct heph_op *op)
{
	struct heph_interest *interest = &epoll->interests[op->number];

	op->offload.next = interest->waiters;
	interest->waiters = op;
	epoll->waiting++;
}

static void remove_waiter(struct heph_epoll *epoll, struct heph_op **link)
{
	*link = (*link)->offload.next;
	epoll->waiting--;
}

static void withdraw(struct heph_epoll *epoll, struct heph_op *op)
{
	struct heph_op **link = &epoll->interests[op->number].waiters;

	while (*link != op)
		link = &(*link)->offload.next;
	remove_waiter(epoll, link);
}

/* What is ready, by poll(2), or -EAGAIN. */
static int look(struct heph_epoll *epoll, struct heph_op *op)
{
	count_call(epoll);
	return heph_op_type(op)->attempt(op);
}

/* What epoll does not take (EPERM) is always ready, as poll(2) has it. */
static int look_at_file(struct heph_epoll *epoll, struct heph_op *op)
{
	int result = look(epoll, op);

	return result == -EAGAIN ? -EINVAL : result;
}

static void begin_poll(struct heph_epoll *epoll, struct heph_op *op)
{
	int result = op->tried ? -EAGAIN : look(epoll, op);

	if (result == -EAGAIN)
		result = need_registration(epoll, op);
	if (result == -EPERM)
		result = look_at_file(epoll, op);
	if (result == 0)
		add_waiter(epoll, op);
	else
		heph_op_complete(op, result, -1, false);
}

static void begin(struct heph_worker *worker, struct heph_op *op)
{
	if (op->kind == HEPH_OP_POLL)
		begin_poll(heph_epoll_of(worker), op);
	else
		heph_offload_begin(op);
}

static void cancel(struct heph_worker *worker, struct heph_op *op)
{
	if (op->kind != HEPH_OP_POLL) {
		heph_offload_cancel(op);
		return;
	}
	withdraw(heph_epoll_of(worker), op);
	heph_op_complete(op, -ECANCELED, -1, false);
}

/* ---- what has happened ------------------------------------------------------------------ */

/* Whether somebody waited for it. */
static bool serve(struct heph_epoll *epoll, struct heph_interest *interest,
		  uint32_t events)
{
	struct heph_op **link = &interest->waiters, *op;
	uint32_t what;
	bool any = false;

	while ((op = *link)) {
		what = events & (op->events | UNASKED);
		if (!what) {
			link = &op->offload.next;
			continue;
		}
		remove_waiter(epoll, link);
		heph_op_complete(op, (int)what, -1, false);
		any = true;
	}
	return any;
}

/* Nobody waited for it. Some say again and again that they can be written. */
static void count_useless(struct heph_epoll *epoll,
			  struct heph_interest *interest, int number,
			  uint32_t events)
{
	if (interest->waiters && (events & interest->events & EPOLLOUT)) {
		interest->events &= ~(uint32_t)EPOLLOUT;
		control(epoll, EPOLL_CTL_MOD, number, interest->events,
			(uint64_t)interest->serial << 32 | (uint32_t)number);
	} else if (!interest->waiters && ++interest->useless >= USELESS_MAX) {
		take_out(epoll, number);
	}
}

static void handle(struct heph_epoll *epoll, const struct epoll_event *event)
{
	uint32_t number = (uint32_t)event->data.u64;
	struct heph_interest *interest;

	if (event->data.u64 == WAKE)
		return; /* it is edge-triggered: there is no need to read it */
	interest = &epoll->interests[number];
	if (!interest->key || interest->serial != event->data.u64 >> 32)
		return;
	if (heph_likely(serve(epoll, interest, event->events)))
		interest->useless = 0;
	else
		count_useless(epoll, interest, (int)number, event->events);
}

static int to_msec(heph_time length)
{
	heph_time msec = length / HEPH_MSEC + (length % HEPH_MSEC != 0);

	if (length == HEPH_NEVER)
		return -1;
	return msec < INT_MAX ? (int)msec : INT_MAX;
}

static int wait_coarsely(struct heph_epoll *epoll, heph_time max_wait)
{
	int n = epoll_wait(epoll->epoll, epoll->events, HEPH_EPOLL_BATCH,
			   to_msec(max_wait));

	return n < 0 ? -errno : n;
}

static int wait_exactly(struct heph_epoll *epoll, heph_time max_wait)
{
	struct timespec time = { .tv_sec = max_wait / HEPH_SEC,
				 .tv_nsec = max_wait % HEPH_SEC };
	int n = epoll_pwait2(epoll->epoll, epoll->events, HEPH_EPOLL_BATCH,
			     max_wait == HEPH_NEVER ? NULL : &time, NULL);

	return n < 0 ? -errno : n;
}

/* Linux has the exact one since 5.11; who forbids io_uring may not know it. */
static int wait_for_events(struct heph_epoll *epoll, heph_time max_wait)
{
	int n = -ENOSYS;

	count_call(epoll);
	if (max_wait && !epoll->coarse)
		n = wait_exactly(epoll, max_wait);
	else
		return wait_coarsely(epoll, max_wait);
	if (n >= 0 || n == -EINTR)
		return n;
	epoll->coarse = true;
	return wait_coarsely(epoll, max_wait);
}

/* If nobody waits there is nothing that could have happened, except for a wake,
 * which only who sleeps needs. */
static void epoll_poll(struct heph_worker *worker, heph_time max_wait)
{
	struct heph_epoll *epoll = heph_epoll_of(worker);
	int n;

	if (!max_wait && !epoll->waiting && !epoll->told)
		return;
	n = wait_for_events(epoll, max_wait);
	for (int i = 0; i < n; i++)
		handle(epoll, &epoll->events[i]);
}

static int epoll_tell(struct heph_worker *worker, int event, int *ret_number)
{
	struct heph_epoll *epoll = heph_epoll_of(worker);

	(void)event;
	epoll->told = true;
	*ret_number = epoll->epoll;
	return 0;
}

/* Nothing was collected. */
static void epoll_submit(struct heph_worker *worker)
{
	(void)worker;
}

static void epoll_wake(struct heph_worker *worker)
{
	uint64_t one = 1;
	ssize_t n = write(heph_epoll_of(worker)->event, &one, sizeof(one));

	(void)n;
}

/* ---- closing -------------------------------------------------------------------------------- */

static void forget_number(struct heph_worker *worker, int number)
{
	forget(heph_epoll_of(worker), number);
}

static void close_number(struct heph_worker *worker, int number)
{
	forget(heph_epoll_of(worker), number);
	close(number);
}

static int now(struct heph *heph, struct heph_op *op)
{
	struct heph_thread *thread = heph_thread_current;
	struct heph_worker *worker = (struct heph_worker *)thread;

	if (op->kind == HEPH_OP_CLOSE && thread && thread->is_worker &&
	    thread->heph == heph && worker->driver)
		forget(heph_epoll_of(worker), op->number);
	return heph_op_type(op)->attempt(op);
}

/* ---- starting, stopping ----------------------------------------------------------------------- */

static int open_event(struct heph_epoll *epoll)
{
	epoll->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll->event < 0)
		return -errno;
	return control(epoll, EPOLL_CTL_ADD, epoll->event, EPOLLIN, WAKE);
}

static void close_all(struct heph_epoll *epoll)
{
	if (epoll->event >= 0)
		close(epoll->event);
	if (epoll->epoll >= 0)
		close(epoll->epoll);
	heph_mem_free(epoll->interests);
	heph_mem_free(epoll);
}

static int epoll_start(struct heph_worker *worker)
{
	struct heph_epoll *epoll = heph_mem_alloc(sizeof(*epoll));
	int err;

	if (!epoll)
		return -ENOMEM;
	epoll->worker = worker;
	epoll->coarse = heph_san_on_valgrind(); /* it knows no other */
	epoll->event = -1;
	epoll->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = epoll->epoll < 0 ? -errno : open_event(epoll);
	if (err < 0)
		close_all(epoll);
	else
		worker->driver = epoll;
	return err;
}

/* The worker's loop is over, but what completes is on its account. */
static void epoll_stop(struct heph_worker *worker)
{
	struct heph_thread *mine = heph_thread_current;

	heph_thread_current = &worker->thread;
	heph_ops_end(worker);
	heph_thread_current = mine;
}

static void epoll_release(struct heph_worker *worker)
{
	close_all(heph_epoll_of(worker));
	worker->driver = NULL;
}

const struct heph_io heph_epoll_io = {
	.driver = { .name = "epoll",
		    .start = epoll_start,
		    .stop = epoll_stop,
		    .release = epoll_release,
		    .poll = epoll_poll,
		    .wake = epoll_wake,
		    .tell = epoll_tell,
		    .submit = epoll_submit,
		    HEPH_IO_COMMON },
	.by_readiness = true,
	.begin = begin,
	.cancel = cancel,
	.close = close_number,
	.forget = forget_number,
	.now = now,
};
