/* SPDX-License-Identifier: MIT */
/* put.h - writing texts and numbers where there is room */
#ifndef HEPH_HTTP_PUT_H
#define HEPH_HTTP_PUT_H

#include <heph/str.h>

/* Write a number; return where it ends. At most 20, and 16, bytes. */
char *heph_http_put_decimal(char *to, uint64_t n);
char *heph_http_put_hex(char *to, uint64_t n);

/* `data` may be NULL if there is nothing of it. */
static inline char *heph_http_put(char *to, const void *data, size_t size)
{
	if (size > 0)
		memcpy(to, data, size);
	return to + size;
}

#define HEPH_HTTP_PUT(to_, literal_)                                           \
	heph_http_put((to_), (literal_), sizeof(literal_) - 1)

#endif
