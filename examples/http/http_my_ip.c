/* SPDX-License-Identifier: MIT */
/*
 * http_my_ip.c - an HTTP server that tells each caller its IP address
 *
 * usage: http_my_ip [ADDRESS]
 *
 * Try it with: curl http://127.0.0.1:7890/
 *
 * Only GET / (and HEAD) is answered so; a body is refused; a request must be there
 * after 10 seconds, and a connection may be idle for two minutes.
 */
#include <heph/http.h>

#include <stdio.h>
#include <string.h>

/* "192.0.2.1:5000" becomes "192.0.2.1", "[2001:db8::1]:5000" "2001:db8::1". */
static const char *without_port(char *address)
{
	char *port = strrchr(address, ':');

	if (port)
		*port = '\0';
	if (address[0] != '[')
		return address;
	address[strcspn(address, "]")] = '\0';
	return address + 1;
}

static int tell(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	char address[HEPH_ADDRESS_MAX];
	int err;

	if (!heph_str_equal(req->path, "/"))
		return heph_http_error(ctx, res, HEPH_HTTP_STATUS_NOT_FOUND);
	if (req->length != 0)
		return heph_http_error(ctx, res,
				       HEPH_HTTP_STATUS_CONTENT_TOO_LARGE);
	if (req->method != HEPH_HTTP_GET && req->method != HEPH_HTTP_HEAD) {
		heph_http_add(res, "Allow", "GET, HEAD");
		return heph_http_error(ctx, res,
				       HEPH_HTTP_STATUS_METHOD_NOT_ALLOWED);
	}
	err = heph_address_print(heph_http_peer(req), address);
	if (err < 0)
		return err;
	return heph_http_text(ctx, res, HEPH_HTTP_STATUS_OK,
			      without_port(address));
}

struct server_arg {
	const char *address;
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
	return heph_http_serve_on(ctx, listener, .handler = tell,
				  .head_time = 10 * HEPH_SEC,
				  .idle_time = 120 * HEPH_SEC,
				  .each_worker = true);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "http_my_ip",
				      .grace = 5 * HEPH_SEC };
	const char *address = argc > 1 ? argv[1] : "127.0.0.1:7890";
	int err = heph_run(&config, server, { address });

	if (err < 0)
		fprintf(stderr, "http_my_ip: %s: %s\n", address, strerror(-err));
	return err < 0;
}
