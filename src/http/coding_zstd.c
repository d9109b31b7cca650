/* SPDX-License-Identifier: MIT */
/*
 * zstd, by libzstd.
 *
 * With a window of 2^17 bytes and small tables an encoder has 1.2 MiB. A decoder
 * has what the sender's window takes, of which RFC 9659 allows 8 MiB.
 */
#include "http/coding.h"

#if HEPH_ZSTD
#include <heph/http/types.h>

#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "http/mem.h"

enum {
	LEVEL = 3,
	WINDOW = 17,   /* bits */
	TABLES = 15,   /* bits, of entries of four bytes */
	WINDOW_MAX = 23,
};

static int error_of(size_t result)
{
	return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ?
		       -ENOMEM :
		       -EBADMSG;
}

/* ---- encoding ----------------------------------------------------------------------- */

/* What the file's head says; the library takes all of these. */
static void set_up(ZSTD_CCtx *it, const struct heph_http_coder_options *options)
{
	ZSTD_CCtx_setParameter(it, ZSTD_c_compressionLevel,
			       options->level ? options->level : LEVEL);
	ZSTD_CCtx_setParameter(it, ZSTD_c_windowLog, WINDOW);
	ZSTD_CCtx_setParameter(it, ZSTD_c_hashLog, TABLES);
	ZSTD_CCtx_setParameter(it, ZSTD_c_chainLog, TABLES);
	if (options->length != HEPH_HTTP_UNKNOWN)
		ZSTD_CCtx_setPledgedSrcSize(it, options->length);
}

static int open_encoder(void **ret_state,
			const struct heph_http_coder_options *options)
{
	ZSTD_CCtx *it = heph_http_mem_allowed() ? ZSTD_createCCtx() : NULL;

	if (!it)
		return -ENOMEM;
	set_up(it, options);
	*ret_state = it;
	return 0;
}

static int encode(void *state, struct heph_http_coder_step *step)
{
	static const ZSTD_EndDirective directive[] = {
		[HEPH_HTTP_GO_ON] = ZSTD_e_continue,
		[HEPH_HTTP_FLUSH] = ZSTD_e_flush,
		[HEPH_HTTP_FINISH] = ZSTD_e_end,
	};
	ZSTD_inBuffer in = { step->in.data, step->in.size, 0 };
	ZSTD_outBuffer out = { step->out, step->room, 0 };
	size_t left;

	left = ZSTD_compressStream2(state, &out, &in, directive[step->wish]);
	heph_http_coder_move(step, in.pos, out.pos);
	if (ZSTD_isError(left))
		return error_of(left);
	if (step->wish == HEPH_HTTP_GO_ON)
		return step->in.size > 0 || step->room == 0;
	return left > 0;
}

static void close_encoder(void *state)
{
	ZSTD_freeCCtx(state);
}

const struct heph_http_coder_type heph_http_zstd_encoder = {
	open_encoder, encode, close_encoder
};

/* ---- decoding ----------------------------------------------------------------------- */

static int open_decoder(void **ret_state,
			const struct heph_http_coder_options *options)
{
	ZSTD_DCtx *it = heph_http_mem_allowed() ? ZSTD_createDCtx() : NULL;

	(void)options;
	if (!it)
		return -ENOMEM;
	ZSTD_DCtx_setParameter(it, ZSTD_d_windowLogMax, WINDOW_MAX);
	*ret_state = it;
	return 0;
}

/* Frames may follow each other; the end of one may be the end of all. */
static int decode(void *state, struct heph_http_coder_step *step)
{
	ZSTD_inBuffer in = { step->in.data, step->in.size, 0 };
	ZSTD_outBuffer out = { step->out, step->room, 0 };
	size_t left = ZSTD_decompressStream(state, &out, &in);

	heph_http_coder_move(step, in.pos, out.pos);
	if (ZSTD_isError(left))
		return error_of(left);
	return left > 0 || step->in.size > 0;
}

static void close_decoder(void *state)
{
	ZSTD_freeDCtx(state);
}

const struct heph_http_coder_type heph_http_zstd_decoder = {
	open_decoder, decode, close_decoder
};
#endif
