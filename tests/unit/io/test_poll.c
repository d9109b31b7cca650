/* SPDX-License-Identifier: MIT */
/* Clauses of heph_wait() about descriptors; see also tests/api/test_net.c. */
#include "loop.h"

#include "io/poll.h"

static int by_itself(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd = pipe_end(ctx, 0, &other);
	void *poll;

	must_be(heph_poll_begin(ctx.self, fd, false, &poll), 0);
	must(!heph_poll_ready(poll));
	must_be(heph_stats(ctx).operations, 1);
	heph_poll_end(poll); /* cancels it and waits for its end */
	must_be(heph_stats(ctx).operations, 0);

	must_be(heph_poll_begin(ctx.self, fd, false, &poll), 0);
	must_be(write(other, "x", 1), 1);
	while (!heph_poll_ready(poll))
		must_be(heph_yield(ctx), 0);
	heph_poll_end(poll);
	must_be(heph_poll_begin(ctx.self, (heph_fd){ 0 }, false, &poll),
		-EBADF);
	close(other);
	heph_close(fd);
	return 0;
}

static void begins_and_ends(void **state)
{
	loop_with(64, by_itself);
}

/* A wait that cannot begin all its clauses has ended those that it began. */
static int half_begun(heph_ctx ctx, void *arg)
{
	struct heph_on on[65];
	int other;
	heph_fd fd = pipe_end(ctx, 0, &other);

	for (int i = 0; i < 65; i++)
		on[i] = heph_on_readable(fd);
	must_be(heph_raw_wait(ctx, on, 65), -EINVAL); /* at most 64 */
	on[63] = heph_on_readable((heph_fd){ 0 });
	must_be(heph_raw_wait(ctx, on, 64), -EBADF);
	must_be(heph_stats(ctx).operations, 0);
	for (int i = 0; i < 64; i++)
		on[i] = heph_on_readable(fd);
	must_be(heph_raw_wait(heph_within(ctx, HEPH_MSEC), on, 64), -ETIME);
	must_be(heph_stats(ctx).operations, 0);
	must_be(write(other, "x", 1), 1);
	must_be(heph_raw_wait(ctx, on, 64), 0);
	must_be(heph_stats(ctx).operations, 0);
	close(other);
	heph_close(fd);
	return 0;
}

static void leaves_no_poll_behind(void **state)
{
	loop_with(64, half_begun);
}

/* What closes meanwhile on the other side makes it ready. */
static int hang_up(heph_ctx ctx, void *arg)
{
	close(*(int *)arg);
	return 0;
}

static int ends_that_come(heph_ctx ctx, void *arg)
{
	static int other;
	task_ref task;
	heph_fd fd;

	for (int how = 0; how < 3; how++) {
		fd = how == 0 ? pipe_end(ctx, 0, &other) :
		     how == 1 ? pipe_end(ctx, 1, &other) :
				pair(ctx, &other);
		while (how &&
		       write(heph_fd_number(ctx, fd), "xxxxxxxx", 8) > 0 &&
		       fcntl(heph_fd_number(ctx, fd), F_SETFL, O_NONBLOCK) == 0)
			;
		task = start_task(ctx, hang_up, &other);
		must_be(how ? heph_wait(ctx, heph_on_writable(fd)) :
			      heph_wait(ctx, heph_on_readable(fd)),
			0);
		end_task(ctx, task);
		heph_close(fd);
	}
	return 0;
}

static void the_end_of_the_other_side_is_ready(void **state)
{
	loop_with(64, ends_that_come);
}

static void a_thread_is_told_that_it_cannot(void **state)
{
	struct loop loop;
	heph_ctx ctx;
	int other;
	heph_fd fd;

	loop_open(&loop, 64);
	assert_int_equal(heph_attach(&loop.heph, &ctx), 0);
	fd = pipe_end(ctx, 0, &other);
	assert_int_equal(heph_wait(ctx, heph_on_readable(fd)), -EOPNOTSUPP);
	heph_close(fd);
	close(other);
	heph_detach(ctx);
	loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(leaves_no_poll_behind),
		cmocka_unit_test(the_end_of_the_other_side_is_ready),
		cmocka_unit_test(a_thread_is_told_that_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
