/* SPDX-License-Identifier: MIT */
/*
 * echo_heph - an echo server of actors, one for each connection
 *
 * usage: echo_heph [bulk]
 *
 * Straight-line code with a small buffer on its stack; `bulk`: with a large one
 * in the arena of the actor. HEPH_DRIVER chooses the driver. At the end it also
 * prints what the runtime counted.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

enum { SMALL = 512, LARGE = 1 << 14 };

struct conn_arg {
	heph_fd fd;
	size_t size; /* of a large buffer; 0: a small one */
};

HEPH_ACTOR(conn, void, struct conn_arg);

static int echo(heph_ctx ctx, heph_fd fd, char *buf, size_t size)
{
	int n;

	while ((n = heph_read(ctx, fd, buf, size)) > 0) {
		n = heph_write_all(ctx, fd, buf, (size_t)n);
		if (n < 0)
			break;
	}
	return n == -ECANCELED || n == -ECONNRESET || n == -EPIPE ? 0 : n;
}

static int echo_small(heph_ctx ctx, heph_fd fd)
{
	char buf[SMALL];

	return echo(ctx, fd, buf, sizeof(buf));
}

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char *buf;

	if (!arg->size)
		return echo_small(ctx, arg->fd);
	buf = heph_alloc(ctx, arg->size);
	return buf ? echo(ctx, arg->fd, buf, arg->size) : -ENOMEM;
}
HEPH_ACTOR_MAIN(conn, conn_main);

struct server_arg {
	size_t size;
};

HEPH_ACTOR(server, void, struct server_arg);

static void say_numbers(heph_ctx ctx)
{
	struct heph_stats stats = heph_stats(ctx);

	printf("system_calls=%llu sleeps=%llu bounced=%llu displaced=%llu\n",
	       (unsigned long long)stats.system_calls,
	       (unsigned long long)stats.sleeps,
	       (unsigned long long)stats.bounced,
	       (unsigned long long)stats.displaced);
}

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int err;

	server_must(heph_listen(ctx, "127.0.0.1:0", &listener), "listen");
	server_must(heph_local_address(ctx, listener, address), "address");
	server_say_port((unsigned)atoi(strrchr(address, ':') + 1));
	err = heph_serve(ctx, listener, conn, fd, { .size = arg->size });
	say_numbers(ctx);
	return err;
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "echo",
				      .workers = 1,
				      .grace = HEPH_SEC };
	size_t size = argc > 1 && !strcmp(argv[1], "bulk") ? LARGE : 0;

	server_must(heph_run(&config, server, { size }), "run");
	server_say_end();
	return 0;
}
