/* SPDX-License-Identifier: MIT */
/* test_coro.c - the switch, its beginnings and ends */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK(x_) assert_true(x_)

#include "cases.h"

#define TEST(name_)                                                            \
	static void test_##name_(void **state)                                 \
	{                                                                      \
		(void)state;                                                   \
		case_##name_();                                                \
	}
#define ENTRY(name_) cmocka_unit_test(test_##name_),

CASES(TEST)

int main(void)
{
	const struct CMUnitTest tests[] = { CASES(ENTRY) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
