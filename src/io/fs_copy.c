/* SPDX-License-Identifier: MIT */
/*
 * Copying files.
 *
 * The kernel is asked to copy by itself, some megabytes at a time, so that a
 * stop is not put off for long. Where it cannot (from one file system to
 * another, or of what is no file on a disk) the bytes go through memory: with
 * files of a disk several blocks at a time, some of them being read while others
 * are being written.
 */
#include <heph/io.h>
#include <heph/own.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wait.h"
#include "io/fs.h"

enum {
	RANGE_MAX = 1 << 24, /* of the kernel, at a time */
	BLOCK_SIZE = 1 << 18,
	BLOCKS = 4,
};

/* ---- a range, by the kernel ----------------------------------------------------------- */

static int copy_range(heph_ctx ctx, struct heph_file *in, uint64_t *in_offset,
		      struct heph_file *out, uint64_t *out_offset, size_t size)
{
	struct heph_op *op;
	int n = heph_op_new(ctx, HEPH_OP_COPY_RANGE, in, &op);

	if (n < 0)
		return n;
	op->number2 = out->number;
	op->offset = *in_offset;
	op->offset2 = *out_offset;
	op->size = size < RANGE_MAX ? (uint32_t)size : RANGE_MAX;
	n = heph_op_run(ctx, op);
	*in_offset = op->offset;
	*out_offset = op->offset2;
	heph_op_free(op);
	return n;
}

int heph_file_copy_range(heph_ctx ctx, heph_fd in, int64_t in_offset,
			 heph_fd out, int64_t out_offset, size_t size)
{
	struct heph_file *from = heph_file_find(ctx, in);
	struct heph_file *to = heph_file_find(ctx, out);
	uint64_t at = (uint64_t)in_offset, at2 = (uint64_t)out_offset;

	if (!from || !to)
		return -EBADF;
	if (in_offset < -1 || out_offset < -1)
		return -EINVAL;
	return copy_range(ctx, from, &at, to, &at2, size);
}

/* ---- blocks, through memory --------------------------------------------------------------- */

struct copy {
	struct heph_file *in, *out;
	heph_fd in_fd, out_fd;
	uint64_t at, to; /* where what comes next is, and goes */
	uint64_t copied;
	char *memory; /* BLOCKS of BLOCK_SIZE; NULL: not needed so far */
	struct heph_op *ops[BLOCKS];
};

static int get_memory(heph_ctx ctx, struct copy *it)
{
	if (!it->memory)
		it->memory = heph_alloc(ctx, (size_t)BLOCKS * BLOCK_SIZE);
	return it->memory ? 0 : -ENOMEM;
}

static void move_on(struct copy *it, uint64_t n)
{
	it->at += n;
	it->to += n;
	it->copied += n;
}

/* One for `n` bytes of block `i`, or as many as there are left. */
static int begin_block(heph_ctx ctx, struct copy *it, unsigned i,
		       enum heph_op_kind kind, size_t n)
{
	size_t before = (size_t)i * BLOCK_SIZE;
	struct heph_op *op;

	op = heph_op_make(ctx.self, kind,
			  kind == HEPH_OP_READ ? it->in : it->out);
	it->ops[i] = op;
	if (!op)
		return -ENOMEM;
	op->buf = it->memory + before;
	op->offset = (kind == HEPH_OP_READ ? it->at : it->to) + before;
	op->size = (uint32_t)n;
	heph_op_start(op);
	return 0;
}

/* Reads or writes `size` bytes, in blocks, all at the same time. Returns how many
 * there are without a gap; or the error, if none. */
static int64_t do_blocks(heph_ctx ctx, struct copy *it, enum heph_op_kind kind,
			 size_t size)
{
	size_t n, done = 0;
	unsigned begun = 0;
	int err = 0, result;

	for (; begun * (size_t)BLOCK_SIZE < size && err == 0; begun++) {
		n = size - begun * (size_t)BLOCK_SIZE;
		err = begin_block(ctx, it, begun, kind,
				  n < BLOCK_SIZE ? n : BLOCK_SIZE);
	}
	for (unsigned i = 0; i < begun; i++) {
		if (!it->ops[i])
			continue;
		result = heph_op_result(ctx, it->ops[i]);
		heph_op_free(it->ops[i]);
		if (err == 0 && result > 0)
			done += (size_t)result;
		if (err == 0 && result != BLOCK_SIZE)
			err = result < 0 ? result : -ENODATA;
	}
	return done || err == -ENODATA ? (int64_t)done : err;
}

/* To the end, or to `end`. */
static int copy_blocks(heph_ctx ctx, struct copy *it, uint64_t end)
{
	const size_t most = (size_t)BLOCKS * BLOCK_SIZE;
	int64_t n;

	while (it->at < end) {
		n = heph_wait_allowed(ctx);
		if (n == 0)
			n = do_blocks(ctx, it, HEPH_OP_READ,
				      end - it->at < most ? end - it->at :
							    most);
		if (n > 0)
			n = do_blocks(ctx, it, HEPH_OP_WRITE, (size_t)n);
		if (n <= 0)
			return (int)n;
		move_on(it, (uint64_t)n);
	}
	return 0;
}

/* ---- a stream, through memory --------------------------------------------------------------- */

static int copy_stream(heph_ctx ctx, struct copy *it)
{
	size_t done;
	int n;

	for (;;) {
		n = heph_read(ctx, it->in_fd, it->memory, BLOCK_SIZE);
		if (n <= 0)
			return n;
		n = heph_write_exact(ctx, it->out_fd, it->memory, (size_t)n,
				     &done);
		move_on(it, done);
		if (n < 0)
			return n;
	}
}

/* ---- the best way ------------------------------------------------------------------------------ */

/* Not what it is asked to do, but that it is not done here. */
static bool kernel_cannot(int err)
{
	return err == -EXDEV || err == -EINVAL || err == -EOPNOTSUPP ||
	       err == -ENOSYS || err == -EPERM;
}

/* Of files on a disk, to the end or to `end`. */
static int copy_to(heph_ctx ctx, struct copy *it, uint64_t end)
{
	uint64_t at, to;
	int n = 1;

	while (n > 0 && it->at < end) {
		at = it->at;
		to = it->to;
		n = copy_range(ctx, it->in, &at, it->out, &to, end - it->at);
		if (n > 0)
			move_on(it, (uint64_t)n);
	}
	if (n >= 0 || !kernel_cannot(n) || !ctx.self->kind)
		return n < 0 ? n : 0;
	n = get_memory(ctx, it);
	return n < 0 ? n : copy_blocks(ctx, it, end);
}

static int seek(heph_ctx ctx, heph_fd fd, uint64_t offset, int whence,
		uint64_t *ret_offset)
{
	return heph_file_seek(ctx, fd, (int64_t)offset, whence, ret_offset);
}

static int set_positions(heph_ctx ctx, struct copy *it)
{
	int err = seek(ctx, it->in_fd, it->at, SEEK_SET, NULL);

	return err < 0 ? err : seek(ctx, it->out_fd, it->to, SEEK_SET, NULL);
}

/* The rest of a file on a disk into another one; what the kernel says is empty
 * need not be: files of /proc are not as long as they are. */
static int copy_disk(heph_ctx ctx, struct copy *it)
{
	int err, end;

	err = seek(ctx, it->in_fd, 0, SEEK_CUR, &it->at);
	if (err == 0)
		err = seek(ctx, it->out_fd, 0, SEEK_CUR, &it->to);
	if (err < 0)
		return err;
	err = copy_to(ctx, it, INT64_MAX);
	if (it->copied) {
		end = set_positions(heph_fs_certainly(ctx), it);
		if (err == 0)
			err = end;
	}
	if ((err == 0 && !it->copied) || err == -EBADF || kernel_cannot(err)) {
		err = get_memory(ctx, it); /* O_APPEND, a thread, or /proc */
		if (err == 0)
			err = copy_stream(ctx, it);
	}
	return err;
}

/* With a pipe at one end the bytes stay in the kernel. */
static int copy_spliced(heph_ctx ctx, struct copy *it)
{
	int n;

	do {
		n = heph_splice(ctx, it->in_fd, -1, it->out_fd, -1, RANGE_MAX,
				0);
		if (n > 0)
			move_on(it, (uint64_t)n);
	} while (n > 0);
	return n;
}

static int copy_rest(heph_ctx ctx, struct copy *it)
{
	int err;

	if (it->in->flags & it->out->flags & HEPH_FILE_DISK)
		return copy_disk(ctx, it);
	err = copy_spliced(ctx, it);
	if (err != -EINVAL)
		return err;
	err = get_memory(ctx, it);
	return err < 0 ? err : copy_stream(ctx, it);
}

/* Memory is needed for as long as it takes. */
static int copy_in_scope(heph_ctx ctx, struct copy *it,
			 int (*fn)(heph_ctx, struct copy *))
{
	struct heph_scope scope;
	int err = heph_scope_open(ctx, &scope);

	if (err < 0)
		return err;
	err = fn(ctx, it);
	heph_scope_close(ctx, scope);
	return err;
}

static bool find_both(heph_ctx ctx, struct copy *it)
{
	it->in = heph_file_find(ctx, it->in_fd);
	it->out = heph_file_find(ctx, it->out_fd);
	return it->in && it->out;
}

int heph_file_copy(heph_ctx ctx, heph_fd in, heph_fd out, uint64_t *ret_copied)
{
	struct copy it = { .in_fd = in, .out_fd = out };
	int err = find_both(ctx, &it) ? copy_in_scope(ctx, &it, copy_rest) :
					-EBADF;

	if (ret_copied)
		*ret_copied = it.copied;
	return err;
}

/* ---- whole files --------------------------------------------------------------------------------- */

static int share_blocks(heph_ctx ctx, struct copy *it)
{
	struct heph_op *op;
	int err = heph_op_new(ctx, HEPH_OP_CLONE, it->in, &op);

	if (err < 0)
		return err;
	op->number2 = it->out->number;
	return heph_op_finish(ctx, op);
}

/* What was never written to stays so. The new file is empty and its position is
 * at the beginning, as is the other one's. */
static int copy_sparse(heph_ctx ctx, struct copy *it)
{
	struct heph_stat stat;
	uint64_t end;
	int err = heph_stat(ctx, it->in_fd, HEPH_STAT_ALL, &stat);

	if (err == 0 && stat.blocks * 512 >= stat.size)
		return copy_rest(ctx, it);
	while (err == 0) {
		err = seek(ctx, it->in_fd, it->at, SEEK_DATA, &it->at);
		if (err == 0)
			err = seek(ctx, it->in_fd, it->at, SEEK_HOLE, &end);
		it->to = it->at;
		if (err == 0)
			err = copy_to(ctx, it, end);
		if (err == 0 && it->at < end)
			break; /* it is shorter now */
	}
	if (err == 0 || err == -ENXIO) /* no more data */
		err = heph_file_truncate(ctx, it->out_fd, stat.size);
	if (!kernel_cannot(err))
		return err;
	it->copied = 0;
	err = seek(ctx, it->in_fd, 0, SEEK_SET, NULL);
	return err < 0 ? err : copy_rest(ctx, it);
}

static int copy_contents(heph_ctx ctx, struct copy *it)
{
	int err = -EOPNOTSUPP;

	if (!(it->in->flags & it->out->flags & HEPH_FILE_DISK))
		return copy_rest(ctx, it);
	err = heph_file_truncate(ctx, it->out_fd, 0);
	if (err < 0)
		return err;
	err = share_blocks(ctx, it);
	if (err == -ECANCELED || err == -ETIME || err == 0)
		return err;
	return copy_sparse(ctx, it);
}

static int copy_opened(heph_ctx ctx, struct copy *it,
		       const struct heph_stat *from)
{
	struct heph_stat to;
	int err = heph_stat(ctx, it->out_fd, HEPH_STAT_ALL, &to);

	if (err < 0)
		return err;
	if (from->inode == to.inode && from->device == to.device)
		return -EINVAL;
	return find_both(ctx, it) ? copy_in_scope(ctx, it, copy_contents) :
				    -EBADF;
}

int heph_raw_copy_file(heph_ctx ctx, heph_path from, heph_path to)
{
	struct copy it = { 0 };
	struct heph_stat stat;
	int err = heph_fs_open(ctx, &from, O_RDONLY, 0, &it.in_fd);

	if (err < 0)
		return err;
	err = heph_stat(ctx, it.in_fd, HEPH_STAT_ALL, &stat);
	if (err == 0 && S_ISDIR(stat.mode))
		err = -EISDIR;
	if (err == 0)
		err = heph_fs_open(ctx, &to, O_WRONLY | O_CREAT,
				   stat.mode & 07777, &it.out_fd);
	if (err == 0)
		err = copy_opened(ctx, &it, &stat);
	heph_close(it.out_fd);
	heph_close(it.in_fd);
	return err;
}
