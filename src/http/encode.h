/* SPDX-License-Identifier: MIT */
/*
 * encode.h - applies a content coding, piece by piece
 *
 *     err = heph_http_encoder_new(coding, &options, &encoder);
 *     ... for each piece:
 *     while ((n = heph_http_encode(encoder, HEPH_HTTP_GO_ON, &piece, buf, size)) > 0)
 *             send(buf, n);
 *
 * Does not wait; an encoder is used by one thread at a time. How much memory each
 * one has is said in its file, coding_zlib.c and so on.
 */
#ifndef HEPH_HTTP_ENCODE_H
#define HEPH_HTTP_ENCODE_H

#include "http/coding.h"

struct heph_http_encoder;

/* Returns 0; -EOPNOTSUPP (not built in); -ENOMEM. */
int heph_http_encoder_new(enum heph_http_coding coding,
			  const struct heph_http_coder_options *options,
			  struct heph_http_encoder **ret_encoder)
	__attribute__((warn_unused_result));

/* NULL is allowed. */
void heph_http_encoder_free(struct heph_http_encoder *encoder);

/* Goes on with `*in`, which moves on. To be called until it returns 0: all of it is
 * taken, and what was wished is done; before that, how many bytes it has put into
 * `out`, which has room for 16 or more. -ENOMEM: it only can be freed. */
int heph_http_encode(struct heph_http_encoder *encoder,
		     enum heph_http_coder_wish wish, struct heph_str *in,
		     void *out, size_t size)
	__attribute__((warn_unused_result));

#endif
