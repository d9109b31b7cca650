/* SPDX-License-Identifier: MIT */
/*
 * udp_wire.h - a wire of datagrams
 *
 * Who connected has a socket of the wire's own, which is connected, and reads it by
 * itself. Wires of a door share a socket; the actor of the door (udp_door.h) reads it,
 * opens what is for a wire, and puts the frame into its queue, which is bounded.
 * Senders have a duplicate of the descriptor in both cases.
 *
 * All who use a wire are on one worker: nothing here is locked.
 */
#ifndef HEPH_REMOTE_UDP_WIRE_H
#define HEPH_REMOTE_UDP_WIRE_H

#include <heph/address.h>
#include <heph/heph.h>

#include "remote/udp.h"
#include "remote/udp_box.h"
#include "remote/udp_socket.h"

enum {
	HEPH_UDP_QUEUE = 1024,          /* frames that wait for the receiver */
	HEPH_UDP_QUEUE_BYTES = 4 << 20, /* and their bytes */
};

struct heph_udp_door;

/* A frame in a queue; `data` NULL: look why the wire is at its end. */
struct heph_udp_frame {
	uint8_t *data;
	size_t size;
};
void heph_udp_frame_drop(struct heph_udp_frame *frame);
HEPH_CHAN(heph_udp_frames, struct heph_udp_frame, heph_udp_frame_drop);

/* A descriptor on its way to who will use it. */
struct heph_udp_lent {
	bool there;
	struct heph_fd_handle handle;
};

struct heph_udp_wire {
	struct heph_wire wire; /* begins it */
	struct heph_udp_box box;
	struct heph_address peer;
	uint64_t key;        /* the id of the long-lived one */
	unsigned generation; /* of the keys that it was looked up in */
	char names[HEPH_NODE_NAME_MAX + 2];
	int err;    /* 0: it goes on; -ENODATA, -EKEYREVOKED, -ENETDOWN */
	bool heard; /* something of the peer's could be opened */
	bool over;  /* the peer knows of the end */
	bool told; /* a datagram that was too long for the path is in the log */

	/* the sender's */
	struct heph_udp_lent out_lent;
	heph_fd out_fd;
	uint8_t *out; /* room for a datagram */

	/* the receiver's, of one that connected */
	struct heph_udp_lent in_lent;
	heph_fd in_fd;
	struct heph_udp_reader *reader;
	struct heph_udp_frame early; /* came before `open`; in the reader */

	/* the receiver's, of a door */
	struct heph_udp_door *door; /* NULL: it connected */
	struct heph_udp_wire *next; /* in its bucket */
	heph_udp_frames_sender tx;
	heph_udp_frames_receiver rx;
	struct heph_udp_frame current;
	size_t queued; /* bytes */
};

static inline struct heph_udp_wire *heph_udp_wire_of(struct heph_wire *wire)
{
	return (struct heph_udp_wire *)wire;
}

/* A wire to `peer`, made with that key; `box` is moved into it. It holds the
 * transport. -ENOMEM. */
int heph_udp_wire_new(struct heph_udp *udp, const struct heph_address *peer,
		      const struct heph_udp_secret *key, unsigned generation,
		      struct heph_udp_box *box,
		      struct heph_udp_wire **ret_wire);

/* Frees it, of whichever kind. Does not need an actor. */
void heph_udp_wire_free(struct heph_udp_wire *wire);

/* A second descriptor for the sender. Does not wait. */
int heph_udp_wire_lend(heph_ctx ctx, struct heph_udp_wire *wire, heph_fd fd);

/* Whether it may be used: 0, or why it is at its end. */
int heph_udp_wire_check(struct heph_udp_wire *wire);

/* A datagram for it has come. Counts what is refused. Returns the size of a frame, at
 * data + HEPH_UDP_HEAD; -EAGAIN: it was none; -ENODATA: the peer has ended it. */
int heph_udp_wire_take(struct heph_udp_wire *wire, heph_time now,
		       const struct heph_udp_datagram *datagram);

/* What tells the peer that the wire is at its end. Returns the size; 0: it knows. */
int heph_udp_wire_farewell(struct heph_udp_wire *wire,
			   uint8_t ret_data[HEPH_UDP_OVERHEAD]);

/* ---- what is in struct heph_transport_type -------------------------------------------- */

int heph_udp_wire_open(heph_ctx ctx, struct heph_wire *wire);
int heph_udp_wire_open_sender(heph_ctx ctx, struct heph_wire *wire);
int heph_udp_wire_send(heph_ctx ctx, struct heph_wire *wire,
		       const struct iovec *frames, size_t n);
int heph_udp_wire_recv(heph_ctx ctx, struct heph_wire *wire,
		       const void **ret_data);
void heph_udp_wire_close_sender(heph_ctx ctx, struct heph_wire *wire);
void heph_udp_wire_close(heph_ctx ctx, struct heph_wire *wire);

#endif
