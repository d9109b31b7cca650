/* SPDX-License-Identifier: MIT */
/*
 * buf.h - bytes that are added at the end and consumed at the front
 *
 * Adding never fails for the caller: when there is no memory, `failed` is set,
 * nothing more is added, and who uses the bytes looks at it once.
 */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All zero is an empty one. */
struct buf {
	char *data;
	size_t size, capacity;
	bool failed;
};

/* A part of some bytes that somebody else owns. */
struct slice {
	const char *data;
	size_t size;
};

void buf_fini(struct buf *buf);

/* Makes room for `size` more bytes. Returns the end of the bytes, where they
 * go; NULL if there is no memory. */
char *buf_grow(struct buf *buf, size_t size);

/* Takes away the first `size` bytes. */
void buf_consume(struct buf *buf, size_t size);

/* Empties it, and gives memory back that goes beyond `keep` bytes. */
void buf_reset(struct buf *buf, size_t keep);

/* ---- inline ---- */

static inline char *buf_reserve(struct buf *buf, size_t size)
{
	if (__builtin_expect(buf->capacity - buf->size >= size, 1))
		return buf->data + buf->size;
	return buf_grow(buf, size);
}

static inline void buf_add(struct buf *buf, const void *data, size_t size)
{
	char *end = buf_reserve(buf, size);

	if (end && size > 0) {
		memcpy(end, data, size);
		buf->size += size;
	}
}

#endif
