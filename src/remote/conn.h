/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one connection to another node
 *
 * Two actors use a wire: this one, which receives, and its child, the writer. They
 * say who they are (frame.h), and then the connection is attached to a peer, whose
 * session it carries: what comes goes to the peer's inbox, and this actor waits when
 * that is full, so the wire does; what goes is taken from the session.
 *
 * To say something without a number one puts it in `say`; PING, PONG and ACK are
 * marks, as only the latest matters.
 */
#ifndef HEPH_REMOTE_CONN_H
#define HEPH_REMOTE_CONN_H

#include "remote/fifo.h"
#include "remote/node_state.h"

struct heph_conn_msg {
	char unused;
};
struct heph_conn_arg {
	struct heph_conn *conn;
};
HEPH_ACTOR(heph_conn, void, struct heph_conn_arg);
HEPH_ACTOR(heph_writer, struct heph_conn_msg, struct heph_conn_arg);

enum { HEPH_CONN_SAY = 16, HEPH_CONN_WHY = 120 };

struct heph_conn {
	struct heph_node_state *node;
	struct heph_wire *wire;
	struct heph_dial *dial; /* NULL: it came in */
	heph_ref self;
	struct heph_ending ending;
	bool opened;  /* the wire is this actor's */
	bool counted; /* among node->came */
	struct heph_conn *next_stranger;

	struct heph_hello hello; /* of the other side */
	struct heph_ready ready; /* what who connects says, or has said */
	uint64_t number; /* of this connection */
	uint64_t since;	  /* serials of peers when hello was said */
	uint64_t offered; /* the serial of the peer whose session was offered; 0 */
	heph_ref awaited; /* who has to end before it can be attached */

	struct heph_peer *peer; /* NULL: not attached */
	struct heph_peer *held; /* the same, till the writer has ended: it may be
				 * sending what the peer has */
	bool held_up;  /* it does not listen, as more came than may in a second */
	bool replaced; /* another one takes its place: the peer is not away */
	bool goodbye;  /* the other side has said it, */
	int bye;       /* and why: 0, or a negative errno */
	int err;       /* why it ends */
	char why[HEPH_CONN_WHY]; /* in words; may be empty */

	/* The writer's. */
	heph_writer_ref writer;
	bool writing; /* there is one */
	bool idle;    /* it waits to be woken */
	bool finish;  /* it ends when all has been said */
	bool ping, pong;
	heph_time pong_time;
	struct heph_fifo say;
	struct heph_frame last; /* said when all else has been; data NULL: none */
	struct iovec iov[HEPH_SESSION_BATCH];
	struct heph_frame said[HEPH_CONN_SAY];
	unsigned n_said;

	uint64_t sent; /* frames */
};

/* Spawns the actor of a wire, which is its own after 0 and the caller's after
 * errors: -ENOMEM, -EDQUOT (too many have come in), what heph_spawn() says. With
 * `dial` it connects, and is never one too many. In the actor that is to be its parent. */
int heph_conn_start(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_wire *wire, struct heph_dial *dial,
		    heph_ref *ret_ref);

/* Ends it with that error, soon. */
void heph_conn_end(struct heph_conn *conn, int err);
/* Ends it after all has been sent, with a goodbye. */
void heph_conn_goodbye(struct heph_conn *conn, int err, const char *why);
/* There is something to send. */
void heph_conn_kick(struct heph_conn *conn);

/* Bytes of a frame that both sides can take. */
size_t heph_conn_frame_max(const struct heph_conn *conn);

/* The next frame; the view is valid until the one after it. Waits. Returns 0; -EPROTO: it
 * is none; what the wire says. */
int heph_conn_hear(heph_ctx ctx, struct heph_conn *conn,
		   struct heph_frame_view *ret_view);

/* Notes that the other side has said goodbye, and why. Returns what it said, or
 * -ESHUTDOWN; -EPROTO. */
int heph_conn_hear_goodbye(struct heph_conn *conn,
			   const struct heph_frame_view *view);

/* ---- conn_shake.c ------------------------------------------------------------------------ */

/* Waits. Says who we are, hears who the other side is, and has the connection attached.
 * Returns 0; what it was refused for (conn->why), by us or by the other side; -EPROTO,
 * -ENOMEM, what the wire says. */
int heph_conn_shake(heph_ctx ctx, struct heph_conn *conn);

/* Says ready, once more. Returns 0; -EDQUOT (too much is to be said), -ENOMEM. */
int heph_conn_say_ready(struct heph_conn *conn);

/* ---- conn_listen.c ----------------------------------------------------------------------- */

/* Waits. Takes what the peer sends, until the connection ends, and returns why: -EPROTO,
 * -EHOSTDOWN (it is detached), -ESHUTDOWN or what else the goodbye said, -ENOMEM, what the
 * wire says. */
int heph_conn_listen(heph_ctx ctx, struct heph_conn *conn);

/* ---- admit.c: in the node's actor ------------------------------------------------------ */

/* Whether that name may be the other side's, as far as the wire knows who it is. */
bool heph_admit_trusts(const struct heph_wire *wire, const char *name);

/* Whether the other side is welcome, by its hello. Returns 0; -EACCES, -ELOOP,
 * -EEXIST (its name or id is that of another node), -EPERM (its session was on a wire
 * that is surer of who it is), -EDQUOT, -ESHUTDOWN, and conn->why says it in words. */
int heph_admit(struct heph_conn *conn);

/* Attaches it, as it came in and ready was said, or as it was made and is going to
 * say ready. Returns 0; -EAGAIN: conn->awaited ends first; -EALREADY (there is another
 * connection, or the session waits for a wire of another kind), -ESTALE (the session has
 * changed meanwhile); as heph_admit(); -ENOMEM. */
int heph_admit_came(heph_ctx ctx, struct heph_conn *conn);
int heph_admit_made(heph_ctx ctx, struct heph_conn *conn);

/* ---- peer.c ------------------------------------------------------------------------------ */

/* Spawns a peer as the hello of the connection says. In the node's actor. */
int heph_peer_start(heph_ctx ctx, struct heph_conn *conn,
		    struct heph_peer **ret_peer);
/* The session goes on over that connection, as the other side has `received` so
 * much. Returns 0; -EPROTO. */
int heph_peer_attach(struct heph_peer *peer, struct heph_conn *conn,
		     uint64_t received);
void heph_peer_detach(struct heph_peer *peer, struct heph_conn *conn);
/* Asks for a round trip, if it is not away; it is asked for again at each beat. */
void heph_peer_ping(struct heph_peer *peer);
/* ask.c: who waits for one is told. */
void heph_ask_ponged(struct heph_request *request, heph_time time);
/* A round trip was measured. */
void heph_peer_pong(struct heph_peer *peer, heph_time sent, heph_time now);

#endif
