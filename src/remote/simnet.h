/* SPDX-License-Identifier: MIT */
/*
 * simnet.h - the network between nodes of one process: places, cuts, chance
 *
 * Used by several workers. Its lock guards all of it and is held for a moment, never
 * while somebody waits; what travels does so in channels.
 */
#ifndef HEPH_REMOTE_SIMNET_H
#define HEPH_REMOTE_SIMNET_H

#include <heph/heph.h>
#include <heph/remote/sim.h>

#include <pthread.h>

/* A wire on its way to who accepts it. */
struct heph_simnet_arrival {
	struct heph_wire *wire;
};
void heph_simnet_arrival_drop(struct heph_simnet_arrival *arrival);
HEPH_CHAN(heph_simnet_arrivals, struct heph_simnet_arrival,
	  heph_simnet_arrival_drop);

/* One end of a wire: the name that its transport has, and where it listens; both
 * may be empty. */
struct heph_simnet_end {
	char name[HEPH_WHERE_MAX], where[HEPH_WHERE_MAX];
};

/* A place where one listens. */
struct heph_simnet_place {
	struct heph_simnet_place *next;
	struct heph_simnet_end end;
	struct heph_transport *transport;
	heph_simnet_arrivals_sender arrivals;
};

/* Cut or joined: the latest one that is about two ends counts. */
struct heph_simnet_rule {
	struct heph_simnet_rule *next; /* that came before it */
	char *a, *b;                   /* NULL: all */
	bool cut;
};

struct heph_simnet {
	struct heph_sim_net_config config;
	uint64_t random; /* atomic: how far the seed's numbers are drawn */
	int refs;        /* atomic */

	pthread_mutex_t lock;
	struct heph_simnet_place *places;
	struct heph_simnet_rule *rules; /* read without the lock for whether there
				      * are any: atomic */
};

/* Returns one; NULL: no memory. */
struct heph_simnet *heph_simnet_make(const struct heph_sim_net_config *config);
struct heph_simnet *heph_simnet_hold(struct heph_simnet *net);
void heph_simnet_drop(struct heph_simnet *net);

/* From now on one can be reached there. Returns 0; -EADDRINUSE. */
int heph_simnet_add(struct heph_simnet *net, struct heph_simnet_place *place);
void heph_simnet_remove(struct heph_simnet *net,
			struct heph_simnet_place *place);

/* Who listens there: end, transport, which is held, and sender are the caller's
 * then. Returns 0; -ECONNREFUSED. */
int heph_simnet_find(struct heph_simnet *net, const char *where,
		     struct heph_simnet_place *ret_place);

int heph_simnet_rule(struct heph_simnet *net, const char *a, const char *b,
		     bool cut);
bool heph_simnet_is_cut(struct heph_simnet *net,
			const struct heph_simnet_end *a,
			const struct heph_simnet_end *b);

/* Draws: a number below `n`, which is not 0; whether something of that likelihood
 * happens; how long something travels. */
uint64_t heph_simnet_below(heph_ctx ctx, struct heph_simnet *net, uint64_t n);
bool heph_simnet_chance(heph_ctx ctx, struct heph_simnet *net, double likely);
heph_time heph_simnet_latency(heph_ctx ctx, struct heph_simnet *net);

#endif
