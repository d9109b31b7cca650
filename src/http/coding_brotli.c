/* SPDX-License-Identifier: MIT */
/*
 * br, by brotli.
 *
 * Quality 3 takes half the time of gzip at 5, for as few bytes.
 *
 * The encoder of Debian and others ends the process when it gets no memory. So all
 * that it can need is got before it begins, when there still is another way, and
 * dealt out from there: 2 MiB, of which 1.6 are touched at most; 768 KiB for what is
 * known to be short. It gives back in about the reverse order, so no more is
 * needed than to take back the last piece.
 *
 * A decoder has what the sender's window takes: 16 MiB and a little more at most.
 */
#include "http/coding.h"

#include <heph/http/types.h>

#include <errno.h>

#include "http/mem.h"

#if HEPH_BROTLI
#include <brotli/encode.h>

enum {
	QUALITY = 3,
	WINDOW = 17, /* bits */
	WINDOW_MIN = BROTLI_MIN_WINDOW_BITS,
	SHORT = 32 << 10, /* bytes of a body */
	SHORT_ROOM = 768 << 10,
	LONG_ROOM = 2 << 20,
	ALIGN = 64, /* bytes */
};

/* ---- its memory ----------------------------------------------------------------------- */

struct encoder {
	BrotliEncoderState *state;
	char *room;
	size_t size, used; /* bytes of it */
	size_t last;       /* where the last piece begins; `used`: it was freed */
};

/* Should there be more than was ever seen, it is dealt out one by one. */
static void *deal(void *opaque, size_t size)
{
	struct encoder *it = opaque;
	size_t whole = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	if (whole < size || whole > it->size - it->used)
		return heph_http_mem_alloc(size);
	it->last = it->used;
	it->used += whole;
	return it->room + it->last;
}

static void take_back(void *opaque, void *ptr)
{
	struct encoder *it = opaque;
	char *piece = ptr;

	if (!piece)
		return;
	if (piece < it->room || piece >= it->room + it->size)
		heph_http_mem_free(piece);
	else if (piece == it->room + it->last)
		it->used = it->last;
}

static struct encoder *encoder_new(size_t size)
{
	struct encoder *it = heph_http_mem_alloc(sizeof(*it));

	if (!it)
		return NULL;
	*it = (struct encoder){ .size = size };
	it->room = heph_http_mem_alloc(size);
	if (it->room)
		return it;
	heph_http_mem_free(it);
	return NULL;
}

static void encoder_free(struct encoder *it)
{
	heph_http_mem_free(it->room);
	heph_http_mem_free(it);
}

/* ---- encoding --------------------------------------------------------------------------- */

static uint32_t window_for(uint64_t length)
{
	uint32_t bits = WINDOW_MIN;

	while (bits < WINDOW && length > UINT64_C(1) << bits)
		bits++;
	return bits;
}

static void set_up(BrotliEncoderState *state,
		   const struct heph_http_coder_options *options)
{
	uint32_t quality = options->level ? (uint32_t)options->level : QUALITY;

	BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, quality);
	BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN,
				  window_for(options->length));
	if (options->length < UINT32_MAX)
		BrotliEncoderSetParameter(state, BROTLI_PARAM_SIZE_HINT,
					  (uint32_t)options->length);
}

static int open_encoder(void **ret_state,
			const struct heph_http_coder_options *options)
{
	struct encoder *it = encoder_new(
		options->length <= SHORT ? SHORT_ROOM : LONG_ROOM);

	if (!it)
		return -ENOMEM;
	it->state = BrotliEncoderCreateInstance(deal, take_back, it);
	if (!it->state) {
		encoder_free(it);
		return -ENOMEM;
	}
	set_up(it->state, options);
	*ret_state = it;
	return 0;
}

static bool all_is_out(BrotliEncoderState *it,
		       const struct heph_http_coder_step *step)
{
	if (step->in.size > 0 || BrotliEncoderHasMoreOutput(it))
		return false;
	return step->wish != HEPH_HTTP_FINISH || BrotliEncoderIsFinished(it);
}

static int encode(void *state, struct heph_http_coder_step *step)
{
	static const BrotliEncoderOperation operation[] = {
		[HEPH_HTTP_GO_ON] = BROTLI_OPERATION_PROCESS,
		[HEPH_HTTP_FLUSH] = BROTLI_OPERATION_FLUSH,
		[HEPH_HTTP_FINISH] = BROTLI_OPERATION_FINISH,
	};
	struct encoder *it = state;
	const uint8_t *in = (const uint8_t *)step->in.data;
	uint8_t *out = (uint8_t *)step->out;
	size_t in_left = step->in.size, room = step->room;
	bool fine = BrotliEncoderCompressStream(it->state,
						operation[step->wish], &in_left,
						&in, &room, &out, NULL);

	heph_http_coder_move(step, step->in.size - in_left, step->room - room);
	if (!fine)
		return -ENOMEM;
	return !all_is_out(it->state, step);
}

static void close_encoder(void *state)
{
	struct encoder *it = state;

	BrotliEncoderDestroyInstance(it->state);
	encoder_free(it);
}

const struct heph_http_coder_type heph_http_br_encoder = { open_encoder, encode,
							   close_encoder };
#endif

#if HEPH_BROTLIDEC
#include <brotli/decode.h>

/* ---- decoding --------------------------------------------------------------------------- */

static void *alloc(void *opaque, size_t size)
{
	(void)opaque;
	return heph_http_mem_alloc(size);
}

static void give_back(void *opaque, void *ptr)
{
	(void)opaque;
	heph_http_mem_free(ptr);
}

static int open_decoder(void **ret_state,
			const struct heph_http_coder_options *options)
{
	(void)options;
	*ret_state = BrotliDecoderCreateInstance(alloc, give_back, NULL);
	return *ret_state ? 0 : -ENOMEM;
}

static int error_of(BrotliDecoderState *it)
{
	BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(it);

	return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
			       code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES ?
		       -ENOMEM :
		       -EBADMSG;
}

static int decode(void *state, struct heph_http_coder_step *step)
{
	const uint8_t *in = (const uint8_t *)step->in.data;
	uint8_t *out = (uint8_t *)step->out;
	size_t in_left = step->in.size, room = step->room;
	BrotliDecoderResult result = BrotliDecoderDecompressStream(
		state, &in_left, &in, &room, &out, NULL);

	heph_http_coder_move(step, step->in.size - in_left, step->room - room);
	if (result == BROTLI_DECODER_RESULT_ERROR)
		return error_of(state);
	return result != BROTLI_DECODER_RESULT_SUCCESS;
}

static void close_decoder(void *state)
{
	BrotliDecoderDestroyInstance(state);
}

const struct heph_http_coder_type heph_http_br_decoder = { open_decoder, decode,
							   close_decoder };
#endif
