/* SPDX-License-Identifier: MIT */
/* condition.h - requests that are to be done only if; RFC 9110, section 13. Any
 * thread. */
#ifndef HEPH_HTTP_CONDITION_H
#define HEPH_HTTP_CONDITION_H

#include <heph/http/etag.h>
#include <heph/http/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* When what is asked for has changed is not known; or it is not there. */
#define HEPH_HTTP_NO_DATE INT64_MIN

/* What a condition is compared with. */
struct heph_http_state {
	const struct heph_http_etag *etag; /* NULL: it has none */
	int64_t modified; /* seconds since 1970, or HEPH_HTTP_NO_DATE */
	bool missing;     /* there is no such thing: PUT would make it */
};

/*
 * Reads If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since of a
 * request, as section 13.2.2 wants them. Returns 0: do it; else the status to
 * answer with: 304 or 412. A list of tags that cannot be read has those before
 * that; a date that cannot be read is not there.
 */
HEPH_API unsigned heph_http_condition(const struct heph_http_fields *fields,
				      enum heph_http_method method,
				      const struct heph_http_state *state);

/* Whether Range is to be looked at: there is no If-Range, or it says what is here.
 * It is asked after heph_http_condition() has returned 0. */
HEPH_API bool heph_http_if_range(const struct heph_http_fields *fields,
				 const struct heph_http_state *state);

#ifdef __cplusplus
}
#endif
#endif
