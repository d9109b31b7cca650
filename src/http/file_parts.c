/* SPDX-License-Identifier: MIT */
/*
 * Several ranges of a file: multipart/byteranges; RFC 9110, section 14.6.
 *
 * Before each part stand a boundary and its head, whose sizes have to be known
 * before the first byte is sent: so each is made twice.
 */
#include <heph/time.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "http/file.h"
#include "http/response.h"

enum {
	BOUNDARY = 25, /* letters, and a nul */
	HEAD = 512,    /* of a part; a longer type is left out */
	TYPE = 256,
};

struct parts {
	const struct heph_http_file *file;
	struct heph_http_mover mover;
	char boundary[BOUNDARY];
	char type[TYPE]; /* of the file; "" if nobody said it */
	char head[HEAD];
};

/* Nobody who has written the file knew it. */
static void choose_boundary(char boundary[BOUNDARY])
{
	uint64_t bits[2] = { (uint64_t)heph_now() };

	if (getrandom(bits, sizeof(bits), GRND_NONBLOCK) < 0)
		bits[1] = (uint64_t)(uintptr_t)boundary;
	snprintf(boundary, BOUNDARY, "heph%010llx%010llx",
		 (unsigned long long)bits[0] & 0xffffffffff,
		 (unsigned long long)bits[1] & 0xffffffffff);
}

static size_t make_head(struct parts *it, const struct heph_http_range *range)
{
	char place[HEPH_HTTP_CONTENT_RANGE_SIZE];
	const struct heph_http_content_range content = { *range,
							 it->file->size };

	heph_http_content_range_write(&content, place);
	return (size_t)snprintf(it->head, HEAD,
				"\r\n--%s\r\n%s%s%sContent-Range: %s\r\n\r\n",
				it->boundary, *it->type ? "Content-Type: " : "",
				it->type, *it->type ? "\r\n" : "", place);
}

static size_t make_end(struct parts *it)
{
	return (size_t)snprintf(it->head, HEAD, "\r\n--%s--\r\n", it->boundary);
}

static uint64_t length_of(struct parts *it, const struct heph_http_range *ranges,
			  unsigned n)
{
	uint64_t length = make_end(it);

	for (unsigned i = 0; i < n; i++)
		length += make_head(it, &ranges[i]) + ranges[i].size;
	return length;
}

static int send_parts(heph_ctx ctx, struct heph_http_request *req,
		      struct heph_http_response *res, struct parts *it,
		      const struct heph_http_range *ranges, unsigned n)
{
	int err = 0;

	for (unsigned i = 0; i < n && err == 0; i++) {
		err = heph_http_write(ctx, res, it->head,
				      make_head(it, &ranges[i]));
		if (err == 0)
			err = heph_http_mover_move(ctx, req, res, &it->mover,
						   it->file->fd, &ranges[i]);
	}
	if (err == 0)
		err = heph_http_write(ctx, res, it->head, make_end(it));
	return err < 0 ? err : heph_http_end(ctx, res);
}

static void begin_parts(struct heph_http_response *res, struct parts *it)
{
	struct heph_str type = heph_http_added(res, "Content-Type");

	choose_boundary(it->boundary);
	if (type.size < TYPE)
		memcpy(it->type, type.data ? type.data : "", type.size);
	heph_http_remove(res, "Content-Type");
	heph_http_addf(res, "Content-Type", "multipart/byteranges; boundary=%s",
		       it->boundary);
}

int heph_http_file_parts(heph_ctx ctx, struct heph_http_request *req,
			 struct heph_http_response *res,
			 const struct heph_http_file *file,
			 const struct heph_http_range *ranges, unsigned n)
{
	struct parts *it = heph_http_alloc(req, sizeof(*it));
	int err;

	if (!it)
		return -ENOMEM;
	memset(it, 0, sizeof(*it));
	it->file = file;
	begin_parts(res, it);
	err = heph_http_begin(ctx, res, length_of(it, ranges, n));
	if (err == 0)
		err = send_parts(ctx, req, res, it, ranges, n);
	heph_http_mover_end(&it->mover);
	return err;
}
