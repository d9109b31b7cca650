/* SPDX-License-Identifier: MIT */
/* What is around handlers, over the wire. */
#include "httpd.h"

#include <sys/stat.h>

static struct heph_http_router *router;
static struct httpd server;

static void begin(const struct heph_http_route *routes, unsigned n)
{
	must_be(heph_http_router_new(routes, n, &router), 0);
	httpd_start(&server, .router = router, .body = 100,
		    .handler_time = 5 * HEPH_SEC);
}

static void end(void)
{
	httpd_stop(&server);
	heph_http_router_free(router);
}

/* Asks, with these fields, and gives the whole answer, up to the end of the
 * connection. */
static const char *ask(const char *line, const char *fields)
{
	static char request[2000], answer[20000];
	size_t have = 0;
	int fd = dial(&server);
	ssize_t n;

	snprintf(request, sizeof(request),
		 "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", line,
		 fields);
	say(fd, request);
	while ((n = hear(fd, answer + have, sizeof(answer) - 1 - have)) > 0)
		have += (size_t)n;
	must_be(n, 0);
	answer[have] = '\0';
	close(fd);
	return answer;
}

static void has_(const char *answer, const char *text, bool wanted, int line)
{
	if (!strstr(answer, text) == !wanted)
		return;
	fprintf(stderr, "line %d: %s '%s' in:\n%s\n", line,
		wanted ? "no" : "a", text, answer);
	must(!"as expected");
}
#define has(answer_, text_) has_((answer_), (text_), true, __LINE__)
#define lacks(answer_, text_) has_((answer_), (text_), false, __LINE__)

static int ok(heph_ctx ctx, struct heph_http_request *req,
	      struct heph_http_response *res)
{
	char text[200];

	snprintf(text, sizeof(text), "id %.*s user %.*s", HEPH_STR(req->id),
		 HEPH_STR(req->user));
	return heph_http_text(ctx, res, 200, text);
}

/* ---- request ids ------------------------------------------------------------------- */

static const struct heph_http_route with_id[] = {
	HEPH_HTTP_ROUTE("GET", "/", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_REQUEST_ID())),
	HEPH_HTTP_ROUTE("GET", "/own", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_REQUEST_ID(
				.field = "Trace", .own = true))),
};

static void requests_have_ids(void **state)
{
	char first[33], longest[200];
	const char *answer;

	begin(with_id, 2);
	has(ask("GET /", "X-Request-ID: a-1.b\r\n"), "id a-1.b user");
	has(ask("GET /", "X-Request-ID: a-1.b\r\n"), "X-Request-ID: a-1.b\r\n");
	lacks(ask("GET /", "X-Request-ID: a b\r\n"), "a b");
	lacks(ask("GET /", "X-Request-ID: a\"b\r\n"), "a\"b");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "X-Request-ID: ", 14);
	strcpy(longest + 14 + 129, "\r\n");
	lacks(ask("GET /", longest), "xxx");
	strcpy(longest + 14 + 128, "\r\n");
	has(ask("GET /", longest), "id xxxx");
	answer = strstr(ask("GET /own", "Trace: mine\r\n"), "id ");
	must(answer);
	memcpy(first, answer + 3, 32);
	first[32] = '\0';
	must_be(strspn(first, "0123456789abcdef"), 32);
	lacks(ask("GET /own", ""), first);
	end();
}

/* ---- CORS ---------------------------------------------------------------------------- */

static const struct heph_http_route one[] = {
	HEPH_HTTP_ROUTE("GET PUT", "/x", ok)
};
static const struct heph_http_route with_cors[] = {
	HEPH_HTTP_MOUNT("/some", one,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_CORS(
				.origins = "https://a.example https://b.example",
				.methods = "GET PUT",
				.headers = "X-One X-Two", .expose = "X-Three",
				.credentials = true,
				.max_age = 60 * HEPH_SEC))),
	HEPH_HTTP_MOUNT("/all", one,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_CORS(
				.origins = "*", .headers = "*"))),
};

static void browsers_are_told_who_may(void **state)
{
	static const char preflight[] =
		"Origin: https://b.example\r\n"
		"Access-Control-Request-Method: PUT\r\n"
		"Access-Control-Request-Headers: X-One\r\n";
	const char *answer;

	begin(with_cors, 2);
	answer = ask("OPTIONS /some/x", preflight);
	has(answer, "HTTP/1.1 204 ");
	has(answer, "Access-Control-Allow-Origin: https://b.example\r\n");
	has(answer, "Access-Control-Allow-Credentials: true\r\n");
	has(answer, "Access-Control-Allow-Methods: GET, PUT\r\n");
	has(answer, "Access-Control-Allow-Headers: X-One, X-Two\r\n");
	has(answer, "Access-Control-Max-Age: 60\r\n");
	has(answer, "Vary: Origin\r\n");
	answer = ask("GET /some/x", "Origin: https://a.example\r\n");
	has(answer, "HTTP/1.1 200 ");
	has(answer, "Access-Control-Allow-Origin: https://a.example\r\n");
	has(answer, "Access-Control-Expose-Headers: X-Three\r\n");
	lacks(answer, "Allow-Methods");
	answer = ask("GET /some/x", "Origin: https://a.example.evil\r\n");
	has(answer, "HTTP/1.1 200 ");
	has(answer, "Vary: Origin\r\n");
	lacks(answer, "Access-Control");
	answer = ask("OPTIONS /some/x", "Origin: https://a\r\n"
					"Access-Control-Request-Method: PUT\r\n");
	has(answer, "HTTP/1.1 204 ");
	lacks(answer, "Access-Control");
	lacks(ask("GET /some/x", ""), "Access-Control");
	has(ask("OPTIONS /some/x", ""), "Allow: GET, HEAD, PUT, OPTIONS\r\n");
	answer = ask("OPTIONS /all/x", preflight);
	has(answer, "Access-Control-Allow-Origin: *\r\n");
	has(answer, "Access-Control-Allow-Methods: GET, HEAD, POST\r\n");
	has(answer, "Access-Control-Allow-Headers: X-One\r\n");
	lacks(answer, "Vary: Origin");
	end();
}

/* ---- who asks --------------------------------------------------------------------------- */

static int check(heph_ctx ctx, struct heph_http_request *req, const char *user,
		 const char *password)
{
	int err = heph_sleep(ctx, HEPH_MSEC);

	if (err < 0)
		return err;
	return !strcmp(user, "fail") ? -EIO :
	       !strcmp(user, "joe") && !strcmp(password, "a:b");
}

static const struct heph_http_route with_auth[] = {
	HEPH_HTTP_ROUTE(
		"GET", "/table", ok,
		.around = HEPH_HTTP_AROUND(HEPH_HTTP_BASIC_AUTH(
			.realm = "shop",
			.logins = (const struct heph_http_login[]){
				{ "ann", "secret" }, { "bob", "" }, { 0 } }))),
	HEPH_HTTP_ROUTE("GET", "/check", ok,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_BASIC_AUTH(.check = check))),
};

static void only_some_are_let_in(void **state)
{
	static const char *const refused[] = {
		"", /* nobody */
		"Authorization: Basic\r\n",
		"Authorization: Bearer YW5uOnNlY3JldA==\r\n",
		"Authorization: Basic YW5uOnNlY3JlVA==\r\n", /* ann:secreT */
		"Authorization: Basic YW5uOnNlY3JldDI=\r\n", /* ann:secret2 */
		"Authorization: Basic YW5uOnNlY3Jl\r\n",     /* ann:secre */
		"Authorization: Basic YW5uOg==\r\n",	     /* ann: */
		"Authorization: Basic YW5u\r\n",	     /* ann */
		"Authorization: Basic Ym9iOnNlY3JldA==\r\n", /* bob:secret */
		"Authorization: Basic YW5uOnNlY3JldA=\r\n",
		"Authorization: Basic YW5uOnNlY3Jld!==\r\n",
		"Authorization: Basic YW5uOnNlY3JldAA=\r\n", /* with a nul */
	};
	const char *answer;

	begin(with_auth, 2);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		answer = ask("GET /table", refused[i]);
		has(answer, "HTTP/1.1 401 ");
		has(answer, "WWW-Authenticate: Basic realm=\"shop\", "
			    "charset=\"UTF-8\"\r\n");
	}
	has(ask("GET /table", "Authorization: Basic YW5uOnNlY3JldA==\r\n"),
	    "user ann");
	has(ask("GET /table", "Authorization: basic  Ym9iOg==\r\n"), "user bob");
	has(ask("GET /check", "Authorization: Basic am9lOmE6Yg==\r\n"),
	    "user joe");
	has(ask("GET /check", "Authorization: Basic YW5uOnNlY3JldA==\r\n"),
	    "HTTP/1.1 401 ");
	has(ask("GET /check", "Authorization: Basic ZmFpbDo=\r\n"),
	    "HTTP/1.1 500 ");
	end();
}

/* ---- limits -------------------------------------------------------------------------------- */

static struct heph_str key(struct heph_http_request *req)
{
	return heph_http_field(req, "Key");
}

static const struct heph_http_route with_rate[] = {
	HEPH_HTTP_ROUTE("GET", "/peer", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_RATE_LIMIT(
				.requests = 3, .per = 3600 * HEPH_SEC))),
	HEPH_HTTP_ROUTE("GET", "/key", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_RATE_LIMIT(
				.requests = 1, .per = 3600 * HEPH_SEC,
				.clients = 2, .key = key))),
	HEPH_HTTP_ROUTE("GET", "/fast", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_RATE_LIMIT(
				.requests = 1000, .per = HEPH_SEC,
				.burst = 1))),
};

static void too_many_requests(void **state)
{
	const char *answer;
	int n = 0;

	begin(with_rate, 3);
	for (int i = 0; i < 3; i++)
		has(ask("GET /peer", ""), "HTTP/1.1 200 ");
	answer = ask("GET /peer", "");
	has(answer, "HTTP/1.1 429 ");
	has(answer, "Retry-After: 1200\r\n");
	has(ask("GET /key", "Key: a\r\n"), "HTTP/1.1 200 ");
	has(ask("GET /key", "Key: b\r\n"), "HTTP/1.1 200 ");
	has(ask("GET /key", "Key: a\r\n"), "HTTP/1.1 429 ");
	/* b was not seen for the longest time, and is forgotten for c. */
	has(ask("GET /key", "Key: c\r\n"), "HTTP/1.1 200 ");
	has(ask("GET /key", "Key: a\r\n"), "HTTP/1.1 429 ");
	has(ask("GET /key", "Key: b\r\n"), "HTTP/1.1 200 ");
	while (!strstr(ask("GET /fast", ""), "HTTP/1.1 200 "))
		must(++n < 1000);
	end();
}

/* ---- around everything --------------------------------------------------------------- */

static char lines[20000];
static _Atomic bool told;
static void keep_line(const char *line, size_t size);

static int tell_path(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %.*s", req->route, HEPH_STR(req->path));
	told = true;
	return heph_http_text(ctx, res, 200, text);
}

static void a_handler_for_everything(void **state)
{
	/* As a program does that reads its options: nothing of it stays. */
	struct heph_http_rate_limit limit = { .size = sizeof(limit),
					      .requests = 5,
					      .per = 3600 * HEPH_SEC };
	struct heph_http_middleware around[4] = { 0 };

	lines[0] = '\0';
	around[0] = (struct heph_http_middleware)HEPH_HTTP_ACCESS_LOG(
		.fn = keep_line, .format = HEPH_HTTP_LOG_COMMON);
	around[1] = (struct heph_http_middleware)HEPH_HTTP_METRICS();
	around[2] = (struct heph_http_middleware)HEPH_HTTP_OF(rate_limit, &limit);
	httpd_start(&server, .handler = tell_path, .around = around);
	/* The port is known before the options are taken. */
	told = false;
	has(ask("GET /a/../b%2Fc?d", ""), "\r\n\r\n* /a/../b%2Fc");
	must(told);
	memset(&limit, 0xff, sizeof(limit));
	has(ask("PUT /%zz", ""), "\r\n\r\n* /%zz");
	has(ask("BREW /", ""), "\r\n\r\n* /");
	has(ask("OPTIONS *", ""), "\r\n\r\n* *");
	has(ask("GET http://a", ""), "HTTP/1.1 200 ");
	has(ask("GET /", ""), "HTTP/1.1 429 ");
	httpd_stop(&server);
	has(lines, "\"GET /a/../b%2Fc?d HTTP/1.1\" 200");
	has(lines, "\"PUT /%zz HTTP/1.1\" 200");
	has(lines, "\"GET / HTTP/1.1\" 429");
}

static const struct heph_http_route few[] = {
	HEPH_HTTP_ROUTE("GET", "/x", tell_path),
};
static const struct heph_http_route whole[] = {
	HEPH_HTTP_MOUNT("/deep", few),
	HEPH_HTTP_MOUNT("", few,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_ACCESS_LOG(.fn = keep_line,
						     .format = HEPH_HTTP_LOG_COMMON),
				HEPH_HTTP_METRICS(),
				HEPH_HTTP_RATE_LIMIT(.requests = 3,
						     .per = 3600 * HEPH_SEC))),
};

static void bad_paths_have_it_around(void **state)
{
	char *text;
	size_t size;

	lines[0] = '\0';
	begin(whole, 2);
	has(ask("GET /a%zz", ""), "HTTP/1.1 400 ");
	has(ask("GET /deep/../x", ""), "HTTP/1.1 400 ");
	has(ask("OPTIONS *", ""), "HTTP/1.1 204 ");
	has(ask("GET /a%zz", ""), "HTTP/1.1 429 ");
	must_be(heph_http_metrics_text(NULL, router, &text, &size), 0);
	has(text, "{route=\"none\",method=\"GET\",class=\"4xx\"} 3");
	free(text);
	end();
	has(lines, "\"GET /a%zz HTTP/1.1\" 400");
	has(lines, "\"GET /deep/../x HTTP/1.1\" 400");
	has(lines, "\"OPTIONS * HTTP/1.1\" 204");
	has(lines, "\"GET /a%zz HTTP/1.1\" 429");
}

static int waits(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	int err = heph_sleep(ctx, HEPH_NEVER);

	return err < 0 ? err : 0;
}

static int echo(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	return httpd_echo(ctx, req, res);
}

static int until(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	return heph_http_text(ctx, res, 200,
			      heph_deadline(ctx) >= HEPH_NEVER - 1 ? "never" :
			      heph_deadline(ctx) - heph_now() > 60 * HEPH_SEC ?
								   "long" :
								   "short");
}

static const struct heph_http_route with_limits[] = {
	HEPH_HTTP_ROUTE("GET", "/wait", waits,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_TIME_LIMIT(.time = 20 * HEPH_MSEC))),
	HEPH_HTTP_ROUTE("GET", "/long", until,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_TIME_LIMIT(.time = 99 * HEPH_SEC))),
	HEPH_HTTP_ROUTE("GET", "/never", until,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_TIME_LIMIT(.time = HEPH_NEVER))),
	HEPH_HTTP_ROUTE("GET", "/short", until),
	HEPH_HTTP_ROUTE("POST", "/small", echo,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_BODY_LIMIT(.bytes = 3))),
	HEPH_HTTP_ROUTE("POST", "/large", echo,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_BODY_LIMIT(.bytes = 200))),
	HEPH_HTTP_ROUTE("POST", "/echo", echo),
};

static void time_by_route(void **state)
{
	begin(with_limits, 7);
	has(ask("GET /wait", ""), "HTTP/1.1 503 ");
	has(ask("GET /long", ""), "\r\n\r\nlong");
	has(ask("GET /never", ""), "\r\n\r\nnever");
	has(ask("GET /short", ""), "\r\n\r\nshort");
	end();
}

static void post(const char *path, unsigned size, int status, int line)
{
	char request[1000], text[30];
	static char answer[2000];
	size_t have = 0;
	ssize_t n;
	int fd;

	for (int chunked = 0; chunked < 2; chunked++) {
		snprintf(request, sizeof(request),
			 chunked ? "POST %s HTTP/1.1\r\nHost: a\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "%x\r\n%.*s\r\n0\r\n\r\n" :
				   "POST %s HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: %u\r\n\r\n%.*s",
			 path, size, (int)size,
			 "0123456789012345678901234567890123456789"
			 "0123456789012345678901234567890123456789"
			 "0123456789012345678901234567890123456789"
			 "0123456789012345678901234567890123456789");
		fd = dial(&server);
		say(fd, request);
		n = hear(fd, answer, sizeof(answer) - 1);
		must(n > 0);
		have = (size_t)n;
		answer[have] = '\0';
		snprintf(text, sizeof(text), "HTTP/1.1 %d ", status);
		has_(answer, text, true, line);
		close(fd);
	}
}

static void bodies_by_route(void **state)
{
	begin(with_limits, 7);
	post("/small", 3, 200, __LINE__);
	post("/small", 4, 413, __LINE__);
	post("/echo", 100, 200, __LINE__);
	post("/echo", 101, 413, __LINE__);
	post("/large", 150, 200, __LINE__);
	end();
}

/* ---- headers ---------------------------------------------------------------------------------- */

static int framed(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	heph_http_set(res, "X-Frame-Options", "SAMEORIGIN");
	return ok(ctx, req, res);
}

static const struct heph_http_route with_security[] = {
	HEPH_HTTP_ROUTE("GET", "/", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_SECURITY())),
	HEPH_HTTP_ROUTE("GET", "/framed", framed,
			.around = HEPH_HTTP_AROUND(
				HEPH_HTTP_SECURITY(.referrer = "same-origin",
						   .content = ""))),
};

static void browsers_are_careful(void **state)
{
	const char *answer;

	begin(with_security, 2);
	answer = ask("GET /", "");
	has(answer, "X-Content-Type-Options: nosniff\r\n");
	has(answer, "X-Frame-Options: DENY\r\n");
	has(answer, "Referrer-Policy: no-referrer\r\n");
	has(answer, "Content-Security-Policy: default-src 'self'\r\n");
	lacks(answer, "Strict-Transport-Security");
	answer = ask("GET /framed", "");
	has(answer, "X-Frame-Options: SAMEORIGIN\r\n");
	lacks(answer, "DENY");
	has(answer, "Referrer-Policy: same-origin\r\n");
	lacks(answer, "Content-Security-Policy");
	end();
}

/* ---- access log ---------------------------------------------------------------------------------- */

static void keep_line(const char *line, size_t size)
{
	strncat(lines, line, size);
}

static int fails(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	return -EIO;
}

static int says_nothing(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res)
{
	heph_http_status(res, 202);
	return 0;
}

/* What another server has done, for example, is not the client's end. */
static int is_cut_off(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	return -ECONNRESET;
}

static int splits(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	heph_http_add(res, "X", "a\r\nb");
	return 0;
}

static int reads(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	struct heph_str body;
	int err = heph_http_read_all(ctx, req, 0, &body);

	return err < 0 ? err : heph_http_text(ctx, res, 200, "");
}

/* Five bytes of ten; and an error behind five of who knows how many. */
static int cuts(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	bool known = req->query.size > 0;
	int err = heph_http_begin(ctx, res, known ? 10 : HEPH_HTTP_UNKNOWN);

	if (err == 0)
		err = heph_http_write(ctx, res, "12345", 5);
	return err < 0 ? err : known ? 0 : -EIO;
}

static int is_whole(heph_ctx ctx, struct heph_http_request *req,
		    struct heph_http_response *res)
{
	int err = heph_http_begin(ctx, res, 5);

	return err < 0 ? err : heph_http_write(ctx, res, "12345", 5);
}

static const struct heph_http_route logged[] = {
	HEPH_HTTP_ROUTE("GET", "/cuts", cuts),
	HEPH_HTTP_ROUTE("GET", "/is_whole", is_whole),
	HEPH_HTTP_ROUTE("GET", "/is_cut_off", is_cut_off),
	HEPH_HTTP_ROUTE("GET", "/splits", splits),
	HEPH_HTTP_ROUTE("POST", "/reads", reads),
	HEPH_HTTP_ROUTE("GET", "/{id}", ok,
			.around = HEPH_HTTP_AROUND(HEPH_HTTP_REQUEST_ID())),
	HEPH_HTTP_ROUTE("GET", "/fails", fails),
	HEPH_HTTP_ROUTE("GET", "/nothing", says_nothing),
};
#define LOGGED(...)                                                            \
	HEPH_HTTP_MOUNT("", logged, .around = HEPH_HTTP_AROUND(                \
					    HEPH_HTTP_ACCESS_LOG(__VA_ARGS__)))
static const struct heph_http_route with_common[] = {
	LOGGED(.format = HEPH_HTTP_LOG_COMMON, .fn = keep_line)
};
static const struct heph_http_route with_combined[] = {
	LOGGED(.fn = keep_line)
};
static const struct heph_http_route with_json[] = {
	LOGGED(.format = HEPH_HTTP_LOG_JSON, .fn = keep_line)
};

/* Asks those that are worth a look, and gives the lines. */
static const char *log_of(const struct heph_http_route *route)
{
	lines[0] = '\0';
	begin(route, 1);
	ask("GET /a?b=%22", "Referer: http://r/\r\nUser-Agent: an \"agent\"\\\xff\r\n"
			    "X-Request-ID: id-1\r\n");
	ask("GET /fails", "");
	ask("GET /nothing", "");
	ask("GET /not/there", "");
	ask("BREW /a", "");
	end();
	return lines;
}

static void lines_are_common(void **state)
{
	const char *log = log_of(with_common);
	unsigned n = 0;

	has(log, "127.0.0.1 - - [");
	has(log, " +0000] \"GET /a?b=%22 HTTP/1.1\" 200 13\n");
	has(log, "\"GET /fails HTTP/1.1\" 500 ");
	has(log, "\"GET /nothing HTTP/1.1\" 202 0\n");
	has(log, "\"GET /not/there HTTP/1.1\" 404 14\n");
	has(log, "\"BREW /a HTTP/1.1\" 501 20\n");
	for (; *log; log++)
		n += *log == '\n';
	must_be(n, 5);
}

/* The client gets the status that is logged. */
static void must_agree(const char *line, const char *fields, const char *status)
{
	char wanted[100];

	lines[0] = '\0';
	begin(with_common, 1);
	snprintf(wanted, sizeof(wanted), "HTTP/1.1 %s ", status);
	has(ask(line, fields), wanted);
	end();
	snprintf(wanted, sizeof(wanted), "\" %s ", status);
	has(lines, wanted);
}

static void lines_have_what_is_sent(void **state)
{
	must_agree("GET /is_cut_off", "", "500");
	must_agree("GET /splits", "", "500");
	must_agree("POST /reads",
		   "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", "400");
	must_agree("POST /reads", "Content-Length: 2000000\r\n", "413");
}

static void lines_are_combined(void **state)
{
	const char *log = log_of(with_combined);

	has(log, "200 13 \"http://r/\" \"an \\x22agent\\x22\\x5C\\xFF\"\n");
	has(log, "404 14 \"-\" \"-\"\n");
}

static void lines_are_json(void **state)
{
	const char *log = log_of(with_json);

	has(log, "{\"time\":\"20");
	has(log, "Z\",\"peer\":\"127.0.0.1:");
	has(log, "\"method\":\"GET\",\"target\":\"/a?b=%22\",\"version\":\"1.1\","
		 "\"status\":200,\"sent\":13,\"received\":0,\"seconds\":0.0");
	has(log, ",\"route\":\"/{id}\",\"id\":\"id-1\",\"referer\":\"http://r/\","
		 "\"agent\":\"an \\u0022agent\\u0022\\u005c\\u00ff\"}\n");
	lacks(log, "\"user\"");
	lacks(log, "\"cut\"");
	for (unsigned n = 0; n < 4; n++) {
		static const char *const paths[] = { "/cuts", "/cuts?10",
						     "/is_whole" };
		char line[40];

		lines[0] = '\0';
		begin(with_json, 1);
		snprintf(line, sizeof(line), "%s %s", n == 3 ? "HEAD" : "GET",
			 paths[n % 3 + (n == 3) * 2]);
		ask(line, "");
		end();
		has(lines, "\"status\":200,\"sent\":");
		has_(lines, ",\"cut\":true", n < 2, __LINE__);
	}
}

static const struct heph_http_route *to_descriptor(int fd)
{
	static struct heph_http_access_log config;
	static struct heph_http_middleware around[2];
	static struct heph_http_route route;

	config = (struct heph_http_access_log){
		.size = sizeof(config), .format = HEPH_HTTP_LOG_COMMON, .fd = fd
	};
	around[0] = (struct heph_http_middleware){
		heph_http_run_access_log, &config, heph_http_start_access_log,
		heph_http_stop_access_log
	};
	route = (struct heph_http_route)HEPH_HTTP_MOUNT("", logged,
							.around = around);
	return &route;
}

static void lines_go_to_a_descriptor(void **state)
{
	FILE *file = tmpfile();
	char text[2000];
	size_t n;

	log_of(to_descriptor(fileno(file)));
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	has(text, "\"GET /nothing HTTP/1.1\" 202 0\n");
	has(text, "\"BREW /a HTTP/1.1\" 501 20\n");
	fclose(file);
}

static void to_kept(enum heph_log_level level, const char *line, size_t size)
{
	strncat(lines, line, size);
}

static const struct heph_http_route to_log[] = { LOGGED(
	.format = HEPH_HTTP_LOG_COMMON) };

static void lines_go_to_the_log(void **state)
{
	setenv("HEPH_LOG", "off", 0);
	must_be(heph_log_set_filter("off,heph.http.access=info"), 0);
	heph_log_to_fn(to_kept);
	log_of(to_log);
	heph_log_flush();
	heph_log_to_fn(NULL);
	heph_log_set_level(HEPH_LOG_OFF);
	has(lines, "target=heph.http.access");
	has(lines, "method=GET path=\"/a?b=%22\" status=200 sent=13");
	has(lines, "route=none");
}

/* ---- panics ------------------------------------------------------------------------------------ */

static int panics(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	if (heph_str_equal(req->path, "/late")) {
		if (heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN) < 0 ||
		    heph_http_write(ctx, res, "some", 4) < 0 ||
		    heph_http_flush(ctx, res) < 0)
			return -EIO;
	}
	heph_panic(ctx, "on purpose");
}

static const struct heph_http_route with_panics[] = {
	HEPH_HTTP_ROUTE("GET", "/", ok),
	HEPH_HTTP_ROUTE("GET", "/panics", panics),
	HEPH_HTTP_ROUTE("GET", "/late", panics),
};

static struct heph_http_stats stats;

/* Half of a hundred connections have one; the others do not notice. */
static void a_panic_is_one_connection_s(void **state)
{
	enum { N = 100 };
	int fds[N];
	char text[200];
	ssize_t n;

	memset(&stats, 0, sizeof(stats));
	must_be(heph_http_router_new(with_panics, 3, &router), 0);
	httpd_start(&server, .router = router, .stats = &stats);
	for (int i = 0; i < N; i++)
		fds[i] = dial(&server);
	for (int i = 0; i < N; i++)
		say(fds[i], i % 2 ? GET("/panics") : GET("/"));
	for (int i = 0; i < N; i++) {
		expect(fds[i],
		       i % 2 ? "HTTP/1.1 500 Internal Server Error\r\n"
			       "Content-Length: 26\r\nConnection: close\r\n"
			       "Content-Type: text/plain; charset=utf-8\r\n\r\n"
			       "500 Internal Server Error\n" :
			       OK_TEXT(9, "id  user "));
		if (i % 2)
			expect_end(fds[i]);
	}
	for (int i = 0; i < N; i += 2) {
		say(fds[i], GET("/"));
		expect(fds[i], OK_TEXT(9, "id  user "));
		close(fds[i]);
	}
	/* After the first bytes nobody can be told but by the end. */
	fds[0] = dial(&server);
	say(fds[0], GET("/late"));
	while ((n = hear(fds[0], text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		lacks(text, "\r\n0\r\n");
	}
	close(fds[0]);
	heph_stop(server.task);
	end_task(server.ctx, server.task);
	must_be(heph_drain(server.ctx), 0);
	must_be(heph_stats(server.ctx).failed, N / 2 + 1);
	must_be(heph_stats(server.ctx).descriptors, 0);
	must_be(heph_stats(server.ctx).actors, 0);
	must_be(heph_http_stats(&stats).connections_now, 0);
	must_be(heph_http_stats(&stats).requests_now, 0);
	heph_free(server.ctx);
	must_be(count_fds(), server.fds);
	heph_http_router_free(router);
}

/* ---- refused ------------------------------------------------------------------------------------- */

#define REFUSED(name_, ...)                                                    \
	static const struct heph_http_route name_[] = { HEPH_HTTP_ROUTE(       \
		"GET", "/", ok, .around = HEPH_HTTP_AROUND(__VA_ARGS__)) }

REFUSED(no_origins, HEPH_HTTP_CORS(.methods = "GET"));
REFUSED(all_origins, HEPH_HTTP_CORS(.origins = "*", .credentials = true));
REFUSED(nobody, HEPH_HTTP_BASIC_AUTH(.realm = "a"));
REFUSED(quoted, HEPH_HTTP_BASIC_AUTH(.realm = "a\"", .check = check));
REFUSED(no_rate, HEPH_HTTP_RATE_LIMIT(.burst = 5));
REFUSED(too_fast, HEPH_HTTP_RATE_LIMIT(.requests = 5, .per = 2));
REFUSED(no_time, HEPH_HTTP_TIME_LIMIT(.time = 0));
REFUSED(two_logs, HEPH_HTTP_ACCESS_LOG(.fd = 1, .fn = keep_line));
REFUSED(no_size, { heph_http_run_security,
		   &(const struct heph_http_security){ .size = 4 },
		   heph_http_start_security, heph_http_stop_security });

static const struct {
	struct heph_http_security now;
	const char *more;
} later = { { .size = sizeof(later) }, "x" };
REFUSED(later_version, { heph_http_run_security, &later,
			 heph_http_start_security, heph_http_stop_security });

static void configurations_that_cannot_be(void **state)
{
	static const struct heph_http_route *const wrong[] = {
		no_origins, all_origins, nobody,   quoted,  no_rate,
		too_fast,   no_time,     two_logs, no_size, later_version,
	};

	heph_log_set_level(HEPH_LOG_OFF);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		must_be(heph_http_router_new(wrong[i], 1, &router), -EINVAL);
}

/* What lies behind the size that a program knew is not looked at. */
static void configurations_of_earlier_programs(void **state)
{
	struct heph_http_cors cors = { .size = sizeof(cors),
				       .origins = "*",
				       .max_age = -1 };
	const struct heph_http_middleware around[] = {
		{ heph_http_run_cors, &cors, heph_http_start_cors,
		  heph_http_stop_cors },
		{ NULL, NULL, NULL, NULL },
	};
	const struct heph_http_route route = {
		.methods = "GET", .path = "/", .handler = ok, .around = around
	};

	must_be(heph_http_router_new(&route, 1, &router), -EINVAL);
	cors.size = offsetof(struct heph_http_cors, max_age);
	must_be(heph_http_router_new(&route, 1, &router), 0);
	heph_http_router_free(router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_have_ids),
		cmocka_unit_test(browsers_are_told_who_may),
		cmocka_unit_test(only_some_are_let_in),
		cmocka_unit_test(too_many_requests),
		cmocka_unit_test(a_handler_for_everything),
		cmocka_unit_test(bad_paths_have_it_around),
		cmocka_unit_test(time_by_route),
		cmocka_unit_test(bodies_by_route),
		cmocka_unit_test(browsers_are_careful),
		cmocka_unit_test(lines_are_common),
		cmocka_unit_test(lines_have_what_is_sent),
		cmocka_unit_test(lines_are_combined),
		cmocka_unit_test(lines_are_json),
		cmocka_unit_test(lines_go_to_a_descriptor),
		cmocka_unit_test(lines_go_to_the_log),
		cmocka_unit_test(a_panic_is_one_connection_s),
		cmocka_unit_test(configurations_that_cannot_be),
		cmocka_unit_test(configurations_of_earlier_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
