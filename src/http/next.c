/* SPDX-License-Identifier: MIT */
/*
 * The requests of a connection, one after the other.
 *
 * A head that has come as a whole is parsed where it lies, and that stays as it
 * is until the request ends. If it has come in parts, or if something else must be
 * read while the request goes on (its body, or what follows an upgrade), it is
 * copied to memory of the exchange first.
 */
#define HEPH_LOG_TARGET "heph.http"
#include <heph/log.h>
#include <heph/time.h>

#include <string.h>

#include "http/conn.h"
#include "http/hello.h"

/* A request that takes longer than that has made others wait. */
#define QUICK (100 * HEPH_USEC)

static heph_time later(heph_time from, heph_time length)
{
	heph_time when;

	return __builtin_add_overflow(from, length, &when) ? HEPH_NEVER : when;
}

/* ---- what is no request -------------------------------------------------------- */

/* Answers it, and returns an error: the connection goes no further. */
static int refuse(heph_ctx ctx, struct heph_http_conn *conn, unsigned status,
		  const char *why, int err)
{
	struct heph_http_exchange *exchange = conn->now;

	heph_log_debug("request refused", HEPH_KV_STR("why", why),
		       HEPH_KV_UINT("status", status));
	conn->last = true;
	conn->linger = true;
	exchange->refused = true;
	exchange->body.ended = true; /* nobody knows where it begins */
	exchange->req.method = exchange->parsed.method;
	exchange->req.minor = 1;
	heph_http_add(&exchange->res, "Cache-Control", "no-store");
	if (heph_http_text(ctx, &exchange->res, status, why) < 0)
		return err;
	HEPH_HTTP_COUNT(conn->settings, by_class[status / 100], 1);
	return err;
}

static int wrong(heph_ctx ctx, struct heph_http_conn *conn)
{
	enum heph_http_wrong what = conn->now->parsed.wrong;

	HEPH_HTTP_COUNT(conn->settings, wrong, 1);
	return refuse(ctx, conn, heph_http_wrong_status(what),
		      heph_http_wrong_text(what), -EBADMSG);
}

/* ---- the head --------------------------------------------------------------------- */

static ssize_t parse(const struct heph_http_conn *conn, const char *data,
		     size_t size, size_t seen)
{
	return heph_http_parse_request(data, size, seen,
				       &conn->settings->options.limits,
				       &conn->now->parsed);
}

/* Takes over what has come of the head, up to the limit. Returns how much. */
static ssize_t take_over(struct heph_http_conn *conn)
{
	struct heph_http_exchange *exchange = conn->now;
	size_t most = conn->settings->options.limits.head - exchange->head_used;
	size_t size = conn->in_size < most ? conn->in_size : most;
	int err = heph_http_exchange_head_room(exchange,
					       exchange->head_used + size);

	if (err < 0)
		return err;
	memcpy(exchange->head + exchange->head_used, conn->in, size);
	return (ssize_t)size;
}

/* The peer ends in the midst of a head. An empty line alone is none. */
static int cut_off(heph_ctx ctx, struct heph_http_conn *conn)
{
	if (conn->now->head_used <= 2)
		return 0;
	HEPH_HTTP_COUNT(conn->settings, wrong, 1);
	return refuse(ctx, conn, 400, "the request is not complete", -EBADMSG);
}

static int too_late(heph_ctx ctx, struct heph_http_conn *conn)
{
	HEPH_HTTP_COUNT(conn->settings, late_heads, 1);
	return refuse(ctx, conn, 408, "the request came too slowly", -ETIME);
}

/* Waits. The head, which has not come as a whole, in memory of the exchange.
 * Returns its size. */
static ssize_t collect(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_exchange *exchange = conn->now;
	heph_time by = later(exchange->begun, conn->settings->options.head_time);
	ssize_t n = 0, part;

	while (n == 0) {
		part = take_over(conn);
		if (part < 0)
			return part;
		n = parse(conn, exchange->head, exchange->head_used + (size_t)part,
			  exchange->head_used);
		if (n == 0 && part == 0) {
			exchange->parsed.wrong = HEPH_HTTP_LONG_HEAD;
			n = -EBADMSG;
		}
		if (n < 0)
			return wrong(ctx, conn);
		heph_http_conn_use(conn, n > 0 ? (size_t)n - exchange->head_used :
						 (size_t)part);
		exchange->head_used += (unsigned)part;
		if (n > 0)
			break;
		part = heph_http_conn_fill(heph_until(ctx, by), conn);
		if (part == -ETIME && by <= heph_deadline(ctx))
			return too_late(ctx, conn);
		if (part <= 0)
			return part < 0 ? part : cut_off(ctx, conn);
	}
	return n;
}

static void move(struct heph_str *text, const char *from, size_t size,
		 const char *to)
{
	if (text->data >= from && text->data <= from + size)
		text->data = to + (text->data - from);
}

/* Out of the input, to memory of the exchange. */
static int copy_head(struct heph_http_conn *conn, const char *from)
{
	struct heph_http_exchange *exchange = conn->now;
	struct heph_http_request_head *head = &exchange->parsed;
	size_t size = exchange->head_size;
	struct heph_http_field *field;
	int err = heph_http_exchange_head_room(exchange, size);
	char *to = exchange->head;

	if (err < 0)
		return err;
	memcpy(to, from, size);
	move(&head->method_name, from, size, to);
	move(&head->target, from, size, to);
	move(&head->authority, from, size, to);
	move(&head->path, from, size, to);
	move(&head->query, from, size, to);
	for (unsigned i = 0; i < head->fields.n; i++) {
		field = &head->fields.at[i];
		field->name = to + (field->name - from);
		field->value = to + (field->value - from);
	}
	exchange->in_place = false;
	return 0;
}

/* Waits, if there is no whole head yet. Returns 1; 0, an error: it ends. */
static int read_head(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_exchange *exchange = conn->now;
	const char *begin = conn->in;
	ssize_t n = parse(conn, begin, conn->in_size, 0);

	if (n < 0)
		return wrong(ctx, conn);
	if (n == 0) {
		n = collect(ctx, conn);
		exchange->head_size = n > 0 ? (unsigned)n : 0;
	} else {
		exchange->in_place = true;
		exchange->head_size = (unsigned)n;
		heph_http_conn_use(conn, (size_t)n);
	}
	if (n <= 0)
		return (int)n;
	heph_http_body_begin(conn);
	if (exchange->in_place &&
	    (exchange->parsed.upgrades || !heph_http_body_is_here(conn) ||
	     exchange->parsed.method == HEPH_HTTP_CONNECT)) {
		n = copy_head(conn, begin);
		if (n < 0)
			return (int)n;
	}
	return 1;
}

static void fill_in(struct heph_http_conn *conn)
{
	struct heph_http_exchange *exchange = conn->now;
	const struct heph_http_request_head *head = &exchange->parsed;
	struct heph_http_request *req = &exchange->req;

	req->method = head->method;
	req->method_name = head->method_name;
	req->target = head->target;
	req->path = head->path;
	req->query = head->query;
	req->host = head->authority;
	req->fields = head->fields;
	req->length = head->framing == HEPH_HTTP_CHUNKED ? HEPH_HTTP_UNKNOWN :
		      head->framing == HEPH_HTTP_LENGTH	 ? head->length :
							   0;
	req->minor = head->minor;
	req->secure = conn->settings->options.tls != NULL;
	req->route = NULL;
	req->id = req->user = heph_str_of(NULL, 0);
	req->match__ = NULL;
}

/* ---- who is quick ----------------------------------------------------------------- */

static uint32_t hash_of(const struct heph_http_request *req)
{
	uint32_t hash = 2166136261u ^ (uint32_t)req->method;

	for (size_t i = 0; i < req->path.size; i++)
		hash = (hash ^ (unsigned char)req->path.data[i]) * 16777619u;
	return hash | 1; /* 0 is none */
}

static struct heph_http_habit *habit_of(const struct heph_http_conn *conn)
{
	return &conn->home->habits[conn->now->hash / 2 % HEPH_HTTP_HABITS];
}

/* Waits. Answers do not wait for a request that may take its time. */
static int look_ahead(heph_ctx ctx, struct heph_http_conn *conn)
{
	struct heph_http_exchange *exchange = conn->now;
	const struct heph_http_habit *habit;
	int n;

	if (!conn->out && conn->in_size == 0)
		return 0;
	exchange->hash = hash_of(&exchange->req);
	habit = habit_of(conn);
	exchange->quick = habit->hash == exchange->hash && habit->score > 0;
	exchange->called = exchange->begun;
	if (exchange->quick || !conn->out)
		return 0;
	n = heph_http_conn_flush(conn, ctx);
	exchange->called = heph_now();
	return n;
}

/* Who was slow must be quick a hundred times to be believed again; who was quick
 * for long may be slow once, as the machine may have stopped it. */
static void learn(struct heph_http_conn *conn, heph_time now)
{
	const struct heph_http_exchange *exchange = conn->now;
	struct heph_http_habit *habit = habit_of(conn);

	if (!exchange->hash)
		return;
	if (habit->hash != exchange->hash) {
		habit->hash = exchange->hash;
		habit->score = 0;
	}
	if (exchange->answered)
		now = exchange->answered;
	if (now - exchange->called < QUICK)
		habit->score += habit->score < HEPH_HTTP_TRUSTED;
	else if (habit->score == HEPH_HTTP_TRUSTED)
		habit->score = 1;
	else
		habit->score = HEPH_HTTP_SLOW;
}

/* ---- the end of a request ------------------------------------------------------------ */

/* Waits. What of the response is missing. */
static int complete(heph_ctx ctx, struct heph_http_response *res)
{
	switch (res->stage) {
	case HEPH_HTTP_STAGE_HEAD:
		return heph_http_send(ctx, res, "", 0);
	case HEPH_HTTP_STAGE_BODY:
		return res->failed ? -EPIPE : heph_http_end(ctx, res);
	default:
		return 0;
	}
}

void heph_http_conn_account(const struct heph_http_conn *conn)
{
	const struct heph_http_settings *settings = conn->settings;
	const struct heph_http_exchange *exchange = conn->now;
	struct heph_http_outcome outcome;
	unsigned class;

	if (!settings->options.stats)
		return;
	HEPH_HTTP_COUNT(settings, requests_now, -1);
	if (exchange->refused || exchange->req.method_name.size == 0)
		return; /* its head has not come to its end */
	outcome = heph_http_outcome(&exchange->res);
	class = outcome.status / 100;
	HEPH_HTTP_COUNT(settings, by_class[class < 6 ? class : 5], 1);
	HEPH_HTTP_COUNT(settings, received, outcome.received);
	HEPH_HTTP_COUNT(settings, sent, outcome.sent);
}

/* Waits. Ends the request that was under way. */
static __attribute__((noinline)) int finish(heph_ctx ctx, struct heph_http_conn *conn, heph_time now)
{
	struct heph_http_exchange *exchange = conn->now;
	int err = complete(ctx, &exchange->res);

	if (err == 0 && !conn->last)
		err = heph_http_body_drain(ctx, conn);
	if (!exchange->body.ended)
		conn->linger = true;
	learn(conn, now);
	heph_http_conn_account(conn);
	conn->now = NULL;
	heph_http_exchange_free(conn->home, exchange);
	return err;
}

/* ---- the next one ---------------------------------------------------------------------- */

int heph_http_conn_await(heph_ctx ctx, struct heph_http_conn *conn)
{
	const struct heph_http_settings *settings = conn->settings;
	bool wrote = conn->out;
	int n = heph_http_conn_flush(conn, ctx);
	heph_time by;

	if (n < 0)
		return n;
	if (wrote)
		conn->home->now = heph_now();
	by = later(conn->home->now, settings->options.idle_time);
	if (atomic_load_explicit(&settings->ending, memory_order_relaxed))
		return 0;
	conn->idle = true;
	n = heph_stream_read(heph_until(ctx, by), &conn->stream, &conn->in);
	conn->idle = false;
	conn->home->now = heph_now();
	if (n > 0) {
		conn->in_size = (unsigned)n;
		return 1;
	}
	if (n == -ETIME && conn->home->now < heph_deadline(ctx))
		return 0;
	if (n == -ECANCELED && atomic_load(&conn->settings->ending))
		return 0;
	return n;
}

int heph_http_conn_take(heph_ctx ctx, struct heph_http_conn *conn)
{
	const struct heph_http_settings *settings = conn->settings;
	struct heph_http_exchange *exchange = heph_http_exchange_new(
		conn->home, conn, settings->options.limits.fields);
	int n;

	if (!exchange)
		return -ENOMEM;
	exchange->begun = conn->home->now;
	conn->now = exchange;
	HEPH_HTTP_COUNT(settings, requests_now, 1);
	n = read_head(ctx, conn);
	if (n <= 0)
		return n;
	if (!exchange->in_place)
		exchange->begun = heph_now();
	fill_in(conn);
	conn->requests++;
	HEPH_HTTP_COUNT(settings, requests, 1);
	if (exchange->parsed.expects_other)
		return refuse(ctx, conn, 417, "an expectation other than "
					      "100-continue", -EBADMSG);
	n = look_ahead(ctx, conn);
	return n < 0 ? n : 1;
}

int heph_http_conn_ready(heph_ctx ctx, struct heph_http_conn *conn)
{
	bool ended = true;
	int err = 0;

	heph_http_conn_set_ctx(conn, ctx);
	conn->handler_deadline = 0;
	if (!conn->greeted)
		err = heph_http_hello(ctx, conn);
	conn->home->now = heph_now();
	if (conn->now) {
		ended = conn->now->res.stage == HEPH_HTTP_STAGE_ENDED;
		err = finish(ctx, conn, conn->home->now);
	}
	if (!ended) /* it may have waited */
		conn->home->now = heph_now();
	return err < 0 ? err : !conn->last;
}

int heph_http_next(heph_ctx ctx, struct heph_http_conn *conn,
		   struct heph_http_request **ret_req,
		   struct heph_http_response **ret_res)
{
	int n = heph_http_conn_ready(ctx, conn);

	if (n == 1 && conn->in_size == 0)
		n = heph_http_conn_await(ctx, conn);
	if (n == 1)
		n = heph_http_conn_take(ctx, conn);
	if (n == 1) {
		*ret_req = &conn->now->req;
		*ret_res = &conn->now->res;
	}
	return n;
}
