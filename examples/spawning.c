/* SPDX-License-Identifier: MIT */
/*
 * spawning.c - the places where an actor may run
 *
 * usage: spawning
 *
 * One on a thread of its own, one that moves between two workers, and one on
 * each of them: four lines, in any order.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

struct greeter_msg {
	char name[32];
};

struct greeter_arg {
	const char *kind;
};

HEPH_ACTOR(greeter, struct greeter_msg, struct greeter_arg);

/* The same function wherever it runs. */
static int greeter_main(heph_ctx ctx, greeter_inbox in, struct greeter_arg *arg)
{
	struct greeter_msg msg;
	int err;

	err = heph_recv(ctx, in, &msg);
	if (err == 0)
		printf("Hello %s, from %s\n", msg.name, arg->kind);
	return err;
}
HEPH_ACTOR_MAIN(greeter, greeter_main);

static int greet(heph_ctx ctx, int on, const char *kind)
{
	greeter_ref greeter;
	int err;

	err = heph_spawn(ctx, greeter, &greeter, { kind }, .on = on);
	return err < 0 ? err : heph_send(ctx, greeter, { "World" });
}

static int run(heph_ctx ctx)
{
	int err;

	err = greet(ctx, HEPH_OWN_THREAD, "a thread of its own");
	if (err == 0)
		err = greet(ctx, HEPH_ANY, "any worker");
	for (int n = 0; err == 0 && n < (int)heph_workers(ctx); n++)
		err = greet(ctx, HEPH_WORKER(n), "a worker");
	return err < 0 ? err : heph_drain(ctx);
}

int main(void)
{
	const struct heph_config config = { .workers = 2 };
	heph_ctx ctx;
	int err;

	err = heph_new(&ctx, &config);
	if (err == 0)
		err = run(ctx);
	if (err < 0)
		fprintf(stderr, "spawning: %s\n", strerror(-err));
	heph_free(ctx);
	return err < 0;
}
