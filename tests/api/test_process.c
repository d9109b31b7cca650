/* SPDX-License-Identifier: MIT */
/* Child processes: their streams, their end, whose they are. */
#include "task.h"

#include <heph/process.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { LARGE = 300000 };

static const char *const cat[] = { "cat", NULL };
static const char *const truth[] = { "true", NULL };
static const char *const sleeper[] = { "sleep", "1000", NULL };

#define SH(text_)                                                              \
	(const char *const[])                                                  \
	{                                                                      \
		"sh", "-c", text_, NULL                                        \
	}

/* Nobody is left, not even a zombie. */
static void no_children(void)
{
	siginfo_t info;

	must_be(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	must_be(errno, ECHILD);
}

static struct heph_process_status end_of(heph_ctx ctx,
					 const struct heph_process *process)
{
	struct heph_process_status status = { 0 }, again = { 0 };

	must_be(heph_process_wait(ctx, process, &status), 0);
	must_be(heph_process_wait(ctx, process, &again), 0);
	must_be(heph_process_wait(ctx, process, NULL), 0);
	must(again.how == status.how && again.code == status.code);
	return status;
}

static void must_exit(heph_ctx ctx, const struct heph_process *process, int code)
{
	struct heph_process_status status = end_of(ctx, process);

	must_be(status.how, HEPH_PROCESS_EXITED);
	must_be(status.code, code);
	heph_close(process->fd);
}

/* ---- how it ends ------------------------------------------------------------- */

static int ends(heph_ctx ctx, void *arg)
{
	struct heph_process_status status;
	struct heph_process process;

	must_be(heph_process_start(ctx, &process, truth), 0);
	must(process.pid > 0 && heph_fd_none(process.in));
	must_exit(ctx, &process, 0);
	must_be(heph_process_start(ctx, &process, SH("exit 1")), 0);
	must_exit(ctx, &process, 1);
	must_be(heph_process_start(ctx, &process, SH("exit 3")), 0);
	must_exit(ctx, &process, 3);
	must_be(heph_process_start(ctx, &process, SH("exit 255")), 0);
	must_exit(ctx, &process, 255);
	must_be(heph_process_start(ctx, &process, SH("kill -9 $$")), 0);
	status = end_of(ctx, &process);
	must_be(status.how, HEPH_PROCESS_KILLED);
	must_be(status.code, SIGKILL);
	must_be(heph_process_kill(ctx, &process, 0), -ESRCH);
	heph_close(process.fd);
	must_be(heph_process_wait(ctx, &process, NULL), -EBADF);
	must_be(heph_process_kill(ctx, &process, 0), -EBADF);
	must_be(heph_process_end(ctx, &process, NULL), -EBADF);
	no_children();
	return 0;
}

static void tells_how_it_ended(void **state)
{
	run_task(ends);
	run_thread(ends);
}

static int killed(heph_ctx ctx, void *arg)
{
	struct heph_process_status status;
	struct heph_process process;

	must_be(heph_process_start(ctx, &process, sleeper), 0);
	must_be(heph_process_wait(heph_within(ctx, HEPH_MSEC), &process, NULL),
		-ETIME);
	must_be(heph_process_wait(heph_within(ctx, 0), &process, NULL), -ETIME);
	must_be(heph_process_kill(ctx, &process, 0), 0);
	must_be(heph_process_kill(ctx, &process, 1000), -EINVAL);
	must_be(heph_process_kill_group(ctx, &process, SIGTERM), -EINVAL);
	must_be(heph_process_kill(ctx, &process, SIGUSR1), 0);
	status = end_of(ctx, &process);
	must_be(status.how, HEPH_PROCESS_KILLED);
	must_be(status.code, SIGUSR1);
	heph_close(process.fd);
	no_children();
	return 0;
}

static void a_signal_ends_it(void **state)
{
	run_task(killed);
	run_thread(killed);
}

/* With its end as one of several things that are waited for. */
static int clause(heph_ctx ctx, void *arg)
{
	struct heph_process process, other;

	must_be(heph_process_start(ctx, &other, sleeper), 0);
	must_be(heph_process_start(ctx, &process, cat,
				   .in = HEPH_PROCESS_PIPE),
		0);
	must_be(heph_wait(ctx, heph_on_readable(process.fd),
			  heph_on_time(heph_now() + HEPH_MSEC)),
		1);
	heph_close(process.in);
	must_be(heph_wait(ctx, heph_on_readable(other.fd),
			  heph_on_readable(process.fd)),
		1);
	must_exit(ctx, &process, 0);
	must_be(heph_process_end(ctx, &other, NULL), 0);
	no_children();
	return 0;
}

static void its_end_is_a_clause(void **state)
{
	run_task(clause);
}

/* ---- its streams ----------------------------------------------------------------- */

static int piped(heph_ctx ctx, void *arg)
{
	static char out[LARGE], in[LARGE];
	struct heph_process process;

	for (int i = 0; i < LARGE; i++)
		out[i] = (char)(i * 7 + i / 1000);
	must_be(heph_process_start(ctx, &process, cat, .in = HEPH_PROCESS_PIPE,
				   .out = HEPH_PROCESS_PIPE),
		0);
	for (int done = 0; done < LARGE; done += 30000) {
		must_be(heph_write_all(ctx, process.in, out + done, 30000), 0);
		must_be(heph_read_exact(ctx, process.out, in + done, 30000,
					NULL),
			0);
	}
	must(memcmp(in, out, LARGE) == 0);
	heph_close(process.in);
	must_be(heph_read(ctx, process.out, in, 1), 0);
	heph_close(process.out);
	must_exit(ctx, &process, 0);
	return 0;
}

static void bytes_go_through_pipes(void **state)
{
	run_task(piped);
	run_thread(piped);
}

static void must_say(heph_ctx ctx, heph_fd fd, const char *text)
{
	char buf[200];
	size_t n;

	must_be(heph_read_exact(ctx, fd, buf, sizeof(buf) - 1, &n), -ENODATA);
	buf[n] = '\0';
	if (strcmp(buf, text) != 0)
		fprintf(stderr, "'%s', not '%s'\n", buf, text);
	must(strcmp(buf, text) == 0);
	heph_close(fd);
}

static int streams(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	heph_fd fds[2];

	must_be(heph_process_start(ctx, &process, SH("echo out; echo err >&2"),
				   .out = HEPH_PROCESS_PIPE,
				   .err = HEPH_PROCESS_PIPE),
		0);
	must_say(ctx, process.out, "out\n");
	must_say(ctx, process.err, "err\n");
	must_exit(ctx, &process, 0);

	must_be(heph_process_start(ctx, &process, SH("echo out; echo err >&2"),
				   .out = HEPH_PROCESS_PIPE,
				   .err = HEPH_PROCESS_OUT),
		0);
	must(heph_fd_none(process.err));
	must_say(ctx, process.out, "out\nerr\n");
	must_exit(ctx, &process, 0);

	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(heph_process_start(ctx, &process, SH("cat; echo err >&2"),
				   .in = HEPH_PROCESS_NULL,
				   .out = HEPH_PROCESS_NULL,
				   .err = HEPH_PROCESS_FD, .err_fd = fds[1]),
		0);
	heph_close(fds[1]);
	must_say(ctx, fds[0], "err\n");
	must_exit(ctx, &process, 0);

	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(heph_write_all(ctx, fds[1], "given", 5), 0);
	heph_close(fds[1]);
	must_be(heph_process_start(ctx, &process, cat, .in = HEPH_PROCESS_FD,
				   .in_fd = fds[0], .out = HEPH_PROCESS_PIPE),
		0);
	must(heph_fd_number(ctx, fds[0]) >= 0); /* still ours */
	heph_close(fds[0]);
	must_say(ctx, process.out, "given");
	must_exit(ctx, &process, 0);
	return 0;
}

static void streams_are_what_the_options_say(void **state)
{
	run_task(streams);
	run_thread(streams);
}

/* Each in the place where another one comes from. */
static int crossed(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	heph_fd a[2], b[2], more[2];

	must_be(heph_pipe(ctx, a, 0), 0);
	must_be(heph_pipe(ctx, b, 0), 0);
	more[0] = b[1];
	more[1] = a[1];
	must_be(heph_process_start(ctx, &process,
				   SH("echo three >&3; echo four >&4"),
				   .more = more, .n_more = 2),
		0);
	heph_close(a[1]);
	heph_close(b[1]);
	must_say(ctx, a[0], "four\n");
	must_say(ctx, b[0], "three\n");
	must_exit(ctx, &process, 0);
	return 0;
}

static void more_descriptors_follow(void **state)
{
	run_task(crossed);
	run_thread(crossed);
}

/* Even one that is not marked. */
static int inherits_nothing(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	int open = fcntl(2, F_DUPFD, 200);

	must(open >= 200);
	must_be(heph_process_start(ctx, &process,
				   SH("cd /proc/self/fd && echo *"),
				   .in = HEPH_PROCESS_NULL,
				   .out = HEPH_PROCESS_PIPE),
		0);
	must_say(ctx, process.out, "0 1 2 3\n"); /* that of the listing */
	must_exit(ctx, &process, 0);
	close(open);
	return 0;
}

static void nothing_else_is_inherited(void **state)
{
	run_task(inherits_nothing);
	run_thread(inherits_nothing);
}

/* ---- what it runs in ------------------------------------------------------------------ */

static int surroundings(heph_ctx ctx, void *arg)
{
	static const char *const environment[] = { "ONE=1", "TWO=zwei", NULL };
	static const char *const names[] = { "another name", "-c", "echo $0",
					     NULL };
	struct heph_process process;
	char text[50];

	must_be(heph_process_start(ctx, &process, SH("echo $ONE $TWO $HOME"),
				   .environment = environment,
				   .out = HEPH_PROCESS_PIPE),
		0);
	must_say(ctx, process.out, "1 zwei\n");
	must_exit(ctx, &process, 0);
	must_be(heph_process_start(ctx, &process, SH("pwd"),
				   .directory = "/usr",
				   .out = HEPH_PROCESS_PIPE),
		0);
	must_say(ctx, process.out, "/usr\n");
	must_exit(ctx, &process, 0);
	must_be(heph_process_start(ctx, &process, names, .path = "/bin/sh",
				   .out = HEPH_PROCESS_PIPE),
		0);
	must_say(ctx, process.out, "another name\n");
	must_exit(ctx, &process, 0);
	must_be(heph_process_start(ctx, &process, SH("echo $$"),
				   .out = HEPH_PROCESS_PIPE),
		0);
	snprintf(text, sizeof(text), "%d\n", process.pid);
	must_say(ctx, process.out, text);
	must_exit(ctx, &process, 0);
	return 0;
}

static void it_runs_where_and_as_told(void **state)
{
	run_task(surroundings);
	run_thread(surroundings);
}

/* Ours are blocked, caught and ignored. */
static int signals(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	char text[4000];
	size_t n;

	signal(SIGPIPE, SIG_IGN);
	must_be(heph_process_start(ctx, &process,
				   SH("exec cat /proc/self/status"),
				   .out = HEPH_PROCESS_PIPE),
		0);
	must_be(heph_read_exact(ctx, process.out, text, sizeof(text) - 1, &n),
		-ENODATA);
	text[n] = '\0';
	must(strstr(text, "SigBlk:\t0000000000000000"));
	must(strstr(text, "SigIgn:\t0000000000000000"));
	heph_close(process.out);
	must_exit(ctx, &process, 0);
	signal(SIGPIPE, SIG_DFL);
	return 0;
}

static void its_signals_are_as_from_a_shell(void **state)
{
	run_task(signals);
	run_thread(signals);
}

static int as_user(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	int err = heph_process_start(ctx, &process,
				     SH("echo $(id -u) $(id -g)"),
				     .as_user = true, .user = 1234,
				     .group = 5678, .out = HEPH_PROCESS_PIPE);

	if (geteuid() != 0) {
		must_be(err, -EPERM);
		return 0;
	}
	if (err == -EPERM)
		return 0; /* root of a container */
	must_be(err, 0);
	must_say(ctx, process.out, "1234 5678\n");
	must_exit(ctx, &process, 0);
	return 0;
}

static void it_may_run_as_another_user(void **state)
{
	run_task(as_user);
}

/* ---- that it cannot be started --------------------------------------------------------- */

static int refused(heph_ctx ctx, void *arg)
{
	static const char *const nothing[] = { NULL };
	static const char *const empty[] = { "", NULL };
	static const char *const nobody[] = { "heph-no-such-program", NULL };
	static const char *const nowhere[] = { "/no/such/program", NULL };
	static const char *const below[] = { "/bin/sh/below", NULL };
	static const char *const folder[] = { "/usr", NULL };
	static const char *const data[] = { "/etc/passwd", NULL };
	struct heph_process process;
	heph_fd none = { 0 };

	must_be(heph_process_start(ctx, &process, nothing), -EINVAL);
	must_be(heph_process_start(ctx, &process, NULL), -EINVAL);
	must_be(heph_process_start(ctx, &process, truth,
				   .out = HEPH_PROCESS_OUT),
		-EINVAL);
	must_be(heph_process_start(ctx, &process, truth, .in = HEPH_PROCESS_FD),
		-EBADF);
	must_be(heph_process_start(ctx, &process, truth, .more = &none,
				   .n_more = 1, .out = HEPH_PROCESS_PIPE),
		-EBADF);
	if (on_valgrind()) /* which makes a copy of our memory */
		return 0;
	must_be(heph_process_start(ctx, &process, empty), -ENOENT);
	must_be(heph_process_start(ctx, &process, nobody,
				   .in = HEPH_PROCESS_PIPE,
				   .out = HEPH_PROCESS_PIPE,
				   .err = HEPH_PROCESS_PIPE),
		-ENOENT);
	must_be(heph_process_start(ctx, &process, nowhere), -ENOENT);
	must_be(heph_process_start(ctx, &process, below), -ENOTDIR);
	must_be(heph_process_start(ctx, &process, folder), -EACCES);
	must_be(heph_process_start(ctx, &process, data), -EACCES);
	must_be(heph_process_start(ctx, &process, truth,
				   .directory = "/no/such"),
		-ENOENT);
	no_children();
	return 0;
}

static void why_it_cannot_run_is_told_at_once(void **state)
{
	run_task(refused);
	run_thread(refused);
}

static int too_large(heph_ctx ctx, void *arg)
{
	char *text = malloc(17 << 20);
	const char *argv[] = { "true", text, NULL };
	struct heph_process process;

	memset(text, 'x', (17 << 20) - 1);
	text[(17 << 20) - 1] = '\0';
	must_be(heph_process_start(ctx, &process, argv), -E2BIG);
	text[1 << 20] = '\0';
	if (!on_valgrind())
		must_be(heph_process_start(ctx, &process, argv), -E2BIG);
	free(text);
	return 0;
}

static void arguments_may_be_too_large(void **state)
{
	run_task(too_large);
	run_thread(too_large);
}

static int no_numbers(heph_ctx ctx, void *arg)
{
	struct rlimit limit, less;
	struct heph_process process;
	int fds = count_fds() - 3, err;

	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int n = 0; n < 8; n++) {
		less = limit;
		less.rlim_cur = (rlim_t)(fds + n);
		must_be(setrlimit(RLIMIT_NOFILE, &less), 0);
		err = heph_process_start(ctx, &process, truth,
					 .in = HEPH_PROCESS_PIPE,
					 .out = HEPH_PROCESS_PIPE);
		must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (err == 0)
			must_be(heph_process_end(ctx, &process, NULL), 0);
		else
			must_be(err, -EMFILE);
	}
	no_children();
	return 0;
}

static void without_numbers_it_does_not_start(void **state)
{
	if (!on_valgrind())
		run_task(no_numbers);
}

/* ---- groups ------------------------------------------------------------------------------- */

/* Two generations; the pipe ends when all have. */
static int groups(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	char byte;

	must_be(heph_process_start(ctx, &process,
				   SH("sleep 1000 & echo x; sleep 1000"),
				   .new_group = true, .out = HEPH_PROCESS_PIPE),
		0);
	must_be(heph_read_exact(ctx, process.out, &byte, 1, NULL), 0);
	must_be(getpgid(process.pid), process.pid);
	must_be(heph_process_kill_group(ctx, &process, SIGTERM), 0);
	must_say(ctx, process.out, "\n");
	must_be(end_of(ctx, &process).code, SIGTERM);
	heph_close(process.fd);

	must_be(heph_process_start(ctx, &process,
				   SH("sleep 1000 & echo x; sleep 1000"),
				   .new_session = true,
				   .out = HEPH_PROCESS_PIPE),
		0);
	must_be(heph_read_exact(ctx, process.out, &byte, 1, NULL), 0);
	must_be(getsid(process.pid), process.pid);
	must_be(heph_process_kill(ctx, &process, SIGKILL), 0);
	/* what is left of its group is still there, and still ours to end */
	must_be(heph_process_kill_group(ctx, &process, SIGKILL), 0);
	must_say(ctx, process.out, "\n");
	must_be(end_of(ctx, &process).code, SIGKILL);
	must_be(heph_process_kill_group(ctx, &process, 0), -ESRCH);
	heph_close(process.fd);
	return 0;
}

static void a_group_gets_signals_together(void **state)
{
	run_task(groups);
	run_thread(groups);
}

/* ---- whose it is ------------------------------------------------------------------------------ */

static int left_pid;

static bool is_there(int pid)
{
	return kill(pid, 0) == 0;
}

static int leave_it(heph_ctx ctx, void *arg)
{
	struct heph_process process;

	must_be(heph_process_start(ctx, &process, sleeper), 0);
	left_pid = process.pid;
	must(is_there(left_pid));
	return 0;
}

static int leave_by_panic(heph_ctx ctx, void *arg)
{
	leave_it(ctx, NULL);
	heph_panic(ctx, "on purpose");
}

/* It does not mind SIGTERM. */
static int leave_deaf(heph_ctx ctx, void *arg)
{
	struct heph_process process;
	char byte;

	must_be(heph_process_start(ctx, &process,
				   SH("trap '' TERM; echo x; sleep 1000"),
				   .out = HEPH_PROCESS_PIPE,
				   .grace = 10 * HEPH_MSEC, .new_group = true),
		0);
	must_be(heph_read_exact(ctx, process.out, &byte, 1, NULL), 0);
	left_pid = process.pid;
	return 0;
}

static int leavers(heph_ctx ctx, void *arg)
{
	end_task(ctx, start_task(ctx, leave_it, NULL));
	must(!is_there(left_pid));
	end_task(ctx, start_task(ctx, leave_deaf, NULL));
	must(!is_there(left_pid));
	no_children();
	return 0;
}

static int panickers(heph_ctx ctx, void *arg)
{
	struct heph_exit exit;

	must_be(heph_join(ctx, start_task(ctx, leave_by_panic, NULL), &exit),
		0);
	must_be(exit.err, -ENOTRECOVERABLE);
	must(!is_there(left_pid));
	no_children();
	return 0;
}

static void it_ends_with_its_actor(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	heph_ctx ctx;

	run_task(leavers);
	assert_int_equal(heph_new(&ctx, &config), 0);
	end_task(ctx, start_task(ctx, panickers, NULL));
	heph_free(ctx);
}

/* It says goodbye when it is asked to. */
static int polite(heph_ctx ctx, void *arg)
{
	struct heph_process_status status;
	struct heph_process process;
	heph_fd out;
	char byte;

	must_be(heph_process_start(
			ctx, &process,
			SH("trap 'echo bye; exit 5' TERM; echo x; "
			   "while :; do sleep 0.01; done"),
			.out = HEPH_PROCESS_PIPE, .grace = 60 * HEPH_SEC),
		0);
	must_be(heph_read_exact(ctx, process.out, &byte, 1, NULL), 0);
	must_be(heph_fd_duplicate(ctx, process.out, &out), 0);
	must_be(heph_process_end(ctx, &process, &status), 0);
	must_be(status.how, HEPH_PROCESS_EXITED);
	must_be(status.code, 5);
	must_say(ctx, out, "\nbye\n");
	must_be(heph_process_end(ctx, &process, &status), -EBADF);
	no_children();
	return 0;
}

static void ending_asks_first(void **state)
{
	run_task(polite);
	run_thread(polite);
}

static void await_gone(heph_ctx ctx, int pid)
{
	while (is_there(pid))
		must(heph_yield(ctx) <= 0);
}

/* Closing its descriptor kills it; somebody waits for it all the same. */
static int closed(heph_ctx ctx, void *arg)
{
	struct heph_process process[3];
	int fds = count_fds();

	for (int n = 0; n < 3; n++)
		must_be(heph_process_start(ctx, &process[n], sleeper), 0);
	for (int n = 0; n < 3; n++)
		heph_close(process[n].fd);
	for (int n = 0; n < 3; n++)
		await_gone(ctx, process[n].pid);
	while (count_fds() > fds)
		must(heph_yield(ctx) <= 0);
	no_children();
	return 0;
}

static void to_close_it_is_to_kill_it(void **state)
{
	run_task(closed);
	run_thread(closed);
}

static int detached(heph_ctx ctx, void *arg)
{
	static heph_fd fds[2];
	struct heph_process process;

	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(heph_process_start(ctx, &process, cat, .detached = true,
				   .in = HEPH_PROCESS_FD, .in_fd = fds[0]),
		0);
	heph_close(process.fd);
	heph_close(fds[0]);
	must(is_there(process.pid));
	must_be(heph_write(ctx, fds[1], "", 0), 0);
	heph_close(fds[1]); /* now it ends by itself */
	await_gone(ctx, process.pid);
	no_children();
	return 0;
}

static void one_that_is_detached_goes_on(void **state)
{
	run_task(detached);
	run_thread(detached);
}

/* From one actor to another. */
static struct heph_fd_handle handle;

static int take_it(heph_ctx ctx, void *arg)
{
	struct heph_process process = { 0 };

	must_be(heph_fd_take(ctx, handle, &process.fd), 0);
	must_be(heph_process_kill(ctx, &process, SIGUSR2), 0);
	must_be(end_of(ctx, &process).code, SIGUSR2);
	return 0;
}

static int give_it(heph_ctx ctx, void *arg)
{
	struct heph_process process;

	must_be(heph_process_start(ctx, &process, sleeper), 0);
	must_be(heph_fd_give(ctx, process.fd, &handle), 0);
	end_task(ctx, start_task(ctx, take_it, NULL));
	must_be(heph_process_start(ctx, &process, sleeper), 0);
	must_be(heph_fd_give(ctx, process.fd, &handle), 0);
	heph_fd_discard(handle);
	await_gone(ctx, process.pid);
	no_children();
	return 0;
}

static void it_can_be_given_away(void **state)
{
	run_task(give_it);
	run_thread(give_it);
}

/* A runtime that does not let its actors end. What they had in memory is lost, as
 * a sanitizer would tell. */
enum { LEAKS_ARE_TOLD = ON_ASAN };

static int sleep_on(heph_ctx ctx, void *arg)
{
	leave_it(ctx, NULL);
	*(_Atomic bool *)arg = true;
	return heph_sleep(heph_shield(ctx, HEPH_NEVER), HEPH_NEVER);
}

static void it_ends_with_its_runtime(void **state)
{
	struct heph_config config = { .workers = 1,
				      .no_signals = true,
				      .grace = HEPH_MSEC };
	static _Atomic bool ready;
	heph_ctx ctx;
	task_ref task;

	if (LEAKS_ARE_TOLD || on_valgrind())
		return;
	assert_int_equal(heph_new(&ctx, &config), 0);
	task = start_task(ctx, sleep_on, (void *)(uintptr_t)&ready);
	(void)task;
	while (!ready)
		sched_yield();
	heph_free(ctx);
	assert_false(is_there(left_pid));
	no_children();
}

/* ---- run to the end ------------------------------------------------------------------------------ */

static int runs(heph_ctx ctx, void *arg)
{
	static char input[LARGE], out[LARGE + 10];
	struct heph_process_status status;
	struct heph_process_talk talk = { .input = input,
					  .input_size = LARGE,
					  .out = out,
					  .out_size = sizeof(out) };
	char small[10], err[10];

	for (int i = 0; i < LARGE; i++)
		input[i] = (char)(i * 3);
	must_be(heph_process_run(ctx, cat, &talk, &status), 0);
	must_be(status.how, HEPH_PROCESS_EXITED);
	must_be(status.code, 0);
	must_be(talk.n_out, LARGE);
	must(memcmp(out, input, LARGE) == 0);

	talk = (struct heph_process_talk){ .out = small,
					   .out_size = sizeof(small),
					   .err = err,
					   .err_size = sizeof(err) };
	must_be(heph_process_run(
			ctx,
			SH("echo err >&2; for i in 1 2 3 4 5 6 7 8 9; do "
			   "echo abc; done; exit 7"),
			&talk, &status),
		0);
	must_be(status.code, 7);
	must_be(talk.n_out, 36); /* more than there was room for */
	must(memcmp(small, "abc\nabc\nab", 10) == 0);
	must_be(talk.n_err, 4);
	must(memcmp(err, "err\n", 4) == 0);

	talk = (struct heph_process_talk){ .out = small,
					   .out_size = sizeof(small) };
	must_be(heph_process_run(ctx, SH("echo a; echo b >&2"), &talk, &status,
				 .err = HEPH_PROCESS_OUT),
		0);
	must_be(talk.n_out, 4);
	must(memcmp(small, "a\nb\n", 4) == 0);

	/* who does not read all it is given */
	talk = (struct heph_process_talk){ .input = input,
					   .input_size = LARGE };
	must_be(heph_process_run(ctx, truth, &talk, &status), 0);
	must_be(status.code, 0);
	no_children();
	return 0;
}

static void runs_to_the_end_and_collects(void **state)
{
	run_task(runs);
}

static int runs_silently(heph_ctx ctx, void *arg)
{
	static const char *const nobody[] = { "heph-no-such-program", NULL };
	struct heph_process_talk talk = { .input = "x", .input_size = 1 };
	struct heph_process_status status;

	must_be(heph_process_run(ctx, SH("cat; echo x; echo y >&2; exit 9"),
				 NULL, &status),
		0);
	must_be(status.code, 9);
	must_be(heph_process_run(ctx, truth, NULL, NULL), 0);
	if (heph_worker(ctx) < 0)
		must_be(heph_process_run(ctx, cat, &talk, NULL), -EOPNOTSUPP);
	if (!on_valgrind())
		must_be(heph_process_run(ctx, nobody, NULL, NULL), -ENOENT);
	return 0;
}

static void runs_with_nothing_to_say(void **state)
{
	run_task(runs_silently);
	run_thread(runs_silently);
}

static int runs_too_long(heph_ctx ctx, void *arg)
{
	char buf[10];
	struct heph_process_talk talk = { .out = buf, .out_size = 10 };

	must_be(heph_process_run(heph_within(ctx, 20 * HEPH_MSEC),
				 SH("echo x; exec sleep 1000"), &talk, NULL),
		-ETIME);
	must(talk.n_out == 2 || talk.n_out == 0);
	must_be(heph_process_run(heph_within(ctx, HEPH_MSEC), sleeper, NULL,
				 NULL),
		-ETIME);
	no_children();
	return 0;
}

static void a_deadline_ends_what_runs(void **state)
{
	run_task(runs_too_long);
}

/* ---- many ------------------------------------------------------------------------------------------ */

enum { MANY = 30 };

static int one_of_many(heph_ctx ctx, void *arg)
{
	char in[20], out[20];
	struct heph_process_talk talk = { .input = in,
					  .out = out,
					  .out_size = sizeof(out) };

	talk.input_size = (size_t)snprintf(in, sizeof(in), "%p", arg);
	must_be(heph_process_run(ctx, cat, &talk, NULL), 0);
	must_be(talk.n_out, talk.input_size);
	must(memcmp(in, out, talk.n_out) == 0);
	return 0;
}

static int many(heph_ctx ctx, void *arg)
{
	task_ref tasks[MANY];

	for (intptr_t n = 0; n < MANY; n++)
		tasks[n] = start_task(ctx, one_of_many, (void *)n);
	for (int n = 0; n < MANY; n++)
		end_task(ctx, tasks[n]);
	no_children();
	return 0;
}

static void many_run_at_the_same_time(void **state)
{
	run_task_on(2, many, NULL);
}

/* ---- names of signals --------------------------------------------------------------------------------- */

static void signals_have_names(void **state)
{
	assert_string_equal(heph_signal_name(SIGTERM), "SIGTERM");
	assert_string_equal(heph_signal_name(SIGSYS), "SIGSYS");
	assert_string_equal(heph_signal_name(SIGRTMIN), "SIGRTMIN");
	assert_string_equal(heph_signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
	assert_string_equal(heph_signal_name(SIGRTMAX), "SIGRTMAX");
	assert_string_equal(heph_signal_name(0), "SIG0");
	assert_string_equal(heph_signal_name(-5), "SIG0");
	assert_string_equal(heph_signal_name(32), "SIG0");
	assert_string_equal(heph_signal_name(65), "SIG0");
	for (int signal = 1; signal <= 64; signal++)
		if (signal != 32 && signal != 33)
			assert_int_equal(
				heph_signal_number(heph_signal_name(signal)),
				signal);
	assert_int_equal(heph_signal_number("term"), SIGTERM);
	assert_int_equal(heph_signal_number("SIGPOLL"), SIGIO);
	assert_int_equal(heph_signal_number("IOT"), SIGABRT);
	assert_int_equal(heph_signal_number("SIGFOO"), -EINVAL);
	assert_int_equal(heph_signal_number("SIG"), -EINVAL);
	assert_int_equal(heph_signal_number(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_how_it_ended),
		cmocka_unit_test(a_signal_ends_it),
		cmocka_unit_test(its_end_is_a_clause),
		cmocka_unit_test(bytes_go_through_pipes),
		cmocka_unit_test(streams_are_what_the_options_say),
		cmocka_unit_test(more_descriptors_follow),
		cmocka_unit_test(nothing_else_is_inherited),
		cmocka_unit_test(it_runs_where_and_as_told),
		cmocka_unit_test(its_signals_are_as_from_a_shell),
		cmocka_unit_test(it_may_run_as_another_user),
		cmocka_unit_test(why_it_cannot_run_is_told_at_once),
		cmocka_unit_test(arguments_may_be_too_large),
		cmocka_unit_test(without_numbers_it_does_not_start),
		cmocka_unit_test(a_group_gets_signals_together),
		cmocka_unit_test(it_ends_with_its_actor),
		cmocka_unit_test(ending_asks_first),
		cmocka_unit_test(to_close_it_is_to_kill_it),
		cmocka_unit_test(one_that_is_detached_goes_on),
		cmocka_unit_test(it_can_be_given_away),
		cmocka_unit_test(it_ends_with_its_runtime),
		cmocka_unit_test(runs_to_the_end_and_collects),
		cmocka_unit_test(runs_with_nothing_to_say),
		cmocka_unit_test(a_deadline_ends_what_runs),
		cmocka_unit_test(many_run_at_the_same_time),
		cmocka_unit_test(signals_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
