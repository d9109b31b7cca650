/* SPDX-License-Identifier: MIT */
#include <heph/http/method.h>
#include <heph/http/name.h>
#include <heph/http/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>

/* ---- names of fields ----------------------------------------------------------- */

static enum heph_http_name of(const char *name)
{
	return heph_http_name_of(name, strlen(name));
}

static void every_name_is_found_in_any_case(void **state)
{
	char name[64];

	(void)state;
	for (unsigned id = 1; id < HEPH_HTTP_NAMES; id++) {
		const char *text = heph_http_name_text(id);

		assert_non_null(text);
		assert_int_equal(of(text), id);
		for (size_t i = 0; i <= strlen(text); i++)
			name[i] = (char)tolower(text[i]);
		assert_int_equal(of(name), id);
		for (size_t i = 0; i <= strlen(text); i++)
			name[i] = (char)(i % 2 ? toupper(text[i]) :
						 tolower(text[i]));
		assert_int_equal(of(name), id);
	}
}

/* Each byte of each name, changed to each other byte. */
static void what_differs_in_one_byte_is_another(void **state)
{
	char name[64];

	(void)state;
	for (unsigned id = 1; id < HEPH_HTTP_NAMES; id++) {
		const char *text = heph_http_name_text(id);
		size_t size = strlen(text);

		for (size_t i = 0; i < size; i++)
			for (int byte = 0; byte < 256; byte++) {
				memcpy(name, text, size);
				name[i] = (char)byte;
				if (tolower(byte) != tolower(text[i]))
					assert_int_not_equal(
						heph_http_name_of(name, size),
						id);
			}
	}
}

static void what_is_shorter_or_longer_is_another(void **state)
{
	char name[64];

	(void)state;
	for (unsigned id = 1; id < HEPH_HTTP_NAMES; id++) {
		const char *text = heph_http_name_text(id);

		snprintf(name, sizeof(name), "%s-", text);
		assert_int_not_equal(of(name), id);
		assert_int_not_equal(heph_http_name_of(name, strlen(text) - 1),
				     id);
	}
	memset(name, 'a', sizeof(name));
	for (size_t size = 0; size <= sizeof(name); size++)
		assert_int_equal(heph_http_name_of(name, size),
				 HEPH_HTTP_NAME_OTHER);
}

static void names_have_their_usual_letters(void **state)
{
	(void)state;
	assert_int_equal(of("content-length"), HEPH_HTTP_NAME_CONTENT_LENGTH);
	assert_int_equal(of("TE"), HEPH_HTTP_NAME_TE);
	assert_int_equal(of("dnt"), HEPH_HTTP_NAME_DNT);
	assert_int_equal(of("x-request-id"), HEPH_HTTP_NAME_X_REQUEST_ID);
	assert_string_equal(heph_http_name_text(HEPH_HTTP_NAME_WWW_AUTHENTICATE),
			    "WWW-Authenticate");
	assert_null(heph_http_name_text(HEPH_HTTP_NAME_OTHER));
	assert_null(heph_http_name_text(HEPH_HTTP_NAMES));
}

/* ---- methods -------------------------------------------------------------------- */

static void methods_are_found_by_their_names(void **state)
{
	(void)state;
	for (unsigned m = 1; m < HEPH_HTTP_METHODS; m++) {
		const char *name = heph_http_method_name(m);

		assert_int_equal(heph_http_method_of(heph_str(name)), m);
		assert_int_equal(heph_http_method_of(heph_str_of(
					 name, strlen(name) - 1)),
				 HEPH_HTTP_OTHER);
	}
	assert_null(heph_http_method_name(HEPH_HTTP_OTHER));
	assert_null(heph_http_method_name(HEPH_HTTP_METHODS));
}

static void other_methods_are_others(void **state)
{
	static const char *const names[] = { "",	 "G",	    "get",
					     "Get",	 "GETS",    "POTS",
					     "PROPFIND", "CONNECTS" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(heph_http_method_of(heph_str(names[i])),
				 HEPH_HTTP_OTHER);
}

static void some_methods_are_safe_and_some_can_be_repeated(void **state)
{
	static const struct {
		enum heph_http_method method;
		bool safe, idempotent;
	} rows[] = {
		{ HEPH_HTTP_OTHER, false, false },
		{ HEPH_HTTP_GET, true, true },
		{ HEPH_HTTP_HEAD, true, true },
		{ HEPH_HTTP_POST, false, false },
		{ HEPH_HTTP_PUT, false, true },
		{ HEPH_HTTP_DELETE, false, true },
		{ HEPH_HTTP_CONNECT, false, false },
		{ HEPH_HTTP_OPTIONS, true, true },
		{ HEPH_HTTP_TRACE, true, true },
		{ HEPH_HTTP_PATCH, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(heph_http_method_is_safe(rows[i].method),
				 rows[i].safe);
		assert_int_equal(heph_http_method_is_idempotent(rows[i].method),
				 rows[i].idempotent);
	}
}

/* ---- statuses -------------------------------------------------------------------- */

static void statuses_have_reasons(void **state)
{
	unsigned n = 0;

	(void)state;
	assert_string_equal(heph_http_reason(100), "Continue");
	assert_string_equal(heph_http_reason(HEPH_HTTP_STATUS_OK), "OK");
	assert_string_equal(heph_http_reason(404), "Not Found");
	assert_string_equal(heph_http_reason(451),
			    "Unavailable For Legal Reasons");
	assert_string_equal(heph_http_reason(511),
			    "Network Authentication Required");
	for (unsigned status = 0; status < 1100; status++)
		n += heph_http_reason(status)[0] != '\0';
	assert_int_equal(n, 62);
	assert_string_equal(heph_http_reason(299), "");
	assert_string_equal(heph_http_reason(~0U), "");
}

static void statuses_have_classes(void **state)
{
	(void)state;
	for (unsigned status = 100; status < 600; status++) {
		assert_int_equal(heph_http_status_is_interim(status),
				 status <= 199);
		assert_int_equal(heph_http_status_is_success(status),
				 status >= 200 && status <= 299);
		assert_int_equal(heph_http_status_is_redirect(status),
				 status >= 300 && status <= 399);
		assert_int_equal(heph_http_status_is_client_error(status),
				 status >= 400 && status <= 499);
		assert_int_equal(heph_http_status_is_server_error(status),
				 status >= 500);
	}
}

static void some_statuses_have_no_body(void **state)
{
	(void)state;
	for (unsigned status = 100; status < 1000; status++)
		assert_int_equal(heph_http_status_has_body(status),
				 status >= 200 && status != 204 &&
					 status != 304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_found_in_any_case),
		cmocka_unit_test(what_differs_in_one_byte_is_another),
		cmocka_unit_test(what_is_shorter_or_longer_is_another),
		cmocka_unit_test(names_have_their_usual_letters),
		cmocka_unit_test(methods_are_found_by_their_names),
		cmocka_unit_test(other_methods_are_others),
		cmocka_unit_test(some_methods_are_safe_and_some_can_be_repeated),
		cmocka_unit_test(statuses_have_reasons),
		cmocka_unit_test(statuses_have_classes),
		cmocka_unit_test(some_statuses_have_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
