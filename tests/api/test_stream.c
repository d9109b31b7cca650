/* SPDX-License-Identifier: MIT */
/* Reading and writing: files, pipes and sockets, by actors and by threads. */
#include "task.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

enum {
	SMALL = 1000,
	MIB = 1 << 20,
};

static size_t huge = 16 * MIB;

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

static void fill(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(i);
}

static bool is_filled(const unsigned char *bytes, size_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != pattern(from + i))
			return false;
	return true;
}

static int temporary(void)
{
	int number = memfd_create("test", MFD_CLOEXEC);

	must(number >= 0);
	return number;
}

/* ---- files ------------------------------------------------------------------ */

static int files(heph_ctx ctx, void *arg)
{
	unsigned char *big = malloc(MIB), text[SMALL];
	heph_fd file = adopt(ctx, temporary());
	size_t done;

	fill(big, MIB);
	must_be(heph_write_all(ctx, file, big, MIB), 0);
	memset(big, 0, MIB);
	must_be(lseek(heph_fd_number(ctx, file), 0, SEEK_SET), 0);
	must_be(heph_read(ctx, file, text, 10), 10);
	must(is_filled(text, 0, 10));
	must_be(heph_read_exact(ctx, file, text, SMALL, &done), 0);
	must_be(done, SMALL);
	must(is_filled(text, 10, SMALL)); /* from the current position */
	must_be(heph_read_exact(ctx, file, big, MIB, &done), -ENODATA);
	must_be(done, MIB - 10 - SMALL);
	must(is_filled(big, 10 + SMALL, done));
	must_be(heph_read(ctx, file, text, SMALL), 0);
	must_be(heph_read(ctx, file, big, MIB), 0);
	must_be(heph_read_exact(ctx, file, text, 1, NULL), -ENODATA);
	must_be(heph_read_exact(ctx, file, text, 0, &done), 0);
	must_be(done, 0);
	must_be(heph_write(ctx, file, text, 0), 0);
	heph_close(file);
	must_be(heph_read(ctx, file, text, 1), -EBADF);
	must_be(heph_write(ctx, file, text, 1), -EBADF);
	must_be(heph_read(ctx, (heph_fd){ 0 }, text, 1), -EBADF);
	free(big);
	return 0;
}

static void reads_and_writes_files(void **state)
{
	run_task(files);
	run_thread(files);
}

static int wrong_direction(heph_ctx ctx, void *arg)
{
	char byte = 0;
	heph_fd file = adopt(ctx, open("/dev/null", O_RDONLY | O_CLOEXEC));

	must_be(heph_write(ctx, file, &byte, 1), -EBADF);
	heph_close(file);
	file = adopt(ctx, open("/dev/full", O_RDWR | O_CLOEXEC));
	must_be(heph_write_all(ctx, file, "text", 4), -ENOSPC);
	heph_close(file);
	file = adopt(ctx, open("/proc/self", O_RDONLY | O_CLOEXEC));
	must_be(heph_read(ctx, file, &byte, 1), -EISDIR);
	heph_close(file);
	return 0;
}

static void gives_the_kernels_errors(void **state)
{
	run_task(wrong_direction);
	run_thread(wrong_direction);
}

/* ---- partial counts ----------------------------------------------------------- */

/* Writes to `number` in pieces, from another actor. */
struct feeder {
	int number;
	const char *text;
	size_t piece;
};

static int feed(heph_ctx ctx, void *arg)
{
	struct feeder *it = arg;
	size_t left = strlen(it->text), n;

	for (; left; left -= n, it->text += n) {
		n = left < it->piece ? left : it->piece;
		must_be(write(it->number, it->text, n), n);
		let_run(ctx);
	}
	close(it->number);
	return 0;
}

static int partial_from(heph_ctx ctx, heph_fd fd, int other, char *buf)
{
	static struct feeder feeder;
	task_ref task;
	size_t done;

	must_be(write(other, "one ", 4), 4);
	must_be(heph_read(ctx, fd, buf, 1), 1);
	must_be(heph_read(ctx, fd, buf + 1, 99), 3);
	must(memcmp(buf, "one ", 4) == 0);
	feeder = (struct feeder){ other, "two three four", 4 };
	task = start_task(ctx, feed, &feeder);
	must_be(heph_read_exact(ctx, fd, buf, 10, &done), 0);
	must(memcmp(buf, "two three ", 10) == 0);
	must_be(heph_read_exact(ctx, fd, buf, 10, &done), -ENODATA);
	must_be(done, 4);
	must(memcmp(buf, "four", 4) == 0);
	must_be(heph_read(ctx, fd, buf, 100), 0);
	must_be(heph_read(ctx, fd, buf, 100), 0);
	end_task(ctx, task);
	heph_close(fd);
	return 0;
}

static int partial(heph_ctx ctx, void *arg)
{
	char stack[100], *heap = malloc(100);
	int other;
	heph_fd fd;

	fd = pair(ctx, &other);
	partial_from(ctx, fd, other, stack);
	fd = pair(ctx, &other);
	partial_from(ctx, fd, other, heap);
	fd = pipe_end(ctx, 0, &other);
	partial_from(ctx, fd, other, stack);
	fd = pipe_end(ctx, 0, &other);
	partial_from(ctx, fd, other, heap);
	free(heap);
	return 0;
}

static void reads_what_is_there(void **state)
{
	run_task(partial);
}

/* ---- much ----------------------------------------------------------------------- */

struct pump {
	int number;
	bool stack;
};

static void drain_in_pieces(heph_ctx ctx, heph_fd fd)
{
	unsigned char piece[10000];
	size_t at = 0;
	int n;

	while ((n = heph_read(ctx, fd, piece, sizeof(piece))) > 0) {
		must(is_filled(piece, at, (size_t)n));
		at += (size_t)n;
	}
	must_be(n, 0);
	must_be(at, huge);
}

static void drain_whole(heph_ctx ctx, heph_fd fd)
{
	unsigned char *all = malloc(huge), more;
	size_t done;

	must_be(heph_read_exact(ctx, fd, all, huge, &done), 0);
	must(is_filled(all, 0, huge));
	must_be(heph_read(ctx, fd, &more, 1), 0);
	free(all);
}

static int drain(heph_ctx ctx, void *arg)
{
	const struct pump *it = arg;
	heph_fd fd = adopt(ctx, it->number);

	if (it->stack)
		drain_in_pieces(ctx, fd);
	else
		drain_whole(ctx, fd);
	return 0;
}

static void flood_in_pieces(heph_ctx ctx, heph_fd fd)
{
	unsigned char piece[10000];
	size_t n;

	for (size_t at = 0; at < huge; at += n) {
		n = huge - at < sizeof(piece) ? huge - at : sizeof(piece);
		for (size_t i = 0; i < n; i++)
			piece[i] = pattern(at + i);
		must_be(heph_write_all(ctx, fd, piece, n), 0);
	}
}

static void flood_whole(heph_ctx ctx, heph_fd fd)
{
	unsigned char *all = malloc(huge);
	size_t done;

	fill(all, huge);
	must_be(heph_write_exact(ctx, fd, all, huge, &done), 0);
	must_be(done, huge);
	free(all);
}

/* Two connected numbers; over TCP, or a Unix socket, or a pipe. */
enum { TCP, UNIX, PIPE };

static void connected(heph_ctx ctx, int how, int numbers[2])
{
	heph_fd listener;

	if (how == PIPE) {
		must_be(pipe2(numbers, O_CLOEXEC), 0);
		return;
	}
	if (how == UNIX) {
		must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   numbers),
			0);
		return;
	}
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	numbers[1] = raw_connect(port_of(ctx, listener));
	numbers[0] = accept4(heph_fd_number(ctx, listener), NULL, NULL,
			     SOCK_CLOEXEC);
	must(numbers[0] >= 0 && numbers[1] >= 0);
	heph_close(listener);
}

static void much(heph_ctx ctx, int how, bool from_stack, bool to_stack)
{
	static struct pump pump;
	int numbers[2];
	task_ref task;
	heph_fd fd;

	connected(ctx, how, numbers);
	pump = (struct pump){ numbers[0], to_stack };
	task = start_task(ctx, drain, &pump);
	fd = adopt(ctx, numbers[1]);
	if (from_stack)
		flood_in_pieces(ctx, fd);
	else
		flood_whole(ctx, fd);
	heph_close(fd);
	end_task(ctx, task);
}

static int much_tcp(heph_ctx ctx, void *arg)
{
	much(ctx, TCP, false, false);
	much(ctx, TCP, true, true);
	return 0;
}

static int much_unix(heph_ctx ctx, void *arg)
{
	much(ctx, UNIX, false, true);
	much(ctx, UNIX, true, false);
	return 0;
}

static int much_pipe(heph_ctx ctx, void *arg)
{
	much(ctx, PIPE, false, false);
	much(ctx, PIPE, true, true);
	return 0;
}

static void moves_much_by_tcp(void **state)
{
	run_task(much_tcp);
	run_thread(much_tcp);
}

static void moves_much_by_a_unix_socket(void **state)
{
	run_task(much_unix);
	run_thread(much_unix);
}

static void moves_much_by_a_pipe(void **state)
{
	run_task(much_pipe);
	run_thread(much_pipe);
}

/* ---- the other end is gone ------------------------------------------------------- */

static int closed_peers(heph_ctx ctx, void *arg)
{
	char bytes[SMALL] = { 0 };
	size_t done;
	int other;
	heph_fd fd;

	fd = pair(ctx, &other);
	close(other);
	must_be(heph_write(ctx, fd, bytes, 1), -EPIPE);
	must_be(heph_write_exact(ctx, fd, bytes, SMALL, &done), -EPIPE);
	must_be(done, 0);
	must_be(heph_read(ctx, fd, bytes, 1), 0);
	heph_close(fd);

	fd = pipe_end(ctx, 1, &other);
	close(other);
	must_be(heph_write(ctx, fd, bytes, 1), -EPIPE);
	must_be(heph_write_all(ctx, fd, bytes, SMALL), -EPIPE);
	heph_close(fd);

	fd = pipe_end(ctx, 0, &other);
	close(other);
	must_be(heph_read(ctx, fd, bytes, 1), 0);
	heph_close(fd);
	return 0;
}

/* SIGPIPE would end the program, as it is not ignored. */
static void a_closed_peer_is_epipe_without_a_signal(void **state)
{
	sigset_t set;

	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	run_task(closed_peers);
	run_thread(closed_peers);
	sigpending(&set);
	assert_false(sigismember(&set, SIGPIPE));
}

static int reset_peers(heph_ctx ctx, void *arg)
{
	char byte = 0;
	heph_fd listener, fd;
	int other;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	for (int i = 0; i < 2; i++) {
		other = raw_connect(port_of(ctx, listener));
		must_be(heph_accept(ctx, listener, &fd), 0);
		raw_reset(other);
		if (i)
			must_be(heph_read(ctx, fd, &byte, 1), -ECONNRESET);
		else
			must_be(heph_write_all(ctx, fd, &byte, 1), -ECONNRESET);
		must_be(heph_read(ctx, fd, &byte, 1), 0);
		must_be(heph_write(ctx, fd, &byte, 1), -EPIPE);
		heph_close(fd);
	}
	heph_close(listener);
	return 0;
}

static void a_reset_is_econnreset(void **state)
{
	run_task(reset_peers);
	run_thread(reset_peers);
}

static int shut_down(heph_ctx ctx, void *arg)
{
	char byte = 'x';
	int other;
	heph_fd fd = pair(ctx, &other);

	must_be(heph_shutdown(ctx, fd, SHUT_WR), 0);
	must_be(read(other, &byte, 1), 0);
	must_be(heph_write(ctx, fd, &byte, 1), -EPIPE);
	must_be(write(other, &byte, 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	must_be(heph_shutdown(ctx, fd, SHUT_RD), 0);
	must_be(heph_read(ctx, fd, &byte, 1), 0);
	must_be(heph_shutdown(ctx, fd, 17), -EINVAL);
	close(other);
	heph_close(fd);
	must_be(heph_shutdown(ctx, fd, SHUT_RDWR), -EBADF);
	fd = pipe_end(ctx, 0, &other);
	must_be(heph_shutdown(ctx, fd, SHUT_RDWR), -ENOTSOCK);
	close(other);
	heph_close(fd);
	return 0;
}

static void shuts_halves_down(void **state)
{
	run_task(shut_down);
	run_thread(shut_down);
}

/* ---- deadlines --------------------------------------------------------------------- */

/* Fills it up; how many bytes went in. */
static size_t stuff(int number)
{
	static const char zeros[65536];
	int flags = fcntl(number, F_GETFL);
	size_t done = 0;
	ssize_t n;

	must_be(fcntl(number, F_SETFL, flags | O_NONBLOCK), 0);
	while ((n = write(number, zeros, sizeof(zeros))) > 0)
		done += (size_t)n;
	while ((n = write(number, zeros, 1)) > 0)
		done += (size_t)n;
	must_be(fcntl(number, F_SETFL, flags), 0);
	return done;
}

static void late_read(heph_ctx ctx, heph_fd fd, int other, char *buf)
{
	heph_time began = heph_now();
	size_t done;

	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, buf, 10), -ETIME);
	must(heph_now() - began >= HEPH_MSEC);
	must_be(heph_read(heph_until(ctx, began), fd, buf, 10), -ETIME);
	must_be(write(other, "abc", 3), 3);
	must_be(heph_read_exact(heph_within(ctx, HEPH_MSEC), fd, buf, 10,
				&done),
		-ETIME);
	must_be(done, 3);
	/* what needs no waiting is done whatever the deadline says */
	must_be(write(other, "def", 3), 3);
	must_be(heph_read(heph_until(ctx, began), fd, buf, 10), 3);
	must(memcmp(buf, "def", 3) == 0);
}

static void late_write(heph_ctx ctx, heph_fd fd, int other, const char *buf)
{
	static char sink[MIB];
	size_t done, size = stuff(heph_fd_number(ctx, fd));
	ssize_t n;

	must_be(heph_write(heph_within(ctx, HEPH_MSEC), fd, buf, 1), -ETIME);
	must_be(heph_write(heph_until(ctx, heph_now()), fd, buf, 1), -ETIME);
	must_be(heph_write_exact(heph_within(ctx, HEPH_MSEC), fd, buf, SMALL,
				 &done),
		-ETIME);
	while ((n = read(other, sink, sizeof(sink))) > 0)
		size -= (size_t)n;
	must_be(size + done, 0); /* nothing was written that was not told */
	must_be(heph_write(heph_until(ctx, heph_now()), fd, buf, SMALL), SMALL);
	must_be(read(other, sink, sizeof(sink)), SMALL);
}

static void late_all(heph_ctx ctx, char *buf)
{
	int other;
	heph_fd fd = pair(ctx, &other);

	late_read(ctx, fd, other, buf);
	late_write(ctx, fd, other, buf);
	heph_close(fd);
	close(other);
	fd = pipe_end(ctx, 0, &other);
	late_read(ctx, fd, other, buf);
	heph_close(fd);
	close(other);
	fd = pipe_end(ctx, 1, &other);
	late_write(ctx, fd, other, buf);
	heph_close(fd);
	close(other);
}

static int late(heph_ctx ctx, void *arg)
{
	char stack[SMALL] = { 0 }, *heap = calloc(SMALL, 1);

	late_all(ctx, stack);
	late_all(ctx, heap);
	free(heap);
	return 0;
}

static void a_deadline_ends_a_wait_and_loses_nothing(void **state)
{
	run_task(late);
	run_thread(late);
}

/* Much more than fits, and nobody reads: it must not take longer. */
static int late_much(heph_ctx ctx, void *arg)
{
	char *bytes = calloc(MIB, 1);
	size_t done;
	int other;
	heph_fd fd;

	for (int how = 0; how < 2; how++) {
		fd = how ? pair(ctx, &other) : pipe_end(ctx, 1, &other);
		must_be(heph_write_exact(heph_within(ctx, HEPH_MSEC), fd, bytes,
					 MIB, &done),
			-ETIME);
		must(done > 0 && done < MIB);
		heph_close(fd);
		close(other);
	}
	free(bytes);
	return 0;
}

static void a_deadline_ends_a_long_write(void **state)
{
	run_task(late_much);
	run_thread(late_much);
}

/* ---- descriptors that are not waited for --------------------------------------------- */

static int wait_free(heph_ctx ctx, void *arg)
{
	static struct feeder feeder;
	char buf[100], *heap = malloc(100);
	task_ref task;
	int other;
	heph_fd fd;

	for (int how = 0; how < 4; how++) {
		fd = how & 1 ? pair(ctx, &other) : pipe_end(ctx, 0, &other);
		must_be(fcntl(heph_fd_number(ctx, fd), F_SETFL, O_NONBLOCK), 0);
		feeder = (struct feeder){ other, "0123456789", 3 };
		task = start_task(ctx, feed, &feeder);
		must_be(heph_read_exact(ctx, fd, how & 2 ? heap : buf, 10,
					NULL),
			0);
		must_be(heph_read(ctx, fd, how & 2 ? heap : buf, 10), 0);
		end_task(ctx, task);
		heph_close(fd);
	}
	free(heap);
	return 0;
}

static int wait_free_late(heph_ctx ctx, void *arg)
{
	char byte = 0;
	int other;
	heph_fd fd = pipe_end(ctx, 0, &other);

	must_be(fcntl(heph_fd_number(ctx, fd), F_SETFL, O_NONBLOCK), 0);
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, &byte, 1), -ETIME);
	heph_close(fd);
	close(other);
	fd = pipe_end(ctx, 1, &other);
	must_be(fcntl(heph_fd_number(ctx, fd), F_SETFL, O_NONBLOCK), 0);
	stuff(heph_fd_number(ctx, fd));
	must_be(heph_write(heph_within(ctx, HEPH_MSEC), fd, &byte, 1), -ETIME);
	heph_close(fd);
	close(other);
	return 0;
}

static void o_nonblock_makes_no_difference(void **state)
{
	run_task(wait_free);
	run_task(wait_free_late);
	run_thread(wait_free_late);
}

/* ---- a thread is interrupted ----------------------------------------------------------- */

static void nothing(int signal)
{
}

struct interrupt {
	pthread_t who;
	int number;
	_Atomic int done;
};

static void *interrupt(void *arg)
{
	struct interrupt *it = arg;

	for (int i = 0; i < 200; i++)
		pthread_kill(it->who, SIGUSR1);
	must_be(write(it->number, "x", 1), 1);
	return NULL;
}

static int interrupted(heph_ctx ctx, void *arg)
{
	struct sigaction action = { .sa_handler = nothing },
			 old; /* no SA_RESTART */
	struct interrupt it = { .who = pthread_self() };
	pthread_t thread;
	char byte;
	heph_fd fd = pair(ctx, &it.number);

	sigaction(SIGUSR1, &action, &old);
	must_be(pthread_create(&thread, NULL, interrupt, &it), 0);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &old, NULL);
	heph_close(fd);
	close(it.number);
	return 0;
}

static void eintr_is_not_seen(void **state)
{
	run_thread(interrupted);
}

/* ---- what is no descriptor --------------------------------------------------------- */

static int adopt_nothing(heph_ctx ctx, void *arg)
{
	struct heph_stats before = heph_stats(ctx);
	int number = fcntl(2, F_DUPFD_CLOEXEC, 700); /* nobody else's soon */
	heph_fd fd = { 0 };

	must(number >= 700);
	close(number);
	must_be(heph_fd_adopt(ctx, number, &fd), -EBADF);
	must_be(heph_fd_adopt(ctx, -1, &fd), -EBADF);
	must(heph_fd_none(fd));
	must_be(heph_stats(ctx).descriptors, before.descriptors);
	return 0;
}

static void a_number_that_is_not_open_is_ebadf(void **state)
{
	run_task(adopt_nothing);
	run_thread(adopt_nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_files),
		cmocka_unit_test(gives_the_kernels_errors),
		cmocka_unit_test(reads_what_is_there),
		cmocka_unit_test(moves_much_by_tcp),
		cmocka_unit_test(moves_much_by_a_unix_socket),
		cmocka_unit_test(moves_much_by_a_pipe),
		cmocka_unit_test(a_closed_peer_is_epipe_without_a_signal),
		cmocka_unit_test(a_reset_is_econnreset),
		cmocka_unit_test(shuts_halves_down),
		cmocka_unit_test(a_deadline_ends_a_wait_and_loses_nothing),
		cmocka_unit_test(a_deadline_ends_a_long_write),
		cmocka_unit_test(o_nonblock_makes_no_difference),
		cmocka_unit_test(eintr_is_not_seen),
		cmocka_unit_test(a_number_that_is_not_open_is_ebadf),
	};

	if (on_valgrind())
		huge /= 4;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
