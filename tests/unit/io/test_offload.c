/* SPDX-License-Identifier: MIT */
/* The threads that make system calls which block. An open of a FIFO does, until
 * somebody opens its other end. */
#include "loop.h"

#include <heph/file.h>

#include "coro/san.h"
#include "io/offload.h"

#include "../base/child.h"

#include <sys/stat.h>

static char dir[] = "/tmp/heph-offload-XXXXXX", fifo[64];

static int open_fifo(heph_ctx ctx)
{
	heph_fd fd;
	int err = heph_open(ctx, fifo, O_RDONLY, 0, &fd);

	if (err == 0)
		heph_close(fd);
	return err;
}

/* ---- given up ------------------------------------------------------------------------ */

static int give_up(heph_ctx ctx, void *arg)
{
	must_be(open_fifo(heph_within(ctx, HEPH_MSEC)), -ETIME);
	must_be(open_fifo(heph_within(ctx, 0)), -ETIME);
	must_be(heph_stats(ctx).operations, 0);
	return 0;
}

static void a_deadline_interrupts_what_blocks(void **state)
{
	loop_with(64, give_up);
}

static int until_stopped(heph_ctx ctx, void *arg)
{
	must_be(open_fifo(ctx), -ECANCELED);
	return 0;
}

/* More than there are threads, so that some are running and others wait. */
static int stop_many(heph_ctx ctx, void *arg)
{
	enum { MANY = 3 * HEPH_OFFLOAD_THREADS };
	task_ref tasks[MANY];

	for (int n = 0; n < MANY; n++)
		tasks[n] = start_task(ctx, until_stopped, NULL);
	let_run(ctx);
	must_be(heph_stats(ctx).operations, MANY);
	for (int n = 0; n < MANY; n++)
		heph_stop(tasks[n]);
	for (int n = 0; n < MANY; n++)
		end_task(ctx, tasks[n]);
	must_be(heph_stats(ctx).operations, 0);
	return 0;
}

static void a_stop_ends_those_that_run_and_those_that_wait(void **state)
{
	loop_with(64, stop_many);
}

/* ---- done ------------------------------------------------------------------------------- */

static int opened;

static int open_it(heph_ctx ctx, void *arg)
{
	must_be(open_fifo(ctx), 0);
	opened++;
	return 0;
}

/* One that is waited for holds up none but those who want it. */
static int two_ends(heph_ctx ctx, void *arg)
{
	task_ref task = start_task(ctx, open_it, NULL);
	struct heph_stat info;
	heph_fd fd;

	opened = 0;
	let_run(ctx);
	for (int n = 0; n < 20; n++)
		must_be(heph_stat(ctx, dir, HEPH_STAT_MODE, &info), 0);
	must_be(opened, 0);
	must_be(heph_open(ctx, fifo, O_WRONLY, 0, &fd), 0);
	end_task(ctx, task);
	must_be(opened, 1);
	heph_close(fd);
	return 0;
}

static void the_others_go_on(void **state)
{
	loop_with(64, two_ends);
}

/* ---- abandoned --------------------------------------------------------------------------- */

static int abandon(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;

	start_task(ctx, until_stopped, NULL);
	let_run(ctx);
	atomic_store(&loop->heph.abandon, true);
	return heph_sleep(ctx, HEPH_NEVER);
}

static void the_end_of_a_runtime_interrupts_it(void **state)
{
	struct loop loop;

	if (HEPH_ASAN || heph_san_on_valgrind())
		skip(); /* the memory of who is abandoned is lost */
	loop_open(&loop, 64);
	loop_run(&loop, abandon, &loop);
	assert_int_equal(loop_count(&loop)->operations, 1);
	loop.io->driver.stop(loop.worker);
	loop_end(&loop);
}

/* ---- forked ----------------------------------------------------------------------------------- */

static void use_in_child(void)
{
	loop_with(64, give_up);
	loop_with(64, two_ends);
}

/* The threads of the parent are there, and idle. */
static void a_child_has_threads_of_its_own(void **state)
{
	static struct child child;

	if (HEPH_TSAN)
		skip(); /* it allows no threads in such a child */
	loop_with(64, two_ends);
	child_run(&child, use_in_child);
	if (child.status)
		fprintf(stderr, "%s", child.output);
	assert_int_equal(child.status, 0);
}

static int make_fifo(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	return mkfifo(fifo, 0600);
}

static int remove_fifo(void **state)
{
	unlink(fifo);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_interrupts_what_blocks),
		cmocka_unit_test(
			a_stop_ends_those_that_run_and_those_that_wait),
		cmocka_unit_test(the_others_go_on),
		cmocka_unit_test(a_child_has_threads_of_its_own),
		cmocka_unit_test(the_end_of_a_runtime_interrupts_it),
	};

	setenv("HEPH_DRIVER", "epoll", 1);
	return cmocka_run_group_tests(tests, make_fifo, remove_fifo);
}
