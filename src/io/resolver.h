/* SPDX-License-Identifier: MIT */
/*
 * resolver.h - the thread that asks for the addresses of names
 *
 * One for the process, begun when there is something to ask; it ends when there
 * was nothing for a while, and with the last runtime. It knows /etc/hosts and
 * the name servers, by c-ares; without that library nothing is found.
 */
#ifndef HEPH_IO_RESOLVER_H
#define HEPH_IO_RESOLVER_H

#include "io/op.h"

#ifndef HEPH_ARES
#define HEPH_ARES 0
#endif

#if HEPH_ARES

/* Begins a HEPH_OP_RESOLVE, of whichever thread; it will be completed there. */
void heph_resolver_begin(struct heph_op *op);

/* Gives it up: it ends with -ECANCELED at once, if it has not ended. */
void heph_resolver_cancel(struct heph_op *op);

/* A runtime comes, and leaves, when it has no operations any more. */
void heph_resolver_enter(void);
void heph_resolver_leave(void);

#else

static inline void heph_resolver_begin(struct heph_op *op)
{
	heph_op_complete(op, -ENOSYS, -1, false);
}

static inline void heph_resolver_cancel(struct heph_op *op)
{
	(void)op;
}

static inline void heph_resolver_enter(void)
{
}

static inline void heph_resolver_leave(void)
{
}

#endif
#endif
