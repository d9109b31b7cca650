/* SPDX-License-Identifier: MIT */
/*
 * buffers.h - memory that a worker lends to the kernel for what arrives
 *
 * A ring of provided buffers (io_uring_register_buf_ring(3)): the kernel takes
 * one when there is data, so a connection that waits holds none. The actor
 * copies the data out, or looks at it where it lies, and gives the piece back.
 * When there is none left a read ends with -ENOBUFS, and its caller brings a
 * buffer of its own.
 *
 * There are two kinds. Of a whole buffer each read gets one for itself.
 * An incremental one (IOU_PBUF_RING_INC, Linux 6.12) is filled piece by piece,
 * as bytes come, and is lent again when it is full and all its pieces are given
 * back; a read may get less than it asked for because the buffer ends, which
 * only streams can bear.
 */
#ifndef HEPH_IO_BUFFERS_H
#define HEPH_IO_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_uring;
struct io_uring_buf_ring;

enum {
	HEPH_BUFFER_SIZE = 4096,             /* of whole ones */
	HEPH_BUFFER_INCREMENTAL = 64 * 1024, /* of the others: at most that */
	HEPH_BUFFERS_BUDGET = 1 << 20, /* bytes for each worker, if not told */
	HEPH_BUFFERS_MAX = 1 << 14,    /* in a ring */
};

struct heph_buffers {
	struct io_uring_buf_ring *ring; /* NULL: there is none */
	unsigned char *memory;
	struct heph_lent *lent; /* of incremental ones */
	unsigned n, size;       /* a power of two; bytes of each */
	unsigned short group;
	unsigned in_use; /* pieces that hold data */
	unsigned away;   /* buffers that the kernel waits for, or may soon */
	bool refused;    /* the kernel has no memory for them */
};

/* A ring of as many buffers as fit in `budget` bytes, at least one. Returns 0;
 * -ENOMEM; the kernel's -EINVAL if it has no such rings. */
int heph_buffers_init(struct heph_buffers *buffers, struct io_uring *uring,
		      unsigned short group, size_t budget, bool incremental);
void heph_buffers_fini(struct heph_buffers *buffers, struct io_uring *uring);

/* The kernel has chosen buffer `id` for `n` bytes (an error: none), and will fill
 * it further if `more`. Returns the piece, 0 or more, which is to be taken. */
int heph_buffers_got(struct heph_buffers *buffers, unsigned id, int n,
		     bool more);

/* Where the data of a piece lies, until it is given back. */
void *heph_buffers_data(const struct heph_buffers *buffers, int piece);
void heph_buffers_give(struct heph_buffers *buffers, int piece);

/* Whether the kernel has half of them at most: a piece that is not given back
 * soon should be copied. */
static inline bool heph_buffers_scarce(const struct heph_buffers *buffers)
{
	return 2 * buffers->away >= buffers->n;
}

#endif
