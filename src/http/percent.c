/* SPDX-License-Identifier: MIT */
/* Percent-encoding, of texts, paths and queries. */
#include <heph/http/uri.h>

#include <errno.h>

#include "http/text.h"

/* Decodes one character at `*at`: -EBADMSG; its value. */
static int decode_one(struct heph_str text, size_t *at)
{
	int high, low;

	if (text.data[*at] != '%')
		return (unsigned char)text.data[(*at)++];
	if (text.size - *at < 3)
		return -EBADMSG;
	high = text_hex(text.data[*at + 1]);
	low = text_hex(text.data[*at + 2]);
	if (high < 0 || low < 0)
		return -EBADMSG;
	*at += 3;
	return high << 4 | low;
}

static int decode(struct heph_str text, bool plus, char *buf, size_t room,
		  struct heph_str *ret_text)
{
	struct text_out out = text_out(buf, room);

	for (size_t at = 0; at < text.size;) {
		bool is_plus = plus && text.data[at] == '+';
		int c = decode_one(text, &at);

		if (c < 0)
			return c;
		heph_http_out_char(&out, is_plus ? ' ' : (char)c);
	}
	return heph_http_out_end(&out, buf, ret_text);
}

int heph_http_percent_decode(struct heph_str text, char *buf, size_t room,
			     struct heph_str *ret_text)
{
	if (text_find(text, 0, '%') < text.size)
		return decode(text, false, buf, room, ret_text);
	*ret_text = text;
	return 0;
}

int heph_http_query_decode(struct heph_str text, char *buf, size_t room,
			   struct heph_str *ret_text)
{
	if (text_find(text, 0, '%') < text.size ||
	    text_find(text, 0, '+') < text.size)
		return decode(text, true, buf, room, ret_text);
	*ret_text = text;
	return 0;
}

static void put_encoded(struct text_out *out, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;

	heph_http_out_char(out, '%');
	heph_http_out_char(out, digits[byte >> 4]);
	heph_http_out_char(out, digits[byte & 15]);
}

int heph_http_percent_encode(struct heph_str text, const char *keep, char *buf,
			     size_t room, struct heph_str *ret_text)
{
	struct text_out out = text_out(buf, room);

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (text_is(c, TEXT_UNRESERVED) || (c && strchr(keep, c)))
			heph_http_out_char(&out, c);
		else
			put_encoded(&out, c);
	}
	return heph_http_out_end(&out, buf, ret_text);
}

int heph_http_query_encode(struct heph_str text, char *buf, size_t room,
			   struct heph_str *ret_text)
{
	return heph_http_percent_encode(text, "", buf, room, ret_text);
}

/* ---- paths -------------------------------------------------------------------------- */

/* A segment, decoded, behind a "/". What cannot be in a file's name is refused. */
static int put_segment(struct text_out *out, struct heph_str segment)
{
	heph_http_out_char(out, '/');
	for (size_t at = 0; at < segment.size;) {
		int c = decode_one(segment, &at);

		if (c <= 0 || c == '/')
			return -EBADMSG;
		heph_http_out_char(out, (char)c);
	}
	return 0;
}

/* What is to become of the segment that was written at `from`: "." and what is empty
 * is taken back, ".." takes the one before it, too. */
static int settle(struct text_out *out, const char *buf, char *from)
{
	struct heph_str name = heph_str_of(from + 1,
					   (size_t)(out->at - from) - 1);

	if (heph_str_equal(name, "..")) {
		if (from == buf)
			return -EBADMSG;
		do
			from--;
		while (*from != '/');
	} else if (name.size > 0 && !heph_str_equal(name, ".")) {
		return 0;
	}
	out->at = from;
	return 0;
}

int heph_http_path_clean(struct heph_str path, char *buf, size_t room,
			  struct heph_str *ret_path)
{
	struct text_out out = text_out(buf, room);
	bool is_folder = true;
	int err = 0;

	if (path.size == 0 || path.data[0] != '/')
		return -EBADMSG;
	for (size_t at = 0; at < path.size && !err && !out.cut;) {
		size_t end = text_find(path, at + 1, '/');
		char *from = out.at;

		err = put_segment(&out, text_part(path, at + 1, end));
		if (!err && !out.cut) {
			err = settle(&out, buf, from);
			is_folder = out.at <= from;
		}
		at = end;
	}
	if (err)
		return err;
	if (is_folder)
		heph_http_out_char(&out, '/');
	return heph_http_out_end(&out, buf, ret_path);
}
