/* SPDX-License-Identifier: MIT */
/* Metrics and health of a server, over the wire. */
#include "httpd.h"
#include "prometheus.h"

static struct heph_http_router *router;
static struct heph_http_stats stats;
static struct httpd server;
static _Atomic int store_err;

static int ok(heph_ctx ctx, struct heph_http_request *req,
	      struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 200, "index");
}

static int fails(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	return -EIO;
}

static int check_store(heph_ctx ctx, const void *arg)
{
	int err = heph_sleep(ctx, HEPH_MSEC);

	must_be(*(const int *)arg, 7);
	return err < 0 ? err : store_err;
}

static int check_for_ever(heph_ctx ctx, const void *arg)
{
	return heph_sleep(ctx, HEPH_NEVER);
}

static const struct heph_http_check checks[] = {
	{ "store", check_store, &(const int){ 7 } },
	{ "disk", check_store, &(const int){ 7 } },
	{ 0 },
};
static const struct heph_http_check slow_checks[] = {
	{ "slow", check_for_ever, NULL },
	{ "store", check_store, &(const int){ 7 } },
	{ 0 },
};

/* ---- pages ------------------------------------------------------------------------- */

static struct heph_http_client client;

/* It waits in the midst of it. */
static int print_more(heph_ctx ctx, struct heph_http_request *req, FILE *out)
{
	int err;

	if (req->query.size)
		return -EIO;
	fputs("# HELP shop_orders_total Orders.\n"
	      "# TYPE shop_orders_total counter\n", out);
	err = heph_sleep(ctx, HEPH_USEC);
	fputs("shop_orders_total 7\n", out);
	return err;
}

/* With a client that ends with this request. */
static int run_with_client(heph_ctx ctx, const void *config,
			   struct heph_http_request *req,
			   struct heph_http_response *res,
			   const struct heph_http_chain *chain)
{
	struct heph_http_reply *reply;

	must_be(heph_http_client_start(ctx, &client), 0);
	must_be(heph_http_get(ctx, client, "http://127.0.0.1:1/", &reply),
		-ECONNREFUSED);
	return heph_http_go_on(ctx, req, res, chain);
}

static const struct heph_http_route counted_twice[] = {
	HEPH_HTTP_ROUTE("GET", "/{id:u64}", ok),
	HEPH_HTTP_ROUTE("PUT", "/{id:u64}", fails),
};
static const struct heph_http_route counted[] = {
	HEPH_HTTP_ROUTE("GET", "/", ok),
	HEPH_HTTP_ROUTE("GET", "/a \"b\"\\c", ok),
	HEPH_HTTP_MOUNT("/items", counted_twice,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_METRICS())),
};
static const struct heph_http_route routes[] = {
	HEPH_HTTP_MOUNT("", counted,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_METRICS())),
	HEPH_HTTP_ROUTE("GET", "/live", heph_http_live),
	HEPH_HTTP_BY("GET", "/ready", HEPH_HTTP_READY(.checks = checks)),
	HEPH_HTTP_BY("GET", "/slow", HEPH_HTTP_READY(.checks = slow_checks,
						     .time = HEPH_MSEC * 20)),
	HEPH_HTTP_BY("GET", "/plain", HEPH_HTTP_READY()),
	HEPH_HTTP_BY("GET", "/metrics", HEPH_HTTP_METRICS_PAGE(.stats = &stats)),
	HEPH_HTTP_BY("GET", "/same",
		     HEPH_HTTP_METRICS_PAGE(.router = &router,
					    .no_runtime = true)),
	HEPH_HTTP_BY("GET", "/own",
		     HEPH_HTTP_METRICS_PAGE(.more = print_more,
					    .no_runtime = true)),
	HEPH_HTTP_BY("GET", "/client",
		     HEPH_HTTP_METRICS_PAGE(.client = &client,
					    .no_runtime = true),
		     .around = HEPH_HTTP_AROUND({ .run = run_with_client })),
};

static int start(void **state)
{
	memset(&stats, 0, sizeof(stats));
	must_be(heph_http_router_new(routes, sizeof(routes) / sizeof(routes[0]),
				     &router),
		0);
	httpd_start(&server, .router = router, .stats = &stats);
	return 0;
}

static int stop(void **state)
{
	httpd_stop(&server);
	heph_http_router_free(router);
	return 0;
}

static char answer[1 << 18];

/* The body of the answer. */
static const char *ask(const char *line, const char *status)
{
	char request[300];
	size_t have = 0;
	int fd = dial(&server);
	const char *body;
	ssize_t n;

	snprintf(request, sizeof(request),
		 "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", line);
	say(fd, request);
	while ((n = hear(fd, answer + have, sizeof(answer) - 1 - have)) > 0)
		have += (size_t)n;
	must_be(n, 0);
	answer[have] = '\0';
	close(fd);
	if (strncmp(answer + 9, status, 3) != 0)
		fprintf(stderr, "%s\n%s\n", line, answer);
	must(strncmp(answer + 9, status, 3) == 0);
	body = strstr(answer, "\r\n\r\n");
	must(body);
	return body + 4;
}

static void must_have(const char *text, const char *line)
{
	if (!strstr(text, line))
		fprintf(stderr, "no '%s' in:\n%s", line, text);
	must(strstr(text, line));
}

static void requests_are_counted_by_route(void **state)
{
	const char *text;

	ask("GET /", "200");
	ask("GET /", "200");
	ask("HEAD /", "200");
	ask("GET /items/5", "200");
	ask("GET /items/6", "200");
	ask("PUT /items/6", "500");
	ask("PATCH /items/6", "405");
	ask("GET /items/x", "404");
	ask("GET /nowhere", "404");
	ask("BREW /", "501");
	ask("GET /a%20%22b%22%5cc", "200");
	text = ask("GET /metrics", "200");
	must_have(answer, "Content-Type: text/plain; version=0.0.4; "
			  "charset=utf-8\r\n");
	assert_true(read_text(text) > 200);
	assert_true(families_seen > 40);
	must_have(text, "heph_workers 1\n");
	must_have(text, "heph_http_requests_total 12\n");
	must_have(text, "heph_http_connections 1\n");
	must_have(text, "heph_http_responses_total{class=\"2xx\"} 6\n");
	must_have(text, "heph_http_responses_total{class=\"4xx\"} 3\n");
	must_have(text, "heph_http_late_total{what=\"head\"} 0\n");
	must_have(text, "heph_http_route_requests_total{route=\"/\","
			"method=\"GET\",class=\"2xx\"} 2\n");
	must_have(text, "heph_http_route_requests_total{route=\"/\","
			"method=\"HEAD\",class=\"2xx\"} 1\n");
	must_have(text, "{route=\"/items/{id:u64}\",method=\"GET\","
			"class=\"2xx\"} 2\n");
	must_have(text, "{route=\"/items/{id:u64}\",method=\"PUT\","
			"class=\"5xx\"} 1\n");
	must_have(text, "{route=\"none\",method=\"GET\",class=\"4xx\"} 2\n");
	must_have(text, "{route=\"none\",method=\"PATCH\",class=\"4xx\"} 1\n");
	must_have(text, "{route=\"none\",method=\"other\",class=\"5xx\"} 1\n");
	must_have(text, "{route=\"/a \\\"b\\\"\\\\c\",method=");
	must_have(text, "heph_http_route_seconds_count{route=\"/\"} 3\n");
	must_have(text, "heph_http_route_seconds_bucket{route=\"/\","
			"le=\"+Inf\"} 3\n");
	must_have(text, "heph_http_route_sent_bytes_total{route=\"/\"} 10\n");
	must_have(text, "heph_http_uncounted_total 0\n");
	text = ask("GET /same", "200");
	assert_true(read_text(text) > 50);
	assert_null(strstr(text, "heph_workers"));
	assert_null(strstr(text, "heph_http_requests_total "));
	must_have(text, "heph_http_route_seconds_count{route=\"/\"} 3\n");
}

static void what_is_alive_says_so(void **state)
{
	assert_string_equal(ask("GET /live", "200"), "{\"status\":\"ok\"}\n");
	must_have(answer, "Content-Type: application/json\r\n");
	must_have(answer, "Cache-Control: no-store\r\n");
}

static void what_is_ready_says_so(void **state)
{
	assert_string_equal(ask("GET /ready", "200"),
			    "{\"checks\":{\"store\":\"ok\",\"disk\":\"ok\"},"
			    "\"status\":\"ok\"}\n");
	store_err = -ECONNREFUSED;
	assert_string_equal(ask("GET /ready", "503"),
			    "{\"checks\":{\"store\":\"ECONNREFUSED\","
			    "\"disk\":\"ECONNREFUSED\"},"
			    "\"status\":\"unready\"}\n");
	store_err = 0;
	assert_string_equal(ask("GET /slow", "503"),
			    "{\"checks\":{\"slow\":\"ETIME\","
			    "\"store\":\"ETIME\"},\"status\":\"unready\"}\n");
	assert_string_equal(ask("GET /plain", "200"),
			    "{\"checks\":{},\"status\":\"ok\"}\n");
}

static void a_text_without_a_server(void **state)
{
	char *text;
	size_t size;

	assert_int_equal(heph_http_metrics_text(NULL, NULL, &text, &size), 0);
	assert_int_equal(size, 0);
	free(text);
}

static void a_page_has_what_a_program_adds(void **state)
{
	const char *text = ask("GET /own", "200");

	assert_true(read_text(text) > 0);
	must_have(text, "\nshop_orders_total 7\n");
	ask("GET /own?fail", "500");
	text = ask("GET /client", "200");
	assert_true(read_text(text) > 0);
	must_have(text, "\nheph_http_client_requests_total 1\n");
	must_have(text, "\nheph_http_client_connections 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_counted_by_route),
		cmocka_unit_test(what_is_alive_says_so),
		cmocka_unit_test(what_is_ready_says_so),
		cmocka_unit_test(a_text_without_a_server),
		cmocka_unit_test(a_page_has_what_a_program_adds),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
