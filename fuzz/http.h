/* SPDX-License-Identifier: MIT */
/* http.h - what the fuzzers of HTTP's parsers have in common */
#ifndef FUZZ_HTTP_H
#define FUZZ_HTTP_H

#include <heph/http/parse.h>

#include "base/assert.h"
#include "http/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64, SIZE_MOST = 4096 };

/* Memory of just that size, so that a sanitizer sees who reads beyond it. */
static inline char *copy_of(const char *data, size_t size)
{
	char *copy = malloc(size + (size == 0));

	heph_assert(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* Sixteen at a time or one by one, runs of bytes end at the same place. */
static inline void check_scans(const char *data, size_t size)
{
	const char *end = data + size;

	for (const char *at = data; at < end; at++) {
		heph_assert(heph_http_scan_token(at, end) ==
			    heph_http_scan_plain(at, end, HEPH_HTTP_TOKEN));
		heph_assert(heph_http_scan_text(at, end) ==
			    heph_http_scan_plain(at, end, HEPH_HTTP_TEXT));
		heph_assert(heph_http_scan_target(at, end) ==
			    heph_http_scan_plain(at, end, HEPH_HTTP_TARGET));
		heph_assert(heph_http_scan_host(at, end) ==
			    heph_http_scan_plain(at, end, HEPH_HTTP_HOST));
	}
}

static inline void check_inside(struct heph_str str, const char *data, ssize_t n)
{
	heph_assert(str.size == 0 ||
		    (str.data >= data && str.data + str.size <= data + n));
}

static inline void check_text(struct heph_str str, unsigned kinds)
{
	const char *end = str.data + str.size;

	heph_assert(str.size == 0 ||
		    heph_http_scan_plain(str.data, end, kinds) == end);
}

/* Fields are of what RFC 9110 allows, and lie in the head. */
static inline void check_fields(const struct heph_http_fields *fields,
				const char *data, ssize_t n)
{
	heph_assert(fields->n <= fields->room);
	for (unsigned i = 0; i < fields->n; i++) {
		struct heph_str name = heph_http_field_name(&fields->at[i]);
		struct heph_str value = heph_http_field_value(&fields->at[i]);

		heph_assert(name.size > 0);
		check_inside(name, data, n);
		check_inside(value, data, n);
		check_text(name, HEPH_HTTP_TOKEN);
		check_text(value, HEPH_HTTP_TEXT);
		if (value.size > 0) {
			heph_assert(!heph_http_is_blank(value.data[0]));
			heph_assert(
				!heph_http_is_blank(value.data[value.size - 1]));
		}
	}
}

static inline bool same_str(struct heph_str a, struct heph_str b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline void check_same_fields(const struct heph_http_fields *a,
				     const struct heph_http_fields *b)
{
	heph_assert(a->n == b->n);
	for (unsigned i = 0; i < a->n; i++) {
		heph_assert(same_str(heph_http_field_name(&a->at[i]),
				     heph_http_field_name(&b->at[i])));
		heph_assert(same_str(heph_http_field_value(&a->at[i]),
				     heph_http_field_value(&b->at[i])));
	}
}

static inline size_t print_fields(char *to, const struct heph_http_fields *fields)
{
	size_t n = 0;

	for (unsigned i = 0; i < fields->n; i++) {
		struct heph_str name = heph_http_field_name(&fields->at[i]);
		struct heph_str value = heph_http_field_value(&fields->at[i]);

		memcpy(to + n, name.data, name.size);
		n += name.size;
		memcpy(to + n, ": ", 2);
		n += 2;
		memcpy(to + n, value.data, value.size);
		n += value.size;
		memcpy(to + n, "\r\n", 2);
		n += 2;
	}
	memcpy(to + n, "\r\n", 2);
	return n + 2;
}

/* One of the parsers of heads. */
typedef ssize_t read_head(const char *data, size_t size, size_t seen,
			  enum heph_http_wrong *ret_wrong);

/*
 * What came of the whole comes of its pieces as well. Only a fault in a head that
 * has no end yet may be found later.
 */
static inline void check_split(read_head *read, const char *data, size_t size,
			       size_t at, ssize_t whole,
			       enum heph_http_wrong wrong)
{
	char *piece = copy_of(data, at);
	enum heph_http_wrong its;
	ssize_t n = read(piece, at, 0, &its);

	free(piece);
	if (n == 0)
		n = read(data, size, at, &its);
	if (n == 0 && whole != 0)
		heph_assert(whole < 0 &&
			    memmem(data, size, "\r\n\r\n", 4) == NULL);
	else
		heph_assert(n == whole);
	heph_assert(n >= 0 || its == wrong);
}

static inline void check_splits(read_head *read, const char *data, size_t size)
{
	size_t step = size / 64 + 1, seen = 0;
	enum heph_http_wrong wrong, its;
	ssize_t whole = read(data, size, 0, &wrong), n = 0;

	for (size_t at = 0; at <= size; at += step)
		check_split(read, data, size, at, whole, wrong);
	for (size_t at = 1; at <= size && n == 0; at += step) {
		n = read(data, at, seen, &its);
		seen = at;
	}
	if (n == 0)
		n = read(data, size, seen, &its);
	heph_assert(n == whole || (n == 0 && whole < 0));
}

#endif
