/* SPDX-License-Identifier: MIT */
/* Time and bodies, route by route. */
#include <heph/http/middleware.h>
#include <heph/time.h>

#include "http/config.h"
#include "http/conn.h"

int heph_http_start_time_limit(const void *config,
			       struct heph_http_router *router,
			       const void **ret_config, const char **ret_why)
{
	struct heph_http_time_limit *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	*ret_config = its;
	*ret_why = "time limit: there is no time";
	return its->time <= 0 ? -EINVAL : 0;
}
HEPH_HTTP_NO_STOP(time_limit);

/* From when the request was there. The connection must know it: what it waits for
 * by itself is not under it. */
int heph_http_run_time_limit(heph_ctx ctx, const void *config,
			     struct heph_http_request *req,
			     struct heph_http_response *res,
			     const struct heph_http_chain *chain)
{
	const struct heph_http_time_limit *its = config;
	struct heph_http_conn *conn = req->conn;
	heph_time was = conn->handler_deadline, by;
	int err;

	if (__builtin_add_overflow(conn->now->begun, its->time, &by))
		by = HEPH_NEVER;
	ctx = heph_until(conn->ctx, by);
	conn->handler_deadline = heph_deadline(ctx);
	err = heph_http_go_on(ctx, req, res, chain);
	conn->handler_deadline = was;
	return err;
}

int heph_http_start_body_limit(const void *config,
			       struct heph_http_router *router,
			       const void **ret_config, const char **ret_why)
{
	struct heph_http_body_limit *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	*ret_config = its;
	return its ? 0 : err;
}
HEPH_HTTP_NO_STOP(body_limit);

int heph_http_run_body_limit(heph_ctx ctx, const void *config,
			     struct heph_http_request *req,
			     struct heph_http_response *res,
			     const struct heph_http_chain *chain)
{
	const struct heph_http_body_limit *its = config;

	if (req->length != HEPH_HTTP_UNKNOWN && req->length > its->bytes)
		return -EMSGSIZE;
	req->conn->now->body.max = its->bytes;
	return heph_http_go_on(ctx, req, res, chain);
}
