/* SPDX-License-Identifier: MIT */
/*
 * offload.h - a few threads that make the system calls which block
 *
 * For what the driver at hand cannot do otherwise: files with epoll, and what
 * io_uring has no opcode for. The threads are the process's, begun when there
 * is something to do, at most HEPH_OFFLOAD_THREADS of them, and they end when
 * there was nothing for a while. First come, first served. After a fork the
 * child begins without any.
 *
 * A system call that is given up is interrupted, by SIGURG, which only these
 * threads take and whose handler does nothing; as it may come a moment before
 * the call, it is sent again until the call has ended. If the program has a
 * handler of its own for SIGURG none is sent, and the call goes on.
 */
#ifndef HEPH_IO_OFFLOAD_H
#define HEPH_IO_OFFLOAD_H

#include "io/op.h"

enum { HEPH_OFFLOAD_THREADS = 8 };

/* Begins an operation whose way is HEPH_OP_BLOCKING; it will be completed on the
 * worker of its actor, with -ENOMEM if no thread could be made. */
void heph_offload_begin(struct heph_op *op);

/* One that no thread has taken yet ends with -ECANCELED, and so does one whose
 * system call can be interrupted; the others go on. */
void heph_offload_cancel(struct heph_op *op);

/* Brings one that is done, with its event, back to its worker. The operation has
 * kept the runtime alive so far; from the moment that the worker has it somebody
 * else must, until it is woken. By threads that are of no runtime. */
void heph_offload_give_back(struct heph_op *op);

#endif
