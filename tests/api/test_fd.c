/* SPDX-License-Identifier: MIT */
/* Descriptors: duplicates, flags, closing that tells; pipes; standard streams. */
#include "task.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>

/* Closing does not wait: the end comes soon. */
static void must_be_closed(heph_ctx ctx, int other)
{
	char byte;

	while (read(other, &byte, 1) != 0) {
		must_be(errno, EAGAIN);
		must(heph_yield(ctx) <= 0);
	}
	close(other);
}

/* ---- duplicates ------------------------------------------------------------- */

static int duplicates(heph_ctx ctx, void *arg)
{
	char buf[10];
	int other;
	heph_fd fd = pair(ctx, &other), copy;

	must_be(heph_fd_duplicate(ctx, fd, &copy), 0);
	must(heph_fd_number(ctx, fd) != heph_fd_number(ctx, copy));
	must_be(fcntl(heph_fd_number(ctx, copy), F_GETFD), FD_CLOEXEC);
	must_be(write(other, "abc", 3), 3);
	must_be(heph_read(ctx, copy, buf, 1), 1);
	heph_close(fd);
	must_be(heph_read(ctx, copy, buf + 1, 9), 2);
	must(memcmp(buf, "abc", 3) == 0);
	must_be(heph_fd_duplicate(ctx, fd, &fd), -EBADF);
	heph_close(copy);
	must_be_closed(ctx, other);
	return 0;
}

static void a_duplicate_is_closed_for_itself(void **state)
{
	run_task(duplicates);
	run_thread(duplicates);
}

static int no_numbers(heph_ctx ctx, void *arg)
{
	struct rlimit limit, none;
	heph_fd fds[2], copy;
	int other;
	heph_fd fd = pipe_end(ctx, 0, &other);

	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	must_be(setrlimit(RLIMIT_NOFILE, &none), 0);
	must_be(heph_fd_duplicate(ctx, fd, &copy), -EMFILE);
	must_be(heph_pipe(ctx, fds, 0), -EMFILE);
	/* F_DUPFD says so if the least number is beyond the limit */
	must(heph_stdin(ctx, &copy) < 0);
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	heph_close(fd);
	close(other);
	return 0;
}

static void without_numbers_there_is_none(void **state)
{
	run_task(no_numbers);
}

/* ---- flags -------------------------------------------------------------------- */

static int flags(heph_ctx ctx, void *arg)
{
	char byte;
	int other;
	heph_fd fd = pipe_end(ctx, 1, &other);

	must_be(heph_fd_flags(ctx, fd), O_WRONLY);
	must_be(heph_fd_set_flags(ctx, fd, O_NONBLOCK), 0);
	must_be(heph_fd_flags(ctx, fd), O_WRONLY | O_NONBLOCK);
	must_be(heph_write(ctx, fd, "x", 1), 1);
	must_be(heph_fd_set_flags(ctx, fd, 0), 0);
	must_be(heph_fd_flags(ctx, fd), O_WRONLY);
	must_be(heph_write(ctx, fd, "x", 1), 1);
	heph_close(fd);
	close(other);
	must_be(heph_fd_flags(ctx, fd), -EBADF);
	must_be(heph_fd_set_flags(ctx, fd, 0), -EBADF);

	fd = pipe_end(ctx, 0, &other); /* it waits with either */
	must_be(heph_fd_set_flags(ctx, fd, O_NONBLOCK), 0);
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, &byte, 1), -ETIME);
	must_be(heph_fd_set_flags(ctx, fd, 0), 0);
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, &byte, 1), -ETIME);
	heph_close(fd);
	close(other);
	return 0;
}

static void flags_are_told_and_set(void **state)
{
	run_task(flags);
	run_thread(flags);
}

/* ---- closing -------------------------------------------------------------------- */

static int closes(heph_ctx ctx, void *arg)
{
	struct heph_stats before = heph_stats(ctx);
	heph_fd fds[2], listener;
	char byte;

	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(heph_close_wait(ctx, fds[1]), 0);
	must_be(heph_read(ctx, fds[0], &byte, 1), 0);
	must_be(heph_close_wait(ctx, fds[1]), -EBADF);
	must_be(heph_close_wait(ctx, fds[0]), 0);
	must_be(heph_close_wait(ctx, (heph_fd){ 0 }), -EBADF);
	must_be(heph_stats(ctx).descriptors, before.descriptors);
	must_be(heph_fd_adopt(ctx, open("/dev/null", O_RDWR | O_CLOEXEC),
			      &fds[0]),
		0);
	must_be(heph_close_wait(ctx, fds[0]), 0);
	/* with an accept under way, and a connection that nobody takes */
	listener = listen_somewhere(ctx);
	must_be(heph_accept(heph_within(ctx, 0), listener, &fds[0]), -ETIME);
	close(raw_connect(port_of(ctx, listener)));
	must_be(heph_close_wait(ctx, listener), 0);
	return 0;
}

static void closing_tells_how_it_went(void **state)
{
	run_task(closes);
	run_thread(closes);
}

/* Whatever it says, it is closed. */
static int close_too_late(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd;

	for (int how = 0; how < 2; how++) {
		fd = pipe_end(ctx, 1, &other);
		must(heph_close_wait(heph_within(ctx, how - 1), fd) <= 0);
		must_be_closed(ctx, other);
	}
	fd = pipe_end(ctx, 1, &other);
	while (!heph_stopping(ctx))
		must(heph_yield(ctx) <= 0);
	must_be(heph_close_wait(ctx, fd), -ECANCELED);
	must_be(heph_fd_number(ctx, fd), -EBADF);
	must_be_closed(ctx, other);
	return 0;
}

static int closes_too_late(heph_ctx ctx, void *arg)
{
	task_ref task = start_task(ctx, close_too_late, NULL);

	let_run(ctx);
	heph_stop(task);
	end_task(ctx, task);
	return 0;
}

static void closing_cannot_be_too_late(void **state)
{
	run_task(closes_too_late);
}

/* ---- pipes ------------------------------------------------------------------------ */

static int pipes(heph_ctx ctx, void *arg)
{
	enum { MUCH = 17 * 4096 };
	char *out = malloc(MUCH), *in = malloc(MUCH), buf[10];
	heph_fd fds[2];
	int size;

	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(fcntl(heph_fd_number(ctx, fds[0]), F_GETFD), FD_CLOEXEC);
	size = heph_pipe_size(ctx, fds[0]);
	must(size >= 4096);
	must(heph_pipe_resize(ctx, fds[1], 2 * size) >= 2 * size);
	must(heph_pipe_size(ctx, fds[1]) >= 2 * size);
	for (int i = 0; i < MUCH; i++)
		out[i] = (char)(i * 7);
	must_be(heph_write_all(ctx, fds[1], out, MUCH), 0);
	must_be(heph_pipe_resize(ctx, fds[1], 4096), -EBUSY);
	must_be(heph_read_exact(ctx, fds[0], in, MUCH, NULL), 0);
	must(memcmp(in, out, MUCH) == 0);
	heph_close(fds[1]);
	must_be(heph_read(ctx, fds[0], in, 1), 0);
	heph_close(fds[0]);
	must_be(heph_pipe_size(ctx, fds[0]), -EBADF);
	must_be(heph_pipe(ctx, fds, 2), -EINVAL);

	must_be(heph_pipe(ctx, fds, 0), 0);
	must_be(heph_close_wait(ctx, fds[0]), 0);
	must_be(heph_write(ctx, fds[1], "x", 1), -EPIPE);
	heph_close(fds[1]);

	must_be(heph_pipe(ctx, fds, HEPH_PIPE_PACKETS), 0);
	must_be(heph_write(ctx, fds[1], "abc", 3), 3);
	must_be(heph_write(ctx, fds[1], "defg", 4), 4);
	must_be(heph_read(ctx, fds[0], buf, sizeof(buf)), 3);
	must_be(heph_read(ctx, fds[0], buf, 2), 2); /* the rest is lost */
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fds[0], buf, 2), -ETIME);
	heph_close(fds[0]);
	heph_close(fds[1]);
	free(out);
	free(in);
	return 0;
}

static void pipes_carry_bytes_or_packets(void **state)
{
	run_task(pipes);
	run_thread(pipes);
}

static int no_pipe(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd = pair(ctx, &other);

	must_be(heph_pipe_size(ctx, fd), -EBADF);
	must_be(heph_pipe_resize(ctx, fd, 4096), -EBADF);
	heph_close(fd);
	close(other);
	return 0;
}

static void only_pipes_have_a_size(void **state)
{
	run_task(no_pipe);
	run_thread(no_pipe);
}

/* ---- standard streams ------------------------------------------------------------------ */

/* Puts a number in the place of another one for a while. */
static int replace(int number, int by)
{
	int old = fcntl(number, F_DUPFD_CLOEXEC, 100);

	must(old >= 0);
	must_be(dup2(by, number), number);
	close(by);
	return old;
}

static void put_back(int number, int old)
{
	must_be(dup2(old, number), number);
	close(old);
}

/* Whatever is there gives "hello\n" when asked. */
static void read_hello(heph_ctx ctx)
{
	char buf[20];
	heph_fd fd;

	must_be(heph_stdin(ctx, &fd), 0);
	must(heph_fd_number(ctx, fd) > 2);
	must_be(heph_read(ctx, fd, buf, sizeof(buf)), 6);
	must(memcmp(buf, "hello\n", 6) == 0);
	must(!(fcntl(0, F_GETFL) & O_NONBLOCK));
	heph_close(fd);
	must(fcntl(0, F_GETFD) >= 0);
}

static int standard_input(heph_ctx ctx, void *arg)
{
	char name[] = "/tmp/heph-fd-XXXXXX";
	int numbers[2], old, file;

	must_be(pipe2(numbers, O_CLOEXEC), 0);
	must_be(write(numbers[1], "hello\n", 6), 6);
	old = replace(0, numbers[0]);
	read_hello(ctx);
	put_back(0, old);
	close(numbers[1]);

	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
	must_be(write(numbers[1], "hello\n", 6), 6);
	old = replace(0, numbers[0]);
	read_hello(ctx);
	put_back(0, old);
	close(numbers[1]);

	file = mkostemp(name, O_CLOEXEC);
	unlink(name);
	must_be(write(file, "hello\n", 6), 6);
	must_be(lseek(file, 0, SEEK_SET), 0);
	old = replace(0, file);
	read_hello(ctx);
	must_be(lseek(0, 0, SEEK_CUR), 6); /* one position */
	put_back(0, old);
	return 0;
}

static void standard_input_may_be_anything(void **state)
{
	run_task(standard_input);
	run_thread(standard_input);
}

/* A terminal, in lines. */
static int terminal(heph_ctx ctx, void *arg)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, old;
	char buf[20];
	heph_fd fd;

	must(master >= 0);
	must_be(grantpt(master), 0);
	must_be(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(slave >= 0);
	old = replace(0, slave);
	must_be(heph_stdin(ctx, &fd), 0);
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, buf, sizeof(buf)),
		-ETIME);
	must_be(write(master, "hel", 3), 3); /* no line so far */
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, buf, sizeof(buf)),
		-ETIME);
	must_be(write(master, "lo\n", 3), 3);
	must_be(heph_read(ctx, fd, buf, sizeof(buf)), 6);
	must(memcmp(buf, "hello\n", 6) == 0);
	must_be(heph_write(ctx, fd, "out", 3), 3);
	heph_close(fd);
	put_back(0, old);
	close(master);
	return 0;
}

static void standard_input_may_be_a_terminal(void **state)
{
	run_task(terminal);
	run_thread(terminal);
}

static int standard_output(heph_ctx ctx, void *arg)
{
	heph_fd fds[2], out;
	char buf[20];
	int old;

	for (int number = 1; number <= 2; number++) {
		must_be(heph_pipe(ctx, fds, 0), 0);
		old = replace(number, dup(heph_fd_number(ctx, fds[1])));
		must_be(number == 1 ? heph_stdout(ctx, &out) :
				      heph_stderr(ctx, &out),
			0);
		must_be(heph_write_all(ctx, out, "hello", 5), 0);
		heph_close(out);
		must(fcntl(number, F_GETFD) >= 0);
		put_back(number, old);
		must_be(heph_read(ctx, fds[0], buf, sizeof(buf)), 5);
		must(memcmp(buf, "hello", 5) == 0);
		heph_close(fds[0]);
		heph_close(fds[1]);
	}
	return 0;
}

static void standard_output_stays_open(void **state)
{
	run_task(standard_output);
	run_thread(standard_output);
}

/* What it is given is never one of the three. */
static int closed_input(heph_ctx ctx, void *arg)
{
	int old = fcntl(0, F_DUPFD_CLOEXEC, 100);
	heph_fd fd;

	must(old >= 0);
	close(0);
	must_be(heph_stdin(ctx, &fd), -EBADF);
	must_be(heph_stdout(ctx, &fd), 0);
	must(heph_fd_number(ctx, fd) > 2);
	heph_close(fd);
	put_back(0, old);
	return 0;
}

static void standard_input_may_be_closed(void **state)
{
	run_task(closed_input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_duplicate_is_closed_for_itself),
		cmocka_unit_test(without_numbers_there_is_none),
		cmocka_unit_test(flags_are_told_and_set),
		cmocka_unit_test(closing_tells_how_it_went),
		cmocka_unit_test(closing_cannot_be_too_late),
		cmocka_unit_test(pipes_carry_bytes_or_packets),
		cmocka_unit_test(only_pipes_have_a_size),
		cmocka_unit_test(standard_input_may_be_anything),
		cmocka_unit_test(standard_input_may_be_a_terminal),
		cmocka_unit_test(standard_output_stays_open),
		cmocka_unit_test(standard_input_may_be_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
