/* SPDX-License-Identifier: MIT */
/* Nodes that find no memory: whatever is refused, nothing hangs, nothing is left,
 * and when there is memory again they meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include <heph/remote/node.h>
#include <heph/remote/sim.h>
#include <heph/remote/transport.h>
#include <heph/sim.h>

#include "remote/frame.h"
#include "remote/mem.h"

enum { LEAST = 30, ENOUGH = 2000 }; /* allocations of all that is done */

static struct heph_transport *net;
static long fails_at; /* the allocation that is refused, and all after it */
static bool met_at_once;

struct nodes_arg {
	char unused;
};
HEPH_ACTOR(nodes, struct heph_node_event, struct nodes_arg);

static heph_ctx soon(heph_ctx ctx)
{
	return heph_within(ctx, 3 * HEPH_SEC);
}

/* Whatever becomes of it. */
static bool meet(heph_ctx ctx, heph_node a, heph_node b, nodes_inbox in)
{
	heph_node_watcher_ref watcher = { { .addr = heph_self(in).addr } };
	struct heph_peer_info infos[2];
	struct heph_node_stats stats;
	heph_time trip;

	return heph_node_watch(soon(ctx), a, watcher) == 0 &&
	       heph_node_listen(soon(ctx), a, net, "at-a", NULL) == 0 &&
	       heph_node_connect(soon(ctx), b, net, "at-a", "a") == 0 &&
	       heph_node_ping(soon(ctx), b, "a", &trip) == 0 &&
	       heph_node_stats(soon(ctx), a, &stats) == 0 &&
	       heph_node_peers(soon(ctx), a, infos, 2) == 1;
}

/* With memory they meet, whatever had been refused before. */
static void meet_at_last(heph_ctx ctx, heph_node a, heph_node b)
{
	heph_ctx later = heph_within(ctx, 100 * HEPH_SEC);
	heph_time trip;
	int err;

	err = heph_node_listen(later, a, net, "at-a", NULL);
	heph_check(ctx, err == 0 || err == -EADDRINUSE);
	err = heph_node_connect(later, b, net, "at-a", "a");
	heph_check(ctx, err == 0 || err == -EEXIST);
	while ((err = heph_node_ping(later, b, "a", &trip)) != 0)
		heph_check(ctx, (err == -ENOTCONN || err == -EHOSTDOWN) &&
					heph_sleep(later, HEPH_MSEC) == 0);
}

static int nodes_main(heph_ctx ctx, nodes_inbox in, struct nodes_arg *arg)
{
	heph_node a = { { 0 } }, b = { { 0 } };
	bool started;

	(void)arg;
	heph_remote_mem_fail_after(fails_at);
	started = heph_node_start(ctx, &a, .name = "a") == 0 &&
		  heph_node_start(ctx, &b, .name = "b") == 0 &&
		  heph_yield(ctx) == 0;
	met_at_once = started && meet(ctx, a, b, in);
	heph_remote_mem_fail_after(-1);
	if (started && heph_alive(a) && heph_alive(b))
		meet_at_last(ctx, a, b);
	if (a.addr.id)
		heph_check(ctx, heph_node_stop(ctx, a) == 0);
	if (b.addr.id)
		heph_check(ctx, heph_node_stop(ctx, b) == 0);
	return 0;
}
HEPH_ACTOR_MAIN(nodes, nodes_main);

static void run_worlds(bool datagrams)
{
	met_at_once = false;
	for (fails_at = 1; !met_at_once; fails_at++) {
		int err;

		assert_true(fails_at < ENOUGH);
		assert_int_equal(heph_sim_net_new(&net, .seed = 1,
						  .datagrams = datagrams),
				 0);
		err = heph_sim_run(1, NULL, nodes);
		heph_transport_free(net);
		if (err < 0 || heph_remote_mem_used())
			fprintf(stderr, "allocation %ld: %d\n", fails_at, err);
		assert_int_equal(err, 0);
		assert_int_equal(heph_remote_mem_used(), 0);
	}
	assert_true(fails_at > LEAST);
}

static void streams_without_memory(void **state)
{
	(void)state;
	run_worlds(false);
}

static void datagrams_without_memory(void **state)
{
	(void)state;
	run_worlds(true);
}

/* ---- what waits for somebody ---------------------------------------------------------- */

enum { PINGS = 200 };

HEPH_ACTOR(impatient, void, void);

/* Who gives up waiting for a peer that is away leaves nothing there. */
static int impatient_main(heph_ctx ctx)
{
	heph_node a, b;
	heph_time trip;
	size_t used = 0;

	heph_check(ctx, heph_node_start(ctx, &a, .name = "a") == 0);
	heph_check(ctx, heph_node_start(ctx, &b, .name = "b",
					.patience = HEPH_NEVER,
					.silence = HEPH_SEC) == 0);
	heph_check(ctx, heph_node_listen(ctx, a, net, "at-a", NULL) == 0);
	heph_check(ctx, heph_node_connect(ctx, b, net, "at-a", "a") == 0);
	heph_check(ctx, heph_sim_net_cut(net, NULL, NULL, true) == 0);
	heph_check(ctx, heph_sleep(ctx, 60 * HEPH_SEC) == 0);
	for (int i = 0; i < PINGS; i++) {
		heph_check(ctx, heph_node_ping(heph_within(ctx, HEPH_MSEC), b,
					       "a", &trip) == -ETIME);
		if (i == 0)
			used = heph_remote_mem_used();
	}
	heph_check(ctx, heph_remote_mem_used() < used + PINGS / 2);
	heph_check(ctx, heph_node_stop(ctx, b) == 0);
	heph_check(ctx, heph_node_stop(ctx, a) == 0);
	return 0;
}
HEPH_ACTOR_MAIN(impatient, impatient_main);

static void who_gives_up_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(heph_sim_net_new(&net, .seed = 1), 0);
	assert_int_equal(heph_sim_run(1, NULL, impatient), 0);
	heph_transport_free(net);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- one who speaks by hand -------------------------------------------------------------- */

enum { RATE = 1000, SECONDS = 20, PINGS_MOST = 10000, QUEUED = 300 };

HEPH_ACTOR(by_hand, void, void);

static void put_out(heph_ctx ctx, struct heph_wire *wire, struct heph_frame *frame)
{
	struct iovec piece = { frame->data, frame->size };

	heph_check(ctx, wire->type->send(ctx, wire, &piece, 1) == 0);
	heph_frame_free(frame);
}

static enum heph_frame_type take_in(heph_ctx ctx, struct heph_wire *wire,
				    struct heph_frame_view *ret_view)
{
	const void *data;
	int n = wire->type->recv(heph_within(ctx, HEPH_SEC), wire, &data);

	heph_check(ctx, n > 0);
	heph_check(ctx, heph_frame_view(data, (size_t)n, ret_view) == 0);
	return ret_view->type;
}

static struct heph_wire *speak(heph_ctx ctx, uint64_t id)
{
	struct heph_hello hello = { .id = id, .wire = id, .window = 16,
				    .frame_max = 1 << 20 };
	struct heph_ready ready = { 0 };
	struct heph_frame_view view;
	struct heph_frame frame;
	struct heph_wire *wire;

	snprintf(hello.name, sizeof(hello.name), "hand-%d", (int)id);
	heph_check(ctx, net->type->connect(ctx, net, "at-a", &wire) == 0);
	heph_check(ctx, wire->type->open(ctx, wire) == 0);
	heph_check(ctx, wire->type->open_sender(ctx, wire) == 0);
	heph_check(ctx, heph_hello_write(&hello, &frame) == 0);
	put_out(ctx, wire, &frame);
	heph_check(ctx, take_in(ctx, wire, &view) == HEPH_FRAME_HELLO);
	heph_check(ctx, heph_ready_write(&ready, &frame) == 0);
	put_out(ctx, wire, &frame);
	return wire;
}

static void hang_up(heph_ctx ctx, struct heph_wire *wire)
{
	wire->type->close_sender(ctx, wire);
	wire->type->close(ctx, wire);
}

/* The end of the connection, and of the peer. */
static void say_wrong(heph_ctx ctx, uint64_t id, enum heph_frame_type type,
		      size_t size)
{
	struct heph_wire *wire = speak(ctx, id);
	struct heph_frame_view view;
	struct heph_frame frame;

	heph_check(ctx, heph_frame_new(&frame, type, 0, 0, size) == 0);
	memset(heph_frame_body(&frame), 0, size);
	put_out(ctx, wire, &frame);
	while (take_in(ctx, wire, &view) != HEPH_FRAME_GOODBYE)
		;
	heph_check(ctx, view.number == EPROTO);
	hang_up(ctx, wire);
}

/* Returns how many were said before nobody listened any more. */
static unsigned say_much(heph_ctx ctx, struct heph_wire *wire)
{
	heph_ctx soon = heph_within(ctx, SECONDS * HEPH_SEC);
	struct heph_frame frame;
	struct iovec piece;
	unsigned n = 0;
	int err = 0;

	heph_check(ctx, heph_frame_new(&frame, HEPH_FRAME_PING, 0, 0, 8) == 0);
	memset(heph_frame_body(&frame), 0, 8);
	piece = (struct iovec){ frame.data, frame.size };
	while (err == 0 && n++ < PINGS_MOST)
		err = wire->type->send(soon, wire, &piece, 1);
	heph_frame_free(&frame);
	heph_check(ctx, err == 0 || err == -ETIME);
	return n;
}

/* What has no number is bounded as well. */
static int by_hand_main(heph_ctx ctx)
{
	struct heph_wire *wire;
	heph_node a;
	unsigned n;

	heph_check(ctx, heph_node_start(ctx, &a, .name = "a",
					.bytes_per_sec = RATE) == 0);
	heph_check(ctx, heph_node_listen(ctx, a, net, "at-a", NULL) == 0);
	say_wrong(ctx, 1, HEPH_FRAME_ACK, 1);
	say_wrong(ctx, 2, HEPH_FRAME_PING, 7);
	say_wrong(ctx, 3, HEPH_FRAME_PING, 9);
	say_wrong(ctx, 4, HEPH_FRAME_PONG, 9);
	wire = speak(ctx, 5);
	n = say_much(ctx, wire);
	heph_check(ctx, n > SECONDS * RATE / 40);
	heph_check(ctx, n < SECONDS * RATE / 32 + QUEUED);
	hang_up(ctx, wire);
	heph_check(ctx, heph_node_stop(ctx, a) == 0);
	return 0;
}
HEPH_ACTOR_MAIN(by_hand, by_hand_main);

static void what_has_no_number_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(heph_sim_net_new(&net, .seed = 1), 0);
	assert_int_equal(heph_sim_run(1, NULL, by_hand), 0);
	heph_transport_free(net);
	assert_int_equal(heph_remote_mem_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_without_memory),
		cmocka_unit_test(datagrams_without_memory),
		cmocka_unit_test(who_gives_up_leaves_nothing),
		cmocka_unit_test(what_has_no_number_is_bounded),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
