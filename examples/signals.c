/* SPDX-License-Identifier: MIT */
/*
 * signals.c - signals of the process, as something that actors wait for
 *
 * usage: signals
 *
 * Three actors, in the three places that there are: bound to a worker, moving
 * from worker to worker, and on a thread of its own. Each takes SIGINT, SIGTERM
 * and SIGUSR1 beside its messages, and shuts down in good order on the first
 * two. Of the third it says who has sent it.
 */
#include <heph/heph.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct greeter_msg {
	char text[32];
};

struct greeter_arg {
	const char *kind;
};

HEPH_ACTOR(greeter, struct greeter_msg, struct greeter_arg);

static int greeter_main(heph_ctx ctx, greeter_inbox in, struct greeter_arg *arg)
{
	enum { INTERRUPT, TERMINATE, USER, MESSAGE };
	struct greeter_msg msg;
	struct heph_signal user;
	int which;

	for (;;) {
		/* Signals first: so it takes them before its first message. */
		which = heph_wait(ctx, [INTERRUPT] = heph_on_signal(SIGINT, NULL),
				  [TERMINATE] = heph_on_signal(SIGTERM, NULL),
				  [USER] = heph_on_signal_from(SIGUSR1, &user),
				  [MESSAGE] = heph_on_msg(in, &msg));
		if (which == MESSAGE)
			printf("Got a message: %s\n", msg.text);
		else if (which == USER)
			printf("the %s actor got %u signals, of process %d\n",
			       arg->kind, user.count, (int)user.pid);
		else
			break;
		fflush(stdout);
	}
	if (which < 0)
		return which;
	printf("shutting down the %s actor\n", arg->kind);
	return 0;
}
HEPH_ACTOR_MAIN(greeter, greeter_main);

HEPH_ACTOR(app, void, void);

static int greet(heph_ctx ctx, const char *kind, int on)
{
	struct greeter_msg msg;
	greeter_ref greeter;
	int err;

	snprintf(msg.text, sizeof(msg.text), "Hello %s actor", kind);
	err = heph_spawn(ctx, greeter, &greeter, { kind }, .on = on);
	if (err == 0)
		err = heph_send(ctx, greeter, msg);
	return err;
}

static int app_main(heph_ctx ctx)
{
	struct heph_scope greeters;
	int err;

	err = heph_scope_open(ctx, &greeters);
	if (err == 0)
		err = greet(ctx, "thread-local", HEPH_HERE);
	if (err == 0)
		err = greet(ctx, "thread-safe", HEPH_ANY);
	if (err == 0)
		err = greet(ctx, "sync", HEPH_OWN_THREAD);
	return err < 0 ? err : heph_scope_join(ctx, greeters);
}
HEPH_ACTOR_MAIN(app, app_main);

int main(void)
{
	int err = heph_run(NULL, app);

	if (err < 0)
		fprintf(stderr, "signals: %s\n", strerror(-err));
	return err < 0;
}
