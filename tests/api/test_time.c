/* SPDX-License-Identifier: MIT */
/* Deadlines, sleeping, yielding, stops and shields. */
#include "act.h"

/* ---- contexts ------------------------------------------------------------------ */

static void nests_deadlines(void **state)
{
	heph_ctx ctx = begin(&two_workers), a, b;
	heph_time now = heph_now();

	(void)state;
	must_be(heph_deadline(ctx), HEPH_NEVER);
	a = heph_within(ctx, 1000 * HEPH_SEC);
	must(heph_deadline(a) >= now + 1000 * HEPH_SEC - 1);
	b = heph_within(a,
			5000 * HEPH_SEC); /* never longer than the outer one */
	must_be(heph_deadline(b), heph_deadline(a));
	b = heph_within(a, HEPH_MSEC);
	must(heph_deadline(b) < heph_deadline(a));
	must_be(heph_deadline(heph_until(ctx, 1000)), 1000);
	must_be(heph_deadline(heph_until(heph_until(ctx, 1000), 5000)), 1000);
	/* an odd one is later, not earlier; but not than the outer one */
	must_be(heph_deadline(heph_until(ctx, 1001)), 1002);
	must_be(heph_deadline(heph_until(heph_until(ctx, 1000), 999)), 1000);
	must_be(heph_deadline(heph_until(ctx, HEPH_NEVER - 1)), HEPH_NEVER);
	must_be(heph_deadline(heph_within(ctx, INT64_MAX)), HEPH_NEVER);
	must_be(heph_deadline(heph_until(ctx, INT64_MAX)), HEPH_NEVER);
	must(heph_deadline(heph_within(ctx, -HEPH_SEC)) < heph_now());
	must(heph_deadline(heph_until(ctx, INT64_MIN)) < 0);
	must_be(heph_sleep(heph_until(ctx, INT64_MIN), HEPH_SEC), -ETIME);
	b = heph_shield(a,
			5000 * HEPH_SEC); /* nor does a shield make it longer */
	must_be(heph_deadline(b), heph_deadline(a));
	must_be(heph_deadline(heph_within(b, 0)) <= heph_now(), 1);
	end(ctx);
}

/* ---- sleeping -------------------------------------------------------------------- */

static int sleep_all(heph_ctx ctx, act_inbox in, void *arg)
{
	static const heph_time lengths[] = { 0,         1,
					     1000,      HEPH_MSEC / 3,
					     HEPH_MSEC, 3 * HEPH_MSEC };
	heph_time begin;

	(void)in, (void)arg;
	for (int n = 0; n < 6; n++) {
		begin = heph_now();
		must_be(heph_sleep(ctx, lengths[n]), 0);
		must(heph_now() - begin >= lengths[n]);
	}
	must_be(heph_sleep(ctx, -1), 0);
	must_be(heph_sleep(ctx, INT64_MIN), 0);
	must_be(heph_sleep(heph_within(ctx, HEPH_MSEC), HEPH_SEC), -ETIME);
	must_be(heph_sleep(heph_within(ctx, HEPH_MSEC), HEPH_NEVER), -ETIME);
	must_be(heph_sleep(heph_within(ctx, 1000 * HEPH_SEC), HEPH_MSEC), 0);
	return 0;
}

static int sleep_in_crowd(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref refs[50];

	(void)in, (void)arg;
	for (int n = 0; n < 50; n++)
		refs[n] = spawn_on(ctx, HEPH_WORKER(n % 2), sleep_all, NULL);
	for (int n = 0; n < 50; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	return 0;
}

static void never_wakes_early(void **state)
{
	heph_ctx ctx;

	(void)state;
	run(sleep_in_crowd, NULL);
	ctx = begin(&two_workers);
	must_be(sleep_all(ctx, (act_inbox){ { NULL } }, NULL), 0);
	end(ctx);
}

/* ---- yielding ---------------------------------------------------------------------- */

enum { TURNS = 1000 };

static struct {
	int last, turns[3];
} turns;

/* The others had their turn since mine. */
static int take_turns(heph_ctx ctx, act_inbox in, void *arg)
{
	int me = (int)(intptr_t)arg;

	(void)in;
	for (int n = 0; n < TURNS; n++) {
		turns.turns[me]++;
		for (int other = 0; other < 3; other++)
			must(abs(turns.turns[me] - turns.turns[other]) <= 1);
		must_be(heph_yield(ctx), 0);
	}
	return 0;
}

static int yield_fairly(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref refs[3];

	(void)in, (void)arg;
	memset(&turns, 0, sizeof(turns));
	for (intptr_t n = 0; n < 3; n++)
		refs[n] = spawn_on(ctx, HEPH_HERE, take_turns, (void *)n);
	for (int n = 0; n < 3; n++)
		must_be(heph_join(ctx, refs[n], NULL), 0);
	return 0;
}

static void yields_to_all_others(void **state)
{
	(void)state;
	run(yield_fairly, NULL);
}

/* ---- stops ---------------------------------------------------------------------------- */

static int stopped_everywhere(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	long answer;
	act_ref self = heph_self(in);

	(void)arg;
	must(!heph_stopping(ctx));
	must_be(heph_send(ctx, self, { .n = 7 }), 0);
	must_be(heph_sleep(ctx, HEPH_NEVER), -ECANCELED);
	must(heph_stopping(ctx));
	must_be(heph_recv(ctx, in, &msg), -ECANCELED);
	must_be(heph_send(ctx, self, { .n = 1 }), -ECANCELED);
	must_be(heph_call(ctx, self, answer, &answer, { .n = 1 }), -ECANCELED);
	must_be(heph_wait(ctx, heph_on_msg(in, &msg)), -ECANCELED);
	must_be(heph_join(ctx, self, NULL), -ECANCELED);
	must_be(heph_yield(ctx), -ECANCELED);
	must_be(heph_sleep(ctx, 0), -ECANCELED);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }), -ECANCELED);
	/* what does not wait still works */
	must_be(heph_try_send(self, { .n = 8 }), 0);
	must_be(heph_try_recv(in, &msg), 0);
	must_be(msg.n, 7);
	/* and all of it does behind a shield */
	ctx = heph_shield(ctx, HEPH_NEVER);
	must(heph_stopping(ctx));
	must_be(heph_recv(ctx, in, &msg), 0);
	must_be(msg.n, 8);
	must_be(heph_send(ctx, self, { .n = 9 }), 0);
	must_be(heph_wait(ctx, heph_on_msg(in, &msg)), 0);
	must_be(heph_yield(ctx), 0);
	must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must_be(heph_sleep(heph_within(ctx, HEPH_MSEC), HEPH_SEC), -ETIME);
	must_be(heph_recv(heph_within(ctx, HEPH_MSEC), in, &msg), -ETIME);
	return -ECANCELED; /* a good end after a stop */
}

static int stop_it(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_stats before = heph_stats(ctx);
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		ref = spawn_on(ctx, HEPH_WORKER(n), stopped_everywhere, NULL);
		while (!heph_stats(ctx).messages)
			must_be(heph_yield(ctx), 0);
		stop_and_join(ctx, ref);
	}
	must_be(heph_stats(ctx).failed, before.failed);
	return 0;
}

static void is_over_after_a_stop(void **state)
{
	(void)state;
	run(stop_it, NULL);
}

static int stop_oneself(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)arg;
	heph_stop(heph_self(in));
	must(heph_stopping(ctx));
	must_be(heph_yield(ctx), -ECANCELED);
	return 0;
}

static void may_be_stopped_by_oneself(void **state)
{
	(void)state;
	run(stop_oneself, NULL);
}

static int ignore(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	_Atomic int *waits = arg;

	for (;;) {
		if (heph_recv(ctx, in, &msg) == -ECANCELED)
			++*waits;
		must(*waits < 2000);
	}
	return 0;
}

static void ignores_a_stop_a_thousand_times(void **state)
{
	static _Atomic int waits;
	heph_ctx ctx = begin(&two_workers);
	struct heph_exit exit;
	act_ref ref;

	(void)state;
	waits = 0;
	ref = spawn_on(ctx, HEPH_WORKER(1), ignore, (void *)(uintptr_t)&waits);
	heph_stop(ref);
	must_be(heph_join(ctx, ref, &exit), 0);
	must(exit.err == -ENOTRECOVERABLE || exit.err == -ESRCH);
	if (exit.err == -ENOTRECOVERABLE)
		must(strstr(exit.note, "ignores stop"));
	must_be(heph_stats(ctx).panicked, 1);
	must(waits >= 999);
	end(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nests_deadlines),
		cmocka_unit_test(never_wakes_early),
		cmocka_unit_test(yields_to_all_others),
		cmocka_unit_test(is_over_after_a_stop),
		cmocka_unit_test(may_be_stopped_by_oneself),
		cmocka_unit_test(ignores_a_stop_a_thousand_times),
	};

	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
