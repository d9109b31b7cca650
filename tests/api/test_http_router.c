/* SPDX-License-Identifier: MIT */
/* Routes of a server, over the wire. */
#include "httpd.h"

static struct heph_http_router *router;
static struct httpd server;

/* ---- handlers ---------------------------------------------------------------------- */

/* The route and its parameters. */
static int tell_route(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	struct heph_str name = heph_http_param(req, "name"),
			rest = heph_http_param(req, "rest");
	char text[300];

	snprintf(text, sizeof(text), "%s %.*s|%.*s|%llu|%lld", req->route,
		 HEPH_STR(name), HEPH_STR(rest),
		 (unsigned long long)heph_http_param_u64(req, "u"),
		 (long long)heph_http_param_i64(req, "i"));
	must(!heph_http_param(req, "nobody").data);
	must_be(heph_http_param_u64(req, "name"), 0);
	must_be(heph_http_param_i64(req, "u"), 0);
	return heph_http_text(ctx, res, 200, text);
}

static int run_mark(heph_ctx ctx, const void *config,
		    struct heph_http_request *req,
		    struct heph_http_response *res,
		    const struct heph_http_chain *chain)
{
	heph_http_add(res, "Mark", config);
	return heph_http_go_on(ctx, req, res, chain);
}
#define MARK(text_) { .run = run_mark, .config = text_ }

static int run_teapot(heph_ctx ctx, const void *config,
		      struct heph_http_request *req,
		      struct heph_http_response *res,
		      const struct heph_http_chain *chain)
{
	if (req->query.size) /* "It does not go on": then nothing is there. */
		return heph_http_go_on(ctx, req, res, chain);
	return heph_http_text(ctx, res, 418, config);
}
#define TEAPOT(text_) { .run = run_teapot, .config = text_ }

static const struct heph_http_route inner[] = {
	HEPH_HTTP_ROUTE("GET", "/x", tell_route, .around = HEPH_HTTP_AROUND(MARK("c"))),
	HEPH_HTTP_BY("GET", "/tea", TEAPOT("short and stout")),
};
static const struct heph_http_route routes[] = {
	HEPH_HTTP_ROUTE("GET", "/", tell_route),
	HEPH_HTTP_ROUTE("GET", "/n/{name}", tell_route, .redirect_slash = true),
	HEPH_HTTP_ROUTE("PUT DELETE", "/n/{name}", tell_route),
	HEPH_HTTP_ROUTE("GET", "/u/{u:u64}", tell_route),
	HEPH_HTTP_ROUTE("GET", "/i/{i:i64}", tell_route),
	HEPH_HTTP_ROUTE("GET", "/r/{rest...}", tell_route),
	HEPH_HTTP_ROUTE("PROPFIND", "/dav", tell_route),
	HEPH_HTTP_MOUNT("/m", inner,
			.around = HEPH_HTTP_AROUND(MARK("a"), MARK("b"))),
};

static int start(void **state)
{
	must_be(heph_http_router_new(routes, sizeof(routes) / sizeof(routes[0]),
				     &router),
		0);
	httpd_start(&server, .router = router);
	return 0;
}

static int stop(void **state)
{
	httpd_stop(&server);
	heph_http_router_free(router);
	return 0;
}

/* ---- asking -------------------------------------------------------------------------- */

static void ask(const char *request, const char *answer, int line)
{
	int fd = dial(&server);

	say(fd, request);
	expect_at(fd, answer, line);
	close(fd);
}
#define asked(request_, answer_) ask((request_), (answer_), __LINE__)
#define REQUEST(line_) line_ " HTTP/1.1\r\nHost: a\r\n\r\n"
#define ERROR(status_, size_, fields_)                                         \
	"HTTP/1.1 " status_ "\r\nContent-Length: " #size_ "\r\n" fields_       \
	"Content-Type: text/plain; charset=utf-8\r\n\r\n" status_ "\n"

static void parameters_are_given(void **state)
{
	asked(GET("/"), OK_TEXT(7, "/ ||0|0"));
	asked(GET("/n/a%20%2Fb"), OK_TEXT(19, "/n/{name} a /b||0|0"));
	asked(GET("/n/a?x=%41"), OK_TEXT(16, "/n/{name} a||0|0"));
	asked(GET("/u/18446744073709551615"),
	      OK_TEXT(35, "/u/{u:u64} ||18446744073709551615|0"));
	asked(GET("/i/-7"), OK_TEXT(17, "/i/{i:i64} ||0|-7"));
	asked(GET("/r/a/%62"), OK_TEXT(21, "/r/{rest...} |a/b|0|0"));
	asked(GET("http://a/n/b"), OK_TEXT(16, "/n/{name} b||0|0"));
	asked(REQUEST("GET http://a"), OK_TEXT(7, "/ ||0|0"));
}

static void head_is_get_without_a_body(void **state)
{
	asked(REQUEST("HEAD /n/a"), OK_TEXT(16, ""));
	asked(REQUEST("HEAD /dav"),
	      "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 23\r\n"
	      "Allow: OPTIONS, PROPFIND\r\n"
	      "Content-Type: text/plain; charset=utf-8\r\n\r\n");
}

static void other_methods_are_told_which_there_are(void **state)
{
	asked(REQUEST("POST /n/a"),
	      ERROR("405 Method Not Allowed", 23,
		    "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
	asked(REQUEST("OPTIONS /n/a"),
	      "HTTP/1.1 204 No Content\r\n"
	      "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n\r\n");
	asked(REQUEST("OPTIONS *"),
	      "HTTP/1.1 204 No Content\r\n"
	      "Allow: GET, HEAD, PUT, DELETE, OPTIONS, PROPFIND\r\n\r\n");
	asked(REQUEST("OPTIONS /nowhere"), ERROR("404 Not Found", 14, ""));
	asked(REQUEST("PROPFIND /dav"), OK_TEXT(10, "/dav ||0|0"));
	asked(REQUEST("PROPFIND /"),
	      ERROR("405 Method Not Allowed", 23,
		    "Allow: GET, HEAD, OPTIONS\r\n"));
	asked(REQUEST("BREW /"), ERROR("501 Not Implemented", 20, ""));
	asked(REQUEST("get /"), ERROR("501 Not Implemented", 20, ""));
}

static void nothing_escapes(void **state)
{
	asked(GET("/nowhere"), ERROR("404 Not Found", 14, ""));
	asked(GET("/r/../x"), ERROR("400 Bad Request", 16, ""));
	asked(GET("/r/%2e%2e/x"), ERROR("400 Bad Request", 16, ""));
	asked(GET("/n/..%2fx"), ERROR("400 Bad Request", 16, ""));
	asked(GET("/r//etc"), ERROR("404 Not Found", 14, ""));
	asked(GET("/r/a%2Fb"), ERROR("404 Not Found", 14, ""));
}

static void the_other_slash_redirects(void **state)
{
	asked(GET("/n/a%20b/?x=1"),
	      ERROR("308 Permanent Redirect", 23,
		    "Location: /n/a%20b?x=1\r\n"));
	asked(GET("/u/5/"), ERROR("404 Not Found", 14, ""));
}

static void mounts_are_around_all_below_them(void **state)
{
	asked(GET("/m/x"),
	      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
	      "Mark: a\r\nMark: b\r\nMark: c\r\n"
	      "Content-Type: text/plain; charset=utf-8\r\n\r\n/m/x ||0|0");
	asked(GET("/m/nowhere"),
	      ERROR("404 Not Found", 14, "Mark: a\r\nMark: b\r\n"));
	asked(REQUEST("OPTIONS /m/x"),
	      "HTTP/1.1 204 No Content\r\nMark: a\r\nMark: b\r\n"
	      "Allow: GET, HEAD, OPTIONS\r\n\r\n");
	asked(GET("/mx"), ERROR("404 Not Found", 14, ""));
	asked(GET("/m/tea"),
	      "HTTP/1.1 418 \r\nContent-Length: 15\r\n"
	      "Mark: a\r\nMark: b\r\n"
	      "Content-Type: text/plain; charset=utf-8\r\n\r\nshort and stout");
	asked(GET("/m/tea?gone"),
	      ERROR("404 Not Found", 14, "Mark: a\r\nMark: b\r\n"));
}

static void requests_of_a_connection_begin_anew(void **state)
{
	int fd = dial(&server);

	say(fd, GET("/n/a") GET("/nowhere") GET("/u/6"));
	expect(fd, OK_TEXT(16, "/n/{name} a||0|0")
	       ERROR("404 Not Found", 14, "")
	       OK_TEXT(16, "/u/{u:u64} ||6|0"));
	close(fd);
}

static char refusal[1000];

static void keep(enum heph_log_level level, const char *line, size_t size)
{
	snprintf(refusal, sizeof(refusal), "%s", line);
}

static void the_log_names_a_route_that_cannot_be(void **state)
{
	static const struct heph_http_route wrong[] = {
		HEPH_HTTP_ROUTE("GET", "/a/{x}", tell_route),
		HEPH_HTTP_ROUTE("GET", "/a/{y}", tell_route),
	};
	struct heph_http_router *none;

	heph_log_set_level(HEPH_LOG_INFO);
	heph_log_to_fn(keep);
	assert_int_equal(heph_http_router_new(wrong, 2, &none), -EINVAL);
	heph_log_flush();
	assert_non_null(strstr(refusal, "route=\"GET /a/{y}\""));
	assert_non_null(strstr(refusal, "another route has the same path"));
	heph_log_set_level(HEPH_LOG_OFF);
	heph_log_to_fn(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_given),
		cmocka_unit_test(head_is_get_without_a_body),
		cmocka_unit_test(other_methods_are_told_which_there_are),
		cmocka_unit_test(nothing_escapes),
		cmocka_unit_test(the_other_slash_redirects),
		cmocka_unit_test(mounts_are_around_all_below_them),
		cmocka_unit_test(requests_of_a_connection_begin_anew),
		cmocka_unit_test(the_log_names_a_route_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
