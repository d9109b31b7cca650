/* SPDX-License-Identifier: MIT */
/*
 * restart.c - an actor that fails is restarted twice, and then not again
 *
 * usage: restart
 *
 * Its inbox stays, so what was sent before a failure is received after it. The
 * failures, and what was decided, are in the log.
 */
#include <heph/heph.h>

#include <stdio.h>

struct print_msg {
	char text[32];
};

HEPH_ACTOR(print, struct print_msg, void);

/* Fails after each message; the others stay in its inbox. */
static int print_main(heph_ctx ctx, print_inbox in)
{
	struct print_msg msg;
	int err = heph_recv(ctx, in, &msg);

	if (err < 0)
		return err;
	printf("%s\n", msg.text);
	heph_panic(ctx, "cannot print more than one");
}
HEPH_ACTOR_MAIN(print, print_main);

int main(void)
{
	const struct heph_restarts twice = { .times = 2, .within = HEPH_NEVER };
	heph_ctx ctx;
	print_ref print;
	int err;

	err = heph_new(&ctx, NULL);
	if (err < 0)
		return 1;
	err = heph_spawn(ctx, print, &print, .restarts = twice);
	if (err == 0)
		err = heph_send(ctx, print, { "Hello" });
	if (err == 0)
		err = heph_send(ctx, print, { "Hello again" });
	if (err == 0)
		err = heph_send(ctx, print, { "And once more" });
	if (err == 0)
		err = heph_join(ctx, print, NULL);
	if (err == 0 && heph_try_send(print, { "Anybody?" }) == -ESRCH)
		printf("It is gone.\n");
	heph_free(ctx);
	return err < 0;
}
