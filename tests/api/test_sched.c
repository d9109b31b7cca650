/* SPDX-License-Identifier: MIT */
/* Nobody starves, whoever schedules. */
#include "act.h"

static const struct heph_scheduler *scheduler;
static _Atomic bool seen;

/* Never waits for anything, but lets others run. */
static int busy(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	while (!seen)
		must_be(heph_yield(ctx), 0);
	return 0;
}

static int be_seen(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	seen = true;
	return 0;
}

/* 40 busy ones, then one there; it is over when that has run. */
static void among_40(int on, int priority)
{
	const struct heph_config config = { .workers = 1,
					    .no_signals = true,
					    .scheduler = scheduler };
	heph_ctx ctx = begin(&config);

	seen = false;
	for (int n = 0; n < 40; n++)
		must_be(heph_spawn(ctx, act, NULL, { busy, NULL },
				   .priority = HEPH_HIGH),
			0);
	must_be(heph_spawn(ctx, act, NULL, { be_seen, NULL }, .on = on,
			   .priority = priority),
		0);
	end(ctx);
}

static void moving_ones_run_among_busy_ones(void **state)
{
	(void)state;
	among_40(HEPH_ANY, HEPH_NORMAL);
}

static void low_ones_run_among_high_ones(void **state)
{
	(void)state;
	among_40(HEPH_HERE, HEPH_LOW);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(moving_ones_run_among_busy_ones),
	cmocka_unit_test(low_ones_run_among_high_ones),
};

int main(void)
{
	int failed = cmocka_run_group_tests_name("default", tests, NULL, NULL);

	scheduler = &heph_scheduler_fair;
	failed += cmocka_run_group_tests_name("fair", tests, NULL, NULL);
	scheduler = &heph_scheduler_fifo;
	return failed + cmocka_run_group_tests_name("fifo", tests, NULL, NULL);
}
