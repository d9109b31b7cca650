/* SPDX-License-Identifier: MIT */
/* The network that is none: what it loses, doubles, delays and cuts. */
#include "wires.h"

#include <heph/remote/sim.h>

enum { N = 400 };

/* What came of `N` datagrams, or frames of a stream. */
struct arrived {
	struct world world;
	unsigned char seen[N];
	int frames, doubled, overtaken;
};

static int swallow(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire *wire = arg;
	struct arrived *arrived = NULL;
	struct act_msg msg;
	uint64_t number, last = 0;
	const void *data;
	int n;

	must_be(wire->type->open(ctx, wire), 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	arrived = msg.owned;
	while ((n = wire->type->recv(heph_within(ctx, HEPH_SEC), wire, &data)) > 0) {
		number = number_of(data, (size_t)n);
		must(number < N);
		arrived->frames++;
		arrived->doubled += arrived->seen[number]++;
		arrived->overtaken += number < last;
		last = number;
	}
	wire->type->close(ctx, wire);
	return 0;
}

/* Sends all of them, and waits until nothing more comes; what there is, is in `arg`. */
static int send_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct arrived *arrived = arg;
	struct world *world = &arrived->world;
	const struct heph_transport_type *type = world->net.server->type;
	struct heph_door *door;
	struct heph_wire *wire;
	act_ref other;

	must_be(type->listen(ctx, world->net.server, "there", &door,
			     world->net.door),
		0);
	connect_end(ctx, &world->net, &world->end);
	must_be(type->accept(ctx, door, &wire), 0);
	other = spawn_on(ctx, HEPH_HERE, swallow, wire);
	must_be(heph_send(ctx, other, { .owned = arrived }), 0);
	for (uint64_t i = 0; i < N; i++)
		must_be(send_number(ctx, &world->end, i, 20), 0);
	must_be(heph_join(ctx, other, NULL), 0);
	close_end(ctx, &world->end);
	type->close_door(ctx, door);
	return 0;
}

static void try_all(struct arrived *arrived, const struct heph_sim_net_config *config)
{
	struct world *world = &arrived->world;

	memset(arrived, 0, sizeof(*arrived));
	setenv("HEPH_LOG", "off", 0);
	must_be(heph_raw_sim_net_new(&world->net.server, config), 0);
	world->net.client = heph_transport_ref(world->net.server);
	must_be(heph_sim_run(config->seed, NULL, act, { send_all, arrived }), 0);
	free_net(&world->net);
}

#define CONFIG(...)                                                            \
	&(struct heph_sim_net_config)                                          \
	{                                                                      \
		.size = sizeof(struct heph_sim_net_config), __VA_ARGS__        \
	}

static void datagrams_are_lost_as_often_as_was_said(void **state)
{
	struct arrived arrived;

	try_all(&arrived, CONFIG(.datagrams = true, .lost = 0.25));
	assert_in_range(arrived.frames, N / 2, N - 40);
	assert_int_equal(arrived.doubled + arrived.overtaken, 0);
	try_all(&arrived, CONFIG(.datagrams = true, .lost = 1));
	assert_int_equal(arrived.frames, 0);
}

static void datagrams_are_doubled_and_overtake_each_other(void **state)
{
	struct arrived arrived;

	try_all(&arrived, CONFIG(.datagrams = true, .doubled = 0.2));
	assert_in_range(arrived.doubled, 30, 150);
	assert_int_equal(arrived.frames, N + arrived.doubled);
	assert_int_equal(arrived.overtaken, 0);
	try_all(&arrived, CONFIG(.datagrams = true, .reordered = 0.2));
	assert_int_equal(arrived.frames, N);
	assert_true(arrived.overtaken > 10);
	try_all(&arrived, CONFIG(.datagrams = true, .latency_max = 50 * HEPH_MSEC));
	assert_int_equal(arrived.frames, N);
	assert_true(arrived.overtaken > 10);
}

/* What comes is a beginning of what was sent. */
static void a_stream_has_no_gaps(void **state)
{
	struct arrived arrived;
	int all = 0, none = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		try_all(&arrived, CONFIG(.lost = 0.003, .seed = seed,
					 .latency_max = HEPH_MSEC));
		assert_int_equal(arrived.doubled + arrived.overtaken, 0);
		for (int i = 0; i < N; i++)
			assert_int_equal(arrived.seen[i], i < arrived.frames);
		all += arrived.frames == N;
		none += arrived.frames == 0;
	}
	assert_true(all > 0 && all < 20);
	assert_true(none < 10);
}

static void the_same_seed_gives_the_same(void **state)
{
	struct arrived arrived, again;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		try_all(&arrived, CONFIG(.datagrams = true, .seed = seed,
					 .lost = 0.1, .doubled = 0.1,
					 .latency_max = HEPH_MSEC));
		try_all(&again, CONFIG(.datagrams = true, .seed = seed,
				       .lost = 0.1, .doubled = 0.1,
				       .latency_max = HEPH_MSEC));
		assert_memory_equal(arrived.seen, again.seen, N);
		assert_int_equal(arrived.overtaken, again.overtaken);
	}
}

/* ---- time ----------------------------------------------------------------------------- */

static int measure(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(0));
	heph_time begun = heph_now();
	uint64_t came;

	connect_end(ctx, &world->net, &world->end);
	must(heph_now() - begun >= 2 * 40 * HEPH_MSEC);
	for (int i = 0; i < 10; i++) {
		begun = heph_now();
		must_be(send_number(ctx, &world->end, 1, 10), 0);
		must_be(recv_number(ctx, &world->end, &came), 10);
		must(heph_now() - begun >= 2 * 40 * HEPH_MSEC);
		must(heph_now() - begun < 2 * 60 * HEPH_MSEC + 50 * HEPH_MSEC);
	}
	close_end(ctx, &world->end);
	stop_and_join(ctx, server);
	return 0;
}

static void frames_take_their_time(void **state)
{
	struct world world = { .simulated = true };

	must_be(heph_sim_net_new(&world.net.server, .latency_min = 40 * HEPH_MSEC,
				 .latency_max = 60 * HEPH_MSEC),
		0);
	world.net.client = heph_transport_ref(world.net.server);
	world.net.where = "there";
	must_be(heph_sim_run(1, NULL, act, { measure, &world }), 0);
	free_net(&world.net);
}

/* ---- cuts ------------------------------------------------------------------------------- */

static int cut_and_join(heph_ctx ctx, act_inbox in, void *arg)
{
	struct world *world = arg;
	struct heph_transport *net = world->more;
	act_ref server = serve_echo(ctx, world, HEPH_WORKER(0));
	heph_ctx soon = heph_within(ctx, HEPH_SEC);
	struct heph_wire *wire;
	uint64_t came;

	connect_end(ctx, &world->net, &world->end);
	must_be(heph_sim_net_cut(net, "a", "c", true), 0); /* another one */
	must_be(send_number(ctx, &world->end, 1, 10), 0);
	must_be(recv_number(soon, &world->end, &came), 10);

	must_be(heph_sim_net_cut(net, "b", "a", true), 0);
	must_be(world->net.client->type->connect(soon, world->net.client,
						 "there", &wire),
		-ETIME);
	must_be(world->net.client->type->connect(ctx, world->net.client, "there",
						 &wire),
		-ETIMEDOUT);
	must_be(heph_sim_net_cut(net, NULL, NULL, false), 0);
	must_be(send_number(ctx, &world->end, 2, 10), 0); /* none was lost */
	must_be(recv_number(heph_within(ctx, HEPH_SEC), &world->end, &came), 10);

	must_be(heph_sim_net_cut(net, NULL, "there", true), 0);
	must_be(send_number(ctx, &world->end, 3, 10), 0);
	must_be(recv_number(heph_within(ctx, HEPH_SEC), &world->end, &came),
		-ETIME);
	must_be(heph_sim_net_cut(net, "a", "b", false), 0);
	must_be(send_number(ctx, &world->end, 4, 10), 0); /* one was */
	must_be(recv_number(heph_within(ctx, HEPH_SEC), &world->end, &came),
		-ETIME);
	close_end(ctx, &world->end);

	connect_end(ctx, &world->net, &world->end);
	must_be(send_number(ctx, &world->end, 5, 10), 0);
	must_be(recv_number(ctx, &world->end, &came), 10);
	close_end(ctx, &world->end);
	stop_and_join(ctx, server);
	return 0;
}

static void a_cut_is_silent(void **state)
{
	struct world world = { .simulated = true };
	struct heph_transport *net;

	must_be(heph_sim_net_new(&net), 0);
	must_be(heph_sim_net_at(net, "a", &world.net.client), 0);
	must_be(heph_sim_net_at(net, "b", &world.net.server), 0);
	world.net.where = "there";
	world.more = net;
	must_be(heph_sim_run(1, NULL, act, { cut_and_join, &world }), 0);
	free_net(&world.net);
	heph_transport_free(net);
}

static void configurations_that_cannot_be(void **state)
{
	struct heph_transport *net, *at;

	assert_int_equal(heph_sim_net_new(&net, .lost = 1.1), -EINVAL);
	assert_int_equal(heph_sim_net_new(&net, .doubled = -1), -EINVAL);
	assert_int_equal(heph_sim_net_new(&net, .latency_min = 2,
					  .latency_max = 1),
			 -EINVAL);
	assert_int_equal(heph_sim_net_new(&net, .frame_max = SIZE_MAX), -EINVAL);
	assert_int_equal(heph_sim_net_new(&net), 0);
	assert_int_equal(heph_sim_net_at(net, "", &at), -EINVAL);
	assert_int_equal(heph_sim_net_at(net, NULL, &at), -EINVAL);
	assert_int_equal(heph_sim_net_cut(net, "", NULL, true), -EINVAL);
	heph_transport_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_are_lost_as_often_as_was_said),
		cmocka_unit_test(datagrams_are_doubled_and_overtake_each_other),
		cmocka_unit_test(a_stream_has_no_gaps),
		cmocka_unit_test(the_same_seed_gives_the_same),
		cmocka_unit_test(frames_take_their_time),
		cmocka_unit_test(a_cut_is_silent),
		cmocka_unit_test(configurations_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
