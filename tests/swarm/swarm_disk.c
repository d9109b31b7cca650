/* SPDX-License-Identifier: MIT */
/*
 * swarm_disk.c - a log on a disk whose power fails
 *
 * A writer appends records to a log, each with its number and a checksum, syncs
 * now and then, and says up to where it has; then it starts a new log by
 * renaming. The disk crashes in the middle of it, and the writer is started
 * again: it finds every record that was synced, in order, and of the others as
 * many as are whole.
 */
#include "swarm.h"

#include <fcntl.h>

#include <heph/file.h>

enum { RECORDS = 60, CRASHES = 5, TRIES = 1000 };

struct record {
	uint64_t number, noise, sum;
};

struct book {
	uint64_t written, synced;
};

struct writer_arg {
	struct book *book;
};
HEPH_ACTOR(writer, void, struct writer_arg);

static uint64_t sum_of(const struct record *record)
{
	return (record->number + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ record->noise;
}

/* Reads all that is whole, and tells how much that is. */
static int replay(heph_ctx ctx, heph_fd fd, uint64_t *ret_n)
{
	struct record record;
	int err;

	for (*ret_n = 0;; ++*ret_n) {
		err = heph_read_exact(ctx, fd, &record, sizeof(record), NULL);
		if (err == -ENODATA)
			return 0;
		if (err < 0)
			return err;
		if (record.number != *ret_n || record.sum != sum_of(&record))
			return 0;
	}
}

static int append(heph_ctx ctx, heph_fd fd, struct book *book)
{
	struct record record = { .number = book->written,
				 .noise = heph_sim_random(ctx, UINT64_MAX) };
	int err;

	record.sum = sum_of(&record);
	err = heph_write_all(ctx, fd, &record, sizeof(record));
	if (err < 0)
		return err;
	book->written++;
	if (heph_sim_random(ctx, 4))
		return 0;
	err = heph_file_sync(ctx, fd);
	if (err == 0)
		book->synced = book->written;
	return err;
}

/* What was torn is cut off, before anything new is written. */
static int open_log(heph_ctx ctx, struct book *book, heph_fd *ret_fd)
{
	uint64_t n = 0;
	int err = heph_open(ctx, "/log", O_RDWR | O_CREAT, 0600, ret_fd);

	if (err == 0)
		err = replay(ctx, *ret_fd, &n);
	if (err < 0)
		return err;
	if (n < book->synced)
		heph_sim_fail(ctx, "what was synced is not there");
	err = heph_file_truncate(ctx, *ret_fd, n * sizeof(struct record));
	if (err == 0)
		err = heph_file_seek(ctx, *ret_fd, 0, SEEK_END, NULL);
	book->written = n;
	return err;
}

static int writer_main(heph_ctx ctx, struct writer_arg *arg)
{
	heph_fd fd;
	int err = open_log(ctx, arg->book, &fd);

	while (err == 0 && arg->book->written < RECORDS)
		err = append(ctx, fd, arg->book);
	return err;
}
HEPH_ACTOR_MAIN(writer, writer_main);

/* A file that is replaced by renaming is the old one or the new one. */
static int replace(heph_ctx ctx, char letter)
{
	char text[3000];
	heph_fd fd;
	int err = heph_open(ctx, "/new", O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd);

	memset(text, letter, sizeof(text));
	if (err < 0)
		return err;
	err = heph_write_all(ctx, fd, text, sizeof(text));
	if (err == 0)
		err = heph_file_sync(ctx, fd);
	heph_close(fd);
	return err < 0 ? err : heph_rename(ctx, "/new", "/whole", 0);
}

static int look(heph_ctx ctx)
{
	char text[3001];
	size_t done;
	heph_fd fd;
	int err = heph_open(ctx, "/whole", O_RDONLY, 0, &fd);

	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return err;
	err = heph_read_exact(ctx, fd, text, sizeof(text), &done);
	heph_close(fd);
	if (err != -ENODATA)
		return err;
	if (done != 3000)
		heph_sim_fail(ctx, "a file that was renamed is not whole");
	for (size_t n = 1; n < done; n++)
		if (text[n] != text[0])
			heph_sim_fail(ctx, "a file that was renamed is mixed");
	return 0;
}

/* -EIO comes and goes. */
static int look_until_seen(heph_ctx ctx)
{
	int err = -EIO;

	for (int n = 0; err == -EIO && n < TRIES; n++)
		err = look(ctx);
	return err;
}

static int live(heph_ctx ctx, struct book *book, bool crash)
{
	writer_ref writer;
	int err = heph_spawn(ctx, writer, &writer, { book });

	if (err == 0)
		err = replace(ctx, (char)('a' + heph_sim_random(ctx, 26)));
	if (err == -EIO)
		err = 0;
	if (err == 0 && crash)
		err = heph_sleep(ctx, (heph_time)heph_sim_random(
					      ctx, 100 * HEPH_MSEC));
	if (err == 0 && crash)
		heph_stop(writer);
	return err < 0 ? err : heph_join(ctx, writer, NULL);
}

static int world_main(heph_ctx ctx)
{
	struct book *book = heph_alloc(ctx, sizeof(*book));
	int err = 0;

	*book = (struct book){ 0 };
	for (int n = 0; err == 0 && n < CRASHES; n++) {
		err = live(ctx, book, true);
		if (err == 0)
			err = heph_sim_crash_disk(ctx);
		if (err == 0)
			err = look_until_seen(ctx);
	}
	for (int n = 0; err == 0 && book->synced < 1 && n < TRIES; n++)
		err = live(ctx, book, false);
	return err;
}
HEPH_ACTOR_MAIN(world, world_main);
