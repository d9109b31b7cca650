/* SPDX-License-Identifier: MIT */
/* Responses that are a line of code. */
#include <heph/http/status.h>

#include <stdio.h>

#include "http/conn.h"
#include "http/put.h"

static int send_as(heph_ctx ctx, struct heph_http_response *res, unsigned status,
		   struct heph_str type, struct heph_str body)
{
	static const struct heph_str name = { "Content-Type", 12 };

	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return -EALREADY;
	heph_http_status(res, status);
	if (res->lines.used)
		heph_http_remove(res, name.data);
	heph_http_response_put(res, name, type);
	return heph_http_send(ctx, res, body.data, body.size);
}

#define TYPE(literal_) ((struct heph_str){ (literal_), sizeof(literal_) - 1 })

int heph_http_text(heph_ctx ctx, struct heph_http_response *res, unsigned status,
		   const char *text)
{
	return send_as(ctx, res, status, TYPE("text/plain; charset=utf-8"),
		       heph_str(text));
}

int heph_http_json(heph_ctx ctx, struct heph_http_response *res, unsigned status,
		   const char *json)
{
	return send_as(ctx, res, status, TYPE("application/json"),
		       heph_str(json));
}

int heph_http_error(heph_ctx ctx, struct heph_http_response *res, unsigned status)
{
	char text[100];

	snprintf(text, sizeof(text), "%u %s\n", status,
		 heph_http_reason(status));
	return heph_http_text(ctx, res, status, text);
}

int heph_http_redirect(heph_ctx ctx, struct heph_http_response *res,
		       unsigned status, const char *location)
{
	if (status != 301 && status != 302 && status != 303 && status != 307 &&
	    status != 308)
		return -EINVAL;
	heph_http_set(res, "Location", location);
	return heph_http_error(ctx, res, status);
}
