/* SPDX-License-Identifier: MIT */
/* What goes through an encoder comes out of the decoder; what is wrong is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/http/types.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "../../tools.h"
#include "http/decode.h"
#include "http/encode.h"
#include "http/mem.h"

enum { TEXT = 300000, ROOM = TEXT + 4096 };

static const enum heph_http_coding encoders[] = { HEPH_HTTP_GZIP, HEPH_HTTP_BR,
						  HEPH_HTTP_ZSTD };
#define EACH(i) (size_t i = 0; i < sizeof(encoders) / sizeof(*encoders); i++)

static char text[TEXT], packed[ROOM], got[ROOM];

/* Words, so that there is something to be saved; and some noise. */
static void make_text(void)
{
	uint32_t x = 1;

	for (size_t i = 0; i < TEXT; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = x >> 28 ? "the lazy dog jumps over it "[i % 27] :
				    (char)('a' + (x >> 20) % 26);
	}
}

/* All of it, in pieces; the size of what came out. */
static size_t encode_in(enum heph_http_coding coding, size_t size, size_t piece,
			size_t room, uint64_t length)
{
	const struct heph_http_coder_options options = { .length = length };
	struct heph_http_encoder *it;
	size_t total = 0;
	struct heph_str in;
	int n;

	assert_int_equal(heph_http_encoder_new(coding, &options, &it), 0);
	for (size_t at = 0; at <= size; at += piece) {
		bool last = at + piece > size;

		in = heph_str_of(text + at, last ? size - at : piece);
		while ((n = heph_http_encode(it,
					     last ? HEPH_HTTP_FINISH :
						    HEPH_HTTP_GO_ON,
					     &in, packed + total, room)) > 0)
			total += (size_t)n;
		assert_int_equal(n, 0);
		assert_int_equal(in.size, 0);
	}
	heph_http_encoder_free(it);
	return total;
}

static struct heph_http_decoder *decoder_of(enum heph_http_coding coding,
					    uint64_t limit)
{
	struct heph_str name = heph_str(heph_http_coding_name(coding));
	struct heph_http_decoder *it;

	assert_int_equal(heph_http_decoder_new(name, limit, &it), 0);
	return it;
}

/* All of it, in pieces; how many bytes came out, or the error. */
static int decode_in(enum heph_http_coding coding, const char *data, size_t size,
		     size_t piece, size_t room, uint64_t limit)
{
	struct heph_http_decoder *it = decoder_of(coding, limit);
	int total = 0, n = 0;
	struct heph_str in;

	for (size_t at = 0; at < size && n >= 0; at += piece) {
		in = heph_str_of(data + at,
				 size - at < piece ? size - at : piece);
		while ((n = heph_http_decode(it, &in, got + total, room)) > 0)
			total += n;
	}
	if (n == 0)
		n = heph_http_decode_end(it);
	heph_http_decoder_free(it);
	return n < 0 ? n : total;
}

static void comes_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 70000, TEXT };
	static const size_t pieces[] = { 1, 77, 16384, ROOM };
	size_t n;

	(void)state;
	for EACH(i) {
		for (size_t s = 0; s < 5; s++) {
			for (size_t p = sizes[s] > 100; p < 4; p++) {
				n = encode_in(encoders[i], sizes[s], pieces[p],
					      p ? 4096 : 16, HEPH_HTTP_UNKNOWN);
				assert_int_equal(
					decode_in(encoders[i], packed, n,
						  pieces[3 - p] + (p == 3),
						  p ? 333 : 4096, TEXT),
					(int)sizes[s]);
				assert_memory_equal(text, got, sizes[s]);
			}
		}
		n = encode_in(encoders[i], TEXT, 9999, 4096, TEXT);
		assert_true(n < TEXT / 2);
		assert_int_equal(decode_in(encoders[i], packed, n, n, 4096,
					   HEPH_HTTP_UNKNOWN),
				 TEXT);
	}
	assert_int_equal(heph_http_mem_used(), 0);
}

/* What was flushed can be read before more comes. */
static void flushes(void **state)
{
	const struct heph_http_coder_options options = {
		.length = HEPH_HTTP_UNKNOWN
	};

	(void)state;
	for EACH(i) {
		struct heph_http_decoder *out =
			decoder_of(encoders[i], HEPH_HTTP_UNKNOWN);
		struct heph_http_encoder *it;

		assert_int_equal(
			heph_http_encoder_new(encoders[i], &options, &it), 0);
		for (int round = 0; round < 5; round++) {
			struct heph_str in = heph_str("data: hello\n\n"), some;
			int n, m = 0, total = 0;

			while ((n = heph_http_encode(it, HEPH_HTTP_FLUSH, &in,
						     packed, 16)) > 0) {
				some = heph_str_of(packed, (size_t)n);
				while ((m = heph_http_decode(out, &some,
							     got + total,
							     ROOM)) > 0)
					total += m;
				assert_int_equal(m, 0);
			}
			assert_int_equal(n, 0);
			assert_int_equal(total, 13);
			assert_memory_equal(got, "data: hello\n\n", 13);
		}
		heph_http_encoder_free(it);
		heph_http_decoder_free(out);
	}
}

static void refuses_what_is_wrong(void **state)
{
	(void)state;
	for EACH(i) {
		int n = (int)encode_in(encoders[i], 5000, 5000, 8000, 5000);
		int some;

		for (int cut = 1; cut < n; cut += 1 + n / 50)
			assert_int_equal(decode_in(encoders[i], packed,
						   (size_t)cut, 100, 4096, TEXT),
					 -EBADMSG);
		memcpy(packed + n, "rubbish that follows", 20);
		assert_int_equal(decode_in(encoders[i], packed, (size_t)n + 20,
					   ROOM, 4096, TEXT),
				 -EBADMSG);
		/* Never crashes, nor makes more than is allowed. */
		for (int at = 0; at < n; at += 1 + n / 200) {
			packed[at] ^= 0x55;
			some = decode_in(encoders[i], packed, (size_t)n, 64,
					 4096, 5000);
			assert_true(some <= 5000);
			packed[at] ^= 0x55;
		}
	}
	assert_int_equal(decode_in(HEPH_HTTP_GZIP, "", 0, 1, 1, 0), 0);
}

static void has_a_limit(void **state)
{
	(void)state;
	memset(text, 0, TEXT);
	for EACH(i) {
		size_t n = encode_in(encoders[i], TEXT, TEXT + 1, ROOM, TEXT);

		assert_true(n < 500);
		assert_int_equal(decode_in(encoders[i], packed, n, n, 4096,
					   TEXT - 1),
				 -EMSGSIZE);
		assert_int_equal(decode_in(encoders[i], packed, n, n, 4096, 0),
				 -EMSGSIZE);
		assert_int_equal(
			decode_in(encoders[i], packed, n, n, 4096, TEXT), TEXT);
	}
	make_text();
}

/* More memory than the file's head says; of a decoder, than RFC 9659 allows. */
static void has_bounded_memory(void **state)
{
	static const size_t most[] = { 300 << 10, (2 << 20) + 4096 };
	const struct heph_http_coder_options options = {
		.length = HEPH_HTTP_UNKNOWN
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct heph_http_encoder *it;

		assert_int_equal(
			heph_http_encoder_new(encoders[i], &options, &it), 0);
		for (int round = 0; round < 10; round++) {
			struct heph_str in = heph_str_of(text, TEXT);

			while (heph_http_encode(it, HEPH_HTTP_GO_ON, &in, packed,
						ROOM) > 0)
				;
		}
		print_message("%s: %zu bytes\n",
			      heph_http_coding_name(encoders[i]),
			      heph_http_mem_used());
		assert_true(heph_http_mem_used() < most[i]);
		heph_http_encoder_free(it);
		assert_int_equal(heph_http_mem_used(), 0);
	}
}

/* It allocates by itself: what malloc() has given out tells. */
static void zstd_has_bounded_memory(void **state)
{
	const struct heph_http_coder_options options = {
		.length = HEPH_HTTP_UNKNOWN
	};
	struct heph_str in = heph_str_of(text, TEXT);
	struct mallinfo2 before = mallinfo2(), now;
	struct heph_http_encoder *it;
	size_t used;

	(void)state;
	assert_int_equal(heph_http_encoder_new(HEPH_HTTP_ZSTD, &options, &it),
			 0);
	while (heph_http_encode(it, HEPH_HTTP_GO_ON, &in, packed, ROOM) > 0)
		;
	now = mallinfo2();
	used = now.uordblks + now.hblkhd - before.uordblks - before.hblkhd;
	print_message("zstd: %zu bytes\n", used);
	assert_true(used < 1250 << 10);
	heph_http_encoder_free(it);
}

/* A frame that wants a window of 16 MiB. */
static void refuses_large_windows(void **state)
{
	const char head[] = { 0x28, (char)0xb5, 0x2f, (char)0xfd, 0x00, 14 << 3 };

	(void)state;
	assert_int_equal(decode_in(HEPH_HTTP_ZSTD, head, sizeof(head), 6, 100,
				   TEXT),
			 -EBADMSG);
}

/* zlib's format, what is inside of it alone, and several members of gzip. */
static void knows_formats(void **state)
{
	static const int bits[] = { 15, -15 };
	size_t n;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		z_stream z = { 0 };

		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits[i], 8, 0),
				 Z_OK);
		z.next_in = (Bytef *)text;
		z.avail_in = 10000;
		z.next_out = (Bytef *)packed;
		z.avail_out = ROOM;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		assert_int_equal(decode_in(HEPH_HTTP_DEFLATE, packed,
					   z.total_out, 1 + i, 4096, TEXT),
				 10000);
		assert_memory_equal(got, text, 10000);
		deflateEnd(&z);
	}
	n = encode_in(HEPH_HTTP_GZIP, 1000, ROOM, ROOM, 1000);
	memcpy(packed + n, packed, n);
	assert_int_equal(
		decode_in(HEPH_HTTP_GZIP, packed, 2 * n, 2 * n, 4096, TEXT),
		2000);
	assert_int_equal(
		decode_in(HEPH_HTTP_GZIP, packed, 2 * n, n, 100, TEXT), 2000);
	assert_memory_equal(got + 1000, text, 1000);
}

static void knows_names(void **state)
{
	struct heph_http_decoder *it = NULL;

	(void)state;
	assert_int_equal(heph_http_coding_of(heph_str("GZip")), HEPH_HTTP_GZIP);
	assert_int_equal(heph_http_coding_of(heph_str("x-gzip")),
			 HEPH_HTTP_GZIP);
	assert_int_equal(heph_http_coding_of(heph_str("zst")),
			 HEPH_HTTP_CODINGS);
	assert_int_equal(heph_http_decoder_new(heph_str(""), 1, &it), 1);
	assert_int_equal(heph_http_decoder_new(heph_str("identity"), 1, &it), 1);
	assert_int_equal(heph_http_decoder_new(heph_str("gzip, br"), 1, &it),
			 -EOPNOTSUPP);
	assert_int_equal(heph_http_decoder_new(heph_str("compress"), 1, &it),
			 -EOPNOTSUPP);
	assert_null(it);
	assert_string_equal(heph_http_decoder_accepts(),
			    "gzip, deflate, br, zstd");
}

/* ---- without memory ------------------------------------------------------------- */

static int encode_some(enum heph_http_coding coding)
{
	const struct heph_http_coder_options options = { .length = 50000 };
	struct heph_http_encoder *it;
	struct heph_str in = { text, 50000 };
	int n = heph_http_encoder_new(coding, &options, &it);

	if (n < 0)
		return n;
	do
		n = heph_http_encode(it, HEPH_HTTP_FINISH, &in, got, ROOM);
	while (n > 0);
	heph_http_encoder_free(it);
	return n;
}

static int decode_some(enum heph_http_coding coding, size_t size)
{
	struct heph_str in = { packed, size };
	struct heph_http_decoder *it;
	int n = heph_http_decoder_new(heph_str(heph_http_coding_name(coding)),
				      TEXT, &it);

	if (n < 0)
		return n;
	do
		n = heph_http_decode(it, &in, got, ROOM);
	while (n > 0);
	heph_http_decoder_free(it);
	return n;
}

static void survives_without_memory(void **state)
{
	(void)state;
	for EACH(i) {
		long n = 0, m = 0;
		size_t size;
		int err;

		do {
			heph_http_mem_fail_after(++n);
			err = encode_some(encoders[i]);
		} while (err == -ENOMEM && n < 1000);
		heph_http_mem_fail_after(-1);
		assert_int_equal(err, 0);
		assert_true(n > 1);
		size = encode_in(encoders[i], 50000, ROOM, ROOM, 50000);
		do {
			heph_http_mem_fail_after(++m);
			err = decode_some(encoders[i], size);
		} while (err == -ENOMEM && m < 1000);
		heph_http_mem_fail_after(-1);
		assert_int_equal(err, 0);
		assert_true(m > 2);
		assert_int_equal(heph_http_mem_used(), 0);
	}
}

/* ---- on a stack that actors have --------------------------------------------------- */

enum { STACK = 256 << 10, MOST = 24 << 10 };

static void *code_both_ways(void *arg)
{
	const enum heph_http_coding *coding = arg;

	encode_some(*coding);
	decode_some(*coding, *(const size_t *)(coding + 2));
	return NULL;
}

static void needs_little_stack(void **state)
{
	char *stack = NULL;

	(void)state;
	if (on_valgrind())
		skip();
	for EACH(i) {
		struct {
			enum heph_http_coding coding, padding;
			size_t size;
		} arg = { .coding = encoders[i] };
		pthread_attr_t attr;
		pthread_t thread;
		size_t untouched = 0;

		arg.size = encode_in(encoders[i], 50000, ROOM, ROOM, 50000);
		assert_int_equal(posix_memalign((void **)&stack, 4096, STACK), 0);
		memset(stack, 0x5a, STACK);
		pthread_attr_init(&attr);
		assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
		assert_int_equal(
			pthread_create(&thread, &attr, code_both_ways, &arg), 0);
		pthread_join(thread, NULL);
		pthread_attr_destroy(&attr);
		while (untouched < STACK && stack[untouched] == 0x5a)
			untouched++;
		print_message("%s: %zu bytes of stack\n",
			      heph_http_coding_name(encoders[i]),
			      (size_t)STACK - untouched);
#if !defined(__SANITIZE_ADDRESS__)
		assert_true(STACK - untouched < MOST);
#endif
		free(stack);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(flushes),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(has_a_limit),
		cmocka_unit_test(has_bounded_memory),
		cmocka_unit_test(zstd_has_bounded_memory),
		cmocka_unit_test(refuses_large_windows),
		cmocka_unit_test(knows_formats),
		cmocka_unit_test(knows_names),
		cmocka_unit_test(survives_without_memory),
		cmocka_unit_test(needs_little_stack),
	};

	make_text();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
