/* SPDX-License-Identifier: MIT */
/* cluster_main.h - the actor of a cluster that others ask: cluster_state.h */
#ifndef HEPH_REMOTE_CLUSTER_MAIN_H
#define HEPH_REMOTE_CLUSTER_MAIN_H

#include "remote/cluster_state.h"
#include "remote/mem.h"

struct heph_cluster_list {
	struct heph_member *members; /* from malloc(3) */
	size_t n;
};
static inline void heph_cluster_list_drop(struct heph_cluster_list *list)
{
	heph_remote_mem_free(list->members);
}
HEPH_ONESHOT(heph_cluster_list, struct heph_cluster_list, heph_cluster_list_drop);

struct heph_cluster_share {
	struct heph_cluster_shared *shared; /* a reference */
};
static inline void heph_cluster_share_drop(struct heph_cluster_share *share)
{
	heph_cluster_shared_unref(share->shared);
}
HEPH_ONESHOT(heph_cluster_share, struct heph_cluster_share, heph_cluster_share_drop);

struct heph_cluster_msg {
	enum {
		HEPH_CLUSTER_ASK_JOIN,
		HEPH_CLUSTER_ASK_WATCH,
		HEPH_CLUSTER_ASK_MEMBERS,
		HEPH_CLUSTER_ASK_CLAIM,
		HEPH_CLUSTER_ASK_RELEASE,
		HEPH_CLUSTER_ASK_FIND,
		HEPH_CLUSTER_ASK_HOLDS,
		HEPH_CLUSTER_ASK_STATS,
		HEPH_CLUSTER_ASK_SHARE,
	} kind;
	struct heph_addr watcher;
	struct heph_cluster_claim *claim; /* of a CLAIM */
	enum heph_cluster_kind what;      /* of a RELEASE */
	char name[HEPH_CLUSTER_NAME_MAX + 1];
	uint64_t hash, token;
	bool wait;
	heph_cluster_list_sender list;   /* of MEMBERS */
	heph_cluster_share_sender share; /* of SHARE */
	union {
		HEPH_REPLY(int) result;
		HEPH_REPLY(int64_t) claimed; /* the token; 0 of a name */
		HEPH_REPLY(struct heph_cluster_found) found;
		HEPH_REPLY(struct heph_cluster_stats) stats;
	};
};
struct heph_cluster_main_arg {
	struct heph_cluster_state *state;
};
HEPH_ACTOR(heph_cluster_main, struct heph_cluster_msg, struct heph_cluster_main_arg);

static inline heph_cluster_main_ref heph_cluster_main_of(heph_cluster cluster)
{
	return (heph_cluster_main_ref){ { .addr = cluster.addr } };
}

/* Gives back what its state holds, which was used (heph_nats_use()). */
void heph_cluster_state_free(void *state);

#endif
