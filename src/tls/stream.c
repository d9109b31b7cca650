/* SPDX-License-Identifier: MIT */
/*
 * Records are small at first: a peer can use none of a record before all of it is
 * there, and a new connection may send but some packets before it must wait for an
 * answer. What is sent at once and is small is one record, however.
 */
#include "tls/stream.h"

#include <heph/own.h>
#include <heph/time.h>
#include <heph/tls.h>

#include <openssl/err.h>

#include <string.h>

#include "tls/conn.h"
#include "tls/error.h"
#include "tls/split.h"

enum {
	RECORD = 16 * 1024,      /* the largest that there are */
	RECORD_SMALL = 4 * 1024, /* of the first ones */
	WARM = 4 * RECORD_SMALL, /* bytes; then they are large */
	BATCH = 4 * RECORD,      /* what is encrypted before it is written */
	OVERHEAD = 64, /* of a record, at most: header, nonce, tag, padding */
	ASKED = 16 * 1024, /* bytes for the peer, that reading may leave behind */
};
#define COLD (1 * HEPH_SEC) /* so long without a write, and it begins anew */
#define ALERT_TIME (1 * HEPH_SEC) /* for a peer to take why it is left */
#define SETTLE (1 * HEPH_MSEC) /* from one look to the next */

/* ---- reading ------------------------------------------------------------------------------ */

static void drop_data(struct heph_tls_conn *conn)
{
	OPENSSL_free(conn->data);
	conn->data = NULL;
}

/* Decrypts the next record: OpenSSL says how long it is once it has looked into it.
 * Returns how many bytes; as heph_tls_conn_outcome(). */
static __attribute__((noinline)) int take(struct heph_tls_conn *conn,
					  char **ret_data)
{
	char byte;
	int n;

	ERR_clear_error();
	n = SSL_peek(conn->ssl, &byte, 1);
	if (n <= 0)
		return heph_tls_conn_outcome(conn, n);
	n = SSL_pending(conn->ssl);
	conn->data = OPENSSL_malloc((size_t)n);
	if (!conn->data)
		return heph_tls_error(-ENOMEM, "TLS: no memory");
	n = SSL_read(conn->ssl, conn->data, n);
	if (n <= 0)
		return heph_tls_conn_outcome(conn, n);
	*ret_data = conn->data;
	return n;
}

/* The same by an actor that does not write: what OpenSSL has to say is left to the
 * one that does, if it is not too much. */
static int take_half(struct heph_tls_conn *conn, char **ret_data)
{
	size_t before = conn->out_size;
	int n = take(conn, ret_data);

	conn->asked += conn->out_size - before;
	if (conn->asked <= ASKED || conn->err)
		return n;
	return heph_tls_conn_fail(
		conn, heph_tls_error(-EPROTO, "TLS: more is to be answered than "
					      "is written"));
}

int heph_tls_conn_read(heph_ctx ctx, struct heph_tls_conn *conn, char **ret_data)
{
	int n = heph_tls_conn_error(conn);

	drop_data(conn);
	while (n == 0) {
		n = conn->split ? take_half(conn, ret_data) :
				  take(conn, ret_data);
		if (n != -EAGAIN)
			break;
		n = heph_tls_conn_fill(ctx, conn);
	}
	return n;
}

void heph_tls_conn_unread(heph_ctx ctx, struct heph_tls_conn *conn)
{
	drop_data(conn);
	heph_tls_conn_rest(ctx, conn);
}

bool heph_tls_conn_unread_left(const struct heph_tls_conn *conn)
{
	return conn->in_size > 0 || SSL_has_pending(conn->ssl);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Where it is in the pieces, and how many bytes are left. */
struct cursor {
	const struct iovec *piece;
	size_t at, left;
};

/* How much of it lies in one piece from here on, at most `n` bytes; at least 1, as
 * empty pieces are passed over. */
static size_t next_part(struct cursor *cursor, size_t n)
{
	size_t part;

	while (cursor->at == cursor->piece->iov_len) {
		cursor->piece++;
		cursor->at = 0;
	}
	part = cursor->piece->iov_len - cursor->at;
	return part < n ? part : n;
}

static const char *here(const struct cursor *cursor)
{
	return (const char *)cursor->piece->iov_base + cursor->at;
}

/* Goes on by `n` bytes, and copies them if `to` is not NULL. */
static void advance(struct cursor *cursor, char *to, size_t n)
{
	cursor->left -= n;
	while (n > 0) {
		size_t part = next_part(cursor, n);

		if (to)
			to = mempcpy(to, here(cursor), part);
		cursor->at += part;
		n -= part;
	}
}

static int encrypt(struct heph_tls_conn *conn, const void *data, size_t n)
{
	int done = SSL_write(conn->ssl, data, (int)n);

	if (done > 0)
		return 0;
	done = heph_tls_conn_outcome(conn, done);
	return done < 0 ? done : -EPIPE;
}

/* One record, of `n` bytes; `cursor` goes on. */
static int encrypt_next(struct heph_tls_conn *conn, struct cursor *cursor, size_t n)
{
	char *copy;
	int err;

	if (next_part(cursor, n) == n) {
		err = encrypt(conn, here(cursor), n);
		advance(cursor, NULL, n);
		return err;
	}
	copy = OPENSSL_malloc(n);
	if (!copy)
		return heph_tls_error(-ENOMEM, "TLS: no memory");
	advance(cursor, copy, n);
	err = encrypt(conn, copy, n);
	OPENSSL_free(copy);
	return err;
}

static size_t record_size(struct heph_tls_conn *conn, size_t left)
{
	size_t n = conn->written < WARM && left > RECORD_SMALL ? RECORD_SMALL :
								 RECORD;

	return left < n ? left : n;
}

/* Encrypts some records; nothing of this is on the stack while they are written. */
static __attribute__((noinline)) int encrypt_some(struct heph_tls_conn *conn,
						  struct cursor *cursor)
{
	size_t batch = cursor->left < BATCH ? cursor->left : BATCH, n;
	int err = 0;

	ERR_clear_error();
	if (!heph_tls_conn_reserve(conn, batch + 8 * OVERHEAD)) {
		conn->no_memory = false; /* OpenSSL was not in it */
		return heph_tls_error(-ENOMEM, "TLS: no memory");
	}
	while (err == 0 && batch > 0) {
		n = record_size(conn, batch);
		err = encrypt_next(conn, cursor, n);
		batch -= n;
		if (conn->written < WARM)
			conn->written += (unsigned)n;
	}
	return err;
}

static void note_time(struct heph_tls_conn *conn, size_t size)
{
	heph_time now;

	if (size <= RECORD_SMALL)
		return;
	now = heph_now();
	if (now - conn->wrote > COLD)
		conn->written = 0;
	conn->wrote = now;
}

static __attribute__((noinline)) int look(struct heph_tls_conn *conn, int err)
{
	char byte;
	int n;

	ERR_clear_error();
	n = SSL_peek(conn->ssl, &byte, 1);
	n = n > 0 ? 0 : heph_tls_conn_outcome(conn, n);
	return n == 0 || n == -EAGAIN ?
		       heph_tls_error(err, "writing: %s", strerror(-err)) :
		       n;
}

static bool was_closed(int err)
{
	return err == -EPIPE || err == -ECONNRESET || err == -ENOTCONN;
}

/* Does not wait. The peer has closed: if it has said why, that is the error. */
static int explain(heph_ctx ctx, struct heph_tls_conn *conn, int err)
{
	char *data;
	int n = 0;

	if (conn->err || conn->split || !was_closed(err))
		return err;
	if (conn->in_size == 0 && !conn->eof)
		n = heph_read_view(heph_within(ctx, 0), conn->in_fd, &data);
	if (n > 0) {
		conn->in = data;
		conn->in_size = (size_t)n;
		conn->viewed = true;
	}
	return look(conn, err);
}

/* OpenSSL has begun with something that the peer has sent in several records, a
 * ticket for example, and does not write before it has seen all of it. */
static __attribute__((noinline)) int peek_on(struct heph_tls_conn *conn)
{
	char byte;
	int n;

	ERR_clear_error();
	n = SSL_peek(conn->ssl, &byte, 1);
	return n > 0 ? 0 : heph_tls_conn_outcome(conn, n);
}

static int settle_more(heph_ctx ctx, struct heph_tls_conn *conn)
{
	int err;

	if (SSL_get_shutdown(conn->ssl) & SSL_RECEIVED_SHUTDOWN)
		return heph_tls_error(-EPIPE, "TLS: the peer has ended early");
	if (conn->reader.gone)
		return heph_tls_error(-EPIPE, "TLS: nobody reads");
	if (!conn->split) {
		err = peek_on(conn);
		if (err != -EAGAIN || !SSL_in_init(conn->ssl))
			return err == -EAGAIN ? 0 : err;
		return heph_tls_conn_fill(ctx, conn);
	}
	err = heph_sleep(ctx, SETTLE);
	return err < 0 ? err : heph_tls_conn_error(conn);
}

/* Waits until something can be written. What is known already about the connection
 * is told to the peer, if it is split: nobody else does. */
static int settle(heph_ctx ctx, struct heph_tls_conn *conn)
{
	int err = heph_tls_conn_error(conn);

	if (err < 0 && conn->split &&
	    heph_tls_conn_flush(heph_within(ctx, ALERT_TIME), conn) == 0)
		return heph_tls_conn_error(conn);
	while (err == 0 && SSL_in_init(conn->ssl))
		err = settle_more(ctx, conn);
	return err;
}

int heph_tls_conn_write(heph_ctx ctx, struct heph_tls_conn *conn,
			const struct iovec *pieces, size_t n)
{
	struct cursor cursor = { .piece = pieces };
	int err = settle(ctx, conn);

	if (err == 0 && conn->ended)
		return heph_tls_error(-EPIPE, "TLS: this half has ended");
	for (size_t i = 0; i < n; i++)
		cursor.left += pieces[i].iov_len;
	note_time(conn, cursor.left);
	do {
		if (err == 0 && cursor.left > 0)
			err = encrypt_some(conn, &cursor);
		if (err == 0)
			err = heph_tls_conn_flush(ctx, conn);
		if (err == 0 && cursor.left > 0)
			err = settle(ctx, conn);
	} while (err == 0 && cursor.left > 0);
	return err < 0 ? explain(ctx, conn, err) : 0;
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* Half of a record may have been written; then the rest goes first. */
static int say_end(heph_ctx ctx, struct heph_tls_conn *conn)
{
	int err;

	if (!conn->ended) {
		conn->ended = true;
		ERR_clear_error();
		if (SSL_shutdown(conn->ssl) < 0)
			ERR_clear_error();
	}
	err = heph_tls_conn_flush(ctx, conn);
	return err < 0 ? err : heph_shutdown(ctx, conn->out_fd, SHUT_WR);
}

int heph_tls_conn_end(heph_ctx ctx, struct heph_tls_conn *conn)
{
	bool all_written = !heph_tls_conn_unwritten(conn);
	int err = settle(ctx, conn);

	if (err == 0)
		err = say_end(ctx, conn);
	/* A peer that has ended its half may have closed, and misses nothing. */
	if (all_written && was_closed(err) &&
	    SSL_get_shutdown(conn->ssl) & SSL_RECEIVED_SHUTDOWN)
		return 0;
	return err < 0 ? explain(ctx, conn, err) : 0;
}

/* ---- a whole one ------------------------------------------------------------------------------ */

static int read_stream(heph_ctx ctx, struct heph_stream *stream, char **ret_data)
{
	return heph_tls_conn_read(ctx, stream->state, ret_data);
}

static void unread_stream(heph_ctx ctx, struct heph_stream *stream)
{
	heph_tls_conn_unread(ctx, stream->state);
}

static int write_stream(heph_ctx ctx, struct heph_stream *stream,
			const struct iovec *pieces, size_t n)
{
	return heph_tls_conn_write(ctx, stream->state, pieces, n);
}

static int end_stream(heph_ctx ctx, struct heph_stream *stream)
{
	return heph_tls_conn_end(ctx, stream->state);
}

static void close_stream(heph_ctx ctx, struct heph_stream *stream)
{
	heph_disown(ctx, stream->state);
	heph_tls_conn_free(stream->state);
}

/* ---- from one actor to another ----------------------------------------------------------------- */

static int give_stream(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_conn *conn = stream->state;

	if (heph_tls_conn_unread_left(conn))
		return -EBUSY;
	heph_disown(ctx, conn);
	return 0;
}

static int take_stream(heph_ctx ctx, struct heph_stream *stream)
{
	struct heph_tls_conn *conn = stream->state;
	int err = heph_own(ctx, conn, heph_tls_conn_free);

	if (err == 0)
		conn->in_fd = conn->out_fd = stream->fd;
	return err;
}

static bool is_direct(const struct heph_stream *stream)
{
	(void)stream;
	return false;
}

const struct heph_stream_type heph_tls_stream_type = {
	.name = "tls",
	.read = read_stream,
	.unread = unread_stream,
	.write = write_stream,
	.end = end_stream,
	.close = close_stream,
	.direct = is_direct,
	.give = give_stream,
	.take = take_stream,
	.discard = heph_tls_conn_free,
	.split = heph_tls_split,
};
