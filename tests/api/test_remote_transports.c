/* SPDX-License-Identifier: MIT */
/* What all transports have in common: the same tests for each of them. */
#include "transports.h"

enum { MANY = 3000, WIRES = 8 };

/* ---- frames ---------------------------------------------------------------------------- */

static int all_sizes(heph_ctx ctx, act_inbox in, void *arg)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 23, 24, 100, 1000, 1199,
					4095, 4096, 4097, 16384, 65531, 65532,
					65533, 65536, 65537, 200000 };
	struct world *world = arg;
	size_t max = world->net.client->frame_max, size;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(1));
	uint64_t number = 0, came, sum;

	connect_end(ctx, &world->net, &world->end);
	for (size_t i = 0; i <= sizeof(sizes) / sizeof(*sizes); i++) {
		size = i < sizeof(sizes) / sizeof(*sizes) ? sizes[i] : max;
		if (size > max)
			continue;
		number = (number + 1) % 256; /* one byte holds it */
		sum = world->end.wire->came;
		must_be(send_number(ctx, &world->end, number, size), 0);
		must_be(recv_number(ctx, &world->end, &came), size);
		must_be(came, number);
		must(world->end.wire->came >= sum + size);
	}
	close_end(ctx, &world->end);
	stop_and_join(ctx, server);
	return 0;
}

static void frames_of_all_sizes_arrive_as_they_were(void **state)
{
	with_all(all_sizes);
}

/* Numbers that came: each once, and in order if the transport keeps it. */
static void check_came(struct world *world, unsigned char *seen, uint64_t n,
		       uint64_t came, uint64_t expected)
{
	must(came < n);
	must_be(seen[came]++, 0);
	if (!world->net.client->type->datagrams)
		must_be(came, expected);
}

/* Datagrams that are too many at a time are lost on their way. */
static int send_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	uint64_t most = world->net.client->type->datagrams ? 32 : MANY;

	for (uint64_t i = 0; i < MANY; i++) {
		while (i - world->came > most)
			if (heph_sleep(ctx, 100 * HEPH_USEC) < 0)
				return -EPIPE;
		if (send_number(ctx, &world->end, i, 8 + i % 97 * 11) < 0)
			return -EPIPE;
	}
	return 0;
}

/* As much as can be in both directions at a time. */
static int flood(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(1)), sender;
	unsigned char *seen = calloc(1, MANY);
	uint64_t came;
	int err = 0;

	connect_end(ctx, &world->net, &world->end);
	sender = spawn_on(ctx, HEPH_HERE, send_many, world);
	for (uint64_t i = 0; i < MANY && err >= 0; i++) {
		err = recv_number(heph_within(ctx, 10 * HEPH_SEC), &world->end,
				  &came);
		if (err >= 0)
			check_came(world, seen, MANY, came, i);
		world->came = i + 1;
	}
	must(err >= 0);
	must_be(heph_join(ctx, sender, NULL), 0);
	close_end(ctx, &world->end);
	stop_and_join(ctx, server);
	free(seen);
	return 0;
}

static void many_frames_both_ways_at_a_time(void **state)
{
	with_all(flood);
}

static int too_large(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(0));
	size_t size = world->net.client->frame_max + 1;
	const struct heph_transport_type *type = world->net.client->type;
	struct iovec frames[2];
	struct heph_wire *wire;
	const void *data;
	char byte = 'x', *large = calloc(1, size);

	must(large);
	frames[0] = (struct iovec){ &byte, 1 };
	frames[1] = (struct iovec){ large, size };
	must_be(type->connect(ctx, world->net.client, world->net.door, &wire), 0);
	must_be(type->open(ctx, wire), 0);
	must_be(type->open_sender(ctx, wire), 0);
	must_be(type->send(ctx, wire, frames, 2), -EMSGSIZE);
	must_be(type->send(ctx, wire, frames, 1), 0);
	must_be(type->recv(ctx, wire, &data), 1);
	must_be(*(const char *)data, 'x');
	must_be(type->recv(heph_within(ctx, 5 * HEPH_MSEC), wire, &data), -ETIME);
	type->close_sender(ctx, wire);
	type->close(ctx, wire);
	stop_and_join(ctx, server);
	free(large);
	return 0;
}

static void a_frame_that_is_too_large_is_refused_and_nothing_sent(void **state)
{
	with_all(too_large);
}

/* ---- several wires ------------------------------------------------------------------------ */

static int client(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	struct end end;
	uint64_t came;

	connect_end(ctx, &world->net, &end);
	for (uint64_t i = 0; i < 50; i++) {
		must_be(send_number(ctx, &end, i * 100, 300), 0);
		must_be(recv_number(ctx, &end, &came), 300);
		must_be(came, i * 100);
	}
	close_end(ctx, &end);
	return 0;
}

static int several(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(0)), clients[WIRES];

	for (int i = 0; i < WIRES; i++)
		clients[i] = spawn_on(ctx, HEPH_WORKER(i % 2), client, world);
	for (int i = 0; i < WIRES; i++)
		must_be(heph_join(ctx, clients[i], NULL), 0);
	stop_and_join(ctx, server);
	return 0;
}

static void a_door_has_many_wires(void **state)
{
	with_all(several);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static int deadlines(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.client->type;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(1));
	struct heph_door *door;
	struct heph_wire *wire;
	char where[HEPH_WHERE_MAX];
	uint64_t came;

	connect_end(ctx, &world->net, &world->end);
	for (int i = 0; i < 3; i++)
		must_be(recv_number(heph_within(ctx, HEPH_MSEC), &world->end,
				    &came),
			-ETIME);
	must_be(send_number(ctx, &world->end, 7, 100), 0);
	must_be(recv_number(ctx, &world->end, &came), 100);
	must_be(came, 7);
	close_end(ctx, &world->end);
	stop_and_join(ctx, server);
	must_be(type->listen(ctx, world->net.server, world->net.where, &door,
			     where),
		0);
	must_be(type->accept(heph_within(ctx, HEPH_MSEC), door, &wire), -ETIME);
	type->close_door(ctx, door);
	return 0;
}

static void waiting_ends_at_a_deadline_and_nothing_is_lost(void **state)
{
	with_all(deadlines);
}

static int receive_only(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	uint64_t came;
	int err;

	connect_end(ctx, &world->net, &world->end);
	world->came = 1;
	err = recv_number(ctx, &world->end, &came);
	close_end(ctx, &world->end);
	must_be(err, -ECANCELED);
	return 0;
}

static int stops(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(1));
	act_ref who = spawn_on(ctx, HEPH_WORKER(0), receive_only, world);

	while (!world->came) /* it is on this worker */
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	stop_and_join(ctx, who);
	stop_and_join(ctx, server);
	return 0;
}

static void a_stop_ends_waiting(void **state)
{
	with_all(stops);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static int hang_up(heph_ctx ctx, act_inbox in, void *arg)
{
	struct end end;
	uint64_t came;

	must_be(open_end(ctx, &end, arg), 0);
	must_be(recv_number(ctx, &end, &came), 50);
	must_be(send_number(ctx, &end, came + 1, 60), 0);
	must_be(recv_number(ctx, &end, &came), 50);
	close_end(ctx, &end);
	return 0;
}

/* It is told, if it is a stream, after what was sent before. */
static int peer_ends(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	bool datagrams = world->net.client->type->datagrams;
	uint64_t came;
	act_ref server;
	int err;

	world->serving = (struct serving){ .net = &world->net, .fn = hang_up };
	server = serve(ctx, &world->serving, HEPH_WORKER(1));
	connect_end(ctx, &world->net, &world->end);
	must_be(send_number(ctx, &world->end, 1, 50), 0);
	must_be(recv_number(ctx, &world->end, &came), 60);
	must_be(came, 2);
	must_be(send_number(ctx, &world->end, 3, 50), 0);
	err = recv_number(heph_within(ctx, (datagrams ? 20 : 10000) * HEPH_MSEC),
			  &world->end, &came);
	if (err != -ENODATA && err != -ECONNRESET && !(datagrams && err == -ETIME))
		must_be(err, -ENODATA);
	close_end(ctx, &world->end);
	stop_and_join(ctx, server);
	return 0;
}

static void the_end_of_the_peer_is_told(void **state)
{
	with_all(peer_ends);
}

/* Nobody there, and nobody any more: in either step, but soon. */
static int nobody(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.client->type;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(0));
	struct heph_wire *wire;
	heph_ctx soon;
	int err;

	stop_and_join(ctx, server);
	soon = heph_within(ctx, type->datagrams ? 200 * HEPH_MSEC : 20 * HEPH_SEC);
	err = type->connect(soon, world->net.client, world->net.door, &wire);
	if (err == 0) {
		err = type->open(soon, wire);
		type->close(ctx, wire);
	}
	must(err < 0 && err != -ECANCELED);
	/* A broker may not have heard yet that the door is closed. */
	if (!type->datagrams && strcmp(type->name, "nats") != 0)
		must(err != -ETIME);
	return 0;
}

static void a_closed_door_refuses(void **state)
{
	with_all(nobody);
}

/* Wires that are never opened, by one side or by both, leave nothing behind. */
static int keep_unopened(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire *wire = arg;

	wire->type->close(ctx, wire);
	return 0;
}

static int unopened(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.client->type;
	struct heph_wire *wire;
	act_ref server;

	world->serving = (struct serving){ .net = &world->net,
					   .fn = keep_unopened };
	server = serve(ctx, &world->serving, HEPH_WORKER(0));
	for (int i = 0; i < 5; i++) {
		must_be(type->connect(ctx, world->net.client, world->net.door,
				      &wire),
			0);
		type->close(ctx, wire);
	}
	stop_and_join(ctx, server);
	return 0;
}

static void wires_that_nobody_opens_are_freed(void **state)
{
	with_all(unopened);
}

/* Who waits in the queue when the door closes is not left behind either. */
static int queued(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.client->type;
	struct heph_wire *wires[3] = { NULL };
	struct heph_door *door;
	heph_ctx soon;
	int err;

	must_be(type->listen(ctx, world->net.server, world->net.where, &door,
			     world->net.door),
		0);
	for (int i = 0; i < 3; i++)
		must_be(type->connect(ctx, world->net.client, world->net.door,
				      &wires[i]),
			0);
	type->close_door(ctx, door);
	soon = heph_within(ctx, 50 * HEPH_MSEC);
	for (int i = 0; i < 3; i++) {
		const void *data;

		err = type->open(soon, wires[i]);
		if (err == 0)
			err = type->recv(soon, wires[i], &data);
		must(err < 0);
		type->close(ctx, wires[i]);
	}
	return 0;
}

static void a_door_closes_on_those_who_wait(void **state)
{
	with_all(queued);
}

static int bad_places(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	const struct heph_transport_type *type = world->net.client->type;
	char where[HEPH_WHERE_MAX], large[HEPH_WHERE_MAX + 10];
	struct heph_door *door;
	struct heph_wire *wire;

	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = 0;
	must(type->listen(ctx, world->net.server, "", &door, where) < 0);
	must(type->listen(ctx, world->net.server, large, &door, where) < 0);
	must(type->connect(ctx, world->net.client, "", &wire) < 0);
	must(type->connect(ctx, world->net.client, large, &wire) < 0);
	return 0;
}

static void bad_addresses_are_refused(void **state)
{
	with_all(bad_places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_all_sizes_arrive_as_they_were),
		cmocka_unit_test(many_frames_both_ways_at_a_time),
		cmocka_unit_test(a_frame_that_is_too_large_is_refused_and_nothing_sent),
		cmocka_unit_test(a_door_has_many_wires),
		cmocka_unit_test(waiting_ends_at_a_deadline_and_nothing_is_lost),
		cmocka_unit_test(a_stop_ends_waiting),
		cmocka_unit_test(the_end_of_the_peer_is_told),
		cmocka_unit_test(a_closed_door_refuses),
		cmocka_unit_test(wires_that_nobody_opens_are_freed),
		cmocka_unit_test(a_door_closes_on_those_who_wait),
		cmocka_unit_test(bad_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
