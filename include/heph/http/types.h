/* SPDX-License-Identifier: MIT */
/* types.h - what the parts of HTTP share: methods, fields, framing, limits */
#ifndef HEPH_HTTP_TYPES_H
#define HEPH_HTTP_TYPES_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9110, section 9; PATCH: RFC 5789. Their names are case-sensitive. */
enum heph_http_method {
	HEPH_HTTP_OTHER, /* another token; see `method_name` */
	HEPH_HTTP_GET,
	HEPH_HTTP_HEAD,
	HEPH_HTTP_POST,
	HEPH_HTTP_PUT,
	HEPH_HTTP_DELETE,
	HEPH_HTTP_CONNECT,
	HEPH_HTTP_OPTIONS,
	HEPH_HTTP_TRACE,
	HEPH_HTTP_PATCH,
	HEPH_HTTP_METHODS,
};

/* One line of a head, or of trailers. */
struct heph_http_field {
	const char *name;    /* as it was sent, in any case of letters */
	const char *value;   /* without blanks around it */
	uint32_t value_size; /* bytes */
	uint16_t name_size;
};

/* Its name and its value as views. */
static inline struct heph_str heph_http_field_name(const struct heph_http_field *f)
{
	return heph_str_of(f->name, f->name_size);
}
static inline struct heph_str heph_http_field_value(const struct heph_http_field *f)
{
	return heph_str_of(f->value, f->value_size);
}

/* Fields in the order in which they were sent. */
struct heph_http_fields {
	struct heph_http_field *at;
	unsigned n;
	unsigned room; /* that there are places for, at `at` */
};

/* Where a body ends; RFC 9112, section 6.3. */
enum heph_http_framing {
	HEPH_HTTP_NO_BODY,
	HEPH_HTTP_LENGTH,      /* after `length` bytes, which may be 0 */
	HEPH_HTTP_CHUNKED,     /* with the last chunk */
	HEPH_HTTP_UNTIL_CLOSE, /* with the connection; responses only */
};

/* How long a body is of which that is not known: chunked, or until close. */
#define HEPH_HTTP_UNKNOWN UINT64_MAX

/* What a head may be at most. 0: the default. */
struct heph_http_limits {
	uint32_t head;   /* bytes, with the empty line; 16 KiB. 431 */
	uint32_t target; /* bytes of the request target; 8 KiB. 414 */
	uint32_t fields; /* in a head, and in trailers; 100. 431 */
};

#ifdef __cplusplus
}
#endif
#endif
