/* SPDX-License-Identifier: MIT */
/*
 * httpd.h - an HTTP server for tests, and a client that speaks bytes
 *
 * The client is a plain thread with a blocking socket. What it expects it writes
 * down as it must come over the wire, without the line of the date, which is
 * looked at and left out.
 */
#ifndef TEST_HTTPD_H
#define TEST_HTTPD_H

#include "task.h"

#include <heph/http.h>

#include <sys/time.h>

/* ---- what it answers ------------------------------------------------------------ */

static _Atomic int httpd_runs; /* handlers that have begun */
static _Atomic int httpd_go;   /* "/wait" goes on */

static inline int httpd_echo(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	struct heph_str body;
	int err = heph_http_read_all(ctx, req, 0, &body);

	return err < 0 ? err : heph_http_send(ctx, res, body.data, body.size);
}

/* Piece by piece, in pieces of 7 bytes. */
static inline int httpd_stream(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res)
{
	char buf[7];
	int err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN), n;

	while (err == 0 &&
	       (n = heph_http_read(ctx, req, buf, sizeof(buf))) != 0)
		err = n < 0 ? n : heph_http_write(ctx, res, buf, (size_t)n);
	return err < 0 ? err : heph_http_end(ctx, res);
}

/* Each field in a line, with the parts of the target. */
static inline int httpd_show(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	int err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
	char line[300];

	snprintf(line, sizeof(line), "%.*s %.*s %.*s 1.%u\n",
		 HEPH_STR(req->path), HEPH_STR(req->query), HEPH_STR(req->host),
		 req->minor);
	if (err == 0)
		err = heph_http_write(ctx, res, line, strlen(line));
	for (unsigned i = 0; err == 0 && i < req->fields.n; i++) {
		snprintf(line, sizeof(line), "%.*s=%.*s\n",
			 HEPH_STR(heph_http_field_name(&req->fields.at[i])),
			 HEPH_STR(heph_http_field_value(&req->fields.at[i])));
		err = heph_http_write(ctx, res, line, strlen(line));
	}
	return err;
}

static inline int httpd_status(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res)
{
	heph_http_status(res, (unsigned)atoi(req->query.data));
	return heph_http_send(ctx, res, "body", 4);
}

static inline int httpd_chunks(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res)
{
	int err;

	heph_http_add_trailer(res, "Digest", "x");
	err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
	if (err == 0)
		err = heph_http_write(ctx, res, "one", 3);
	if (err == 0)
		err = heph_http_flush(ctx, res);
	if (err == 0)
		err = heph_http_write(ctx, res, "two", 3);
	if (err == 0)
		err = heph_http_write(ctx, res, "three", 5);
	if (err == 0)
		err = heph_http_write(ctx, res, "", 0);
	return err < 0 ? err : heph_http_end(ctx, res);
}

/* As many bytes as the query says of a body of ten. */
static inline int httpd_known(heph_ctx ctx, struct heph_http_request *req,
		       struct heph_http_response *res)
{
	int err = heph_http_begin(ctx, res, 10), n = atoi(req->query.data);

	for (int i = 0; err == 0 && i < n; i++)
		err = heph_http_write(ctx, res, "x", 1);
	must_be(err, n > 10 ? -EMSGSIZE : 0);
	return err;
}

static inline int httpd_large(heph_ctx ctx, struct heph_http_request *req,
		       struct heph_http_response *res)
{
	size_t size = (size_t)atol(req->query.data);
	char *body = heph_http_alloc(req, size + 1);
	int err;

	must(body);
	for (size_t i = 0; i < size; i++)
		body[i] = (char)('a' + i % 26);
	if (heph_http_field(req, "In-Chunks").data) {
		err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
		if (err == 0)
			err = heph_http_write(ctx, res, body, size);
		return err;
	}
	return heph_http_send(ctx, res, body, size);
}

static inline int httpd_upgrade(heph_ctx ctx, struct heph_http_request *req,
			 struct heph_http_response *res)
{
	struct heph_stream stream;
	struct heph_str rest;
	struct iovec piece;
	char *data;
	int n = heph_http_upgrade(ctx, req, res,
				  req->method == HEPH_HTTP_CONNECT ? NULL :
								     "echo",
				  &stream, &rest);

	if (n < 0)
		return n;
	piece.iov_base = (char *)(uintptr_t)rest.data;
	piece.iov_len = rest.size;
	n = heph_stream_write(ctx, &stream, &piece, 1);
	while (n >= 0 && (n = heph_stream_read(ctx, &stream, &data)) > 0) {
		piece.iov_base = data;
		piece.iov_len = (size_t)n;
		n = heph_stream_write(ctx, &stream, &piece, 1);
	}
	return n;
}

/* Until the test lets it; never at once. */
static inline int httpd_wait(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res)
{
	int err;

	do
		err = heph_sleep(ctx, HEPH_MSEC);
	while (!httpd_go && err == 0);
	return err < 0 ? err : heph_http_text(ctx, res, 200, "waited");
}

static inline int httpd_answer(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res)
{
	struct heph_str path = req->path;

	httpd_runs++;
	if (heph_str_equal(path, "/echo"))
		return httpd_echo(ctx, req, res);
	if (heph_str_equal(path, "/stream"))
		return httpd_stream(ctx, req, res);
	if (heph_str_equal(path, "/show"))
		return httpd_show(ctx, req, res);
	if (heph_str_equal(path, "/status"))
		return httpd_status(ctx, req, res);
	if (heph_str_equal(path, "/chunks"))
		return httpd_chunks(ctx, req, res);
	if (heph_str_equal(path, "/known"))
		return httpd_known(ctx, req, res);
	if (heph_str_equal(path, "/large"))
		return httpd_large(ctx, req, res);
	if (heph_str_equal(path, "/wait"))
		return httpd_wait(ctx, req, res);
	if (heph_str_equal(path, "/upgrade") ||
	    req->method == HEPH_HTTP_CONNECT)
		return httpd_upgrade(ctx, req, res);
	if (heph_str_equal(path, "/fail"))
		return -atoi(req->query.data);
	if (heph_str_equal(path, "/nothing"))
		return 0;
	if (heph_str_equal(path, "/close"))
		heph_http_close_after(res);
	return heph_http_text(ctx, res, 200, "index");
}

/* ---- the server ------------------------------------------------------------------- */

struct httpd {
	struct heph_http_options options;
	heph_ctx ctx;
	task_ref task;
	_Atomic int port;
	int fds;
};

static inline int httpd_serve(heph_ctx ctx, void *arg)
{
	struct httpd *it = arg;
	heph_fd listener;

	must_be(heph_listen_shared(ctx, "127.0.0.1:0", &listener), 0);
	it->port = port_of(ctx, listener);
	return heph_http_raw_serve_on(ctx, listener, &it->options);
}

static inline void httpd_start_with(struct httpd *it, struct heph_http_options options)
{
	struct heph_config config = { .workers = 1,
				      .no_signals = true,
				      .grace = 20 * HEPH_SEC };

	setenv("HEPH_LOG", "off", 0);
	memset(it, 0, sizeof(*it));
	it->fds = count_fds();
	it->options = options;
	it->options.size = sizeof(it->options);
	if (!it->options.router && !it->options.handler)
		it->options.handler = httpd_answer;
	httpd_runs = 0;
	httpd_go = 0;
	must_be(heph_new(&it->ctx, &config), 0);
	it->task = start_task(it->ctx, httpd_serve, it);
	while (!it->port)
		sched_yield();
}

#define httpd_start(it, ...)                                                   \
	httpd_start_with((it), (struct heph_http_options){ __VA_ARGS__ })

static inline void httpd_stop(struct httpd *it)
{
	heph_stop(it->task);
	end_task(it->ctx, it->task);
	must_be(heph_drain(it->ctx), 0);
	must_be(heph_stats(it->ctx).failed, 0);
	heph_free(it->ctx);
	must_be(count_fds(), it->fds);
}

/* ---- the client ---------------------------------------------------------------------- */

static inline int dial(const struct httpd *it)
{
	struct timeval patience = { .tv_sec = 5 };
	int fd = raw_connect(it->port), on = 1;

	must(fd >= 0);
	must_be(fcntl(fd, F_SETFL, 0), 0);
	must_be(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience)),
		0);
	must_be(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on,
			   sizeof(on)),
		0);
	return fd;
}

static inline void say_bytes(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		must(n > 0);
		text += n;
		size -= (size_t)n;
	}
}

static inline void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* What has come; 0 at the end. Signals of the runtime may interrupt a thread. */
static inline ssize_t hear(int fd, char *buf, size_t size)
{
	ssize_t n;

	do {
		n = recv(fd, buf, size, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Takes out each "Date: Mon, 23 Nov 2026 00:00:00 GMT". */
static inline void cut_dates(char *text)
{
	char *at = text;

	while ((at = strstr(at, "Date: "))) {
		if (strlen(at) < 37)
			return; /* more is to come */
		must(memcmp(at + 31, " GMT\r\n", 6) == 0 ||
		     memcmp(at + 31, "GMT\r\n", 5) == 0);
		memmove(at, at + 37, strlen(at + 37) + 1);
	}
}

enum { HEARD = 1 << 18 };

/* Reads until that is what has come, and nothing else. */
static inline void expect_at(int fd, const char *text, int line)
{
	static char raw[HEARD], heard[HEARD];
	size_t have = 0;
	ssize_t n;

	for (;;) {
		n = hear(fd, raw + have, HEARD - 1 - have);
		have += n > 0 ? (size_t)n : 0;
		raw[have] = '\0';
		memcpy(heard, raw, have + 1);
		cut_dates(heard);
		if (strcmp(heard, text) == 0)
			return;
		if (n <= 0 || strlen(heard) > strlen(text) + 37) {
			fprintf(stderr,
				"line %d: n %zd, %m\n---- expected:\n%s\n---- heard:\n"
				"%s\n----\n",
				line, n, text, heard);
			must(!"as expected");
		}
	}
}
#define expect(fd, text) expect_at((fd), (text), __LINE__)

/* The peer has ended; without a reset. */
static inline void expect_end_at(int fd, int line)
{
	char byte;
	ssize_t n = hear(fd, &byte, 1);

	if (n != 0)
		fprintf(stderr, "line %d: %zd %d\n", line, n, errno);
	must_be(n, 0);
	close(fd);
}
#define expect_end(fd) expect_end_at((fd), __LINE__)

#define OK_TEXT(size_, text_)                                                  \
	"HTTP/1.1 200 OK\r\nContent-Length: " #size_                           \
	"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" text_
#define OK_BODY(size_, text_)                                                  \
	"HTTP/1.1 200 OK\r\nContent-Length: " #size_ "\r\n\r\n" text_
#define INDEX OK_TEXT(5, "index")
#define LAST_INDEX                                                             \
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n"        \
	"Content-Type: text/plain; charset=utf-8\r\n\r\nindex"
#define GET(path_) "GET " path_ " HTTP/1.1\r\nHost: a\r\n\r\n"

/* A request that is refused, by the server itself. */
#define REFUSAL(status_, size_, text_)                                         \
	"HTTP/1.1 " status_ "\r\nContent-Length: " #size_                      \
	"\r\nConnection: close\r\nCache-Control: no-store\r\n"                 \
	"Content-Type: text/plain; charset=utf-8\r\n\r\n" text_

/* The connection is still good, and nothing was left over. */
static inline void still_good(int fd)
{
	say(fd, GET("/"));
	expect(fd, INDEX);
}

#endif
