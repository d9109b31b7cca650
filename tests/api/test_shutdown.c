/* SPDX-License-Identifier: MIT */
/*
 * The end of a runtime with a hundred thousand actors, each with something in
 * flight: it is within the grace, and nothing is left.
 *
 * A read needs a descriptor of its own, and a process may not have so many; those
 * for whom there is none wait for an answer, with a deadline. In the simulated
 * world all of them read; they are fewer, because its kernel looks for the lowest
 * free number from the first one on.
 */
#include "act.h"

#include "../fds.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define SLOW (ON_ASAN || ON_TSAN)

enum { WORKERS = 2, SPARE = 200 };

static int n_actors, n_readers;
static _Atomic int reading, asking, cancelled;

/* How many may have a descriptor. */
static int room_for_readers(void)
{
	struct rlimit limit;

	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 2 * SPARE)
		return SPARE / 2;
	return limit.rlim_cur - SPARE < (rlim_t)n_actors ?
		       (int)(limit.rlim_cur - SPARE) :
		       n_actors;
}

/* ---- what is in flight ------------------------------------------------------------- */

static int read_number(heph_ctx ctx, act_inbox in, void *arg)
{
	int number = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t value;
	heph_fd fd;

	(void)in, (void)arg;
	must(number >= 0);
	must_be(heph_fd_adopt(ctx, number, &fd), 0);
	reading++;
	must_be(heph_read(ctx, fd, &value, sizeof(value)), -ECANCELED);
	cancelled++;
	return 0;
}

static act_ref store;

static int ask(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer;

	(void)in, (void)arg;
	asking++;
	must_be(heph_call(heph_within(ctx, 1000 * HEPH_SEC), store, answer,
			  &answer, { .asks = true }),
		-ECANCELED);
	cancelled++;
	return 0;
}

/* Takes what it is asked and answers nobody, until all who ask are gone. */
static int keep_silent(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		;
	must_be(cancelled, n_actors);
	return 0;
}

/* On each worker: half of its actors are children, half are of the first level. */
static int spawn_share(heph_ctx ctx, act_inbox in, void *arg)
{
	int first = (int)(intptr_t)arg;

	for (int n = first; n < n_actors; n += WORKERS)
		must_be(heph_spawn(ctx, act, NULL,
				   { n < n_readers ? read_number : ask, NULL },
				   .detached = n / WORKERS % 2),
			0);
	return idle(ctx, in, NULL);
}

static void await_flight(void)
{
	while (reading + asking < n_actors)
		sched_yield();
}

static void end_with_all_in_flight(void **state)
{
	struct heph_config config = { .workers = WORKERS,
				      .grace = 300 * HEPH_SEC };
	int before = count_fds(), fds;
	heph_time began;
	heph_ctx ctx;

	(void)state;
	n_actors = on_valgrind() ? 1000 : SLOW ? 4000 : 100000;
	n_readers = room_for_readers();
	ctx = begin(&config);
	fds = count_fds();
	must_be(heph_spawn(ctx, act, &store, { keep_silent, NULL }, .phase = 1,
			   .inbox = HEPH_INBOX_MAX),
		0);
	for (intptr_t n = 0; n < WORKERS; n++)
		spawn_on(ctx, HEPH_WORKER((int)n), spawn_share, (void *)n);
	await_flight();
	must_be(count_fds(), fds + n_readers);
	must(heph_stats(ctx).actors >= (uint64_t)n_actors);
	began = heph_now();
	must_be(kill(getpid(), SIGTERM), 0);
	must_be(heph_drain(ctx), 0); /* not -ETIMEDOUT */
	print_message("%d actors, %d of them reading: %ld ms\n", n_actors,
		      n_readers, (long)((heph_now() - began) / HEPH_MSEC));
	must_be(cancelled, n_actors);
	must_be(act_args_dropped, n_actors + WORKERS + 1);
	await_all_back(ctx);
	must_be(count_fds(), fds);
	heph_free(ctx);
	must_be(count_fds(), before);
}

/* ---- all of them reading ----------------------------------------------------------------- */

static int read_pipe(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_fd ends[2];
	char byte;

	(void)in, (void)arg;
	must_be(heph_pipe(ctx, ends, 0), 0);
	reading++;
	must_be(heph_read(ctx, ends[0], &byte, 1), -ECANCELED);
	cancelled++;
	return 0;
}

static int read_pipes(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	for (int n = 0; n < n_actors; n++)
		must_be(heph_spawn(ctx, act, NULL, { read_pipe, NULL },
				   .detached = n % 2),
			0);
	while (reading < n_actors)
		must_be(heph_yield(ctx), 0);
	must_be(heph_stats(ctx).operations, n_actors);
	return -EIO; /* which is escalated, and so the runtime ends */
}

static enum heph_verdict escalate(const struct heph_exit *why,
				  struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_ESCALATE;
}

static void end_with_all_reading(void **state)
{
	struct heph_sim_options options = {
		.descriptors = 1 << 20,
		.actors = 1 << 20,
		.grace = 5 * HEPH_SEC,
	};

	(void)state;
	n_actors = on_valgrind() ? 300 : SLOW ? 1000 : 10000;
	reading = cancelled = 0;
	must_be(heph_sim_run(1, &options, act, { read_pipes, NULL },
			     .decide = escalate),
		-ECHILD);
	must_be(cancelled, n_actors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_with_all_in_flight),
		cmocka_unit_test(end_with_all_reading),
	};

	return cmocka_run_group_tests_name("shutdown", tests, NULL, NULL);
}
