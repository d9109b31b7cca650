/* SPDX-License-Identifier: MIT */
#include "http/scan.h"

/*
 * What each byte may be part of, sixteen to a line. In names of hosts "%" and ","
 * are not allowed, though RFC 3986 has them: no name holds one, who decodes them
 * differs, and a list of two hosts shall not look like one.
 */
enum {
	V = HEPH_HTTP_TEXT,
	T = HEPH_HTTP_TEXT | HEPH_HTTP_TARGET,
	H = T | HEPH_HTTP_HOST,
	K = HEPH_HTTP_TEXT | HEPH_HTTP_TOKEN, /* "#" */
	L = T | HEPH_HTTP_TOKEN,
	A = L | HEPH_HTTP_HOST, /* letters, digits, and more */
};

const uint8_t heph_http_kinds[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	V, A, T, K, A, L, A, A, H, H, A, A, T, A, A, T,
	A, A, A, A, A, A, A, A, A, A, T, H, T, H, T, T,
	T, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, T, T, T, L, A,
	L, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, T, L, T, A, 0,
	[0x80 ... 0xff] = V,
};
