/* SPDX-License-Identifier: MIT */
/*
 * What could be one request to us and two to a proxy before us, or the other way
 * round: each is answered once, with an error, and that is the end of the connection.
 */
#include "httpd.h"

static struct httpd server;

static int start(void **state)
{
	httpd_start(&server, .body = 1000);
	return 0;
}

static int stop(void **state)
{
	httpd_stop(&server);
	return 0;
}

#define POST "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define SECOND "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

struct vector {
	const char *text;
	size_t size;
	int status;
};

#define VECTOR(text_, status_) { text_, sizeof(text_) - 1, status_ }

/* Who frames the body is in doubt. */
static const struct vector framing[] = {
	/* one believes the length, the other one the chunks */
	VECTOR(POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "0\r\n\r\nG" SECOND, 400),
	VECTOR(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
		    "2a\r\n" SECOND "0\r\n\r\n", 400),
	VECTOR(POST "Content-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n"
		    SECOND, 400),
	/* two lengths */
	VECTOR(POST "Content-Length: 0\r\nContent-Length: 33\r\n\r\n" SECOND, 400),
	VECTOR(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" SECOND,
	       400),
	VECTOR(POST "Content-Length: 0, 33\r\n\r\n" SECOND, 400),
	VECTOR(POST "Content-Length: 5,5\r\n\r\nhello" SECOND, 400),
	/* a length that is no number to all */
	VECTOR(POST "Content-Length: +5\r\n\r\nhello" SECOND, 400),
	VECTOR(POST "Content-Length: -0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Content-Length: 0x5\r\n\r\nhello" SECOND, 400),
	VECTOR(POST "Content-Length: 5 5\r\n\r\nhello" SECOND, 400),
	VECTOR(POST "Content-Length: 5_0\r\n\r\nhello" SECOND, 400),
	VECTOR(POST "Content-Length:\r\n\r\n" SECOND, 400),
	VECTOR(POST "Content-Length: 18446744073709551621\r\n\r\nhello" SECOND,
	       400),
	VECTOR(POST "Content-Length:\r\n 5\r\n\r\nhello" SECOND, 400),
	/* a coding that only some see */
	VECTOR(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SECOND, 501),
	VECTOR(POST "Transfer-Encoding: identity\r\n\r\n" SECOND, 501),
	VECTOR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SECOND,
	       501),
	VECTOR(POST "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "0\r\n\r\n" SECOND, 501),
	VECTOR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n"
		    "0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" SECOND,
	       400),
	VECTOR(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" SECOND,
	       400),
	VECTOR(POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding:\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
	       400),
	VECTOR(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding:\x0b" "chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding\0: chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(POST "Transfer-Encoding: chunked\xff\r\n\r\n0\r\n\r\n" SECOND, 400),
	VECTOR("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "0\r\n\r\n" SECOND, 400),
	VECTOR("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\n\r\n"
	       "hello" SECOND, 400),
};

/* Where lines and heads end is in doubt. */
static const struct vector lines[] = {
	VECTOR(POST "X: y\nContent-Length: 33\r\n\r\n" SECOND, 400),
	VECTOR(POST "X: y\rContent-Length: 33\r\n\r\n" SECOND, 400),
	VECTOR(POST "X: y\r\rTransfer-Encoding: chunked\r\n\r\n" SECOND, 400),
	VECTOR(POST "\n" SECOND, 400),
	VECTOR(POST "\r" SECOND, 400),
	VECTOR(POST "X: y\n\n" SECOND, 400),
	VECTOR("POST /echo HTTP/1.1\nHost: a\n\n" SECOND, 400),
	VECTOR("POST /echo HTTP/1.1\rHost: a\r\r" SECOND, 400),
	VECTOR("\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("\r\n\r\n" SECOND, 400),
	VECTOR("GET /second\r\n" SECOND, 400),
	VECTOR("GET /second HTTP/0.9\r\n\r\n" SECOND, 505),
	VECTOR("GET / HTTP/1.1 \r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("GET / x HTTP/1.1\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("GET / HTTP/1.10\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" SECOND, 505),
	VECTOR("GET / HTTP/1.1\r\n\r\n" SECOND, 400),
	VECTOR("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" SECOND, 400),
	VECTOR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n" SECOND, 400),
	VECTOR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" SECOND, 400),
	VECTOR("GET http://b/ HTTP/1.1\r\n\r\n" SECOND, 400),
	VECTOR("GET http://c@b/ HTTP/1.1\r\nHost: b\r\n\r\n" SECOND, 400),
	VECTOR("GET * HTTP/1.1\r\nHost: a\r\n\r\n" SECOND, 400),
	VECTOR("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n" SECOND, 400),
	VECTOR("GET / HTTP/1.1\r\nHost: a\r\nb\r\n\r\n" SECOND, 400),
};

/* Where a chunk ends is in doubt; here a handler is reading already. */
static const struct vector chunks[] = {
	VECTOR(CHUNKED "5\nhello\n0\n\n" SECOND, 400),
	VECTOR(CHUNKED "5\r\nhello\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5\r\nhello0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5\r\nhello!\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5\r\nhello\r\n0\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5\r\nhello\r\n0\r\n\n" SECOND, 400),
	VECTOR(CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5 \r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED " 5\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "+5\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "-5\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "8000000000000005\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "5\0\r\nhello\r\n0\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0\r\nContent-Length: 33\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0\r\nHost: b\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0\r\nX : y\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0\r\n X: y\r\n\r\n" SECOND, 400),
	VECTOR(CHUNKED "0\r\n" SECOND, 400),
};

/* The rest of it may come when the server has closed already. */
static void send_if_open(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

/* Sent in one piece, or cut in two behind `cut` bytes. */
static void check(const struct vector *vector, size_t cut)
{
	static char heard[8192], want[32];
	int fd = dial(&server);
	size_t have = 0;
	ssize_t n;

	send_if_open(fd, vector->text, cut);
	send_if_open(fd, vector->text + cut, vector->size - cut);
	while ((n = hear(fd, heard + have, sizeof(heard) - 1 - have)) > 0)
		have += (size_t)n;
	heard[have] = '\0';
	snprintf(want, sizeof(want), "HTTP/1.1 %d ", vector->status);
	if (n < 0 || strncmp(heard, want, strlen(want)) != 0 ||
	    strstr(heard + 1, "HTTP/1.1 ") ||
	    !strstr(heard, "\r\nConnection: close\r\n")) {
		fprintf(stderr, "%.*s\n---- cut at %zu: %zd, %d, not: %s\n%s\n",
			(int)vector->size, vector->text, cut, n, vector->status,
			want, heard);
		must(!"refused, once");
	}
	close(fd);
}

static void check_all(const struct vector *vectors, size_t n, int handlers)
{
	for (size_t i = 0; i < n; i++) {
		httpd_runs = 0;
		check(&vectors[i], vectors[i].size);
		must(httpd_runs <= handlers);
		for (size_t cut = 1; cut < vectors[i].size; cut += 13) {
			httpd_runs = 0;
			check(&vectors[i], cut);
			must(httpd_runs <= handlers);
		}
	}
}

#define CHECK_ALL(vectors_, handlers_)                                         \
	check_all(vectors_, sizeof(vectors_) / sizeof((vectors_)[0]), handlers_)

static void doubtful_framing_is_refused(void **state)
{
	CHECK_ALL(framing, 0);
}

static void doubtful_lines_are_refused(void **state)
{
	CHECK_ALL(lines, 0);
}

static void doubtful_chunks_are_refused(void **state)
{
	CHECK_ALL(chunks, 1);
}

/* A body that looks like a request is a body: whether the handler reads it or not,
 * and though it comes late. */
static void a_body_is_no_request(void **state)
{
	static const struct {
		const char *head, *body, *answer;
	} table[] = {
		{ POST "Content-Length: 33\r\n\r\n", SECOND, OK_BODY(33, SECOND) },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n", SECOND,
		  INDEX },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n", SECOND,
		  INDEX },
		{ "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n", SECOND,
		  OK_TEXT(5, "") },
		{ CHUNKED, "21\r\n" SECOND "\r\n0\r\n\r\n", OK_BODY(33, SECOND) },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		  "21\r\n" SECOND "\r\n0\r\n\r\n", INDEX },
	};

	_Static_assert(sizeof(SECOND) - 1 == 33, "as the lengths say");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int late = 0; late < 2; late++) {
			int fd = dial(&server);

			httpd_runs = 0;
			say(fd, table[i].head);
			if (late)
				usleep(2000);
			say(fd, table[i].body);
			expect(fd, table[i].answer);
			still_good(fd);
			must_be(httpd_runs, 2);
			close(fd);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubtful_framing_is_refused),
		cmocka_unit_test(doubtful_lines_are_refused),
		cmocka_unit_test(doubtful_chunks_are_refused),
		cmocka_unit_test(a_body_is_no_request),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
