/* SPDX-License-Identifier: MIT */
/*
 * node.h - references that reach other processes
 *
 *     err = heph_node_start(ctx, &node, .name = "shop");
 *     err = heph_node_listen(ctx, node, transport, ":7000", NULL);
 *     err = heph_node_export(ctx, node, counter, ref, "visits");
 *
 * and in another process
 *
 *     err = heph_node_start(ctx, &node, .name = "web");
 *     err = heph_node_connect(ctx, node, transport, "shop.example:7000", "shop");
 *     err = heph_node_whereis(ctx, node, "shop", counter, "visits", &ref);
 *     err = heph_call(ctx, ref, total, &total, { .kind = COUNTER_TOTAL });
 *
 * A node is an actor; it has a name, and an identity that is new each time it
 * starts. Nodes that are connected are peers.
 *
 * References. What comes from a peer is a reference to a proxy: an actor here that
 * stands for the one there. What is sent to it travels; calls come back with their
 * answers; it ends when the one it stands for ends, with the same error, so
 * joins and monitors tell what they would tell there; heph_stop() asks that one to
 * stop, if who gave the reference away allows it. When the peer is lost its proxies
 * end with -EHOSTDOWN. A reference in a message may go on to further nodes, and
 * when it comes home it is the actor itself. In a message it gives nobody the right
 * to stop the actor, unless whoever passes it on has that right. A link tells of the end
 * there; a failure of the one who is linked here is a heph_stop() there.
 *
 * Third nodes. Who gets a reference to an actor of a node that is no peer connects to
 * that one, by the transport and address that the peer tells with it. Until then what
 * is sent waits; when that takes longer than `handshake`, or there is no such
 * transport here, the proxy ends with -EHOSTUNREACH, and it is tried no more. What a
 * peer tells is forgotten with it: of `peers` nodes at most, of which a quarter, or 16,
 * may be tried at a time; beyond that its messages with such references are refused (-EDQUOT).
 *
 * Nobody else. A peer can reach only what it was given a reference to: by a
 * name that was exported, or in a message. Each carries a code that only its
 * own node can make (threat model: docs/design/remote.md).
 *
 * Delivery. From one actor to another, over wires that keep the order: each message
 * once, in order, also across a connection that breaks and comes back within
 * `patience`. Over datagrams: at most once, in any order. A heph_send() that
 * returned 0 means no more than that the proxy has it; who must know that it was
 * handled calls. A proxy takes no more when `window` messages are on their way, so a
 * receiver that is slow slows its senders, and nobody else.
 *
 * Errors of sends and calls through a proxy, beside those of any actor: -EHOSTDOWN
 * (the peer was lost meanwhile), -EHOSTUNREACH (a third node, which a reference that
 * came in a message is of, cannot be reached), -EPROTOTYPE (the other side declares
 * the message differently), -EMSGSIZE (it is larger than a frame), -EACCES, -EPROTO,
 * -EDQUOT (a limit of the peer). A send that fails there is counted and logged, as nobody
 * waits for it.
 */
#ifndef HEPH_REMOTE_NODE_H
#define HEPH_REMOTE_NODE_H

#include <heph/message.h>
#include <heph/remote/actor.h>
#include <heph/remote/codec.h>
#include <heph/remote/transport.h>
#include <heph/typed.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a node --------------------------------------------------------------------- */

/* A reference to a node; any actor of its runtime may use it. */
typedef struct heph_node {
	struct heph_addr addr;
} heph_node;

/* Zero is the default everywhere; all is copied. */
struct heph_node_config {
	size_t size; /* of this struct; set by the macro */

	/* 1 to 63 bytes of letters, digits, "-", "_", "."; unique among the nodes
	 * that know each other. */
	const char *name;

	enum heph_format format; /* of what it sends; it understands all */

	heph_time patience; /* so long a peer whose connection was lost is waited
			     * for; 5 s; HEPH_NEVER */
	heph_time beat;     /* so often one is heard of, at least; 1 s; HEPH_NEVER:
			     * only when there is something to say */
	heph_time silence;  /* then a connection is lost; 4 beats; HEPH_NEVER: only
			     * the transport knows of its end */
	heph_time backoff, backoff_max; /* between attempts to connect, which
					 * are random up to that; 50 ms, 5 s */
	heph_time handshake; /* at most; 10 s */
	unsigned attempts; /* to connect, at most, before heph_node_connect() gives
			    * up with the error of the last one; 0: any number */

	/* Limits, of each peer unless it says all. */
	unsigned peers;       /* all; 1024 */
	unsigned connections; /* that came in, all; 2 * peers. Half of them at
			       * most are those of who is no peer so far: one
			       * more, and the oldest gives way. What the node
			       * itself connects is never one too many */
	unsigned window;  /* messages under way to an actor; 256; to 65536 */
	unsigned queue;   /* frames that wait to be sent; 1024 */
	size_t queue_bytes; /* and their bytes, those that are not acknowledged as
			     * well; 16 MiB. Answers and what else nobody waits for
			     * may take as much again; then the peer is given up,
			     * -EDQUOT */
	unsigned calls;   /* that are not answered; 65536 */
	unsigned refs;    /* actors of ours that it has references to, and of it
			   * that we have; 100,000 */
	unsigned spawned; /* actors that it has spawned here, and that have not
			   * ended: they count by its name, whichever life of it
			   * spawned them, of at most `peers` names; 10,000 */
	uint64_t messages_per_sec, bytes_per_sec; /* that come; 0: any number. A
			   * stream is read more slowly, and who is held up by that
			   * is not silent; datagrams beyond it are dropped */

	/* Which peers are welcome; NULL: all who are who they say. On the
	 * node's worker; must not wait. */
	bool (*welcome)(void *user, const char *name, enum heph_trust trust,
			const char *where);
	void *user;

	bool listed; /* peers may ask which names are exported: heph remote list */
	bool tapped; /* peers may watch what passes: heph remote tap */

	unsigned phase; /* of the runtime's end, if a thread starts it: see struct
			 * heph_options; 0 to 6; 6 */
};

/*
 * heph_node_start(ctx, &node, .name = "shop", ...): starts one, on the caller's
 * worker; it is the caller's child, and ends with it. Its end closes all
 * connections. Returns 0; -EINVAL (a value out of range), -ENOMEM, and what
 * heph_spawn() does.
 */
#define heph_node_start(ctx, ret_node, ...)                                    \
	HEPH_WITH__(heph_raw_node_start(                                       \
		(ctx), (ret_node),                                             \
		HEPH_SIZED__(struct heph_node_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int heph_raw_node_start(heph_ctx ctx, heph_node *ret_node,
					   const struct heph_node_config *config);

/* Waits. Stops it: says goodbye to its peers, and closes. Returns 0; -ETIME,
 * -ECANCELED. */
HEPH_API HEPH_MUST int heph_node_stop(heph_ctx ctx, heph_node node);

/* All functions below wait, for the node if for nobody else. Besides what is listed
 * they return -ESRCH (the node has ended), -ETIME, -ECANCELED, -ENOMEM. */

/* ---- connections ------------------------------------------------------------------ */

/*
 * Lets peers come in at an address; `ret_where`, which may be NULL, is where it is,
 * with its port. The node holds the transport, too. Returns 0; -EINVAL (no such
 * address); what the transport says, -EADDRINUSE for example.
 */
HEPH_API HEPH_MUST int heph_node_listen(heph_ctx ctx, heph_node node,
					struct heph_transport *transport,
					const char *where,
					char ret_where[HEPH_WHERE_MAX]);

/*
 * Keeps a connection to the node at that address from now on: when it breaks, or
 * cannot be made, it is tried again, until heph_node_disconnect(). With `peer`, its
 * name, waits until it is there, and another one who answers is refused; "":
 * waits, whoever it is; NULL: whoever it is, and does not wait for it. A node that
 * is connected already, by whomever, is there: it is tried when that one breaks.
 * Returns 0; -EEXIST (that address or name is connected to already); -EACCES (one
 * of both does not welcome the other, is another one, or its identity does not
 * hold), -ELOOP (it is the node itself): these are not tried again, but where somebody
 * else than the wanted one may stand at the address, as TLS can tell; -ETIME,
 * -ECANCELED: it goes on trying; with `attempts` what the last one failed with,
 * -ECONNREFUSED for example.
 */
HEPH_API HEPH_MUST int heph_node_connect(heph_ctx ctx, heph_node node,
					 struct heph_transport *transport,
					 const char *where, const char *peer);

/* Ends the connection to a peer, whoever made it, and gives it up: its proxies
 * end. One that keeps a connection by itself comes back. Returns 0; -ENOENT (there is
 * no such peer). */
HEPH_API HEPH_MUST int heph_node_disconnect(heph_ctx ctx, heph_node node,
					    const char *peer);

enum heph_peer_event {
	HEPH_PEER_UP,   /* connected; again, if `again` */
	HEPH_PEER_AWAY, /* its connection broke; it is waited for */
	HEPH_PEER_DOWN, /* it is lost: its proxies have ended */
};

/* A message about a peer. */
struct heph_node_event {
	enum heph_peer_event event;
	bool again;
	int err;     /* why it is down: 0: it said goodbye; -EHOSTDOWN, -ETIMEDOUT,
		      * -ECONNRESET, -EPROTO and others */
	uint64_t id; /* of that life of it */
	char name[HEPH_NODE_NAME_MAX + 1];
};
#ifndef __cplusplus
HEPH_REF(heph_node_watcher, struct heph_node_event);
#endif

/* Tells an actor that takes struct heph_node_event of the peers that there are, and
 * of all that becomes of them. Make an adapter (heph_map()) for one that takes
 * other messages. Returns 0. */
#define heph_node_watch(ctx, node, watcher)                                    \
	heph_raw_node_watch((ctx), (node), (watcher).addr,                     \
			    sizeof(*(watcher).msg_t) +                         \
				    0 * sizeof(char[1 - 2 * !HEPH_SAME__(      \
						*(watcher).msg_t,              \
						struct heph_node_event)]))
HEPH_API HEPH_MUST int heph_raw_node_watch(heph_ctx ctx, heph_node node,
					   struct heph_addr watcher, size_t size);

/* ---- what others can reach ---------------------------------------------------------- */

/* What a reference that was given away may be used for, besides sending, calling
 * and watching. */
enum {
	HEPH_MAY_STOP = 1, /* heph_stop() */
};

#define HEPH_RIGHTS__(...) HEPH_RIGHTS_2__(__VA_ARGS__ + 0, )
#define HEPH_RIGHTS_2__(rights_, ...) (unsigned)(rights_)

/*
 * heph_node_export(ctx, node, NAME, ref, "visits"[, rights]): gives an actor, or a
 * router (router.h), a name that peers find it by, until it ends or
 * heph_node_unexport(). 1 to 255 bytes. Returns 0; -EEXIST, -EINVAL; -ESRCH (the
 * actor has ended); -EACCES (it is an actor of a peer, and these are not the rights
 * of the reference to it, which only its own node can change).
 */
#define heph_node_export(ctx, node, n_, ref, name, ...)                        \
	HEPH_DO__(_Static_assert(HEPH_SAME__(ref, n_##_ref),                   \
				 "heph_node_export: " #ref                     \
				 " is not a " #n_ "_ref");                     \
		  heph_raw_node_export((ctx), (node), n_##_remote(),           \
				       (ref).addr, (name), HEPH_RIGHTS__(__VA_ARGS__)))
HEPH_API HEPH_MUST int heph_raw_node_export(heph_ctx ctx, heph_node node,
					    const struct heph_remote_actor *remote,
					    struct heph_addr addr,
					    const char *name, unsigned rights);

/* Takes a name away; who has a reference keeps it. Returns 0; -ENOENT. */
HEPH_API HEPH_MUST int heph_node_unexport(heph_ctx ctx, heph_node node,
					  const char *name);

/*
 * heph_node_offer(ctx, node, NAME): peers may spawn actors of that type here, by the
 * name of the type. They are children of the node, and who spawned one may stop it;
 * they do not end with him.
 * Returns 0; -EINVAL (it was not declared by HEPH_REMOTE_SPAWN()); -EEXIST.
 */
#define heph_node_offer(ctx, node, n_)                                         \
	heph_raw_node_offer((ctx), (node), n_##_remote())
HEPH_API HEPH_MUST int heph_raw_node_offer(heph_ctx ctx, heph_node node,
					   const struct heph_remote_actor *remote);

/* ---- what others have ----------------------------------------------------------------- */

/* All of these return besides: -ENOTCONN (there is no peer of that name now),
 * -EHOSTDOWN (it was lost meanwhile), -EPROTOTYPE (it declares the type
 * differently, or the name is of another type), -EDQUOT (a limit). */

/* heph_node_whereis(ctx, node, "shop", NAME, "visits", &ref). Returns 0; -ENOENT.
 * With the name of the node itself, what it exports. */
#define heph_node_whereis(ctx, node, peer, n_, name, ret_ref)                  \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_node_whereis");             \
		  heph_raw_node_whereis((ctx), (node), (peer), n_##_remote(),  \
					(name), &(ret_ref)->addr))
HEPH_API HEPH_MUST int heph_raw_node_whereis(heph_ctx ctx, heph_node node,
					     const char *peer,
					     const struct heph_remote_actor *remote,
					     const char *name,
					     struct heph_addr *ret_addr);

/* heph_node_spawn(ctx, node, "shop", NAME, &ref[, argument]): spawns an actor there;
 * with the name of the node itself, here. What the argument owns is still the
 * caller's. Returns 0; -EACCES (it is not offered); what spawning it there
 * returned. */
#define heph_node_spawn(ctx, node, peer, n_, ...)                              \
	heph_node_spawn__(ctx, node, peer, n_, __VA_ARGS__, )
#define heph_node_spawn__(ctx, node, peer, n_, ret_ref, ...)                   \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_node_spawn");               \
		  HEPH_SPAWN__(n_, __VA_ARGS__)                                \
		  heph_raw_node_spawn((ctx), (node), (peer), n_##_remote(),    \
				      &heph_s__.arg, &(ret_ref)->addr))
HEPH_API HEPH_MUST int heph_raw_node_spawn(heph_ctx ctx, heph_node node,
					   const char *peer,
					   const struct heph_remote_actor *remote,
					   const void *arg,
					   struct heph_addr *ret_addr);

/* The round trip to a peer's node. Returns 0. */
HEPH_API HEPH_MUST int heph_node_ping(heph_ctx ctx, heph_node node,
				      const char *peer, heph_time *ret_time);

/* Which names a peer exports, or the node itself: `ret_text` is lines of name, type
 * and hash, with a nul at the end, freed by the caller with free(3). Returns 0;
 * -EACCES (it does not tell). */
HEPH_API HEPH_MUST int heph_node_list(heph_ctx ctx, heph_node node,
				      const char *peer, char **ret_text);

/* From now on fn gets a line for each message, call and answer that passes at a
 * peer, or at the node itself, until the caller ends. On the caller's thread, when
 * it waits in heph_node_tap(), which is for as long as it can. Returns -EACCES,
 * -EHOSTDOWN, -ETIME, -ECANCELED. */
HEPH_API HEPH_MUST int heph_node_tap(heph_ctx ctx, heph_node node,
				     const char *peer,
				     void (*fn)(void *user, const char *line),
				     void *user);

/* ---- looking at it ----------------------------------------------------------------------- */

/* A reference as bytes, to be kept or carried by other means, and back. Who has the
 * bytes has the reference. Returns 0; -EACCES (see heph_node_export()), -ESRCH; and
 * back: -EINVAL (these are none), -EHOSTUNREACH (of a node that is no peer now),
 * -ESRCH. */
HEPH_API HEPH_MUST int heph_raw_node_ref_out(heph_ctx ctx, heph_node node,
					     const struct heph_remote_actor *remote,
					     struct heph_addr addr,
					     unsigned rights,
					     uint8_t ret_wire[HEPH_WIRE_REF]);
HEPH_API HEPH_MUST int heph_raw_node_ref_in(heph_ctx ctx, heph_node node,
					    const struct heph_remote_actor *remote,
					    const uint8_t wire[HEPH_WIRE_REF],
					    struct heph_addr *ret_addr);

struct heph_node_stats {
	uint64_t sent, received; /* messages, calls and answers */
	uint64_t sent_bytes, received_bytes; /* frames */
	uint64_t resent;  /* frames */
	uint64_t lost;    /* messages that came in vain: nobody there, no room */
	uint64_t refused; /* forged or unknown references, other schemas, what is no
			   * frame, limits */
	unsigned peers, connections, proxies, exports, calls;
};

/* What the node has done so far, with all its peers. Returns 0. */
HEPH_API HEPH_MUST int heph_node_stats(heph_ctx ctx, heph_node node,
				       struct heph_node_stats *ret_stats);

struct heph_peer_info {
	char name[HEPH_NODE_NAME_MAX + 1];
	uint64_t id;
	const char *transport; /* "tcp" */
	char where[HEPH_WHERE_MAX];
	enum heph_trust trust;
	bool connected;
	heph_time round_trip; /* the latest; 0: not measured yet */
	unsigned waiting;     /* frames to be sent, or not acknowledged */
	struct heph_node_stats stats;
};

/* The peers at this moment, up to `max` of them. Returns how many there are. */
HEPH_API HEPH_MUST int heph_node_peers(heph_ctx ctx, heph_node node,
				       struct heph_peer_info *ret_peers,
				       size_t max);

#ifdef __cplusplus
}
#endif
#endif
