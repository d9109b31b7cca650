/* SPDX-License-Identifier: MIT */
/* What becomes of a request whose handler has failed. */
#define HEPH_LOG_TARGET "heph.http"
#include <heph/actor.h>
#include <heph/log.h>
#include <heph/time.h>

#include "http/conn.h"
#include "http/done.h"

static void tell(const struct heph_http_conn *conn, int err, unsigned status)
{
	const struct heph_http_request *req = &conn->now->req;
	char target[100];
	size_t size = req->target.size < sizeof(target) - 1 ?
			      req->target.size :
			      sizeof(target) - 1;

	if (size > 0)
		memcpy(target, req->target.data, size);
	target[size] = '\0';
	/* What the client has done wrong is no error of the server, nor is a stop. */
	heph_log((status >= 400 && status < 500) || err == -ECANCELED ?
			 HEPH_LOG_INFO :
			 HEPH_LOG_ERROR,
		 "a request failed", HEPH_KV_ERR("err", err),
		 HEPH_KV_UINT("status", status), HEPH_KV_STR("request", target));
}

void heph_http_conn_settle(heph_ctx ctx, struct heph_http_conn *conn, int err)
{
	struct heph_http_exchange *exchange = conn->now;
	struct heph_http_response *res = &exchange->res;
	unsigned status;

	err = heph_http_done_err(exchange, err);
	if (err >= 0)
		return;
	status = heph_http_done_status(exchange, err);
	if (heph_http_done_cut(exchange, err))
		heph_log_debug("the client has gone", HEPH_KV_ERR("err", err));
	else
		tell(conn, err, status);
	if (err == -ETIME && !conn->now->body.late)
		HEPH_HTTP_COUNT(conn->settings, late_handlers, 1);
	if (res->stage == HEPH_HTTP_STAGE_BODY)
		heph_http_response_fail(res);
	if (conn->broken || res->stage != HEPH_HTTP_STAGE_HEAD)
		return;
	heph_http_response_clear(res);
	if (err == -ECANCELED)
		conn->last = true;
	if (heph_http_error(ctx, res, status) < 0)
		conn->last = true;
}
