/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct heph_pool pool;
static struct heph_arena arena;

static int start(void **state)
{
	(void)state;
	heph_pool_init(&pool);
	memset(&arena, 0, sizeof(arena));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	heph_mem_fail_after(-1);
	heph_arena_fini(&arena, &pool);
	assert_int_equal(heph_pool_in_use(&pool), 0);
	heph_pool_fini(&pool);
	return 0;
}

static void gives_aligned_zeros(void **state)
{
	static const unsigned char zeros[5000];
	unsigned char *bytes;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 5000; size += 13) {
			bytes = heph_arena_alloc(&arena, &pool, size);
			assert_non_null(bytes);
			assert_int_equal((uintptr_t)bytes % 16, 0);
			assert_memory_equal(bytes, zeros, size);
			memset(bytes, 0xff, size);
		}
		heph_arena_fini(&arena, &pool);
		assert_int_equal(heph_pool_in_use(&pool), 0);
	}
}

static void starts_small_and_grows(void **state)
{
	static const size_t sums[] = { 512, 512 + 1024, 512 + 1024 + 2048,
				       512 + 1024 + 2048 + 4096,
				       512 + 1024 + 2048 + 4096 + 4096 };
	size_t sum;
	unsigned i = 0;

	(void)state;
	while (i < sizeof(sums) / sizeof(sums[0])) {
		assert_non_null(heph_arena_alloc(&arena, &pool, 16));
		sum = heph_pool_in_use(&pool);
		while (i < sizeof(sums) / sizeof(sums[0]) && sums[i] < sum)
			i++;
		if (i < sizeof(sums) / sizeof(sums[0]))
			assert_int_equal(sum, sums[i]);
		if (i == sizeof(sums) / sizeof(sums[0]) - 1)
			break;
	}
}

static void fills_a_chunk_to_the_last_byte(void **state)
{
	(void)state;
	assert_non_null(heph_arena_alloc(&arena, &pool, 512 - 16));
	assert_int_equal(heph_pool_in_use(&pool), 512);
	assert_non_null(heph_arena_alloc(&arena, &pool, 1));
	assert_int_equal(heph_pool_in_use(&pool), 512 + 1024);
}

static void gives_large_requests_a_chunk_of_their_own(void **state)
{
	unsigned char *before, *after, *alone;

	(void)state;
	alone = heph_arena_alloc(&arena, &pool, 10000);
	assert_non_null(alone);
	before = heph_arena_alloc(&arena, &pool, 16);
	alone = heph_arena_alloc(&arena, &pool, 10000);
	assert_non_null(alone);
	after = heph_arena_alloc(&arena, &pool, 16);
	assert_ptr_equal(after, before + 16);
	assert_int_equal(heph_pool_in_use(&pool), 512 + 2 * (10000 + 16));
}

static void refuses_absurd_sizes(void **state)
{
	(void)state;
	assert_null(heph_arena_alloc(&arena, &pool, SIZE_MAX));
	assert_null(heph_arena_alloc(&arena, &pool, SIZE_MAX - 15));
	assert_int_equal(heph_pool_in_use(&pool), 0);
}

static void is_as_before_without_memory(void **state)
{
	static const size_t sizes[] = { 1, 600, 4080, 4081, 100000 };
	size_t before;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		stop(NULL);
		heph_mem_fail_after(1);
		assert_null(heph_arena_alloc(&arena, &pool, sizes[i]));
		assert_int_equal(heph_pool_in_use(&pool), 0);
		assert_non_null(heph_arena_alloc(&arena, &pool, sizes[i]));
		before = heph_pool_in_use(&pool);
		heph_mem_fail_after(1);
		assert_null(heph_arena_alloc(&arena, &pool, 1000000));
		assert_int_equal(heph_pool_in_use(&pool), before);
	}
}

/* Fills some memory, small and large. */
static void fill(struct heph_rand *rand, int n)
{
	for (int i = 0; i < n; i++) {
		size_t size = heph_rand_below(rand, 10) ?
				      heph_rand_below(rand, 300) :
				      heph_rand_below(rand, 9000);
		unsigned char *bytes = heph_arena_alloc(&arena, &pool, size);

		assert_non_null(bytes);
		memset(bytes, 0xff, size);
	}
}

/* Marks nest: what was allocated before each stays as it is, and the arena is
 * as if nothing had been allocated after it. */
static void fill_and_release(struct heph_rand *rand, int depth)
{
	struct heph_arena_mark mark = heph_arena_mark(&arena);
	size_t in_use = heph_pool_in_use(&pool);
	struct heph_arena was = arena;

	for (int i = 0; i < 4; i++) {
		fill(rand, (int)heph_rand_below(rand, 30));
		if (depth)
			fill_and_release(rand, depth - 1);
	}
	heph_arena_release(&arena, &pool, &mark);
	assert_int_equal(heph_pool_in_use(&pool), in_use);
	assert_memory_equal(&arena, &was, sizeof(arena));
}

static void is_released_to_a_mark(void **state)
{
	struct heph_rand rand;
	unsigned char *before;

	(void)state;
	heph_rand_seed(&rand, 7);
	fill_and_release(&rand, 3);
	assert_int_equal(heph_pool_in_use(&pool), 0);
	before = heph_arena_alloc(&arena, &pool, 100);
	assert_non_null(before);
	memset(before, 'b', 100);
	fill_and_release(&rand, 3);
	for (int i = 0; i < 100; i++)
		assert_int_equal(before[i], 'b');
}

static void a_mark_may_lie_in_what_is_freed(void **state)
{
	struct heph_arena_mark mark = heph_arena_mark(&arena), *copy;

	(void)state;
	copy = heph_arena_alloc(&arena, &pool, sizeof(*copy));
	assert_non_null(copy);
	*copy = mark;
	assert_non_null(heph_arena_alloc(&arena, &pool, 5000));
	heph_arena_release(&arena, &pool, copy);
	assert_int_equal(heph_pool_in_use(&pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_aligned_zeros, start,
						stop),
		cmocka_unit_test_setup_teardown(starts_small_and_grows, start,
						stop),
		cmocka_unit_test_setup_teardown(fills_a_chunk_to_the_last_byte,
						start, stop),
		cmocka_unit_test_setup_teardown(
			gives_large_requests_a_chunk_of_their_own, start, stop),
		cmocka_unit_test_setup_teardown(refuses_absurd_sizes, start,
						stop),
		cmocka_unit_test_setup_teardown(is_as_before_without_memory,
						start, stop),
		cmocka_unit_test_setup_teardown(is_released_to_a_mark, start,
						stop),
		cmocka_unit_test_setup_teardown(a_mark_may_lie_in_what_is_freed,
						start, stop),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
