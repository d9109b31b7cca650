/* SPDX-License-Identifier: MIT */
/* Frames over stream sockets: what peers may send, and who they are. */
#include "wires.h"

#include <heph/remote/tcp.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void run_plain(act_fn *fn, const char *where, size_t frame_max)
{
	struct world *world = calloc(1, sizeof(*world));

	must(world);
	must_be(heph_tcp_plain_new(&world->net.server, frame_max), 0);
	world->net.client = heph_transport_ref(world->net.server);
	world->net.where = where;
	run(fn, world);
	free_net(&world->net);
	free(world);
}

/* ---- what is no frame ---------------------------------------------------------------- */

/* What a peer sends, and what comes of it. */
struct sent {
	const char *bytes;
	size_t size;
	int frames, err; /* so many, then that error */
};

/* Counts frames, and tells what came after them. */
struct counted {
	heph_ref who;
	int frames, err;
};

static int count(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire *wire = arg;
	struct act_msg msg;
	const void *data;
	int n = wire->type->open(ctx, wire), frames = 0;

	while (n >= 0) {
		n = wire->type->recv(ctx, wire, &data);
		frames += n > 0;
	}
	wire->type->close(ctx, wire);
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_answer(msg.answer, frames * 1000L - n);
	return 0;
}

static void send_bytes(heph_ctx ctx, struct world *world, const struct sent *sent,
		       size_t at_a_time)
{
	struct heph_door *door;
	struct heph_wire *wire;
	act_ref counter;
	heph_fd fd;
	long answer;

	must_be(world->net.server->type->listen(ctx, world->net.server,
						world->net.where, &door,
						world->net.door),
		0);
	must_be(heph_connect(ctx, world->net.door, &fd), 0);
	must_be(world->net.server->type->accept(ctx, door, &wire), 0);
	counter = spawn_on(ctx, HEPH_HERE, count, wire);
	for (size_t at = 0, n; at < sent->size; at += n) {
		n = sent->size - at < at_a_time ? sent->size - at : at_a_time;
		if (heph_write_all(ctx, fd, sent->bytes + at, n) < 0)
			break;
		must_be(heph_yield(ctx), 0);
	}
	if (sent->err == -EPROTO) {
		must_be(heph_call(ctx, counter, answer, &answer, { .asks = true }),
			0);
		heph_close(fd);
	} else {
		heph_close(fd);
		must_be(heph_call(ctx, counter, answer, &answer, { .asks = true }),
			0);
	}
	must_be(answer, sent->frames * 1000L - sent->err);
	world->net.server->type->close_door(ctx, door);
}

#define BYTES(text_) (text_), sizeof(text_) - 1

static int hostile(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct sent all[] = {
		{ BYTES(""), 0, -ENODATA },
		{ BYTES("\1\0\0\0x"), 1, -ENODATA },
		{ BYTES("\1\0\0\0x\2\0\0\0yy\3\0\0\0zzz"), 3, -ENODATA },
		{ BYTES("\1\0\0\0x\2\0\0\0y"), 1, -ECONNRESET },
		{ BYTES("\1\0\0\0x\2\0"), 1, -ECONNRESET },
		{ BYTES("\0\0\0\0"), 0, -EPROTO },
		{ BYTES("\1\0\0\0x\0\0\0\0x"), 1, -EPROTO },
		{ BYTES("\xff\xff\xff\xff"), 0, -EPROTO },
		{ BYTES("\xe9\3\0\0"), 0, -EPROTO }, /* 1001 */
		{ BYTES("GET / HTTP/1.1\r\n\r\n"), 0, -EPROTO },
		{ BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), 0, -EPROTO },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (size_t some = 1; some <= 100; some *= 10)
			send_bytes(ctx, arg, &all[i], some);
	return 0;
}

static void what_is_no_frame_is_refused(void **state)
{
	run_plain(hostile, "127.0.0.1:0", 1000);
}

/* A peer that says what it never sends gets no memory for it. */
static int promises(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.server->type;
	struct heph_door *door;
	struct heph_wire *wires[40];
	const void *data;
	heph_fd fds[40];
	struct rusage before, after;

	must_be(type->listen(ctx, world->net.server, world->net.where, &door,
			     world->net.door),
		0);
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < 40; i++) {
		must_be(heph_connect(ctx, world->net.door, &fds[i]), 0);
		must_be(type->accept(ctx, door, &wires[i]), 0);
		must_be(type->open(ctx, wires[i]), 0);
		must_be(heph_write_all(ctx, fds[i], "\0\0\0\4xxxxx", 9), 0);
		must_be(type->recv(heph_within(ctx, HEPH_MSEC), wires[i], &data),
			-ETIME);
	}
	getrusage(RUSAGE_SELF, &after);
	must(after.ru_maxrss - before.ru_maxrss < 32 * 1024); /* KiB */
	for (int i = 0; i < 40; i++) {
		heph_close(fds[i]);
		type->close(ctx, wires[i]);
	}
	type->close_door(ctx, door);
	return 0;
}

static void a_length_alone_takes_no_memory(void **state)
{
	run_plain(promises, "127.0.0.1:0", 64 << 20);
}

/* ---- who the peer is ---------------------------------------------------------------------- */

static int look_at_trust(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.server->type;
	bool far = strncmp(world->net.where, "10.", 3) == 0;
	struct heph_wire *wires[2];
	struct heph_door *door;

	must_be(type->listen(ctx, world->net.server, world->net.where, &door,
			     world->net.door),
		0);
	must_be(type->connect(ctx, world->net.client, world->net.door, &wires[0]),
		0);
	must_be(type->accept(ctx, door, &wires[1]), 0);
	must_be(strcmp(wires[0]->where, world->net.door), 0);
	for (int i = 0; i < 2; i++) {
		must_be(type->open(ctx, wires[i]), 0);
		must_be(wires[i]->trust, far ? HEPH_TRUST_NONE : HEPH_TRUST_HOST);
		type->close(ctx, wires[i]);
	}
	type->close_door(ctx, door);
	return 0;
}

static int look_at_trust_of_all(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char *const places[] = { "10.0.0.2:7", "127.0.0.1:0",
					      "[::1]:0", "unix:@here" };
	struct world *world = arg;

	for (int i = 0; i < 4; i++) {
		world->net.where = places[i];
		look_at_trust(ctx, in, world);
	}
	return 0;
}

static void plain_peers_are_trusted_on_this_machine_alone(void **state)
{
	struct world world = { .simulated = true };

	setenv("HEPH_LOG", "off", 0);
	must_be(heph_tcp_plain_new(&world.net.server, 0), 0);
	world.net.client = heph_transport_ref(world.net.server);
	must_be(heph_sim_run(1, NULL, act, { look_at_trust_of_all, &world }), 0);
	free_net(&world.net);
}

/* ---- doors ----------------------------------------------------------------------------------- */

static int use_left_file(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.server->type;
	struct heph_door *door, *other;
	char where[HEPH_WHERE_MAX];

	for (int i = 0; i < 2; i++) {
		must_be(type->listen(ctx, world->net.server, world->net.where,
				     &door, where),
			0);
		must_be(strcmp(where, world->net.where), 0);
		must_be(type->listen(ctx, world->net.server, world->net.where,
				     &other, where),
			-EADDRINUSE);
		type->close_door(ctx, door);
	}
	return 0;
}

static void the_file_of_a_socket_that_nobody_has_is_used_again(void **state)
{
	char dir[] = "/tmp/heph-tcp-XXXXXX", where[100];

	must(mkdtemp(dir));
	snprintf(where, sizeof(where), "unix:%s/socket", dir);
	run_plain(use_left_file, where, 0);
	unlink(where + 5);
	must_be(rmdir(dir), 0);
}

/* A file that is none stays. */
static int keep_file(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	struct heph_door *door;
	char where[HEPH_WHERE_MAX];

	must_be(world->net.server->type->listen(ctx, world->net.server,
						world->net.where, &door, where),
		-EADDRINUSE);
	return 0;
}

static void a_file_that_is_no_socket_is_in_the_way(void **state)
{
	char path[] = "/tmp/heph-tcp-XXXXXX", where[100];
	struct stat stat;
	int fd = mkstemp(path);

	must(fd >= 0);
	close(fd);
	snprintf(where, sizeof(where), "unix:%s", path);
	run_plain(keep_file, where, 0);
	must_be(lstat(path, &stat), 0);
	must_be(unlink(path), 0);
}

/* Each second connection fails to be accepted, for all that may be. */
static int storm(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(0));
	uint64_t came;
	int err, told = 0;

	for (uint64_t i = 0; i < 30; i++) {
		struct heph_wire *wire;

		err = world->net.client->type->connect(ctx, world->net.client,
						       world->net.door, &wire);
		if (err == 0)
			err = open_end(ctx, &world->end, wire);
		if (err < 0)
			continue;
		told++;
		err = send_number(ctx, &world->end, i, 10);
		if (err == 0)
			err = recv_number(heph_within(ctx, 10 * HEPH_SEC),
					  &world->end, &came);
		must(err == 10 || err == -ENODATA || err == -ECONNRESET ||
		     err == -ESRCH);
		close_end(ctx, &world->end);
	}
	must(told > 0);
	must(heph_alive(server));
	stop_and_join(ctx, server);
	return 0;
}

static void a_door_outlives_errors_of_accepting(void **state)
{
	struct heph_sim_options options = {
		.faults = { .accept_error = 0.5, .accept_end = 0.5 }
	};
	struct world world = { .simulated = true };

	setenv("HEPH_LOG", "off", 0);
	for (uint64_t seed = 1; seed <= 5; seed++) {
		must_be(heph_tcp_plain_new(&world.net.server, 0), 0);
		world.net.client = heph_transport_ref(world.net.server);
		world.net.where = "10.0.0.2:7";
		must_be(heph_sim_run(seed, &options, act, { storm, &world }), 0);
		free_net(&world.net);
	}
}

static void configurations_that_cannot_be(void **state)
{
	struct heph_transport *transport;

	assert_int_equal(heph_tcp_plain_new(&transport, (64 << 20) + 1), -EINVAL);
	assert_int_equal(heph_tcp_tls_new(&transport, .frame_max = SIZE_MAX),
			 -EINVAL);
	assert_int_equal(heph_tcp_plain_new(&transport, 0), 0);
	assert_int_equal(heph_tcp_reload(transport), -EINVAL);
	heph_transport_free(transport);
	heph_transport_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_frame_is_refused),
		cmocka_unit_test(a_length_alone_takes_no_memory),
		cmocka_unit_test(plain_peers_are_trusted_on_this_machine_alone),
		cmocka_unit_test(the_file_of_a_socket_that_nobody_has_is_used_again),
		cmocka_unit_test(a_file_that_is_no_socket_is_in_the_way),
		cmocka_unit_test(a_door_outlives_errors_of_accepting),
		cmocka_unit_test(configurations_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
