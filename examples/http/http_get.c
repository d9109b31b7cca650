/* SPDX-License-Identifier: MIT */
/*
 * http_get.c - gets a page from a web server
 *
 * usage: http_get URL
 *
 * The page goes to standard output. Redirects are followed, and proxies used as the
 * environment says (http_proxy, https_proxy, no_proxy). A status other than 2xx,
 * and whatever else goes wrong, is told on standard error, and the exit status
 * is 1.
 */
#include <heph/http.h>

#include <stdio.h>
#include <string.h>

#define PATIENCE (30 * HEPH_SEC)

struct get_arg {
	const char *url;
};

HEPH_ACTOR(get, void, struct get_arg);

/* To standard output, which blocks the worker: there is nobody else. */
static int print_body(heph_ctx ctx, struct heph_http_reply *reply)
{
	const char *data;
	int n;

	while ((n = heph_http_reply_view(ctx, reply, &data)) > 0)
		if (fwrite(data, 1, (size_t)n, stdout) != (size_t)n)
			return -EIO;
	if (n < 0)
		fprintf(stderr, "http_get: %s\n",
			heph_http_reply_failure(reply)->text);
	return n;
}

static int get_main(heph_ctx ctx, struct get_arg *arg)
{
	struct heph_http_failure failure;
	struct heph_http_client client;
	struct heph_http_reply *reply;
	int err;

	ctx = heph_within(ctx, PATIENCE);
	err = heph_http_client_start(ctx, &client, .environment = true);
	if (err < 0)
		return err;
	err = heph_http_get(ctx, client, arg->url, &reply, .failure = &failure);
	if (err < 0) {
		fprintf(stderr, "http_get: %s\n", failure.text);
		return err;
	}
	if (reply->status / 100 != 2)
		fprintf(stderr, "http_get: %s: %u %.*s\n", arg->url,
			reply->status, HEPH_STR(reply->reason));
	err = print_body(ctx, reply);
	if (err == 0 && reply->status / 100 != 2)
		err = -EBADMSG;
	heph_http_reply_free(ctx, reply);
	heph_http_client_stop(client);
	return err;
}
HEPH_ACTOR_MAIN(get, get_main);

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: http_get URL\n");
		return 2;
	}
	return heph_run(NULL, get, { argv[1] }) < 0;
}
