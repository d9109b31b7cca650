/* SPDX-License-Identifier: MIT */
/* Copying files, and moving bytes through pipes. */
#include "dir.h"

static void run_both(task_fn fn)
{
	run_task(fn);
	run_thread(fn);
}

enum { MIB = 1 << 20 };

static char byte_at(size_t i)
{
	return (char)(i * 31 + i / 4099);
}

static void make_file(const char *name, size_t size)
{
	int number = openat(dir_number, name,
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	char *bytes = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = byte_at(i);
	must_be(write(number, bytes, size), size);
	free(bytes);
	close(number);
}

static void must_be_at(int dir, const char *name, size_t size)
{
	int number = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char *bytes = malloc(size + 1);

	must(number >= 0);
	must_be(read(number, bytes, size + 1), size);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != byte_at(i))
			must_be(i, -1);
	free(bytes);
	close(number);
}

/* ---- files ---------------------------------------------------------------------------- */

static int files(heph_ctx ctx, void *arg)
{
	static const size_t sizes[] = { 0, 1, 5000, 3 * MIB + 17 };
	heph_fd dir = dir_fd(ctx);
	struct heph_stat stat;

	dir_clear();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		make_file("from", sizes[i]);
		make_file("to", 100000); /* is overwritten */
		must_be(heph_copy_file(ctx, dir_name("from"), dir_name("to")),
			0);
		must_be_at(dir_number, "to", sizes[i]);
		must_be(heph_copy_file(ctx, heph_at(dir, "from"),
				       heph_at(dir, "new")),
			0);
		must_be_at(dir_number, "new", sizes[i]);
		must_be(heph_stat(ctx, heph_at(dir, "new"), HEPH_STAT_ALL,
				  &stat),
			0);
		must_be(stat.mode & 0777, 0640 & ~022);
		must_be(heph_remove(ctx, heph_at(dir, "new")), 0);
	}
	must_be(heph_copy_file(ctx, dir_name("no"), dir_name("new")), -ENOENT);
	must(!dir_has("new"));
	must_be(heph_copy_file(ctx, dir_name("from"), heph_at(dir, "from")),
		-EINVAL);
	must_be_at(dir_number, "from", 3 * MIB + 17); /* it is still there */
	must_be(heph_copy_file(ctx, dir_path, dir_name("new")), -EISDIR);
	must_be(heph_copy_file(ctx, dir_name("from"), dir_path), -EISDIR);
	must_be(heph_copy_file(ctx, "/proc/self/status", dir_name("new")), 0);
	must_be(heph_stat(ctx, dir_name("new"), HEPH_STAT_SIZE, &stat), 0);
	must(stat.size > 500);
	must_be(heph_copy_file(ctx, "/dev/null", dir_name("new")), 0);
	must_be(heph_stat(ctx, dir_name("new"), HEPH_STAT_SIZE, &stat), 0);
	must_be(heph_copy_file(ctx, dir_name("from"), "/dev/null"), 0);
	must_be(heph_copy_file(ctx, dir_name("from"), "/dev/full"), -ENOSPC);
	heph_close(dir);
	return 0;
}

static void copies_files(void **state)
{
	run_both(files);
}

/* A hole stays one, if the file system knows of holes. */
static int sparse(heph_ctx ctx, void *arg)
{
	struct heph_stat from, to;
	int number;

	dir_clear();
	number = openat(dir_number, "from", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must_be(pwrite(number, "begin", 5, 0), 5);
	must_be(pwrite(number, "middle", 6, 20 * MIB), 6);
	must_be(ftruncate(number, 40 * MIB), 0);
	close(number);
	must_be(heph_copy_file(ctx, dir_name("from"), dir_name("to")), 0);
	must_be(heph_stat(ctx, dir_name("from"), HEPH_STAT_ALL, &from), 0);
	must_be(heph_stat(ctx, dir_name("to"), HEPH_STAT_ALL, &to), 0);
	must_be(to.size, 40 * MIB);
	must(to.blocks <= from.blocks + 64);
	return 0;
}

static void keeps_holes(void **state)
{
	run_both(sparse);
}

/* /dev/shm is another file system than /tmp, where there is one. */
static int elsewhere(heph_ctx ctx, void *arg)
{
	char path[] = "/dev/shm/heph-test-XXXXXX";
	int number = mkostemp(path, O_CLOEXEC), other;

	if (number < 0)
		return 0;
	dir_clear();
	make_file("from", 5 * MIB + 3);
	must_be(heph_copy_file(ctx, dir_name("from"), path), 0);
	must_be_at(AT_FDCWD, path, 5 * MIB + 3);
	must_be(heph_copy_file(ctx, path, dir_name("back")), 0);
	must_be_at(dir_number, "back", 5 * MIB + 3);
	close(number);
	other = unlink(path);
	must_be(other, 0);
	return 0;
}

static void copies_to_another_file_system(void **state)
{
	run_both(elsewhere);
}

/* ---- what is open ----------------------------------------------------------------------- */

static int from_positions(heph_ctx ctx, void *arg)
{
	heph_fd in, out;
	uint64_t at, n;
	char buf[20];

	dir_clear();
	dir_file("from", "0123456789");
	dir_file("to", "abcdefghijklmn");
	must_be(heph_open(ctx, dir_name("from"), O_RDONLY, 0, &in), 0);
	must_be(heph_open(ctx, dir_name("to"), O_RDWR, 0, &out), 0);
	must_be(heph_file_seek(ctx, in, 4, SEEK_SET, NULL), 0);
	must_be(heph_file_seek(ctx, out, 2, SEEK_SET, NULL), 0);
	must_be(heph_file_copy(ctx, in, out, &n), 0);
	must_be(n, 6);
	must_be(heph_file_seek(ctx, in, 0, SEEK_CUR, &at), 0);
	must_be(at, 10);
	must_be(heph_file_seek(ctx, out, 0, SEEK_CUR, &at), 0);
	must_be(at, 8);
	must_be(heph_file_copy(ctx, in, out, &n), 0);
	must_be(n, 0);
	must_be(heph_file_copy_range(ctx, in, 1, out, 0, 2), 2);
	must_be(heph_file_seek(ctx, in, 0, SEEK_SET, NULL), 0);
	must_be(heph_file_copy_range(ctx, in, -1, out, 13, 100), 10);
	must_be(heph_file_copy_range(ctx, in, -1, out, 0, 100), 0);
	must_be(heph_file_copy_range(ctx, in, -2, out, 0, 100), -EINVAL);
	must_be(heph_file_seek(ctx, out, 0, SEEK_SET, NULL), 0);
	must_be(heph_read(ctx, out, buf, 14), 14);
	must(memcmp(buf, "12456789ijklm0", 14) == 0);
	heph_close(out);
	must_be(heph_open(ctx, dir_name("to"), O_WRONLY | O_APPEND, 0, &out),
		0);
	must_be(heph_file_seek(ctx, in, 8, SEEK_SET, NULL), 0);
	must_be(heph_file_copy(ctx, in, out, &n), 0);
	must_be(n, 2);
	must_be(heph_file_copy(ctx, out, in, &n), -EBADF);
	heph_close(out);
	must_be(heph_file_copy(ctx, in, out, &n), -EBADF);
	must_be(heph_file_copy_range(ctx, in, 0, out, 0, 1), -EBADF);
	heph_close(in);
	return 0;
}

static void copies_from_where_it_is(void **state)
{
	run_both(from_positions);
}

/* Reads all from a number, on a thread or actor of its own. */
struct drain {
	int number;
	size_t got;
};

static int drain(heph_ctx ctx, void *arg)
{
	struct drain *it = arg;
	heph_fd fd = adopt(ctx, it->number);
	char *buf = malloc(10000);
	int n;

	while ((n = heph_read(ctx, fd, buf, 10000)) > 0) {
		for (int i = 0; i < n; i++)
			must_be(buf[i], byte_at(it->got + (size_t)i));
		it->got += (size_t)n;
	}
	must_be(n, 0);
	free(buf);
	return 0;
}

static void copy_into(heph_ctx ctx, heph_fd out, int number)
{
	static struct drain it;
	task_ref task;
	uint64_t n;
	heph_fd in;

	it = (struct drain){ number, 0 };
	must_be(heph_open(ctx, dir_name("from"), O_RDONLY, 0, &in), 0);
	task = start_task(ctx, drain, &it);
	must_be(heph_file_copy(ctx, in, out, &n), 0);
	must_be(n, 2 * MIB);
	heph_close(in);
	heph_close(out);
	end_task(ctx, task);
	must_be(it.got, 2 * MIB);
}

static int into_streams(heph_ctx ctx, void *arg)
{
	int other;
	heph_fd fd;

	dir_clear();
	make_file("from", 2 * MIB);
	fd = pipe_end(ctx, 1, &other); /* by splice(2) */
	must_be(fcntl(other, F_SETFL, 0), 0);
	copy_into(ctx, fd, other);
	fd = pair(ctx, &other); /* through memory */
	must_be(fcntl(other, F_SETFL, 0), 0);
	copy_into(ctx, fd, other);
	return 0;
}

static void copies_into_pipes_and_sockets(void **state)
{
	run_task(into_streams);
}

/* ---- splice ---------------------------------------------------------------------------------- */

static int splices(heph_ctx ctx, void *arg)
{
	heph_fd file, pipe, other_end;
	struct heph_stat stat;
	char buf[20];
	int other;

	dir_clear();
	dir_file("a", "0123456789abcdef");
	must_be(heph_open(ctx, dir_name("a"), O_RDWR, 0, &file), 0);
	pipe = pipe_end(ctx, 1, &other);
	other_end = adopt(ctx, other);
	must_be(heph_splice(ctx, file, 10, pipe, -1, 100, 0), 6);
	must_be(heph_read(ctx, other_end, buf, 20), 6);
	must(memcmp(buf, "abcdef", 6) == 0);
	must_be(heph_splice(ctx, file, -1, pipe, -1, 4, SPLICE_F_MOVE), 4);
	must_be(heph_splice(ctx, other_end, -1, file, 20, 100, 0), 4);
	must_be(heph_stat(ctx, file, HEPH_STAT_SIZE, &stat), 0);
	must_be(stat.size, 24);
	must_be(heph_splice(ctx, file, 24, pipe, -1, 100, 0), 0);
	must_be(heph_splice(ctx, file, 0, file, 0, 100, 0), -EINVAL);
	must_be(heph_splice(ctx, file, -5, pipe, -1, 100, 0), -EINVAL);
	must_be(heph_splice(ctx, other_end, -1, file, 0, 1, SPLICE_F_NONBLOCK),
		-EAGAIN);
	must_be(heph_splice(heph_within(ctx, HEPH_MSEC), other_end, -1, file, 0,
			    1, 0),
		-ETIME);
	heph_close(pipe);
	must_be(heph_splice(ctx, other_end, -1, file, 0, 100, 0), 0);
	must_be(heph_splice(ctx, file, 0, pipe, -1, 100, 0), -EBADF);
	heph_close(other_end);
	heph_close(file);
	return 0;
}

static void moves_through_pipes(void **state)
{
	run_both(splices);
}

/* From one socket to another by way of a pipe, while both are slow. */
struct relay {
	int in, out;
};

static int relay(heph_ctx ctx, void *arg)
{
	struct relay *it = arg;
	heph_fd in = adopt(ctx, it->in), out = adopt(ctx, it->out), from, to;
	int n, m, number;

	to = pipe_end(ctx, 1, &number);
	from = adopt(ctx, number);
	while ((n = heph_splice(ctx, in, -1, to, -1, MIB, 0)) > 0)
		for (; n > 0; n -= m) {
			m = heph_splice(ctx, from, -1, out, -1, (size_t)n, 0);
			must(m > 0);
		}
	must_be(n, 0);
	return 0;
}

static int relays(heph_ctx ctx, void *arg)
{
	static struct drain end;
	static struct relay it;
	task_ref tasks[2];
	char *bytes = malloc(2 * MIB);
	heph_fd fd;

	fd = pair(ctx, &it.in);
	heph_close(pair(ctx, &it.out));
	close(it.out);
	{
		int numbers[2];

		must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   numbers),
			0);
		it.out = numbers[0];
		end = (struct drain){ numbers[1], 0 };
	}
	must_be(fcntl(it.in, F_SETFL, 0), 0);
	for (size_t i = 0; i < 2 * MIB; i++)
		bytes[i] = byte_at(i);
	tasks[0] = start_task(ctx, relay, &it);
	tasks[1] = start_task(ctx, drain, &end);
	must_be(heph_write_all(ctx, fd, bytes, 2 * MIB), 0);
	heph_close(fd);
	end_task(ctx, tasks[0]);
	end_task(ctx, tasks[1]);
	must_be(end.got, 2 * MIB);
	free(bytes);
	return 0;
}

static void moves_from_socket_to_socket(void **state)
{
	run_task(relays);
}

enum { WAITING = 20 };

static int wait_in_splice(heph_ctx ctx, void *arg)
{
	heph_fd pipe, file;
	int other;

	pipe = pipe_end(ctx, 0, &other);
	must_be(heph_open(ctx, "/dev/null", O_WRONLY, 0, &file), 0);
	must_be(heph_splice(ctx, pipe, -1, file, -1, 1, 0), -ECANCELED);
	close(other);
	return 0;
}

static int stops(heph_ctx ctx, void *arg)
{
	task_ref tasks[WAITING]; /* more than there are threads */

	dir_clear();
	for (int i = 0; i < WAITING; i++)
		tasks[i] = start_task(ctx, wait_in_splice, NULL);
	make_file("from", 100);
	let_run(ctx);
	must_be(heph_copy_file(ctx, dir_name("from"), dir_name("to")), 0);
	for (int i = 0; i < WAITING; i++)
		heph_stop(tasks[i]);
	for (int i = 0; i < WAITING; i++)
		end_task(ctx, tasks[i]);
	return 0;
}

static void keeps_no_thread_while_it_waits(void **state)
{
	run_task(stops);
}

/* However long it takes, where it is in the end is told and true. */
static int late(heph_ctx ctx, void *arg)
{
	uint64_t copied, at;
	heph_fd in, out;
	int err;

	dir_clear();
	make_file("from", 2 * MIB);
	must_be(heph_open(ctx, dir_name("from"), O_RDONLY, 0, &in), 0);
	must_be(heph_open(ctx, dir_name("to"), O_RDWR | O_CREAT, 0600, &out),
		0);
	for (int i = 0; i < 50; i++) {
		err = heph_file_copy(heph_within(ctx, i * 20 * HEPH_USEC), in,
				     out, &copied);
		must(err == 0 || err == -ETIME);
		must_be(heph_file_seek(ctx, in, 0, SEEK_CUR, &at), 0);
		must_be(at, copied);
		must_be(heph_file_seek(ctx, out, 0, SEEK_CUR, &at), 0);
		must_be(at, copied);
		must_be(heph_file_seek(ctx, in, 0, SEEK_SET, NULL), 0);
		must_be(heph_file_seek(ctx, out, 0, SEEK_SET, NULL), 0);
	}
	heph_close(in);
	heph_close(out);
	return 0;
}

static void tells_how_far_it_came(void **state)
{
	run_task(late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_files),
		cmocka_unit_test(keeps_holes),
		cmocka_unit_test(copies_to_another_file_system),
		cmocka_unit_test(copies_from_where_it_is),
		cmocka_unit_test(copies_into_pipes_and_sockets),
		cmocka_unit_test(moves_through_pipes),
		cmocka_unit_test(moves_from_socket_to_socket),
		cmocka_unit_test(tells_how_far_it_came),
		cmocka_unit_test(keeps_no_thread_while_it_waits),
	};

	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
