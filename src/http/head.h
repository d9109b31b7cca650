/* SPDX-License-Identifier: MIT */
/*
 * head.h - lines of fields, as heads and trailers have them
 *
 * There is no state machine. A head is read from its begin to its end in one go,
 * and where bytes are missing the reader says so and forgets what it has done. For
 * a client that sends its head in pieces heph_http_goes_on() then looks at what is
 * new alone, so each byte is looked at twice or thrice, however it comes.
 *
 * The readers return where they have come to; NULL: they could not go on, and
 * `wrong` says why, HEPH_HTTP_FINE being that the bytes have ended.
 */
#ifndef HEPH_HTTP_HEAD_H
#define HEPH_HTTP_HEAD_H

#include <heph/http/parse.h>

#include "http/told.h"

enum {
	HEPH_HTTP_HEAD_MOST = 16 << 10,
	HEPH_HTTP_TARGET_MOST = 8 << 10,
	HEPH_HTTP_FIELDS_MOST = 100,
};

/* The limits, or the defaults for what is 0, or all if there are none. */
static inline struct heph_http_limits
heph_http_limits_of(const struct heph_http_limits *limits)
{
	struct heph_http_limits most = { 0 };

	if (limits != NULL)
		most = *limits;
	if (most.head == 0)
		most.head = HEPH_HTTP_HEAD_MOST;
	if (most.target == 0)
		most.target = HEPH_HTTP_TARGET_MOST;
	if (most.fields == 0)
		most.fields = HEPH_HTTP_FIELDS_MOST;
	return most;
}

struct heph_http_reader {
	const char *end; /* of what may be read: the limit, or the bytes */
	struct heph_http_fields *fields;
	bool full;     /* a head that has not ended there is too long */
	unsigned room; /* for fields */
	struct heph_http_told told;
	enum heph_http_wrong wrong;
};

/* Stops the reader. Returns NULL. */
static inline const char *heph_http_stop(struct heph_http_reader *reader,
					 enum heph_http_wrong wrong)
{
	reader->wrong = wrong;
	return NULL;
}

/* Fields, and the empty line behind them. */
const char *heph_http_read_fields(struct heph_http_reader *reader,
				  const char *at);

/* The end of a line that ends here. */
const char *heph_http_read_end(struct heph_http_reader *reader, const char *at);

/* "HTTP/1.0" or "HTTP/1.1". */
const char *heph_http_read_version(struct heph_http_reader *reader,
				   const char *at, unsigned *ret_minor);

/* Makes a reader of these bytes. False: there is nothing to do but wait for more,
 * because those from `seen` on neither end the head nor spoil it. */
bool heph_http_reader_begin(struct heph_http_reader *reader, const char *data,
		     size_t size, size_t seen,
		     const struct heph_http_limits *most,
		     struct heph_http_fields *fields);

/* What a function that reads a head returns and sets, when that has come to `at`,
 * or to NULL. */
ssize_t heph_http_result(const struct heph_http_reader *reader,
			 const char *data, const char *at,
			 enum heph_http_wrong *ret_wrong);

#endif
