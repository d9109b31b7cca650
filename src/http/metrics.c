/* SPDX-License-Identifier: MIT */
/*
 * The middleware that counts. The counts are the router's, with a place for each
 * route; so all that is configured is that there shall be some.
 */
#include <heph/http/middleware.h>
#include <heph/actor.h>
#include <heph/time.h>

#include "http/config.h"
#include "http/counts.h"
#include "http/done.h"

int heph_http_start_metrics(const void *config, struct heph_http_router *router,
			    const void **ret_config, const char **ret_why)
{
	struct heph_http_metrics *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	if (!its)
		return err;
	router->counted = true;
	*ret_config = router;
	return 0;
}
HEPH_HTTP_NO_STOP(metrics);

static void count(const struct heph_http_router *router, int worker,
		  const struct heph_http_request *req,
		  const struct heph_http_response *res, heph_time time, int err)
{
	struct heph_http_outcome outcome = heph_http_outcome(res);
	const struct heph_http_match *match = req->match__;
	struct heph_http_counted what = {
		.route = match->endpoint ? match->endpoint->number :
					   router->counts->n - 1,
		.worker = worker,
		.method = req->method,
		.status = heph_http_done_status(
			heph_http_exchange_of_response(res), err),
		.time = time,
		.sent = outcome.sent,
		.received = outcome.received,
	};

	heph_http_counts_add(router->counts, &what);
}

/* The begin of the row in which a link is. */
static const struct heph_http_chain *
row_of(const struct heph_http_match *match, const struct heph_http_chain *link)
{
	const struct heph_http_group *group = match->router->groups;

	if (match->endpoint)
		return match->endpoint->chain;
	while (link <= group->chain || link > group->chain + group->links)
		group = group->next;
	return group->chain;
}

/* The inner ones see that an outer one counts. */
static bool is_outermost(const struct heph_http_match *match,
			 const struct heph_http_chain *chain)
{
	const struct heph_http_chain *at = row_of(match, chain);

	for (; at + 1 < chain; at++)
		if (at->run == heph_http_run_metrics)
			return false;
	return true;
}

int heph_http_run_metrics(heph_ctx ctx, const void *config,
			  struct heph_http_request *req,
			  struct heph_http_response *res,
			  const struct heph_http_chain *chain)
{
	const struct heph_http_router *router = config;
	heph_time begun;
	int err;

	if (!is_outermost(req->match__, chain))
		return heph_http_go_on(ctx, req, res, chain);
	begun = heph_now();
	err = heph_http_go_on(ctx, req, res, chain);
	count(router, heph_worker(ctx), req, res, heph_now() - begun, err);
	return err;
}
