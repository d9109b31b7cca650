/* SPDX-License-Identifier: MIT */
/*
 * mem.h - memory that a test can have refused
 *
 * For what belongs to no request and no actor: the state of compressors, tables
 * that live as long as a server. So a test can let the 1st, 2nd, 3rd allocation
 * of something fail and see that it cleans up after itself; and see that all of
 * it was given back. Any thread.
 */
#ifndef HEPH_HTTP_MEM_H
#define HEPH_HTTP_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Like malloc(3), and free(3). */
void *heph_http_mem_alloc(size_t size) __attribute__((malloc, warn_unused_result));
void heph_http_mem_free(void *ptr);

/* Zeroed; and like realloc(3), of which nothing but NULL leaves what there was. */
void *heph_http_mem_zero(size_t size) __attribute__((malloc, warn_unused_result));
void *heph_http_mem_grow(void *ptr, size_t size)
	__attribute__((warn_unused_result));

/* Whether a library that allocates by itself may: it fails as the above does. */
bool heph_http_mem_allowed(void) __attribute__((warn_unused_result));

/* For tests. The n-th allocation from now on fails, counted from 1, and each
 * after it; -1: none. */
void heph_http_mem_fail_after(long n);

/* For tests: how many bytes are given out, by heph_http_mem_alloc(). */
size_t heph_http_mem_used(void);

#endif
