/* SPDX-License-Identifier: MIT */
/* Queries and forms: pairs with "&" between them. */
#include <heph/http/uri.h>

#include <errno.h>

#include "http/text.h"

int heph_http_query_next(struct heph_str query, size_t *at,
			 struct heph_str *ret_name, struct heph_str *ret_value)
{
	while (*at < query.size) {
		size_t end = text_find(query, *at, '&');
		struct heph_str pair = text_part(query, *at, end);
		size_t sign = text_find(pair, 0, '=');

		*at = end + 1;
		if (pair.size == 0)
			continue;
		*ret_name = text_part(pair, 0, sign);
		*ret_value = sign < pair.size ?
				     text_part(pair, sign + 1, pair.size) :
				     heph_str_of(NULL, 0);
		return 1;
	}
	return 0;
}

/* One character of an encoded name, or -1. */
static int next_char(struct heph_str text, size_t *at)
{
	char c = text.data[(*at)++];
	int high, low;

	if (c == '+')
		return ' ';
	if (c != '%')
		return (unsigned char)c;
	if (text.size - *at < 2)
		return -1;
	high = text_hex(text.data[*at]);
	low = text_hex(text.data[*at + 1]);
	*at += 2;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Whether that is what an encoded name means. */
static bool means(struct heph_str encoded, const char *name)
{
	for (size_t at = 0; at < encoded.size; name++)
		if (!*name || next_char(encoded, &at) != (unsigned char)*name)
			return false;
	return !*name;
}

int heph_http_query_get(struct heph_str query, const char *name, char *buf,
			size_t room, struct heph_str *ret_value)
{
	struct heph_str its, value;
	size_t at = 0;
	int err;

	while (heph_http_query_next(query, &at, &its, &value) > 0)
		if (means(its, name)) {
			err = heph_http_query_decode(value, buf, room, ret_value);
			return err < 0 ? err : 1;
		}
	return 0;
}
