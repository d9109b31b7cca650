/* SPDX-License-Identifier: MIT */
/* Each signal that there is, taken by an actor. */
#include "task.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static const int all_signals[] = {
	SIGHUP,	 SIGINT,    SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
	SIGFPE,	 SIGUSR1,   SIGUSR2, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
	SIGCHLD, SIGCONT,   SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,	SIGXCPU,
	SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO,  SIGPWR,	SIGSYS,
};

enum { N_SIGNALS = sizeof(all_signals) / sizeof(*all_signals) };

static int taken(int signal)
{
	struct sigaction action;

	must_be(sigaction(signal, NULL, &action), 0);
	return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

/* From now on. */
static void take(heph_ctx ctx, int signal)
{
	must_be(heph_wait(ctx, heph_on_signal(signal, NULL),
			  heph_on_time(heph_now())),
		1);
	must(taken(signal));
}

static void must_come(heph_ctx ctx, int signal)
{
	unsigned n = 0;

	must_be(heph_wait(ctx, heph_on_signal(signal, &n)), 0);
	must_be(n, 1);
	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(signal, NULL)),
		-ETIME);
}

/* ---- by whoever sends it --------------------------------------------------------- */

static int sent_by_itself(heph_ctx ctx, void *arg)
{
	for (int i = 0; i < N_SIGNALS; i++) {
		take(ctx, all_signals[i]);
		must_be(kill(getpid(), all_signals[i]), 0);
		must_come(ctx, all_signals[i]);
	}
	return 0;
}

static void *send_all(void *arg)
{
	for (int i = 0; i < N_SIGNALS; i++)
		if (all_signals[i] != SIGCONT)
			must_be(kill(getpid(), all_signals[i]), 0);
	return NULL;
}

/* All of them, which wait until they are asked for; but for SIGCONT, which those
 * that stop a process undo as long as it is pending. */
static int sent_by_a_thread(heph_ctx ctx, void *arg)
{
	pthread_t thread;

	for (int i = 0; i < N_SIGNALS; i++)
		take(ctx, all_signals[i]);
	must_be(pthread_create(&thread, NULL, send_all, NULL), 0);
	for (int i = 0; i < N_SIGNALS; i++)
		if (all_signals[i] != SIGCONT)
			must_come(ctx, all_signals[i]);
	pthread_join(thread, NULL);
	return 0;
}

/* One after the other, as often as they are sent. */
static int again_and_again(heph_ctx ctx, void *arg)
{
	take(ctx, SIGUSR1);
	for (int i = 0; i < 100; i++) {
		must_be(kill(getpid(), SIGUSR1), 0);
		must_come(ctx, SIGUSR1);
	}
	return 0;
}

/* The fault handlers are there before the first actor runs, so the usual ones
 * are those of a runtime that has begun. */
static void run_and_compare(task_fn fn)
{
	struct sigaction before[N_SIGNALS], after;
	sigset_t mask, mask_after;

	run_task(nothing_to_do);
	for (int i = 0; i < N_SIGNALS; i++)
		sigaction(all_signals[i], NULL, &before[i]);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	run_task(fn);
	pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
	for (int i = 1; i <= 64; i++)
		assert_int_equal(sigismember(&mask, i),
				 sigismember(&mask_after, i));
	for (int i = 0; i < N_SIGNALS; i++) {
		sigaction(all_signals[i], NULL, &after);
		assert_ptr_equal(before[i].sa_handler, after.sa_handler);
	}
}

static void each_can_be_taken(void **state)
{
	run_and_compare(sent_by_itself);
}

static void each_waits_until_it_is_asked_for(void **state)
{
	run_and_compare(sent_by_a_thread);
}

static void the_same_comes_again(void **state)
{
	run_and_compare(again_and_again);
}

/* ---- whence ---------------------------------------------------------------------------- */

static void must_come_from(heph_ctx ctx, int signal, unsigned n, pid_t pid,
			   uid_t uid)
{
	struct heph_signal it;

	must_be(heph_wait(ctx, heph_on_signal_from(signal, &it)), 0);
	must_be(it.number, signal);
	must_be(it.count, n);
	must_be(it.pid, pid);
	must_be(it.uid, uid);
}

static int from_others(heph_ctx ctx, void *arg)
{
	const struct itimerval soon = { .it_value.tv_usec = 1 };
	pid_t child;

	take(ctx, SIGUSR1);
	take(ctx, SIGALRM);
	must_be(kill(getpid(), SIGUSR1), 0);
	must_come_from(ctx, SIGUSR1, 1, getpid(), getuid());
	child = fork();
	must(child >= 0);
	if (child == 0)
		_exit(kill(getppid(), SIGUSR1) < 0);
	must_come_from(ctx, SIGUSR1, 1, child, getuid());
	must_be(waitpid(child, NULL, 0), child);
	/* The kernel's own have no sender. */
	must_be(setitimer(ITIMER_REAL, &soon, NULL), 0);
	must_come_from(ctx, SIGALRM, 1, 0, 0);
	return 0;
}

static void it_says_who_has_sent_it(void **state)
{
	run_and_compare(from_others);
}

/* ---- what cannot be taken ------------------------------------------------------------ */

static int refused(heph_ctx ctx, void *arg)
{
	static const int none[] = { SIGKILL, SIGSTOP, 0, -1, 65, 1000 };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		must_be(heph_wait(ctx, heph_on_signal(none[i], NULL)), -EINVAL);
	return 0;
}

static void some_cannot_be_taken(void **state)
{
	run_and_compare(refused);
}

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_can_be_taken),
		cmocka_unit_test(each_waits_until_it_is_asked_for),
		cmocka_unit_test(the_same_comes_again),
		cmocka_unit_test(it_says_who_has_sent_it),
		cmocka_unit_test(some_cannot_be_taken),
	};

	/* A check of TSan's own fails, which takes some of them for faults; all
	 * threads of valgrind 3.19 wait for its lock, once in a while. */
	if (UNDER_TSAN || on_valgrind())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
