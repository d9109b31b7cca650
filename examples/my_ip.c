/* SPDX-License-Identifier: MIT */
/*
 * my_ip.c - a TCP server that tells each caller its IP address
 *
 * usage: my_ip [ADDRESS]
 *
 * Try it with: nc 127.0.0.1 7890
 */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

struct conn_arg {
	heph_fd fd;
};

HEPH_ACTOR(conn, void, struct conn_arg);

/* "192.0.2.1:5000" becomes "192.0.2.1", "[2001:db8::1]:5000" "2001:db8::1". */
static const char *without_port(char *address)
{
	char *port = strrchr(address, ':');

	if (port)
		*port = '\0';
	if (address[0] != '[')
		return address;
	address[strcspn(address, "]")] = '\0';
	return address + 1;
}

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	const char *ip;
	int err;

	err = heph_peer_address(ctx, arg->fd, address);
	if (err < 0)
		return err;
	ip = without_port(address);
	return heph_write_all(heph_within(ctx, 10 * HEPH_SEC), arg->fd, ip,
			      strlen(ip));
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

	err = heph_listen(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_serve(ctx, listener, conn, fd);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "my_ip", .grace = 5 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:7890";
	int err;

	err = heph_run(&config, server, { address });
	if (err < 0)
		fprintf(stderr, "my_ip: %s: %s\n", address, strerror(-err));
	return err < 0;
}
