/* SPDX-License-Identifier: MIT */
/* What stands in for an actor's stack while the kernel reads or writes. */
#include "loop.h"

#include <sys/socket.h>

#include "core/describe.h"

#include "../base/child.h"

enum { PACKET = 6000, BIG = 40000 };

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 7 + i / 253);
}

static void fill(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(i);
}

static void must_be_filled(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		must_be(bytes[i], pattern(i));
}

/* ---- packets ---------------------------------------------------------------- */

/* A packet that is larger than a buffer of the worker comes in one piece. */
static int packets(heph_ctx ctx, void *arg)
{
	static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };
	unsigned char buf[PACKET + 100];
	int numbers[2];
	heph_fd from, to;

	for (int i = 0; i < 2; i++) {
		must_be(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0,
				   numbers),
			0);
		from = adopt(ctx, numbers[0]);
		to = adopt(ctx, numbers[1]);
		fill(buf, PACKET);
		must_be(heph_write(ctx, from, buf, PACKET), PACKET);
		memset(buf, 0, sizeof(buf));
		must_be(heph_read(ctx, to, buf, sizeof(buf)), PACKET);
		must_be_filled(buf, PACKET);
		must_be(heph_read(heph_within(ctx, HEPH_MSEC), to, buf,
				  sizeof(buf)),
			-ETIME);
		heph_close(from);
		heph_close(to);
	}
	return 0;
}

static void a_packet_is_not_divided(void **state)
{
	loop_with(64, packets);
}

/* ---- what is copied ----------------------------------------------------------- */

/* Nothing is where the actor makes the system calls itself. */
static void bounced(struct loop *loop, uint64_t bytes)
{
	must_be(atomic_load(&loop_count(loop)->bounced),
		loop_on_uring() ? bytes : 0);
}

static int copies(heph_ctx ctx, void *arg)
{
	unsigned char stack[100], *heap = malloc(100);
	struct loop *loop = arg;
	heph_fd fd;
	int other;

	fill(stack, 100);
	fill(heap, 100);
	/* of a pipe nothing is copied, where it is read by a system call */
	for (int how = 0; how < 2 && !loop->worker->pipes_by_call; how++) {
		fd = how ? pair(ctx, &other) : pipe_end(ctx, 0, &other);
		must_be(write(other, heap, 40), 40);
		must_be(heph_read(ctx, fd, heap, 30), 30);
		bounced(loop, how ? 60 : 0);
		must_be(heph_read(ctx, fd, stack, 100), 10);
		bounced(loop, how ? 70 : 10);
		heph_close(fd);
		close(other);
		fd = how ? pair(ctx, &other) : pipe_end(ctx, 1, &other);
		must_be(heph_write_all(ctx, fd, heap, 100), 0);
		bounced(loop, how ? 70 : 10);
		must_be(heph_write_all(ctx, fd, stack, 50), 0);
		bounced(loop, how ? 120 : 60);
		heph_close(fd);
		close(other);
	}
	free(heap);
	return 0;
}

static void only_what_lies_on_the_stack_is_copied(void **state)
{
	loop_with(64, copies);
}

/* ---- short counts ---------------------------------------------------------------- */

static int drain_slowly(heph_ctx ctx, void *arg)
{
	unsigned char piece[777], *all = malloc(BIG);
	size_t n = 0;
	ssize_t got;

	while (n < BIG) {
		got = read(*(int *)arg, piece, sizeof(piece));
		if (got > 0) {
			memcpy(all + n, piece, (size_t)got);
			n += (size_t)got;
		}
		must_be(heph_yield(ctx), 0);
	}
	must_be_filled(all, BIG);
	free(all);
	return 0;
}

/* Into a socket that takes a part at a time; one that is stopped meanwhile says
 * how much it was. */
static int short_writes(heph_ctx ctx, void *arg)
{
	unsigned char stack[BIG];
	static int other;
	heph_fd fd = pair(ctx, &other);
	int small = 1;
	task_ref task;
	size_t done;

	must_be(setsockopt(heph_fd_number(ctx, fd), SOL_SOCKET, SO_SNDBUF,
			   &small, sizeof(small)),
		0);
	fill(stack, BIG);
	task = start_task(ctx, drain_slowly, &other);
	must_be(heph_write_all(ctx, fd, stack, BIG), 0);
	end_task(ctx, task);
	must_be(heph_write_exact(heph_within(ctx, HEPH_MSEC), fd, stack, BIG,
				 &done),
		-ETIME);
	must(done < BIG);
	while (done > 0)
		done -= (size_t)read(other, stack, done);
	must_be(read(other, stack, 1), -1);
	heph_close(fd);
	close(other);
	return 0;
}

static void the_rest_of_a_short_write_follows(void **state)
{
	loop_with(64, short_writes);
}

/* ---- without memory ----------------------------------------------------------------- */

static int refused(heph_ctx ctx, void *arg)
{
	unsigned char stack[BIG];
	int other, result = -ENOMEM;
	heph_fd fd = pair(ctx, &other);

	fill(stack, BIG);
	for (long n = 1; result == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		result = heph_write(ctx, fd, stack, BIG);
		heph_mem_fail_after(-1);
	}
	must_be(result, BIG);
	heph_close(fd);
	close(other);
	return 0;
}

static void fails_without_memory(void **state)
{
	loop_with(64, refused);
}

/* ---- memory of others ---------------------------------------------------------------- */

static unsigned char *of_parent;

static int read_into_parent(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd = pair(ctx, &other);

	return heph_read(ctx, fd, of_parent, 10);
}

static int lend_stack(heph_ctx ctx, void *arg)
{
	unsigned char buf[10];

	of_parent = buf;
	end_task(ctx, start_task(ctx, read_into_parent, NULL));
	return 0;
}

/* Parent and child in two stacks, however few there are. */
static int lend_own_stack(heph_ctx ctx, void *arg)
{
	task_ref task;

	must_be(heph_spawn(ctx, task, &task, { lend_stack, NULL },
			   .stack = HEPH_STACK_OWN),
		0);
	end_task(ctx, task);
	return 0;
}

static void lend(void)
{
	struct loop loop;

	loop_open(&loop, 64);
	heph_describe_install();
	loop_run(&loop, lend_own_stack, &loop);
}

static void the_stack_of_another_is_refused(void **state)
{
	static struct child child;

	if (HEPH_DEBUG < 1 || !loop_on_uring())
		skip(); /* the kernel is given none */
	child_run(&child, lend);
	assert_true(child_aborted(&child));
	assert_non_null(strstr(child.output,
			       "actor task (type task): its recv would give "
			       "the kernel an address of an actor's stack"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_is_not_divided),
		cmocka_unit_test(only_what_lies_on_the_stack_is_copied),
		cmocka_unit_test(the_rest_of_a_short_write_follows),
		cmocka_unit_test(fails_without_memory),
		cmocka_unit_test(the_stack_of_another_is_refused),
	};

	return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
