/* SPDX-License-Identifier: MIT */
/* Which coding is chosen, and for which names there can be a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/coding.h"
#include "http/mime.h"
#include "http/static.h"

static const enum heph_http_coding all[] = { HEPH_HTTP_BR, HEPH_HTTP_ZSTD,
					     HEPH_HTTP_GZIP,
					     HEPH_HTTP_IDENTITY };

/* Of one or two fields; NULL: it is not there. */
static const char *best_of(const char *first, const char *second)
{
	struct heph_http_field at[3] = { { .name = "Host", .name_size = 4 } };
	struct heph_http_fields fields = { at, 1, 3 };
	const char *values[] = { first, second };

	for (int i = 0; i < 2 && values[i]; i++)
		at[fields.n++] = (struct heph_http_field){
			.name = "accept-Encoding",
			.name_size = 15,
			.value = values[i],
			.value_size = (uint32_t)strlen(values[i])
		};
	return heph_http_coding_name(heph_http_coding_choose(&fields, all));
}

static void chooses(void **state)
{
	static const char *const wanted[][2] = {
		{ "", "identity" },
		{ "gzip", "gzip" },
		{ "gzip, deflate, br, zstd", "br" },
		{ "gzip, deflate", "gzip" },
		{ "deflate", "identity" },
		{ "GZIP;Q=0.5", "gzip" },
		{ "br;q=0.1, gzip;q=0.9", "gzip" },
		{ "br;q=0.1 , gzip ; q=0.9", "gzip" },
		{ "br;q=0, gzip;q=0.001", "gzip" },
		{ "br;q=0", "identity" },
		{ "*", "br" },
		{ "*;q=0", "identity" },
		{ "*;q=0, gzip", "gzip" },
		{ "br;q=0, *;q=0.5", "zstd" },
		{ "identity", "identity" },
		{ "identity;q=1, gzip;q=0.5", "identity" },
		{ "identity;q=0.5, gzip;q=0.5", "gzip" },
		{ "identity;q=0, gzip", "gzip" },
		{ "gzip;q=1.000, br;q=0.999", "gzip" },
		{ "gzip;q=1.001", "identity" },
		{ "gzip;q=2", "identity" },
		{ "gzip;q=0.0001", "identity" },
		{ "gzip;q=-1", "identity" },
		{ "gzip;q=", "identity" },
		{ "gzip;q", "identity" },
		{ "x-gzip", "gzip" },
		{ "compress, pack200-gzip", "identity" },
		{ ", ,gzip,", "gzip" },
	};

	(void)state;
	assert_string_equal(best_of(NULL, NULL), "identity");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (strcmp(best_of(wanted[i][0], NULL), wanted[i][1]) != 0)
			print_error("%s\n", wanted[i][0]);
		assert_string_equal(best_of(wanted[i][0], NULL), wanted[i][1]);
	}
	assert_string_equal(best_of("gzip", "br"), "br");
	assert_string_equal(best_of("gzip;q=0", "*"), "br");
}

static void knows_types(void **state)
{
	static const struct heph_http_mime more[] = {
		{ "html", "application/xhtml+xml" },
		{ "odd", "text/x-odd" },
		{ NULL, NULL },
	};
	static const char *const wanted[][2] = {
		{ "index.html", "text/html; charset=utf-8" },
		{ "INDEX.HTML", "text/html; charset=utf-8" },
		{ "a.tar.gz", "application/gzip" },
		{ "x/y.7z", "application/x-7z-compressed" },
		{ "x.zst", "application/zstd" },
		{ "app.js", "text/javascript; charset=utf-8" },
		{ "p.png", "image/png" },
		{ "m.wasm", "application/wasm" },
		{ "README", "application/octet-stream" },
		{ "a.html/README", "application/octet-stream" },
		{ "x.", "application/octet-stream" },
		{ "html", "application/octet-stream" },
		{ "", "application/octet-stream" },
		{ "x.averylongsuffixindeed", "application/octet-stream" },
		{ ".html", "text/html; charset=utf-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		assert_string_equal(heph_http_mime_type(heph_str(wanted[i][0])),
				    wanted[i][1]);
	assert_string_equal(heph_http_mime_find(more, heph_str("a.html")),
			    "application/xhtml+xml");
	assert_string_equal(heph_http_mime_find(more, heph_str("a.ODD")),
			    "text/x-odd");
	assert_string_equal(heph_http_mime_find(more, heph_str("a.css")),
			    "text/css; charset=utf-8");
}

static void refuses_paths(void **state)
{
	static const char *const fine[] = { "", "/", "a", "a/b.c/d", "a..b",
					    "a/b/", "a%2e", "\xc3\xa4/x" };
	static const char *const hidden[] = { ".a", "a/.git/config", "...",
					      "..a" };
	static const char *const never[] = { "..", "a/..", "../a", ".", "a/./b",
					     "a\\b", "..\\a", "a\nb", "\x7f" };
#define EACH_OF(list) (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)

	(void)state;
	for EACH_OF(fine) {
		assert_true(heph_http_static_allows(heph_str(fine[i]), false));
		assert_true(heph_http_static_allows(heph_str(fine[i]), true));
	}
	for EACH_OF(hidden) {
		assert_false(
			heph_http_static_allows(heph_str(hidden[i]), false));
		assert_true(heph_http_static_allows(heph_str(hidden[i]), true));
	}
	for EACH_OF(never)
		assert_false(heph_http_static_allows(heph_str(never[i]), true));
	assert_false(heph_http_static_allows(heph_str_of("a\0b", 3), true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses),
		cmocka_unit_test(knows_types),
		cmocka_unit_test(refuses_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
