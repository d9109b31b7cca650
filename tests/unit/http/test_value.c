/* SPDX-License-Identifier: MIT */
#include <heph/http/value.h>

#include "table.h"

static void numbers_are_digits_alone(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t number;
	} rows[] = {
		{ "0", 0, 0 },
		{ "7", 0, 7 },
		{ "0010", 0, 10 },
		{ "255", 0, 255 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -EBADMSG, 0 },
		{ "18446744073709551620", -EBADMSG, 0 },
		{ "184467440737095516150", -EBADMSG, 0 },
		{ "", -EBADMSG, 0 },
		{ "+1", -EBADMSG, 0 },
		{ "-1", -EBADMSG, 0 },
		{ " 1", -EBADMSG, 0 },
		{ "1 ", -EBADMSG, 0 },
		{ "0x10", -EBADMSG, 0 },
		{ "1,1", -EBADMSG, 0 },
		{ "abc", -EBADMSG, 0 },
		{ "2a", -EBADMSG, 0 },
		{ "/", -EBADMSG, 0 },
		{ ":", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str text = exact(rows[i].text);
		uint64_t number = 1;

		assert_int_equal(heph_http_number(text, &number), rows[i].err);
		assert_true(number == (rows[i].err ? 1 : rows[i].number));
		forget(text);
	}
}

static void tokens_have_no_separators(void **state)
{
	static const char separators[] = "\"(),/:;<=>?@[\\]{} \t";

	(void)state;
	assert_true(heph_http_is_token(heph_str("X-Request_ID.1~!#$%&'*+^`|")));
	assert_false(heph_http_is_token(heph_str("")));
	for (int c = 0; c < 256; c++) {
		char text[] = { 'a', (char)c, 'b' };
		bool is = c > 0x20 && c < 0x7f && !strchr(separators, c);

		assert_int_equal(heph_http_is_token(heph_str_of(text, 3)), is);
	}
}

static void values_have_no_control_characters(void **state)
{
	(void)state;
	assert_true(heph_http_is_value(heph_str("")));
	for (int c = 0; c < 256; c++) {
		char text[] = { 'a', (char)c };
		bool is = (c >= 0x20 && c != 0x7f) || c == '\t';

		assert_int_equal(heph_http_is_value(heph_str_of(text, 2)), is);
	}
}

/* What a list has, with "|" behind each; "!": it cannot be read on. */
static void expect_list(const char *list, const char *expected)
{
	struct heph_str text = exact(list), member;
	char all[256] = "";
	size_t at = 0, size = 0;
	int got;

	while ((got = heph_http_list_next(text, &at, &member)) > 0)
		size += (size_t)snprintf(all + size, sizeof(all) - size,
					 "%.*s|", HEPH_STR(member));
	if (got < 0)
		snprintf(all + size, sizeof(all) - size, "!");
	assert_string_equal(all, expected);
	forget(text);
}

static void lists_are_split_at_commas(void **state)
{
	(void)state;
	expect_list("", "");
	expect_list(" \t", "");
	expect_list("a", "a|");
	expect_list("a,b", "a|b|");
	expect_list(" a ,\tb\t, c ", "a|b|c|");
	expect_list(",,a,, ,b,", "a|b|");
	expect_list("a b, c", "a b|c|");
	expect_list("\"a, b\", c", "\"a, b\"|c|");
	expect_list("x=\"a\\\",b\";q=1,c", "x=\"a\\\",b\";q=1|c|");
	expect_list("\"\"", "\"\"|");
	expect_list("a, \"b", "a|!");
	expect_list("\"", "!");
	expect_list("\"\\", "!");
	expect_list("\"\\\"", "!");
	expect_list("\"a\nb\"", "!");
}

static void lists_are_asked_for_tokens(void **state)
{
	(void)state;
	assert_true(heph_http_list_has(heph_str("keep-alive, Upgrade"),
				       "upgrade"));
	assert_true(heph_http_list_has(heph_str("CLOSE"), "close"));
	assert_false(heph_http_list_has(heph_str("closed"), "close"));
	assert_false(heph_http_list_has(heph_str("not close"), "close"));
	assert_false(heph_http_list_has(heph_str(""), "close"));
	assert_true(heph_http_list_has(heph_str("close, \""), "close"));
}

/* Each as name=value|, or name|. */
static void expect_params(const char *params, const char *expected)
{
	struct heph_str text = exact(params), value;
	struct heph_http_param param;
	char all[256] = "", buf[64];
	size_t at = 0, size = 0;
	int got;

	while ((got = heph_http_params_next(text, &at, &param)) > 0) {
		assert_int_equal(heph_http_unescape(&param, buf, sizeof(buf),
						    &value),
				 0);
		size += (size_t)snprintf(all + size, sizeof(all) - size,
					 "%.*s%s%.*s|", HEPH_STR(param.name),
					 param.value.data ? "=" : "",
					 HEPH_STR(value));
	}
	if (got < 0)
		snprintf(all + size, sizeof(all) - size, "!");
	assert_string_equal(all, expected);
	forget(text);
}

static void parameters_are_tokens_or_quoted(void **state)
{
	(void)state;
	expect_params("", "");
	expect_params(";", "");
	expect_params("a=b", "a=b|");
	expect_params("; a=b;c=d", "a=b|c=d|");
	expect_params(" ; a=b ; c=\"d\" ", "a=b|c=d|");
	expect_params(";;a=b;;", "a=b|");
	expect_params("a=\"\"", "a=|");
	expect_params("a=\"b;c=d\"; e=f", "a=b;c=d|e=f|");
	expect_params("a=\"b\\\"c\\\\\"", "a=b\"c\\|");
	expect_params("secure; a=b", "secure|a=b|");
	expect_params("a=", "!");
	expect_params("a= b", "!");
	expect_params("a =b", "!");
	expect_params("a=b c", "!");
	expect_params("a=\"b\"c", "!");
	expect_params("a=\"b", "!");
	expect_params("=b", "!");
	expect_params("a=b, c", "!");
	expect_params("a=b; (", "a=b|!");
}

static void parameters_are_found_by_name(void **state)
{
	struct heph_str params = heph_str("; charset=utf-8; Boundary=\"x y\"; a");
	struct heph_http_param param;

	(void)state;
	assert_int_equal(heph_http_params_get(params, "boundary", &param), 1);
	expect_str(param.value, "x y");
	assert_int_equal(heph_http_params_get(params, "a", &param), 1);
	expect_str(param.value, NULL);
	assert_int_equal(heph_http_params_get(params, "b", &param), 0);
	assert_int_equal(heph_http_params_get(heph_str("b c"), "b", &param),
			 -EBADMSG);
}

static void unescaping_needs_room(void **state)
{
	struct heph_http_param param;
	struct heph_str value;
	char buf[3];

	(void)state;
	assert_int_equal(heph_http_params_get(heph_str("a=\"b\\cde\""), "a",
					      &param),
			 1);
	assert_int_equal(heph_http_unescape(&param, buf, 3, &value), -ENOSPC);
	assert_int_equal(heph_http_params_get(heph_str("a=\"b\\cd\""), "a",
					      &param),
			 1);
	assert_int_equal(heph_http_unescape(&param, buf, 3, &value), 0);
	expect_str(value, "bcd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_digits_alone),
		cmocka_unit_test(tokens_have_no_separators),
		cmocka_unit_test(values_have_no_control_characters),
		cmocka_unit_test(lists_are_split_at_commas),
		cmocka_unit_test(lists_are_asked_for_tokens),
		cmocka_unit_test(parameters_are_tokens_or_quoted),
		cmocka_unit_test(parameters_are_found_by_name),
		cmocka_unit_test(unescaping_needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
