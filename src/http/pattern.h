/* SPDX-License-Identifier: MIT */
/*
 * pattern.h - the path of a route, piece by piece
 *
 * What is behind each "/" is a piece; "/" has one, which is empty, and "/items/"
 * has two. Mounts put patterns one behind the other. What is written down is in
 * router.h. Any thread.
 */
#ifndef HEPH_HTTP_PATTERN_H
#define HEPH_HTTP_PATTERN_H

#include <heph/http/router.h>

#include <stdbool.h>
#include <stdint.h>

/* In the order in which they are tried. */
enum heph_http_piece_kind {
	HEPH_HTTP_TEXT,
	HEPH_HTTP_U64,
	HEPH_HTTP_I64,
	HEPH_HTTP_ANY,
	HEPH_HTTP_REST,
};

struct heph_http_piece {
	enum heph_http_piece_kind kind;
	struct heph_str text; /* or the name of a parameter; of the path that was
				 read */
};

struct heph_http_pattern {
	unsigned n;
	unsigned params;
	struct heph_http_piece at[HEPH_HTTP_SEGMENTS_MAX];
};

/* Adds the pieces of a path to a pattern, { 0 } at first. A mount's path may not
 * end with "/" or {rest...}. Returns NULL; or why it cannot be, in words. */
const char *heph_http_pattern_add(struct heph_http_pattern *pattern,
				  const char *path, bool mount);

/* Whether a segment is the only way to write some number. */
bool heph_http_is_u64(struct heph_str text, uint64_t *ret_number);
bool heph_http_is_i64(struct heph_str text, int64_t *ret_number);

/* Whether that piece, not of {rest...}, fits a segment. */
bool heph_http_piece_fits(const struct heph_http_piece *piece,
			  struct heph_str segment);

#endif
