/* SPDX-License-Identifier: MIT */
/* Operations: each ends once, with what it did, or with why it was given up. */
#include "loop.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

/* ---- the table ------------------------------------------------------------------ */

static void the_table_is_complete(void **state)
{
	for (int kind = 0; kind < HEPH_OP_KINDS; kind++) {
		assert_non_null(heph_op_types[kind].name);
		assert_non_null(heph_op_types[kind].attempt);
		assert_int_equal(heph_op_types[kind].opcode < 0,
				 !heph_op_types[kind].prepare);
		assert_int_equal(heph_op_types[kind].events != 0,
				 heph_op_types[kind].way ==
						 HEPH_OP_WHEN_READY &&
					 kind != HEPH_OP_POLL);
		for (int other = 0; other < kind; other++)
			assert_string_not_equal(heph_op_types[kind].name,
						heph_op_types[other].name);
	}
}

/* ---- a deadline that comes together with the data --------------------------------- */

struct late {
	heph_time deadline;
	int number;
	bool in_time; /* it was written before the deadline */
};

/* Writes, and keeps the worker busy until the reader's deadline has passed. */
static int write_and_be_late(heph_ctx ctx, void *arg)
{
	struct late *late = arg;

	must_be(write(late->number, "x", 1), 1);
	late->in_time = heph_now() < late->deadline;
	while (heph_now() <= late->deadline)
		;
	return 0;
}

/* Whether the data was there in time. */
static bool read_late(heph_ctx ctx, heph_fd fd, int other, char *buf)
{
	static struct late late;
	task_ref task;
	int result;

	late = (struct late){ .deadline = heph_now() + HEPH_MSEC,
			      .number = other };
	task = start_task(ctx, write_and_be_late, &late);
	result = heph_read(heph_until(ctx, late.deadline), fd, buf, 10);
	end_task(ctx, task);
	if (late.in_time)
		must_be(result, 1);
	return late.in_time;
}

static int both_at_once(heph_ctx ctx, void *arg)
{
	char stack[10], *heap = malloc(10);
	bool in_time;
	int other;
	heph_fd fd;

	for (int how = 0; how < 4; how += in_time) {
		fd = how & 1 ? pair(ctx, &other) : pipe_end(ctx, 0, &other);
		in_time = read_late(ctx, fd, other, how & 2 ? heap : stack);
		heph_close(fd);
		close(other);
	}
	free(heap);
	return 0;
}

static void a_deadline_loses_against_data(void **state)
{
	loop_with(64, both_at_once);
}

/* ---- races ------------------------------------------------------------------------- */

enum { RACES = 1000 };

struct racer {
	int number, port;
};

/* To a number that does not wait, and may be full when the reader is slow. */
static void write_one(int number, unsigned char byte)
{
	struct pollfd fd = { .fd = number, .events = POLLOUT };

	while (write(number, &byte, 1) != 1) {
		must_be(errno, EAGAIN);
		poll(&fd, 1, -1);
	}
}

static void *write_now_and_then(void *arg)
{
	const struct racer *it = arg;
	struct timespec pause = { 0 };

	must_be(fcntl(it->number, F_SETFL, 0), 0); /* it may get full */
	for (unsigned i = 0; i < RACES; i++) {
		unsigned char byte = (unsigned char)i;

		write_one(it->number, byte);
		pause.tv_nsec = i * 7919 % 20000;
		if (i % 3)
			nanosleep(&pause, NULL); /* the pace, not a wait */
	}
	return NULL;
}

static void race_reads(heph_ctx ctx, heph_fd fd, unsigned char *buf)
{
	unsigned late = 0, n = 0;
	int result;

	while (n < RACES) {
		heph_time length = late * 104729 % 100000;

		result = heph_read(heph_within(ctx, length), fd, buf, 1);
		if (result == -ETIME) {
			late++;
			continue;
		}
		must_be(result, 1); /* none is lost, none comes twice */
		must_be(buf[0], (unsigned char)n);
		n++;
		late += n % 5 == 0;
	}
	must_be(heph_read(heph_within(ctx, 0), fd, buf, 1), -ETIME);
}

static int racing_reads(heph_ctx ctx, void *arg)
{
	unsigned char stack[1], *heap = malloc(1);
	static struct racer racer;
	pthread_t thread;
	heph_fd fd;

	for (int how = 0; how < 4; how++) {
		fd = how & 1 ? pair(ctx, &racer.number) :
			       pipe_end(ctx, 0, &racer.number);
		must_be(pthread_create(&thread, NULL, write_now_and_then,
				       &racer),
			0);
		race_reads(ctx, fd, how & 2 ? heap : stack);
		pthread_join(thread, NULL);
		heph_close(fd);
		close(racer.number);
	}
	free(heap);
	return 0;
}

static void a_read_that_races_its_deadline_loses_nothing(void **state)
{
	loop_with(64, racing_reads);
}

static void *connect_now_and_then(void *arg)
{
	struct racer *it = arg;
	struct timespec pause = { 0 };

	for (unsigned i = 0; i < RACES / 4; i++) {
		close(raw_connect(it->port));
		pause.tv_nsec = i * 7919 % 20000;
		if (i % 3)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

static int racing_accepts(heph_ctx ctx, void *arg)
{
	heph_fd listener, fd, again;
	struct heph_fd_handle handle;
	static struct racer racer;
	pthread_t thread;
	unsigned late = 0;
	int result;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	racer.port = port_of(ctx, listener);
	must_be(pthread_create(&thread, NULL, connect_now_and_then, &racer), 0);
	for (unsigned n = 0; n < RACES / 4;) {
		result = heph_accept(heph_within(ctx, late % 100 * HEPH_USEC),
				     listener, &fd);
		if (result == -ETIME) {
			late++;
			/* cancels the accept, which may just have brought one */
			must_be(heph_fd_give(ctx, listener, &handle), 0);
			must_be(heph_fd_take(ctx, handle, &again), 0);
			listener = again;
			continue;
		}
		must_be(result, 0);
		heph_close(fd);
		n++;
	}
	must_be(heph_accept(heph_within(ctx, 0), listener, &fd), -ETIME);
	pthread_join(thread, NULL);
	heph_close(listener);
	return 0;
}

static void an_accept_that_is_cancelled_loses_no_connection(void **state)
{
	loop_with(64, racing_accepts);
}

static int racing_connects(heph_ctx ctx, void *arg)
{
	heph_fd listener, fd, server;
	char address[HEPH_ADDRESS_MAX];
	unsigned done = 0;
	int result;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%d",
		 port_of(ctx, listener));
	for (unsigned i = 0; i < RACES / 4; i++) {
		result = heph_connect(heph_within(ctx, i % 50 * HEPH_USEC),
				      address, &fd);
		must(result == 0 || result == -ETIME);
		if (result < 0)
			continue;
		done++;
		heph_close(fd);
	}
	for (unsigned i = 0; i < done; i++) {
		must_be(heph_accept(ctx, listener, &server), 0);
		heph_close(server);
	}
	/* and those that were given up may have arrived */
	while (heph_accept(heph_within(ctx, HEPH_MSEC), listener, &server) == 0)
		heph_close(server);
	heph_close(listener);
	return 0;
}

static void a_connect_that_is_given_up_leaves_nothing(void **state)
{
	loop_with(64, racing_connects);
}

/* ---- stops that race ------------------------------------------------------------------ */

static _Atomic int got;

static int read_until_stopped(heph_ctx ctx, void *arg)
{
	heph_fd fd = adopt(ctx, *(int *)arg);
	char buf[10];
	int n;

	while ((n = heph_read(ctx, fd, buf, 1)) == 1)
		got++;
	must_be(n, -ECANCELED);
	return 0;
}

static int racing_stops(heph_ctx ctx, void *arg)
{
	char buf[100];
	static int own; /* its children read it */
	int numbers[2], wrote = 0;
	task_ref task;

	must_be(pipe2(numbers, O_CLOEXEC | O_NONBLOCK), 0);
	got = 0;
	for (int i = 0; i < 300; i++) {
		own = dup(numbers[0]);
		task = start_task(ctx, read_until_stopped, &own);
		let_run(ctx);
		if (i % 2)
			wrote += (int)write(numbers[1], "x", 1);
		if (i % 3)
			let_run(ctx);
		heph_stop(task);
		if (i % 5 == 0)
			wrote += (int)write(numbers[1], "x", 1);
		end_task(ctx, task);
	}
	while (read(numbers[0], buf, 1) == 1)
		got++;
	must_be(got, wrote);
	close(numbers[0]);
	close(numbers[1]);
	return 0;
}

static void a_read_that_races_a_stop_loses_nothing(void **state)
{
	loop_with(64, racing_stops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_complete),
		cmocka_unit_test(a_deadline_loses_against_data),
		cmocka_unit_test(a_read_that_races_its_deadline_loses_nothing),
		cmocka_unit_test(
			an_accept_that_is_cancelled_loses_no_connection),
		cmocka_unit_test(a_connect_that_is_given_up_leaves_nothing),
		cmocka_unit_test(a_read_that_races_a_stop_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
