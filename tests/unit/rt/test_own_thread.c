/* SPDX-License-Identifier: MIT */
#include "rt/own_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/heph.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "rt/thread.h"

#include "../../tools.h"

HEPH_ACTOR(waiter, void, void);

static int waiter_main(heph_ctx ctx)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(waiter, waiter_main);

static const struct heph_config config = { .workers = 1, .no_signals = true };

static void stop_and_join(heph_ctx ctx, waiter_ref waiter)
{
	heph_stop(waiter);
	assert_int_equal(heph_join(ctx, waiter, NULL), 0);
}

/* Each allocation of a spawn fails once, that of the thread included; another one has
 * failed if the spawn has not noticed: a worker's. */
static void has_no_memory(void **state)
{
	waiter_ref waiter = { .addr = { 0 } };
	int err = -ENOMEM, failures = 0;
	long before;
	heph_ctx ctx;

	(void)state;
	setenv("HEPH_LOG", "off", 1);
	assert_int_equal(heph_new(&ctx, &config), 0);
	for (long n = 1; err < 0; n++) {
		before = heph_mem_allocations();
		heph_mem_fail_after(n);
		err = heph_spawn(ctx, waiter, &waiter, .on = HEPH_OWN_THREAD,
				 .name = "with a name");
		heph_mem_fail_after(-1);
		assert_true(err == 0 || err == -ENOMEM);
		failures += err < 0;
		if (err == 0 && heph_mem_allocations() - before >= n) {
			stop_and_join(ctx, waiter);
			err = -ENOMEM;
		}
	}
	assert_true(failures > 10);
	stop_and_join(ctx, waiter);
	assert_int_equal(heph_drain(ctx), 0);
	heph_free(ctx);
}

/* A ring is two descriptors. */
static void tells_that_there_is_no_ring(void **state)
{
	struct rlimit limit, low;
	waiter_ref waiter;
	heph_ctx ctx;

	(void)state;
	assert_int_equal(heph_new(&ctx, &config), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(heph_spawn(ctx, waiter, &waiter,
				    .on = HEPH_OWN_THREAD),
			 -EMFILE);
	assert_int_equal(heph_stats(ctx).actors, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(
		heph_spawn(ctx, waiter, &waiter, .on = HEPH_OWN_THREAD), 0);
	stop_and_join(ctx, waiter);
	heph_free(ctx);
}

HEPH_ACTOR(blocker, void, void);

static int blocker_main(heph_ctx ctx)
{
	do
		pause(); /* it does not hear that it is to stop */
	while (!heph_stopping(ctx));
	return 0;
}
HEPH_ACTOR_MAIN(blocker, blocker_main);

/* When the grace is over; in a child, because it ends the process. */
static void ends_the_process_if_it_blocks_for_ever(void **state)
{
	struct heph_config brief = config;
	heph_ctx ctx;
	int status;
	pid_t pid;

	(void)state;
	brief.grace = HEPH_MSEC;
	pid = fork();
	if (pid == 0) {
		dies_with_leaks();
		if (heph_new(&ctx, &brief) < 0 ||
		    heph_spawn(ctx, blocker, NULL, .on = HEPH_OWN_THREAD) < 0)
			_exit(99);
		heph_free(ctx);
		_exit(98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* forks: before threads */
		cmocka_unit_test(ends_the_process_if_it_blocks_for_ever),
		cmocka_unit_test(has_no_memory),
		cmocka_unit_test(tells_that_there_is_no_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
