/* SPDX-License-Identifier: MIT */
#include "http/pattern.h"

#include <ctype.h>
#include <string.h>

static bool is_word(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' &&
		    text[i] != '-')
			return false;
	return size > 0;
}

static bool ends_with(struct heph_str text, const char *end)
{
	size_t size = strlen(end);

	return text.size >= size &&
	       memcmp(text.data + text.size - size, end, size) == 0;
}

/* Of a {parameter}, whose inside `text` is. */
static const char *read_parameter(struct heph_str text,
				  struct heph_http_piece *ret_piece)
{
	static const struct {
		const char *end;
		enum heph_http_piece_kind kind;
	} kinds[] = { { "...", HEPH_HTTP_REST },
		      { ":u64", HEPH_HTTP_U64 },
		      { ":i64", HEPH_HTTP_I64 } };

	ret_piece->kind = HEPH_HTTP_ANY;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!ends_with(text, kinds[i].end))
			continue;
		ret_piece->kind = kinds[i].kind;
		text.size -= strlen(kinds[i].end);
		break;
	}
	if (memchr(text.data, ':', text.size))
		return "the type of a parameter is neither u64 nor i64";
	if (!is_word(text.data, text.size))
		return "the name of a parameter is no word";
	ret_piece->text = text;
	return NULL;
}

static const char *read_text(struct heph_str text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x20 || c == 0x7f)
			return "a control character in the path";
		if (strchr("%?#", c))
			return "\"%\", \"?\" or \"#\" in the path; it is written "
			       "as it is when decoded";
		if (c == '{' || c == '}')
			return "a parameter is a whole segment, {name}";
	}
	if (heph_str_equal(text, ".") || heph_str_equal(text, ".."))
		return "\".\" or \"..\" in the path";
	return NULL;
}

static const char *read_piece(struct heph_str text,
			      struct heph_http_piece *ret_piece)
{
	if (text.size >= 2 && text.data[0] == '{' &&
	    text.data[text.size - 1] == '}')
		return read_parameter(heph_str_of(text.data + 1, text.size - 2),
				      ret_piece);
	ret_piece->kind = HEPH_HTTP_TEXT;
	ret_piece->text = text;
	return read_text(text);
}

static bool has_name(const struct heph_http_pattern *pattern,
		     struct heph_str name)
{
	for (unsigned i = 0; i < pattern->n; i++)
		if (pattern->at[i].kind != HEPH_HTTP_TEXT &&
		    pattern->at[i].text.size == name.size &&
		    memcmp(pattern->at[i].text.data, name.data, name.size) == 0)
			return true;
	return false;
}

static const char *add_piece(struct heph_http_pattern *pattern,
			     struct heph_str text, bool last, bool mount)
{
	struct heph_http_piece piece = { 0 };
	const char *why = read_piece(text, &piece);

	if (why)
		return why;
	if (!text.size && mount)
		return "the path of a mount ends with \"/\"";
	if (!text.size && !last)
		return "\"//\" in the path";
	if (piece.kind == HEPH_HTTP_REST && (mount || !last))
		return "{name...} is not at the end";
	if (pattern->n == HEPH_HTTP_SEGMENTS_MAX)
		return "too many segments";
	if (piece.kind != HEPH_HTTP_TEXT) {
		if (pattern->params == HEPH_HTTP_PARAMETERS_MAX)
			return "too many parameters";
		if (has_name(pattern, piece.text))
			return "two parameters of one name";
		pattern->params++;
	}
	pattern->at[pattern->n++] = piece;
	return NULL;
}

const char *heph_http_pattern_add(struct heph_http_pattern *pattern,
				  const char *path, bool mount)
{
	if (!*path && (mount || pattern->n))
		return NULL;
	if (*path != '/')
		return "the path does not begin with \"/\"";
	do {
		size_t size = strcspn(++path, "/");
		const char *why = add_piece(pattern, heph_str_of(path, size),
					    !path[size], mount);

		if (why)
			return why;
		path += size;
	} while (*path);
	return NULL;
}

bool heph_http_is_u64(struct heph_str text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!text.size || (text.size > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned char)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret_number = number;
	return true;
}

bool heph_http_is_i64(struct heph_str text, int64_t *ret_number)
{
	bool minus = text.size && text.data[0] == '-';
	uint64_t number;

	if (minus)
		text = heph_str_of(text.data + 1, text.size - 1);
	if (!heph_http_is_u64(text, &number) || (minus && !number) ||
	    number > (uint64_t)INT64_MAX + minus)
		return false;
	*ret_number = (int64_t)(minus ? 0 - number : number);
	return true;
}

bool heph_http_piece_fits(const struct heph_http_piece *piece,
			  struct heph_str segment)
{
	uint64_t number;
	int64_t signed_number;

	switch (piece->kind) {
	case HEPH_HTTP_TEXT:
		return segment.size == piece->text.size &&
		       memcmp(segment.data, piece->text.data, segment.size) == 0;
	case HEPH_HTTP_U64:
		return heph_http_is_u64(segment, &number);
	case HEPH_HTTP_I64:
		return heph_http_is_i64(segment, &signed_number);
	default:
		return segment.size > 0;
	}
}
