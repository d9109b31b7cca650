/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include "base/mem.h"
#include "base/rand.h"

#include "child.h"

#include <string.h>

enum {
	RECORDS = 5000,
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
	void *record;

	(void)state;
	for (size_t size = 0; size <= 5000; size++) {
		record = heph_pool_take(&pool, size);
		assert_non_null(record);
		assert_int_equal((uintptr_t)record % HEPH_POOL_GRAIN, 0);
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
	c = heph_pool_take(&pool, 49); /* the same class */
	assert_ptr_equal(c, b);
	heph_pool_give(&pool, c, 49);
}

/* Each record ends where the next one begins: what is taken and what is left
 * of a class is told by the distance. */
static void rounds_up_by_a_quarter_at_most(void **state)
{
	unsigned char *a, *b;
	size_t size, room;

	(void)state;
	if (HEPH_POOL_CHECKED)
		skip();
	for (size = 1; size <= HEPH_POOL_LARGEST; size++) {
		heph_pool_init(&pool);
		a = heph_pool_take(&pool, size);
		b = heph_pool_take(&pool, size);
		room = (size_t)(b - a);
		assert_in_range(room, size,
				size <= HEPH_POOL_SMALL ?
					size + HEPH_POOL_GRAIN - 1 :
					size + size / 4);
		heph_pool_give(&pool, a, size);
		heph_pool_give(&pool, b, size);
		heph_pool_fini(&pool);
	}
}

static void uses_a_chunk_up_before_the_next(void **state)
{
	enum { N = 8192 / 32 }; /* the head of the chunk is half a record */
	static void *records[N];
	void *large, *rest;
	long before;

	(void)state;
	if (HEPH_POOL_CHECKED)
		skip();
	heph_pool_init_small(&pool);
	before = heph_mem_allocations();
	for (int i = 0; i < N - 1; i++)
		records[i] = heph_pool_take(&pool, 32);
	assert_int_equal(heph_mem_allocations() - before, 1);
	/* One grain is left. It is not lost when a larger record needs more. */
	large = heph_pool_take(&pool, 4096);
	assert_int_equal(heph_mem_allocations() - before, 2);
	heph_pool_give(&pool, large, 4096);
	rest = heph_pool_take(&pool, 16);
	assert_in_range((uintptr_t)rest, (uintptr_t)records[0],
			(uintptr_t)records[0] + 8192);
	heph_pool_give(&pool, rest, 16);
	for (int i = 0; i < N - 1; i++)
		heph_pool_give(&pool, records[i], 32);
}

/* ---- giving memory back ---- */

enum {
	BURST_SIZE = 240,
	BURST = 12 * HEPH_POOL_CHUNK / BURST_SIZE,
};

static void *burst[BURST];

static void take_burst(void)
{
	for (int i = 0; i < BURST; i++) {
		burst[i] = heph_pool_take(&pool, BURST_SIZE);
		assert_non_null(burst[i]);
	}
}

/* All but each `step`-th from `first` on. */
static void give_burst(int first, int step)
{
	for (int i = 0; i < BURST; i++) {
		if (i >= first && (i - first) % step == 0)
			continue;
		heph_pool_give(&pool, burst[i], BURST_SIZE);
		burst[i] = NULL;
	}
}

static void give_rest(void)
{
	for (int i = 0; i < BURST; i++) {
		heph_pool_give(&pool, burst[i], BURST_SIZE);
		burst[i] = NULL;
	}
}

static void returns_the_memory_of_a_burst(void **state)
{
	(void)state;
	if (HEPH_POOL_CHECKED)
		skip();
	assert_false(heph_pool_trimmable(&pool));
	heph_pool_trim(&pool);
	take_burst();
	assert_false(heph_pool_trimmable(&pool));
	give_rest();
	assert_true(heph_pool_trimmable(&pool));
	heph_pool_trim(&pool);
	assert_int_equal(pool.size, 2 * HEPH_POOL_CHUNK);
	assert_false(heph_pool_trimmable(&pool));
	take_burst(); /* and it can be had again */
	for (int i = 0; i < BURST; i++)
		memset(burst[i], i, BURST_SIZE);
	give_rest();
}

static void keeps_a_chunk_with_a_record_in_use(void **state)
{
	(void)state;
	if (HEPH_POOL_CHECKED)
		skip();
	take_burst();
	for (int i = 0; i < BURST; i++)
		memset(burst[i], i, BURST_SIZE);
	give_burst(BURST / 2, BURST); /* one, in the middle */
	heph_pool_trim(&pool);
	assert_int_equal(pool.size, 3 * HEPH_POOL_CHUNK);
	for (int i = 0; i < BURST_SIZE; i++)
		assert_int_equal(((unsigned char *)burst[BURST / 2])[i],
				 BURST / 2 % 256);
	give_rest();
	heph_pool_trim(&pool);
	assert_int_equal(pool.size, 2 * HEPH_POOL_CHUNK);
}

static void does_not_try_again_in_vain(void **state)
{
	size_t size;

	(void)state;
	if (HEPH_POOL_CHECKED)
		skip();
	take_burst();
	give_burst(0, 1000); /* some in each chunk */
	size = pool.size;
	assert_true(heph_pool_trimmable(&pool));
	heph_pool_trim(&pool);
	assert_int_equal(pool.size, size);
	assert_false(heph_pool_trimmable(&pool));
	give_rest();
	heph_pool_trim(&pool);
	assert_int_equal(pool.size, 2 * HEPH_POOL_CHUNK);
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
		if (round % 10000 == 0)
			heph_pool_trim(&pool);
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
		cmocka_unit_test_setup_teardown(rounds_up_by_a_quarter_at_most,
						start, stop),
		cmocka_unit_test_setup_teardown(uses_a_chunk_up_before_the_next,
						start, stop),
		cmocka_unit_test_setup_teardown(returns_the_memory_of_a_burst,
						start, stop),
		cmocka_unit_test_setup_teardown(
			keeps_a_chunk_with_a_record_in_use, start, stop),
		cmocka_unit_test_setup_teardown(does_not_try_again_in_vain,
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
