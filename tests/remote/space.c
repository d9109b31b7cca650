/* SPDX-License-Identifier: MIT */
/*
 * space.c - a node that says what becomes of the others; for test_namespaces.sh
 *
 *     remote-space NAME ADDRESS [ADDRESS...]
 *
 * It listens at the first address, over TCP, and connects to the others. Each node
 * has a store; to that of each peer go calls and numbered messages without a pause.
 * It prints, for each peer
 *
 *     up b, again b, away b, down b ERROR    what its node says
 *     calls b: ok, calls b: ERROR            when that changes
 *     store b: ERROR                         its store has ended, says the monitor
 *     late b                                 a call took longer than it may
 *     gap FROM                               a numbered message is missing here
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEERS = 8 };
#define DEADLINE (300 * HEPH_MSEC)
#define SLACK (5 * HEPH_SEC) /* a busy machine */
#define PAUSE (10 * HEPH_MSEC)

struct store_msg {
	enum { STORE_CALL, STORE_NUMBER } kind;
	uint64_t life; /* of the sender's caller */
	uint64_t number;
	union {
		HEPH_REPLY(uint64_t) answer;
	};
};
HEPH_CODEC(store_msg, struct store_msg, HEPH_FIELD(kind, .max = STORE_NUMBER),
	   HEPH_FIELD(life), HEPH_FIELD(number),
	   HEPH_FIELD_REPLY(answer, HEPH_CASE(kind, STORE_CALL)));
HEPH_ACTOR(store, struct store_msg, void);
HEPH_REMOTE(store, store_msg);

static void say(const char *what, const char *who, const char *more)
{
	printf("%s %s%s\n", what, who, more);
	fflush(stdout);
}

/* ---- the store -------------------------------------------------------------------- */

struct lives {
	struct {
		uint64_t life, last;
	} list[64];
	unsigned n;
};

static void count(struct lives *lives, const struct store_msg *msg)
{
	unsigned i = 0;

	while (i < lives->n && lives->list[i].life != msg->life)
		i++;
	if (i == 64)
		return;
	if (i == lives->n)
		lives->list[lives->n++].life = msg->life;
	if (msg->number != ++lives->list[i].last)
		say("gap", "", "");
}

static int store_main(heph_ctx ctx, store_inbox in)
{
	struct lives *lives = heph_alloc(ctx, sizeof(*lives));
	struct store_msg msg;
	int err = lives ? 0 : -ENOMEM;

	while (err == 0 && (err = heph_recv(ctx, in, &msg)) == 0) {
		if (msg.kind == STORE_CALL)
			heph_answer(msg.answer, msg.number);
		else
			count(lives, &msg);
	}
	return err;
}
HEPH_ACTOR_MAIN(store, store_main);

/* ---- who uses that of a peer --------------------------------------------------------- */

struct caller_arg {
	heph_node node;
	char peer[HEPH_NODE_NAME_MAX + 1];
};
HEPH_ACTOR(caller, void, struct caller_arg);

struct caller {
	store_ref store;
	uint64_t life, number;
	int err; /* of the latest call; 1: there was none */
};

static const char *name_of(int err)
{
	return err == 0 ? "ok" : strerrorname_np(-err);
}

static int use(heph_ctx ctx, struct caller *caller, const char *peer)
{
	struct store_msg msg = { .kind = STORE_NUMBER, .life = caller->life };
	heph_time start = heph_now();
	uint64_t answer;
	char text[64];
	int err;

	msg.number = caller->number + 1;
	err = heph_send(heph_within(ctx, DEADLINE), caller->store, msg);
	if (err == 0)
		caller->number++;
	msg.kind = STORE_CALL;
	err = heph_call(heph_within(ctx, DEADLINE), caller->store, answer,
			&answer, msg);
	if (heph_now() - start > 2 * DEADLINE + SLACK)
		say("late", peer, "");
	if (err == -ECANCELED)
		return err;
	if (err != caller->err) {
		snprintf(text, sizeof(text), ": %s", name_of(err));
		say("calls", peer, text);
	}
	caller->err = err;
	return 0;
}

static int caller_main(heph_ctx ctx, struct caller_arg *arg)
{
	enum { DOWN, NEXT };
	struct caller caller = { .err = 1 };
	struct heph_down down;
	char text[64];
	int err = heph_node_whereis(heph_within(ctx, 5 * HEPH_SEC), arg->node,
				    arg->peer, store, "store", &caller.store);

	if (err == 0)
		err = heph_monitor(ctx, caller.store);
	caller.life = (uint64_t)heph_now() ^ (uint64_t)(uintptr_t)&caller;
	while (err == 0) {
		err = heph_wait(ctx, [DOWN] = heph_on_down(&down),
				[NEXT] = heph_on_time(heph_now() + PAUSE));
		if (err == DOWN) {
			snprintf(text, sizeof(text), ": %s",
				 name_of(down.exit.err));
			say("store", arg->peer, text);
			return 0;
		}
		if (err == NEXT)
			err = use(ctx, &caller, arg->peer);
	}
	return err == -ECANCELED || err == -ENOTCONN || err == -EHOSTDOWN ? 0 :
									    err;
}
HEPH_ACTOR_MAIN(caller, caller_main);

/* ---- the node ------------------------------------------------------------------------- */

struct app_arg {
	const char *name;
	char **addresses;
};
HEPH_ACTOR(app, struct heph_node_event, struct app_arg);

static int on_event(heph_ctx ctx, heph_node node,
		    const struct heph_node_event *event)
{
	struct caller_arg arg = { .node = node };
	char text[64];

	switch (event->event) {
	case HEPH_PEER_UP:
		say(event->again ? "again" : "up", event->name, "");
		if (event->again)
			return 0;
		memcpy(arg.peer, event->name, sizeof(arg.peer));
		return heph_spawn(ctx, caller, NULL, arg);
	case HEPH_PEER_AWAY:
		say("away", event->name, "");
		return 0;
	case HEPH_PEER_DOWN:
		snprintf(text, sizeof(text), " %s", name_of(event->err));
		say("down", event->name, text);
		return 0;
	}
	return 0;
}

static int begin(heph_ctx ctx, app_inbox in, struct app_arg *arg,
		 heph_node *node)
{
	struct heph_transport *transport;
	store_ref store;
	int err = heph_node_start(
		ctx, node, .name = arg->name, .patience = 1500 * HEPH_MSEC,
		.beat = 100 * HEPH_MSEC, .silence = 500 * HEPH_MSEC,
		.backoff_max = 200 * HEPH_MSEC, .handshake = HEPH_SEC);

	if (err == 0)
		err = heph_tcp_plain_new(&transport, 0);
	if (err < 0)
		return err;
	err = heph_spawn(ctx, store, &store);
	if (err == 0)
		err = heph_node_export(ctx, *node, store, store, "store");
	if (err == 0)
		err = heph_node_watch(ctx, *node, heph_self(in));
	if (err == 0)
		err = heph_node_listen(ctx, *node, transport, *arg->addresses++,
				       NULL);
	for (; err == 0 && *arg->addresses; arg->addresses++)
		err = heph_node_connect(ctx, *node, transport, *arg->addresses,
					NULL);
	heph_transport_free(transport);
	return err;
}

static int app_main(heph_ctx ctx, app_inbox in, struct app_arg *arg)
{
	struct heph_node_event event;
	heph_node node;
	int err = begin(ctx, in, arg, &node);

	if (err == 0)
		say("listening", "", "");
	while (err == 0 && (err = heph_recv(ctx, in, &event)) == 0)
		err = on_event(ctx, node, &event);
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	const struct heph_config config = { .workers = 1 };
	int err = argc < 3 ? -EINVAL :
			     heph_run(&config, app, { argv[1], argv + 2 });

	if (err < 0)
		fprintf(stderr, "space: %s\n", strerror(-err));
	return err < 0;
}
