/* SPDX-License-Identifier: MIT */
#include "http/client_wire.h"

/* A write is cut into pieces of this size, so that its progress can be seen. */
enum { PIECE = 256 << 10, PIECES_MAX = 4 };

int heph_http_wire_fill(heph_ctx ctx, struct heph_http_wire *wire)
{
	int n;

	if (wire->n)
		return (int)wire->n;
	if (wire->ended)
		return 0;
	n = heph_stream_read(ctx, &wire->stream, &wire->data);
	if (n == 0)
		wire->ended = true;
	if (n <= 0)
		return n;
	wire->n = (size_t)n;
	wire->got += (size_t)n;
	return n;
}

/* The next ones of the bytes that `pieces` are, from `*at` of the first on: at most
 * PIECE of them. */
static size_t cut(const struct iovec *pieces, size_t n, size_t at,
		  struct iovec *to, size_t *ret_n)
{
	size_t size = 0, used = 0;

	for (size_t i = 0; i < n && used < PIECES_MAX && size < PIECE; i++) {
		char *base = (char *)pieces[i].iov_base + at;
		size_t left = pieces[i].iov_len - at;

		at = 0;
		if (left > PIECE - size)
			left = PIECE - size;
		if (left == 0)
			continue;
		to[used++] = (struct iovec){ base, left };
		size += left;
	}
	*ret_n = used;
	return size;
}

int heph_http_wire_write(heph_ctx ctx, struct heph_http_wire *wire,
			 const struct iovec *pieces, size_t n,
			 heph_time patience)
{
	struct iovec some[PIECES_MAX];
	size_t at = 0, size, n_some;
	int err;

	while ((size = cut(pieces, n, at, some, &n_some)) > 0) {
		err = heph_stream_write(heph_within(ctx, patience),
					&wire->stream, some, n_some);
		if (err < 0)
			return err;
		for (at += size; n && at >= pieces->iov_len; pieces++, n--)
			at -= pieces->iov_len;
	}
	return 0;
}

int heph_http_wire_ready(heph_ctx ctx, struct heph_http_wire *wire,
			 heph_time patience)
{
	int which;

	if (wire->n)
		return 1;
	which = heph_wait(heph_within(ctx, patience),
			  heph_on_readable(wire->stream.fd),
			  heph_on_writable(wire->stream.fd));
	if (which == -EOPNOTSUPP)
		return 0; /* a plain thread cannot tell */
	return which < 0 ? which : which == 0;
}

int heph_http_wire_await(heph_ctx ctx, struct heph_http_wire *wire,
			 heph_time when)
{
	int which;

	if (wire->n)
		return 1;
	which = heph_wait(ctx, heph_on_readable(wire->stream.fd),
			  heph_on_time(when));
	if (which == -EOPNOTSUPP)
		return 0;
	return which < 0 ? which : which == 0;
}

void heph_http_wire_close(heph_ctx ctx, struct heph_http_wire *wire)
{
	if (!wire->open)
		return;
	heph_stream_close(ctx, &wire->stream);
	wire->open = false;
	wire->data = NULL;
	wire->n = 0;
}
