/* SPDX-License-Identifier: MIT */
/* redis_parts.c - tests of the parser and the table of examples/redis */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "resp.h"
#include "table.h"

#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr)) {                                                 \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#expr);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

/* ---- the parser ---------------------------------------------------------- */

/* What a stream means, as text: "[SET|a|1][PING]", then "!error" or "...". */
struct text {
	char text[4096];
	size_t size;
};

static void add(struct text *to, const char *data, size_t size)
{
	CHECK(to->size + size < sizeof(to->text));
	memcpy(to->text + to->size, data, size);
	to->size += size;
	to->text[to->size] = '\0';
}

static void add_command(struct text *to, const struct resp_parser *parser)
{
	add(to, "[", 1);
	for (uint32_t i = 0; i < parser->n_args; i++) {
		struct slice arg = resp_arg(parser, i);

		if (i > 0)
			add(to, "|", 1);
		add(to, arg.data, arg.size);
	}
	add(to, "]", 1);
}

/* Parses a stream that arrives in two parts, each in memory of exactly its
 * size, so that the sanitizer sees each byte that is read beyond it. */
static void parse(const char *stream, size_t size, size_t cut, struct text *to)
{
	struct resp_parser parser = { 0 };
	size_t there = cut, done = 0;
	char *data = malloc(size ? size : 1), *part;
	long n = 0;

	memcpy(data, stream, size);
	to->size = 0;
	to->text[0] = '\0';
	for (;;) {
		part = malloc(there - done ? there - done : 1);
		memcpy(part, data + done, there - done);
		n = resp_parse(&parser, part, there - done);
		if (n > 0)
			add_command(to, &parser);
		free(part);
		if (n > 0)
			done += n;
		else if (n == 0 && there < size)
			there = size;
		else
			break;
	}
	if (n == -EPROTO) {
		add(to, "!", 1);
		add(to, parser.error, strlen(parser.error));
	} else {
		CHECK(n == 0);
		if (done < size)
			add(to, "...", 3);
	}
	resp_parser_fini(&parser);
	free(data);
}

/* However a stream is cut, it means the same. */
static void means_size(const char *stream, size_t size, const char *expected)
{
	struct text got;

	for (size_t cut = 0; cut <= size; cut++) {
		parse(stream, size, cut, &got);
		if (strcmp(got.text, expected) != 0) {
			fprintf(stderr, "'%s' cut at %zu: got '%s', not '%s'\n",
				stream, cut, got.text, expected);
			abort();
		}
	}
}

static void means(const char *stream, const char *expected)
{
	means_size(stream, strlen(stream), expected);
}

static void commands_are_parsed_however_they_are_cut(void)
{
	means("", "");
	means("*1\r\n$4\r\nPING\r\n", "[PING]");
	means("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n",
	      "[GET|a][PING]");
	means("*2\r\n$0\r\n\r\n$2\r\n\r\n\r\n", "[|\r\n]");
	means("*0\r\n*-1\r\nPING\r\n", "[][][PING]");
	means("*12\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n"
	      "$1\r\nf\r\n$1\r\ng\r\n$1\r\nh\r\n$1\r\ni\r\n$1\r\nj\r\n$1\r\nk\r\n"
	      "$10\r\n0123456789\r\n",
	      "[a|b|c|d|e|f|g|h|i|j|k|0123456789]");
}

static void lines_are_split_into_words(void)
{
	means("PING\r\n\r\n  \n get  a\tb \n", "[PING][][][get|a|b]");
	means("SET 'a b' \"c\\x41\\n\\\"\"\r\n", "[SET|a b|cA\n\"]");
	means("SET '' \"\" a\"b c\"\r\n", "[SET|||ab c]");
	means("SET 'it\\'s' 'a\\nb'\n", "[SET|it's|a\\nb]");
	means("PING 'a'b\r\n", "!unbalanced quotes in request");
	means("PING\r\nGET \"a\r\n", "[PING]!unbalanced quotes in request");
	means("PING", "...");
}

static void errors_are_found(void)
{
	means("*x\r\n", "!invalid multibulk length");
	means("*1048577\r\n", "!invalid multibulk length");
	means("*01\r\n", "!invalid multibulk length");
	means("*1\r\nPING\r\n", "!expected '$', got 'P'");
	means("*1\r\n$-1\r\n", "!invalid bulk length");
	means("*1\r\n$67108865\r\n", "!invalid bulk length");
	means("*1\r\n$18446744073709551617\r\n", "!invalid bulk length");
	means("*2\r\n$4\r\nPING\r\n", "...");
	means("*1\r\n$4\r\nPING\r", "...");
}

static void long_lines_are_refused(void)
{
	static const char *const starts[] = { "", "*", "*1\r\n$", "*1\r\n" };
	static const char *const errors[] = {
		"too big inline request",
		"too big mbulk count string",
		"too big bulk count string",
		"too big bulk count string",
	};
	size_t size = RESP_INLINE_MAX + 8;
	char *data = malloc(size);

	for (int i = 0; i < 4; i++) {
		struct resp_parser parser = { 0 };

		memset(data, '1', size);
		memcpy(data, starts[i], strlen(starts[i]));
		CHECK(resp_parse(&parser, data, RESP_INLINE_MAX) == 0);
		CHECK(resp_parse(&parser, data, size) == -EPROTO);
		CHECK(strcmp(parser.error, errors[i]) == 0);
		resp_parser_fini(&parser);
	}
	free(data);
}

static void numbers_are_read_strictly(void)
{
	static const char *const wrong[] = {
		"",
		"-",
		"+1",
		" 1",
		"1 ",
		"01",
		"-0",
		"-01",
		"0x1",
		"1.0",
		"--1",
		"9223372036854775808",
		"-9223372036854775809",
		"18446744073709551616",
		"99999999999999999999",
		"1a",
	};
	static const int64_t right[] = {
		0, 1, -1, 10, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1
	};
	char digits[RESP_INT_SIZE];
	int64_t n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK(!resp_to_int((struct slice){ wrong[i], strlen(wrong[i]) },
				   &n));
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		size_t size = resp_digits(right[i], digits);

		CHECK(resp_to_int((struct slice){ digits, size }, &n));
		CHECK(n == right[i]);
	}
}

static void replies_are_written(void)
{
	static const char expected[] =
		":-42\r\n$3\r\na\0b\r\n$-1\r\n*2\r\n-ERR a  b\r\n";
	struct buf buf = { 0 };

	resp_add_int(&buf, -42);
	resp_add_bulk(&buf, (struct slice){ "a\0b", 3 });
	resp_add_nil(&buf);
	resp_add_array(&buf, 2);
	resp_add_error(&buf, "ERR %s", "a\r\nb\n");
	CHECK(buf.size == sizeof(expected) - 1);
	CHECK(memcmp(buf.data, expected, buf.size) == 0);
	buf_fini(&buf);
}

/* ---- the table ----------------------------------------------------------- */

static const struct hash_seed seed = { { 0x0706050403020100,
					 0x0f0e0d0c0b0a0908 } };

static struct table_key key_of(const char *text)
{
	size_t size = strlen(text);

	return (struct table_key){ { text, size },
				   hash_bytes(&seed, text, size) };
}

/* Hashes known from the reference implementation of SipHash-1-3. */
static void hashes_are_those_of_siphash(void)
{
	char data[64];

	for (int i = 0; i < 64; i++)
		data[i] = i;
	CHECK(hash_bytes(&seed, data, 0) == 0xabac0158050fc4dc);
	CHECK(hash_bytes(&seed, data, 1) == 0xc9f49bf37d57ca93);
	CHECK(hash_bytes(&seed, data, 7) == 0xd3927d989bb11140);
	CHECK(hash_bytes(&seed, data, 8) == 0x369095118d299a8e);
}

static bool set(struct table *table, const char *name, const char *value)
{
	struct table_key key = key_of(name);
	table_spot spot = table_find(table, &key);

	return table_set(table, spot, &key, 0,
			 (struct slice){ value, strlen(value) });
}

static struct table_entry *get(struct table *table, const char *name)
{
	struct table_key key = key_of(name);
	table_spot spot = table_find(table, &key);

	return spot ? *spot : NULL;
}

static bool holds(struct table *table, const char *name, const char *value)
{
	struct table_entry *entry = get(table, name);

	return entry && entry->value_size == strlen(value) &&
	       memcmp(table_value(entry).data, value, strlen(value)) == 0;
}

static void removes(struct table *table, const char *name)
{
	struct table_key key = key_of(name);

	table_remove(table, table_find(table, &key));
}

enum { MANY = 20000 };

static void a_table_finds_its_keys_while_it_grows_and_shrinks(void)
{
	struct table table = { 0 };
	char name[32], value[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "key %d", i);
		snprintf(value, sizeof(value), "%d", i * i % 1000);
		CHECK(set(&table, name, value));
		snprintf(name, sizeof(name), "key %d", i / 2);
		snprintf(value, sizeof(value), "%d", i / 2 * (i / 2) % 1000);
		CHECK(holds(&table, name, value));
	}
	CHECK(table.count == MANY);
	CHECK(table.part.n >= MANY / 2);
	for (int i = 0; i < MANY - 10; i++) {
		snprintf(name, sizeof(name), "key %d", i);
		removes(&table, name);
		CHECK(!get(&table, name));
	}
	for (int i = 0; i < MANY; i++)
		CHECK(!get(&table, "nothing"));
	CHECK(table.count == 10);
	CHECK(table.part.n <= 256 && !table.old.n);
	snprintf(name, sizeof(name), "key %d", MANY - 1);
	CHECK(get(&table, name));
	table_clear(&table);
	CHECK(table.count == 0 && !get(&table, name));
	table_clear(&table);
}

static void a_value_changes_its_size(void)
{
	struct table table = { 0 };
	struct table_key key = key_of("key");
	char *large = malloc(100001);

	memset(large, 'x', 100000);
	large[100000] = '\0';
	CHECK(set(&table, "key", ""));
	CHECK(holds(&table, "key", ""));
	CHECK(set(&table, "key", large));
	CHECK(holds(&table, "key", large));
	CHECK(set(&table, "key", "small"));
	CHECK(holds(&table, "key", "small"));
	CHECK(get(&table, "key")->capacity < 100);
	CHECK(table_set(&table, table_find(&table, &key), &key, 5,
			(struct slice){ "er", 2 }));
	CHECK(holds(&table, "key", "smaller"));
	CHECK(table.count == 1);
	table_clear(&table);
	free(large);
}

static void a_sweep_removes_what_expired(void)
{
	struct table table = { 0 };
	size_t removed = 0;
	char name[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CHECK(set(&table, name, "value"));
		if (i % 2)
			table_expire(&table, get(&table, name), 1000 + i % 4);
	}
	CHECK(table.expiring == MANY / 2);
	for (int i = 0; i < 2 * MANY / 64; i++)
		removed += table_sweep(&table, 1001, 64);
	CHECK(removed == MANY / 4);
	CHECK(table.expiring == MANY / 4 && table.count == MANY / 4 * 3);
	CHECK(!get(&table, "1") && get(&table, "2") && get(&table, "3"));
	table_expire(&table, get(&table, "3"), 0);
	CHECK(table.expiring == MANY / 4 - 1);
	table_clear(&table);
}

int main(void)
{
	commands_are_parsed_however_they_are_cut();
	lines_are_split_into_words();
	errors_are_found();
	long_lines_are_refused();
	numbers_are_read_strictly();
	replies_are_written();
	hashes_are_those_of_siphash();
	a_table_finds_its_keys_while_it_grows_and_shrinks();
	a_value_changes_its_size();
	a_sweep_removes_what_expired();
	return 0;
}
