/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "child.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

enum {
	MIB = 1024 * 1024,
	THREADS = 4,
	EACH = 1000,
};

static bool is_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static void returns_zeros(void **state)
{
	unsigned char *bytes = heph_mem_alloc(1000);

	(void)state;
	assert_non_null(bytes);
	assert_true(is_zero(bytes, 1000));
	assert_int_equal((uintptr_t)bytes % 16, 0);
	heph_mem_free(bytes);
	heph_mem_free(NULL);
}

static void returns_a_pointer_for_no_bytes(void **state)
{
	void *a = heph_mem_alloc(0), *b = heph_mem_alloc_raw(0);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	heph_mem_free(a);
	heph_mem_free(b);
}

static void gives_memory_of_a_range_back(void **state)
{
	unsigned char *range = heph_mem_reserve(4 * MIB);

	(void)state;
	assert_non_null(range);
	heph_mem_huge(range, 4 * MIB);
	memset(range, 1, 2 * MIB);
	heph_mem_give_back(range + 1, MIB);
	assert_int_equal(range[0], 1); /* no whole page */
	assert_true(is_zero(range + 65536, MIB - 2 * 65536));
	assert_int_equal(range[MIB + 65536], 1);
	heph_mem_give_back(range + 10, 100);
	assert_int_equal(range[10], 1);
	heph_mem_unreserve(range, 4 * MIB);
	heph_mem_unreserve(NULL, 4 * MIB);
}

static void reserves_at_a_multiple_of_the_size(void **state)
{
	unsigned char *ranges[16];

	(void)state;
	for (size_t i = 0; i < 16; i++) {
		ranges[i] = heph_mem_reserve_aligned(2 * MIB);
		assert_non_null(ranges[i]);
		assert_int_equal((uintptr_t)ranges[i] % (2 * MIB), 0);
		ranges[i][0] = ranges[i][2 * MIB - 1] = 1;
	}
	for (size_t i = 0; i < 16; i++)
		heph_mem_unreserve(ranges[i], 2 * MIB);
}

/* However large it is, its beginning does not become a huge page. */
static void a_table_takes_memory_as_it_is_filled(void **state)
{
	unsigned char *table = heph_mem_reserve_table(64 * MIB), *small;
	unsigned char resident[512];
	int pages = 0;

	(void)state;
	assert_non_null(table);
	table[0] = table[5000] = table[64 * MIB - 1] = 1;
	assert_int_equal(mincore(table, 2 * MIB, resident), 0);
	for (int i = 0; i < 512; i++)
		pages += resident[i] & 1;
	assert_in_range(pages, 1, 2); /* pages may be larger than 4 KiB */
	assert_int_equal(table[1 * MIB], 0);
	heph_mem_unreserve(table, 64 * MIB);
	small = heph_mem_reserve_table(100);
	assert_non_null(small);
	small[99] = 1;
	heph_mem_unreserve(small, 100);
}

static void reserves_more_than_there_is(void **state)
{
	size_t size = (size_t)1 << 40;
	unsigned char *range = heph_mem_reserve(size);

	(void)state;
	if (!range)
		skip(); /* a limit of this shell, or a sanitizer */
	range[size - 1] = 1;
	heph_mem_unreserve(range, size);
}

static void returns_null_for_too_much(void **state)
{
	(void)state;
	assert_null(heph_mem_reserve((size_t)1 << 62));
}

static void fails_only_the_nth_allocation(void **state)
{
	void *a, *b, *c;

	(void)state;
	heph_mem_fail_after(2);
	a = heph_mem_alloc(1);
	b = heph_mem_alloc(1);
	c = heph_mem_alloc(1);
	assert_non_null(a);
	assert_null(b);
	assert_non_null(c);
	heph_mem_free(a);
	heph_mem_free(c);
}

static void fails_every_kind_of_allocation(void **state)
{
	void *ptr;

	(void)state;
	heph_mem_fail_after(1);
	ptr = heph_mem_alloc_raw(1);
	assert_null(ptr);
	heph_mem_fail_after(1);
	ptr = heph_mem_reserve(4096);
	assert_null(ptr);
	heph_mem_fail_after(1);
	ptr = heph_mem_reserve_aligned(4096);
	assert_null(ptr);
	heph_mem_fail_after(1);
	ptr = heph_mem_reserve_table(4096);
	assert_null(ptr);
	heph_mem_fail_after(1);
	heph_mem_fail_after(-1);
	ptr = heph_mem_alloc(1);
	assert_non_null(ptr);
	heph_mem_free(ptr);
}

static void *allocate_many(void *failed)
{
	void *ptr;

	for (int i = 0; i < EACH; i++) {
		ptr = heph_mem_alloc(1);
		*(int *)failed += !ptr;
		heph_mem_free(ptr);
	}
	return NULL;
}

static void fails_one_in_all_threads(void **state)
{
	pthread_t threads[THREADS];
	int failed[THREADS] = { 0 }, sum = 0;
	long before = heph_mem_allocations();

	(void)state;
	heph_mem_fail_after(THREADS * EACH / 2);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						allocate_many, &failed[i]),
				 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += failed[i];
	}
	assert_int_equal(sum, 1);
	assert_int_equal(heph_mem_allocations() - before, THREADS * EACH);
}

static void fail_none(void)
{
	heph_mem_fail_after(0);
}

static void refuses_to_count_from_nought(void **state)
{
	static struct child child;

	(void)state;
	child_run(&child, fail_none);
	assert_true(child_aborted(&child));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_zeros),
		cmocka_unit_test(returns_a_pointer_for_no_bytes),
		cmocka_unit_test(gives_memory_of_a_range_back),
		cmocka_unit_test(reserves_at_a_multiple_of_the_size),
		cmocka_unit_test(a_table_takes_memory_as_it_is_filled),
		cmocka_unit_test(reserves_more_than_there_is),
		cmocka_unit_test(returns_null_for_too_much),
		cmocka_unit_test(fails_only_the_nth_allocation),
		cmocka_unit_test(fails_every_kind_of_allocation),
		cmocka_unit_test(fails_one_in_all_threads),
		cmocka_unit_test(refuses_to_count_from_nought),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
