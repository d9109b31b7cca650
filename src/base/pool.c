/* SPDX-License-Identifier: MIT */
/*
 * A class has its free list, and all classes cut from the same fresh chunk. So
 * a pool that is hardly used needs one chunk, not one for each class. When the
 * rest of the chunk is too small for a record it is cut into smaller ones,
 * which go to their free lists, and a new chunk is fetched.
 */
#include "base/pool.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

/* The head of a chunk; as large as a grain, to keep the records aligned. */
struct heph_pool_chunk {
	alignas(HEPH_POOL_GRAIN) struct heph_pool_chunk *next;
	void *memory; /* what to free: the chunk is inside, aligned */
};

_Static_assert(sizeof(struct heph_pool_chunk) == HEPH_POOL_GRAIN,
	       "records of a pool begin at a multiple of the grain");

enum {
	FIRST_BIG = HEPH_POOL_SMALL / HEPH_POOL_GRAIN + 1,
	SMALL_CHUNK = 8192, /* room for the largest record */
};

void heph_pool_init(struct heph_pool *pool)
{
	*pool = (struct heph_pool){ .chunk_size = HEPH_POOL_CHUNK };
}

void heph_pool_init_small(struct heph_pool *pool)
{
	*pool = (struct heph_pool){ .chunk_size = SMALL_CHUNK };
}

void heph_pool_fini(struct heph_pool *pool)
{
	struct heph_pool_chunk *chunk = pool->chunks;
	struct heph_pool_chunk *next;

	heph_debug_assert(pool->in_use == 0);
	for (; chunk; chunk = next) {
		next = chunk->next;
		heph_mem_free(chunk->memory);
	}
	heph_pool_init(pool);
}

/* The class of a size up to HEPH_POOL_LARGEST. */
static unsigned class_of(size_t size)
{
	unsigned kind = FIRST_BIG;

	if (size <= HEPH_POOL_SMALL)
		return (unsigned)((size + HEPH_POOL_GRAIN - 1) /
				  HEPH_POOL_GRAIN);
	for (size_t top = 2 * HEPH_POOL_SMALL; size > top; top *= 2)
		kind++;
	return kind;
}

/* The size of the records of a class. Class 0 is of those who ask for 0. */
static size_t class_size(unsigned kind)
{
	if (kind >= FIRST_BIG)
		return (size_t)2 * HEPH_POOL_SMALL << (kind - FIRST_BIG);
	return (size_t)HEPH_POOL_GRAIN * (kind ? kind : 1);
}

static void push_free(struct heph_pool *pool, unsigned kind, void *record)
{
	struct heph_pool_free *node = record;

	node->next = pool->free[kind];
	pool->free[kind] = node;
}

/* Cuts what is left of the fresh chunk into small records. */
static void use_up(struct heph_pool *pool)
{
	size_t left = (size_t)(pool->fresh_end - pool->fresh);
	unsigned kind;

	while (left >= HEPH_POOL_GRAIN) {
		kind = class_of(left < HEPH_POOL_SMALL ? left :
							 HEPH_POOL_SMALL);
		push_free(pool, kind, pool->fresh);
		pool->fresh += class_size(kind);
		left -= class_size(kind);
	}
}

/* Makes a new chunk the fresh one. Returns false if there is no memory. */
static bool fetch_chunk(struct heph_pool *pool)
{
	struct heph_pool_chunk *chunk;
	size_t size = pool->chunk_size ? pool->chunk_size : HEPH_POOL_CHUNK;
	unsigned char *memory = heph_mem_alloc_raw(size);
	unsigned char *start;

	if (!memory)
		return false;
	use_up(pool);
	start = memory + -(uintptr_t)memory % HEPH_POOL_GRAIN;
	chunk = (void *)start;
	chunk->memory = memory;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->fresh = start + sizeof(*chunk);
	/* A grain less, wherever it starts: all chunks hold the same. */
	pool->fresh_end = start + size - HEPH_POOL_GRAIN;
	return true;
}

/* Takes from the free list of a kind, or cuts a fresh record. */
static void *take_record(struct heph_pool *pool, unsigned kind)
{
	size_t size = class_size(kind);
	struct heph_pool_free *record = pool->free[kind];

	if (record) {
		pool->free[kind] = record->next;
		return record;
	}
	if ((size_t)(pool->fresh_end - pool->fresh) < size &&
	    !fetch_chunk(pool))
		return NULL;
	record = (void *)pool->fresh;
	pool->fresh += size;
	return record;
}

static bool by_itself(size_t size)
{
	return HEPH_POOL_CHECKED || size > HEPH_POOL_LARGEST;
}

void *heph_pool_take_slow(struct heph_pool *pool, size_t size)
{
	void *record;

	if (by_itself(size))
		record = heph_mem_alloc_raw(size);
	else
		record = take_record(pool, class_of(size));
	if (record)
		pool->in_use += size;
	return record;
}

void heph_pool_give_slow(struct heph_pool *pool, void *record, size_t size)
{
	pool->in_use -= size;
	if (by_itself(size))
		heph_mem_free(record);
	else
		push_free(pool, class_of(size), record);
}
