/* SPDX-License-Identifier: MIT */
/*
 * cluster_shared.h - what the actors of a cluster have in common
 *
 *     cluster (actor) --- shared ---+--- serving     those who serve a subject
 *                                   +--- subjects    references that stand for one
 *                                   +--- durable     those who take from an inbox
 *
 * The cluster's own actor makes it when it has joined, gives it to who asks, and closes
 * it at its end. The others are children of whoever called heph_cluster_serve() and so
 * on, on that one's worker; they are listed here, so that they can be found by name and
 * end with the cluster. Counted; of any thread.
 */
#ifndef HEPH_REMOTE_CLUSTER_SHARED_H
#define HEPH_REMOTE_CLUSTER_SHARED_H

#include <heph/remote/cluster.h>

#include <pthread.h>
#include <stdatomic.h>

struct heph_nats_link;

enum heph_cluster_part_kind {
	HEPH_CLUSTER_SERVING,
	HEPH_CLUSTER_SUBJECT,
	HEPH_CLUSTER_DURABLE,
	HEPH_CLUSTER_PARTS,
};

/* One of them. Part of what that actor has on the heap. */
struct heph_cluster_part {
	struct heph_cluster_part *next, **at;
	enum heph_cluster_part_kind kind;
	const char *name;      /* its subject, or inbox; its own */
	struct heph_addr addr; /* of it; { 0 }: it has not begun */
	bool ends;             /* it is not wanted any more */
};

struct heph_cluster_shared {
	struct heph_nats_link *link; /* held */
	heph_cluster cluster;
	heph_node node;
	/* By which nodes of the cluster reach each other; held; NULL before it has joined. */
	struct heph_transport *transport;
	unsigned replicas; /* of streams that are made */
	enum heph_format format; /* of messages that are sent */

	/* Of struct heph_cluster_stats. */
	_Atomic uint64_t lost, refused, redelivered, given_up;
	_Atomic unsigned parts[HEPH_CLUSTER_PARTS];

	_Atomic unsigned refs;
	pthread_mutex_t lock; /* guards what follows; held for a few steps */
	bool closed;
	struct heph_cluster_part *list;
};

/* Holds the link, too; `replicas` 0 is 1. Returns 0, and there is one reference; -ENOMEM. */
int heph_cluster_shared_new(struct heph_cluster_shared **ret_shared,
			    struct heph_nats_link *link, heph_node node,
			    unsigned replicas);
struct heph_cluster_shared *
heph_cluster_shared_ref(struct heph_cluster_shared *shared);
void heph_cluster_shared_unref(struct heph_cluster_shared *shared); /* NULL is ignored */

/* The cluster has been left: those in the list are asked to stop, nobody comes in. */
void heph_cluster_shared_close(struct heph_cluster_shared *shared);

/* Given by the cluster's actor (cluster.c). Waits. Returns 0, and the reference is the
 * caller's; -ESRCH (it has left), -ETIME, -ECANCELED. */
HEPH_MUST int heph_cluster_shared_of(heph_ctx ctx, heph_cluster cluster,
				     struct heph_cluster_shared **ret_shared);

/* Given by the same. Waits. A reference that came as bytes as an actor here: connects to
 * its node, if that is a member and no peer yet. Returns 0; what heph_raw_node_ref_in()
 * does; -EHOSTUNREACH (of no member); -EHOSTDOWN (its node does not answer in
 * `patience`); -ETIME, -ECANCELED. */
HEPH_MUST int heph_cluster_reach(heph_ctx ctx, struct heph_cluster_shared *shared,
				 const struct heph_remote_actor *remote,
				 const uint8_t wire[HEPH_WIRE_REF], heph_time patience,
				 struct heph_addr *ret_addr);

/* Puts one into the list, before its actor begins; `part` has its kind and name. Of
 * HEPH_CLUSTER_DURABLE there is one of a name. Returns 0; -EEXIST; -ESRCH (closed). */
HEPH_MUST int heph_cluster_part_add(struct heph_cluster_shared *shared,
				    struct heph_cluster_part *part);
/* Its actor has begun. Returns 0; -ECANCELED: it is not wanted any more. */
HEPH_MUST int heph_cluster_part_begin(struct heph_cluster_shared *shared,
				      struct heph_cluster_part *part,
				      struct heph_addr addr);
void heph_cluster_part_remove(struct heph_cluster_shared *shared,
			      struct heph_cluster_part *part);

/* Asks those of that kind and name to stop. Returns whether there is any, and one of them. */
bool heph_cluster_part_stop(struct heph_cluster_shared *shared,
			    enum heph_cluster_part_kind kind, const char *name,
			    struct heph_addr *ret_addr);
/* Waits. Asks those of that kind and name to stop, and waits until they have ended.
 * Returns 0; -ENOENT (there was none); -ETIME, -ECANCELED. */
HEPH_MUST int heph_cluster_part_end(heph_ctx ctx, heph_cluster cluster,
				    enum heph_cluster_part_kind kind,
				    const char *name);

#endif
