/* SPDX-License-Identifier: MIT */
/*
 * multipart.h - bodies of several parts, read as they come: RFC 2046, RFC 7578
 *
 * Wherever the body is cut into pieces, and however long a part is, this holds no
 * more than the head of one part. It reads what it is given:
 *
 *     while (size > 0) {
 *             got = heph_http_multipart_feed(form, data, size, &used, &piece);
 *             data += used, size -= used;
 *             switch (got) {
 *             case HEPH_HTTP_PART_BEGIN: ... form->fields ...
 *             case HEPH_HTTP_PART_DATA: ... piece ...
 *             case HEPH_HTTP_PART_END: ...
 *             }
 *     }
 *
 * Any thread, one at a time for each object.
 */
#ifndef HEPH_HTTP_MULTIPART_H
#define HEPH_HTTP_MULTIPART_H

#include <heph/http/media.h>
#include <heph/http/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_HTTP_PART_FIELDS = 16, /* in the head of a part */
	HEPH_HTTP_PART_HEAD = 4096, /* bytes of it */
	HEPH_HTTP_PARTS = 1000,     /* in a body, if nobody says another number */
	HEPH_HTTP_BOUNDARY = 70,    /* bytes of one; RFC 2046, section 5.1.1 */
};

/* What was found. */
enum heph_http_part_event {
	HEPH_HTTP_PART_MORE,  /* nothing: there must come more */
	HEPH_HTTP_PART_BEGIN, /* of a part; its `fields` are there until its end */
	HEPH_HTTP_PART_DATA,  /* a piece of it, not empty */
	HEPH_HTTP_PART_END,   /* of the part */
	HEPH_HTTP_PARTS_END,  /* of all parts; what follows is left out */
};

/* Five KiB: in memory of a request, or of the heap. Does not move while `fields`
 * are used. */
struct heph_http_multipart {
	struct heph_http_fields fields; /* of the part that is being read */
	unsigned parts; /* that have begun */
	unsigned parts_max;

	/* Its own. */
	unsigned state__;
	unsigned matched__; /* bytes of the delimiter that were there last */
	unsigned delimiter_size__;
	unsigned head_size__;
	char delimiter__[4 + HEPH_HTTP_BOUNDARY];
	char head__[HEPH_HTTP_PART_HEAD];
	struct heph_http_field lines__[HEPH_HTTP_PART_FIELDS];
};

/* Begins, with the value of Content-Type: multipart/ of any kind, with a boundary.
 * `parts_max` 0: HEPH_HTTP_PARTS. Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int heph_http_multipart_init(struct heph_http_multipart *form,
						struct heph_str content_type,
						unsigned parts_max);

/*
 * Goes on with `size` bytes at `data`, 1 or more. Returns what it has found next,
 * and sets `*ret_used` to how many bytes it has gone on by, and `*ret_piece` to a
 * piece of a part, which is valid as long as the data and the object. -EBADMSG: it
 * is malformed; -EMSGSIZE: the head of a part is too long, or has too many fields;
 * -E2BIG: too many parts.
 */
HEPH_API HEPH_MUST int heph_http_multipart_feed(struct heph_http_multipart *form,
						const char *data, size_t size,
						size_t *ret_used,
						struct heph_str *ret_piece);

/* Whether HEPH_HTTP_PARTS_END was there: the body is whole. */
HEPH_API bool heph_http_multipart_done(const struct heph_http_multipart *form);

/* A field of the part; { NULL, 0 }: there is none. Letters in any case. */
HEPH_API struct heph_str
heph_http_multipart_field(const struct heph_http_multipart *form,
			  const char *name);

#ifdef __cplusplus
}
#endif
#endif
