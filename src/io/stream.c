/* SPDX-License-Identifier: MIT */
/* Reading and writing once; see op.h for where the bytes may lie meanwhile. */
#include "io/stream.h"

#include <heph/io.h>

#include <string.h>

#include "base/mem.h"
#include "core/stackrule.h"
#include "io/buffers.h"
#include "io/driver.h"

int heph_stream_count_bounced(heph_ctx ctx, int result)
{
	if (result > 0)
		heph_count_add(&ctx.self->thread->count.bounced,
			       (uint64_t)result);
	return result;
}

/* Runs an operation on memory that stands in for the caller's. */
static int run_bounced(heph_ctx ctx, struct heph_op *op, void *read_to)
{
	struct heph_pool *pool = &ctx.self->thread->pool;
	uint32_t size = (uint32_t)heph_stream_bounced(op->file, op->size);
	void *bounce;
	int result;

	bounce = heph_pool_take(pool, size);
	if (!bounce)
		return -ENOMEM;
	if (!read_to)
		memcpy(bounce, op->buf, size);
	op->buf = bounce;
	op->size = size;
	result = heph_op_run(ctx, op);
	if (read_to && result > 0)
		memcpy(read_to, bounce, (size_t)result);
	heph_pool_give(pool, bounce, size);
	return heph_stream_count_bounced(ctx, result);
}

/* Into a buffer that the kernel chooses when there is data. */
static int run_provided(heph_ctx ctx, struct heph_op *op, void *buf)
{
	const struct heph_io *io = heph_io_of(ctx.self->thread->heph);
	int result;

	op->provided = true;
	op->buf = NULL;
	result = heph_op_run(ctx, op);
	if (op->buffer >= 0)
		io->take(heph_worker_of(ctx.self), op->buffer, buf,
			 result > 0 ? (size_t)result : 0);
	if (result != -ENOBUFS)
		return heph_stream_count_bounced(ctx, result);
	op->provided = false;
	return run_bounced(ctx, op, buf);
}

/* Of a stream the rest can be read later; all else may be lost, or wants to be
 * read in few pieces. */
static bool fits_provided(const struct heph_op *op)
{
	if (!heph_io_of(op->self->thread->heph)->take)
		return false;
	return op->size <= HEPH_BUFFER_SIZE ||
	       (op->file->flags & (HEPH_FILE_SOCKET | HEPH_FILE_PACKETS)) ==
		       HEPH_FILE_SOCKET;
}

static int run(heph_ctx ctx, struct heph_op *op, void *buf)
{
	if (!heph_stack_moves(ctx.self, buf, op->size) ||
	    heph_op_by_actor(ctx.self, op))
		return heph_op_run(ctx, op);
	if (!heph_op_type(op)->reads)
		return run_bounced(ctx, op, NULL);
	return fits_provided(op) ? run_provided(ctx, op, buf) :
				   run_bounced(ctx, op, buf);
}

static enum heph_op_kind kind_of(const struct heph_file *file, bool writing)
{
	if (file->flags & HEPH_FILE_SOCKET)
		return writing ? HEPH_OP_SEND : HEPH_OP_RECV;
	return writing ? HEPH_OP_WRITE : HEPH_OP_READ;
}

int heph_stream_transfer(heph_ctx ctx, struct heph_file *file, bool writing,
			 void *buf, size_t size, uint64_t offset)
{
	struct heph_op *op;
	int result;

	if (size == 0)
		return heph_wait_allowed(ctx);
	result = heph_op_new(ctx, kind_of(file, writing), file, &op);
	if (result < 0)
		return result;
	op->buf = buf;
	op->size = size < HEPH_TRANSFER_MAX ? (uint32_t)size :
					      HEPH_TRANSFER_MAX;
	op->offset = offset;
	result = run(ctx, op, buf);
	heph_op_free(op);
	return result;
}

int heph_read(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? heph_stream_transfer(ctx, file, false, buf, size,
					   HEPH_OFFSET_NONE) :
		      -EBADF;
}

int heph_write(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? heph_stream_transfer(ctx, file, true,
					   (void *)(uintptr_t)buf, size,
					   HEPH_OFFSET_NONE) :
		      -EBADF;
}
