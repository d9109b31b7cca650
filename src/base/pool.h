/* SPDX-License-Identifier: MIT */
/*
 * pool.h - small records for one thread, without locks
 *
 * Sizes are rounded up to a class: the multiples of 16 up to 1024, then four
 * classes to each doubling, up to 4096. Each class has a list of free records,
 * the last one given back being the first one taken, as it is likely still in
 * the cache. Records are cut from chunks of 2 MiB, which take memory as they
 * are cut: the first one page by page, the others as huge pages. Larger sizes
 * come from heph_mem_alloc_raw one by one.
 *
 * In sanitizer builds and with HEPH_DEBUG >= 2 every record is allocated and
 * freed by itself (HEPH_POOL_CHECKED), so that a use after give is found.
 *
 * Thread     A pool is used by one thread at a time.
 * Ownership  A record is the caller's until it is given back, to the same
 *            pool and with the same size.
 * Alignment  16 bytes.
 */
#ifndef HEPH_BASE_POOL_H
#define HEPH_BASE_POOL_H

#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || HEPH_DEBUG >= 2
#define HEPH_POOL_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEPH_POOL_CHECKED 1
#endif
#endif
#ifndef HEPH_POOL_CHECKED
#define HEPH_POOL_CHECKED 0
#endif

enum {
	HEPH_POOL_GRAIN = 16,
	HEPH_POOL_SMALL = 1024, /* classes are multiples of GRAIN up to here */
	HEPH_POOL_LARGEST = 4096, /* and four to a doubling up to here */
	HEPH_POOL_CHUNK = 2 << 20,
	/* 0 and 16 .. 1024 by 16, and 1280 .. 4096 */
	HEPH_POOL_CLASSES = HEPH_POOL_SMALL / HEPH_POOL_GRAIN + 1 + 2 * 4,
};

/* What a record holds while it is free. */
struct heph_pool_free {
	struct heph_pool_free *next;
};

struct heph_pool_chunk;

struct heph_pool {
	struct heph_pool_free *free[HEPH_POOL_CLASSES];
	size_t in_use;                    /* bytes, as asked for */
	unsigned char *fresh, *fresh_end; /* not yet cut */
	struct heph_pool_chunk *chunks;   /* the one that is cut is first */
	size_t size;                      /* bytes of all chunks */
	size_t trimmed; /* what was not in use after the latest trim */
	bool small;     /* its chunks are of 8 KiB, from malloc */
};

/* Makes an empty pool. Allocates nothing; all zeros is the same. */
void heph_pool_init(struct heph_pool *pool);

/* The same for one that will hold little: its chunks are of 8 KiB. */
void heph_pool_init_small(struct heph_pool *pool);

/* Frees all chunks, and with them every record up to 4096 bytes that is still
 * in use: none should be, and in debug builds that is an assertion. */
void heph_pool_fini(struct heph_pool *pool);

/*
 * Gives the chunks back to the kernel of which no record is in use, except the
 * first and the one that is cut. Looks at all free records, which takes some 40
 * to 100 ns for each; so it is for idle moments, when trimmable says that there
 * is a good deal more to be had than there was after the latest trim.
 */
void heph_pool_trim(struct heph_pool *pool);
bool heph_pool_trimmable(const struct heph_pool *pool);

/* The parts of take and give that are not on the fast path. Not for callers. */
void *heph_pool_take_slow(struct heph_pool *pool, size_t size);
void heph_pool_give_slow(struct heph_pool *pool, void *record, size_t size);

/* The bytes that were taken and not given back, as asked for by the takers. */
static inline size_t heph_pool_in_use(const struct heph_pool *pool)
{
	return pool->in_use;
}

/* ---- inline: on the path of every spawn, timer and call ---- */

/* The same as heph_pool_take(), but calls nothing: NULL if there is none at
 * hand. Of HEPH_POOL_SMALL bytes at most. */
__attribute__((warn_unused_result, always_inline)) static inline void *
heph_pool_take_quick(struct heph_pool *pool, size_t size)
{
	size_t kind = (size + HEPH_POOL_GRAIN - 1) / HEPH_POOL_GRAIN;
	struct heph_pool_free *record = pool->free[kind];

	if (HEPH_POOL_CHECKED || __builtin_expect(!record, 0))
		return NULL;
	pool->free[kind] = record->next;
	pool->in_use += size;
	return record;
}

/* Returns a record of `size` bytes with anything in it, or NULL: no memory. */
__attribute__((warn_unused_result)) static inline void *
heph_pool_take(struct heph_pool *pool, size_t size)
{
	void *record = NULL;

	if (size <= HEPH_POOL_SMALL)
		record = heph_pool_take_quick(pool, size);
	return record ? record : heph_pool_take_slow(pool, size);
}

/* Gives back a record that was taken with the same `size`. NULL is allowed. */
static inline void heph_pool_give(struct heph_pool *pool, void *ptr,
				  size_t size)
{
	size_t kind = (size + HEPH_POOL_GRAIN - 1) / HEPH_POOL_GRAIN;
	struct heph_pool_free *record = ptr;

	if (!record)
		return;
	heph_debug_assert(pool->in_use >= size);
	if (HEPH_POOL_CHECKED || size > HEPH_POOL_SMALL) {
		heph_pool_give_slow(pool, ptr, size);
		return;
	}
	pool->in_use -= size;
	record->next = pool->free[kind];
	pool->free[kind] = record;
}

#endif
