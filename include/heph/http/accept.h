/* SPDX-License-Identifier: MIT */
/*
 * accept.h - which of several answers a client likes best; RFC 9110, section 12.5
 *
 * `offered` are `n` of them, the one that the server likes best first: it decides
 * where the client does not. All fields of the name count. Each returns a number
 * below `n`; -ENOENT: the client wants none of them (406, or send one anyway);
 * -EBADMSG: a field cannot be read (400, or as if it was not there). Any thread.
 */
#ifndef HEPH_HTTP_ACCEPT_H
#define HEPH_HTTP_ACCEPT_H

#include <heph/http/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Accept: of media types, "application/json", "text/html;level=1". Without the
 * field: the first. */
HEPH_API HEPH_MUST int
heph_http_accept_type(const struct heph_http_fields *fields,
		      const char *const *offered, unsigned n);

/* Accept-Encoding: of codings, "br", "gzip", "identity". That last one is wanted
 * unless it is refused, but least; without the field nothing else is. */
HEPH_API HEPH_MUST int
heph_http_accept_encoding(const struct heph_http_fields *fields,
			  const char *const *offered, unsigned n);

/* Accept-Language: of languages, "en", "de-CH"; "de" is wanted by who wants "de-CH"
 * alone, if nothing is better. Without the field: the first. */
HEPH_API HEPH_MUST int
heph_http_accept_language(const struct heph_http_fields *fields,
			  const char *const *offered, unsigned n);

/* A member of such a list. */
struct heph_http_choice {
	struct heph_str value;  /* "text/html", "gzip", "*" */
	struct heph_str params; /* behind it, without "q" and what follows that */
	unsigned q;             /* in thousandths: 0, not wanted, to 1000 */
};

/* The next one; as heph_http_list_next(). */
HEPH_API HEPH_MUST int heph_http_choice_next(struct heph_str list, size_t *at,
					     struct heph_http_choice *ret_choice);

#ifdef __cplusplus
}
#endif
#endif
