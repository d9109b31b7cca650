/* SPDX-License-Identifier: MIT */
#include "io/buffers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static struct io_uring ring;
static struct heph_buffers buffers;
static int numbers[2];

static int open_all(void **state)
{
	(void)state;
	assert_int_equal(io_uring_queue_init(8, &ring, 0), 0);
	assert_int_equal(pipe(numbers), 0);
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

/* Reads with a buffer that the kernel chooses: the number of bytes, or an
 * error. */
static int read_one(int *ret_id)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;
	int result;

	io_uring_prep_read(sqe, numbers[0], NULL, HEPH_BUFFER_SIZE, -1);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = HEPH_BUFFER_GROUP;
	assert_int_equal(io_uring_submit_and_wait(&ring, 1), 1);
	assert_int_equal(io_uring_wait_cqe(&ring, &cqe), 0);
	result = cqe->res;
	*ret_id = -1;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		*ret_id = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		buffers.in_use++;
	}
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static void gives_what_came_and_lends_it_again(void **state)
{
	char bytes[HEPH_BUFFER_SIZE], wanted[HEPH_BUFFER_SIZE];
	int id;

	(void)state;
	assert_int_equal(heph_buffers_init(&buffers, &ring), 0);
	for (int i = 0; i < 3 * HEPH_BUFFERS; i++) {
		memset(wanted, i, sizeof(wanted));
		assert_int_equal(write(numbers[1], wanted, sizeof(wanted)),
				 sizeof(wanted));
		assert_int_equal(read_one(&id), sizeof(wanted));
		assert_int_equal(buffers.in_use, 1);
		memset(bytes, ~i, sizeof(bytes));
		heph_buffers_take(&buffers, (unsigned)id, bytes, sizeof(bytes));
		assert_memory_equal(bytes, wanted, sizeof(bytes));
		assert_int_equal(buffers.in_use, 0);
	}
	heph_buffers_fini(&buffers, &ring);
}

static void says_when_there_is_none_left(void **state)
{
	int ids[HEPH_BUFFERS], id;
	char byte;

	(void)state;
	assert_int_equal(heph_buffers_init(&buffers, &ring), 0);
	for (int i = 0; i < HEPH_BUFFERS; i++) {
		byte = (char)i;
		assert_int_equal(write(numbers[1], &byte, 1), 1);
		assert_int_equal(read_one(&ids[i]), 1);
		assert_true(ids[i] >= 0);
	}
	assert_int_equal(buffers.in_use, HEPH_BUFFERS);
	assert_int_equal(write(numbers[1], "x", 1), 1);
	assert_int_equal(read_one(&id), -ENOBUFS);
	assert_int_equal(id, -1);
	for (int i = HEPH_BUFFERS - 1; i >= 0; i--) {
		heph_buffers_take(&buffers, (unsigned)ids[i], &byte, 1);
		assert_int_equal(byte, (char)i); /* nobody has overwritten it */
		if (i == HEPH_BUFFERS - 1) {
			assert_int_equal(read_one(&ids[i]), 1);
			heph_buffers_take(&buffers, (unsigned)ids[i], &byte, 1);
			assert_int_equal(byte, 'x');
		}
	}
	assert_int_equal(buffers.in_use, 0);
	heph_buffers_fini(&buffers, &ring);
}

static void survives_a_lack_of_memory(void **state)
{
	(void)state;
	for (long n = 1; n <= 2; n++) {
		heph_mem_fail_after(n);
		assert_int_equal(heph_buffers_init(&buffers, &ring), -ENOMEM);
		heph_mem_fail_after(-1);
		assert_null(buffers.ring);
		heph_buffers_fini(&buffers, &ring);
	}
	assert_int_equal(heph_buffers_init(&buffers, &ring), 0);
	heph_buffers_fini(&buffers, &ring);
}

static void tells_the_kernels_error(void **state)
{
	struct heph_buffers more;

	(void)state;
	assert_int_equal(heph_buffers_init(&buffers, &ring), 0);
	assert_int_equal(heph_buffers_init(&more, &ring), -EEXIST);
	heph_buffers_fini(&more, &ring);
	heph_buffers_fini(&buffers, &ring);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_what_came_and_lends_it_again),
		TEST(says_when_there_is_none_left),
		TEST(survives_a_lack_of_memory),
		TEST(tells_the_kernels_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
