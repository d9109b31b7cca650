/* SPDX-License-Identifier: MIT */
#include "pieces.h"

static struct heph_http_field places[ROOM];
static struct heph_http_response_head head;
static const struct heph_http_limits *limits;
static enum heph_http_method method = HEPH_HTTP_GET;

static ssize_t parse(const char *data, size_t size, size_t seen,
		     enum heph_http_wrong *ret_wrong)
{
	ssize_t n;

	head.fields = (struct heph_http_fields){ .at = places, .room = ROOM };
	n = heph_http_parse_response(data, size, seen, method, limits, &head);
	*ret_wrong = head.wrong;
	return n;
}

static void accept(const char *text)
{
	enum heph_http_wrong wrong;
	size_t size = strlen(text);

	assert_int_equal(parse(text, size, 0, &wrong), size);
	assert_int_equal(wrong, HEPH_HTTP_FINE);
	same_in_pieces(parse, text, size, (ssize_t)size, HEPH_HTTP_FINE);
	assert_int_equal(parse(text, size, 0, &wrong), size);
}

static void refuse_bytes(const char *data, size_t size, enum heph_http_wrong want)
{
	enum heph_http_wrong wrong;
	ssize_t n = parse(data, size, 0, &wrong);

	if (n != -EBADMSG || wrong != want)
		print_error("%.*s: %zd, %s\n", (int)size, data, n,
			    heph_http_wrong_text(wrong));
	assert_int_equal(n, -EBADMSG);
	assert_int_equal(wrong, want);
	same_in_pieces(parse, data, size, n, want);
}

static void refuse(const char *text, enum heph_http_wrong want)
{
	refuse_bytes(text, strlen(text), want);
}

static void finds_what_is_there(void **state)
{
	accept("HTTP/1.1 200 All is well\r\n"
	       "Server: heph\r\n"
	       "Content-Length: 5\r\n"
	       "\r\n");
	assert_int_equal(head.status, 200);
	assert_str(head.reason, "All is well");
	assert_int_equal(head.minor, 1);
	assert_int_equal(head.framing, HEPH_HTTP_LENGTH);
	assert_int_equal(head.length, 5);
	assert_true(head.keep_alive);
	assert_false(head.upgrades);
	assert_int_equal(head.fields.n, 2);
	assert_str(heph_http_field_name(&places[0]), "Server");
	assert_str(heph_http_field_value(&places[0]), "heph");
}

static void reads_the_line(void **state)
{
	static const struct {
		const char *line, *reason;
		unsigned status;
	} good[] = {
		{ "HTTP/1.1 200 ", "", 200 },
		{ "HTTP/1.1 200", "", 200 },
		{ "HTTP/1.0 404 Not Found", "Not Found", 404 },
		{ "HTTP/1.1 999  two  ", " two  ", 999 },
		{ "HTTP/1.1 100 Continue", "Continue", 100 },
		{ "HTTP/1.1 200 \xc3\xa9\t!", "\xc3\xa9\t!", 200 },
	};
	static const struct {
		const char *line;
		enum heph_http_wrong wrong;
	} bad[] = {
		{ "HTTP/1.1 099", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 000", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 20", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 2000", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 +20", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 2x0 OK", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 20x OK", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 200OK", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 200\tOK", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1  200 OK", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1\t200 OK", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 ", HEPH_HTTP_BAD_STATUS },
		{ "HTTP/1.1 200 a\x01", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.1 200 a\x7f", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.1 200 a\rb", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.1 200 a\nb", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.1 200\n", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.2 200 OK", HEPH_HTTP_OTHER_VERSION },
		{ "HTTP/2.0 200 OK", HEPH_HTTP_OTHER_VERSION },
		{ "HTTP/1 200 OK", HEPH_HTTP_BAD_VERSION },
		{ "http/1.1 200 OK", HEPH_HTTP_BAD_VERSION },
		{ "ICY 200 OK", HEPH_HTTP_BAD_VERSION },
		{ "", HEPH_HTTP_BAD_VERSION },
		{ "\r\nHTTP/1.1 200 OK", HEPH_HTTP_BAD_VERSION },
		{ " HTTP/1.1 200 OK", HEPH_HTTP_BAD_VERSION },
	};
	char text[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n\r\n", good[i].line);
		accept(text);
		assert_int_equal(head.status, good[i].status);
		assert_str(head.reason, good[i].reason);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n\r\n", bad[i].line);
		refuse(text, bad[i].wrong);
	}
	refuse_bytes("HTTP/1.1 200 \0\r\n\r\n", 18, HEPH_HTTP_BAD_LINE);
}

#define LENGTH "Content-Length: 3\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static void knows_where_the_body_ends(void **state)
{
	static const struct {
		enum heph_http_method method;
		unsigned status;
		const char *fields;
		enum heph_http_framing framing;
		uint64_t length;
		bool stays;
	} table[] = {
		{ HEPH_HTTP_GET, 200, LENGTH, HEPH_HTTP_LENGTH, 3, true },
		{ HEPH_HTTP_GET, 200, CHUNKED, HEPH_HTTP_CHUNKED,
		  HEPH_HTTP_UNKNOWN, true },
		{ HEPH_HTTP_GET, 200, "", HEPH_HTTP_UNTIL_CLOSE,
		  HEPH_HTTP_UNKNOWN, false },
		{ HEPH_HTTP_GET, 200, "Connection: close\r\n" LENGTH,
		  HEPH_HTTP_LENGTH, 3, false },
		{ HEPH_HTTP_HEAD, 200, "", HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_HEAD, 200, LENGTH, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_HEAD, 200, CHUNKED, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 100, "", HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 103, LENGTH, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 199, CHUNKED, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 204, "", HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 204, LENGTH, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 304, LENGTH, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 304, CHUNKED, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_GET, 205, LENGTH, HEPH_HTTP_LENGTH, 3, true },
		{ HEPH_HTTP_CONNECT, 200, LENGTH, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_CONNECT, 299, CHUNKED, HEPH_HTTP_NO_BODY, 0, true },
		{ HEPH_HTTP_CONNECT, 300, LENGTH, HEPH_HTTP_LENGTH, 3, true },
		{ HEPH_HTTP_CONNECT, 407, LENGTH, HEPH_HTTP_LENGTH, 3, true },
		{ HEPH_HTTP_OTHER, 500, LENGTH, HEPH_HTTP_LENGTH, 3, true },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 %u \r\n%s\r\n",
			 table[i].status, table[i].fields);
		method = table[i].method;
		accept(text);
		assert_int_equal(head.framing, table[i].framing);
		assert_int_equal(head.length, table[i].length);
		assert_int_equal(head.keep_alive, table[i].stays);
	}
	method = HEPH_HTTP_GET;
	accept("HTTP/1.0 200 OK\r\n" LENGTH "\r\n");
	assert_false(head.keep_alive);
	accept("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH "\r\n");
	assert_true(head.keep_alive);
	accept("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n");
	assert_false(head.keep_alive);
	assert_int_equal(head.framing, HEPH_HTTP_UNTIL_CLOSE);
}

static void refuses_what_can_be_read_in_two_ways(void **state)
{
	static const struct {
		const char *fields;
		enum heph_http_wrong wrong;
	} table[] = {
		{ LENGTH CHUNKED, HEPH_HTTP_LENGTH_AND_CODING },
		{ CHUNKED LENGTH, HEPH_HTTP_LENGTH_AND_CODING },
		{ LENGTH LENGTH, HEPH_HTTP_TWO_LENGTHS },
		{ LENGTH "Content-Length: 4\r\n", HEPH_HTTP_TWO_LENGTHS },
		{ "Content-Length: 3, 3\r\n", HEPH_HTTP_TWO_LENGTHS },
		{ "Content-Length: +3\r\n", HEPH_HTTP_BAD_LENGTH },
		{ "Content-Length:\r\n", HEPH_HTTP_BAD_LENGTH },
		{ CHUNKED CHUNKED, HEPH_HTTP_BAD_CODING },
		{ "Transfer-Encoding: chunked, gzip\r\n", HEPH_HTTP_BAD_CODING },
		{ "Transfer-Encoding:\r\n", HEPH_HTTP_BAD_CODING },
		{ "Transfer-Encoding: gzip\r\n", HEPH_HTTP_OTHER_CODING },
		{ "Transfer-Encoding: gzip, chunked\r\n", HEPH_HTTP_OTHER_CODING },
		{ "Transfer-Encoding: identity\r\n", HEPH_HTTP_OTHER_CODING },
		{ "A : b\r\n", HEPH_HTTP_BAD_NAME },
		{ "A: b\r\n c\r\n", HEPH_HTTP_FOLDED },
		{ " A: b\r\n", HEPH_HTTP_FOLDED },
		{ "A: b\rc\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\nC: d\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: \x02\r\n", HEPH_HTTP_BAD_VALUE },
	};
	char text[256];

	for (int i = 0; i < (int)(sizeof(table) / sizeof(table[0])); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n",
			 table[i].fields);
		refuse(text, table[i].wrong);
		/* Even where there is no body by the status. */
		snprintf(text, sizeof(text), "HTTP/1.1 304 No\r\n%s\r\n",
			 table[i].fields);
		refuse(text, table[i].wrong);
	}
	refuse("HTTP/1.0 200 OK\r\n" CHUNKED "\r\n", HEPH_HTTP_BAD_CODING);
	/* Twice a Host, or none: it has no meaning here. */
	accept("HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\n\r\n");
}

static void knows_who_upgrades(void **state)
{
	accept("HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n");
	assert_true(head.upgrades);
	accept("HTTP/1.1 426 No\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n");
	assert_false(head.upgrades);
	accept("HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\n\r\n");
	assert_false(head.upgrades);
	accept("HTTP/1.0 101 Yes\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n");
	assert_false(head.upgrades);
}

static void limits_are_exact(void **state)
{
	static struct heph_http_limits some = { .head = 30, .fields = 2 };

	limits = &some;
	accept("HTTP/1.1 200 OK\r\nA: bcdefg\r\n\r\n");
	refuse("HTTP/1.1 200 OK\r\nA: bcdefgh\r\n\r\n", HEPH_HTTP_LONG_HEAD);
	refuse("HTTP/1.1 200 OK, OK, OK, OK, OK, OK\r\n\r\n", HEPH_HTTP_LONG_HEAD);
	some.head = 100;
	accept("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n");
	refuse("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\nE: f\r\n\r\n",
	       HEPH_HTTP_MANY_FIELDS);
	limits = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(reads_the_line),
		cmocka_unit_test(knows_where_the_body_ends),
		cmocka_unit_test(refuses_what_can_be_read_in_two_ways),
		cmocka_unit_test(knows_who_upgrades),
		cmocka_unit_test(limits_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
