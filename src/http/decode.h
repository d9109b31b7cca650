/* SPDX-License-Identifier: MIT */
/*
 * decode.h - undoes a content coding, piece by piece
 *
 *     err = heph_http_decoder_new(coding, limit, &decoder);
 *     ... for each piece of the body:
 *     while ((n = heph_http_decode(decoder, &piece, buf, sizeof(buf))) > 0)
 *             use(buf, n);
 *     ... when n is 0 the piece is used up; at the end of the body:
 *     err = heph_http_decode_end(decoder);
 *
 * Who sends a few bytes that become gigabytes is stopped by `limit`. Does not
 * wait; a decoder is used by one thread at a time, and needs some KiB of stack.
 */
#ifndef HEPH_HTTP_DECODE_H
#define HEPH_HTTP_DECODE_H

#include <heph/str.h>
#include <heph/types.h>

struct heph_http_decoder;

/* What to ask servers for: "gzip, deflate, br, zstd" of those that are built in;
 * "identity" if none is. */
const char *heph_http_decoder_accepts(void);

/*
 * `coding` is the value of Content-Encoding, one coding in any case of letters;
 * `limit` how many bytes may come out in all, HEPH_HTTP_UNKNOWN: any number.
 * Returns 0; 1: it is "identity" or empty, and there is nothing to decode;
 * -EOPNOTSUPP (not built in, unknown, or several); -ENOMEM.
 */
int heph_http_decoder_new(struct heph_str coding, uint64_t limit,
			  struct heph_http_decoder **ret_decoder)
	__attribute__((warn_unused_result));

/* NULL is allowed. */
void heph_http_decoder_free(struct heph_http_decoder *decoder);

/*
 * Goes on with `*in`, which moves on by what was taken. Returns how many bytes it
 * has put into `out`; 0: all of `*in` is taken, and it wants more; -EBADMSG
 * (malformed, or something follows its end); -EMSGSIZE (more than `limit`);
 * -ENOMEM. After an error it only can be freed.
 */
int heph_http_decode(struct heph_http_decoder *decoder, struct heph_str *in,
		     void *out, size_t size)
	__attribute__((warn_unused_result));

/* No more will come. Returns 0; -EBADMSG: the end is missing. Of nothing at all
 * there was no end to come. */
int heph_http_decode_end(const struct heph_http_decoder *decoder)
	__attribute__((warn_unused_result));

#endif
