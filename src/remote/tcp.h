/* SPDX-License-Identifier: MIT */
/*
 * tcp.h - frames over stream sockets
 *
 * tcp.c is about sockets: doors, connecting, who the peer is. tcpwire.c is about
 * bytes: what is a frame in what has come, and how many are written at a time.
 * tcptls.c makes it safe.
 */
#ifndef HEPH_REMOTE_TCP_WIRE_H
#define HEPH_REMOTE_TCP_WIRE_H

#include <heph/heph.h>
#include <heph/remote/tcp.h>

struct heph_tls;

enum {
	HEPH_TCP_LENGTH = 4, /* bytes before a frame */
	HEPH_TCP_PIECES = 64, /* of memory that are written at a time */
	HEPH_TCP_WARNED = 64,
	HEPH_TCP_GATHERED = 8192, /* bytes of small frames, in one of them */
};

struct heph_tcp {
	struct heph_transport base;
	struct heph_tls *accepts, *connects; /* NULL: it is plain */
	uint32_t warned[HEPH_TCP_WARNED]; /* atomic: hashes of addresses that a
					   * warning was about */
};

struct heph_tcp_wire {
	struct heph_wire base;
	struct heph_fd_handle fd;         /* until it is opened */
	bool accepted;                    /* else connected */
	bool taken;                       /* `fd` is that of `in` now */
	struct heph_stream_handle sender; /* until that is opened */
	char *names;

	/* receiving */
	struct heph_stream in;
	const char *view; /* what of the stream's has not been looked at */
	size_t view_size;
	unsigned char length[HEPH_TCP_LENGTH]; /* of a frame that is to come */
	unsigned length_size; /* bytes of that which are there */
	unsigned char *frame; /* one that comes in parts; NULL: none */
	size_t frame_size, frame_room;
	bool lent; /* `frame` is whole and in use */

	/* sending */
	struct heph_stream out;
	struct iovec pieces[HEPH_TCP_PIECES];
	unsigned n_pieces;
	unsigned gathered_size;
	unsigned char gathered[HEPH_TCP_GATHERED];
};

/* As struct heph_transport_type has it. */
int heph_tcp_send(heph_ctx ctx, struct heph_wire *wire,
		  const struct iovec *frames, size_t n);
int heph_tcp_recv(heph_ctx ctx, struct heph_wire *wire, const void **ret_data);

/* Frees what receiving has. */
void heph_tcp_recv_end(struct heph_tcp_wire *wire);

#endif
