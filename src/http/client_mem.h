/* SPDX-License-Identifier: MIT */
/* client_mem.h - memory of the client's parts, for free(), which tests can refuse */
#ifndef HEPH_HTTP_CLIENT_MEM_H
#define HEPH_HTTP_CLIENT_MEM_H

#include <stdlib.h>
#include <string.h>

#include "http/mem.h"

static inline void *client_mem(size_t size)
{
	return heph_http_mem_allowed() ? malloc(size) : NULL;
}

static inline void *client_mem_zero(size_t size)
{
	return heph_http_mem_allowed() ? calloc(1, size) : NULL;
}

static inline void *client_mem_grow(void *ptr, size_t size)
{
	return heph_http_mem_allowed() ? realloc(ptr, size) : NULL;
}

static inline char *client_mem_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = client_mem(size);

	return copy ? (char *)memcpy(copy, text, size) : NULL;
}

#endif
