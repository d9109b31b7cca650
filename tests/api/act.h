/* SPDX-License-Identifier: MIT */
/*
 * act.h - runs functions as actors that send and receive
 *
 * All actors are of one type, `act`. Its messages may own memory, which its
 * drop function frees; the functions below count. run() looks whether all that
 * happened in a runtime was undone.
 */
#ifndef TEST_ACT_H
#define TEST_ACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/heph.h>
#include <heph/sim.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tools.h"

#define UNUSED __attribute__((unused))

/* For actors: cmocka's assertions jump, which they must not. */
#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __FILE__, __LINE__))

#define must_be(value_, wanted_)                                               \
	must_be_((long)(value_), (long)(wanted_), #value_, __FILE__, __LINE__)

UNUSED static void must_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", file, line, expr);
	dies_with_leaks();
	abort();
}

UNUSED static void must_be_(long value, long wanted, const char *expr,
			    const char *file, int line)
{
	if (value == wanted)
		return;
	fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", file, line, expr, value,
		wanted);
	dies_with_leaks();
	abort();
}

struct act_inbox;

struct act_msg {
	long n;
	void *owned; /* from malloc(); may be NULL */
	long asks; /* a bool would leave bytes between, which may be anything */
	HEPH_REPLY(long) answer;
};

typedef int act_fn(heph_ctx ctx, struct act_inbox in, void *arg);

struct act_arg {
	act_fn *fn;
	void *arg;
};

HEPH_ACTOR(act, struct act_msg, struct act_arg);

static _Atomic long act_dropped, act_args_dropped;

static void act_drop(struct act_msg *msg)
{
	free(msg->owned);
	act_dropped++;
}

static void act_drop_arg(struct act_arg *arg)
{
	(void)arg;
	act_args_dropped++;
}

static int act_main(heph_ctx ctx, act_inbox in, struct act_arg *arg)
{
	return arg->fn(ctx, in, arg->arg);
}
HEPH_ACTOR_MAIN(act, act_main, .drop = act_drop, .drop_arg = act_drop_arg);

/* ---- running ----------------------------------------------------------------- */

/* Workers tell their numbers when they have nothing to do. */
UNUSED static bool all_back(const struct heph_stats *stats)
{
	return !stats->actors && !stats->messages && !stats->descriptors &&
	       !stats->operations && !stats->buffers && !stats->timers &&
	       !stats->calls && !stats->stacks;
}

UNUSED static void await_all_back(heph_ctx ctx)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct heph_stats stats;

	do {
		stats = heph_stats(ctx);
		if (all_back(&stats))
			return;
		sched_yield();
	} while (heph_now() < until);
	fprintf(stderr,
		"left: actors %ld messages %ld descriptors %ld operations %ld "
		"buffers %ld timers %ld calls %ld stacks %ld\n",
		(long)stats.actors, (long)stats.messages,
		(long)stats.descriptors, (long)stats.operations,
		(long)stats.buffers, (long)stats.timers, (long)stats.calls,
		(long)stats.stacks);
	must(!"all is back");
}

static const struct heph_config two_workers = { .workers = 2,
						.no_signals = true };

UNUSED static heph_ctx begin(const struct heph_config *config)
{
	heph_ctx ctx;

	setenv("HEPH_LOG", "off", 0); /* actors fail on purpose */
	act_dropped = 0;
	act_args_dropped = 0;
	must_be(heph_new(&ctx, config), 0);
	return ctx;
}

UNUSED static void end(heph_ctx ctx)
{
	must_be(heph_drain(ctx), 0);
	await_all_back(ctx);
	heph_free(ctx);
}

/* Where actors run that could run anywhere: the tests run again with TEST_ON=any
 * and TEST_ON=own in the environment. */
UNUSED static int test_on(int otherwise)
{
	const char *on = getenv("TEST_ON");

	if (!on || strcmp(on, "sim") == 0)
		return otherwise;
	return strcmp(on, "any") == 0 ? HEPH_ANY : HEPH_OWN_THREAD;
}

/* The same in a simulated world, with TEST_ON=sim and perhaps TEST_SEED=n. */
UNUSED static void run_simulated(act_fn *fn, void *arg)
{
	const char *seed = getenv("TEST_SEED");

	setenv("HEPH_LOG", "off", 0);
	act_dropped = 0;
	act_args_dropped = 0;
	must_be(heph_sim_run(seed ? strtoull(seed, NULL, 10) : 1, NULL, act,
			     { fn, arg }),
		0);
}

UNUSED static bool test_simulated(void)
{
	const char *on = getenv("TEST_ON");

	return on && strcmp(on, "sim") == 0;
}

/* Runs an actor on the first of two workers, and looks what is left. */
UNUSED static void run(act_fn *fn, void *arg)
{
	heph_ctx ctx;
	struct heph_exit exit;
	act_ref ref;

	if (test_simulated()) {
		run_simulated(fn, arg);
		return;
	}
	ctx = begin(&two_workers);
	must_be(heph_spawn(ctx, act, &ref, { fn, arg },
			   .on = test_on(HEPH_WORKER(0))),
		0);
	must_be(heph_join(ctx, ref, &exit), 0);
	must(exit.err == 0 || exit.err == -ESRCH);
	end(ctx);
}

/* ---- actors that are often needed ---------------------------------------------- */

UNUSED static int idle(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_sleep(ctx, HEPH_NEVER);
}

/* Answers with one more than it was asked. */
UNUSED static int answer_all(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	while (heph_recv(ctx, in, &msg) == 0) {
		free(msg.owned);
		if (msg.asks)
			heph_answer(msg.answer, msg.n + 1);
	}
	return 0;
}

UNUSED static int return_arg(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in;
	return (int)(intptr_t)arg;
}

/* Asks it, and so waits until it has taken all that was sent before. */
UNUSED static void sync_with(heph_ctx ctx, act_ref ref)
{
	long answer;

	must_be(heph_call(ctx, ref, answer, &answer, { .n = 1, .asks = true }),
		0);
	must_be(answer, 2);
}

UNUSED static void stop_and_join(heph_ctx ctx, act_ref ref)
{
	heph_stop(ref);
	must_be(heph_join(ctx, ref, NULL), 0);
	must(!heph_alive(ref));
}

UNUSED static act_ref spawn_on(heph_ctx ctx, int on, act_fn *fn, void *arg)
{
	act_ref ref;

	on = on == HEPH_HERE ? test_on(on) : on;
	must_be(heph_spawn(ctx, act, &ref, { fn, arg }, .on = on), 0);
	return ref;
}

#endif
