/* SPDX-License-Identifier: MIT */
/* However a chunked body comes, the same comes out of it, trailers included. */
#include "http.h"

static struct heph_http_field places[ROOM];
static struct heph_http_fields fields;

/* What has come out. */
struct outcome {
	int err;
	enum heph_http_wrong wrong;
	size_t used, size;
	char body[SIZE_MOST];
};

static void feed(struct outcome *out, const char *data, size_t size, size_t step)
{
	struct heph_http_chunks chunks = { 0 };

	out->err = 1;
	out->used = 0;
	out->size = 0;
	while (out->err == 1 && out->used < size) {
		size_t left = size - out->used, used, body;
		size_t piece = left < step ? left : step;
		char *copy = copy_of(data + out->used, piece);

		out->err = heph_http_parse_chunks(&chunks, copy, piece, &used,
						  &body);
		heph_assert(used > 0 && used <= piece && body <= used);
		heph_assert(out->err != 1 || used == piece || body > 0);
		heph_assert(out->err >= 0 || body == 0);
		memcpy(out->body + out->size, copy + used - body, body);
		out->size += body;
		out->used += used;
		free(copy);
	}
	out->wrong = chunks.wrong;
	heph_assert((out->err < 0) == (out->wrong != HEPH_HTTP_FINE));
}

static ssize_t parse_trailers(const char *data, size_t size, size_t seen,
			      enum heph_http_wrong *ret_wrong)
{
	const struct heph_http_limits limits = { .head = 512, .fields = 8 };
	ssize_t n;

	fields = (struct heph_http_fields){ .at = places, .room = ROOM };
	n = heph_http_parse_trailers(data, size, seen, &limits, &fields,
				     ret_wrong);
	heph_assert(n <= (ssize_t)size);
	if (n > 0)
		check_fields(&fields, data, n);
	return n;
}

/* In chunks of that size the body is the same again. */
static void check_again(const struct outcome *out, size_t step)
{
	static char text[16 * SIZE_MOST];
	static struct outcome again;
	size_t n = 0;

	for (size_t at = 0; at < out->size; at += step) {
		size_t piece = out->size - at < step ? out->size - at : step;

		n += (size_t)sprintf(text + n, "%zx;a=\"%zu\"\r\n", piece, at);
		memcpy(text + n, out->body + at, piece);
		n += piece;
		n += (size_t)sprintf(text + n, "\r\n");
	}
	n += (size_t)sprintf(text + n, "0\r\n");
	feed(&again, text, n, 1 + step * 2);
	heph_assert(again.err == 0 && again.used == n);
	heph_assert(again.size == out->size);
	heph_assert(memcmp(again.body, out->body, out->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces;
	const char *text = (const char *)data + 1;
	size_t step;

	if (size < 1 || --size > SIZE_MOST)
		return 0;
	step = 1 + data[0] % 64;
	feed(&whole, text, size, SIZE_MOST);
	feed(&pieces, text, size, step);
	heph_assert(pieces.err == whole.err && pieces.wrong == whole.wrong);
	heph_assert(pieces.used == whole.used && pieces.size == whole.size);
	heph_assert(memcmp(pieces.body, whole.body, whole.size) == 0);
	if (whole.err == 0) {
		check_again(&whole, step);
		check_splits(parse_trailers, text + whole.used,
			     size - whole.used);
	}
	return 0;
}
