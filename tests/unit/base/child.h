/* SPDX-License-Identifier: MIT */
/*
 * child.h - runs a function in a child process and catches its standard error
 *
 * For what ends a process: failed assertions, exit handlers.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	int status; /* as of waitpid */
	char output[65536];
};

static inline void child_main(void (*fn)(void), int fd)
{
	const struct rlimit none = { 0, 0 };

	signal(SIGABRT, SIG_DFL); /* cmocka catches it */
	setrlimit(RLIMIT_CORE, &none);
	dup2(fd, STDERR_FILENO);
	close(fd);
	fn();
	exit(0);
}

static inline void child_run(struct child *child, void (*fn)(void))
{
	size_t len = 0;
	ssize_t n;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		child_main(fn, fds[1]);
	}
	close(fds[1]);
	do {
		n = read(fds[0], child->output + len,
			 sizeof(child->output) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	close(fds[0]);
	child->output[len] = '\0';
	assert_int_equal(waitpid(pid, &child->status, 0), pid);
}

static inline int child_aborted(const struct child *child)
{
	return WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGABRT;
}

#endif
