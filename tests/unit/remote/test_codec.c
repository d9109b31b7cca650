/* SPDX-License-Identifier: MIT */
/* Codecs: what is written is read again, and nothing else is. */
#include <heph/remote/actor.h>

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "remote/mem.h"

/* ---- what travels ------------------------------------------------------------------ */

struct line {
	char what[16];
	int32_t n;
	char *note;
};
HEPH_CODEC(line, struct line, HEPH_FIELD(what), HEPH_FIELD(n),
	   HEPH_FIELD(note, .max = 100));

HEPH_ACTOR(invoice, struct line, void);
HEPH_REMOTE(invoice, line);

enum kind { WORD, LINE, NOTHING };

struct order {
	uint64_t id;
	int64_t balance;
	int8_t small;
	uint16_t port;
	bool urgent;
	float weight;
	double price;
	char customer[8];
	char *comment;
	struct heph_bytes blob;
	struct line first;
	struct line *lines;
	unsigned n_lines;
	uint16_t codes[4];
	uint8_t n_codes;
	int corners[2];
	int64_t *numbers;
	size_t n_numbers;
	bool has_rebate;
	double rebate;
	invoice_ref answer_to;
	enum kind kind;
	union {
		char *word;
		struct line line;
	};
};
HEPH_CODEC(order, struct order, HEPH_FIELD(id), HEPH_FIELD(balance),
	   HEPH_FIELD(small), HEPH_FIELD(port), HEPH_FIELD(urgent),
	   HEPH_FIELD(weight), HEPH_FIELD(price), HEPH_FIELD(customer),
	   HEPH_FIELD(comment), HEPH_FIELD(blob, .max = 1000),
	   HEPH_FIELD_OF(first, line),
	   HEPH_LIST_OF(lines, n_lines, line, .max = 10),
	   HEPH_ARRAY(codes, n_codes), HEPH_ARRAY_FULL(corners),
	   HEPH_LIST(numbers, n_numbers), HEPH_FIELD(rebate, HEPH_IF(has_rebate)),
	   HEPH_FIELD_REF_OF(answer_to, invoice), HEPH_FIELD(kind, .max = NOTHING),
	   HEPH_FIELD(word, HEPH_CASE(kind, WORD)),
	   HEPH_FIELD_OF(line, line, HEPH_CASE(kind, LINE)));

/* A tree: a codec within itself. */
struct node {
	int value;
	struct node *children;
	unsigned n;
};
HEPH_CODEC(node, struct node, HEPH_FIELD(value),
	   HEPH_LIST_OF(children, n, node));

static const enum heph_format formats[] = { HEPH_CBOR, HEPH_JSON };

static void *keep(const void *data, size_t size)
{
	void *copy = heph_remote_mem_alloc(size);

	assert_non_null(copy);
	return memcpy(copy, data, size);
}

static struct order an_order(void)
{
	struct order order = {
		.id = UINT64_MAX,
		.balance = INT64_MIN,
		.small = -128,
		.port = 65535,
		.urgent = true,
		.weight = 1.5f,
		.price = 0.1,
		.customer = "J\xc3\xb8rgen",
		.comment = keep("say \"hi\"\n", 10),
		.blob = { keep("\0\xff\x7f", 3), 3 },
		.first = { "one", -1, NULL },
		.n_lines = 2,
		.codes = { 1, 2, 3 },
		.n_codes = 3,
		.corners = { INT32_MIN, INT32_MAX },
		.n_numbers = 3,
		.has_rebate = true,
		.rebate = -0.25,
		.answer_to = { .addr = { .id = 77, .slot = 3, .node = 1 } },
		.kind = LINE,
		.line = { "last", 9, keep("note", 5) },
	};
	struct line lines[2] = { { "a", 1, keep("x", 2) }, { "b", 2, NULL } };
	int64_t numbers[3] = { 0, INT64_MAX, -(INT64_C(1) << 53) - 1 };

	order.lines = keep(lines, sizeof(lines));
	order.numbers = keep(numbers, sizeof(numbers));
	return order;
}

/* References travel as their bytes, masked. */
static int out(const struct heph_codec_refs *refs,
	       const struct heph_field *field, struct heph_addr addr,
	       uint8_t wire[HEPH_WIRE_REF])
{
	(void)refs, (void)field;
	memset(wire, 0x5a, HEPH_WIRE_REF);
	memcpy(wire, &addr, sizeof(addr));
	return 0;
}

static int in(const struct heph_codec_refs *refs,
	      const struct heph_field *field,
	      const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr)
{
	(void)refs, (void)field;
	memcpy(ret_addr, wire, sizeof(*ret_addr));
	return wire[HEPH_WIRE_REF - 1] == 0x5a ? 0 : -EBADMSG;
}

static const struct heph_codec_refs refs = { .out = out, .in = in };

static struct heph_bytes written(const struct heph_codec *codec,
				 enum heph_format format, const void *msg)
{
	struct heph_bytes bytes;
	struct heph_codec_error error;
	int err = heph_codec_write(codec, format, msg, &refs, &bytes, &error);

	if (err < 0)
		fail_msg("%d: %s: %s", err, error.field, error.why);
	return bytes;
}

/* jansson's bytes are not of mem.h. */
static void give_back(enum heph_format format, struct heph_bytes bytes)
{
	if (format == HEPH_CBOR)
		heph_remote_mem_free(bytes.data);
	else
		free(bytes.data);
}

/* ---- there and back ---------------------------------------------------------------------- */

static void must_be_alike(enum heph_format format, const struct heph_codec *codec,
			  const void *msg, void *room)
{
	struct heph_bytes bytes = written(codec, format, msg), again;
	struct heph_codec_error error;
	int err = heph_codec_read(codec, format, bytes.data, bytes.size, &refs,
				  room, &error);

	if (err < 0)
		fail_msg("%d: %s: %s", err, error.field, error.why);
	again = written(codec, format, room);
	assert_int_equal(bytes.size, again.size);
	assert_memory_equal(bytes.data, again.data, bytes.size);
	give_back(format, again);
	give_back(format, bytes);
}

static void what_is_written_is_read(void **state)
{
	struct order order = an_order(), other;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		must_be_alike(formats[f], order_codec(), &order, &other);
		assert_true(other.id == UINT64_MAX && other.small == -128);
		assert_true(other.balance == INT64_MIN);
		assert_true(other.price == 0.1 && other.weight == 1.5f);
		assert_string_equal(other.customer, "J\xc3\xb8rgen");
		assert_string_equal(other.comment, "say \"hi\"\n");
		assert_memory_equal(other.blob.data, "\0\xff\x7f", 3);
		assert_int_equal(other.n_lines, 2);
		assert_string_equal(other.lines[0].note, "x");
		assert_null(other.lines[1].note);
		assert_int_equal(other.n_codes, 3);
		assert_int_equal(other.codes[2], 3);
		assert_int_equal(other.codes[3], 0);
		assert_int_equal(other.corners[0], INT32_MIN);
		assert_true(other.numbers[2] == -(INT64_C(1) << 53) - 1);
		assert_true(other.has_rebate && other.rebate == -0.25);
		assert_int_equal(other.answer_to.addr.id, 77);
		assert_int_equal(other.kind, LINE);
		assert_string_equal(other.line.note, "note");
		order_drop(&other);
		assert_null(other.lines);
	}
	order_drop(&order);
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void what_is_not_there_does_not_travel(void **state)
{
	struct order order = { .kind = NOTHING }, other;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		memset(&other, 0xff, sizeof(other));
		must_be_alike(formats[f], order_codec(), &order, &other);
		assert_false(other.has_rebate);
		assert_null(other.comment);
		assert_null(other.lines);
		assert_int_equal(other.answer_to.addr.id, 0);
		order_drop(&other);
	}
	order = (struct order){ .kind = WORD };
	for (size_t f = 0; f < 2; f++) {
		must_be_alike(formats[f], order_codec(), &order, &other);
		assert_null(other.word);
	}
	order.word = (char *)(uintptr_t)"w";
	for (size_t f = 0; f < 2; f++) {
		must_be_alike(formats[f], order_codec(), &order, &other);
		assert_string_equal(other.word, "w");
		order_drop(&other);
	}
}

static void trees_travel_up_to_a_depth(void **state)
{
	struct node nodes[HEPH_CODEC_DEPTH + 1] = { 0 }, other;
	struct heph_codec_error error;
	struct heph_bytes bytes;

	(void)state;
	for (size_t i = 0; i < HEPH_CODEC_DEPTH - 1; i++) {
		nodes[i].value = (int)i;
		nodes[i].children = &nodes[i + 1];
		nodes[i].n = 1;
	}
	for (size_t f = 0; f < 2; f++) {
		must_be_alike(formats[f], node_codec(), &nodes[0], &other);
		assert_int_equal(other.children[0].children[0].value, 2);
		node_drop(&other);
	}
	nodes[HEPH_CODEC_DEPTH - 1].children = &nodes[HEPH_CODEC_DEPTH];
	nodes[HEPH_CODEC_DEPTH - 1].n = 1;
	for (size_t f = 0; f < 2; f++)
		assert_int_equal(heph_codec_write(node_codec(), formats[f],
						  &nodes[0], NULL, &bytes,
						  &error),
				 -EINVAL);
	assert_string_equal(error.why, "too deep");
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* Texts of one size, in the message and on the heap. */
struct texts {
	char names[3][8];
	uint8_t n_names;
	char (*more)[4];
	unsigned n_more;
};
HEPH_CODEC(texts, struct texts, HEPH_ARRAY(names, n_names),
	   HEPH_LIST(more, n_more));

static void texts_may_be_in_arrays(void **state)
{
	char more[2][4] = { "x", "yyy" };
	struct texts texts = { .names = { "one", "two" },
			       .n_names = 2,
			       .more = more,
			       .n_more = 2 };
	struct texts other, copy;
	char line[100];

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		must_be_alike(formats[f], texts_codec(), &texts, &other);
		assert_int_equal(other.n_names, 2);
		assert_string_equal(other.names[1], "two");
		assert_int_equal(other.n_more, 2);
		assert_string_equal(other.more[1], "yyy");
		assert_int_equal(texts_copy(&copy, &other), 0);
		texts_drop(&other);
		assert_string_equal(copy.more[0], "x");
		texts_drop(&copy);
	}
	heph_codec_print(texts_codec(), &texts, line, sizeof(line));
	assert_string_equal(line, "texts{names=[\"one\" \"two\"] "
				  "more=[\"x\" \"yyy\"]}");
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- where little stack is -------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(HEPH_VALGRIND)
enum { STACK = 1 << 20 };
#else
enum { STACK = 64 << 10 }; /* what actors have */
#endif

/* A message that is larger than that is where the caller wants it, and nowhere else. */
struct huge {
	uint32_t numbers[32 * 1024];
};
HEPH_CODEC(huge, struct huge, HEPH_ARRAY_FULL(numbers));

static void *use_little_stack(void *arg)
{
	static struct node nodes[HEPH_CODEC_DEPTH], other;
	static struct huge huge, again;

	for (size_t i = 0; i + 1 < HEPH_CODEC_DEPTH; i++) {
		nodes[i].children = &nodes[i + 1];
		nodes[i].n = 1;
	}
	huge.numbers[32 * 1024 - 1] = 77;
	for (size_t f = 0; f < 2; f++) {
		must_be_alike(formats[f], node_codec(), &nodes[0], &other);
		node_drop(&other);
		must_be_alike(formats[f], huge_codec(), &huge, &again);
		assert_int_equal(again.numbers[32 * 1024 - 1], 77);
	}
	return arg;
}

static void an_actor_has_enough_stack(void **state)
{
	const size_t least = (size_t)PTHREAD_STACK_MIN; /* AArch64: 128 KiB */
	pthread_attr_t attr;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstacksize(
				 &attr, STACK > least ? STACK : least),
			 0);
	assert_int_equal(pthread_create(&thread, &attr, use_little_stack, NULL),
			 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- what is refused ---------------------------------------------------------------------- */

struct wrong {
	const char *json;
	const char *field, *why;
};

static const struct wrong wrongs[] = {
	{ "", "", "'[' or '{' expected near end of file" },
	{ "[]", "", "not an object" },
	{ "{}", "what", "missing" },
	{ "{\"what\":1,\"n\":1,\"note\":null}", "what", "not a text" },
	{ "{\"what\":\"0123456789abcdef\",\"n\":1,\"note\":null}", "what",
	  "the text is too long" },
	{ "{\"what\":\"\\u0000\",\"n\":1,\"note\":null}", "what",
	  "the text is not UTF-8" },
	{ "{\"what\":\"a\",\"n\":1.0,\"note\":null}", "n", "not an integer" },
	{ "{\"what\":\"a\",\"n\":2147483648,\"note\":null}", "n",
	  "the number is out of range" },
	{ "{\"what\":\"a\",\"n\":\"01\",\"note\":null}", "n", "not an integer" },
	{ "{\"what\":\"a\",\"n\":\"-\",\"note\":null}", "n", "not an integer" },
	{ "{\"what\":\"a\",\"n\":\"99999999999999999999\",\"note\":null}", "n",
	  "the number is out of range" },
	{ "{\"what\":\"a\",\"n\":1,\"note\":7}", "note", "not a text" },
	{ "{\"what\":\"a\",\"n\":1,\"note\":null,\"more\":1}", "",
	  "it has a field that is not known" },
	{ "{\"what\":\"a\",\"what\":\"a\",\"n\":1,\"note\":null}", "",
	  "duplicate object key near '\"what\"'" },
};

static void json_is_read_strictly(void **state)
{
	struct heph_codec_error error;
	struct line line;

	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		assert_int_equal(heph_codec_read(line_codec(), HEPH_JSON,
						 wrongs[i].json,
						 strlen(wrongs[i].json), NULL,
						 &line, &error),
				 -EBADMSG);
		assert_string_equal(error.why, wrongs[i].why);
		if (strcmp(wrongs[i].why, "it has a field that is not known"))
			assert_string_equal(error.field, wrongs[i].field);
		assert_null(line.note);
	}
}

static void where_it_is_wrong_is_told(void **state)
{
	static const char json[] =
		"{\"value\":1,\"children\":[{\"value\":2,\"children\":[]},"
		"{\"value\":3,\"children\":[{\"value\":\"x\"}]}]}";
	struct heph_codec_error error;
	struct node node;

	(void)state;
	assert_int_equal(heph_codec_read(node_codec(), HEPH_JSON, json,
					 sizeof(json) - 1, NULL, &node, &error),
			 -EBADMSG);
	assert_string_equal(error.field, "children[1].children[0].value");
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void a_text_of_brackets_is_too_deep(void **state)
{
	static char deep[100000];
	struct heph_codec_error error;
	struct node node;

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(heph_codec_read(node_codec(), HEPH_JSON, deep,
					 sizeof(deep), NULL, &node, &error),
			 -EBADMSG);
	assert_string_equal(error.why, "too deep");
}

/* Every beginning of a message is refused, and so is one with a byte behind it. */
static void parts_of_a_message_are_none(void **state)
{
	struct order order = an_order(), other;
	struct heph_bytes bytes;
	char *longer;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		bytes = written(order_codec(), formats[f], &order);
		for (size_t n = 0; n < bytes.size; n++)
			assert_true(heph_codec_read(order_codec(), formats[f],
						    bytes.data, n, &refs,
						    &other, NULL) < 0);
		longer = calloc(1, bytes.size + 1);
		memcpy(longer, bytes.data, bytes.size);
		longer[bytes.size] = '1';
		assert_int_equal(heph_codec_read(order_codec(), formats[f],
						 longer, bytes.size + 1, &refs,
						 &other, NULL),
				 -EBADMSG);
		free(longer);
		give_back(formats[f], bytes);
	}
	order_drop(&order);
}

/* Any byte changed: it is read or refused, and nothing is lost either way. */
static void changed_bytes_do_no_harm(void **state)
{
	struct order order = an_order(), other;
	unsigned read = 0, refused = 0;
	struct heph_bytes bytes;
	unsigned char *data;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		bytes = written(order_codec(), formats[f], &order);
		data = bytes.data;
		for (size_t i = 0; i < bytes.size * 255; i++) {
			unsigned char was = data[i / 255];

			data[i / 255] ^= (unsigned char)(i % 255 + 1);
			if (heph_codec_read(order_codec(), formats[f], data,
					    bytes.size, &refs, &other, NULL) < 0) {
				refused++;
			} else {
				read++;
				order_drop(&other);
			}
			data[i / 255] = was;
		}
		give_back(formats[f], bytes);
	}
	order_drop(&order);
	assert_true(read > 1000 && refused > 1000);
}

static void a_list_that_is_not_sent_costs_nothing(void **state)
{
	/* [1, array of 2^32 - 1] */
	static const unsigned char lie[] = { 0x82, 0x01, 0x9a, 0xff,
					     0xff, 0xff, 0xff };
	struct heph_codec_error error;
	struct node node;

	(void)state;
	assert_int_equal(heph_codec_read(node_codec(), HEPH_CBOR, lie,
					 sizeof(lie), NULL, &node, &error),
			 -EBADMSG);
	assert_string_equal(error.field, "children[0]");
}

static void what_may_not_be_written_is_told(void **state)
{
	struct heph_codec_error error;
	struct heph_bytes bytes;
	struct line line = { .what = "\xff" };
	struct order order = { .kind = NOTHING };

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		assert_int_equal(heph_codec_write(line_codec(), formats[f],
						  &line, NULL, &bytes, &error),
				 -EILSEQ);
		assert_string_equal(error.field, "what");
		order.answer_to.addr.id = 5;
		assert_int_equal(heph_codec_write(order_codec(), formats[f],
						  &order, NULL, &bytes, &error),
				 -EINVAL);
		assert_string_equal(error.field, "answer_to");
		order.answer_to.addr.id = 0;
		order.kind = NOTHING + 1;
		assert_int_equal(heph_codec_write(order_codec(), formats[f],
						  &order, NULL, &bytes, &error),
				 -EINVAL);
		assert_string_equal(error.field, "kind");
		order.kind = NOTHING;
		order.n_codes = 5;
		assert_int_equal(heph_codec_write(order_codec(), formats[f],
						  &order, NULL, &bytes, &error),
				 -EMSGSIZE);
		order.n_codes = 0;
	}
	memset(line.what, 'x', sizeof(line.what)); /* no nul */
	assert_int_equal(heph_codec_write(line_codec(), HEPH_CBOR, &line, NULL,
					  &bytes, &error),
			 -EMSGSIZE);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void without_memory_nothing_is_lost(void **state)
{
	struct order order = an_order(), other;
	size_t before = heph_remote_mem_used();
	struct heph_bytes bytes;
	int err;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		err = -ENOMEM;
		for (long n = 1; err == -ENOMEM; n++) {
			heph_remote_mem_fail_after(n);
			err = heph_codec_write(order_codec(), formats[f], &order,
					       &refs, &bytes, NULL);
		}
		assert_int_equal(err, 0);
		err = -ENOMEM;
		for (long n = 1; err == -ENOMEM; n++) {
			heph_remote_mem_fail_after(n);
			err = heph_codec_read(order_codec(), formats[f],
					      bytes.data, bytes.size, &refs,
					      &other, NULL);
		}
		assert_int_equal(err, 0);
		heph_remote_mem_fail_after(-1);
		order_drop(&other);
		give_back(formats[f], bytes);
		assert_int_equal(heph_remote_mem_used(), before);
	}
	err = -ENOMEM;
	for (long n = 1; err == -ENOMEM; n++) {
		heph_remote_mem_fail_after(n);
		err = order_copy(&other, &order);
	}
	heph_remote_mem_fail_after(-1);
	assert_int_equal(err, 0);
	order_drop(&other);
	assert_int_equal(heph_remote_mem_used(), before);
	order_drop(&order);
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void a_copy_is_another_one(void **state)
{
	struct order order = an_order(), copy;

	(void)state;
	assert_int_equal(order_copy(&copy, &order), 0);
	assert_ptr_not_equal(copy.lines, order.lines);
	assert_ptr_not_equal(copy.lines[0].note, order.lines[0].note);
	assert_ptr_not_equal(copy.line.note, order.line.note);
	order_drop(&order);
	assert_string_equal(copy.lines[0].note, "x");
	assert_string_equal(copy.line.note, "note");
	order_drop(&copy);
	assert_int_equal(heph_remote_mem_used(), 0);
}

/* ---- in words, and as a number ------------------------------------------------------------------ */

static void a_message_in_words(void **state)
{
	struct line line = { "a\n\"b", -5, (char *)(uintptr_t)"n" };
	char text[100], brief[12];
	size_t n;

	(void)state;
	n = heph_codec_print(line_codec(), &line, text, sizeof(text));
	assert_int_equal(n, strlen(text));
	assert_string_equal(text, "line{what=\"a\\x0a\\x22b\" n=-5 note=\"n\"}");
	assert_int_equal(heph_codec_print(line_codec(), &line, brief,
					  sizeof(brief)),
			 sizeof(brief) - 1);
	assert_string_equal(brief, "line{wha...");
}

struct line2 {
	char what[16];
	int32_t n;
	char *note;
};
HEPH_CODEC(other_name, struct line2, HEPH_FIELD(what), HEPH_FIELD(n),
	   HEPH_FIELD(note, .max = 101));

static void the_hash_is_of_the_schema(void **state)
{
	(void)state;
	assert_int_equal(heph_codec_hash(line_codec()),
			 heph_codec_hash(line_codec()));
	assert_true(heph_codec_hash(line_codec()) !=
		    heph_codec_hash(other_name_codec()));
	assert_true(heph_codec_hash(node_codec()) !=
		    heph_codec_hash(order_codec()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_not_there_does_not_travel),
		cmocka_unit_test(trees_travel_up_to_a_depth),
		cmocka_unit_test(texts_may_be_in_arrays),
		cmocka_unit_test(an_actor_has_enough_stack),
		cmocka_unit_test(json_is_read_strictly),
		cmocka_unit_test(where_it_is_wrong_is_told),
		cmocka_unit_test(a_text_of_brackets_is_too_deep),
		cmocka_unit_test(parts_of_a_message_are_none),
		cmocka_unit_test(changed_bytes_do_no_harm),
		cmocka_unit_test(a_list_that_is_not_sent_costs_nothing),
		cmocka_unit_test(what_may_not_be_written_is_told),
		cmocka_unit_test(without_memory_nothing_is_lost),
		cmocka_unit_test(a_copy_is_another_one),
		cmocka_unit_test(a_message_in_words),
		cmocka_unit_test(the_hash_is_of_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
