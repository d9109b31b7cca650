/* SPDX-License-Identifier: MIT */
/*
 * server.c - what scripts/bench-http.py asks of an HTTP server
 *
 * server PORT DIRECTORY [CERTIFICATE KEY]
 *
 * One worker. /plaintext is 13 bytes of text, /json an object of 1 KiB, any other
 * path a file of the directory.
 */
#include <heph/http.h>
#include <heph/tls.h>

#include <stdio.h>
#include <string.h>

enum { JSON = 1024 };

struct server_arg {
	const char *address, *dir;
	struct heph_tls *tls; /* NULL: plain */
};

HEPH_ACTOR(server, void, struct server_arg);

static char json[JSON + 1];

static int plaintext(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	(void)req;
	return heph_http_text(ctx, res, 200, "Hello, World!");
}

static int object(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	(void)req;
	return heph_http_json(ctx, res, 200, json);
}

static int serve(heph_ctx ctx, const struct server_arg *arg,
		 const struct heph_http_router *router)
{
	heph_fd listener;
	int err = heph_listen(ctx, arg->address, &listener);

	return err < 0 ? err :
			 heph_http_serve_on(ctx, listener, .router = router,
					    .tls = arg->tls);
}

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	const struct heph_http_route routes[] = {
		HEPH_HTTP_ROUTE("GET", "/plaintext", plaintext),
		HEPH_HTTP_ROUTE("GET", "/json", object),
		HEPH_HTTP_BY("GET", "/{path...}", HEPH_HTTP_STATIC(arg->dir)),
	};
	struct heph_http_router *router;
	int err = heph_http_router_new(routes, 3, &router);

	if (err < 0)
		return err;
	err = serve(ctx, arg, router);
	heph_http_router_free(router);
	return err;
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	const struct heph_config config = { .name = "server", .workers = 1 };
	struct heph_tls *tls = NULL;
	char address[32];
	int err;

	if (argc != 3 && argc != 5) {
		fprintf(stderr, "usage: server PORT DIRECTORY [CERTIFICATE KEY]\n");
		return 2;
	}
	if (argc == 5 &&
	    heph_tls_server_new(&tls, .cert = { .file = argv[3],
						.key_file = argv[4] }) < 0) {
		fprintf(stderr, "server: %s\n", heph_tls_error_text());
		return 1;
	}
	snprintf(address, sizeof(address), "127.0.0.1:%s", argv[1]);
	snprintf(json, sizeof(json), "{\"text\":\"%*s\"}", JSON - 11, "");
	err = heph_run(&config, server, { address, argv[2], tls });
	heph_tls_free(tls);
	if (err < 0)
		fprintf(stderr, "server: %s\n", strerror(-err));
	return err < 0;
}
