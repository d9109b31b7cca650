/* SPDX-License-Identifier: MIT */
#include "base/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { MARGIN = 16, LARGEST = 200 };

static void copies_every_size_and_nothing_else(void **state)
{
	unsigned char from[LARGEST], to[LARGEST + 2 * MARGIN];

	for (size_t i = 0; i < LARGEST; i++)
		from[i] = (unsigned char)(i + 1);
	for (size_t size = 0; size <= LARGEST; size++) {
		memset(to, 0, sizeof(to));
		heph_copy(to + MARGIN, from, size);
		assert_memory_equal(to + MARGIN, from, size);
		for (size_t i = 0; i < MARGIN; i++) {
			assert_int_equal(to[i], 0);
			assert_int_equal(to[MARGIN + size + i], 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_every_size_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
