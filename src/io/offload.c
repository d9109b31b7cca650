/* SPDX-License-Identifier: MIT */
#include "io/offload.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/helper.h"
#include "core/heph.h"
#include "io/resolver.h"

enum { STACK_SIZE = 128 * 1024, IDLE_SECONDS = 10 };
enum { INTERRUPT = SIGURG };

enum state { WAITING, TAKEN };

/* What a thread is at. */
struct place {
	struct heph_op *op; /* NULL: nothing */
	pthread_t thread;
	bool cancelled;
};

/* Those who have an operation here keep their runtime alive. */
struct crew {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct heph_op *first, **end;
	unsigned waiting, threads, idle;
	struct place places[HEPH_OFFLOAD_THREADS];
	bool interrupting; /* there is a thread that does it */
};

#define NOBODY                                                                 \
	{                                                                      \
		.lock = PTHREAD_MUTEX_INITIALIZER,                             \
		.more = PTHREAD_COND_INITIALIZER, .end = &crew.first           \
	}

static struct crew crew = NOBODY;

/* ---- once -------------------------------------------------------------------------- */

static bool may_interrupt;

/* In the child there are no threads but one. */
static void after_fork(void)
{
	crew = (struct crew)NOBODY;
}

static void do_nothing(int signal)
{
	(void)signal;
}

/* No SA_RESTART: that is what it is for. */
static void set_up(void)
{
	struct sigaction action = { .sa_handler = do_nothing }, before;

	pthread_atfork(NULL, NULL, after_fork);
	if (sigaction(INTERRUPT, NULL, &before) < 0 ||
	    (before.sa_flags & SA_SIGINFO) ||
	    (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN))
		return;
	may_interrupt = sigaction(INTERRUPT, &action, NULL) == 0;
}

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

/* Waits until there is one; false: there was none for a while. */
static bool any(void)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	crew.idle++;
	while (!crew.first && err == 0)
		err = pthread_cond_timedwait(&crew.more, &crew.lock, &until);
	crew.idle--;
	return crew.first;
}

/* There is one for each thread. */
static struct place *take_place(void)
{
	struct place *place = crew.places;

	while (place->op)
		place++;
	place->op = crew.first;
	place->thread = pthread_self();
	place->cancelled = false;
	return place;
}

static struct place *place_of(const struct heph_op *op)
{
	struct place *place = crew.places;

	while (place->op != op)
		place++;
	return place;
}

/* ---- the threads ------------------------------------------------------------------ */

/* On the worker's thread. */
static void on_done(struct heph_event *event)
{
	struct heph_op *op =
		heph_container_of(event, struct heph_op, offload.event);

	heph_op_complete(op, op->result, -1, false);
}

static bool is_cancelled(const struct place *place)
{
	bool is;

	pthread_mutex_lock(&crew.lock);
	is = place->cancelled;
	pthread_mutex_unlock(&crew.lock);
	return is;
}

/* Until it is done, or interrupted because it was given up. */
static int attempt(const struct place *place, struct heph_op *op)
{
	int result;

	do {
		result = heph_op_type(op)->attempt(op);
	} while (result == -EINTR && !is_cancelled(place));
	return result == -EINTR ? -ECANCELED : result;
}

void heph_offload_give_back(struct heph_op *op)
{
	struct heph_thread *thread = op->self->thread;
	uint16_t node = thread->node;
	bool inside;

	heph_enter(node, &inside);
	heph_thread_post(thread, &op->offload.event);
	heph_leave(node, inside);
}

/* Under the lock, which it leaves meanwhile. After that the operation is the
 * worker's again, so nobody may find it in the place by then. */
static void carry_out(void)
{
	struct place *place = take_place();
	struct heph_op *op = place->op;

	take_out(op);
	op->offload.state = TAKEN;
	pthread_mutex_unlock(&crew.lock);
	op->result = attempt(place, op);
	pthread_mutex_lock(&crew.lock);
	place->op = NULL;
	pthread_mutex_unlock(&crew.lock);
	op->offload.event.fn = on_done;
	heph_offload_give_back(op);
	pthread_mutex_lock(&crew.lock);
}

static void listen_to_interrupts(void)
{
	sigset_t set;

	if (!may_interrupt)
		return;
	sigemptyset(&set);
	sigaddset(&set, INTERRUPT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *work(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "heph-offload");
	listen_to_interrupts();
	pthread_mutex_lock(&crew.lock);
	while (any())
		carry_out();
	crew.threads--;
	pthread_mutex_unlock(&crew.lock);
	return NULL;
}

static bool start(void *(*fn)(void *))
{
	return heph_helper_start(NULL, STACK_SIZE, fn, NULL) == 0;
}

/* Under the lock. Whether there is a thread that will come to what waits. */
static bool add_thread(void)
{
	crew.threads += start(work);
	return crew.threads > 0;
}

/* ---- interrupting ------------------------------------------------------------------ */

/* Under the lock. Whether there was one. */
static bool interrupt_all(void)
{
	bool some = false;

	for (int n = 0; n < HEPH_OFFLOAD_THREADS; n++) {
		struct place *place = &crew.places[n];

		if (!place->op || !place->cancelled)
			continue;
		pthread_kill(place->thread, INTERRUPT);
		some = true;
	}
	return some;
}

/* Less and less often: what does not hear of it waits for a disk. */
static void *interrupt(void *unused)
{
	struct timespec pause = { .tv_nsec = 1000 * 1000 };

	(void)unused;
	pthread_setname_np(pthread_self(), "heph-interrupt");
	pthread_mutex_lock(&crew.lock);
	while (interrupt_all()) {
		pthread_mutex_unlock(&crew.lock);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 100 * 1000 * 1000)
			pause.tv_nsec *= 2;
		pthread_mutex_lock(&crew.lock);
	}
	crew.interrupting = false;
	pthread_mutex_unlock(&crew.lock);
	return NULL;
}

/* Under the lock. */
static void interrupt_it(struct heph_op *op)
{
	struct place *place = place_of(op);

	place->cancelled = true;
	pthread_kill(place->thread, INTERRUPT);
	if (!crew.interrupting)
		crew.interrupting = start(interrupt);
}

/* It may have ended: then its event is under way. */
static bool is_running(const struct heph_op *op)
{
	for (int n = 0; n < HEPH_OFFLOAD_THREADS; n++)
		if (crew.places[n].op == op)
			return true;
	return false;
}

/* ---- the interface ----------------------------------------------------------------- */

void heph_offload_begin(struct heph_op *op)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	bool served = true;

	if (op->kind == HEPH_OP_RESOLVE) {
		heph_resolver_begin(op);
		return;
	}
	pthread_once(&once, set_up);
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
	else if (may_interrupt && is_running(op))
		interrupt_it(op);
	pthread_mutex_unlock(&crew.lock);
	if (mine)
		heph_op_complete(op, -ECANCELED, -1, false);
}
