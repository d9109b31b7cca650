/* SPDX-License-Identifier: MIT */
/*
 * Sending a response: its head, then its body, whole or in pieces.
 *
 * The line of the status always says HTTP/1.1: it is the version of the server,
 * not of the message (RFC 9110, section 2.5; RFC 9112, section 2.3).
 */
#include <heph/http/status.h>
#include <heph/time.h>

#include "http/chunk.h"
#include "http/conn.h"
#include "http/put.h"

static struct heph_http_conn *conn_of(const struct heph_http_response *res)
{
	return heph_http_exchange_of_response(res)->req.conn;
}

heph_ctx heph_http_response_ctx(heph_ctx ctx, const struct heph_http_response *res)
{
	struct heph_http_conn *conn = conn_of(res);

	return heph_http_conn_ctx(conn, ctx, conn->settings->options.write_time);
}

/* What was collected is still sent, answers to former requests among it. Where the
 * end of the connection is the end of the body, only a reset tells that it is not
 * whole. */
void heph_http_response_fail(struct heph_http_response *res)
{
	struct heph_http_conn *conn = conn_of(res);

	res->failed = true;
	conn->last = true;
	conn->reset |= res->framing == HEPH_HTTP_UNTIL_CLOSE;
}

void heph_http_response_late(struct heph_http_response *res)
{
	HEPH_HTTP_COUNT(conn_of(res)->settings, late_writers, 1);
	heph_http_response_fail(res);
}

/* ---- the head --------------------------------------------------------------------- */

/* 304 has none either, but for what the handler says by itself. */
static bool has_framing(const struct heph_http_response *res)
{
	return res->status >= 200 && res->status != 204 && res->status != 304;
}

/* Each is asked once, those that want nothing of it go. */
static int ask_filters(struct heph_http_response *res, uint64_t *length)
{
	struct heph_http_filter **at = &res->filters, *filter;
	int n;

	while ((filter = *at)) {
		n = (has_framing(res) && res->status != 205) ||
				    res->status == 304 ?
			    filter->head(filter, res, length) :
			    0;
		if (n < 0)
			return n;
		if (n > 0) {
			at = &filter->next__;
			continue;
		}
		*at = filter->next__;
		if (filter->free)
			filter->free(filter);
	}
	return 0;
}

static enum heph_http_framing framing_of(const struct heph_http_exchange *exchange,
					 uint64_t length)
{
	if (!has_framing(&exchange->res))
		return HEPH_HTTP_NO_BODY;
	if (length != HEPH_HTTP_UNKNOWN)
		return HEPH_HTTP_LENGTH;
	return exchange->req.minor > 0 ? HEPH_HTTP_CHUNKED :
					 HEPH_HTTP_UNTIL_CLOSE;
}

/* Whether the connection ends after this response. */
static bool is_last(const struct heph_http_conn *conn)
{
	const struct heph_http_exchange *exchange = conn->now;
	const struct heph_http_settings *settings = conn->settings;

	return conn->last || !exchange->parsed.keep_alive ||
	       exchange->res.close_after ||
	       exchange->req.method == HEPH_HTTP_CONNECT ||
	       exchange->res.framing == HEPH_HTTP_UNTIL_CLOSE ||
	       (settings->options.requests &&
		conn->requests >= settings->options.requests) ||
	       atomic_load_explicit(&settings->ending, memory_order_relaxed) ||
	       heph_stopping(conn->ctx) || heph_http_body_abandoned(conn);
}

static char *put_status(char *to, unsigned status)
{
	const char *reason = heph_http_reason(status);

	to = HEPH_HTTP_PUT(to, "HTTP/1.1 ");
	to = heph_http_put_decimal(to, status);
	*to++ = ' ';
	to = heph_http_put(to, reason, strlen(reason));
	return HEPH_HTTP_PUT(to, "\r\n");
}

static char *put_framing(char *to, const struct heph_http_response *res)
{
	switch (res->framing) {
	case HEPH_HTTP_LENGTH:
		to = HEPH_HTTP_PUT(to, "Content-Length: ");
		to = heph_http_put_decimal(to, res->left);
		return HEPH_HTTP_PUT(to, "\r\n");
	case HEPH_HTTP_CHUNKED:
		return HEPH_HTTP_PUT(to, "Transfer-Encoding: chunked\r\n");
	default:
		return to;
	}
}

static char *put_connection(char *to, const struct heph_http_conn *conn)
{
	if (conn->last)
		return HEPH_HTTP_PUT(to, "Connection: close\r\n");
	if (conn->now->req.minor == 0)
		return HEPH_HTTP_PUT(to, "Connection: keep-alive\r\n");
	return to;
}

static int write_head(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_exchange *exchange = conn->now;
	struct heph_http_response *res = &exchange->res;
	struct heph_str lines = heph_http_response_lines(res);
	struct heph_str server = conn->settings->server, date;
	char *at;
	int err = heph_http_conn_room(conn, ctx, 512 + server.size, &at);

	if (err < 0)
		return err;
	date = heph_http_home_date(conn->home, exchange->begun);
	at = put_status(at, res->status);
	at = heph_http_put(at, date.data, date.size);
	if (server.size)
		at = heph_http_put(at, server.data, server.size);
	at = put_framing(at, res);
	at = put_connection(at, conn);
	heph_http_conn_wrote(conn, at);
	if (lines.size)
		err = heph_http_conn_write(conn, ctx, lines.data, lines.size);
	return err < 0 ? err : heph_http_conn_write(conn, ctx, "\r\n", 2);
}

static int begin(heph_ctx ctx, struct heph_http_response *res, uint64_t length)
{
	struct heph_http_conn *conn = conn_of(res);
	int err = res->err;

	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return -EALREADY;
	if (conn->broken)
		return -EPIPE;
	if (err == 0 && res->filters)
		err = ask_filters(res, &length);
	if (err == 0) /* what filters did */
		err = res->err;
	if (err == 0 && heph_http_response_is_tunnel(res))
		err = -EINVAL;
	if (err < 0)
		return err;
	res->mute = heph_http_response_mute(res);
	if (res->status == 205)
		length = 0;
	res->framing = framing_of(conn->now, length);
	res->left = res->framing == HEPH_HTTP_LENGTH ? length : 0;
	conn->last = is_last(conn);
	conn->now->body.expects = false; /* an interim response comes too late */
	res->stage = HEPH_HTTP_STAGE_BODY;
	err = write_head(ctx, conn);
	if (err < 0)
		heph_http_response_fail(res);
	return err;
}

/* ---- the body ------------------------------------------------------------------------ */

/* Behind the filters. */
static int write_framed(heph_ctx ctx, struct heph_http_response *res,
			const char *data, size_t size)
{
	struct heph_http_conn *conn = conn_of(res);
	int err;

	if (res->mute || size == 0)
		return 0;
	if (res->framing == HEPH_HTTP_LENGTH && size > res->left) {
		heph_http_response_fail(res);
		return -EMSGSIZE;
	}
	err = res->framing == HEPH_HTTP_CHUNKED ?
		      heph_http_chunk_write(conn, ctx, data, size) :
		      heph_http_conn_write(conn, ctx, data, size);
	if (err < 0) {
		heph_http_response_fail(res);
		return err;
	}
	heph_http_response_sent(res, size);
	return 0;
}

void heph_http_response_sent(struct heph_http_response *res, uint64_t n)
{
	res->sent += n;
	if (res->framing == HEPH_HTTP_LENGTH)
		res->left -= n;
}

int heph_http_filter_write(heph_ctx ctx, struct heph_http_filter *filter,
			   struct heph_http_response *res, const void *data,
			   size_t size)
{
	struct heph_http_filter *next = filter->next__;

	return next ? next->write(ctx, next, res, data, size) :
		      write_framed(ctx, res, data, size);
}

static int write_body(heph_ctx ctx, struct heph_http_response *res,
		      const void *data, size_t size)
{
	struct heph_http_filter *first = res->filters;

	if (res->mute)
		return 0;
	return first ? first->write(ctx, first, res, data, size) :
		       write_framed(ctx, res, data, size);
}

/* Of each filter, the first one first: what it gives on reaches those behind it
 * before they are asked themselves. */
static int for_filters(heph_ctx ctx, struct heph_http_response *res, bool end)
{
	struct heph_http_filter *filter = res->filters;
	int err = 0;

	if (res->mute)
		return 0;
	for (; err == 0 && filter; filter = filter->next__)
		err = end ? filter->end(ctx, filter, res) :
			    filter->flush(ctx, filter, res);
	return err;
}

static int end_framed(heph_ctx ctx, struct heph_http_response *res)
{
	if (res->mute)
		return 0;
	if (res->framing == HEPH_HTTP_CHUNKED)
		return heph_http_chunk_end(conn_of(res), ctx,
					   heph_str_of(res->trailers,
						       res->trailers_used));
	return res->left ? -ENODATA : 0;
}

/* At once, unless more requests are here that will be answered at once, too. */
static int send_off(heph_ctx ctx, struct heph_http_response *res)
{
	struct heph_http_conn *conn = conn_of(res);

	if (conn->in_size > 0 && conn->now->quick)
		return 0;
	if (conn->now->hash)
		conn->now->answered = heph_now();
	return heph_http_conn_flush(conn, ctx);
}

static int end(heph_ctx ctx, struct heph_http_response *res)
{
	int err = for_filters(ctx, res, true);

	if (err == 0)
		err = res->err; /* of trailers */
	if (err == 0)
		err = end_framed(ctx, res);
	res->stage = HEPH_HTTP_STAGE_ENDED;
	if (err == 0)
		err = send_off(ctx, res);
	if (err < 0)
		heph_http_response_fail(res);
	return err;
}

/* ---- the interface -------------------------------------------------------------------- */

int heph_http_send(heph_ctx ctx, struct heph_http_response *res, const void *body,
		   size_t size)
{
	int err = begin(ctx, res, size);

	if (err == 0)
		err = write_body(ctx, res, body, size);
	return err < 0 ? err : end(ctx, res);
}

static int in_stage(const struct heph_http_response *res)
{
	switch (res->stage) {
	case HEPH_HTTP_STAGE_HEAD:
		return -EINVAL;
	case HEPH_HTTP_STAGE_BODY:
		return res->failed ? -EPIPE : 0;
	default:
		return -EALREADY;
	}
}

int heph_http_begin(heph_ctx ctx, struct heph_http_response *res, uint64_t length)
{
	return begin(ctx, res, length);
}

int heph_http_write(heph_ctx ctx, struct heph_http_response *res, const void *data,
		    size_t size)
{
	int err = in_stage(res);

	return err < 0 ? err : write_body(ctx, res, data, size);
}

int heph_http_flush(heph_ctx ctx, struct heph_http_response *res)
{
	int err = in_stage(res);

	if (err == 0)
		err = for_filters(ctx, res, false);
	if (err == 0)
		err = heph_http_conn_flush(conn_of(res), ctx);
	return err;
}

int heph_http_end(heph_ctx ctx, struct heph_http_response *res)
{
	int err = in_stage(res);

	return err < 0 ? err : end(ctx, res);
}

struct heph_stream *heph_http_response_direct(heph_ctx ctx,
					      struct heph_http_response *res,
					      int *ret_err)
{
	struct heph_http_conn *conn = conn_of(res);

	*ret_err = 0;
	if (res->mute || res->filters || res->framing == HEPH_HTTP_CHUNKED ||
	    !heph_stream_direct(&conn->stream))
		return NULL;
	*ret_err = heph_http_conn_flush(conn, ctx);
	return *ret_err < 0 ? NULL : &conn->stream;
}

int heph_http_interim(heph_ctx ctx, struct heph_http_response *res,
		      unsigned status)
{
	struct heph_http_conn *conn = conn_of(res);
	struct heph_str lines = heph_http_response_lines(res);
	char *at;
	int err = res->err;

	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return -EALREADY;
	if (status < 100 || status > 199 || status == 101)
		return -EINVAL;
	if (conn->now->req.minor == 0 || err < 0)
		return err;
	if (status == 100)
		conn->now->body.expects = false;
	err = heph_http_conn_room(conn, ctx, 128, &at);
	if (err < 0)
		return err;
	heph_http_conn_wrote(conn, put_status(at, status));
	err = heph_http_conn_write(conn, ctx, lines.data, lines.size);
	if (err == 0)
		err = heph_http_conn_write(conn, ctx, "\r\n", 2);
	return err < 0 ? err : heph_http_conn_flush(conn, ctx);
}
