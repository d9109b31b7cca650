/* SPDX-License-Identifier: MIT */
/* Names in the file system: given, changed, removed. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "io/fs.h"

int heph_raw_rename(heph_ctx ctx, heph_path from, heph_path to, unsigned flags)
{
	struct heph_op *op;
	int err;

	if (!from.text || !to.text)
		return -EINVAL;
	err = heph_fs_op(ctx, HEPH_OP_RENAME, &from, &to, 0, &op);
	if (err < 0)
		return err;
	op->flags = flags;
	return heph_op_finish(ctx, op);
}

int heph_raw_hard_link(heph_ctx ctx, heph_path which, heph_path to)
{
	struct heph_op *op;
	int err;

	if (!to.text)
		return -EINVAL;
	err = heph_fs_op(ctx, HEPH_OP_LINK, &which, &to, 0, &op);
	if (err < 0)
		return err;
	op->flags = which.nofollow ? 0 : AT_SYMLINK_FOLLOW;
	op->by_call = !which.text;
	return heph_op_finish(ctx, op);
}

int heph_raw_symlink(heph_ctx ctx, const char *text, heph_path path)
{
	heph_path to = { .text = text };
	struct heph_op *op;
	int err;

	if (!text || !path.text)
		return -EINVAL;
	err = heph_fs_op(ctx, HEPH_OP_SYMLINK, &path, &to, 0, &op);
	return err < 0 ? err : heph_op_finish(ctx, op);
}

/* A text that just fits may have been cut. */
int heph_raw_read_link(heph_ctx ctx, heph_path path, char *buf, size_t size)
{
	struct heph_op *op;
	int n;

	if (!path.text || !size)
		return -EINVAL;
	if (size > PATH_MAX)
		size = PATH_MAX;
	n = heph_fs_op(ctx, HEPH_OP_READ_LINK, &path, NULL, size, &op);
	if (n < 0)
		return n;
	n = heph_op_run(ctx, op);
	if (n >= (int)size)
		n = -ENAMETOOLONG;
	if (n >= 0) {
		memcpy(buf, op->room, (size_t)n);
		buf[n] = '\0';
	}
	heph_op_free(op);
	return n;
}

/* Waits. unlinkat(2). Returns 0. */
static int remove_name(heph_ctx ctx, const heph_path *path, unsigned flags)
{
	struct heph_op *op;
	int err;

	if (!path->text)
		return -EINVAL;
	err = heph_fs_op(ctx, HEPH_OP_REMOVE, path, NULL, 0, &op);
	if (err < 0)
		return err;
	op->flags = flags;
	return heph_op_finish(ctx, op);
}

int heph_raw_remove(heph_ctx ctx, heph_path path)
{
	return remove_name(ctx, &path, 0);
}

int heph_raw_rmdir(heph_ctx ctx, heph_path path)
{
	return remove_name(ctx, &path, AT_REMOVEDIR);
}

int heph_raw_mkdir(heph_ctx ctx, heph_path path, unsigned mode)
{
	struct heph_op *op;
	int err;

	if (!path.text)
		return -EINVAL;
	err = heph_fs_op(ctx, HEPH_OP_MKDIR, &path, NULL, 0, &op);
	if (err < 0)
		return err;
	op->events = mode;
	return heph_op_finish(ctx, op);
}
