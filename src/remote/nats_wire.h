/* SPDX-License-Identifier: MIT */
/*
 * nats_wire.h - a wire over NATS: two subjects that nobody else knows
 *
 * Each side subscribes to one and publishes to the other. A message is
 *
 *     0  kind      1 byte: FRAMES or END
 *     1  zero      3 bytes
 *     4  number    8 bytes, little-endian: 1, 2, 3 ... in that direction
 *     12 frames    each after its length, 4 bytes
 *
 * A number that is missing is the end of the wire, and so is the broker's word that
 * nobody subscribes to the other side's subject any more: each message asks for it.
 *
 * Who connects sends "HNW1" and his subject to the door, and gets back "HNW1" and that
 * of the other side, or nothing: refused.
 */
#ifndef HEPH_REMOTE_NATS_WIRE_H
#define HEPH_REMOTE_NATS_WIRE_H

#include "remote/nats_link.h"

enum {
	HEPH_NATS_WIRE_HEAD = 12,
	HEPH_NATS_WIRE_LENGTH = 4,
	HEPH_NATS_WIRE_PACK = 64 << 10, /* bytes of a message of several frames */
};

struct heph_nats_wire {
	struct heph_wire base;
	struct heph_ending ending; /* of who receives */
	struct heph_nats_link *link;
	struct heph_nats_sub *sub; /* NULL: not open */
	char own[HEPH_NATS_SUBJECT_MAX], peer[HEPH_NATS_SUBJECT_MAX];
	char reply[HEPH_NATS_SUBJECT_MAX]; /* accepted, and not answered: where to */
	uint64_t sent, received;           /* numbers */
	struct heph_nats_msg *msg;         /* the one that frames are lent from */
	size_t at;                         /* of the next one there */
	bool ended; /* by the other side, which need not be told */
};

/* Any thread; holds the link. NULL: no memory. */
struct heph_nats_wire *heph_nats_wire_new(struct heph_transport *transport,
					  struct heph_nats_link *link);
/* Does not wait. Gives all back. */
void heph_nats_wire_free(struct heph_nats_wire *wire);

/* "HNW1" and a subject. Returns 0; -ENOMEM. And back: 0; -EPROTO. */
int heph_nats_wire_hello(const struct heph_nats_wire *wire, const char *subject,
			 struct heph_nats_msg **ret_msg);
int heph_nats_wire_greeted(struct heph_nats_wire *wire,
			   const struct heph_nats_msg *msg);

/* As the transport's functions of these names. */
int heph_nats_wire_send(heph_ctx ctx, struct heph_wire *wire,
			const struct iovec *frames, size_t n);
int heph_nats_wire_recv(heph_ctx ctx, struct heph_wire *wire, const void **ret_data);
void heph_nats_wire_end(struct heph_nats_wire *wire); /* tells the other side */

#endif
