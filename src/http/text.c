/* SPDX-License-Identifier: MIT */
#include "http/text.h"

enum {
	ALNUM = TEXT_TOKEN | TEXT_UNRESERVED | TEXT_ETAG | TEXT_COOKIE |
		TEXT_TOKEN68,
	VALUE = TEXT_ETAG | TEXT_COOKIE,
};

const uint8_t heph_http_chars[256] = {
	['0' ... '9'] = ALNUM,
	['A' ... 'Z'] = ALNUM,
	['a' ... 'z'] = ALNUM,
	['-'] = ALNUM,
	['.'] = ALNUM,
	['_'] = ALNUM,
	['~'] = ALNUM,
	['!'] = TEXT_TOKEN | TEXT_SUB_DELIM | VALUE,
	['"'] = 0,
	['#'] = TEXT_TOKEN | VALUE,
	['$'] = TEXT_TOKEN | TEXT_SUB_DELIM | VALUE,
	['%'] = TEXT_TOKEN | VALUE,
	['&'] = TEXT_TOKEN | TEXT_SUB_DELIM | VALUE,
	['\''] = TEXT_TOKEN | TEXT_SUB_DELIM | VALUE,
	['('] = TEXT_SUB_DELIM | VALUE,
	[')'] = TEXT_SUB_DELIM | VALUE,
	['*'] = TEXT_TOKEN | TEXT_SUB_DELIM | VALUE,
	['+'] = TEXT_TOKEN | TEXT_SUB_DELIM | TEXT_TOKEN68 | VALUE,
	[','] = TEXT_SUB_DELIM | TEXT_ETAG,
	['/'] = TEXT_PATH | TEXT_TOKEN68 | VALUE,
	[':'] = TEXT_PATH | VALUE,
	[';'] = TEXT_SUB_DELIM | TEXT_ETAG,
	['<'] = VALUE,
	['='] = TEXT_SUB_DELIM | VALUE,
	['>'] = VALUE,
	['?'] = TEXT_QUERY | VALUE,
	['@'] = TEXT_PATH | VALUE,
	['['] = VALUE,
	['\\'] = TEXT_ETAG,
	[']'] = VALUE,
	['^'] = TEXT_TOKEN | VALUE,
	['`'] = TEXT_TOKEN | VALUE,
	['{'] = VALUE,
	['|'] = TEXT_TOKEN | VALUE,
	['}'] = VALUE,
	[0x80 ... 0xff] = TEXT_ETAG,
};

bool heph_http_text_all(struct heph_str text, unsigned kinds)
{
	for (size_t i = 0; i < text.size; i++)
		if (!text_is(text.data[i], kinds))
			return false;
	return true;
}

struct heph_str heph_http_text_trim(struct heph_str text)
{
	while (text.size > 0 && text_is_blank(text.data[text.size - 1]))
		text.size--;
	while (text.size > 0 && text_is_blank(text.data[0])) {
		text.data++;
		text.size--;
	}
	return text;
}

size_t heph_http_text_quoted(struct heph_str text, size_t at)
{
	for (at++; at < text.size; at++) {
		if (text.data[at] == '"')
			return at + 1;
		if (text.data[at] == '\\')
			at++;
		if (at < text.size && text_is_control(text.data[at]))
			return 0;
	}
	return 0;
}

/* Where the piece ends that begins at `at`; or -EBADMSG. */
static ssize_t piece_end(struct heph_str text, char separator, size_t at)
{
	while (at < text.size && text.data[at] != separator) {
		if (text.data[at] != '"') {
			at++;
			continue;
		}
		at = heph_http_text_quoted(text, at);
		if (at == 0)
			return -EBADMSG;
	}
	return (ssize_t)at;
}

int heph_http_text_split(struct heph_str text, char separator, size_t *at,
			 struct heph_str *ret_piece)
{
	while (*at < text.size) {
		ssize_t end = piece_end(text, separator, *at);
		struct heph_str piece;

		if (end < 0)
			return (int)end;
		piece = heph_http_text_trim(text_part(text, *at, (size_t)end));
		*at = (size_t)end + 1;
		if (piece.size > 0) {
			*ret_piece = piece;
			return 1;
		}
	}
	return 0;
}

/* ---- writing --------------------------------------------------------------------- */

void heph_http_out_char(struct text_out *out, char c)
{
	if (out->at < out->end)
		*out->at++ = c;
	else
		out->cut = true;
}

void heph_http_out_str(struct text_out *out, struct heph_str text)
{
	if (text.size > (size_t)(out->end - out->at)) {
		out->cut = true;
		return;
	}
	if (text.size > 0)
		memcpy(out->at, text.data, text.size);
	out->at += text.size;
}

void heph_http_out_text(struct text_out *out, const char *text)
{
	heph_http_out_str(out, heph_str(text));
}

void heph_http_out_number(struct text_out *out, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	heph_http_out_str(out, heph_str_of(digits + at, sizeof(digits) - at));
}

int heph_http_out_end(const struct text_out *out, const char *buf,
		      struct heph_str *ret_text)
{
	if (out->cut)
		return -ENOSPC;
	*ret_text = heph_str_of(buf, (size_t)(out->at - buf));
	return 0;
}
