/* SPDX-License-Identifier: MIT */
/* mime.h - media types by the end of a name */
#ifndef HEPH_HTTP_MIME_H
#define HEPH_HTTP_MIME_H

#include <heph/http/static.h>

/* As heph_http_mime_type(), with `more` before ours, or NULL. */
const char *heph_http_mime_find(const struct heph_http_mime *more,
				struct heph_str name);

#endif
