/* SPDX-License-Identifier: MIT */
#include "io/buffers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/uring_abi.h"

static struct io_uring ring;
static struct heph_buffers buffers;
static int numbers[2];

enum { GROUP = 7, COUNT = 16, BUDGET = COUNT * HEPH_BUFFER_SIZE };

static int lend_whole(struct heph_buffers *these)
{
	return heph_buffers_init(these, &ring, GROUP, BUDGET, false);
}

static int open_all(void **state)
{
	(void)state;
	assert_int_equal(io_uring_queue_init(8, &ring, 0), 0);
	/* before Linux 6.4 io_uring leaves each read of another one to a thread */
	assert_int_equal(pipe2(numbers, O_NONBLOCK), 0);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	io_uring_queue_exit(&ring);
	close(numbers[0]);
	close(numbers[1]);
	return 0;
}

/* Copies `n` bytes out of a piece and gives it back. */
static void take(struct heph_buffers *these, int piece, void *to, size_t n)
{
	memcpy(to, heph_buffers_data(these, piece), n);
	heph_buffers_give(these, piece);
}

/* Reads at most `size` bytes with a buffer that the kernel chooses: how many, or
 * an error. */
static int read_some(unsigned size, int *ret_piece)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;
	int result;

	io_uring_prep_read(sqe, numbers[0], NULL, size, -1);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	assert_int_equal(io_uring_submit_and_wait(&ring, 1), 1);
	assert_int_equal(io_uring_wait_cqe(&ring, &cqe), 0);
	result = cqe->res;
	*ret_piece = -1;
	if (cqe->flags & IORING_CQE_F_BUFFER)
		*ret_piece = heph_buffers_got(
			&buffers, cqe->flags >> IORING_CQE_BUFFER_SHIFT, result,
			cqe->flags & HEPH_ABI_CQE_BUFFER_MORE);
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static int read_one(int *ret_piece)
{
	return read_some(HEPH_BUFFER_SIZE, ret_piece);
}

static void gives_what_came_and_lends_it_again(void **state)
{
	char bytes[HEPH_BUFFER_SIZE], wanted[HEPH_BUFFER_SIZE];
	int id;

	(void)state;
	assert_int_equal(lend_whole(&buffers), 0);
	for (int i = 0; i < 3 * COUNT; i++) {
		memset(wanted, i, sizeof(wanted));
		assert_int_equal(write(numbers[1], wanted, sizeof(wanted)),
				 sizeof(wanted));
		assert_int_equal(read_one(&id), sizeof(wanted));
		assert_int_equal(buffers.in_use, 1);
		memset(bytes, ~i, sizeof(bytes));
		take(&buffers, id, bytes, sizeof(bytes));
		assert_memory_equal(bytes, wanted, sizeof(bytes));
		assert_int_equal(buffers.in_use, 0);
	}
	heph_buffers_fini(&buffers, &ring);
}

/* The index of the ring has 16 bits. */
static void its_index_goes_round(void **state)
{
	char byte;
	int piece;

	(void)state;
	assert_int_equal(lend_whole(&buffers), 0);
	for (int i = 0; i < 70000; i++) {
		assert_int_equal(write(numbers[1], &(char){ (char)i }, 1), 1);
		assert_int_equal(read_some(1, &piece), 1);
		take(&buffers, piece, &byte, 1);
		assert_int_equal(byte, (char)i);
	}
	assert_int_equal(buffers.in_use, 0);
	heph_buffers_fini(&buffers, &ring);
}

static void says_when_there_is_none_left(void **state)
{
	int ids[COUNT], id;
	char byte;

	(void)state;
	assert_int_equal(lend_whole(&buffers), 0);
	for (int i = 0; i < COUNT; i++) {
		byte = (char)i;
		assert_int_equal(write(numbers[1], &byte, 1), 1);
		assert_int_equal(read_one(&ids[i]), 1);
		assert_true(ids[i] >= 0);
	}
	assert_int_equal(buffers.in_use, COUNT);
	assert_int_equal(write(numbers[1], "x", 1), 1);
	assert_int_equal(read_one(&id), -ENOBUFS);
	assert_int_equal(id, -1);
	for (int i = COUNT - 1; i >= 0; i--) {
		take(&buffers, ids[i], &byte, 1);
		assert_int_equal(byte, (char)i); /* nobody has overwritten it */
		if (i == COUNT - 1) {
			assert_int_equal(read_one(&ids[i]), 1);
			take(&buffers, ids[i], &byte, 1);
			assert_int_equal(byte, 'x');
		}
	}
	assert_int_equal(buffers.in_use, 0);
	heph_buffers_fini(&buffers, &ring);
}

static void survives_a_lack_of_memory(void **state)
{
	(void)state;
	for (long n = 1; n <= 5; n++) {
		heph_mem_fail_after(n <= 2 ? n : n - 2);
		assert_int_equal(n <= 2 ?
					 lend_whole(&buffers) :
					 heph_buffers_init(&buffers, &ring,
							   GROUP, BUDGET, true),
				 -ENOMEM);
		heph_mem_fail_after(-1);
		assert_null(buffers.ring);
		heph_buffers_fini(&buffers, &ring);
	}
	assert_int_equal(lend_whole(&buffers), 0);
	heph_buffers_fini(&buffers, &ring);
}

static void tells_the_kernels_error(void **state)
{
	struct heph_buffers more;

	(void)state;
	assert_int_equal(lend_whole(&buffers), 0);
	assert_int_equal(lend_whole(&more), -EEXIST);
	heph_buffers_fini(&more, &ring);
	heph_buffers_fini(&buffers, &ring);
}

/* ---- incremental ones ------------------------------------------------------------ */

/* Whether the kernel has them: Linux 6.12. */
static bool lend_incremental(unsigned n)
{
	int err = heph_buffers_init(&buffers, &ring, GROUP,
				    n * HEPH_BUFFER_INCREMENTAL, true);

	assert_true(err == 0 || err == -EINVAL);
	return err == 0;
}

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

/* Writes the bytes from `at` on, which fit the pipe. */
static void bring(size_t at, size_t n)
{
	unsigned char bytes[HEPH_BUFFER_SIZE];

	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(at + i);
	assert_int_equal(write(numbers[1], bytes, n), n);
}

static void must_hold(int piece, size_t at, int n)
{
	unsigned char bytes[HEPH_BUFFER_SIZE];

	take(&buffers, piece, bytes, (size_t)n);
	for (int i = 0; i < n; i++)
		assert_int_equal(bytes[i], pattern(at + (size_t)i));
}

/* Pieces of odd sizes, of which some are kept while the kernel goes on, through
 * each buffer many times. */
static void pieces_come_in_order(void **state)
{
	enum { KEPT = 5 };
	struct {
		size_t at;
		int piece, n;
	} kept[KEPT] = { 0 };
	size_t at = 0;
	int n, piece;

	(void)state;
	if (!lend_incremental(4))
		skip();
	for (int i = 0; i < 3000; i++) {
		bring(at, 1000 + (size_t)i % 77);
		for (size_t end = at + 1000 + (size_t)i % 77; at < end;
		     at += (size_t)n) {
			n = read_some((unsigned)(end - at), &piece);
			assert_true(n > 0);
			assert_true(piece >= 0);
			if (kept[i % KEPT].n)
				must_hold(kept[i % KEPT].piece,
					  kept[i % KEPT].at, kept[i % KEPT].n);
			kept[i % KEPT].at = at;
			kept[i % KEPT].piece = piece;
			kept[i % KEPT].n = n;
		}
	}
	for (int i = 0; i < KEPT; i++)
		must_hold(kept[i].piece, kept[i].at, kept[i].n);
	assert_int_equal(buffers.in_use, 0);
	heph_buffers_fini(&buffers, &ring);
}

/* One that is full is not lent again before all its pieces are back. */
static void a_piece_keeps_its_buffer(void **state)
{
	int first, piece, n;
	size_t at = 100;

	(void)state;
	if (!lend_incremental(1))
		skip();
	bring(0, 100);
	assert_int_equal(read_some(100, &first), 100);
	while (at < HEPH_BUFFER_INCREMENTAL) {
		bring(at, 1000);
		n = read_some(1000, &piece);
		assert_true(n > 0);
		must_hold(piece, at, n);
		at += (size_t)n;
		if (n < 1000)
			break;
	}
	assert_int_equal(at, HEPH_BUFFER_INCREMENTAL);
	assert_int_equal(read_some(100, &piece), -ENOBUFS);
	assert_int_equal(piece, -1);
	must_hold(first, 0, 100);
	assert_true(read_some(100, &piece) > 0);
	take(&buffers, piece, &n, 1);
	assert_int_equal(buffers.in_use, 0);
	heph_buffers_fini(&buffers, &ring);
}

/* At the end of a stream a buffer may be named, and stays the kernel's. */
static void the_end_uses_up_nothing(void **state)
{
	int piece, pair[2];

	(void)state;
	if (!lend_incremental(1))
		skip();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pipe(pair), 0);
		assert_int_equal(dup2(pair[0], numbers[0]), numbers[0]);
		close(pair[0]);
		close(pair[1]);
		assert_int_equal(read_some(100, &piece), 0);
		if (piece >= 0)
			must_hold(piece, 0, 0);
		assert_int_equal(buffers.in_use, 0);
		assert_int_equal(pipe(pair), 0);
		assert_int_equal(dup2(pair[0], numbers[0]), numbers[0]);
		assert_int_equal(dup2(pair[1], numbers[1]), numbers[1]);
		close(pair[0]);
		close(pair[1]);
		bring(0, 1000);
		assert_true(read_some(1000, &piece) > 0);
		assert_true(piece >= 0);
		must_hold(piece, 0, 1);
	}
	heph_buffers_fini(&buffers, &ring);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_what_came_and_lends_it_again),
		TEST(its_index_goes_round),
		TEST(says_when_there_is_none_left),
		TEST(survives_a_lack_of_memory),
		TEST(tells_the_kernels_error),
		TEST(pieces_come_in_order),
		TEST(a_piece_keeps_its_buffer),
		TEST(the_end_uses_up_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
