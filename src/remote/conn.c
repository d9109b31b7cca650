/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/* The actor of a connection, from the open wire to the closed one. */
#include "remote/conn.h"

#include "remote/dial.h"
#include "remote/mem.h"
#include "remote/strangers.h"

#include <string.h>

#define LINGER HEPH_SEC /* to say goodbye */

enum {
	ERRNO_MAX = 4095,
	FIRST_MAX = 1024, /* bytes of a frame before it is known who sends */
};

/* ---- receiving ------------------------------------------------------------------------ */

/* Datagrams of a peer may come before what makes it one. */
static bool is_too_large(const struct heph_wire *wire, size_t size)
{
	return wire->frame_max && size > wire->frame_max &&
	       !wire->type->datagrams;
}

int heph_conn_hear(heph_ctx ctx, struct heph_conn *conn,
		   struct heph_frame_view *ret_view)
{
	const void *data;
	int n = conn->wire->type->recv(ctx, conn->wire, &data);

	if (n < 0)
		return n;
	if (is_too_large(conn->wire, (size_t)n))
		return -EPROTO;
	return heph_frame_view(data, (size_t)n, ret_view);
}

int heph_conn_hear_goodbye(struct heph_conn *conn,
			   const struct heph_frame_view *view)
{
	size_t n = view->size < HEPH_CONN_WHY ? view->size : HEPH_CONN_WHY - 1;

	if (view->number > ERRNO_MAX)
		return -EPROTO;
	memcpy(conn->why, view->body, n);
	conn->why[n] = 0;
	for (char *at = conn->why; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	conn->goodbye = true;
	conn->bye = -(int)view->number;
	return conn->bye ? conn->bye : -ESHUTDOWN;
}

/* ---- the end ------------------------------------------------------------------------------------ */

void heph_conn_end(struct heph_conn *conn, int err)
{
	if (conn->err == 0)
		conn->err = err;
	heph_stop(conn->self);
}

/* Without memory for it there is no goodbye. */
void heph_conn_goodbye(struct heph_conn *conn, int err, const char *why)
{
	size_t size = strlen(why);

	if (conn->finish)
		return;
	conn->finish = true;
	if (heph_frame_new(&conn->last, HEPH_FRAME_GOODBYE, 0, (uint32_t)-err,
			   size) == 0)
		heph_put_bytes(heph_frame_body(&conn->last), why, size);
	else
		heph_conn_end(conn, -ENOMEM);
	heph_conn_kick(conn);
}

/* Who closes a stream before the other side has read all may destroy what it has not
 * read: so that one closes first. */
static void linger(heph_ctx ctx, struct heph_conn *conn)
{
	heph_ctx soon = heph_within(heph_shield(ctx, LINGER), LINGER);
	const void *data;

	if (!conn->finish || !conn->writing)
		return;
	if (heph_join(soon, conn->writer, NULL) < 0 ||
	    conn->wire->type->datagrams)
		return;
	while (conn->wire->type->recv(soon, conn->wire, &data) >= 0)
		;
}

/* Who made the connection hears it by its dial, which logs. */
static void refuse(struct heph_conn *conn, int err)
{
	if (!conn->dial && err != -EALREADY)
		heph_log_warn("peer refused", HEPH_KV_ERR("err", err),
			      HEPH_KV_STR("why", conn->why),
			      HEPH_KV_STR("peer", conn->hello.name),
			      HEPH_KV_STR("from", conn->wire->where),
			      HEPH_KV_BOOL("by_it", conn->goodbye));
	if (!conn->goodbye)
		heph_conn_goodbye(conn, err, conn->why);
}

static int shake(heph_ctx ctx, struct heph_conn *conn)
{
	const struct heph_transport_type *type = conn->wire->type;
	heph_ctx soon = heph_within(ctx, conn->node->config.handshake);
	int err = type->open(soon, conn->wire);

	conn->opened = true;
	if (err == 0)
		err = heph_spawn(ctx, heph_writer, &conn->writer, { conn },
				 .name = "heph_writer");
	if (err < 0)
		return err;
	conn->writing = true;
	err = heph_conn_shake(soon, conn);
	if (err == -ETIME)
		err = -ETIMEDOUT;
	if (err < 0 && !heph_stopping(ctx))
		refuse(conn, err);
	return err;
}

static void ended(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_conn *conn =
		(struct heph_conn *)((char *)ending -
				     offsetof(struct heph_conn, ending));

	if (conn->peer)
		heph_peer_detach(conn->peer, conn);
	if (conn->dial)
		heph_dial_over(conn->dial, conn);
	heph_strangers_leave(conn);
	conn->node->came -= conn->counted;
	conn->node->connections--;
	conn->wire->type->close(ctx, conn->wire);
	conn->wire = NULL;
	if (conn->held)
		heph_peer_release(conn->held);
	conn->held = NULL;
}

/* The sender closes first. In good order TLS can say that it is the end; else all of
 * it is done when the actor has ended. */
static void close_wire(heph_ctx ctx, struct heph_conn *conn)
{
	if (conn->writing) {
		heph_stop(conn->writer);
		if (heph_join(heph_shield(ctx, LINGER), conn->writer, NULL) < 0)
			return;
	}
	heph_ending_clear(&conn->ending);
	ended(ctx, &conn->ending);
}

static int conn_main(heph_ctx ctx, struct heph_conn_arg *arg)
{
	struct heph_conn *conn = arg->conn;
	int err = heph_ending_set(ctx, &conn->ending, ended);

	if (err < 0) {
		ended(ctx, &conn->ending);
		return 0;
	}
	err = shake(ctx, conn);
	if (err == 0)
		err = heph_conn_listen(ctx, conn);
	if (conn->err == 0)
		conn->err = err;
	if (err == -EPROTO && conn->peer)
		heph_peer_close(conn->peer, err);
	linger(ctx, conn);
	close_wire(ctx, conn);
	return 0;
}

static void conn_free(struct heph_conn *conn)
{
	heph_fifo_release(&conn->say);
	heph_remote_mem_free(conn->last.data);
	for (unsigned i = 0; i < conn->n_said; i++)
		heph_frame_free(&conn->said[i]);
	heph_remote_mem_free(conn);
}

static void conn_drop(struct heph_conn_arg *arg)
{
	conn_free(arg->conn);
}
HEPH_ACTOR_MAIN(heph_conn, conn_main, .drop_arg = conn_drop);

size_t heph_conn_frame_max(const struct heph_conn *conn)
{
	size_t ours = conn->wire->transport->frame_max;

	return conn->hello.frame_max < ours ? conn->hello.frame_max : ours;
}

int heph_conn_start(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_wire *wire, struct heph_dial *dial,
		    heph_ref *ret_ref)
{
	struct heph_conn *conn;
	int err;

	conn = heph_remote_mem_zero(sizeof(*conn));
	if (!conn)
		return -ENOMEM;
	err = dial ? 0 : heph_strangers_room(node, wire);
	if (err < 0) {
		conn_free(conn);
		return err;
	}
	wire->frame_max = FIRST_MAX;
	conn->node = node;
	conn->wire = wire;
	conn->dial = dial;
	err = heph_spawn(ctx, heph_conn, &conn->self, { conn });
	if (err < 0) {
		conn_free(conn);
		return err;
	}
	node->connections++;
	if (!dial)
		heph_strangers_join(conn);
	*ret_ref = conn->self;
	return 0;
}
