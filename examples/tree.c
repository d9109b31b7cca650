/* SPDX-License-Identifier: MIT */
/*
 * tree.c - a supervisor and two workers; each is restarted alone
 *
 * usage: tree
 *
 * One sends numbers to the other, and both fail now and then: a restarted one begins
 * anew, with what was in its inbox, and the other one notices nothing. The
 * failures are in the log.
 */
#include <heph/heph.h>

#include <stdio.h>

/* Keeps what it is sent. */
struct store_msg {
	int value;
};

struct store_arg {
	const char *path;
};

HEPH_ACTOR(store, struct store_msg, struct store_arg);

static int store_main(heph_ctx ctx, store_inbox in, struct store_arg *arg)
{
	struct store_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		if (msg.value < 0)
			return 0; /* that was the last */
		printf("%s: %d\n", arg->path, msg.value);
		if (msg.value % 7 == 0)
			return -EIO; /* the disk is full, say */
	}
	return err;
}
HEPH_ACTOR_MAIN(store, store_main);

/* Sends it a number now and then. */
struct poller_arg {
	store_ref store;
	int from, to;
};

HEPH_ACTOR(poller, void, struct poller_arg);

static int poller_main(heph_ctx ctx, struct poller_arg *arg)
{
	int err = 0;

	for (int i = arg->from; err == 0 && i < arg->to; i++) {
		err = heph_sleep(ctx, 5 * HEPH_MSEC);
		if (err == 0)
			err = heph_send(ctx, arg->store, { .value = i });
		if (err == 0 && i % 5 == 4)
			err = -ENETDOWN;
	}
	if (err == 0)
		err = heph_send(ctx, arg->store, { .value = -1 });
	return err;
}
HEPH_ACTOR_MAIN(poller, poller_main);

/* May change the argument that the next one starts with. Cannot wait. */
static enum heph_verdict poller_decide(const struct heph_exit *why,
				       struct poller_arg *arg)
{
	if (why->err == -ESRCH)
		return HEPH_ESCALATE; /* the store is gone for good */
	arg->from += 5;
	printf("poller: again from %d\n", arg->from);
	return HEPH_RESTART;
}

/* The supervisor is an actor like any other. */
HEPH_ACTOR(tree, void, void);

static int tree_main(heph_ctx ctx)
{
	struct heph_tree tree = {
		.strategy = HEPH_ONE_FOR_ONE,
		.times = 5,
		.within = 10 * HEPH_SEC,
		.backoff = HEPH_MSEC,
		.backoff_max = 4 * HEPH_MSEC,
	};
	store_ref store; /* stays valid across restarts */
	int err;

	err = heph_spawn(ctx, store, &store, { .path = "numbers" },
			 .tree = &tree);
	if (err == 0)
		err = heph_spawn(ctx, poller, NULL,
				 { .store = store, .to = 13 }, .tree = &tree,
				 .decide = poller_decide);
	if (err == 0)
		err = heph_supervise(ctx, &tree);
	printf("all children have ended: %d\n", err);
	return err;
}
HEPH_ACTOR_MAIN(tree, tree_main);

int main(void)
{
	return heph_run(NULL, tree) < 0;
}
