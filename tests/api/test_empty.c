/* SPDX-License-Identifier: MIT */
/* Calls that do not look at their context: a crash with an empty one is explained. */
#include "act.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char hint[] =
	"heph: a call of Heph's was given an empty context, "
	"an empty inbox or NULL (guide: errors-you-will-meet)\n";

static heph_ctx never_set;
static char said[1 << 16];

/* ---- what crashes ---------------------------------------------------------------- */

static int do_send(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = 0;

	(void)ctx, (void)arg;
	while (err == 0)
		err = heph_send(never_set, heph_self(in), { .n = 1 });
	return err;
}

static int do_recv(heph_ctx ctx, act_inbox in, void *arg)
{
	struct act_msg msg;

	(void)ctx, (void)arg;
	return heph_recv(never_set, (in = (act_inbox){ 0 }), &msg);
}

static int do_call(heph_ctx ctx, act_inbox in, void *arg)
{
	long answer;

	(void)ctx, (void)arg;
	return heph_call(never_set, heph_self(in), answer, &answer, { 0 });
}

static int do_yield(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return heph_yield(never_set);
}

static int do_alloc(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)ctx, (void)in, (void)arg;
	return heph_alloc(never_set, 10) ? 0 : -ENOMEM;
}

/* Not Heph's mistake to explain. */
static int do_it_oneself(heph_ctx ctx, act_inbox in, void *arg)
{
	volatile int *volatile null = NULL;

	(void)ctx, (void)in, (void)arg;
	return *null;
}

/* ---- in a child ------------------------------------------------------------------ */

static void be_child(act_fn *fn, int fd)
{
	const struct heph_config config = { .workers = 1, .no_signals = true };
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	setenv("HEPH_LOG", "off", 1);
	dies_with_leaks();
	alarm(100);
	dup2(fd, STDERR_FILENO);
	signal(SIGSEGV, SIG_DFL); /* cmocka's handlers */
	signal(SIGABRT, SIG_DFL);
	_exit(heph_run(&config, act, { fn, NULL }));
}

static void crashes(act_fn *fn)
{
	int fds[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	fflush(NULL);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_child(fn, fds[1]);
	close(fds[1]);
	while ((n = read(fds[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return;
	if (ON_ASAN || ON_TSAN) { /* they report, and exit */
		assert_int_not_equal(WEXITSTATUS(status), 0);
		return;
	}
	print_message("%s", said);
	fail();
}

/* Some say so themselves where the library looks, in a debug build. */
static void is_explained(act_fn *fn)
{
	crashes(fn);
	if (!strstr(said, hint) && !strstr(said, "with an empty context"))
		print_message("%s", said);
	assert_true(strstr(said, hint) ||
		    strstr(said, "with an empty context"));
}

static void are_explained(void **state)
{
	(void)state;
	if (ON_ASAN || ON_TSAN)
		skip(); /* their report */
	is_explained(do_send);
	is_explained(do_recv);
	is_explained(do_call);
	is_explained(do_yield);
	is_explained(do_alloc);
}

static void are_not_blamed_for_others(void **state)
{
	(void)state;
	crashes(do_it_oneself);
	if (!ON_ASAN && !ON_TSAN)
		assert_non_null(strstr(said, "heph: SIGSEGV"));
	assert_null(strstr(said, hint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_explained),
		cmocka_unit_test(are_not_blamed_for_others),
	};

	return cmocka_run_group_tests_name("empty", tests, NULL, NULL);
}
