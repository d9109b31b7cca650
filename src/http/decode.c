/* SPDX-License-Identifier: MIT */
#include "http/decode.h"

#include <errno.h>
#include <limits.h>

#include "http/coding.h"
#include "http/mem.h"

struct heph_http_decoder {
	const struct heph_http_coder_type *type;
	void *state;
	uint64_t left; /* bytes that may come out */
	bool begun, ended;
};

const char *heph_http_decoder_accepts(void)
{
#if HEPH_ZLIB
#define ACCEPTS_ZLIB ", gzip, deflate"
#else
#define ACCEPTS_ZLIB ""
#endif
#if HEPH_BROTLIDEC
#define ACCEPTS_BR ", br"
#else
#define ACCEPTS_BR ""
#endif
#if HEPH_ZSTD
#define ACCEPTS_ZSTD ", zstd"
#else
#define ACCEPTS_ZSTD ""
#endif
	static const char all[] = ACCEPTS_ZLIB ACCEPTS_BR ACCEPTS_ZSTD;

	return sizeof(all) > 1 ? all + 2 : "identity";
}

static int open_state(struct heph_http_decoder *it)
{
	const struct heph_http_coder_options options = { 0 };

	return it->type->open(&it->state, &options);
}

int heph_http_decoder_new(struct heph_str coding, uint64_t limit,
			  struct heph_http_decoder **ret_decoder)
{
	enum heph_http_coding which = heph_http_coding_of(coding);
	const struct heph_http_coder_type *type = heph_http_decoder_type(which);
	struct heph_http_decoder *it;
	int err;

	if (coding.size == 0 || which == HEPH_HTTP_IDENTITY)
		return 1;
	if (!type)
		return -EOPNOTSUPP;
	it = heph_http_mem_alloc(sizeof(*it));
	if (!it)
		return -ENOMEM;
	*it = (struct heph_http_decoder){ .type = type, .left = limit };
	err = open_state(it);
	if (err < 0)
		heph_http_mem_free(it);
	else
		*ret_decoder = it;
	return err;
}

void heph_http_decoder_free(struct heph_http_decoder *it)
{
	if (!it)
		return;
	it->type->close(it->state);
	heph_http_mem_free(it);
}

/* As long as nothing has come out, and something goes in. */
static int step_on(struct heph_http_decoder *it,
		   struct heph_http_coder_step *step)
{
	const char *out = step->out;
	size_t before;
	int more;

	do {
		before = step->in.size;
		if (before > 0)
			it->begun = true;
		more = it->type->step(it->state, step);
		if (more < 0)
			return more;
		it->ended = more == 0;
	} while (!it->ended && step->out == out && step->in.size != before &&
		 step->in.size > 0);
	return 0;
}

/* One byte more than is allowed is room enough to see that it is too much. */
static size_t room_for(const struct heph_http_decoder *it, size_t size)
{
	if (size > INT_MAX)
		size = INT_MAX;
	return it->left < size ? (size_t)it->left + 1 : size;
}

int heph_http_decode(struct heph_http_decoder *it, struct heph_str *in,
		     void *out, size_t size)
{
	struct heph_http_coder_step step = { .in = *in, .out = out };
	size_t n;
	int err;

	if (it->ended && in->size == 0)
		return 0;
	if (it->ended && !it->begun)
		return -EBADMSG;
	step.room = room_for(it, size);
	err = step_on(it, &step);
	n = (size_t)(step.out - (char *)out);
	*in = step.in;
	if (err < 0)
		return err;
	if (n > it->left)
		return -EMSGSIZE;
	if (n == 0 && in->size > 0)
		return -EBADMSG; /* it takes no more: something follows */
	if (it->left != UINT64_MAX)
		it->left -= n;
	return (int)n;
}

int heph_http_decode_end(const struct heph_http_decoder *it)
{
	return it->ended || !it->begun ? 0 : -EBADMSG;
}
