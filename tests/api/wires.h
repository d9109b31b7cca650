/* SPDX-License-Identifier: MIT */
/*
 * wires.h - both ends of wires, for tests of what carries frames
 *
 * A frame has its number and a pattern after it. Each end of a wire is an actor, which
 * receives, and its writer, a child that sends what it gets as messages.
 */
#ifndef TEST_WIRES_H
#define TEST_WIRES_H

#include "act.h"

#include <heph/remote/transport.h>

enum { BATCH = 32 };

/* Where wires are made: what a server has and what a client has. */
struct net {
	struct heph_transport *server, *client;
	const char *where;          /* to listen at */
	char door[HEPH_WHERE_MAX]; /* where that has become */
};

/* ---- frames ---------------------------------------------------------------------- */

UNUSED static void fill(unsigned char *data, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++)
		data[i] = i < 8 ? (unsigned char)(number >> (8 * i)) :
				  (unsigned char)(number * 31 + i * 7);
}

/* The number of a frame that is as it was sent. */
UNUSED static uint64_t number_of(const void *frame, size_t size)
{
	const unsigned char *data = frame;
	uint64_t number = 0;

	for (size_t i = 0; i < 8 && i < size; i++)
		number |= (uint64_t)data[i] << (8 * i);
	for (size_t i = 8; i < size; i++)
		if (data[i] != (unsigned char)(number * 31 + i * 7))
			must(!"the frame is as it was sent");
	return number;
}

/* ---- ends of wires ------------------------------------------------------------------- */

struct end {
	struct heph_wire *wire;
	act_ref writer;
};

static int write_batch(heph_ctx ctx, struct heph_wire *wire, act_inbox in,
		       struct act_msg *first)
{
	struct act_msg msg = *first;
	struct iovec frames[BATCH];
	size_t n = 0;
	int err;

	do {
		frames[n].iov_base = msg.owned;
		frames[n++].iov_len = (size_t)msg.n;
	} while (n < BATCH &&
		 heph_try_recv_where(in, &msg, asks, false) == 0);
	err = wire->type->send(ctx, wire, frames, n);
	for (size_t i = 0; i < n; i++)
		free(frames[i].iov_base);
	return err;
}

/* Sends what it gets: memory of `n` bytes. */
UNUSED static int write_frames(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_wire *wire = arg;
	struct act_msg msg;
	int err;

	must_be(wire->type->open_sender(ctx, wire), 0);
	while ((err = heph_recv(ctx, in, &msg)) == 0)
		if (msg.asks)
			heph_answer(msg.answer, 0);
		else if ((err = write_batch(ctx, wire, in, &msg)) < 0)
			break;
	wire->type->close_sender(ctx, wire);
	return err;
}

/* The caller is the one who receives from it from now on. */
UNUSED static int open_end(heph_ctx ctx, struct end *end, struct heph_wire *wire)
{
	int err = wire->type->open(heph_within(ctx, 20 * HEPH_SEC), wire);

	end->wire = wire;
	if (err == 0)
		err = heph_spawn(ctx, act, &end->writer, { write_frames, wire });
	if (err < 0)
		wire->type->close(ctx, wire);
	return err;
}

/* Waits until what was to be sent is sent, or cannot be. */
UNUSED static void flush_end(heph_ctx ctx, struct end *end)
{
	long answer;
	int err = heph_call(ctx, end->writer, answer, &answer, { .asks = true });

	must(err == 0 || err == -ESRCH || err == -EPIPE);
}

UNUSED static void close_end(heph_ctx ctx, struct end *end)
{
	heph_ctx last = heph_shield(ctx, 20 * HEPH_SEC);

	heph_stop(end->writer);
	must_be(heph_join(last, end->writer, NULL), 0);
	end->wire->type->close(ctx, end->wire);
}

/* Waits while the writer has much to do. */
UNUSED static int send_number(heph_ctx ctx, struct end *end, uint64_t number,
			      size_t size)
{
	unsigned char *data = malloc(size);
	int err;

	must(data);
	fill(data, size, number);
	err = heph_send(ctx, end->writer, { .n = (long)size, .owned = data });
	if (err < 0)
		free(data);
	return err;
}

UNUSED static int recv_number(heph_ctx ctx, struct end *end, uint64_t *ret_number)
{
	const void *data;
	int size = end->wire->type->recv(ctx, end->wire, &data);

	if (size >= 0)
		*ret_number = number_of(data, (size_t)size);
	return size;
}

UNUSED static void connect_end(heph_ctx ctx, struct net *net, struct end *end)
{
	struct heph_wire *wire;

	must_be(net->client->type->connect(heph_within(ctx, 20 * HEPH_SEC),
					   net->client, net->door, &wire),
		0);
	must_be(open_end(ctx, end, wire), 0);
}

/* ---- servers --------------------------------------------------------------------------- */

/* What a server does with each wire, in an actor of its own. */
struct serving {
	struct net *net;
	struct heph_door *door;
	act_fn *fn; /* gets the wire, which nobody has opened */
};

/* Sends all back, until the other side ends it. */
UNUSED static int echo(heph_ctx ctx, act_inbox in, void *arg)
{
	struct end end;
	const void *data;
	int n = open_end(ctx, &end, arg);
	void *copy;

	if (n < 0)
		return n;
	while ((n = end.wire->type->recv(ctx, end.wire, &data)) >= 0) {
		copy = malloc((size_t)n);
		must(copy);
		memcpy(copy, data, (size_t)n);
		if (heph_send(ctx, end.writer, { .n = n, .owned = copy }) < 0) {
			free(copy);
			break;
		}
	}
	close_end(ctx, &end);
	return 0;
}

static int accept_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct serving *serving = arg;
	const struct heph_transport_type *type = serving->net->server->type;
	struct heph_door *door;
	struct heph_wire *wire;
	struct act_msg msg;
	int err = type->listen(ctx, serving->net->server, serving->net->where,
			       &door, serving->net->door);

	must_be(err, 0);
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_answer(msg.answer, msg.n + 1);
	while ((err = type->accept(ctx, door, &wire)) == 0 || err == -EAGAIN)
		if (err == 0 &&
		    heph_spawn(ctx, act, NULL, { serving->fn, wire }) < 0)
			type->close(ctx, wire); /* asked to stop */
	type->close_door(ctx, door);
	return err;
}

/* Starts a server, which is there when this returns; `serving` is not on a stack. */
UNUSED static act_ref serve(heph_ctx ctx, struct serving *serving, int on)
{
	act_ref server = spawn_on(ctx, on, accept_all, serving);

	sync_with(ctx, server);
	return server;
}

/* ---- worlds ------------------------------------------------------------------------------ */

struct world {
	struct net net;
	struct serving serving;
	struct end end;
	bool simulated;
	uint64_t came; /* frames, where that matters */
	void *more;
};

UNUSED static void free_net(struct net *net)
{
	heph_transport_free(net->client);
	heph_transport_free(net->server);
}

UNUSED static act_ref serve_echo(heph_ctx ctx, struct world *world, int on)
{
	world->serving = (struct serving){ .net = &world->net, .fn = echo };
	return serve(ctx, &world->serving, on);
}

#endif
