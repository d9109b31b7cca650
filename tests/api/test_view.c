/* SPDX-License-Identifier: MIT */
/* Reading without a copy. */
#include "task.h"

#include <heph/socket_msg.h>

#include <sys/mman.h>

enum { MIB = 1 << 20, MANY = 600, PIECE = 4000 };

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

static void fill(unsigned char *bytes, size_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(from + i);
}

static bool is_filled(const char *bytes, size_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)bytes[i] != pattern(from + i))
			return false;
	return true;
}

/* A connection whose number nobody knows: ours, and a number that does not wait. */
static heph_fd connected(heph_ctx ctx, int *ret_other)
{
	heph_fd listener, fd;

	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	*ret_other = raw_connect(port_of(ctx, listener));
	must_be(heph_accept(ctx, listener, &fd), 0);
	must_be(fcntl(*ret_other, F_SETFL, O_NONBLOCK), 0);
	heph_close(listener);
	return fd;
}

/* ---- what comes -------------------------------------------------------------- */

static void see(heph_ctx ctx, heph_fd fd, const char *text)
{
	char *data;

	must_be(heph_read_view(ctx, fd, &data), strlen(text));
	must(memcmp(data, text, strlen(text)) == 0);
}

static void look_at(heph_ctx ctx, heph_fd fd, int other)
{
	char *data, buf[10];

	must_be(write(other, "one", 3), 3);
	see(ctx, fd, "one");
	heph_end_view(ctx, fd);
	heph_end_view(ctx, fd);
	must_be(write(other, "two", 3), 3);
	must_be(heph_read_view(ctx, fd, &data), 3);
	data[0] = 'T'; /* it is ours */
	must_be(write(other, "three", 5), 5);
	must_be(heph_read(ctx, fd, buf, 3), 3);
	must(memcmp(buf, "thr", 3) == 0);
	must(memcmp(data, "Two", 3) == 0); /* it is still there */
	see(ctx, fd, "ee");
	must_be(heph_read_view(heph_within(ctx, HEPH_MSEC), fd, &data), -ETIME);
	must_be(write(other, "four", 4), 4);
	see(ctx, fd, "four");
	close(other);
	must_be(heph_read_view(ctx, fd, &data), 0);
	must_be(heph_read_view(ctx, fd, &data), 0);
	heph_close(fd);
	must_be(heph_read_view(ctx, fd, &data), -EBADF);
	heph_end_view(ctx, fd);
}

static int looks(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd;

	(void)arg;
	fd = pair(ctx, &other);
	look_at(ctx, fd, other);
	fd = pipe_end(ctx, 0, &other);
	look_at(ctx, fd, other);
	fd = connected(ctx, &other);
	look_at(ctx, fd, other);
	return 0;
}

static void what_has_come_is_seen(void **state)
{
	run_task(looks);
	run_thread(looks);
}

static int others(heph_ctx ctx, void *arg)
{
	int numbers[2], file = memfd_create("test", MFD_CLOEXEC);
	heph_fd fd = adopt(ctx, file);
	char *data;

	(void)arg;
	must_be(write(file, "text", 4), 4);
	must_be(lseek(file, 1, SEEK_SET), 1);
	see(ctx, fd, "ext");
	must_be(heph_read_view(ctx, fd, &data), 0);
	heph_close(fd);
	must_be(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, numbers), 0);
	fd = adopt(ctx, numbers[0]);
	must_be(heph_read_view(ctx, fd, &data), -EOPNOTSUPP);
	heph_close(fd);
	close(numbers[1]);
	return 0;
}

static void files_are_seen_and_packets_are_not(void **state)
{
	run_task(others);
	run_thread(others);
}

/* ---- beside other ways ------------------------------------------------------------- */

static void send_text(int number, const char *text)
{
	must_be(send(number, text, strlen(text), 0), strlen(text));
}

/* One that was read by views before. */
static heph_fd viewed(heph_ctx ctx, int *ret_other)
{
	heph_fd fd = connected(ctx, ret_other);

	send_text(*ret_other, "first");
	see(ctx, fd, "first");
	send_text(*ret_other, "second");
	see(ctx, fd, "second");
	return fd;
}

static void await_bytes(heph_ctx ctx, heph_fd fd)
{
	must_be(heph_wait(ctx, [0] = heph_on_readable(fd)), 0);
}

/* Whatever reads has all of it, in order. */
static int mixed(heph_ctx ctx, void *arg)
{
	char buf[10], more[10], *data;
	const struct iovec pieces[] = { { buf, 2 }, { more, 2 } };
	int other;
	heph_fd fd = viewed(ctx, &other);

	(void)arg;
	send_text(other, "abcdefghijk");
	await_bytes(ctx, fd);
	must_be(heph_read(ctx, fd, buf, 3), 3);
	must(memcmp(buf, "abc", 3) == 0);
	must_be(heph_readv(ctx, fd, pieces, 2), 4);
	must(memcmp(buf, "de", 2) == 0 && memcmp(more, "fg", 2) == 0);
	see(ctx, fd, "hijk");
	send_text(other, "lm");
	await_bytes(ctx, fd);
	must_be(heph_socket_recv(ctx, fd, buf, sizeof(buf), 0), 2);
	must(memcmp(buf, "lm", 2) == 0);
	send_text(other, "no");
	must_be(heph_socket_recv(ctx, fd, buf, sizeof(buf), 0), 2);
	must_be(heph_read_view(heph_within(ctx, HEPH_MSEC), fd, &data), -ETIME);
	send_text(other, "pq");
	see(ctx, fd, "pq");
	must(heph_fd_number(ctx, fd) >= 0);
	send_text(other, "rs");
	see(ctx, fd, "rs");
	raw_reset(other);
	must_be(heph_read_view(ctx, fd, &data), -ECONNRESET);
	heph_close(fd);
	return 0;
}

static void all_that_reads_has_the_same(void **state)
{
	run_task(mixed);
	run_thread(mixed);
}

static int see_the_rest(heph_ctx ctx, void *arg)
{
	char buf[3];
	heph_fd fd;

	must_be(heph_fd_take(ctx, *(struct heph_fd_handle *)arg, &fd), 0);
	must_be(heph_read_exact(ctx, fd, buf, 3, NULL), 0);
	must(memcmp(buf, "sen", 3) == 0);
	see(ctx, fd, "t");
	return 0;
}

static int given(heph_ctx ctx, void *arg)
{
	static struct heph_fd_handle handle;
	int other;
	heph_fd fd = viewed(ctx, &other);

	(void)arg;
	send_text(other, "sent");
	await_bytes(ctx, fd);
	must_be(heph_fd_give(ctx, fd, &handle), 0);
	end_task(ctx, start_task(ctx, see_the_rest, &handle));
	close(other);
	fd = viewed(ctx, &other);
	send_text(other, "lost");
	await_bytes(ctx, fd);
	must_be(heph_fd_give(ctx, fd, &handle), 0);
	heph_fd_discard(handle);
	close(other);
	fd = viewed(ctx, &other);
	send_text(other, "lost");
	await_bytes(ctx, fd);
	must_be(heph_close_wait(ctx, fd), 0);
	close(other);
	return 0;
}

static void it_goes_with_the_descriptor(void **state)
{
	run_task(given);
	run_thread_once(given);
}

static int nobody_reads(heph_ctx ctx, void *arg)
{
	static char bytes[1 << 16];
	int other, pauses = 0;
	heph_fd fd = viewed(ctx, &other);
	size_t sent = 0, seen = 0;
	char *data;

	(void)arg;
	while (pauses < 3) {
		ssize_t n = send(other, bytes, sizeof(bytes), 0);

		sent += n > 0 ? (size_t)n : 0;
		must(sent < 64 * MIB);
		pauses = n > 0 ? 0 : pauses + 1;
		must_be(heph_sleep(ctx, n > 0 ? 0 : HEPH_MSEC), 0);
	}
	close(other);
	for (int n; (n = heph_read_view(ctx, fd, &data)) > 0;)
		seen += (size_t)n;
	must_be(seen, sent);
	heph_close(fd);
	return 0;
}

static void a_peer_that_nobody_reads_has_to_wait(void **state)
{
	run_task(nobody_reads);
}

/* ---- much ----------------------------------------------------------------------- */

static int feed(heph_ctx ctx, void *arg)
{
	unsigned char *bytes = malloc(MIB);
	heph_fd fd = adopt(ctx, *(int *)arg);

	fill(bytes, 0, MIB);
	must_be(heph_write_all(ctx, fd, bytes, MIB), 0);
	heph_close(fd);
	free(bytes);
	return 0;
}

static int much(heph_ctx ctx, void *arg)
{
	static int numbers[2];
	int n;
	task_ref task;
	size_t at = 0;
	char *data;
	heph_fd fd;

	(void)arg;
	must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
	task = start_task(ctx, feed, &numbers[1]);
	fd = adopt(ctx, numbers[0]);
	while ((n = heph_read_view(ctx, fd, &data)) > 0) {
		must(is_filled(data, at, (size_t)n));
		at += (size_t)n;
	}
	must_be(n, 0);
	must_be(at, MIB);
	heph_close(fd);
	end_task(ctx, task);
	return 0;
}

static void much_is_seen_in_order(void **state)
{
	run_task(much);
	run_thread(much);
}

/* ---- for long --------------------------------------------------------------------- */

struct held {
	heph_fd fd;
	char *data;
	int number, n;
};

static void hold(heph_ctx ctx, struct held *it, size_t from)
{
	unsigned char bytes[PIECE];

	it->fd = from % 2 ? pair(ctx, &it->number) : viewed(ctx, &it->number);
	fill(bytes, from, PIECE);
	must_be(write(it->number, bytes, PIECE), PIECE);
	it->n = heph_read_view(ctx, it->fd, &it->data);
	must(it->n > 0);
}

static void let_go(heph_ctx ctx, struct held *it, size_t from)
{
	must(is_filled(it->data, from, (size_t)it->n));
	from += (size_t)it->n;
	if (from % 3)
		heph_end_view(ctx, it->fd);
	while (it->n < PIECE) {
		int n = heph_read_view(ctx, it->fd, &it->data);

		must(n > 0 && is_filled(it->data, from, (size_t)n));
		from += (size_t)n;
		it->n += n;
	}
	heph_close(it->fd);
	close(it->number);
}

/* More than all buffers of a worker: what each one sees stays what it is, and the
 * next one is served. */
static int for_long(heph_ctx ctx, void *arg)
{
	struct held *all = malloc(MANY * sizeof(*all));

	(void)arg;
	for (size_t i = 0; i < MANY; i++)
		hold(ctx, &all[i], i * 7);
	for (size_t i = 0; i < MANY; i++)
		let_go(ctx, &all[i * 7 % MANY], i * 7 % MANY * 7);
	free(all);
	return 0;
}

static void who_looks_for_long_leaves_some_to_others(void **state)
{
	run_task(for_long);
	run_thread(for_long);
}

/* ---- at the end --------------------------------------------------------------------- */

static int take_it(heph_ctx ctx, void *arg)
{
	heph_fd fd;

	must_be(heph_fd_take(ctx, *(struct heph_fd_handle *)arg, &fd), 0);
	see(ctx, fd, "more");
	return 0;
}

static int ends(heph_ctx ctx, void *arg)
{
	static struct heph_fd_handle handle;
	char *data;
	int other;
	heph_fd fd = pair(ctx, &other);

	(void)arg;
	must_be(write(other, "some", 4), 4);
	see(ctx, fd, "some");
	must_be(heph_fd_give(ctx, fd, &handle), 0);
	must_be(heph_read_view(ctx, fd, &data), -EBADF);
	must_be(write(other, "more", 4), 4);
	end_task(ctx, start_task(ctx, take_it, &handle));
	close(other);

	fd = pair(ctx, &other);
	must_be(write(other, "some", 4), 4);
	see(ctx, fd, "some");
	must_be(heph_close_wait(ctx, fd), 0);
	close(other);

	fd = viewed(ctx, &other);
	must_be(write(other, "some", 4), 4);
	await_bytes(ctx, fd);
	close(other);

	fd = pair(ctx, &other);
	must_be(write(other, "some", 4), 4);
	see(ctx, fd, "some");
	close(other);
	return 0; /* the descriptor is closed with the actor */
}

static void it_is_given_back_with_the_descriptor(void **state)
{
	run_task(ends);
	run_thread_once(ends);
}

static int wait_for_some(heph_ctx ctx, void *arg)
{
	char *data;
	int other;
	heph_fd fd = pair(ctx, &other);

	(void)arg;
	must_be(heph_read_view(ctx, fd, &data), -ECANCELED);
	close(other);
	return 0;
}

static int wait_for_more(heph_ctx ctx, void *arg)
{
	char *data;
	int other;
	heph_fd fd = viewed(ctx, &other);

	(void)arg;
	must_be(heph_read_view(ctx, fd, &data), -ECANCELED);
	close(other);
	return 0;
}

static int stopped(heph_ctx ctx, void *arg)
{
	task_ref task = start_task(ctx, wait_for_some, NULL);

	(void)arg;
	let_run(ctx);
	heph_stop(task);
	end_task(ctx, task);
	task = start_task(ctx, wait_for_more, NULL);
	must_be(heph_sleep(ctx, 20 * HEPH_MSEC), 0); /* it may not be so far yet */
	heph_stop(task);
	end_task(ctx, task);
	return 0;
}

static void a_stop_ends_the_wait(void **state)
{
	run_task(stopped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_come_is_seen),
		cmocka_unit_test(files_are_seen_and_packets_are_not),
		cmocka_unit_test(all_that_reads_has_the_same),
		cmocka_unit_test(it_goes_with_the_descriptor),
		cmocka_unit_test(a_peer_that_nobody_reads_has_to_wait),
		cmocka_unit_test(much_is_seen_in_order),
		cmocka_unit_test(who_looks_for_long_leaves_some_to_others),
		cmocka_unit_test(it_is_given_back_with_the_descriptor),
		cmocka_unit_test(a_stop_ends_the_wait),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
