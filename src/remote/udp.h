/* SPDX-License-Identifier: MIT */
/* udp.h - a transport of datagrams, and what its doors and wires have in common */
#ifndef HEPH_REMOTE_UDP_INSIDE_H
#define HEPH_REMOTE_UDP_INSIDE_H

#include <heph/remote/udp.h>

#include <pthread.h>

#include "remote/udp_keys.h"

struct heph_udp {
	struct heph_transport transport; /* begins it */
	bool plain;
	size_t datagram;
	heph_time rekey;
	unsigned peers;

	uint64_t who; /* of this transport, random; atomic; 0: not drawn yet */
	struct heph_udp_stats stats; /* atomic */
	bool told[5];                /* the same, in the log; atomic */

	unsigned generation;  /* of the keys; atomic */
	pthread_mutex_t lock; /* guards `keys` */
	struct heph_udp_keys *keys;
};

extern const struct heph_transport_type heph_udp_type;

static inline struct heph_udp *heph_udp_of(struct heph_transport *transport)
{
	return (struct heph_udp *)transport;
}

/* The keys now, held once more; and their generation. Any thread. */
struct heph_udp_keys *heph_udp_keys_now(struct heph_udp *udp,
					unsigned *ret_generation);
unsigned heph_udp_generation(const struct heph_udp *udp);

/* Random bytes: of the seed in a simulated world. Does not wait. */
void heph_udp_random(heph_ctx ctx, void *buf, size_t size);

/* The number of this transport, among all that there are. Does not wait. */
uint64_t heph_udp_who(heph_ctx ctx, struct heph_udp *udp);

/* What was refused, or not sent. The first of each kind is told in the log. Any
 * thread. */
enum heph_udp_why {
	HEPH_UDP_FORGED,
	HEPH_UDP_REPLAYED,
	HEPH_UDP_STRANGE,
	HEPH_UDP_FULL,
	HEPH_UDP_UNSENT,
};
struct heph_address;
void heph_udp_count(struct heph_udp *udp, enum heph_udp_why why,
		    const struct heph_address *peer, int err);

/* By what opening one has returned. */
void heph_udp_refuse(struct heph_udp *udp, int err,
		     const struct heph_address *peer);

#endif
