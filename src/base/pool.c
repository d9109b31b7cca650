/* SPDX-License-Identifier: MIT */
/*
 * A class has its free list, and all classes cut from the same fresh chunk. So
 * a pool that is hardly used needs one chunk, not one for each class. When the
 * rest of the chunk is too small for a record it is cut into smaller ones,
 * which go to their free lists, and a new chunk is fetched.
 *
 * A page that is touched for the first time costs as much as fifty records. So
 * chunks are huge pages, except the first, which is all that most threads need.
 * Chunks lie at multiples of their size: a record's address tells its chunk.
 * That is used by trim alone, which adds up for each chunk what of it is in the
 * free lists.
 */
#include "base/pool.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

/* The head of a chunk; as large as a grain, to keep the records aligned. */
struct heph_pool_chunk {
	alignas(HEPH_POOL_GRAIN) struct heph_pool_chunk *next;
	size_t free; /* of trim: bytes in free lists */
};

_Static_assert(sizeof(struct heph_pool_chunk) == HEPH_POOL_GRAIN,
	       "records of a pool begin at a multiple of the grain");

enum {
	FIRST_BIG = HEPH_POOL_SMALL / HEPH_POOL_GRAIN + 1,
	SMALL_BITS = 10,
	SMALL_CHUNK = 8192, /* room for the largest record */
	ROOM = HEPH_POOL_CHUNK - sizeof(struct heph_pool_chunk),
	WORTH_TRIMMING = 4 * HEPH_POOL_CHUNK,
};

_Static_assert(HEPH_POOL_SMALL == 1 << SMALL_BITS, "its logarithm");

void heph_pool_init(struct heph_pool *pool)
{
	*pool = (struct heph_pool){ 0 };
}

void heph_pool_init_small(struct heph_pool *pool)
{
	*pool = (struct heph_pool){ .small = true };
}

static size_t chunk_size(const struct heph_pool *pool)
{
	return pool->small ? SMALL_CHUNK : HEPH_POOL_CHUNK;
}

static void free_chunk(struct heph_pool *pool, struct heph_pool_chunk *chunk)
{
	pool->size -= chunk_size(pool);
	if (pool->small)
		heph_mem_free(chunk);
	else
		heph_mem_unreserve(chunk, HEPH_POOL_CHUNK);
}

void heph_pool_fini(struct heph_pool *pool)
{
	struct heph_pool_chunk *chunk = pool->chunks;
	struct heph_pool_chunk *next;

	heph_debug_assert(pool->in_use == 0);
	for (; chunk; chunk = next) {
		next = chunk->next;
		free_chunk(pool, chunk);
	}
	heph_pool_init(pool);
}

/* The class of a size up to HEPH_POOL_LARGEST. */
static unsigned class_of(size_t size)
{
	unsigned bits;

	if (size <= HEPH_POOL_SMALL)
		return (unsigned)((size + HEPH_POOL_GRAIN - 1) /
				  HEPH_POOL_GRAIN);
	bits = 63 - (unsigned)__builtin_clzll(size - 1);
	return FIRST_BIG + (bits - SMALL_BITS) * 4 +
	       (unsigned)((size - 1) >> (bits - 2)) - 4;
}

/* The size of the records of a class. Class 0 is of those who ask for 0. */
static size_t class_size(unsigned kind)
{
	unsigned big = kind - FIRST_BIG;

	if (kind >= FIRST_BIG)
		return (size_t)(5 + big % 4) << (SMALL_BITS - 2 + big / 4);
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

static struct heph_pool_chunk *new_chunk(const struct heph_pool *pool)
{
	void *chunk;

	if (pool->small)
		return heph_mem_alloc_raw(SMALL_CHUNK);
	chunk = heph_mem_reserve_aligned(HEPH_POOL_CHUNK);
	if (!chunk)
		return NULL;
	if (pool->chunks)
		heph_mem_huge(chunk, HEPH_POOL_CHUNK);
	else
		heph_mem_not_huge(chunk, HEPH_POOL_CHUNK);
	return chunk;
}

/* Makes a new chunk the fresh one. Returns false if there is no memory. */
static bool fetch_chunk(struct heph_pool *pool)
{
	struct heph_pool_chunk *chunk = new_chunk(pool);

	if (!chunk)
		return false;
	use_up(pool);
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->size += chunk_size(pool);
	pool->fresh = (unsigned char *)(chunk + 1);
	pool->fresh_end = (unsigned char *)chunk + chunk_size(pool);
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

/* ---- trimming ---- */

static struct heph_pool_chunk *chunk_of(const struct heph_pool_free *record)
{
	return (void *)((uintptr_t)record & -(uintptr_t)HEPH_POOL_CHUNK);
}

static size_t not_in_use(const struct heph_pool *pool)
{
	return pool->size > pool->in_use ? pool->size - pool->in_use : 0;
}

bool heph_pool_trimmable(const struct heph_pool *pool)
{
	return !pool->small &&
	       not_in_use(pool) >= pool->trimmed + WORTH_TRIMMING;
}

/* For each chunk, how much of it is in free lists. */
static void count_free(struct heph_pool *pool)
{
	struct heph_pool_chunk *chunk;
	struct heph_pool_free *record;

	for (chunk = pool->chunks; chunk; chunk = chunk->next)
		chunk->free = 0;
	for (unsigned kind = 0; kind < HEPH_POOL_CLASSES; kind++)
		for (record = pool->free[kind]; record; record = record->next)
			chunk_of(record)->free += class_size(kind);
}

/* Takes the records of chunks that are free out of a free list. */
static void sort_out(struct heph_pool_free **link)
{
	struct heph_pool_free *record;

	while ((record = *link)) {
		if (chunk_of(record)->free == ROOM)
			*link = record->next;
		else
			link = &record->next;
	}
}

static void free_chunks(struct heph_pool *pool)
{
	struct heph_pool_chunk **link = &pool->chunks, *chunk;

	while ((chunk = *link)) {
		if (chunk->free != ROOM) {
			link = &chunk->next;
			continue;
		}
		*link = chunk->next;
		free_chunk(pool, chunk);
	}
}

/* The first chunk, the last of the list, and the fresh one are kept even if no
 * record of theirs is in use. */
static void keep_some(struct heph_pool *pool)
{
	struct heph_pool_chunk *chunk = pool->chunks;

	chunk->free = 0;
	while (chunk->next)
		chunk = chunk->next;
	chunk->free = 0;
}

void heph_pool_trim(struct heph_pool *pool)
{
	if (pool->small || !pool->chunks)
		return;
	count_free(pool);
	keep_some(pool);
	for (unsigned kind = 0; kind < HEPH_POOL_CLASSES; kind++)
		sort_out(&pool->free[kind]);
	free_chunks(pool);
	pool->trimmed = not_in_use(pool);
}
