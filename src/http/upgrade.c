/* SPDX-License-Identifier: MIT */
/* Handing a connection over to another protocol; RFC 9110, sections 7.8, 9.3.6. */
#include "http/conn.h"
#include "http/put.h"

/* Whether a comma list of a field has the name of that protocol. */
static bool lists(struct heph_str list, struct heph_str name)
{
	size_t at = 0, end;

	while (at < list.size) {
		while (at < list.size &&
		       (list.data[at] == ' ' || list.data[at] == ',' ||
			list.data[at] == '\t'))
			at++;
		for (end = at; end < list.size && list.data[end] != ',' &&
			       list.data[end] != ' ' && list.data[end] != '\t';)
			end++;
		if (end - at == name.size &&
		    strncasecmp(list.data + at, name.data, name.size) == 0)
			return true;
		at = end;
	}
	return false;
}

static bool wants(const struct heph_http_request *req, const char *protocol)
{
	struct heph_str value;
	unsigned at = 0;

	if (!heph_http_exchange_of(req)->parsed.upgrades || req->minor == 0)
		return false;
	for (;;) {
		value = heph_http_next_field(req, "Upgrade", &at);
		if (!value.data)
			return false;
		if (lists(value, heph_str(protocol)))
			return true;
	}
}

static int may_hand_over(const struct heph_http_request *req,
			 const struct heph_http_response *res,
			 const char *protocol)
{
	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return -EALREADY;
	if (res->err < 0)
		return res->err;
	if (req->conn->broken)
		return -EPIPE;
	if (protocol)
		return wants(req, protocol) ? 0 : -EINVAL;
	return req->method == HEPH_HTTP_CONNECT ? 0 : -EINVAL;
}

static int answer(heph_ctx ctx, struct heph_http_conn *conn, const char *protocol)
{
	struct heph_http_response *res = &conn->now->res;
	struct heph_str lines;
	char *at;
	int err;

	if (protocol)
		heph_http_response_put(res, heph_str("Upgrade"),
				       heph_str(protocol));
	err = res->err;
	if (err == 0)
		err = heph_http_conn_room(conn, ctx, 128, &at);
	if (err < 0)
		return err;
	if (protocol) {
		at = HEPH_HTTP_PUT(at, "HTTP/1.1 101 Switching Protocols\r\n"
				       "Connection: upgrade\r\n");
		res->status = 101;
	} else {
		at = HEPH_HTTP_PUT(at, "HTTP/1.1 200 OK\r\n");
		res->status = 200;
	}
	res->stage = HEPH_HTTP_STAGE_ENDED;
	heph_http_conn_wrote(conn, at);
	lines = heph_http_response_lines(res);
	err = heph_http_conn_write(conn, ctx, lines.data, lines.size);
	if (err == 0)
		err = heph_http_conn_write(conn, ctx, "\r\n", 2);
	if (err == 0)
		err = heph_http_conn_flush(conn, ctx);
	if (err < 0)
		heph_http_response_fail(res);
	return err;
}

/* What has come behind the request; the input is given back. */
static int take_rest(struct heph_http_conn *conn, struct heph_str *ret_rest)
{
	char *rest = heph_http_alloc(&conn->now->req, conn->in_size);

	if (!rest)
		return -ENOMEM;
	memcpy(rest, conn->in, conn->in_size);
	*ret_rest = heph_str_of(rest, conn->in_size);
	heph_http_conn_use(conn, conn->in_size);
	heph_stream_unread(conn->ctx, &conn->stream);
	return 0;
}

int heph_http_upgrade(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res, const char *protocol,
		      struct heph_stream *ret_stream, struct heph_str *ret_rest)
{
	struct heph_http_conn *conn = req->conn;
	int err = may_hand_over(req, res, protocol);

	if (err == 0)
		err = heph_http_body_drain(ctx, conn);
	if (err < 0)
		return err;
	conn->last = true; /* what has come is not HTTP, whatever becomes of this */
	err = take_rest(conn, ret_rest);
	if (err == 0)
		err = answer(ctx, conn, protocol);
	if (err < 0)
		return err;
	conn->handed_over = true;
	*ret_stream = conn->stream;
	return 0;
}
