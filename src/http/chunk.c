/* SPDX-License-Identifier: MIT */
#include "http/chunk.h"

#include "http/conn.h"
#include "http/put.h"

enum {
	LINE = 6,        /* bytes of "0000\r\n" */
	DIRECT = 4 << 10, /* bytes that are a chunk of their own */
};

void heph_http_chunk_close(struct heph_http_out *out)
{
	unsigned size, at;

	if (!out->chunk)
		return;
	at = out->chunk - 1;
	size = out->used - at - LINE;
	for (int i = 3; i >= 0; i--, size >>= 4)
		out->data[at + (unsigned)i] = "0123456789abcdef"[size & 15];
	out->data[out->used++] = '\r';
	out->data[out->used++] = '\n';
	out->chunk = 0;
}

/* One that is not copied. */
static int write_large(struct heph_http_conn *conn, heph_ctx ctx,
		       const char *data, size_t size)
{
	char *at;
	int err = heph_http_conn_room(conn, ctx, 32, &at);

	if (err < 0)
		return err;
	heph_http_chunk_close(conn->out);
	at = heph_http_put_hex(conn->out->data + conn->out->used, size);
	heph_http_conn_wrote(conn, HEPH_HTTP_PUT(at, "\r\n"));
	err = heph_http_conn_write(conn, ctx, data, size);
	return err < 0 ? err : heph_http_conn_write(conn, ctx, "\r\n", 2);
}

/* As much as there is room for. */
static int write_part(struct heph_http_conn *conn, heph_ctx ctx,
		      const char *data, size_t size)
{
	struct heph_http_out *out;
	size_t room;
	char *at;
	int err = heph_http_conn_room(conn, ctx, LINE + 1, &at);

	if (err < 0)
		return err;
	out = conn->out;
	if (!out->chunk) {
		out->chunk = out->used + 1;
		at = HEPH_HTTP_PUT(at, "0000\r\n");
	}
	room = (size_t)(out->data + sizeof(out->data) - 2 - at);
	size = size < room ? size : room;
	heph_http_conn_wrote(conn, heph_http_put(at, data, size));
	return (int)size;
}

int heph_http_chunk_write(struct heph_http_conn *conn, heph_ctx ctx,
			  const char *data, size_t size)
{
	int n;

	if (size >= DIRECT)
		return write_large(conn, ctx, data, size);
	for (; size > 0; data += n, size -= (size_t)n) {
		n = write_part(conn, ctx, data, size);
		if (n < 0)
			return n;
	}
	return 0;
}

int heph_http_chunk_end(struct heph_http_conn *conn, heph_ctx ctx,
			struct heph_str trailers)
{
	char *at;
	int err = heph_http_conn_room(conn, ctx, 8, &at);

	if (err < 0)
		return err;
	heph_http_chunk_close(conn->out);
	at = conn->out->data + conn->out->used;
	heph_http_conn_wrote(conn, HEPH_HTTP_PUT(at, "0\r\n"));
	err = heph_http_conn_write(conn, ctx, trailers.data, trailers.size);
	return err < 0 ? err : heph_http_conn_write(conn, ctx, "\r\n", 2);
}
