/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include "base/mem.h"
#include "base/rand.h"

#include "child.h"

#include <string.h>

enum {
	RECORDS = 500,
	ROUNDS = 200000,
};

static struct heph_pool pool;

static int start(void **state)
{
	(void)state;
	heph_pool_init(&pool);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	heph_mem_fail_after(-1);
	heph_pool_fini(&pool);
	return 0;
}

static void gives_aligned_records_of_any_size(void **state)
{
	size_t align = HEPH_POOL_CHECKED ? 16 : HEPH_POOL_GRAIN;
	void *record;

	(void)state;
	for (size_t size = 0; size <= 5000; size++) {
		record = heph_pool_take(&pool, size);
		assert_non_null(record);
		if (size <= HEPH_POOL_LARGEST)
			assert_int_equal((uintptr_t)record % align, 0);
		memset(record, 0xff, size);
		heph_pool_give(&pool, record, size);
	}
	assert_int_equal(heph_pool_in_use(&pool), 0);
}

static void counts_the_bytes_in_use(void **state)
{
	void *a = heph_pool_take(&pool, 10), *b = heph_pool_take(&pool, 1000);
	void *c = heph_pool_take(&pool, 100000);

	(void)state;
	assert_int_equal(heph_pool_in_use(&pool), 101010);
	heph_pool_give(&pool, b, 1000);
	heph_pool_give(&pool, NULL, 77);
	assert_int_equal(heph_pool_in_use(&pool), 100010);
	heph_pool_give(&pool, a, 10);
	heph_pool_give(&pool, c, 100000);
	assert_int_equal(heph_pool_in_use(&pool), 0);
}

static void gives_the_warmest_record_first(void **state)
{
	void *a = heph_pool_take(&pool, 64), *b = heph_pool_take(&pool, 64);
	void *c;

	(void)state;
	if (HEPH_POOL_CHECKED) {
		heph_pool_give(&pool, a, 64);
		heph_pool_give(&pool, b, 64);
		skip();
	}
	heph_pool_give(&pool, a, 64);
	heph_pool_give(&pool, b, 64);
	c = heph_pool_take(&pool, 33); /* the same class */
	assert_ptr_equal(c, b);
	heph_pool_give(&pool, c, 33);
}

static void uses_a_chunk_up_before_the_next(void **state)
{
	enum { N = HEPH_POOL_CHUNK / HEPH_POOL_GRAIN - 2 };
	static void *records[N];
	void *large;
	long before;

	(void)state;
	if (HEPH_POOL_CHECKED)
		skip();
	before = heph_mem_allocations();
	for (int i = 0; i < N - 1; i++)
		records[i] = heph_pool_take(&pool, 32);
	assert_int_equal(heph_mem_allocations() - before, 1);
	/* One grain is left. It is not lost when a larger record needs more. */
	large = heph_pool_take(&pool, 4096);
	assert_int_equal(heph_mem_allocations() - before, 2);
	heph_pool_give(&pool, large, 4096);
	records[N - 1] = heph_pool_take(&pool, 32);
	assert_in_range((uintptr_t)records[N - 1], (uintptr_t)records[0],
			(uintptr_t)records[0] + HEPH_POOL_CHUNK);
	for (int i = 0; i < N; i++)
		heph_pool_give(&pool, records[i], 32);
}

static void returns_null_without_memory(void **state)
{
	static const size_t sizes[] = { 1, 512, 1024, 4096, 4097 };
	void *record;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		stop(NULL);
		heph_mem_fail_after(1);
		record = heph_pool_take(&pool, sizes[i]);
		assert_null(record);
		assert_int_equal(heph_pool_in_use(&pool), 0);
		record = heph_pool_take(&pool, sizes[i]);
		assert_non_null(record);
		heph_pool_give(&pool, record, sizes[i]);
	}
}

static void never_gives_a_byte_twice(void **state)
{
	static struct {
		unsigned char *bytes;
		size_t size;
		unsigned char mark;
	} records[RECORDS];
	struct heph_rand rand;
	size_t n;

	(void)state;
	heph_rand_seed(&rand, 1);
	for (int round = 0; round < ROUNDS; round++) {
		n = heph_rand_below(&rand, RECORDS);
		if (records[n].bytes) {
			assert_int_equal(records[n].bytes[0], records[n].mark);
			assert_memory_equal(records[n].bytes,
					    records[n].bytes + 1,
					    records[n].size - 1);
			heph_pool_give(&pool, records[n].bytes,
				       records[n].size);
			records[n].bytes = NULL;
			continue;
		}
		records[n].size = 1 + heph_rand_below(&rand, 600);
		if (heph_rand_below(&rand, 8) == 0)
			records[n].size *= 8;
		records[n].mark = (unsigned char)round;
		records[n].bytes = heph_pool_take(&pool, records[n].size);
		assert_non_null(records[n].bytes);
		memset(records[n].bytes, records[n].mark, records[n].size);
	}
	for (n = 0; n < RECORDS; n++)
		heph_pool_give(&pool, records[n].bytes, records[n].size);
	assert_int_equal(heph_pool_in_use(&pool), 0);
}

static void keep_one(void)
{
	void *kept = heph_pool_take(&pool, 40);

	heph_pool_fini(&pool);
	free(HEPH_POOL_CHECKED ? kept : NULL);
}

static void finds_forgotten_records_in_debug_builds(void **state)
{
	static struct child child;

	(void)state;
	child_run(&child, keep_one);
	assert_int_equal(child_aborted(&child), HEPH_DEBUG >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			gives_aligned_records_of_any_size, start, stop),
		cmocka_unit_test_setup_teardown(counts_the_bytes_in_use, start,
						stop),
		cmocka_unit_test_setup_teardown(gives_the_warmest_record_first,
						start, stop),
		cmocka_unit_test_setup_teardown(uses_a_chunk_up_before_the_next,
						start, stop),
		cmocka_unit_test_setup_teardown(returns_null_without_memory,
						start, stop),
		cmocka_unit_test_setup_teardown(never_gives_a_byte_twice, start,
						stop),
		cmocka_unit_test_setup_teardown(
			finds_forgotten_records_in_debug_builds, start, stop),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
