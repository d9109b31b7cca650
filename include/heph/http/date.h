/* SPDX-License-Identifier: MIT */
/* date.h - points in time, as HTTP writes them; RFC 9110, section 5.6.7. Any
 * thread. */
#ifndef HEPH_HTTP_DATE_H
#define HEPH_HTTP_DATE_H

#include <heph/str.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its nul. */
#define HEPH_HTTP_DATE_SIZE 30

/* Reads that, and both older forms: "Sunday, 06-Nov-94 08:49:37 GMT" and
 * "Sun Nov  6 08:49:37 1994". `ret_seconds` are since 1970, in UTC; less than 0
 * before. Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_date_read(struct heph_str text,
					   int64_t *ret_seconds);

/* Writes it, with a nul; what is before 1970 or after 9999 as the first or last
 * second of these years. */
HEPH_API void heph_http_date_write(int64_t seconds,
				   char text[HEPH_HTTP_DATE_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
