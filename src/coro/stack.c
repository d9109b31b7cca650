/* SPDX-License-Identifier: MIT */
/* stack.c - carving, guarding and recycling stacks
 *
 *   chunk   | guard | stack 0 | guard | stack 1 | ... | not carved yet |
 *
 * The list of idle stacks is an array beside them, not a list in them: a stack
 * that is given back, or found at the bottom of the list by trim, is not
 * touched. The array and the table of chunks are reserved for `max` at once and
 * take memory as they fill.
 *
 *   free    | trimmed: no memory | idle, colder ... hotter | -> take, give
 *           0                    trimmed                   idle
 *
 * Huge pages are refused: one would give 32 stacks their memory at the first
 * touch of any.
 */
#include "coro/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define CHUNK_SIZE ((size_t)64 << 20)
#define MAPS_PER_GUARD 2 /* the guard, and the stack cut off by it */

enum heph_guard heph_stacks_best_guard = HEPH_GUARD_INSTALL;

/* Guards by mprotect, of all pools of the process. */
static atomic_size_t guards_made;

/* ---- guards ---- */

static size_t read_max_map_count(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 65530;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoul(text, NULL, 10) : 65530;
}

static size_t guards_allowed(void)
{
	static atomic_size_t allowed; /* 0: not read yet */
	size_t n = atomic_load_explicit(&allowed, memory_order_relaxed);

	if (!n) {
		n = read_max_map_count() / 10 * 4 / MAPS_PER_GUARD + 1;
		atomic_store_explicit(&allowed, n, memory_order_relaxed);
	}
	return n;
}

static bool guard_by_mprotect(void *guard, size_t size)
{
	size_t n = atomic_fetch_add_explicit(&guards_made, 1,
					     memory_order_relaxed);

	if (n < guards_allowed() && !mprotect(guard, size, PROT_NONE))
		return true;
	atomic_fetch_sub_explicit(&guards_made, 1, memory_order_relaxed);
	return false;
}

static void put_guard(struct heph_stacks *stacks, void *guard)
{
	if (heph_stacks_best_guard >= HEPH_GUARD_INSTALL &&
	    !madvise(guard, stacks->guard, MADV_GUARD_INSTALL))
		return;
	if (heph_stacks_best_guard >= HEPH_GUARD_MPROTECT &&
	    guard_by_mprotect(guard, stacks->guard))
		stacks->n_mprotect++;
	else
		stacks->unguarded++;
}

/* ---- pools ---- */

static size_t chunk_bytes(const struct heph_stacks *stacks)
{
	return stacks->per_chunk * stacks->stride;
}

static size_t max_chunks(const struct heph_stacks *stacks)
{
	return (stacks->max + stacks->per_chunk - 1) / stacks->per_chunk;
}

static void set_sizes(struct heph_stacks *stacks, size_t size, size_t max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*stacks = (struct heph_stacks){ .max = max, .guard = page };
	stacks->size = (size + page - 1) & ~(page - 1);
	if (stacks->size / page % 2) /* see "odd" in stack.h */
		stacks->guard += page;
	stacks->stride = stacks->size + stacks->guard;
	stacks->per_chunk = CHUNK_SIZE / stacks->stride;
	if (stacks->per_chunk > max)
		stacks->per_chunk = max;
	if (!stacks->per_chunk)
		stacks->per_chunk = 1;
}

int heph_stacks_init(struct heph_stacks *stacks, size_t size, size_t max)
{
	if (!size || !max || size > SIZE_MAX / 4)
		return -EINVAL;
	set_sizes(stacks, size, max);
	stacks->free = heph_mem_reserve(max * sizeof(*stacks->free));
	if (!stacks->free)
		goto fail_free;
	stacks->chunks =
		heph_mem_reserve(max_chunks(stacks) * sizeof(*stacks->chunks));
	if (!stacks->chunks)
		goto fail_chunks;
	stacks->watched = HEPH_ASAN || heph_san_on_valgrind();
	if (heph_san_on_valgrind()) {
		stacks->ids = heph_mem_reserve(max * sizeof(*stacks->ids));
		if (!stacks->ids)
			goto fail_ids;
	}
	return 0;
fail_ids:
	heph_mem_unreserve(stacks->chunks,
			   max_chunks(stacks) * sizeof(*stacks->chunks));
fail_chunks:
	heph_mem_unreserve(stacks->free, max * sizeof(*stacks->free));
fail_free:
	*stacks = (struct heph_stacks){ 0 };
	return -ENOMEM;
}

/* In it the tables are the two members at its end, so it is not copied. */
int heph_stacks_borrow(struct heph_stacks *stacks, struct heph_stacks *from)
{
	char *low = heph_stack_take(from);

	if (!low)
		return -ENOMEM;
	*stacks = (struct heph_stacks){ .size = from->size,
					.watched = from->watched,
					.stride = from->stride,
					.guard = from->guard,
					.max = 1,
					.idle = 1,
					.n_chunks = 1,
					.per_chunk = 1,
					.only = low,
					.chunk = low - from->guard,
					.next = low - from->guard +
						from->stride };
	stacks->free = &stacks->only;
	stacks->chunks = &stacks->chunk;
	heph_san_poison(low, stacks->size);
	return 0;
}

static void unmap_chunk(struct heph_stacks *stacks, char *chunk)
{
	/* The addresses may come back as anything. */
	heph_san_unpoison(chunk, chunk_bytes(stacks));
	heph_mem_unreserve(chunk, chunk_bytes(stacks));
}

void heph_stacks_fini(struct heph_stacks *stacks)
{
	size_t carved = stacks->in_use + stacks->idle;

	if (!stacks->max)
		return;
	for (size_t i = 0; stacks->ids && i < carved; i++)
		heph_san_stack_gone(stacks->ids[i]);
	for (size_t i = 0; i < stacks->n_chunks; i++)
		unmap_chunk(stacks, stacks->chunks[i]);
	atomic_fetch_sub_explicit(&guards_made, stacks->n_mprotect,
				  memory_order_relaxed);
	heph_mem_unreserve(stacks->ids, stacks->max * sizeof(*stacks->ids));
	heph_mem_unreserve(stacks->chunks,
			   max_chunks(stacks) * sizeof(*stacks->chunks));
	heph_mem_unreserve(stacks->free, stacks->max * sizeof(*stacks->free));
	*stacks = (struct heph_stacks){ 0 };
}

static bool add_chunk(struct heph_stacks *stacks)
{
	char *chunk = heph_mem_reserve(chunk_bytes(stacks));

	if (!chunk)
		return false;
	madvise(chunk, chunk_bytes(stacks), MADV_NOHUGEPAGE);
	stacks->chunks[stacks->n_chunks] = chunk;
	stacks->next = chunk;
	stacks->left = stacks->per_chunk;
	/* What a signal handler sees is complete. */
	atomic_signal_fence(memory_order_release);
	stacks->n_chunks++;
	return true;
}

static void *carve(struct heph_stacks *stacks)
{
	size_t carved = stacks->in_use + stacks->idle;
	char *low;

	if (carved == stacks->max || (!stacks->left && !add_chunk(stacks)))
		return NULL;
	put_guard(stacks, stacks->next);
	low = stacks->next + stacks->guard;
	stacks->next += stacks->stride;
	stacks->left--;
	if (stacks->ids)
		stacks->ids[carved] = heph_san_stack_new(low, stacks->size);
	stacks->in_use++;
	return low;
}

/* ---- taking and giving ---- */

void *heph_stack_take(struct heph_stacks *stacks)
{
	void *low;

	if (!stacks->idle)
		return carve(stacks);
	low = stacks->free[--stacks->idle];
	if (stacks->trimmed > stacks->idle)
		stacks->trimmed = stacks->idle;
	stacks->in_use++;
	if (stacks->watched)
		heph_san_unpoison(low, stacks->size);
	return low;
}

void heph_stack_give(struct heph_stacks *stacks, void *low)
{
	heph_debug_assert(heph_stacks_stack_of(stacks, low) == low);
	heph_assert(stacks->in_use > 0);
	if (stacks->watched)
		heph_san_poison(low, stacks->size);
	stacks->free[stacks->idle++] = low;
	stacks->in_use--;
}

/* How many of the stacks from free[i] on, below `end`, are neighbours, each
 * above or each below the one before. The lowest is put into ret_low. */
static size_t neighbours(const struct heph_stacks *stacks, size_t i, size_t end,
			 char **ret_low)
{
	char **free = (char **)stacks->free;
	ptrdiff_t step = (ptrdiff_t)stacks->stride;
	size_t n = 1;

	if (i + 1 < end && free[i + 1] - free[i] == -step)
		step = -step;
	while (i + n < end && free[i + n] - free[i + n - 1] == step)
		n++;
	*ret_low = step < 0 ? free[i + n - 1] : free[i];
	return n;
}

void heph_stacks_trim(struct heph_stacks *stacks, size_t keep)
{
	size_t end = stacks->idle > keep ? stacks->idle - keep : 0;
	char *low;
	size_t n;

	while (stacks->trimmed < end) {
		n = neighbours(stacks, stacks->trimmed, end, &low);
		/* The guards in between stay what they are. */
		heph_mem_give_back(low, n * stacks->stride - stacks->guard);
		stacks->trimmed += n;
	}
}

/* ---- whose is this address ---- */

/* The carved stack in whose bytes or guard `addr` is, or NULL. */
static char *find(const struct heph_stacks *stacks, const void *addr)
{
	uintptr_t at = (uintptr_t)addr;
	uintptr_t chunk;
	char *low;

	for (size_t i = 0; i < stacks->n_chunks; i++) {
		chunk = (uintptr_t)stacks->chunks[i];
		if (at < chunk || at - chunk >= chunk_bytes(stacks))
			continue;
		low = stacks->chunks[i] +
		      (at - chunk) / stacks->stride * stacks->stride +
		      stacks->guard;
		if (i == stacks->n_chunks - 1 && low > stacks->next)
			return NULL;
		return low;
	}
	return NULL;
}

bool heph_stacks_owns(const struct heph_stacks *stacks, const void *addr)
{
	return find(stacks, addr) != NULL;
}

void *heph_stacks_stack_of(const struct heph_stacks *stacks, const void *addr)
{
	char *low = find(stacks, addr);

	return low && (uintptr_t)addr >= (uintptr_t)low ? low : NULL;
}

void *heph_stacks_guard_of(const struct heph_stacks *stacks, const void *addr)
{
	char *low = find(stacks, addr);

	return low && (uintptr_t)addr < (uintptr_t)low ? low : NULL;
}
