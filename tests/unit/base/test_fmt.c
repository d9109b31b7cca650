/* SPDX-License-Identifier: MIT */
#include "base/fmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static char buf[64];
static struct heph_fmt fmt;

static int start(void **state)
{
	(void)state;
	memset(buf, 'x', sizeof(buf));
	heph_fmt_init(&fmt, buf, sizeof(buf));
	return 0;
}

static void begins_with_an_empty_text(void **state)
{
	(void)state;
	assert_string_equal(buf, "");
	assert_false(fmt.cut);
}

static void appends_texts_and_characters(void **state)
{
	(void)state;
	heph_fmt_str(&fmt, "one");
	heph_fmt_char(&fmt, ',');
	heph_fmt_mem(&fmt, "two three", 3);
	heph_fmt_mem(&fmt, NULL, 0);
	heph_fmt_str(&fmt, NULL);
	assert_string_equal(buf, "one,two(null)");
	assert_int_equal(fmt.len, strlen(buf));
}

static void writes_numbers_as_stdio_does(void **state)
{
	static const int64_t values[] = { 0,  1,   -1,        9,        10,
					  99, 100, INT64_MAX, INT64_MIN };
	char expected[64];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		start(NULL);
		heph_fmt_int(&fmt, values[i]);
		snprintf(expected, sizeof(expected), "%" PRId64, values[i]);
		assert_string_equal(buf, expected);
		start(NULL);
		heph_fmt_uint(&fmt, (uint64_t)values[i]);
		heph_fmt_char(&fmt, ' ');
		heph_fmt_hex(&fmt, (uint64_t)values[i]);
		snprintf(expected, sizeof(expected), "%" PRIu64 " 0x%" PRIx64,
			 (uint64_t)values[i], (uint64_t)values[i]);
		assert_string_equal(buf, expected);
	}
}

static void puts_zeros_in_front(void **state)
{
	(void)state;
	heph_fmt_padded(&fmt, 7, 3);
	heph_fmt_char(&fmt, ' ');
	heph_fmt_padded(&fmt, 1234, 3);
	heph_fmt_char(&fmt, ' ');
	heph_fmt_padded(&fmt, 0, 0);
	assert_string_equal(buf, "007 1234 0");
}

static void knows_the_names_of_errors(void **state)
{
	(void)state;
	heph_fmt_err(&fmt, EMFILE);
	heph_fmt_char(&fmt, ' ');
	heph_fmt_err(&fmt, -ENOENT);
	heph_fmt_char(&fmt, ' ');
	heph_fmt_err(&fmt, 0);
	heph_fmt_char(&fmt, ' ');
	heph_fmt_err(&fmt, -123456);
	heph_fmt_err(&fmt, INT32_MIN);
	assert_string_equal(buf, "EMFILE ENOENT 0 -123456-2147483648");
}

static void writes_fractions(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "-0" },
		{ 1, "1" },
		{ 1.5, "1.5" },
		{ -2.25, "-2.25" },
		{ 0.1 + 0.2, "0.3" },
		{ 1.0 / 3, "0.333333333" },
		{ 0.001, "0.001" },
		{ 123456.789, "123456.789" },
		{ 999999999999.0, "999999999999" },
		{ 1e14, "100000000000000" },
		{ 1e15, "1e15" },
		{ 1.5e300, "1.5e300" },
		{ -2.5e-9, "-2.5e-9" },
		{ 5e-324, "4.940656e-324" },
		{ 1.7976931348623157e308, "1.797693e308" },
		{ (double)INFINITY, "inf" },
		{ -(double)INFINITY, "-inf" },
		{ (double)NAN, "nan" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		start(NULL);
		heph_fmt_double(&fmt, cases[i].value);
		assert_string_equal(buf, cases[i].text);
	}
}

static void writes_times_in_the_unit_that_fits(void **state)
{
	static const struct {
		heph_time value;
		const char *text;
	} cases[] = {
		{ 0, "0ns" },
		{ 7, "7ns" },
		{ 999, "999ns" },
		{ 1000, "1us" },
		{ 1234567, "1.234ms" },
		{ 20 * HEPH_MSEC, "20ms" },
		{ 1500 * HEPH_MSEC, "1.5s" },
		{ 90 * HEPH_SEC, "90s" },
		{ -20 * HEPH_MSEC, "-20ms" },
		{ INT64_MIN, "-9223372036.854s" },
		{ HEPH_NEVER, "never" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		start(NULL);
		heph_fmt_time(&fmt, cases[i].value);
		assert_string_equal(buf, cases[i].text);
	}
	heph_fmt_init(&fmt, buf, 5);
	heph_fmt_time(&fmt, 90 * HEPH_SEC);
	heph_fmt_time(&fmt, 90 * HEPH_SEC);
	assert_string_equal(buf, "90s");
	assert_true(fmt.cut);
}

static void cuts_a_text_that_does_not_fit(void **state)
{
	(void)state;
	heph_fmt_init(&fmt, buf, 6);
	heph_fmt_str(&fmt, "exact");
	assert_false(fmt.cut);
	heph_fmt_char(&fmt, '!');
	assert_true(fmt.cut);
	assert_string_equal(buf, "exact");
	assert_int_equal(buf[6], 'x');
}

static void leaves_a_number_out_rather_than_cut_it(void **state)
{
	(void)state;
	heph_fmt_init(&fmt, buf, 4);
	heph_fmt_uint(&fmt, 1234);
	assert_string_equal(buf, "");
	assert_true(fmt.cut);
	heph_fmt_int(&fmt, -12);
	assert_string_equal(buf, "-12");
}

static void writes_everything_and_starts_again(void **state)
{
	char got[8] = "";
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	heph_fmt_str(&fmt, "abc");
	heph_fmt_write(&fmt, fds[1]);
	assert_int_equal(read(fds[0], got, sizeof(got)), 3);
	assert_string_equal(got, "abc");
	assert_string_equal(buf, "");
	heph_fmt_str(&fmt, "lost");
	heph_fmt_write(&fmt, -1);
	assert_int_equal(fmt.len, 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(begins_with_an_empty_text, start),
		cmocka_unit_test_setup(appends_texts_and_characters, start),
		cmocka_unit_test_setup(writes_numbers_as_stdio_does, start),
		cmocka_unit_test_setup(puts_zeros_in_front, start),
		cmocka_unit_test_setup(knows_the_names_of_errors, start),
		cmocka_unit_test_setup(writes_fractions, start),
		cmocka_unit_test_setup(writes_times_in_the_unit_that_fits,
				       start),
		cmocka_unit_test_setup(cuts_a_text_that_does_not_fit, start),
		cmocka_unit_test_setup(leaves_a_number_out_rather_than_cut_it,
				       start),
		cmocka_unit_test_setup(writes_everything_and_starts_again,
				       start),
	};

	return cmocka_run_group_tests_name("fmt", tests, NULL, NULL);
}
