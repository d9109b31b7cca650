/* SPDX-License-Identifier: MIT */
/*
 * embed.h - a program around a foreign loop, the same for every loop
 *
 * An echo server runs in the embedded runtime and a client in a thread of its
 * own, while the loop has a timer and a descriptor besides. A test brings the
 * loop: it calls scene_run() when the descriptor of heph_embed_fd() is readable,
 * scene_tick() each millisecond, scene_input() when scene.pipe[0] is readable,
 * and ends when scene.over is set.
 */
#ifndef TEST_EMBED_H
#define TEST_EMBED_H

#include "act.h"

#include <heph/embed.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 200, SIZE = 100, SLEEPS = 5 };

struct scene {
	struct heph_embed *embed;
	int pipe[2];
	unsigned runs, ticks;
	bool heard, over;
	unsigned slept;
	int port;
};

static struct scene scene;

struct echo_arg {
	heph_fd fd;
};
HEPH_ACTOR(echo, void, struct echo_arg);
HEPH_ACTOR(server, void, struct echo_arg);

static int echo_main(heph_ctx ctx, struct echo_arg *arg)
{
	char buf[SIZE];
	int n;

	while ((n = heph_read(ctx, arg->fd, buf, sizeof(buf))) > 0) {
		n = heph_write_all(ctx, arg->fd, buf, (size_t)n);
		if (n < 0)
			break;
	}
	return n;
}
HEPH_ACTOR_MAIN(echo, echo_main);

static int server_main(heph_ctx ctx, struct echo_arg *arg)
{
	return heph_serve(ctx, arg->fd, echo, fd, { .fd = { 0, 0 } });
}
HEPH_ACTOR_MAIN(server, server_main);

UNUSED static int sleeper(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_time until;

	(void)in, (void)arg;
	for (; scene.slept < SLEEPS; scene.slept++) {
		until = heph_now() + 3 * HEPH_MSEC;
		must_be(heph_sleep(ctx, 3 * HEPH_MSEC), 0);
		must(heph_now() >= until);
	}
	return 0;
}

static void exchange(int fd)
{
	char out[SIZE], in[SIZE];

	for (int n = 0; n < ROUNDS; n++) {
		memset(out, 'a' + n % 26, SIZE);
		must_be(send(fd, out, SIZE, 0), SIZE);
		must_be(recv_whole(fd, in, SIZE), SIZE);
		must(memcmp(in, out, SIZE) == 0);
	}
}

static void *be_client(void *arg)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)scene.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)arg;
	must_be(connect(fd, (const struct sockaddr *)&address, sizeof(address)),
		0);
	exchange(fd);
	close(fd);
	must_be(write(scene.pipe[1], "x", 1), 1);
	return NULL;
}

/* ---- what the loop calls ----------------------------------------------------- */

static void decide(void)
{
	scene.over = scene.heard && scene.ticks >= 3 && scene.slept == SLEEPS;
}

/* What heph_embed_run() returns is not needed: the descriptor tells. */
static void scene_run(void)
{
	scene.runs++;
	must(heph_embed_run(scene.embed) >= 0);
	decide();
}

static void scene_tick(void)
{
	scene.ticks++;
	decide();
}

static void scene_input(void)
{
	char byte;

	must_be(read(scene.pipe[0], &byte, 1), 1);
	scene.heard = true;
	decide();
}

UNUSED static bool readable(int fd)
{
	struct pollfd it = { .fd = fd, .events = POLLIN };

	return poll(&it, 1, 0) == 1;
}

/* ---- beginning, ending --------------------------------------------------------- */

static void start_server(heph_ctx ctx)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	scene.port = atoi(strrchr(address, ':') + 1);
	must_be(heph_spawn(ctx, server, NULL, { .fd = listener },
			   .give = listener),
		0);
}

static void play(void (*loop)(void))
{
	pthread_t client;
	heph_ctx ctx;

	setenv("HEPH_LOG", "off", 0);
	scene = (struct scene){ 0 };
	must_be(heph_embed_new(&scene.embed, NULL), 0);
	ctx = heph_embed_ctx(scene.embed);
	must_be(pipe(scene.pipe), 0);
	start_server(ctx);
	spawn_on(ctx, HEPH_HERE, sleeper, NULL);
	must_be(pthread_create(&client, NULL, be_client, NULL), 0);
	loop();
	must_be(pthread_join(client, NULL), 0);
	must(scene.runs > 0);
	heph_embed_free(scene.embed);
	close(scene.pipe[0]);
	close(scene.pipe[1]);
}

#endif
