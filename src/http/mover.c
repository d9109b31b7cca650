/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes of a file into a response.
 *
 * Two ways. Through memory: read, and written as any body is; filters and TLS see
 * the bytes. Or within the kernel: spliced into a pipe, and out of it into the
 * socket, without a copy; but each of these two costs a thread of the kernel a
 * turn, so it pays for large files only.
 */
#include <errno.h>
#include <fcntl.h>

#include "http/conn.h"
#include "http/file.h"

enum {
	SPLICED = 128 << 10, /* bytes from which on they are spliced */
	PIPE = 1 << 20, /* bytes; all that who is not root may have */
};

static size_t least(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* ---- through memory ------------------------------------------------------------------- */

static int copy(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res, heph_fd file,
		struct heph_http_range left)
{
	char *piece = heph_http_exchange_load(req->conn->home,
					       heph_http_exchange_of(req));
	int err = piece ? 0 : -ENOMEM;
	size_t n;

	while (err == 0 && left.size > 0) {
		n = least(left.size, HEPH_HTTP_LOAD);
		err = heph_read_exact_at(heph_http_response_ctx(ctx, res), file,
					 piece, n, left.first, NULL);
		if (err == 0)
			err = heph_http_write(ctx, res, piece, n);
		left.first += n;
		left.size -= n;
	}
	return err;
}

/* ---- within the kernel ---------------------------------------------------------------- */

/* A small pipe does it, too. */
static int open_pipe(heph_ctx ctx, struct heph_http_mover *it)
{
	int size, err = 0;

	if (heph_fd_none(it->pipe[0]))
		err = heph_pipe(ctx, it->pipe, 0);
	if (err == 0) {
		size = heph_pipe_resize(ctx, it->pipe[1], PIPE);
		(void)size;
	}
	return err;
}

/* All that is in the pipe. */
static int drain(heph_ctx ctx, struct heph_http_response *res,
		 const struct heph_http_mover *it, heph_fd to, size_t size,
		 unsigned flags)
{
	int n;

	while (size > 0) {
		n = heph_splice(heph_http_response_ctx(ctx, res), it->pipe[0],
				-1, to, -1, size, flags);
		if (n == -ETIME)
			heph_http_response_late(res);
		if (n <= 0)
			return n < 0 ? n : -EPIPE;
		heph_http_response_sent(res, (uint64_t)n);
		size -= (size_t)n;
	}
	return 0;
}

/* As far as it goes: `left` is what is left. Returns 0; -EINVAL, with nothing done:
 * such a file cannot be spliced. */
static int splice_all(heph_ctx ctx, struct heph_http_response *res,
		      const struct heph_http_mover *it, heph_fd file,
		      heph_fd to, struct heph_http_range *left)
{
	int n, err = 0;

	while (err == 0 && left->size > 0) {
		n = heph_splice(heph_http_response_ctx(ctx, res), file,
				(int64_t)left->first, it->pipe[1], -1,
				least(left->size, PIPE), SPLICE_F_MOVE);
		if (n <= 0)
			return n < 0 ? n : -ENODATA;
		left->first += (uint64_t)n;
		left->size -= (uint64_t)n;
		err = drain(ctx, res, it, to, (size_t)n,
			    left->size ? SPLICE_F_MOVE | SPLICE_F_MORE :
					 SPLICE_F_MOVE);
	}
	return err;
}

/* Returns 0, all is done; 1: it has to go the other way; an error. */
static int try_splice(heph_ctx ctx, struct heph_http_response *res,
		      struct heph_http_mover *it, heph_fd file,
		      struct heph_http_range range)
{
	struct heph_http_range left = range;
	struct heph_stream *stream;
	int err = 0;

	if (range.size < SPLICED)
		return 1;
	stream = heph_http_response_direct(ctx, res, &err);
	if (!stream)
		return err < 0 ? err : 1;
	if (open_pipe(ctx, it) < 0)
		return 1;
	err = splice_all(ctx, res, it, file, stream->fd, &left);
	return err == -EINVAL && left.size == range.size ? 1 : err;
}

int heph_http_mover_move(heph_ctx ctx, struct heph_http_request *req,
			 struct heph_http_response *res,
			 struct heph_http_mover *it, heph_fd file,
			 const struct heph_http_range *range)
{
	int err;

	if (heph_http_response_mute(res))
		return 0;
	err = try_splice(ctx, res, it, file, *range);
	if (err == 1)
		err = copy(ctx, req, res, file, *range);
	if (err < 0)
		heph_http_response_fail(res);
	return err;
}

void heph_http_mover_end(struct heph_http_mover *it)
{
	heph_close(it->pipe[0]);
	heph_close(it->pipe[1]);
}
