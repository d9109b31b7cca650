/* SPDX-License-Identifier: MIT */
#include "http/base64.h"

#include <heph/http/auth.h>
#include <heph/http/forwarded.h>

#include "table.h"

/* ---- base64 ---------------------------------------------------------------------- */

static void bytes_survive_base64(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },	     { "f", "Zg==" },	  { "fo", "Zm8=" },
		{ "foo", "Zm9v" },   { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	char encoded[16], decoded[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text_out out = text_out(encoded, sizeof(encoded));
		struct heph_str text;

		heph_http_base64_encode(&out, rows[i][0], strlen(rows[i][0]));
		assert_int_equal(heph_http_out_end(&out, encoded, &text), 0);
		expect_str(text, rows[i][1]);
		text = exact(rows[i][1]);
		out = text_out(decoded, sizeof(decoded));
		assert_int_equal(heph_http_base64_decode(&out, text), 0);
		forget(text);
		assert_int_equal(heph_http_out_end(&out, decoded, &text), 0);
		expect_str(text, rows[i][0]);
	}
}

static void broken_base64_is_refused(void **state)
{
	static const char *const texts[] = {
		"Z", "Zg", "Zg=", "Zg===", "====", "===", "=", "A===", "Zh==",
		"Zm9=", "Zg==Zg==", "Z-9v", "Zm 9", "Zm9v\n", "Z=9v",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct heph_str text = exact(texts[i]);
		char decoded[16];
		struct text_out out = text_out(decoded, sizeof(decoded));

		if (heph_http_base64_decode(&out, text) != -EBADMSG)
			fail_msg("%s is base64", texts[i]);
		forget(text);
	}
}

/* ---- credentials ------------------------------------------------------------------ */

static void basic_credentials_are_read(void **state)
{
	static const struct {
		const char *text;
		int got;
		const char *user, *password;
	} rows[] = {
		/* RFC 7617, section 2 */
		{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 1, "Aladdin",
		  "open sesame" },
		{ "basic  Og==", 1, "", "" },
		{ "BASIC YTpiOmM=", 1, "a", "b:c" },
		{ "Basic", -EBADMSG, NULL, NULL },
		{ "Basic YQ==", -EBADMSG, NULL, NULL },
		{ "Basic YTpi\tx", -EBADMSG, NULL, NULL },
		{ "Basic YTp", -EBADMSG, NULL, NULL },
		{ "Basic YToN", -EBADMSG, NULL, NULL },
		{ "Basics YTpi", 0, NULL, NULL },
		{ "Bearer abc", 0, NULL, NULL },
		{ "", 0, NULL, NULL },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str text = exact(rows[i].text), user, password;
		int got = heph_http_basic_read(text, buf, sizeof(buf), &user,
					       &password);

		if (got != rows[i].got)
			fail_msg("%s: %d", rows[i].text, got);
		if (got == 1) {
			expect_str(user, rows[i].user);
			expect_str(password, rows[i].password);
		}
		forget(text);
	}
}

static void basic_credentials_are_written(void **state)
{
	char buf[64], again[64];
	struct heph_str text, user, password;

	(void)state;
	assert_int_equal(heph_http_basic_write(heph_str("Aladdin"),
					       heph_str("open sesame"), buf,
					       sizeof(buf), &text),
			 0);
	expect_str(text, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	for (size_t room = 0; room < text.size; room++)
		assert_int_equal(heph_http_basic_write(heph_str("Aladdin"),
						       heph_str("open sesame"),
						       buf, room, &user),
				 -ENOSPC);
	for (size_t size = 0; size < 8; size++) {
		assert_int_equal(heph_http_basic_write(
					 heph_str_of("abcdefgh", size),
					 heph_str_of("12345678", 8 - size), buf,
					 sizeof(buf), &text),
				 0);
		assert_int_equal(heph_http_basic_read(text, again, sizeof(again),
						      &user, &password),
				 1);
		assert_int_equal(user.size, size);
		assert_int_equal(password.size, 8 - size);
		assert_memory_equal(user.data, "abcdefgh", size);
		assert_memory_equal(password.data, "12345678", 8 - size);
	}
	assert_int_equal(heph_http_basic_read(text, again, 1, &user, &password),
			 -ENOSPC);
	assert_int_equal(heph_http_basic_write(heph_str("a:b"), heph_str("c"), buf,
					       sizeof(buf), &text),
			 -EINVAL);
	assert_int_equal(heph_http_basic_write(heph_str("a"), heph_str("c\n"), buf,
					       sizeof(buf), &text),
			 -EINVAL);
}

static void bearer_tokens_are_read(void **state)
{
	struct heph_str token;

	(void)state;
	assert_int_equal(heph_http_bearer_read(heph_str("Bearer mF_9.B5f-4.1JqM=="),
					       &token),
			 1);
	expect_str(token, "mF_9.B5f-4.1JqM==");
	assert_int_equal(heph_http_bearer_read(heph_str("bearer a"), &token), 1);
	assert_int_equal(heph_http_bearer_read(heph_str("Basic a"), &token), 0);
	assert_int_equal(heph_http_bearer_read(heph_str("Bearer"), &token),
			 -EBADMSG);
	assert_int_equal(heph_http_bearer_read(heph_str("Bearer =="), &token),
			 -EBADMSG);
	assert_int_equal(heph_http_bearer_read(heph_str("Bearer a b"), &token),
			 -EBADMSG);
	assert_int_equal(heph_http_bearer_read(heph_str("Bearer a=b"), &token),
			 -EBADMSG);
}

static void secrets_are_compared(void **state)
{
	(void)state;
	assert_true(heph_http_same_secret(heph_str("abc"), heph_str("abc")));
	assert_true(heph_http_same_secret(heph_str(""), heph_str_of(NULL, 0)));
	assert_false(heph_http_same_secret(heph_str("abc"), heph_str("abd")));
	assert_false(heph_http_same_secret(heph_str("abc"), heph_str("ab")));
	assert_false(heph_http_same_secret(heph_str("ab"), heph_str("abab")));
	assert_false(heph_http_same_secret(heph_str("abab"), heph_str("ab")));
	assert_false(heph_http_same_secret(heph_str("a"), heph_str("")));
	assert_false(heph_http_same_secret(heph_str(""), heph_str("a")));
}

/* ---- proxies ------------------------------------------------------------------------ */

static void forwarded_elements_are_read(void **state)
{
	struct heph_str list = exact("for=192.0.2.43, FOR=\"[2001:db8::1]:47\";"
				     "proto=https;by=_x;host=\"a:1\"");
	struct heph_http_forwarded one;
	size_t at = 0;

	(void)state;
	assert_int_equal(heph_http_forwarded_next(list, &at, &one), 1);
	expect_str(one.client, "192.0.2.43");
	expect_str(one.proto, NULL);
	assert_int_equal(heph_http_forwarded_next(list, &at, &one), 1);
	expect_str(one.client, "[2001:db8::1]:47");
	expect_str(one.proto, "https");
	expect_str(one.by, "_x");
	expect_str(one.host, "a:1");
	assert_int_equal(heph_http_forwarded_next(list, &at, &one), 0);
	at = 0;
	assert_int_equal(heph_http_forwarded_next(heph_str("for"), &at, &one),
			 -EBADMSG);
	at = 0;
	assert_int_equal(heph_http_forwarded_next(heph_str("for=[::1]"), &at, &one),
			 -EBADMSG);
	forget(list);
}

static void nodes_are_addresses(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.1", "192.0.2.1:0" },
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ " 192.0.2.1 ", "192.0.2.1:0" },
		{ "[2001:db8::1]", "[2001:db8::1]:0" },
		{ "[2001:db8::1]:65535", "[2001:db8::1]:65535" },
		{ "2001:db8::1", "[2001:db8::1]:0" },
		{ "::1", "[::1]:0" },
		{ "unknown", NULL },
		{ "_hidden", NULL },
		{ "", NULL },
		{ ":80", NULL },
		{ "[]", NULL },
		{ "[::1", NULL },
		{ "[::1]x", NULL },
		{ "[::1]80", NULL },
		{ "[::1]:", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1:x", NULL },
		{ "192.0.2", NULL },
		{ "fe80::1%eth0", NULL },
		{ "192.0.2.1.example.com", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str node = exact(rows[i][0]);
		struct heph_address address;
		char text[HEPH_ADDRESS_MAX];
		int err = heph_http_forwarded_address(node, &address);

		if (err != (rows[i][1] ? 0 : -EBADMSG))
			fail_msg("%s: %d", rows[i][0], err);
		if (!err) {
			assert_int_equal(heph_address_print(&address, text), 0);
			assert_string_equal(text, rows[i][1]);
		}
		forget(node);
	}
}

static void the_client_is_before_the_proxies(void **state)
{
	struct heph_http_field lines[] = {
		{ .name = "X-Forwarded-For", .name_size = 15,
		  .value = "6.6.6.6, 1.2.3.4", .value_size = 16 },
		{ .name = "Forwarded", .name_size = 9,
		  .value = "for=9.9.9.9;proto=http", .value_size = 22 },
		{ .name = "x-forwarded-for", .name_size = 15, .value = "10.0.0.1",
		  .value_size = 8 },
	};
	struct heph_http_fields fields = { lines, COUNT(lines), COUNT(lines) };
	static const struct {
		const char *name;
		unsigned proxies;
		int got;
		const char *address;
	} rows[] = {
		{ "X-Forwarded-For", 1, 1, "10.0.0.1:0" },
		{ "X-Forwarded-For", 2, 1, "1.2.3.4:0" },
		{ "X-Forwarded-For", 3, 1, "6.6.6.6:0" },
		{ "X-Forwarded-For", 4, 0, NULL },
		{ "X-Forwarded-For", 0, 0, NULL },
		{ "Forwarded", 1, 1, "9.9.9.9:0" },
		{ "X-Real-IP", 1, 0, NULL },
	};
	struct heph_address address;
	char text[HEPH_ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(heph_http_forwarded_client(&fields, rows[i].name,
							    rows[i].proxies,
							    &address),
				 rows[i].got);
		if (rows[i].got) {
			assert_int_equal(heph_address_print(&address, text), 0);
			assert_string_equal(text, rows[i].address);
		}
	}
	lines[2].value = "unknown!";
	assert_int_equal(heph_http_forwarded_client(&fields, "X-Forwarded-For", 1,
						    &address),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_survive_base64),
		cmocka_unit_test(broken_base64_is_refused),
		cmocka_unit_test(basic_credentials_are_read),
		cmocka_unit_test(basic_credentials_are_written),
		cmocka_unit_test(bearer_tokens_are_read),
		cmocka_unit_test(secrets_are_compared),
		cmocka_unit_test(forwarded_elements_are_read),
		cmocka_unit_test(nodes_are_addresses),
		cmocka_unit_test(the_client_is_before_the_proxies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
