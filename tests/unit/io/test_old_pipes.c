/* SPDX-License-Identifier: MIT */
/*
 * Pipes that others have too, on a kernel that cannot try them without waiting: the
 * calls that could are made to say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/file.h"
#include "io/kinds.h"
#include "io/op.h"

enum { ROOM = 64 << 10 }; /* bytes */

static unsigned refused;

ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int n,
			  off_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *pieces, int n,
			   off_t offset, int flags);

static ssize_t refuse(int flags)
{
	assert_int_equal(flags, RWF_NOWAIT);
	refused++;
	errno = EOPNOTSUPP;
	return -1;
}

ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int n,
			  off_t offset, int flags)
{
	return refuse(flags);
}

ssize_t __wrap_pwritev64v2(int fd, const struct iovec *pieces, int n,
			   off_t offset, int flags)
{
	return refuse(flags);
}

static struct heph_file lent = { .flags = HEPH_FILE_PIPE | HEPH_FILE_LENT };
static char data[2 * ROOM];
static int numbers[2];

static int make(void **state)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + i / 256);
	refused = 0;
	return pipe2(numbers, O_CLOEXEC);
}

static void hang_up(int end)
{
	close(numbers[end]);
	numbers[end] = -1;
}

static int end(void **state)
{
	hang_up(0);
	hang_up(1);
	return 0;
}

/* The lowest number that is free: more of them if something was not closed. */
static int count_fds(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static int transfer(enum heph_op_kind kind, int which, void *buf, uint32_t size)
{
	struct heph_op op = { .kind = kind,
			      .file = &lent,
			      .number = numbers[which],
			      .buf = buf,
			      .size = size,
			      .offset = HEPH_OFFSET_NONE };
	int before = count_fds();
	int result = heph_op_types[kind].attempt(&op);

	assert_int_equal(count_fds(), before);
	return result;
}

static void reads_what_is_there(void **state)
{
	char got[100];

	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 100), -EAGAIN);
	assert_int_equal(write(numbers[1], data, 150), 150);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 100), 100);
	assert_memory_equal(got, data, 100);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 100), 50);
	assert_memory_equal(got, data + 100, 50);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 100), -EAGAIN);
	hang_up(1);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 100), 0);
	assert_int_equal(refused, 5);
}

static void reads_into_pieces(void **state)
{
	char got[100];
	struct iovec pieces[2] = { { got, 30 }, { got + 30, 70 } };

	assert_int_equal(transfer(HEPH_OP_READV, 0, pieces, 2), -EAGAIN);
	assert_int_equal(write(numbers[1], data, 60), 60);
	assert_int_equal(transfer(HEPH_OP_READV, 0, pieces, 2), 60);
	assert_memory_equal(got, data, 60);
}

/* What there was no room for is written again by who wrote. */
static void writes_what_there_is_room_for(void **state)
{
	static char got[sizeof(data)];
	uint32_t done = 0, taken = 0;
	int n;

	while ((n = transfer(HEPH_OP_WRITE, 1, data + done,
			     (uint32_t)sizeof(data) - done)) > 0)
		done += (uint32_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_in_range(done, 1, ROOM);
	while ((n = transfer(HEPH_OP_READ, 0, got + taken,
			     (uint32_t)sizeof(got) - taken)) > 0)
		taken += (uint32_t)n;
	assert_int_equal(taken, done);
	assert_memory_equal(got, data, done);
	assert_int_equal(transfer(HEPH_OP_WRITE, 1, data, 10), 10);
}

static void writes_pieces(void **state)
{
	struct iovec pieces[2] = { { data, 30 }, { data + 30, 70 } };
	char got[100];

	assert_int_equal(transfer(HEPH_OP_WRITEV, 1, pieces, 2), 100);
	assert_int_equal(read(numbers[0], got, 100), 100);
	assert_memory_equal(got, data, 100);
}

/* No signal, which would end this program. */
static void tells_that_nobody_reads(void **state)
{
	hang_up(0);
	assert_int_equal(transfer(HEPH_OP_WRITE, 1, data, 10), -EPIPE);
}

/* A pipe needs two, and there is one. */
static void tells_that_there_are_no_descriptors(void **state)
{
	struct rlimit limit, low;
	char got[10];

	assert_int_equal(write(numbers[1], data, 10), 10);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)count_fds() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 10), -EMFILE);
	assert_int_equal(transfer(HEPH_OP_WRITE, 1, data, 10), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 10), 10);
}

/* Terminals and such: the plain call is all there is. */
static void what_is_no_pipe_is_just_read(void **state)
{
	char got[10];

	lent.flags &= ~(unsigned)HEPH_FILE_PIPE;
	assert_int_equal(transfer(HEPH_OP_WRITE, 1, data, 10), 10);
	assert_int_equal(transfer(HEPH_OP_READ, 0, got, 10), 10);
	lent.flags |= HEPH_FILE_PIPE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_what_is_there, make, end),
		cmocka_unit_test_setup_teardown(reads_into_pieces, make, end),
		cmocka_unit_test_setup_teardown(writes_what_there_is_room_for,
						make, end),
		cmocka_unit_test_setup_teardown(writes_pieces, make, end),
		cmocka_unit_test_setup_teardown(tells_that_nobody_reads, make,
						end),
		cmocka_unit_test_setup_teardown(
			tells_that_there_are_no_descriptors, make, end),
		cmocka_unit_test_setup_teardown(what_is_no_pipe_is_just_read,
						make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
