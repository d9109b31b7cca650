/* SPDX-License-Identifier: MIT */
/*
 * text.h - which characters may stand where, and a reader of small grammars
 *
 * For the values of fields and for URIs. Any thread.
 */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include <heph/str.h>

#include <errno.h>
#include <sys/types.h>

enum {
	TEXT_TOKEN = 1,      /* RFC 9110, section 5.6.2 */
	TEXT_UNRESERVED = 2, /* RFC 3986, section 2.3 */
	TEXT_SUB_DELIM = 4,  /* section 2.2 */
	TEXT_PATH = 8,       /* of a path besides those: ":@/" */
	TEXT_QUERY = 16,     /* of a query or fragment: "?" */
	TEXT_ETAG = 32,      /* inside an entity tag */
	TEXT_COOKIE = 64,    /* in the value of a cookie */
	TEXT_TOKEN68 = 128,  /* of credentials, without the "=" at the end */
};

extern const uint8_t heph_http_chars[256];

static inline bool text_is(char c, unsigned kinds)
{
	return heph_http_chars[(unsigned char)c] & kinds;
}

static inline bool text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool text_is_alpha(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool text_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A control character, which no value may have. */
static inline bool text_is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Of a hexadecimal digit; -1: it is none. */
static inline int text_hex(char c)
{
	if (text_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether each character is of one of these kinds. */
bool heph_http_text_all(struct heph_str text, unsigned kinds);

/* Without blanks around it. */
struct heph_str heph_http_text_trim(struct heph_str text);

/* Between `from` and `to`; both are positions in `text`, which may be nothing. */
static inline struct heph_str text_part(struct heph_str text, size_t from,
					size_t to)
{
	return heph_str_of(text.data ? text.data + from : NULL, to - from);
}

/* Where `c` is, from `at` on; `text.size`: nowhere. */
static inline size_t text_find(struct heph_str text, size_t at, char c)
{
	const char *found =
		at < text.size ? memchr(text.data + at, c, text.size - at) :
				 NULL;

	return found ? (size_t)(found - text.data) : text.size;
}

/* Behind the string that begins with the quote at `at`; 0: it does not end, or has
 * a control character. */
size_t heph_http_text_quoted(struct heph_str text, size_t at);

/* The next piece between separators outside of quoted strings, without blanks
 * around it; empty ones are left out. 1; 0: there is none; -EBADMSG. */
int heph_http_text_split(struct heph_str text, char separator, size_t *at,
			 struct heph_str *ret_piece);

/* ---- writing into the caller's memory ------------------------------------------ */

struct text_out {
	char *at, *end;
	bool cut; /* there was no room */
};

static inline struct text_out text_out(char *buf, size_t room)
{
	struct text_out out = { buf, buf + room, false };

	return out;
}

void heph_http_out_char(struct text_out *out, char c);
void heph_http_out_str(struct text_out *out, struct heph_str text);
void heph_http_out_text(struct text_out *out, const char *text);
void heph_http_out_number(struct text_out *out, uint64_t number);

/* What was written since `buf`: 0; -ENOSPC. */
int heph_http_out_end(const struct text_out *out, const char *buf,
		      struct heph_str *ret_text);

#endif
