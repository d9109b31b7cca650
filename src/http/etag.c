/* SPDX-License-Identifier: MIT */
#include <heph/http/etag.h>

#include "http/text.h"

/* The tag at `at`; where it ends, or -EBADMSG. No "\" escapes anything in it. */
static ssize_t read_one(struct heph_str text, size_t at,
			struct heph_http_etag *etag)
{
	size_t end;

	etag->weak = text.size - at >= 2 && memcmp(text.data + at, "W/", 2) == 0;
	if (etag->weak)
		at += 2;
	if (at == text.size || text.data[at] != '"')
		return -EBADMSG;
	end = text_find(text, at + 1, '"');
	if (end == text.size)
		return -EBADMSG;
	etag->value = text_part(text, at + 1, end);
	return heph_http_text_all(etag->value, TEXT_ETAG) ? (ssize_t)end + 1 :
							    -EBADMSG;
}

int heph_http_etag_read(struct heph_str text, struct heph_http_etag *ret_etag)
{
	struct heph_http_etag etag;

	if (read_one(text, 0, &etag) != (ssize_t)text.size)
		return -EBADMSG;
	*ret_etag = etag;
	return 0;
}

static size_t skip(struct heph_str text, size_t at, bool commas)
{
	while (at < text.size && (text_is_blank(text.data[at]) ||
				  (commas && text.data[at] == ',')))
		at++;
	return at;
}

int heph_http_etag_next(struct heph_str list, size_t *at,
			struct heph_http_etag *ret_etag)
{
	size_t from = skip(list, *at, true);
	struct heph_http_etag etag;
	ssize_t end;

	*at = list.size;
	if (from == list.size)
		return 0;
	end = read_one(list, from, &etag);
	if (end < 0)
		return -EBADMSG;
	from = skip(list, (size_t)end, false);
	if (from < list.size && list.data[from] != ',')
		return -EBADMSG;
	*at = from;
	*ret_etag = etag;
	return 1;
}

bool heph_http_etag_alike(const struct heph_http_etag *a,
			  const struct heph_http_etag *b)
{
	return a->value.size == b->value.size &&
	       (a->value.size == 0 ||
		memcmp(a->value.data, b->value.data, a->value.size) == 0);
}

bool heph_http_etag_same(const struct heph_http_etag *a,
			 const struct heph_http_etag *b)
{
	return !a->weak && !b->weak && heph_http_etag_alike(a, b);
}
