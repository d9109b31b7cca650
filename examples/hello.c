/* SPDX-License-Identifier: MIT */
/*
 * hello.c - one actor, one message
 *
 * usage: hello
 *
 * The least there is: a type of message, a function that receives one, and a main
 * thread that spawns the actor, sends, and waits until all have ended.
 */
#include <heph/heph.h>

#include <stdio.h>

struct hello_msg {
	char name[32];
};

HEPH_ACTOR(hello, struct hello_msg, void);

static int hello_main(heph_ctx ctx, hello_inbox in)
{
	struct hello_msg msg;
	int err;

	err = heph_recv(ctx, in, &msg);
	if (err == 0)
		printf("Hello, %s!\n", msg.name);
	return err;
}
HEPH_ACTOR_MAIN(hello, hello_main);

int main(void)
{
	heph_ctx ctx;
	hello_ref hello;
	int err;

	err = heph_new(&ctx, NULL);
	if (err < 0)
		return 1;
	err = heph_spawn(ctx, hello, &hello);
	if (err == 0)
		err = heph_send(ctx, hello, { "World" });
	if (err == 0)
		err = heph_drain(ctx);
	heph_free(ctx);
	return err < 0;
}
