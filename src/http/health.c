/* SPDX-License-Identifier: MIT */
#include <heph/http/health.h>
#include <heph/actor.h>
#include <heph/time.h>

#include "http/config.h"

#include <stdio.h>

int heph_http_live(heph_ctx ctx, struct heph_http_request *req,
		   struct heph_http_response *res)
{
	(void)req;
	heph_http_set(res, "Cache-Control", "no-store");
	return heph_http_json(ctx, res, 200, "{\"status\":\"ok\"}\n");
}

static const char *wrong_with(const struct heph_http_check *checks)
{
	for (; checks && checks->name; checks++) {
		if (!checks->check)
			return "ready: a check has no function";
		for (const char *at = checks->name; *at; at++)
			if (*at < ' ' || *at == '"' || *at == '\\')
				return "ready: the name of a check is no word";
	}
	return NULL;
}

int heph_http_start_ready(const void *config, struct heph_http_router *router,
			  const void **ret_config, const char **ret_why)
{
	struct heph_http_ready *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	if (!its->time)
		its->time = 5 * HEPH_SEC;
	*ret_config = its;
	*ret_why = wrong_with(its->checks);
	return *ret_why ? -EINVAL : 0;
}
HEPH_HTTP_NO_STOP(ready);

/* In memory of the request. */
struct report {
	size_t used, room;
	bool unready;
	char text[];
};

static void print(struct report *report, const char *format, const char *a,
		  const char *b)
{
	report->used += (size_t)snprintf(report->text + report->used,
					 report->room - report->used, format, a,
					 b);
}

static struct report *report_new(struct heph_http_request *req,
				 const struct heph_http_check *checks)
{
	size_t room = 64;
	struct report *report;

	for (; checks && checks->name; checks++)
		room += strlen(checks->name) + 40;
	report = heph_http_alloc(req, sizeof(*report) + room);
	if (report)
		*report = (struct report){ .room = room };
	return report;
}

/* Waits. */
static void make_checks(heph_ctx ctx, const struct heph_http_check *checks,
			struct report *report)
{
	for (bool first = true; checks && checks->name; checks++) {
		int err = heph_deadline(ctx) <= heph_now() ?
				  -ETIME :
				  checks->check(ctx, checks->arg);
		const char *name = err < 0 ? strerrorname_np(-err) : "ok";

		report->unready |= err < 0;
		print(report, first ? "\"%s\":\"%s\"" : ",\"%s\":\"%s\"",
		      checks->name, name ? name : "failed");
		first = false;
	}
}

int heph_http_run_ready(heph_ctx ctx, const void *config,
			struct heph_http_request *req,
			struct heph_http_response *res,
			const struct heph_http_chain *chain)
{
	const struct heph_http_ready *its = config;
	struct report *report = report_new(req, its->checks);

	(void)chain;
	if (!report)
		return -ENOMEM;
	print(report, "{\"%s\":%s", "checks", "{");
	make_checks(heph_within(ctx, its->time), its->checks, report);
	print(report, "},\"status\":\"%s\"}%s", report->unready ? "unready" : "ok",
	      "\n");
	heph_http_set(res, "Cache-Control", "no-store");
	return heph_http_json(ctx, res, report->unready ? 503 : 200,
			      report->text);
}
