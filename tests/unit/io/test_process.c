/* SPDX-License-Identifier: MIT */
/* Child processes when there is no memory; two readers of one stream. */
#include "loop.h"

#include <heph/process.h>

#include <errno.h>
#include <sys/wait.h>

static const char *const cat[] = { "cat", NULL };

static void no_children(void)
{
	siginfo_t info;

	must_be(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
	must_be(errno, ECHILD);
}

/* ---- memory ------------------------------------------------------------------- */

static int start_one(heph_ctx ctx, struct heph_process *process)
{
	return heph_process_start(ctx, process, cat, .in = HEPH_PROCESS_PIPE,
				  .out = HEPH_PROCESS_PIPE,
				  .err = HEPH_PROCESS_OUT);
}

static int without_memory(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	uint64_t before = loop_descriptors(loop);
	struct heph_process process;
	int err = -ENOMEM;

	for (long n = 1; err == -ENOMEM; n++) {
		must_be(loop_descriptors(loop), before);
		heph_mem_fail_after(n);
		err = start_one(ctx, &process);
		heph_mem_fail_after(-1);
	}
	must_be(err, 0);
	for (long n = 1; n < 10; n++) {
		heph_mem_fail_after(n);
		err = heph_process_wait(heph_within(ctx, 0), &process, NULL);
		heph_mem_fail_after(-1);
		must(err == -ENOMEM || err == -ETIME);
	}
	heph_mem_fail_after(1); /* it ends all the same */
	err = heph_process_end(ctx, &process, NULL);
	heph_mem_fail_after(-1);
	must_be(err, 0);
	no_children();
	return 0;
}

static void needs_memory_and_leaves_nothing(void **state)
{
	loop_with(64, without_memory);
}

/* ---- two readers ------------------------------------------------------------------- */

struct reader {
	int number;
	int result;
};

/* Not knowing of each other, as two programs that have the same terminal. */
static int read_one(heph_ctx ctx, void *arg)
{
	struct reader *it = arg;
	heph_fd fd;
	char byte;

	fd = adopt(ctx, dup(it->number));
	it->result = heph_read(ctx, fd, &byte, 1);
	return 0;
}

static int two_readers(heph_ctx ctx, void *arg)
{
	static struct reader readers[2];
	task_ref tasks[2];
	int numbers[2];

	must_be(pipe2(numbers, O_CLOEXEC), 0);
	for (int n = 0; n < 2; n++) {
		readers[n] = (struct reader){ numbers[0], 1000 };
		tasks[n] = start_task(ctx, read_one, &readers[n]);
	}
	for (int n = 0; n < 20; n++)
		must_be(heph_yield(ctx), 0);
	must_be(write(numbers[1], "x", 1), 1);
	while (readers[0].result == 1000 && readers[1].result == 1000)
		must_be(heph_yield(ctx), 0);
	/* the worker goes on, although the other one found nothing */
	for (int n = 0; n < 20; n++)
		must_be(heph_yield(ctx), 0);
	must(readers[0].result == 1000 || readers[1].result == 1000);
	must_be(write(numbers[1], "x", 1), 1);
	for (int n = 0; n < 2; n++) {
		end_task(ctx, tasks[n]);
		must_be(readers[n].result, 1);
	}
	close(numbers[0]);
	close(numbers[1]);
	return 0;
}

static void two_readers_of_a_pipe_block_nobody(void **state)
{
	loop_with(1, two_readers);
	loop_with(64, two_readers);
}

/* The same of writers: the room that both are told of is gone. */
static int write_one(heph_ctx ctx, void *arg)
{
	struct reader *it = arg;
	static char page[4096];
	heph_fd fd;

	fd = adopt(ctx, dup(it->number));
	it->result = heph_write(ctx, fd, page, sizeof(page));
	return 0;
}

static int two_writers(heph_ctx ctx, void *arg)
{
	static struct reader writers[2];
	static char page[4096];
	task_ref tasks[2];
	int numbers[2];

	must_be(pipe2(numbers, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(numbers[1], page, sizeof(page)) > 0)
		;
	must_be(fcntl(numbers[1], F_SETFL, 0), 0);
	for (int n = 0; n < 2; n++) {
		writers[n] = (struct reader){ numbers[1], 1000 };
		tasks[n] = start_task(ctx, write_one, &writers[n]);
	}
	for (int n = 0; n < 20; n++)
		must_be(heph_yield(ctx), 0);
	must_be(read(numbers[0], page, sizeof(page)), sizeof(page));
	while (writers[0].result == 1000 && writers[1].result == 1000)
		must_be(heph_yield(ctx), 0);
	for (int n = 0; n < 20; n++)
		must_be(heph_yield(ctx), 0);
	must_be(read(numbers[0], page, sizeof(page)), sizeof(page));
	for (int n = 0; n < 2; n++) {
		end_task(ctx, tasks[n]);
		must_be(writers[n].result, sizeof(page));
	}
	close(numbers[0]);
	close(numbers[1]);
	return 0;
}

static void two_writers_of_a_pipe_block_nobody(void **state)
{
	loop_with(1, two_writers);
	loop_with(64, two_writers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_memory_and_leaves_nothing),
		cmocka_unit_test(two_readers_of_a_pipe_block_nobody),
		cmocka_unit_test(two_writers_of_a_pipe_block_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
