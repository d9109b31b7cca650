/* SPDX-License-Identifier: MIT */
/* etag.h - entity tags; RFC 9110, section 8.8.3. Any thread. */
#ifndef HEPH_HTTP_ETAG_H
#define HEPH_HTTP_ETAG_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_etag {
	struct heph_str value; /* what is between the quotes; may be empty */
	bool weak;             /* W/"..." */
};

/* Reads "abc" or W/"abc", with the quotes. Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_etag_read(struct heph_str text,
					   struct heph_http_etag *ret_etag);

/* The next one of a list: as heph_http_list_next(). */
HEPH_API HEPH_MUST int heph_http_etag_next(struct heph_str list, size_t *at,
					   struct heph_http_etag *ret_etag);

/* The strong comparison: neither is weak, and they are the same bytes. */
HEPH_API bool heph_http_etag_same(const struct heph_http_etag *a,
				  const struct heph_http_etag *b);

/* The weak one: they are the same, weak or not. */
HEPH_API bool heph_http_etag_alike(const struct heph_http_etag *a,
				   const struct heph_http_etag *b);

#ifdef __cplusplus
}
#endif
#endif
