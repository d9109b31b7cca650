/* SPDX-License-Identifier: MIT */
/*
 * pingpong.c - two actors that send each other a ball
 *
 * usage: pingpong [ROUND TRIPS]
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What ping gets back. */
struct pong_msg {
	unsigned long n;
};

struct ping_arg {
	unsigned long rounds;
};

HEPH_ACTOR(ping, struct pong_msg, struct ping_arg);

/* What pong gets, and whom it answers. */
struct ping_msg {
	unsigned long n;
	ping_ref from;
};

HEPH_ACTOR(pong, struct ping_msg, void);

static int pong_main(heph_ctx ctx, pong_inbox in)
{
	struct ping_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		err = heph_send(ctx, msg.from, { msg.n + 1 });
		if (err < 0)
			break;
	}
	return err;
}
HEPH_ACTOR_MAIN(pong, pong_main);

static int ping_main(heph_ctx ctx, ping_inbox in, struct ping_arg *arg)
{
	struct pong_msg msg = { 0 };
	heph_time start = heph_now(), took;
	pong_ref pong;
	int err;

	err = heph_spawn(ctx, pong, &pong);
	for (unsigned long i = 0; err == 0 && i < arg->rounds; i++) {
		err = heph_send(ctx, pong, { msg.n + 1, heph_self(in) });
		if (err == 0)
			err = heph_recv(ctx, in, &msg);
	}
	if (err < 0)
		return err;
	took = heph_now() - start;
	printf("%lu round trips, %lu messages\n", arg->rounds, msg.n);
	printf("%.1f ns per message\n", msg.n ? (double)took / msg.n : 0.0);
	return 0; /* pong ends with its parent */
}
HEPH_ACTOR_MAIN(ping, ping_main);

int main(int argc, char **argv)
{
	unsigned long rounds = 1000000;
	char *end = NULL;
	int err;

	if (argc > 1)
		rounds = strtoul(argv[1], &end, 10);
	if (argc > 2 || (end && (*end || end == argv[1]))) {
		fputs("usage: pingpong [ROUND TRIPS]\n", stderr);
		return 2;
	}
	err = heph_run(NULL, ping, { rounds });
	if (err < 0)
		fprintf(stderr, "pingpong: %s\n", strerror(-err));
	return err < 0;
}
