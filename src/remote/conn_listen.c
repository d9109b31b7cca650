/* SPDX-License-Identifier: MIT */
/*
 * What comes from a peer: controls are seen to here; what is numbered, or loose, goes to
 * the peer's actor. On the way it is held to the node's limits (messages_per_sec,
 * bytes_per_sec): a stream is not read for a while, a datagram over them is dropped.
 */
#include "remote/conn.h"

#include <string.h>

#include "remote/mem.h"

#define BURST (100 * HEPH_MSEC) /* of what may come at once */

/* `n` of what may come `rate` times in a second have come: when that is paid for. */
static void spend(heph_time *due, uint64_t rate, uint64_t n, heph_time now)
{
	if (!rate)
		return;
	if (*due < now)
		*due = now;
	*due += (heph_time)((double)n * 1e9 / (double)rate);
}

/* How long the next one waits, if that is more than 0. Nobody waits for the first
 * ones, as many as come in a tenth of a second. */
static heph_time wait_of(heph_time due, heph_time now)
{
	return due - BURST - now;
}

static bool is_message(enum heph_frame_type type)
{
	return type == HEPH_FRAME_SEND || type == HEPH_FRAME_CALL ||
	       type == HEPH_FRAME_ANSWER;
}

static bool has_limits(const struct heph_conn *conn)
{
	const struct heph_node_config *config = &conn->node->config;

	return config->messages_per_sec || config->bytes_per_sec;
}

static void charge(struct heph_conn *conn, const struct heph_frame_view *view,
		   heph_time now)
{
	const struct heph_node_config *config = &conn->node->config;
	struct heph_peer *peer = conn->peer;

	spend(&peer->messages_due, config->messages_per_sec,
	      is_message(view->type), now);
	spend(&peer->bytes_due, config->bytes_per_sec,
	      view->size + HEPH_FRAME_HEAD, now);
}

/* A stream: what has come is taken, and the next one waits until it is paid for, so
 * the peer does. Also after another connection was made. Meanwhile the peer is not
 * silent: nobody listens. */
static int await_turn(heph_ctx ctx, struct heph_conn *conn)
{
	heph_time now, pause, more;
	int err;

	if (conn->wire->type->datagrams || !has_limits(conn))
		return 0;
	now = heph_now();
	pause = wait_of(conn->peer->messages_due, now);
	more = wait_of(conn->peer->bytes_due, now);
	pause = more > pause ? more : pause;
	if (pause <= 0)
		return 0;
	conn->held_up = true;
	err = heph_sleep(ctx, pause);
	conn->held_up = false;
	return err;
}

/* Datagrams over a limit are dropped. They do not count, else who goes on sending too
 * much would have nothing delivered. What is no message does not wait for messages. */
static bool let_in(struct heph_conn *conn, const struct heph_frame_view *view)
{
	struct heph_peer *peer = conn->peer;
	heph_time now;

	if (!conn->wire->type->datagrams || !has_limits(conn))
		return true;
	now = heph_now();
	if (wait_of(peer->bytes_due, now) > 0 ||
	    (is_message(view->type) && wait_of(peer->messages_due, now) > 0)) {
		peer->stats.refused++;
		return false;
	}
	charge(conn, view, now);
	return true;
}

static int hear_pong(struct heph_conn *conn, const struct heph_frame_view *view)
{
	struct heph_cut cut = { view->body, view->body + view->size };
	uint64_t time;

	if (heph_cut_u64(&cut, &time) < 0 || cut.at != cut.end)
		return -EPROTO;
	if (view->type == HEPH_FRAME_PONG) {
		heph_peer_pong(conn->peer, (heph_time)time, heph_now());
		return 0;
	}
	conn->pong_time = (heph_time)time;
	conn->pong = true;
	heph_conn_kick(conn);
	return 0;
}

/* What has no number. Hellos come again over datagrams when an answer was lost. */
static int hear_control(struct heph_conn *conn,
			const struct heph_frame_view *view)
{
	if (view->seq)
		return -EPROTO;
	if (!let_in(conn, view))
		return 0;
	switch (view->type) {
	case HEPH_FRAME_ACK:
		return view->size ? -EPROTO : 0;
	case HEPH_FRAME_PING:
	case HEPH_FRAME_PONG:
		return hear_pong(conn, view);
	case HEPH_FRAME_GOODBYE:
		return heph_conn_hear_goodbye(conn, view);
	case HEPH_FRAME_HELLO:
		if (conn->wire->type->datagrams && conn->dial)
			return heph_conn_say_ready(conn) == -ENOMEM ? -ENOMEM :
								      0;
		return conn->wire->type->datagrams ? 0 : -EPROTO;
	default:
		return conn->wire->type->datagrams ? 0 : -EPROTO;
	}
}

/* Waits while the peer's inbox is full. */
static int pass_on(heph_ctx ctx, struct heph_conn *conn,
		   const struct heph_frame_view *view)
{
	size_t size = view->size + HEPH_FRAME_HEAD;
	struct heph_frame frame = { heph_remote_mem_alloc(size), size };
	int err;

	if (!frame.data)
		return -ENOMEM;
	conn->peer->stats.received += is_message(view->type);
	memcpy(frame.data, view->body - HEPH_FRAME_HEAD, size);
	err = heph_send(ctx, conn->peer->self, { .frame = frame });
	if (err < 0)
		heph_frame_free(&frame);
	return err;
}

static int hear_numbered(heph_ctx ctx, struct heph_conn *conn,
			 const struct heph_frame_view *view)
{
	struct heph_session *session = &conn->peer->session;
	int err = heph_session_come(session, view->seq);

	if (err > 0 && !let_in(conn, view))
		return 0;
	if (err > 0) {
		err = pass_on(ctx, conn, view);
		if (err == 0)
			heph_session_took(session, view->size + HEPH_FRAME_HEAD,
					  session->ack_due == HEPH_NEVER ?
						  heph_now() :
						  0);
	}
	if (err == 0 && heph_session_owes(session))
		heph_conn_kick(conn);
	return err;
}

static int hear_loose(heph_ctx ctx, struct heph_conn *conn,
		      const struct heph_frame_view *view)
{
	struct heph_session *session = &conn->peer->session;

	if (!heph_session_come_loose(session, view->seq) || !let_in(conn, view))
		return 0;
	return pass_on(ctx, conn, view);
}

static int hear_acks(struct heph_conn *conn, const struct heph_frame_view *view)
{
	struct heph_session *session = &conn->peer->session;
	int err = heph_session_ack(session, view->ack,
				   view->type == HEPH_FRAME_ACK,
				   session->datagrams ? heph_now() : 0);

	if (err < 0)
		return err;
	heph_peer_room(conn->peer);
	if (session->datagrams &&
	    (heph_session_waiting(session) || conn->finish))
		heph_conn_kick(conn);
	return 0;
}

static int heard(heph_ctx ctx, struct heph_conn *conn,
		 const struct heph_frame_view *view)
{
	bool loose = view->flags & HEPH_FRAME_LOOSE;
	int err;

	conn->peer->stats.received_bytes += view->size + HEPH_FRAME_HEAD;
	conn->peer->confirmed |= view->type > HEPH_FRAME_GOODBYE;
	if (!conn->wire->type->datagrams && has_limits(conn))
		charge(conn, view, heph_now());
	err = hear_acks(conn, view);
	if (err < 0)
		return err;
	if (view->type < HEPH_FRAME_SEND)
		return hear_control(conn, view);
	if (view->seq == 0 || (loose && !conn->peer->datagrams))
		return -EPROTO;
	return loose ? hear_loose(ctx, conn, view) :
		       hear_numbered(ctx, conn, view);
}

/* On a stream what is no frame is the end of it; as a datagram it is dropped. */
int heph_conn_listen(heph_ctx ctx, struct heph_conn *conn)
{
	struct heph_frame_view view;
	int err;

	do {
		err = await_turn(ctx, conn);
		if (err == 0)
			err = heph_conn_hear(ctx, conn, &view);
		if (!conn->peer)
			return -EHOSTDOWN;
		if (err == 0)
			err = heard(ctx, conn, &view);
		if (err == -EPROTO) {
			conn->peer->stats.refused++;
			err = conn->wire->type->datagrams ? 0 : err;
		}
	} while (err == 0);
	return err;
}
