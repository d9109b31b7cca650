/* SPDX-License-Identifier: MIT */
#include "http/put.h"

char *heph_http_put_decimal(char *to, uint64_t n)
{
	char digits[20];
	int at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return heph_http_put(to, digits + at, sizeof(digits) - (size_t)at);
}

char *heph_http_put_hex(char *to, uint64_t n)
{
	char digits[16];
	int at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n & 15];
		n >>= 4;
	} while (n);
	return heph_http_put(to, digits + at, sizeof(digits) - (size_t)at);
}
