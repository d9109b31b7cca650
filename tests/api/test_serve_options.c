/* SPDX-License-Identifier: MIT */
/* What servers can be told: how many, how fast, whose connection it is. */
#include "task.h"

#include <poll.h>
#include <stdatomic.h>

struct conn_arg {
	heph_fd fd;
	struct heph_address peer;
	bool tell_peer;
};
HEPH_ACTOR(conn, void, struct conn_arg);

static _Atomic int live, most;

static void count_live(void)
{
	int n = ++live, max = most;

	while (n > max && !atomic_compare_exchange_weak(&most, &max, n))
		;
}

static int talk(heph_ctx ctx, const struct conn_arg *arg)
{
	char text[HEPH_ADDRESS_MAX];
	int n;

	if (arg->tell_peer) {
		must_be(heph_address_print(&arg->peer, text), 0);
		must_be(heph_write_all(ctx, arg->fd, text, strlen(text)), 0);
	}
	while ((n = heph_read(ctx, arg->fd, text, sizeof(text))) > 0)
		if (heph_write_all(ctx, arg->fd, text, (size_t)n) < 0)
			break;
	return 0;
}

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	int err;

	count_live();
	err = talk(ctx, arg);
	live--;
	return err;
}
HEPH_ACTOR_MAIN(conn, conn_main);

/* ---- the server -------------------------------------------------------------------- */

static struct {
	const char *address;
	unsigned limit, rate;
	bool tell_peer, each;
	_Atomic int ready;
	char at[HEPH_ADDRESS_MAX];
	struct heph_serve_stats stats;
} server;

static int serve(heph_ctx ctx, void *arg)
{
	heph_fd listener;

	must_be(server.each ?
			heph_listen_shared(ctx, server.address, &listener) :
			heph_listen(ctx, server.address, &listener),
		0);
	must_be(heph_local_address(ctx, listener, server.at), 0);
	server.ready = 1;
	if (server.each)
		must_be(heph_serve_on_each(ctx, listener, conn, fd,
					   { .tell_peer = server.tell_peer },
					   .limit = server.limit,
					   .stats = &server.stats),
			0);
	else if (server.tell_peer)
		must_be(heph_serve(ctx, listener, conn, fd,
				   { .tell_peer = true }, .inbox = 1,
				   .peer = heph_peer_member(conn, peer)),
			0);
	else
		must_be(heph_serve(ctx, listener, conn, fd,
				   .limit = server.limit, .rate = server.rate,
				   .stats = &server.stats),
			0);
	return 0;
}

static struct heph_serve_stats counted(void)
{
	return heph_serve_stats(&server.stats);
}

static task_ref start(heph_ctx ctx)
{
	task_ref task;

	if (!server.address)
		server.address = "127.0.0.1:0";
	task = start_task(ctx, serve, NULL);
	while (!server.ready)
		sched_yield();
	return task;
}

/* Forgets the server of before. */
#define SERVER(...)                                                            \
	do {                                                                   \
		memset(&server, 0, sizeof(server));                            \
		most = 0;                                                      \
		__VA_ARGS__;                                                   \
	} while (0)

static void in_runtime(unsigned workers, uint32_t actors, void (*fn)(heph_ctx))
{
	struct heph_config config = { .workers = workers,
				      .actors = actors,
				      .no_signals = true };
	int fds = count_fds();
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	fn(ctx);
	heph_free(ctx);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(live, 0);
}

static heph_fd client(heph_ctx ctx)
{
	heph_fd fd;

	must_be(heph_connect(ctx, server.at, &fd), 0);
	return fd;
}

static void ask(heph_ctx ctx, heph_fd fd)
{
	must_be(heph_write_all(ctx, fd, "a line\n", 7), 0);
}

static void must_answer(heph_ctx ctx, heph_fd fd)
{
	char buf[7];

	must_be(heph_read_exact(heph_within(ctx, 60 * HEPH_SEC), fd, buf, 7,
				NULL),
		0);
	must_be(memcmp(buf, "a line\n", 7), 0);
}

static void end(heph_ctx ctx, task_ref task)
{
	heph_stop(task);
	end_task(ctx, task);
}

/* ---- how many ----------------------------------------------------------------------- */

static void limited(heph_ctx ctx)
{
	enum { LIMIT = 3, CLIENTS = 40 };
	heph_fd fds[CLIENTS];
	task_ref task;

	SERVER(server.limit = LIMIT);
	task = start(ctx);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = client(ctx);
		ask(ctx, fds[i]);
	}
	for (int i = 0; i < LIMIT; i++)
		must_answer(ctx, fds[i]);
	must_be(poll(&(struct pollfd){ .fd = heph_fd_number(ctx, fds[LIMIT]),
				       .events = POLLIN },
		     1, 20),
		0);
	must_be(counted().accepted, LIMIT);
	for (int i = LIMIT; i < CLIENTS; i++) {
		heph_close(fds[i - LIMIT]);
		must_answer(ctx, fds[i]);
	}
	must_be(counted().accepted, CLIENTS);
	must_be(counted().refused, 0);
	must(counted().full > 0);
	must_be(most, LIMIT);
	for (int i = CLIENTS - LIMIT; i < CLIENTS; i++)
		heph_close(fds[i]);
	end(ctx, task);
}

/* A stop is heard while it accepts no more. */
static void stopped_when_full(heph_ctx ctx)
{
	task_ref task;
	heph_fd fd, late;
	char byte;

	SERVER(server.limit = 1);
	task = start(ctx);
	fd = client(ctx);
	ask(ctx, fd);
	must_answer(ctx, fd);
	late = client(ctx);
	while (!counted().full)
		sched_yield();
	heph_stop(task);
	must_be(heph_read(ctx, late, &byte, 1), -ECONNRESET);
	ask(ctx, fd);
	must_answer(ctx, fd);
	heph_close(fd);
	heph_close(late);
	end_task(ctx, task);
}

/* Each worker has its own. */
static void limited_on_each(heph_ctx ctx)
{
	enum { LIMIT = 2, CLIENTS = 60 };
	heph_fd fds[CLIENTS];
	task_ref task;

	SERVER(server.limit = LIMIT; server.each = true);
	task = start(ctx);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = client(ctx);
		ask(ctx, fds[i]);
		must_be(heph_shutdown(ctx, fds[i], SHUT_WR), 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		must_answer(ctx, fds[i]);
	must(most <= LIMIT * (int)heph_workers(ctx));
	must_be(counted().accepted, CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		heph_close(fds[i]);
	end(ctx, task);
}

static void has_a_limit(void **state)
{
	in_runtime(1, 1000, limited);
	in_runtime(1, 1000, stopped_when_full);
	in_runtime(2, 1000, limited_on_each);
}

/* ---- how fast ------------------------------------------------------------------------- */

static void slow(heph_ctx ctx)
{
	heph_time began = heph_now();
	task_ref task;
	heph_fd fds[3];

	SERVER(server.rate = 2);
	task = start(ctx);
	for (int i = 0; i < 3; i++) {
		fds[i] = client(ctx);
		ask(ctx, fds[i]);
	}
	for (int i = 0; i < 3; i++)
		must_answer(ctx, fds[i]);
	must(heph_now() - began >= HEPH_SEC / 2);
	for (int i = 0; i < 3; i++)
		heph_close(fds[i]);
	end(ctx, task);
	must_be(counted().accepted, 3);
}

static void has_a_rate(void **state)
{
	in_runtime(1, 1000, slow);
}

/* ---- what it counts --------------------------------------------------------------------- */

static void refused(heph_ctx ctx)
{
	task_ref task;
	heph_fd fd, late;
	char byte;

	SERVER();
	task = start(ctx);
	fd = client(ctx);
	ask(ctx, fd);
	must_answer(ctx, fd);
	late = client(ctx);
	must_be(heph_read(ctx, late, &byte, 1), 0);
	must_be(counted().accepted, 2);
	must_be(counted().refused, 1);
	must_be(counted().full, 0);
	heph_close(fd);
	heph_close(late);
	end(ctx, task);
}

static void counts(void **state)
{
	in_runtime(1, 3, refused); /* the task, its server, one connection */
}

/* ---- whose connection it is ---------------------------------------------------------------- */

static void with_peer(heph_ctx ctx, const char *address)
{
	char mine[HEPH_ADDRESS_MAX], told[HEPH_ADDRESS_MAX];
	size_t length;
	task_ref task;
	heph_fd fd;

	SERVER(server.tell_peer = true; server.address = address);
	task = start(ctx);
	for (int i = 0; i < 3; i++) {
		fd = client(ctx);
		must_be(heph_local_address(ctx, fd, mine), 0);
		length = strlen(mine);
		must_be(heph_read_exact(ctx, fd, told, length, NULL), 0);
		must_be(memcmp(mine, told, length), 0);
		ask(ctx, fd);
		must_answer(ctx, fd);
		heph_close(fd);
	}
	end(ctx, task);
}

static void peers(heph_ctx ctx)
{
	char name[HEPH_ADDRESS_MAX];

	with_peer(ctx, "127.0.0.1:0");
	with_peer(ctx, "[::1]:0");
	snprintf(name, sizeof(name), "unix:@heph-%d", (int)getpid());
	with_peer(ctx, name);
}

static void passes_on_whose_it_is(void **state)
{
	in_runtime(1, 1000, peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_limit),
		cmocka_unit_test(has_a_rate),
		cmocka_unit_test(counts),
		cmocka_unit_test(passes_on_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
