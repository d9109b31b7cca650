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
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
