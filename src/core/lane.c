/* SPDX-License-Identifier: MIT */
/*
 * Positions count bytes and never wrap in practice (64 bits); a position
 * modulo the size of the ring is where a record lies. A record does not wrap:
 * what is left before the end of the ring and is too small is skipped, by both
 * sides in the same way, with a filler record if one fits.
 */
#include "core/lane.h"

#include <string.h>

#include "base/mem.h"
#include "core/heph.h"

enum { FILLER = UINT32_MAX, ALIGN = 8, LARGEST = 4096 };

struct record {
	uint64_t id;
	uint32_t slot; /* FILLER: skip */
	uint32_t size; /* of the message */
	uint32_t reply_at;
	uint32_t length;      /* to the next record */
	unsigned char data[]; /* or, of large ones, where it is */
};

static uint32_t data_size(uint32_t size)
{
	return size > LARGEST ? sizeof(void *) : size;
}

static uint32_t length_of(uint32_t size)
{
	uint32_t length = (uint32_t)sizeof(struct record) + data_size(size);

	return (length + ALIGN - 1) & ~(uint32_t)(ALIGN - 1);
}

static struct record *at(struct heph_lane *lane, uint64_t position)
{
	return (struct record *)(void *)&lane->bytes[position % HEPH_LANE_SIZE];
}

/* The bytes from a position to the end of the ring. */
static uint32_t left(uint64_t position)
{
	return HEPH_LANE_SIZE - (uint32_t)(position % HEPH_LANE_SIZE);
}

/* Where the next record lies, at or after a position. */
static uint64_t skip(struct heph_lane *lane, uint64_t position)
{
	uint32_t rest = left(position);

	if (rest < sizeof(struct record))
		return position + rest;
	if (at(lane, position)->slot == FILLER)
		return position + at(lane, position)->length;
	return position;
}

/* ---- the writer ---------------------------------------------------------- */

static struct heph_lane *make(struct heph_worker *from, struct heph_thread *to)
{
	struct heph *heph = to->heph;
	struct heph_lane *lane = heph_mem_reserve(sizeof(*lane));

	if (!lane)
		return NULL;
	lane->to = to;
	atomic_store(
		&heph->lanes[from->thread.number * heph->workers + to->number],
		lane);
	return lane;
}

struct heph_lane *heph_lane_to(struct heph_worker *from, struct heph_thread *to)
{
	struct heph *heph = to->heph;
	struct heph_lane *lane = atomic_load_explicit(
		&heph->lanes[from->thread.number * heph->workers + to->number],
		memory_order_relaxed);

	return lane ? lane : make(from, to);
}

static uint8_t *counter_of(struct heph_lane *lane, uint32_t slot)
{
	return &lane->under_way[slot % HEPH_LANE_COUNTERS];
}

/* Counts back what the reader is done with. */
static void reclaim(struct heph_lane *lane)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_acquire);
	struct record *record;

	while (lane->reclaimed != head) {
		lane->reclaimed = skip(lane, lane->reclaimed);
		if (lane->reclaimed == head)
			break;
		record = at(lane, lane->reclaimed);
		--*counter_of(lane, record->slot);
		lane->reclaimed += record->length;
	}
}

static bool has_room(struct heph_lane *lane, uint32_t length)
{
	uint32_t rest = left(lane->written);
	uint64_t end = lane->written + length + (rest < length ? rest : 0);

	return end - lane->reclaimed <= HEPH_LANE_SIZE;
}

static bool may_write(struct heph_lane *lane, uint32_t slot, uint32_t length)
{
	return *counter_of(lane, slot) < HEPH_WINDOW && has_room(lane, length);
}

/* The place for a record of that length, for which there is room. */
static struct record *claim(struct heph_lane *lane, uint32_t length)
{
	uint32_t rest = left(lane->written);
	struct record *record;

	if (rest < length) {
		if (rest >= sizeof(*record)) {
			record = at(lane, lane->written);
			record->slot = FILLER;
			record->length = rest;
		}
		lane->written += rest;
	}
	record = at(lane, lane->written);
	record->length = length;
	lane->written += length;
	return record;
}

static void mark_dirty(struct heph_lane *lane, struct heph_worker *from)
{
	if (lane->dirty)
		return;
	lane->dirty = true;
	lane->next_dirty = from->dirty;
	from->dirty = lane;
}

int heph_lane_write(struct heph_lane *lane, struct heph_worker *from,
		    uint64_t id, uint32_t slot,
		    const struct heph_letter *letter)
{
	uint32_t length = length_of(letter->size);
	struct record *record;
	void *large = NULL;

	if (!may_write(lane, slot, length)) {
		reclaim(lane);
		if (!may_write(lane, slot, length)) {
			heph_lane_flush(lane);
			return -EAGAIN;
		}
	}
	if (letter->size > LARGEST) {
		large = heph_mem_alloc_raw(letter->size);
		if (!large)
			return -ENOMEM;
		heph_letter_copy(letter, large);
	}
	record = claim(lane, length);
	record->id = id;
	record->slot = slot;
	record->size = letter->size;
	record->reply_at = letter->reply_at;
	if (large)
		memcpy(record->data, &large, sizeof(large));
	else
		heph_letter_copy(letter, record->data);
	++*counter_of(lane, slot);
	mark_dirty(lane, from);
	if (++lane->unpublished >= HEPH_LANE_BATCH)
		heph_lane_flush(lane);
	return 0;
}

bool heph_lane_has_room(struct heph_lane *lane, uint32_t slot, uint32_t size)
{
	reclaim(lane);
	return may_write(lane, slot, length_of(size));
}

void heph_lane_flush(struct heph_lane *lane)
{
	if (lane->published == lane->written)
		return;
	lane->published = lane->written;
	lane->unpublished = 0;
	atomic_store(&lane->tail, lane->written); /* before looking at asleep */
	heph_thread_wake(lane->to);
}

void heph_lanes_flush(struct heph_worker *from)
{
	struct heph_lane *lane;

	while ((lane = from->dirty)) {
		from->dirty = lane->next_dirty;
		lane->dirty = false;
		heph_lane_flush(lane);
	}
}

/* ---- the reader ---------------------------------------------------------- */

/* Nobody gets it. A record is less aligned than a message may have to be. */
static void refuse(struct heph_worker *worker, uint32_t slot,
		   const struct heph_letter *letter)
{
	alignas(16) unsigned char copy[LARGEST];
	void *data = (void *)(uintptr_t)letter->data;

	if (letter->size <= LARGEST)
		data = memcpy(copy, letter->data, letter->size);
	heph_msg_undeliverable(&worker->thread, heph_kind_at(worker, slot), data,
			       letter->reply_at);
}

static void deliver(struct heph_worker *worker, struct record *record)
{
	struct heph_self *self =
		heph_worker_find(worker, record->id, record->slot);
	struct heph_letter letter = { .data = record->data,
				      .size = record->size,
				      .reply_at = record->reply_at };
	void *large = NULL;

	if (record->size > LARGEST) {
		memcpy(&large, record->data, sizeof(large));
		letter.data = large;
	}
	if (letter.reply_at != HEPH_NO_REPLY)
		memcpy(&letter.reply,
		       (const char *)letter.data + letter.reply_at,
		       sizeof(letter.reply));
	if (!self || heph_inbox_put(self, &letter) < 0)
		refuse(worker, record->slot, &letter);
	heph_mem_free(large);
}

static struct heph_lane *lane_from(struct heph_worker *to, unsigned from)
{
	struct heph *heph = to->thread.heph;

	return atomic_load(
		&heph->lanes[from * heph->workers + to->thread.number]);
}

bool heph_lane_read(struct heph_worker *to, unsigned from)
{
	struct heph_lane *lane = lane_from(to, from);
	uint64_t head, tail;
	struct record *record;

	if (!lane)
		return false;
	head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	tail = atomic_load_explicit(&lane->tail, memory_order_acquire);
	if (head == tail)
		return false;
	while (head != tail) {
		head = skip(lane, head);
		if (head == tail)
			break;
		record = at(lane, head);
		deliver(to, record);
		head += record->length;
	}
	atomic_store_explicit(&lane->head, head, memory_order_release);
	return true;
}

bool heph_lanes_read(struct heph_worker *to)
{
	bool any = false;

	for (unsigned from = 0; from < to->n_lanes; from++)
		any |= heph_lane_read(to, from);
	return any;
}

bool heph_lanes_waiting(struct heph_worker *to)
{
	struct heph_lane *lane;

	for (unsigned from = 0; from < to->n_lanes; from++) {
		lane = lane_from(to, from);
		if (lane && atomic_load(&lane->tail) !=
				    atomic_load_explicit(&lane->head,
							 memory_order_relaxed))
			return true;
	}
	return false;
}
