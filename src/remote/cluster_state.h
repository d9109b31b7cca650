/* SPDX-License-Identifier: MIT */
/*
 * cluster_state.h - what the actors of a cluster share
 *
 *     cluster --+-- sync      keeps the copy of the registry as the broker has it
 *               +-- renewer   joins, renews, says when this node is cut off
 *               +-- judge     says when others are down
 *               +-- herald    one for each who watches
 *               +-- claim     one for each name and each lease of this node
 *
 * All of them are on one worker, so there are no locks, and what is here may change
 * whenever one of them waits. Who wants to know of changes has a struct
 * heph_cluster_ear in the list, and gets a message.
 */
#ifndef HEPH_REMOTE_CLUSTER_STATE_H
#define HEPH_REMOTE_CLUSTER_STATE_H

#include "remote/cluster_map.h"
#include "remote/cluster_shared.h"
#include "remote/cluster_store.h"

struct heph_cluster_state;

/* Wakes an actor. One message is as good as several. */
struct heph_cluster_wake {
	enum {
		HEPH_CLUSTER_CHANGED,
		HEPH_CLUSTER_RELEASE, /* of a claim: give it up */
	} kind;
	HEPH_REPLY(int) released;
};

/* An actor that wants to know when a key changes, or who is a member. */
struct heph_cluster_ear {
	struct heph_cluster_ear *next, **at;
	char key[HEPH_CLUSTER_KEY_MAX]; /* "": only the latter */
	struct heph_addr addr;          /* takes struct heph_cluster_wake */
};

/* Another node, or this one, as its entry says. */
struct heph_cluster_peer {
	struct heph_cluster_peer *next;
	struct heph_cluster_owner owner;
	char name[HEPH_NODE_NAME_MAX + 1];
	char key[HEPH_CLUSTER_KEY_MAX];
	heph_time lease;
	heph_time heard; /* when its entry has changed the last time, as far as we know */
	bool up;
};

enum heph_cluster_standing {
	HEPH_CLUSTER_JOINING, /* for the first time */
	HEPH_CLUSTER_IN,
	HEPH_CLUSTER_CUT,
};

struct heph_cluster_waiting; /* who waits for a name: cluster_names.c */
struct heph_cluster_herald_list;

/* A name or lease of this node, or one that it is to get. On the heap, of its actor. */
struct heph_cluster_claim {
	struct heph_cluster_claim *next, **at;
	struct heph_cluster_state *state;
	enum heph_cluster_kind kind;
	char name[HEPH_CLUSTER_NAME_MAX + 1];
	char key[HEPH_CLUSTER_KEY_MAX];
	struct heph_cluster_value value; /* what is put; the owner is filled in */
	struct heph_addr self;
	struct heph_addr target, holder; /* it is given up when one of them ends; the
					  * actor of a name, and an actor that ends
					  * with who asked for it */
	struct heph_reply reply; /* of an int64_t: an error, the token of a lease, 0 */
	bool held;
	bool trying;  /* it is being put */
	bool leaving; /* it is being given up */
	bool unsure;  /* the answer to an attempt was lost */
	uint64_t revision, token; /* if it is held */
};

struct heph_cluster_state {
	struct heph_nats_link *link; /* held */
	struct heph_cluster_shared *shared;
	struct heph_cluster_config config;
	char name[HEPH_NODE_NAME_MAX + 1]; /* of this node */
	char key[HEPH_CLUSTER_KEY_MAX];    /* of its entry */

	/* This node as a member: the renewer's. */
	enum heph_cluster_standing standing;
	struct heph_cluster_owner self;
	heph_time valid_until; /* nobody thinks before that we are down */
	uint64_t cuts;

	/* The copy of the registry: sync's. */
	struct heph_cluster_map map;
	struct heph_cluster_bucket bucket; /* `last`: all changes up to that are in it */
	uint64_t snapshots; /* so many were read; 0: it is not there yet */
	int64_t wanted;     /* the bucket that it should be of, by `created` */
	bool synced;        /* nothing is missing, as far as we know */
	struct heph_addr sync;

	struct heph_cluster_peer *peers; /* by name, in no order */
	struct heph_cluster_ear *ears;
	struct heph_cluster_claim *claims;
	struct heph_cluster_waiting *waiting;
	struct heph_cluster_herald_list *heralds;
	uint64_t refused; /* entries that are not ours */
};

struct heph_cluster_arg {
	struct heph_cluster_state *state;
};

/* ---- cluster.c ---- */

/* Whether this node is a member at this moment. */
static inline bool heph_cluster_in(const struct heph_cluster_state *state)
{
	return state->standing == HEPH_CLUSTER_IN &&
	       heph_now() < state->valid_until;
}

/* From now on `addr`, which is the caller, is woken, until it ends. Returns 0; -ENOMEM. */
HEPH_MUST int heph_cluster_listen(heph_ctx ctx, struct heph_cluster_state *state,
				  const char *key, struct heph_addr addr);
/* Wakes who listens to that key; "": everybody. */
void heph_cluster_changed(struct heph_cluster_state *state, const char *key);

/* ---- sync (cluster_sync.c) ---- */

HEPH_ACTOR(heph_cluster_sync, struct heph_cluster_wake, struct heph_cluster_arg);

/* The same, of a value that we have put ourselves; NULL: deleted. */
void heph_cluster_apply_own(struct heph_cluster_state *state, const char *key,
			    const char *text, uint64_t revision);
/* Waits. Reads a key and applies it. Returns 0, also when it is not there; errors of
 * cluster_store.h. */
HEPH_MUST int heph_cluster_refresh(heph_ctx ctx, struct heph_cluster_state *state,
				   const char *key);
/* Has the copy be read anew, unless it is of that bucket. */
void heph_cluster_resync(struct heph_cluster_state *state, int64_t created);

/* ---- members (cluster_members.c, cluster_renew.c) ---- */

struct heph_cluster_renewer_arg {
	struct heph_cluster_state *state;
	struct heph_reply joined; /* of an int: how the first attempt went */
};
HEPH_ACTOR(heph_cluster_renewer, struct heph_cluster_wake,
	   struct heph_cluster_renewer_arg);
HEPH_ACTOR(heph_cluster_judge, struct heph_cluster_wake, struct heph_cluster_arg);

/* This node is a member no more, and those who watch are told. */
void heph_cluster_cut_off(struct heph_cluster_state *state, int err);
/* The entry of a member has changed. */
void heph_cluster_member_changed(struct heph_cluster_state *state,
				 const struct heph_cluster_entry *entry);
/* All of them are heard of now: nobody could renew while there was no broker. */
void heph_cluster_members_heard(struct heph_cluster_state *state);
void heph_cluster_members_free(struct heph_cluster_state *state);
/* Whether that member is up, as far as we know. */
bool heph_cluster_owner_up(const struct heph_cluster_state *state,
			   struct heph_cluster_owner owner);
unsigned heph_cluster_members_up(const struct heph_cluster_state *state);

/* ---- names and leases (cluster_claim.c, cluster_names.c, cluster_leases.c) ---- */

struct heph_cluster_claim_arg {
	struct heph_cluster_claim *claim;
};
HEPH_ACTOR(heph_cluster_claim, struct heph_cluster_wake,
	   struct heph_cluster_claim_arg);

/* NULL: there is none on this node, with that target or token if it is not 0. */
struct heph_cluster_claim *
heph_cluster_claim_find(const struct heph_cluster_state *state,
			enum heph_cluster_kind kind, const char *name,
			uint64_t token);

/* What becomes of a name. */
struct heph_cluster_found {
	int err; /* 0; -ENOENT; -EPROTO; -EPROTOTYPE; -ENOTCONN */
	char node[HEPH_NODE_NAME_MAX + 1];
	uint8_t ref[HEPH_WIRE_REF];
};
/* Answers, at once or when there is one. */
void heph_cluster_find(heph_ctx ctx, struct heph_cluster_state *state, const char *name,
		       uint64_t hash, bool wait, struct heph_reply reply);
/* Answers those whose time has come. */
void heph_cluster_find_again(struct heph_cluster_state *state);
void heph_cluster_find_free(struct heph_cluster_state *state);
unsigned heph_cluster_names_count(const struct heph_cluster_state *state);

/* ---- who watches (cluster_herald.c) ---- */

/* Spawns one, who first tells of the members that are up. A child of the caller. */
HEPH_MUST int heph_cluster_herald_start(heph_ctx ctx, struct heph_cluster_state *state,
					struct heph_addr watcher);
void heph_cluster_tell(struct heph_cluster_state *state, enum heph_member_event event,
		       const struct heph_cluster_peer *peer);

#endif
