/* SPDX-License-Identifier: MIT */
/*
 * Frames in a stream: each after its length.
 *
 * Small ones are copied together before they are written, as that costs less than
 * another piece of memory to write from; large ones are written from where they are.
 *
 * What comes lies in views, which are the stream's memory. A frame that is whole in
 * one is lent from there; one that is not is put together in memory of its own,
 * which grows with what has really come: who only says that a large frame follows
 * gets no memory for it.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/tcp.h"

enum {
	SMALL = 512,      /* bytes of a frame that is copied */
	ROOM = 16 * 1024, /* that a frame which comes in parts begins with */
};

/* ---- sending ---------------------------------------------------------------------- */

/* Copies it behind what was gathered. */
static void gather(struct heph_tcp_wire *wire, const void *data, size_t size)
{
	unsigned char *to = wire->gathered + wire->gathered_size;
	struct iovec *next = &wire->pieces[wire->n_pieces];

	memcpy(to, data, size);
	wire->gathered_size += (unsigned)size;
	if (wire->n_pieces > 0 &&
	    (unsigned char *)next[-1].iov_base + next[-1].iov_len == to)
		next[-1].iov_len += size;
	else
		wire->pieces[wire->n_pieces++] = (struct iovec){ to, size };
}

static bool has_room(const struct heph_tcp_wire *wire, size_t size)
{
	size_t copied = HEPH_TCP_LENGTH + (size <= SMALL ? size : 0);

	return wire->n_pieces + 2 <= HEPH_TCP_PIECES &&
	       wire->gathered_size + copied <= HEPH_TCP_GATHERED;
}

static void add_frame(struct heph_tcp_wire *wire, const struct iovec *frame)
{
	uint32_t length = htole32((uint32_t)frame->iov_len);

	gather(wire, &length, sizeof(length));
	if (frame->iov_len <= SMALL)
		gather(wire, frame->iov_base, frame->iov_len);
	else
		wire->pieces[wire->n_pieces++] = *frame;
}

static int write_out(heph_ctx ctx, struct heph_tcp_wire *wire)
{
	int err = heph_stream_write(ctx, &wire->out, wire->pieces,
				    wire->n_pieces);

	wire->n_pieces = 0;
	wire->gathered_size = 0;
	return err;
}

int heph_tcp_send(heph_ctx ctx, struct heph_wire *base,
		  const struct iovec *frames, size_t n)
{
	struct heph_tcp_wire *wire = (struct heph_tcp_wire *)base;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (!frames[i].iov_len ||
		    frames[i].iov_len > base->transport->frame_max)
			return -EMSGSIZE;
	for (size_t i = 0; i < n && err == 0; i++) {
		if (!has_room(wire, frames[i].iov_len))
			err = write_out(ctx, wire);
		if (err == 0)
			add_frame(wire, &frames[i]);
	}
	return err == 0 && n > 0 ? write_out(ctx, wire) : err;
}

/* ---- receiving --------------------------------------------------------------------- */

void heph_tcp_recv_end(struct heph_tcp_wire *wire)
{
	heph_remote_mem_free(wire->frame);
	wire->frame = NULL;
	wire->frame_size = wire->frame_room = 0;
	wire->lent = false;
}

/* Waits, and nothing of what came before is in use. */
static int read_more(heph_ctx ctx, struct heph_tcp_wire *wire)
{
	bool between = wire->length_size == 0;
	char *view;
	int n;

	n = heph_stream_read(ctx, &wire->in, &view);
	if (n > 0) {
		wire->view = view;
		wire->view_size = (size_t)n;
		wire->base.came += (size_t)n;
		return 0;
	}
	if (n == 0)
		return between ? -ENODATA : -ECONNRESET;
	return n;
}

static size_t take(struct heph_tcp_wire *wire, void *to, size_t wanted)
{
	size_t n = wanted < wire->view_size ? wanted : wire->view_size;

	memcpy(to, wire->view, n);
	wire->view += n;
	wire->view_size -= n;
	return n;
}

/* Whether the length of the next frame has come; takes it. */
static bool take_length(struct heph_tcp_wire *wire, size_t *ret_size)
{
	uint32_t length;

	wire->length_size +=
		(unsigned)take(wire, wire->length + wire->length_size,
			       HEPH_TCP_LENGTH - wire->length_size);
	if (wire->length_size < HEPH_TCP_LENGTH)
		return false;
	memcpy(&length, wire->length, sizeof(length));
	*ret_size = le32toh(length);
	return true;
}

/* Room for what the view has of a frame of `size` bytes. */
static int make_room(struct heph_tcp_wire *wire, size_t size)
{
	size_t need = wire->frame_size + wire->view_size,
	       room = wire->frame_room ? 2 * wire->frame_room : ROOM;
	void *grown;

	if (room < need)
		room = need;
	if (room > size)
		room = size;
	if (wire->frame_room >= room || wire->frame_room >= need)
		return 0;
	grown = heph_remote_mem_grow(wire->frame, room);
	if (!grown)
		return -ENOMEM;
	wire->frame = grown;
	wire->frame_room = room;
	return 0;
}

/* Puts what has come to the part of the frame that came before. */
static int assemble(struct heph_tcp_wire *wire, size_t size,
		    const void **ret_data)
{
	int err;

	if (wire->view_size == 0)
		return -EAGAIN;
	err = make_room(wire, size);
	if (err < 0)
		return err;
	wire->frame_size += take(wire, wire->frame + wire->frame_size,
				 size - wire->frame_size);
	if (wire->frame_size < size)
		return -EAGAIN;
	wire->length_size = 0;
	wire->lent = true;
	*ret_data = wire->frame;
	return (int)size;
}

static size_t frame_max(const struct heph_wire *wire)
{
	return wire->frame_max ? wire->frame_max : wire->transport->frame_max;
}

/* One that has come in parts, or whose end has not come. -EAGAIN: more must come. */
static int cut_parts(struct heph_tcp_wire *wire, const void **ret_data)
{
	size_t size;

	if (wire->view_size == 0 || !take_length(wire, &size))
		return -EAGAIN;
	if (size == 0 || size > frame_max(&wire->base))
		return -EPROTO;
	return assemble(wire, size, ret_data);
}

/* The next frame. It lies in the view, most often, as a whole. */
static int cut_frame(struct heph_tcp_wire *wire, const void **ret_data)
{
	uint32_t size;

	if (wire->length_size > 0 || wire->view_size < HEPH_TCP_LENGTH)
		return cut_parts(wire, ret_data);
	memcpy(&size, wire->view, sizeof(size));
	size = le32toh(size);
	if (size - 1 >= wire->view_size - HEPH_TCP_LENGTH ||
	    size > frame_max(&wire->base))
		return cut_parts(wire, ret_data);
	*ret_data = wire->view + HEPH_TCP_LENGTH;
	wire->view += HEPH_TCP_LENGTH + size;
	wire->view_size -= HEPH_TCP_LENGTH + size;
	return (int)size;
}

int heph_tcp_recv(heph_ctx ctx, struct heph_wire *base, const void **ret_data)
{
	struct heph_tcp_wire *wire = (struct heph_tcp_wire *)base;
	int n, err;

	if (wire->lent)
		heph_tcp_recv_end(wire);
	while ((n = cut_frame(wire, ret_data)) == -EAGAIN) {
		err = read_more(ctx, wire);
		if (err < 0)
			return err;
	}
	return n;
}
