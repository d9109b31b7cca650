/* SPDX-License-Identifier: MIT */
/*
 * peer.h - another node, as one knows it
 *
 * All actors of a node are on one worker, so what they share needs no locks; it may
 * change whenever one of them waits.
 *
 *     node ----- door -----> conn            who came in, not known yet
 *       |                     |  |
 *       +------ peer <--------+  writer      frames to it, frames from it
 *                 |
 *                 +-- proxies (one for each actor of that node that is known here)
 *                 +-- stubs   (one for each actor of ours that it sends to)
 *
 * A peer outlives its connections. What is to be sent goes into a bounded queue, where
 * senders wait; but the peer's own actor, which reads, never waits
 * for writing: its frames are urgent. The writer takes those first, gives
 * numbers, and keeps what is numbered until it is acknowledged.
 *
 * conn.c and session.c are about bytes: connections, numbers, acknowledgements,
 * repeating. peer.c and what it calls are about references: proxy.c, stub.c, calls.c.
 * Between them are the functions of this header.
 */
#ifndef HEPH_REMOTE_PEER_H
#define HEPH_REMOTE_PEER_H

#include <heph/heph.h>
#include <heph/remote/node.h>
#include <heph/remote/transport.h>

#include "remote/frame.h"
#include "remote/table.h"
#include "remote/gate.h"
#include "remote/session.h"

struct heph_conn;       /* conn.h */
struct heph_node_state; /* node_state.h */
struct heph_imports;    /* proxies by id: import.h */
struct heph_exports;    /* stubs by id: stub.h */
struct heph_asks;       /* what it is asked for: asks.h */
struct heph_calls_out;  /* calls that are not answered: calls.h */
struct heph_met;        /* a node that is no peer: meet.h */
struct heph_request;    /* node_state.h */

/* What a peer's actor is to do: part of something that is on the heap. `run` is
 * called once, in that actor, in any case: with `closing` set if the peer has been
 * lost. It must not wait. */
struct heph_peer;
struct heph_job {
	struct heph_job *next__;
	void (*run)(heph_ctx ctx, struct heph_peer *peer, struct heph_job *job);
};

/* What comes to a peer's actor: a frame, or nothing but a wake-up. */
struct heph_peer_msg {
	struct heph_frame frame;
};
struct heph_peer_arg {
	struct heph_peer *peer;
};
HEPH_ACTOR(heph_peer, struct heph_peer_msg, struct heph_peer_arg);

struct heph_peer {
	struct heph_node_state *node;
	heph_peer_ref self;
	uint64_t id;
	uint64_t serial; /* of no other peer of the node, also not of the same id */
	char name[HEPH_NODE_NAME_MAX + 1];
	char where[HEPH_WHERE_MAX]; /* where others may reach it; may be empty */
	struct heph_transport *by;  /* of its latest connection; held */
	enum heph_trust trust;
	uint32_t window, frame_max; /* its own; a frame to it has at most that */
	bool datagrams;
	bool closing; /* proxies: end, do not stop those you stand for */
	int err;      /* why */

	/* Of the side of bytes. */
	struct heph_session session;
	struct heph_gate gate;  /* where those wait who find no room */
	struct heph_conn *conn; /* NULL: it is away */
	uint64_t last_wire;     /* the number of that connection, or of the last one */
	bool away_told;         /* whoever watches knows that it is away */
	bool was_up;            /* and that it was there */
	bool confirmed;         /* something has come from it */
	heph_time away_until;   /* then it is lost */
	int away_err;           /* of the connection that was lost */
	heph_time beat_due, heard_at;
	uint64_t heard; /* bytes of the connection, at the last look */
	uint64_t said;  /* frames, at the last beat */
	heph_time messages_due, bytes_due; /* limits: see conn.c */
	heph_time round_trip;   /* the latest; 0: none */
	struct heph_job *jobs, **jobs_end;
	struct heph_request *pings, *mourners; /* who waits for a round trip, its end */
	struct heph_ending ending;

	/* Of the side of references. */
	struct heph_imports *imports;
	struct heph_exports *exports;
	struct heph_calls_out *calls;
	struct heph_asks *asks;
	struct heph_table introduced; /* nodes that it was told of, by id */
	struct heph_met *told; /* those that it has told of, and that are no peers */
	unsigned n_told;
	struct heph_table other_names; /* of peers, as it calls them, by id */
	unsigned refused_kinds;       /* a bit for each that is in the log */
	unsigned holds; /* who has a pointer to it, that its memory is there */

	struct heph_node_stats stats;
};

/* ---- given by the side of bytes (peer.c, session.c) ---------------------------------- */

/* Waits while the queue is full, at most until the deadline of `ctx`. A frame that
 * is numbered arrives, if the peer does; a loose one (HEPH_FRAME_LOOSE) is dropped and
 * counted when there is no connection or no room, and nobody waits. It is the peer's
 * after 0, and still the caller's after errors: -EHOSTDOWN, -EMSGSIZE, -ETIME,
 * -ECANCELED, -ENOMEM. The peer's children, which end before it is freed, and others
 * that hold it by something which they own. */
int heph_peer_send(heph_ctx ctx, struct heph_peer *peer, struct heph_frame *frame);

/* Does not wait: for the peer's own actor, as an answer to what has come. After an
 * error the frame is freed: -ENOMEM; -EMSGSIZE; -EHOSTDOWN; -EDQUOT: too many of these
 * are waiting, and the connection is to be ended. */
int heph_peer_post(struct heph_peer *peer, struct heph_frame *frame);

/* Has a job done, soon. Does not wait, never fails. Any actor of the node's worker. */
void heph_peer_do(struct heph_peer *peer, struct heph_job *job);

/* There may be room again for those who wait. */
void heph_peer_room(struct heph_peer *peer);

/* The peer is not to be spoken to any more: it is told goodbye with that error, and
 * ends. Does not wait. Any actor of the node's worker. */
void heph_peer_close(struct heph_peer *peer, int err);

/* Its memory stays until it is released as often. The first hold is the actor's. */
struct heph_peer *heph_peer_hold(struct heph_peer *peer);
void heph_peer_release(struct heph_peer *peer);

/* ---- given by the side of references (refs.c) --------------------------------------------- */

/* In the node's own actor: its names, offers, key. Returns 0; -ENOMEM, -EIO. And the
 * end, when all peers are gone; also after an init that failed. */
int heph_home_init(heph_ctx ctx, struct heph_node_state *node);
void heph_home_fini(heph_ctx ctx, struct heph_node_state *node);
/* One that the node's actor monitored has ended. */
void heph_home_down(heph_ctx ctx, struct heph_node_state *node,
		    const struct heph_down *down);

/* In the peer's own actor, which is the parent of its proxies and stubs. */

/* The tables. Returns 0; -ENOMEM. And the end: fails calls, ends proxies. It is called
 * also after an init that failed. */
int heph_refs_init(heph_ctx ctx, struct heph_peer *peer);
void heph_refs_fini(heph_ctx ctx, struct heph_peer *peer);

/* Does what a frame says, of all types from SEND on, in order, each once. Does not
 * wait. Returns 0; -EPROTO, -EDQUOT: the connection is to be ended. */
int heph_refs_frame(heph_ctx ctx, struct heph_peer *peer,
		    const struct heph_frame_view *view);

/* Adds its proxies, its exports, and the calls that it has not answered. */
void heph_refs_count(const struct heph_peer *peer, struct heph_node_stats *stats);

/* There is a connection, with a window that may be another one. */
void heph_refs_up(struct heph_peer *peer);

/* A call that was started is over (heph_on_any_answer()). */
void heph_refs_answered(heph_ctx ctx, struct heph_peer *peer,
			struct heph_pending *pending);

/* One that was monitored has ended. */
void heph_refs_down(heph_ctx ctx, struct heph_peer *peer,
		    const struct heph_down *down);

/* ---- references as bytes (wire.c) ------------------------------------------------------------ */

/* id of the node u64, id of the actor u64, its place u32, rights u32, code u64. The
 * code is SipHash-2-4 of the rest with a key of the node's (crypto_shorthash). */
struct heph_wire_ref {
	uint64_t node, id;
	uint32_t slot, rights;
	uint64_t code;
};
void heph_wire_ref_write(const struct heph_wire_ref *ref, uint8_t wire[HEPH_WIRE_REF]);
void heph_wire_ref_read(const uint8_t wire[HEPH_WIRE_REF], struct heph_wire_ref *ret_ref);
bool heph_wire_ref_same(const struct heph_wire_ref *a,
			const struct heph_wire_ref *b);
/* Makes it one of ours: fills in the node and the code. */
void heph_wire_ref_sign(const struct heph_node_state *node,
			struct heph_wire_ref *ref);
/* Whether our own node has made it. */
bool heph_wire_ref_ours(const struct heph_node_state *node,
			const struct heph_wire_ref *ref);

#endif
