/* SPDX-License-Identifier: MIT */
/* router.h - a router inside: what routes became, and what a request matched */
#ifndef HEPH_HTTP_ROUTER_INSIDE_H
#define HEPH_HTTP_ROUTER_INSIDE_H

#include <heph/http/router.h>

#include "http/routetree.h"

/* A link of what is around a handler; they lie one behind the other, and the last
 * one has no `run`. */
struct heph_http_chain {
	int (*run)(heph_ctx ctx, const void *config,
		   struct heph_http_request *req,
		   struct heph_http_response *res,
		   const struct heph_http_chain *chain);
	const void *config;
	heph_http_handler *handler; /* of the last one */
};

/* What a request matched. Lives as long as it; in the router where it can. */
struct heph_http_match {
	const struct heph_http_router *router;
	const struct heph_http_endpoint *endpoint; /* NULL: none, and then: */
	unsigned status;  /* 400, 404, 405, 501; 204: OPTIONS */
	uint32_t methods; /* for Allow */
	const struct heph_str *values; /* of the parameters */
};

/* A mount, or the router itself: what is around that is under a path. */
struct heph_http_group {
	const struct heph_http_group *outer;
	struct heph_http_group *next; /* all of them, in the order of the table */
	const struct heph_http_chain *chain; /* ends with what answers errors */
	unsigned links; /* of it, without the last */
	struct heph_http_pattern path;
};

/* A route. */
struct heph_http_endpoint {
	struct heph_http_leaf leaf; /* the first member */
	const char *path; /* with those of the mounts */
	const struct heph_str *names; /* of the parameters */
	const enum heph_http_piece_kind *kinds;
	const struct heph_http_chain *chain;
	const struct heph_http_group *group;
	struct heph_http_match match; /* without parameters */
	unsigned number; /* from 0, in the order of the table */
	struct heph_http_endpoint *next;
};

struct heph_http_counts; /* see counts.h */

struct heph_http_router {
	struct heph_http_routetree tree;
	struct heph_http_group *groups; /* the first one is the router itself */
	struct heph_http_endpoint *endpoints;
	unsigned n_endpoints;
	const struct heph_http_endpoint *all; /* answers everything; NULL: routes do */
	uint32_t methods; /* of all routes */
	const char *others[HEPH_HTTP_OTHER_METHODS_MAX];
	unsigned n_others;
	struct heph_http_match wrong, none, unknown; /* 400, 404, 501 */
	bool counted; /* by HEPH_HTTP_METRICS() */
	struct heph_http_counts *counts; /* NULL: nobody counts */

	/* What is given back with it. */
	struct kept *kept;
	struct started *started;
};

/* Why a route was refused. */
struct heph_http_refusal {
	char route[256]; /* "GET /items", cut if need be */
	const char *why;
};

/* As heph_http_router_new(), without a line in the log. */
int heph_http_router_make(const struct heph_http_route *routes, unsigned n,
			  struct heph_http_router **ret_router,
			  struct heph_http_refusal *ret_refusal);

/* Memory until the router is freed, zeroed. NULL: there is none. */
void *heph_http_router_keep(struct heph_http_router *router, size_t size);

/* The bit of a method; 0: no route has it. */
uint32_t heph_http_router_method(const struct heph_http_router *router,
				 enum heph_http_method method,
				 struct heph_str name);

/* The group whose path is the longest that a path, decoded as below, is under; of
 * several that are equally long the first one. */
const struct heph_http_group *
heph_http_router_group(const struct heph_http_router *router,
		       struct heph_str path);

/* Decodes a path into `buf`, of as many bytes, if need be, with a nul for each
 * "%2F". Returns 0; -EBADMSG: no handler may get it. */
int heph_http_path_decode(struct heph_str path, char *buf,
			  struct heph_str *ret_path);
/* Whether it must be decoded. */
static inline bool heph_http_path_coded(struct heph_str path)
{
	return memchr(path.data, '%', path.size);
}

/* The last link's: answer what has no route, and what goes to another slash. */
heph_http_handler heph_http_answer_none, heph_http_answer_slash;

#endif
