/* SPDX-License-Identifier: MIT */
/*
 * The first frames of a connection, up to the moment when it is attached to a peer: what
 * is said is described in frame.h, and whether the other side is welcome is decided in
 * admit.c, in the node's actor, which is asked for it (`run_attach`). It puts the ready of
 * who connects among what is said.
 */
#include "remote/conn.h"

#include <stdio.h>
#include <string.h>

#define REPEAT_FIRST (100 * HEPH_MSEC) /* of hellos over datagrams */

static int say(struct heph_conn *conn, struct heph_frame *frame)
{
	int err = conn->say.n < HEPH_CONN_SAY ?
			  heph_fifo_reserve(&conn->say, conn->say.n + 1) :
			  -EDQUOT;

	if (err < 0) {
		heph_frame_free(frame);
		return err;
	}
	heph_fifo_put(&conn->say, *frame);
	heph_conn_kick(conn);
	return 0;
}

static int say_hello(struct heph_conn *conn)
{
	const struct heph_node_state *node = conn->node;
	struct heph_peer *known =
		conn->offered ? heph_node_peer_by_id(node, conn->hello.id) :
				NULL;
	struct heph_hello hello = {
		.id = node->id,
		.wire = conn->dial ? conn->number : 0,
		.lost = !conn->dial && heph_node_has_lost(node, conn->hello.id),
		.window = node->config.window,
		.frame_max = (uint32_t)conn->wire->transport->frame_max,
	};
	struct heph_frame frame;
	int err;

	if (known && known->serial == conn->offered) {
		hello.expected = known->id;
		hello.received = known->session.received;
	}
	strcpy(hello.name, node->name);
	snprintf(hello.where, sizeof(hello.where), "%s",
		 heph_node_where(node, conn->wire->transport));
	err = heph_hello_write(&hello, &frame);
	return err < 0 ? err : say(conn, &frame);
}

int heph_conn_say_ready(struct heph_conn *conn)
{
	struct heph_frame frame;
	int err = heph_ready_write(&conn->ready, &frame);

	return err < 0 ? err : say(conn, &frame);
}

/* Waits for a frame of that type. Over datagrams it, or what it is the answer to, may
 * be lost: so ours is repeated, and what else comes is dropped. */
static int hear_first(heph_ctx ctx, struct heph_conn *conn,
		      enum heph_frame_type type, bool repeats,
		      struct heph_frame_view *ret_view)
{
	heph_time pause = REPEAT_FIRST;
	bool datagrams = conn->wire->type->datagrams;

	for (;;) {
		heph_ctx soon = datagrams && repeats ? heph_within(ctx, pause) :
						       ctx;
		int err = heph_conn_hear(soon, conn, ret_view);

		if (err == -ETIME && heph_deadline(soon) < heph_deadline(ctx)) {
			pause *= 2;
			err = say_hello(conn);
		} else if (err == 0 && ret_view->type == type) {
			return 0;
		} else if (err == 0 && ret_view->type == HEPH_FRAME_GOODBYE) {
			return heph_conn_hear_goodbye(conn, ret_view);
		} else if (err == 0 && !datagrams) {
			return -EPROTO;
		}
		if (err < 0)
			return err;
	}
}

static int hear_hello(heph_ctx ctx, struct heph_conn *conn)
{
	struct heph_frame_view view;
	int err = hear_first(ctx, conn, HEPH_FRAME_HELLO, conn->dial != NULL,
			     &view);

	if (err == 0)
		err = heph_hello_read(&view, &conn->hello);
	if (err < 0)
		return err;
	if (!conn->dial)
		conn->number = conn->hello.wire;
	return heph_admit(conn);
}

/* ---- to be attached: asked of the node's actor ---------------------------------------------- */

struct ask_attach {
	struct heph_request request;
	struct heph_conn *conn;
};

/* A connection that does not wait for the answer may be gone. */
static void run_attach(heph_ctx ctx, struct heph_node_state *node,
		       struct heph_request *request)
{
	struct ask_attach *ask = (struct ask_attach *)request;
	int err = -ECANCELED;

	(void)node;
	if (heph_request_wanted(request))
		err = ask->conn->dial ? heph_admit_made(ctx, ask->conn) :
					heph_admit_came(ctx, ask->conn);
	heph_request_done(request, err);
}

static int attach_once(heph_ctx ctx, struct heph_conn *conn)
{
	heph_node node = { conn->node->self.addr };
	struct ask_attach *ask =
		heph_request_new(sizeof(*ask), run_attach, NULL);
	int err;

	if (!ask)
		return -ENOMEM;
	ask->conn = conn;
	err = heph_request(ctx, node, &ask->request);
	heph_request_free(&ask->request);
	return err;
}

static int attach(heph_ctx ctx, struct heph_conn *conn)
{
	int err;

	while ((err = attach_once(ctx, conn)) == -EAGAIN)
		if ((err = heph_join(ctx, conn->awaited, NULL)) < 0)
			break;
	return err;
}

static int shake_made(heph_ctx ctx, struct heph_conn *conn)
{
	int err;

	while (!conn->number)
		conn->number = heph_node_random(ctx);
	conn->since = conn->node->serials;
	err = say_hello(conn);
	if (err == 0)
		err = hear_hello(ctx, conn);
	return err < 0 ? err : attach(ctx, conn);
}

static int shake_came(heph_ctx ctx, struct heph_conn *conn)
{
	struct heph_frame_view view;
	const struct heph_peer *known;
	int err = hear_hello(ctx, conn);

	if (err < 0)
		return err;
	known = heph_node_peer_by_id(conn->node, conn->hello.id);
	conn->offered = known ? known->serial : 0;
	err = say_hello(conn);
	if (err == 0)
		err = hear_first(ctx, conn, HEPH_FRAME_READY, true, &view);
	if (err == 0)
		err = heph_ready_read(&view, &conn->ready);
	return err < 0 ? err : attach(ctx, conn);
}

int heph_conn_shake(heph_ctx ctx, struct heph_conn *conn)
{
	return conn->dial ? shake_made(ctx, conn) : shake_came(ctx, conn);
}
