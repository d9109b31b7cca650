/* SPDX-License-Identifier: MIT */
/*
 * remote_counter.c - the same two actors in one process, or in two
 *
 * usage: remote_counter
 *        remote_counter serve ADDRESS
 *        remote_counter use ADDRESS
 *
 * Without arguments both actors run here. "serve" has the counter alone, and
 * "use" its user; ADDRESS is "unix:/tmp/counter.sock" or "127.0.0.1:7000". The
 * functions of the two actors know nothing of that.
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE (10 * HEPH_SEC)

/* ---- the counter, and how its messages travel -------------------------------------- */

struct counter_msg {
	enum { COUNTER_ADD, COUNTER_TOTAL } kind;
	union {
		int64_t add;
		HEPH_REPLY(int64_t) total;
	};
};
HEPH_CODEC(counter_msg, struct counter_msg,
	   HEPH_FIELD(kind, .max = COUNTER_TOTAL),
	   HEPH_FIELD(add, HEPH_CASE(kind, COUNTER_ADD)),
	   HEPH_FIELD_REPLY(total, HEPH_CASE(kind, COUNTER_TOTAL)));
HEPH_ACTOR(counter, struct counter_msg, void);
HEPH_REMOTE(counter, counter_msg);

static int counter_main(heph_ctx ctx, counter_inbox in)
{
	struct counter_msg msg;
	int64_t total = 0;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		switch (msg.kind) {
		case COUNTER_ADD:
			total += msg.add;
			break;
		case COUNTER_TOTAL:
			heph_answer(msg.total, total);
			break;
		}
	}
	return err;
}
HEPH_ACTOR_MAIN(counter, counter_main);

/* ---- its user ----------------------------------------------------------------------- */

struct user_arg {
	counter_ref counter;
};
HEPH_ACTOR(user, void, struct user_arg);

static int user_main(heph_ctx ctx, struct user_arg *arg)
{
	int64_t total;
	int err = 0;

	for (int n = 1; err == 0 && n <= 10; n++)
		err = heph_send(ctx, arg->counter,
				{ .kind = COUNTER_ADD, .add = n });
	if (err == 0)
		err = heph_call(heph_within(ctx, PATIENCE), arg->counter, total,
				&total, { .kind = COUNTER_TOTAL });
	if (err == 0)
		printf("the total is %lld\n", (long long)total);
	return err;
}
HEPH_ACTOR_MAIN(user, user_main);

/* ---- here, or there ----------------------------------------------------------------- */

/* Whoever may open the socket may use it: for machines of one user. */
static int plain(struct heph_transport **ret_transport)
{
	return heph_tcp_plain_new(ret_transport, 0);
}

/* The counter gets a name, and others may come in. Until a SIGINT or SIGTERM. */
static int serve(heph_ctx ctx, counter_ref counter, const char *address)
{
	struct heph_transport *transport = NULL;
	char where[HEPH_WHERE_MAX];
	heph_node node;
	int err = heph_node_start(ctx, &node, .name = "counters");

	if (err == 0)
		err = plain(&transport);
	if (err == 0)
		err = heph_node_export(ctx, node, counter, counter, "visits");
	if (err == 0)
		err = heph_node_listen(ctx, node, transport, address, where);
	heph_transport_free(transport);
	if (err < 0)
		return err;
	printf("listening on %s\n", where);
	fflush(stdout);
	return heph_sleep(ctx, HEPH_NEVER);
}

static int find(heph_ctx ctx, const char *address, counter_ref *ret_counter)
{
	struct heph_transport *transport = NULL;
	heph_node node;
	int err = heph_node_start(ctx, &node, .name = "users");

	ctx = heph_within(ctx, PATIENCE);
	if (err == 0)
		err = plain(&transport);
	if (err == 0)
		err = heph_node_connect(ctx, node, transport, address,
					"counters");
	heph_transport_free(transport);
	return err < 0 ? err :
			 heph_node_whereis(ctx, node, "counters", counter,
					   "visits", ret_counter);
}

static int use(heph_ctx ctx, counter_ref counter)
{
	struct heph_exit exit;
	user_ref user;
	int err = heph_spawn(ctx, user, &user, { counter });

	if (err == 0)
		err = heph_join(ctx, user, &exit);
	return err < 0 ? err : exit.err;
}

/* ---- the program -------------------------------------------------------------------- */

struct app_arg {
	const char *what, *address; /* NULL: all here */
};
HEPH_ACTOR(app, void, struct app_arg);

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	bool uses = arg->what && strcmp(arg->what, "use") == 0;
	counter_ref counter;
	int err;

	if (uses)
		err = find(ctx, arg->address, &counter);
	else
		err = heph_spawn(ctx, counter, &counter);
	if (err < 0)
		return err;
	if (arg->what && !uses)
		return serve(ctx, counter, arg->address);
	return use(ctx, counter);
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	int err;

	if (argc != 1 && (argc != 3 || (strcmp(argv[1], "serve") != 0 &&
					strcmp(argv[1], "use") != 0))) {
		fprintf(stderr, "usage: remote_counter [serve|use ADDRESS]\n");
		return 2;
	}
	err = argc == 1 ? heph_run(NULL, app, { NULL, NULL }) :
			  heph_run(NULL, app, { argv[1], argv[2] });
	if (err < 0)
		fprintf(stderr, "remote_counter: %s\n", strerror(-err));
	return err < 0;
}
