/* SPDX-License-Identifier: MIT */
/* base64.h - three bytes as four characters; RFC 4648, section 4. Any thread. */
#ifndef HTTP_BASE64_H
#define HTTP_BASE64_H

#include "http/text.h"

/* Appends it. */
void heph_http_base64_encode(struct text_out *out, const void *data, size_t size);

/* Appends what it means. Returns 0; -EBADMSG: a character that is none of it, a
 * wrong length, padding where none can be, or bits that are not 0 behind the
 * end. */
int heph_http_base64_decode(struct text_out *out, struct heph_str text);

#endif
