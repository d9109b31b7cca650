/* SPDX-License-Identifier: MIT */
#include "io/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "io/driver.h"

/* ---- making operations --------------------------------------------------------------- */

/* Of a path: the directory, or what it is itself. */
static int find_number(heph_ctx ctx, const heph_path *path, int *ret_number)
{
	struct heph_file *file;

	*ret_number = AT_FDCWD;
	if (path->text && heph_fd_none(path->at))
		return 0;
	file = heph_file_find(ctx, path->at);
	if (!file)
		return -EBADF;
	*ret_number = file->number;
	return 0;
}

/* With the nul; 0: it has none. */
static int text_size(const heph_path *path, size_t *ret_size)
{
	*ret_size = path && path->text ? strnlen(path->text, PATH_MAX) + 1 : 0;
	return *ret_size > PATH_MAX ? -ENAMETOOLONG : 0;
}

static int check(heph_ctx ctx, const heph_path *path, int *ret_number,
		 size_t *ret_size)
{
	int err = text_size(path, ret_size);

	if (err == 0 && path)
		err = find_number(ctx, path, ret_number);
	return err;
}

static int new_op(heph_ctx ctx, enum heph_op_kind kind, struct heph_op **ret_op)
{
	return ctx.self->thread->heph->driver->alone ?
		       -EOPNOTSUPP :
		       heph_op_new(ctx, kind, NULL, ret_op);
}

/* `text`, of `n` bytes, at `to`; returns where it is. */
static void *put(char *to, const heph_path *path, size_t n)
{
	return n ? memcpy(to, path->text, n) : NULL;
}

static int give_room(struct heph_op *op, const heph_path *path, size_t n,
		     const heph_path *second, size_t m, size_t size)
{
	char *room;

	if (n + m + size == 0)
		return 0;
	room = heph_op_room(op, size + n + m);
	if (!room)
		return -ENOMEM;
	memset(room, 0, size);
	op->size = (uint32_t)size;
	op->buf = put(room + size, path, n);
	op->buf2 = put(room + size + n, second, m);
	return 0;
}

int heph_fs_op(heph_ctx ctx, enum heph_op_kind kind, const heph_path *path,
	       const heph_path *second, size_t size, struct heph_op **ret_op)
{
	int err, number = AT_FDCWD, number2 = AT_FDCWD;
	struct heph_op *op;
	size_t n, m;

	err = check(ctx, path, &number, &n);
	if (err == 0)
		err = check(ctx, second, &number2, &m);
	if (err == 0)
		err = new_op(ctx, kind, &op);
	if (err < 0)
		return err;
	op->number = number;
	op->number2 = number2;
	err = give_room(op, path, n, second, m, size);
	if (err < 0)
		heph_op_free(op);
	else
		*ret_op = op;
	return err;
}

int heph_fs_op_of(heph_ctx ctx, enum heph_op_kind kind, heph_fd fd,
		  struct heph_op **ret_op)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? heph_op_new(ctx, kind, file, ret_op) : -EBADF;
}
