/* SPDX-License-Identifier: MIT */
/*
 * The actor that sends what a connection has to say: first what has no number, then
 * what the session gives, several frames at once. When there is nothing it waits to
 * be woken, and whatever comes to be sent until it runs goes along.
 */
#include "remote/conn.h"

void heph_conn_kick(struct heph_conn *conn)
{
	if (!conn->idle)
		return;
	conn->idle = false;
	heph_post(conn->writer, { 0 });
}

/* ---- what is said ----------------------------------------------------------------------- */

static unsigned say(struct heph_conn *conn, unsigned n, struct heph_frame frame)
{
	uint64_t ack = conn->peer ? conn->peer->session.received : 0;

	heph_frame_set_ack(&frame, ack);
	conn->said[conn->n_said++] = frame;
	conn->iov[n] = (struct iovec){ frame.data, frame.size };
	return n + 1;
}

/* One without a number; when there is no memory for it it is said later. */
static unsigned say_mark(struct heph_conn *conn, unsigned n, bool *mark,
			 enum heph_frame_type type, heph_time time)
{
	struct heph_frame frame;
	bool has_time = type != HEPH_FRAME_ACK;

	if (!*mark || heph_frame_new(&frame, type, 0, 0, has_time ? 8 : 0) < 0)
		return n;
	*mark = false;
	if (has_time)
		heph_put_u64(heph_frame_body(&frame), (uint64_t)time);
	return say(conn, n, frame);
}

/* Each has its place: marks are three at most. */
static unsigned say_all(struct heph_conn *conn, heph_time now)
{
	bool owes = conn->peer && heph_session_owes(&conn->peer->session) &&
		    !heph_session_waiting(&conn->peer->session);
	unsigned n = 0;

	while (conn->say.n && n < HEPH_CONN_SAY - 4)
		n = say(conn, n, heph_fifo_take(&conn->say));
	n = say_mark(conn, n, &conn->pong, HEPH_FRAME_PONG, conn->pong_time);
	n = say_mark(conn, n, &conn->ping, HEPH_FRAME_PING, now);
	if (owes) {
		n = say_mark(conn, n, &owes, HEPH_FRAME_ACK, 0);
		heph_session_told(&conn->peer->session);
	}
	return n;
}

/* A goodbye comes when there is nothing else; over datagrams when all has come to
 * the other side, and thrice, as it is not repeated. */
static unsigned say_last(struct heph_conn *conn)
{
	unsigned n = 0;

	if (!conn->last.data ||
	    (conn->peer && !conn->wire->type->datagrams ?
		     heph_session_waiting(&conn->peer->session) :
		     conn->peer && !heph_session_empty(&conn->peer->session)))
		return 0;
	n = say(conn, n, conn->last);
	conn->last.data = NULL;
	if (conn->wire->type->datagrams)
		while (n < 3) {
			conn->iov[n] = conn->iov[0];
			n++;
		}
	return n;
}

static unsigned gather(struct heph_conn *conn)
{
	bool timed = conn->ping || conn->wire->type->datagrams;
	heph_time now = timed ? heph_now() : 0;
	unsigned n = say_all(conn, now);

	if (n == 0 && conn->peer)
		n = heph_session_take(&conn->peer->session, now, conn->iov);
	return n ? n : say_last(conn);
}

static void sent(struct heph_conn *conn, unsigned n)
{
	for (unsigned i = 0; i < conn->n_said; i++)
		heph_frame_free(&conn->said[i]);
	conn->n_said = 0;
	conn->sent += n;
	if (conn->peer && conn->peer->session.sending)
		heph_session_done(&conn->peer->session);
	if (conn->peer)
		heph_peer_room(conn->peer);
}

/* ---- the actor ------------------------------------------------------------------------------ */

static int write_all(heph_ctx ctx, heph_writer_inbox in, struct heph_conn *conn)
{
	struct heph_conn_msg msg;
	int err = 0;

	while (err >= 0) {
		unsigned n = gather(conn);

		if (n > 0) {
			err = conn->wire->type->send(ctx, conn->wire, conn->iov,
						     n);
			sent(conn, n);
			continue;
		}
		if (conn->finish && !conn->last.data)
			return 0;
		conn->idle = true;
		err = heph_recv(ctx, in, &msg);
		conn->idle = false;
	}
	return err;
}

static int writer_main(heph_ctx ctx, heph_writer_inbox in,
		       struct heph_conn_arg *arg)
{
	struct heph_conn *conn = arg->conn;
	int err = conn->wire->type->open_sender(ctx, conn->wire);

	if (err < 0) {
		heph_conn_end(conn, err);
		return 0;
	}
	err = write_all(ctx, in, conn);
	conn->wire->type->close_sender(ctx, conn->wire);
	/* Who said goodbye over datagrams hears nothing of its end. */
	if (err < 0 || conn->wire->type->datagrams)
		heph_conn_end(conn, err);
	return 0;
}
HEPH_ACTOR_MAIN(heph_writer, writer_main);
