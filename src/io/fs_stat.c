/* SPDX-License-Identifier: MIT */
/* What the file system knows of a file, and what of it can be changed. */

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "io/fs.h"

_Static_assert(HEPH_STAT_ALL == (STATX_BASIC_STATS | STATX_BTIME) &&
		       HEPH_STAT_CREATED == STATX_BTIME &&
		       HEPH_STAT_SIZE == STATX_SIZE,
	       "the kernel's bits are ours");

static unsigned follow(const heph_path *which)
{
	return which->nofollow ? AT_SYMLINK_NOFOLLOW : 0;
}

/* ---- asking ------------------------------------------------------------------------- */

static int64_t time_of(const struct statx_timestamp *time)
{
	return time->tv_sec * HEPH_SEC + time->tv_nsec;
}

static void convert(const struct statx *from, struct heph_stat *to)
{
	*to = (struct heph_stat){
		.mask = from->stx_mask & HEPH_STAT_ALL,
		.mode = from->stx_mode,
		.links = from->stx_nlink,
		.uid = from->stx_uid,
		.gid = from->stx_gid,
		.block_size = from->stx_blksize,
		.inode = from->stx_ino,
		.size = from->stx_size,
		.blocks = from->stx_blocks,
		.device = makedev(from->stx_dev_major, from->stx_dev_minor),
		.special = makedev(from->stx_rdev_major, from->stx_rdev_minor),
		.attributes = from->stx_attributes,
		.accessed = time_of(&from->stx_atime),
		.modified = time_of(&from->stx_mtime),
		.changed = time_of(&from->stx_ctime),
		.created = time_of(&from->stx_btime),
	};
}

static int make_stat(heph_ctx ctx, const heph_path *which, unsigned want,
		     struct heph_op **ret_op)
{
	int err = heph_fs_op(ctx, HEPH_OP_STATX, which, NULL,
			     sizeof(struct statx), ret_op);

	if (err < 0)
		return err;
	(*ret_op)->flags = follow(which) | (which->text ? 0 : AT_EMPTY_PATH);
	(*ret_op)->events = want & HEPH_STAT_ALL;
	return 0;
}

static int end_stat(struct heph_op *op, int err, struct heph_stat *ret_stat)
{
	if (err == 0)
		convert(op->room, ret_stat);
	heph_op_free(op);
	return err;
}

int heph_raw_stat(heph_ctx ctx, heph_path which, unsigned want,
		  struct heph_stat *ret_stat)
{
	struct heph_op *op;
	int err = make_stat(ctx, &which, want, &op);

	return err < 0 ? err : end_stat(op, heph_op_run(ctx, op), ret_stat);
}

int heph_fs_stat_new(heph_ctx ctx, heph_fd fd, struct heph_stat *ret_stat)
{
	heph_path which = { .at = fd };
	struct heph_op *op;
	int err = make_stat(ctx, &which, HEPH_STAT_ALL, &op);

	return err < 0 ? err : end_stat(op, heph_op_now(ctx.self, op), ret_stat);
}

/* ---- changing ------------------------------------------------------------------------ */

int heph_raw_chmod(heph_ctx ctx, heph_path which, unsigned mode)
{
	struct heph_op *op;
	int err = heph_fs_op(ctx, HEPH_OP_CHMOD, &which, NULL, 0, &op);

	if (err < 0)
		return err;
	op->flags = follow(&which);
	op->events = mode;
	return heph_op_finish(ctx, op);
}

int heph_raw_chown(heph_ctx ctx, heph_path which, uint32_t uid, uint32_t gid)
{
	struct heph_op *op;
	int err = heph_fs_op(ctx, HEPH_OP_CHOWN, &which, NULL, 0, &op);

	if (err < 0)
		return err;
	op->flags = follow(&which);
	op->offset = uid;
	op->offset2 = gid;
	return heph_op_finish(ctx, op);
}

static struct timespec utime_of(int64_t time)
{
	int64_t seconds = time / HEPH_SEC, rest = time % HEPH_SEC;

	if (time == HEPH_UTIME_NOW)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (time == HEPH_UTIME_KEEP)
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (rest < 0) { /* before 1970 */
		rest += HEPH_SEC;
		seconds--;
	}
	return (struct timespec){ .tv_sec = seconds, .tv_nsec = rest };
}

int heph_raw_utimes(heph_ctx ctx, heph_path which, int64_t accessed,
		    int64_t modified)
{
	struct timespec *times;
	struct heph_op *op;
	int err = heph_fs_op(ctx, HEPH_OP_UTIMES, &which, NULL,
			     2 * sizeof(*times), &op);

	if (err < 0)
		return err;
	times = op->room;
	times[0] = utime_of(accessed);
	times[1] = utime_of(modified);
	op->flags = follow(&which);
	return heph_op_finish(ctx, op);
}
