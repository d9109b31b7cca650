/* SPDX-License-Identifier: MIT */
/*
 * main.c - a server that talks like Redis and shares nothing
 *
 * usage: redis [ADDRESS] [WORKERS]
 *
 * Each worker has a store, an actor that owns a part of the keys, and the
 * connections that it accepted, an actor each. There is no lock: a connection
 * sends the stores what it was asked for, in batches, and they send them back
 * with the replies. Nothing is written to disk.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conn.h"
#include "store.h"

enum { STORE_INBOX = 4096 };

struct server_arg {
	const char *address;
};

HEPH_ACTOR(server, void, struct server_arg);

/* A store that fails has lost its keys: better no server than one that says
 * there never were any. */
static enum heph_verdict store_failed(const struct heph_exit *why, void *arg)
{
	(void)why, (void)arg;
	return HEPH_ESCALATE;
}

static int start_stores(heph_ctx ctx, struct shards *shards)
{
	int err = 0;

	if (getrandom(&shards->seed, sizeof(shards->seed), 0) !=
	    sizeof(shards->seed))
		return -EIO;
	for (unsigned i = 0; err == 0 && i < shards->n; i++)
		err = heph_spawn(ctx, store, &shards->stores[i],
				 .on = HEPH_WORKER(i), .inbox = STORE_INBOX,
				 .decide = store_failed);
	return err;
}

/* Says on which port it listens, also when it was asked for any. */
static int listen_on(heph_ctx ctx, const char *address, heph_fd *ret_fd)
{
	char text[HEPH_ADDRESS_MAX];
	int err;

	err = heph_listen_shared(ctx, address, ret_fd);
	if (err == 0)
		err = heph_local_address(ctx, *ret_fd, text);
	if (err < 0)
		return err;
	printf("listening on %s\n", text);
	fflush(stdout);
	return 0;
}

static void report(heph_ctx ctx, const struct shards *shards)
{
	struct store_stats stores = { 0 };
	struct heph_stats stats = heph_stats(ctx);
	int err;

	err = store_stats(heph_shield(ctx, HEPH_NEVER), shards, &stores);
	if (err < 0)
		fprintf(stderr, "redis: the stores: %s\n", strerror(-err));
	printf("actors %llu, messages %llu, restarts %llu, connections %llu, "
	       "commands %llu\n",
	       (unsigned long long)stats.spawned,
	       (unsigned long long)stats.sent,
	       (unsigned long long)stats.restarted,
	       (unsigned long long)stores.connections,
	       (unsigned long long)stores.commands);
}

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	unsigned n = heph_workers(ctx);
	struct shards *shards;
	heph_fd listener;
	int err;

	shards = heph_alloc(ctx, sizeof(*shards) + n * sizeof(store_ref));
	if (!shards)
		return -ENOMEM;
	shards->n = n;
	err = start_stores(ctx, shards);
	if (err == 0)
		err = listen_on(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_serve_on_each(ctx, listener, conn, fd,
					 { .shards = shards }, .inbox = n);
	if (err == 0)
		report(ctx, shards);
	return err;
}
HEPH_ACTOR_MAIN(server, server_main);

/* Reads a number of workers. Returns 0 if it is none. */
static unsigned parse_workers(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *end || n < 1 || n > HEPH_WORKERS_MAX ? 0 : n;
}

int main(int argc, char **argv)
{
	/* A client that keeps silent may hold up the end for half of it. */
	struct heph_config config = { .name = "redis", .grace = 6 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:6379";
	int err;

	if (argc > 2)
		config.workers = parse_workers(argv[2]);
	if (argc > 3 || (argc > 2 && config.workers == 0)) {
		fputs("usage: redis [ADDRESS] [WORKERS]\n", stderr);
		return 2;
	}
	err = heph_run(&config, server, { address });
	if (err < 0)
		fprintf(stderr, "redis: %s: %s\n", address, strerror(-err));
	return err < 0;
}
