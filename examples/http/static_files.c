/* SPDX-License-Identifier: MIT */
/*
 * static_files.c - a server of the files in a directory
 *
 * usage: static_files [ADDRESS or PORT [DIRECTORY [CERTIFICATE KEY]]]
 *
 * With ranges, conditions, compression, lists of directories; and over TLS, if a
 * certificate and its key, PEM files, are given. At its end it says what it did.
 *
 * Try it with: curl -i http://127.0.0.1:8080/
 */
#include <heph/http.h>
#include <heph/tls.h>

#include <stdio.h>
#include <string.h>

struct server_arg {
	const char *address, *dir;
	struct heph_tls *tls; /* NULL: plain */
};

HEPH_ACTOR(server, void, struct server_arg);

static struct heph_http_stats stats;

static const struct heph_http_middleware compressed[] = {
	HEPH_HTTP_COMPRESS(),
	{ .run = NULL },
};

static int make_router(const char *dir, struct heph_http_router **ret_router)
{
	const struct heph_http_route routes[] = {
		HEPH_HTTP_BY("GET", "/{path...}",
			     HEPH_HTTP_STATIC(dir, .list = true,
					      .precompressed = true,
					      .cache = "no-cache"),
			     .around = compressed),
	};

	return heph_http_router_new(routes, 1, ret_router);
}

static int listen_and_serve(heph_ctx ctx, const struct server_arg *arg,
			    const struct heph_http_router *router)
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
	return heph_http_serve_on(ctx, listener, .router = router,
				  .tls = arg->tls, .stats = &stats,
				  .each_worker = true);
}

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	struct heph_http_router *router;
	int err = make_router(arg->dir, &router);

	if (err < 0)
		return err;
	err = listen_and_serve(ctx, arg, router);
	heph_http_router_free(router);
	return err;
}
HEPH_ACTOR_MAIN(server, server_main);

static void say_what_it_did(void)
{
	const struct heph_http_stats did = heph_http_stats(&stats);

	printf("%llu requests on %llu connections, %llu of them wrong, "
	       "%llu answered with 2xx, %llu with 4xx, %llu with 5xx\n",
	       (unsigned long long)did.requests,
	       (unsigned long long)did.serve.accepted,
	       (unsigned long long)did.wrong,
	       (unsigned long long)did.by_class[2],
	       (unsigned long long)did.by_class[4],
	       (unsigned long long)did.by_class[5]);
}

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "static_files",
				      .grace = 5 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8080";
	struct server_arg arg = { .dir = argc > 2 ? argv[2] : "." };
	char text[HEPH_ADDRESS_MAX];
	int err = 0;

	if (!strchr(address, ':')) {
		snprintf(text, sizeof(text), "127.0.0.1:%s", address);
		address = text;
	}
	arg.address = address;
	if (argc > 4)
		err = heph_tls_server_new(&arg.tls,
					  .cert = { .file = argv[3],
						    .key_file = argv[4] });
	if (err == 0)
		err = heph_run(&config, server, arg);
	if (err < 0)
		fprintf(stderr, "static_files: %s: %s\n", address,
			strerror(-err));
	else
		say_what_it_did();
	heph_tls_free(arg.tls);
	return err < 0;
}
