/* SPDX-License-Identifier: MIT */
#include <heph/http/accept.h>
#include <heph/http/cache.h>
#include <heph/http/media.h>

#include "table.h"

/* ---- media types ---------------------------------------------------------------- */

static void media_types_are_split(void **state)
{
	struct heph_str text = exact("Text/HTML ; charset=\"utf-8\"");
	struct heph_http_media media;
	struct heph_http_param param;

	(void)state;
	assert_int_equal(heph_http_media_read(text, &media), 0);
	expect_str(media.type, "Text");
	expect_str(media.subtype, "HTML");
	assert_int_equal(heph_http_params_get(media.params, "charset", &param), 1);
	expect_str(param.value, "utf-8");
	assert_true(heph_http_media_is(&media, "text/html"));
	assert_true(heph_http_media_is(&media, "text/"));
	assert_false(heph_http_media_is(&media, "text/htm"));
	assert_false(heph_http_media_is(&media, "tex/html"));
	assert_false(heph_http_media_is(&media, "text"));
	forget(text);
}

static void what_is_no_media_type_is_refused(void **state)
{
	static const char *const texts[] = {
		"",		"text",	       "/",	       "text/",
		"/html",	"text/h tml",  "text/html/x",  "text/html; a",
		"text/html; a=", "text/html,x", "text/html; =a",
	};
	struct heph_http_media media;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct heph_str text = exact(texts[i]);

		assert_int_equal(heph_http_media_read(text, &media), -EBADMSG);
		forget(text);
	}
}

static void dispositions_name_parts_and_files(void **state)
{
	static const struct {
		const char *text, *type, *name, *filename;
	} rows[] = {
		{ "form-data; name=\"a\"", "form-data", "a", NULL },
		{ "form-data; name=a; filename=\"b \\\"c\\\".txt\"", "form-data",
		  "a", "b \"c\".txt" },
		{ "form-data; name=\"a\\\\b\"; filename=\"c\\d\"", "form-data",
		  "a\\b", "cd" },
		{ "attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac%20r",
		  "attachment", NULL, "\xe2\x82\xac r" },
		{ "attachment; filename*=utf-8'en'plain; filename=\"x\"",
		  "attachment", NULL, "plain" },
		{ "inline", "inline", NULL, NULL },
		{ "form-data; name=\"\"; filename=\"\"", "form-data", "", "" },
		{ "attachment; filename*=iso-8859-1''x", NULL, NULL, NULL },
		{ "attachment; filename*=UTF-8'x", NULL, NULL, NULL },
		{ "attachment; filename*=UTF-8''%zz", NULL, NULL, NULL },
		{ "form-data; name=\"a", NULL, NULL, NULL },
		{ "", NULL, NULL, NULL },
		{ "; name=a", NULL, NULL, NULL },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str text = exact(rows[i].text);
		struct heph_http_disposition got;
		int err = heph_http_disposition_read(text, buf, text.size, &got);

		assert_int_equal(err, rows[i].type ? 0 : -EBADMSG);
		if (!err) {
			expect_str(got.type, rows[i].type);
			expect_str(got.name, rows[i].name);
			expect_str(got.filename, rows[i].filename);
		}
		forget(text);
	}
}

static void decoding_a_disposition_needs_room(void **state)
{
	struct heph_http_disposition got;
	char buf[4];

	(void)state;
	assert_int_equal(heph_http_disposition_read(
				 heph_str("x; name=\"\\ab\"; filename=\"\\cd\""),
				 buf, 3, &got),
			 -ENOSPC);
	assert_int_equal(heph_http_disposition_read(
				 heph_str("x; name=\"\\ab\"; filename=\"\\cd\""),
				 buf, 4, &got),
			 0);
	expect_str(got.name, "ab");
	expect_str(got.filename, "cd");
}

/* ---- negotiation ------------------------------------------------------------------ */

static struct heph_http_field lines[4];

/* Fields of one name. NULL ends the values. */
static struct heph_http_fields fields_of(const char *name,
					 const char *const *values)
{
	struct heph_http_fields fields = { lines, 0, COUNT(lines) };

	for (; *values; values++) {
		struct heph_http_field *field = &lines[fields.n++];

		field->name = name;
		field->name_size = (uint16_t)strlen(name);
		field->value = *values;
		field->value_size = (uint32_t)strlen(*values);
	}
	return fields;
}

typedef int choose_fn(const struct heph_http_fields *fields,
		      const char *const *offered, unsigned n);

struct row {
	const char *values[3];
	const char *offered[4];
	int chosen;
};

static void expect_choices(const char *name, choose_fn *choose,
			   const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct heph_http_fields fields = fields_of(name, rows[i].values);
		unsigned offers = 0;

		while (offers < 4 && rows[i].offered[offers])
			offers++;
		if (choose(&fields, rows[i].offered, offers) != rows[i].chosen)
			fail_msg("%s: %s, row %zu: %d", name, rows[i].values[0], i,
				 choose(&fields, rows[i].offered, offers));
	}
}

static void types_are_chosen(void **state)
{
	static const struct row rows[] = {
		{ { NULL }, { "text/html", "text/plain" }, 0 },
		{ { "*/*" }, { "text/html", "text/plain" }, 0 },
		{ { "text/plain" }, { "text/html", "text/plain" }, 1 },
		{ { "TEXT/Plain" }, { "text/html", "text/plain" }, 1 },
		{ { "text/html;q=0.5, text/plain" },
		  { "text/html", "text/plain" }, 1 },
		{ { "text/*;q=0.5, application/json;q=0.6" },
		  { "text/html", "application/json" }, 1 },
		{ { "text/*, text/html;q=0" }, { "text/html", "text/plain" }, 1 },
		{ { "text/*;q=0.9, */*;q=0.1", "application/json" },
		  { "image/png", "text/html", "application/json" }, 2 },
		/* RFC 9110, section 12.5.1 */
		{ { "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
		    "text/plain;format=fixed;q=0.4, */*;q=0.5" },
		  { "text/html", "image/jpeg", "text/plain;format=fixed" }, 1 },
		{ { "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
		    "text/plain;format=fixed;q=0.4, */*;q=0.5" },
		  { "image/jpeg", "text/plain", "text/plain;format=flowed" },
		  2 },
		/* Named twice: the first counts. */
		{ { "text/plain;q=0.2, text/plain;q=0.9, text/html;q=0.5" },
		  { "text/plain", "text/html" }, 1 },
		{ { "image/png" }, { "text/html" }, -ENOENT },
		{ { "text/html;q=0" }, { "text/html" }, -ENOENT },
		{ { "" }, { "text/html" }, -ENOENT },
		{ { "*/html" }, { "text/html" }, -ENOENT },
		{ { "text/html;q=2" }, { "text/html" }, -EBADMSG },
		{ { "text/html;q=0.1234" }, { "text/html" }, -EBADMSG },
		{ { "text/html;q=1.001" }, { "text/html" }, -EBADMSG },
		{ { "text/html;q=-1" }, { "text/html" }, -EBADMSG },
		{ { "text/html;q=" }, { "text/html" }, -EBADMSG },
		{ { "text/html;q" }, { "text/html" }, -EBADMSG },
		{ { ";q=1" }, { "text/html" }, -EBADMSG },
		{ { "\"" }, { "text/html" }, -EBADMSG },
		{ { "text/html;q=0.001" }, { "text/html" }, 0 },
		{ { "text/html; q=1.000;ext=1" }, { "text/html" }, 0 },
		{ { "text/html;q=0.000" }, { "text/html" }, -ENOENT },
	};

	(void)state;
	expect_choices("Accept", heph_http_accept_type, rows, COUNT(rows));
}

static void encodings_are_chosen(void **state)
{
	static const struct row rows[] = {
		{ { NULL }, { "br", "gzip", "identity" }, 2 },
		{ { NULL }, { "br", "gzip" }, -ENOENT },
		{ { "" }, { "br", "gzip", "identity" }, 2 },
		{ { "gzip, deflate, br" }, { "br", "gzip", "identity" }, 0 },
		{ { "gzip" }, { "br", "gzip", "identity" }, 1 },
		{ { "gzip;q=0.8, br;q=0.5" }, { "br", "gzip", "identity" }, 1 },
		{ { "x-gzip" }, { "gzip", "identity" }, 0 },
		{ { "*" }, { "br", "identity" }, 0 },
		{ { "gzip;q=0" }, { "gzip", "identity" }, 1 },
		{ { "gzip;q=0.5, identity" }, { "gzip", "identity" }, 1 },
		{ { "identity;q=0" }, { "gzip", "identity" }, -ENOENT },
		{ { "*;q=0" }, { "gzip", "identity" }, -ENOENT },
		{ { "*;q=0, identity" }, { "gzip", "identity" }, 1 },
		{ { "gzip", "br" }, { "br", "identity" }, 0 },
	};

	(void)state;
	expect_choices("accept-encoding", heph_http_accept_encoding, rows,
		       COUNT(rows));
}

static void languages_are_chosen(void **state)
{
	static const struct row rows[] = {
		{ { NULL }, { "en", "de" }, 0 },
		{ { "de" }, { "en", "de" }, 1 },
		{ { "DE" }, { "en", "de" }, 1 },
		{ { "de" }, { "en", "de-CH" }, 1 },
		{ { "de-CH" }, { "en", "de" }, 1 },
		{ { "de-CH, en;q=0.5" }, { "en", "de" }, 1 },
		{ { "en-gb;q=0.8, en;q=0.7" }, { "en", "en-GB" }, 1 },
		{ { "den" }, { "de" }, -ENOENT },
		{ { "fr, *;q=0.1" }, { "en", "de" }, 0 },
		{ { "fr" }, { "en" }, -ENOENT },
	};

	(void)state;
	expect_choices("Accept-Language", heph_http_accept_language, rows,
		       COUNT(rows));
}

/* ---- caching ------------------------------------------------------------------------ */

static void directives_are_read(void **state)
{
	struct heph_http_cache cache = HEPH_HTTP_CACHE_NONE;

	(void)state;
	assert_int_equal(heph_http_cache_read(
				 heph_str("Max-Age=60, s-maxage=\"5\", no-store, "
					  "private=\"a, b\", unknown=1, max-stale"),
				 &cache),
			 0);
	assert_true(cache.max_age == 60 && cache.s_maxage == 5);
	assert_true(cache.no_store && cache.is_private && !cache.is_public);
	assert_true(cache.max_stale == HEPH_HTTP_CACHE_ANY);
	assert_true(cache.min_fresh == HEPH_HTTP_CACHE_ABSENT);
	assert_int_equal(heph_http_cache_read(
				 heph_str("max-age=30, max-stale=9, public"),
				 &cache),
			 0);
	assert_true(cache.max_age == 30 && cache.max_stale == 9);
	assert_true(cache.is_public);
	assert_int_equal(heph_http_cache_read(heph_str("immutable, \""), &cache),
			 -EBADMSG);
	assert_true(cache.immutable);
}

static void seconds_that_cannot_be_read_are_none(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{ "max-age=0", 0 },	     { "max-age=", -1 },
		{ "max-age", 0 },	     { "max-age=-1", 0 },
		{ "max-age=1.5", 0 },	     { "max-age=abc", 0 },
		{ "max-age=2147483647", 2147483647 },
		{ "max-age=2147483649", INT64_C(2147483648) },
		{ "max-age=99999999999999999999", INT64_C(2147483648) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_http_cache cache = HEPH_HTTP_CACHE_NONE;

		assert_int_equal(heph_http_cache_read(heph_str(rows[i].text),
						      &cache),
				 0);
		assert_true(cache.max_age == rows[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_types_are_split),
		cmocka_unit_test(what_is_no_media_type_is_refused),
		cmocka_unit_test(dispositions_name_parts_and_files),
		cmocka_unit_test(decoding_a_disposition_needs_room),
		cmocka_unit_test(types_are_chosen),
		cmocka_unit_test(encodings_are_chosen),
		cmocka_unit_test(languages_are_chosen),
		cmocka_unit_test(directives_are_read),
		cmocka_unit_test(seconds_that_cannot_be_read_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
