/* SPDX-License-Identifier: MIT */
/* method.h - what is known of methods; RFC 9110, section 9. Any thread. */
#ifndef HEPH_HTTP_METHOD_H
#define HEPH_HTTP_METHOD_H

#include <heph/http/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The method of a name, which is case-sensitive: "get" is HEPH_HTTP_OTHER. */
HEPH_API enum heph_http_method heph_http_method_of(struct heph_str name);

/* "GET"; NULL for HEPH_HTTP_OTHER and what is no method. */
HEPH_API const char *heph_http_method_name(enum heph_http_method method);

/* Safe: it asks, and changes nothing: GET, HEAD, OPTIONS, TRACE. */
static inline bool heph_http_method_is_safe(enum heph_http_method method)
{
	return method == HEPH_HTTP_GET || method == HEPH_HTTP_HEAD ||
	       method == HEPH_HTTP_OPTIONS || method == HEPH_HTTP_TRACE;
}

/* Idempotent: twice is as good as once: the safe ones, PUT and DELETE. */
static inline bool heph_http_method_is_idempotent(enum heph_http_method method)
{
	return heph_http_method_is_safe(method) || method == HEPH_HTTP_PUT ||
	       method == HEPH_HTTP_DELETE;
}

#ifdef __cplusplus
}
#endif
#endif
