/* SPDX-License-Identifier: MIT */
/* Files that are open: their contents, size, position, locks. */
#include <heph/time.h>

#include <fcntl.h>
#include <liburing.h>

#include "core/stackrule.h"
#include "io/fs.h"

enum { OFFSET_MAX_BITS = 63 };

/* Offsets and sizes are off_t in the kernel. */
static bool too_large(uint64_t offset, uint64_t size)
{
	return (offset | size | (offset + size)) >> OFFSET_MAX_BITS;
}

static int sync_file(heph_ctx ctx, heph_fd fd, unsigned flags)
{
	struct heph_op *op;
	int err = heph_fs_op_of(ctx, HEPH_OP_SYNC, fd, &op);

	if (err < 0)
		return err;
	op->flags = flags;
	return heph_op_finish(ctx, op);
}

int heph_file_sync(heph_ctx ctx, heph_fd fd)
{
	return sync_file(ctx, fd, 0);
}

int heph_file_sync_data(heph_ctx ctx, heph_fd fd)
{
	return sync_file(ctx, fd, IORING_FSYNC_DATASYNC);
}

int heph_file_truncate(heph_ctx ctx, heph_fd fd, uint64_t size)
{
	struct heph_op *op;
	int err = too_large(0, size) ?
			  -EFBIG :
			  heph_fs_op_of(ctx, HEPH_OP_TRUNCATE, fd, &op);

	if (err < 0)
		return err;
	op->offset = size;
	return heph_op_finish(ctx, op);
}

int heph_file_allocate(heph_ctx ctx, heph_fd fd, int mode, uint64_t offset,
		       uint64_t size)
{
	struct heph_op *op;
	int err = too_large(offset, size) ?
			  -EFBIG :
			  heph_fs_op_of(ctx, HEPH_OP_ALLOCATE, fd, &op);

	if (err < 0)
		return err;
	op->flags = (uint32_t)mode;
	op->offset = offset;
	op->offset2 = size;
	return heph_op_finish(ctx, op);
}

/* io_uring has 32 bits for the size. */
int heph_file_advise(heph_ctx ctx, heph_fd fd, uint64_t offset, uint64_t size,
		     int advice)
{
	struct heph_op *op;
	int err = too_large(offset, size) ?
			  -EINVAL :
			  heph_fs_op_of(ctx, HEPH_OP_ADVISE, fd, &op);

	if (err < 0)
		return err;
	op->by_call = size > UINT32_MAX;
	op->flags = (uint32_t)advice;
	op->offset = offset;
	op->offset2 = size;
	return heph_op_finish(ctx, op);
}

int heph_file_seek(heph_ctx ctx, heph_fd fd, int64_t offset, int whence,
		   uint64_t *ret_offset)
{
	struct heph_op *op;
	int err = heph_fs_op_of(ctx, HEPH_OP_SEEK, fd, &op);

	if (err < 0)
		return err;
	op->flags = (uint32_t)whence;
	op->offset = (uint64_t)offset;
	err = heph_op_run(ctx, op);
	if (err == 0 && ret_offset)
		*ret_offset = op->offset;
	heph_op_free(op);
	return err;
}

/* ---- locks ---------------------------------------------------------------------------- */

enum { PAUSE_MAX_MS = 50 };

static int change_lock(heph_ctx ctx, heph_fd fd, int type, uint64_t offset,
		       uint64_t size)
{
	struct heph_op *op;
	int err = too_large(offset, size) ?
			  -EINVAL :
			  heph_fs_op_of(ctx, HEPH_OP_LOCK, fd, &op);

	if (err < 0)
		return err;
	op->flags = (uint32_t)type;
	op->offset = offset;
	op->offset2 = size;
	return heph_op_finish(ctx, op);
}

int heph_file_try_lock(heph_ctx ctx, heph_fd fd, enum heph_lock lock,
		       uint64_t offset, uint64_t size)
{
	return change_lock(ctx, fd,
			   lock == HEPH_LOCK_SHARED ? F_RDLCK : F_WRLCK, offset,
			   size);
}

/* F_OFD_SETLKW would keep a thread for as long as somebody has the lock, and be
 * interrupted by signals only. */
int heph_file_lock(heph_ctx ctx, heph_fd fd, enum heph_lock lock,
		   uint64_t offset, uint64_t size)
{
	heph_time pause = HEPH_MSEC;
	int err;

	for (;;) {
		err = heph_file_try_lock(ctx, fd, lock, offset, size);
		if (err != -EAGAIN)
			return err;
		err = heph_sleep(ctx, pause);
		if (err < 0)
			return err;
		pause = pause * 2 < PAUSE_MAX_MS * HEPH_MSEC ?
				pause * 2 :
				PAUSE_MAX_MS * HEPH_MSEC;
	}
}

int heph_file_unlock(heph_ctx ctx, heph_fd fd, uint64_t offset, uint64_t size)
{
	return change_lock(ctx, fd, F_UNLCK, offset, size);
}

/* ---- memory --------------------------------------------------------------------------- */

/* Whether some of it is in use as the stack of an actor. */
static bool in_stack(heph_ctx ctx, const void *ptr, size_t size)
{
	return ctx.self->kind && (heph_slot_has(ctx.self->slot, ptr) ||
				  heph_stack_moves(ctx.self, ptr, size));
}

int heph_memory_advise(heph_ctx ctx, void *ptr, size_t size, int advice)
{
	struct heph_op *op;
	int err;

	if (in_stack(ctx, ptr, size))
		return -EINVAL;
	if (ctx.self->thread->heph->driver->alone)
		return -EOPNOTSUPP;
	err = heph_op_new(ctx, HEPH_OP_MEMORY_ADVISE, NULL, &op);
	if (err < 0)
		return err;
	op->by_call = size > UINT32_MAX;
	op->buf = ptr;
	op->offset2 = size;
	op->flags = (uint32_t)advice;
	return heph_op_finish(ctx, op);
}
