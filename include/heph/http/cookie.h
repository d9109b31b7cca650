/* SPDX-License-Identifier: MIT */
/* cookie.h - Cookie and Set-Cookie; RFC 6265 and its revision. Any thread. */
#ifndef HEPH_HTTP_COOKIE_H
#define HEPH_HTTP_COOKIE_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Cookie: what a client sends ----------------------------------------------- */

/* The next one of "a=b; c=d"; quotes around a value are left out, and so is what
 * has no name. Returns 1; 0: there are no more. */
HEPH_API HEPH_MUST int heph_http_cookie_next(struct heph_str text, size_t *at,
					     struct heph_str *ret_name,
					     struct heph_str *ret_value);

/* The first one of that name, whose letters count. Returns 1; 0: there is none. */
HEPH_API HEPH_MUST int heph_http_cookie_get(struct heph_str text,
					    const char *name,
					    struct heph_str *ret_value);

/* ---- Set-Cookie: what a server sends -------------------------------------------- */

enum heph_http_same_site {
	HEPH_HTTP_SAME_SITE_DEFAULT, /* the attribute is not there, or unknown */
	HEPH_HTTP_SAME_SITE_STRICT,
	HEPH_HTTP_SAME_SITE_LAX,
	HEPH_HTTP_SAME_SITE_NONE, /* with `secure` alone */
};

/* What is 0 is not there. */
struct heph_http_set_cookie {
	struct heph_str name, value;
	struct heph_str domain; /* without a dot before it */
	struct heph_str path;   /* begins with "/" */
	int64_t expires; /* seconds since 1970; what is before that reads as 1 */
	int64_t max_age; /* seconds; less than 0: the cookie is to be forgotten */
	enum heph_http_same_site same_site;
	bool secure, http_only, partitioned;
};

/*
 * Writes the value of a Set-Cookie. Returns 0; -ENOSPC; -EINVAL: the name is no
 * token, a value or attribute has characters that it must not have (a blank, a
 * comma, a semicolon, a quote, a control character: encode them), it is longer
 * than 4 KiB, or it is what clients refuse: SameSite=None or Partitioned without
 * Secure, "__Secure-" or "__Host-" before a name without what those promise.
 */
HEPH_API HEPH_MUST int
heph_http_set_cookie_write(const struct heph_http_set_cookie *cookie, char *buf,
			   size_t room, struct heph_str *ret_text);

/* Reads one as clients do: what it does not know is left out. Returns 0; -EBADMSG:
 * it is none, has control characters, or is longer than 4 KiB. */
HEPH_API HEPH_MUST int
heph_http_set_cookie_read(struct heph_str text,
			  struct heph_http_set_cookie *ret_cookie);

#ifdef __cplusplus
}
#endif
#endif
