/* SPDX-License-Identifier: MIT */
/*
 * client_wire.h - a connection, and what has come on it that nobody has read
 *
 * Used by the actor that owns it.
 */
#ifndef HEPH_HTTP_CLIENT_WIRE_H
#define HEPH_HTTP_CLIENT_WIRE_H

#include <heph/heph.h>

struct heph_http_wire {
	struct heph_stream stream;
	char *data; /* what has come and is not read: a view of the stream */
	size_t n;
	heph_time opened;
	bool open;
	bool ended; /* the peer has ended its half */
	bool used;  /* there were requests before this one */
	uint64_t got; /* bytes since the request was begun */
};

/* Waits, if all is read. More bytes, at `data`. Returns how many there are; 0: the
 * peer has ended its half; a negative errno. */
int heph_http_wire_fill(heph_ctx ctx, struct heph_http_wire *wire)
	__attribute__((warn_unused_result));

/* So many bytes are read; they stay where they are until the next fill. */
static inline void heph_http_wire_skip(struct heph_http_wire *wire, size_t n)
{
	wire->data += n;
	wire->n -= n;
}

/* Waits. Writes all pieces; `patience` is how long each 256 KiB of them may take.
 * Returns 0. */
int heph_http_wire_write(heph_ctx ctx, struct heph_http_wire *wire,
			 const struct iovec *pieces, size_t n,
			 heph_time patience)
	__attribute__((warn_unused_result));

/* Waits until something has come, or there is room to write, as far as can be
 * told. 1: something has come; 0: there is room. */
int heph_http_wire_ready(heph_ctx ctx, struct heph_http_wire *wire,
			 heph_time patience)
	__attribute__((warn_unused_result));

/* Waits until something has come: 1; 0: it is later than `when`. */
int heph_http_wire_await(heph_ctx ctx, struct heph_http_wire *wire,
			 heph_time when) __attribute__((warn_unused_result));

void heph_http_wire_close(heph_ctx ctx, struct heph_http_wire *wire);

#endif
