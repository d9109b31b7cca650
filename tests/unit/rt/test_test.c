/* SPDX-License-Identifier: MIT */
/* What a test runtime leaves behind when it cannot be made, and when it goes. */
#include "../../api/task.h"

#include <heph/test.h>

#include <setjmp.h>

#include "base/log.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/timers.h"
#include "rt/test.h"

static const struct heph_test_config config = { .actors = 100 };

static void gives_all_back_when_there_is_no_memory(void **state)
{
	struct heph_test *test;
	int err = -ENOMEM, refused = 0;

	(void)state;
	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = heph_test_new(&test, &config);
		heph_mem_fail_after(-1);
		if (err == 0) {
			heph_test_free(test);
			continue;
		}
		must_be(err, -ENOMEM);
		must(!test);
		must(!heph_time_virtual);
		must(!heph_thread_current);
		refused++;
	}
	must(refused > 5);
}

/* ---- leaks ---------------------------------------------------------------------- */

static jmp_buf failed;
static char text[HEPH_TEST_TEXT];

static void note(const char *what)
{
	snprintf(text, sizeof(text), "%s", what);
	longjmp(failed, 1);
}

static void fails_when_something_is_left(void **state)
{
	const struct heph_test_config noting = { .actors = 100, .fail = note };
	static struct heph_test *test;
	static void *lost;

	(void)state;
	must_be(heph_test_new(&test, &noting), 0);
	lost = heph_pool_take(&test->worker->thread.pool, 24);
	must(lost != NULL);
	if (setjmp(failed) == 0) {
		heph_test_free(test);
		must(!"it did not fail");
	}
	must(strstr(text, "left at the end of the test:") != NULL);
	must(strstr(text, "bytes") != NULL);
	heph_pool_give(&test->worker->thread.pool, lost, 24);
	heph_test_free(test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_all_back_when_there_is_no_memory),
		cmocka_unit_test(fails_when_something_is_left),
	};

	heph_log_set_level(HEPH_LOG_OFF);
	return cmocka_run_group_tests_name("test", tests, NULL, NULL);
}
