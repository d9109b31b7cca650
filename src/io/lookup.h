/* SPDX-License-Identifier: MIT */
/* lookup.h - what HEPH_OP_RESOLVE is to find, and what it has found */
#ifndef HEPH_IO_LOOKUP_H
#define HEPH_IO_LOOKUP_H

#include "io/address.h"
#include "io/op.h"

enum { HEPH_HOST_MAX = 255, HEPH_SERVICE_MAX = 63 };

struct heph_query;

/* It lies in the room of the operation, which has its address in `buf`. */
struct heph_lookup {
	const char *host;
	const char *service;         /* a number or a name; "": port 0 */
	int family;                  /* AF_UNSPEC: both */
	unsigned max;                /* of `found` */
	struct heph_query *query;    /* resolver.c's */
	struct heph_address found[]; /* as many as `op->result` says */
};

/* Makes an operation that finds at most `max` addresses. Returns 0; -ENOMEM,
 * -EINVAL (too long, or no host). */
int heph_lookup_new(heph_ctx ctx, const char *host, const char *service,
		    int family, unsigned max, struct heph_op **ret_op);

static inline struct heph_lookup *heph_lookup_of(const struct heph_op *op)
{
	return op->buf;
}

/*
 * Finds what needs no asking: addresses that are numbers, and "localhost" and
 * the names below it, which are the loopback (RFC 6761). Returns how many;
 * -EAGAIN: one has to ask; -EINVAL, -ENODATA (it is of the other family).
 */
int heph_lookup_known(const char *host, const char *service, int family,
		      struct heph_address *ret_addresses, unsigned max);

#endif
