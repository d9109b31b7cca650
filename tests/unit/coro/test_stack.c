/* SPDX-License-Identifier: MIT */
/* test_stack.c - stacks: taking, giving, guards, memory */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "coro/coro.h"
#include "coro/stack.h"

#if HEPH_ASAN || HEPH_TSAN
#define MANY 20000
#else
#define MANY 1000000
#endif

static struct heph_stacks stacks;

static int set_up(void **state)
{
	(void)state;
	return heph_stacks_init(&stacks, HEPH_STACK_SIZE, MANY);
}

static int tear_down(void **state)
{
	(void)state;
	heph_stacks_fini(&stacks);
	heph_stacks_fini(&stacks); /* accepted */
	heph_stacks_best_guard = HEPH_GUARD_INSTALL;
	return 0;
}

/* The pages of a stack that have memory. */
static size_t resident(char *low)
{
	unsigned char pages[HEPH_STACK_SIZE / 4096];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n = 0;

	assert_int_equal(mincore(low, stacks.size, pages), 0);
	for (size_t i = 0; i < stacks.size / page; i++)
		n += pages[i] & 1;
	return n;
}

static void touch(char *low)
{
	memset(low, 1, stacks.size);
}

/* Whether there is nothing to be read or written at `addr`. */
static bool is_guarded(char *addr)
{
	char byte = 0;
	struct iovec here = { .iov_base = &byte, .iov_len = 1 };
	struct iovec there = { .iov_base = addr, .iov_len = 1 };
	ssize_t n = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	assert_true(n == 1 || errno == EFAULT);
	return n < 0;
}

static void test_refuses_nonsense(void **state)
{
	struct heph_stacks other;

	(void)state;
	assert_int_equal(heph_stacks_init(&other, 0, 1), -EINVAL);
	assert_int_equal(heph_stacks_init(&other, 4096, 0), -EINVAL);
	assert_int_equal(heph_stacks_init(&other, SIZE_MAX, 1), -EINVAL);
}

static void test_hands_out_the_hottest(void **state)
{
	char *a = heph_stack_take(&stacks);
	char *b = heph_stack_take(&stacks);
	char *c = heph_stack_take(&stacks);

	(void)state;
	assert_true(a && b && c && a != b && b != c && a != c);
	assert_int_equal((uintptr_t)a % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
	assert_int_equal(stacks.in_use, 3);
	heph_stack_give(&stacks, b);
	heph_stack_give(&stacks, a);
	assert_int_equal(stacks.in_use, 1);
	assert_int_equal(stacks.idle, 2);
	assert_ptr_equal(heph_stack_take(&stacks), a);
	assert_ptr_equal(heph_stack_take(&stacks), b);
	assert_int_equal(stacks.idle, 0);
	touch(a), touch(b), touch(c);
}

static void test_stops_at_max(void **state)
{
	struct heph_stacks few;

	(void)state;
	assert_int_equal(heph_stacks_init(&few, 5000, 2), 0);
	assert_int_equal(few.size % (size_t)sysconf(_SC_PAGESIZE), 0);
	assert_true(few.size >= 5000);
	assert_true(few.stride / (size_t)sysconf(_SC_PAGESIZE) % 2);
	assert_non_null(heph_stack_take(&few));
	assert_non_null(heph_stack_take(&few));
	assert_null(heph_stack_take(&few));
	assert_int_equal(few.in_use, 2);
	heph_stacks_fini(&few);
}

static void test_survives_lack_of_memory(void **state)
{
	struct heph_stacks few;
	int err = -ENOMEM;
	void *low = NULL;

	(void)state;
	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = heph_stacks_init(&few, 8192, 10);
	}
	assert_int_equal(err, 0);
	heph_mem_fail_after(1);
	assert_null(heph_stack_take(&few));
	assert_int_equal(few.in_use, 0);
	heph_mem_fail_after(-1);
	low = heph_stack_take(&few);
	assert_non_null(low);
	heph_stacks_fini(&few);
}

/* Into the second chunk, too. */
static void test_knows_its_addresses(void **state)
{
	size_t n = ((size_t)64 << 20) / stacks.stride + 10;
	char on_another_stack = 0;
	char *low = NULL;

	(void)state;
	assert_false(heph_stacks_owns(&stacks, &on_another_stack));
	for (size_t i = 0; i < n; i++) {
		low = heph_stack_take(&stacks);
		assert_ptr_equal(heph_stacks_stack_of(&stacks, low), low);
		assert_ptr_equal(heph_stacks_stack_of(&stacks, low + 9999),
				 low);
		assert_ptr_equal(heph_stacks_stack_of(&stacks,
						      low + stacks.size - 1),
				 low);
		assert_null(heph_stacks_guard_of(&stacks, low));
		assert_ptr_equal(heph_stacks_guard_of(&stacks, low - 1), low);
		assert_ptr_equal(
			heph_stacks_guard_of(&stacks, low - stacks.guard), low);
		assert_null(heph_stacks_stack_of(&stacks, low - 1));
		assert_true(heph_stacks_owns(&stacks, low - 1));
	}
	assert_true(stacks.n_chunks == 2);
	assert_false(heph_stacks_owns(&stacks, low + stacks.stride));
	assert_false(heph_stacks_owns(&stacks, low + stacks.size));
	assert_false(heph_stacks_owns(&stacks, NULL));
}

static void test_trim_returns_memory(void **state)
{
	enum { N = 40 };
	char *low[N];

	(void)state;
	for (int i = 0; i < N; i++) {
		low[i] = heph_stack_take(&stacks);
		assert_int_equal(resident(low[i]), 0);
		touch(low[i]);
		assert_true(resident(low[i]) > 0);
	}
	for (int i = 0; i < N; i++)
		heph_stack_give(&stacks, low[i * 7 % N]);
	heph_stacks_trim(&stacks, N + 1);
	assert_true(resident(low[0]) > 0);
	heph_stacks_trim(&stacks, 3);
	for (int i = 0; i < N; i++) /* all but the three given last */
		assert_int_equal(resident(low[i * 7 % N]) > 0, i >= N - 3);
	assert_true(is_guarded(low[5] - 1)); /* still */
	/* A trimmed one that was used since is trimmed again. */
	for (int i = 0; i < N; i++)
		assert_ptr_equal(heph_stack_take(&stacks),
				 low[(N - 1 - i) * 7 % N]);
	touch(low[0]);
	heph_stack_give(&stacks, low[0]);
	heph_stacks_trim(&stacks, 0);
	assert_int_equal(resident(low[0]), 0);
	assert_int_equal(stacks.idle, 1);
}

static void test_trim_merges_neighbours(void **state)
{
	enum { N = 9 };
	static const int order[N] = { 0, 1, 2, 8, 7, 6, 3, 5, 4 };
	char *low[N];

	(void)state;
	for (int i = 0; i < N; i++)
		touch(low[i] = heph_stack_take(&stacks));
	for (int i = 0; i < N; i++)
		heph_stack_give(&stacks, low[order[i]]);
	heph_stacks_trim(&stacks, 1);
	for (int i = 0; i < N; i++)
		assert_int_equal(resident(low[i]) > 0, i == 4);
}

static void guards(enum heph_guard best)
{
	char *first, *second;

	heph_stacks_best_guard = best;
	first = heph_stack_take(&stacks);
	second = heph_stack_take(&stacks);
	assert_true(is_guarded(first - 1));
	assert_true(is_guarded(second - 1));
	assert_true(is_guarded(second - stacks.guard));
	assert_false(is_guarded(first));
	assert_false(is_guarded(first + stacks.size - 1));
	assert_int_equal(stacks.unguarded, 0);
}

static void test_guards(void **state)
{
	(void)state;
	guards(HEPH_GUARD_INSTALL);
}

static void test_guards_by_mprotect(void **state)
{
	(void)state;
	guards(HEPH_GUARD_MPROTECT);
	assert_int_equal(stacks.n_mprotect, 2);
}

static void test_mprotect_keeps_to_its_budget(void **state)
{
	char *low = NULL;

	(void)state;
	if (heph_san_on_valgrind())
		skip(); /* valgrind has a limit of its own, and aborts */
	heph_stacks_best_guard = HEPH_GUARD_MPROTECT;
	for (size_t i = 0; i < 20000 && !stacks.unguarded; i++)
		assert_non_null(low = heph_stack_take(&stacks));
	if (!stacks.unguarded)
		skip(); /* max_map_count is large here */
	assert_false(is_guarded(low - 1));
	heph_stacks_fini(&stacks); /* gives the budget back */
	assert_int_equal(set_up(NULL), 0);
	low = heph_stack_take(&stacks);
	assert_true(is_guarded(low - 1));
}

static void give_chunk(char *low)
{
	for (size_t i = 0; i < stacks.per_chunk && stacks.in_use; i++)
		heph_stack_give(&stacks, low + i * stacks.stride);
}

static void test_a_million(void **state)
{
	char *low = NULL;

	(void)state;
	if (heph_san_on_valgrind())
		skip(); /* valgrind searches its list of stacks at each turn */
	for (size_t i = 0; i < MANY; i++)
		assert_non_null(low = heph_stack_take(&stacks));
	assert_int_equal(stacks.in_use, MANY);
	assert_null(heph_stack_take(&stacks));
	assert_true(heph_stacks_owns(&stacks, low));
	for (size_t i = 0; i < stacks.n_chunks; i++)
		give_chunk(stacks.chunks[i] + stacks.guard);
	assert_int_equal(stacks.idle, MANY);
	heph_stacks_trim(&stacks, 0);
	assert_int_equal(stacks.trimmed, MANY);
}

static struct heph_coro main_coro;

static int use_stack(struct heph_coro *self)
{
	char frame[2000];

	memset(frame, 1, sizeof(frame));
	__asm__ volatile("" : "+m"(frame));
	heph_coro_leave(self, &main_coro);
}

/* One stack, one coroutine after another: no poison remains. */
static void test_stacks_are_recycled(void **state)
{
	struct heph_coro coro;
	char *top;
	void *low;

	(void)state;
	heph_coro_init_thread(&main_coro);
	for (int i = 0; i < 1000; i++) {
		low = heph_stack_take(&stacks);
		top = heph_coro_top(low, stacks.size);
		heph_coro_init(&coro, low, stacks.size, top,
			       top - HEPH_CORO_FRAME, use_stack, NULL);
		heph_coro_switch(&main_coro, &coro);
		heph_coro_fini(&coro);
		heph_stack_give(&stacks, low);
	}
	assert_int_equal(stacks.idle, 1);
	heph_coro_fini(&main_coro);
}

#define TEST(name_)                                                            \
	cmocka_unit_test_setup_teardown(test_##name_, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_nonsense),
		TEST(hands_out_the_hottest),
		TEST(stops_at_max),
		TEST(survives_lack_of_memory),
		TEST(knows_its_addresses),
		TEST(trim_returns_memory),
		TEST(trim_merges_neighbours),
		TEST(guards),
		TEST(guards_by_mprotect),
		TEST(mprotect_keeps_to_its_budget),
		TEST(a_million),
		TEST(stacks_are_recycled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
