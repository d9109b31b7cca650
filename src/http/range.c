/* SPDX-License-Identifier: MIT */
#include <heph/http/range.h>
#include <heph/http/value.h>

#include "http/text.h"

/* What follows the name of the unit, which is in any case; or { NULL, 0 }. */
static struct heph_str behind_unit(struct heph_str text, char behind)
{
	static const char unit[] = "bytes";
	size_t size = sizeof(unit) - 1;

	if (text.size <= size || text.data[size] != behind ||
	    strncasecmp(text.data, unit, size) != 0)
		return heph_str_of(NULL, 0);
	return text_part(text, size + 1, text.size);
}

/* A number that may be too large to be one: then it is the largest. */
static int read_position(struct heph_str text, uint64_t *ret_number)
{
	if (heph_http_number(text, ret_number) == 0)
		return 0;
	*ret_number = UINT64_MAX;
	for (size_t i = 0; i < text.size; i++)
		if (!text_is_digit(text.data[i]))
			return -EBADMSG;
	return text.size > 0 ? 0 : -EBADMSG;
}

/* "-500": the last so many bytes. */
static int read_suffix(struct heph_str text, uint64_t length,
		       struct heph_http_range *range)
{
	uint64_t size;

	if (read_position(text, &size) < 0)
		return -EBADMSG;
	range->size = size < length ? size : length;
	range->first = length - range->size;
	return range->size > 0;
}

/* "0-499", "500-", "-500". 1; 0: it is not within; -EBADMSG. */
static int read_range(struct heph_str text, uint64_t length,
		      struct heph_http_range *range)
{
	size_t dash = text_find(text, 0, '-');
	uint64_t last = UINT64_MAX;

	if (dash == text.size)
		return -EBADMSG;
	if (dash == 0)
		return read_suffix(text_part(text, 1, text.size), length, range);
	if (read_position(text_part(text, 0, dash), &range->first) < 0)
		return -EBADMSG;
	if (dash + 1 < text.size &&
	    read_position(text_part(text, dash + 1, text.size), &last) < 0)
		return -EBADMSG;
	if (last < range->first)
		return -EBADMSG;
	if (range->first >= length)
		return 0;
	if (last >= length)
		last = length - 1;
	range->size = last - range->first + 1;
	return 1;
}

int heph_http_range_read(struct heph_str text, uint64_t length,
			 struct heph_http_range *ranges, unsigned room)
{
	struct heph_str list = behind_unit(text, '=');
	struct heph_http_range range;
	struct heph_str member;
	unsigned n = 0, asked = 0;
	uint64_t left = length;
	size_t at = 0;
	int got;

	while ((got = heph_http_list_next(list, &at, &member)) > 0) {
		got = read_range(member, length, &range);
		if (got < 0)
			return got;
		if (++asked > room || (got && range.size > left))
			return -E2BIG;
		if (got) {
			left -= range.size;
			ranges[n++] = range;
		}
	}
	return got < 0 || asked == 0 ? -EBADMSG : n > 0 ? (int)n : -ERANGE;
}

/* ---- Content-Range ----------------------------------------------------------------- */

static int read_part(struct heph_str text, struct heph_http_range *range)
{
	size_t dash = text_find(text, 0, '-');
	uint64_t last;

	range->first = range->size = 0;
	if (heph_str_equal(text, "*"))
		return 0;
	if (dash == text.size ||
	    heph_http_number(text_part(text, 0, dash), &range->first) < 0 ||
	    heph_http_number(text_part(text, dash + 1, text.size), &last) < 0 ||
	    last < range->first || last - range->first == UINT64_MAX)
		return -EBADMSG;
	range->size = last - range->first + 1;
	return 0;
}

int heph_http_content_range_read(struct heph_str text,
				 struct heph_http_content_range *ret_range)
{
	struct heph_http_content_range range;
	struct heph_str rest = behind_unit(text, ' ');
	size_t slash = text_find(rest, 0, '/');
	struct heph_str length;

	if (slash == rest.size ||
	    read_part(text_part(rest, 0, slash), &range.range) < 0)
		return -EBADMSG;
	length = text_part(rest, slash + 1, rest.size);
	range.length = HEPH_HTTP_UNKNOWN;
	if (!heph_str_equal(length, "*") &&
	    heph_http_number(length, &range.length) < 0)
		return -EBADMSG;
	if (range.length == HEPH_HTTP_UNKNOWN ?
		    range.range.size == 0 :
		    range.range.size > 0 &&
			    range.range.first + (range.range.size - 1) >=
				    range.length)
		return -EBADMSG;
	*ret_range = range;
	return 0;
}

void heph_http_content_range_write(const struct heph_http_content_range *range,
				   char text[HEPH_HTTP_CONTENT_RANGE_SIZE])
{
	struct text_out out = text_out(text, HEPH_HTTP_CONTENT_RANGE_SIZE);
	const struct heph_http_range *part = &range->range;

	heph_http_out_text(&out, "bytes ");
	if (part->size > 0) {
		heph_http_out_number(&out, part->first);
		heph_http_out_char(&out, '-');
		heph_http_out_number(&out, part->first + (part->size - 1));
	} else {
		heph_http_out_char(&out, '*');
	}
	heph_http_out_char(&out, '/');
	if (range->length == HEPH_HTTP_UNKNOWN)
		heph_http_out_char(&out, '*');
	else
		heph_http_out_number(&out, range->length);
	heph_http_out_char(&out, '\0');
}
