/* SPDX-License-Identifier: MIT */
/*
 * stress_any.c SECONDS - actors that move, and actors on threads of their own
 *
 * All at once, on two workers: balls between actors of all kinds, with pauses
 * that let workers fall asleep; movers that come and go, are stopped and joined
 * while they end; movers with sockets, with deadlines, with children; a plain
 * thread that calls them. What is counted must come out, and what waits must go
 * on: the alarm tells.
 */
#include <heph/heph.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))

static void must_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	abort();
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static heph_time end_of_test; /* written before the runtime starts */

static bool over(void)
{
	return heph_now() >= end_of_test;
}

/* Most of them move. */
static int some_place(unsigned *random)
{
	static const int places[] = {
		HEPH_ANY,       HEPH_ANY,       HEPH_ANY,
		HEPH_WORKER(0), HEPH_WORKER(1), HEPH_HERE
	};

	if (next_random(random) % 64 == 0)
		return HEPH_OWN_THREAD;
	return places[next_random(random) % 6];
}

/* ---- to and fro ------------------------------------------------------------------- */

struct ball_msg {
	long n; /* how often it went; -1: the end */
	struct heph_addr from;
};
struct ball_arg {
	unsigned random;
};
HEPH_ACTOR(ball, struct ball_msg, struct ball_arg);

/* Sends what comes back to who sent it, with one more. */
static int ball_main(heph_ctx ctx, ball_inbox in, struct ball_arg *arg)
{
	ball_ref other = { .addr = { 0 } };
	struct ball_msg msg;
	long last = -2;

	for (;;) {
		must(heph_recv(ctx, in, &msg) == 0);
		if (msg.n < 0)
			return 0;
		must(last == -2 || msg.n == last + 2);
		last = msg.n;
		other.addr = msg.from;
		if (next_random(&arg->random) % 128 == 0)
			must(heph_sleep(ctx, next_random(&arg->random) % 200 *
						     HEPH_USEC) == 0);
		if (over())
			break;
		must(heph_send(ctx, other,
			       { .n = msg.n + 1,
				 .from = heph_self(in).addr }) == 0);
	}
	must(heph_send(ctx, other, { .n = -1 }) == 0);
	return 0;
}
HEPH_ACTOR_MAIN(ball, ball_main);

static void play(heph_ctx ctx, unsigned *random, int one, int other)
{
	const int places[2] = { one, other };
	ball_ref balls[2];

	for (int n = 0; n < 2; n++)
		must(heph_spawn(ctx, ball, &balls[n], { next_random(random) },
				.on = places[n]) == 0);
	must(heph_send(ctx, balls[0], { .n = 0, .from = balls[1].addr }) == 0);
}

/* ---- calls ------------------------------------------------------------------------ */

struct ask_msg {
	long n;
	HEPH_REPLY(long) answer;
};
struct ask_arg {
	unsigned random;
};
HEPH_ACTOR(oracle, struct ask_msg, struct ask_arg);

static int oracle_main(heph_ctx ctx, oracle_inbox in, struct ask_arg *arg)
{
	struct ask_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		switch (next_random(&arg->random) % 64) {
		case 0: /* never */
			break;
		case 1:
			return -EIO;
		case 2:
			heph_panic(ctx, "on purpose");
		default:
			heph_answer(msg.answer, msg.n * 3);
		}
	}
	return 0;
}

static enum heph_verdict restart(const struct heph_exit *why,
				 struct ask_arg *arg)
{
	(void)why;
	next_random(&arg->random);
	return HEPH_RESTART;
}
HEPH_ACTOR_MAIN(oracle, oracle_main);

struct client_arg {
	oracle_ref to;
	unsigned random;
};
HEPH_ACTOR(client, void, struct client_arg);

static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	heph_ctx soon;
	long answer;
	int err;

	for (long n = 0; !over(); n++) {
		soon = heph_within(ctx,
				   next_random(&arg->random) % 500 * HEPH_USEC);
		err = heph_call(soon, arg->to, answer, &answer, { .n = n });
		must(err == -EPIPE || err == -ETIME ||
		     (err == 0 && answer == n * 3));
	}
	return 0;
}
HEPH_ACTOR_MAIN(client, client_main);

/* ---- sockets ---------------------------------------------------------------------- */

struct socket_arg {
	int number;
	unsigned random;
};
HEPH_ACTOR(echo, struct ask_msg, struct socket_arg);

/* Gives back what it reads; while it waits there are messages and deadlines. */
static int echo_main(heph_ctx ctx, echo_inbox in, struct socket_arg *arg)
{
	enum { MSG, BYTES };
	struct ask_msg msg;
	char buf[64];
	heph_fd fd;
	int n, err;

	must(heph_fd_adopt(ctx, arg->number, &fd) == 0);
	for (;;) {
		err = heph_wait(heph_within(ctx, next_random(&arg->random) %
							 100 * HEPH_USEC),
				[MSG] = heph_on_msg(in, &msg),
				[BYTES] = heph_on_readable(fd));
		if (err != BYTES)
			continue;
		n = heph_read(ctx, fd, buf, sizeof(buf));
		if (n <= 0)
			return 0;
		if (heph_write_all(ctx, fd, buf, (size_t)n) < 0)
			return 0;
	}
}
HEPH_ACTOR_MAIN(echo, echo_main);

HEPH_ACTOR(talker, void, struct socket_arg);

static int talker_main(heph_ctx ctx, struct socket_arg *arg)
{
	int numbers[2];
	char byte = 0, back;
	echo_ref echo;
	heph_fd fd;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers) == 0);
	must(heph_fd_adopt(ctx, numbers[0], &fd) == 0);
	must(heph_spawn(ctx, echo, &echo,
			{ numbers[1], next_random(&arg->random) },
			.on = HEPH_ANY) == 0);
	while (!over()) {
		byte++;
		must(heph_write(ctx, fd, &byte, 1) == 1);
		if (next_random(&arg->random) % 4 == 0)
			heph_post(echo, { .n = 1 });
		must(heph_read(ctx, fd, &back, 1) == 1);
		must(back == byte);
	}
	return 0; /* and the child ends */
}
HEPH_ACTOR_MAIN(talker, talker_main);

/* ---- lives ------------------------------------------------------------------------ */

struct fly_arg {
	unsigned random;
};
HEPH_ACTOR(fly, struct ask_msg, struct fly_arg);

static int fly_main(heph_ctx ctx, fly_inbox in, struct fly_arg *arg)
{
	struct ask_msg msg;
	int err;

	if (next_random(&arg->random) % 2)
		(void)!heph_spawn(ctx, fly, NULL, { arg->random },
				  .on = some_place(&arg->random));
	err = heph_recv(heph_within(ctx,
				    next_random(&arg->random) % 50 * HEPH_USEC),
			in, &msg);
	must(err == 0 || err == -ETIME || err == -ECANCELED);
	return next_random(&arg->random) % 4 ? 0 : -EIO;
}
HEPH_ACTOR_MAIN(fly, fly_main);

HEPH_ACTOR(breeder, void, struct fly_arg);

static int breeder_main(heph_ctx ctx, struct fly_arg *arg)
{
	heph_ctx soon;
	fly_ref fly;
	int err;

	while (!over()) {
		soon = heph_within(ctx,
				   next_random(&arg->random) % 100 * HEPH_USEC);
		err = heph_spawn(soon, fly, &fly, { next_random(&arg->random) },
				 .on = some_place(&arg->random));
		must(err == 0 || err == -ETIME);
		if (err < 0)
			continue;
		heph_post(fly, { .n = 1 });
		if (next_random(&arg->random) % 2)
			heph_stop(fly);
		err = heph_join(soon, fly, NULL);
		must(err == 0 || err == -ETIME);
		must(err < 0 || !heph_alive(fly));
	}
	return 0;
}
HEPH_ACTOR_MAIN(breeder, breeder_main);

/* ---- a plain thread calls as well --------------------------------------------------- */

struct caller {
	struct heph *heph;
	struct client_arg arg;
};

static void *call_from_thread(void *arg)
{
	struct caller *caller = arg;
	heph_ctx ctx;

	while (!over()) {
		must(heph_attach(caller->heph, &ctx) == 0);
		for (int n = 0; n < 50 && !over(); n++) {
			long answer;
			int err = heph_call(heph_within(ctx, HEPH_MSEC),
					    caller->arg.to, answer, &answer,
					    { .n = n });

			must(err == -EPIPE || err == -ETIME ||
			     (err == 0 && answer == n * 3));
		}
		heph_detach(ctx);
	}
	return NULL;
}

/* ---- all of it ---------------------------------------------------------------------- */

static void start_all(heph_ctx ctx, unsigned *random, oracle_ref oracles[2])
{
	play(ctx, random, HEPH_ANY, HEPH_ANY);
	play(ctx, random, HEPH_ANY, HEPH_WORKER(0));
	play(ctx, random, HEPH_OWN_THREAD, HEPH_ANY);
	play(ctx, random, HEPH_OWN_THREAD, HEPH_WORKER(1));
	for (int n = 0; n < 2; n++) {
		must(heph_spawn(ctx, oracle, &oracles[n],
				{ next_random(random) },
				.on = n ? HEPH_OWN_THREAD : HEPH_ANY,
				.inbox = 2, .decide = restart) == 0);
		for (int on = HEPH_OWN_THREAD; on <= HEPH_WORKER(1); on++)
			must(heph_spawn(ctx, client, NULL,
					{ oracles[n], next_random(random) },
					.on = on) == 0);
		must(heph_spawn(ctx, talker, NULL, { 0, next_random(random) },
				.on = n ? HEPH_ANY : HEPH_WORKER(0)) == 0);
		must(heph_spawn(ctx, breeder, NULL, { next_random(random) },
				.on = n ? HEPH_ANY : HEPH_WORKER(1)) == 0);
	}
}

static void show(heph_ctx ctx)
{
	struct heph_stats stats = heph_stats(ctx);

	printf("%lu messages, %lu actors, %lu sleeps, %lu wakes\n",
	       (unsigned long)stats.received, (unsigned long)stats.ended,
	       (unsigned long)stats.sleeps, (unsigned long)stats.wakes);
	must(stats.messages == 0);
	must(stats.actors == 0);
}

int main(int argc, char **argv)
{
	static const struct heph_config config = { .workers = 2,
						   .no_signals = true };
	int seconds = argc > 1 ? atoi(argv[1]) : 1;
	unsigned random = (unsigned)heph_now();
	struct caller caller;
	oracle_ref oracles[2];
	pthread_t thread;
	heph_ctx ctx;

	setenv("HEPH_LOG", "off", 0);
	alarm((unsigned)seconds * 10 + 60);
	printf("random: %u\n", random);
	end_of_test = heph_now() + seconds * HEPH_SEC;
	must(heph_new(&ctx, &config) == 0);
	start_all(ctx, &random, oracles);
	caller = (struct caller){ .heph = heph_runtime(ctx),
				  .arg = { .to = oracles[0] } };
	must(pthread_create(&thread, NULL, call_from_thread, &caller) == 0);
	pthread_join(thread, NULL);
	must(heph_drain(heph_within(ctx, HEPH_MSEC)) == -ETIME);
	for (int n = 0; n < 2; n++) {
		heph_stop(oracles[n]);
		must(heph_join(ctx, oracles[n], NULL) == 0);
	}
	must(heph_drain(ctx) == 0);
	show(ctx);
	heph_free(ctx);
	return 0;
}
