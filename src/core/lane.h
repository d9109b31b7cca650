/* SPDX-License-Identifier: MIT */
/*
 * lane.h - the messages from one worker to one other
 *
 * A ring of bytes with one writer and one reader, made when it is first used.
 * The writer publishes its tail after 32 messages or at the end of an actor's
 * run; the reader moves the messages into inboxes and publishes its head.
 *
 * Bounds. The reader delivers whatever the inbox's fill, so that one slow
 * actor does not hold up the lane. What keeps an inbox bounded is that the
 * writer counts what it has under way to each actor and stops at HEPH_WINDOW;
 * the count goes down as the reader's head passes. It counts by the low bits
 * of the actor's slot; actors that share a counter share the window.
 *
 * Waiting. Who finds no room leaves a parcel in the writer's list, `waiting`.
 * The writer looks at the first of them in each turn and lets some in; others
 * may write meanwhile, but leave room for one. When it sleeps the reader wakes
 * it, by `waits`, after it has read something or opened an inbox.
 */
#ifndef HEPH_CORE_LANE_H
#define HEPH_CORE_LANE_H

#include "core/inbox.h"

enum {
	HEPH_WINDOW = 64,
	HEPH_LANE_SIZE = 1 << 16,
	HEPH_LANE_BATCH = 32,
	HEPH_LANE_COUNTERS = 1024,
	HEPH_LANE_LARGEST = 4096, /* larger messages go by pointer */
	HEPH_LANE_RECORDS = 4096, /* more than there can be */
	HEPH_LANE_ALIGN = 8,
};

struct heph_record {
	uint64_t id;
	uint32_t slot; /* UINT32_MAX: skip */
	uint32_t size; /* of the message */
	uint32_t reply_at;
	uint32_t length;      /* to the next record */
	unsigned char data[]; /* or, of large ones, where it is */
};

struct heph_lane {
	/* the writer */
	alignas(HEPH_CACHE_LINE) uint64_t written; /* position */
	uint64_t published;
	uint64_t reclaimed;              /* counted back up to here */
	uint32_t n_written, n_reclaimed; /* records */
	unsigned unpublished;            /* messages */
	uint64_t until; /* may be written up to here without a look */
	struct heph_lane *next_dirty, *next_blocked;
	bool dirty, blocked; /* is in the writer's lists of such lanes */
	struct heph_thread *to;
	struct heph_list waiting; /* parcels */
	uint8_t under_way[HEPH_LANE_COUNTERS];
	uint16_t order[HEPH_LANE_RECORDS]; /* the counter of each record */
	/* the writer publishes */
	alignas(HEPH_CACHE_LINE) _Atomic uint64_t tail;
	_Atomic bool waits; /* somebody does */
	/* the reader publishes */
	alignas(HEPH_CACHE_LINE) _Atomic uint64_t head;
	_Atomic uint32_t n_read; /* records up to there, or some more */
	alignas(HEPH_CACHE_LINE) unsigned char bytes[HEPH_LANE_SIZE];
};

/* The lane to that worker, made if there is none. NULL: no memory. Writer. */
struct heph_lane *heph_lane_to(struct heph_worker *from,
			       struct heph_thread *to);

/* Writes a message to an actor. Returns 0; -EAGAIN (no room in the lane, or
 * the window is used up); -ENOMEM. Writer. */
int heph_lane_write(struct heph_lane *lane, struct heph_worker *from,
		    uint64_t id, uint32_t slot,
		    const struct heph_letter *letter);

/* The same for one that has waited: it need not leave room. */
int heph_lane_write_waited(struct heph_lane *lane, struct heph_worker *from,
			   uint64_t id, uint32_t slot,
			   const struct heph_letter *letter);

/* Whether a message of that size for that slot could be written, if `waited`
 * as one that has waited. Writer. */
bool heph_lane_has_room(struct heph_lane *lane, uint32_t slot, uint32_t size,
			bool waited);

/* Puts the lane into the writer's list of those that somebody waits at. The
 * second one, for who has taken it out. Writer. */
void heph_lane_block(struct heph_lane *lane, struct heph_worker *from);
void heph_lane_unblock(struct heph_lane *lane);

/* Counts more under way to an actor than there is, or less again. Writer. */
void heph_lane_pretend(struct heph_lane *lane, uint32_t slot, int n);

/* Publishes what was written, and wakes the reader. Writer. */
void heph_lane_flush(struct heph_lane *lane);

/* All lanes with something unpublished. Writer. */
void heph_lanes_flush(struct heph_worker *from);

/* Moves what is in the lane from that worker into inboxes. Returns whether
 * there was anything. Reader. */
bool heph_lane_read(struct heph_worker *to, unsigned from);

/* All lanes to this worker. Reader. */
bool heph_lanes_read(struct heph_worker *to);

/* Whether there is something in one of them. Reader. */
bool heph_lanes_waiting(struct heph_worker *to);

/* An inbox was opened that somebody waits for: wakes those writers that sleep
 * and wait for something. Reader. */
void heph_lanes_tell_room(struct heph_worker *to);

/* ---- inline: on the path of every message ---------------------------------- */

HEPH_INLINE struct heph_record *heph_lane_at(struct heph_lane *lane,
					     uint64_t position)
{
	return (struct heph_record *)(void *)&lane
		->bytes[position % HEPH_LANE_SIZE];
}

/* Of the record of a message of that size. */
HEPH_INLINE uint32_t heph_lane_length(uint32_t size)
{
	uint32_t data = size > HEPH_LANE_LARGEST ? sizeof(void *) : size;

	return ((uint32_t)sizeof(struct heph_record) + data + HEPH_LANE_ALIGN -
		1) &
	       ~(uint32_t)(HEPH_LANE_ALIGN - 1);
}

HEPH_INLINE uint8_t *heph_lane_counter(struct heph_lane *lane, uint32_t slot)
{
	return &lane->under_way[slot % HEPH_LANE_COUNTERS];
}

/* The record is complete. Writer. */
HEPH_INLINE void heph_lane_advance(struct heph_lane *lane,
				   struct heph_worker *from,
				   struct heph_record *record, uint32_t length)
{
	uint32_t counter = record->slot % HEPH_LANE_COUNTERS;

	record->length = length;
	lane->written += length;
	lane->under_way[counter]++;
	lane->order[lane->n_written++ % HEPH_LANE_RECORDS] = (uint16_t)counter;
	if (!lane->dirty) {
		lane->dirty = true;
		lane->next_dirty = from->dirty;
		from->dirty = lane;
	}
	if (++lane->unpublished >= HEPH_LANE_BATCH)
		heph_lane_flush(lane);
}

/* Writes a message without a reply if there is room in one piece, and nobody
 * waits for it; false: who knows. Writer. */
HEPH_INLINE bool heph_lane_put(struct heph_lane *lane, struct heph_worker *from,
			       uint64_t id, uint32_t slot, const void *data,
			       uint32_t size)
{
	uint32_t length = heph_lane_length(size);
	struct heph_record *record = heph_lane_at(lane, lane->written);

	if (heph_unlikely(lane->written + length > lane->until ||
			  *heph_lane_counter(lane, slot) >= HEPH_WINDOW - 1 ||
			  size > HEPH_LANE_LARGEST))
		return false;
	record->id = id;
	record->slot = slot;
	record->size = size;
	record->reply_at = HEPH_NO_REPLY;
	heph_copy(record->data, data, size);
	heph_lane_advance(lane, from, record, length);
	return true;
}

#endif
