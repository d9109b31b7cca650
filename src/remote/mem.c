/* SPDX-License-Identifier: MIT */
#include "remote/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic long left = -1; /* allocations before they fail; -1: no end */
static _Atomic size_t used;

void heph_remote_mem_fail_after(long n)
{
	left = n < 0 ? -1 : n;
}

size_t heph_remote_mem_used(void)
{
	return used;
}

bool heph_remote_mem_allowed(void)
{
	long was = left;

	if (was < 0)
		return true;
	while (was > 0 && !atomic_compare_exchange_weak(&left, &was, was - 1))
		;
	return was > 1;
}

void *heph_remote_mem_alloc(size_t size)
{
	void *ptr = heph_remote_mem_allowed() ? malloc(size) : NULL;

	used += malloc_usable_size(ptr);
	return ptr;
}

void *heph_remote_mem_zero(size_t size)
{
	void *ptr = heph_remote_mem_alloc(size);

	return ptr ? memset(ptr, 0, size) : NULL;
}

void *heph_remote_mem_grow(void *ptr, size_t size)
{
	size_t was = malloc_usable_size(ptr);
	void *grown = heph_remote_mem_allowed() ? realloc(ptr, size) : NULL;

	if (grown)
		used += malloc_usable_size(grown) - was;
	return grown;
}

void heph_remote_mem_free(void *ptr)
{
	used -= malloc_usable_size(ptr);
	free(ptr);
}
