/* SPDX-License-Identifier: MIT */
/*
 * asks.h - what we ask a peer for: an actor by its name, a new one, its names, a look
 * at what passes
 *
 * An ask belongs to a request of the node's, which is done when the answer comes, or
 * when the peer is lost.
 */
#ifndef HEPH_REMOTE_ASKS_H
#define HEPH_REMOTE_ASKS_H

#include "remote/node_state.h"
#include "remote/table.h"

struct heph_ask {
	struct heph_request request;
	/* The answer has come, or an error; does not wait. Returns what the request
	 * is done with, or -EINPROGRESS: more is to come. */
	int (*answer)(heph_ctx ctx, struct heph_peer *peer,
		      struct heph_ask *ask, int err, const void *data,
		      size_t size);
	uint64_t number;
	enum heph_frame_type expects; /* the type of the answer */
	uint32_t flag;                /* the number of the frame */
	char peer[HEPH_NODE_NAME_MAX + 1];
	const struct heph_remote_actor *remote;
	char *name;            /* on the heap */
	void *arg;             /* on the heap, of the codec's */
	struct heph_addr addr; /* the answer */
	char *text;            /* the answer, on the heap */
	uint8_t wire[HEPH_WIRE_REF];
};

struct heph_asks {
	struct heph_table by_number; /* struct heph_ask */
	uint64_t last;
};

int heph_asks_init(struct heph_peer *peer);
/* Answers all with that error. */
void heph_asks_fini(heph_ctx ctx, struct heph_peer *peer, int err);

/* In the peer's actor: sends a frame of that type with `body` after its number, and
 * keeps the ask until it is answered. Does it if it cannot. */
void heph_ask_send(heph_ctx ctx, struct heph_peer *peer, struct heph_ask *ask,
		   enum heph_frame_type type, const void *body, size_t size);

/* FOUND, LISTED, TAPPED. */
int heph_asks_answered(heph_ctx ctx, struct heph_peer *peer,
		       const struct heph_frame_view *view);

/* ---- making them; any thread --------------------------------------------------- */

/* One of `remote`, which may be NULL; NULL: no memory. Freed by heph_request_free(),
 * which calls heph_ask_drop(). */
struct heph_ask *heph_ask_new(void (*run)(heph_ctx, struct heph_node_state *,
					  struct heph_request *),
			      const struct heph_remote_actor *remote);
void heph_ask_drop(struct heph_request *request);

/* Return 0; -EINVAL (no name is so), -ENOMEM; -ENOTCONN (no peer is). */
int heph_ask_put_name(struct heph_ask *ask, const char *name);
int heph_ask_put_peer(struct heph_ask *ask, const char *peer);

/* Waits. Asks, and gives back what was asked. Returns what heph_request() does. */
int heph_ask_and_free(heph_ctx ctx, heph_node node, struct heph_ask *ask);
/* The same for a reference. */
int heph_ask_for_addr(heph_ctx ctx, heph_node node, struct heph_ask *ask,
		      struct heph_addr *ret_addr);

/* ---- in the node's actor ----------------------------------------------------------- */

/* Whether it is for the node itself. */
bool heph_ask_is_here(const struct heph_node_state *node,
		      const struct heph_ask *ask);
/* Has it done in the peer's actor; or there is none, and that is the result. */
void heph_ask_hand_over(struct heph_node_state *node, struct heph_ask *ask,
			void (*run)(heph_ctx ctx, struct heph_peer *peer,
				    struct heph_job *job));
struct heph_ask *heph_ask_of(struct heph_job *job);

#endif
