/* SPDX-License-Identifier: MIT */
/*
 * Both halves have the same SSL. They are on one worker, and each is done with
 * OpenSSL before it waits, so one never sees the other in the midst of something.
 * The half that reads uses the view of its descriptor and leaves what is to be sent
 * in `out`; the half that writes sends it, and touches nothing that has come. A half
 * may be dropped on its way by any thread: that only says so.
 */
#include "tls/split.h"

#include <heph/actor.h>
#include <heph/own.h>

#include "tls/conn.h"
#include "tls/error.h"
#include "tls/stream.h"

/* ---- who has it -------------------------------------------------------------------- */

/* In the way that heph_own() wants: nobody has that half any more. */
static void leave(void *arg)
{
	struct heph_tls_half *half = arg;

	atomic_store(&half->gone, true);
	heph_tls_conn_free(half->conn);
}

static int check_place(heph_ctx ctx, const struct heph_tls_conn *conn)
{
	return heph_worker(ctx) == conn->worker ?
		       0 :
		       heph_tls_error(-EXDEV, "TLS: its other half is on "
					      "another worker");
}

static void close_half(heph_ctx ctx, struct heph_stream *stream)
{
	heph_disown(ctx, stream->state);
	leave(stream->state);
}

static int own_half(heph_ctx ctx, struct heph_tls_half *half)
{
	int err = check_place(ctx, half->conn);

	return err < 0 ? err : heph_own(ctx, half, leave);
}

int heph_tls_split(heph_ctx ctx, struct heph_stream *stream,
		   struct heph_stream_handle *ret_writer)
{
	struct heph_tls_conn *conn = stream->state;
	int err;

	if (heph_worker(ctx) < 0)
		return heph_tls_error(-EXDEV, "TLS: on no worker");
	err = heph_own(ctx, &conn->reader, leave);
	if (err < 0)
		return heph_tls_error(err, "TLS: no memory");
	heph_disown(ctx, conn);
	conn->split = true;
	conn->worker = heph_worker(ctx);
	conn->reader.conn = conn->writer.conn = conn;
	atomic_store(&conn->refs, 2);
	stream->type = &heph_tls_reader_type;
	stream->state = &conn->reader;
	ret_writer->type = &heph_tls_writer_type;
	ret_writer->state = &conn->writer;
	return 0;
}

/* ---- the half that reads -------------------------------------------------------------- */

static int read_half(heph_ctx ctx, struct heph_stream *stream, char **ret_data)
{
	struct heph_tls_half *half = stream->state;
	int err = check_place(ctx, half->conn);

	return err < 0 ? err : heph_tls_conn_read(ctx, half->conn, ret_data);
}

static void unread_half(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_half *half = stream->state;

	heph_tls_conn_unread(ctx, half->conn);
}

static int give_reader(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_half *half = stream->state;

	if (heph_tls_conn_unread_left(half->conn))
		return -EBUSY;
	heph_disown(ctx, half);
	return 0;
}

static int take_reader(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_half *half = stream->state;
	int err = own_half(ctx, half);

	if (err == 0)
		half->conn->in_fd = stream->fd;
	return err;
}

/* ---- the half that writes --------------------------------------------------------------- */

static int write_half(heph_ctx ctx, struct heph_stream *stream,
		      const struct iovec *pieces, size_t n)
{
	struct heph_tls_half *half = stream->state;
	int err = check_place(ctx, half->conn);

	return err < 0 ? err : heph_tls_conn_write(ctx, half->conn, pieces, n);
}

static int end_half(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_half *half = stream->state;
	int err = check_place(ctx, half->conn);

	return err < 0 ? err : heph_tls_conn_end(ctx, half->conn);
}

static int give_writer(heph_ctx ctx, struct heph_stream *stream)
{
	heph_disown(ctx, stream->state);
	return 0;
}

static int take_writer(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_half *half = stream->state;
	int err = own_half(ctx, half);

	if (err == 0)
		half->conn->out_fd = stream->fd;
	return err;
}

/* ---- what is the other's ------------------------------------------------------------------ */

static int refuse(void)
{
	return heph_tls_error(-EINVAL, "TLS: that is for the other half");
}

static int read_nothing(heph_ctx ctx, struct heph_stream *stream, char **ret_data)
{
	(void)ctx, (void)stream, (void)ret_data;
	return refuse();
}

static void unread_nothing(heph_ctx ctx, struct heph_stream *stream)
{
	(void)ctx, (void)stream;
}

static int write_nothing(heph_ctx ctx, struct heph_stream *stream,
			 const struct iovec *pieces, size_t n)
{
	(void)ctx, (void)stream, (void)pieces, (void)n;
	return refuse();
}

static int end_nothing(heph_ctx ctx, struct heph_stream *stream)
{
	(void)ctx, (void)stream;
	return refuse();
}

static bool is_direct(const struct heph_stream *stream)
{
	(void)stream;
	return false;
}

const struct heph_stream_type heph_tls_reader_type = {
	.name = "tls",
	.read = read_half,
	.unread = unread_half,
	.write = write_nothing,
	.end = end_nothing,
	.close = close_half,
	.direct = is_direct,
	.give = give_reader,
	.take = take_reader,
	.discard = leave,
};

const struct heph_stream_type heph_tls_writer_type = {
	.name = "tls",
	.read = read_nothing,
	.unread = unread_nothing,
	.write = write_half,
	.end = end_half,
	.close = close_half,
	.direct = is_direct,
	.give = give_writer,
	.take = take_writer,
	.discard = leave,
};
