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

size_t heph_arena_size(const struct heph_arena *arena)
{
	const struct heph_arena_chunk *chunk = arena->chunks;
	size_t size = 0;

	for (; chunk; chunk = chunk->next)
		size += chunk->size;
	return size;
}

struct heph_arena_mark heph_arena_mark(const struct heph_arena *arena)
{
	struct heph_arena_chunk *newest = arena->chunks;

	return (struct heph_arena_mark){ .arena = *arena,
					 .second = newest ? newest->next :
							    NULL };
}

static void free_chunks(struct heph_pool *pool, struct heph_arena_chunk *chunk,
			const struct heph_arena_chunk *end)
{
	struct heph_arena_chunk *next;

	for (; chunk != end; chunk = next) {
		next = chunk->next;
		heph_pool_give(pool, chunk, chunk->size);
	}
}

/* Later chunks are in front of the one that was the newest, or, if they were
 * large, right behind it. */
void heph_arena_release(struct heph_arena *arena, struct heph_pool *pool,
			const struct heph_arena_mark *mark)
{
	const struct heph_arena_mark m = *mark;
	struct heph_arena_chunk *newest = m.arena.chunks;

	free_chunks(pool, arena->chunks, newest);
	if (newest) {
		free_chunks(pool, newest->next, m.second);
		newest->next = m.second;
	}
	*arena = m.arena;
}

void heph_arena_fini(struct heph_arena *arena, struct heph_pool *pool)
{
	free_chunks(pool, arena->chunks, NULL);
	*arena = (struct heph_arena){ .chunks = NULL };
}
