/* SPDX-License-Identifier: MIT */
/*
 * Reading without a copy. The bytes stay where the kernel has put them:
 *
 *   - with io_uring in a buffer that the worker lent it, chosen when they came.
 *     When half of those are away the bytes are copied to memory of the pool,
 *     so that who looks for long leaves some to the others; when all are, the
 *     read begins again with such memory;
 *   - where the actor makes the system call, in memory of the pool, which it has
 *     only while there is something: see heph_attempt_provided();
 *   - an actor that moves has memory of the pool all the time, as the buffers are
 *     of a worker's.
 *
 * file->view is that place, and file->view_in what it is to be given back to.
 */
#include <heph/io.h>

#include <string.h>

#include "io/buffers.h"
#include "io/driver.h"
#include "io/kinds.h"
#include "io/stream.h"

#define ALONE static __attribute__((noinline))

static const struct heph_io *io_of(const struct heph_self *self)
{
	return heph_io_of(self->thread->heph);
}

void heph_file_give_view(struct heph_self *owner, struct heph_file *file)
{
	if (file->view_in >= 0)
		io_of(owner)->give(heph_worker_of(owner), file->view_in);
	else
		heph_pool_give(&owner->thread->pool, file->view,
			       (size_t)-file->view_in);
	file->view = NULL;
}

/* In memory of the pool. */
static void lies_in_pool(struct heph_file *file, void *memory, char **ret_data)
{
	*ret_data = file->view = memory;
	file->view_in = -HEPH_VIEW_SIZE;
}

/* ---- in a buffer of the driver --------------------------------------------------- */

/* NULL: no memory. */
static char *copy_out(const struct heph_op *op, const char *data, int n)
{
	char *copy = heph_pool_take(&op->self->thread->pool, (size_t)n);

	if (!copy)
		return NULL;
	memcpy(copy, data, (size_t)n);
	io_of(op->self)->give(heph_worker_of(op->self), op->buffer);
	heph_stream_count_bounced(heph_self_ctx(op->self), n);
	return copy;
}

/* Where the `n` bytes lie that came to op->buffer, and what it is to be given back
 * to; they may be copied. */
static char *keep(const struct heph_op *op, int n, int *ret_in)
{
	struct heph_worker *worker = heph_worker_of(op->self);
	const struct heph_io *io = io_of(op->self);
	char *data = io->data(worker, op->buffer), *copy = NULL;

	if (heph_unlikely(io->scarce(worker, op->buffer)))
		copy = copy_out(op, data, n);
	*ret_in = copy ? -n : op->buffer;
	return copy ? copy : data;
}

/* Into memory that it has all the time. */
ALONE int read_bounced(heph_ctx ctx, struct heph_op *op, char **ret_data)
{
	struct heph_file *file = op->file;
	struct heph_pool *pool = &ctx.self->thread->pool;
	void *memory = heph_pool_take(pool, HEPH_VIEW_SIZE);
	int n = -ENOMEM;

	if (memory) {
		op->provided = false;
		op->buf = memory;
		op->size = HEPH_VIEW_SIZE;
		n = heph_op_run_begun(ctx, op);
	}
	if (n > 0)
		lies_in_pool(file, memory, ret_data);
	else
		heph_pool_give(pool, memory, HEPH_VIEW_SIZE);
	heph_op_free(op);
	return n;
}

ALONE int read_provided(heph_ctx ctx, struct heph_op *op, char **ret_data)
{
	struct heph_file *file = op->file;
	int n = heph_op_run_begun(ctx, op);

	if (heph_unlikely(n == -ENOBUFS))
		return read_bounced(ctx, op, ret_data);
	if (n > 0)
		*ret_data = file->view =
			keep(op, n, &file->view_in);
	else if (op->buffer >= 0)
		io_of(ctx.self)->give(heph_worker_of(ctx.self), op->buffer);
	heph_op_free(op);
	return n;
}

/* ---- in memory of who makes the system call ---------------------------------------- */

/* Not when it is not ready: then it waits without. */
int heph_attempt_provided(struct heph_op *op)
{
	struct heph_pool *pool = &op->self->thread->pool;
	int result;

	op->buf = heph_pool_take(pool, HEPH_VIEW_SIZE);
	if (!op->buf)
		return -ENOMEM;
	result = heph_op_type(op)->attempt(op);
	if (result <= 0)
		heph_pool_give(pool, op->buf, HEPH_VIEW_SIZE);
	return result;
}

ALONE int read_by_actor(heph_ctx ctx, struct heph_op *op, char **ret_data)
{
	int n;

	op->size = HEPH_VIEW_SIZE;
	n = heph_op_run(ctx, op);
	if (n > 0)
		lies_in_pool(op->file, op->buf, ret_data);
	heph_op_free(op);
	return n;
}

/* ---- either way ----------------------------------------------------------------------- */

static int read_view(heph_ctx ctx, struct heph_file *file, char **ret_data)
{
	struct heph_op *op;
	int err = heph_op_new(ctx,
			      file->flags & HEPH_FILE_SOCKET ? HEPH_OP_RECV :
							       HEPH_OP_READ,
			      file, &op);

	if (heph_unlikely(err < 0))
		return err;
	op->offset = HEPH_OFFSET_NONE;
	op->size = heph_file_is_stream(file) ? HEPH_BUFFER_INCREMENTAL :
					       HEPH_BUFFER_SIZE;
	op->provided = true;
	if (heph_unlikely(heph_io_by_actor(ctx.self, op)))
		return read_by_actor(ctx, op, ret_data);
	if (heph_unlikely(ctx.self->thread->moves || !io_of(ctx.self)->data))
		return read_bounced(ctx, op, ret_data);
	return read_provided(ctx, op, ret_data);
}

int heph_read_view(heph_ctx ctx, struct heph_fd fd, char **ret_data)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (!file)
		return -EBADF;
	if (file->flags & HEPH_FILE_PACKETS)
		return -EOPNOTSUPP;
	heph_file_end_view(ctx.self, file);
	return read_view(ctx, file, ret_data);
}

void heph_end_view(heph_ctx ctx, struct heph_fd fd)
{
	struct heph_file *file = heph_file_find(ctx, fd);

	if (file)
		heph_file_end_view(ctx.self, file);
}
