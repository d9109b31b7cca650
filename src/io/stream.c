/* SPDX-License-Identifier: MIT */
/* Reading and writing; see op.h for where the bytes may lie meanwhile. */
#include <heph/io.h>

#include <string.h>

#include "base/mem.h"
#include "core/stackrule.h"
#include "io/buffers.h"
#include "io/driver.h"

/* Bytes of one operation; of one for which a bounce buffer stands in, unless a
 * packet must not be divided. */
enum { TRANSFER_MAX = 1 << 30, BOUNCE_MAX = 1 << 16 };

static int count_bounced(heph_ctx ctx, int result)
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
	uint32_t size = op->size;
	void *bounce;
	int result;

	if (size > BOUNCE_MAX && !(op->file->flags & HEPH_FILE_PACKETS))
		size = BOUNCE_MAX;
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
	return count_bounced(ctx, result);
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
		return count_bounced(ctx, result);
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

static int transfer(heph_ctx ctx, struct heph_file *file, enum heph_op_kind kind,
		    void *buf, size_t size)
{
	struct heph_op *op;
	int result;

	if (size == 0)
		return heph_wait_allowed(ctx);
	result = heph_op_new(ctx, kind, file, &op);
	if (result < 0)
		return result;
	op->buf = buf;
	op->size = size < TRANSFER_MAX ? (uint32_t)size : TRANSFER_MAX;
	result = run(ctx, op, buf);
	heph_op_free(op);
	return result;
}

int heph_read(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	return transfer(ctx, file,
			file->flags & HEPH_FILE_SOCKET ? HEPH_OP_RECV :
							 HEPH_OP_READ,
			buf, size);
}

int heph_write(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	return transfer(ctx, file,
			file->flags & HEPH_FILE_SOCKET ? HEPH_OP_SEND :
							 HEPH_OP_WRITE,
			(void *)(uintptr_t)buf, size);
}

int heph_read_exact(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size,
		    size_t *ret_done)
{
	size_t done = 0;
	int n = 0;

	while (done < size && (n = heph_read(ctx, fd, (char *)buf + done,
					     size - done)) > 0)
		done += (size_t)n;
	if (ret_done)
		*ret_done = done;
	if (n < 0)
		return n;
	return done < size ? -ENODATA : 0;
}

int heph_write_exact(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size,
		     size_t *ret_done)
{
	size_t done = 0;
	int n = 0;

	while (done < size && (n = heph_write(ctx, fd, (const char *)buf + done,
					      size - done)) >= 0)
		done += (size_t)n;
	if (ret_done)
		*ret_done = done;
	return n < 0 ? n : 0;
}

int heph_write_all(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size)
{
	return heph_write_exact(ctx, fd, buf, size, NULL);
}
