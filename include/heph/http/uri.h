/* SPDX-License-Identifier: MIT */
/*
 * uri.h - URIs, percent-encoding, paths, queries and forms; RFC 3986
 *
 * As strict as the RFC's grammar. Nothing is allocated: what is read are views of
 * the text, and what must be written goes to memory of the caller's (-ENOSPC: it
 * is too small). What is decoded is the text itself where there is nothing to
 * decode. Any thread.
 */
#ifndef HEPH_HTTP_URI_H
#define HEPH_HTTP_URI_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- URIs ------------------------------------------------------------------------
 *
 * A part that is not there has `data` NULL; an empty one that is there has not.
 */
struct heph_http_uri {
	struct heph_str scheme;   /* "http", in any case */
	struct heph_str userinfo; /* before the "@" */
	struct heph_str host;     /* without the brackets of an IPv6 address */
	struct heph_str port;     /* digits, or empty */
	struct heph_str path;     /* may be empty; is always there */
	struct heph_str query;    /* behind the "?" */
	struct heph_str fragment; /* behind the "#" */
	bool is_ipv6;             /* the host was [in brackets] */
};

/* Splits a URI, or a reference to one: "../x?y". Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_uri_read(struct heph_str text,
					  struct heph_http_uri *ret_uri);

/* Writes it again. Returns 0, -ENOSPC. */
HEPH_API HEPH_MUST int heph_http_uri_write(const struct heph_http_uri *uri,
					   char *buf, size_t room,
					   struct heph_str *ret_text);

/* The port, or that of http or https if there is none; 0: of another scheme. */
HEPH_API unsigned heph_http_uri_port(const struct heph_http_uri *uri);

/*
 * What a reference means that is found at `base`, which has a scheme: section
 * 5.2. `ret_uri` is in the memory at `buf`, and has no "." and ".." in its path.
 * Returns 0, -ENOSPC; -EBADMSG: it has no host, and a path that would be one.
 */
HEPH_API HEPH_MUST int
heph_http_uri_resolve(const struct heph_http_uri *base,
		      const struct heph_http_uri *reference, char *buf,
		      size_t room, struct heph_http_uri *ret_uri);

/* ---- percent-encoding ------------------------------------------------------------- */

/* Without "%41". Returns 0, -EBADMSG (a "%" without two hexadecimal digits),
 * -ENOSPC. */
HEPH_API HEPH_MUST int heph_http_percent_decode(struct heph_str text, char *buf,
						size_t room,
						struct heph_str *ret_text);

/* With it for all but letters, digits, "-._~" and the characters in `keep`. Returns
 * 0, -ENOSPC: three times as large as the text is enough. */
HEPH_API HEPH_MUST int heph_http_percent_encode(struct heph_str text,
						const char *keep, char *buf,
						size_t room,
						struct heph_str *ret_text);

/*
 * The path of a request, decoded, as one of a file: it begins with "/", and has no
 * "." or ".." or "//". Returns 0, -ENOSPC; -EBADMSG: it does not begin so, would
 * leave the root, or hides a nul or a "/" in an encoding.
 */
HEPH_API HEPH_MUST int heph_http_path_clean(struct heph_str path, char *buf,
					     size_t room,
					     struct heph_str *ret_path);

/* ---- queries, and forms (application/x-www-form-urlencoded) ------------------------ */

/* The next pair of "a=b&c=d", as it is there: the value { NULL, 0 } has no "=".
 * Empty pairs are left out. Returns 1; 0: there is none. */
HEPH_API HEPH_MUST int heph_http_query_next(struct heph_str query, size_t *at,
					    struct heph_str *ret_name,
					    struct heph_str *ret_value);

/* As heph_http_percent_decode(), and "+" is a blank. */
HEPH_API HEPH_MUST int heph_http_query_decode(struct heph_str text, char *buf,
					      size_t room,
					      struct heph_str *ret_text);

/* The first value of that name, decoded. Returns 1; 0: there is none; -EBADMSG,
 * -ENOSPC. */
HEPH_API HEPH_MUST int heph_http_query_get(struct heph_str query,
					   const char *name, char *buf,
					   size_t room,
					   struct heph_str *ret_value);

/* Encodes a name or a value. Returns 0, -ENOSPC. */
HEPH_API HEPH_MUST int heph_http_query_encode(struct heph_str text, char *buf,
					      size_t room,
					      struct heph_str *ret_text);

#ifdef __cplusplus
}
#endif
#endif
