/* SPDX-License-Identifier: MIT */
/* Reading and writing at a position, in pieces, all of it. */
#include "task.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

enum { PAGE = 4096, LARGE = 1 << 20, SHORT = 10 };

/* A file without a name. */
static heph_fd some_file(heph_ctx ctx)
{
	char name[] = "/tmp/heph-vector-XXXXXX";
	int number = mkostemp(name, O_CLOEXEC);

	must(number >= 0);
	unlink(name);
	return adopt(ctx, number);
}

static long position(heph_ctx ctx, heph_fd fd)
{
	return lseek(heph_fd_number(ctx, fd), 0, SEEK_CUR);
}

static void fill(char *buf, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		buf[i] = (char)(seed + i * 7 + i / 251);
}

static struct iovec piece(void *buf, size_t size)
{
	return (struct iovec){ .iov_base = buf, .iov_len = size };
}

/* ---- at a position ----------------------------------------------------------- */

static void at_positions(heph_ctx ctx, char *out, char *in, size_t size)
{
	heph_fd fd = some_file(ctx);
	size_t done = 1;

	fill(out, size, 1);
	must_be(heph_write_exact_at(ctx, fd, out, size, 100, &done), 0);
	must_be(done, size);
	must_be(position(ctx, fd), 0);
	must_be(heph_read_exact_at(ctx, fd, in, size, 100, &done), 0);
	must(memcmp(in, out, size) == 0);
	must_be(position(ctx, fd), 0);
	must_be(heph_read_at(ctx, fd, in, SHORT, 100 + size - 3), 3);
	must_be(heph_read_at(ctx, fd, in, SHORT, 100 + size), 0);
	must_be(heph_read_exact_at(ctx, fd, in, SHORT, 100 + size - 3, &done),
		-ENODATA);
	must_be(done, 3);
	must_be(heph_write_at(ctx, fd, "xyz", 3, 8192), 3);
	must_be(heph_read_at(ctx, fd, in, 3, 8192), 3);
	must(memcmp(in, "xyz", 3) == 0);
	must_be(heph_read(ctx, fd, in, 50), 50); /* a hole */
	must_be(in[49], 0);
	must_be(position(ctx, fd), 50);
	heph_close(fd);
}

static int positions(heph_ctx ctx, void *arg)
{
	char stack[2][3000], *heap = malloc(2 * LARGE);

	at_positions(ctx, stack[0], stack[1], sizeof(stack[0]));
	at_positions(ctx, heap, heap + LARGE, LARGE);
	free(heap);
	return 0;
}

static void reads_and_writes_at_positions(void **state)
{
	run_task(positions);
	run_thread(positions);
}

/* Beyond 4 GiB, and up to the end of what there can be. */
static int far_positions(heph_ctx ctx, void *arg)
{
	const uint64_t far = (UINT64_C(5) << 30) + 3;
	heph_fd fd = some_file(ctx);
	char buf[10];

	must_be(heph_write_at(ctx, fd, "far", 3, far), 3);
	must_be(heph_read_at(ctx, fd, buf, sizeof(buf), far), 3);
	must(memcmp(buf, "far", 3) == 0);
	must_be(heph_read_at(ctx, fd, buf, 3, far - 1), 3);
	must(memcmp(buf, "\0fa", 3) == 0);
	must_be(heph_read_at(ctx, fd, buf, 1, UINT64_MAX), -EINVAL);
	must_be(heph_write_at(ctx, fd, buf, 1, UINT64_C(1) << 63), -EINVAL);
	must_be(heph_read_at(ctx, fd, buf, 2, INT64_MAX), -EINVAL);
	must_be(heph_read_at(ctx, fd, buf, 1, INT64_MAX - 1), 0);
	heph_close(fd);
	return 0;
}

static void offsets_have_64_bits(void **state)
{
	run_task(far_positions);
	run_thread(far_positions);
}

static int no_positions(heph_ctx ctx, void *arg)
{
	struct iovec two[2];
	char buf[10] = { 0 };
	int other;
	heph_fd fd;

	two[0] = two[1] = piece(buf, 5);
	for (int how = 0; how < 3; how++) {
		fd = how == 2 ? pair(ctx, &other) : pipe_end(ctx, how, &other);
		must_be(heph_read_at(ctx, fd, buf, 10, 0), -ESPIPE);
		must_be(heph_write_at(ctx, fd, buf, 10, 0), -ESPIPE);
		must_be(heph_readv_at(ctx, fd, two, 2, 0), -ESPIPE);
		must_be(heph_writev_exact_at(ctx, fd, two, 2, 0, NULL),
			-ESPIPE);
		heph_close(fd);
		close(other);
	}
	must_be(heph_read_at(ctx, fd, buf, 10, 0), -EBADF);
	must_be(heph_writev(ctx, fd, two, 2), -EBADF);
	return 0;
}

static void pipes_and_sockets_have_no_positions(void **state)
{
	run_task(no_positions);
	run_thread(no_positions);
}

/* ---- in pieces ------------------------------------------------------------------ */

/* Some on the stack, some not, some empty. */
struct pieces {
	struct iovec vector[8];
	char *heap;
};

static void make_pieces(struct pieces *it, char *stack)
{
	*it = (struct pieces){ .heap = calloc(3, PAGE) };
	it->vector[0] = piece(NULL, 0);
	it->vector[1] = piece(stack, 100);
	it->vector[2] = piece(it->heap, PAGE);
	it->vector[3] = piece(stack + 100, 0);
	it->vector[4] = piece(stack + 100, 7);
	it->vector[5] = piece(it->heap + PAGE, PAGE + 1);
	it->vector[6] = piece(it->heap + 2 * PAGE + 1, 3);
	it->vector[7] = piece(stack + 107, 0);
}

enum { PIECES_SIZE = 100 + PAGE + 7 + PAGE + 1 + 3 };

static void gather(const struct pieces *it, char *to)
{
	for (int i = 0; i < 8; to += it->vector[i++].iov_len)
		if (it->vector[i].iov_len)
			memcpy(to, it->vector[i].iov_base,
			       it->vector[i].iov_len);
}

static int in_pieces(heph_ctx ctx, void *arg)
{
	static char wanted[PIECES_SIZE], is[PIECES_SIZE];
	heph_fd fd = some_file(ctx);
	struct pieces it;
	char stack[200];
	size_t done;

	make_pieces(&it, stack);
	fill(wanted, sizeof(wanted), 5);
	must_be(heph_write_exact_at(ctx, fd, wanted, sizeof(wanted), 1000,
				    NULL),
		0);
	must_be(heph_readv_at(ctx, fd, it.vector, 8, 1000), PIECES_SIZE);
	gather(&it, is);
	must(memcmp(is, wanted, sizeof(is)) == 0);
	must_be(heph_readv_exact_at(ctx, fd, it.vector, 8, 1001, &done),
		-ENODATA);
	must_be(done, PIECES_SIZE - 1);
	gather(&it, is);
	must(memcmp(is, wanted + 1, done) == 0);

	must_be(heph_readv_exact_at(ctx, fd, it.vector, 8, 1000, &done), 0);
	must_be(heph_writev(ctx, fd, it.vector, 8), PIECES_SIZE);
	must_be(position(ctx, fd), PIECES_SIZE);
	must_be(heph_read_exact_at(ctx, fd, is, sizeof(is), 0, NULL), 0);
	must(memcmp(is, wanted, sizeof(is)) == 0);
	must_be(heph_writev_at(ctx, fd, it.vector + 4, 1, 20000), 7);
	must_be(heph_readv(ctx, fd, it.vector + 1, 1), 100);
	must_be(position(ctx, fd), PIECES_SIZE + 100);
	free(it.heap);
	heph_close(fd);
	return 0;
}

static void reads_and_writes_in_pieces(void **state)
{
	run_task(in_pieces);
	run_thread(in_pieces);
}

/* Without any that lies on a stack: the kernel gets the vector itself. */
static int in_heap_pieces(heph_ctx ctx, void *arg)
{
	struct heph_stats before = heph_stats(ctx);
	heph_fd fd = some_file(ctx);
	char *heap = malloc(2 * LARGE);
	struct iovec vector[3];

	vector[0] = piece(heap, 1000);
	vector[1] = piece(heap + 1000, 0);
	vector[2] = piece(heap + 1000, LARGE - 1000);
	fill(heap, LARGE, 3);
	must_be(heph_writev_exact(ctx, fd, vector, 3, NULL), 0);
	vector[0] = piece(heap + LARGE, 5);
	vector[2] = piece(heap + LARGE + 5, LARGE - 5);
	must_be(heph_readv_exact_at(ctx, fd, vector, 3, 0, NULL), 0);
	must(memcmp(heap, heap + LARGE, LARGE) == 0);
	must_be(heph_stats(ctx).bounced, before.bounced);
	free(heap);
	heph_close(fd);
	return 0;
}

static void what_is_on_no_stack_is_not_copied(void **state)
{
	run_task(in_heap_pieces);
	run_thread(in_heap_pieces);
}

/* More than the kernel takes at a time. */
static int many_pieces(heph_ctx ctx, void *arg)
{
	enum { MANY = 3 * IOV_MAX + 5 };
	struct iovec *vector = calloc(MANY, sizeof(*vector));
	char *heap = malloc(2 * MANY);
	heph_fd fd = some_file(ctx);

	fill(heap, MANY, 9);
	for (int i = 0; i < MANY; i++)
		vector[i] = piece(heap + i, 1);
	must_be(heph_writev(ctx, fd, vector, MANY), IOV_MAX);
	must_be(heph_writev_exact_at(ctx, fd, vector, MANY, 0, NULL), 0);
	for (int i = 0; i < MANY; i++)
		vector[i] = piece(heap + 2 * MANY - 1 - i, 1);
	must_be(heph_readv_exact_at(ctx, fd, vector, MANY, 0, NULL), 0);
	for (int i = 0; i < MANY; i++)
		must_be(heap[i], heap[2 * MANY - 1 - i]);
	vector[0].iov_len = vector[1].iov_len = SIZE_MAX / 2;
	must_be(heph_readv(ctx, fd, vector, 2), -EINVAL);
	vector[2].iov_len = 3;
	must_be(heph_writev_exact(ctx, fd, vector, 3, NULL), -EINVAL);
	free(vector);
	free(heap);
	heph_close(fd);
	return 0;
}

static void there_may_be_any_number_of_pieces(void **state)
{
	run_task(many_pieces);
	run_thread(many_pieces);
}

/* ---- nothing, and nothing at the end ---------------------------------------------- */

static int empty(heph_ctx ctx, void *arg)
{
	struct iovec none[3] = { { 0 } };
	char *heap = malloc(LARGE);
	heph_fd fd = some_file(ctx);
	size_t done = 1;

	must_be(heph_write_all(ctx, fd, "", 0), 0);
	must_be(heph_write_exact(ctx, fd, NULL, 0, &done), 0);
	must_be(done, 0);
	must_be(heph_read_exact(ctx, fd, NULL, 0, NULL), 0);
	must_be(heph_readv(ctx, fd, none, 3), 0);
	must_be(heph_writev(ctx, fd, none, 0), 0);
	must_be(heph_writev(ctx, fd, NULL, 0), 0);
	must_be(heph_writev_exact(ctx, fd, none, 3, &done), 0);
	must_be(heph_readv_exact_at(ctx, fd, none, 3, 5, &done), 0);
	must_be(heph_read_at(ctx, fd, NULL, 0, 7), 0);
	fill(heap, LARGE, 0);
	none[0] = piece(heap, LARGE);
	must_be(heph_writev_exact(ctx, fd, none, 3, &done), 0);
	must_be(done, LARGE);
	free(heap);
	heph_close(fd);
	return 0;
}

static void what_is_empty_is_done(void **state)
{
	run_task(empty);
	run_thread(empty);
}

/* ---- ten bytes at a time -------------------------------------------------------------- */

struct trickle {
	int number;
	const char *bytes;
	char *to;
	size_t size;
};

static void wait_for_room(int number, short events)
{
	struct pollfd fd = { .fd = number, .events = events };

	while (poll(&fd, 1, -1) != 1)
		;
}

static void *write_little(void *arg)
{
	struct trickle *it = arg;
	size_t part;

	for (size_t done = 0; done < it->size; done += part) {
		part = it->size - done < SHORT ? it->size - done : SHORT;
		while (write(it->number, it->bytes + done, part) < 0) {
			must_be(errno, EAGAIN);
			wait_for_room(it->number, POLLOUT);
		}
	}
	close(it->number);
	return NULL;
}

static void *read_little(void *arg)
{
	struct trickle *it = arg;
	ssize_t n;

	for (size_t done = 0; done < it->size; done += (size_t)n) {
		wait_for_room(it->number, POLLIN);
		n = read(it->number, it->to + done, SHORT);
		must(n > 0);
	}
	close(it->number);
	return NULL;
}

/* Packets, so that no read gets more. */
static heph_fd packet_pipe(heph_ctx ctx, int *ret_other)
{
	int numbers[2];

	must_be(pipe2(numbers, O_CLOEXEC | O_DIRECT), 0);
	must_be(fcntl(numbers[1], F_SETFL, O_NONBLOCK | O_DIRECT), 0);
	*ret_other = numbers[1];
	return adopt(ctx, numbers[0]);
}

static void read_in_shorts(heph_ctx ctx, bool vector)
{
	static char bytes[5000], to[5000];
	struct trickle it = { .bytes = bytes, .size = sizeof(bytes) };
	struct iovec pieces[4];
	char stack[1000];
	pthread_t thread;
	size_t done;
	heph_fd fd = packet_pipe(ctx, &it.number);

	fill(bytes, sizeof(bytes), 77);
	must_be(pthread_create(&thread, NULL, write_little, &it), 0);
	pieces[0] = piece(to, 995);
	pieces[1] = piece(stack, 1000);
	pieces[2] = piece(to + 1995, 3005);
	pieces[3] = piece(NULL, 0);
	if (vector)
		must_be(heph_readv_exact(ctx, fd, pieces, 4, &done), 0);
	else
		must_be(heph_read_exact(ctx, fd, to, sizeof(to), &done), 0);
	must_be(done, sizeof(to));
	if (vector)
		memcpy(to + 995, stack, sizeof(stack));
	must(memcmp(to, bytes, sizeof(to)) == 0);
	pthread_join(thread, NULL);
	must_be(heph_read_exact(ctx, fd, to, 10, &done), -ENODATA);
	must_be(done, 0);
	heph_close(fd);
}

static void write_in_shorts(heph_ctx ctx, bool vector, bool socket)
{
	enum { MUCH = 40000 };
	static char bytes[MUCH], to[MUCH];
	struct trickle it = { .to = to, .size = MUCH };
	struct iovec pieces[4];
	pthread_t thread;
	size_t done;
	heph_fd fd = socket ? pair(ctx, &it.number) :
			      pipe_end(ctx, 1, &it.number);

	if (socket)
		must_be(setsockopt(heph_fd_number(ctx, fd), SOL_SOCKET,
				   SO_SNDBUF, &(int){ 4096 }, sizeof(int)),
			0);
	else
		must(heph_pipe_resize(ctx, fd, 4096) >= 4096);
	fill(bytes, sizeof(bytes), 78);
	pieces[0] = piece(NULL, 0);
	pieces[1] = piece(bytes, 9999);
	pieces[2] = piece(bytes + 9999, MUCH - 9999);
	pieces[3] = piece(bytes, 0); /* the last one is empty */
	must_be(pthread_create(&thread, NULL, read_little, &it), 0);
	if (vector)
		must_be(heph_writev_exact(ctx, fd, pieces, 4, &done), 0);
	else
		must_be(heph_write_exact(ctx, fd, bytes, MUCH, &done), 0);
	must_be(done, MUCH);
	pthread_join(thread, NULL);
	must(memcmp(to, bytes, MUCH) == 0);
	heph_close(fd);
}

static int shorts(heph_ctx ctx, void *arg)
{
	for (int how = 0; how < 2; how++) {
		read_in_shorts(ctx, how);
		write_in_shorts(ctx, how, false);
		write_in_shorts(ctx, how, true);
	}
	return 0;
}

static void exact_forms_live_with_short_counts(void **state)
{
	run_task(shorts);
	run_thread(shorts);
}

/* ---- sockets ------------------------------------------------------------------------- */

static int socket_pieces(heph_ctx ctx, void *arg)
{
	struct iovec vector[3];
	char stack[10] = { 0 }, *heap = calloc(1, 10);
	int other;
	heph_fd fd = pair(ctx, &other);

	for (int how = 0; how < 2; how++) {
		vector[0] = piece(how ? heap : stack, 3);
		vector[1] = piece(NULL, 0);
		vector[2] = piece(heap + 4, 4);
		must_be(write(other, "abcdefghij", 10), 10);
		must_be(heph_readv(ctx, fd, vector, 3), 7);
		must(memcmp(vector[0].iov_base, "abc", 3) == 0);
		must(memcmp(heap + 4, "defg", 4) == 0);
		must_be(heph_readv(ctx, fd, vector, 3), 3);
		must_be(heph_readv(heph_within(ctx, HEPH_MSEC), fd, vector, 3),
			-ETIME);
		must_be(heph_writev(ctx, fd, vector, 3), 7);
		must_be(read(other, stack, 10), 7);
		must(memcmp(stack, "hijdefg", 7) == 0);
	}
	close(other);
	must_be(heph_readv(ctx, fd, vector, 3), 0);
	must_be(heph_writev(ctx, fd, vector, 3), -EPIPE);
	heph_close(fd);
	fd = pipe_end(ctx, 1, &other);
	close(other);
	must_be(heph_writev(ctx, fd, vector, 3), -EPIPE);
	heph_close(fd);
	free(heap);
	return 0;
}

static void sockets_in_pieces(void **state)
{
	run_task(socket_pieces);
	run_thread(socket_pieces);
}

/* A vector does not wait any longer than it should, either. */
static int late_pieces(heph_ctx ctx, void *arg)
{
	struct iovec two[2];
	char *heap = calloc(2, LARGE);
	size_t done;
	int other;
	heph_fd fd;

	two[0] = piece(heap, LARGE);
	two[1] = piece(heap + LARGE, LARGE);
	for (int how = 0; how < 2; how++) {
		fd = how ? pair(ctx, &other) : pipe_end(ctx, 1, &other);
		must_be(heph_writev_exact(heph_within(ctx, HEPH_MSEC), fd, two,
					  2, &done),
			-ETIME);
		must(done > 0 && done < 2 * LARGE);
		heph_close(fd);
		close(other);
	}
	free(heap);
	return 0;
}

static void a_deadline_ends_a_write_in_pieces(void **state)
{
	run_task(late_pieces);
	run_thread(late_pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_at_positions),
		cmocka_unit_test(offsets_have_64_bits),
		cmocka_unit_test(pipes_and_sockets_have_no_positions),
		cmocka_unit_test(reads_and_writes_in_pieces),
		cmocka_unit_test(what_is_on_no_stack_is_not_copied),
		cmocka_unit_test(there_may_be_any_number_of_pieces),
		cmocka_unit_test(what_is_empty_is_done),
		cmocka_unit_test(exact_forms_live_with_short_counts),
		cmocka_unit_test(sockets_in_pieces),
		cmocka_unit_test(a_deadline_ends_a_write_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
