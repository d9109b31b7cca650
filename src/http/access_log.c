/* SPDX-License-Identifier: MIT */
/* The middleware that writes a line for each request. */
#define HEPH_LOG_TARGET "heph.http.access"

#include <heph/http/middleware.h>
#include <heph/log.h>
#include <heph/time.h>

#include "http/config.h"
#include "http/done.h"
#include "http/logline.h"
#include "http/logwriter.h"

#include <stdio.h>
#include <time.h>

struct access_log {
	struct heph_http_access_log config;
	struct heph_http_logwriter *writer;
};

enum { BUFFER = 1 << 20 };

int heph_http_start_access_log(const void *config,
			       struct heph_http_router *router,
			       const void **ret_config, const char **ret_why)
{
	struct access_log *log;
	int err;

	log = heph_http_config_take(router, config,
				    sizeof(struct heph_http_access_log),
				    sizeof(*log), &err, ret_why);
	if (!log)
		return err;
	*ret_config = log;
	*ret_why = "access log: a descriptor and a function, or no such format";
	if (log->config.fd < 0 || (log->config.fd && log->config.fn) ||
	    log->config.format > HEPH_HTTP_LOG_JSON)
		return -EINVAL;
	if (!log->config.fd)
		return 0;
	return heph_http_logwriter_new(
		log->config.fd,
		log->config.buffer ? log->config.buffer : BUFFER,
		log->config.format == HEPH_HTTP_LOG_JSON ? "{\"lost\":%llu}\n" :
							   "# lost %llu\n",
		&log->writer);
}

void heph_http_stop_access_log(const void *config)
{
	const struct access_log *log = config;

	if (log->writer)
		heph_http_logwriter_free(log->writer);
}

/* ---- a line ---------------------------------------------------------------------------- */

/* Whether the client has got a part of it, and gets no more. */
static bool is_cut(const struct heph_http_response *res, int err)
{
	if (res->stage == HEPH_HTTP_STAGE_HEAD)
		return false;
	if (res->stage == HEPH_HTTP_STAGE_BODY &&
	    (err < 0 || (res->framing == HEPH_HTTP_LENGTH && !res->mute &&
			 res->left > 0)))
		return true;
	return heph_http_outcome(res).failed;
}

static void describe(struct heph_http_request *req,
		     const struct heph_http_response *res, heph_time time,
		     int err, struct heph_http_logline *ret_line,
		     char peer[HEPH_ADDRESS_MAX])
{
	struct heph_http_outcome outcome = heph_http_outcome(res);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (heph_address_print(heph_http_peer(req), peer) < 0)
		strcpy(peer, "-");
	*ret_line = (struct heph_http_logline){
		.peer = peer,
		.method = req->method_name,
		.target = req->target,
		.user = req->user,
		.id = req->id,
		.referer = heph_http_field(req, "Referer"),
		.agent = heph_http_field(req, "User-Agent"),
		.route = req->route,
		.minor = req->minor,
		.status = heph_http_done_status(
			heph_http_exchange_of_response(res), err),
		.sent = outcome.sent,
		.received = outcome.received,
		.time = time,
		.cut = is_cut(res, err),
		.wall = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
	};
}

/* The log escapes texts, and wants an end of each. */
static void to_log(const struct heph_http_logline *line)
{
	char method[32], target[512], id[129];

	snprintf(method, sizeof(method), "%.*s", HEPH_STR(line->method));
	snprintf(target, sizeof(target), "%.*s", HEPH_STR(line->target));
	snprintf(id, sizeof(id), "%.*s", HEPH_STR(line->id));
	heph_log_info("request", HEPH_KV_STR("peer", line->peer),
		      HEPH_KV_STR("method", method),
		      HEPH_KV_STR("path", target),
		      HEPH_KV_UINT("status", line->status),
		      HEPH_KV_UINT("sent", line->sent),
		      HEPH_KV_UINT("received", line->received),
		      HEPH_KV_TIME("time", line->time),
		      HEPH_KV_STR("route", line->route ? line->route : "none"),
		      HEPH_KV_STR("id", id),
		      HEPH_KV_STR("response", line->cut ? "cut" : "whole"));
}

/* Its own function: nothing of it is on the stack while a handler waits. */
static __attribute__((noinline)) void
write_line(const struct access_log *log, struct heph_http_request *req,
	   const struct heph_http_response *res, heph_time time, int err)
{
	char buf[HEPH_HTTP_LOGLINE_MAX], peer[HEPH_ADDRESS_MAX];
	struct heph_http_logline line;
	size_t size;

	describe(req, res, time, err, &line, peer);
	if (!log->writer && !log->config.fn) {
		to_log(&line);
		return;
	}
	size = heph_http_logline_print(&line, log->config.format, buf);
	if (log->writer)
		heph_http_logwriter_add(log->writer, buf, size);
	else
		log->config.fn(buf, size);
}

int heph_http_run_access_log(heph_ctx ctx, const void *config,
			     struct heph_http_request *req,
			     struct heph_http_response *res,
			     const struct heph_http_chain *chain)
{
	heph_time begun = heph_now();
	int err = heph_http_go_on(ctx, req, res, chain);

	write_line(config, req, res, heph_now() - begun, err);
	return err;
}
