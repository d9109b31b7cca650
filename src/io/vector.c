/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing in all other forms: at a position, and several pieces of
 * memory. The forms with one piece are those with a vector of one.
 *
 * Each step takes the vector from the byte on where the last one ended, so
 * pieces that are empty, or were done in part, need no special care. The kernel
 * gets a copy of the vector that lies in the room of the operation; if one of
 * the pieces is on a stack that may move a single bounce buffer stands in for
 * all of them.
 */
#include <heph/io.h>

#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "core/stackrule.h"
#include "coro/san.h"
#include "io/op.h"
#include "io/stream.h"

/* What shall be transferred. */
struct vector {
	heph_ctx ctx;
	struct heph_file *file;
	bool writing;
	const struct iovec *pieces;
	size_t n;
	size_t done; /* bytes before these are done */
	uint64_t offset; /* of the first byte of all; or HEPH_OFFSET_NONE */
};

/* -EINVAL: more than a size can be. */
static int total_of(const struct iovec *pieces, size_t n, size_t *ret_total)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		if (__builtin_add_overflow(total, pieces[i].iov_len, &total) ||
		    total > SSIZE_MAX)
			return -EINVAL;
	*ret_total = total;
	return 0;
}

static int check(const struct heph_file *file, uint64_t offset)
{
	if (!file)
		return -EBADF;
	if (offset == HEPH_OFFSET_NONE)
		return 0;
	return file->flags & (HEPH_FILE_SOCKET | HEPH_FILE_PIPE) ? -ESPIPE : 0;
}

/* A number of bytes may not reach beyond the largest offset. */
static int check_at(uint64_t offset, size_t size)
{
	return offset > INT64_MAX || size > INT64_MAX - offset ? -EINVAL : 0;
}

/* ---- one step -------------------------------------------------------------- */

/* The pieces that come next, `max` bytes at most, without empty ones. Returns
 * how many they are. */
static size_t next_pieces(const struct vector *it, struct iovec to[IOV_MAX],
			  size_t max, size_t *ret_size)
{
	size_t skip = it->done, n = 0, size = 0, part;

	for (size_t i = 0; i < it->n && n < IOV_MAX && size < max; i++) {
		if (skip >= it->pieces[i].iov_len) {
			skip -= it->pieces[i].iov_len;
			continue;
		}
		part = it->pieces[i].iov_len - skip;
		to[n].iov_base = (char *)it->pieces[i].iov_base + skip;
		to[n].iov_len = part < max - size ? part : max - size;
		size += to[n++].iov_len;
		skip = 0;
	}
	*ret_size = size;
	return n;
}

static bool any_moves(struct heph_self *self, const struct iovec *pieces,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (heph_stack_moves(self, pieces[i].iov_base,
				     pieces[i].iov_len))
			return true;
	return false;
}

static void copy_pieces(const struct iovec *pieces, size_t n, char *buf,
			size_t size, bool writing)
{
	size_t part;

	for (size_t i = 0; i < n && size; i++) {
		part = pieces[i].iov_len < size ? pieces[i].iov_len : size;
		if (writing)
			memcpy(buf, pieces[i].iov_base, part);
		else
			memcpy(pieces[i].iov_base, buf, part);
		buf += part;
		size -= part;
	}
}

static uint64_t offset_of(const struct vector *it)
{
	return it->offset == HEPH_OFFSET_NONE ? HEPH_OFFSET_NONE :
						it->offset + it->done;
}

static int step_bounced(const struct vector *it, const struct iovec *pieces,
			size_t n, size_t size)
{
	struct heph_pool *pool = &it->ctx.self->thread->pool;
	char *bounce;
	int result;

	size = heph_stream_bounced(it->file, size);
	bounce = heph_pool_take(pool, size);
	if (!bounce)
		return -ENOMEM;
	if (it->writing)
		copy_pieces(pieces, n, bounce, size, true);
	result = heph_stream_transfer(it->ctx, it->file, it->writing, bounce,
				      size, offset_of(it));
	if (!it->writing && result > 0)
		copy_pieces(pieces, n, bounce, (size_t)result, false);
	heph_pool_give(pool, bounce, size);
	return heph_stream_count_bounced(it->ctx, result);
}

/* What a message needs is before the pieces. */
struct room {
	struct msghdr message;
	struct iovec pieces[];
};

static void fill_in(struct heph_op *op, const struct vector *it,
		    struct room *room, size_t n)
{
	op->buf = room->pieces;
	op->size = (uint32_t)n;
	op->offset = offset_of(it);
	if (!(it->file->flags & HEPH_FILE_SOCKET))
		return;
	room->message = (struct msghdr){ .msg_iov = room->pieces,
					 .msg_iovlen = n };
	op->buf2 = &room->message;
}

static void mark_written(const struct iovec *pieces, size_t n, size_t size)
{
	size_t part;

	for (size_t i = 0; i < n && size; i++) {
		part = pieces[i].iov_len < size ? pieces[i].iov_len : size;
		heph_san_written(pieces[i].iov_base, part);
		size -= part;
	}
}

static int step_begun(const struct vector *it, const struct iovec *pieces,
		      size_t n)
{
	struct heph_op *op;
	struct room *room;
	int result = heph_op_new(
		it->ctx, it->writing ? HEPH_OP_WRITEV : HEPH_OP_READV, it->file,
		&op);

	if (result < 0)
		return result;
	room = heph_op_room(op, sizeof(*room) + n * sizeof(*pieces));
	if (!room) {
		heph_op_free(op);
		return -ENOMEM;
	}
	memcpy(room->pieces, pieces, n * sizeof(*pieces));
	fill_in(op, it, room, n);
	result = heph_op_run(it->ctx, op);
	if (!it->writing && result > 0)
		mark_written(room->pieces, n, (size_t)result);
	heph_op_free(op);
	return result;
}

static bool by_actor(const struct vector *it)
{
	struct heph_op like = { .kind = it->writing ? HEPH_OP_WRITEV :
						      HEPH_OP_READV,
				.file = it->file };

	return heph_op_by_actor(it->ctx.self, &like);
}

/* What does not wait, and is not ready for more, takes so much for certain. */
static size_t most_of(const struct vector *it, bool actor)
{
	return it->writing && actor &&
			       !(it->file->flags &
				 (HEPH_FILE_DISK | HEPH_FILE_NONBLOCK |
				  HEPH_FILE_SOCKET)) ?
		       PIPE_BUF :
		       HEPH_TRANSFER_MAX;
}

static int step_of(const struct vector *it, struct iovec *pieces)
{
	bool actor = by_actor(it);
	size_t size, n = next_pieces(it, pieces, most_of(it, actor), &size);

	if (n == 0)
		return heph_wait_allowed(it->ctx);
	if (n == 1)
		return heph_stream_transfer(it->ctx, it->file, it->writing,
					    pieces->iov_base, pieces->iov_len,
					    offset_of(it));
	if (!actor && any_moves(it->ctx.self, pieces, n))
		return step_bounced(it, pieces, n, size);
	return step_begun(it, pieces, n);
}

/* Memory for the pieces is taken only if there are many. */
static int step(const struct vector *it)
{
	struct heph_pool *pool = &it->ctx.self->thread->pool;
	size_t n = it->n < IOV_MAX ? it->n : IOV_MAX;
	struct iovec few[4], *pieces;
	int result;

	if (n <= sizeof(few) / sizeof(*few))
		return step_of(it, few);
	pieces = heph_pool_take(pool, n * sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	result = step_of(it, pieces);
	heph_pool_give(pool, pieces, n * sizeof(*pieces));
	return result;
}

/* ---- once, and all of it ------------------------------------------------------ */

static int once(struct vector it)
{
	size_t total;
	int err = check(it.file, it.offset);

	if (err == 0)
		err = total_of(it.pieces, it.n, &total);
	if (err == 0 && it.offset != HEPH_OFFSET_NONE)
		err = check_at(it.offset, total);
	return err < 0 ? err : step(&it);
}

static int until_done(struct vector *it, size_t total)
{
	int n = 0;

	while (it->done < total && (n = step(it)) > 0)
		it->done += (size_t)n;
	if (n < 0 || it->done == total)
		return n < 0 ? n : 0;
	return it->writing ? -EIO : -ENODATA;
}

static int all(struct vector it, size_t *ret_done)
{
	size_t total = 0;
	int err = check(it.file, it.offset);

	if (err == 0)
		err = total_of(it.pieces, it.n, &total);
	if (err == 0 && it.offset != HEPH_OFFSET_NONE)
		err = check_at(it.offset, total);
	if (err == 0)
		err = until_done(&it, total);
	if (ret_done)
		*ret_done = it.done;
	return err;
}

static struct vector vector(heph_ctx ctx, struct heph_fd fd, bool writing,
			    const struct iovec *pieces, size_t n)
{
	return (struct vector){ .ctx = ctx,
				.file = heph_file_find(ctx, fd),
				.writing = writing,
				.pieces = pieces,
				.n = n,
				.offset = HEPH_OFFSET_NONE };
}

/* The largest number is no offset: it is refused as others that are too large. */
static struct vector vector_at(heph_ctx ctx, struct heph_fd fd, bool writing,
			       const struct iovec *pieces, size_t n,
			       uint64_t offset)
{
	struct vector it = vector(ctx, fd, writing, pieces, n);

	it.offset = offset == HEPH_OFFSET_NONE ? offset - 1 : offset;
	return it;
}

static struct iovec piece(const void *buf, size_t size)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)buf,
			       .iov_len = size };
}

/* ---- public -------------------------------------------------------------------- */

int heph_read_at(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size,
		 uint64_t offset)
{
	struct iovec one = piece(buf, size);

	return once(vector_at(ctx, fd, false, &one, 1, offset));
}

int heph_write_at(heph_ctx ctx, struct heph_fd fd, const void *buf, size_t size,
		  uint64_t offset)
{
	struct iovec one = piece(buf, size);

	return once(vector_at(ctx, fd, true, &one, 1, offset));
}

int heph_readv(heph_ctx ctx, struct heph_fd fd, const struct iovec *pieces,
	       size_t n)
{
	return once(vector(ctx, fd, false, pieces, n));
}

int heph_writev(heph_ctx ctx, struct heph_fd fd, const struct iovec *pieces,
		size_t n)
{
	return once(vector(ctx, fd, true, pieces, n));
}

int heph_readv_at(heph_ctx ctx, struct heph_fd fd, const struct iovec *pieces,
		  size_t n, uint64_t offset)
{
	return once(vector_at(ctx, fd, false, pieces, n, offset));
}

int heph_writev_at(heph_ctx ctx, struct heph_fd fd, const struct iovec *pieces,
		   size_t n, uint64_t offset)
{
	return once(vector_at(ctx, fd, true, pieces, n, offset));
}

int heph_read_exact_at(heph_ctx ctx, struct heph_fd fd, void *buf, size_t size,
		       uint64_t offset, size_t *ret_done)
{
	struct iovec one = piece(buf, size);

	return all(vector_at(ctx, fd, false, &one, 1, offset), ret_done);
}

int heph_write_exact_at(heph_ctx ctx, struct heph_fd fd, const void *buf,
			size_t size, uint64_t offset, size_t *ret_done)
{
	struct iovec one = piece(buf, size);

	return all(vector_at(ctx, fd, true, &one, 1, offset), ret_done);
}

int heph_readv_exact(heph_ctx ctx, struct heph_fd fd, const struct iovec *pieces,
		     size_t n, size_t *ret_done)
{
	return all(vector(ctx, fd, false, pieces, n), ret_done);
}

int heph_writev_exact(heph_ctx ctx, struct heph_fd fd,
		      const struct iovec *pieces, size_t n, size_t *ret_done)
{
	if (n == 1) /* which is what most are */
		return heph_write_exact(ctx, fd, pieces->iov_base,
					pieces->iov_len, ret_done);
	return all(vector(ctx, fd, true, pieces, n), ret_done);
}

int heph_readv_exact_at(heph_ctx ctx, struct heph_fd fd,
			const struct iovec *pieces, size_t n, uint64_t offset,
			size_t *ret_done)
{
	return all(vector_at(ctx, fd, false, pieces, n, offset), ret_done);
}

int heph_writev_exact_at(heph_ctx ctx, struct heph_fd fd,
			 const struct iovec *pieces, size_t n, uint64_t offset,
			 size_t *ret_done)
{
	return all(vector_at(ctx, fd, true, pieces, n, offset), ret_done);
}
