/* SPDX-License-Identifier: MIT */
#include <heph/http/uri.h>

#include "table.h"

/* ---- URIs ------------------------------------------------------------------------ */

static void uris_are_split(void **state)
{
	static const struct {
		const char *text, *scheme, *userinfo, *host, *port, *path,
			*query, *fragment;
		bool is_ipv6;
		unsigned number;
	} rows[] = {
		{ "http://a/", "http", NULL, "a", NULL, "/", NULL, NULL, 0, 80 },
		{ "HTTPS://a", "HTTPS", NULL, "a", NULL, "", NULL, NULL, 0, 443 },
		{ "http://a:8080/b?c#d", "http", NULL, "a", "8080", "/b", "c",
		  "d", 0, 8080 },
		{ "http://a:/", "http", NULL, "a", "", "/", NULL, NULL, 0, 80 },
		{ "http://u:p@a:1/", "http", "u:p", "a", "1", "/", NULL, NULL, 0,
		  1 },
		{ "http://[::1]:80/x", "http", NULL, "::1", "80", "/x", NULL,
		  NULL, 1, 80 },
		{ "http://[2001:db8::7]", "http", NULL, "2001:db8::7", NULL, "",
		  NULL, NULL, 1, 80 },
		{ "http://a?b", "http", NULL, "a", NULL, "", "b", NULL, 0, 80 },
		{ "http://a#b?c", "http", NULL, "a", NULL, "", NULL, "b?c", 0,
		  80 },
		{ "http:///p", "http", NULL, "", NULL, "/p", NULL, NULL, 0, 80 },
		{ "http://a%20b/%41", "http", NULL, "a%20b", NULL, "/%41", NULL,
		  NULL, 0, 80 },
		{ "/p/q?x=/?&y#", NULL, NULL, NULL, NULL, "/p/q", "x=/?&y", "",
		  0, 0 },
		{ "//h/p", NULL, NULL, "h", NULL, "/p", NULL, NULL, 0, 0 },
		{ "?", NULL, NULL, NULL, NULL, "", "", NULL, 0, 0 },
		{ "", NULL, NULL, NULL, NULL, "", NULL, NULL, 0, 0 },
		{ "mailto:x@y.z", "mailto", NULL, NULL, NULL, "x@y.z", NULL,
		  NULL, 0, 0 },
		{ "./a:b", NULL, NULL, NULL, NULL, "./a:b", NULL, NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_str text = exact(rows[i].text), again;
		struct heph_http_uri uri;
		char buf[64];

		assert_int_equal(heph_http_uri_read(text, &uri), 0);
		expect_str(uri.scheme, rows[i].scheme);
		expect_str(uri.userinfo, rows[i].userinfo);
		expect_str(uri.host, rows[i].host);
		expect_str(uri.port, rows[i].port);
		expect_str(uri.path, rows[i].path);
		expect_str(uri.query, rows[i].query);
		expect_str(uri.fragment, rows[i].fragment);
		assert_int_equal(uri.is_ipv6, rows[i].is_ipv6);
		assert_int_equal(heph_http_uri_port(&uri), rows[i].number);
		assert_int_equal(heph_http_uri_write(&uri, buf, sizeof(buf),
						     &again),
				 0);
		expect_str(again, rows[i].text);
		if (text.size > 0)
			assert_int_equal(heph_http_uri_write(&uri, buf,
							     text.size - 1,
							     &again),
					 -ENOSPC);
		forget(text);
	}
}

static void what_is_no_uri_is_refused(void **state)
{
	static const char *const texts[] = {
		"http://a b/",	      "http://a/b c",	  "http://a/\xc3\xa4",
		"http://a/%",	      "http://a/%4",	  "http://a/%4g",
		"http://a/?\"",	      "http://a/#<",	  "http://a:b/",
		"http://a:65536/",    "http://a:-1/",	  "http://a:80:80/",
		"http://[::1/",	      "http://[::1]x/",	  "http://[1.2.3.4]/",
		"http://[::1%eth0]/", "http://[v1.x]/",	  "http://a@b@c/",
		"http://[]/",	      "1http://a/",	  ":a",
		"a b:c",	      "http://a\\b/",	  "http://a/\n",
		"http://a/{x}",	      "http://a|b/",	  "http://a%/",
		"ht\tp://a/",	      "http://::1/",	  "http://a/b#c#d",
		"http://[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:1]/",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct heph_str text = exact(texts[i]);
		struct heph_http_uri uri;

		if (heph_http_uri_read(text, &uri) != -EBADMSG)
			fail_msg("\"%s\" is read", texts[i]);
		forget(text);
	}
	for (int c = 0; c < 2; c++) {
		const char zero[][9] = { { 'a', '\0', ':', 'b', 0 },
					 { '/', '\0', 'b', 0 } };
		struct heph_http_uri uri;

		assert_int_equal(heph_http_uri_read(heph_str_of(zero[c], 4), &uri),
				 -EBADMSG);
	}
}

/* RFC 3986, section 5.4. */
static void references_are_resolved(void **state)
{
	static const struct {
		const char *reference, *target;
	} rows[] = {
		{ "g:h", "g:h" },
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q#s" },
		{ "g#s", "http://a/b/c/g#s" },
		{ "g?y#s", "http://a/b/c/g?y#s" },
		{ ";x", "http://a/b/c/;x" },
		{ "g;x", "http://a/b/c/g;x" },
		{ "g;x?y#s", "http://a/b/c/g;x?y#s" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../", "http://a/" },
		{ "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" },
		{ "../../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ ".g", "http://a/b/c/.g" },
		{ "g..", "http://a/b/c/g.." },
		{ "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" },
		{ "./g/.", "http://a/b/c/g/" },
		{ "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g;x=1/./y", "http://a/b/c/g;x=1/y" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/./x", "http://a/b/c/g?y/./x" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "g#s/./x", "http://a/b/c/g#s/./x" },
		{ "http:g", "http:g" },
		{ "https://b:1/../x", "https://b:1/x" },
		{ "//[::1]:5/x/../y", "http://[::1]:5/y" },
		{ "/a//../b", "http://a/a/b" },
	};
	struct heph_http_uri base;

	(void)state;
	assert_int_equal(heph_http_uri_read(heph_str("http://a/b/c/d;p?q"), &base),
			 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct heph_http_uri reference, target;
		struct heph_str text = exact(rows[i].reference), whole;
		char buf[64], again[64];

		assert_int_equal(heph_http_uri_read(text, &reference), 0);
		assert_int_equal(heph_http_uri_resolve(&base, &reference, buf,
						       sizeof(buf), &target),
				 0);
		forget(text); /* it is in `buf` now, or of the base */
		assert_int_equal(heph_http_uri_write(&target, again,
						     sizeof(again), &whole),
				 0);
		expect_str(whole, rows[i].target);
	}
}

static void a_base_may_have_no_path(void **state)
{
	struct heph_http_uri base, reference, target;
	struct heph_str whole;
	char buf[64], again[64];

	(void)state;
	/* And one without a host may have one that does not begin with "/". */
	assert_int_equal(heph_http_uri_read(heph_str("x:a"), &base), 0);
	assert_int_equal(heph_http_uri_read(heph_str("."), &reference), 0);
	assert_int_equal(heph_http_uri_resolve(&base, &reference, buf,
					       sizeof(buf), &target),
			 0);
	expect_str(target.path, "");
	assert_int_equal(heph_http_uri_read(heph_str("http://u@a:1?q"), &base), 0);
	assert_int_equal(heph_http_uri_read(heph_str("x"), &reference), 0);
	assert_int_equal(heph_http_uri_resolve(&base, &reference, buf,
					       sizeof(buf), &target),
			 0);
	assert_int_equal(heph_http_uri_write(&target, again, sizeof(again),
					     &whole),
			 0);
	expect_str(whole, "http://u@a:1/x");
}

static void resolving_needs_room(void **state)
{
	struct heph_http_uri base, reference, target;
	char buf[16];

	(void)state;
	assert_int_equal(heph_http_uri_read(heph_str("http://a/b/c"), &base), 0);
	assert_int_equal(heph_http_uri_read(heph_str("d?e#f"), &reference), 0);
	/* "http://a/b/d?e#f" are 16 */
	for (size_t room = 0; room < 16; room++)
		assert_int_equal(heph_http_uri_resolve(&base, &reference, buf,
						       room, &target),
				 -ENOSPC);
	assert_int_equal(heph_http_uri_resolve(&base, &reference, buf, 16,
					       &target),
			 0);
	assert_int_equal(heph_http_uri_read(heph_str("x:/a"), &base), 0);
	assert_int_equal(heph_http_uri_read(heph_str("/..//b"), &reference), 0);
	assert_int_equal(heph_http_uri_resolve(&base, &reference, buf, 16,
					       &target),
			 -EBADMSG);
}

/* ---- percent-encoding -------------------------------------------------------------- */

static void percents_are_decoded(void **state)
{
	struct heph_str text, decoded;
	char buf[16];

	(void)state;
	text = heph_str("plain+");
	assert_int_equal(heph_http_percent_decode(text, NULL, 0, &decoded), 0);
	assert_ptr_equal(decoded.data, text.data);
	assert_int_equal(heph_http_percent_decode(heph_str("%41b%2fC%2F%ff"), buf,
						  sizeof(buf), &decoded),
			 0);
	expect_str(decoded, "Ab/C/\xff");
	assert_int_equal(heph_http_percent_decode(heph_str("%00"), buf, 1,
						  &decoded),
			 0);
	assert_int_equal(decoded.size, 1);
	assert_int_equal(heph_http_percent_decode(heph_str("%41b"), buf, 1,
						  &decoded),
			 -ENOSPC);
}

static void broken_percents_are_refused(void **state)
{
	static const char *const texts[] = { "%",  "%4",   "a%",   "%4g", "%g4",
					     "%%", "% 41", "%-41", "%u0041" };
	struct heph_str decoded, text;
	char buf[16];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		text = exact(texts[i]);
		assert_int_equal(heph_http_percent_decode(text, buf, sizeof(buf),
							  &decoded),
				 -EBADMSG);
		assert_int_equal(heph_http_query_decode(text, buf, sizeof(buf),
							&decoded),
				 -EBADMSG);
		forget(text);
	}
}

static void every_byte_survives_encoding(void **state)
{
	char all[256], encoded[3 * 256], decoded[256];
	struct heph_str text, again;

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	assert_int_equal(heph_http_percent_encode(heph_str_of(all, 256), "/", encoded,
						  sizeof(encoded), &text),
			 0);
	for (size_t i = 0; i < text.size; i++)
		assert_true((text.data[i] > ' ' && text.data[i] < 0x7f));
	assert_int_equal(heph_http_percent_decode(text, decoded, sizeof(decoded),
						  &again),
			 0);
	assert_int_equal(again.size, 256);
	assert_memory_equal(again.data, all, 256);
	assert_int_equal(heph_http_percent_encode(heph_str("a/b c-._~"), "/",
						  encoded, sizeof(encoded),
						  &text),
			 0);
	expect_str(text, "a/b%20c-._~");
	assert_int_equal(heph_http_percent_encode(heph_str("a b"), "", encoded, 4,
						  &text),
			 -ENOSPC);
}

static void paths_become_names_of_files(void **state)
{
	static const struct {
		const char *path;
		const char *decoded; /* NULL: refused */
	} rows[] = {
		{ "/", "/" },
		{ "/a", "/a" },
		{ "/a/", "/a/" },
		{ "/a/b", "/a/b" },
		{ "//a///b//", "/a/b/" },
		{ "/a%20b/%C3%A4", "/a b/\xc3\xa4" },
		{ "/./a/.", "/a/" },
		{ "/a/../b", "/b" },
		{ "/a/..", "/" },
		{ "/a/b/..", "/a/" },
		{ "/a/b/../../c", "/c" },
		{ "/a/%2e%2E/b", "/b" },
		{ "/...", "/..." },
		{ "/..a", "/..a" },
		{ "/.a", "/.a" },
		{ "/a\\..\\b", "/a\\..\\b" },
		{ "", NULL },
		{ "a", NULL },
		{ "*", NULL },
		{ "/..", NULL },
		{ "/../a", NULL },
		{ "/a/../..", NULL },
		{ "/a/../../b", NULL },
		{ "/%2e%2e/a", NULL },
		{ "/%2e%2e%2fa", NULL },
		{ "/a%2fb", NULL },
		{ "/a%00b", NULL },
		{ "/a%", NULL },
		{ "//..", NULL },
		{ "/./..", NULL },
	};
	struct heph_str path, decoded;
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int err;

		path = exact(rows[i].path);
		err = heph_http_path_clean(path, buf, sizeof(buf), &decoded);
		if (err != (rows[i].decoded ? 0 : -EBADMSG))
			fail_msg("%s: %d", rows[i].path, err);
		if (!err)
			expect_str(decoded, rows[i].decoded);
		forget(path);
	}
	for (size_t room = 0; room < 5; room++)
		assert_int_equal(heph_http_path_clean(heph_str("/ab/c"), buf,
						       room, &decoded),
				 -ENOSPC);
	assert_int_equal(heph_http_path_clean(heph_str("/ab/c"), buf, 5,
					       &decoded),
			 0);
}

/* ---- queries ------------------------------------------------------------------------ */

static void queries_are_pairs(void **state)
{
	struct heph_str query = exact("a=1&&b&=c&d=&e=f=g&"), name, value;
	static const char *const pairs[][2] = {
		{ "a", "1" }, { "b", NULL }, { "", "c" }, { "d", "" },
		{ "e", "f=g" },
	};
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_int_equal(heph_http_query_next(query, &at, &name, &value),
				 1);
		expect_str(name, pairs[i][0]);
		expect_str(value, pairs[i][1]);
	}
	assert_int_equal(heph_http_query_next(query, &at, &name, &value), 0);
	forget(query);
	at = 0;
	assert_int_equal(heph_http_query_next(heph_str_of(NULL, 0), &at, &name,
					      &value),
			 0);
}

static void values_are_found_and_decoded(void **state)
{
	struct heph_str query = exact("x=%&a+b=c+d%2B&%61=2&a=3&q=%zz&long=abcde"
				      "%20&n&%");
	struct heph_str value;
	char buf[6];

	(void)state;
	assert_int_equal(heph_http_query_get(query, "a b", buf, sizeof(buf),
					     &value),
			 1);
	expect_str(value, "c d+");
	assert_int_equal(heph_http_query_get(query, "a", buf, sizeof(buf), &value),
			 1);
	expect_str(value, "2");
	assert_int_equal(heph_http_query_get(query, "n", buf, sizeof(buf), &value),
			 1);
	expect_str(value, NULL);
	assert_int_equal(heph_http_query_get(query, "long", buf, 6, &value), 1);
	expect_str(value, "abcde ");
	assert_int_equal(heph_http_query_get(query, "long", buf, 5, &value),
			 -ENOSPC);
	assert_int_equal(heph_http_query_get(query, "q", buf, sizeof(buf), &value),
			 -EBADMSG);
	assert_int_equal(heph_http_query_get(query, "lon", buf, sizeof(buf),
					     &value),
			 0);
	assert_int_equal(heph_http_query_get(query, "longer", buf, sizeof(buf),
					     &value),
			 0);
	assert_int_equal(heph_http_query_get(query, "", buf, sizeof(buf), &value),
			 0);
	forget(query);
}

static void what_is_encoded_is_found(void **state)
{
	char pair[64] = "k=", buf[32];
	struct heph_str encoded, value;

	(void)state;
	assert_int_equal(heph_http_query_encode(heph_str("a&b=c d+\xc3\xa4"),
						pair + 2, sizeof(pair) - 2,
						&encoded),
			 0);
	expect_str(encoded, "a%26b%3Dc%20d%2B%C3%A4");
	assert_int_equal(heph_http_query_get(heph_str_of(pair, 2 + encoded.size),
					     "k", buf, sizeof(buf), &value),
			 1);
	expect_str(value, "a&b=c d+\xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris_are_split),
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(references_are_resolved),
		cmocka_unit_test(a_base_may_have_no_path),
		cmocka_unit_test(resolving_needs_room),
		cmocka_unit_test(percents_are_decoded),
		cmocka_unit_test(broken_percents_are_refused),
		cmocka_unit_test(every_byte_survives_encoding),
		cmocka_unit_test(paths_become_names_of_files),
		cmocka_unit_test(queries_are_pairs),
		cmocka_unit_test(values_are_found_and_decoded),
		cmocka_unit_test(what_is_encoded_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
