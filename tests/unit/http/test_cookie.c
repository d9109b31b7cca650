/* SPDX-License-Identifier: MIT */
#include <heph/http/cookie.h>

#include "table.h"

static void expect_cookies(const char *text, const char *expected)
{
	struct heph_str cookies = exact(text), name, value;
	char all[256] = "";
	size_t at = 0, size = 0;

	while (heph_http_cookie_next(cookies, &at, &name, &value) > 0)
		size += (size_t)snprintf(all + size, sizeof(all) - size,
					 "%.*s=%.*s|", HEPH_STR(name),
					 HEPH_STR(value));
	assert_string_equal(all, expected);
	forget(cookies);
}

static void cookies_are_split(void **state)
{
	(void)state;
	expect_cookies("", "");
	expect_cookies("a=b", "a=b|");
	expect_cookies("a=b; c=d", "a=b|c=d|");
	expect_cookies("a=b;c=d;", "a=b|c=d|");
	expect_cookies(" a = b ;; c=\"d e\"", "a=b|c=d e|");
	expect_cookies("a=b=c; d=", "a=b=c|d=|");
	expect_cookies("a; =b; ; c=d", "c=d|");
	expect_cookies("a=\"", "a=\"|");
	expect_cookies("a=\"\"", "a=|");
	expect_cookies("a=\"b;c=d\"", "a=\"b|c=d\"|");
}

static void cookies_are_found_by_name(void **state)
{
	struct heph_str text = heph_str("id=1; ID=2; id=3; x"), value;

	(void)state;
	assert_int_equal(heph_http_cookie_get(text, "id", &value), 1);
	expect_str(value, "1");
	assert_int_equal(heph_http_cookie_get(text, "ID", &value), 1);
	expect_str(value, "2");
	assert_int_equal(heph_http_cookie_get(text, "x", &value), 0);
	assert_int_equal(heph_http_cookie_get(text, "i", &value), 0);
}

#define S(text_) { text_, sizeof(text_) - 1 }

static void cookies_are_written_and_read(void **state)
{
	static const struct {
		struct heph_http_set_cookie cookie;
		const char *text;
	} rows[] = {
		{ { .name = S("id"), .value = S("a3fWa") }, "id=a3fWa" },
		{ { .name = S("id"), .value = { NULL, 0 } }, "id=" },
		{ { .name = S("id"), .value = S("1"), .domain = S("example.com"),
		    .path = S("/x"), .expires = 784111777, .max_age = 60,
		    .same_site = HEPH_HTTP_SAME_SITE_LAX, .secure = true,
		    .http_only = true, .partitioned = true },
		  "id=1; Domain=example.com; Path=/x; Expires=Sun, 06 Nov 1994 "
		  "08:49:37 GMT; Max-Age=60; SameSite=Lax; Secure; HttpOnly; "
		  "Partitioned" },
		{ { .name = S("id"), .value = S(""), .max_age = -1 },
		  "id=; Max-Age=0" },
		{ { .name = S("a"), .value = S("b"),
		    .same_site = HEPH_HTTP_SAME_SITE_STRICT },
		  "a=b; SameSite=Strict" },
		{ { .name = S("a"), .value = S("b"),
		    .same_site = HEPH_HTTP_SAME_SITE_NONE, .secure = true },
		  "a=b; SameSite=None; Secure" },
		{ { .name = S("__Host-a"), .value = S("b"), .path = S("/"),
		    .secure = true },
		  "__Host-a=b; Path=/; Secure" },
		{ { .name = S("a"), .value = S("b"), .max_age = INT64_MAX },
		  "a=b; Max-Age=9223372036854775807" },
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_http_set_cookie again;
		struct heph_str text;

		assert_int_equal(heph_http_set_cookie_write(&rows[i].cookie, buf,
							    sizeof(buf), &text),
				 0);
		expect_str(text, rows[i].text);
		assert_int_equal(heph_http_set_cookie_write(&rows[i].cookie, buf,
							    text.size - 1, &text),
				 -ENOSPC);
		text = exact(rows[i].text);
		assert_int_equal(heph_http_set_cookie_read(text, &again), 0);
		assert_true(again.expires == rows[i].cookie.expires);
		assert_true(again.max_age == rows[i].cookie.max_age);
		assert_int_equal(again.same_site, rows[i].cookie.same_site);
		assert_int_equal(again.secure, rows[i].cookie.secure);
		assert_int_equal(again.http_only, rows[i].cookie.http_only);
		assert_int_equal(again.partitioned, rows[i].cookie.partitioned);
		assert_int_equal(again.domain.size, rows[i].cookie.domain.size);
		assert_int_equal(again.path.size, rows[i].cookie.path.size);
		assert_int_equal(again.value.size, rows[i].cookie.value.size);
		forget(text);
	}
}

static void cookies_that_nobody_takes_are_not_written(void **state)
{
	static const struct heph_http_set_cookie rows[] = {
		{ .name = S(""), .value = S("b") },
		{ .name = S("a b"), .value = S("b") },
		{ .name = S("a=b"), .value = S("b") },
		{ .name = S("a"), .value = S("b c") },
		{ .name = S("a"), .value = S("b;c") },
		{ .name = S("a"), .value = S("b,c") },
		{ .name = S("a"), .value = S("\"b\"") },
		{ .name = S("a"), .value = S("b\r\nX: y") },
		{ .name = S("a"), .value = S("\xc3\xa4") },
		{ .name = S("a"), .value = S("b"), .path = S("x") },
		{ .name = S("a"), .value = S("b"), .path = S("/;x") },
		{ .name = S("a"), .value = S("b"), .path = S("/\n") },
		{ .name = S("a"), .value = S("b"), .domain = S("x y") },
		{ .name = S("a"), .value = S("b"), .domain = S("x;y") },
		{ .name = S("a"), .value = S("b"), .domain = S(".x") },
		{ .name = S("a"), .value = S("b"), .partitioned = true },
		{ .name = S("a"), .value = S("b"),
		  .same_site = HEPH_HTTP_SAME_SITE_NONE },
		{ .name = S("a"), .value = S("b"), .same_site = 7 },
		{ .name = S("__Secure-a"), .value = S("b") },
		{ .name = S("__Host-a"), .value = S("b"), .path = S("/") },
		{ .name = S("__Host-a"), .value = S("b"), .secure = true },
		{ .name = S("__Host-a"), .value = S("b"), .secure = true,
		  .path = S("/"), .domain = S("x") },
		{ .name = S("__host-a"), .value = S("b") },
	};
	struct heph_http_set_cookie cookie = { .name = S("a") };
	static char big[4096];
	struct heph_str text;
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(heph_http_set_cookie_write(&rows[i], buf,
							    sizeof(buf), &text),
				 -EINVAL);
	memset(big, 'x', sizeof(big));
	cookie.value = heph_str_of(big, 4096);
	assert_int_equal(heph_http_set_cookie_write(&cookie, buf, sizeof(buf),
						    &text),
			 -EINVAL);
	cookie.value.size--;
	assert_int_equal(heph_http_set_cookie_write(&cookie, buf, sizeof(buf),
						    &text),
			 -ENOSPC);
}

static struct heph_http_set_cookie read_one(const char *text)
{
	struct heph_http_set_cookie cookie;

	assert_int_equal(heph_http_set_cookie_read(heph_str(text), &cookie), 0);
	return cookie;
}

static void attributes_are_read_as_clients_do(void **state)
{
	struct heph_http_set_cookie cookie;

	(void)state;
	cookie = read_one("a = b ; SECURE;httponly; unknown=x; path=/y; path=z");
	expect_str(cookie.name, "a");
	expect_str(cookie.value, "b");
	assert_true(cookie.secure && cookie.http_only);
	expect_str(cookie.path, NULL); /* the last counts, and is none */
	cookie = read_one("value alone");
	expect_str(cookie.name, "");
	expect_str(cookie.value, "value alone");
	expect_str(read_one("a=b; domain=.example.com").domain, "example.com");
	assert_true(read_one("a=b; max-age=0").max_age == -1);
	assert_true(read_one("a=b; max-age=-5").max_age == -1);
	assert_true(read_one("a=b; max-age=1x").max_age == 0);
	assert_true(read_one("a=b; max-age=").max_age == 0);
	assert_true(read_one("a=b; max-age=-").max_age == 0);
	assert_true(read_one("a=b; max-age=99999999999999999999").max_age ==
		    INT64_MAX);
	assert_int_equal(read_one("a=b; samesite=odd").same_site,
			 HEPH_HTTP_SAME_SITE_DEFAULT);
	assert_int_equal(read_one("a=b; SameSite=NONE").same_site,
			 HEPH_HTTP_SAME_SITE_NONE);
	assert_true(read_one("a=b; expires=nonsense").expires == 0);
	assert_true(read_one("a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT").expires ==
		    1);
}

static void dates_come_in_any_form(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: none */
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sun, 06-Nov-1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "6 november 94 8:49:37", 784111777 },
		{ "1994 08:49:37 Nov 6", 784111777 },
		{ "Fri, 01-Jan-2038 00:00:00 GMT", 2145916800 },
		{ "01 Jan 69 00:00:00", 3124224000 },
		{ "01 Jan 1600 00:00:00", 0 },
		{ "32 Jan 2000 00:00:00", 0 },
		{ "01 Jan 2000 24:00:00", 0 },
		{ "01 Jan 2000 00:00:60", 0 },
		{ "01 Jan 2000", 0 },
		{ "01 2000 00:00:00", 0 },
		{ "Jan 00:00:00", 0 },
		{ "01 Jan 20000 00:00:00", 0 },
		{ "", 0 },
		{ "0", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[128];

		snprintf(text, sizeof(text), "a=b; Expires=%s", rows[i].text);
		if (read_one(text).expires != rows[i].seconds)
			fail_msg("%s: %lld", rows[i].text,
				 (long long)read_one(text).expires);
	}
}

static void what_is_no_cookie_is_refused(void **state)
{
	static const char *const texts[] = { "", ";", "=", " ; secure", "a=b\n",
					     "a=b; path=/\x01", "a\x7f=b" };
	struct heph_http_set_cookie cookie;
	static char big[4098];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(heph_http_set_cookie_read(heph_str(texts[i]),
							   &cookie),
				 -EBADMSG);
	memset(big, 'x', sizeof(big));
	big[1] = '=';
	assert_int_equal(heph_http_set_cookie_read(heph_str_of(big, 4097), &cookie),
			 0);
	assert_int_equal(heph_http_set_cookie_read(heph_str_of(big, 4098), &cookie),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookies_are_split),
		cmocka_unit_test(cookies_are_found_by_name),
		cmocka_unit_test(cookies_are_written_and_read),
		cmocka_unit_test(cookies_that_nobody_takes_are_not_written),
		cmocka_unit_test(attributes_are_read_as_clients_do),
		cmocka_unit_test(dates_come_in_any_form),
		cmocka_unit_test(what_is_no_cookie_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
