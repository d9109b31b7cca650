/* SPDX-License-Identifier: MIT */
#include "http/conn.h"

#include <heph/actor.h>
#include <heph/socket.h>
#include <heph/time.h>

#include <string.h>

#include "http/chunk.h"
#include "http/mem.h"
#include "http/put.h"

enum {
	DIRECT = 4 << 10, /* bytes that are written rather than copied */
	STEP = 64 << 10,  /* bytes that the client has a `write_time` for */
	CHUNK_END = 2,    /* bytes that are kept for the end of a chunk */
	LINGER = 256 << 10, /* bytes that are read when nobody wants them */
};
#define LINGER_TIME (2 * HEPH_SEC)

heph_ctx heph_http_conn_ctx(const struct heph_http_conn *conn, heph_ctx ctx,
			    heph_time length)
{
	heph_ctx own = heph_shield(conn->ctx, length);

	if (heph_deadline(ctx) == conn->handler_deadline)
		return own;
	return heph_until(own, heph_deadline(ctx));
}

/* ---- writing ------------------------------------------------------------------ */

static int write_pieces(struct heph_http_conn *conn, heph_ctx ctx,
			const struct iovec *pieces, size_t n)
{
	const struct heph_http_settings *settings = conn->settings;
	int err;

	ctx = heph_http_conn_ctx(conn, ctx, settings->options.write_time);
	err = heph_stream_write(ctx, &conn->stream, pieces, n);
	if (err == -ETIME)
		HEPH_HTTP_COUNT(settings, late_writers, 1);
	if (err < 0)
		conn->broken = true;
	return err;
}

static void give_out_back(struct heph_http_conn *conn)
{
	heph_http_home_give_out(conn->home, conn->out);
	conn->out = NULL;
}

int heph_http_conn_flush(struct heph_http_conn *conn, heph_ctx ctx)
{
	struct iovec piece;
	int err;

	if (conn->broken)
		return -EPIPE;
	if (!conn->out)
		return 0;
	heph_http_chunk_close(conn->out);
	piece.iov_base = conn->out->data;
	piece.iov_len = conn->out->used;
	err = write_pieces(conn, ctx, &piece, 1);
	give_out_back(conn);
	return err;
}

int heph_http_conn_room(struct heph_http_conn *conn, heph_ctx ctx, size_t size,
			char **ret_at)
{
	int err;

	if (conn->broken)
		return -EPIPE;
	if (conn->out &&
	    conn->out->used + size + CHUNK_END > sizeof(conn->out->data)) {
		err = heph_http_conn_flush(conn, ctx);
		if (err < 0)
			return err;
	}
	if (!conn->out)
		conn->out = heph_http_home_out(conn->home);
	if (!conn->out)
		return -ENOMEM;
	*ret_at = conn->out->data + conn->out->used;
	return 0;
}

void heph_http_conn_wrote(struct heph_http_conn *conn, const char *end)
{
	conn->out->used = (unsigned)(end - conn->out->data);
}

/* What was collected and `data`, in steps. */
static int write_through(struct heph_http_conn *conn, heph_ctx ctx,
			 const char *data, size_t size)
{
	struct iovec pieces[2] = { { NULL, 0 }, { NULL, 0 } };
	int err = 0;

	if (conn->out) {
		pieces[0].iov_base = conn->out->data;
		pieces[0].iov_len = conn->out->used;
	}
	do {
		pieces[1].iov_base = (char *)(uintptr_t)data;
		pieces[1].iov_len = size < STEP ? size : STEP;
		err = write_pieces(conn, ctx, pieces, 2);
		data += pieces[1].iov_len;
		size -= pieces[1].iov_len;
		pieces[0].iov_len = 0;
	} while (err == 0 && size > 0);
	give_out_back(conn);
	return err;
}

int heph_http_conn_write(struct heph_http_conn *conn, heph_ctx ctx,
			 const void *data, size_t size)
{
	char *at;
	int err;

	if (size >= DIRECT)
		return conn->broken ? -EPIPE :
				      write_through(conn, ctx, data, size);
	err = heph_http_conn_room(conn, ctx, size, &at);
	if (err == 0)
		heph_http_conn_wrote(conn, heph_http_put(at, data, size));
	return err;
}

/* ---- reading ------------------------------------------------------------------- */

int heph_http_conn_fill(heph_ctx ctx, struct heph_http_conn *conn)
{
	int n;

	if (conn->in_size > 0)
		return 1;
	n = heph_http_conn_flush(conn, ctx);
	if (n == 0)
		n = heph_stream_read(ctx, &conn->stream, &conn->in);
	conn->in_size = n > 0 ? (unsigned)n : 0;
	return n > 0 ? 1 : n;
}

/* ---- its life -------------------------------------------------------------------- */

static void join_home(struct heph_http_conn *conn)
{
	struct heph_http_home *home = conn->home;

	conn->next = home->conns;
	if (conn->next)
		conn->next->prev = &conn->next;
	conn->prev = &home->conns;
	home->conns = conn;
}

static void leave_home(struct heph_http_conn *conn)
{
	*conn->prev = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
}

/* Waits, briefly. Its actor has ended: a handler has panicked, most likely. Who has
 * got nothing of a response yet gets 500. */
static void recover(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_http_conn *conn =
		(void *)((char *)ending -
			 offsetof(struct heph_http_conn, ending));

	conn->ctx = ctx;
	conn->handler_deadline = 0;
	conn->last = true;
	if (conn->now) {
		conn->linger = true;
		if (conn->now->res.stage != HEPH_HTTP_STAGE_ENDED)
			heph_http_conn_settle(ctx, conn, -ENOTRECOVERABLE);
		heph_http_conn_end(ctx, conn);
	}
	heph_http_conn_drop(ctx, conn);
}

int heph_http_conn_guard(heph_ctx ctx, struct heph_http_conn *conn)
{
	heph_ending_clear(&conn->ending);
	return heph_ending_set(ctx, &conn->ending, recover);
}

int heph_http_conn_make(heph_ctx ctx, heph_fd fd,
			struct heph_http_settings *settings,
			struct heph_http_home *home,
			struct heph_http_conn **ret_conn)
{
	struct heph_http_conn *conn = heph_http_mem_zero(sizeof(*conn));
	int err;

	if (!conn)
		return -ENOMEM;
	err = heph_http_conn_guard(ctx, conn);
	if (err < 0) {
		heph_http_mem_free(conn);
		return err;
	}
	conn->stream.fd = fd;
	heph_http_conn_set_ctx(conn, ctx);
	conn->settings = settings;
	conn->home = home;
	conn->greeted = !settings->options.tls;
	join_home(conn);
	HEPH_HTTP_COUNT(settings, connections_now, 1);
	*ret_conn = conn;
	return 0;
}

/* The peer shall get what was sent: a close with input that nobody has read would
 * be a reset, which may overtake it (RFC 9112, section 9.6). */
static void linger(struct heph_http_conn *conn)
{
	heph_ctx brief = heph_shield(conn->ctx, LINGER_TIME);
	size_t read = 0;
	char *data;
	int n;

	do {
		n = heph_stream_read(brief, &conn->stream, &data);
		read += n > 0 ? (size_t)n : 0;
	} while (n > 0 && read < LINGER);
}

/* A handler that got the stream may have given it away or closed it, and its state
 * with it. */
static void forget_given(heph_ctx ctx, struct heph_http_conn *conn)
{
	if (conn->handed_over && heph_fd_number(ctx, conn->stream.fd) < 0)
		conn->stream.type = NULL;
}

void heph_http_conn_end(heph_ctx ctx, struct heph_http_conn *conn)
{
	int err = heph_http_conn_flush(conn, ctx);

	forget_given(ctx, conn);
	conn->linger |= conn->in_size > 0;
	if (conn->reset) /* at worst it looks like one */
		(void)!heph_socket_set(conn->ctx, conn->stream.fd,
				       HEPH_SOCKET_LINGER, 0);
	if (err < 0 || conn->reset || (!conn->linger && !conn->stream.type))
		return;
	err = heph_stream_end(heph_shield(conn->ctx, LINGER_TIME),
			      &conn->stream);
	if (err == 0 && conn->linger)
		linger(conn);
}

void heph_http_conn_drop(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_settings *settings = conn->settings;

	forget_given(ctx, conn);
	heph_ending_clear(&conn->ending);
	HEPH_HTTP_COUNT(settings, connections_now, -1);
	if (conn->now)
		heph_http_conn_account(conn);
	heph_http_exchange_free(conn->home, conn->now);
	give_out_back(conn);
	heph_stream_close(ctx, &conn->stream);
	leave_home(conn);
	if (conn->by_hand)
		heph_http_settings_free(settings);
	heph_http_mem_free(conn);
}

int heph_http_conn_new(heph_ctx ctx, heph_fd fd,
		       const struct heph_http_options *options,
		       struct heph_http_conn **ret_conn)
{
	struct heph_http_settings *settings;
	int err = heph_http_settings_new(options, 1, &settings);

	if (err < 0)
		return err;
	err = heph_http_conn_make(ctx, fd, settings, &settings->homes[0],
				  ret_conn);
	if (err < 0)
		heph_http_settings_free(settings);
	else
		(*ret_conn)->by_hand = true;
	return err;
}

void heph_http_conn_free(heph_ctx ctx, struct heph_http_conn *conn)
{
	heph_http_conn_set_ctx(conn, ctx);
	heph_http_conn_end(ctx, conn);
	heph_http_conn_drop(ctx, conn);
}
