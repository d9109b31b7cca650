/* SPDX-License-Identifier: MIT */
/*
 * logring.h - the lines that wait to be written
 *
 * Any thread claims a slot, fills it and publishes it; one thread at a time,
 * the writer, takes them in the order of claiming. A full ring refuses. No
 * call waits, locks or allocates.
 */
#ifndef HEPH_BASE_LOGRING_H
#define HEPH_BASE_LOGRING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	HEPH_LOGRING_SLOTS = 512,
	HEPH_LOGRING_TEXT = 1012, /* makes a slot 1,024 bytes */
};

/* One line. logring.c explains `turn`. */
struct heph_logslot {
	_Atomic(uint64_t) turn;
	uint16_t len;
	bool journal; /* for the journal, else for a file */
	int8_t level;
	char text[HEPH_LOGRING_TEXT];
};

/* All zeros is an empty ring. */
struct heph_logring {
	/* whoever logs */
	alignas(64) _Atomic(uint64_t) tail;
	/* the writer */
	alignas(64) _Atomic(uint64_t) head;
	alignas(64) struct heph_logslot slots[HEPH_LOGRING_SLOTS];
};

/* Empties the ring, whatever state it is in. No other thread may use it. */
void heph_logring_reset(struct heph_logring *ring);

/* Returns a slot to fill and publish, or NULL: full. Any thread. A claimed slot
 * holds up all that are claimed after it, so be quick. */
struct heph_logslot *heph_logring_claim(struct heph_logring *ring);

/* Lets the writer have a claimed slot. Seq_cst: what the caller looks at next
 * is whether the writer sleeps. */
void heph_logring_publish(struct heph_logslot *slot);

/* The oldest line, or NULL if there is none or it is not published yet. Writer
 * only; seq_cst, so that it may be the last look before sleeping. */
struct heph_logslot *heph_logring_front(struct heph_logring *ring);

/* Gives the slot of the oldest line back. Writer only. */
void heph_logring_advance(struct heph_logring *ring);

/* How many lines were claimed, and written, in all. Any thread. */
uint64_t heph_logring_claimed(struct heph_logring *ring);
uint64_t heph_logring_written(struct heph_logring *ring);

#endif
