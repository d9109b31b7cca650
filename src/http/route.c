/* SPDX-License-Identifier: MIT */
/*
 * Routing a request: its path is decoded if it must be, looked up, and answered
 * by a row of links. What was found is in memory of the router if the route has
 * no parameters, so most requests need none.
 */
#include "http/router.h"

#include <heph/http/method.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- paths ---------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether what is between two "/", or nuls, is "." or "..". */
static bool has_dots(struct heph_str path)
{
	const char *at = path.data, *end = path.data + path.size;
	char before;

	for (; (at = memchr(at, '.', (size_t)(end - at))); at++) {
		const char *behind = at + 1;

		before = at > path.data ? at[-1] : '/';
		if (before && before != '/')
			continue;
		if (behind < end && *behind == '.')
			behind++;
		if (behind == end || !*behind || *behind == '/')
			return true;
	}
	return false;
}

static int decode(struct heph_str path, char *buf, struct heph_str *ret_path)
{
	size_t n = 0;

	for (size_t i = 0; i < path.size; i++, n++) {
		int high, low;

		buf[n] = path.data[i];
		if (buf[n] != '%')
			continue;
		if (path.size - i < 3)
			return -EBADMSG;
		high = digit(path.data[i + 1]);
		low = digit(path.data[i + 2]);
		if (high < 0 || low < 0 || !(high | low))
			return -EBADMSG;
		buf[n] = (char)(high << 4 | low);
		if (buf[n] == '/')
			buf[n] = '\0';
		i += 2;
	}
	*ret_path = heph_str_of(buf, n);
	return 0;
}

int heph_http_path_decode(struct heph_str path, char *buf,
			  struct heph_str *ret_path)
{
	int err = 0;

	if (!path.size || path.data[0] != '/')
		return -EBADMSG;
	*ret_path = path;
	if (heph_http_path_coded(path))
		err = decode(path, buf, ret_path);
	if (err == 0 && has_dots(*ret_path))
		err = -EBADMSG;
	return err;
}

/* ---- groups --------------------------------------------------------------------- */

static bool is_below(const struct heph_http_pattern *pattern,
		     struct heph_str path)
{
	const char *at = path.data, *end = path.data + path.size, *next;

	for (unsigned i = 0; i < pattern->n; i++) {
		if (at == end || *at != '/')
			return false;
		at++;
		next = memchr(at, '/', (size_t)(end - at));
		next = next ? next : end;
		if (!heph_http_piece_fits(&pattern->at[i],
					  heph_str_of(at, (size_t)(next - at))))
			return false;
		at = next;
	}
	return true;
}

const struct heph_http_group *
heph_http_router_group(const struct heph_http_router *router,
		       struct heph_str path)
{
	const struct heph_http_group *best = router->groups, *group;

	for (group = best->next; group; group = group->next)
		if ((group->path.n > best->path.n || best == router->groups) &&
		    is_below(&group->path, path))
			best = group;
	return best;
}

/* ---- matching -------------------------------------------------------------------- */

static struct heph_str nuls_to_slashes(struct heph_str value)
{
	/* It is in memory of the request if it has any. */
	char *at = (char *)(uintptr_t)value.data, *end = at + value.size;

	while ((at = memchr(at, '\0', (size_t)(end - at))))
		*at++ = '/';
	return value;
}

/* Remembers what the parameters are. */
static int keep_match(struct heph_http_request *req,
		      const struct heph_http_endpoint *endpoint,
		      const struct heph_http_found *found)
{
	unsigned n = endpoint->leaf.params;
	struct heph_http_match *match;
	struct heph_str *values;

	match = heph_http_alloc(req, sizeof(*match) + n * sizeof(*values));
	if (!match)
		return -ENOMEM;
	values = (struct heph_str *)(match + 1);
	for (unsigned i = 0; i < n; i++)
		values[i] = nuls_to_slashes(found->values[i]);
	*match = endpoint->match;
	match->values = values;
	req->match__ = match;
	return 0;
}

/* Routes fit the path, and none the method. */
static int keep_others(struct heph_http_request *req,
		       const struct heph_http_router *router, uint32_t methods)
{
	bool options = req->method == HEPH_HTTP_OPTIONS;
	struct heph_http_match *match = heph_http_alloc(req, sizeof(*match));

	if (!match)
		return -ENOMEM;
	*match = (struct heph_http_match){ router,
					   .status = options ? 204 : 405,
					   .methods = methods };
	req->match__ = match;
	return 0;
}

static int begin_with(struct heph_http_request *req,
		      const struct heph_http_endpoint *endpoint,
		      const struct heph_http_found *found,
		      const struct heph_http_chain **ret_chain)
{
	*ret_chain = endpoint->chain;
	req->route = endpoint->path;
	req->match__ = &endpoint->match;
	return endpoint->leaf.params ? keep_match(req, endpoint, found) : 0;
}

/* No route answers it. */
static int begin_without(struct heph_http_request *req,
			 const struct heph_http_router *router,
			 uint32_t method, struct heph_str path,
			 const struct heph_http_found *found,
			 const struct heph_http_chain **ret_chain)
{
	const struct heph_http_endpoint *other =
		(const struct heph_http_endpoint *)found->other;

	*ret_chain = other ? other->group->chain :
			     heph_http_router_group(router, path)->chain;
	req->match__ = method ? &router->none : &router->unknown;
	return method && other ? keep_others(req, router, found->methods) : 0;
}

/* Of what is below no mount but one with the path "", if there is one. */
static const struct heph_http_chain *
around_all(const struct heph_http_router *router)
{
	return heph_http_router_group(router, heph_str(""))->chain;
}

/* Of a path that is no path of a route: "*", and that of CONNECT. */
static int begin_pathless(struct heph_http_request *req,
			  const struct heph_http_router *router,
			  const struct heph_http_chain **ret_chain)
{
	*ret_chain = around_all(router);
	if (req->method == HEPH_HTTP_OPTIONS)
		return keep_others(req, router, router->methods);
	req->match__ = req->method == HEPH_HTTP_CONNECT ? &router->unknown :
							  &router->wrong;
	return 0;
}

/* Finds what answers it. Its own function, so that nothing of it is on the stack
 * while that waits. */
static __attribute__((noinline)) int
begin(struct heph_http_request *req, const struct heph_http_router *router,
      const struct heph_http_chain **ret_chain)
{
	uint32_t method =
		heph_http_router_method(router, req->method, req->method_name);
	struct heph_str path = req->path;
	struct heph_http_found found;
	char *buf = NULL;

	req->route = NULL;
	if (router->all) {
		*ret_chain = router->all->chain;
		req->route = router->all->path;
		req->match__ = &router->all->match;
		return 0;
	}
	if (req->method == HEPH_HTTP_CONNECT || heph_str_equal(path, "*"))
		return begin_pathless(req, router, ret_chain);
	if (!path.size) /* of "http://example.com" */
		path = heph_str("/");
	if (heph_http_path_coded(path)) {
		buf = heph_http_alloc(req, path.size);
		if (!buf)
			return -ENOMEM;
	}
	if (heph_http_path_decode(path, buf, &path) < 0) {
		*ret_chain = around_all(router);
		req->match__ = &router->wrong;
		return 0;
	}
	heph_http_routetree_find(&router->tree, method, path, &found);
	if (found.leaf)
		return begin_with(req,
				  (const struct heph_http_endpoint *)found.leaf,
				  &found, ret_chain);
	return begin_without(req, router, method, path, &found, ret_chain);
}

int heph_http_route(heph_ctx ctx, const struct heph_http_router *router,
		    struct heph_http_request *req,
		    struct heph_http_response *res)
{
	const struct heph_http_match *outer = req->match__;
	const char *route = req->route;
	const struct heph_http_chain *chain;
	int err;

	err = begin(req, router, &chain);
	if (err == 0)
		err = heph_http_go_on(ctx, req, res, chain);
	if (outer) {
		req->match__ = outer;
		req->route = route;
	}
	return err;
}

int heph_http_go_on(heph_ctx ctx, struct heph_http_request *req,
		    struct heph_http_response *res,
		    const struct heph_http_chain *chain)
{
	if (!chain->run)
		return chain->handler(ctx, req, res);
	return chain->run(ctx, chain->config, req, res, chain + 1);
}

/* ---- what the router answers ------------------------------------------------------ */

static void add_name(char *text, size_t size, const char *name)
{
	size_t at = strlen(text);

	snprintf(text + at, size - at, "%s%s", at ? ", " : "", name);
}

static bool is_set(uint32_t methods, unsigned method)
{
	return methods >> method & 1;
}

static void set_allow(struct heph_http_response *res,
		      const struct heph_http_router *router, uint32_t methods)
{
	char text[512] = "";

	methods |= 1u << HEPH_HTTP_OPTIONS;
	if (is_set(methods, HEPH_HTTP_GET))
		methods |= 1u << HEPH_HTTP_HEAD;
	for (unsigned i = 1; i < HEPH_HTTP_METHODS; i++)
		if (is_set(methods, i))
			add_name(text, sizeof(text),
				 heph_http_method_name((enum heph_http_method)i));
	for (unsigned i = 0; i < router->n_others; i++)
		if (is_set(methods, HEPH_HTTP_METHODS + i))
			add_name(text, sizeof(text), router->others[i]);
	heph_http_set(res, "Allow", text);
}

int heph_http_answer_none(heph_ctx ctx, struct heph_http_request *req,
			  struct heph_http_response *res)
{
	const struct heph_http_match *match = req->match__;

	if (match->endpoint) /* a `by` went on */
		return heph_http_error(ctx, res, 404);
	if (match->methods)
		set_allow(res, match->router, match->methods);
	if (match->status != 204)
		return heph_http_error(ctx, res, match->status);
	heph_http_status(res, 204);
	return heph_http_send(ctx, res, NULL, 0);
}

int heph_http_answer_slash(heph_ctx ctx, struct heph_http_request *req,
			   struct heph_http_response *res)
{
	bool has_slash = req->path.data[req->path.size - 1] == '/';
	size_t room = req->path.size + req->query.size + 3;
	char *target = heph_http_alloc(req, room);

	if (!target)
		return -ENOMEM;
	snprintf(target, room, "%.*s%s%s%.*s",
		 (int)(req->path.size - has_slash), req->path.data,
		 has_slash ? "" : "/", req->query.size ? "?" : "",
		 HEPH_STR(req->query));
	return heph_http_redirect(ctx, res, 308, target);
}

/* ---- parameters -------------------------------------------------------------------- */

/* Its number; -1: there is none of that name. */
static int find_param(const struct heph_http_match *match, const char *name)
{
	const struct heph_http_endpoint *endpoint =
		match ? match->endpoint : NULL;

	for (unsigned i = 0; endpoint && i < endpoint->leaf.params; i++)
		if (heph_str_equal(endpoint->names[i], name))
			return (int)i;
	return -1;
}

struct heph_str heph_http_param(const struct heph_http_request *req,
				const char *name)
{
	int at = find_param(req->match__, name);

	return at < 0 ? heph_str_of(NULL, 0) : req->match__->values[at];
}

uint64_t heph_http_param_u64(const struct heph_http_request *req,
			     const char *name)
{
	int at = find_param(req->match__, name);
	uint64_t number = 0;

	if (at < 0 || req->match__->endpoint->kinds[at] != HEPH_HTTP_U64 ||
	    !heph_http_is_u64(req->match__->values[at], &number))
		return 0;
	return number;
}

int64_t heph_http_param_i64(const struct heph_http_request *req,
			    const char *name)
{
	int at = find_param(req->match__, name);
	int64_t number = 0;

	if (at < 0 || req->match__->endpoint->kinds[at] != HEPH_HTTP_I64 ||
	    !heph_http_is_i64(req->match__->values[at], &number))
		return 0;
	return number;
}
