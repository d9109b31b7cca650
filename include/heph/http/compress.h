/* SPDX-License-Identifier: MIT */
/*
 * compress.h - bodies of responses, compressed for those who take it
 *
 *     .around = HEPH_HTTP_AROUND(HEPH_HTTP_COMPRESS())
 *     .around = HEPH_HTTP_AROUND(HEPH_HTTP_COMPRESS(.min_size = 4096))
 *
 * By zstd, br (brotli) and gzip, those of them that were there when the library was
 * built; the client's Accept-Encoding decides, q-values, "*" and identity included.
 * What a handler flushes reaches the client at once, so events can be streamed.
 *
 * Left as it is: a body shorter than `min_size`, or of a type that is compressed in
 * itself, as images are; one with a Content-Encoding; parts of a whole (206);
 * and "Cache-Control: no-transform". Vary names Accept-Encoding where it made a
 * difference. An entity tag becomes a weak one, because the bytes are others, and
 * Accept-Ranges goes.
 *
 * Memory, until the response is sent: zstd 1.2 MiB, br 2 MiB, gzip 0.3 MiB, less for
 * bodies that are known to be short; 16 KiB besides. If there is none the body goes
 * as it is. Other actors get a turn after each 32 KiB.
 *
 * What is secret should not be compressed together with what an attacker can choose:
 * the length tells what of it is the same (BREACH).
 */
#ifndef HEPH_HTTP_COMPRESS_H
#define HEPH_HTTP_COMPRESS_H

#include <heph/http/message.h>
#include <heph/http/middleware.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_http_compress {
	size_t size;       /* of this struct; set by the macro */
	uint64_t min_size; /* bytes; 0: 1,024 */
	/* Media types with blanks between, one "*" in each for any letters, instead
	 * of ours, which are text, JSON, XML, JavaScript, SVG, WebAssembly, and fonts
	 * that are not compressed: "application/json text/x-*". NULL: ours. */
	const char *types;
	int zstd_level;   /* of the libraries; 0: 3, 3 and 5, of each */
	int br_quality;
	int gzip_level;
	bool no_zstd, no_br, no_gzip;
};

/* Middleware for `.around`, with members of struct heph_http_compress. */
#define HEPH_HTTP_COMPRESS(...) HEPH_HTTP_MIDDLEWARE__(compress, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(compress);

/*
 * The same by hand, in a handler, before the response is begun: it is compressed if it
 * can be and the client takes it. `options` are copied, but not the text of `types`,
 * which stays until the handler has returned; NULL: the defaults. Does not wait.
 * Returns 0; -ENOMEM, which may be ignored; -EINVAL (their size).
 */
HEPH_API int heph_http_compress(struct heph_http_request *req,
				struct heph_http_response *res,
				const struct heph_http_compress *options);

#ifdef __cplusplus
}
#endif
#endif
