/* SPDX-License-Identifier: MIT */
/* Pages of files that were opened: read and written in all ways. */
#include "dir.h"

#include <sys/uio.h>

enum { PAGE = 4096, PAGES = 5, SIZE = PAGES * PAGE + 123 };

static unsigned char wanted[SIZE], got[SIZE + PAGE];

static void run_both(task_fn fn)
{
	run_task(fn);
	run_thread(fn);
}

static void begin(heph_ctx ctx, int flags, heph_fd *ret_fd)
{
	dir_clear();
	for (size_t i = 0; i < SIZE; i++)
		wanted[i] = (unsigned char)(i * 7 + i / 251);
	memset(got, 0, sizeof(got));
	must_be(heph_open(ctx, dir_name("a"), flags | O_RDWR | O_CREAT, 0600,
			  ret_fd),
		0);
}

static void must_be_whole(heph_ctx ctx, heph_fd fd)
{
	memset(got, 0, sizeof(got));
	must_be(heph_read_at(ctx, fd, got, sizeof(got), 0), SIZE);
	must(memcmp(got, wanted, SIZE) == 0);
}

static void must_have_read(size_t n)
{
	must(memcmp(got, wanted, n) == 0);
	memset(got, 0, sizeof(got));
}

/* ---- reading ------------------------------------------------------------------------- */

static void read_in_steps(heph_ctx ctx, heph_fd fd, size_t step)
{
	size_t at = 0;
	int n;

	must_be(heph_file_seek(ctx, fd, 0, SEEK_SET, NULL), 0);
	while ((n = heph_read(ctx, fd, got + at, step)) > 0)
		at += (size_t)n;
	must_be(n, 0);
	must_be(at, SIZE);
	must_have_read(SIZE);
}

static int reads(heph_ctx ctx, void *arg)
{
	struct iovec two[2] = { { got, PAGE }, { got + PAGE, 3 * PAGE } };
	struct iovec three[3] = { { got, 100 },
				  { got + 100, 0 },
				  { got + 100, SIZE } };
	heph_fd fd;

	begin(ctx, 0, &fd);
	must_be(heph_write_all(ctx, fd, wanted, SIZE), 0);
	must_be(heph_file_seek(ctx, fd, 0, SEEK_SET, NULL), 0);
	must_be(heph_read(ctx, fd, got, PAGE), PAGE);
	must_have_read(PAGE);
	must_be(heph_file_seek(ctx, fd, 0, SEEK_SET, NULL), 0);
	must_be(heph_read(ctx, fd, got, sizeof(got)), SIZE);
	must_have_read(SIZE);
	read_in_steps(ctx, fd, PAGE);
	read_in_steps(ctx, fd, 3000);
	must_be(heph_file_seek(ctx, fd, 0, SEEK_SET, NULL), 0);
	must_be(heph_read_at(ctx, fd, got, PAGE, 100), PAGE);
	must(memcmp(got, wanted + 100, PAGE) == 0);
	must_be(heph_read_at(ctx, fd, got, sizeof(got), 2 * PAGE),
		SIZE - 2 * PAGE);
	must(memcmp(got, wanted + 2 * PAGE, SIZE - 2 * PAGE) == 0);
	must_be(heph_read_at(ctx, fd, got, 10, SIZE), 0);
	must_be(heph_readv(ctx, fd, two, 2), 4 * PAGE); /* from the begin */
	must_have_read(4 * PAGE);
	must_be(heph_readv_at(ctx, fd, three, 3, 0), SIZE);
	must_have_read(SIZE);
	heph_close(fd);
	return 0;
}

static void reads_pages(void **state)
{
	run_both(reads);
}

/* ---- writing -------------------------------------------------------------------------- */

static void write_in_steps(heph_ctx ctx, size_t step)
{
	size_t at, n;
	heph_fd fd;

	begin(ctx, 0, &fd);
	for (at = 0; at < SIZE; at += n) {
		n = SIZE - at < step ? SIZE - at : step;
		must_be(heph_write(ctx, fd, wanted + at, n), n);
	}
	must_be_whole(ctx, fd);
	heph_close(fd);
}

static int writes(heph_ctx ctx, void *arg)
{
	struct iovec three[3] = { { wanted, PAGE },
				  { wanted + PAGE, 1000 },
				  { wanted + PAGE + 1000,
				    SIZE - PAGE - 1000 } };
	heph_fd fd;

	write_in_steps(ctx, SIZE);
	write_in_steps(ctx, PAGE);
	write_in_steps(ctx, 3000);
	begin(ctx, 0, &fd);
	must_be(heph_writev(ctx, fd, three, 3), SIZE);
	must_be_whole(ctx, fd);
	heph_close(fd);
	begin(ctx, 0, &fd);
	must_be(heph_write_exact_at(ctx, fd, wanted + 100, SIZE - 100, 100,
				    NULL),
		0);
	must_be(heph_write_at(ctx, fd, wanted, 100, 0), 100);
	must_be_whole(ctx, fd);
	heph_close(fd);
	begin(ctx, O_APPEND | O_DSYNC, &fd);
	must_be(heph_write(ctx, fd, wanted, PAGE), PAGE);
	must_be(heph_file_seek(ctx, fd, 0, SEEK_SET, NULL), 0);
	must_be(heph_write_all(ctx, fd, wanted + PAGE, SIZE - PAGE), 0);
	must_be_whole(ctx, fd);
	heph_close(fd);
	return 0;
}

static void writes_pages(void **state)
{
	run_both(writes);
}

/* ---- without the page cache -------------------------------------------------------------- */

static int direct(heph_ctx ctx, void *arg)
{
	char *page = aligned_alloc(PAGE, PAGE);
	heph_fd fd;
	int err;

	dir_clear();
	err = heph_open(ctx, dir_name("a"), O_RDWR | O_CREAT | O_DIRECT, 0600,
			&fd);
	if (err == 0) { /* -EINVAL: this file system cannot */
		memset(page, 'x', PAGE);
		must_be(heph_write(ctx, fd, page, PAGE), PAGE);
		memset(page, 0, PAGE);
		must_be(heph_read_at(ctx, fd, page, PAGE, 0), PAGE);
		must(page[0] == 'x' && page[PAGE - 1] == 'x');
		heph_close(fd);
	} else {
		must_be(err, -EINVAL);
	}
	free(page);
	return 0;
}

static void passes_the_page_cache_by(void **state)
{
	run_both(direct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_pages),
		cmocka_unit_test(writes_pages),
		cmocka_unit_test(passes_the_page_cache_by),
	};

	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
