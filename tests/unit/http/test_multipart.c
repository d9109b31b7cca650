/* SPDX-License-Identifier: MIT */
#include <heph/http/multipart.h>

#include "table.h"

#define TYPE "multipart/form-data; boundary=b0"

static struct heph_http_multipart *form;
static char told[8192];
static size_t told_size;

static int start(void **state)
{
	(void)state;
	form = malloc(sizeof(*form));
	return form ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(form);
	return 0;
}

static void begin(const char *type)
{
	assert_int_equal(heph_http_multipart_init(form, heph_str(type), 0), 0);
	told_size = 0;
	told[0] = '\0';
}

static void tell(const char *data, size_t size)
{
	assert_true(told_size + size < sizeof(told));
	memcpy(told + told_size, data, size);
	told_size += size;
	told[told_size] = '\0';
}

static void tell_head(void)
{
	tell("<", 1);
	for (unsigned i = 0; i < form->fields.n; i++) {
		const struct heph_http_field *field = &form->fields.at[i];

		tell(field->name, field->name_size);
		tell("=", 1);
		tell(field->value, field->value_size);
		tell(",", 1);
	}
	tell("|", 1);
}

/* Feeds a piece, from memory of its own; what was found is in `told`. */
static int feed(const char *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	int got = 0;

	assert_non_null(copy);
	memcpy(copy, data, size);
	for (size_t at = 0, used; at < size && got >= 0; at += used) {
		struct heph_str piece;

		got = heph_http_multipart_feed(form, copy + at, size - at, &used,
					       &piece);
		if (got == HEPH_HTTP_PART_BEGIN)
			tell_head();
		else if (got == HEPH_HTTP_PART_DATA)
			tell(piece.data, piece.size);
		else if (got == HEPH_HTTP_PART_END)
			tell(">", 1);
		else if (got == HEPH_HTTP_PARTS_END)
			tell("!", 1);
		if (got == HEPH_HTTP_PART_DATA)
			assert_true(piece.size > 0);
		if (got == HEPH_HTTP_PART_MORE)
			assert_int_equal(used, size - at);
	}
	free(copy);
	return got < 0 ? got : 0;
}

struct row {
	const char *body, *told;
	int err;
};

#define HEAD "Content-Disposition: form-data; name=a\r\n\r\n"
#define TOLD "<Content-Disposition=form-data; name=a,|"

static const struct row rows[] = {
	{ "--b0\r\n" HEAD "value\r\n--b0--\r\n", TOLD "value>!", 0 },
	{ "--b0\r\n" HEAD "value\r\n--b0--", TOLD "value>!", 0 },
	{ "--b0\r\n" HEAD "\r\n--b0--", TOLD ">!", 0 },
	{ "--b0\r\n\r\nvalue\r\n--b0--", "<|value>!", 0 },
	{ "\r\n--b0\r\n\r\nx\r\n--b0--", "<|x>!", 0 },
	{ "preamble\r\n--b0\r\n\r\nx\r\n--b0--epilogue\r\n--b0\r\n", "<|x>!", 0 },
	{ "pre\r--b0\r\n--b0\r\n\r\nx\r\n--b0--", "<|x>!", 0 },
	{ "--b0 \t\r\n\r\nx\r\n--b0 \r\n\r\ny\r\n--b0--", "<|x><|y>!", 0 },
	{ "--b0\r\n\r\n\r\n--b\r\n--b0--", "<|\r\n--b>!", 0 },
	{ "--b0\r\n\r\na\r\n--b1\r\r\n\r\r\n--b0--", "<|a\r\n--b1\r\r\n\r>!", 0 },
	{ "--b0\r\n\r\n\r\r\r\n-\r\n--\r\n--b0--", "<|\r\r\r\n-\r\n-->!", 0 },
	{ "--b0\r\n\r\n--b0 is data here\r\n--b0--",
	  "<|--b0 is data here>!", 0 },
	{ "--b0\r\nA: 1\r\nB:2 \r\nc:\r\n\r\nx\r\n--b0--",
	  "<A=1,B=2,c=,|x>!", 0 },
	{ "--b0--", "!", 0 },
	{ "--b0\r\n\r\n\r\r\n--b0--", "<|\r>!", 0 },
	{ "--b0\n\nx", "", -EBADMSG },
	{ "--b0x\r\n", "", -EBADMSG },
	{ "--b0-x", "", -EBADMSG },
	{ "--b0\rx", "", -EBADMSG },
	{ "--b0 -", "", -EBADMSG },
	{ "--b0\r\nA: 1\n\r\n", "", -EBADMSG },
	{ "--b0\r\nA : 1\r\n\r\n", "", -EBADMSG },
	{ "--b0\r\n: 1\r\n\r\n", "", -EBADMSG },
	{ "--b0\r\nA: 1\r\n folded\r\n\r\n", "", -EBADMSG },
	{ "--b0\r\nA\r\n\r\n", "", -EBADMSG },
	{ "--b0\r\nA: \x01\r\n\r\n", "", -EBADMSG },
	{ "--b0\r\nA: a\rb\r\n\r\n", "", -EBADMSG },
};

static void bodies_are_read_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(TYPE);
		assert_int_equal(feed(rows[i].body, strlen(rows[i].body)),
				 rows[i].err);
		assert_string_equal(told, rows[i].told);
		assert_int_equal(heph_http_multipart_done(form),
				 rows[i].err == 0);
	}
}

/* Cut in two and in three, at each position. */
static void it_does_not_matter_where_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t size = strlen(rows[i].body);

		for (size_t a = 0; a <= size; a++)
			for (size_t b = a; b <= size; b++) {
				int err;

				begin(TYPE);
				err = feed(rows[i].body, a);
				if (!err)
					err = feed(rows[i].body + a, b - a);
				if (!err)
					err = feed(rows[i].body + b, size - b);
				assert_int_equal(err, rows[i].err);
				assert_string_equal(told, rows[i].told);
			}
	}
}

static void one_byte_at_a_time_will_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int err = 0;

		begin(TYPE);
		for (const char *at = rows[i].body; *at && !err; at++)
			err = feed(at, 1);
		assert_int_equal(err, rows[i].err);
		assert_string_equal(told, rows[i].told);
	}
}

static void what_is_not_ended_is_not_done(void **state)
{
	static const char body[] = "--b0\r\nA: 1\r\n\r\nx\r\n--b0--";

	(void)state;
	for (size_t size = 0; size < sizeof(body) - 1; size++) {
		begin(TYPE);
		assert_int_equal(feed(body, size), 0);
		assert_false(heph_http_multipart_done(form));
	}
}

static void fields_are_found_by_name(void **state)
{
	static const char body[] = "--b0\r\nContent-Type: x\r\nA: 1\r\n\r\n";

	(void)state;
	begin(TYPE);
	assert_int_equal(feed(body, sizeof(body) - 1), 0);
	expect_str(heph_http_multipart_field(form, "content-type"), "x");
	expect_str(heph_http_multipart_field(form, "a"), "1");
	expect_str(heph_http_multipart_field(form, "b"), NULL);
}

static void boundaries_are_checked(void **state)
{
	static const struct {
		const char *type;
		bool good;
	} types[] = {
		{ "multipart/form-data; boundary=abc", true },
		{ "Multipart/Mixed; x=y; BOUNDARY=\"a b:c?\"", true },
		{ "multipart/mixed; boundary=\"a\\b\"", true },
		{ "multipart/form-data", false },
		{ "multipart/form-data; boundary=\"\"", false },
		{ "multipart/form-data; boundary=\"a \"", false },
		{ "multipart/form-data; boundary=\"a\"b", false },
		{ "multipart/form-data; boundary=a*b", false },
		{ "text/plain; boundary=abc", false },
		{ "", false },
		{ "multipart/x; boundary="
		  "0123456789012345678901234567890123456789"
		  "012345678901234567890123456789", true },
		{ "multipart/x; boundary="
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890", false },
		{ "multipart/x; boundary=\"\\0"
		  "123456789012345678901234567890123456789"
		  "0123456789012345678901234567890\"", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++)
		assert_int_equal(heph_http_multipart_init(
					 form, heph_str(types[i].type), 0),
				 types[i].good ? 0 : -EBADMSG);
}

static void heads_have_limits(void **state)
{
	char line[HEPH_HTTP_PART_HEAD];

	(void)state;
	begin(TYPE);
	assert_int_equal(feed("--b0\r\n", 6), 0);
	for (int i = 0; i < HEPH_HTTP_PART_FIELDS; i++)
		assert_int_equal(feed("A: 1\r\n", 6), 0);
	assert_int_equal(feed("\r\n", 2), 0);
	begin(TYPE);
	assert_int_equal(feed("--b0\r\n", 6), 0);
	for (int i = 0; i <= HEPH_HTTP_PART_FIELDS; i++)
		assert_int_equal(feed("A: 1\r\n", 6), 0);
	assert_int_equal(feed("\r\n", 2), -EMSGSIZE);

	memset(line, 'x', sizeof(line));
	line[0] = 'A';
	line[1] = ':';
	memcpy(line + sizeof(line) - 4, "\r\n\r\n", 4);
	begin(TYPE);
	assert_int_equal(feed("--b0\r\n", 6), 0);
	assert_int_equal(feed(line, sizeof(line)), 0);
	assert_int_equal(form->fields.at[0].value_size, sizeof(line) - 6);
	begin(TYPE);
	assert_int_equal(feed("--b0\r\nx", 7), 0);
	assert_int_equal(feed(line, sizeof(line)), -EMSGSIZE);
}

static void parts_have_a_limit(void **state)
{
	(void)state;
	assert_int_equal(heph_http_multipart_init(form, heph_str(TYPE), 2), 0);
	told_size = 0;
	assert_int_equal(feed("--b0\r\n\r\nx\r\n--b0\r\n\r\ny", 20), 0);
	assert_int_equal(form->parts, 2);
	assert_int_equal(feed("\r\n--b0\r\n\r\n", 10), -E2BIG);
	assert_int_equal(heph_http_multipart_init(form, heph_str(TYPE), 2), 0);
	assert_int_equal(feed("--b0\r\n\r\nx\r\n--b0\r\n\r\ny\r\n--b0--", 28), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_whole),
		cmocka_unit_test(it_does_not_matter_where_they_are_cut),
		cmocka_unit_test(one_byte_at_a_time_will_do),
		cmocka_unit_test(what_is_not_ended_is_not_done),
		cmocka_unit_test(fields_are_found_by_name),
		cmocka_unit_test(boundaries_are_checked),
		cmocka_unit_test(heads_have_limits),
		cmocka_unit_test(parts_have_a_limit),
	};

	return cmocka_run_group_tests(tests, start, end);
}
