/* SPDX-License-Identifier: MIT */
#include "pieces.h"

/* What came out of a body that came in pieces of `step` bytes. */
struct outcome {
	int err;
	enum heph_http_wrong wrong;
	size_t used, size;
	char body[8192];
};

static struct outcome feed(const char *data, size_t size, size_t step)
{
	static struct outcome out;
	struct heph_http_chunks chunks = { 0 };

	out = (struct outcome){ .err = 1 };
	while (out.err == 1 && out.used < size) {
		size_t left = size - out.used, used, body;
		size_t piece = left < step ? left : step;
		char *copy = copy_of(data + out.used, piece);

		out.err = heph_http_parse_chunks(&chunks, copy, piece, &used,
						 &body);
		assert_in_range(used, out.err == 0 ? 0 : 1, piece);
		assert_in_range(body, 0, used);
		if (out.err < 0)
			assert_int_equal(body, 0);
		memcpy(out.body + out.size, copy + used - body, body);
		out.size += body;
		out.used += used;
		free(copy);
	}
	out.wrong = chunks.wrong;
	return out;
}

static void accept_bytes(const char *data, size_t size, const char *body)
{
	char *more = malloc(size + 5);

	for (size_t step = 1; step <= size; step++) {
		struct outcome out = feed(data, size, step);

		assert_int_equal(out.err, 0);
		assert_int_equal(out.wrong, HEPH_HTTP_FINE);
		assert_int_equal(out.used, size);
		assert_int_equal(out.size, strlen(body));
		assert_memory_equal(out.body, body, out.size);
	}
	memcpy(more, data, size);
	memcpy(more + size, "\r\nGET", 5);
	assert_int_equal(feed(more, size + 5, size + 5).used, size);
	free(more);
}

static void accept(const char *text, const char *body)
{
	accept_bytes(text, strlen(text), body);
}

static void refuse_bytes(const char *data, size_t size, enum heph_http_wrong want)
{
	size_t used = feed(data, size, size).used;

	for (size_t step = 1; step <= size; step++) {
		struct outcome out = feed(data, size, step);

		if (out.err != -EBADMSG)
			print_error("%.*s\n", (int)size, data);
		assert_int_equal(out.err, -EBADMSG);
		assert_int_equal(out.wrong, want);
		assert_int_equal(out.used, used);
	}
}

static void refuse(const char *text)
{
	refuse_bytes(text, strlen(text), HEPH_HTTP_BAD_CHUNK);
}

static void finds_the_body(void **state)
{
	accept("0\r\n", "");
	accept("000\r\n", "");
	accept("5\r\nhello\r\n0\r\n", "hello");
	accept("5\r\nhello\r\n1\r\n \r\n6\r\nworld!\r\n0\r\n", "hello world!");
	accept("a\r\n0123456789\r\nA\r\nabcdefghij\r\n0\r\n",
	       "0123456789abcdefghij");
	accept("0000000000000000000000000000000002\r\nhi\r\n0\r\n", "hi");
	accept("4\r\n\r\n\r\n\r\n0\r\n", "\r\n\r\n");
	accept("3\r\n0\r\n\r\n0\r\n", "0\r\n");
}

static void skips_extensions(void **state)
{
	static const char *const good[] = {
		";a", ";a=b", ";a=\"b\"", ";a=\"b c;d\\\"e\\\\\"", ";a;b=c;d",
		" ;a", "\t; a", " ; a = b", ";a =\tb", ";a=\"\"", ";a=\"b\" ;c",
		";a=b ;c", ";a ;b", ";a=\"\t\xe9\"", ";!#$%&'*+-.^_`|~=1",
	};
	static const char *const bad[] = {
		" ", "\t", ";", "; ", ";;", ";a;", ";a=", ";a= ", ";=b", ";a b",
		";a=b c", ";a=\"b", ";a=\"b\"c", ";a=\"\x01\"", ";a=\"\\\x01\"",
		";a=b\"", ";a=\xe9", ";\xe9", ";a\x7f", ";a=\"\x7f\"", ";a ",
		";a=b ", ";a=\"b\" ", ",a", " a", ";a,b", ";a=b=c", ";a:b",
	};
	char text[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "2%s\r\nhi\r\n0%s\r\n", good[i],
			 good[i]);
		accept(text, "hi");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "2%s\r\nhi\r\n0\r\n", bad[i]);
		refuse(text);
	}
}

static void refuses_what_is_no_size(void **state)
{
	static const char *const bad[] = {
		"\r\n", "\n", " 1\r\n", "\t1\r\n", "+1\r\n", "-1\r\n", "0x1\r\n",
		"g\r\n", "1g\r\n", "1 2\r\n", "1.0\r\n", "1,\r\n", "\"1\"\r\n",
		"1\n", "1\r", "1\rx", "1\r\r\n", "1;a\n", "1;a\rb\r\n", "x\r\n",
		"1_0\r\n", "G\r\n", "/\r\n", ":\r\n", "@\r\n", "`\r\n", "\x80\r\n",
		"8000000000000000\r\n", "ffffffffffffffff\r\n",
		"10000000000000000\r\n", "fffffffffffffffff0\r\n",
		"00000000000000000008000000000000000\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (strcmp(bad[i], "1\r") != 0)
			refuse(bad[i]);
		else
			assert_int_equal(feed(bad[i], 2, 2).err, 1);
	}
	refuse_bytes("1\0\r\n", 4, HEPH_HTTP_BAD_CHUNK);
	refuse_bytes("\0", 1, HEPH_HTTP_BAD_CHUNK);
	assert_int_equal(feed("7fffffffffffffff\r\n", 18, 18).err, 1);
}

static void wants_the_end_of_the_data(void **state)
{
	refuse("2\r\nhix\r\n");
	refuse("2\r\nhi\n0\r\n");
	refuse("2\r\nhi0\r\n");
	refuse("2\r\nhi\rx");
	refuse("2\r\nhi\r\r\n");
	refuse("2\r\nhi\r\n\r\n0\r\n");
	refuse("2\r\nhi\r\n 0\r\n");
	refuse("1\r\nhi\r\n0\r\n");
	refuse("2\r\nhi\r\n0\r\r\n");
	refuse("2\r\nhi\r\n0\n");
}

/* 4 KiB between two pieces of the body, and no byte more. */
static void bounds_what_is_no_body(void **state)
{
	static char text[5000];
	size_t n;

	for (int over = 0; over < 2; over++) {
		n = (size_t)sprintf(text, "2\r\nhi\r\n2;");
		memset(text + n, 'a', 4096 - 6 + (size_t)over);
		n += 4096 - 6 + (size_t)over;
		n += (size_t)sprintf(text + n, "\r\nho\r\n0\r\n");
		for (size_t step = 1; step < 5000; step += 997) {
			struct outcome out = feed(text, n, step);

			assert_int_equal(out.err, over ? -EBADMSG : 0);
			assert_int_equal(out.wrong, over ? HEPH_HTTP_LONG_CHUNK :
							   HEPH_HTTP_FINE);
		}
	}
	memset(text, '0', sizeof(text));
	assert_int_equal(feed(text, 4096, 100).err, 1);
	assert_int_equal(feed(text, 4097, 100).wrong, HEPH_HTTP_LONG_CHUNK);
}

static void what_went_wrong_stays_wrong(void **state)
{
	struct heph_http_chunks chunks = { 0 };
	size_t used, body;

	assert_int_equal(heph_http_parse_chunks(&chunks, "x", 1, &used, &body),
			 -EBADMSG);
	assert_int_equal(used, 1);
	assert_int_equal(heph_http_parse_chunks(&chunks, "1\r\n", 3, &used, &body),
			 -EBADMSG);
	assert_int_equal(used, 0);
	assert_int_equal(chunks.wrong, HEPH_HTTP_BAD_CHUNK);
	chunks = (struct heph_http_chunks){ 0 };
	assert_int_equal(heph_http_parse_chunks(&chunks, "0\r\n1\r\n", 6, &used,
						&body), 0);
	assert_int_equal(used, 3);
	assert_int_equal(heph_http_parse_chunks(&chunks, "1\r\n", 3, &used, &body),
			 0);
	assert_int_equal(used, 0);
	assert_int_equal(heph_http_parse_chunks(&chunks, NULL, 0, &used, &body), 0);
}

/* A large chunk is passed over in as many steps as it has pieces. */
static void data_is_passed_over_at_once(void **state)
{
	struct heph_http_chunks chunks = { 0 };
	static char text[70000] = "ffff\r\n";
	size_t used, body;

	assert_int_equal(heph_http_parse_chunks(&chunks, text, 1006, &used, &body),
			 1);
	assert_int_equal(used, 1006);
	assert_int_equal(body, 1000);
	assert_int_equal(chunks.left, 64535);
	assert_int_equal(heph_http_parse_chunks(&chunks, text, sizeof(text), &used,
						&body), 1);
	assert_int_equal(used, 64535);
	assert_int_equal(body, 64535);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_body),
		cmocka_unit_test(skips_extensions),
		cmocka_unit_test(refuses_what_is_no_size),
		cmocka_unit_test(wants_the_end_of_the_data),
		cmocka_unit_test(bounds_what_is_no_body),
		cmocka_unit_test(what_went_wrong_stays_wrong),
		cmocka_unit_test(data_is_passed_over_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
