/* SPDX-License-Identifier: MIT */
/* Reading and writing of one piece; see op.h for where the bytes may lie
 * meanwhile. */
#include "io/stream.h"

#include <heph/io.h>

#include <limits.h>
#include <string.h>

#include "core/stackrule.h"
#include "io/buffers.h"
#include "io/driver.h"

#define ALONE static __attribute__((noinline))

int heph_stream_count_bounced(heph_ctx ctx, int result)
{
	if (result > 0)
		heph_count_add(&ctx.self->thread->count.bounced,
			       (uint64_t)result);
	return result;
}

/* ---- run, and freed ------------------------------------------------------------
 *
 * Each of these is the last thing that its caller does, so that little more than
 * its own frame lies on the stack while the actor waits.
 */

ALONE int run(heph_ctx ctx, struct heph_op *op)
{
	int result = heph_op_run(ctx, op);

	heph_op_free(op);
	return result;
}

ALONE int run_begun(heph_ctx ctx, struct heph_op *op)
{
	int result = heph_op_run_begun(ctx, op);

	heph_op_free(op);
	return result;
}

/* On memory that stands in for the caller's. */
ALONE int run_bounced(heph_ctx ctx, struct heph_op *op, void *buf)
{
	struct heph_pool *pool = &ctx.self->thread->pool;
	uint32_t size = (uint32_t)heph_stream_bounced(op->file, op->size);
	bool reads = heph_op_type(op)->reads;
	void *bounce = heph_pool_take(pool, size);
	int result = -ENOMEM;

	if (bounce) {
		if (!reads)
			memcpy(bounce, buf, size);
		op->buf = bounce;
		op->size = size;
		result = heph_op_run_begun(ctx, op);
		if (reads && result > 0)
			memcpy(buf, bounce, (size_t)result);
		heph_pool_give(pool, bounce, size);
	}
	heph_op_free(op);
	return heph_stream_count_bounced(ctx, result);
}

/* The buffer that the kernel has chosen for it is free again. */
static void give_buffer(struct heph_op *op)
{
	if (op->buffer >= 0)
		heph_io_of(op->self->thread->heph)
			->give(heph_worker_of(op->self), op->buffer);
}

static const void *data_of(const struct heph_op *op)
{
	return heph_io_of(op->self->thread->heph)
		->data(heph_worker_of(op->self), op->buffer);
}

/* Into a buffer that the kernel chooses when there is data. */
ALONE int run_provided(heph_ctx ctx, struct heph_op *op, void *buf)
{
	int result;

	op->provided = true;
	op->buf = NULL;
	result = heph_op_run_begun(ctx, op);
	if (op->buffer >= 0 && result > 0)
		memcpy(buf, data_of(op), (size_t)result);
	give_buffer(op);
	op->provided = false;
	if (heph_unlikely(result == -ENOBUFS))
		return run_bounced(ctx, op, buf);
	heph_op_free(op);
	return heph_stream_count_bounced(ctx, result);
}

/* Of a stream the rest can be read later; all else may be lost, or wants to be
 * read in few pieces. */
static bool fits_provided(const struct heph_op *op)
{
	return heph_op_type(op)->reads &&
	       heph_io_of(op->self->thread->heph)->data &&
	       (op->size <= HEPH_BUFFER_SIZE || heph_file_is_stream(op->file));
}

HEPH_INLINE int run_on(heph_ctx ctx, struct heph_op *op, void *buf)
{
	if (heph_unlikely(heph_io_by_actor(ctx.self, op)))
		return run(ctx, op);
	if (!heph_stack_moves(ctx.self, buf, op->size))
		return run_begun(ctx, op);
	return fits_provided(op) ? run_provided(ctx, op, buf) :
				   run_bounced(ctx, op, buf);
}

/* ---- once ----------------------------------------------------------------------- */

/* Whether it is worth to try at once: an operation costs more than a system
 * call, and bytes that lie on the stack need not be copied. */
static bool sends_first(heph_ctx ctx, const struct heph_file *file, size_t size)
{
	return size >= HEPH_TRANSFER_LARGE && ctx.self->kind &&
	       heph_file_is_stream(file) &&
	       heph_io_of(ctx.self->thread->heph)->sends_first;
}

/* -EAGAIN: it has to wait. */
ALONE int send_now(heph_ctx ctx, struct heph_file *file, void *buf, size_t size)
{
	struct heph_op op = { .kind = HEPH_OP_SEND,
			      .number = file->number,
			      .buf = buf,
			      .size = size < HEPH_TRANSFER_MAX ?
					      (uint32_t)size :
					      HEPH_TRANSFER_MAX };
	int result;

	heph_count(&ctx.self->thread->count.system_calls);
	result = heph_op_type(&op)->attempt(&op);
	if (result == -EINTR)
		return -EAGAIN;
	if (result != -EAGAIN)
		heph_worker_spend(ctx.self);
	return result;
}

static enum heph_op_kind kind_of(const struct heph_file *file, bool writing)
{
	if (file->flags & HEPH_FILE_SOCKET)
		return writing ? HEPH_OP_SEND : HEPH_OP_RECV;
	return writing ? HEPH_OP_WRITE : HEPH_OP_READ;
}

HEPH_INLINE int transfer(heph_ctx ctx, struct heph_file *file, bool writing,
			 void *buf, size_t size, uint64_t offset)
{
	int result = heph_wait_allowed(ctx);
	struct heph_op *op;

	if (result < 0 || size == 0)
		return result;
	if (writing && sends_first(ctx, file, size)) {
		result = send_now(ctx, file, buf, size);
		if (result != -EAGAIN)
			return result;
	}
	op = heph_op_make(ctx.self, kind_of(file, writing), file);
	if (!op)
		return -ENOMEM;
	op->buf = buf;
	op->size = size < HEPH_TRANSFER_MAX ? (uint32_t)size :
					      HEPH_TRANSFER_MAX;
	op->offset = offset;
	return run_on(ctx, op, buf);
}

int heph_stream_transfer(heph_ctx ctx, struct heph_file *file, bool writing,
			 void *buf, size_t size, uint64_t offset)
{
	return transfer(ctx, file, writing, buf, size, offset);
}

int heph_read(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? transfer(ctx, file, false, buf, size, HEPH_OFFSET_NONE) :
		      -EBADF;
}

int heph_write(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	return file ? transfer(ctx, file, true, (void *)(uintptr_t)buf, size,
			       HEPH_OFFSET_NONE) :
		      -EBADF;
}

/* ---- all of it: the forms with more than one piece are in vector.c ----------- */

HEPH_INLINE int all(heph_ctx ctx, struct heph_fd fd, bool writing, char *buf,
		    size_t size, size_t *ret_done)
{
	struct heph_file *file = heph_file_find(ctx, fd);
	int n = !file ? -EBADF : size > SSIZE_MAX ? -EINVAL : 1;
	size_t done = 0;

	while (n > 0 && done < size) {
		n = transfer(ctx, file, writing, buf + done, size - done,
			     HEPH_OFFSET_NONE);
		done += n > 0 ? (size_t)n : 0;
	}
	if (ret_done)
		*ret_done = done;
	if (n < 0 || done == size)
		return n < 0 ? n : 0;
	return writing ? -EIO : -ENODATA;
}

int heph_read_exact(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size,
		    size_t *ret_done)
{
	return all(ctx, fd, false, buf, size, ret_done);
}

int heph_write_exact(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size,
		     size_t *ret_done)
{
	return all(ctx, fd, true, (char *)(uintptr_t)buf, size, ret_done);
}

int heph_write_all(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size)
{
	return heph_write_exact(ctx, fd, buf, size, NULL);
}
