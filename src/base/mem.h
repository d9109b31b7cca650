/* SPDX-License-Identifier: MIT */
/*
 * mem.h - the one place where the library gets memory, and can be refused it
 *
 * Everything else in Heph takes its memory from here, directly or by way of a
 * pool. So a test can let the 1st, 2nd, 3rd ... allocation of an operation
 * fail and see that it cleans up after itself:
 *
 *   for (n = 1; err == -ENOMEM; n++) {
 *           heph_mem_fail_after(n);
 *           err = operation();
 *   }
 *   heph_mem_fail_after(-1);
 *
 * Thread     All calls may be made from any thread.
 * Ownership  The caller owns what it gets until it gives it back here.
 */
#ifndef HEPH_BASE_MEM_H
#define HEPH_BASE_MEM_H

#include <stddef.h>

/* Returns `size` bytes, all zero and aligned to 16, or NULL. A size of 0 gives
 * a pointer as well. Give back with heph_mem_free. */
void *heph_mem_alloc(size_t size) __attribute__((malloc, warn_unused_result));

/* The same, with anything in the bytes. */
void *heph_mem_alloc_raw(size_t size)
	__attribute__((malloc, warn_unused_result));

/* Frees what one of the two above returned. NULL is allowed. */
void heph_mem_free(void *ptr);

/*
 * Returns a range of zeroed address space, whole pages, that takes memory only
 * where it is touched and is not counted against the overcommit limit; or NULL.
 * Give back with heph_mem_unreserve and the same size.
 */
void *heph_mem_reserve(size_t bytes) __attribute__((warn_unused_result));

/* The same, at an address that is a multiple of `bytes`, a power of two. */
void *heph_mem_reserve_aligned(size_t bytes)
	__attribute__((warn_unused_result));

/* The same, anywhere, for a table that is filled from its beginning: what is
 * touched becomes resident page by page at first, and then in huge pages. */
void *heph_mem_reserve_table(size_t bytes) __attribute__((warn_unused_result));

/* Unmaps a range. NULL is allowed. */
void heph_mem_unreserve(void *range, size_t bytes);

/* Asks for huge pages in a part of a range. Without effect where the kernel
 * does not offer them. */
void heph_mem_huge(void *part, size_t bytes);

/* Refuses them, where the kernel gives them unasked. */
void heph_mem_not_huge(void *part, size_t bytes);

/* Gives the memory, not the addresses, of the whole pages of a part of a range
 * back to the kernel: they read as zero from now on. */
void heph_mem_give_back(void *part, size_t bytes);

/*
 * Lets the n-th allocation from now on fail, and only that one; 1 is the next.
 * -1: none. All of heph_mem_alloc... and _reserve... count, in all threads.
 */
void heph_mem_fail_after(long n);

/* How many allocations were asked for since the process began, failed ones
 * included. */
long heph_mem_allocations(void);

#endif
