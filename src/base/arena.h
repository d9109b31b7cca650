/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that is freed all at once
 *
 * Many small allocations with the same end: those of one actor, of one
 * request. There is no way to free one of them.
 *
 * Thread     That of the pool.
 * Ownership  The arena owns all that it hands out, until fini.
 */
#ifndef HEPH_BASE_ARENA_H
#define HEPH_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct heph_pool;
struct heph_arena_chunk;

/* All zeros is an empty arena; it needs no init, and no fini while empty. */
struct heph_arena {
	struct heph_arena_chunk *chunks; /* the newest one is cut first */
	unsigned char *at, *end;         /* what is left of it */
	uint32_t grown;                  /* size of the last regular chunk */
};

/*
 * Returns `size` bytes, all zero and aligned to 16, or NULL: no memory, and
 * the arena is as before. Takes chunks of 512 to 4096 bytes from `pool`, which
 * must be the same one in all calls; a request that is larger gets its own.
 */
void *heph_arena_alloc(struct heph_arena *arena, struct heph_pool *pool,
		       size_t size) __attribute__((warn_unused_result));

/* A moment of an arena: what is allocated later can be freed without the rest. */
struct heph_arena_mark {
	struct heph_arena arena;         /* as it was */
	struct heph_arena_chunk *second; /* behind the newest chunk */
};

struct heph_arena_mark heph_arena_mark(const struct heph_arena *arena);

/* Frees what was allocated after the mark was made. Marks that were made after
 * it are of no use from then on. `mark` may lie in what is freed. */
void heph_arena_release(struct heph_arena *arena, struct heph_pool *pool,
			const struct heph_arena_mark *mark);

/* The bytes that it has taken from the pool. */
size_t heph_arena_size(const struct heph_arena *arena);

/* Frees everything, and leaves an empty arena that can be used again. */
void heph_arena_fini(struct heph_arena *arena, struct heph_pool *pool);

#endif
