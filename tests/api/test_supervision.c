/* SPDX-License-Identifier: MIT */
/* What supervisors decide. */
#include "act.h"

#include <fcntl.h>
#include <unistd.h>

struct job {
	act_fn *fn;
	struct heph_exit exit;
	_Atomic int runs, decisions;
	int restarts; /* then stop */
	act_fn *then; /* another function after the first failure */
};

static enum heph_verdict decide(const struct heph_exit *why,
				struct act_arg *arg)
{
	struct job *job = arg->arg;

	job->exit = *why;
	if (job->then)
		arg->fn = job->then;
	return ++job->decisions <= job->restarts ? HEPH_RESTART : HEPH_STOP;
}

static int fails(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;

	(void)ctx, (void)in;
	job->runs++;
	return -EIO;
}

static int panics(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;

	(void)in;
	heph_check(ctx, ++job->runs < 0);
	return 0;
}

static int succeeds(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;

	(void)ctx, (void)in;
	job->runs += 100;
	return 0;
}

static void watch_over(heph_ctx ctx, struct job *job, act_fn *fn, int on)
{
	act_ref ref;

	job->runs = job->decisions = 0;
	must_be(heph_spawn(ctx, act, &ref, { fn, job }, .on = on,
			   .decide = decide),
		0);
	must_be(heph_join(ctx, ref, NULL), 0);
}

static int restart_n_times(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct job job;
	struct heph_stats before = heph_stats(ctx), after;

	(void)in, (void)arg;
	for (int n = 0; n < 4; n++) {
		job = (struct job){ .restarts = n };
		watch_over(ctx, &job, fails, HEPH_WORKER(n % 2));
		must_be(job.runs, n + 1);
		must_be(job.decisions, n + 1);
		must_be(job.exit.err, -EIO);
		must_be(job.exit.note[0], 0);
		watch_over(ctx, &job, panics, HEPH_WORKER(n % 2));
		must_be(job.runs, n + 1);
		must_be(job.exit.err, -ENOTRECOVERABLE);
		must(!strncmp(job.exit.note, "test_supervision.c:", 19));
		must(strstr(job.exit.note, "check failed: ++job"));
	}
	after = heph_stats(ctx);
	must_be(after.restarted - before.restarted, 12);
	must_be(after.failed - before.failed, 20);
	must_be(after.panicked - before.panicked, 10);
	must_be(act_args_dropped, 8); /* when it ends for good */
	return 0;
}

static void restarts_as_often_as_it_says(void **state)
{
	(void)state;
	run(restart_n_times, NULL);
}

static int change_argument(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct job job;

	(void)in, (void)arg;
	job = (struct job){ .restarts = 5, .then = succeeds };
	watch_over(ctx, &job, fails, HEPH_HERE);
	must_be(job.runs, 101);
	must_be(job.decisions, 1);
	job = (struct job){ .restarts = 5 };
	watch_over(ctx, &job, succeeds, HEPH_HERE);
	must_be(job.decisions, 0); /* nothing to decide */
	return 0;
}

static void may_change_the_argument(void **state)
{
	(void)state;
	run(change_argument, NULL);
}

/* ---- escalation ------------------------------------------------------------------------ */

static enum heph_verdict escalate(const struct heph_exit *why,
				  struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_ESCALATE;
}

static int has_failing_child(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;
	static struct job child;

	must_be(heph_spawn(ctx, act, NULL, { fails, &child },
			   .decide = escalate,
			   .on = HEPH_WORKER(job->runs % 2)),
		0);
	job->runs++;
	must_be(idle(ctx, in, NULL), -ECANCELED);
	must(heph_stopping(ctx));
	return 0;
}

static int escalate_to_parent(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct job job;

	(void)in, (void)arg;
	job = (struct job){ .restarts = 3 };
	watch_over(ctx, &job, has_failing_child, HEPH_HERE);
	must_be(job.runs, 4);
	must_be(job.exit.err, -ECHILD);
	return 0;
}

static void may_escalate(void **state)
{
	(void)state;
	run(escalate_to_parent, NULL);
}

static int two_levels(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_spawn(ctx, act, NULL, { has_failing_child, arg },
			   .decide = escalate),
		0);
	must_be(idle(ctx, in, NULL), -ECANCELED);
	return 0;
}

static void escalates_to_the_runtime(void **state)
{
	static struct job job;

	(void)state;
	job = (struct job){ .restarts = 0 };
	must_be(heph_run(&two_workers, act, { two_levels, &job },
			 .decide = escalate),
		-ECHILD);
}

/* Then the runtime ends, but does not wait longer than for the grace. */
static int sleep_on(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER);
}

static void escalates_and_the_grace_holds(void **state)
{
	static struct job job;
	struct heph_config config = two_workers;
	heph_ctx ctx;

	(void)state;
	config.grace = 20 * HEPH_MSEC;
	ctx = begin(&config);
	spawn_on(ctx, HEPH_WORKER(0), sleep_on, NULL);
	must_be(heph_spawn(ctx, act, NULL, { fails, &job }, .decide = escalate,
			   .on = HEPH_WORKER(0)),
		0);
	must_be(heph_drain(ctx), -ECHILD);
	heph_free(ctx);
}

/* ---- stops ------------------------------------------------------------------------------ */

static int fails_when_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;

	job->runs++;
	must_be(idle(ctx, in, NULL), -ECANCELED);
	return -EIO;
}

static int stop_failing(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct job job;
	act_ref ref;

	(void)in, (void)arg;
	job = (struct job){ .restarts = 5 };
	must_be(heph_spawn(ctx, act, &ref, { fails_when_stopped, &job },
			   .decide = decide),
		0);
	must_be(heph_yield(ctx), 0);
	stop_and_join(ctx, ref);
	must_be(job.runs, 1); /* who is asked to stop is not restarted */
	return 0;
}

static void does_not_restart_the_stopped(void **state)
{
	(void)state;
	run(stop_failing, NULL);
}

/* It was given a descriptor, which is closed: another run would not have it. */
static int give_to_failing(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct job job;
	int numbers[2];
	act_ref ref;
	heph_fd fd;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		job = (struct job){ .restarts = 5 };
		must_be(pipe2(numbers, O_CLOEXEC), 0);
		must_be(heph_fd_adopt(ctx, numbers[0], &fd), 0);
		must_be(heph_spawn(ctx, act, &ref, { fails, &job }, .give = fd,
				   .on = HEPH_WORKER(n), .decide = decide),
			0);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(job.runs, 1);
		close(numbers[1]);
	}
	must_be(act_args_dropped, 2);
	return 0;
}

static void does_not_restart_who_was_given_a_descriptor(void **state)
{
	(void)state;
	run(give_to_failing, NULL);
}

/* A parent ends while a child is restarted again and again. */
static int fails_forever(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *job = arg;

	(void)in;
	job->runs++;
	return heph_yield(ctx) < 0 ? -EINTR : -EIO;
}

static int has_forever_failing_child(heph_ctx ctx, act_inbox in, void *arg)
{
	struct job *jobs = arg;

	(void)in;
	for (int n = 0; n < 2; n++)
		must_be(heph_spawn(ctx, act, NULL, { fails_forever, &jobs[n] },
				   .on = HEPH_WORKER(n), .decide = decide),
			0);
	while (jobs[0].runs < 50 || jobs[1].runs < 50)
		must_be(heph_yield(ctx), 0);
	return 0;
}

static void ends_who_fails_forever(void **state)
{
	static struct job jobs[2];

	(void)state;
	jobs[0] = jobs[1] = (struct job){ .restarts = INT32_MAX };
	run(has_forever_failing_child, jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restarts_as_often_as_it_says),
		cmocka_unit_test(may_change_the_argument),
		cmocka_unit_test(may_escalate),
		cmocka_unit_test(escalates_to_the_runtime),
		cmocka_unit_test(escalates_and_the_grace_holds),
		cmocka_unit_test(does_not_restart_the_stopped),
		cmocka_unit_test(does_not_restart_who_was_given_a_descriptor),
		cmocka_unit_test(ends_who_fails_forever),
	};

	return cmocka_run_group_tests_name("supervision", tests, NULL, NULL);
}
