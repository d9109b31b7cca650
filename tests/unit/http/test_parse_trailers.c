/* SPDX-License-Identifier: MIT */
#include "pieces.h"

static struct heph_http_field places[ROOM];
static struct heph_http_fields fields;
static const struct heph_http_limits *limits;

static ssize_t parse(const char *data, size_t size, size_t seen,
		     enum heph_http_wrong *ret_wrong)
{
	fields = (struct heph_http_fields){ .at = places, .room = ROOM };
	return heph_http_parse_trailers(data, size, seen, limits, &fields,
					ret_wrong);
}

static void accept(const char *text, unsigned n)
{
	enum heph_http_wrong wrong;
	size_t size = strlen(text);
	char *more = malloc(size + 9);

	memcpy(more, text, size);
	memcpy(more + size, "GET / HT\r", 9);
	same_in_pieces(parse, text, size, (ssize_t)size, HEPH_HTTP_FINE);
	same_in_pieces(parse, more, size + 9, (ssize_t)size, HEPH_HTTP_FINE);
	free(more);
	assert_int_equal(parse(text, size, 0, &wrong), size);
	assert_int_equal(wrong, HEPH_HTTP_FINE);
	assert_int_equal(fields.n, n);
}

static void refuse(const char *text, enum heph_http_wrong want)
{
	enum heph_http_wrong wrong;

	assert_int_equal(parse(text, strlen(text), 0, &wrong), -EBADMSG);
	assert_int_equal(wrong, want);
	same_in_pieces(parse, text, strlen(text), -EBADMSG, want);
}

static void finds_the_fields(void **state)
{
	accept("\r\n", 0);
	accept("A: b\r\n\r\n", 1);
	accept("Digest: abc\r\nX-Time:  1 \r\nServer-Timing:\r\n\r\n", 3);
	assert_str(heph_http_field_name(&places[1]), "X-Time");
	assert_str(heph_http_field_value(&places[1]), "1");
	accept("Authentication-Info: a\r\n\r\n", 1);
}

static void refuses_what_comes_too_late(void **state)
{
	static const char *const names[] = {
		"Transfer-Encoding", "Content-Length", "Trailer",
		"TE", "Host", "Connection",
		"Keep-Alive", "Proxy-Connection", "Upgrade",
		"Expect", "Max-Forwards", "Content-Type",
		"Content-Encoding", "Content-Range", "Authorization",
		"Proxy-Authorization", "WWW-Authenticate", "Proxy-Authenticate",
		"Cookie", "Set-Cookie", "Cache-Control",
		"Range", "If-Match", "If-None-Match",
		"If-Modified-Since", "If-Unmodified-Since", "If-Range",
	};
	char text[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "A: b\r\n%s: 1\r\n\r\n", names[i]);
		refuse(text, HEPH_HTTP_BAD_NAME);
		for (char *c = text + 6; *c != ':'; c++)
			*c ^= *c == '-' ? 0 : 0x20;
		refuse(text, HEPH_HTTP_BAD_NAME);
	}
}

static void is_as_strict_as_in_heads(void **state)
{
	refuse("\n", HEPH_HTTP_BAD_LINE);
	refuse("\rA", HEPH_HTTP_BAD_LINE);
	refuse("A: b\n\r\n", HEPH_HTTP_BAD_LINE);
	refuse("A : b\r\n\r\n", HEPH_HTTP_BAD_NAME);
	refuse(": b\r\n\r\n", HEPH_HTTP_BAD_NAME);
	refuse(" A: b\r\n\r\n", HEPH_HTTP_FOLDED);
	refuse("A: b\r\n c\r\n\r\n", HEPH_HTTP_FOLDED);
	refuse("A: \x01\r\n\r\n", HEPH_HTTP_BAD_VALUE);
	refuse("GET / HTTP/1.1\r\n\r\n", HEPH_HTTP_BAD_NAME);
}

static void limits_are_exact(void **state)
{
	static struct heph_http_limits some = { .head = 10, .fields = 2 };

	limits = &some;
	accept("A: bcd\r\n\r\n", 1);
	refuse("A: bcde\r\n\r\n", HEPH_HTTP_LONG_HEAD);
	some.head = 100;
	accept("A: b\r\nC: d\r\n\r\n", 2);
	refuse("A: b\r\nC: d\r\nE: f\r\n\r\n", HEPH_HTTP_MANY_FIELDS);
	some.head = 2;
	accept("\r\n", 0);
	limits = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_fields),
		cmocka_unit_test(refuses_what_comes_too_late),
		cmocka_unit_test(is_as_strict_as_in_heads),
		cmocka_unit_test(limits_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
