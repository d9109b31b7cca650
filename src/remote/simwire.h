/* SPDX-License-Identifier: MIT */
/*
 * simwire.h - wires through memory
 *
 * A wire has two channels, one for each direction. Each frame in one carries the
 * time at which it arrives; who receives takes what is in the channel, keeps it
 * sorted by that time, and waits for the first.
 *
 * What is lost without a word: a datagram, or all that follows in that direction
 * of a stream, as a stream has no gaps. The direction is mute then: what is sent
 * is thrown away, and also its end is not told, so its channel is kept until
 * both have closed the wire.
 */
#ifndef HEPH_REMOTE_SIMWIRE_H
#define HEPH_REMOTE_SIMWIRE_H

#include "remote/simnet.h"

enum { HEPH_SIMNET_SORTED = 64 }; /* frames that have come before their time */

/* The network as one node sees it. */
struct heph_simnet_transport {
	struct heph_transport base;
	struct heph_simnet *net;
	char name[HEPH_WHERE_MAX];
};

struct heph_simnet_frame {
	unsigned char *data;
	size_t size;
	heph_time due;   /* all of it has come */
	heph_time takes; /* so long before its first byte has */
};

void heph_simnet_frame_drop(struct heph_simnet_frame *frame);
HEPH_CHAN(heph_simnet_frames, struct heph_simnet_frame, heph_simnet_frame_drop);

/* What both ends have in common. */
struct heph_simnet_link {
	int refs;                       /* atomic: ends that are not closed */
	struct heph_simnet_end ends[2]; /* who has connected, who has accepted */
	heph_simnet_frames_sender
		kept[2]; /* of directions that have ended in silence */
};

struct heph_simnet_wire {
	struct heph_wire base;
	struct heph_simnet *net;
	struct heph_simnet_link *link;
	int side; /* which of the link's ends it is */

	/* sending */
	heph_simnet_frames_sender tx;
	bool mute;
	heph_time busy; /* until then others go: bytes_per_sec */
	heph_time last; /* when the latest one arrives; of streams */

	/* receiving */
	heph_simnet_frames_receiver rx;
	bool ended;             /* nothing more is in the channel */
	unsigned char *current; /* lent to who receives */
	size_t counted;         /* bytes of the first one that are in `came` */
	struct heph_simnet_frame sorted[HEPH_SIMNET_SORTED];
	unsigned n;
};

/* Both ends of a link, which they hold from now on. Returns 0; -ENOMEM. */
int heph_simnet_wires_new(struct heph_simnet_transport *near,
			  struct heph_simnet_transport *far,
			  struct heph_simnet_link *link,
			  struct heph_simnet_wire *ret_wires[2]);
void heph_simnet_wire_free(struct heph_simnet_wire *wire);

/* Gives back a hold of it. */
void heph_simnet_link_free(struct heph_simnet_link *link);

/* Whatever follows in that direction is its end. */
void heph_simnet_wire_end(struct heph_simnet_wire *wire);

/* As struct heph_transport_type has it. */
int heph_simnet_send(heph_ctx ctx, struct heph_wire *wire,
		     const struct iovec *frames, size_t n);
int heph_simnet_recv(heph_ctx ctx, struct heph_wire *wire,
		     const void **ret_data);

#endif
