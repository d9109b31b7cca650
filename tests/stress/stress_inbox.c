/* SPDX-License-Identifier: MIT */
/*
 * stress_inbox.c SECONDS - many senders on one small inbox
 *
 * Senders are on the receiver's worker, on the other one, plain threads, or all
 * of these. Each numbers its messages; it sends with and without waiting, gives
 * up at deadlines, and tries again. Some are stopped. The receiver checks the
 * order of each sender, pauses, and restarts. What was accepted must be
 * received: a loss shows in the counts, a hang in the alarm.
 */
#include <heph/heph.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))

static void must_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	abort();
}

enum { SENDERS_MAX = 100, EACH = 100, THREADS_MAX = 20 };

enum where { HERE, THERE, THREADS, MIXED, N_WHERE };

struct shape {
	int senders;
	enum where where;
	unsigned inbox;
};

/* ---- random numbers of one sender -------------------------------------------- */

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* ---- the receiver --------------------------------------------------------------- */

struct sink_msg {
	int sender; /* -1: tell how many there were */
	long n;
	HEPH_REPLY(long) count;
};
/* What survives restarts of the receiver is the test's. */
struct sink_arg {
	long *next; /* of each sender */
	long *received;
};
HEPH_ACTOR(sink, struct sink_msg, struct sink_arg);

static int sink_main(heph_ctx ctx, sink_inbox in, struct sink_arg *arg)
{
	unsigned random = (unsigned)heph_now();
	struct sink_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		if (msg.sender < 0) {
			heph_answer(msg.count, *arg->received);
			continue;
		}
		must(msg.n > arg->next[msg.sender]); /* some were given up */
		arg->next[msg.sender] = msg.n;
		++*arg->received;
		switch (next_random(&random) % 256) {
		case 0:
			must(heph_sleep(ctx, 50 * HEPH_USEC) >= -ECANCELED);
			break;
		case 1:
			return -EIO;
		case 2:
			heph_panic(ctx, "at random");
		case 3 ... 20:
			must(heph_yield(ctx) >= -ECANCELED);
			break;
		}
	}
	return 0;
}
HEPH_ACTOR_MAIN(sink, sink_main);

static enum heph_verdict restart(const struct heph_exit *why,
				 struct sink_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

/* ---- senders ------------------------------------------------------------------------ */

struct source_arg {
	sink_ref to;
	int number;
	unsigned random;
	_Atomic long *accepted;
};
HEPH_ACTOR(source, void, struct source_arg);

/* Sends one; numbers grow, also when it gives up. */
static int send_one(heph_ctx ctx, const struct source_arg *arg, long n,
		    unsigned random)
{
	struct sink_msg msg = { .sender = arg->number, .n = n };

	switch (random % 8) {
	case 0:
		return heph_try_send(arg->to, msg);
	case 1:
		return heph_send(heph_within(ctx, 0), arg->to, msg);
	case 2:
		return heph_send(heph_within(ctx, random % 64 * HEPH_USEC),
				 arg->to, msg);
	default:
		return heph_send(ctx, arg->to, msg);
	}
}

static int send_all(heph_ctx ctx, const struct source_arg *arg)
{
	unsigned random = arg->random;
	long accepted = 0;
	int err = 0;

	for (long n = 1; accepted < EACH && err != -ECANCELED; n++) {
		err = send_one(ctx, arg, n, next_random(&random));
		must(err == 0 || err == -EAGAIN || err == -ETIME ||
		     err == -ECANCELED);
		accepted += err == 0;
		if (err == -EAGAIN && heph_yield(ctx) < 0)
			break;
	}
	*arg->accepted += accepted;
	return 0;
}

static int source_main(heph_ctx ctx, struct source_arg *arg)
{
	return send_all(ctx, arg);
}
HEPH_ACTOR_MAIN(source, source_main);

struct thread {
	pthread_t thread;
	struct heph *heph;
	struct source_arg arg;
};

static void *send_from_thread(void *arg)
{
	struct thread *thread = arg;
	heph_ctx ctx;

	must(heph_attach(thread->heph, &ctx) == 0);
	must(send_all(ctx, &thread->arg) == 0);
	heph_detach(ctx);
	return NULL;
}

/* ---- a round ------------------------------------------------------------------------- */

static enum where where_of(const struct shape *shape, int number)
{
	return shape->where == MIXED ? (enum where)(number % 3) : shape->where;
}

static void await_count(heph_ctx ctx, sink_ref sink, long wanted)
{
	long count = -1;
	int err;

	while (count != wanted) {
		err = heph_call(ctx, sink, count, &count, { .sender = -1 });
		must(err == 0 || err == -EPIPE); /* it restarts at times */
		must(count <= wanted);
	}
}

static void round_of(heph_ctx ctx, const struct shape *shape, unsigned random)
{
	static struct thread threads[THREADS_MAX];
	static long next[SENDERS_MAX], received;
	static _Atomic long accepted;
	source_ref sources[SENDERS_MAX];
	int n_sources = 0, n_threads = 0, on;
	struct source_arg arg;
	sink_ref sink;

	memset(next, 0, sizeof(next));
	received = 0;
	accepted = 0;
	must(heph_spawn(ctx, sink, &sink, { next, &received },
			.inbox = shape->inbox, .on = HEPH_WORKER(0),
			.decide = restart) == 0);
	for (int n = 0; n < shape->senders; n++) {
		arg = (struct source_arg){ .to = sink,
					   .number = n,
					   .random = next_random(&random),
					   .accepted = &accepted };
		if (where_of(shape, n) == THREADS) {
			if (n_threads == THREADS_MAX)
				continue;
			threads[n_threads] =
				(struct thread){ .heph = heph_runtime(ctx),
						 .arg = arg };
			must(pthread_create(&threads[n_threads].thread, NULL,
					    send_from_thread,
					    &threads[n_threads]) == 0);
			n_threads++;
		} else {
			on = where_of(shape, n) == HERE ? HEPH_WORKER(0) :
							  HEPH_WORKER(1);
			must(heph_spawn(ctx, source, &sources[n_sources++], arg,
					.on = on) == 0);
		}
	}
	for (int n = 0; n < n_sources; n++)
		if (next_random(&random) % 4 == 0)
			heph_stop(sources[n]);
	for (int n = 0; n < n_sources; n++)
		must(heph_join(ctx, sources[n], NULL) == 0);
	for (int n = 0; n < n_threads; n++)
		pthread_join(threads[n].thread, NULL);
	await_count(ctx, sink, accepted);
	heph_stop(sink);
	must(heph_join(ctx, sink, NULL) == 0);
}

int main(int argc, char **argv)
{
	static const struct heph_config config = { .workers = 2,
						   .no_signals = true };
	static const int senders[] = { 2, 100 };
	static const unsigned inboxes[] = { 1, 2, 8, 64 };
	int seconds = argc > 1 ? atoi(argv[1]) : 1;
	heph_time until = heph_now() + seconds * HEPH_SEC;
	unsigned rounds = 0, random = (unsigned)heph_now();
	struct shape shape;
	heph_ctx ctx;

	setenv("HEPH_LOG", "off", 0);
	alarm((unsigned)seconds * 10 + 60);
	printf("random: %u\n", random);
	must(heph_new(&ctx, &config) == 0);
	do {
		shape = (struct shape){
			.senders = senders[rounds % 2],
			.where = (enum where)(rounds / 2 % N_WHERE),
			.inbox = inboxes[rounds / 2 / N_WHERE % 4],
		};
		round_of(ctx, &shape, next_random(&random));
		rounds++;
	} while (heph_now() < until);
	must(heph_drain(ctx) == 0);
	must(heph_stats(ctx).messages == 0);
	heph_free(ctx);
	printf("%u rounds\n", rounds);
	return 0;
}
