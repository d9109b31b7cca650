/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <stdlib.h>

enum { SMALLEST = 128 };

void buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

char *buf_grow(struct buf *buf, size_t size)
{
	size_t capacity = buf->capacity ? buf->capacity : SMALLEST;
	char *data = NULL;

	while (capacity - buf->size < size && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	if (!buf->failed && capacity - buf->size >= size)
		data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = true;
		return NULL;
	}
	buf->data = data;
	buf->capacity = capacity;
	return data + buf->size;
}

void buf_consume(struct buf *buf, size_t size)
{
	buf->size -= size;
	if (buf->size > 0)
		memmove(buf->data, buf->data + size, buf->size);
}

void buf_reset(struct buf *buf, size_t keep)
{
	buf->size = 0;
	if (buf->capacity > keep)
		buf_fini(buf);
}
