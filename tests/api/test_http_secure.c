/* SPDX-License-Identifier: MIT */
/* The client over TLS, and against the server of this library. */
#include "tls.h"

#include <heph/http.h>

static char elsewhere[100];

/* Speaks with the client, and closes the stream or gives it away. */
static int take_over(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	struct heph_stream_handle handle;
	struct heph_stream stream;
	struct heph_str rest;
	int err = heph_http_upgrade(ctx, req, res, "hi", &stream, &rest);

	if (err < 0)
		return err;
	must_be(write_text(ctx, &stream, "hi"), 0);
	if (heph_str_equal(req->path, "/close")) {
		heph_stream_close(ctx, &stream);
	} else if (heph_str_equal(req->path, "/give")) {
		must_be(heph_stream_give(ctx, &stream, &handle), 0);
		heph_stream_discard(&handle);
	}
	return 0;
}

/* As it comes. */
static int echo_body(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	char *buf = heph_http_alloc(req, 5000);
	int n, err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);

	while (err == 0 && (n = heph_http_read(ctx, req, buf, 5000)) != 0) {
		err = n < 0 ? n : heph_http_write(ctx, res, buf, (size_t)n);
		if (err == 0)
			err = heph_http_flush(ctx, res);
	}
	return err;
}

static struct heph_http_client relay_client;
static char relay_url[120];

/* A piece of the response to the response; the head is not passed on. */
static int relay_piece(heph_ctx ctx, struct heph_http_reply *reply,
		       struct heph_http_response *res, bool *begun)
{
	const char *data;
	int n, err;

	if (!*begun) {
		*begun = true;
		return heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
	}
	n = heph_http_reply_view(ctx, reply, &data);
	if (n <= 0)
		return n < 0 ? n : 1;
	err = heph_http_write(ctx, res, data, (size_t)n);
	return err < 0 ? err : heph_http_flush(ctx, res);
}

/* Has it echoed by the other one. */
static int relay(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	char *buf = heph_http_alloc(req, 5000);
	struct heph_http_reply *reply;
	bool begun = false;
	int over = 0, n = 1, at, some;

	must_be(heph_http_fetch_begin(ctx, relay_client, relay_url, &reply,
				      .method = HEPH_HTTP_POST,
				      .both_ways = true,
				      .length = HEPH_HTTP_UNKNOWN),
		0);
	while (n != 0) {
		n = heph_http_fetch_either(ctx, reply, req);
		must(n >= 0);
		if (n == 1) {
			must_be(relay_piece(ctx, reply, res, &begun), 0);
			continue;
		}
		n = heph_http_read(ctx, req, buf, 5000);
		must(n >= 0);
		for (at = 0; at < n; at += some) {
			some = heph_http_fetch_some(ctx, reply, buf + at,
						    (size_t)(n - at));
			must(some >= 0);
			if (some == 0)
				must_be(relay_piece(ctx, reply, res, &begun), 0);
		}
	}
	must_be(heph_http_fetch_end(ctx, reply), 0);
	while (over == 0)
		over = relay_piece(ctx, reply, res, &begun);
	must_be(over, 1);
	heph_http_reply_free(ctx, reply);
	return 0;
}

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	struct heph_str body;
	int err;

	if (heph_str_equal(req->path, "/echo"))
		return echo_body(ctx, req, res);
	if (heph_str_equal(req->path, "/relay"))
		return relay(ctx, req, res);
	err = heph_http_read_all(ctx, req, 4 << 20, &body);
	if (err < 0)
		return err;
	if (heph_http_field(req, "Upgrade").data)
		return take_over(ctx, req, res);
	if (heph_str_equal(req->path, "/to-plain"))
		return heph_http_redirect(ctx, res, 302, "http://127.0.0.1:1/");
	if (heph_str_equal(req->path, "/elsewhere"))
		return heph_http_redirect(ctx, res, 302, elsewhere);
	heph_http_addf(res, "X-Secure", "%d", req->secure);
	return heph_http_send(ctx, res, body.data, body.size);
}

struct serving {
	heph_fd listener;
	struct heph_tls *tls;
};

HEPH_ACTOR(serving, void, struct serving);

static int serving_main(heph_ctx ctx, struct serving *arg)
{
	return heph_http_serve_on(ctx, arg->listener, .handler = answer,
				  .tls = arg->tls, .body = 4 << 20);
}
HEPH_ACTOR_MAIN(serving, serving_main);

struct world {
	struct heph_tls *server, *good, *bad;
	struct heph_http_client client;
	serving_ref ref;
	char url[100];
};

static void begin_world(heph_ctx ctx, struct world *world, bool secure)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;

	must_be(heph_tls_server_new(&world->server,
				    .cert = { .pem = kit()->server.pem }),
		0);
	must_be(heph_tls_client_new(&world->good,
				    .ca_pem = kit()->ca.cert_pem),
		0);
	must_be(heph_tls_client_new(&world->bad,
				    .ca_pem = kit()->client.cert_pem),
		0);
	must_be(heph_http_client_start(ctx, &world->client,
				       .tls = world->good),
		0);
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	snprintf(world->url, sizeof(world->url), "http%s://%.60s/",
		 secure ? "s" : "", address);
	must_be(heph_spawn(ctx, serving, &world->ref,
			   { listener, secure ? world->server : NULL },
			   .give = listener),
		0);
}

static void end_world(heph_ctx ctx, struct world *world)
{
	heph_http_client_stop(world->client);
	must_be(heph_join(ctx, (heph_ref){ world->client.actor__ }, NULL), 0);
	heph_stop(world->ref);
	must_be(heph_join(ctx, world->ref, NULL), 0);
	heph_tls_free(world->server);
	heph_tls_free(world->good);
	heph_tls_free(world->bad);
}

static void post(heph_ctx ctx, struct world *world, const char *data,
		 size_t size, bool secure)
{
	struct heph_http_reply *reply;
	struct heph_str body;

	must_be(heph_http_post(ctx, world->client, world->url, data, size,
			       &reply),
		0);
	must_be(reply->status, 200);
	must_be(reply->secure, secure);
	must(heph_str_equal(heph_http_reply_field(reply, "X-Secure"),
			    secure ? "1" : "0"));
	must_be(heph_http_reply_read_all(ctx, reply, 4 << 20, &body), 0);
	must(body.size == size && memcmp(body.data, data, size) == 0);
	heph_http_reply_free(ctx, reply);
}

static int talk(heph_ctx ctx, void *arg)
{
	bool secure = arg;
	static struct world world;
	size_t large = 3 << 20;
	char *data = malloc(large);
	struct heph_http_client_stats stats;

	begin_world(ctx, &world, secure);
	for (size_t n = 0; n < large; n++)
		data[n] = (char)(n * 7 >> 3);
	post(ctx, &world, data, 10, secure);
	post(ctx, &world, data, 100000, secure);
	post(ctx, &world, data, large, secure);
	post(ctx, &world, data, 1, secure);
	must_be(heph_http_client_stats(ctx, world.client, &stats), 0);
	must_be(stats.opened, 1);
	must_be(stats.reused, 3);
	free(data);
	end_world(ctx, &world);
	return 0;
}

static void talks_with_the_server(void **state)
{
	run_task_on(2, talk, NULL);
}

static void talks_with_the_server_over_tls(void **state)
{
	run_task_on(2, talk, kit());
}

/* What has come must be what was sent. */
static size_t compare(heph_ctx ctx, struct heph_http_reply *reply,
		      const char *data, size_t at, bool *begun)
{
	const char *piece;
	int n;

	if (!*begun) {
		must_be(reply->status, 200);
		*begun = true;
		return 0;
	}
	n = heph_http_reply_view(ctx, reply, &piece);
	must(n >= 0 && memcmp(data + at, piece, (size_t)n) == 0);
	return (size_t)n;
}

/* More than all buffers on the way hold. */
static int talk_both_ways(heph_ctx ctx, void *arg)
{
	static const char *const paths[] = { "echo", "relay" };
	static struct world world;
	enum { LARGE = 4 << 20 };
	char *data = malloc(LARGE), url[120];
	struct heph_http_reply *reply;

	begin_world(ctx, &world, arg);
	for (size_t n = 0; n < LARGE; n++)
		data[n] = (char)(n * 7 >> 3);
	relay_client = world.client;
	snprintf(relay_url, sizeof(relay_url), "%secho", world.url);
	for (int i = 0; i < 4; i++) {
		size_t sent = 0, got = 0, size = i < 2 ? LARGE : 10;
		bool begun = false;
		int n;

		snprintf(url, sizeof(url), "%s%s", world.url, paths[i % 2]);
		must_be(heph_http_fetch_begin(ctx, world.client, url, &reply,
					      .method = HEPH_HTTP_POST,
					      .both_ways = true, .length = size),
			0);
		while (sent < size) {
			n = heph_http_fetch_some(ctx, reply, data + sent,
						 size - sent);
			must(n >= 0);
			sent += (size_t)n;
			if (n == 0)
				got += compare(ctx, reply, data, got, &begun);
		}
		must_be(heph_http_fetch_end(ctx, reply), 0);
		begun = true;
		while (got < size)
			got += compare(ctx, reply, data, got, &begun);
		must_be(compare(ctx, reply, data, got, &begun), 0);
		heph_http_reply_free(ctx, reply);
	}
	free(data);
	end_world(ctx, &world);
	return 0;
}

static void talks_both_ways(void **state)
{
	run_task_on(2, talk_both_ways, NULL);
}

static void talks_both_ways_over_tls(void **state)
{
	run_task_on(2, talk_both_ways, kit());
}

static int distrust(heph_ctx ctx, void *arg)
{
	static struct world world;
	static char url[200];
	struct heph_http_failure failure = { 0 };
	struct heph_http_reply *reply;

	begin_world(ctx, &world, true);
	must_be(heph_http_get(ctx, world.client, world.url, &reply,
			      .tls = world.bad, .failure = &failure),
		-EKEYREJECTED);
	must_be(failure.phase, HEPH_HTTP_PHASE_TLS);
	must(strncmp(failure.text, "tls 127.0.0.1:", 14) == 0);
	must(strstr(failure.text, "certificate"));
	/* The system does not know the issuer either. */
	snprintf(url, sizeof(url), "%sto-plain", world.url);
	must_be(heph_http_get(ctx, world.client, url, &reply,
			      .failure = &failure),
		-EACCES);
	must_be(failure.phase, HEPH_HTTP_PHASE_REDIRECT);
	must_be(heph_http_get(ctx, world.client, url, &reply,
			      .insecure = true),
		-ECONNREFUSED);
	/* It is TLS that both agree about, but not what is spoken over it. */
	must_be(heph_tls_reload(world.server,
				.cert = { .pem = kit()->server.pem },
				.alpn = "h2"),
		0);
	must_be(heph_tls_reload(world.bad, .ca_pem = kit()->ca.cert_pem,
				.alpn = "h2"),
		0);
	must_be(heph_http_get(ctx, world.client, world.url, &reply,
			      .tls = world.bad, .failure = &failure),
		-EPROTO);
	must_be(failure.phase, HEPH_HTTP_PHASE_TLS);
	must(strstr(failure.text, "does not speak HTTP/1.1"));
	end_world(ctx, &world);
	return 0;
}

static void whom_nobody_trusts_is_not_asked(void **state)
{
	run_task(distrust);
}

/* Whom to trust was said of one host alone. */
static int be_led_away(heph_ctx ctx, void *arg)
{
	static struct world world;
	static char url[200];
	struct heph_http_client client;
	struct heph_http_reply *reply;

	begin_world(ctx, &world, true);
	must_be(heph_http_client_start(ctx, &client, .tls = world.bad), 0);
	snprintf(url, sizeof(url), "%selsewhere", world.url);
	snprintf(elsewhere, sizeof(elsewhere), "https://localhost%.60s",
		 strrchr(world.url, ':'));
	must_be(heph_http_get(ctx, client, url, &reply, .tls = world.good),
		-EKEYREJECTED);
	must_be(heph_http_get(ctx, world.client, url, &reply), 0);
	must_be(reply->redirects, 1);
	must_be(reply->status, 200);
	heph_http_reply_free(ctx, reply);
	heph_http_client_stop(client);
	end_world(ctx, &world);
	return 0;
}

static void trust_stays_with_its_origin(void **state)
{
	run_task(be_led_away);
}

/* The caller has given it back, before there was any connection. */
static int hold(heph_ctx ctx, void *arg)
{
	static struct world world;

	begin_world(ctx, &world, true);
	heph_tls_free(world.good);
	world.good = NULL;
	post(ctx, &world, "x", 1, true);
	end_world(ctx, &world);
	return 0;
}

static void a_client_holds_what_protects(void **state)
{
	run_task(hold);
}

/* ---- a proxy that plays the server behind it, too -------------------------------------- */

static _Atomic unsigned tunnels;

static int tunnel_main(heph_ctx ctx, struct serving *arg)
{
	static const char opened[] = "HTTP/1.1 200 OK\r\n\r\n";
	static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct heph_stream stream;
	char *data;
	int err = heph_read_view(ctx, arg->listener, &data);

	must(err > 8 && memcmp(data, "CONNECT ", 8) == 0);
	heph_end_view(ctx, arg->listener);
	tunnels++;
	err = heph_write_all(ctx, arg->listener, opened, sizeof(opened) - 1);
	if (err == 0)
		err = heph_tls_accept(ctx, arg->tls, arg->listener, &stream);
	while (err >= 0 && (err = heph_stream_read(ctx, &stream, &data)) > 0)
		err = write_text(ctx, &stream, empty);
	return 0; /* who has ended may not say so */
}

HEPH_ACTOR(tunnel, void, struct serving);
HEPH_ACTOR_MAIN(tunnel, tunnel_main);

HEPH_ACTOR(proxy, void, struct serving);

static int proxy_main(heph_ctx ctx, struct serving *arg)
{
	struct serving how = { .tls = arg->tls };

	return heph_serve(ctx, arg->listener, tunnel, listener, how);
}
HEPH_ACTOR_MAIN(proxy, proxy_main);

static int go_through_proxy(heph_ctx ctx, void *arg)
{
	static const char *const users[] = { "a:b@", "c:d@", "a:b@", "" };
	static struct world world;
	static char proxies[4][100];
	char address[HEPH_ADDRESS_MAX];
	struct heph_http_client_stats stats;
	struct heph_http_reply *reply;
	heph_fd listener;
	proxy_ref ref;

	begin_world(ctx, &world, true);
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	must_be(heph_spawn(ctx, proxy, &ref, { listener, world.server },
			   .give = listener),
		0);
	tunnels = 0;
	for (int n = 0; n < 4; n++) {
		snprintf(proxies[n], sizeof(proxies[n]), "http://%s%.60s",
			 users[n], address);
		must_be(heph_http_get(ctx, world.client, "https://localhost/",
				      &reply, .proxy = proxies[n]),
			0);
		must_be(reply->status, 200);
		heph_http_reply_free(ctx, reply);
	}
	must_be(tunnels, 3);
	must_be(heph_http_client_stats(ctx, world.client, &stats), 0);
	must_be(stats.reused, 1);
	end_world(ctx, &world);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
	return 0;
}

static void tunnels_are_of_who_has_asked_for_them(void **state)
{
	run_task(go_through_proxy);
}

/* All that comes, however it ends. */
static int read_some(heph_ctx ctx, struct heph_stream *stream, char *buf,
		     size_t size)
{
	size_t have = 0;
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0) {
		must(have + (size_t)n <= size);
		memcpy(buf + have, data, (size_t)n);
		have += (size_t)n;
	}
	return (int)have;
}

static int upgrade(heph_ctx ctx, void *arg)
{
	static const char *const paths[] = { "/keep", "/close", "/give" };
	static struct world world;
	struct heph_stream stream;
	char text[200], heard[500];
	heph_fd fd;
	int n;

	begin_world(ctx, &world, true);
	snprintf(heard, sizeof(heard), "%s", world.url + strlen("https://"));
	*strchr(heard, '/') = '\0';
	for (int i = 0; i < 9; i++) {
		must_be(heph_connect(ctx, heard, &fd), 0);
		must_be(heph_tls_connect(ctx, world.good, fd, "127.0.0.1",
					 &stream),
			0);
		snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
			 "Upgrade: hi\r\n\r\n",
			 paths[i % 3]);
		must_be(write_text(ctx, &stream, text), 0);
		/* without a goodbye, unless the server says it */
		n = read_some(ctx, &stream, text, sizeof(text));
		must(n > 6 && memcmp(text + n - 6, "\r\n\r\nhi", 6) == 0);
		heph_stream_close(ctx, &stream);
	}
	end_world(ctx, &world);
	return 0;
}

static void upgrades_are_handed_over(void **state)
{
	run_task(upgrade);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks_with_the_server),
		cmocka_unit_test(talks_with_the_server_over_tls),
		cmocka_unit_test(talks_both_ways),
		cmocka_unit_test(talks_both_ways_over_tls),
		cmocka_unit_test(whom_nobody_trusts_is_not_asked),
		cmocka_unit_test(upgrades_are_handed_over),
		cmocka_unit_test(trust_stays_with_its_origin),
		cmocka_unit_test(a_client_holds_what_protects),
		cmocka_unit_test(tunnels_are_of_who_has_asked_for_them),
	};

	return cmocka_run_group_tests_name("http_secure", tests, NULL, free_kit);
}
