/* SPDX-License-Identifier: MIT */
#include "remote/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"

enum { KEYS = 300, STEPS = 200000 };

/* Random steps, compared with an array. Some keys are far apart, some close. */
static void holds_what_was_put(void **state)
{
	struct heph_table table = { .seed = 7 };
	char there[KEYS] = { 0 };
	unsigned seed = 1;
	size_t n = 0, at, seen;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)rand_r(&seed) % KEYS;
		uint64_t key = i % 2 ? i : (uint64_t)i << 54;
		void *value = &there[i];

		assert_ptr_equal(heph_table_get(&table, key),
				 there[i] ? value : NULL);
		if (there[i]) {
			assert_ptr_equal(heph_table_take(&table, key), value);
			n--;
		} else {
			assert_int_equal(heph_table_put(&table, key, value), 0);
			n++;
		}
		there[i] = !there[i];
		assert_int_equal(table.n, n);
	}
	for (at = seen = 0; heph_table_next(&table, &at);)
		seen++;
	assert_int_equal(seen, n);
	assert_null(heph_table_take(&table, 12345));
	heph_table_fini(&table);
	assert_null(heph_table_take(&table, 1));
	assert_int_equal(heph_remote_mem_used(), 0);
}

static void stays_as_it_was_without_memory(void **state)
{
	struct heph_table table = { 0 };
	static int values[100];
	uint64_t key = 0;

	(void)state;
	heph_remote_mem_fail_after(1);
	assert_int_equal(heph_table_put(&table, 1, values), -ENOMEM);
	heph_remote_mem_fail_after(2);
	while (heph_table_put(&table, key, &values[key]) == 0)
		key++;
	heph_remote_mem_fail_after(-1);
	assert_in_range(key, 8, 20);
	for (uint64_t i = 0; i < key; i++)
		assert_ptr_equal(heph_table_get(&table, i), &values[i]);
	assert_null(heph_table_get(&table, key));
	heph_table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_put),
		cmocka_unit_test(stays_as_it_was_without_memory),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
