/* SPDX-License-Identifier: MIT */
/* stream.h - one piece of memory, read or written once; vector.c has the rest */
#ifndef HEPH_IO_STREAM_H
#define HEPH_IO_STREAM_H

#include "io/file.h"

/* Bytes of one operation; of one for which a bounce buffer stands in, unless a
 * packet must not be divided. */
enum { HEPH_TRANSFER_MAX = 1 << 30, HEPH_BOUNCE_MAX = 1 << 16 };

/* Of the memory that a view lies in where the driver has no buffers. */
enum { HEPH_VIEW_SIZE = 4096 };

/* From so many bytes on it is worth to think about how a socket is served. */
enum { HEPH_TRANSFER_LARGE = 4096 };

static inline bool heph_file_is_stream(const struct heph_file *file)
{
	return (file->flags & (HEPH_FILE_SOCKET | HEPH_FILE_PACKETS)) ==
	       HEPH_FILE_SOCKET;
}

/* Waits. Reads or writes at `offset`, which is checked, or HEPH_OFFSET_NONE.
 * Returns how many bytes. */
int heph_stream_transfer(heph_ctx ctx, struct heph_file *file, bool writing,
			 void *buf, size_t size, uint64_t offset);

/* How many bytes may stand in for the caller's, if there are so many. */
static inline size_t heph_stream_bounced(const struct heph_file *file,
					 size_t size)
{
	return size > HEPH_BOUNCE_MAX && !(file->flags & HEPH_FILE_PACKETS) ?
		       HEPH_BOUNCE_MAX :
		       size;
}

/* Bytes that were copied; an error is not. Returns `result`. */
int heph_stream_count_bounced(heph_ctx ctx, int result);

#endif
