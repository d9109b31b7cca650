/* SPDX-License-Identifier: MIT */
/*
 * sync_actor.c - an actor on a thread of its own, where it may block
 *
 * usage: sync_actor
 *
 * It is sent to as any other actor is. So libraries that wait by themselves have a
 * place where they hold nobody up.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct printer_msg {
	char text[64];
};

struct printer_arg {
	const char *last; /* what it says when it ends */
};

HEPH_ACTOR(printer, struct printer_msg, struct printer_arg);

/* write(2) may block: on a worker that would hold up all others. */
static int print(const char *what, const char *text)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s%s\n", what, text);

	return write(STDOUT_FILENO, line, (size_t)n) == n ? 0 : -EIO;
}

static int printer_main(heph_ctx ctx, printer_inbox in, struct printer_arg *arg)
{
	struct printer_msg msg;
	int err;

	err = heph_recv(ctx, in, &msg);
	if (err == 0)
		err = print("Got a message: ", msg.text);
	if (err == 0)
		err = print("", arg->last);
	return err;
}
HEPH_ACTOR_MAIN(printer, printer_main);

static int run(heph_ctx ctx)
{
	printer_ref printer;
	int err;

	err = heph_spawn(ctx, printer, &printer, { "Bye" },
			 .on = HEPH_OWN_THREAD);
	if (err == 0)
		err = heph_send(ctx, printer, { "Hello world" });
	return err < 0 ? err : heph_join(ctx, printer, NULL);
}

int main(void)
{
	heph_ctx ctx;
	int err;

	err = heph_new(&ctx, NULL);
	if (err == 0)
		err = run(ctx);
	if (err < 0)
		fprintf(stderr, "sync_actor: %s\n", strerror(-err));
	heph_free(ctx);
	return err < 0;
}
