/* SPDX-License-Identifier: MIT */
/* What is particular to epoll: registrations that stay, numbers that are used
 * again, events that nobody waits for. */
#include "loop.h"

#include "io/epoll.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>

static struct heph_epoll *epoll_of(struct loop *loop)
{
	return heph_epoll_of(loop->worker);
}

static struct heph_interest *interest(struct loop *loop, int number)
{
	must((uint32_t)number < epoll_of(loop)->n);
	return &epoll_of(loop)->interests[number];
}

/* Two connected sockets whose numbers nobody else knows; what they are is looked
 * up without lending them. */
static void connected(heph_ctx ctx, heph_fd *ret_a, heph_fd *ret_b)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	must_be(heph_connect(ctx, address, ret_a), 0);
	must_be(heph_accept(ctx, listener, ret_b), 0);
	heph_close(listener);
}

static int number_of(heph_ctx ctx, heph_fd fd)
{
	return heph_file_find(ctx, fd)->number;
}

/* ---- registrations --------------------------------------------------------------- */

static int echo_bytes(heph_ctx ctx, void *arg)
{
	char byte;

	while (heph_read(ctx, *(heph_fd *)arg, &byte, 1) == 1)
		must_be(heph_write(ctx, *(heph_fd *)arg, &byte, 1), 1);
	return 0;
}

static int take_and_echo(heph_ctx ctx, void *arg)
{
	static heph_fd fd;

	must_be(heph_fd_take(ctx, *(struct heph_fd_handle *)arg, &fd), 0);
	return echo_bytes(ctx, &fd);
}

static int stay_registered(heph_ctx ctx, void *arg)
{
	static struct heph_fd_handle handle;
	struct loop *loop = arg;
	uint32_t serial;
	heph_fd a, b;
	char byte;

	connected(ctx, &a, &b);
	must_be(heph_fd_give(ctx, b, &handle), 0);
	start_task(ctx, take_and_echo, &handle);
	for (int i = 0; i < 100; i++) {
		must_be(heph_write(ctx, a, "x", 1), 1);
		must_be(heph_read(ctx, a, &byte, 1), 1);
		if (i == 0)
			serial = epoll_of(loop)->serial;
	}
	must_be(epoll_of(loop)->serial, serial);
	must(interest(loop, number_of(ctx, a))->key);
	must_be(interest(loop, number_of(ctx, a))->events & EPOLLOUT, 0);
	heph_close(a);
	return 0;
}

static void a_descriptor_is_registered_once(void **state)
{
	loop_with(64, stay_registered);
}

/* One that is given away is registered again, by whoever has it then. */
static int give_back(heph_ctx ctx, void *arg)
{
	struct heph_fd_handle handle;
	struct loop *loop = arg;
	heph_fd a, b, again;
	int number;
	char byte;

	connected(ctx, &a, &b);
	number = number_of(ctx, a);
	for (int i = 0; i < 3; i++) {
		must_be(heph_read(heph_within(ctx, HEPH_USEC), a, &byte, 1),
			-ETIME);
		must(interest(loop, number)->key);
		must_be(heph_fd_give(ctx, a, &handle), 0);
		must(!interest(loop, number)->key);
		must_be(heph_write(ctx, b, "x", 1), 1);
		must_be(heph_fd_take(ctx, handle, &again), 0);
		must_be(heph_wait(ctx, heph_on_readable(again)), 0);
		must_be(heph_read(ctx, again, &byte, 1), 1);
		a = again;
	}
	heph_close(a);
	heph_close(b);
	return 0;
}

static void one_that_is_given_away_is_forgotten(void **state)
{
	loop_with(64, give_back);
}

/* ---- readiness ------------------------------------------------------------------- */

static int write_later(heph_ctx ctx, void *arg)
{
	must_be(write(*(int *)arg, "x", 1), 1);
	return 0;
}

/* Before anybody waits, between two waits, while somebody waits; also if a part
 * was read only. */
static int any_time(heph_ctx ctx, void *arg)
{
	static int other;
	char buf[10];
	task_ref task;
	heph_fd fd;

	for (int how = 0; how < 2; how++) {
		fd = how ? pair(ctx, &other) : pipe_end(ctx, 0, &other);
		must_be(write(other, "abc", 3), 3);
		let_run(ctx);
		must_be(heph_read(ctx, fd, buf, 1), 1);
		must_be(heph_wait(ctx, heph_on_readable(fd)), 0);
		must_be(heph_read(ctx, fd, buf, 1), 1);
		must_be(heph_read(ctx, fd, buf, 10), 1);
		must_be(heph_read(heph_within(ctx, HEPH_USEC), fd, buf, 1),
			-ETIME);
		must_be(write(other, "d", 1), 1);
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
		must_be(heph_read(ctx, fd, buf, 10), 1);
		task = start_task(ctx, write_later, &other);
		must_be(heph_wait(ctx, heph_on_readable(fd)), 0);
		must_be(heph_wait(ctx, heph_on_readable(fd)), 0);
		must_be(heph_read(ctx, fd, buf, 10), 1);
		end_task(ctx, task);
		close(other);
		must_be(heph_read(ctx, fd, buf, 10), 0);
		heph_close(fd);
	}
	return 0;
}

static void readiness_is_not_lost(void **state)
{
	loop_with(64, any_time);
	loop_with(1, any_time);
}

static int several(heph_ctx ctx, void *arg)
{
	static int other;
	heph_fd fd = pair(ctx, &other);
	task_ref task = start_task(ctx, write_later, &other);
	char byte;

	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_readable(fd),
			  heph_on_readable(fd)),
		0);
	end_task(ctx, task);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_writable(fd)), 0);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	must_be(heph_wait(ctx, heph_on_readable(fd), heph_on_writable(fd)), 1);
	must_be(heph_stats(ctx).operations, 0);
	heph_close(fd);
	close(other);
	return 0;
}

static void several_may_wait_for_one(void **state)
{
	loop_with(64, several);
}

/* What poll(2) would say, and nothing else. */
static int poll_it(heph_ctx ctx, heph_fd fd, unsigned events)
{
	struct heph_op *op;

	must_be(heph_op_new(ctx, HEPH_OP_POLL, heph_file_find(ctx, fd), &op), 0);
	op->events = events;
	return heph_op_finish(ctx, op);
}

static int results(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd = pair(ctx, &other);

	must_be(poll_it(ctx, fd, POLLOUT), POLLOUT);
	must_be(poll_it(ctx, fd, POLLIN | POLLOUT), POLLOUT);
	must_be(write(other, "x", 1), 1);
	must_be(poll_it(ctx, fd, POLLIN), POLLIN);
	must_be(shutdown(other, SHUT_WR), 0);
	must_be(poll_it(ctx, fd, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	close(other);
	must(poll_it(ctx, fd, POLLPRI) & POLLHUP);
	heph_close(fd);

	fd = pipe_end(ctx, 1, &other);
	must_be(poll_it(heph_within(ctx, HEPH_USEC), fd, POLLIN), -ETIME);
	close(other);
	must(poll_it(ctx, fd, POLLIN) & POLLERR);
	heph_close(fd);
	return 0;
}

static void polls_tell_what_is_ready(void **state)
{
	loop_with(64, results);
}

/* ---- what epoll does not take ------------------------------------------------------- */

static int files(heph_ctx ctx, void *arg)
{
	heph_fd null = adopt(ctx, open("/dev/null", O_RDWR | O_CLOEXEC));
	heph_fd file = adopt(ctx, memfd_create("test", MFD_CLOEXEC));
	heph_fd dir = adopt(ctx, open("/", O_RDONLY | O_CLOEXEC));
	char buf[10];

	must_be(heph_wait(ctx, heph_on_readable(file)), 0);
	must_be(heph_wait(ctx, heph_on_writable(file)), 0);
	must_be(heph_wait(ctx, heph_on_readable(null)), 0);
	must_be(heph_wait(ctx, heph_on_readable(dir)), 0);
	must_be(poll_it(ctx, file, POLLIN | POLLOUT), POLLIN | POLLOUT);
	must_be(heph_read(ctx, null, buf, 10), 0);
	must_be(heph_write(ctx, null, "x", 1), 1);
	must_be(heph_write(ctx, file, "some bytes", 10), 10);
	must_be(lseek(number_of(ctx, file), 0, SEEK_SET), 0);
	must_be(heph_read(ctx, file, buf, 10), 10);
	must_be(heph_read(ctx, dir, buf, 10), -EISDIR);
	heph_close(null);
	heph_close(file);
	heph_close(dir);
	return 0;
}

static void files_are_always_ready(void **state)
{
	loop_with(64, files);
}

/* ---- numbers -------------------------------------------------------------------- */

static int reuse(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	int number = -1, other;
	heph_fd a, b;
	char byte;

	for (int i = 0; i < 50; i++) {
		connected(ctx, &a, &b);
		if (number >= 0)
			must_be(number_of(ctx, a), number);
		number = number_of(ctx, a);
		must_be(heph_read(heph_within(ctx, HEPH_USEC), a, &byte, 1),
			-ETIME);
		must_be(heph_write(ctx, b, "x", 1), 1);
		must_be(heph_read(ctx, a, &byte, 1), 1);
		heph_close(a);
		must(HEPH_TSAN || !interest(loop, number)->key);
		heph_close(b);
	}
	b = pipe_end(ctx, 0, &other);
	must_be(heph_read(heph_within(ctx, HEPH_USEC), b, &byte, 1), -ETIME);
	heph_close(b);
	close(other);
	return 0;
}

static void numbers_are_used_again(void **state)
{
	loop_with(64, reuse);
}

/* A library has put something else behind the number that it knows. */
static int exchange(heph_ctx ctx, void *arg)
{
	static int first, second;
	heph_fd fd = pipe_end(ctx, 0, &first);
	int number = heph_fd_number(ctx, fd), numbers[2];
	task_ref task;
	char byte;

	must_be(heph_read(heph_within(ctx, HEPH_USEC), fd, &byte, 1), -ETIME);
	must_be(pipe2(numbers, O_CLOEXEC), 0);
	must_be(dup3(numbers[0], number, O_CLOEXEC), number);
	close(numbers[0]);
	second = numbers[1];
	task = start_task(ctx, write_later, &second);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	end_task(ctx, task);
	task = start_task(ctx, write_later, &second);
	must_be(heph_wait(ctx, heph_on_readable(fd)), 0);
	end_task(ctx, task);
	heph_close(fd);
	close(first);
	close(second);
	return 0;
}

static void a_library_may_exchange_what_it_knows(void **state)
{
	loop_with(64, exchange);
}

/* Somebody still has what was closed, under another number: that is no longer
 * our affair, and is not told. */
static int keep_another(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	struct pollfd poll_fd = { .fd = epoll_of(loop)->epoll,
				  .events = POLLIN };
	int other, kept;
	heph_fd fd = pair(ctx, &other);
	char byte;

	kept = dup(number_of(ctx, fd));
	must_be(heph_read(heph_within(ctx, HEPH_USEC), fd, &byte, 1), -ETIME);
	heph_close(fd);
	must_be(write(other, "x", 1), 1);
	if (!HEPH_TSAN) /* where it is closed without the driver */
		must_be(poll(&poll_fd, 1, 0), 0);
	close(kept);
	close(other);
	return 0;
}

static void what_was_closed_is_told_no_more(void **state)
{
	loop_with(64, keep_another);
}

static int large(heph_ctx ctx, void *arg)
{
	struct rlimit limit;
	heph_fd fd;
	int other, number;
	char byte;

	getrlimit(RLIMIT_NOFILE, &limit);
	fd = pipe_end(ctx, 0, &other);
	number = fcntl(number_of(ctx, fd), F_DUPFD_CLOEXEC,
		       (int)(limit.rlim_cur < 5000 ? limit.rlim_cur - 1 : 4999));
	heph_close(fd);
	must(number > 0);
	fd = adopt(ctx, number);
	must_be(heph_read(heph_within(ctx, HEPH_USEC), fd, &byte, 1), -ETIME);
	must_be(write(other, "x", 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	heph_close(fd);
	close(other);
	return 0;
}

static void numbers_may_be_large(void **state)
{
	loop_with(64, large);
}

/* ---- what nobody waits for --------------------------------------------------------- */

/* The events of a busy connection come while its actor does other things. */
static int useless(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	heph_fd a, b, idle;
	int other, number;
	char byte;

	connected(ctx, &a, &b);
	number = number_of(ctx, a);
	must_be(heph_read(heph_within(ctx, HEPH_USEC), a, &byte, 1), -ETIME);
	idle = pipe_end(ctx, 0, &other);
	for (int i = 0; i < 100; i++) {
		must_be(heph_write(ctx, b, "x", 1), 1);
		must_be(heph_wait(heph_within(ctx, HEPH_USEC),
				  heph_on_readable(idle)),
			-ETIME);
	}
	must(!interest(loop, number)->key);
	for (int i = 0; i < 100; i++)
		must_be(heph_read(ctx, a, &byte, 1), 1);
	must_be(heph_read(heph_within(ctx, HEPH_USEC), a, &byte, 1), -ETIME);
	must(interest(loop, number)->key);
	must_be(heph_write(ctx, b, "x", 1), 1);
	must_be(heph_wait(ctx, heph_on_readable(a)), 0);
	heph_close(a);
	heph_close(b);
	heph_close(idle);
	close(other);
	return 0;
}

static void events_that_nobody_waits_for_end(void **state)
{
	loop_with(64, useless);
}

/* ---- what fails --------------------------------------------------------------------- */

static int refused(heph_ctx ctx, void *arg)
{
	static const int errors[] = { -ENOSPC, -ENOMEM };
	heph_fd a, b;
	char byte;

	connected(ctx, &a, &b);
	for (int i = 0; i < 2; i++) {
		heph_epoll_fail_after(1, errors[i]);
		must_be(heph_read(ctx, a, &byte, 1), errors[i]);
		must(heph_epoll_failed());
		heph_epoll_fail_after(1, errors[i]);
		must_be(heph_wait(ctx, heph_on_readable(a)),
			errors[i]);
	}
	heph_epoll_fail_after(-1, 0);
	must_be(heph_write(ctx, b, "x", 1), 1);
	must_be(heph_read(ctx, a, &byte, 1), 1);
	heph_close(a);
	heph_close(b);
	return 0;
}

static void what_the_kernel_refuses_is_told(void **state)
{
	loop_with(64, refused);
}

static int no_memory(heph_ctx ctx, void *arg)
{
	int other, result = -ENOMEM, tries = 0;
	heph_fd fd = pipe_end(ctx, 0, &other);
	char byte;

	must_be(write(other, "x", 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	for (long n = 1; result == -ENOMEM; n++, tries++) {
		heph_mem_fail_after(n);
		result = heph_read(heph_within(ctx, HEPH_USEC), fd, &byte, 1);
		heph_mem_fail_after(-1);
	}
	must_be(result, -ETIME);
	must(tries > 1);
	heph_close(fd);
	close(other);
	return 0;
}

static void fails_without_memory(void **state)
{
	loop_with(64, no_memory);
}

static void an_instance_that_cannot_be_made_leaves_nothing(void **state)
{
	struct heph heph = { .node = 1 };
	struct heph_worker worker = { .thread.heph = &heph };
	int fds = count_fds(), lowest = dup(0);
	struct rlimit limit, none;

	close(lowest);
	heph_mem_fail_after(1);
	assert_int_equal(heph_epoll_io.driver.start(&worker), -ENOMEM);
	heph_mem_fail_after(-1);
	assert_null(worker.driver);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (rlim_t n = 0; n < 2; n++) {
		none = limit;
		none.rlim_cur = (rlim_t)lowest + n;
		setrlimit(RLIMIT_NOFILE, &none);
		if (!on_valgrind())
			assert_int_equal(heph_epoll_io.driver.start(&worker),
					 -EMFILE);
		setrlimit(RLIMIT_NOFILE, &limit);
		assert_int_equal(count_fds(), fds);
	}
}

/* ---- time ------------------------------------------------------------------------------- */

static int sleeps(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	heph_time began;

	for (int coarse = 0; coarse < 2; coarse++) {
		epoll_of(loop)->coarse |= coarse;
		for (heph_time n = HEPH_USEC; n < 5 * HEPH_MSEC; n *= 3) {
			began = heph_now();
			must_be(heph_sleep(ctx, n), 0);
			must(heph_now() - began >= n);
		}
	}
	return 0;
}

static void never_wakes_early(void **state)
{
	loop_with(64, sleeps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_registered_once),
		cmocka_unit_test(one_that_is_given_away_is_forgotten),
		cmocka_unit_test(readiness_is_not_lost),
		cmocka_unit_test(several_may_wait_for_one),
		cmocka_unit_test(polls_tell_what_is_ready),
		cmocka_unit_test(files_are_always_ready),
		cmocka_unit_test(numbers_are_used_again),
		cmocka_unit_test(a_library_may_exchange_what_it_knows),
		cmocka_unit_test(what_was_closed_is_told_no_more),
		cmocka_unit_test(numbers_may_be_large),
		cmocka_unit_test(events_that_nobody_waits_for_end),
		cmocka_unit_test(what_the_kernel_refuses_is_told),
		cmocka_unit_test(fails_without_memory),
		cmocka_unit_test(an_instance_that_cannot_be_made_leaves_nothing),
		cmocka_unit_test(never_wakes_early),
	};

	setenv("HEPH_DRIVER", "epoll", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
