/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* C0, DEL and C1, which is 0xc2 0x80 to 0x9f. */
static bool steers(const char *s)
{
	unsigned char c = (unsigned char)*s;

	return c < 0x20 || c == 0x7f ||
	       (c == 0xc2 && continues(s[1]) && (unsigned char)s[1] < 0xa0);
}

int text_clean(char *to, size_t size, const char *from, int columns)
{
	size_t n, at = 0;
	int seen = 0;

	while (*from && (!columns || seen < columns)) {
		for (n = 1; continues(from[n]);)
			n++;
		if (at + n >= size)
			break;
		if (steers(from))
			to[at++] = '?';
		else
			memcpy(to + at, from, n), at += n;
		from += n;
		seen++;
	}
	to[at] = '\0';
	return seen;
}

void text_print(FILE *to, const char *text, int width)
{
	char clean[1024];
	int n = text_clean(clean, sizeof(clean), text, 0);
	int blanks = abs(width) > n ? abs(width) - n : 0;

	fprintf(to, "%*s%s%*s", width < 0 ? blanks : 0, "", clean,
		width < 0 ? 0 : blanks, "");
}

const char *text_bytes(char to[16], double bytes)
{
	static const char units[] = "BKMGTPE";
	int n = 0;

	while (bytes >= 1000 && units[n + 1]) {
		bytes /= 1024;
		n++;
	}
	snprintf(to, 16, n && bytes < 10 ? "%.1f%c" : "%.0f%c", bytes,
		 units[n]);
	return to;
}

const char *text_number(char to[32], double number)
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits) / 2, "%.0f", number);
	char *at = to;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return to;
}
