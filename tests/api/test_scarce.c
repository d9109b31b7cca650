/* SPDX-License-Identifier: MIT */
/* What is told when there is no descriptor left; in children. */
#include "act.h"

#include "../forbid.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[1 << 16];

/* ---- what has too little ------------------------------------------------------------ */

/* That call is no operation of the ring: the filter is there for it. */
static int make_pipe(heph_ctx ctx)
{
	heph_fd fds[2];

	return heph_pipe(ctx, fds, 0);
}

/* Fails thrice, and is told of once. */
static int fail_by_filter(heph_ctx ctx, act_inbox in, void *arg)
{
	int err = (int)(intptr_t)arg;
	struct rlimit limit;

	(void)in;
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 123;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (!forbid(SYS_pipe2, (unsigned)err))
		_exit(77); /* no filters here */
	for (int n = 0; n < 3; n++)
		must_be(make_pipe(ctx), -err);
	return 0;
}

/* A limit as it is met: the last ones are taken by another call. */
static int fail_by_limit(heph_ctx ctx, act_inbox in, void *arg)
{
	struct rlimit limit;
	heph_fd fd;
	int err = 0;

	(void)in, (void)arg;
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 60;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (err == 0)
		err = heph_open(ctx, "/dev/null", O_RDONLY, 0, &fd);
	must_be(err, -EMFILE);
	return 0;
}

/* ---- in a child ---------------------------------------------------------------------- */

static void be_child(act_fn *fn, int err, int fd)
{
	const struct heph_config config = { .workers = 1, .no_signals = true };

	setenv("HEPH_LOG", "logfmt", 1);
	alarm(100);
	dup2(fd, STDERR_FILENO);
	exit(heph_run(&config, act, { fn, (void *)(intptr_t)err }) < 0);
}

static void run_child(act_fn *fn, int err)
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
		be_child(fn, err, fds[1]);
	close(fds[1]);
	while ((n = read(fds[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	if (status != 0)
		print_message("%s", said);
	assert_int_equal(status, 0);
}

static void says(const char *text)
{
	if (!strstr(said, text))
		print_message("no '%s' in\n%s", text, said);
	assert_non_null(strstr(said, text));
}

static void once(const char *text)
{
	const char *at = strstr(said, text);

	says(text);
	assert_null(strstr(at + 1, text));
}

/* ---- the tests ------------------------------------------------------------------------ */

static void of_the_process(void **state)
{
	char text[300];
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	run_child(fail_by_filter, EMFILE);
	once("the process has no descriptor left");
	snprintf(text, sizeof(text),
		 "err=EMFILE limit=123 hard_limit=%llu do=\"ulimit -n, or "
		 "LimitNOFILE= of a unit; or close some\" "
		 "guide=errors-you-will-meet",
		 (unsigned long long)limit.rlim_max);
	says(text);
	assert_null(strstr(said, "the machine"));
}

static void of_the_machine(void **state)
{
	(void)state;
	run_child(fail_by_filter, ENFILE);
	once("the machine has no descriptor left");
	says("err=ENFILE do=\"sysctl fs.file-max; or end what has too many\" "
	     "guide=errors-you-will-meet");
	assert_null(strstr(said, "the process"));
}

static void because_a_limit_is_reached(void **state)
{
	(void)state;
	run_child(fail_by_limit, 0);
	once("the process has no descriptor left");
	says(" limit=60 ");
}

static void not_for_other_errors(void **state)
{
	(void)state;
	run_child(fail_by_filter, EPERM);
	assert_null(strstr(said, "no descriptor left"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_the_process),
		cmocka_unit_test(of_the_machine),
		cmocka_unit_test(because_a_limit_is_reached),
		cmocka_unit_test(not_for_other_errors),
	};

	return cmocka_run_group_tests_name("scarce", tests, NULL, NULL);
}
