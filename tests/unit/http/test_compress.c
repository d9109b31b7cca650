/* SPDX-License-Identifier: MIT */
/* Which responses are compressed; that what is flushed arrives; and files and
 * compression without memory. */
#include "../../api/httpd.h"

#include "../../api/dir.h"
#include "http/decode.h"
#include "http/mem.h"

enum { SIZE = 100000 };

static _Atomic int seen; /* events that the client has read */

/* ---- what it answers ---------------------------------------------------------------- */

static const char *field_of(const struct heph_http_request *req, const char *name)
{
	struct heph_str value = heph_http_field(req, name);
	char *text;

	if (!value.data)
		return NULL;
	text = heph_http_alloc((struct heph_http_request *)(uintptr_t)req,
			       value.size + 1);
	if (!text)
		return "";
	memcpy(text, value.data, value.size);
	text[value.size] = '\0';
	return text;
}

/* Events, each of which waits until the client has read the last one. */
static int stream_events(heph_ctx ctx, struct heph_http_request *req,
			 struct heph_http_response *res)
{
	char line[50];
	int err;

	heph_http_add(res, "Content-Type", "text/event-stream");
	err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
	for (int i = 1; i <= 5 && err == 0; i++) {
		snprintf(line, sizeof(line), "data: event %d\n\n", i);
		err = heph_http_write(ctx, res, line, strlen(line));
		if (err == 0)
			err = heph_http_flush(ctx, res);
		while (seen < i && err == 0)
			err = heph_sleep(ctx, HEPH_MSEC);
	}
	return err < 0 ? err : heph_http_end(ctx, res);
}

/* So many "x" as the query says, with fields that the request has with "My-". */
static int send_some(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	static const char *const names[] = { "Content-Type", "Cache-Control",
					     "Content-Encoding", "ETag", "Vary" };
	size_t size = (size_t)atoi(req->query.data);
	char name[50], *data = heph_http_alloc(req, size + 1);

	if (!data)
		return -ENOMEM;
	memset(data, 'x', size);
	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "My-%s", names[i]);
		if (field_of(req, name))
			heph_http_add(res, names[i], field_of(req, name));
	}
	if (field_of(req, "My-Status"))
		heph_http_status(res, (unsigned)atoi(field_of(req, "My-Status")));
	return heph_http_send(ctx, res, data, size);
}

static int send_file(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	heph_fd fd;
	int err = heph_open(ctx, dir_name("file.txt"), O_RDONLY, 0, &fd);

	if (err < 0)
		return err;
	heph_http_add(res, "Content-Type", "text/plain");
	err = heph_http_send_file(ctx, req, res, fd);
	heph_close(fd);
	return err;
}

/* 5,000 bytes, though as many were said to come as the query says. */
static int send_half(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	uint64_t size = (uint64_t)atoi(req->query.data);
	char *data = heph_http_alloc(req, 5000);
	int err;

	must(data);
	memset(data, 'x', 5000);
	heph_http_add(res, "Content-Type", "text/plain");
	err = heph_http_begin(ctx, res, size);
	must_be(err, 0);
	err = heph_http_write(ctx, res, data, 5000);
	must_be(err, size < 5000 ? -EMSGSIZE : 0);
	err = heph_http_end(ctx, res);
	must_be(err, size < 5000 ? -EPIPE : size > 5000 ? -ENODATA : 0);
	return 0;
}

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	static const struct heph_http_compress own = {
		.size = sizeof(own),
		.min_size = 10,
		.types = "text/plain image/x-*",
		.no_zstd = true
	};

	heph_http_compress(req, res, field_of(req, "My-Options") ? &own : NULL);
	if (heph_str_equal(req->path, "/half"))
		return send_half(ctx, req, res);
	if (heph_str_equal(req->path, "/events"))
		return stream_events(ctx, req, res);
	if (heph_str_equal(req->path, "/file"))
		return send_file(ctx, req, res);
	return send_some(ctx, req, res);
}

/* ---- a client ------------------------------------------------------------------------- */

static char got[2 * SIZE];
static size_t got_size;

/* The value of a field of the last head; "": there is none. */
static const char *field(const char *name)
{
	static char value[200];
	const char *end = strstr(got, "\r\n\r\n"), *at = got;
	size_t n = strlen(name);

	while (end && (at = strstr(at, "\r\n")) && at < end) {
		at += 2;
		if (strncasecmp(at, name, n) == 0 && at[n] == ':') {
			snprintf(value, sizeof(value), "%.*s",
				 (int)strcspn(at + n + 2, "\r"), at + n + 2);
			return value;
		}
	}
	return "";
}

static int ask(const struct httpd *it, const char *target, const char *fields)
{
	char text[1000];
	size_t size = 0;
	ssize_t n;
	int fd = dial(it);

	snprintf(text, sizeof(text),
		 "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n",
		 target, fields);
	say(fd, text);
	while ((n = hear(fd, got + size, sizeof(got) - 1 - size)) > 0)
		size += (size_t)n;
	must(n == 0 || errno == ECONNRESET);
	got[size] = '\0';
	got_size = size;
	close(fd);
	return size > 12 ? atoi(got + 9) : 0;
}

#define ALL "Accept-Encoding: gzip, br, zstd\r\n"
#define TEXT "My-Content-Type: text/plain\r\n"

static void decides_what_to_compress(void **state)
{
	static const struct {
		const char *target, *fields, *coding, *vary;
	} cases[] = {
		{ "/?2000", TEXT ALL, "zstd", "Accept-Encoding" },
		{ "/?2000", TEXT "Accept-Encoding: gzip\r\n", "gzip",
		  "Accept-Encoding" },
		{ "/?2000", TEXT "Accept-Encoding: br;q=1, zstd;q=0.9\r\n", "br",
		  "Accept-Encoding" },
		{ "/?2000", TEXT, "", "Accept-Encoding" },
		{ "/?2000", TEXT "Accept-Encoding: *;q=0\r\n", "",
		  "Accept-Encoding" },
		{ "/?1024", TEXT ALL, "zstd", "Accept-Encoding" },
		{ "/?1023", TEXT ALL, "", "" },
		{ "/?2000", ALL, "", "" },
		{ "/?2000", "My-Content-Type: image/png\r\n" ALL, "", "" },
		{ "/?2000",
		  "My-Content-Type: APPLICATION/json; charset=x\r\n" ALL,
		  "zstd", "Accept-Encoding" },
		{ "/?2000", "My-Content-Type: application/a+xml\r\n" ALL, "zstd",
		  "Accept-Encoding" },
		{ "/?2000", "My-Content-Encoding: br\r\n" TEXT ALL, "br", "" },
		{ "/?2000", "My-Cache-Control: private, No-Transform\r\n" TEXT ALL,
		  "", "" },
		{ "/?2000", "My-Status: 206\r\n" TEXT ALL, "", "" },
		{ "/?2000", "My-Status: 404\r\n" TEXT ALL, "zstd",
		  "Accept-Encoding" },
		{ "/?2000", "My-Vary: *\r\n" TEXT ALL, "zstd", "*" },
		{ "/?2000", "My-Vary: accept-encoding\r\n" TEXT ALL, "zstd",
		  "accept-encoding" },
		{ "/?20", "My-Options: own\r\n" TEXT ALL, "br",
		  "Accept-Encoding" },
		{ "/?20",
		  "My-Options: own\r\nMy-Content-Type: image/x-icon\r\n" ALL,
		  "br", "Accept-Encoding" },
		{ "/?20", "My-Options: own\r\nMy-Content-Type: text/html\r\n" ALL,
		  "", "" },
	};
	struct httpd it;

	httpd_start(&it, .handler = answer);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		must(ask(&it, cases[i].target, cases[i].fields) >= 200);
		if (strcmp(field("Content-Encoding"), cases[i].coding) != 0 ||
		    strcmp(field("Vary"), cases[i].vary) != 0)
			fprintf(stderr, "%s %s%s\n", cases[i].target,
				cases[i].fields, got);
		must(strcmp(field("Content-Encoding"), cases[i].coding) == 0);
		must(strcmp(field("Vary"), cases[i].vary) == 0);
	}
	ask(&it, "/?2000", "My-ETag: \"a\"\r\n" TEXT ALL);
	must(strcmp(field("ETag"), "W/\"a\"") == 0);
	ask(&it, "/?2000", "My-ETag: W/\"a\"\r\n" TEXT ALL);
	must(strcmp(field("ETag"), "W/\"a\"") == 0);
	ask(&it, "/?2000", "My-ETag: \"a\"\r\n" TEXT);
	must(strcmp(field("ETag"), "\"a\"") == 0);
	httpd_stop(&it);
	must_be(heph_http_mem_used(), 0);
}

/* ---- events --------------------------------------------------------------------------- */

/* Of a chunked body, what lies in the chunks that are there. */
static size_t unchunk(char *data, size_t size)
{
	struct heph_http_chunks chunks = { 0 };
	size_t used, n, at = 0, to = 0;

	while (at < size && heph_http_parse_chunks(&chunks, data + at, size - at,
						   &used, &n) == 1) {
		memmove(data + to, data + at + used - n, n);
		to += n;
		at += used;
	}
	return to;
}

static size_t decode(const char *coding, const char *data, size_t size,
		     char *text, size_t room)
{
	struct heph_http_decoder *it;
	struct heph_str in = heph_str_of(data, size);
	size_t total = 0;
	int n;

	must_be(heph_http_decoder_new(heph_str(coding), room, &it), 0);
	while ((n = heph_http_decode(it, &in, text + total, room - total)) > 0)
		total += (size_t)n;
	must_be(n, 0);
	heph_http_decoder_free(it);
	return total;
}

/* Not whole, and seen to be: the last chunk is missing. */
static void a_wrong_length_is_seen(void **state)
{
	static const int sizes[] = { 5000, 4999, 5001 };
	struct httpd it;
	char target[50];

	httpd_start(&it, .handler = answer);
	for (int i = 0; i < 3; i++) {
		snprintf(target, sizeof(target), "/half?%d", sizes[i]);
		must_be(ask(&it, target, "Accept-Encoding: gzip\r\n"), 200);
		must(strcmp(field("Content-Encoding"), "gzip") == 0);
		must_be(got_size >= 5 &&
				memcmp(got + got_size - 5, "0\r\n\r\n", 5) == 0,
			i == 0);
	}
	httpd_stop(&it);
}

/* It has the fields of the response that it stands for. */
static void what_has_not_changed(void **state)
{
	struct httpd it;

	httpd_start(&it, .handler = answer);
	must_be(ask(&it, "/?0", "My-Status: 304\r\nMy-ETag: \"v\"\r\n" ALL), 304);
	must(strcmp(field("Vary"), "Accept-Encoding") == 0);
	must(strcmp(field("ETag"), "W/\"v\"") == 0);
	must(strcmp(field("Content-Encoding"), "") == 0);
	must_be(ask(&it, "/?0", "My-Status: 304\r\nMy-ETag: \"v\"\r\n"), 304);
	must(strcmp(field("Vary"), "Accept-Encoding") == 0);
	must(strcmp(field("ETag"), "\"v\"") == 0);
	must_be(ask(&it, "/?0", "My-Status: 304\r\nMy-ETag: \"v\"\r\n"
				"My-Content-Type: image/png\r\n" ALL), 304);
	must(strcmp(field("Vary"), "") == 0);
	must(strcmp(field("ETag"), "\"v\"") == 0);
	httpd_stop(&it);
}

/* ---- a stop ---------------------------------------------------------------------------- */

enum { HUGE_SIZE = 48 << 20 };

static _Atomic int huge_fd;

/* Stopped before it sends what takes more than a thousand turns. */
static int send_huge(heph_ctx ctx, void *arg)
{
	struct heph_http_response *res;
	struct heph_http_request *req;
	struct heph_http_conn *conn;
	char *huge = calloc(1, HUGE_SIZE);
	int other;
	heph_fd fd = pair(ctx, &other);

	must(huge);
	must_be(heph_http_conn_new(ctx, fd, NULL, &conn), 0);
	say(other, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: zstd\r\n\r\n");
	must_be(heph_http_next(ctx, conn, &req, &res), 1);
	huge_fd = other;
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	must_be(heph_http_compress(req, res, NULL), 0);
	heph_http_add(res, "Content-Type", "text/plain");
	must_be(heph_http_send(ctx, res, huge, HUGE_SIZE), 0);
	heph_http_conn_free(ctx, conn);
	free(huge);
	return 0;
}

static void a_stop_does_not_cut_it(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	task_ref ref;
	heph_ctx ctx;
	size_t size = 0;
	ssize_t n;

	huge_fd = 0;
	must_be(heph_new(&ctx, &config), 0);
	ref = start_task(ctx, send_huge, NULL);
	while (!huge_fd)
		sched_yield();
	must_be(fcntl(huge_fd, F_SETFL, 0), 0);
	heph_stop(ref);
	while ((n = hear(huge_fd, got, sizeof(got))) > 0)
		size += (size_t)n;
	must_be(n, 0);
	must(size > 1000);
	close(huge_fd);
	end_task(ctx, ref);
	must_be(heph_stats(ctx).failed, 0);
	must_be(heph_drain(ctx), 0);
	heph_free(ctx);
}

/* Event `i` can be read before the handler goes on. */
static void must_get_event(int fd, const char *coding, size_t *size, int i)
{
	char text[1000], wanted[50], *body;
	static char copy[sizeof(got)];
	size_t n;
	ssize_t some;

	snprintf(wanted, sizeof(wanted), "data: event %d\n\n", i);
	for (;;) {
		some = hear(fd, got + *size, sizeof(got) - 1 - *size);
		must(some > 0);
		*size += (size_t)some;
		got[*size] = '\0';
		memcpy(copy, got, *size + 1);
		body = strstr(copy, "\r\n\r\n");
		if (!body)
			continue;
		n = unchunk(body + 4, *size - (size_t)(body + 4 - copy));
		n = decode(coding, body + 4, n, text, sizeof(text) - 1);
		text[n] = '\0';
		if (strstr(text, wanted))
			return;
	}
}

static void streams_events(void **state)
{
	static const char *const codings[] = { "gzip", "br", "zstd" };
	struct httpd it;
	char text[200];

	httpd_start(&it, .handler = answer);
	for (size_t i = 0; i < 3; i++) {
		int fd = dial(&it);
		size_t size = 0;

		seen = 0;
		snprintf(text, sizeof(text),
			 "GET /events HTTP/1.1\r\nHost: a\r\n"
			 "Accept-Encoding: %s\r\n\r\n",
			 codings[i]);
		say(fd, text);
		for (int event = 1; event <= 5; event++) {
			must_get_event(fd, codings[i], &size, event);
			seen = event;
		}
		must(strcmp(field("Content-Encoding"), codings[i]) == 0);
		close(fd);
	}
	httpd_stop(&it);
	must_be(heph_http_mem_used(), 0);
}

/* ---- without memory --------------------------------------------------------------------- */

/* Each allocation fails once: there is an answer, or the connection ends, and the
 * server goes on. */
static void survives(const char *target, const char *fields, int wanted)
{
	struct httpd it;
	int status, fine = 0;

	httpd_start(&it, .handler = answer);
	must_be(ask(&it, target, fields), wanted);
	for (long n = 1; n < 200 && fine < 3; n++) {
		heph_http_mem_fail_after(n);
		status = ask(&it, target, fields);
		heph_http_mem_fail_after(-1);
		must(status == 0 || status == wanted || status >= 500);
		fine = status == wanted ? fine + 1 : 0;
		must_be(ask(&it, target, fields), wanted);
	}
	must(fine == 3);
	httpd_stop(&it);
	must_be(heph_http_mem_used(), 0);
}

static void survives_without_memory(void **state)
{
	char text[3000];

	dir_clear();
	memset(text, 'y', sizeof(text));
	text[2999] = '\0';
	dir_file("file.txt", text);
	survives("/?50000", TEXT "Accept-Encoding: gzip\r\n", 200);
	survives("/?50000", TEXT "Accept-Encoding: br\r\n", 200);
	survives("/?50000", TEXT "Accept-Encoding: zstd\r\n", 200);
	survives("/file", "", 200);
	survives("/file", ALL, 200);
	survives("/file", "Range: bytes=1-2,5-6\r\n", 206);
	survives("/file", "If-None-Match: *\r\n", 304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_what_to_compress),
		cmocka_unit_test(streams_events),
		cmocka_unit_test(survives_without_memory),
		cmocka_unit_test(a_wrong_length_is_seen),
		cmocka_unit_test(what_has_not_changed),
		cmocka_unit_test(a_stop_does_not_cut_it),
	};

	return cmocka_run_group_tests_name("compress", tests, dir_begin,
					   dir_end);
}
