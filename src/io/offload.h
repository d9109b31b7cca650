/* SPDX-License-Identifier: MIT */
/*
 * offload.h - a few threads that make the system calls which block
 *
 * For what the driver at hand cannot do otherwise: files with epoll, and what
 * io_uring has no opcode for. The threads are the process's, begun when there
 * is something to do, at most HEPH_OFFLOAD_THREADS of them, and they end when
 * there was nothing for a while. First come, first served. Names are the
 * affair of another one (resolver.h).
 */
#ifndef HEPH_IO_OFFLOAD_H
#define HEPH_IO_OFFLOAD_H

#include "io/op.h"

enum { HEPH_OFFLOAD_THREADS = 8 };

/* Begins an operation whose way is HEPH_OP_BLOCKING; it will be completed on the
 * worker of its actor, with -ENOMEM if no thread could be made. */
void heph_offload_begin(struct heph_op *op);

/* One that no thread has taken yet ends with -ECANCELED; the others go on. */
void heph_offload_cancel(struct heph_op *op);

#endif
