/* SPDX-License-Identifier: MIT */
/*
 * A position counts all lines since the beginning; it belongs to the slot
 * position % SLOTS, in the lap position / SLOTS. In lap n the turn of a slot
 * is
 *	2n	free: whoever moves `tail` past the position may fill it
 *	2n + 1	published: the writer may read it
 * and the writer's advance makes it 2n + 2, which is free for lap n + 1. As the
 * first turn is 0, a ring of zeros is ready.
 */
#include "base/logring.h"

#include "base/assert.h"

#include <stddef.h>

_Static_assert(sizeof(struct heph_logslot) == 1024, "no space is wasted");

static struct heph_logslot *slot_at(struct heph_logring *ring, uint64_t pos)
{
	return &ring->slots[pos % HEPH_LOGRING_SLOTS];
}

static uint64_t free_turn(uint64_t pos)
{
	return pos / HEPH_LOGRING_SLOTS * 2;
}

void heph_logring_reset(struct heph_logring *ring)
{
	for (unsigned i = 0; i < HEPH_LOGRING_SLOTS; i++)
		atomic_store_explicit(&ring->slots[i].turn, 0,
				      memory_order_relaxed);
	atomic_store_explicit(&ring->head, 0, memory_order_relaxed);
	atomic_store(&ring->tail, 0);
}

struct heph_logslot *heph_logring_claim(struct heph_logring *ring)
{
	uint64_t pos = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t turn;

	for (;;) {
		/* Acquire: the writer has read the line of one lap ago. */
		turn = atomic_load_explicit(&slot_at(ring, pos)->turn,
					    memory_order_acquire);
		if (turn < free_turn(pos))
			return NULL;       /* it still waits */
		if (turn > free_turn(pos)) /* somebody was faster */
			pos = atomic_load_explicit(&ring->tail,
						   memory_order_relaxed);
		else if (atomic_compare_exchange_weak(&ring->tail, &pos,
						      pos + 1))
			return slot_at(ring, pos);
	}
}

void heph_logring_publish(struct heph_logslot *slot)
{
	uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_relaxed);

	heph_debug_assert(turn % 2 == 0);
	atomic_store(&slot->turn, turn + 1);
}

struct heph_logslot *heph_logring_front(struct heph_logring *ring)
{
	uint64_t pos = heph_logring_written(ring);
	struct heph_logslot *slot = slot_at(ring, pos);

	return atomic_load(&slot->turn) == free_turn(pos) + 1 ? slot : NULL;
}

void heph_logring_advance(struct heph_logring *ring)
{
	uint64_t pos = heph_logring_written(ring);

	/* Release: the line is read before it may be overwritten. */
	atomic_store_explicit(&slot_at(ring, pos)->turn, free_turn(pos) + 2,
			      memory_order_release);
	/* Release: who sees the count knows that the line is out. */
	atomic_store_explicit(&ring->head, pos + 1, memory_order_release);
}

uint64_t heph_logring_claimed(struct heph_logring *ring)
{
	return atomic_load(&ring->tail);
}

uint64_t heph_logring_written(struct heph_logring *ring)
{
	return atomic_load_explicit(&ring->head, memory_order_acquire);
}
