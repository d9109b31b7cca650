/* SPDX-License-Identifier: MIT */
/*
 * sim_link.h - a connection: two ways, one for each direction
 *
 * What is written travels in pieces, one after the other: a piece arrives when
 * the bytes before it have, the bandwidth allows it, and the latency is over.
 * While the network is cut the first piece is sent again and again, with longer
 * and longer pauses, until the patience is over: then the sender's end of the
 * connection fails with -ETIMEDOUT, and the other end knows nothing of it.
 */
#ifndef HEPH_IO_SIM_LINK_H
#define HEPH_IO_SIM_LINK_H

#include "io/sim_file.h"
#include "io/sim_name.h"

struct heph_sim_socket;
struct heph_sim_piece;

enum { HEPH_SIM_PIECE = 4096, HEPH_SIM_WINDOW = 65536 };

/* From one end to the other. */
struct heph_sim_way {
	struct heph_sim_event arrive; /* of the first piece */
	unsigned number; /* of `from` */
	struct heph_list pieces;
	size_t bytes;      /* under way */
	heph_time last;    /* when the last piece arrives */
	heph_time stuck;   /* since when the first one does not get through; 0 */
	heph_time pause;   /* until it is sent again */
	bool mute;         /* nothing gets through, ever */
};

struct heph_sim_link {
	struct heph_list node; /* in sim->links */
	struct heph_sim *sim;
	struct heph_sim_socket *ends[2]; /* NULL: closed */
	struct heph_sim_name names[2];
	struct heph_sim_way ways[2]; /* from ends[n] */
	bool near; /* within a host, without faults */
};

struct heph_sim_link *heph_sim_link_new(struct heph_sim *sim,
					struct heph_sim_socket *from,
					struct heph_sim_socket *to,
					const struct heph_sim_name *from_name,
					const struct heph_sim_name *to_name);

/* How many bytes it takes at the moment. */
size_t heph_sim_link_room(const struct heph_sim_link *link, unsigned from);

/* Sends bytes; all of them in one piece; the end of them; a reset. */
void heph_sim_link_send(struct heph_sim_link *link, unsigned from,
			const void *data, size_t size);
void heph_sim_link_packet(struct heph_sim_link *link, unsigned from,
			  const void *data, size_t size);
void heph_sim_link_end(struct heph_sim_link *link, unsigned from);
void heph_sim_link_reset(struct heph_sim_link *link, unsigned from);

/* That end is closed; the link goes when both are and nothing is under way. */
void heph_sim_link_leave(struct heph_sim_link *link, unsigned end);

void heph_sim_link_free(struct heph_sim_link *link);

#endif
