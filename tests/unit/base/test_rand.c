/* SPDX-License-Identifier: MIT */
#include "base/rand.h"

#include "child.h"

static struct heph_rand rand_a, rand_b;

static void splitmix_and_xoshiro_give_their_known_numbers(void **state)
{
	/* xoshiro256** from the state 1, 2, 3, 4. */
	static const uint64_t known[] = { 11520, 0, 1509978240,
					  1215971899390074240 };

	(void)state;
	heph_rand_seed(&rand_a, 1234567);
	/* splitmix64 from 1234567. */
	assert_true(rand_a.state[0] == UINT64_C(6457827717110365317));
	assert_true(rand_a.state[1] == UINT64_C(3203168211198807973));
	assert_true(rand_a.state[2] == UINT64_C(9817491932198370423));
	rand_a = (struct heph_rand){ { 1, 2, 3, 4 } };
	for (int i = 0; i < 4; i++)
		assert_true(heph_rand_next(&rand_a) == known[i]);
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
	(void)state;
	heph_rand_seed(&rand_a, 42);
	heph_rand_seed(&rand_b, 42);
	for (int i = 0; i < 1000; i++)
		assert_true(heph_rand_next(&rand_a) == heph_rand_next(&rand_b));
	heph_rand_seed(&rand_b, 43);
	assert_true(heph_rand_next(&rand_a) != heph_rand_next(&rand_b));
}

static void numbers_below_n_are_equally_likely(void **state)
{
	enum { N = 7, DRAWS = 700000 };
	int count[N] = { 0 };

	(void)state;
	heph_rand_seed(&rand_a, 0);
	for (int i = 0; i < DRAWS; i++)
		count[heph_rand_below(&rand_a, N)]++;
	for (int i = 0; i < N; i++)
		assert_in_range(count[i], DRAWS / N - 1500, DRAWS / N + 1500);
}

/* For this n a third of all draws must be rejected; by the product alone some
 * numbers would come up twice as often. */
static void large_n_is_not_biased(void **state)
{
	const uint64_t n = UINT64_C(3) << 62;
	int low = 0;

	(void)state;
	heph_rand_seed(&rand_a, 5);
	for (int i = 0; i < 300000; i++)
		low += heph_rand_below(&rand_a, n) % 3 == 0;
	assert_in_range(low, 99000, 101000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(heph_rand_below(&rand_a, 1), 0);
}

static void draw_below_nothing(void)
{
	heph_rand_below(&rand_a, 0);
}

static void there_is_no_number_below_zero(void **state)
{
	static struct child child;

	(void)state;
	child_run(&child, draw_below_nothing);
	assert_true(child_aborted(&child));
}

static void entropy_differs_each_time(void **state)
{
	(void)state;
	assert_true(heph_rand_entropy() != heph_rand_entropy());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitmix_and_xoshiro_give_their_known_numbers),
		cmocka_unit_test(the_same_seed_gives_the_same_numbers),
		cmocka_unit_test(numbers_below_n_are_equally_likely),
		cmocka_unit_test(large_n_is_not_biased),
		cmocka_unit_test(there_is_no_number_below_zero),
		cmocka_unit_test(entropy_differs_each_time),
	};

	return cmocka_run_group_tests_name("rand", tests, NULL, NULL);
}
