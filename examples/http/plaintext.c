/* SPDX-License-Identifier: MIT */
/*
 * plaintext.c - an HTTP server that answers everything with "Hello, World!"
 *
 * usage: plaintext [ADDRESS or PORT [WORKERS]]
 *
 * Try it with: curl -i http://127.0.0.1:8080/
 */
#include <heph/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server_arg {
	const char *address;
};

HEPH_ACTOR(server, void, struct server_arg);

static int hello(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 200, "Hello, World!");
}

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
	return heph_http_serve_on(ctx, listener, .handler = hello,
				  .each_worker = true);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "plaintext" };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:8080";
	char text[HEPH_ADDRESS_MAX];
	int err;

	if (!strchr(address, ':')) {
		snprintf(text, sizeof(text), "127.0.0.1:%s", address);
		address = text;
	}
	if (argc > 2)
		config.workers = (unsigned)atoi(argv[2]);
	err = heph_run(&config, server, { address });
	if (err < 0)
		fprintf(stderr, "plaintext: %s: %s\n", address, strerror(-err));
	return err < 0;
}
