/* SPDX-License-Identifier: MIT */
#include "pieces.h"

static struct heph_http_field places[ROOM];
static struct heph_http_request_head head;
static const struct heph_http_limits *limits;

static ssize_t parse(const char *data, size_t size, size_t seen,
		     enum heph_http_wrong *ret_wrong)
{
	ssize_t n;

	head.fields = (struct heph_http_fields){ .at = places, .room = ROOM };
	n = heph_http_parse_request(data, size, seen, limits, &head);
	*ret_wrong = head.wrong;
	return n;
}

/* A whole head, which is in `head` afterwards. */
static void accept_bytes(const char *data, size_t size)
{
	enum heph_http_wrong wrong;
	char *more;

	assert_int_equal(parse(data, size, 0, &wrong), size);
	assert_int_equal(wrong, HEPH_HTTP_FINE);
	same_in_pieces(parse, data, size, (ssize_t)size, HEPH_HTTP_FINE);
	more = malloc(size + 7);
	memcpy(more, data, size);
	memcpy(more + size, "GET / H", 7);
	assert_int_equal(parse(more, size + 7, 0, &wrong), size);
	free(more);
	assert_int_equal(parse(data, size, 0, &wrong), size);
}

static void accept(const char *text)
{
	accept_bytes(text, strlen(text));
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
	assert_int_equal(parse(data, size, 0, &wrong), n);
}

static void refuse(const char *text, enum heph_http_wrong want)
{
	refuse_bytes(text, strlen(text), want);
}

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define END "\r\n"

static void assert_field(unsigned i, const char *name, const char *value)
{
	assert_in_range(i + 1, 1, head.fields.n);
	assert_str(heph_http_field_name(&places[i]), name);
	assert_str(heph_http_field_value(&places[i]), value);
}

static void finds_what_is_there(void **state)
{
	accept("GET /a/b?c=d&e HTTP/1.1\r\n"
	       "Host: a.example:8080\r\n"
	       "Accept:*/*\r\n"
	       "X-Blank: \t two words \t \r\n"
	       "X-Empty:\r\n"
	       "X-Blanks:  \t\r\n"
	       "X-Latin: \xe9\r\n"
	       "x!#$%&'*+-.^_`|~9: token\r\n" END);
	assert_int_equal(head.method, HEPH_HTTP_GET);
	assert_str(head.method_name, "GET");
	assert_str(head.target, "/a/b?c=d&e");
	assert_str(head.path, "/a/b");
	assert_str(head.query, "c=d&e");
	assert_true(head.has_query);
	assert_str(head.authority, "a.example:8080");
	assert_int_equal(head.minor, 1);
	assert_true(head.keep_alive);
	assert_int_equal(head.framing, HEPH_HTTP_NO_BODY);
	assert_int_equal(head.length, 0);
	assert_int_equal(head.fields.n, 7);
	assert_field(0, "Host", "a.example:8080");
	assert_field(1, "Accept", "*/*");
	assert_field(2, "X-Blank", "two words");
	assert_field(3, "X-Empty", "");
	assert_field(4, "X-Blanks", "");
	assert_field(5, "X-Latin", "\xe9");
	assert_field(6, "x!#$%&'*+-.^_`|~9", "token");
}

static void one_empty_line_before_it_is_skipped(void **state)
{
	accept(END GET HOST END);
	refuse(END END GET HOST END, HEPH_HTTP_BAD_LINE);
	refuse("\n" GET HOST END, HEPH_HTTP_BAD_LINE);
	refuse("\r" GET HOST END, HEPH_HTTP_BAD_LINE);
	refuse(" " GET HOST END, HEPH_HTTP_BAD_METHOD);
}

static void knows_the_methods(void **state)
{
	static const char *const names[HEPH_HTTP_METHODS] = {
		"BREW", "GET",	   "HEAD",    "POST",  "PUT",
		"DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
	};
	char text[64];

	for (int i = 0; i < HEPH_HTTP_METHODS; i++) {
		snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n" HOST END,
			 names[i], i == HEPH_HTTP_CONNECT ? "a:1" : "/");
		accept(text);
		assert_int_equal(head.method, i);
		assert_str(head.method_name, names[i]);
	}
	accept("get / HTTP/1.1\r\n" HOST END);
	assert_int_equal(head.method, HEPH_HTTP_OTHER);
	accept("GETS / HTTP/1.1\r\n" HOST END);
	assert_int_equal(head.method, HEPH_HTTP_OTHER);
	accept("M!#$%&'*+-.^_`|~1 / HTTP/1.1\r\n" HOST END);
	assert_int_equal(head.method, HEPH_HTTP_OTHER);
	refuse("G(T / HTTP/1.1\r\n" HOST END, HEPH_HTTP_BAD_METHOD);
	refuse("GET\t/ HTTP/1.1\r\n" HOST END, HEPH_HTTP_BAD_METHOD);
	refuse("G\xc3\x84T / HTTP/1.1\r\n" HOST END, HEPH_HTTP_BAD_METHOD);
	refuse("GET\r\n" HOST END, HEPH_HTTP_BAD_LINE);
	refuse_bytes("G\0T / HTTP/1.1\r\n\r\n", 19, HEPH_HTTP_BAD_METHOD);
}

static void refuses_other_versions(void **state)
{
	static const struct {
		const char *version;
		enum heph_http_wrong wrong;
	} table[] = {
		{ "HTTP/2.0", HEPH_HTTP_OTHER_VERSION },
		{ "HTTP/1.2", HEPH_HTTP_OTHER_VERSION },
		{ "HTTP/0.9", HEPH_HTTP_OTHER_VERSION },
		{ "HTTP/9.9", HEPH_HTTP_OTHER_VERSION },
		{ "HTTP/1", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/1.", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/.1", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/11", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/1,1", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/1.x", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/+1.1", HEPH_HTTP_BAD_VERSION },
		{ "http/1.1", HEPH_HTTP_BAD_VERSION },
		{ "Http/1.1", HEPH_HTTP_BAD_VERSION },
		{ " HTTP/1.1", HEPH_HTTP_BAD_VERSION },
		{ "FTP/1.1", HEPH_HTTP_BAD_VERSION },
		{ "", HEPH_HTTP_BAD_VERSION },
		{ "HTTP/1.1 ", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.10", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.1\t", HEPH_HTTP_BAD_LINE },
		{ "HTTP/1.1 x", HEPH_HTTP_BAD_LINE },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "GET / %s\r\n" HOST END,
			 table[i].version);
		refuse(text, table[i].wrong);
	}
	refuse("GET /\r\n" HOST END, HEPH_HTTP_BAD_VERSION); /* HTTP/0.9 */
	refuse("GET /\n", HEPH_HTTP_BAD_VERSION);
	refuse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEPH_HTTP_OTHER_VERSION);
	accept("GET / HTTP/1.0\r\n" END);
	assert_int_equal(head.minor, 0);
	assert_false(head.keep_alive);
	assert_int_equal(head.authority.size, 0);
}

static void each_method_has_its_targets(void **state)
{
	static const struct {
		const char *method, *target, *authority, *path, *query;
	} good[] = {
		{ "GET", "/", "h", "/", NULL },
		{ "GET", "/?", "h", "/", "" },
		{ "GET", "/a?b?c", "h", "/a", "b?c" },
		{ "GET", "//a//b", "h", "//a//b", NULL },
		{ "GET", "http://b:/@", "b:", "/@", NULL },
		{ "GET", "/%2F%zz", "h", "/%2F%zz", NULL },
		{ "GET", "/{a}|\"<>^`\\[]~", "h", "/{a}|\"<>^`\\[]~", NULL },
		{ "GET", "/a:b@c", "h", "/a:b@c", NULL },
		{ "GET", "http://b/c?d", "b", "/c", "d" },
		{ "GET", "http://b", "b", "", NULL },
		{ "GET", "http://b?d", "b", "", "d" },
		{ "GET", "HTTP://b:80/", "b:80", "/", NULL },
		{ "GET", "https://[::1]:443/?", "[::1]:443", "/", "" },
		{ "GET", "http://b/@", "b", "/@", NULL },
		{ "OPTIONS", "*", "h", "*", NULL },
		{ "OPTIONS", "/a", "h", "/a", NULL },
		{ "OPTIONS", "http://b", "b", "", NULL },
		{ "CONNECT", "b:443", "b:443", "", NULL },
		{ "CONNECT", "[::1]:443", "[::1]:443", "", NULL },
		{ "CONNECT", "127.0.0.1:1", "127.0.0.1:1", "", NULL },
	};
	static const char *const bad[] = {
		"GET *", "GET a", "GET a/b", "GET ?", "GET a:80", "GET http:/a",
		"GET http://", "GET http:///a", "GET http://?a", "GET :",
		"GET http://u@b/", "GET http://u:p@b/",
		"GET http://b:x/", "GET http://b:65536/", "GET http://b:-1/",
		"GET http://[::1/", "GET http://[]/", "GET http://[::g]/",
		"GET http://[::1]x/", "GET http://b%41/", "GET http://b\\c/",
		"GET ftp://b/", "GET httpx://b/", "GET http//b/",
		"OPTIONS **", "OPTIONS *a", "CONNECT /", "CONNECT b",
		"CONNECT b:", "CONNECT :80", "CONNECT [::1]", "CONNECT [::1]:",
		"CONNECT http://b:80", "CONNECT b:80/", "CONNECT u@b:80",
		"CONNECT *", "CONNECT b:99999", "GET /a#b", "GET #",
		"GET /\x7f", "GET /\x80", "GET /\xc3\xa9", "GET /\t", "GET /\x01",
	};
	char text[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: h\r\n" END,
			 good[i].method, good[i].target);
		accept(text);
		assert_str(head.target, good[i].target);
		assert_str(head.authority, good[i].authority);
		assert_str(head.path, good[i].path);
		assert_int_equal(head.has_query, good[i].query != NULL);
		assert_str(head.query, good[i].query ? good[i].query : "");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: h\r\n" END,
			 bad[i]);
		refuse(text, HEPH_HTTP_BAD_TARGET);
	}
	refuse("GET  / HTTP/1.1\r\n" HOST END, HEPH_HTTP_BAD_TARGET);
	refuse_bytes("GET /\0 HTTP/1.1\r\n\r\n", 20, HEPH_HTTP_BAD_TARGET);
}

static void there_is_one_host(void **state)
{
	static const char *const good[] = {
		"a", "a.example", "A-b_c.d", "127.0.0.1:80", "a:", "a:0",
		"[::1]", "[::1]:65535", "[::ffff:1.2.3.4]", "a~b", "x;y=z",
	};
	static const char *const bad[] = {
		"", " ", ":80", "a:b", "a:65536", "a:-1", "a b", "a/b", "a,b",
		"u@a", "http://a", "[::1", "::1", "[]", "a\\b", "a?b", "a#b",
		"\xc3\xa9", "a%20b", "[::1]a", "a:80:80", "<a>", "\"a\"",
	};
	char text[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), GET "Host:%s\r\n" END, good[i]);
		accept(text);
		assert_str(head.authority, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), GET "Host:%s\r\n" END, bad[i]);
		refuse(text, HEPH_HTTP_BAD_HOST);
	}
	refuse(GET END, HEPH_HTTP_BAD_HOST);
	refuse(GET "Hosts: a\r\n" END, HEPH_HTTP_BAD_HOST);
	refuse(GET HOST HOST END, HEPH_HTTP_BAD_HOST);
	refuse(GET HOST "X: y\r\nhOST: b\r\n" END, HEPH_HTTP_BAD_HOST);
	refuse("GET / HTTP/1.0\r\n" HOST HOST END, HEPH_HTTP_BAD_HOST);
	refuse("GET http://b/ HTTP/1.1\r\n" END, HEPH_HTTP_BAD_HOST);
	accept("GET / HTTP/1.0\r\n" HOST END);
	assert_str(head.authority, "a");
}

static void refuses_what_is_no_field(void **state)
{
	static const struct {
		const char *lines;
		enum heph_http_wrong wrong;
	} table[] = {
		{ "A : b\r\n", HEPH_HTTP_BAD_NAME },
		{ "A\t: b\r\n", HEPH_HTTP_BAD_NAME },
		{ ": b\r\n", HEPH_HTTP_BAD_NAME },
		{ "A\r\n", HEPH_HTTP_BAD_NAME },
		{ "A\n", HEPH_HTTP_BAD_NAME },
		{ "A b\r\n", HEPH_HTTP_BAD_NAME },
		{ "A/b: c\r\n", HEPH_HTTP_BAD_NAME },
		{ "\"A\": c\r\n", HEPH_HTTP_BAD_NAME },
		{ "A\xe9: c\r\n", HEPH_HTTP_BAD_NAME },
		{ "A\x7f: c\r\n", HEPH_HTTP_BAD_NAME },
		{ "A\r: c\r\n", HEPH_HTTP_BAD_NAME },
		{ "A: b\x01\r\n", HEPH_HTTP_BAD_VALUE },
		{ "A: b\x7f\r\n", HEPH_HTTP_BAD_VALUE },
		{ "A: \x1f" "b\r\n", HEPH_HTTP_BAD_VALUE },
		{ "A: \v\r\n", HEPH_HTTP_BAD_VALUE },
		{ "A: \f\r\n", HEPH_HTTP_BAD_VALUE },
		{ "A: b\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\nC: d\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\rC: d\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\r\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\n\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\r\n\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\r\n\rC: d\r\n", HEPH_HTTP_BAD_LINE },
		{ "A: b\r\n c\r\n", HEPH_HTTP_FOLDED },
		{ "A: b\r\n\tc\r\n", HEPH_HTTP_FOLDED },
		{ "A: b\r\n \r\n", HEPH_HTTP_FOLDED },
	};
	char text[128];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), GET HOST "%s" END, table[i].lines);
		refuse(text, table[i].wrong);
	}
	refuse(GET " " HOST END, HEPH_HTTP_FOLDED);
	refuse(GET "\n" HOST END, HEPH_HTTP_BAD_LINE);
	refuse_bytes("GET / HTTP/1.1\r\nA\0: b\r\n\r\n", 26, HEPH_HTTP_BAD_NAME);
	refuse_bytes("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 25, HEPH_HTTP_BAD_VALUE);
}

/* POST with these fields. */
static const char *post(const char *fields)
{
	static char text[512];

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" HOST "%s" END, fields);
	return text;
}

static void there_is_one_length(void **state)
{
	static const struct {
		const char *value;
		uint64_t length;
	} good[] = {
		{ "0", 0 }, { "5", 5 }, { " 7 ", 7 }, { "007", 7 },
		{ "18446744", 18446744 },
		{ "9223372036854775807", INT64_MAX },
		{ "00000000000000000000000000000000000000012", 12 },
	};
	static const char *const bad[] = {
		"", " ", "+1", "-1", "1 1", "0x10", "1a", "a1", "1.0", "1;", "\"1\"",
		"9223372036854775808", "18446744073709551615",
		"18446744073709551616", "99999999999999999999999999", "1_0",
	};
	static const char *const two[] = {
		"Content-Length: 1,1\r\n",
		"Content-Length: 1, 2\r\n",
		"Content-Length: ,1\r\n",
		"Content-Length: 1\r\nContent-Length: 1\r\n",
		"Content-Length: 1\r\ncontent-length: 2\r\n",
		"Content-Length: 1\r\nX: y\r\nCONTENT-LENGTH: 1\r\n",
	};
	char line[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "cOntent-lEngth:%s\r\n",
			 good[i].value);
		accept(post(line));
		assert_int_equal(head.framing, HEPH_HTTP_LENGTH);
		assert_int_equal(head.length, good[i].length);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "Content-Length:%s\r\n", bad[i]);
		refuse(post(line), HEPH_HTTP_BAD_LENGTH);
	}
	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		refuse(post(two[i]), HEPH_HTTP_TWO_LENGTHS);
	accept(post("X-Content-Length: a\r\nContent-Lengths: b\r\n"));
	assert_int_equal(head.framing, HEPH_HTTP_NO_BODY);
}

static void chunked_is_the_one_coding(void **state)
{
	static const char *const good[] = { "chunked", "Chunked", "CHUNKED",
					    " chunked\t" };
	static const struct {
		const char *value;
		enum heph_http_wrong wrong;
	} bad[] = {
		{ "", HEPH_HTTP_BAD_CODING },
		{ "chunked, chunked", HEPH_HTTP_BAD_CODING },
		{ "chunked,chunked", HEPH_HTTP_BAD_CODING },
		{ "chunked, gzip", HEPH_HTTP_BAD_CODING },
		{ "chunked, identity", HEPH_HTTP_BAD_CODING },
		{ "chunked;a=b", HEPH_HTTP_BAD_CODING },
		{ "chunked ;a", HEPH_HTTP_BAD_CODING },
		{ "chunked,", HEPH_HTTP_BAD_CODING },
		{ ",chunked", HEPH_HTTP_BAD_CODING },
		{ "chun ked", HEPH_HTTP_BAD_CODING },
		{ "\"chunked\"", HEPH_HTTP_BAD_CODING },
		{ "chunked\xa0", HEPH_HTTP_BAD_CODING },
		{ "chunked, ", HEPH_HTTP_BAD_CODING },
		{ "chunked:", HEPH_HTTP_BAD_CODING },
		{ "gzip", HEPH_HTTP_OTHER_CODING },
		{ "gzip, chunked", HEPH_HTTP_OTHER_CODING },
		{ "identity", HEPH_HTTP_OTHER_CODING },
		{ "identity, chunked", HEPH_HTTP_OTHER_CODING },
		{ "xchunked", HEPH_HTTP_OTHER_CODING },
		{ "chunkedx", HEPH_HTTP_OTHER_CODING },
		{ "chunk", HEPH_HTTP_OTHER_CODING },
		{ "deflate;q=1", HEPH_HTTP_OTHER_CODING },
	};
	char line[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "transfer-Encoding:%s\r\n", good[i]);
		accept(post(line));
		assert_int_equal(head.framing, HEPH_HTTP_CHUNKED);
		assert_true(head.length == HEPH_HTTP_UNKNOWN);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "Transfer-Encoding:%s\r\n",
			 bad[i].value);
		refuse(post(line), bad[i].wrong);
	}
	refuse(post("Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n"), HEPH_HTTP_BAD_CODING);
	refuse(post("Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n"),
	       HEPH_HTTP_BAD_CODING);
	refuse(post("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n"),
	       HEPH_HTTP_BAD_CODING);
	refuse(post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
	       HEPH_HTTP_OTHER_CODING);
	refuse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END,
	       HEPH_HTTP_BAD_CODING);
}

static void a_length_and_a_coding_are_too_much(void **state)
{
	refuse(post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
	       HEPH_HTTP_LENGTH_AND_CODING);
	refuse(post("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
	       HEPH_HTTP_LENGTH_AND_CODING);
	refuse(post("Transfer-Encoding: identity\r\nContent-Length: 1\r\n"),
	       HEPH_HTTP_LENGTH_AND_CODING);
	refuse(post("Transfer-Encoding:\r\nContent-Length: 0\r\n"),
	       HEPH_HTTP_LENGTH_AND_CODING);
	refuse("CONNECT a:1 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n" END,
	       HEPH_HTTP_BAD_LENGTH);
	refuse("CONNECT a:1 HTTP/1.1\r\n" HOST
	       "Transfer-Encoding: chunked\r\n" END, HEPH_HTTP_BAD_CODING);
	accept("CONNECT a:1 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" END);
}

static void knows_whether_the_connection_stays(void **state)
{
	static const struct {
		const char *fields;
		bool stays[2]; /* of 1.0, of 1.1 */
	} table[] = {
		{ "", { false, true } },
		{ "Connection: close\r\n", { false, false } },
		{ "connection: CLOSE\r\n", { false, false } },
		{ "Connection: keep-alive\r\n", { true, true } },
		{ "Connection: Keep-Alive, x\r\n", { true, true } },
		{ "Connection: x , keep-alive\r\n", { true, true } },
		{ "Connection: x,close ,y\r\n", { false, false } },
		{ "Connection: keep-alive, close\r\n", { false, false } },
		{ "Connection: keep-alive\r\nConnection: close\r\n",
		  { false, false } },
		{ "Connection: closed\r\n", { false, true } },
		{ "Connection:\r\n", { false, true } },
		{ "Connection: ,,\r\n", { false, true } },
		{ "Proxy-Connection: close\r\n", { false, true } },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (int minor = 0; minor < 2; minor++) {
			snprintf(text, sizeof(text), "GET / HTTP/1.%d\r\n" HOST
				 "%s" END, minor, table[i].fields);
			accept(text);
			assert_int_equal(head.keep_alive, table[i].stays[minor]);
		}
}

static void knows_what_is_expected(void **state)
{
	accept(post("Expect: 100-continue\r\n"));
	assert_true(head.expects_continue && !head.expects_other);
	accept(post("expect: 100-Continue\r\n"));
	assert_true(head.expects_continue && !head.expects_other);
	accept(post("Expect: tea\r\n"));
	assert_true(!head.expects_continue && head.expects_other);
	accept(post("Expect: 100-continue, tea\r\n"));
	assert_true(!head.expects_continue && head.expects_other);
	accept(post("Expect: 100-continue\r\nExpect: tea\r\n"));
	assert_true(head.expects_continue && head.expects_other);
	accept(post(""));
	assert_true(!head.expects_continue && !head.expects_other);
	accept("POST / HTTP/1.0\r\nExpect: 100-continue\r\n" END);
	assert_true(!head.expects_continue && !head.expects_other);
}

static void knows_who_wants_to_upgrade(void **state)
{
	accept(post("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"));
	assert_true(head.upgrades && head.keep_alive);
	accept(post("Connection: upgrade\r\n"));
	assert_false(head.upgrades);
	accept(post("Connection: upgrade\r\nUpgrade:\r\n"));
	assert_false(head.upgrades);
	accept(post("Upgrade: websocket\r\n"));
	assert_false(head.upgrades);
	accept("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n" END);
	assert_false(head.upgrades);
}

/* A request with a target and a field of so many bytes, in memory of its size. */
static char *sized(size_t target, size_t value, size_t *ret_size)
{
	char *text = malloc(64 + target + value);
	size_t n = (size_t)sprintf(text, "GET /");

	memset(text + n, 'a', target - 1);
	n += target - 1;
	n += (size_t)sprintf(text + n, " HTTP/1.1\r\n" HOST "X: ");
	memset(text + n, 'b', value);
	n += value;
	n += (size_t)sprintf(text + n, "\r\n" END);
	*ret_size = n;
	return text;
}

static void limits_are_exact(void **state)
{
	static struct heph_http_limits some = { .head = 200, .target = 50 };
	size_t size, fixed;
	char *text = sized(1, 0, &fixed);

	free(text);
	limits = &some;
	for (size_t target = 48; target < 54; target++) {
		text = sized(target, 10, &size);
		if (target <= 50)
			accept_bytes(text, size);
		else
			refuse_bytes(text, size, HEPH_HTTP_LONG_TARGET);
		free(text);
	}
	for (size_t all = 197; all < 205; all++) {
		text = sized(1, all - fixed, &size);
		assert_int_equal(size, all);
		if (all <= 200)
			accept_bytes(text, size);
		else
			refuse_bytes(text, size, HEPH_HTTP_LONG_HEAD);
		free(text);
	}
	limits = NULL;
}

static void limits_have_defaults(void **state)
{
	enum heph_http_wrong wrong;
	size_t size, fixed;
	char *text = sized(1, 0, &fixed);

	free(text);
	for (int i = 0; i < 2; i++) {
		text = sized(8192 + (size_t)i, 10, &size);
		assert_int_equal(parse(text, size, 0, &wrong),
				 i ? -EBADMSG : (ssize_t)size);
		assert_int_equal(wrong, i ? HEPH_HTTP_LONG_TARGET : HEPH_HTTP_FINE);
		free(text);
		text = sized(1, 16384 - fixed + (size_t)i, &size);
		assert_int_equal(parse(text, size, 0, &wrong),
				 i ? -EBADMSG : (ssize_t)size);
		assert_int_equal(wrong, i ? HEPH_HTTP_LONG_HEAD : HEPH_HTTP_FINE);
		/* Without its end it is too long as soon as it is that long. */
		assert_int_equal(parse(text, 16383, 0, &wrong), 0);
		assert_int_equal(parse(text, 16383, 16380, &wrong), 0);
		free(text);
	}
	text = sized(1, 17000, &size);
	assert_int_equal(parse(text, 16383, 16000, &wrong), 0);
	assert_int_equal(parse(text, 16384, 16383, &wrong), -EBADMSG);
	assert_int_equal(wrong, HEPH_HTTP_LONG_HEAD);
	free(text);
}

static void there_are_not_too_many_fields(void **state)
{
	static struct heph_http_limits some = { .fields = 5 };
	char text[2048] = GET HOST;
	enum heph_http_wrong wrong;

	for (int i = 1; i < 100; i++)
		strcat(text, "A: b\r\n");
	strcat(text, END);
	assert_int_equal(parse(text, strlen(text), 0, &wrong), strlen(text));
	assert_int_equal(head.fields.n, 100);
	strcpy(text + strlen(text) - 2, "A: b\r\n" END);
	assert_int_equal(parse(text, strlen(text), 0, &wrong), -EBADMSG);
	assert_int_equal(wrong, HEPH_HTTP_MANY_FIELDS);
	limits = &some;
	accept(GET HOST "A: b\r\nA: c\r\nA: d\r\nA: e\r\n" END);
	refuse(GET HOST "A: b\r\nA: c\r\nA: d\r\nA: e\r\nF: g\r\n" END,
	       HEPH_HTTP_MANY_FIELDS);
	some.fields = 10;
	head.fields = (struct heph_http_fields){ .at = places, .room = 2 };
	assert_int_equal(heph_http_parse_request(GET HOST "A: b\r\nC: d\r\n" END,
						 37, 0, NULL, &head), -EBADMSG);
	assert_int_equal(head.wrong, HEPH_HTTP_MANY_FIELDS);
	limits = NULL;
}

/* Who ends lines in his own way need not be waited for; nor who sends binary. */
static void a_line_that_cannot_be_is_told_at_once(void **state)
{
	static const struct {
		const char *text;
		size_t seen;
		enum heph_http_wrong wrong;
	} table[] = {
		{ "GET / HTTP/1.1\n", 14, HEPH_HTTP_BAD_LINE },
		{ GET HOST "A: b\n", 29, HEPH_HTTP_BAD_LINE },
		{ GET HOST "A: b\rC", 30, HEPH_HTTP_BAD_LINE },
		{ GET HOST "A: b\rC", 28, HEPH_HTTP_BAD_LINE },
		{ GET HOST "A: b\x01", 29, HEPH_HTTP_BAD_VALUE },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum heph_http_wrong wrong;
		size_t size = strlen(table[i].text), seen = table[i].seen;

		assert_int_equal(parse(table[i].text, seen, 0, &wrong), 0);
		assert_int_equal(parse(table[i].text, size, seen, &wrong),
				 -EBADMSG);
		assert_int_equal(wrong, table[i].wrong);
	}
}

static void tells_what_it_has_found_before_the_fault(void **state)
{
	refuse("POST /a HTTP/1.0\r\nA b\r\n" END, HEPH_HTTP_BAD_NAME);
	assert_int_equal(head.method, HEPH_HTTP_POST);
	assert_str(head.target, "/a");
	assert_int_equal(head.minor, 0);
	refuse("POST /a b\r\n" END, HEPH_HTTP_BAD_VERSION);
	assert_int_equal(head.method, HEPH_HTTP_POST);
	assert_str(head.target, "/a");
	refuse("POST a b\r\n" END, HEPH_HTTP_BAD_VERSION);
	refuse("PO(T /a b\r\n" END, HEPH_HTTP_BAD_METHOD);
	assert_int_equal(head.method, HEPH_HTTP_OTHER);
	assert_int_equal(head.method_name.size, 0);
	assert_int_equal(head.target.size, 0);
}

static void a_long_name_is_a_name(void **state)
{
	static struct heph_http_limits some = { .head = 200000 };
	enum heph_http_wrong wrong;
	char *text = malloc(70000);
	size_t n = (size_t)sprintf(text, GET HOST);

	limits = &some;
	memset(text + n, 'a', 65536);
	strcpy(text + n + 65535, ": b\r\n" END);
	assert_int_equal(parse(text, strlen(text), 0, &wrong), strlen(text));
	assert_int_equal(places[1].name_size, 65535);
	strcpy(text + n + 65535, "a: b\r\n" END);
	assert_int_equal(parse(text, strlen(text), 0, &wrong), -EBADMSG);
	assert_int_equal(wrong, HEPH_HTTP_LONG_HEAD);
	limits = NULL;
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(one_empty_line_before_it_is_skipped),
		cmocka_unit_test(knows_the_methods),
		cmocka_unit_test(refuses_other_versions),
		cmocka_unit_test(each_method_has_its_targets),
		cmocka_unit_test(there_is_one_host),
		cmocka_unit_test(refuses_what_is_no_field),
		cmocka_unit_test(there_is_one_length),
		cmocka_unit_test(chunked_is_the_one_coding),
		cmocka_unit_test(a_length_and_a_coding_are_too_much),
		cmocka_unit_test(knows_whether_the_connection_stays),
		cmocka_unit_test(knows_what_is_expected),
		cmocka_unit_test(knows_who_wants_to_upgrade),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(limits_have_defaults),
		cmocka_unit_test(there_are_not_too_many_fields),
		cmocka_unit_test(a_line_that_cannot_be_is_told_at_once),
		cmocka_unit_test(tells_what_it_has_found_before_the_fault),
		cmocka_unit_test(a_long_name_is_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
