/* SPDX-License-Identifier: MIT */
/*
 * echo.c - an actor per connection, closed after 30 s of silence
 *
 * usage: echo [ADDRESS]
 *
 * Each worker accepts connections of its own and keeps them. SIGINT and
 * SIGTERM ask the actor that main() started to stop, and it asks its children:
 * nobody is accepted any more, connections get some time to finish, and a line
 * that has been read is still echoed.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

enum { LINE = 512 };
#define IDLE (30 * HEPH_SEC)

struct conn_arg {
	heph_fd fd;
};

HEPH_ACTOR(conn, void, struct conn_arg);

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char buf[LINE];
	int n;

	while ((n = heph_read(heph_within(ctx, IDLE), arg->fd, buf,
			      sizeof(buf))) > 0) {
		n = heph_write_all(heph_shield(ctx, IDLE), arg->fd, buf, n);
		if (n < 0)
			break;
	}
	return n == -ETIME ? 0 : n;
}
HEPH_ACTOR_MAIN(conn, conn_main);

struct server_arg {
	const char *address;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int err;

	err = heph_listen_shared(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_serve_on_each(ctx, listener, conn, fd);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "echo", .grace = 5 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:7007";
	int err;

	err = heph_run(&config, server, { address });
	if (err < 0)
		fprintf(stderr, "echo: %s: %s\n", address, strerror(-err));
	return err < 0;
}
