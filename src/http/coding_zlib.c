/* SPDX-License-Identifier: MIT */
/*
 * gzip and deflate, by zlib.
 *
 * An encoder has 2^(window + 2) + 2^(level of memory + 9) bytes: 256 KiB, and less
 * for what is known to be short. A decoder has 40 KiB.
 */
#include "http/coding.h"

#if HEPH_ZLIB
#include <heph/http/types.h>

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#include "http/mem.h"

enum {
	LEVEL = 5,
	WINDOW = 15, /* bits; of what it looks back */
	WINDOW_MIN = 9,
	MEMORY = 8,   /* of the tables: 2^(MEMORY + 9) bytes */
	AS_GZIP = 16, /* added to the window */
};

static voidpf alloc(voidpf opaque, uInt n, uInt size)
{
	(void)opaque;
	return heph_http_mem_alloc((size_t)n * size);
}

static void give_back(voidpf opaque, voidpf ptr)
{
	(void)opaque;
	heph_http_mem_free(ptr);
}

/* One step lies between these. */
static void put_in(z_stream *z, const struct heph_http_coder_step *step)
{
	z->next_in = (z_const Bytef *)(uintptr_t)step->in.data;
	z->avail_in = step->in.size < UINT_MAX ? (uInt)step->in.size : UINT_MAX;
	z->next_out = (Bytef *)step->out;
	z->avail_out = step->room < UINT_MAX ? (uInt)step->room : UINT_MAX;
}

static void take_out(const z_stream *z, struct heph_http_coder_step *step)
{
	heph_http_coder_move(step,
			     (size_t)((const char *)z->next_in - step->in.data),
			     (size_t)((const char *)z->next_out - step->out));
}

/* ---- encoding ----------------------------------------------------------------------- */

static int window_for(uint64_t length)
{
	int bits = WINDOW_MIN;

	while (bits < WINDOW && length > UINT64_C(1) << bits)
		bits++;
	return bits;
}

static int open_encoder(void **ret_state,
			const struct heph_http_coder_options *options)
{
	int level = options->level ? options->level : LEVEL;
	int window = window_for(options->length);
	z_stream *z = heph_http_mem_alloc(sizeof(*z));

	if (!z)
		return -ENOMEM;
	*z = (z_stream){ .zalloc = alloc, .zfree = give_back };
	if (deflateInit2(z, level, Z_DEFLATED, window + AS_GZIP,
			 window - WINDOW + MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		heph_http_mem_free(z);
		return -ENOMEM;
	}
	*ret_state = z;
	return 0;
}

/* All is out when it had more room than it wanted. */
static int encode(void *state, struct heph_http_coder_step *step)
{
	static const int flush[] = { [HEPH_HTTP_GO_ON] = Z_NO_FLUSH,
				     [HEPH_HTTP_FLUSH] = Z_SYNC_FLUSH,
				     [HEPH_HTTP_FINISH] = Z_FINISH };
	z_stream *z = state;
	int result;

	put_in(z, step);
	result = deflate(z, flush[step->wish]);
	take_out(z, step);
	if (step->wish == HEPH_HTTP_FINISH)
		return result != Z_STREAM_END;
	return step->in.size > 0 || step->room == 0;
}

static void close_encoder(void *state)
{
	deflateEnd(state);
	heph_http_mem_free(state);
}

const struct heph_http_coder_type heph_http_gzip_encoder = {
	open_encoder, encode, close_encoder
};

/* ---- decoding ----------------------------------------------------------------------- */

struct decoder {
	z_stream z;
	bool gzip;
	bool begun; /* it was seen which format it is */
	bool ended; /* a member; another one may follow */
};

static int open_decoder(void **ret_state, bool gzip)
{
	struct decoder *it = heph_http_mem_alloc(sizeof(*it));

	if (!it)
		return -ENOMEM;
	*it = (struct decoder){ .gzip = gzip, .begun = gzip };
	it->z.zalloc = alloc;
	it->z.zfree = give_back;
	if (inflateInit2(&it->z, gzip ? WINDOW + AS_GZIP : WINDOW) != Z_OK) {
		heph_http_mem_free(it);
		return -ENOMEM;
	}
	*ret_state = it;
	return 0;
}

static int open_gzip(void **ret_state,
		     const struct heph_http_coder_options *options)
{
	(void)options;
	return open_decoder(ret_state, true);
}

static int open_deflate(void **ret_state,
			const struct heph_http_coder_options *options)
{
	(void)options;
	return open_decoder(ret_state, false);
}

/* "deflate" is zlib's format (RFC 9110, section 8.4.1.2), but some send what is
 * inside of it alone. The first byte tells: its low four bits are 8 in the one, and
 * in the other a block of a kind that is not there, or one stored with bits set
 * that writers leave 0. */
static int begin(struct decoder *it, struct heph_str in)
{
	it->begun = true;
	if ((in.data[0] & 15) == Z_DEFLATED)
		return Z_OK;
	return inflateReset2(&it->z, -WINDOW);
}

static int error_of(int result)
{
	return result == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

static int decode(void *state, struct heph_http_coder_step *step)
{
	struct decoder *it = state;
	int result = Z_OK;

	if (step->in.size > 0 && !it->begun)
		result = begin(it, step->in);
	if (step->in.size > 0 && it->ended && it->gzip)
		result = inflateReset(&it->z);
	if (step->in.size > 0)
		it->ended = false;
	if (result != Z_OK)
		return error_of(result);
	put_in(&it->z, step);
	result = inflate(&it->z, Z_NO_FLUSH);
	take_out(&it->z, step);
	it->ended = result == Z_STREAM_END;
	if (it->ended)
		return it->gzip && step->in.size > 0;
	return result == Z_OK || result == Z_BUF_ERROR ? 1 : error_of(result);
}

static void close_decoder(void *state)
{
	struct decoder *it = state;

	inflateEnd(&it->z);
	heph_http_mem_free(it);
}

const struct heph_http_coder_type heph_http_gzip_decoder = { open_gzip, decode,
							     close_decoder };
const struct heph_http_coder_type heph_http_deflate_decoder = {
	open_deflate, decode, close_decoder
};
#endif
