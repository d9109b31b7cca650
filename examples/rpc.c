/* SPDX-License-Identifier: MIT */
/*
 * rpc.c - a question and its answer
 *
 * usage: rpc
 *
 * The message has a place for the answer, which has a type. The one who asks waits
 * until it has come, or until nobody can answer any more.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

struct pong {
	char text[16];
};

struct ping_msg {
	char text[16];
	HEPH_REPLY(struct pong) pong;
};

HEPH_ACTOR(ponger, struct ping_msg, void);
HEPH_ACTOR(pinger, void, void);

static int ponger_main(heph_ctx ctx, ponger_inbox in)
{
	struct ping_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		printf("Got a RPC request: %s\n", msg.text);
		heph_answer(msg.pong, { "Pong" });
	}
	return err;
}
HEPH_ACTOR_MAIN(ponger, ponger_main);

static int pinger_main(heph_ctx ctx)
{
	ponger_ref ponger;
	struct pong pong;
	int err;

	err = heph_spawn(ctx, ponger, &ponger);
	if (err == 0)
		err = heph_call(heph_within(ctx, 10 * HEPH_SEC), ponger, pong,
				&pong, { .text = "Ping" });
	if (err == 0)
		printf("Got a RPC response: %s\n", pong.text);
	return err; /* ponger ends with its parent */
}
HEPH_ACTOR_MAIN(pinger, pinger_main);

int main(void)
{
	int err = heph_run(NULL, pinger);

	if (err < 0)
		fprintf(stderr, "rpc: %s\n", strerror(-err));
	return err < 0;
}
