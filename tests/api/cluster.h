/* SPDX-License-Identifier: MIT */
/*
 * cluster.h - members of a cluster in one process, for tests of what they do
 *
 * Each has a node and a connection of its own; the broker is a real one. cluster_begin()
 * and what follows are for actors.
 */
#ifndef TEST_CLUSTER_H
#define TEST_CLUSTER_H

#include "act.h"
#include "nats_server.h"

#include <heph/remote.h>

struct member {
	heph_node node;
	heph_nats nats;
	heph_cluster cluster;
};

/* They are children of the calling actor. */
UNUSED static struct member cluster_begin(heph_ctx ctx,
					  const struct nats_server *server,
					  const char *name)
{
	struct member member;

	must_be(heph_node_start(ctx, &member.node, .name = name), 0);
	must_be(heph_nats_connect(ctx, &member.nats, .url = server->url,
				  .wait = HEPH_SEC),
		0);
	must_be(heph_cluster_join(ctx, &member.cluster, member.nats, member.node), 0);
	return member;
}

UNUSED static struct heph_cluster_stats stats_of(heph_ctx ctx, heph_cluster cluster)
{
	struct heph_cluster_stats stats;

	must_be(heph_cluster_stats(ctx, cluster, &stats), 0);
	return stats;
}

/* Waits until that holds. For actors. */
#define await_that(ctx_, expr_)                                                \
	do {                                                                   \
		heph_time until_ = heph_now() + patience();                 \
		while (!(expr_)) {                                             \
			if (heph_now() > until_)                               \
				must_failed(#expr_, __FILE__, __LINE__);       \
			must_be(heph_sleep((ctx_), HEPH_MSEC), 0);             \
		}                                                              \
	} while (0)

#endif
