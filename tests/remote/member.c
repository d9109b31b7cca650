/* SPDX-License-Identifier: MIT */
/*
 * member.c - a member of a cluster that says what becomes of it; for
 * test_namespaces.sh
 *
 *     remote-member NAME URL         holds the name "store", or waits until it can;
 *                                    handles what is stored in "orders", by telling
 *                                    the name "tally"
 *     remote-member NAME URL N       is "tally", calls "store" without a pause, and
 *                                    stores N orders
 *
 * It prints
 *
 *     member                         it has joined
 *     up b, down b                   another member
 *     cut, joined                    itself
 *     has store                      the name is its now
 *     store is b, calls: ERROR       who answers, or why nobody does
 *     late                           a call took longer than it may
 *     stored N, tallied N            all orders; all of them have been handled
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !HEPH_NATS

int main(void)
{
	return 77;
}

#else

#define DEADLINE (500 * HEPH_MSEC)
#define SLACK (5 * HEPH_SEC) /* a busy machine */
#define PAUSE (20 * HEPH_MSEC)
#define LEASE (1500 * HEPH_MSEC)

static void say(const char *what, const char *more)
{
	printf("%s%s\n", what, more);
	fflush(stdout);
}

/* ---- the tally: which orders have been handled ------------------------------------------ */

struct tally_msg {
	uint32_t order;
	HEPH_REPLY(bool) taken;
};
HEPH_CODEC(tally_msg, struct tally_msg, HEPH_FIELD(order),
	   HEPH_FIELD_REPLY(taken));
struct tally_arg {
	uint32_t n;
};
HEPH_ACTOR(tally, struct tally_msg, struct tally_arg);
HEPH_REMOTE(tally, tally_msg);

static int tally_main(heph_ctx ctx, tally_inbox in, struct tally_arg *arg)
{
	bool *seen = heph_alloc(ctx, arg->n);
	uint32_t left = arg->n;
	struct tally_msg msg;
	char text[32];
	int err = seen ? 0 : -ENOMEM;

	if (seen)
		memset(seen, 0, arg->n);
	while (err == 0 && (err = heph_recv(ctx, in, &msg)) == 0) {
		if (msg.order < arg->n && !seen[msg.order]) {
			seen[msg.order] = true;
			left--;
			snprintf(text, sizeof(text), " %u", arg->n);
			if (!left)
				say("tallied", text);
		}
		heph_answer(msg.taken, true);
	}
	return err;
}
HEPH_ACTOR_MAIN(tally, tally_main);

/* ---- orders: handled by telling the tally --------------------------------------------------- */

struct order_msg {
	uint32_t n;
	HEPH_REPLY(int) done;
	struct heph_delivery delivery;
};
HEPH_CODEC(order_msg, struct order_msg, HEPH_FIELD(n));
struct order_arg {
	heph_cluster cluster;
};
HEPH_ACTOR(order, struct order_msg, struct order_arg);
HEPH_REMOTE(order, order_msg);

/* An error: it comes again. */
static int tell_tally(heph_ctx ctx, heph_cluster cluster, tally_ref *tally,
		      uint32_t order)
{
	bool taken;
	int err = 0;

	ctx = heph_within(ctx, 2 * HEPH_SEC);
	if (!heph_alive(*tally))
		err = heph_cluster_whereis(ctx, cluster, tally, "tally", tally);
	if (err == 0)
		err = heph_call(ctx, *tally, taken, &taken, { .order = order });
	return err;
}

static int order_main(heph_ctx ctx, order_inbox in, struct order_arg *arg)
{
	tally_ref tally = { 0 };
	struct order_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0)
		heph_answer(msg.done,
			    tell_tally(ctx, arg->cluster, &tally, msg.n));
	return err;
}
HEPH_ACTOR_MAIN(order, order_main);

/* ---- the store: one name, that moves ------------------------------------------------------------ */

struct store_who {
	char name[HEPH_NODE_NAME_MAX + 1];
};
HEPH_CODEC(store_who, struct store_who, HEPH_FIELD(name));
struct store_msg {
	HEPH_REPLY(struct store_who) who;
};
HEPH_CODEC(store_msg, struct store_msg, HEPH_FIELD_REPLY_OF(who, store_who));
HEPH_ACTOR(store, struct store_msg, struct store_who);
HEPH_REMOTE(store, store_msg);

static int store_main(heph_ctx ctx, store_inbox in, struct store_who *arg)
{
	struct store_msg msg;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0)
		heph_answer(msg.who, *arg);
	return err;
}
HEPH_ACTOR_MAIN(store, store_main);

struct caller_arg {
	heph_cluster cluster;
};
HEPH_ACTOR(caller, void, struct caller_arg);

/* What it was last; is told when it changes. */
struct caller {
	store_ref store;
	char said[96];
};

static void tell(struct caller *caller, const char *what, const char *more)
{
	char text[96];

	snprintf(text, sizeof(text), "%s%s", what, more);
	if (strcmp(text, caller->said) == 0)
		return;
	strcpy(caller->said, text);
	say(text, "");
}

static int call_once(heph_ctx ctx, heph_cluster cluster, struct caller *caller)
{
	heph_time start = heph_now();
	heph_ctx soon = heph_within(ctx, DEADLINE);
	struct store_who who;
	int err = 0;

	if (!heph_alive(caller->store))
		err = heph_cluster_whereis(soon, cluster, store, "store",
					   &caller->store);
	if (err == 0)
		err = heph_call(soon, caller->store, who, &who, { 0 });
	if (heph_now() - start > DEADLINE + SLACK)
		say("late", "");
	if (err == -ECANCELED)
		return err;
	tell(caller, err ? "calls: " : "store is ",
	     err ? strerrorname_np(-err) : who.name);
	return 0;
}

static int caller_main(heph_ctx ctx, struct caller_arg *arg)
{
	struct caller caller = { .said = "" };
	int err = 0;

	while (err == 0) {
		err = call_once(ctx, arg->cluster, &caller);
		if (err == 0)
			err = heph_sleep(ctx, PAUSE);
	}
	return err;
}
HEPH_ACTOR_MAIN(caller, caller_main);

/* ---- who stores ---------------------------------------------------------------------------------- */

struct producer_arg {
	heph_cluster cluster;
	uint32_t n;
};
HEPH_ACTOR(producer, void, struct producer_arg);

static int store_one(heph_ctx ctx, heph_cluster cluster, uint32_t n)
{
	char id[32];
	int err;

	snprintf(id, sizeof(id), "order-%u", n);
	do
		err = heph_cluster_store(heph_within(ctx, 5 * HEPH_SEC),
					 cluster, order, "orders", id,
					 { .n = n });
	while (err == -ETIME || err == -ENOTCONN);
	return err;
}

/* The inbox is made by the first who takes it. */
static int producer_main(heph_ctx ctx, struct producer_arg *arg)
{
	char text[32];
	int err = 0;

	for (uint32_t n = 0; err >= 0 && n < arg->n; n++)
		while ((err = store_one(ctx, arg->cluster, n)) == -ENOENT &&
		       heph_sleep(ctx, PAUSE) == 0)
			;
	if (err < 0)
		return err;
	snprintf(text, sizeof(text), " %u", arg->n);
	say("stored", text);
	return 0;
}
HEPH_ACTOR_MAIN(producer, producer_main);

/* ---- the member ------------------------------------------------------------------------------------ */

struct app_arg {
	const char *name, *url;
	uint32_t n; /* orders to store; 0: one who handles them */
};
HEPH_ACTOR(app, struct heph_member, struct app_arg);

static int join(heph_ctx ctx, const struct app_arg *arg, heph_cluster *cluster)
{
	heph_node node;
	heph_nats nats;
	int err = heph_node_start(
		ctx, &node, .name = arg->name, .patience = 500 * HEPH_MSEC,
		.beat = 100 * HEPH_MSEC, .silence = 500 * HEPH_MSEC,
		.backoff_max = 200 * HEPH_MSEC, .handshake = HEPH_SEC);

	if (err == 0)
		err = heph_nats_connect(heph_within(ctx, 20 * HEPH_SEC), &nats,
					.url = arg->url, .wait = HEPH_SEC);
	if (err == 0)
		err = heph_cluster_join(heph_within(ctx, 20 * HEPH_SEC),
					cluster, nats, node, .lease = LEASE);
	if (err == 0)
		say("member", "");
	return err;
}

/* Tries to have the name; that of another one who lives is waited for. */
static int try_name(heph_ctx ctx, heph_cluster cluster, store_ref store,
		    bool *has)
{
	int err;

	if (*has)
		return 0;
	err = heph_cluster_register(heph_within(ctx, 2 * HEPH_SEC), cluster,
				    store, store, "store");
	*has = err == 0;
	if (*has)
		say("has store", "");
	return err == -ECANCELED || err == -ESRCH || err == -EINVAL ? err : 0;
}

static void tell_member(const struct heph_member *event, const char *name,
			bool *has)
{
	switch (event->event) {
	case HEPH_MEMBER_UP:
		if (strcmp(event->name, name) != 0)
			say("up ", event->name);
		break;
	case HEPH_MEMBER_DOWN:
		if (strcmp(event->name, name) != 0)
			say("down ", event->name);
		break;
	case HEPH_MEMBER_CUT:
		*has = false;
		say("cut", "");
		break;
	case HEPH_MEMBER_JOINED:
		say("joined", "");
		break;
	}
}

static int begin_asking(heph_ctx ctx, heph_cluster cluster, uint32_t n)
{
	tally_ref tally;
	int err = heph_spawn(ctx, tally, &tally, { n });

	if (err == 0)
		err = heph_cluster_register(ctx, cluster, tally, tally,
					    "tally");
	if (err == 0)
		err = heph_spawn(ctx, caller, NULL, { cluster });
	if (err == 0)
		err = heph_spawn(ctx, producer, NULL, { cluster, n });
	return err;
}

static int begin_serving(heph_ctx ctx, heph_cluster cluster, const char *name,
			 store_ref *ret_store)
{
	struct store_who who = { "" };
	order_ref order;
	int err;

	snprintf(who.name, sizeof(who.name), "%s", name);
	err = heph_spawn(ctx, store, ret_store, who);
	if (err == 0)
		err = heph_spawn(ctx, order, &order, { cluster });
	if (err == 0)
		err = heph_cluster_durable(ctx, cluster, order, order, "orders",
					   done, delivery,
					   .redeliver = 2 * HEPH_SEC,
					   .under_way = 256);
	return err;
}

static int app_main(heph_ctx ctx, app_inbox in, struct app_arg *arg)
{
	struct heph_member event;
	heph_cluster cluster;
	store_ref store = { 0 };
	bool serves = !arg->n, has = false;
	int err = join(ctx, arg, &cluster);

	if (err == 0)
		err = heph_cluster_watch(ctx, cluster, heph_self(in));
	if (err == 0)
		err = serves ? begin_serving(ctx, cluster, arg->name, &store) :
			       begin_asking(ctx, cluster, arg->n);
	while (err == 0) {
		err = heph_recv(heph_within(ctx, 100 * HEPH_MSEC), in, &event);
		if (err == 0)
			tell_member(&event, arg->name, &has);
		if (err == 0 || err == -ETIME)
			err = serves ? try_name(ctx, cluster, store, &has) : 0;
	}
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	const struct heph_config config = { .workers = 1 };
	struct app_arg arg;
	int err;

	if (argc < 3)
		return 64;
	arg = (struct app_arg){ argv[1], argv[2], 0 };
	if (argc > 3)
		arg.n = (uint32_t)strtoul(argv[3], NULL, 10);
	err = heph_run(&config, app, arg);
	if (err < 0)
		fprintf(stderr, "member: %s\n", strerror(-err));
	return err < 0;
}

#endif
