/* SPDX-License-Identifier: MIT */
/*
 * buffers.h - memory that a worker lends to the kernel for what arrives
 *
 * A ring of provided buffers (io_uring_register_buf_ring(3)): the kernel takes
 * one when there is data, so a connection that waits holds none. The actor
 * copies the data out and gives the buffer back. When there is none left a
 * read ends with -ENOBUFS, and its caller brings a buffer of its own.
 */
#ifndef HEPH_IO_BUFFERS_H
#define HEPH_IO_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

struct io_uring;
struct io_uring_buf_ring;

enum {
	HEPH_BUFFER_SIZE = 4096,
	HEPH_BUFFERS = 256, /* 1 MiB for each worker */
	HEPH_BUFFER_GROUP = 1,
};

struct heph_buffers {
	struct io_uring_buf_ring *ring; /* NULL: the kernel has none */
	unsigned char *memory;
	unsigned in_use;
};

/* Returns 0; -ENOMEM; the kernel's -EINVAL if it has no such rings. */
int heph_buffers_init(struct heph_buffers *buffers, struct io_uring *uring);
void heph_buffers_fini(struct heph_buffers *buffers, struct io_uring *uring);

/* Copies `n` bytes out of a buffer and gives it back. */
void heph_buffers_take(struct heph_buffers *buffers, unsigned id, void *to,
		       size_t n);

#endif
