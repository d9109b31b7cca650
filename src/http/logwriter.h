/* SPDX-License-Identifier: MIT */
/*
 * logwriter.h - lines for a descriptor, written by a thread
 *
 * Who writes a line copies it under a lock and goes on; it never waits for the
 * descriptor. When the buffer is full, lines are lost and counted.
 */
#ifndef HEPH_HTTP_LOGWRITER_H
#define HEPH_HTTP_LOGWRITER_H

#include <stddef.h>
#include <stdint.h>

struct heph_http_logwriter;

/* Starts the thread; `lost` is a line, with one %llu, for lines that were lost.
 * `size` are the bytes that may wait. The descriptor stays the caller's. Returns
 * 0; -ENOMEM, -EAGAIN. */
int heph_http_logwriter_new(int fd, size_t size, const char *lost,
			    struct heph_http_logwriter **ret_writer);

/* Blocks: writes what there is, ends the thread. */
void heph_http_logwriter_free(struct heph_http_logwriter *writer);

/* Any thread. */
void heph_http_logwriter_add(struct heph_http_logwriter *writer,
			     const char *line, size_t size);

#endif
