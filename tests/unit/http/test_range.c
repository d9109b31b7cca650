/* SPDX-License-Identifier: MIT */
#include <heph/http/range.h>

#include "table.h"

enum { ROOM = 4 };

/* Ranges as "first+size ", of 100 bytes; or the error. */
static void expect_ranges(const char *text, uint64_t length,
			  const char *expected)
{
	struct heph_http_range ranges[ROOM];
	struct heph_str value = exact(text);
	char all[128] = "";
	size_t size = 0;
	int n = heph_http_range_read(value, length, ranges, ROOM);

	for (int i = 0; i < n; i++)
		size += (size_t)snprintf(all + size, sizeof(all) - size,
					 "%llu+%llu ",
					 (unsigned long long)ranges[i].first,
					 (unsigned long long)ranges[i].size);
	if (n <= 0)
		snprintf(all, sizeof(all), "%s",
			 n == -ERANGE  ? "ERANGE" :
			 n == -E2BIG   ? "E2BIG" :
			 n == -EBADMSG ? "EBADMSG" :
					 "?");
	assert_string_equal(all, expected);
	forget(value);
}

static void ranges_are_resolved(void **state)
{
	(void)state;
	expect_ranges("bytes=0-9", 100, "0+10 ");
	expect_ranges("bytes=0-0", 100, "0+1 ");
	expect_ranges("bytes=99-99", 100, "99+1 ");
	expect_ranges("bytes=10-", 100, "10+90 ");
	expect_ranges("bytes=90-200", 100, "90+10 ");
	expect_ranges("bytes=0-99", 100, "0+100 ");
	expect_ranges("bytes=0-100", 100, "0+100 ");
	expect_ranges("bytes=99-100", 100, "99+1 ");
	expect_ranges("bytes=-10", 100, "90+10 ");
	expect_ranges("bytes=-100", 100, "0+100 ");
	expect_ranges("bytes=-1000", 100, "0+100 ");
	expect_ranges("Bytes=0-9", 100, "0+10 ");
	expect_ranges("bytes=0-1, 4-5 ,-1", 100, "0+2 4+2 99+1 ");
	expect_ranges("bytes=,0-1,,", 100, "0+2 ");
	expect_ranges("bytes=0-1,500-600", 100, "0+2 ");
	expect_ranges("bytes=0-18446744073709551615", 100, "0+100 ");
	expect_ranges("bytes=0-99999999999999999999999", 100, "0+100 ");
	expect_ranges("bytes=-99999999999999999999999", 100, "0+100 ");
	expect_ranges("bytes=0-", UINT64_MAX - 1, "0+18446744073709551614 ");
}

static void ranges_beyond_the_end_are_unsatisfiable(void **state)
{
	(void)state;
	expect_ranges("bytes=100-", 100, "ERANGE");
	expect_ranges("bytes=100-200", 100, "ERANGE");
	expect_ranges("bytes=99999999999999999999999-", 100, "ERANGE");
	expect_ranges("bytes=-0", 100, "ERANGE");
	expect_ranges("bytes=0-", 0, "ERANGE");
	expect_ranges("bytes=-1", 0, "ERANGE");
	expect_ranges("bytes=100-,200-", 100, "ERANGE");
}

static void malformed_ranges_are_refused(void **state)
{
	(void)state;
	expect_ranges("", 100, "EBADMSG");
	expect_ranges("bytes", 100, "EBADMSG");
	expect_ranges("bytes=", 100, "EBADMSG");
	expect_ranges("bytes=-", 100, "EBADMSG");
	expect_ranges("bytes=5", 100, "EBADMSG");
	expect_ranges("bytes=9-5", 100, "EBADMSG");
	expect_ranges("bytes=a-b", 100, "EBADMSG");
	expect_ranges("bytes=1-2-3", 100, "EBADMSG");
	expect_ranges("bytes=--1", 100, "EBADMSG");
	expect_ranges("bytes= 1 - 2", 100, "EBADMSG");
	expect_ranges("bytes =1-2", 100, "EBADMSG");
	expect_ranges("items=0-5", 100, "EBADMSG");
	expect_ranges("bytes=0-1,x", 100, "EBADMSG");
	expect_ranges("bytes=\"", 100, "EBADMSG");
}

static void too_much_is_refused(void **state)
{
	(void)state;
	expect_ranges("bytes=0-0,1-1,2-2,3-3", 100, "0+1 1+1 2+1 3+1 ");
	expect_ranges("bytes=0-0,1-1,2-2,3-3,4-4", 100, "E2BIG");
	expect_ranges("bytes=200-,200-,200-,200-,200-", 100, "E2BIG");
	expect_ranges("bytes=0-,0-", 100, "E2BIG");
	expect_ranges("bytes=0-49,50-99", 100, "0+50 50+50 ");
	expect_ranges("bytes=0-49,49-99", 100, "E2BIG");
}

static void content_ranges_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		struct heph_http_content_range range;
	} rows[] = {
		{ "bytes 0-9/100", { { 0, 10 }, 100 } },
		{ "bytes 99-99/100", { { 99, 1 }, 100 } },
		{ "bytes 5-9/*", { { 5, 5 }, HEPH_HTTP_UNKNOWN } },
		{ "bytes */100", { { 0, 0 }, 100 } },
		{ "bytes */0", { { 0, 0 }, 0 } },
		{ "bytes 18446744073709551613-18446744073709551613/"
		  "18446744073709551614",
		  { { UINT64_MAX - 2, 1 }, UINT64_MAX - 1 } },
	};
	char text[HEPH_HTTP_CONTENT_RANGE_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_http_content_range range;
		struct heph_str value = exact(rows[i].text);

		assert_int_equal(heph_http_content_range_read(value, &range), 0);
		assert_true(range.range.first == rows[i].range.range.first);
		assert_true(range.range.size == rows[i].range.range.size);
		assert_true(range.length == rows[i].range.length);
		heph_http_content_range_write(&range, text);
		assert_string_equal(text, rows[i].text);
		forget(value);
	}
}

static void what_is_no_content_range_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes 9-0/100",
		"bytes 0-100/100", "bytes */*", "items 0-9/100", "bytes=0-9/100",
		"bytes 0-18446744073709551615/*", "bytes -9/100", "bytes 0-/100",
		"bytes 0-9/100 ", "bytes 0 - 9/100",
	};
	struct heph_http_content_range range;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct heph_str value = exact(texts[i]);

		assert_int_equal(heph_http_content_range_read(value, &range),
				 -EBADMSG);
		forget(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_resolved),
		cmocka_unit_test(ranges_beyond_the_end_are_unsatisfiable),
		cmocka_unit_test(malformed_ranges_are_refused),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(content_ranges_are_read_and_written),
		cmocka_unit_test(what_is_no_content_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
