/* SPDX-License-Identifier: MIT */
/*
 * Kinds of operations: child processes.
 *
 * The child is made as vfork(2) does: it runs in our memory, on a stack of its
 * own, and the thread that makes it sleeps until it has called execve(2), or has
 * ended; so why it could not is told in that memory. Meanwhile it must not
 * disturb us. All signals are blocked, so that no handler of ours runs in it;
 * it makes system calls and nothing else; it has its own table of descriptors.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coro/san.h"
#include "io/kinds.h"
#include "io/process.h"

/* TSan makes of every clone(2) a fork(2). */
enum { OUR_MEMORY = HEPH_TSAN ? 0 : CLONE_VM };

enum { CHILD_STACK = 64 * 1024, KERNEL_SIGSET = 8, SIGNALS = 64 };

/* What runs there must not be watched by sanitizers, which know one thread. */
#define PLAIN                                                                  \
	__attribute__((no_sanitize("address"), no_sanitize("thread"),          \
		       no_sanitize("undefined"), noinline))

/* ---- in the child ------------------------------------------------------------ */

PLAIN static int call(long number, long a, long b, long c, long d)
{
	return syscall(number, a, b, c, d) < 0 ? -errno : 0;
}

/* Caught ones are forgotten by execve(2), ignored ones are not. Numbers that no
 * program may set are refused, which is fine. */
PLAIN static void reset_signals(void)
{
	const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} usual = { 0 };
	const uint64_t none = 0;

	for (int signal = 1; signal <= SIGNALS; signal++)
		call(SYS_rt_sigaction, signal, (long)&usual, 0, KERNEL_SIGSET);
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, KERNEL_SIGSET);
}

PLAIN static int open_null(void)
{
	long fd = syscall(SYS_openat, AT_FDCWD, "/dev/null",
			  O_RDWR | O_CLOEXEC, 0);

	return fd < 0 ? -errno : (int)fd;
}

/* All are moved out of the way first, so that none is lost that another one
 * replaces. */
PLAIN static int arrange_files(const struct heph_birth_plan *plan)
{
	int n = (int)plan->n_files, from, err = 0;
	long moved;

	for (int i = 0; i < n; i++) {
		from = plan->files[i];
		if (from == HEPH_PLAN_INHERIT)
			continue;
		if (from == HEPH_PLAN_NULL)
			from = open_null();
		if (from < 0)
			return from;
		moved = syscall(SYS_fcntl, from, F_DUPFD_CLOEXEC, n);
		if (moved < 0)
			return -errno;
		plan->moved[i] = (int)moved;
	}
	for (int i = 0; i < n && err == 0; i++)
		if (plan->files[i] != HEPH_PLAN_INHERIT)
			err = call(SYS_dup3, plan->moved[i], i, 0, 0);
	if (err == 0 &&
	    call(SYS_close_range, n, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */, 0) < 0)
		call(SYS_close_range, n, ~0U, 0, 0); /* before Linux 5.11 */
	return err;
}

PLAIN static int set_user(const struct heph_birth_plan *plan)
{
	int err;

	if (!plan->as_user)
		return 0;
	err = call(SYS_setgroups, 0, 0, 0, 0);
	if (err == 0)
		err = call(SYS_setresgid, plan->group, plan->group, plan->group,
			   0);
	if (err == 0)
		err = call(SYS_setresuid, plan->user, plan->user, plan->user, 0);
	return err;
}

PLAIN static int arrange(const struct heph_birth_plan *plan)
{
	int err = 0;

	if (plan->new_session)
		err = call(SYS_setsid, 0, 0, 0, 0);
	else if (plan->new_group)
		err = call(SYS_setpgid, 0, 0, 0, 0);
	if (err == 0)
		err = arrange_files(plan);
	if (err == 0)
		err = set_user(plan);
	if (err == 0 && plan->directory)
		err = call(SYS_chdir, (long)plan->directory, 0, 0, 0);
	return err;
}

/* Not that it was not found, if another one was found that cannot be run. */
PLAIN static int execute(const struct heph_birth_plan *plan)
{
	int err = -ENOENT, one;

	for (size_t i = 0; i < plan->n_paths; i++) {
		one = call(SYS_execve, (long)plan->paths[i], (long)plan->argv,
			   (long)plan->environment, 0);
		if (one != -ENOENT && one != -ENOTDIR && one != -EACCES)
			return one;
		if (one == -EACCES || i == 0)
			err = err == -EACCES ? err : one;
	}
	return err;
}

PLAIN static int run_child(void *arg)
{
	struct heph_birth_plan *plan = arg;

	*plan->err = arrange(plan);
	reset_signals();
	if (*plan->err == 0)
		*plan->err = execute(plan);
	syscall(SYS_exit_group, 127);
	return 0;
}

/* ---- making it ----------------------------------------------------------------- */

static int make_child(struct heph_birth_plan *plan, void *stack)
{
	int pidfd = -1;
	pid_t pid = clone(run_child, (char *)stack + CHILD_STACK,
			  OUR_MEMORY | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, plan,
			  &pidfd);
	siginfo_t info;

	if (pid < 0)
		return -errno;
	plan->pid = pid;
	if (*plan->err == 0)
		return pidfd;
	waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
	close(pidfd);
	return *plan->err;
}

int heph_attempt_spawn(struct heph_op *op)
{
	struct heph_birth_plan *plan = op->buf;
	sigset_t all, before;
	void *stack;
	int result;

	/* shared, because tools may make a copy of all other memory */
	stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		return -ENOMEM;
	plan->err = stack;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = make_child(plan, stack);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	munmap(stack, CHILD_STACK);
	return result;
}

/* ---- what else is done to it -------------------------------------------------------- */

int heph_attempt_wait_process(struct heph_op *op)
{
	siginfo_t *info = op->buf;
	int result;

	info->si_pid = 0;
	do {
		result = waitid(P_PIDFD, (id_t)op->number, info,
				WEXITED | (int)op->flags);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return -errno;
	return info->si_pid ? 0 : -EAGAIN;
}

enum { TO_GROUP = 1 << 2 /* PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9 */ };

/* Where the kernel, or valgrind, cannot do it by the descriptor the number will
 * do: the child was not waited for, so it is nobody else's. */
int heph_attempt_kill_process(struct heph_op *op)
{
	int signal = (int)op->flags, pid = op->number2, err;
	bool group = op->events;

	err = call(SYS_pidfd_send_signal, op->number, signal, 0,
		   group ? TO_GROUP : 0);
	if (err != -ENOSYS && (err != -EINVAL || !group))
		return err;
	return kill(group ? -pid : pid, signal) < 0 ? -errno : 0;
}
