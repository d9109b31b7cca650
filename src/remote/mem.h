/* SPDX-License-Identifier: MIT */
/* mem.h - memory that a test can have refused. Any thread. */
#ifndef HEPH_REMOTE_MEM_H
#define HEPH_REMOTE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Like malloc(3), calloc(3), free(3), and realloc(3), of which nothing but NULL
 * leaves what there was. */
void *heph_remote_mem_alloc(size_t size)
	__attribute__((malloc, warn_unused_result));
void *heph_remote_mem_zero(size_t size)
	__attribute__((malloc, warn_unused_result));
void *heph_remote_mem_grow(void *ptr, size_t size)
	__attribute__((warn_unused_result));
void heph_remote_mem_free(void *ptr);

/* Whether a library that allocates by itself may: it fails as the above does. */
bool heph_remote_mem_allowed(void) __attribute__((warn_unused_result));

/* For tests. The n-th allocation from now on fails, counted from 1, and each
 * after it; -1: none. */
void heph_remote_mem_fail_after(long n);

/* For tests: how many bytes are given out. */
size_t heph_remote_mem_used(void);

#endif
