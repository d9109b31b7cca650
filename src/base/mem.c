/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "base/assert.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

/*
 * Allocations are numbered; the one with the number `fail_at` fails. As the
 * numbers only grow, none is ever hit twice, and no thread needs to reset it.
 * Memory is fetched in chunks, so one relaxed addition here is not noticed.
 */
static atomic_long allocations;
static atomic_long fail_at;

static bool refused(void)
{
	long n = 1 + atomic_fetch_add_explicit(&allocations, 1,
					       memory_order_relaxed);

	return n == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void heph_mem_fail_after(long n)
{
	heph_assert(n == -1 || n > 0);
	atomic_store(&fail_at, n < 0 ? 0 : atomic_load(&allocations) + n);
}

long heph_mem_allocations(void)
{
	return atomic_load_explicit(&allocations, memory_order_relaxed);
}

void *heph_mem_alloc(size_t size)
{
	if (__builtin_expect(refused(), 0))
		return NULL;
	return calloc(1, size ? size : 1);
}

void *heph_mem_alloc_raw(size_t size)
{
	if (__builtin_expect(refused(), 0))
		return NULL;
	return malloc(size ? size : 1);
}

void heph_mem_free(void *ptr)
{
	free(ptr);
}

static void *map(size_t bytes)
{
	void *range = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return range == MAP_FAILED ? NULL : range;
}

void *heph_mem_reserve(size_t bytes)
{
	if (__builtin_expect(refused(), 0))
		return NULL;
	return map(bytes);
}

/* Unmaps what lies around the part of a range of twice the size that begins at
 * a multiple of `bytes`. Returns that part. */
static void *cut_to_aligned(char *range, size_t bytes)
{
	size_t before = -(uintptr_t)range & (bytes - 1);

	heph_mem_unreserve(before ? range : NULL, before);
	heph_mem_unreserve(range + before + bytes, bytes - before);
	return range + before;
}

/* The kernel often has an aligned place without being told. */
void *heph_mem_reserve_aligned(size_t bytes)
{
	void *range = heph_mem_reserve(bytes);

	heph_assert((bytes & (bytes - 1)) == 0);
	if (!((uintptr_t)range & (bytes - 1)))
		return range;
	heph_mem_unreserve(range, bytes);
	range = map(2 * bytes);
	return range ? cut_to_aligned(range, bytes) : NULL;
}

void *heph_mem_reserve_table(size_t bytes)
{
	size_t first = bytes < HUGE_PAGE ? bytes : HUGE_PAGE;
	char *table = heph_mem_reserve(bytes);

	if (table) {
		heph_mem_not_huge(table, first);
		heph_mem_huge(table + first, bytes - first);
	}
	return table;
}

/* In whole pages, as the kernel does it: the thread sanitizer forgets only what
 * it is told, and others may get the rest of the page. */
void heph_mem_unreserve(void *range, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (range)
		heph_assert(munmap(range, (bytes + page - 1) & ~(page - 1)) ==
			    0);
}

/* Shrinks a part to the whole pages in it; returns its new size. */
static size_t whole_pages(void **part, size_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)*part + page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)*part + bytes) & ~(page - 1);

	*part = (char *)*part + (from - (uintptr_t)*part);
	return to > from ? to - from : 0;
}

void heph_mem_huge(void *part, size_t bytes)
{
	bytes = whole_pages(&part, bytes);
	if (bytes > 0)
		(void)madvise(part, bytes, MADV_HUGEPAGE);
}

void heph_mem_not_huge(void *part, size_t bytes)
{
	bytes = whole_pages(&part, bytes);
	if (bytes > 0)
		(void)madvise(part, bytes, MADV_NOHUGEPAGE);
}

void heph_mem_give_back(void *part, size_t bytes)
{
	bytes = whole_pages(&part, bytes);
	if (bytes > 0)
		heph_assert(madvise(part, bytes, MADV_DONTNEED) == 0);
}
