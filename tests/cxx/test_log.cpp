/* SPDX-License-Identifier: MIT */
/* test_log.cpp - the words of log.h in C++ */
#include "act.hpp"

#include <heph/log.h>

#include <cstring>

static char text[1024];

static void take(heph_log_level, const char *line, size_t size)
{
	std::memcpy(text, line, size + 1);
}

static int evaluated;

static int evaluate()
{
	return ++evaluated;
}

static void lines_are_written_as_in_c(void **)
{
	heph_log_to_fn(take);
	must_be(heph_log_set_filter("warn,test_log=info"), 0);
	heph_log_info("hello", HEPH_KV_STR("a", "b"), HEPH_KV_INT("n", evaluate()),
		      HEPH_KV_ERR("err", -EIO));
	heph_log_debug("not this", HEPH_KV_INT("n", evaluate()));
	heph_log_flush();
	must(std::strstr(text, " level=info msg=hello target=test_log a=b n=1 "
			       "err=EIO\n"));
	must_be(evaluated, 1);
	heph_log_to(2);
}

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_written_as_in_c),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
