/* SPDX-License-Identifier: MIT */
/* More operations than the queues hold, more data than there are buffers. */
#include "loop.h"

#include <sys/mman.h>
#include <sys/resource.h>

enum { TURN = 1 << 20 }; /* actors of a turn: all of them */

static bool can_open(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max >= n + 100;
}

/* Until no other actor is left; a sleep ends the turn, a yield does not. */
static void await_end(heph_ctx ctx)
{
	while (heph_stats(ctx).actors > 1)
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
}

/* ---- many readers of one pipe -------------------------------------------------------- */

static int readers, waiting, served, sum;
static bool ending;

static int read_byte(heph_ctx ctx, void *arg)
{
	heph_fd fd = adopt(ctx, fcntl(*(int *)arg, F_DUPFD_CLOEXEC, 0));
	unsigned char stack[1], *heap = waiting % 2 ? malloc(1) : NULL;
	unsigned char *buf = heap ? heap : stack;
	int n;

	waiting++;
	n = heph_read(ctx, fd, buf, 1);
	if (n == 1) {
		served++;
		sum += *buf;
	} else {
		must_be(n, ending ? 0 : -ECANCELED);
	}
	free(heap);
	return 0;
}

static void start_readers(heph_ctx ctx, int *number)
{
	task_ref task;

	waiting = served = sum = 0;
	for (int i = 0; i < readers; i++)
		task = start_task(ctx, read_byte, number);
	must(heph_alive(task));
	must_be(heph_yield(ctx), 0); /* all of them run now, in one turn */
	must_be(waiting, readers);
	must_be(heph_stats(ctx).operations, readers);
}

static int serve_all(heph_ctx ctx, void *arg)
{
	unsigned char *bytes = malloc((size_t)readers);
	static int numbers[2]; /* its children read it */
	int wanted = 0, done = 0;

	must_be(pipe2(numbers, O_CLOEXEC), 0);
	start_readers(ctx, numbers);
	for (int i = 0; i < readers; i++)
		wanted += bytes[i] = (unsigned char)i;
	done = (int)write(numbers[1], bytes, (size_t)readers);
	must_be(done, readers);
	await_end(ctx);
	must_be(served, readers);
	must_be(sum, wanted);
	close(numbers[0]);
	close(numbers[1]);
	free(bytes);
	return 0;
}

/* All are cancelled at the same time, by the end of their parent. */
static int cancel_all_main(heph_ctx ctx, void *arg)
{
	start_readers(ctx, arg);
	return 0;
}

static int cancel_all(heph_ctx ctx, void *arg)
{
	static int numbers[2];

	must_be(pipe2(numbers, O_CLOEXEC), 0);
	end_task(ctx, start_task(ctx, cancel_all_main, numbers));
	must_be(served, 0);
	must_be(heph_stats(ctx).operations, 0);
	must_be(heph_stats(ctx).actors, 1);
	close(numbers[0]);
	close(numbers[1]);
	return 0;
}

/* And all end at the same time, because the writer is gone. */
static int end_all(heph_ctx ctx, void *arg)
{
	static int numbers[2];

	must_be(pipe2(numbers, O_CLOEXEC), 0);
	ending = true;
	start_readers(ctx, numbers);
	close(numbers[1]);
	await_end(ctx);
	ending = false;
	close(numbers[0]);
	return 0;
}

static void in_one_turn(int n)
{
	if (!can_open((rlim_t)n))
		skip();
	readers = n;
	loop_with(TURN, serve_all);
	loop_with(TURN, end_all);
	loop_with(TURN, cancel_all);
	loop_with(64, cancel_all);
}

static void starts_300_operations_in_a_turn(void **state)
{
	in_one_turn(300); /* the queue for them has 256 places */
}

static void starts_6000_operations_in_a_turn(void **state)
{
	in_one_turn(6000); /* the queue of completions has 4,096 */
}

/* ---- many connections with data -------------------------------------------------------- */

enum { CONNECTIONS = 1000, PIECE = 5000 };

static int others[CONNECTIONS], complete;

static int read_piece(heph_ctx ctx, void *arg)
{
	intptr_t me = (int *)arg - others;
	unsigned char
		buf[PIECE]; /* on the stack: it needs a buffer of the worker */
	heph_fd fd = pair(ctx, &others[me]);
	size_t done;

	waiting++;
	must_be(heph_read_exact(ctx, fd, buf, sizeof(buf), &done), 0);
	for (size_t i = 0; i < sizeof(buf); i++)
		must_be(buf[i], (unsigned char)(me + (intptr_t)i));
	complete++;
	return 0;
}

static int flood_all(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	unsigned char bytes[PIECE];

	waiting = complete = 0;
	for (int i = 0; i < CONNECTIONS; i++)
		start_task(ctx, read_piece, &others[i]);
	must_be(heph_yield(ctx), 0);
	must_be(waiting, CONNECTIONS);
	for (int i = 0; i < CONNECTIONS; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)((size_t)i + k);
		must_be(write(others[i], bytes, sizeof(bytes)), sizeof(bytes));
	}
	await_end(ctx);
	must_be(complete, CONNECTIONS);
	must_be(loop_buffers(loop), 0);
	for (int i = 0; i < CONNECTIONS; i++)
		close(others[i]);
	return 0;
}

static void more_connections_have_data_than_there_are_buffers(void **state)
{
	if (!can_open(2 * CONNECTIONS))
		skip();
	loop_with(TURN, flood_all);
	loop_with(64, flood_all);
}

/* Operations that are cancelled, or meet an end, keep no buffer either. */
enum { READS_IN_VAIN = 4 * HEPH_BUFFERS_BUDGET / HEPH_BUFFER_SIZE };

static int read_in_vain(heph_ctx ctx, void *arg)
{
	int other, how = (int)(intptr_t)arg;
	heph_fd fd = how & 1 ? pair(ctx, &other) : pipe_end(ctx, 0, &other);
	char buf[100];

	if (how & 2)
		close(other);
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, buf, sizeof(buf)),
		how & 2 ? 0 : -ETIME);
	if (!(how & 2))
		close(other);
	return 0;
}

static int in_vain(heph_ctx ctx, void *arg)
{
	for (int i = 0; i < READS_IN_VAIN; i++)
		start_task(ctx, read_in_vain, (void *)(intptr_t)i);
	await_end(ctx);
	return 0;
}

static void no_buffer_is_kept_by_what_reads_nothing(void **state)
{
	if (!can_open(2 * READS_IN_VAIN))
		skip();
	loop_with(64, in_vain);
}

/* ---- queues that are too small ----------------------------------------------------- */

/* The kernel keeps what does not fit, and says so; nothing is lost. */
static void more_completes_than_the_queue_holds(void **state)
{
	struct loop loop;

	if (!can_open(2000) || !loop_on_uring())
		skip();
	heph_uring_queues(4, 8);
	loop_open(&loop, TURN);
	readers = 100;
	loop_run(&loop, serve_all, &loop);
	assert_true(loop_count(&loop)->overflows > 0);
	loop_close(&loop);
	readers = 1000;
	loop_with(TURN, serve_all);
	loop_with(TURN, end_all);
	loop_with(TURN, cancel_all);
	loop_with(64, serve_all);
	loop_with(64, in_vain);
	heph_uring_queues(0, 0);
}

/* ---- many at the end of a turn ----------------------------------------------------------- */

/* Closing is done by the ring as well. */
static int close_many(heph_ctx ctx, void *arg)
{
	enum { FILES = 3000 };
	static heph_fd fds[FILES];
	int before = count_fds();

	for (int i = 0; i < FILES; i++)
		fds[i] = adopt(ctx, open("/dev/null", O_RDONLY | O_CLOEXEC));
	for (int i = 0; i < FILES; i++)
		heph_close(fds[i]);
	must_be(heph_stats(ctx).descriptors, 0);
	while (count_fds() >
	       before) /* the kernel does it at the end of a turn */
		must_be(heph_sleep(ctx, HEPH_USEC), 0);
	return 0;
}

static void closes_3000_descriptors_in_a_turn(void **state)
{
	if (!can_open(3000))
		skip();
	loop_with(64, close_many);
}

/* ---- what the kernel does not take ------------------------------------------------------ */

/* Reads, writes, sleeps, closes; the last are closed with the worker. */
static int use_ring(heph_ctx ctx, void *arg)
{
	heph_fd fd, files[5];
	int other;
	char byte;

	for (int i = 0; i < 5; i++)
		files[i] = adopt(ctx, open("/dev/null", O_RDONLY | O_CLOEXEC));
	fd = pair(ctx, &other);
	must_be(write(other, "x", 1), 1);
	must_be(heph_read(ctx, fd, &byte, 1), 1);
	must_be(heph_write(ctx, fd, "y", 1), 1);
	must_be(read(other, &byte, 1), 1);
	must_be(heph_read(heph_within(ctx, HEPH_MSEC), fd, &byte, 1), -ETIME);
	must_be(heph_sleep(ctx, HEPH_USEC), 0);
	for (int i = 0; i < 3; i++)
		heph_close(files[i]);
	close(other);
	return 0;
}

static void any_submission_may_fail(void **state)
{
	int fds = count_fds();
	struct loop loop;
	bool reached = true;
	long n;

	if (!loop_on_uring())
		skip(); /* it has no submissions */
	for (n = 1; reached; n++) {
		loop_open(&loop, 64);
		heph_uring_fail_after(n);
		loop_run(&loop, use_ring, NULL);
		loop_close(&loop);
		reached = heph_uring_failed();
		heph_uring_fail_after(-1);
		assert_int_equal(count_fds(), fds);
	}
	assert_true(n > 5);
}

/* ---- starting ------------------------------------------------------------------------------ */

/* ---- the end of a ring -------------------------------------------------------------------- */

/* Closes a listener whose accept can be cancelled only when the loop is over. */
static int close_too_late(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	heph_fd listener, fd;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_accept(heph_within(ctx, HEPH_MSEC), listener, &fd),
		-ETIME);
	heph_close(listener);
	atomic_store(&loop->heph.abandon, true);
	return heph_sleep(ctx, HEPH_NEVER);
}

static void a_listener_is_closed_when_the_loop_is_over(void **state)
{
	int fds = count_fds();
	struct loop loop;

	if (HEPH_ASAN || heph_san_on_valgrind())
		skip(); /* the memory of who is abandoned is lost */
	loop_open(&loop, 64);
	loop_run(&loop, close_too_late, &loop);
	assert_int_equal(loop_count(&loop)->operations, loop_on_uring());
	loop.io->driver.stop(loop.worker);
	loop_end(&loop);
	assert_int_equal(count_fds(), fds);
}

static void a_ring_that_cannot_be_made_leaves_nothing(void **state)
{
	struct heph heph = { .config.buffers = HEPH_BUFFERS_BUDGET };
	struct heph_worker worker = { .thread.heph = &heph };
	int fds = count_fds(), err = -ENOMEM;

	if (!loop_on_uring())
		skip(); /* it makes none */
	for (long n = 1; err < 0; n++) {
		heph_mem_fail_after(n);
		err = heph_uring_io.driver.start(&worker);
		heph_mem_fail_after(-1);
		if (err == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_null(worker.driver);
		assert_int_equal(count_fds(), fds);
	}
	heph_uring_io.driver.release(&worker);
	assert_int_equal(count_fds(), fds);
}

/* ---- a kernel that lacks something -------------------------------------------------- */

static int without_opcodes(heph_ctx ctx, void *arg)
{
	struct loop *loop = arg;
	struct heph_uring *uring = heph_uring_of(loop->worker);
	heph_fd file = adopt(ctx, memfd_create("test", MFD_CLOEXEC));
	char stack[10], *heap = malloc(10);

	memset(uring->features.opcodes, 0, sizeof(uring->features.opcodes));
	uring->features.opcodes[0] = UINT64_C(1) << IORING_OP_POLL_ADD;
	must_be(heph_write_all(ctx, file, "some bytes", 10), 0);
	must_be(lseek(heph_fd_number(ctx, file), 0, SEEK_SET), 0);
	must_be(heph_read(ctx, file, stack, 4), 4);
	must_be(heph_read(ctx, file, heap, 10), 6);
	must(memcmp(stack, "some", 4) == 0 && memcmp(heap, " bytes", 6) == 0);
	must_be(heph_read(ctx, file, heap, 10), 0);
	heph_close(file);
	free(heap);
	return 0;
}

static void what_the_kernel_lacks_is_done_by_a_thread(void **state)
{
	if (!loop_on_uring())
		skip(); /* it has none */
	loop_with(64, without_opcodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_lacks_is_done_by_a_thread),
		cmocka_unit_test(starts_300_operations_in_a_turn),
		cmocka_unit_test(starts_6000_operations_in_a_turn),
		cmocka_unit_test(
			more_connections_have_data_than_there_are_buffers),
		cmocka_unit_test(no_buffer_is_kept_by_what_reads_nothing),
		cmocka_unit_test(more_completes_than_the_queue_holds),
		cmocka_unit_test(closes_3000_descriptors_in_a_turn),
		cmocka_unit_test(any_submission_may_fail),
		cmocka_unit_test(a_listener_is_closed_when_the_loop_is_over),
		cmocka_unit_test(a_ring_that_cannot_be_made_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
