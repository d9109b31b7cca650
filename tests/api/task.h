/* SPDX-License-Identifier: MIT */
/*
 * task.h - runs functions in actors, and counts what they leave behind
 *
 * A test of the interface is a function that an actor runs. It runs several
 * times in one runtime, and the last time everything must be back where it was
 * before: descriptors of the process, and the numbers of heph_stats(). The
 * first time a worker learns the types of actors, which takes some bytes.
 */
#ifndef TEST_TASK_H
#define TEST_TASK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/heph.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../fds.h"
#include "../tools.h"

/* ---- in actors: cmocka's assertions jump, which an actor must not -------- */

static inline void must_failed(const char *expr, const char *file, int line,
			       long a, long b)
{
	fprintf(stderr, "%s:%d: %s: %ld, %ld\n", file, line, expr, a, b);
	dies_with_leaks();
	abort();
}

#define must(expr)                                                             \
	((expr) ? (void)0 : must_failed(#expr, __FILE__, __LINE__, 0, 0))

#define must_be(a, b)                                                          \
	must_be_((long)(a), (long)(b), #a " is " #b, __FILE__, __LINE__)
static inline void must_be_(long a, long b, const char *expr, const char *file,
			    int line)
{
	if (a != b)
		must_failed(expr, file, line, a, b);
}

/* ---- actors that run a function ------------------------------------------ */

typedef int (*task_fn)(heph_ctx ctx, void *arg);

struct task_arg {
	task_fn fn;
	void *arg;
};

HEPH_ACTOR(task, void, struct task_arg);

static int task_main(heph_ctx ctx, struct task_arg *arg)
{
	return arg->fn(ctx, arg->arg);
}
HEPH_ACTOR_MAIN(task, task_main);

/* Where actors run that could run anywhere: the tests run again with TEST_ON=any
 * and TEST_ON=own in the environment. */
static inline int test_on(int otherwise)
{
	const char *on = getenv("TEST_ON");

	if (!on || strcmp(on, "sim") == 0)
		return otherwise;
	return strcmp(on, "any") == 0 ? HEPH_ANY : HEPH_OWN_THREAD;
}

static inline task_ref start_task(heph_ctx ctx, task_fn fn, void *arg)
{
	task_ref task;

	must_be(heph_spawn(ctx, task, &task, { fn, arg },
			   .on = test_on(HEPH_HERE)),
		0);
	return task;
}

/* Waits until it has ended, as it should, or has ended before. */
static inline void end_task(heph_ctx ctx, task_ref task)
{
	struct heph_exit exit;

	must_be(heph_join(ctx, task, &exit), 0);
	must(exit.err == 0 || exit.err == -ESRCH);
}

/* Lets the other actors of the worker run until they wait. */
static inline void let_run(heph_ctx ctx)
{
	for (int i = 0; i < 4; i++)
		must_be(heph_yield(ctx), 0);
}

/* ---- counting ------------------------------------------------------------- */

struct counts {
	uint64_t actors, messages, descriptors, operations, buffers, timers;
	uint64_t calls, stacks, bytes;
	uint64_t fds;
};

static inline struct counts count_all(heph_ctx ctx)
{
	struct heph_stats stats = heph_stats(ctx);

	return (struct counts){
		.actors = stats.actors,
		.messages = stats.messages,
		.descriptors = stats.descriptors,
		.operations = stats.operations,
		.buffers = stats.buffers,
		.timers = stats.timers,
		.calls = stats.calls,
		.stacks = stats.stacks,
		.bytes = stats.bytes,
		.fds = (uint64_t)count_fds(),
	};
}

static inline void show(const char *what, const struct counts *it)
{
	fprintf(stderr,
		"%s: actors %ld messages %ld descriptors %ld operations %ld "
		"buffers %ld timers %ld calls %ld stacks %ld bytes %ld fds %ld\n",
		what, (long)it->actors, (long)it->messages,
		(long)it->descriptors, (long)it->operations, (long)it->buffers,
		(long)it->timers, (long)it->calls, (long)it->stacks,
		(long)it->bytes, (long)it->fds);
}

/* A thread of before may have had one open. */
static inline bool is_back(struct counts is, const struct counts *wanted)
{
	if (is.fds < wanted->fds)
		is.fds = wanted->fds;
	return memcmp(&is, wanted, sizeof(is)) == 0;
}

/* Waits until all is as it was, whether it will be: workers tell their numbers,
 * and close, at the end of a turn. */
static inline bool all_back(heph_ctx ctx, const struct counts *wanted,
			    heph_time patience)
{
	heph_time until = heph_now() + patience;
	struct counts is;

	do {
		is = count_all(ctx);
		if (is_back(is, wanted))
			return true;
		sched_yield();
	} while (heph_now() < until);
	show("wanted", wanted);
	show("is    ", &is);
	return false;
}

static inline void await_counts(heph_ctx ctx, const struct counts *wanted)
{
	must(all_back(ctx, wanted, 20 * HEPH_SEC));
}

static inline int nothing_to_do(heph_ctx ctx, void *arg)
{
	return 0;
}

/* Each worker has ended the turn in which this was called, and later ones. */
static inline void pass_turns(heph_ctx ctx)
{
	task_ref task;

	for (int i = 0; i < 3; i++)
		for (int n = 0; n < (int)heph_workers(ctx); n++) {
			must_be(heph_spawn(ctx, task, &task,
					   { nothing_to_do, NULL },
					   .on = HEPH_WORKER(n)),
				0);
			end_task(ctx, task);
		}
}

/* Waits until the workers have nothing to do, and returns the numbers then. */
static inline struct counts settled_counts(heph_ctx ctx)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct counts is;

	pass_turns(ctx);
	do {
		sched_yield();
		is = count_all(ctx);
	} while ((is.actors || is.operations || is.buffers || is.stacks ||
		  is.timers) &&
		 heph_now() < until);
	return is;
}

/* A thread that has told the end of its actor may not rest yet; then the next
 * actor gets another one, which stays. It happens now and then, a leak each
 * time. */
static inline bool has_more_threads(heph_ctx ctx, const struct counts *before)
{
	return test_on(0) == HEPH_OWN_THREAD &&
	       !all_back(ctx, before, 2 * HEPH_SEC);
}

/* Runs a test in an actor, on each worker, and once more. */
static inline void run_task_on(unsigned workers, task_fn fn, void *arg)
{
	struct heph_config config = { .workers = workers,
				      .no_signals = true,
				      .actors = 20000 };
	struct counts before;
	int fds = count_fds();
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	for (unsigned round = 0; round < workers; round++) {
		end_task(ctx, start_task(ctx, fn, arg));
		before = settled_counts(ctx);
	}
	end_task(ctx, start_task(ctx, fn, arg));
	for (int n = 0; n < 3 && has_more_threads(ctx, &before); n++) {
		before = settled_counts(ctx);
		end_task(ctx, start_task(ctx, fn, arg));
	}
	await_counts(ctx, &before);
	assert_int_equal(heph_stats(ctx).failed, 0);
	heph_free(ctx);
	assert_int_equal(count_fds(), fds);
}

static inline void run_task(task_fn fn)
{
	run_task_on(1, fn, NULL);
}

/* Runs a test on a plain thread, twice. */
static inline void run_thread(task_fn fn)
{
	struct heph_config config = { .workers = 1,
				      .no_signals = true,
				      .actors = 20000 };
	struct counts before;
	int fds = count_fds();
	heph_ctx owner, ctx;

	assert_int_equal(heph_new(&owner, &config), 0);
	ctx = owner;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(fn(ctx, NULL), 0);
		if (round == 0)
			before = settled_counts(ctx);
		else
			await_counts(ctx, &before);
	}
	heph_free(owner);
	assert_int_equal(count_fds(), fds);
}

/* The same once; what it has left open is closed with the runtime. */
static inline void run_thread_once(task_fn fn)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	int fds = count_fds();
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	assert_int_equal(fn(ctx, NULL), 0);
	heph_free(ctx);
	assert_int_equal(count_fds(), fds);
}

/* ---- descriptors ------------------------------------------------------------ */

static inline heph_fd adopt(heph_ctx ctx, int number)
{
	heph_fd fd;

	must_be(heph_fd_adopt(ctx, number, &fd), 0);
	return fd;
}

/* A connected pair: ours, and a number that does not wait. */
static inline heph_fd pair(heph_ctx ctx, int *ret_other)
{
	int numbers[2];

	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
	must_be(fcntl(numbers[1], F_SETFL, O_NONBLOCK), 0);
	*ret_other = numbers[1];
	return adopt(ctx, numbers[0]);
}

/* The ends of a pipe: one ours, the other a number that does not wait. */
static inline heph_fd pipe_end(heph_ctx ctx, int which, int *ret_other)
{
	int numbers[2];

	must_be(pipe2(numbers, O_CLOEXEC), 0);
	must_be(fcntl(numbers[!which], F_SETFL, O_NONBLOCK), 0);
	*ret_other = numbers[!which];
	return adopt(ctx, numbers[which]);
}

static inline int port_of(heph_ctx ctx, heph_fd listener)
{
	char text[HEPH_ADDRESS_MAX];

	must_be(heph_local_address(ctx, listener, text), 0);
	return atoi(strrchr(text, ':') + 1);
}

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static inline heph_fd listen_somewhere(heph_ctx ctx)
{
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	return listener;
}

static inline void address_of(char *text, int port)
{
	snprintf(text, HEPH_ADDRESS_MAX, "127.0.0.1:%d", port);
}

/* Connects to a port of this machine without waiting for anybody to accept;
 * a number that does not wait, or a negative error. */
static inline int raw_connect(int port)
{
	struct sockaddr_in address = loopback(port);
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	must(number >= 0);
	if (connect(number, (void *)&address, sizeof(address)) < 0) {
		err = -errno;
		close(number);
		return err;
	}
	must_be(fcntl(number, F_SETFL, O_NONBLOCK), 0);
	return number;
}

/* The other end gets a reset. */
static inline void raw_reset(int number)
{
	struct linger linger = { .l_onoff = 1 };

	must_be(setsockopt(number, SOL_SOCKET, SO_LINGER, &linger,
			   sizeof(linger)),
		0);
	close(number);
}

#endif
