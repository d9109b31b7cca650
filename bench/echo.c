/* SPDX-License-Identifier: MIT */
/*
 * echo_*: `size` clients, each with a TCP connection to a server in the same
 * process, send 64 bytes `n` times and wait for them to come back. With two
 * workers the clients are on one and the server's actors on the other.
 */
#include "bench.h"

#include <string.h>

enum { BYTES = 64 };

struct conn_arg {
	heph_fd fd;
};

HEPH_ACTOR(conn, void, struct conn_arg);

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char buf[BYTES];
	int n;

	while ((n = heph_read(ctx, arg->fd, buf, sizeof(buf))) > 0) {
		n = heph_write_all(ctx, arg->fd, buf, n);
		if (n < 0)
			break;
	}
	return n == -ECANCELED ? 0 : n;
}
HEPH_ACTOR_MAIN(conn, conn_main);

struct server_arg {
	heph_fd listener;
};

HEPH_ACTOR(echo_server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	return heph_serve(ctx, arg->listener, conn, fd);
}
HEPH_ACTOR_MAIN(echo_server, server_main);

struct client_msg {
	char go;
};

struct client_arg {
	struct bench *bench;
	char address[HEPH_ADDRESS_MAX];
};

HEPH_ACTOR(echo_client, struct client_msg, struct client_arg);

static int client_main(heph_ctx ctx, echo_client_inbox in,
		       struct client_arg *arg)
{
	struct bench *bench = arg->bench;
	char buf[BYTES] = { 0 }, back[BYTES];
	struct client_msg msg;
	heph_fd fd;

	bench_must(heph_connect(ctx, arg->address, &fd));
	bench_must(heph_recv(ctx, in, &msg));
	for (uint64_t i = 0; i < bench->n; i++) {
		memcpy(buf, &i, sizeof(i));
		bench_must(heph_write_all(ctx, fd, buf, BYTES));
		bench_must(heph_read_exact(ctx, fd, back, BYTES, NULL));
		bench_check(memcmp(buf, back, BYTES) == 0);
	}
	bench_add(bench, bench->n);
	bench_count_down(bench);
	return 0;
}
HEPH_ACTOR_MAIN(echo_client, client_main);

int bench_echo(heph_ctx ctx, struct bench *bench)
{
	uint64_t size = bench->size, i;
	echo_client_ref *clients = heph_alloc(ctx, size * sizeof(*clients));
	struct client_arg arg = { .bench = bench };
	heph_fd listener;

	bench_check(clients != NULL);
	bench->ops = bench->wanted = bench->n * size;
	bench->left = size;
	bench_extra(bench, "connections=%u bytes=%d", (unsigned)size, BYTES);
	bench_must(heph_listen(ctx, "127.0.0.1:0", &listener));
	bench_must(heph_local_address(ctx, listener, arg.address));
	bench_must(heph_spawn(ctx, echo_server, NULL, { listener },
			      .give = listener, .on = bench_place(bench, 0)));
	for (i = 0; i < size; i++)
		bench_must(heph_spawn(ctx, echo_client, &clients[i], arg,
				      .on = bench_place(bench, 1)));
	bench_settle(ctx);

	bench_start(bench);
	for (i = 0; i < size; i++)
		bench_must(heph_send(ctx, clients[i], { 1 }));
	bench_wait(ctx, bench);
	return 0;
}
