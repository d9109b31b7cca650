/* SPDX-License-Identifier: MIT */
/*
 * router.h - which handler answers which request
 *
 *     static const struct heph_http_route items[] = {
 *             HEPH_HTTP_ROUTE("GET", "", list_items),
 *             HEPH_HTTP_ROUTE("GET", "/{id:u64}", get_item),
 *             HEPH_HTTP_ROUTE("PUT DELETE", "/{id:u64}", change_item),
 *     };
 *     static const struct heph_http_route routes[] = {
 *             HEPH_HTTP_ROUTE("GET", "/", index),
 *             HEPH_HTTP_ROUTE("GET", "/files/{path...}", get_file),
 *             HEPH_HTTP_MOUNT("/items", items,
 *                             .around = HEPH_HTTP_AROUND(HEPH_HTTP_ACCESS_LOG())),
 *     };
 *     err = heph_http_router_new(routes, 3, &router);
 *     ...
 *     err = heph_http_serve(ctx, ":8080", .router = router);
 *
 * Paths     A path is looked at segment by segment, what lies between two "/",
 *           and each segment after "%41" in it was decoded, so that "%2F" never
 *           divides one. What a route has in a place is
 *             items       this text
 *             {id:u64}    a number, 0 to 2^64 - 1, in digits; "0", but not "007"
 *             {id:i64}    the same, with a sign perhaps: "-5"; but not "-0"
 *             {name}      anything but nothing
 *             {path...}   all that is left, at the end of a route only: several
 *                         segments, or none, but the "/" before it must be there;
 *                         it does not begin with "/", and has no "%2F" in it
 *           If several routes fit, the first place in which they differ decides:
 *           a text before a number before {name} before {path...}. Routes that
 *           do not have the method of the request are passed over.
 *           No path with a segment "." or "..", a nul, or a "%" that is not
 *           followed by two hexadecimal digits, however these are written,
 *           reaches a handler: 400.
 *
 * Slash     "/items" and "/items/" are two paths; see `.redirect_slash`.
 *
 * Methods   Those of a route, with blanks between, "*": all there are. HEAD is
 *           answered by what answers GET, without the body, and OPTIONS by the
 *           router, with Allow, unless routes have them. If routes have the path
 *           and none has the method: 405, with Allow. If nothing fits: 404. A
 *           method that no route of the router has, and which is none of RFC
 *           9110 or PATCH: 501; so is CONNECT, whose target has no path.
 *           "OPTIONS *" is answered with all methods of the router.
 *
 * A router does not change after it was made: any number of servers, on any
 * threads, use it at the same time.
 */
#ifndef HEPH_HTTP_ROUTER_H
#define HEPH_HTTP_ROUTER_H

#include <heph/http/message.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_chain;
struct heph_http_router;

/*
 * Middleware: something around handlers, or instead of one. Those that there are
 * (middleware.h, health.h ...) are made by macros. A function of one's own, with
 * what it is configured with, is
 *
 *     static int run_stopwatch(heph_ctx ctx, const void *config,
 *                              struct heph_http_request *req,
 *                              struct heph_http_response *res,
 *                              const struct heph_http_chain *chain)
 *     {
 *             const struct stopwatch *stopwatch = config;
 *             heph_time begun = heph_now();
 *             int err = heph_http_go_on(ctx, req, res, chain);
 *             ...
 *             return err;
 *     }
 *
 *     { run_stopwatch, &stopwatch }
 */
struct heph_http_middleware {
	/* Waits, perhaps. Calls heph_http_go_on() to have the request answered, once,
	 * or answers it. Returns what handlers do; 0 without a response sends the
	 * empty one that handlers have as well. */
	int (*run)(heph_ctx ctx, const void *config,
		   struct heph_http_request *req,
		   struct heph_http_response *res,
		   const struct heph_http_chain *chain);
	const void *config; /* lives as long as the router */

	/* May be NULL. Called once when the router is made, and for each place
	 * where it stands: looks at the configuration, and makes what `run` gets
	 * instead of it. Returns 0; -EINVAL and `*ret_why`, a text that lives for
	 * ever; -ENOMEM. And gives that back when the router is freed. */
	int (*start)(const void *config, struct heph_http_router *router,
		     const void **ret_config, const char **ret_why);
	void (*stop)(const void *config);
};

/* For `.around`: the outermost first. Of a static table the list is static, too;
 * in a function it lives as long as its block, which is not enough. */
#define HEPH_HTTP_AROUND(...)                                                  \
	HEPH_ARRAY_STAYS__(struct heph_http_middleware, __VA_ARGS__,            \
			  { NULL, NULL, NULL, NULL })

/* Waits. Calls what is inside; returns what that returned. */
HEPH_API HEPH_MUST int heph_http_go_on(heph_ctx ctx,
				       struct heph_http_request *req,
				       struct heph_http_response *res,
				       const struct heph_http_chain *chain);

/* A route; or a mount, which has other routes below its path. */
struct heph_http_route {
	const char *methods; /* "GET", "PUT PATCH", "*"; of a mount: NULL */
	/* "/", "/items/{id:u64}"; below a mount, behind its path, it may be "", the
	 * path of the mount itself. That of a mount does not end with "/", and may be
	 * "" as well. */
	const char *path;
	heph_http_handler *handler;

	/* Instead of a handler: something that answers and has a configuration. It
	 * does not go on. */
	struct heph_http_middleware by;

	const struct heph_http_route *routes; /* of a mount, instead of both */
	unsigned n;

	/* Around the handler; of a mount, around all requests for its path and those
	 * below it, also those that no route answers: 404, 405, OPTIONS. Those of an
	 * outer mount come first. Of several mounts that a path without a route is
	 * below it is the longest, and the first one of those of the same length.
	 * A malformed path, 400, "*" and CONNECT are below a mount of the path "".
	 * Ends with one that has no `run`. NULL: none. */
	const struct heph_http_middleware *around;

	/* The same path with "/" at its end, or without it if it has one, is answered
	 * with 308 to this one, unless another route has it. Of a mount: for all
	 * its routes. Not for {path...}. */
	bool redirect_slash;
};

/* One of them, with other members if need be; and one that has a middleware for a
 * handler: HEPH_HTTP_BY("GET", "/ready", HEPH_HTTP_READY(...)); and a mount of an
 * array of routes. All are initialisers. */
#define HEPH_HTTP_ROUTE(methods_, path_, ...)                                  \
	HEPH_MADE__(struct heph_http_route, .methods = (methods_),             \
		    .path = (path_), .handler = __VA_ARGS__)
#define HEPH_HTTP_BY(methods_, path_, ...)                                     \
	HEPH_MADE__(struct heph_http_route, .methods = (methods_),             \
		    .path = (path_), .by = __VA_ARGS__)
#define HEPH_HTTP_MOUNT(path_, routes_, ...)                                   \
	HEPH_MADE__(struct heph_http_route, .path = (path_),                   \
		    .routes = (routes_),                                       \
		    .n = sizeof(routes_) / sizeof((routes_)[0]), __VA_ARGS__)

enum {
	HEPH_HTTP_SEGMENTS_MAX = 32,    /* of a route */
	HEPH_HTTP_PARAMETERS_MAX = 16,  /* of a route */
	HEPH_HTTP_OTHER_METHODS_MAX = 16, /* of a router, that have no number */
	HEPH_HTTP_MOUNTS_DEEP = 8,      /* in each other */
};

/*
 * Makes a router; the routes are copied, their texts too, and the lists of what is
 * around them. What middleware is configured with is copied by its `start`, as far
 * as that does: see middleware.h. Does not wait. Any thread.
 * Returns 0; -ENOMEM; -EINVAL: a route cannot be, and a line in the log names it
 * and says why: a path or method that is malformed; two routes for the same
 * method and paths; {a:u64} and {b:i64} in the same place; a name twice in a
 * route; middleware that does not take its configuration.
 */
HEPH_API HEPH_MUST int heph_http_router_new(const struct heph_http_route *routes,
					    unsigned n,
					    struct heph_http_router **ret_router);

/*
 * A router whose one handler answers every request, whatever its method and path:
 * "*", CONNECT, and what is 400 otherwise. The path is as it was sent, `req->route`
 * is "*". What `.handler` and `.around` of a server make; made by hand another
 * server's page of metrics can have its numbers. `around` as that of a route; NULL:
 * none. Does not wait. Any thread. Returns 0; -ENOMEM; -EINVAL (middleware does not
 * take its configuration; it is logged).
 */
HEPH_API HEPH_MUST int
heph_http_router_all(heph_http_handler *handler,
		     const struct heph_http_middleware *around,
		     struct heph_http_router **ret_router);

/* No server uses it any more. NULL is allowed. */
HEPH_API void heph_http_router_free(struct heph_http_router *router);

/* Waits. Answers a request, as the route of its method and path does. Servers with
 * `.router` call it; as a part of a handler it answers what the handler does not.
 * Returns what the handler returned; -ENOMEM. */
HEPH_API HEPH_MUST int heph_http_route(heph_ctx ctx,
				       const struct heph_http_router *router,
				       struct heph_http_request *req,
				       struct heph_http_response *res);

/* ---- in a handler ------------------------------------------------------------- */

/* A parameter of the path, decoded ("a%2Fb" is "a/b"), valid until the handler has
 * returned, without a nul inside; { NULL, 0 }: the route has none of that name. */
HEPH_API struct heph_str heph_http_param(const struct heph_http_request *req,
					 const char *name);
/* Of {name:u64} and {name:i64}; 0: there is none of that name and type. */
HEPH_API uint64_t heph_http_param_u64(const struct heph_http_request *req,
				      const char *name);
HEPH_API int64_t heph_http_param_i64(const struct heph_http_request *req,
				     const char *name);

#ifdef __cplusplus
}
#endif
#endif
