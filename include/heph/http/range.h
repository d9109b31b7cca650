/* SPDX-License-Identifier: MIT */
/* range.h - parts of a body; RFC 9110, section 14. Any thread. */
#ifndef HEPH_HTTP_RANGE_H
#define HEPH_HTTP_RANGE_H

#include <heph/http/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes `first` to `first + size - 1`; `size` is not 0. */
struct heph_http_range {
	uint64_t first, size;
};

/*
 * Reads the value of Range, of a body of `length` bytes: those ranges of it that
 * are within the body, `room` at most, in the order in which they are asked for.
 * Returns how many, 1 or more: 206; -ERANGE: none is within it: 416. With any
 * other error the field is to be ignored: -EBADMSG (other units, or malformed);
 * -E2BIG (more than `room`, or together more than the whole body, which nobody
 * needs who means well).
 */
HEPH_API HEPH_MUST int heph_http_range_read(struct heph_str text,
					    uint64_t length,
					    struct heph_http_range *ranges,
					    unsigned room);

/* Content-Range. */
struct heph_http_content_range {
	struct heph_http_range range; /* `size` 0: "*", as 416 has it */
	uint64_t length; /* of the whole; HEPH_HTTP_UNKNOWN: "*" */
};

#define HEPH_HTTP_CONTENT_RANGE_SIZE 72

/* Reads "bytes 0-9/100". Returns 0, -EBADMSG. */
HEPH_API HEPH_MUST int
heph_http_content_range_read(struct heph_str text,
			     struct heph_http_content_range *ret_range);

/* Writes it, with a nul. Not both `size` 0 and `length` unknown. */
HEPH_API void
heph_http_content_range_write(const struct heph_http_content_range *range,
			      char text[HEPH_HTTP_CONTENT_RANGE_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
