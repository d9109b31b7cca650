/* SPDX-License-Identifier: MIT */
#include "http/base64.h"

#include <stdint.h>

static void put_group(struct text_out *out, uint32_t bits, size_t bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < 4; i++)
		heph_http_out_char(out, i <= bytes ?
						letters[bits >> (18 - 6 * i) & 63] :
						'=');
}

void heph_http_base64_encode(struct text_out *out, const void *data, size_t size)
{
	const unsigned char *at = data;

	for (; size >= 3; at += 3, size -= 3)
		put_group(out, (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2],
			  3);
	if (size == 2)
		put_group(out, (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8, 2);
	else if (size == 1)
		put_group(out, (uint32_t)at[0] << 16, 1);
}

static int digit(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' :
	       c >= 'a' && c <= 'z' ? c - 'a' + 26 :
	       c >= '0' && c <= '9' ? c - '0' + 52 :
	       c == '+'		    ? 62 :
	       c == '/'		    ? 63 :
				      -1;
}

/* How many of the last four characters are padding. */
static size_t padding(struct heph_str text)
{
	if (text.size == 0 || text.data[text.size - 1] != '=')
		return 0;
	return text.data[text.size - 2] == '=' ? 2 : 1;
}

/* The `n` characters at `at`, 2 to 4 of them. */
static int take_group(struct text_out *out, const char *at, size_t n)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < n ? digit(at[i]) : 0;

		if (value < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < n - 1; i++)
		heph_http_out_char(out, (char)(bits >> (16 - 8 * i)));
	return bits & ((UINT32_C(1) << (8 * (4 - n))) - 1) ? -EBADMSG : 0;
}

int heph_http_base64_decode(struct text_out *out, struct heph_str text)
{
	size_t left = text.size, n;
	int err = 0;

	if (text.size % 4 != 0)
		return -EBADMSG;
	left -= padding(text);
	for (size_t at = 0; at < left && !err; at += 4) {
		n = left - at < 4 ? left - at : 4;
		err = take_group(out, text.data + at, n);
	}
	return err;
}
