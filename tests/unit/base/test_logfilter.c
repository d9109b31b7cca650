/* SPDX-License-Identifier: MIT */
#include "base/logfilter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct heph_log_site site_of(const char *target, const char *file)
{
	return (struct heph_log_site){ .target = target, .file = file };
}

static int limit_of(const char *target)
{
	struct heph_log_site site = site_of(target, "x.c");

	return heph_logfilter_limit(&site);
}

static const char *printed(void)
{
	static char text[HEPH_LOG_FILTER_MAX];
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, text, sizeof(text));
	heph_logfilter_print(&fmt);
	return text;
}

static void the_first_filter_yields_to_one_that_was_set(void **state)
{
	(void)state;
	assert_int_equal(heph_log_limit, HEPH_LOG_UNSET);
	assert_int_equal(heph_logfilter_set("warn", true), 0);
	assert_int_equal(limit_of("any"), HEPH_LOG_WARN);
	assert_int_equal(heph_logfilter_set("debug", true), 0);
	assert_int_equal(limit_of("any"), HEPH_LOG_WARN);
	assert_int_equal(heph_logfilter_set("debug", false), 0);
	assert_int_equal(limit_of("any"), HEPH_LOG_DEBUG);
}

static void names_targets(void **state)
{
	static const struct {
		const char *target, *file, *expected;
	} cases[] = {
		{ "", "../src/io/conn.c", "conn" },
		{ "", "conn.c", "conn" },
		{ "", "conn.test.c", "conn" },
		{ "", "conn", "conn" },
		{ "shop", "src/conn.c", "shop" },
		{ "shop.", "src/conn.c", "shop.conn" },
		{ "a23456789.123456789.123456789.123456789.123456789", "x.c",
		  "a23456789.123456789.123456789.123456789" },
		{ "a23456789.123456789.123456789.12345.", "conn.c",
		  "a23456789.123456789.123456789.12345.con" },
	};
	char target[HEPH_LOG_TARGET_MAX];
	struct heph_log_site site;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		site = site_of(cases[i].target, cases[i].file);
		heph_logfilter_target(&site, target);
		assert_string_equal(target, cases[i].expected);
	}
}

static void the_longest_name_counts(void **state)
{
	static const struct {
		const char *target;
		int level;
	} cases[] = {
		{ "other", HEPH_LOG_INFO },
		{ "shop", HEPH_LOG_ERROR },
		{ "shop.cart", HEPH_LOG_ERROR },
		{ "shop.conn", HEPH_LOG_DEBUG },
		{ "shop.conn.x", HEPH_LOG_DEBUG },
		{ "shop.connect", HEPH_LOG_ERROR },
		{ "shopping", HEPH_LOG_INFO },
		{ "conn", HEPH_LOG_OFF },
	};

	(void)state;
	assert_int_equal(heph_logfilter_set("shop.conn=debug,info,shop=error,"
					    "conn=off",
					    false),
			 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(limit_of(cases[i].target), cases[i].level);
		assert_int_equal(heph_logfilter_level(cases[i].target),
				 cases[i].level);
	}
	assert_int_equal(heph_logfilter_level(NULL), HEPH_LOG_INFO);
	assert_int_equal(heph_log_limit, HEPH_LOG_DEBUG);
	assert_string_equal(printed(),
			    "info,shop.conn=debug,shop=error,conn=off");
}

static void of_the_same_name_the_later_counts(void **state)
{
	(void)state;
	assert_int_equal(heph_logfilter_set("a=off,a=warn,error,debug", false),
			 0);
	assert_int_equal(limit_of("a"), HEPH_LOG_WARN);
	assert_int_equal(limit_of("b"), HEPH_LOG_DEBUG);
}

static void a_place_hears_of_a_new_filter(void **state)
{
	struct heph_log_site site = site_of("", "conn.c");

	(void)state;
	assert_int_equal(heph_logfilter_set("conn=debug", false), 0);
	assert_int_equal(heph_logfilter_limit(&site), HEPH_LOG_DEBUG);
	assert_int_equal(heph_logfilter_set("warn", false), 0);
	assert_int_equal(heph_logfilter_limit(&site), HEPH_LOG_WARN);
	assert_int_equal(heph_log_limit, HEPH_LOG_WARN);
}

static void refuses_what_is_no_filter(void **state)
{
	static const char *const wrong[] = {
		"",         "loud",        "info,",    ",info",
		"=info",    "conn=",       "conn=x",   "Info",
		"a=b=info", "info,,a=off", "info warn"
	};

	(void)state;
	assert_int_equal(heph_logfilter_set("warn,a=debug", false), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(heph_logfilter_set(wrong[i], false), -EINVAL);
	assert_int_equal(heph_logfilter_set(NULL, false), -EINVAL);
	assert_string_equal(printed(), "warn,a=debug");
}

/* Writes N rules with names of LEN characters. */
static const char *rules_of(unsigned n, unsigned len)
{
	static char text[4096];
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, "%s%0*u=debug", i ? "," : "",
				      (int)len, i);
	return text;
}

static void has_room_for_so_many(void **state)
{
	(void)state;
	assert_int_equal(heph_logfilter_set(rules_of(HEPH_LOG_TARGETS_MAX,
						     HEPH_LOG_TARGET_MAX - 1),
					    false),
			 0);
	/* The text has the level of the others before them. */
	assert_int_equal(strlen(printed()),
			 strlen("info,") +
				 strlen(rules_of(HEPH_LOG_TARGETS_MAX,
						 HEPH_LOG_TARGET_MAX - 1)));
	assert_int_equal(heph_logfilter_set(
				 rules_of(HEPH_LOG_TARGETS_MAX + 1, 3), false),
			 -E2BIG);
	assert_int_equal(heph_logfilter_set(rules_of(1, HEPH_LOG_TARGET_MAX),
					    false),
			 -E2BIG);
}

static void counts_what_comes_too_fast(void **state)
{
	struct heph_log_site site = site_of("", "x.c"), other = site;
	uint64_t before = heph_logfilter_suppressed(), suppressed;

	(void)state;
	heph_logfilter_set_rate(3);
	for (int i = 0; i < 10; i++)
		assert_int_equal(heph_logfilter_pass(&site, 7, &suppressed),
				 i < 3);
	assert_true(heph_logfilter_pass(&other, 7, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_int_equal(heph_logfilter_suppressed() - before, 7);
	assert_true(heph_logfilter_pass(&site, 8, &suppressed));
	assert_int_equal(suppressed, 7);
	assert_true(heph_logfilter_pass(&site, 8, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_int_equal(heph_logfilter_take_untold(), 0);
}

static void those_that_were_not_told_stay(void **state)
{
	struct heph_log_site site = site_of("", "x.c");
	uint64_t suppressed;

	(void)state;
	heph_logfilter_set_rate(1);
	assert_true(heph_logfilter_pass(&site, 1, &suppressed));
	assert_false(heph_logfilter_pass(&site, 1, &suppressed));
	assert_true(heph_logfilter_pass(&site, 2, &suppressed));
	assert_int_equal(suppressed, 1);
	heph_logfilter_untell(&site, suppressed);
	assert_true(heph_logfilter_pass(&site, 3, &suppressed));
	assert_int_equal(suppressed, 1);
	assert_false(heph_logfilter_pass(&site, 3, &suppressed));
	assert_int_equal(heph_logfilter_take_untold(), 1);
	assert_int_equal(heph_logfilter_take_untold(), 0);
}

static void without_a_rate_all_pass(void **state)
{
	struct heph_log_site site = site_of("", "x.c");
	uint64_t suppressed;

	(void)state;
	heph_logfilter_set_rate(0);
	for (int i = 0; i < 5000; i++)
		assert_true(heph_logfilter_pass(&site, 1, &suppressed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First the one that needs a process without a filter. */
		cmocka_unit_test(the_first_filter_yields_to_one_that_was_set),
		cmocka_unit_test(names_targets),
		cmocka_unit_test(the_longest_name_counts),
		cmocka_unit_test(of_the_same_name_the_later_counts),
		cmocka_unit_test(a_place_hears_of_a_new_filter),
		cmocka_unit_test(refuses_what_is_no_filter),
		cmocka_unit_test(has_room_for_so_many),
		cmocka_unit_test(counts_what_comes_too_fast),
		cmocka_unit_test(those_that_were_not_told_stay),
		cmocka_unit_test(without_a_rate_all_pass),
	};

	return cmocka_run_group_tests_name("logfilter", tests, NULL, NULL);
}
