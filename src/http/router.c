/* SPDX-License-Identifier: MIT */
/*
 * Making a router: the table of routes, with the mounts in it, becomes endpoints
 * in a tree, and each endpoint's middleware a row of links, which begins with
 * those of the mounts around it. A mount has a row of its own, for what no route
 * answers. Each middleware of the table is started once.
 */
#define HEPH_LOG_TARGET "heph.http"

#include "http/router.h"

#include <heph/http/method.h>
#include <heph/http/value.h>
#include <heph/log.h>

#include "http/counts.h"
#include "http/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>


struct kept {
	struct kept *next;
	_Alignas(16) char memory[];
};

struct started {
	struct started *next;
	void (*stop)(const void *config);
	const void *config;
};

/* While it is made. */
struct making {
	struct heph_http_router *router;
	struct heph_http_refusal *refusal;
	struct heph_http_group **next_group;
	struct heph_http_endpoint **next_endpoint;
	const char *paths[HEPH_HTTP_MOUNTS_DEEP + 1]; /* of the mounts, from the
							 outermost */
	unsigned deep;
};

void *heph_http_router_keep(struct heph_http_router *router, size_t size)
{
	struct kept *kept = heph_http_mem_alloc(sizeof(*kept) + size);

	if (!kept)
		return NULL;
	memset(kept->memory, 0, size);
	kept->next = router->kept;
	router->kept = kept;
	return kept->memory;
}

/* ---- refusing -------------------------------------------------------------------- */

/* The whole path of a route, in `size` bytes; returns its length. */
static size_t print_path(const struct making *making, const char *path,
			 char *buf, size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i <= making->deep; i++) {
		const char *part = i < making->deep ? making->paths[i] : path;

		if (part)
			at += (size_t)snprintf(at < size ? buf + at : NULL,
					       at < size ? size - at : 0, "%s",
					       part);
	}
	return at;
}

static int refuse(const struct making *making,
		  const struct heph_http_route *route, const char *why)
{
	struct heph_http_refusal *refusal = making->refusal;
	size_t at;

	at = (size_t)snprintf(refusal->route, sizeof(refusal->route), "%s%s",
			      route->methods ? route->methods : "",
			      route->methods ? " " : "");
	if (at < sizeof(refusal->route))
		print_path(making, route->path, refusal->route + at,
			   sizeof(refusal->route) - at);
	refusal->why = why;
	return -EINVAL;
}

/* ---- methods ---------------------------------------------------------------------- */

static uint32_t other_bit(unsigned number)
{
	return 1u << (HEPH_HTTP_METHODS + number);
}

uint32_t heph_http_router_method(const struct heph_http_router *router,
				 enum heph_http_method method,
				 struct heph_str name)
{
	if (method != HEPH_HTTP_OTHER)
		return 1u << method;
	for (unsigned i = 0; i < router->n_others; i++)
		if (heph_str_equal(name, router->others[i]))
			return other_bit(i);
	return 0;
}

/* The bit of a method; a new one if need be. 0: see `ret_why`, NULL of which is
 * -ENOMEM. */
static uint32_t learn(struct heph_http_router *router, struct heph_str name,
		      const char **ret_why)
{
	uint32_t bit = heph_http_router_method(
		router, heph_http_method_of(name), name);
	char *copy;

	*ret_why = NULL;
	if (bit == 1u << HEPH_HTTP_CONNECT)
		*ret_why = "CONNECT has no path";
	else if (!bit && !heph_http_is_token(name))
		*ret_why = "a method is no token";
	else if (!bit && router->n_others == HEPH_HTTP_OTHER_METHODS_MAX)
		*ret_why = "too many methods that are not registered";
	if (*ret_why || bit)
		return *ret_why ? 0 : bit;
	copy = heph_http_router_keep(router, name.size + 1);
	if (!copy)
		return 0;
	memcpy(copy, name.data, name.size);
	router->others[router->n_others++] = copy;
	return other_bit(router->n_others - 1);
}

/* "GET PUT" as bits. */
static int read_methods(struct making *making,
			const struct heph_http_route *route, uint32_t *ret_bits)
{
	const char *at = route->methods, *why;
	uint32_t bit;
	size_t size;

	*ret_bits = 0;
	if (at && !strcmp(at, "*")) {
		*ret_bits = HEPH_HTTP_ALL_METHODS;
		return 0;
	}
	for (; at && *at; at += size) {
		at += strspn(at, " ");
		size = strcspn(at, " ");
		if (!size)
			break;
		bit = learn(making->router, heph_str_of(at, size), &why);
		if (!bit)
			return why ? refuse(making, route, why) : -ENOMEM;
		*ret_bits |= bit;
	}
	making->router->methods |= *ret_bits;
	return *ret_bits ? 0 : refuse(making, route, "there is no method");
}

/* ---- what is around ----------------------------------------------------------------- */

static unsigned count_around(const struct heph_http_middleware *around)
{
	unsigned n = 0;

	while (around && around[n].run)
		n++;
	return n;
}

/* Makes a link of a middleware. */
static int start(struct making *making, const struct heph_http_route *route,
		 const struct heph_http_middleware *middleware,
		 struct heph_http_chain *link)
{
	struct started *started;
	const char *why = "middleware does not take its configuration";
	int err;

	link->run = middleware->run;
	link->config = middleware->config;
	if (!middleware->start)
		return 0;
	started = heph_http_router_keep(making->router, sizeof(*started));
	if (!started)
		return -ENOMEM;
	err = middleware->start(middleware->config, making->router,
				&link->config, &why);
	if (err < 0)
		return err == -EINVAL ? refuse(making, route, why) : err;
	*started = (struct started){ making->router->started, middleware->stop,
				     link->config };
	making->router->started = started;
	return 0;
}

/*
 * A row of links: those of the group, what is around the route, `by` if it has
 * one, and the handler. Returns the number of links before the handler.
 */
static int make_chain(struct making *making, const struct heph_http_group *group,
		      const struct heph_http_route *route,
		      const struct heph_http_middleware *by,
		      heph_http_handler *handler,
		      const struct heph_http_chain **ret_chain)
{
	unsigned n = count_around(route->around), at = group ? group->links : 0;
	struct heph_http_chain *chain;
	int err = 0;

	chain = heph_http_router_keep(making->router,
				      (at + n + 2) * sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	if (at)
		memcpy(chain, group->chain, at * sizeof(*chain));
	for (unsigned i = 0; i < n && err == 0; i++)
		err = start(making, route, &route->around[i], &chain[at++]);
	if (err == 0 && by)
		err = start(making, route, by, &chain[at++]);
	if (err < 0)
		return err;
	chain[at].handler = handler;
	*ret_chain = chain;
	return (int)at;
}

/* ---- routes --------------------------------------------------------------------------- */

static char *whole_path(const struct making *making, const char *path)
{
	size_t size = print_path(making, path, NULL, 0);
	char *copy = heph_http_router_keep(making->router, size + 1);

	if (copy)
		print_path(making, path, copy, size + 1);
	return copy;
}

static int name_parameters(struct heph_http_router *router,
			   const struct heph_http_pattern *pattern,
			   struct heph_http_endpoint *endpoint)
{
	enum heph_http_piece_kind *kinds;
	struct heph_str *names;
	unsigned n = 0;

	names = heph_http_router_keep(router, pattern->params * sizeof(*names));
	kinds = heph_http_router_keep(router, pattern->params * sizeof(*kinds));
	if (!names || !kinds)
		return -ENOMEM;
	for (unsigned i = 0; i < pattern->n; i++) {
		if (pattern->at[i].kind == HEPH_HTTP_TEXT)
			continue;
		names[n] = pattern->at[i].text;
		kinds[n++] = pattern->at[i].kind;
	}
	endpoint->names = names;
	endpoint->kinds = kinds;
	return 0;
}

/* With all but its chain and its methods. `path` is whole and stays; mounts have
 * read their own parts of it before, so it is well-formed. */
static int new_endpoint(struct making *making, const char *path,
			const struct heph_http_route *route,
			struct heph_http_pattern *ret_pattern,
			struct heph_http_endpoint **ret_endpoint)
{
	struct heph_http_endpoint *endpoint =
		heph_http_router_keep(making->router, sizeof(*endpoint));
	const char *why;

	if (!endpoint)
		return -ENOMEM;
	*ret_pattern = (struct heph_http_pattern){ 0 };
	why = heph_http_pattern_add(ret_pattern, path, false);
	if (why)
		return refuse(making, route, why);
	endpoint->path = path;
	endpoint->match.router = making->router;
	endpoint->match.endpoint = endpoint;
	*ret_endpoint = endpoint;
	return name_parameters(making->router, ret_pattern, endpoint);
}

static int insert(struct making *making, const struct heph_http_route *route,
		  const struct heph_http_pattern *pattern,
		  struct heph_http_endpoint *endpoint)
{
	const char *why;
	int err;

	why = heph_http_routetree_add(&making->router->tree, pattern,
				      &endpoint->leaf, &err);
	if (why && err == -EINVAL)
		return refuse(making, route, why);
	if (why && err == -EEXIST)
		refuse(making, route, why);
	if (why)
		return err;
	endpoint->number = making->router->n_endpoints++;
	*making->next_endpoint = endpoint;
	making->next_endpoint = &endpoint->next;
	return 0;
}

static int add_route(struct making *making, const struct heph_http_group *group,
		     const struct heph_http_route *route)
{
	const char *path = whole_path(making, route->path);
	struct heph_http_endpoint *endpoint;
	struct heph_http_pattern pattern;
	int err;

	if (!path)
		return -ENOMEM;
	if (!route->handler == !route->by.run)
		return refuse(making, route,
			      "it needs either a handler or `by`");
	err = new_endpoint(making, path, route, &pattern, &endpoint);
	if (err == 0)
		err = read_methods(making, route, &endpoint->leaf.methods);
	if (err < 0)
		return err;
	endpoint->group = group;
	err = make_chain(making, group, route, route->handler ? NULL : &route->by,
			 route->handler ? route->handler : heph_http_answer_none,
			 &endpoint->chain);
	if (err < 0)
		return err;
	err = insert(making, route, &pattern, endpoint);
	return err == -EEXIST ? -EINVAL : err;
}

/* ---- the other slash ---------------------------------------------------------------------- */

/* The path with "/" at its end, or without. NULL: there is no memory. */
static char *other_slash(struct heph_http_router *router, const char *path)
{
	size_t size = strlen(path);
	char *other = heph_http_router_keep(router, size + 2);

	if (!other)
		return NULL;
	memcpy(other, path, size);
	if (path[size - 1] == '/')
		other[size - 1] = '\0';
	else
		other[size] = '/';
	return other;
}

static bool has_other_slash(const struct heph_http_endpoint *endpoint)
{
	unsigned params = endpoint->leaf.params;

	return endpoint->path[1] &&
	       (!params || endpoint->kinds[params - 1] != HEPH_HTTP_REST);
}

/* Another route may have it: then that is right. */
static int add_slash(struct making *making, const struct heph_http_route *route,
		     const struct heph_http_endpoint *to)
{
	static const struct heph_http_route plain;
	char *path = other_slash(making->router, to->path);
	struct heph_http_endpoint *endpoint;
	struct heph_http_pattern pattern;
	int err;

	if (!path)
		return -ENOMEM;
	err = new_endpoint(making, path, route, &pattern, &endpoint);
	if (err < 0)
		return err;
	endpoint->leaf.methods = to->leaf.methods;
	endpoint->group = to->group;
	err = make_chain(making, to->group, &plain, NULL, heph_http_answer_slash,
			 &endpoint->chain);
	if (err < 0)
		return err;
	err = insert(making, route, &pattern, endpoint);
	return err == -EEXIST ? 0 : err;
}

/* ---- mounts ------------------------------------------------------------------------------------ */

static int add_all(struct making *making, struct heph_http_group *outer,
		   const struct heph_http_route *routes, unsigned n);

/* A group, for a mount or for the router itself. */
static int new_group(struct making *making, struct heph_http_group *outer,
		     const struct heph_http_route *route,
		     struct heph_http_group **ret_group)
{
	struct heph_http_group *group =
		heph_http_router_keep(making->router, sizeof(*group));
	const char *why, *path;
	int links;

	if (!group)
		return -ENOMEM;
	path = whole_path(making, route->path);
	if (!path)
		return -ENOMEM;
	why = heph_http_pattern_add(&group->path, path, true);
	if (why)
		return refuse(making, route, why);
	links = make_chain(making, outer, route, NULL, heph_http_answer_none,
			   &group->chain);
	if (links < 0)
		return links;
	group->outer = outer;
	group->links = (unsigned)links;
	*making->next_group = group;
	making->next_group = &group->next;
	*ret_group = group;
	return 0;
}

static int add_mount(struct making *making, struct heph_http_group *outer,
		     const struct heph_http_route *route)
{
	struct heph_http_group *group;
	int err;

	if (route->handler || route->by.run || route->methods)
		return refuse(making, route,
			      "a mount has no methods, handler or `by`");
	if (making->deep == HEPH_HTTP_MOUNTS_DEEP)
		return refuse(making, route, "too many mounts in each other");
	err = new_group(making, outer, route, &group);
	if (err < 0)
		return err;
	making->paths[making->deep++] = route->path;
	err = add_all(making, group, route->routes, route->n);
	making->deep--;
	return err;
}

static int add_all(struct making *making, struct heph_http_group *group,
		   const struct heph_http_route *routes, unsigned n)
{
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++) {
		if (!routes[i].path)
			err = refuse(making, &routes[i], "it has no path");
		else if (routes[i].routes)
			err = add_mount(making, group, &routes[i]);
		else
			err = add_route(making, group, &routes[i]);
	}
	return err;
}

/* After all others, in the same order: `*endpoint` goes along. */
static int add_slashes(struct making *making,
		       struct heph_http_endpoint **endpoint,
		       const struct heph_http_route *routes, unsigned n,
		       bool all)
{
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++) {
		bool wanted = all || routes[i].redirect_slash;

		if (routes[i].routes) {
			err = add_slashes(making, endpoint, routes[i].routes,
					  routes[i].n, wanted);
			continue;
		}
		if (wanted && has_other_slash(*endpoint))
			err = add_slash(making, &routes[i], *endpoint);
		*endpoint = (*endpoint)->next;
	}
	return err;
}

/* ---- the router -------------------------------------------------------------------------------------- */

static int make(struct making *making, const struct heph_http_route *routes,
		unsigned n)
{
	static const struct heph_http_route itself = { .path = "" };
	struct heph_http_router *router = making->router;
	struct heph_http_endpoint *endpoint;
	struct heph_http_group *group;
	int err;

	router->wrong = (struct heph_http_match){ router, .status = 400 };
	router->none = (struct heph_http_match){ router, .status = 404 };
	router->unknown = (struct heph_http_match){ router, .status = 501 };
	err = new_group(making, NULL, &itself, &group);
	if (err == 0)
		err = add_all(making, group, routes, n);
	endpoint = router->endpoints;
	if (err == 0)
		err = add_slashes(making, &endpoint, routes, n, false);
	if (err < 0 || !router->counted)
		return err;
	router->counts = heph_http_counts_new(router->n_endpoints);
	return router->counts ? 0 : -ENOMEM;
}

/* One endpoint, which is in no tree. */
static int make_all(struct making *making, const struct heph_http_route *route)
{
	struct heph_http_router *router = making->router;
	struct heph_http_endpoint *all = heph_http_router_keep(router,
							       sizeof(*all));
	int links;

	if (!all)
		return -ENOMEM;
	all->path = "*";
	all->match = (struct heph_http_match){ .router = router,
					       .endpoint = all };
	links = make_chain(making, NULL, route, NULL, route->handler,
			   &all->chain);
	if (links < 0)
		return links;
	router->all = router->endpoints = all;
	router->n_endpoints = 1;
	if (!router->counted)
		return 0;
	router->counts = heph_http_counts_new(1);
	return router->counts ? 0 : -ENOMEM;
}

/* `all`: of one route, which has every path and method. */
static int make_router(const struct heph_http_route *routes, unsigned n,
		       struct heph_http_router **ret_router,
		       struct heph_http_refusal *ret_refusal, bool all)
{
	struct heph_http_router *router = heph_http_mem_alloc(sizeof(*router));
	struct making making = { .router = router, .refusal = ret_refusal };
	int err;

	if (!router)
		return -ENOMEM;
	memset(router, 0, sizeof(*router));
	making.next_group = &router->groups;
	making.next_endpoint = &router->endpoints;
	err = heph_http_routetree_init(&router->tree);
	if (err == 0)
		err = all ? make_all(&making, routes) :
			    make(&making, routes, n);
	if (err < 0) {
		heph_http_router_free(router);
		return err;
	}
	*ret_router = router;
	return 0;
}

int heph_http_router_make(const struct heph_http_route *routes, unsigned n,
			  struct heph_http_router **ret_router,
			  struct heph_http_refusal *ret_refusal)
{
	return make_router(routes, n, ret_router, ret_refusal, false);
}

static int tell(int err, const struct heph_http_refusal *refusal)
{
	if (err == -EINVAL)
		heph_log_error("route refused",
			       HEPH_KV_STR("route", refusal->route),
			       HEPH_KV_STR("why", refusal->why));
	return err;
}

int heph_http_router_new(const struct heph_http_route *routes, unsigned n,
			 struct heph_http_router **ret_router)
{
	struct heph_http_refusal refusal;

	return tell(heph_http_router_make(routes, n, ret_router, &refusal),
		    &refusal);
}

int heph_http_router_all(heph_http_handler *handler,
			 const struct heph_http_middleware *around,
			 struct heph_http_router **ret_router)
{
	const struct heph_http_route route = { .path = "*",
					       .handler = handler,
					       .around = around };
	struct heph_http_refusal refusal;

	return tell(make_router(&route, 1, ret_router, &refusal, true),
		    &refusal);
}

void heph_http_router_free(struct heph_http_router *router)
{
	struct started *started;
	struct kept *kept;

	if (!router)
		return;
	for (started = router->started; started; started = started->next)
		if (started->stop)
			started->stop(started->config);
	while ((kept = router->kept)) {
		router->kept = kept->next;
		heph_http_mem_free(kept);
	}
	heph_http_counts_free(router->counts);
	heph_http_routetree_fini(&router->tree);
	heph_http_mem_free(router);
}
