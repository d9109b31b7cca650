/* SPDX-License-Identifier: MIT */
/*
 * dial.h - keeps a connection to a node
 *
 * An actor that connects, lets the connection live, and begins again when it is over,
 * after a pause that grows and is random. While its peer is connected otherwise it
 * does nothing.
 */
#ifndef HEPH_REMOTE_DIAL_H
#define HEPH_REMOTE_DIAL_H

#include "remote/conn.h"

struct heph_dial_msg {
	char unused;
};
struct heph_dial_arg {
	struct heph_dial *dial;
};
HEPH_ACTOR(heph_dial, struct heph_dial_msg, struct heph_dial_arg);

struct heph_dial {
	struct heph_dial *next;
	struct heph_node_state *node;
	struct heph_transport *transport;
	heph_dial_ref self;
	struct heph_ending ending;
	char where[HEPH_WHERE_MAX];
	char name[HEPH_NODE_NAME_MAX + 1]; /* "": whoever it is */
	uint64_t id;   /* who it was; 0: not known yet */
	uint64_t meets; /* the node of which a peer has told; 0: the program's own */
	heph_time until; /* then one that meets ends, if that node is no peer */
	bool over;     /* no more */
	bool attached; /* the latest connection was */
	bool waits;    /* for its peer to be away */
	bool sure;     /* who ended the latest connection is who is wanted */
	bool given_up; /* with `err` */
	unsigned attempts; /* that have failed since it was connected */
	int err;       /* of the latest connection */
	int told;      /* the error that is in the log; 0: none */
	heph_time log_due; /* not before */
	char why[HEPH_CONN_WHY];
	bool by_it; /* the other side has said that */
	struct heph_request *waiters; /* for its peer to be there */
};

/* A dial of the node, which is its parent: in the node's actor. `name` may be "". It
 * is over by itself when the other side refuses for good, or when it has tried as often
 * as the node may. One that `meets` another node (its id; else 0) is about that life
 * of it only, and over when it is lost, or has not been reached within `handshake`.
 * Returns 0; -ENOMEM, what heph_spawn() says. */
int heph_dial_start(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_transport *transport, const char *where,
		    const char *name, uint64_t meets,
		    struct heph_dial **ret_dial);

/* No more, when its connection is over. It may be freed soon. */
void heph_dial_end(struct heph_dial *dial);

/* A connection of its is over. */
void heph_dial_over(struct heph_dial *dial, const struct heph_conn *conn);

/* A peer is there; a peer is away, or lost: all dials that are about it go on. */
void heph_dials_up(struct heph_node_state *node, const struct heph_peer *peer);
void heph_dials_away(struct heph_node_state *node);

/* Whether a node of that name and identity is what it wants. */
bool heph_dial_expects(const struct heph_dial *dial, const char *name,
		       uint64_t id);

/* Whether it is about that peer. */
bool heph_dial_is_of(const struct heph_dial *dial, const struct heph_peer *peer);

#endif
