/* SPDX-License-Identifier: MIT */
/* What can be asked of a descriptor at once: a second one, its flags; pipes. */
#include <heph/io.h>

#include <fcntl.h>
#include <unistd.h>

#include "io/op.h"

static int control(heph_ctx ctx, int number, int command, int value)
{
	struct heph_op op = { .kind = HEPH_OP_FCNTL,
			      .number = number,
			      .flags = (uint32_t)command,
			      .number2 = value };

	return heph_op_now(ctx.self, &op);
}

/* ---- duplicates ------------------------------------------------------------ */

int heph_fd_duplicate(heph_ctx ctx, struct heph_fd fd, struct heph_fd *ret_fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	file->flags |= HEPH_FILE_LENT; /* the open file is not its own */
	return heph_file_admit(ctx.self,
			       control(ctx, file->number, F_DUPFD_CLOEXEC, 0),
			       file->flags & ~(unsigned)HEPH_FILE_LISTENER,
			       ret_fd);
}

/* Not in the place of one of the three that is closed. */
static int standard(heph_ctx ctx, int number, struct heph_fd *ret_fd)
{
	int copy, err;

	if (ctx.self->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	copy = control(ctx, number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy < 0)
		return copy;
	err = heph_fd_adopt(ctx, copy, ret_fd);
	if (err < 0)
		heph_op_close_now(ctx.self->thread->heph, copy);
	return err;
}

int heph_stdin(heph_ctx ctx, struct heph_fd *ret_fd)
{
	return standard(ctx, STDIN_FILENO, ret_fd);
}

int heph_stdout(heph_ctx ctx, struct heph_fd *ret_fd)
{
	return standard(ctx, STDOUT_FILENO, ret_fd);
}

int heph_stderr(heph_ctx ctx, struct heph_fd *ret_fd)
{
	return standard(ctx, STDERR_FILENO, ret_fd);
}

/* ---- flags ------------------------------------------------------------------ */

int heph_fd_flags(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? control(ctx, file->number, F_GETFL, 0) : -EBADF;
}

int heph_fd_set_flags(heph_ctx ctx, struct heph_fd fd, int flags)
{
	struct heph_file *file = heph_file_find(ctx, fd);
	int err = file ? control(ctx, file->number, F_SETFL, flags) : -EBADF;

	if (err < 0)
		return err;
	if (flags & O_NONBLOCK)
		file->flags |= HEPH_FILE_NONBLOCK;
	else
		file->flags &= (uint16_t)~HEPH_FILE_NONBLOCK;
	return 0;
}

/* ---- pipes ------------------------------------------------------------------- */

static int make_pipe(heph_ctx ctx, int numbers[2], int flags)
{
	struct heph_op op = { .kind = HEPH_OP_PIPE,
			      .flags = (uint32_t)flags | O_CLOEXEC,
			      .buf = numbers };

	return heph_op_now(ctx.self, &op);
}

int heph_pipe(heph_ctx ctx, struct heph_fd ret_fds[2], unsigned flags)
{
	unsigned packets = flags & HEPH_PIPE_PACKETS;
	unsigned kind = HEPH_FILE_PIPE | (packets ? HEPH_FILE_PACKETS : 0);
	struct heph_fd first;
	int numbers[2], err;

	if (flags != packets)
		return -EINVAL;
	if (ctx.self->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	err = make_pipe(ctx, numbers, packets ? O_DIRECT : 0);
	if (err < 0) {
		heph_file_scarce(ctx.self, err);
		return err;
	}
	err = heph_file_admit(ctx.self, numbers[0], kind, &first);
	if (err < 0) {
		heph_op_close_now(ctx.self->thread->heph, numbers[1]);
		return err;
	}
	err = heph_file_admit(ctx.self, numbers[1], kind, &ret_fds[1]);
	if (err < 0)
		heph_close(first);
	else
		ret_fds[0] = first;
	return err;
}

int heph_pipe_size(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? control(ctx, file->number, F_GETPIPE_SZ, 0) : -EBADF;
}

int heph_pipe_resize(heph_ctx ctx, struct heph_fd fd, int size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? control(ctx, file->number, F_SETPIPE_SZ, size) : -EBADF;
}
