/* SPDX-License-Identifier: MIT */
#include "io/offload.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "core/heph.h"
#include "io/resolver.h"

enum { STACK_SIZE = 128 * 1024, IDLE_SECONDS = 10 };

enum state { WAITING, TAKEN };

/* Those who have an operation here keep their runtime alive. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct heph_op *first, **end;
	unsigned waiting, threads, idle;
} crew = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .more = PTHREAD_COND_INITIALIZER,
	   .end = &crew.first };

/* ---- under the lock ------------------------------------------------------------- */

static void push(struct heph_op *op)
{
	op->offload.next = NULL;
	op->offload.state = WAITING;
	*crew.end = op;
	crew.end = &op->offload.next;
	crew.waiting++;
}

static void take_out(struct heph_op *op)
{
	struct heph_op **link = &crew.first;

	while (*link != op)
		link = &(*link)->offload.next;
	*link = op->offload.next;
	if (crew.end == &op->offload.next)
		crew.end = link;
	crew.waiting--;
}

/* Waits until there is one; NULL: there was none for a while. */
static struct heph_op *next(void)
{
	struct timespec until;
	struct heph_op *op;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	crew.idle++;
	while (!crew.first && err == 0)
		err = pthread_cond_timedwait(&crew.more, &crew.lock, &until);
	crew.idle--;
	op = crew.first;
	if (!op)
		return NULL;
	take_out(op);
	op->offload.state = TAKEN;
	return op;
}

/* ---- the threads ------------------------------------------------------------------ */

/* On the worker's thread. */
static void on_done(struct heph_event *event)
{
	struct heph_op *op =
		heph_container_of(event, struct heph_op, offload.event);

	heph_op_complete(op, op->result, -1, false);
}

/* After the post it is the worker's again, which may end with its runtime as soon
 * as we have left that. */
static void carry_out(struct heph_op *op)
{
	struct heph_thread *thread = op->self->thread;
	uint16_t node = thread->node;
	bool inside;

	do {
		op->result = heph_op_type(op)->attempt(op);
	} while (op->result == -EINTR);
	heph_enter(node, &inside);
	heph_thread_post(thread, &op->offload.event);
	heph_leave(node, inside);
}

static void *work(void *unused)
{
	struct heph_op *op;

	(void)unused;
	pthread_setname_np(pthread_self(), "heph-offload");
	pthread_mutex_lock(&crew.lock);
	while ((op = next())) {
		pthread_mutex_unlock(&crew.lock);
		carry_out(op);
		pthread_mutex_lock(&crew.lock);
	}
	crew.threads--;
	pthread_mutex_unlock(&crew.lock);
	return NULL;
}

/* Under the lock. Whether there is a thread that will come to what waits. */
static bool add_thread(void)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, work, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	crew.threads += err == 0;
	return crew.threads > 0;
}

/* ---- the interface ----------------------------------------------------------------- */

void heph_offload_begin(struct heph_op *op)
{
	bool served = true;

	if (op->kind == HEPH_OP_RESOLVE) {
		heph_resolver_begin(op);
		return;
	}
	op->offload.event.fn = on_done;
	pthread_mutex_lock(&crew.lock);
	push(op);
	pthread_cond_signal(&crew.more);
	if (crew.waiting > crew.idle && crew.threads < HEPH_OFFLOAD_THREADS)
		served = add_thread();
	if (!served)
		take_out(op);
	pthread_mutex_unlock(&crew.lock);
	if (!served)
		heph_op_complete(op, -ENOMEM, -1, false);
}

void heph_offload_cancel(struct heph_op *op)
{
	bool mine;

	if (op->kind == HEPH_OP_RESOLVE) {
		heph_resolver_cancel(op);
		return;
	}
	pthread_mutex_lock(&crew.lock);
	mine = op->offload.state == WAITING;
	if (mine)
		take_out(op);
	pthread_mutex_unlock(&crew.lock);
	if (mine)
		heph_op_complete(op, -ECANCELED, -1, false);
}
