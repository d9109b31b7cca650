/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static unsigned bits(uint64_t n)
{
	return (unsigned)__builtin_popcountll(n);
}

/* One bit more or less changes about half of them. */
static void spreads_each_bit(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 100; n++)
		for (int bit = 0; bit < 64; bit++) {
			uint64_t other = n ^ UINT64_C(1) << bit;
			unsigned d = bits(heph_hash_mix(n) ^
					  heph_hash_mix(other));

			assert_true(d > 8 && d < 56);
		}
}

static void depends_on_each_byte_and_on_the_length(void **state)
{
	unsigned char bytes[33] = { 0 };
	uint64_t hash = heph_hash_bytes(bytes, sizeof(bytes));

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = 1;
		assert_true(heph_hash_bytes(bytes, sizeof(bytes)) != hash);
		bytes[i] = 0;
		assert_true(heph_hash_bytes(bytes, i) != hash);
	}
	assert_true(heph_hash_bytes(bytes, sizeof(bytes)) == hash);
}

static void does_not_depend_on_where_they_are(void **state)
{
	static const char text[] = "the same bytes everywhere";
	char copy[sizeof(text) + 8];

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		memcpy(copy + at, text, sizeof(text));
		assert_true(heph_hash_bytes(copy + at, sizeof(text)) ==
			    heph_hash_bytes(text, sizeof(text)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads_each_bit),
		cmocka_unit_test(depends_on_each_byte_and_on_the_length),
		cmocka_unit_test(does_not_depend_on_where_they_are),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
