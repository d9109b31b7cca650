/* SPDX-License-Identifier: MIT */
/* The head of a response, while it is made. */
#include "http/response.h"

#include <heph/http/value.h>
#include <heph/time.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/conn.h"
#include "http/exchange.h"
#include "http/mem.h"
#include "http/put.h"

enum { HEAD_MAX = 1 << 20 }; /* bytes of the fields of a response */

void heph_http_response_init(struct heph_http_response *res)
{
	memset(res, 0, offsetof(struct heph_http_response, lines));
	res->status = 200;
	res->lines.at = NULL;
	res->lines.used = 0;
	res->lines.room = sizeof(res->lines.inside);
	res->trailers = NULL;
	res->trailers_used = res->trailers_room = 0;
}

static void free_filters(struct heph_http_response *res)
{
	struct heph_http_filter *filter;

	while ((filter = res->filters)) {
		res->filters = filter->next__;
		if (filter->free)
			filter->free(filter);
	}
}

void heph_http_response_fini(struct heph_http_response *res)
{
	free_filters(res);
	heph_http_mem_free(res->lines.at);
	heph_http_mem_free(res->trailers);
}

void heph_http_response_clear(struct heph_http_response *res)
{
	free_filters(res);
	res->lines.used = 0;
	res->status = 200;
	res->err = 0;
}

/* ---- lines -------------------------------------------------------------------- */

static void say(struct heph_http_response *res, int err)
{
	if (res->err == 0)
		res->err = err;
}

static char *lines_of(struct heph_http_response *res)
{
	return res->lines.at ? res->lines.at : res->lines.inside;
}

static bool make_room(struct heph_http_lines *lines, size_t size)
{
	size_t room = lines->room;
	char *grown;

	if (lines->used + size <= room)
		return true;
	if (size > HEAD_MAX || lines->used + size > HEAD_MAX)
		return false;
	while (room < lines->used + size)
		room *= 2;
	grown = heph_http_mem_grow(lines->at, room);
	if (!grown)
		return false;
	if (!lines->at)
		memcpy(grown, lines->inside, lines->used);
	lines->at = grown;
	lines->room = (unsigned)room;
	return true;
}

static char *put_line(char *to, struct heph_str name, struct heph_str value)
{
	to = heph_http_put(to, name.data, name.size);
	to = HEPH_HTTP_PUT(to, ": ");
	to = heph_http_put(to, value.data, value.size);
	return HEPH_HTTP_PUT(to, "\r\n");
}

void heph_http_response_put(struct heph_http_response *res, struct heph_str name,
			    struct heph_str value)
{
	size_t size = name.size + value.size + 4;

	if (!make_room(&res->lines, size)) {
		say(res, -ENOMEM);
		return;
	}
	put_line(lines_of(res) + res->lines.used, name, value);
	res->lines.used += (unsigned)size;
}

/* Adds to `trailers`. */
static void put_trailer(struct heph_http_response *res, struct heph_str name,
			struct heph_str value)
{
	size_t size = name.size + value.size + 4;
	char *grown;

	if (res->trailers_used + size > res->trailers_room) {
		grown = heph_http_mem_grow(res->trailers,
					   2 * (res->trailers_used + size));
		if (!grown) {
			say(res, -ENOMEM);
			return;
		}
		res->trailers = grown;
		res->trailers_room =
			2 * (res->trailers_used + (unsigned)size);
	}
	put_line(res->trailers + res->trailers_used, name, value);
	res->trailers_used += (unsigned)size;
}

/* ---- fields --------------------------------------------------------------------- */

/* Those that the library decides about. */
static bool is_ours(struct heph_str name)
{
	switch (name.size) {
	case 4:
		return heph_str_equal_case(name, "date");
	case 10:
		return heph_str_equal_case(name, "connection");
	case 14:
		return heph_str_equal_case(name, "content-length");
	case 17:
		return heph_str_equal_case(name, "transfer-encoding");
	default:
		return false;
	}
}

static bool may_add(struct heph_http_response *res, struct heph_str name,
		    struct heph_str value)
{
	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return false;
	if (!heph_http_is_token(name) || !heph_http_is_value(value) ||
	    is_ours(name)) {
		say(res, -EINVAL);
		return false;
	}
	return true;
}

static void add(struct heph_http_response *res, struct heph_str name,
		struct heph_str value)
{
	if (may_add(res, name, value))
		heph_http_response_put(res, name, value);
}

void heph_http_add(struct heph_http_response *res, const char *name,
		   const char *value)
{
	add(res, heph_str(name), heph_str(value));
}

void heph_http_addf(struct heph_http_response *res, const char *name,
		    const char *format, ...)
{
	char *text;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0) {
		say(res, -ENOMEM);
		return;
	}
	add(res, heph_str(name), heph_str_of(text, (size_t)size));
	free(text);
}

/* The next line of that name from `at` on; returns where it is, or the end. */
static unsigned find_line(const struct heph_http_response *res, unsigned at,
			  struct heph_str name, unsigned *ret_end)
{
	struct heph_str lines = heph_http_response_lines(res);
	const char *end;

	for (; at < lines.size; at = *ret_end) {
		end = memchr(lines.data + at, '\n', lines.size - at);
		*ret_end = (unsigned)(end - lines.data) + 1;
		if (at + name.size < *ret_end &&
		    lines.data[at + name.size] == ':' &&
		    strncasecmp(lines.data + at, name.data, name.size) == 0)
			return at;
	}
	return at;
}

void heph_http_remove(struct heph_http_response *res, const char *name)
{
	char *lines = lines_of(res);
	unsigned at = 0, end = 0;

	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return;
	while ((at = find_line(res, at, heph_str(name), &end)) <
	       res->lines.used) {
		memmove(lines + at, lines + end, res->lines.used - end);
		res->lines.used -= end - at;
	}
}

void heph_http_set(struct heph_http_response *res, const char *name,
		   const char *value)
{
	heph_http_remove(res, name);
	heph_http_add(res, name, value);
}

struct heph_str heph_http_added(const struct heph_http_response *res,
				const char *name)
{
	struct heph_str lines = heph_http_response_lines(res), it = heph_str(name);
	unsigned end = 0, at = find_line(res, 0, it, &end);

	if (at >= lines.size)
		return heph_str_of(NULL, 0);
	at += (unsigned)it.size + 2;
	return heph_str_of(lines.data + at, end - 2 - at);
}

void heph_http_add_trailer(struct heph_http_response *res, const char *name,
			   const char *value)
{
	struct heph_str it = heph_str(name), its = heph_str(value);

	if (res->stage == HEPH_HTTP_STAGE_ENDED)
		return;
	if (!heph_http_is_token(it) || !heph_http_is_value(its) || is_ours(it))
		say(res, -EINVAL);
	else
		put_trailer(res, it, its);
}

/* ---- the rest ---------------------------------------------------------------------- */

void heph_http_status(struct heph_http_response *res, unsigned status)
{
	if (res->stage != HEPH_HTTP_STAGE_HEAD)
		return;
	if (status < 200 || status > 999)
		say(res, -EINVAL);
	else
		res->status = status;
}

unsigned heph_http_status_of(const struct heph_http_response *res)
{
	return res->status;
}

void heph_http_close_after(struct heph_http_response *res)
{
	if (res->stage == HEPH_HTTP_STAGE_HEAD)
		res->close_after = true;
}

void heph_http_add_filter(struct heph_http_response *res,
			  struct heph_http_filter *filter)
{
	if (res->stage == HEPH_HTTP_STAGE_HEAD) {
		filter->next__ = res->filters;
		res->filters = filter;
	} else if (filter->free) {
		filter->free(filter);
	}
}

bool heph_http_response_mute(const struct heph_http_response *res)
{
	const struct heph_http_exchange *exchange =
		heph_http_exchange_of_response(res);

	return exchange->req.method == HEPH_HTTP_HEAD || res->status == 204 ||
	       res->status == 205 || res->status == 304 || res->status < 200;
}

bool heph_http_response_is_tunnel(const struct heph_http_response *res)
{
	return heph_http_exchange_of_response(res)->req.method ==
		       HEPH_HTTP_CONNECT &&
	       res->status / 100 == 2;
}

struct heph_http_outcome heph_http_outcome(const struct heph_http_response *res)
{
	const struct heph_http_exchange *exchange =
		heph_http_exchange_of_response(res);

	return (struct heph_http_outcome){
		.status = res->stage == HEPH_HTTP_STAGE_HEAD ? 0 : res->status,
		.sent = res->sent,
		.received = exchange->body.got,
		.begun = exchange->begun,
		.failed = res->failed || exchange->req.conn->broken,
	};
}
