/* SPDX-License-Identifier: MIT */
/* What goes over the wire: requests as bytes, answers compared byte by byte. */
#include "httpd.h"

static struct httpd server;

static int start(void **state)
{
	httpd_start(&server, .name = NULL);
	return 0;
}

static int stop(void **state)
{
	httpd_stop(&server);
	return 0;
}

/* One that ends the connection. */
static void refused(const char *request, const char *answer)
{
	int fd = dial(&server);

	say(fd, request);
	expect(fd, answer);
	expect_end(fd);
}

/* One after which the connection goes on. */
static void answered(const char *request, const char *answer)
{
	int fd = dial(&server);

	say(fd, request);
	expect(fd, answer);
	still_good(fd);
	close(fd);
}

/* Refused with that status, whatever the words. */
static void refused_with(const char *request, size_t size, int status)
{
	char heard[2000], line[30];
	int fd = dial(&server);
	size_t have = 0;
	ssize_t n;

	say_bytes(fd, request, size);
	while ((n = hear(fd, heard + have, sizeof(heard) - 1 - have)) > 0)
		have += (size_t)n;
	must_be(n, 0);
	heard[have] = '\0';
	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (strncmp(heard, line, strlen(line)) != 0 ||
	    !strstr(heard, "\r\nConnection: close\r\n")) {
		fprintf(stderr, "%s\n-> %s\n", request, heard);
		must(!"refused");
	}
	close(fd);
}

#define refused_400(request_) refused_with(request_, strlen(request_), 400)

/* ---- requests ------------------------------------------------------------------ */

static void get(void **state)
{
	answered(GET("/"), INDEX);
}

static void head(void **state)
{
	answered("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", OK_TEXT(5, ""));
	answered("HEAD /large?100000 HTTP/1.1\r\nHost: a\r\n\r\n",
		 OK_BODY(100000, ""));
	answered("HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void post(void **state)
{
	answered("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
		 "Hello world",
		 OK_BODY(11, "Hello world"));
	answered("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		 OK_BODY(0, ""));
	answered("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n", OK_BODY(0, ""));
}

static void with_request_header(void **state)
{
	answered("GET /show?a=b&c HTTP/1.1\r\nHost: a:80\r\nX-Mine:  \t v w \r\n"
		 "User-Agent:x\r\nEmpty:\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "003e\r\n/show a=b&c a:80 1.1\nHost=a:80\nX-Mine=v w\n"
		 "User-Agent=x\nEmpty=\n\r\n0\r\n\r\n");
}

/* A body of many packets. */
static void late_body(void **state)
{
	int fd = dial(&server);

	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
	for (int i = 0; i < 6; i++) {
		usleep(2000);
		say_bytes(fd, &"abcdef"[i], 1);
	}
	expect(fd, OK_BODY(6, "abcdef"));
	still_good(fd);
	close(fd);
}

static void large_bodies(void **state)
{
	enum { SIZE = 200000 };
	static char body[SIZE + 1], text[SIZE + 1000];
	int fd = dial(&server);

	for (int i = 0; i < SIZE; i++)
		body[i] = (char)('a' + i % 26);
	for (int round = 0; round < 2; round++) {
		snprintf(text, sizeof(text),
			 "POST /echo HTTP/1.1\r\nHost: a\r\n"
			 "Content-Length: %d\r\n\r\n",
			 SIZE);
		say(fd, text);
		say(fd, body);
		snprintf(text, sizeof(text), OK_BODY(200000, "%s"), body);
		expect(fd, text);
		say(fd, GET("/large?200000"));
		expect(fd, text);
	}
	say(fd, "GET /large?70000 HTTP/1.1\r\nHost: a\r\nIn-Chunks: 1\r\n\r\n");
	body[70000] = '\0';
	snprintf(text, sizeof(text),
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "11170\r\n%s\r\n0\r\n\r\n",
		 body);
	expect(fd, text);
	still_good(fd);
	close(fd);
}

/* At each place where a request can be cut into two packets, and into bytes. */
static void every_split(void **state)
{
	static const char *const requests[] = {
		"\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
		"\r\nHello",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"\r\n2;x=y\r\nHe\r\n003\r\nllo\r\n0\r\nT: x\r\n\r\n",
	};
	int fd = dial(&server);

	for (int i = 0; i < 2; i++) {
		for (size_t at = 1; at < strlen(requests[i]); at++) {
			say_bytes(fd, requests[i], at);
			usleep(300);
			say(fd, requests[i] + at);
			expect(fd, OK_BODY(5, "Hello"));
		}
		for (size_t at = 0; at < strlen(requests[i]); at++) {
			say_bytes(fd, requests[i] + at, 1);
			usleep(100);
		}
		expect(fd, OK_BODY(5, "Hello"));
	}
	still_good(fd);
	close(fd);
}

/* ---- those that are none ----------------------------------------------------------- */

static void deny_incomplete_request(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "GET",
		"GET / HTTP/1.1\r\nHost: a\r\nX"
	};

	for (int i = 0; i < 4; i++) {
		int fd = dial(&server);

		say(fd, requests[i]);
		must_be(shutdown(fd, SHUT_WR), 0);
		expect(fd, REFUSAL("400 Bad Request", 27,
				   "the request is not complete"));
		expect_end(fd);
	}
}

/* An end between requests, or after an empty line, is none. */
static void an_end_between_requests_is_silent(void **state)
{
	for (int i = 0; i < 3; i++) {
		int fd = dial(&server);

		if (i > 0)
			still_good(fd);
		if (i > 1)
			say(fd, "\r\n");
		must_be(shutdown(fd, SHUT_WR), 0);
		expect_end(fd);
	}
}

/* A token, though not one that we know, is the handler's matter. */
static void unknown_method(void **state)
{
	answered("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", INDEX);
}

static void deny_invalid_method(void **state)
{
	refused_400("G@T / HTTP/1.1\r\nHost: a\r\n\r\n");
	refused_400(" GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	refused_400("\x16\x03\x01\x02\x01\x01\r\n\r\n");
}

/* RFC 9112, section 6.3: a server may take equal ones for one; we do not. */
static void deny_two_content_length_headers(void **state)
{
	refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		"Content-Length: 3\r\n\r\nabc",
		REFUSAL("400 Bad Request", 28, "more than one Content-Length"));
	refused_400("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n"
		    "\r\nabc");
}

static void deny_different_content_length_headers(void **state)
{
	refused_400("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		    "Content-Length: 4\r\n\r\nabc");
}

static void deny_content_length_and_chunked(void **state)
{
	refused_400("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	refused_400("POST /echo HTTP/1.1\r\nHost: a\r\n"
		    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
		    "3\r\nabc\r\n0\r\n\r\n");
}

static void deny_invalid_content_length_headers(void **state)
{
	static const char *const values[] = { "ABC", "-1", "+1", "1.0", "0x1", "",
					      "18446744073709551616", "1 1" };
	char text[200];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(text, sizeof(text),
			 "POST /echo HTTP/1.1\r\nHost: a\r\n"
			 "Content-Length: %s\r\n\r\n",
			 values[i]);
		refused_400(text);
	}
}

static void transfer_encodings(void **state)
{
	static const char *const values[] = { "identity", "gzip, chunked", "gzip",
					      "",	  "chunked, gzip",
					      "chunked, chunked" };
	static const int statuses[] = { 501, 501, 501, 400, 400, 400 };
	char text[200];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		snprintf(text, sizeof(text),
			 "POST /echo HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: %s\r\n\r\n",
			 values[i]);
		refused_with(text, strlen(text), statuses[i]);
	}
}

static void empty_body_chunked_transfer_encoding(void **state)
{
	answered("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		 "\r\n0\r\n\r\n",
		 OK_BODY(0, ""));
}

static void deny_invalid_chunk_size(void **state)
{
	static const char *const chunks[] = { "XYZ\r\n", "-1\r\n", "\r\n", "1\n",
					      "11111111111111111\r\n", "1\r\nab",
					      "1 \x01\r\n" };
	char text[300];

	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		snprintf(text, sizeof(text),
			 "POST /echo HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n%s",
			 chunks[i]);
		refused_400(text);
	}
}

static void read_partial_chunk_size(void **state)
{
	int fd = dial(&server);

	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"\r\n");
	usleep(20000);
	say(fd, "5");
	usleep(20000);
	say(fd, "\r\nHello\r\n0\r\n\r\n");
	expect(fd, OK_BODY(5, "Hello"));
	still_good(fd);
	close(fd);
}

static void too_large_http_head(void **state)
{
	static char text[20000];

	strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	memset(text + strlen(text), 'x', 17000);
	strcat(text, "\r\n\r\n");
	refused(text, REFUSAL("431 Request Header Fields Too Large", 20,
			      "the head is too long"));
	/* also when it never ends */
	text[16800] = '\0';
	refused_with(text, strlen(text), 431);
}

static void too_long_target(void **state)
{
	static char text[12000];

	strcpy(text, "GET /");
	memset(text + 5, 'x', 9000);
	strcat(text, " HTTP/1.1\r\nHost: a\r\n\r\n");
	refused_with(text, strlen(text), 414);
}

static void too_many_header(void **state)
{
	static char text[4000];

	strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 99; i++)
		strcat(text, "A: b\r\n");
	strcat(text, "\r\n");
	answered(text, INDEX);
	strcpy(text + strlen(text) - 2, "A: b\r\n\r\n");
	refused_with(text, strlen(text), 431);
}

static void invalid_header_name(void **state)
{
	static const char nul[] = "GET / HTTP/1.1\r\nHost: a\r\nA\0b: c\r\n\r\n";

	refused_with(nul, sizeof(nul) - 1, 400);
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nA : c\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nA\r\n\r\n");
}

static void invalid_header_value(void **state)
{
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nA: b\x01\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n folded\r\n\r\n");
}

static void invalid_carriage_return(void **state)
{
	refused_400("GET / HTTP/1.1\nHost: a\n\n");
	refused_400("GET / HTTP/1.1\r\rHost: a\r\r");
	refused_400("GET / HTTP/1.1\rHost: a\r\n\r\n");
}

static void invalid_http_version(void **state)
{
	refused_with("GET / HTTP/2.0\r\n\r\n", 18, 505);
	refused_with("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 27, 505);
	refused_400("GET / HTTX/1.1\r\nHost: a\r\n\r\n");
	refused_400("GET / HTTP/1\r\nHost: a\r\n\r\n");
	refused_400("GET /\r\n\r\n");
}

static void hosts(void **state)
{
	refused_400("GET / HTTP/1.1\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
	refused_400("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
	answered("GET http://b:1/show HTTP/1.1\r\nHost: a\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "0016\r\n/show  b:1 1.1\nHost=a\n\r\n0\r\n\r\n");
	answered("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", INDEX);
}

/* ---- what Heph does wrong ------------------------------------------------------------ */

/* 1: a body that comes in a second packet, or is larger than 8 KiB; late_body(),
 * large_bodies(). 2: what nobody has read is not the next request. */
static void an_unread_body_is_no_request(void **state)
{
	int fd = dial(&server);

	httpd_runs = 0;
	say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\n");
	expect(fd, INDEX);
	say(fd, "GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n");
	say(fd, GET("/show"));
	expect(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		   "0014\r\n/show  a 1.1\nHost=a\n\r\n0\r\n\r\n");
	must_be(httpd_runs, 2);
	close(fd);
}

/* 3: standard chunks. 4: chunks that nobody reads. */
static void chunks_are_read(void **state)
{
	int fd = dial(&server);

	for (int i = 0; i < 2; i++) {
		say(fd, i ? "POST /echo HTTP/1.1\r\nHost: a\r\n" :
			    "POST / HTTP/1.1\r\nHost: a\r\n");
		say(fd, "Transfer-Encoding: Chunked\r\n\r\n"
			"5\r\nHello\r\n1\r\n \r\nA;ext=\"1\"\r\n0123456789\r\n"
			"0\r\nX-Sum: x\r\nOther: y\r\n\r\n");
		expect(fd, i ? OK_BODY(16, "Hello 0123456789") : INDEX);
	}
	still_good(fd);
	close(fd);
}

/* 5: chunks are written with their sizes. */
static void chunks_are_written(void **state)
{
	answered(GET("/chunks"),
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "0003\r\none\r\n0008\r\ntwothree\r\n0\r\nDigest: x\r\n\r\n");
}

/* 6: names that are not registered; with_request_header(). 7: */
static void small_errors_of_the_protocol(void **state)
{
	/* HEAD with a length: head(). 204 and 304 have none. */
	answered(GET("/status?204"), "HTTP/1.1 204 No Content\r\n\r\n");
	answered(GET("/status?304"), "HTTP/1.1 304 Not Modified\r\n\r\n");
	answered(GET("/status?205"),
		 "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
	answered(GET("/status?404"),
		 "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nbody");
	answered(GET("/status?799"), "HTTP/1.1 799 \r\nContent-Length: 4\r\n\r\n"
				     "body");
	/* "Connection: close" is heard, in lists and in any case. */
	refused("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n",
		LAST_INDEX);
	refused("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n",
		LAST_INDEX);
	/* Methods are not in any case. */
	answered("get /echo HTTP/1.1\r\nHost: a\r\n\r\n", OK_BODY(0, ""));
	/* The body of a method that nobody knows is a body. */
	answered("BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ",
		 INDEX);
}

static void http_1_0(void **state)
{
	refused("GET / HTTP/1.0\r\n\r\n", LAST_INDEX);
	refused("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	refused("GET /chunks HTTP/1.0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwothree");
	answered("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
		 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		 "Connection: keep-alive\r\n"
		 "Content-Type: text/plain; charset=utf-8\r\n\r\nindex");
}

/* 8: the limit of a head is not used up by requests before it. */
static void the_limit_is_that_of_one_head(void **state)
{
	static char text[70000];
	static char answers[70000];
	int fd = dial(&server);

	for (int i = 0; i < 10; i++) {
		strcat(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
		memset(text + strlen(text), 'x', 5000);
		strcat(text, "\r\n\r\n");
		strcat(answers, INDEX);
	}
	say(fd, text);
	expect(fd, answers);
	close(fd);
}

static int splits(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	switch (req->path.data[1]) {
	case 'v':
		heph_http_add(res, "X", "a\r\nSet-Cookie: evil");
		break;
	case 'n':
		heph_http_add(res, "X: a\r\nY", "b");
		break;
	case 'f':
		heph_http_addf(res, "X", "%s", "\n");
		break;
	case 's':
		heph_http_set(res, "X", "a\rb");
		break;
	case 'l':
		return heph_http_redirect(ctx, res, 302, "/\r\nX: y");
	case 't':
		heph_http_add_trailer(res, "X", "\r\n\r\n");
		break;
	case 'c':
		heph_http_add(res, "content-length", "1");
		break;
	default:
		heph_http_add(res, "Connection", "close");
		break;
	}
	must_be(heph_http_text(ctx, res, 200, "never"), -EINVAL);
	return -EINVAL;
}

static void responses_cannot_be_split(void **state)
{
	static const char *const paths[] = { "/v", "/n", "/f", "/s",
					     "/l", "/t", "/c", "/k" };
	char text[100];
	int fd;

	httpd_stop(&server);
	httpd_start(&server, .handler = splits);
	fd = dial(&server);
	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
		say(fd, text);
		expect(fd, "HTTP/1.1 500 Internal Server Error\r\n"
			   "Content-Length: 26\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\n\r\n"
			   "500 Internal Server Error\n");
	}
	close(fd);
	httpd_stop(&server);
	httpd_start(&server, .handler = NULL);
}

/* ---- Expect ---------------------------------------------------------------------------- */

#define EXPECTS(method_and_path_, more_)                                       \
	method_and_path_ " HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"    \
			 "Content-Length: 3\r\n\r\n" more_

static void continues_when_the_body_is_wanted(void **state)
{
	int fd = dial(&server);

	say(fd, EXPECTS("POST /echo", ""));
	expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "abc");
	expect(fd, OK_BODY(3, "abc"));
	/* Not if it has come already, */
	say(fd, EXPECTS("POST /echo", "abc"));
	expect(fd, OK_BODY(3, "abc"));
	/* nor if nobody reads it: then nobody knows what comes next. */
	say(fd, EXPECTS("POST /", ""));
	expect(fd, LAST_INDEX);
	expect_end(fd);
}

/* Nor in the midst of a response, of which it would be a part. */
static void no_continue_in_a_response(void **state)
{
	int fd = dial(&server);

	say(fd, EXPECTS("POST /stream", "ab"));
	expect(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		   "0002\r\nab\r\n");
	say(fd, "c");
	expect(fd, "0001\r\nc\r\n0\r\n\r\n");
	still_good(fd);
	/* nobody knows whether the body comes */
	say(fd, EXPECTS("POST /stream", ""));
	expect(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		   "Connection: close\r\n\r\n");
	say(fd, "abc");
	expect(fd, "0003\r\nabc\r\n0\r\n\r\n");
	expect_end(fd);
}

static void other_expectations(void **state)
{
	refused("GET / HTTP/1.1\r\nHost: a\r\nExpect: gifts\r\n\r\n",
		REFUSAL("417 Expectation Failed", 38,
			"an expectation other than 100-continue"));
	/* HTTP/1.0 knows none */
	refused("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", LAST_INDEX);
}

/* ---- answers --------------------------------------------------------------------------- */

static void pieces_of_known_length(void **state)
{
	int fd;

	answered(GET("/known?10"), OK_BODY(10, "xxxxxxxxxx"));
	for (int i = 0; i < 2; i++) { /* too much, and too little */
		fd = dial(&server);
		say(fd, i ? GET("/known?11") : GET("/known?9"));
		expect(fd, i ? OK_BODY(10, "xxxxxxxxxx") :
			       OK_BODY(10, "xxxxxxxxx"));
		expect_end(fd);
	}
}

static void failures_of_handlers(void **state)
{
	answered(GET("/fail?5"), "HTTP/1.1 500 Internal Server Error\r\n"
				 "Content-Length: 26\r\n"
				 "Content-Type: text/plain; charset=utf-8\r\n\r\n"
				 "500 Internal Server Error\n");
	answered(GET("/fail?90"), "HTTP/1.1 413 Content Too Large\r\n"
				  "Content-Length: 22\r\n"
				  "Content-Type: text/plain; charset=utf-8\r\n\r\n"
				  "413 Content Too Large\n");
	answered(GET("/nothing"), OK_BODY(0, ""));
	refused(GET("/close"), LAST_INDEX);
}

static void bodies_beyond_the_limit(void **state)
{
	static const char answer[] =
		"HTTP/1.1 413 Content Too Large\r\nContent-Length: 22\r\n"
		"Connection: close\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n"
		"413 Content Too Large\n";
	static char text[30000];
	int fd;

	httpd_stop(&server);
	httpd_start(&server, .body = 10000, .drain = 5000);
	/* declared: before it is read, and without a word to go on */
	refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10001\r\n"
		"Expect: 100-continue\r\n\r\n",
		answer);
	/* while it comes */
	fd = dial(&server);
	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"\r\n4e20\r\n");
	memset(text, 'x', 20000);
	say(fd, text);
	expect(fd, answer);
	expect_end(fd);
	/* not read: what is more than `drain` is the end */
	fd = dial(&server);
	say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
	text[5000] = '\0';
	say(fd, text);
	expect(fd, INDEX);
	say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5001\r\n\r\nx");
	say(fd, text);
	expect(fd, LAST_INDEX);
	expect_end(fd);
	/* and of chunks, where that cannot be told before */
	fd = dial(&server);
	say(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2000\r\n");
	say(fd, text);
	say(fd, text);
	expect(fd, INDEX);
	expect_end(fd);
	httpd_stop(&server);
	httpd_start(&server, .handler = NULL);
}

/* ---- other protocols ---------------------------------------------------------------------- */

static void upgrades(void **state)
{
	int fd = dial(&server);

	say(fd, "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
		"Upgrade: x, echo\r\n\r\nearly");
	expect(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
		   "Upgrade: echo\r\n\r\nearly");
	say(fd, GET("/"));
	expect(fd, GET("/"));
	must_be(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
	/* not asked for */
	answered(GET("/upgrade"), "HTTP/1.1 500 Internal Server Error\r\n"
				  "Content-Length: 26\r\n"
				  "Content-Type: text/plain; charset=utf-8\r\n\r\n"
				  "500 Internal Server Error\n");
}

static void connects(void **state)
{
	int fd = dial(&server);

	say(fd, "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n");
	expect(fd, "HTTP/1.1 200 OK\r\n\r\n");
	say(fd, "any bytes");
	expect(fd, "any bytes");
	must_be(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(get),
		cmocka_unit_test(head),
		cmocka_unit_test(post),
		cmocka_unit_test(with_request_header),
		cmocka_unit_test(late_body),
		cmocka_unit_test(large_bodies),
		cmocka_unit_test(every_split),
		cmocka_unit_test(deny_incomplete_request),
		cmocka_unit_test(an_end_between_requests_is_silent),
		cmocka_unit_test(unknown_method),
		cmocka_unit_test(deny_invalid_method),
		cmocka_unit_test(deny_two_content_length_headers),
		cmocka_unit_test(deny_different_content_length_headers),
		cmocka_unit_test(deny_content_length_and_chunked),
		cmocka_unit_test(deny_invalid_content_length_headers),
		cmocka_unit_test(transfer_encodings),
		cmocka_unit_test(empty_body_chunked_transfer_encoding),
		cmocka_unit_test(deny_invalid_chunk_size),
		cmocka_unit_test(read_partial_chunk_size),
		cmocka_unit_test(too_large_http_head),
		cmocka_unit_test(too_long_target),
		cmocka_unit_test(too_many_header),
		cmocka_unit_test(invalid_header_name),
		cmocka_unit_test(invalid_header_value),
		cmocka_unit_test(invalid_carriage_return),
		cmocka_unit_test(invalid_http_version),
		cmocka_unit_test(hosts),
		cmocka_unit_test(an_unread_body_is_no_request),
		cmocka_unit_test(chunks_are_read),
		cmocka_unit_test(chunks_are_written),
		cmocka_unit_test(small_errors_of_the_protocol),
		cmocka_unit_test(http_1_0),
		cmocka_unit_test(the_limit_is_that_of_one_head),
		cmocka_unit_test(responses_cannot_be_split),
		cmocka_unit_test(continues_when_the_body_is_wanted),
		cmocka_unit_test(other_expectations),
		cmocka_unit_test(pieces_of_known_length),
		cmocka_unit_test(failures_of_handlers),
		cmocka_unit_test(bodies_beyond_the_limit),
		cmocka_unit_test(upgrades),
		cmocka_unit_test(connects),
		cmocka_unit_test(no_continue_in_a_response),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
