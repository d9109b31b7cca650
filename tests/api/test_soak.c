/* SPDX-License-Identifier: MIT */
/*
 * Crash and restart, again and again, with everything in flight: afterwards all
 * counters are back. HEPH_TEST_ROUNDS says how often; the default is for every
 * day.
 */
#include "act.h"

#include "../fds.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 300 };

struct soak {
	int rounds, runs;
	act_ref answerer; /* on the other worker; does not end */
	act_ref silent;   /* the same, and never answers */
};

/* ---- what is in flight ------------------------------------------------------------ */

static int reads_for_ever(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_fd fd = *(heph_fd *)arg;
	char bytes[100];

	(void)in;
	return heph_read(ctx, fd, bytes, sizeof(bytes));
}

static int calls_for_ever(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer;

	(void)in;
	return heph_call(ctx, *(act_ref *)arg, answer, &answer,
			 { .n = 1, .asks = true });
}

static int sleeps_and_fails(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	(void)!heph_sleep(ctx, HEPH_USEC);
	return -EIO;
}

static int waits_for_all(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_fd fd = *(heph_fd *)arg;
	struct act_msg msg;
	int which = heph_wait(ctx, heph_on_msg(in, &msg), heph_on_readable(fd),
			      heph_on_time(heph_now() + HEPH_SEC));

	if (which == 0)
		free(msg.owned);
	return which;
}

static enum heph_verdict restart_once(const struct heph_exit *why,
				      struct act_arg *arg)
{
	(void)why;
	if (!arg->arg)
		return HEPH_STOP;
	arg->arg = NULL;
	return HEPH_RESTART;
}

/* A connected pair; one end is a child's. */
static heph_fd pair(heph_ctx ctx, heph_fd *ret_given)
{
	int numbers[2];
	heph_fd mine;

	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
	must_be(heph_fd_adopt(ctx, numbers[0], &mine), 0);
	must_be(heph_fd_adopt(ctx, numbers[1], ret_given), 0);
	return mine;
}

static int crash(heph_ctx ctx, act_inbox in, void *arg)
{
	struct soak *soak = arg;
	heph_fd *given = heph_alloc(ctx, 2 * sizeof(*given)), mine;
	act_ref ref;
	long answer;
	char byte;
	int err;

	must(given);
	soak->runs++;
	for (int n = 0; n < 2; n++) {
		mine = pair(ctx, &given[n]);
		must_be(heph_spawn(ctx, act, &ref,
				   { n ? waits_for_all : reads_for_ever,
				     &given[n] },
				   .on = HEPH_WORKER((soak->runs + n) % 2),
				   .give = given[n]),
			0);
		must_be(heph_spawn(ctx, act, NULL,
				   { calls_for_ever, &soak->silent },
				   .on = HEPH_WORKER(n)),
			0);
		must_be(heph_spawn(ctx, act, NULL, { sleeps_and_fails, soak },
				   .on = HEPH_WORKER(n),
				   .decide = restart_once),
			0);
	}
	for (int n = 0; n < 5; n++)
		heph_post(heph_self(in), { .n = n, .owned = malloc(20) });
	heph_post(ref, { .n = 0, .owned = malloc(20) });
	must_be(heph_send(ctx, soak->answerer, { .owned = malloc(30) }), 0);
	must_be(heph_own(ctx, malloc(10), free), 0);
	must_be(heph_call(ctx, soak->answerer, answer, &answer,
			  { .n = 1, .asks = true }),
		0);
	must_be(heph_call(heph_within(ctx, 1), soak->silent, answer, &answer,
			  { .n = 1 }),
		-ETIME);
	err = heph_read(heph_within(ctx, HEPH_USEC), mine, &byte, 1);
	must(err == -ETIME || err == 0); /* 0: that child has ended */
	if (soak->runs % 3 == 0)
		must_be(heph_sleep(ctx, 100 * HEPH_USEC), 0);
	if (soak->runs % 2)
		heph_panic(ctx, "run %d", soak->runs);
	return -EIO;
}

static enum heph_verdict decide(const struct heph_exit *why,
				struct act_arg *arg)
{
	struct soak *soak = arg->arg;

	(void)why;
	return soak->runs < soak->rounds ? HEPH_RESTART : HEPH_STOP;
}

static int silent(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}

static void leaves_nothing_behind(void **state)
{
	const char *text = getenv("HEPH_TEST_ROUNDS");
	static struct soak soak;
	int fds = count_fds(), open;
	heph_ctx ctx;
	uint64_t bytes = 0;
	act_ref ref;

	(void)state;
	ctx = begin(&two_workers);
	open = count_fds();
	for (int n = 0; n < 2; n++) { /* the first time it gets memory */
		soak = (struct soak){ .rounds = text ? atoi(text) : ROUNDS };
		must_be(heph_spawn(ctx, act, &soak.answerer,
				   { answer_all, NULL }, .on = HEPH_WORKER(1)),
			0);
		must_be(heph_spawn(ctx, act, &soak.silent, { silent, NULL },
				   .on = HEPH_WORKER(1), .inbox = 1000),
			0);
		must_be(heph_spawn(ctx, act, &ref, { crash, &soak },
				   .decide = decide, .on = HEPH_WORKER(0)),
			0);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(soak.runs, soak.rounds);
		stop_and_join(ctx, soak.answerer);
		stop_and_join(ctx, soak.silent);
		await_all_back(ctx);
		if (n == 0)
			bytes = heph_stats(ctx).bytes;
		/* Counted at the end of turns: the first may have been read
		 * too early, which is too high. */
		while (heph_stats(ctx).bytes > bytes || count_fds() != open)
			sched_yield();
	}
	end(ctx);
	must_be(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
