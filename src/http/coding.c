/* SPDX-License-Identifier: MIT */
#include "http/coding.h"

#include <heph/http/accept.h>

#include <stddef.h>

static const struct {
	const char *name;
	const struct heph_http_coder_type *encoder, *decoder;
} codings[HEPH_HTTP_CODINGS] = {
	[HEPH_HTTP_IDENTITY] = { "identity", NULL, NULL },
#if HEPH_ZLIB
	[HEPH_HTTP_GZIP] = { "gzip", &heph_http_gzip_encoder,
			     &heph_http_gzip_decoder },
	[HEPH_HTTP_DEFLATE] = { "deflate", NULL, &heph_http_deflate_decoder },
#else
	[HEPH_HTTP_GZIP] = { "gzip", NULL, NULL },
	[HEPH_HTTP_DEFLATE] = { "deflate", NULL, NULL },
#endif
	[HEPH_HTTP_BR] = { "br",
#if HEPH_BROTLI
			   &heph_http_br_encoder,
#else
			   NULL,
#endif
#if HEPH_BROTLIDEC
			   &heph_http_br_decoder },
#else
			   NULL },
#endif
#if HEPH_ZSTD
	[HEPH_HTTP_ZSTD] = { "zstd", &heph_http_zstd_encoder,
			     &heph_http_zstd_decoder },
#else
	[HEPH_HTTP_ZSTD] = { "zstd", NULL, NULL },
#endif
};

enum heph_http_coding heph_http_coding_of(struct heph_str name)
{
	enum heph_http_coding coding = 0;

	if (heph_str_equal_case(name, "x-gzip"))
		return HEPH_HTTP_GZIP;
	while (coding < HEPH_HTTP_CODINGS &&
	       !heph_str_equal_case(name, codings[coding].name))
		coding++;
	return coding;
}

const char *heph_http_coding_name(enum heph_http_coding coding)
{
	return codings[coding].name;
}

enum heph_http_coding
heph_http_coding_choose(const struct heph_http_fields *fields,
			const enum heph_http_coding *order)
{
	const char *names[HEPH_HTTP_CODINGS];
	unsigned n = 0;
	int chosen;

	do
		names[n] = codings[order[n]].name;
	while (order[n++] != HEPH_HTTP_IDENTITY);
	chosen = heph_http_accept_encoding(fields, names, n);
	return chosen < 0 ? HEPH_HTTP_IDENTITY : order[chosen];
}

const struct heph_http_coder_type *
heph_http_encoder_type(enum heph_http_coding coding)
{
	return coding < HEPH_HTTP_CODINGS ? codings[coding].encoder : NULL;
}

const struct heph_http_coder_type *
heph_http_decoder_type(enum heph_http_coding coding)
{
	return coding < HEPH_HTTP_CODINGS ? codings[coding].decoder : NULL;
}
