/* SPDX-License-Identifier: MIT */
/*
 * uring_abi.h - what the headers of Debian 12 (liburing 2.3) do not have yet of
 * the interface of io_uring
 */
#ifndef HEPH_IO_URING_ABI_H
#define HEPH_IO_URING_ABI_H

#include <liburing.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* IOU_PBUF_RING_INC and IORING_CQE_F_BUF_MORE (Linux 6.12) */
#define HEPH_ABI_BUFFERS_INCREMENTAL 2U
#define HEPH_ABI_CQE_BUFFER_MORE (1U << 4)

/* The member `flags` of struct io_uring_buf_reg, once called `pad`. */
static inline void heph_abi_set_flags(struct io_uring_buf_reg *reg,
				      uint16_t flags)
{
	memcpy((char *)reg + offsetof(struct io_uring_buf_reg, bgid) +
		       sizeof(reg->bgid),
	       &flags, sizeof(flags));
}

enum {
	HEPH_URING_FTRUNCATE = 55, /* Linux 6.9; off: the size */
};

#endif
