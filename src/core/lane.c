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

enum { FILLER = UINT32_MAX, LEFT_FREE = 16384 };

static struct heph_record *at(struct heph_lane *lane, uint64_t position)
{
	return heph_lane_at(lane, position);
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

	if (rest < sizeof(struct heph_record))
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
	heph_list_init(&lane->waiting);
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

/* Counts back what the reader is done with. Sequentially consistent, as it may
 * be the last look of a writer that falls asleep. */
static void reclaim(struct heph_lane *lane)
{
	uint64_t head = atomic_load(&lane->head);
	uint32_t n = atomic_load_explicit(&lane->n_read, memory_order_acquire);

	if (lane->reclaimed == head)
		return;
	lane->reclaimed = head;
	for (; lane->n_reclaimed != n; lane->n_reclaimed++)
		--lane->under_way[lane->order[lane->n_reclaimed %
					      HEPH_LANE_RECORDS]];
}

/* Up to where the ring is free; the largest record fits in what is left for who
 * has waited. */
static uint64_t end_of_room(struct heph_lane *lane, bool waited)
{
	uint64_t end = lane->reclaimed + HEPH_LANE_SIZE;

	return lane->blocked && !waited ? end - LEFT_FREE : end;
}

static bool has_room(struct heph_lane *lane, uint32_t length, bool waited)
{
	uint32_t rest = left(lane->written);
	uint64_t end = lane->written + length + (rest < length ? rest : 0);

	return end <= end_of_room(lane, waited);
}

static bool window_open(struct heph_lane *lane, uint32_t slot, bool waited)
{
	return *heph_lane_counter(lane, slot) <
	       HEPH_WINDOW - (lane->blocked && !waited);
}

static bool may_write(struct heph_lane *lane, uint32_t slot, uint32_t length,
		      bool waited)
{
	return window_open(lane, slot, waited) &&
	       has_room(lane, length, waited);
}

/* Looks at the reader's line only if need be: it is in that one's cache. */
bool heph_lane_has_room(struct heph_lane *lane, uint32_t slot, uint32_t size,
			bool waited)
{
	uint32_t length = heph_lane_length(size);

	if (may_write(lane, slot, length, waited))
		return true;
	reclaim(lane);
	return may_write(lane, slot, length, waited);
}

/* Goes to the beginning of the ring. */
static void fill(struct heph_lane *lane)
{
	uint32_t rest = left(lane->written);
	struct heph_record *record = at(lane, lane->written);

	if (rest >= sizeof(*record)) {
		record->slot = FILLER;
		record->length = rest;
	}
	lane->written += rest;
}

/* Sees to it that there is room for a record, in one piece. */
static int make_room(struct heph_lane *lane, uint32_t slot, uint32_t length,
		     bool waited)
{
	uint64_t end;

	reclaim(lane);
	if (!may_write(lane, slot, length, waited)) {
		heph_lane_flush(lane);
		return -EAGAIN;
	}
	if (left(lane->written) < length)
		fill(lane);
	end = lane->written + left(lane->written);
	lane->until = end_of_room(lane, false);
	if (lane->until > end)
		lane->until = end;
	return 0;
}

void heph_lane_block(struct heph_lane *lane, struct heph_worker *from)
{
	if (lane->blocked)
		return;
	lane->blocked = true;
	lane->next_blocked = from->blocked;
	from->blocked = lane;
	lane->until = lane->written; /* less of it is free */
	atomic_store(&lane->waits, true);
}

void heph_lane_unblock(struct heph_lane *lane)
{
	lane->blocked = false;
	atomic_store_explicit(&lane->waits, false, memory_order_relaxed);
}

void heph_lane_pretend(struct heph_lane *lane, uint32_t slot, int n)
{
	*heph_lane_counter(lane, slot) =
		(uint8_t)(*heph_lane_counter(lane, slot) + n);
}

/* The contents of a large one, by reference. */
static int write_large(struct heph_record *record,
		       const struct heph_letter *letter)
{
	void *large = heph_mem_alloc_raw(letter->size);

	if (!large)
		return -ENOMEM;
	heph_letter_copy(letter, large);
	memcpy(record->data, &large, sizeof(large));
	return 0;
}

HEPH_INLINE int write_to(struct heph_lane *lane, struct heph_worker *from,
			 uint64_t id, uint32_t slot,
			 const struct heph_letter *letter, bool waited)
{
	uint32_t length = heph_lane_length(letter->size);
	struct heph_record *record;
	int err;

	if (lane->written + length > lane->until ||
	    !window_open(lane, slot, waited)) {
		err = make_room(lane, slot, length, waited);
		if (err < 0)
			return err;
	}
	record = at(lane, lane->written);
	if (letter->size <= HEPH_LANE_LARGEST)
		heph_letter_copy(letter, record->data);
	else if (write_large(record, letter) < 0)
		return -ENOMEM;
	record->id = id;
	record->slot = slot;
	record->size = letter->size;
	record->reply_at = letter->reply_at;
	heph_lane_advance(lane, from, record, length);
	return 0;
}

int heph_lane_write(struct heph_lane *lane, struct heph_worker *from,
		    uint64_t id, uint32_t slot,
		    const struct heph_letter *letter)
{
	return write_to(lane, from, id, slot, letter, false);
}

int heph_lane_write_waited(struct heph_lane *lane, struct heph_worker *from,
			   uint64_t id, uint32_t slot,
			   const struct heph_letter *letter)
{
	return write_to(lane, from, id, slot, letter, true);
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
	alignas(16) unsigned char copy[HEPH_LANE_LARGEST];
	void *data = (void *)(uintptr_t)letter->data;

	if (letter->size <= HEPH_LANE_LARGEST)
		data = memcpy(copy, letter->data, letter->size);
	heph_msg_undeliverable(&worker->thread, heph_kind_at(worker, slot),
			       data, letter->reply_at);
}

/* All that is not a small message without a reply to somebody who lives. */
static __attribute__((noinline)) void deliver_slowly(struct heph_worker *worker,
						     struct heph_self *self,
						     struct heph_record *record)
{
	struct heph_letter letter = { .data = record->data,
				      .size = record->size,
				      .reply_at = record->reply_at };
	void *large = NULL;

	if (record->size > HEPH_LANE_LARGEST) {
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

HEPH_INLINE void deliver(struct heph_worker *worker, struct heph_record *record)
{
	struct heph_self *self =
		heph_worker_find(worker, record->id, record->slot);

	if (heph_unlikely(
		    !self || record->reply_at != HEPH_NO_REPLY ||
		    record->size > HEPH_LANE_LARGEST ||
		    !heph_inbox_push_quick(self, record->data, record->size)))
		deliver_slowly(worker, self, record);
	if (heph_unlikely(self && (self->flags & HEPH_FLAG_GRANTED)))
		heph_inbox_take_grant(self);
}

static struct heph_lane *lane_from(struct heph_worker *to, unsigned from)
{
	struct heph *heph = to->thread.heph;

	return atomic_load(
		&heph->lanes[from * heph->workers + to->thread.number]);
}

/* Something has changed: wakes the writer if that is what it waits for. */
static void tell_writer(struct heph_worker *to, struct heph_lane *lane,
			unsigned from)
{
	if (atomic_load(&lane->waits))
		heph_thread_wake(heph_thread_of(to->thread.heph, from));
}

void heph_lanes_tell_room(struct heph_worker *to)
{
	struct heph_lane *lane;

	for (unsigned from = 0; from < to->n_lanes; from++) {
		lane = lane_from(to, from);
		if (lane)
			tell_writer(to, lane, from);
	}
}

bool heph_lane_read(struct heph_worker *to, unsigned from)
{
	struct heph_lane *lane = lane_from(to, from);
	uint64_t head, tail;
	struct heph_record *record;
	uint32_t n;

	if (!lane)
		return false;
	head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	tail = atomic_load_explicit(&lane->tail, memory_order_acquire);
	if (head == tail)
		return false;
	n = atomic_load_explicit(&lane->n_read, memory_order_relaxed);
	while (head != tail) {
		head = skip(lane, head);
		if (head == tail)
			break;
		record = at(lane, head);
		deliver(to, record);
		head += record->length;
		n++;
	}
	atomic_store_explicit(&lane->n_read, n, memory_order_release);
	atomic_store(&lane->head, head); /* before looking at asleep */
	tell_writer(to, lane, from);
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
