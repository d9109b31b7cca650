/* SPDX-License-Identifier: MIT */
/*
 * setup.c - a runtime's options from a file and from the environment
 *
 * usage: setup [FILE]
 *
 * What the program prefers counts least, then comes the file, then variables such
 * as HEPH_WORKERS=2 or HEPH_GRACE=30s. It prints what the runtime uses in the end,
 * as such a file would have it, and where it runs; then a greeter says hello in
 * each of its workers, beside a store that is stopped after them.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

struct store_msg {
	HEPH_REPLY(int) next;
};

HEPH_ACTOR(store, struct store_msg, void);

/* It owns a number, and is there until nobody needs it any more. */
static int store_main(heph_ctx ctx, store_inbox in)
{
	struct store_msg msg;
	int n = 0;

	while (heph_recv(ctx, in, &msg) == 0)
		heph_answer(msg.next, ++n);
	printf("the store ends after %d calls\n", n);
	return 0;
}
HEPH_ACTOR_MAIN(store, store_main);

struct greeter_arg {
	store_ref store;
};

HEPH_ACTOR(greeter, void, struct greeter_arg);

/* Asks the store once more when it is stopped, which works: it is in a phase
 * before that of the store. */
static int greeter_main(heph_ctx ctx, struct greeter_arg *arg)
{
	int err, n;

	err = heph_call(ctx, arg->store, next, &n, { 0 });
	if (err < 0)
		return err;
	printf("Hello from worker %d\n", heph_worker(ctx));
	if (heph_sleep(ctx, HEPH_NEVER) != -ECANCELED)
		return -EPROTO;
	return heph_call(heph_shield(ctx, HEPH_SEC), arg->store, next, &n,
			 { 0 });
}
HEPH_ACTOR_MAIN(greeter, greeter_main);

static void print_setup(heph_ctx ctx)
{
	struct heph_host host;
	char text[4096];

	heph_host_info(&host);
	printf("# %s on %s %s %s, process %d of host %s\n", host.version,
	       host.os, host.release, host.machine, host.pid, host.name);
	heph_config_write(heph_config_of(ctx), text, sizeof(text));
	fputs(text, stdout);
	fflush(stdout);
}

/* Waits. Until all greeters have asked the store. */
static int await_greeters(heph_ctx ctx, store_ref store)
{
	int err, n = 0;

	for (int asked = 0; n < (int)heph_workers(ctx) + asked; asked++) {
		err = heph_call(ctx, store, next, &n, { 0 });
		if (err == 0)
			err = heph_sleep(ctx, HEPH_MSEC);
		if (err < 0)
			return err;
	}
	return 0;
}

static int greet(heph_ctx ctx)
{
	store_ref store;
	int err;

	err = heph_spawn(ctx, store, &store, .phase = 1);
	for (unsigned n = 0; err == 0 && n < heph_workers(ctx); n++)
		err = heph_spawn(ctx, greeter, NULL, { store },
				 .on = HEPH_WORKER((int)n));
	return err < 0 ? err : await_greeters(ctx, store);
}

int main(int argc, char **argv)
{
	struct heph_config config = { .workers = 1, .grace = 5 * HEPH_SEC };
	static struct heph_config_text text;
	heph_ctx ctx;
	int err = 0;

	if (argc > 1)
		err = heph_config_from_file(&config, argv[1], &text);
	if (err == 0)
		err = heph_config_from_env(&config, &text);
	if (err < 0) {
		fprintf(stderr, "setup: %s\n", text.error);
		return 2;
	}
	err = heph_new(&ctx, &config);
	if (err == 0) {
		print_setup(ctx);
		err = greet(ctx);
		heph_free(ctx); /* the greeters first, then the store */
	}
	if (err < 0)
		fprintf(stderr, "setup: %s\n", strerror(-err));
	return err < 0;
}
