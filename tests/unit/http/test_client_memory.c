/* SPDX-License-Identifier: MIT */
/* A client that has no memory, at each place where it wants some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/mem.h"

static _Atomic bool failed;

#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __LINE__))

static void must_failed(const char *expr, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", __FILE__, line, expr);
	failed = true;
	abort();
}

/* ---- a server that allocates nothing ------------------------------------------------ */

static const char moved[] = "HTTP/1.1 302 Found\r\nLocation: /b\r\n"
			    "Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\ngo";
static const char gzipped[] =
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	"Content-Encoding: gzip\r\nSet-Cookie: c=d\r\n\r\n"
	"19\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\xf3\x48\xcd\xc9\xc9\x07\0\x82\x89"
	"\xd1\xf7\x05\0\0\0\r\n0\r\nTrailing: yes\r\n\r\n";

struct conn_arg {
	heph_fd fd;
};

HEPH_ACTOR(conn, void, struct conn_arg);

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char *data;
	int n, err = 0;

	while (err == 0 && (n = heph_read_view(ctx, arg->fd, &data)) > 0) {
		bool first = n > 6 && memcmp(data, "GET /a", 6) == 0;

		err = heph_write_all(ctx, arg->fd, first ? moved : gzipped,
				     first ? sizeof(moved) - 1 :
					     sizeof(gzipped) - 1);
	}
	return 0;
}
HEPH_ACTOR_MAIN(conn, conn_main);

HEPH_ACTOR(server, void, struct conn_arg);

static int server_main(heph_ctx ctx, struct conn_arg *arg)
{
	return heph_serve(ctx, arg->fd, conn, fd);
}
HEPH_ACTOR_MAIN(server, server_main);

/* ---- one attempt ------------------------------------------------------------------------ */

static int ask(heph_ctx ctx, struct heph_http_client client, const char *url)
{
	struct heph_http_reply *reply;
	struct heph_str body;
	int err = heph_http_get(ctx, client, url, &reply,
				.fields = HEPH_HTTP_FIELDS({ "X", "y" }));

	if (err < 0)
		return err;
	err = heph_http_reply_read_all(ctx, reply, 100, &body);
	if (err == 0)
		must(heph_str_equal(body, "Hello"));
	heph_http_reply_free(ctx, reply);
	return err;
}

static int upload(heph_ctx ctx, struct heph_http_client client, const char *url)
{
	struct heph_http_reply *reply;
	int err = heph_http_fetch_begin(ctx, client, url, &reply,
					.method = HEPH_HTTP_POST, .length = 5);

	if (err < 0)
		return err;
	err = heph_http_fetch_write(ctx, reply, "Hello", 5);
	if (err == 0 || err == -EALREADY)
		err = heph_http_fetch_end(ctx, reply);
	heph_http_reply_free(ctx, reply);
	return err;
}

static int ask_by_hand(heph_ctx ctx, const char *url)
{
	struct heph_http_client_conn *conn;
	struct heph_http_reply *reply;
	int err = heph_http_client_conn_open(ctx, url, NULL, &conn);

	if (err < 0)
		return err;
	err = heph_http_client_conn_send(ctx, conn, "/b");
	if (err == 0)
		err = heph_http_client_conn_receive(ctx, conn, &reply);
	if (err == 0)
		heph_http_reply_free(ctx, reply);
	heph_http_client_conn_close(ctx, conn);
	return err;
}

static int attempt(heph_ctx ctx, const char *url)
{
	struct heph_http_client client;
	int err = heph_http_client_start(ctx, &client, .cookies = true,
					 .proxy = "127.0.0.1:1",
					 .no_proxy = "127.0.0.1");

	if (err < 0)
		return err;
	err = ask(ctx, client, url);
	if (err == 0)
		err = ask(ctx, client, url);
	if (err == 0)
		err = upload(ctx, client, url);
	heph_http_client_stop(client);
	must(heph_join(ctx, (heph_ref){ client.actor__ }, NULL) == 0);
	return err < 0 ? err : ask_by_hand(ctx, url);
}

/* ---- all of them ------------------------------------------------------------------------- */

HEPH_ACTOR(app, void, void);

static int app_main(heph_ctx ctx)
{
	char address[HEPH_ADDRESS_MAX], url[200];
	int err, good = 0, bad = 0;
	server_ref server;
	heph_fd listener;

	must(heph_listen(ctx, "127.0.0.1:0", &listener) == 0);
	must(heph_local_address(ctx, listener, address) == 0);
	snprintf(url, sizeof(url), "http://%s/a", address);
	must(heph_spawn(ctx, server, &server, { listener }, .give = listener) ==
	     0);
	for (long n = 1; good < 3; n++) {
		heph_http_mem_fail_after(n);
		err = attempt(ctx, url);
		heph_http_mem_fail_after(-1);
		if (err != 0 && err != -ENOMEM)
			fprintf(stderr, "%ld: %s\n", n, strerror(-err));
		must(err == 0 || err == -ENOMEM);
		good = err == 0 ? good + 1 : 0;
		bad += err < 0;
		must(n < 1000);
	}
	must(bad > 40);
	/* Nothing but the server is left. */
	while (heph_stats(ctx).descriptors > 1)
		must(heph_sleep(heph_within(ctx, 10 * HEPH_SEC), HEPH_MSEC) == 0);
	heph_stop(server);
	return heph_join(ctx, server, NULL);
}
HEPH_ACTOR_MAIN(app, app_main);

static void each_allocation_may_fail(void **state)
{
	const struct heph_config config = { .workers = 1, .no_signals = true };

	(void)state;
	setenv("HEPH_LOG", "off", 0);
	assert_int_equal(heph_run(&config, app), 0);
	assert_false(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("client_memory", tests, NULL, NULL);
}
