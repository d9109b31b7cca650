/* SPDX-License-Identifier: MIT */
/*
 * receipts.h - the last messages that a thread's actors received
 *
 * For the report of a crash. Kept in debug builds (HEPH_DEBUG >= 1) only: it
 * costs 3 to 4 ns for each message.
 */
#ifndef HEPH_CORE_RECEIPTS_H
#define HEPH_CORE_RECEIPTS_H

#include <stdint.h>
#include <string.h>

#include "base/assert.h"

enum {
	HEPH_RECEIPTS = 8,
	HEPH_RECEIPT_BYTES = 32, /* that are kept of a message, the first */
	HEPH_RECEIPTS_KEPT = HEPH_DEBUG >= 1,
};

struct heph_receipt {
	uint64_t receiver; /* an id */
	uint32_t size;	   /* of the message */
	unsigned char data[HEPH_RECEIPT_BYTES];
};

struct heph_receipts {
	unsigned n; /* noted so far */
	struct heph_receipt last[HEPH_RECEIPTS]; /* number n is n % it */
};

static inline void heph_receipts_note(struct heph_receipts *receipts,
				      uint64_t receiver, const void *data,
				      uint32_t size)
{
	struct heph_receipt *it =
		&receipts->last[receipts->n++ % HEPH_RECEIPTS];

	it->receiver = receiver;
	it->size = size;
	memcpy(it->data, data,
	       size < HEPH_RECEIPT_BYTES ? size : HEPH_RECEIPT_BYTES);
}

#endif
