/* SPDX-License-Identifier: MIT */
/* heph_monitor(), heph_on_down(), heph_on_join(). */
#include "act.h"

#include <pthread.h>

/* Receives one message and ends with the number in it. */
static int end_with(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;
	int err = heph_recv(ctx, in, &msg);

	(void)arg;
	return err < 0 ? err : (int)msg.n;
}

static int panic_when_told(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)arg;
	must_be(heph_recv(ctx, in, &msg), 0);
	heph_panic(ctx, "number %ld", msg.n);
}

static void tell(act_ref ref, long n)
{
	must_be(heph_try_send(ref, { .n = n }), 0);
}

/* On the worker of the caller, which is 0, then on another one. */
#define near_and_far(on_)                                                      \
	for (int on_ = HEPH_WORKER(0); on_ <= HEPH_WORKER(1); on_++)

static void must_come(heph_ctx ctx, heph_ref who, int err)
{
	struct heph_down down;

	must_be(heph_wait(ctx, heph_on_down(&down)), 0);
	must(heph_same(down.who, who));
	must_be(down.exit.err, err);
}

#define ref_of(ref_) ((heph_ref){ (ref_).addr })

/* Nothing more comes; all that was sent to us before is here. */
static void must_be_all(heph_ctx ctx)
{
	struct heph_down down;

	must_be(heph_wait(ctx, heph_on_down(&down), heph_on_time(heph_now())),
		1);
}

/* ---- monitors -------------------------------------------------------------- */

static int monitor_once(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_down down;
	act_ref ref;

	(void)in, (void)arg;
	near_and_far(on)
	{
		ref = spawn_on(ctx, on, end_with, NULL);
		must_be(heph_monitor(ctx, ref), 0);
		must_be_all(ctx);
		tell(ref, -EIO);
		must_come(ctx, ref_of(ref), -EIO);
		must_be_all(ctx);
		ref = spawn_on(ctx, on, panic_when_told, NULL);
		must_be(heph_monitor(ctx, ref), 0);
		tell(ref, 7);
		must_be(heph_wait(ctx, heph_on_down(&down)), 0);
		must_be(down.exit.err, -ENOTRECOVERABLE);
		must(strstr(down.exit.note, ": number 7"));
	}
	return 0;
}

static void a_down_says_why(void **state)
{
	(void)state;
	run(monitor_once, NULL);
}

static int monitor_dead(heph_ctx ctx, act_inbox in, void *arg)
{
	const heph_ref nobody = { { .id = 0 } };
	act_ref ref;

	(void)in, (void)arg;
	near_and_far(on)
	{
		ref = spawn_on(ctx, on, return_arg, NULL);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(heph_monitor(ctx, ref), 0);
		must_come(ctx, ref_of(ref), -ESRCH);
		must_be_all(ctx);
	}
	must_be(heph_monitor(ctx, nobody), 0);
	must_come(ctx, nobody, -ESRCH);
	return 0;
}

static void one_that_has_ended_is_down_at_once(void **state)
{
	(void)state;
	run(monitor_dead, NULL);
}

static int monitor_several(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref refs[4];

	(void)in, (void)arg;
	for (int i = 0; i < 4; i++) {
		refs[i] = spawn_on(ctx, HEPH_WORKER(i % 2), end_with, NULL);
		must_be(heph_monitor(ctx, refs[i]), 0);
	}
	must_be(heph_monitor(ctx, refs[2]), 0); /* counts twice */
	for (int i = 3; i >= 0; i--) {
		tell(refs[i], -1 - i);
		must_be(heph_join(ctx, refs[i], NULL), 0);
	}
	for (int i = 3; i >= 0; i--) {
		must_come(ctx, ref_of(refs[i]), -1 - i);
		if (i == 2)
			must_come(ctx, ref_of(refs[i]), -1 - i);
	}
	must_be_all(ctx);
	return 0;
}

static void downs_keep_their_order(void **state)
{
	(void)state;
	run(monitor_several, NULL);
}

static int undo(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	near_and_far(on)
	{
		ref = spawn_on(ctx, on, end_with, NULL);
		must_be(heph_demonitor(ctx, ref), -ENOENT);
		must_be(heph_monitor(ctx, ref), 0);
		must_be(heph_demonitor(ctx, ref), 0);
		must_be(heph_demonitor(ctx, ref), -ENOENT);
		must_be(heph_monitor(ctx, ref), 0);
		must_be(heph_monitor(ctx, ref), 0);
		must_be(heph_demonitor(ctx, ref), 0); /* one of two */
		tell(ref, -EIO);
		must_come(ctx, ref_of(ref), -EIO);
		must_be_all(ctx);
		ref = spawn_on(ctx, on, end_with, NULL);
		must_be(heph_monitor(ctx, ref), 0);
		tell(ref, 0);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(heph_demonitor(ctx, ref), 0); /* the down has come */
		must_be_all(ctx);
		must_be(heph_demonitor(ctx, ref), -ENOENT);
	}
	return 0;
}

static void a_monitor_can_be_undone(void **state)
{
	(void)state;
	run(undo, NULL);
}

static enum heph_verdict twice(const struct heph_exit *why, struct act_arg *arg)
{
	int *failures = arg->arg;

	(void)why;
	return ++*failures < 3 ? HEPH_RESTART : HEPH_STOP;
}

/* The count belongs to its supervisor. */
static int fail_when_told(heph_ctx ctx, act_inbox in, void *arg)
{
	return end_with(ctx, in, arg);
}

static int monitor_restarting(heph_ctx ctx, act_inbox in, void *arg)
{
	static int failures;
	act_ref ref;

	(void)in, (void)arg;
	near_and_far(on)
	{
		failures = 0;
		must_be(heph_spawn(ctx, act, &ref,
				   { fail_when_told, &failures }, .on = on,
				   .decide = twice),
			0);
		must_be(heph_monitor(ctx, ref), 0);
		for (int i = 1; i <= 3; i++)
			must_be(heph_send(ctx, ref, { .n = -i }), 0);
		must_come(ctx, ref_of(ref), -3);
		must_be_all(ctx);
		must_be(failures, 3);
	}
	return 0;
}

static void a_restart_is_not_an_end(void **state)
{
	(void)state;
	run(monitor_restarting, NULL);
}

struct watching {
	act_ref ref;
	_Atomic int lives;
};

/* Monitors in each of its lives; downs of the first are no business of the
 * second. */
static int monitor_and_fail(heph_ctx ctx, act_inbox in, void *arg)
{
	struct watching *watching = arg;
	struct act_msg msg;

	must_be_all(ctx);
	must_be(heph_demonitor(ctx, watching->ref), -ENOENT);
	must_be(heph_monitor(ctx, watching->ref), 0);
	if (watching->lives++ == 0)
		return -EIO;
	if (watching->lives == 2) {
		must_be(heph_recv(ctx, in, &msg), 0);
		must_be(heph_join(ctx, watching->ref, NULL), 0);
		return -EIO; /* with a down that was not taken */
	}
	must_come(ctx, ref_of(watching->ref), -ESRCH);
	return 0;
}

static enum heph_verdict again(const struct heph_exit *why, struct act_arg *arg)
{
	(void)why, (void)arg;
	return HEPH_RESTART;
}

static int restart_watcher(heph_ctx ctx, act_inbox in, void *arg)
{
	static struct watching watching;
	act_ref ref;

	(void)in, (void)arg;
	near_and_far(on)
	{
		watching.lives = 0;
		watching.ref = spawn_on(ctx, HEPH_WORKER(0), end_with, NULL);
		must_be(heph_spawn(ctx, act, &ref,
				   { monitor_and_fail, &watching }, .on = on,
				   .decide = again),
			0);
		tell(ref, 0);
		tell(watching.ref, -EPERM);
		must_be(heph_join(ctx, ref, NULL), 0);
		must_be(watching.lives, 3);
	}
	return 0;
}

static void monitors_end_with_the_life_of_their_maker(void **state)
{
	(void)state;
	run(restart_watcher, NULL);
}

static void a_thread_can_monitor(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_exit exit;
	act_ref ref;

	(void)state;
	near_and_far(on)
	{
		ref = spawn_on(ctx, on, end_with, NULL);
		must_be(heph_monitor(ctx, ref), 0);
		must_be_all(ctx);
		tell(ref, -EIO);
		must_come(ctx, ref_of(ref), -EIO);
		ref = spawn_on(ctx, on, end_with, NULL);
		must_be(heph_monitor(ctx, ref), 0); /* left to heph_detach() */
		tell(ref, 0);
		must_be(heph_wait(ctx, heph_on_join(ref, &exit)), 0);
		must(exit.err == 0 || exit.err == -ESRCH);
		if (on == HEPH_WORKER(0))
			must_be(heph_demonitor(ctx, ref), 0);
	}
	end(ctx);
}

static int watch_abroad(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *there = arg;
	struct heph_exit exit = { .err = 1 };

	(void)in;
	must_be(heph_monitor(ctx, *there), -EXDEV);
	must_be(heph_wait(ctx, heph_on_join(*there, NULL)), -EXDEV);
	must_be(heph_join(heph_within(ctx, 2 * HEPH_MSEC), *there, &exit),
		-ETIME);
	tell(*there, -EIO);
	must_be(heph_join(ctx, *there, &exit), 0);
	must_be(exit.err, -ESRCH);
	must_be(heph_monitor(ctx, *there), 0);
	must_come(ctx, ref_of(*there), -ESRCH);
	return 0;
}

static void *run_elsewhere(void *arg)
{
	must_be(heph_run(&two_workers, act, { watch_abroad, arg }), 0);
	return NULL;
}

static void another_runtime_is_only_joined(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_on(ctx, 0, end_with, NULL);
	pthread_t thread;

	(void)state;
	must_be(pthread_create(&thread, NULL, run_elsewhere, &ref), 0);
	must_be(pthread_join(thread, NULL), 0);
	end(ctx);
}

/* ---- joining as a clause ----------------------------------------------------- */

static int join_first(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_exit exit = { .err = 1 };
	struct act_msg msg;
	act_ref a, b;

	(void)arg;
	near_and_far(on)
	{
		a = spawn_on(ctx, on, end_with, NULL);
		b = spawn_on(ctx, on, end_with, NULL);
		tell(b, -EIO);
		must_be(heph_wait(ctx, heph_on_msg(in, &msg),
				  heph_on_join(a, NULL),
				  heph_on_join(b, &exit)),
			2);
		must(exit.err == -EIO || exit.err == -ESRCH);
		must_be(heph_wait(ctx, heph_on_join(a, NULL),
				  heph_on_time(heph_now() + HEPH_MSEC)),
			1);
		must_be(heph_wait(ctx, heph_on_join(a, NULL),
				  heph_on_join(b, &exit)),
			1);
		must_be(exit.err, -ESRCH);
		must_be(heph_wait(heph_within(ctx, HEPH_MSEC),
				  heph_on_join(a, NULL)),
			-ETIME);
		tell(a, 0);
		must_be(heph_wait(ctx, heph_on_join(a, &exit)), 0);
		must(exit.err == 0 || exit.err == -ESRCH);
	}
	must_be(heph_wait(ctx, heph_on_join(heph_self(in), NULL)), -EDEADLK);
	return 0;
}

static void a_join_can_be_a_clause(void **state)
{
	(void)state;
	run(join_first, NULL);
}

static int wait_stopped(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref *ref = arg;
	struct heph_down down;

	(void)in;
	must_be(heph_monitor(ctx, *ref), 0);
	must_be(heph_wait(ctx, heph_on_join(*ref, NULL), heph_on_down(&down)),
		-ECANCELED);
	return 0;
}

static int stop_waiting(heph_ctx ctx, act_inbox in, void *arg)
{
	static act_ref other;
	act_ref ref;

	(void)in, (void)arg;
	other = spawn_on(ctx, HEPH_WORKER(0), idle, NULL);
	near_and_far(on)
	{
		ref = spawn_on(ctx, on, wait_stopped, &other);
		stop_and_join(ctx, ref);
	}
	return 0;
}

static void a_stop_ends_the_wait(void **state)
{
	(void)state;
	run(stop_waiting, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_down_says_why),
		cmocka_unit_test(one_that_has_ended_is_down_at_once),
		cmocka_unit_test(downs_keep_their_order),
		cmocka_unit_test(a_monitor_can_be_undone),
		cmocka_unit_test(a_restart_is_not_an_end),
		cmocka_unit_test(monitors_end_with_the_life_of_their_maker),
		cmocka_unit_test(a_thread_can_monitor),
		cmocka_unit_test(another_runtime_is_only_joined),
		cmocka_unit_test(a_join_can_be_a_clause),
		cmocka_unit_test(a_stop_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
