/* SPDX-License-Identifier: MIT */
#include <heph/http/date.h>

#include <time.h>

#include "table.h"

static void three_forms_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Sun Nov 16 08:49:37 1994", 784975777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Thu Jan  1 00:00:00 1970", 0 },
		{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
		{ "Tue, 29 Feb 2000 12:00:00 GMT", 951825600 },
		{ "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
		{ "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "Mon, 01 Jan 0001 00:00:00 GMT", -62135596800 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str text = exact(rows[i].text);
		int64_t seconds = 42;

		assert_int_equal(heph_http_date_read(text, &seconds), 0);
		assert_true(seconds == rows[i].seconds);
		forget(text);
	}
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"Sun, 06 Nov 1994",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 gmt",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun,  6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 8:49:37 GMT",
		"Xxx, 06 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 1994 08:49:37 GMT",
		"Thu, 29 Feb 1900 00:00:00 GMT",
		"Sun, 06 Xyz 1994 08:49:37 GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sundays, 06-Nov-94 08:49:37 GMT",
		", 06-Nov-94 08:49:37 GMT      ",
		"Sun Nov 06 08:49:37 19944",
		"Sun Nov   08:49:37 1994 ",
		"Sun Nov  x 08:49:37 1994",
		"Sun, Nov  6 08:49:37 1994",
		"Sunday,",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct heph_str text = exact(texts[i]);
		int64_t seconds = 42;

		if (heph_http_date_read(text, &seconds) != -EBADMSG)
			fail_msg("%s is a date", texts[i]);
		assert_true(seconds == 42);
		forget(text);
	}
}

static void two_digits_are_within_50_years(void **state)
{
	time_t now = time(NULL);
	struct tm tm;
	int this_year;

	(void)state;
	assert_non_null(gmtime_r(&now, &tm));
	this_year = tm.tm_year + 1900;
	for (int ahead = -49; ahead <= 50; ahead++) {
		struct tm then = { .tm_year = this_year + ahead - 1900,
				   .tm_mon = 5, .tm_mday = 15 };
		char text[64];
		int64_t seconds;

		snprintf(text, sizeof(text), "Monday, 15-Jun-%02d 00:00:00 GMT",
			 (this_year + ahead) % 100);
		assert_int_equal(heph_http_date_read(heph_str(text), &seconds),
				 0);
		assert_true(seconds == timegm(&then));
	}
}

/* As the C library does, each day for 400 years and then some. */
static void what_is_written_is_right_and_reads_the_same(void **state)
{
	char text[HEPH_HTTP_DATE_SIZE], expected[64];

	(void)state;
	for (int64_t seconds = 0; seconds < INT64_C(13000000000);
	     seconds += 86400 + 3599) {
		time_t when = seconds;
		int64_t again;
		struct tm tm;

		heph_http_date_write(seconds, text);
		strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT",
			 gmtime_r(&when, &tm));
		assert_string_equal(text, expected);
		assert_int_equal(heph_http_date_read(heph_str(text), &again), 0);
		assert_true(again == seconds);
	}
}

static void what_cannot_be_written_is_the_nearest(void **state)
{
	char text[HEPH_HTTP_DATE_SIZE];

	(void)state;
	heph_http_date_write(-1, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	heph_http_date_write(INT64_MIN, text);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	heph_http_date_write(INT64_C(253402300799), text);
	assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
	heph_http_date_write(INT64_MAX, text);
	assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_forms_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(two_digits_are_within_50_years),
		cmocka_unit_test(what_is_written_is_right_and_reads_the_same),
		cmocka_unit_test(what_cannot_be_written_is_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
