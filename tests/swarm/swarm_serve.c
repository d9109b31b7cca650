/* SPDX-License-Identifier: MIT */
/*
 * swarm_serve.c - servers under storms of connections
 *
 * Clients come in waves, and do what clients do: talk and say goodbye, leave in
 * the middle of a word, end their half and listen on, say nothing, leave without
 * reading. Some are stopped. The server is stopped and started again, in the
 * middle of it. What an echo brings back is what was sent; and at the end
 * nothing is left, not a descriptor, not an operation: the run itself looks.
 */
#include "swarm.h"

#include <sys/socket.h>

#define ADDRESS "10.0.0.2:7000"

enum { CLIENTS = 30, TALK = 5000, WAVES = 4 };

/* ---- the server ------------------------------------------------------------------- */

struct echo_arg {
	heph_fd fd;
};
HEPH_ACTOR(echo, void, struct echo_arg);

static int echo_main(heph_ctx ctx, struct echo_arg *arg)
{
	char buf[1000];
	int n;

	while ((n = heph_read(heph_within(ctx, 10 * HEPH_SEC), arg->fd, buf,
			      sizeof(buf))) > 0) {
		n = heph_write_all(heph_within(ctx, 10 * HEPH_SEC), arg->fd, buf,
				   (size_t)n);
		if (n < 0)
			break;
	}
	return n == -ETIME ? 0 : n;
}
HEPH_ACTOR_MAIN(echo, echo_main);

struct server_arg {
	bool on_each;
};
HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	heph_fd listener;
	int err;

	if (arg->on_each)
		err = heph_listen_shared(ctx, ADDRESS, &listener);
	else
		err = heph_listen(ctx, ADDRESS, &listener);
	if (err < 0)
		return err;
	return arg->on_each ? heph_serve_on_each(ctx, listener, echo, fd) :
			      heph_serve(ctx, listener, echo, fd);
}
HEPH_ACTOR_MAIN(server, server_main);

/* ---- the clients ------------------------------------------------------------------- */

HEPH_ACTOR(client, void, void);

/* Sends some, reads some; what comes is what was sent. */
static int talk(heph_ctx ctx, heph_fd fd)
{
	size_t size = 1 + heph_sim_random(ctx, TALK), done = 0;
	char *out = heph_alloc(ctx, size), *in = heph_alloc(ctx, size);
	int err;

	if (!out || !in)
		return -ENOMEM;
	for (size_t n = 0; n < size; n++)
		out[n] = (char)heph_sim_random(ctx, 256);
	err = heph_write_all(ctx, fd, out, size);
	if (err < 0)
		return err;
	err = heph_read_exact(ctx, fd, in, size, &done);
	if (memcmp(in, out, done) != 0)
		heph_sim_fail(ctx, "the echo is another one");
	return err;
}

static int end_half(heph_ctx ctx, heph_fd fd)
{
	char buf[100];
	int n = heph_write_all(ctx, fd, "hello", 5);

	if (n == 0)
		n = heph_shutdown(ctx, fd, SHUT_WR);
	while (n >= 0 && (n = heph_read(ctx, fd, buf, sizeof(buf))) > 0)
		;
	return n;
}

static int leave_early(heph_ctx ctx, heph_fd fd)
{
	char out[TALK] = { 0 };

	return heph_write(ctx, fd, out, sizeof(out));
}

static int say_nothing(heph_ctx ctx, heph_fd fd)
{
	(void)fd;
	return heph_sleep(ctx, (heph_time)heph_sim_random(ctx, 15 * HEPH_SEC));
}

static int client_main(heph_ctx ctx)
{
	static int (*const ways[])(heph_ctx, heph_fd) = { talk, talk, end_half,
							  leave_early,
							  say_nothing };
	int (*way)(heph_ctx, heph_fd) = ways[heph_sim_random(ctx, 5)];
	heph_ctx soon = heph_within(
		ctx, 1 + (heph_time)heph_sim_random(ctx, 20 * HEPH_SEC));
	heph_fd fd;

	if (heph_connect(soon, ADDRESS, &fd) == 0)
		way(soon, fd);
	return 0;
}
HEPH_ACTOR_MAIN(client, client_main);

/* ---- the world ---------------------------------------------------------------------- */

static int wave(heph_ctx ctx)
{
	client_ref clients[CLIENTS];
	static const int places[] = { HEPH_HERE, HEPH_ANY, HEPH_OWN_THREAD };
	int err = 0;

	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_spawn(ctx, client, &clients[n],
				 .on = places[heph_sim_random(ctx, 3)]);
	if (err == 0)
		err = heph_sleep(ctx, (heph_time)heph_sim_random(
					      ctx, 5 * HEPH_SEC));
	for (int n = 0; n < CLIENTS; n++)
		if (!heph_sim_random(ctx, 5))
			heph_stop(clients[n]);
	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_join(ctx, clients[n], NULL);
	return err;
}

/* Halfway, perhaps, another server takes over. */
static int world_main(heph_ctx ctx)
{
	struct server_arg arg = { .on_each = heph_sim_random(ctx, 2) };
	server_ref server;
	int err = heph_spawn(ctx, server, &server, arg);

	for (int n = 0; err == 0 && n < WAVES; n++) {
		err = wave(ctx);
		if (err < 0 || heph_sim_random(ctx, 2))
			continue;
		heph_stop(server);
		err = heph_join(ctx, server, NULL);
		if (err == 0)
			err = heph_spawn(ctx, server, &server, arg);
	}
	heph_stop(server);
	return err;
}
HEPH_ACTOR_MAIN(world, world_main);
