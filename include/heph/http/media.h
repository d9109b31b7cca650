/* SPDX-License-Identifier: MIT */
/* media.h - media types, and how a body is to be treated; RFC 9110, section 8.3;
 * RFC 6266. Any thread. */
#ifndef HEPH_HTTP_MEDIA_H
#define HEPH_HTTP_MEDIA_H

#include <heph/http/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "text/html; charset=utf-8". */
struct heph_http_media {
	struct heph_str type, subtype;
	struct heph_str params; /* for heph_http_params_get() */
};

/* Reads it. Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_media_read(struct heph_str text,
					    struct heph_http_media *ret_media);

/* Whether it is that: "text/html", or "text/" for all of a type; in any case. */
HEPH_API bool heph_http_media_is(const struct heph_http_media *media,
				 const char *name);

/* Content-Disposition, as parts of a form have it. */
struct heph_http_disposition {
	struct heph_str type; /* "form-data", "attachment" */
	struct heph_str name; /* { NULL, 0 }: there is none */
	/* What the client calls the file; { NULL, 0 }: there is none. It may be a
	 * path, or harmful: it is no name to open a file with. */
	struct heph_str filename;
};

/* Reads it; `filename*` (RFC 8187, in UTF-8) counts more than `filename`. What has
 * to be decoded is written to `buf`; as large as the text is enough. Returns 0,
 * -EBADMSG, -ENOSPC. */
HEPH_API HEPH_MUST int
heph_http_disposition_read(struct heph_str text, char *buf, size_t room,
			   struct heph_http_disposition *ret_disposition);

#ifdef __cplusplus
}
#endif
#endif
