/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/pool.h"

#include <stdalign.h>
#include <string.h>

enum {
	ALIGN = 16,
	FIRST_CHUNK = 512,
	LARGEST_CHUNK = 4096, /* of the regular ones */
};

struct heph_arena_chunk {
	alignas(ALIGN) struct heph_arena_chunk *next;
	size_t size; /* with this head */
	unsigned char bytes[];
};

_Static_assert(sizeof(struct heph_arena_chunk) == ALIGN,
	       "what follows the head of a chunk is aligned");

static struct heph_arena_chunk *new_chunk(struct heph_pool *pool, size_t size)
{
	struct heph_arena_chunk *chunk = heph_pool_take(pool, size);

	if (chunk)
		chunk->size = size;
	return chunk;
}

/* A request that is too large for a regular chunk. Its chunk is put behind
 * the newest one, which is still being cut. */
static void *alloc_alone(struct heph_arena *arena, struct heph_pool *pool,
			 size_t size)
{
	struct heph_arena_chunk **place = &arena->chunks;
	struct heph_arena_chunk *chunk = new_chunk(pool, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	if (*place)
		place = &(*place)->next;
	chunk->next = *place;
	*place = chunk;
	return chunk->bytes;
}

/* Makes a new chunk, with room for `size`, the one that is cut: twice as large
 * as the one before. What is left of that one stays unused. */
static void *grow(struct heph_arena *arena, struct heph_pool *pool, size_t size)
{
	struct heph_arena_chunk *chunk;
	size_t want = arena->grown ? 2 * (size_t)arena->grown : FIRST_CHUNK;

	while (want < sizeof(*chunk) + size)
		want *= 2;
	if (want > LARGEST_CHUNK)
		want = LARGEST_CHUNK;
	chunk = new_chunk(pool, want);
	if (!chunk)
		return NULL;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->grown = (uint32_t)want;
	arena->at = chunk->bytes + size;
	arena->end = (unsigned char *)chunk + want;
	return chunk->bytes;
}

void *heph_arena_alloc(struct heph_arena *arena, struct heph_pool *pool,
		       size_t size)
{
	unsigned char *at = arena->at;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = size ? (size + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
	if (size <= (size_t)(arena->end - at))
		arena->at = at + size;
	else if (size > LARGEST_CHUNK - sizeof(struct heph_arena_chunk))
		at = alloc_alone(arena, pool, size);
	else
		at = grow(arena, pool, size);
	return at ? memset(at, 0, size) : NULL;
}

void heph_arena_fini(struct heph_arena *arena, struct heph_pool *pool)
{
	struct heph_arena_chunk *chunk = arena->chunks;
	struct heph_arena_chunk *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		heph_pool_give(pool, chunk, chunk->size);
	}
	*arena = (struct heph_arena){ .chunks = NULL };
}
