/* SPDX-License-Identifier: MIT */
/*
 * coding.h - the content codings that are built in
 *
 * A coder turns bytes into other bytes, as a stream, in one direction: decode.h
 * and encode.h are what others use. Each library has a file of its own,
 * coding_zlib.c and so on, which is empty where the library is missing.
 */
#ifndef HEPH_HTTP_CODING_H
#define HEPH_HTTP_CODING_H

#include <heph/http/types.h>
#include <heph/str.h>

#include <stdint.h>

/* Of RFC 9110, section 8.4.1; br: RFC 7932, zstd: RFC 8878. */
enum heph_http_coding {
	HEPH_HTTP_IDENTITY,
	HEPH_HTTP_GZIP,
	HEPH_HTTP_DEFLATE, /* zlib's format; for decoding only */
	HEPH_HTTP_BR,
	HEPH_HTTP_ZSTD,
	HEPH_HTTP_CODINGS,
};

/* Which one has that name, in any case of letters; "x-gzip" is gzip.
 * HEPH_HTTP_CODINGS: none that is known. */
enum heph_http_coding heph_http_coding_of(struct heph_str name);

/* "gzip" */
const char *heph_http_coding_name(enum heph_http_coding coding);

/* Which of `order` the client of those fields wants most, the first if it wants
 * several as much; identity if it wants none of them. `order` ends with identity. */
enum heph_http_coding
heph_http_coding_choose(const struct heph_http_fields *fields,
			const enum heph_http_coding *order);

/* ---- what a library does ---------------------------------------------------------- */

/* What is to be done besides taking what comes in; encoders only. */
enum heph_http_coder_wish {
	HEPH_HTTP_GO_ON,
	HEPH_HTTP_FLUSH, /* what went in can be read by the other side */
	HEPH_HTTP_FINISH,
};

/* One step: `in` is what is not taken yet, `out` where there is room. Both move
 * on. */
struct heph_http_coder_step {
	struct heph_str in;
	char *out;
	size_t room;
	enum heph_http_coder_wish wish;
};

struct heph_http_coder_options {
	uint64_t length; /* that will go in; HEPH_HTTP_UNKNOWN */
	int level;       /* in the library's terms; 0: ours */
};

struct heph_http_coder_type {
	/* Returns 0; -ENOMEM. */
	int (*open)(void **ret_state,
		    const struct heph_http_coder_options *options);
	/*
	 * Returns 1: there is more to do, with more room or more input; 0: what was
	 * wished is done, or, of a decoder, the end was found; -EBADMSG, -ENOMEM.
	 */
	int (*step)(void *state, struct heph_http_coder_step *step);
	void (*close)(void *state);
};

/* NULL: it is not built in. */
const struct heph_http_coder_type *
heph_http_encoder_type(enum heph_http_coding coding);
const struct heph_http_coder_type *
heph_http_decoder_type(enum heph_http_coding coding);

extern const struct heph_http_coder_type heph_http_gzip_encoder,
	heph_http_gzip_decoder, heph_http_deflate_decoder, heph_http_br_encoder,
	heph_http_br_decoder, heph_http_zstd_encoder, heph_http_zstd_decoder;

/* Moves a step on by what was taken and what was given. */
static inline void heph_http_coder_move(struct heph_http_coder_step *step,
					size_t taken, size_t given)
{
	step->in.data += taken;
	step->in.size -= taken;
	step->out += given;
	step->room -= given;
}

#endif
