/* SPDX-License-Identifier: MIT */
/*
 * Lengths are read digit by digit, which is all that a well-formed command
 * needs. Whatever looks odd goes a second, slow way, that tells what is wrong
 * in the words, and in the order, of redis-server.
 */
#include "resp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEAST_ARGS = 8, MOST_KEPT = 64 };

/* ---- numbers ------------------------------------------------------------- */

bool resp_to_int(struct slice text, int64_t *ret_n)
{
	size_t i = text.size > 0 && text.data[0] == '-';
	uint64_t n = 0, most = INT64_MAX + (uint64_t)i;

	if (text.size == i || text.size > RESP_INT_SIZE)
		return false;
	if (text.data[i] == '0' && text.size > 1)
		return false; /* also "-0" */
	for (size_t at = i; at < text.size; at++) {
		unsigned digit = (unsigned char)text.data[at] - '0';

		if (digit > 9 || n > (most - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret_n = i ? (int64_t)-n : (int64_t)n;
	return true;
}

size_t resp_digits(int64_t n, char ret_digits[RESP_INT_SIZE])
{
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char digits[RESP_INT_SIZE];
	size_t at = sizeof(digits);

	do
		digits[--at] = '0' + rest % 10;
	while (rest /= 10);
	if (n < 0)
		digits[--at] = '-';
	memcpy(ret_digits, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}

/* ---- the parser ---------------------------------------------------------- */

void resp_parser_fini(struct resp_parser *parser)
{
	free(parser->args);
	*parser = (struct resp_parser){ 0 };
}

static long fail(struct resp_parser *parser, const char *error)
{
	snprintf(parser->error, sizeof(parser->error), "%s", error);
	return -EPROTO;
}

static int add_arg(struct resp_parser *parser, size_t at, size_t size)
{
	uint32_t capacity = parser->capacity * 2;
	struct resp_place *args;

	if (parser->n_args == parser->capacity) {
		capacity = capacity < LEAST_ARGS ? LEAST_ARGS : capacity;
		args = realloc(parser->args, capacity * sizeof(*args));
		if (!args)
			return -ENOMEM;
		parser->args = args;
		parser->capacity = capacity;
	}
	parser->args[parser->n_args++] = (struct resp_place){ at, size };
	return 0;
}

/* Forgets the arguments of the last command. */
static void start_over(struct resp_parser *parser)
{
	parser->n_args = 0;
	if (parser->capacity > MOST_KEPT) {
		free(parser->args);
		parser->args = NULL;
		parser->capacity = 0;
	}
}

/*
 * Reads a line: a character, a length, CRLF. Returns how long it is; 0 if it
 * is not there yet; -E2BIG if it is too long; -EINVAL if it has no number.
 */
static long header_slow(const char *data, size_t size, int64_t *ret_length)
{
	const char *end = memchr(data, '\r', size);
	struct slice text;

	if (!end)
		return size > RESP_INLINE_MAX ? -E2BIG : 0;
	if ((size_t)(end - data) + 2 > size)
		return 0;
	text = (struct slice){ data + 1, end == data ? 0 : end - data - 1 };
	return resp_to_int(text, ret_length) ? end - data + 2 : -EINVAL;
}

static long header(const char *data, size_t size, int64_t *ret_length)
{
	size_t at = 1;
	int64_t n = 0;

	while (at < size && at < 10 && data[at] >= '0' && data[at] <= '9')
		n = n * 10 + (data[at++] - '0');
	if (at == 1 || at + 1 >= size || data[at] != '\r' ||
	    (data[1] == '0' && at > 2))
		return header_slow(data, size, ret_length);
	*ret_length = n;
	return at + 2;
}

/* Reads the header of the next argument and looks whether the rest is there.
 * Returns 1 if the argument was taken, 0 if bytes are missing. */
static long parse_arg(struct resp_parser *parser, const char *data, size_t size)
{
	const char *start = data + parser->at;
	size_t left = size - parser->at;
	int64_t length = 0;
	long n;

	n = header(start, left, &length);
	if (n == 0)
		return 0;
	if (n == -E2BIG)
		return fail(parser, "too big bulk count string");
	if (*start != '$') {
		snprintf(parser->error, sizeof(parser->error),
			 "expected '$', got '%c'", *start);
		return -EPROTO;
	}
	if (n < 0 || length < 0 || length > RESP_BULK_MAX)
		return fail(parser, "invalid bulk length");
	if (parser->at + n + length > RESP_COMMAND_MAX)
		return fail(parser, "too big command");
	if (left < (size_t)(n + length + 2))
		return 0;
	if (add_arg(parser, parser->at + n, length) < 0)
		return -ENOMEM;
	parser->at += n + length + 2;
	parser->missing--;
	return 1;
}

static long parse_array(struct resp_parser *parser, const char *data,
			size_t size)
{
	int64_t length = 0;
	long n;

	if (parser->at == 0) {
		start_over(parser);
		n = header(data, size, &length);
		if (n == 0)
			return 0;
		if (n == -E2BIG)
			return fail(parser, "too big mbulk count string");
		if (n < 0 || length > RESP_ARGS_MAX)
			return fail(parser, "invalid multibulk length");
		parser->at = n;
		parser->missing = length < 0 ? 0 : length;
	}
	while (parser->missing > 0) {
		n = parse_arg(parser, data, size);
		if (n <= 0)
			return n;
	}
	n = parser->at;
	parser->at = 0;
	return n;
}

/* ---- lines of words ------------------------------------------------------ */

/* What isspace() says in the locale "C". */
static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes a backslash in double quotes. Returns what follows it. */
static const char *unescape(const char *from, char **to)
{
	static const char names[] = "nrtba", codes[] = "\n\r\t\b\a";
	const char *name;

	if (from[1] == 'x' && hex(from[2]) >= 0 && hex(from[3]) >= 0) {
		*(*to)++ = hex(from[2]) * 16 + hex(from[3]);
		return from + 4;
	}
	name = strchr(names, from[1]);
	*(*to)++ = name ? codes[name - names] : from[1];
	return from + 2;
}

/* Copies up to the closing quote. Returns what follows it; NULL if there is
 * none, or if no blank follows. */
static const char *unquote(const char *from, char **to)
{
	char quote = *from++;

	while (*from != quote) {
		if (!*from)
			return NULL;
		if (*from == '\\' && quote == '"' && from[1]) {
			from = unescape(from, to);
			continue;
		}
		if (*from == '\\' && from[1] == quote)
			from++;
		*(*to)++ = *from++;
	}
	from++;
	return *from && !blank(*from) ? NULL : from;
}

/* Copies a word to `*to`. Returns what follows it; NULL: unbalanced quotes. */
static const char *parse_word(const char *from, char **to)
{
	while (*from && !strchr(" \n\r\t", *from)) {
		if (*from == '"' || *from == '\'')
			return unquote(from, to);
		*(*to)++ = *from++;
	}
	return from;
}

static long parse_line(struct resp_parser *parser, char *data, size_t size)
{
	char *end = memchr(data, '\n', size);
	const char *from = data;
	char *to = data, *word;

	if (!end)
		return size > RESP_INLINE_MAX ?
			       fail(parser, "too big inline request") :
			       0;
	start_over(parser);
	end[end > data && end[-1] == '\r' ? -1 : 0] = '\0';
	for (;;) {
		while (blank(*from))
			from++;
		if (!*from)
			return end - data + 1;
		word = to;
		from = parse_word(from, &to);
		if (!from)
			return fail(parser, "unbalanced quotes in request");
		if (add_arg(parser, word - data, to - word) < 0)
			return -ENOMEM;
	}
}

long resp_parse(struct resp_parser *parser, char *data, size_t size)
{
	parser->base = data;
	if (size == 0)
		return 0;
	return data[0] == '*' ? parse_array(parser, data, size) :
				parse_line(parser, data, size);
}

/* ---- replies ------------------------------------------------------------- */

void resp_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

static void add_header(struct buf *buf, char type, int64_t n)
{
	char *end = buf_reserve(buf, RESP_INT_SIZE + 3);
	size_t size;

	if (!end)
		return;
	*end = type;
	size = 1 + resp_digits(n, end + 1);
	memcpy(end + size, "\r\n", 2);
	buf->size += size + 2;
}

void resp_add_int(struct buf *buf, int64_t n)
{
	add_header(buf, ':', n);
}

void resp_add_array(struct buf *buf, int64_t n)
{
	add_header(buf, '*', n);
}

void resp_add_bulk(struct buf *buf, struct slice bytes)
{
	if (!buf_reserve(buf, bytes.size + RESP_INT_SIZE + 5))
		return;
	add_header(buf, '$', bytes.size);
	buf_add(buf, bytes.data, bytes.size);
	buf_add(buf, "\r\n", 2);
}

void resp_add_string(struct buf *buf, const char *string)
{
	resp_add_bulk(buf, (struct slice){ string, strlen(string) });
}

void resp_add_nil(struct buf *buf)
{
	resp_add_text(buf, "$-1\r\n");
}

static bool line_end(char c)
{
	return c == '\r' || c == '\n';
}

void resp_add_error(struct buf *buf, const char *format, ...)
{
	char text[512];
	size_t size;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	size = strlen(text);
	while (size > 0 && line_end(text[size - 1]))
		text[--size] = '\0';
	for (char *c = text; *c; c++)
		if (line_end(*c))
			*c = ' ';
	resp_add_text(buf, "-");
	resp_add_text(buf, text);
	resp_add_text(buf, "\r\n");
}
