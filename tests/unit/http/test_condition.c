/* SPDX-License-Identifier: MIT */
#include <heph/http/condition.h>

#include "table.h"

/* ---- entity tags ---------------------------------------------------------------- */

static void tags_are_read(void **state)
{
	static const struct {
		const char *text;
		const char *value; /* NULL: it is none */
		bool weak;
	} rows[] = {
		{ "\"abc\"", "abc", false },
		{ "\"\"", "", false },
		{ "W/\"abc\"", "abc", true },
		{ "\"a\\b,;\"", "a\\b,;", false },
		{ "\"\xc3\xa4\"", "\xc3\xa4", false },
		{ "", NULL, false },
		{ "abc", NULL, false },
		{ "\"abc", NULL, false },
		{ "\"", NULL, false },
		{ "W/", NULL, false },
		{ "w/\"abc\"", NULL, false },
		{ "W/abc", NULL, false },
		{ "\"a\"b\"", NULL, false },
		{ "\"a\" ", NULL, false },
		{ "\"a b\"", NULL, false },
		{ "\"a\x7f\"", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str text = exact(rows[i].text);
		struct heph_http_etag etag;
		int err = heph_http_etag_read(text, &etag);

		assert_int_equal(err, rows[i].value ? 0 : -EBADMSG);
		if (!err) {
			expect_str(etag.value, rows[i].value);
			assert_int_equal(etag.weak, rows[i].weak);
		}
		forget(text);
	}
}

static void tags_are_compared_in_two_ways(void **state)
{
	const struct heph_http_etag weak = { heph_str("1"), true };
	const struct heph_http_etag strong = { heph_str("1"), false };
	const struct heph_http_etag other = { heph_str("2"), false };

	(void)state;
	/* The table of RFC 9110, section 8.8.3.2. */
	assert_false(heph_http_etag_same(&weak, &weak));
	assert_true(heph_http_etag_alike(&weak, &weak));
	assert_false(heph_http_etag_same(&weak, &strong));
	assert_true(heph_http_etag_alike(&weak, &strong));
	assert_true(heph_http_etag_same(&strong, &strong));
	assert_true(heph_http_etag_alike(&strong, &strong));
	assert_false(heph_http_etag_same(&strong, &other));
	assert_false(heph_http_etag_alike(&weak, &other));
}

static void lists_of_tags_are_read(void **state)
{
	struct heph_str list = exact(" ,\"a,b\" , W/\"\",\"c\",, ");
	struct heph_http_etag etag;
	size_t at = 0;

	(void)state;
	assert_int_equal(heph_http_etag_next(list, &at, &etag), 1);
	expect_str(etag.value, "a,b");
	assert_int_equal(heph_http_etag_next(list, &at, &etag), 1);
	expect_str(etag.value, "");
	assert_true(etag.weak);
	assert_int_equal(heph_http_etag_next(list, &at, &etag), 1);
	expect_str(etag.value, "c");
	assert_int_equal(heph_http_etag_next(list, &at, &etag), 0);
	assert_int_equal(heph_http_etag_next(list, &at, &etag), 0);
	at = 0;
	assert_int_equal(heph_http_etag_next(heph_str("\"a\" \"b\""), &at, &etag),
			 -EBADMSG);
	at = 0;
	assert_int_equal(heph_http_etag_next(heph_str("a"), &at, &etag),
			 -EBADMSG);
	forget(list);
}

/* ---- conditions ------------------------------------------------------------------- */

static struct heph_http_field lines[8];

/* A head of "Name: value" lines. */
static struct heph_http_fields head(const char *const *texts)
{
	struct heph_http_fields fields = { lines, 0, COUNT(lines) };

	for (; *texts; texts++) {
		const char *colon = strchr(*texts, ':');
		struct heph_http_field *field = &lines[fields.n++];

		field->name = *texts;
		field->name_size = (uint16_t)(colon - *texts);
		field->value = colon + 2;
		field->value_size = (uint32_t)strlen(colon + 2);
	}
	return fields;
}

#define OLD "Sun, 06 Nov 1994 08:49:36 GMT"
#define NOW "Sun, 06 Nov 1994 08:49:37 GMT"
#define NEW "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct heph_http_etag tag = { { "v1", 2 }, false };
static const struct heph_http_etag weak_tag = { { "v1", 2 }, true };
static const struct heph_http_state here = { &tag, 784111777, false };
static const struct heph_http_state weakly = { &weak_tag, 784111777, false };
static const struct heph_http_state missing = { NULL, HEPH_HTTP_NO_DATE, true };
static const struct heph_http_state plain = { NULL, HEPH_HTTP_NO_DATE, false };

static void conditions_are_looked_at_in_their_order(void **state)
{
	static const struct {
		const char *lines[4];
		const struct heph_http_state *state;
		unsigned get, put;
	} rows[] = {
		{ { NULL }, &here, 0, 0 },
		{ { "If-None-Match: \"v1\"" }, &here, 304, 412 },
		{ { "If-None-Match: W/\"v1\"" }, &here, 304, 412 },
		{ { "If-None-Match: \"v1\"" }, &weakly, 304, 412 },
		{ { "If-None-Match: \"v0\", \"v1\"" }, &here, 304, 412 },
		{ { "If-None-Match: \"v0\"", "If-None-Match: \"v1\"" },
		  &here, 304, 412 },
		{ { "If-None-Match: \"v0\"" }, &here, 0, 0 },
		{ { "If-None-Match: *" }, &here, 304, 412 },
		{ { "If-None-Match: *" }, &missing, 0, 0 },
		{ { "If-None-Match: \"v1\"" }, &plain, 0, 0 },
		{ { "If-None-Match: v1" }, &here, 0, 0 },
		{ { "If-Match: \"v1\"" }, &here, 0, 0 },
		{ { "If-Match: \"v0\"" }, &here, 412, 412 },
		{ { "If-Match: W/\"v1\"" }, &here, 412, 412 },
		{ { "If-Match: \"v1\"" }, &weakly, 412, 412 },
		{ { "If-Match: *" }, &here, 0, 0 },
		{ { "If-Match: *" }, &plain, 0, 0 },
		{ { "If-Match: *" }, &missing, 412, 412 },
		{ { "If-Modified-Since: " OLD }, &here, 0, 0 },
		{ { "If-Modified-Since: " NOW }, &here, 304, 0 },
		{ { "If-Modified-Since: " NEW }, &here, 304, 0 },
		{ { "If-Modified-Since: nonsense" }, &here, 0, 0 },
		{ { "If-Modified-Since: " NOW, "If-Modified-Since: " NOW },
		  &here, 0, 0 },
		{ { "If-Modified-Since: " NOW }, &plain, 0, 0 },
		{ { "If-Unmodified-Since: " OLD }, &here, 412, 412 },
		{ { "If-Unmodified-Since: " NOW }, &here, 0, 0 },
		{ { "If-Unmodified-Since: nonsense" }, &here, 0, 0 },
		{ { "If-Unmodified-Since: " OLD }, &plain, 0, 0 },
		/* A tag counts more than a date. */
		{ { "If-None-Match: \"v0\"", "If-Modified-Since: " NOW },
		  &here, 0, 0 },
		{ { "If-Match: \"v1\"", "If-Unmodified-Since: " OLD },
		  &here, 0, 0 },
		{ { "If-Match: \"v0\"", "If-None-Match: \"v1\"" },
		  &here, 412, 412 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_http_fields fields = head(rows[i].lines);

		assert_int_equal(heph_http_condition(&fields, HEPH_HTTP_GET,
						     rows[i].state),
				 rows[i].get);
		assert_int_equal(heph_http_condition(&fields, HEPH_HTTP_HEAD,
						     rows[i].state),
				 rows[i].get);
		assert_int_equal(heph_http_condition(&fields, HEPH_HTTP_PUT,
						     rows[i].state),
				 rows[i].put);
	}
}

static void a_range_is_wanted_of_what_is_here_alone(void **state)
{
	static const struct {
		const char *lines[2];
		const struct heph_http_state *state;
		bool wanted;
	} rows[] = {
		{ { NULL }, &here, true },
		{ { "If-Range: \"v1\"" }, &here, true },
		{ { "If-Range: \"v0\"" }, &here, false },
		{ { "If-Range: W/\"v1\"" }, &here, false },
		{ { "If-Range: \"v1\"" }, &weakly, false },
		{ { "If-Range: \"v1\"" }, &plain, false },
		{ { "If-Range: " NOW }, &here, true },
		{ { "If-Range: " OLD }, &here, false },
		{ { "If-Range: " NEW }, &here, false },
		{ { "If-Range: " NOW }, &plain, false },
		{ { "If-Range: nonsense" }, &here, false },
		{ { "If-Range: nonsense" }, &plain, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_http_fields fields = head(rows[i].lines);

		assert_int_equal(heph_http_if_range(&fields, rows[i].state),
				 rows[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_read),
		cmocka_unit_test(tags_are_compared_in_two_ways),
		cmocka_unit_test(lists_of_tags_are_read),
		cmocka_unit_test(conditions_are_looked_at_in_their_order),
		cmocka_unit_test(a_range_is_wanted_of_what_is_here_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
