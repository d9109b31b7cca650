/* SPDX-License-Identifier: MIT */
/* What a handler asks of a request. */
#include <heph/actor.h>
#include <heph/time.h>

#include <string.h>

#include "http/conn.h"

struct heph_str heph_http_next_field(const struct heph_http_request *req,
				     const char *name, unsigned *at)
{
	struct heph_str wanted = heph_str(name);
	const struct heph_http_field *field;

	while (*at < req->fields.n) {
		field = &req->fields.at[(*at)++];
		if (field->name_size == wanted.size &&
		    strncasecmp(field->name, name, wanted.size) == 0)
			return heph_http_field_value(field);
	}
	return heph_str_of(NULL, 0);
}

struct heph_str heph_http_field(const struct heph_http_request *req,
				const char *name)
{
	unsigned at = 0;

	return heph_http_next_field(req, name, &at);
}

void *heph_http_alloc(struct heph_http_request *req, size_t size)
{
	return heph_http_exchange_alloc(heph_http_exchange_of(req), size);
}

const void *heph_http_app__(const struct heph_http_request *req, const char *type,
			    size_t size)
{
	const struct heph_http_conn *conn = req->conn;
	const struct heph_http_options *options = &conn->settings->options;

	if (!options->app || options->app_size != size ||
	    strcmp(options->app_type, type) != 0)
		heph_panic(conn->ctx, "heph_http_app: it is %s, not %s",
			   options->app ? options->app_type : "nothing", type);
	return options->app;
}

heph_ctx heph_http_ctx(const struct heph_http_request *req)
{
	return req->conn->ctx;
}

/* One that is not known, because there is no memory, is of no family. */
const struct heph_address *heph_http_peer(const struct heph_http_request *req)
{
	static const struct heph_address none = { 0 };
	struct heph_http_exchange *exchange = heph_http_exchange_of(req);
	const struct heph_http_conn *conn = req->conn;
	char text[HEPH_ADDRESS_MAX];
	struct heph_address *peer = exchange->peer;

	if (peer)
		return peer;
	peer = heph_http_exchange_alloc(exchange, sizeof(*peer));
	if (!peer)
		return &none;
	if (heph_peer_address(conn->ctx, conn->stream.fd, text) < 0 ||
	    heph_address_parse(peer, text) < 0)
		peer->size = 0;
	exchange->peer = peer;
	return peer;
}
