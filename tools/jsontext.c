/* SPDX-License-Identifier: MIT */
#include "jsontext.h"

#include <inttypes.h>
#include <math.h>

#define EXACT (INT64_C(1) << 53)

/* The bytes of the character that begins here; 0: it is none. */
static size_t character(const unsigned char *at, size_t len)
{
	unsigned c = at[0], second = len > 1 ? at[1] : 0;
	size_t n;

	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4)
		return 0;
	n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	/* longer than it need be, a surrogate, or beyond the last one */
	if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) ||
	    (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
		return 0;
	return n;
}

void json_text(FILE *out, struct trace_text text)
{
	size_t n;

	for (; text.len; text.at += n, text.len -= n) {
		n = character(text.at, text.len);
		if (n == 0) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (*text.at < 0x20 || *text.at == 0x7F) {
			fprintf(out, "\\u%04x", *text.at);
		} else {
			if (*text.at == '"' || *text.at == '\\')
				putc('\\', out);
			fwrite(text.at, 1, n, out);
		}
	}
}

void json_u64(FILE *out, uint64_t value)
{
	const char *quote = value > (uint64_t)EXACT ? "\"" : "";

	fprintf(out, "%s%" PRIu64 "%s", quote, value, quote);
}

void json_i64(FILE *out, int64_t value)
{
	const char *quote = value > EXACT || value < -EXACT ? "\"" : "";

	fprintf(out, "%s%" PRId64 "%s", quote, value, quote);
}

void json_f64(FILE *out, double value)
{
	if (isfinite(value))
		fprintf(out, "%.17g", value);
	else
		fputs(isnan(value) ? "\"NaN\"" :
		      value < 0    ? "\"-Infinity\"" :
				     "\"Infinity\"",
		      out);
}
