/* SPDX-License-Identifier: MIT */
/*
 * route.c - an HTTP server whose routes say which function answers what
 *
 * usage: route [ADDRESS]
 *
 * Try it with:
 *     curl http://127.0.0.1:7890/
 *     curl http://127.0.0.1:7890/hello/you
 *     curl -X POST http://127.0.0.1:7890/post
 *     curl -i -X PUT http://127.0.0.1:7890/post     405: the routes know why
 *     curl -i http://127.0.0.1:7890/nowhere         the fallback
 */
#include <heph/http.h>

#include <stdio.h>
#include <string.h>

static int index_page(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 200, "Index\n");
}

static int other_page(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 200, "Other page!\n");
}

static int post(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 200, "POST\n");
}

static int hello(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	struct heph_str name = heph_http_param(req, "name");
	char text[256];

	snprintf(text, sizeof(text), "Hello, %.*s!\n", HEPH_STR(name));
	return heph_http_text(ctx, res, 200, text);
}

static int not_found(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 404, "Page not found\n");
}

static const struct heph_http_route routes[] = {
	HEPH_HTTP_ROUTE("GET", "/", index_page),
	HEPH_HTTP_ROUTE("GET", "/other_page", other_page),
	HEPH_HTTP_ROUTE("GET", "/hello/{name}", hello),
	HEPH_HTTP_ROUTE("POST PATCH", "/post", post),
	HEPH_HTTP_ROUTE("GET POST", "/{path...}", not_found),
};

struct server_arg {
	const char *address;
	const struct heph_http_router *router;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int err;

	err = heph_listen_shared(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_http_serve_on(ctx, listener, .router = arg->router,
				  .each_worker = true);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "route", .grace = 5 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:7890";
	struct heph_http_router *router = NULL;
	int err;

	err = heph_http_router_new(routes, sizeof(routes) / sizeof(routes[0]),
				   &router);
	if (err == 0)
		err = heph_run(&config, server, { address, router });
	if (err < 0)
		fprintf(stderr, "route: %s: %s\n", address, strerror(-err));
	heph_http_router_free(router);
	return err < 0;
}
