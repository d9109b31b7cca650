/* SPDX-License-Identifier: MIT */
/*
 * The option .restarts: how often, after which pause.
 *
 * Heph 4.6 names the cases that a restart can take, by what its factory says.
 * There is no factory here: an actor that cannot begin its new life fails at
 * the start of its function, which is one more failure. So (d), (e) and (f)
 * take the same way as (b) and (c), and there is a test of each.
 */
#include "act.h"

struct job {
	const int *ends; /* of its lives, one after the other; the last stays */
	_Atomic int runs, decisions;
	heph_time began[16]; /* each life */
	enum heph_verdict verdict;
};

enum { PANIC = 1000 };

static int lives(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;
	int end = *job->ends;

	(void)in;
	job->began[job->runs++ % 16] = heph_now();
	if (job->ends[1])
		job->ends++;
	if (end == PANIC)
		heph_panic(ctx, "on purpose");
	return end > 0 ? 0 : end;
}

static enum heph_verdict decide(const struct heph_exit *why,
				struct act_arg *arg)
{
	struct job *job = arg->arg;

	(void)why;
	job->decisions++;
	return job->verdict;
}

/* Of one that had ended before the join that is not known any more. */
static void must_have_ended(const struct heph_exit *exit, int err)
{
	if (exit->err != -ESRCH)
		must_be(exit->err, err);
}

/* Runs it to its end, which must be that one. */
static void ends_with(heph_ctx ctx, struct job *job,
		      struct heph_restarts restarts, const int *ends, int on,
		      int err)
{
	struct heph_exit exit;
	act_ref ref;

	*job = (struct job){ .ends = ends, .verdict = HEPH_RESTART };
	must_be(heph_spawn(ctx, act, &ref, { lives, job }, .on = on,
			   .restarts = restarts),
		0);
	must_be(heph_join(ctx, ref, &exit), 0);
	must_have_ended(&exit, err);
}

/* OK: nobody is asked. */
static int case_a(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int ends[] = { 1, 0 };
	static struct job job;
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		job = (struct job){ .ends = ends };
		must_be(heph_spawn(ctx, act, &ref, { lives, &job },
				   .on = HEPH_WORKER(n), .decide = decide,
				   .restarts = { .times = 3,
						 .within = HEPH_NEVER }),
			0);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(job.runs, 1);
		must_be(job.decisions, 0);
	}
	return 0;
}

static void who_ends_well_is_not_restarted(void **state)
{
	(void)state;
	run(case_a, NULL);
}

/* An error and "stop": one failure, gone. */
static int case_b(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int errors[] = { -EIO, 0 }, panics[] = { PANIC, 0 };
	static struct job job;
	struct heph_exit exit;
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 4; n++) {
		job = (struct job){ .ends = n & 1 ? panics : errors,
				    .verdict = HEPH_STOP };
		must_be(heph_spawn(ctx, act, &ref, { lives, &job },
				   .on = HEPH_WORKER(n / 2), .decide = decide,
				   .restarts = { .times = 3,
						 .within = HEPH_NEVER }),
			0);
		must_be(heph_join(ctx, ref, &exit), 0);
		must_have_ended(&exit, n & 1 ? -ENOTRECOVERABLE : -EIO);
		must_be(job.runs, 1);
		must_be(job.decisions, 1);
	}
	return 0;
}

static void the_function_is_asked_first(void **state)
{
	(void)state;
	run(case_b, NULL);
}

/* (c) an error, a restart, all is well; (d) the second life cannot begin, and
 * that was the last; (e) the second cannot, the third can; (f) two cannot, and
 * no restarts are left. */
static int cases_c_to_f(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int c[] = { -EIO, 1, 0 }, d[] = { -EIO, -EBUSY, 0 },
			 e[] = { -EIO, -EBUSY, 1, 0 },
			 f[] = { -EIO, -EBUSY, -EPERM, 1, 0 },
			 panic[] = { PANIC, -EIO, PANIC, 0 };
	const struct heph_restarts once = { .times = 1, .within = HEPH_NEVER },
				   twice = { .times = 2, .within = HEPH_NEVER };
	static struct job job;

	(void)in, (void)arg;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		ends_with(ctx, &job, once, c, on, 0);
		must_be(job.runs, 2);
		ends_with(ctx, &job, once, d, on, -EBUSY);
		must_be(job.runs, 2);
		ends_with(ctx, &job, twice, e, on, 0);
		must_be(job.runs, 3);
		ends_with(ctx, &job, twice, f, on, -EPERM);
		must_be(job.runs, 3);
		ends_with(ctx, &job, twice, panic, on, -ENOTRECOVERABLE);
		must_be(job.runs, 3);
	}
	return 0;
}

static void restarts_until_it_is_too_often(void **state)
{
	(void)state;
	run(cases_c_to_f, NULL);
}

/* .decide says "restart" as often as it is asked. */
static int limit_decide(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int ends[] = { -EIO, 0 };
	struct heph_stats before = heph_stats(ctx), after;
	static struct job job;
	act_ref ref;

	(void)in, (void)arg;
	job = (struct job){ .ends = ends, .verdict = HEPH_RESTART };
	must_be(heph_spawn(ctx, act, &ref, { lives, &job }, .decide = decide,
			   .restarts = { .times = 5, .within = HEPH_NEVER }),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
	must_be(job.runs, 6);
	must_be(job.decisions, 6);
	after = heph_stats(ctx);
	must_be(after.restarted - before.restarted, 5);
	must_be(after.failed - before.failed, 6);
	return 0;
}

static void limits_what_the_function_says(void **state)
{
	(void)state;
	run(limit_decide, NULL);
}

/* ---- pauses --------------------------------------------------------------------- */

static int measure_pauses(heph_ctx ctx, act_inbox in, void *arg)
{
	static const int ends[] = { -EIO, -EIO, -EIO, -EIO, -EIO, 1, 0 };
	const struct heph_restarts restarts = { .times = HEPH_UNLIMITED,
						.within = HEPH_NEVER,
						.backoff = HEPH_MSEC,
						.backoff_max = 5 * HEPH_MSEC };
	static struct job job;

	(void)in, (void)arg;
	ends_with(ctx, &job, restarts, ends, HEPH_HERE, 0);
	must_be(job.runs, 6);
	must(job.began[1] - job.began[0] >= 1 * HEPH_MSEC);
	must(job.began[2] - job.began[1] >= 2 * HEPH_MSEC);
	must(job.began[3] - job.began[2] >= 4 * HEPH_MSEC);
	must(job.began[4] - job.began[3] >= 5 * HEPH_MSEC);
	must(job.began[5] - job.began[4] >= 5 * HEPH_MSEC);
	return 0;
}

static void pauses_before_it_restarts(void **state)
{
	(void)state;
	run(measure_pauses, NULL);
}

/* It pauses for an hour. */
static const struct heph_restarts patient = { .times = 3,
					      .backoff = 3600 * HEPH_SEC };

static act_ref spawn_pausing(heph_ctx ctx, struct job *job, int on)
{
	static const int ends[] = { -EIO, 0 };
	act_ref ref;

	*job = (struct job){ .ends = ends };
	must_be(heph_spawn(ctx, act, &ref, { lives, job }, .on = on,
			   .restarts = patient),
		0);
	while (!job->runs)
		must_be(heph_yield(ctx), 0);
	return ref;
}

static int stop_the_pausing(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct job job;
	struct heph_exit exit;
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		ref = spawn_pausing(ctx, &job, HEPH_WORKER(n));
		must_be(heph_join(heph_within(ctx, HEPH_MSEC), ref, &exit),
			-ETIME);
		must(heph_alive(ref));
		must_be(heph_send(ctx, ref, { .n = 1, .owned = malloc(1) }), 0);
		heph_stop(ref);
		must_be(heph_join(ctx, ref, &exit), 0);
		if (exit.err != -ESRCH)          /* it had ended there before */
			must_be(exit.err, -EIO); /* as it ended */
		must_be(job.runs, 1);
	}
	spawn_pausing(ctx, &job, HEPH_WORKER(0)); /* until the parent ends */
	spawn_pausing(ctx, &job, HEPH_WORKER(1));
	return 0;
}

static void a_stop_ends_the_pause(void **state)
{
	(void)state;
	run(stop_the_pausing, NULL);
	must_be(act_dropped, 2);
}

static void the_end_of_the_runtime_ends_the_pause(void **state)
{
	static struct job job;
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	job = (struct job){ .ends = (const int[]){ -EIO, 0 } };
	must_be(heph_spawn(ctx, act, NULL, { lives, &job },
			   .restarts = patient),
		0);
	while (!job.runs)
		sched_yield();
	heph_free(ctx);
	must_be(job.runs, 1);
}

/* ---- what survives ---------------------------------------------------------------- */

/* Takes a message in each life and fails with it in hand. */
static int one_each(heph_ctx ctx, act_inbox in, void *arg)
{
	long *sum = arg;
	struct act_msg msg;
	int err = heph_recv(ctx, in, &msg);

	if (err < 0)
		return err;
	free(msg.owned);
	*sum = *sum * 10 + msg.n;
	return -EIO;
}

static int keep_messages(heph_ctx ctx, act_inbox in, void *arg)
{
	static long sum; /* read after an answer */
	long answer;
	act_ref ref;

	(void)in, (void)arg;
	for (int on = HEPH_WORKER(0); on <= HEPH_WORKER(1); on++) {
		sum = 0;
		must_be(heph_spawn(ctx, act, &ref, { one_each, &sum }, .on = on,
				   .restarts = { .times = 4,
						 .within = HEPH_NEVER,
						 .backoff = HEPH_MSEC }),
			0);
		for (long n = 1; n < 4; n++)
			must_be(heph_send(ctx, ref, { .n = n }), 0);
		must_be(heph_call(ctx, ref, answer, &answer,
				  { .n = 4, .asks = true }),
			-EPIPE); /* it was in hand */
		must_be(sum, 1234);
		must_be(heph_call(ctx, ref, answer, &answer,
				  { .n = 5, .asks = true }),
			-EPIPE); /* and that was the last */
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(sum, 12345);
	}
	return 0;
}

static void unread_messages_survive(void **state)
{
	(void)state;
	run(keep_messages, NULL);
}

/* ---- what is refused ---------------------------------------------------------------- */

static int refuse_options(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct heph_restarts wrong[] = {
		{ .within = 1 },
		{ .backoff = 1 },
		{ .backoff_max = 1 },
		{ .jitter = 1 },
		{ .times = HEPH_RESTARTS_MAX + 1 },
		{ .times = 1, .within = -1 },
		{ .times = 1, .backoff = -1 },
		{ .times = 1, .jitter = 101 },
	};

	(void)in, (void)arg;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		must_be(heph_spawn(ctx, act, NULL, { idle, NULL },
				   .restarts = wrong[i]),
			-EINVAL);
	return 0;
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	run(refuse_options, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_ends_well_is_not_restarted),
		cmocka_unit_test(the_function_is_asked_first),
		cmocka_unit_test(restarts_until_it_is_too_often),
		cmocka_unit_test(limits_what_the_function_says),
		cmocka_unit_test(pauses_before_it_restarts),
		cmocka_unit_test(a_stop_ends_the_pause),
		cmocka_unit_test(the_end_of_the_runtime_ends_the_pause),
		cmocka_unit_test(unread_messages_survive),
		cmocka_unit_test(refuses_what_makes_no_sense),
	};

	return cmocka_run_group_tests_name("restarts", tests, NULL, NULL);
}
