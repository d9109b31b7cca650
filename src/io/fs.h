/* SPDX-License-Identifier: MIT */
/* fs.h - what the calls of heph/file.h have in common */
#ifndef HEPH_IO_FS_H
#define HEPH_IO_FS_H

#include <heph/file.h>
#include <heph/time.h>

#include "core/self.h"
#include "io/op.h"

/*
 * An operation about a path, and a second one, which may be NULL, as op_fs.c
 * has them; `size` bytes of zeros lie at the start of its room. Returns 0;
 * -EBADF, -EINVAL, -ENAMETOOLONG, -ENOMEM, -ECANCELED, -EOPNOTSUPP.
 */
int heph_fs_op(heph_ctx ctx, enum heph_op_kind kind, const heph_path *path,
	       const heph_path *second, size_t size, struct heph_op **ret_op);

/* One about a descriptor alone. */
int heph_fs_op_of(heph_ctx ctx, enum heph_op_kind kind, heph_fd fd,
		  struct heph_op **ret_op);

/* For what has to follow on something that was done, in a moment: neither a
 * deadline nor a stop keeps it from being done. */
static inline heph_ctx heph_fs_certainly(heph_ctx ctx)
{
	return heph_shield(heph_self_ctx(ctx.self), 5 * HEPH_SEC);
}

/* Waits. open(2), with O_CLOEXEC. Returns 0. */
int heph_fs_open(heph_ctx ctx, const heph_path *path, unsigned flags,
		 unsigned mode, heph_fd *ret_fd);

/* What is known of a file that was opened this moment: it is in memory, so nothing is
 * waited for. Returns 0. */
int heph_fs_stat_new(heph_ctx ctx, heph_fd fd, struct heph_stat *ret_stat);

#endif
