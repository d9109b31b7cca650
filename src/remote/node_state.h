/* SPDX-License-Identifier: MIT */
/*
 * node_state.h - what the actors of a node share
 *
 * All of them are on one worker, so there are no locks. Who calls a function of
 * node.h may be on any other: what it wants is a request, on the heap, which goes to
 * the node's actor and comes back. Each kind of request is a struct of its own
 * that begins with struct heph_request:
 *
 *     struct ask_name { struct heph_request request; char name[64]; };
 *
 *     struct ask_name *ask = heph_request_new(sizeof(*ask), fn, drop);
 *     err = heph_request(ctx, node, &ask->request);      waits for the answer
 *     heph_request_free(&ask->request);
 *
 * In the node's actor fn(ctx, node, request) is called, which must not wait; it, or
 * whoever it gives the request to, calls heph_request_done() once. A caller that
 * stops waiting forgets the request, which is freed when it is done.
 */
#ifndef HEPH_REMOTE_NODE_STATE_H
#define HEPH_REMOTE_NODE_STATE_H

#include <heph/heph.h>
#include <heph/remote/node.h>

#include "remote/peer.h"

struct heph_dial;   /* dial.h */
struct heph_entry;  /* a door: door.h */
struct heph_home;   /* names, offers, the key: home.h */
struct heph_herald; /* who watches: herald.h */

/* ---- requests -------------------------------------------------------------------- */

struct heph_request {
	HEPH_REPLY(int) done;
	void (*run)(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_request *request);
	void (*drop)(struct heph_request *request); /* what it owns; may be NULL */
	_Atomic int refs__; /* the caller, and who is to do it */
	struct heph_job job; /* for who hands it to a peer: container of */
	struct heph_request *next; /* for who keeps it */
};

/* One of `size` bytes, all zero; NULL: there is no memory. Any thread. */
void *heph_request_new(size_t size,
		       void (*run)(heph_ctx ctx, struct heph_node_state *node,
				   struct heph_request *request),
		       void (*drop)(struct heph_request *request));

/* Waits. Has it done; `request` is still the caller's, who looks at it only after a
 * result that heph_request_done() gave. Returns that; -ESRCH (the node has ended),
 * -ETIME, -ECANCELED, -ENOMEM: then it may go on. */
int heph_request(heph_ctx ctx, heph_node node, struct heph_request *request);
/* As above, and gives the caller's hold back. */
void heph_request_free(struct heph_request *request);

/* It has been done, with that result; it is not the caller's any more. The node's
 * worker. */
void heph_request_done(struct heph_request *request, int result);
/* Whether the caller still waits. */
bool heph_request_wanted(const struct heph_request *request);
/* Puts it behind those that are kept in a list until something happens, less those
 * that nobody waits for any more: they are done. */
void heph_request_keep(struct heph_request **list, struct heph_request *request);

/* ---- the node ------------------------------------------------------------------------ */

struct heph_node_msg {
	struct heph_request *request;
	HEPH_REPLY(int) done;
};
struct heph_node_arg {
	struct heph_node_state *node;
};
HEPH_ACTOR(heph_node, struct heph_node_msg, struct heph_node_arg);

enum { HEPH_NODE_LOST = 64 };

struct heph_node_state {
	heph_node_ref self;
	uint64_t id;
	char name[HEPH_NODE_NAME_MAX + 1];
	struct heph_node_config config; /* defaults filled in; `name` is the above */
	bool closing; /* it ends */

	struct heph_peer **peers; /* in no order; of config.peers */
	unsigned n_peers;
	uint64_t serials; /* of peers, so far */
	uint64_t lost[HEPH_NODE_LOST]; /* the ids of the latest that were lost */
	unsigned n_lost; /* so far */

	struct heph_dial *dials;
	struct heph_entry *doors;
	struct heph_herald *heralds;
	unsigned connections; /* conn actors that there are */
	bool full_told;       /* it is in the log that there were too many */
	struct heph_conn *strangers; /* the oldest first: strangers.h */
	unsigned n_strangers;
	unsigned came; /* conn actors that came in, but for those turned out */
	heph_time meet_log_due; /* nothing about dials to third nodes before */
	bool crowd_told; /* it is in the log that one had to give way */
	unsigned proxies, exports; /* actors; kept by the side of references */

	struct heph_home *home;
	struct heph_node_stats stats; /* of peers that are gone, and of nobody's */
};

/* All of these: the node's worker. */

/* One that is not closing; NULL: there is none. */
struct heph_peer *heph_node_peer(const struct heph_node_state *node,
				 const char *name);
struct heph_peer *heph_node_peer_by_id(const struct heph_node_state *node,
				       uint64_t id);

/* A peer was lost; there is a session again; whether one was lost. */
void heph_node_lose(struct heph_node_state *node, uint64_t id);
void heph_node_find(struct heph_node_state *node, uint64_t id);
bool heph_node_has_lost(const struct heph_node_state *node, uint64_t id);

/* Begins to connect to a node of which a peer has told, unless it is known or being
 * dialled. Does not wait. In the node's own actor. Returns 0; -ENOMEM. */
int heph_node_meet(heph_ctx ctx, struct heph_node_state *node, uint64_t id,
		   const char *name, struct heph_transport *by, const char *where);

/* So much later; HEPH_NEVER stays that. */
static inline heph_time heph_node_later(heph_time when, heph_time length)
{
	return length < HEPH_NEVER - when ? when + length : HEPH_NEVER;
}

/* Nobody waits for that node any more, which is no peer. The node's worker. */
void heph_node_unmeet(struct heph_node_state *node, uint64_t id);

/* Eight random bytes; drawn from the seed in a simulated world. */
uint64_t heph_node_random(heph_ctx ctx);

/* Where others find it by that very transport; "": nowhere. */
const char *heph_node_where(const struct heph_node_state *node,
			    const struct heph_transport *transport);

/* Adds what a peer has counted. */
void heph_node_stats_add(struct heph_node_stats *sum, const struct heph_peer *peer);

/* Tells all who watch. */
void heph_node_tell(struct heph_node_state *node, const struct heph_peer *peer,
		    enum heph_peer_event event, bool again, int err);

#endif
