/* SPDX-License-Identifier: MIT */
/* Extended attributes. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <linux/limits.h>

#include "io/fs.h"

/* io_uring follows links, and knows no directories. */
static int new_op(heph_ctx ctx, enum heph_op_kind kind, const heph_path *which,
		  const char *name, size_t size, struct heph_op **ret_op)
{
	const heph_path second = { .text = name };
	struct heph_op *op;
	int err =
		heph_fs_op(ctx, kind, which, name ? &second : NULL, size, &op);

	if (err < 0)
		return err;
	op->events = which->nofollow ? AT_SYMLINK_NOFOLLOW : 0;
	op->by_call = which->text && (op->events || op->number != AT_FDCWD);
	*ret_op = op;
	return 0;
}

/* Into memory of the operation, and from there to the caller's. */
static int read_into(heph_ctx ctx, struct heph_op *op, void *buf, size_t size)
{
	int n = heph_op_run(ctx, op);

	if (n > 0 && size)
		memcpy(buf, op->room, (size_t)n);
	heph_op_free(op);
	return n;
}

int heph_raw_xattr_get(heph_ctx ctx, heph_path which, const char *name,
		       void *buf, size_t size)
{
	struct heph_op *op;
	int err;

	if (!name)
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	err = new_op(ctx, HEPH_OP_XATTR_GET, &which, name, size, &op);
	return err < 0 ? err : read_into(ctx, op, buf, size);
}

int heph_raw_xattr_set(heph_ctx ctx, heph_path which, const char *name,
		       const void *value, size_t size, int flags)
{
	struct heph_op *op;
	int err;

	if (!name)
		return -EINVAL;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	err = new_op(ctx, HEPH_OP_XATTR_SET, &which, name, size, &op);
	if (err < 0)
		return err;
	if (size)
		memcpy(op->room, value, size);
	op->flags = (uint32_t)flags;
	return heph_op_finish(ctx, op);
}

int heph_raw_xattr_list(heph_ctx ctx, heph_path which, char *buf, size_t size)
{
	struct heph_op *op;
	int err;

	if (size > XATTR_LIST_MAX)
		size = XATTR_LIST_MAX;
	err = new_op(ctx, HEPH_OP_XATTR_LIST, &which, NULL, size, &op);
	return err < 0 ? err : read_into(ctx, op, buf, size);
}

int heph_raw_xattr_remove(heph_ctx ctx, heph_path which, const char *name)
{
	struct heph_op *op;
	int err;

	if (!name)
		return -EINVAL;
	err = new_op(ctx, HEPH_OP_XATTR_REMOVE, &which, name, 0, &op);
	return err < 0 ? err : heph_op_finish(ctx, op);
}
