/* SPDX-License-Identifier: MIT */
/* heph_serve_packets(): an actor for each peer. */
#include "task.h"

struct echo_arg {
	unsigned packets; /* ends after so many; 0: never */
};
HEPH_ACTOR(echo, struct heph_packet, struct echo_arg);

static _Atomic int begun;

static int echo_main(heph_ctx ctx, echo_inbox in, struct echo_arg *arg)
{
	struct heph_packet packet;
	char text[32];
	int err, n, number = ++begun;

	for (unsigned i = 1; (err = heph_recv(ctx, in, &packet)) == 0; i++) {
		n = snprintf(text, sizeof(text), "%d %u%s %.*s", number, i,
			     packet.truncated ? "!" : "",
			     (int)(packet.size < 8 ? packet.size : 8),
			     packet.bytes);
		must_be(heph_packet_answer(ctx, &packet, text, (size_t)n), 0);
		heph_packet_drop(&packet);
		if (i == arg->packets)
			return 0;
	}
	return err;
}
HEPH_ACTOR_MAIN(echo, echo_main, .drop = heph_packet_drop);

static struct {
	const char *address;
	unsigned packets, limit, max;
	struct heph_address at;
	_Atomic bool ready;
	heph_time within;
	int result;
	struct heph_packets_stats stats;
} server;

static int serve(heph_ctx ctx, void *arg)
{
	struct heph_address address;
	heph_fd fd;
	int domain;

	must_be(heph_address_parse(&address, server.address), 0);
	domain = address.storage.ss_family;
	must_be(heph_socket_open(ctx, domain, SOCK_DGRAM, 0, &fd), 0);
	must_be(heph_socket_bind(ctx, fd, &address), 0);
	must_be(heph_socket_local(ctx, fd, &server.at), 0);
	server.ready = true;
	if (server.within)
		ctx = heph_within(ctx, server.within);
	server.result = heph_serve_packets(
		ctx, fd, echo, { .packets = server.packets }, .name = "peer",
		.limit = server.limit, .packet_max = server.max,
		.stats = &server.stats);
	must_be(heph_fd_number(ctx, fd), -EBADF);
	return 0;
}

static task_ref start(heph_ctx ctx, const char *address)
{
	task_ref task;

	server.address = address;
	task = start_task(ctx, serve, NULL);
	while (!server.ready)
		sched_yield();
	return task;
}

/* Forgets the server of before. */
static void reset(void)
{
	memset(&server, 0, sizeof(server));
	begun = 0;
}

static heph_fd client(heph_ctx ctx)
{
	struct heph_address any = { 0 };
	const char *text = server.at.storage.ss_family == AF_UNIX ? "unix:" :
			   server.at.storage.ss_family == AF_INET ?
								    "127.0.0.1:0" :
								    "[::1]:0";
	heph_fd fd;

	must_be(heph_address_parse(&any, text), 0);
	must_be(heph_socket_open(ctx, any.storage.ss_family, SOCK_DGRAM, 0,
				 &fd),
		0);
	must_be(heph_socket_bind(ctx, fd, &any), 0);
	must_be(heph_socket_connect(ctx, fd, &server.at), 0);
	return fd;
}

static void ask(heph_ctx ctx, heph_fd fd, const char *text, const char *answer)
{
	char buf[64] = { 0 };

	must_be(heph_socket_send(ctx, fd, text, strlen(text), 0),
		strlen(text));
	must(heph_socket_recv(heph_within(ctx, 60 * HEPH_SEC), fd, buf,
			      sizeof(buf) - 1, 0) > 0);
	if (strcmp(buf, answer) != 0)
		fprintf(stderr, "'%s', not '%s'\n", buf, answer);
	must(strcmp(buf, answer) == 0);
}

static struct heph_packets_stats counted(void)
{
	return heph_packets_stats(&server.stats);
}

static void in_runtime(void (*fn)(heph_ctx))
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	int fds = count_fds();
	heph_ctx ctx;

	assert_int_equal(heph_new(&ctx, &config), 0);
	fn(ctx);
	heph_free(ctx);
	assert_int_equal(count_fds(), fds);
}

static void end(heph_ctx ctx, task_ref task)
{
	heph_stop(task);
	end_task(ctx, task);
	must_be(server.result, 0);
}

static void two_peers(heph_ctx ctx, const char *address)
{
	task_ref task;
	heph_fd a, b;

	reset();
	server.max = 16;
	task = start(ctx, address);
	a = client(ctx);
	b = client(ctx);
	ask(ctx, a, "hello", "1 1 hello");
	ask(ctx, b, "hi", "2 1 hi");
	ask(ctx, a, "again", "1 2 again");
	ask(ctx, a, "", "1 3 ");
	ask(ctx, b, "more than sixteen bytes", "2 2! more tha");
	must_be(heph_stats(ctx).actors, 4);
	must_be(counted().received, 5);
	must_be(counted().spawned, 2);
	heph_close(a);
	heph_close(b);
	end(ctx, task);
}

static void peers(heph_ctx ctx)
{
	two_peers(ctx, "127.0.0.1:0");
	two_peers(ctx, "[::1]:0");
	two_peers(ctx, "unix:");
}

static void each_peer_has_an_actor(void **state)
{
	in_runtime(peers);
}

/* An actor for each packet, and many peers: the table must forget those. */
static void short_lives(heph_ctx ctx)
{
	task_ref task;
	char text[32];
	heph_fd fd;

	reset();
	server.packets = 1;
	task = start(ctx, "127.0.0.1:0");
	for (int i = 1; i <= 400; i++) {
		fd = client(ctx);
		snprintf(text, sizeof(text), "%d 1 x", 2 * i - 1);
		ask(ctx, fd, "x", text);
		while (heph_stats(ctx).actors > 2)
			sched_yield();
		snprintf(text, sizeof(text), "%d 1 y", 2 * i);
		ask(ctx, fd, "y", text);
		heph_close(fd);
	}
	must_be(counted().spawned, 800);
	end(ctx, task);
}

static void actors_may_end(void **state)
{
	in_runtime(short_lives);
}

static void full(heph_ctx ctx)
{
	task_ref task;
	heph_fd a, b;

	reset();
	server.limit = 1;
	server.packets = 2;
	task = start(ctx, "127.0.0.1:0");
	a = client(ctx);
	b = client(ctx);
	ask(ctx, a, "x", "1 1 x");
	must_be(heph_socket_send(ctx, b, "x", 1, 0), 1);
	while (counted().refused == 0)
		sched_yield();
	ask(ctx, a, "y", "1 2 y");
	while (heph_stats(ctx).actors > 2)
		sched_yield();
	ask(ctx, b, "z", "2 1 z");
	heph_close(a);
	heph_close(b);
	end(ctx, task);
}

static void has_a_limit(void **state)
{
	in_runtime(full);
}

static void ends(heph_ctx ctx)
{
	task_ref task;

	reset();
	server.within = HEPH_MSEC;
	task = start(ctx, "127.0.0.1:0");
	end_task(ctx, task);
	must_be(server.result, -ETIME);
}

static void a_deadline_ends_it(void **state)
{
	in_runtime(ends);
}

static int wrong(heph_ctx ctx, void *arg)
{
	struct heph_packet packet = { 0 };
	heph_fd none = { 0 }, stream = listen_somewhere(ctx), file, fd;

	must_be(heph_serve_packets(ctx, none, echo), -EBADF);
	must_be(heph_serve_packets(ctx, stream, echo), -EINVAL);
	file = adopt(ctx, open("/dev/null", O_RDWR | O_CLOEXEC));
	must_be(heph_serve_packets(ctx, file, echo), -ENOTSOCK);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_DGRAM, 0, &fd), 0);
	must_be(heph_serve_packets(ctx, fd, echo, .packet_max = 65536), -EINVAL);
	must_be(heph_serve_packets(ctx, fd, echo, .detached = true), -EINVAL);
	must(heph_fd_number(ctx, fd) >= 0);
	packet.via = fd;
	must_be(heph_packet_answer(ctx, &packet, "x", 1), -EBADF);
	return 0;
}

static void refuses_what_cannot_be(void **state)
{
	run_task(wrong);
	run_thread_once(wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_peer_has_an_actor),
		cmocka_unit_test(actors_may_end),
		cmocka_unit_test(has_a_limit),
		cmocka_unit_test(a_deadline_ends_it),
		cmocka_unit_test(refuses_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
