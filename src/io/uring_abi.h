/* SPDX-License-Identifier: MIT */
/* uring_abi.h - what the kernel has and liburing 2.3 does not know */
#ifndef HEPH_IO_URING_ABI_H
#define HEPH_IO_URING_ABI_H

enum {
	HEPH_URING_FTRUNCATE = 55, /* Linux 6.9; off: the size */
	HEPH_OPCODES = 64,	   /* that may be used; bits of uring->opcodes */
};

#endif
