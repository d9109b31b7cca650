/* SPDX-License-Identifier: MIT */
/*
 * Which answer a request for a file gets: all of it, parts, or none.
 *
 * In the order of RFC 9110, section 13.2.2: the conditions, then Range, which only
 * counts if If-Range says so. Only a response that would be 200 is looked at in
 * this way, and only GET and HEAD have conditions here; only GET has ranges.
 *
 * The entity tag is made of the inode, the size and the time of the last change in
 * nanoseconds. Within the grain of that time a file may change twice: so it is a
 * weak one for the first two seconds.
 */
#include <heph/http/condition.h>
#include <heph/http/date.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "http/file.h"
#include "http/response.h"

enum {
	RANGES = 16, /* at most; more of them get the whole file */
	FRESH = 2,   /* seconds */
	TAG = 64,    /* bytes of an entity tag */
};

struct answer {
	struct heph_http_file file;
	struct heph_http_etag etag;
	struct heph_http_state state;
	struct heph_http_range ranges[RANGES];
};

int heph_http_file_of(heph_fd fd, const struct heph_stat *stat,
		      struct heph_http_file *ret_file)
{
	*ret_file = (struct heph_http_file){ .fd = fd,
					     .size = stat->size,
					     .inode = stat->inode,
					     .modified = stat->modified };
	return S_ISREG(stat->mode) ? 0 :
	       S_ISDIR(stat->mode) ? -EISDIR :
				     -EINVAL;
}

/* ---- what says which state of it this is ---------------------------------------------- */

static int64_t seconds_of(int64_t nanoseconds)
{
	int64_t seconds = nanoseconds / HEPH_SEC;

	return nanoseconds % HEPH_SEC < 0 ? seconds - 1 : seconds;
}

static void add_tag(struct heph_http_response *res,
		    const struct heph_http_file *file, int64_t now)
{
	bool weak = seconds_of(file->modified) > now - FRESH;
	char tag[TAG];

	snprintf(tag, TAG, "%s\"%llx-%llx-%llx\"", weak ? "W/" : "",
		 (unsigned long long)file->inode, (unsigned long long)file->size,
		 (unsigned long long)file->modified);
	heph_http_add(res, "ETag", tag);
}

/* Not later than now, as section 8.8.2.1 wants it. */
static void add_date(struct heph_http_response *res,
		     const struct heph_http_file *file, int64_t now)
{
	int64_t modified = seconds_of(file->modified);
	char date[HEPH_HTTP_DATE_SIZE];

	heph_http_date_write(modified < now ? modified : now, date);
	heph_http_add(res, "Last-Modified", date);
}

/* Those of the handler go first. */
static void say_state(struct heph_http_response *res, struct answer *it)
{
	int64_t now = (int64_t)time(NULL);

	if (!heph_http_added(res, "ETag").data)
		add_tag(res, &it->file, now);
	if (!heph_http_added(res, "Last-Modified").data)
		add_date(res, &it->file, now);
	if (!heph_http_added(res, "Accept-Ranges").data)
		heph_http_add(res, "Accept-Ranges", "bytes");
}

/* What a client may compare with is what it is told. The tag lies in the head of
 * the response, which does not change meanwhile. */
static void read_state(const struct heph_http_response *res, struct answer *it)
{
	struct heph_str date = heph_http_added(res, "Last-Modified");

	it->state.etag = NULL;
	it->state.missing = false;
	if (heph_http_etag_read(heph_http_added(res, "ETag"), &it->etag) == 0)
		it->state.etag = &it->etag;
	if (heph_http_date_read(date, &it->state.modified) < 0)
		it->state.modified = HEPH_HTTP_NO_DATE;
}

/* ---- the answers -------------------------------------------------------------------------- */

static int send_range(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res,
		      const struct heph_http_file *file,
		      const struct heph_http_range *range)
{
	struct heph_http_mover mover = { .pipe = { { 0, 0 } } };
	int err = heph_http_begin(ctx, res, range->size);

	if (err == 0)
		err = heph_http_mover_move(ctx, req, res, &mover, file->fd,
					   range);
	heph_http_mover_end(&mover);
	return err < 0 ? err : heph_http_end(ctx, res);
}

static int send_whole(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res, struct answer *it)
{
	const struct heph_http_range all = { 0, it->file.size };

	return send_range(ctx, req, res, &it->file, &all);
}

/* What was said of the file is not true of a text that says what is wrong. */
static int send_error(heph_ctx ctx, struct heph_http_response *res,
		      unsigned status)
{
	static const char *const said[] = { "Cache-Control", "Content-Encoding",
					    "Content-Type",  "ETag",
					    "Expires",	     "Last-Modified" };

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		heph_http_remove(res, said[i]);
	return heph_http_error(ctx, res, status);
}

static int send_nothing(heph_ctx ctx, struct heph_http_response *res,
			unsigned status)
{
	if (status != 304)
		return send_error(ctx, res, status);
	heph_http_remove(res, "Content-Type");
	heph_http_status(res, status);
	return heph_http_send(ctx, res, NULL, 0);
}

static void add_range(struct heph_http_response *res, uint64_t length,
		      const struct heph_http_range *range)
{
	const struct heph_http_content_range content = { *range, length };
	char text[HEPH_HTTP_CONTENT_RANGE_SIZE];

	heph_http_content_range_write(&content, text);
	heph_http_set(res, "Content-Range", text);
}

static int send_ranges(heph_ctx ctx, struct heph_http_request *req,
		       struct heph_http_response *res, struct answer *it, int n)
{
	const struct heph_http_range none = { 0, 0 };

	if (n == -ERANGE) {
		add_range(res, it->file.size, &none);
		return send_error(ctx, res, 416);
	}
	heph_http_status(res, 206);
	if (n > 1)
		return heph_http_file_parts(ctx, req, res, &it->file, it->ranges,
					    (unsigned)n);
	add_range(res, it->file.size, &it->ranges[0]);
	return send_range(ctx, req, res, &it->file, &it->ranges[0]);
}

/* ---- which one ---------------------------------------------------------------------------- */

/* How many ranges are to be sent; 0: all of it; -ERANGE: none can be. */
static int read_ranges(const struct heph_http_request *req, struct answer *it)
{
	struct heph_str range = heph_http_field(req, "Range");
	unsigned at = 0;
	int n;

	if (req->method != HEPH_HTTP_GET || !range.data ||
	    !heph_http_if_range(&req->fields, &it->state))
		return 0;
	heph_http_next_field(req, "Range", &at);
	if (heph_http_next_field(req, "Range", &at).data)
		return 0;
	n = heph_http_range_read(range, it->file.size, it->ranges, RANGES);
	return n > 0 || n == -ERANGE ? n : 0;
}

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res, struct answer *it)
{
	unsigned status;
	int n;

	say_state(res, it);
	read_state(res, it);
	status = heph_http_condition(&req->fields, req->method, &it->state);
	if (status != 0)
		return send_nothing(ctx, res, status);
	n = read_ranges(req, it);
	return n == 0 ? send_whole(ctx, req, res, it) :
			send_ranges(ctx, req, res, it, n);
}

int heph_http_file_send(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res,
			const struct heph_http_file *file)
{
	bool reads = req->method == HEPH_HTTP_GET ||
		     req->method == HEPH_HTTP_HEAD;
	struct answer *it = heph_http_alloc(req, sizeof(*it));

	if (!it)
		return -ENOMEM;
	it->file = *file;
	if (reads && heph_http_status_of(res) == 200)
		return answer(ctx, req, res, it);
	return send_whole(ctx, req, res, it);
}

int heph_http_send_file(heph_ctx ctx, struct heph_http_request *req,
			struct heph_http_response *res, heph_fd fd)
{
	const unsigned want = HEPH_STAT_TYPE | HEPH_STAT_INODE |
			      HEPH_STAT_SIZE | HEPH_STAT_MODIFIED;
	struct heph_http_file file;
	struct heph_stat stat;
	int err = heph_stat(ctx, fd, want, &stat);

	if (err == 0)
		err = heph_http_file_of(fd, &stat, &file);
	return err < 0 ? err : heph_http_file_send(ctx, req, res, &file);
}
