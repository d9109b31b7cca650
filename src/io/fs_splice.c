/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes between a pipe and something else, within the kernel.
 *
 * The call itself never waits (SPLICE_F_NONBLOCK): a thread that did would be of
 * no use to others for as long as the other side is slow. What is waited for is
 * that both sides are ready, one after the other.
 */
#include <fcntl.h>
#include <poll.h>

#include "io/driver.h"
#include "io/fs.h"

enum { SPLICE_MAX = 1 << 30 };

static int wait_for(heph_ctx ctx, struct heph_file *file, short events)
{
	struct heph_op *op;
	int result;

	if (file->flags & HEPH_FILE_DISK)
		return 0;
	result = heph_op_new(ctx, HEPH_OP_POLL, file, &op);
	if (result < 0)
		return result;
	op->events = (uint32_t)events;
	result = heph_op_finish(ctx, op);
	return result < 0 ? result : 0;
}

static int wait_for_both(heph_ctx ctx, struct heph_file *in,
			 struct heph_file *out)
{
	int err = wait_for(ctx, in, POLLIN);

	return err < 0 ? err : wait_for(ctx, out, POLLOUT);
}

/* For sockets the flag of the call says nothing: they are asked first, and one
 * that is written to has to say by itself that it is full, unless the kernel can
 * be told to give up. */
static int prepare(heph_ctx ctx, struct heph_file *in, struct heph_file *out)
{
	const struct heph_io *io = heph_io_of(ctx.self->thread->heph);
	struct heph_op op = { .kind = HEPH_OP_STATUS,
			      .number = out->number,
			      .flags = 1,
			      .size = O_RDWR | O_NONBLOCK };
	int err = 0;

	if ((out->flags & HEPH_FILE_SOCKET) &&
	    !(out->flags & HEPH_FILE_NONBLOCK) &&
	    (!ctx.self->kind || io->by_readiness)) {
		err = heph_op_now(ctx.self, &op);
		out->flags |= HEPH_FILE_NONBLOCK;
	}
	if (err == 0 && (in->flags & HEPH_FILE_SOCKET))
		err = wait_for(ctx, in, POLLIN);
	return err;
}

static int splice_now(heph_ctx ctx, struct heph_file *in, int64_t in_offset,
		      struct heph_file *out, int64_t out_offset, size_t size,
		      unsigned flags)
{
	struct heph_op *op;
	int err = heph_op_new(ctx, HEPH_OP_SPLICE, in, &op);

	if (err < 0)
		return err;
	op->number2 = out->number;
	op->offset = (uint64_t)in_offset;
	op->offset2 = (uint64_t)out_offset;
	op->size = size < SPLICE_MAX ? (uint32_t)size : SPLICE_MAX;
	op->flags = flags | SPLICE_F_NONBLOCK;
	return heph_op_finish(ctx, op);
}

int heph_splice(heph_ctx ctx, heph_fd in, int64_t in_offset, heph_fd out,
		int64_t out_offset, size_t size, unsigned flags)
{
	struct heph_file *from = heph_file_find(ctx, in);
	struct heph_file *to = heph_file_find(ctx, out);
	int result;

	if (!from || !to)
		return -EBADF;
	if (in_offset < -1 || out_offset < -1)
		return -EINVAL;
	for (;;) {
		result = prepare(ctx, from, to);
		if (result == 0)
			result = splice_now(ctx, from, in_offset, to,
					    out_offset, size, flags);
		if (result != -EAGAIN || (flags & SPLICE_F_NONBLOCK))
			return result;
		result = wait_for_both(ctx, from, to);
		if (result < 0)
			return result;
	}
}
