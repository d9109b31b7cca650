/* SPDX-License-Identifier: MIT */
/* cache.h - Cache-Control; RFC 9111, section 5.2. Any thread. */
#ifndef HEPH_HTTP_CACHE_H
#define HEPH_HTTP_CACHE_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a directive that takes seconds is without them. */
#define HEPH_HTTP_CACHE_ABSENT (-1)  /* it is not there */
#define HEPH_HTTP_CACHE_ANY    (-2)  /* max-stale alone: however stale */

/* Begins as HEPH_HTTP_CACHE_NONE. Times are in seconds. */
struct heph_http_cache {
	int64_t max_age, s_maxage, max_stale, min_fresh;
	int64_t stale_while_revalidate, stale_if_error; /* RFC 5861 */
	bool no_store, no_cache, no_transform, only_if_cached;
	bool must_revalidate, must_understand, proxy_revalidate;
	bool is_public, is_private;
	bool immutable; /* RFC 8246 */
};

#define HEPH_HTTP_CACHE_NONE                                                   \
	{ -1, -1, -1, -1, -1, -1, false, false, false, false, false, false,    \
	  false, false, false, false }

/*
 * Adds what a field says; called for each field of that name. What is not known is
 * left out; seconds that cannot be read are 0, so that nothing is kept too long;
 * of those that are there twice the least counts. Returns 0; -EBADMSG: the list
 * cannot be read on, and what came before was added.
 */
HEPH_API HEPH_MUST int heph_http_cache_read(struct heph_str text,
					    struct heph_http_cache *cache);

#ifdef __cplusplus
}
#endif
#endif
