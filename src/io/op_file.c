/* SPDX-License-Identifier: MIT */
/* Kinds of operations: about files that are open. */
#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/kinds.h"
#include "io/uring_abi.h"

static int result_of(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

/* ---- its contents ------------------------------------------------------------------------ */

/* `flags`: IORING_FSYNC_DATASYNC, or 0. */
void heph_prepare_sync(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_fsync(sqe, op->number, op->flags);
}

int heph_attempt_sync(struct heph_op *op)
{
	return result_of(op->flags ? fdatasync(op->number) : fsync(op->number));
}

void heph_prepare_truncate(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_rw(HEPH_URING_FTRUNCATE, sqe, op->number, NULL, 0,
			 op->offset);
}

int heph_attempt_truncate(struct heph_op *op)
{
	return result_of(ftruncate(op->number, (off_t)op->offset));
}

/* `flags`: FALLOC_FL_..., of `offset2` bytes. */
void heph_prepare_allocate(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_fallocate(sqe, op->number, (int)op->flags,
				(off_t)op->offset, (off_t)op->offset2);
}

int heph_attempt_allocate(struct heph_op *op)
{
	return result_of(fallocate(op->number, (int)op->flags,
				   (off_t)op->offset, (off_t)op->offset2));
}

/* `flags`: POSIX_FADV_..., of `offset2` bytes. */
void heph_prepare_advise(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_fadvise(sqe, op->number, op->offset, (off_t)op->offset2,
			      (int)op->flags);
}

int heph_attempt_advise(struct heph_op *op)
{
	return -posix_fadvise(op->number, (off_t)op->offset, (off_t)op->offset2,
			      (int)op->flags);
}

/* `flags`: SEEK_...; leaves the position in `offset`. */
int heph_attempt_seek(struct heph_op *op)
{
	off_t at = lseek(op->number, (off_t)op->offset, (int)op->flags);

	if (at < 0)
		return -errno;
	op->offset = (uint64_t)at;
	return 0;
}

int heph_attempt_read_dir(struct heph_op *op)
{
	return result_of(
		syscall(SYS_getdents64, op->number, op->buf, op->size));
}

/* `flags`: F_RDLCK, F_WRLCK, F_UNLCK; `offset2` bytes. */
int heph_attempt_lock(struct heph_op *op)
{
	struct flock lock = { .l_type = (short)op->flags,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)op->offset,
			      .l_len = (off_t)op->offset2 };
	int result = result_of(fcntl(op->number, F_OFD_SETLK, &lock));

	return result == -EACCES ? -EAGAIN : result;
}

/* ---- from one to another ------------------------------------------------------------------- */

/* All of `number` becomes `number2`, sharing its blocks. */
int heph_attempt_clone(struct heph_op *op)
{
	return result_of(ioctl(op->number2, FICLONE, op->number));
}

static off64_t *at(uint64_t *offset)
{
	return *offset == HEPH_OFFSET_NONE ? NULL : (off64_t *)offset;
}

int heph_attempt_copy_range(struct heph_op *op)
{
	return result_of(copy_file_range(op->number, at(&op->offset),
					 op->number2, at(&op->offset2),
					 op->size, 0));
}

/* `flags`: SPLICE_F_... */
void heph_prepare_splice(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_splice(sqe, op->number, (int64_t)op->offset, op->number2,
			     (int64_t)op->offset2, op->size, op->flags);
}

int heph_attempt_splice(struct heph_op *op)
{
	return result_of(splice(op->number, at(&op->offset), op->number2,
				at(&op->offset2), op->size, op->flags));
}

/* ---- memory ---------------------------------------------------------------------------------- */

void heph_prepare_memory_advise(struct io_uring_sqe *sqe, struct heph_op *op)
{
	io_uring_prep_madvise(sqe, op->buf, (off_t)op->offset2, (int)op->flags);
}

int heph_attempt_memory_advise(struct heph_op *op)
{
	return result_of(madvise(op->buf, op->offset2, (int)op->flags));
}
