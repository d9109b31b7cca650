/* SPDX-License-Identifier: MIT */
/* Files, directories, copies, pipes between them, what watches them: their owner
 * is stopped wherever it waits. */
#include "stops.h"

#include <heph/file.h>
#include <heph/notify.h>

#include <ftw.h>
#include <stdlib.h>

enum { SIZE = 20000, DIR_MODE = 0700 };

/* ---- a directory of its own -------------------------------------------------- */

static void make_file(const struct stops *it, const char *name, size_t size)
{
	char path[300];
	int number;

	snprintf(path, sizeof(path), "%s/%s", it->text2 + 1, name);
	number = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	must(number >= 0);
	must_be(write(number, it->bytes, size), (long)size);
	close(number);
}

/* Its name is after a blank, as it is not a file that the harness removes. */
static void begin_dir(heph_ctx ctx, struct stops *it)
{
	strcpy(it->text2, " /tmp/heph-stops-XXXXXX");
	must(mkdtemp(it->text2 + 1));
	must_be(heph_open(ctx, it->text2 + 1, O_DIRECTORY | O_RDONLY, 0,
			  &it->fd),
		0);
	memset(it->bytes, 'x', SIZE);
	make_file(it, "file", SIZE);
}

static int remove_one(const char *path, const struct stat *stat, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

static void end_dir(struct stops *it)
{
	must_be(nftw(it->text2 + 1, remove_one, 10, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- names -------------------------------------------------------------------- */

static int run_open(heph_ctx ctx, struct stops *it)
{
	heph_fd file, unnamed;
	int err = heph_open(ctx, heph_at(it->fd, "new"), O_CREAT | O_RDWR, 0600,
			    &file);

	if (err == 0)
		err = heph_write_all(ctx, file, it->bytes, SIZE);
	if (err == 0)
		err = heph_open_temporary(ctx, it->fd, &unnamed);
	if (err == 0)
		heph_close(file);
	return err;
}

static int run_names(heph_ctx ctx, struct stops *it)
{
	char name[] = "tmp-XXXXXX", text[100];
	struct heph_stat stat;
	heph_fd file;
	int err = heph_mkstemp(ctx, it->fd, name, &file);

	if (err == 0)
		err = heph_rename(ctx, heph_at(it->fd, name),
				  heph_at(it->fd, "b"), 0);
	if (err == 0)
		err = heph_hard_link(ctx, heph_at(it->fd, "b"),
				     heph_at(it->fd, "c"));
	if (err == 0)
		err = heph_symlink(ctx, "c", heph_at(it->fd, "d"));
	if (err == 0)
		err = heph_read_link(ctx, heph_at(it->fd, "d"), text,
				     sizeof(text));
	if (err >= 0)
		err = heph_stat(ctx, heph_at(it->fd, "d"), HEPH_STAT_ALL,
				&stat);
	if (err == 0)
		err = heph_remove(ctx, heph_at(it->fd, "d"));
	return err;
}

static int run_tree(heph_ctx ctx, struct stops *it)
{
	int err = heph_mkdir_all(ctx, heph_at(it->fd, "a/b"), DIR_MODE);

	if (err == 0)
		err = heph_symlink(ctx, "..", heph_at(it->fd, "a/up"));
	if (err == 0)
		err = heph_remove_all(ctx, heph_at(it->fd, "a"));
	return err;
}

/* However far it came, what the link points to is there. */
static void end_tree(struct stops *it)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", it->text2 + 1);
	must_be(access(path, F_OK), 0);
	end_dir(it);
}

static int run_dir(heph_ctx ctx, struct stops *it)
{
	char buf[1024];
	int n;

	do
		n = heph_dir_read(ctx, it->fd, buf, sizeof(buf));
	while (n > 0);
	return n < 0 ? n : heph_dir_rewind(ctx, it->fd);
}

/* ---- contents ------------------------------------------------------------------ */

static int run_contents(heph_ctx ctx, struct stops *it)
{
	heph_fd file;
	int err = heph_open(ctx, heph_at(it->fd, "file"), O_RDWR, 0, &file);

	if (err == 0)
		err = heph_file_truncate(ctx, file, SIZE / 2);
	if (err == 0)
		err = heph_file_seek(ctx, file, 0, SEEK_END, NULL);
	if (err == 0)
		err = heph_write_all(ctx, file, it->bytes, SIZE);
	if (err == 0)
		err = heph_file_sync_data(ctx, file);
	if (err == 0)
		err = heph_file_advise(ctx, file, 0, 0, POSIX_FADV_DONTNEED);
	return err;
}

static int run_copy_file(heph_ctx ctx, struct stops *it)
{
	return heph_copy_file(ctx, heph_at(it->fd, "file"),
			      heph_at(it->fd, "copy"));
}

static void begin_to_pipe(heph_ctx ctx, struct stops *it)
{
	begin_dir(ctx, it);
	it->fd2 = pipe_end(ctx, 1, &it->other);
}

static void feed_from_pipe(struct stops *it)
{
	it->n += read(it->other, it->bytes, sizeof(it->bytes));
}

static int run_copy_to_pipe(heph_ctx ctx, struct stops *it)
{
	uint64_t copied;
	heph_fd file;
	int err = heph_open(ctx, heph_at(it->fd, "file"), O_RDONLY, 0, &file);

	if (err == 0)
		err = heph_file_copy(ctx, file, it->fd2, &copied);
	return err;
}

static void begin_from_pipe(heph_ctx ctx, struct stops *it)
{
	begin_dir(ctx, it);
	it->fd2 = pipe_end(ctx, 0, &it->other);
}

static void feed_pipe(struct stops *it)
{
	must_be(write(it->other, it->bytes, 100), 100);
}

static int run_splice(heph_ctx ctx, struct stops *it)
{
	heph_fd file;
	int n = heph_open(ctx, heph_at(it->fd, "file"), O_WRONLY, 0, &file);

	if (n == 0)
		n = heph_splice(ctx, it->fd2, -1, file, 0, 1000, 0);
	return n;
}

/* ---- what others have, or do --------------------------------------------------- */

static void begin_lock(heph_ctx ctx, struct stops *it)
{
	struct flock lock = { .l_type = F_WRLCK };
	char path[300];

	begin_dir(ctx, it);
	snprintf(path, sizeof(path), "%s/file", it->text2 + 1);
	it->other = open(path, O_RDWR | O_CLOEXEC);
	must_be(fcntl(it->other, F_OFD_SETLK, &lock), 0);
}

static void feed_lock(struct stops *it)
{
	struct flock lock = { .l_type = F_UNLCK };

	must_be(fcntl(it->other, F_OFD_SETLK, &lock), 0);
}

static int run_lock(heph_ctx ctx, struct stops *it)
{
	heph_fd file;
	int err = heph_open(ctx, heph_at(it->fd, "file"), O_RDWR, 0, &file);

	if (err == 0)
		err = heph_file_lock(ctx, file, HEPH_LOCK_EXCLUSIVE, 0, 0);
	if (err == 0)
		err = heph_file_unlock(ctx, file, 0, 0);
	return err;
}

static void feed_name(struct stops *it)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/dir-%ld", it->text2 + 1, ++it->n);
	must_be(mkdir(path, DIR_MODE), 0);
}

static int run_notify(heph_ctx ctx, struct stops *it)
{
	struct heph_notify_event event;
	struct heph_notify *notify;
	int err = heph_notify_open(ctx, &notify);

	if (err == 0)
		err = heph_notify_add(ctx, notify, it->text2 + 1,
				      HEPH_NOTIFY_CREATE,
				      HEPH_NOTIFY_RECURSIVE);
	for (int n = 0; n < 2 && err == 0; n++)
		err = heph_notify_next(ctx, notify, &event);
	return err;
}

static const struct stops_row rows[] = {
	{ "open", begin_dir, run_open, NULL, end_dir },
	{ "names", begin_dir, run_names, NULL, end_dir },
	{ "make and remove a tree", begin_dir, run_tree, NULL, end_tree },
	{ "read a directory", begin_dir, run_dir, NULL, end_dir },
	{ "change a file", begin_dir, run_contents, NULL, end_dir },
	{ "copy a file", begin_dir, run_copy_file, NULL, end_dir },
	{ "copy to a pipe", begin_to_pipe, run_copy_to_pipe, feed_from_pipe,
	  end_dir },
	{ "splice", begin_from_pipe, run_splice, feed_pipe, end_dir },
	{ "lock", begin_lock, run_lock, feed_lock, end_dir },
	{ "watch", begin_dir, run_notify, feed_name, end_dir },
};

STOPS_MAIN(rows)
