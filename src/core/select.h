/* SPDX-License-Identifier: MIT */
/*
 * select.h - what heph_wait() must know of a kind of clause
 *
 * A kind is a row in the table of select.c. Its functions stand with the noun
 * that the clause is about; those about messages, time and descriptors, which
 * are small, in select.c itself.
 */
#ifndef HEPH_CORE_SELECT_H
#define HEPH_CORE_SELECT_H

#include <heph/message.h>

/* A clause while heph_raw_wait() runs. */
struct heph_clause {
	const struct heph_on *on;
	void *begun; /* of its kind, made by begin(); NULL: nothing */
};

struct heph_clause_type {
	unsigned reason; /* HEPH_WAIT_...: what may make it true */

	/* Whether it can be had, and if so takes it: 1, 0, or an error. */
	int (*ready)(heph_ctx ctx, struct heph_clause *clause);

	/* Before and after the actor waits; NULL: there is nothing to do.
	 * begin() returns 0 or an error. end() is called if it has set
	 * `begun`; it may wait for what is sure to come. */
	int (*begin)(heph_ctx ctx, struct heph_clause *clause);
	void (*end)(heph_ctx ctx, struct heph_clause *clause);
};

#endif
