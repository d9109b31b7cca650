/* SPDX-License-Identifier: MIT */
/* test_probe.c - memory that is there, and memory that is not */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/probe.h"

static char buf[HEPH_PROBE_MAX + 1], from[HEPH_PROBE_MAX + 1];

static void reads_what_is_there(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, HEPH_PROBE_MAX };

	(void)state;
	memset(from, 'x', sizeof(from));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(buf, 0, sizeof(buf));
		assert_true(heph_probe(buf, from, sizes[i]));
		assert_memory_equal(buf, from, sizes[i]);
		assert_int_equal(buf[sizes[i]], 0);
	}
	assert_false(heph_probe(buf, from, HEPH_PROBE_MAX + 1));
}

static void refuses_what_is_not(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(two != MAP_FAILED);
	assert_int_equal(mprotect(two + page, page, PROT_NONE), 0);
	assert_true(heph_probe(buf, two + page - 8, 8));
	assert_false(heph_probe(buf, two + page - 8, 9));
	assert_false(heph_probe(buf, two + page, 1));
	assert_false(heph_probe(buf, NULL, 1));
	assert_false(heph_probe(buf, (void *)8, 8));
	assert_false(heph_probe(buf, (void *)UINTPTR_MAX, 8));
	assert_false(heph_probe(buf, (void *)((uintptr_t)1 << 60), 8));
	munmap(two, 2 * page);
}

static void needs_two_descriptors(void **state)
{
	struct rlimit before, few;
	int next = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)next + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_false(heph_probe(buf, from, 1));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(heph_probe(buf, from, 1));
	assert_int_equal(dup(next), next + 1); /* none was left open */
	close(next + 1);
	close(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_there),
		cmocka_unit_test(refuses_what_is_not),
		cmocka_unit_test(needs_two_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
