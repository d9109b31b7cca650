/* SPDX-License-Identifier: MIT */
/* Files as responses: conditions, ranges, files that change, slow readers. */
#include "httpd.h"

#include "dir.h"

#include <sys/resource.h>

enum { LARGE = 8 << 20 };

static struct heph_http_stats stats;
static struct heph_http_static *files;

/* ---- what it answers ---------------------------------------------------------------- */

/* Gives on what it gets, and cuts the file off after the first of it. */
static int pass_on(heph_ctx ctx, struct heph_http_filter *filter,
		   struct heph_http_response *res, const void *data, size_t size)
{
	int err = heph_http_filter_write(ctx, filter, res, data, size);

	must_be(truncate(dir_name("cut"), 1000), 0);
	return err;
}

static int see_head(struct heph_http_filter *filter,
		    struct heph_http_response *res, uint64_t *length)
{
	return 1;
}

static void cut_it(struct heph_http_request *req, struct heph_http_response *res)
{
	struct heph_http_filter *filter = heph_http_alloc(req, sizeof(*filter));

	must(filter);
	memset(filter, 0, sizeof(*filter));
	filter->head = see_head;
	filter->write = pass_on;
	heph_http_add_filter(res, filter);
}

/* "/file?name" with what the request's fields say about it. */
static int send_file(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	struct heph_str tag = heph_http_field(req, "My-Tag"),
			date = heph_http_field(req, "My-Date");
	char name[100];
	heph_fd fd;
	int err;

	snprintf(name, sizeof(name), "%.*s", HEPH_STR(req->query));
	err = heph_open(ctx, dir_name(name), O_RDONLY, 0, &fd);
	if (err < 0)
		return err;
	if (tag.data)
		heph_http_addf(res, "ETag", "%.*s", HEPH_STR(tag));
	if (date.data)
		heph_http_addf(res, "Last-Modified", "%.*s", HEPH_STR(date));
	if (heph_http_field(req, "My-Status").data)
		heph_http_status(res, 404);
	if (strcmp(name, "cut") == 0)
		cut_it(req, res);
	heph_http_add(res, "Content-Type", "text/x");
	err = heph_http_send_file(ctx, req, res, fd);
	heph_close(fd);
	return err;
}

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	if (heph_str_equal(req->path, "/file"))
		return send_file(ctx, req, res);
	return heph_http_static_send(ctx, files, req, res, req->path);
}

/* ---- a client ------------------------------------------------------------------------- */

static char got[LARGE + 4096];
static size_t got_size;

/* The value of a field of the last head; NULL: there is none. */
static const char *field(const char *name)
{
	static char value[200];
	const char *end = strstr(got, "\r\n\r\n"), *at = got;
	size_t n = strlen(name);

	while ((at = strstr(at, "\r\n")) && at < end) {
		at += 2;
		if (strncasecmp(at, name, n) == 0 && at[n] == ':') {
			snprintf(value, sizeof(value), "%.*s",
				 (int)strcspn(at + n + 2, "\r"), at + n + 2);
			return value;
		}
	}
	return NULL;
}

static const char *body(void)
{
	return strstr(got, "\r\n\r\n") + 4;
}

/* Waits for more; false: that was the end. */
static bool hear_some(int fd)
{
	ssize_t n = hear(fd, got + got_size, sizeof(got) - 1 - got_size);

	must(n >= 0 || errno == ECONNRESET);
	got_size += n > 0 ? (size_t)n : 0;
	got[got_size] = '\0';
	return n > 0;
}

/* The rest of a connection that ends; how many bytes of a body there were. */
static size_t hear_all(int fd)
{
	while (hear_some(fd))
		;
	close(fd);
	return got_size - (size_t)(body() - got);
}

static int begin_request(const struct httpd *it, const char *method,
			 const char *target, const char *fields)
{
	int fd = dial(it);
	char text[1000];

	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n",
		 method, target, fields);
	say(fd, text);
	got_size = 0;
	got[0] = '\0';
	return fd;
}

static int ask(const struct httpd *it, const char *method, const char *target,
	       const char *fields)
{
	hear_all(begin_request(it, method, target, fields));
	return atoi(got + 9);
}

static void begin_files(struct httpd *it, heph_time write_time)
{
	dir_clear();
	must_be(heph_http_static_new(&files, .dir = dir_path), 0);
	memset(&stats, 0, sizeof(stats));
	httpd_start(it, .handler = answer, .stats = &stats,
		    .write_time = write_time);
}

static void end_files(struct httpd *it)
{
	httpd_stop(it);
	heph_http_static_free(files);
}

static void make_large(const char *name, size_t size)
{
	int fd = open(dir_name(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	static char block[1 << 16];

	must(fd >= 0);
	for (size_t at = 0; at < size; at += sizeof(block)) {
		for (size_t i = 0; i < sizeof(block); i += 8)
			snprintf(block + i, 8, "%07x", (unsigned)(at + i));
		must_be(write(fd, block, size - at < sizeof(block) ?
						 size - at :
						 sizeof(block)) > 0,
			1);
	}
	close(fd);
}

/* ---- conditions ------------------------------------------------------------------------- */

#define OLD "Sun, 02 Feb 2020 04:05:06 GMT"
#define NOW "Mon, 03 Feb 2020 04:05:06 GMT"
#define NEW "Tue, 04 Feb 2020 04:05:06 GMT"
#define RANGE "Range: bytes=2-4\r\n"

/* In the order of RFC 9110, section 13.2.2. */
static void keeps_to_conditions(void **state)
{
	static const struct {
		const char *method, *fields;
		int status;
	} cases[] = {
		{ "GET", "", 200 },
		{ "GET", "If-Match: \"v\"\r\n", 200 },
		{ "GET", "If-Match: \"w\"\r\n", 412 },
		{ "GET", "If-Match: \"w\", \"v\"\r\n", 200 },
		{ "GET", "If-Match: *\r\n", 200 },
		{ "GET", "If-Match: W/\"v\"\r\n", 412 },
		{ "GET", "If-Match: \"v\"\r\nIf-Unmodified-Since: " OLD "\r\n",
		  200 },
		{ "GET", "If-Match: \"w\"\r\nIf-Unmodified-Since: " NEW "\r\n",
		  412 },
		{ "GET", "If-Unmodified-Since: " OLD "\r\n", 412 },
		{ "GET", "If-Unmodified-Since: " NOW "\r\n", 200 },
		{ "GET", "If-None-Match: \"v\"\r\n", 304 },
		{ "GET", "If-None-Match: W/\"v\"\r\n", 304 },
		{ "HEAD", "If-None-Match: \"v\"\r\n", 304 },
		{ "GET", "If-None-Match: *\r\n", 304 },
		{ "GET", "If-None-Match: \"w\"\r\n", 200 },
		{ "GET", "If-None-Match: \"w\"\r\nIf-None-Match: \"v\"\r\n",
		  304 },
		{ "GET",
		  "If-None-Match: \"w\"\r\nIf-Modified-Since: " NEW "\r\n",
		  200 },
		{ "GET",
		  "If-None-Match: \"v\"\r\nIf-Modified-Since: " OLD "\r\n",
		  304 },
		{ "GET", "If-Modified-Since: " OLD "\r\n", 200 },
		{ "GET", "If-Modified-Since: " NOW "\r\n", 304 },
		{ "GET", "If-Modified-Since: " NEW "\r\n", 304 },
		{ "GET", "If-Modified-Since: yesterday\r\n", 200 },
		{ "GET", "If-Match: \"w\"\r\nIf-None-Match: \"v\"\r\n", 412 },
		{ "GET", "If-Match: \"v\"\r\nIf-None-Match: \"v\"\r\n", 304 },
		{ "GET", "If-None-Match: \"v\"\r\n" RANGE, 304 },
		{ "GET", "If-Match: \"w\"\r\n" RANGE, 412 },
		{ "GET", RANGE, 206 },
		{ "GET", RANGE "If-Range: \"v\"\r\n", 206 },
		{ "GET", RANGE "If-Range: \"w\"\r\n", 200 },
		{ "GET", RANGE "If-Range: W/\"v\"\r\n", 200 },
		{ "GET", RANGE "If-Range: " NOW "\r\n", 206 },
		{ "GET", RANGE "If-Range: " NEW "\r\n", 200 },
		{ "GET", "If-Range: \"w\"\r\n", 200 },
		{ "GET", "Range: bytes=10-\r\n", 416 },
		{ "GET", "Range: bytes=10-\r\nIf-Range: \"w\"\r\n", 200 },
		{ "GET", RANGE RANGE, 200 },
		{ "HEAD", RANGE, 200 },
		{ "POST", RANGE "If-None-Match: *\r\nContent-Length: 0\r\n",
		  200 },
	};
	struct httpd it;
	char fields[500];
	int status;

	begin_files(&it, 0);
	dir_file("ten", "0123456789");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(fields, sizeof(fields),
			 "My-Tag: \"v\"\r\nMy-Date: " NOW "\r\n%s",
			 cases[i].fields);
		status = ask(&it, cases[i].method, "/file?ten", fields);
		if (status != cases[i].status)
			fprintf(stderr, "%s %s", cases[i].method,
				cases[i].fields);
		must_be(status, cases[i].status);
		if (status == 200 && cases[i].method[0] != 'H')
			must(strcmp(body(), "0123456789") == 0);
		if (status == 206)
			must(strcmp(body(), "234") == 0);
		if (status == 304) {
			must(*body() == '\0' && !field("Content-Type"));
			must(strcmp(field("ETag"), "\"v\"") == 0);
		}
		if (status == 416)
			must(strcmp(field("Content-Range"), "bytes */10") == 0);
		if (status >= 400)
			must(!field("ETag") && !field("Last-Modified"));
	}
	end_files(&it);
}

static void says_which_state_it_is(void **state)
{
	struct timespec old[2] = { { .tv_sec = 1580702706, .tv_nsec = 1 },
				   { .tv_sec = 1580702706, .tv_nsec = 1 } };
	struct timespec future[2] = { { .tv_sec = 4000000000 },
				      { .tv_sec = 4000000000 } };
	struct httpd it;
	char tag[200];

	begin_files(&it, 0);
	dir_file("a", "text");
	must_be(ask(&it, "GET", "/file?a", ""), 200);
	must(strncmp(field("ETag"), "W/\"", 3) == 0); /* it is new */
	must_be(utimensat(dir_number, "a", old, 0), 0);
	must_be(ask(&it, "GET", "/file?a", ""), 200);
	must(field("ETag")[0] == '"');
	strcpy(tag, field("ETag"));
	must(strcmp(field("Last-Modified"), NOW) == 0);
	must(strcmp(field("Accept-Ranges"), "bytes") == 0);
	old[1].tv_nsec++; /* it was written again, as long as before */
	must_be(utimensat(dir_number, "a", old, 0), 0);
	must_be(ask(&it, "GET", "/file?a", ""), 200);
	must(strcmp(field("ETag"), tag) != 0);
	must_be(utimensat(dir_number, "a", future, 0), 0);
	must_be(ask(&it, "GET", "/file?a", ""), 200);
	must(!strstr(field("Last-Modified"), "2096"));
	must_be(ask(&it, "GET", "/file?a", "My-Status: 404\r\n"), 404);
	must(!field("ETag") && strcmp(body(), "text") == 0);
	end_files(&it);
}

/* ---- ranges of large files ------------------------------------------------------------------ */

static void must_be_bytes(const char *data, size_t from, size_t size)
{
	static char all[LARGE];
	static bool read_it;

	if (!read_it) {
		int fd = open(dir_name("large"), O_RDONLY);

		must_be(read(fd, all, LARGE), LARGE);
		close(fd);
		read_it = true;
	}
	must(memcmp(data, all + from, size) == 0);
}

static void sends_parts_of_large_files(void **state)
{
	struct httpd it;
	const char *at;
	off_t size = (off_t)6 << 30;
	char text[200];

	begin_files(&it, 0);
	make_large("large", LARGE);
	must_be(ask(&it, "GET", "/file?large", ""), 200);
	must_be_bytes(body(), 0, LARGE);
	must_be(ask(&it, "GET", "/file?large", "Range: bytes=1000001-7000000\r\n"),
		206);
	must_be(got_size - (size_t)(body() - got), 6000000);
	must_be_bytes(body(), 1000001, 6000000);
	must_be(ask(&it, "GET", "/file?large",
		    "Range: bytes=5-204,300000-1299999,-1000\r\n"),
		206);
	must_be(atol(field("Content-Length")), got_size - (size_t)(body() - got));
	at = strstr(body(), "\r\n\r\n") + 4;
	must_be_bytes(at, 5, 200);
	at = strstr(at + 200, "\r\n\r\n") + 4;
	must_be_bytes(at, 300000, 1000000);
	at = strstr(at + 1000000, "\r\n\r\n") + 4;
	must_be_bytes(at, LARGE - 1000, 1000);
	must(strncmp(at + 1000, "\r\n--heph", 8) == 0);
	/* With holes, so that it takes no room. */
	dir_file("huge", "");
	must_be(truncate(dir_name("huge"), size), 0);
	must_be(ask(&it, "HEAD", "/file?huge", ""), 200);
	must(strcmp(field("Content-Length"), "6442450944") == 0);
	must_be(ask(&it, "GET", "/file?huge",
		    "Range: bytes=5000000000-5002000000\r\n"),
		206);
	snprintf(text, sizeof(text), "bytes 5000000000-5002000000/%lld",
		 (long long)size);
	must(strcmp(field("Content-Range"), text) == 0);
	must_be(got_size - (size_t)(body() - got), 2000001);
	end_files(&it);
}

/* ---- what goes wrong --------------------------------------------------------------------------- */

static void notices_that_it_shrinks(void **state)
{
	struct httpd it;
	int fd;

	begin_files(&it, 0);
	/* Too much for the buffers of the socket: it is still on its way. */
	dir_file("large", "");
	must_be(truncate(dir_name("large"), 64 << 20), 0);
	fd = begin_request(&it, "GET", "/file?large", "");
	must(hear_some(fd));
	must_be(truncate(dir_name("large"), 10), 0);
	while (hear_some(fd))
		got_size = 100;
	close(fd);
	/* And through memory. */
	make_large("cut", 500000);
	must_be(ask(&it, "GET", "/file?cut", ""), 200);
	must(strcmp(field("Content-Length"), "500000") == 0);
	must(got_size - (size_t)(body() - got) < 500000);
	must_be(heph_http_stats(&stats).requests, 2);
	end_files(&it);
}

static void gives_up_who_reads_too_slowly(void **state)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct httpd it;
	int fd;

	begin_files(&it, 100 * HEPH_MSEC);
	dir_file("large", "");
	must_be(truncate(dir_name("large"), 64 << 20), 0);
	fd = begin_request(&it, "GET", "/file?large", "");
	while (heph_http_stats(&stats).late_writers == 0 && heph_now() < until)
		usleep(1000);
	must_be(heph_http_stats(&stats).late_writers, 1);
	while (hear_some(fd))
		got_size = 100;
	close(fd);
	end_files(&it);
}

static void without_a_descriptor(const struct httpd *it)
{
	struct rlimit limit, none;
	int fd;

	if (on_valgrind()) /* which has a limit of its own */
		return;
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fd = begin_request(it, "GET", "/none", "Connection: keep-alive\r\n");
	close(fd);
	fd = dial(it);
	say(fd, GET("/none"));
	got_size = 0;
	while (hear_some(fd) && !strstr(got, "404 Not Found\n"))
		;
	none = limit;
	none.rlim_cur = 3;
	must_be(setrlimit(RLIMIT_NOFILE, &none), 0);
	got_size = 0;
	say(fd, GET("/dir/"));
	while (hear_some(fd) && !strstr(got, "503 Service Unavailable\n"))
		;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	must_be(atoi(got + 9), 503);
	close(fd);
}

static void says_what_is_wrong(void **state)
{
	struct httpd it;

	begin_files(&it, 0);
	dir_file("a", "text");
	must_be(mkdirat(dir_number, "dir", 0755), 0);
	must_be(ask(&it, "GET", "/a", ""), 200);
	must_be(ask(&it, "GET", "/none", ""), 404);
	must_be(ask(&it, "GET", "/dir", ""), 308);
	must_be(ask(&it, "GET", "/dir/", ""), 404);
	must_be(ask(&it, "PUT", "/a", "Content-Length: 0\r\n"), 405);
	must(strcmp(field("Allow"), "GET, HEAD") == 0);
	must_be(ask(&it, "GET", "/file?dir", ""), 500);
	if (geteuid() != 0) {
		must_be(fchmodat(dir_number, "a", 0, 0), 0);
		must_be(ask(&it, "GET", "/a", ""), 403);
	}
	without_a_descriptor(&it);
	end_files(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_to_conditions),
		cmocka_unit_test(says_which_state_it_is),
		cmocka_unit_test(sends_parts_of_large_files),
		cmocka_unit_test(notices_that_it_shrinks),
		cmocka_unit_test(gives_up_who_reads_too_slowly),
		cmocka_unit_test(says_what_is_wrong),
	};

	return cmocka_run_group_tests_name("http_files", tests, dir_begin,
					   dir_end);
}
