/* SPDX-License-Identifier: MIT */
/*
 * Chunked bodies: RFC 9112, section 7.1.
 *
 * What comes between two pieces of the body is some bytes of framing, in which each
 * read may end anywhere. So here, and here only, is a machine that goes byte by
 * byte: CR LF behind the data before, digits, extensions, CR LF. The data itself is
 * passed over at once.
 */
#include <heph/http/parse.h>

#include "http/scan.h"

#include <errno.h>

enum { FRAMING_MOST = 4096 };

enum state {
	SIZE_BEGIN, /* the first digit */
	SIZE,
	SIZE_LF,
	BLANK,     /* behind a size or a value: ";" must come */
	EXTENSION, /* blanks, or the first letter of a name */
	NAME,
	NAME_BLANK,  /* behind it: "=" or ";" must come */
	VALUE_BEGIN, /* blanks, or the first letter of a value, or a quote */
	VALUE,
	QUOTED,
	ESCAPED,  /* behind "\" in a quoted value */
	UNQUOTED, /* behind that value */
	DATA,
	DATA_CR,
	DATA_LF,
	LAST,
	WRONG,
};

/* Behind a size, a name or a value, where more of it has not come. */
static enum state take_after(char c, enum state blank)
{
	if (c == '\r')
		return SIZE_LF;
	if (c == ';')
		return EXTENSION;
	return heph_http_is_blank(c) ? blank : WRONG;
}

static enum state take_size(struct heph_http_chunks *chunks, char c)
{
	char low = (char)(c | 0x20);
	unsigned digit;

	if (c >= '0' && c <= '9')
		digit = (unsigned)(c - '0');
	else if (low >= 'a' && low <= 'f')
		digit = (unsigned)(low - 'a') + 10;
	else
		return chunks->state__ == SIZE ? take_after(c, BLANK) : WRONG;
	if (chunks->left > INT64_MAX >> 4)
		return WRONG;
	chunks->left = chunks->left << 4 | digit;
	return SIZE;
}

/* ;name, ;name=token or ;name="text", with blanks around ";" and "=". */
static enum state take_extension(enum state state, char c)
{
	bool token = heph_http_is(c, HEPH_HTTP_TOKEN);

	switch (state) {
	case EXTENSION:
		return token ? NAME : heph_http_is_blank(c) ? EXTENSION : WRONG;
	case NAME:
		if (token)
			return NAME;
		return c == '=' ? VALUE_BEGIN : take_after(c, NAME_BLANK);
	case VALUE_BEGIN:
		if (c == '"')
			return QUOTED;
		return token ? VALUE : heph_http_is_blank(c) ? VALUE_BEGIN : WRONG;
	case VALUE:
		return token ? VALUE : take_after(c, BLANK);
	case UNQUOTED:
		return take_after(c, BLANK);
	default: /* NAME_BLANK, BLANK */
		if (c == '=' && state == NAME_BLANK)
			return VALUE_BEGIN;
		return c == '\r' ? WRONG : take_after(c, state);
	}
}

static enum state take(struct heph_http_chunks *chunks, char c)
{
	enum state state = (enum state)chunks->state__;

	switch (state) {
	case SIZE_BEGIN:
	case SIZE:
		return take_size(chunks, c);
	case SIZE_LF:
		if (c != '\n')
			return WRONG;
		return chunks->left > 0 ? DATA : LAST;
	case DATA_CR:
		return c == '\r' ? DATA_LF : WRONG;
	case DATA_LF:
		return c == '\n' ? SIZE_BEGIN : WRONG;
	case QUOTED:
		if (!heph_http_is(c, HEPH_HTTP_TEXT))
			return WRONG;
		return c == '"' ? UNQUOTED : c == '\\' ? ESCAPED : QUOTED;
	case ESCAPED:
		return heph_http_is(c, HEPH_HTTP_TEXT) ? QUOTED : WRONG;
	case LAST:
	case WRONG:
	case DATA:
		return state;
	default:
		return take_extension(state, c);
	}
}

/* The framing before the next piece of the body. Returns how many bytes of it. */
static size_t take_framing(struct heph_http_chunks *chunks, const char *data,
			   size_t size)
{
	size_t at = 0;

	while (at < size && chunks->state__ != DATA && chunks->state__ != LAST &&
	       chunks->state__ != WRONG) {
		chunks->state__ = (uint8_t)take(chunks, data[at++]);
		if (chunks->state__ == WRONG) {
			chunks->wrong = HEPH_HTTP_BAD_CHUNK;
		} else if (++chunks->line > FRAMING_MOST) {
			chunks->state__ = WRONG;
			chunks->wrong = HEPH_HTTP_LONG_CHUNK;
		}
	}
	return at;
}

int heph_http_parse_chunks(struct heph_http_chunks *chunks, const char *data,
			   size_t size, size_t *ret_used, size_t *ret_body)
{
	size_t framing = take_framing(chunks, data, size), body = 0;

	if (chunks->state__ == DATA) {
		body = size - framing;
		if (body > chunks->left)
			body = (size_t)chunks->left;
		chunks->left -= body;
		chunks->line = 0;
		if (chunks->left == 0)
			chunks->state__ = DATA_CR;
	}
	*ret_used = framing + body;
	*ret_body = body;
	if (chunks->state__ == WRONG)
		return -EBADMSG;
	return chunks->state__ == LAST ? 0 : 1;
}
