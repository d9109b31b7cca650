/* SPDX-License-Identifier: MIT */
/*
 * The body of a request: reading it, and reading it away.
 *
 * It is read from where it has come, and copied to the reader's memory once. The
 * time without a byte is limited, and so is the whole: a client must be as fast as
 * `body_rate` says in the time that was waited for it, though never asked for before
 * that is ten seconds. What the handler does in between is not its time.
 */
#include <heph/time.h>

#include <string.h>

#include "http/conn.h"

#define RATE_FROM (10 * HEPH_SEC)
#define EARNED_MAX 100000000 /* seconds, three years: more is no limit */

static struct heph_http_incoming *body_of(const struct heph_http_conn *conn)
{
	return &conn->now->body;
}

void heph_http_body_begin(struct heph_http_conn *conn)
{
	const struct heph_http_request_head *head = &conn->now->parsed;
	struct heph_http_incoming *body = body_of(conn);

	body->framing = head->framing;
	body->expects = head->expects_continue;
	body->max = conn->settings->options.body;
	if (head->framing == HEPH_HTTP_LENGTH)
		body->left = head->length;
	body->ended = head->framing == HEPH_HTTP_NO_BODY ||
		      (head->framing == HEPH_HTTP_LENGTH && !body->left);
	if (body->ended)
		body->expects = false;
}

bool heph_http_body_is_here(const struct heph_http_conn *conn)
{
	const struct heph_http_incoming *body = body_of(conn);

	return body->ended || (body->framing == HEPH_HTTP_LENGTH &&
			       body->left <= conn->in_size);
}

static int fail(struct heph_http_conn *conn, int err)
{
	struct heph_http_incoming *body = body_of(conn);

	body->err = err;
	body->expects = false;
	conn->last = true;
	conn->linger = true;
	return err;
}

/* ---- waiting for it ------------------------------------------------------------ */

/* Waits. An interim response, or what stands for it: a status line alone. */
static int send_continue(heph_ctx ctx, struct heph_http_conn *conn)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	int err = heph_http_conn_write(conn, ctx, line, sizeof(line) - 1);

	return err < 0 ? err : heph_http_conn_flush(conn, ctx);
}

heph_time heph_http_body_deadline(const struct heph_http_conn *conn,
				  heph_time now)
{
	const struct heph_http_options *options = &conn->settings->options;
	const struct heph_http_incoming *body = body_of(conn);
	uint64_t earned = body->got / options->body_rate; /* seconds */
	heph_time next, whole;

	if (__builtin_add_overflow(now, options->body_time, &next))
		next = HEPH_NEVER;
	if (options->body_rate >= HEPH_NEVER || earned > EARNED_MAX)
		return next;
	whole = now + RATE_FROM - body->waited + (heph_time)earned * HEPH_SEC;
	return next < whole ? next : whole;
}

void heph_http_body_waited(struct heph_http_conn *conn, heph_time begun)
{
	conn->home->now = heph_now();
	body_of(conn)->waited += conn->home->now - begun;
}

int heph_http_body_late(struct heph_http_conn *conn)
{
	body_of(conn)->late = true;
	HEPH_HTTP_COUNT(conn->settings, late_bodies, 1);
	return fail(conn, -ETIME);
}

/* The context of a handler, but for its deadline. */
static heph_ctx patient(const struct heph_http_conn *conn, heph_ctx ctx)
{
	return heph_deadline(ctx) == conn->handler_deadline ? conn->ctx : ctx;
}

/* Waits, until there is input. */
static int fill(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_incoming *body = body_of(conn);
	heph_time begun, deadline;
	int n;

	if (conn->in_size > 0)
		return 1;
	if (body->expects) {
		body->expects = false;
		n = send_continue(ctx, conn);
		if (n < 0)
			return n;
	}
	ctx = patient(conn, ctx);
	begun = heph_now();
	deadline = heph_http_body_deadline(conn, begun);
	n = heph_http_conn_fill(heph_until(ctx, deadline), conn);
	heph_http_body_waited(conn, begun);
	if (n == 0)
		return fail(conn, -ECONNRESET);
	if (n == -ETIME && deadline <= heph_deadline(ctx))
		return heph_http_body_late(conn);
	return n == -ETIME || n == -ECANCELED || n == 1 ? n : fail(conn, n);
}

/* ---- of known length ------------------------------------------------------------- */

static size_t least(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* Waits. What of the body lies in the input, at most `max`; the reader says how
 * much of it he took with took(). 0 at the end. */
static ssize_t next_of_length(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_incoming *body = body_of(conn);
	int n = fill(ctx, conn);

	return n < 0 ? n : (ssize_t)least(body->left, conn->in_size);
}

/* ---- chunked ----------------------------------------------------------------------- */

static int wrong_chunk(struct heph_http_conn *conn)
{
	HEPH_HTTP_COUNT(conn->settings, wrong, 1);
	return fail(conn, -EBADMSG);
}

/* Memory for them. */
static int expect_trailers(struct heph_http_conn *conn)
{
	const struct heph_http_limits *limits = &conn->settings->options.limits;
	struct heph_http_incoming *body = body_of(conn);
	struct heph_http_fields *fields = &body->trailers;

	if (body->lines)
		return 0;
	fields->at = heph_http_exchange_alloc(conn->now, limits->fields *
							 sizeof(*fields->at));
	fields->room = limits->fields;
	if (fields->at)
		body->lines = heph_http_exchange_alloc(conn->now, limits->head);
	return body->lines ? 0 : fail(conn, -ENOMEM);
}

/* What has come of them. Returns 1: that was all; 0. */
static int take_trailers(struct heph_http_conn *conn)
{
	const struct heph_http_limits *limits = &conn->settings->options.limits;
	struct heph_http_incoming *body = body_of(conn);
	size_t have = body->lines_size;
	size_t part = least(conn->in_size, limits->head - have);
	enum heph_http_wrong wrong;
	ssize_t n;

	memcpy(body->lines + have, conn->in, part);
	n = heph_http_parse_trailers(body->lines, have + part, have, limits,
				     &body->trailers, &wrong);
	if (n < 0 || (n == 0 && part == 0))
		return wrong_chunk(conn);
	heph_http_conn_use(conn, n > 0 ? (size_t)n - have : part);
	body->lines_size += part;
	return n > 0;
}

/* Waits. The lines behind the last chunk, which are kept. A wait that ends is gone
 * on with by the next call. */
static int read_trailers(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_incoming *body = body_of(conn);
	int n = 0;

	while (n == 0) {
		n = fill(ctx, conn);
		if (n < 0)
			return n;
		if (body->lines_size == 0 && conn->in_size >= 2 &&
		    memcmp(conn->in, "\r\n", 2) == 0) {
			heph_http_conn_use(conn, 2);
			break;
		}
		n = expect_trailers(conn);
		if (n == 0)
			n = take_trailers(conn);
		if (n < 0)
			return n;
	}
	body->ended = true;
	return 0;
}

/* The same as of known length: `left` is what of the chunk has come. */
static ssize_t next_of_chunks(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_incoming *body = body_of(conn);
	size_t used, has;
	int n = 1;

	while (body->left == 0) {
		n = fill(ctx, conn);
		if (n < 0)
			return n;
		n = heph_http_parse_chunks(&body->chunks, conn->in,
					   conn->in_size, &used, &has);
		if (n < 0)
			return wrong_chunk(conn);
		heph_http_conn_use(conn, used - has);
		body->left = has;
		if (n == 0)
			return read_trailers(ctx, conn);
	}
	return (ssize_t)body->left;
}

/* ---- either --------------------------------------------------------------------------- */

/* Waits. How many bytes of the body lie in the input; 0 at its end. */
static ssize_t next(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_incoming *body = body_of(conn);

	if (body->ended || body->err < 0)
		return body->err;
	if (body->framing == HEPH_HTTP_LENGTH)
		return next_of_length(ctx, conn);
	return next_of_chunks(ctx, conn);
}

/* A deadline that has passed, and is not that of the handler. */
enum { PAST = 2 };

int heph_http_body_look(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_incoming *body = body_of(conn);

	if (body->ended || body->err < 0)
		return 1;
	if (body->expects && conn->in_size == 0) {
		body->expects = false;
		if (send_continue(ctx, conn) < 0)
			return 1;
	}
	if (conn->in_size == 0 && !conn->stream.type)
		return 0;
	return next(heph_until(ctx, PAST), conn) != -ETIME;
}

int heph_http_body_came(heph_ctx ctx, struct heph_http_conn *conn)
{
	int n;

	if (conn->stream.type)
		return heph_http_body_look(ctx, conn);
	n = heph_http_conn_fill(ctx, conn);
	return n <= 0 ? 1 : heph_http_body_look(ctx, conn);
}

static void took(struct heph_http_conn *conn, size_t n)
{
	struct heph_http_incoming *body = body_of(conn);

	heph_http_conn_use(conn, n);
	body->left -= n;
	body->got += n;
	if (body->framing == HEPH_HTTP_LENGTH && !body->left)
		body->ended = true;
	if (conn->in_size == 0 && !conn->now->in_place)
		heph_stream_unread(conn->ctx, &conn->stream);
}

/* More than the server takes, whether or not it has come. */
static bool too_large(const struct heph_http_conn *conn)
{
	const struct heph_http_incoming *body = body_of(conn);

	return body->left > body->max || body->got > body->max - body->left;
}

int heph_http_read(heph_ctx ctx, struct heph_http_request *req, void *buf,
		   size_t size)
{
	struct heph_http_conn *conn = req->conn;
	ssize_t n = 0;

	if (body_of(conn)->err == 0 && too_large(conn))
		return fail(conn, -EMSGSIZE);
	n = next(ctx, conn);
	if (n <= 0)
		return (int)n;
	if (too_large(conn))
		return fail(conn, -EMSGSIZE);
	size = least(least((uint64_t)n, size), INT32_MAX);
	memcpy(buf, conn->in, size);
	took(conn, size);
	return (int)size;
}

/* ---- all of it ------------------------------------------------------------------------ */

/* It lies in the input, and stays there. */
static void lend(struct heph_http_conn *conn, struct heph_str *ret_body)
{
	size_t size = (size_t)body_of(conn)->left;

	*ret_body = heph_str_of(conn->in, size);
	took(conn, size);
}

static int read_known(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_str *ret_body)
{
	size_t size = (size_t)body_of(req->conn)->left, have = 0;
	char *text = heph_http_alloc(req, size);
	int n;

	if (!text)
		return -ENOMEM;
	while (have < size) {
		n = heph_http_read(ctx, req, text + have, size - have);
		if (n < 0)
			return n;
		have += (size_t)n;
	}
	*ret_body = heph_str_of(text, size);
	return 0;
}

/* The double of what there was is new memory of the request, so all of it is at
 * most four times the body. */
static int read_unknown(heph_ctx ctx, struct heph_http_request *req, uint64_t max,
			struct heph_str *ret_body)
{
	size_t room = 4096, have = 0;
	char *text = heph_http_alloc(req, room), *grown;
	int n;

	while (text) {
		n = heph_http_read(ctx, req, text + have, room - have);
		if (n <= 0) {
			*ret_body = heph_str_of(text, have);
			return n;
		}
		have += (size_t)n;
		if (have > max)
			return fail(req->conn, -EMSGSIZE);
		if (have < room)
			continue;
		room *= 2;
		grown = heph_http_alloc(req, room);
		if (grown)
			memcpy(grown, text, have);
		text = grown;
	}
	return -ENOMEM;
}

int heph_http_read_all(heph_ctx ctx, struct heph_http_request *req, size_t max,
		       struct heph_str *ret_body)
{
	struct heph_http_conn *conn = req->conn;
	struct heph_http_incoming *body = body_of(conn);
	uint64_t most = body->max;

	if (max && max < most)
		most = max;
	*ret_body = heph_str_of("", 0);
	if (body->ended || body->err < 0)
		return body->err;
	if (body->framing != HEPH_HTTP_LENGTH)
		return read_unknown(ctx, req, most, ret_body);
	if (body->left > most)
		return fail(conn, -EMSGSIZE);
	if (!conn->now->in_place || body->left > conn->in_size)
		return read_known(ctx, req, ret_body);
	lend(conn, ret_body);
	return 0;
}

const struct heph_http_fields *
heph_http_trailers(const struct heph_http_request *req)
{
	return &heph_http_exchange_of(req)->body.trailers;
}

/* ---- nobody reads it -------------------------------------------------------------------- */

bool heph_http_body_abandoned(const struct heph_http_conn *conn)
{
	const struct heph_http_incoming *body = body_of(conn);

	if (body->ended)
		return false;
	return body->err < 0 || (body->expects && conn->in_size == 0) ||
	       (body->framing == HEPH_HTTP_LENGTH &&
		body->left > conn->settings->options.drain);
}

int heph_http_body_drain(heph_ctx ctx, struct heph_http_conn *conn)
{
	uint64_t left = conn->settings->options.drain;
	ssize_t n = 0;

	if (heph_http_body_abandoned(conn))
		return fail(conn, -EMSGSIZE);
	body_of(conn)->expects = false;
	while ((n = next(ctx, conn)) > 0) {
		if ((uint64_t)n > left)
			return fail(conn, -EMSGSIZE);
		left -= (uint64_t)n;
		took(conn, (size_t)n);
	}
	return (int)n;
}
