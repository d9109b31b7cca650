/* SPDX-License-Identifier: MIT */
/*
 * transport.h - what carries frames between nodes
 *
 * A transport is one way to reach other nodes: TCP with TLS, encrypted datagrams,
 * a broker. Programs make one by the functions of tcp.h, udp.h, nats.h, sim.h,
 * give it to a node (node.h), and use nothing else of this header. Who writes
 * another one fills in a struct heph_transport_type.
 *
 * A wire is a way for frames to one peer, in both directions. It is plain memory
 * of the transport's, used by two actors on the same worker: the one that opened
 * it receives, another one sends. A frame is some bytes, which arrive as they
 * were sent, or not at all.
 */
#ifndef HEPH_REMOTE_TRANSPORT_H
#define HEPH_REMOTE_TRANSPORT_H

#include <heph/types.h>

#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_WHERE_MAX = 256, /* bytes of an address as text, with its end */
	HEPH_NODE_NAME_MAX = 63, /* bytes of a node's name */
};

struct heph_transport;
struct heph_door; /* where others come in */
struct heph_wire;

struct heph_transport_type {
	const char *name; /* "tcp" */

	/* Frames may be lost, doubled, or come in another order. Else a frame
	 * that is missing is the end of the wire. */
	bool datagrams;

	/* Opens a door at an address, and tells what it has become: "127.0.0.1:0"
	 * has got a port. It belongs to the calling actor. */
	int (*listen)(heph_ctx ctx, struct heph_transport *transport,
		      const char *where, struct heph_door **ret_door,
		      char ret_where[HEPH_WHERE_MAX]);
	/* Waits for who comes next. The wire is nobody's yet, and may be handed
	 * to another actor. Errors end the door, but for -EAGAIN: this one
	 * was nothing. */
	int (*accept)(heph_ctx ctx, struct heph_door *door,
		      struct heph_wire **ret_wire);
	/* Does not wait. Whoever comes now is refused. */
	void (*close_door)(heph_ctx ctx, struct heph_door *door);

	/* Waits. A wire to a door, and it is nobody's yet. */
	int (*connect)(heph_ctx ctx, struct heph_transport *transport,
		       const char *where, struct heph_wire **ret_wire);

	/* Waits. The caller is the one who receives from now on: shakes hands,
	 * and knows who the peer is. */
	int (*open)(heph_ctx ctx, struct heph_wire *wire);
	/* Does not wait. The caller is the one who sends from now on. */
	int (*open_sender)(heph_ctx ctx, struct heph_wire *wire);

	/* Waits. Sends frames, each of at most `frame_max` bytes and not empty.
	 * -EMSGSIZE, and nothing was sent; after other errors some were,
	 * perhaps, and on a stream no more can be. */
	int (*send)(heph_ctx ctx, struct heph_wire *wire,
		    const struct iovec *frames, size_t n);
	/* Waits for a frame: `ret_data` is valid until the next one. Counts what
	 * comes in `came` of the wire. Returns its size; -ENODATA (the peer has
	 * ended it); other errors. */
	int (*recv)(heph_ctx ctx, struct heph_wire *wire, const void **ret_data);

	/* Does not wait. The end of what `open_sender` took, in that actor. */
	void (*close_sender)(heph_ctx ctx, struct heph_wire *wire);
	/* Does not wait. By the one who receives, or who never opened it: frees
	 * it; the sender has closed. */
	void (*close)(heph_ctx ctx, struct heph_wire *wire);

	/* Nobody uses it any more, and it is freed. Any thread. */
	void (*free)(struct heph_transport *transport);
};

/* How sure it is who the peer of a wire is. */
enum heph_trust {
	HEPH_TRUST_NONE, /* whoever can reach us */
	HEPH_TRUST_HOST, /* somebody on this machine: loopback, a Unix socket */
	HEPH_TRUST_KEY,  /* who has the shared secret */
	HEPH_TRUST_NAME, /* the node whose name `peer` is */
};

/* Begins each transport's own struct. */
struct heph_transport {
	const struct heph_transport_type *type;
	size_t frame_max; /* bytes of a frame */
	int refs__;       /* atomic */
};

/* For who writes a transport: fills it in, held once. When heph_transport_free() has
 * been called as often as it was held, `type->free` is. */
static inline void heph_transport_init(struct heph_transport *ret_transport,
				       const struct heph_transport_type *type,
				       size_t frame_max)
{
	ret_transport->type = type;
	ret_transport->frame_max = frame_max;
	ret_transport->refs__ = 1;
}

/* Begins each transport's own struct of a wire. Filled in by `open`. */
struct heph_wire {
	const struct heph_transport_type *type;
	struct heph_transport *transport;
	enum heph_trust trust;
	/* Names that the peer may have, one after the other with a nul at the end
	 * of each and another one at the end of all, if `trust` is
	 * HEPH_TRUST_NAME. */
	const char *names;
	char where[HEPH_WHERE_MAX]; /* for people */
	/* Bytes of a frame that who receives wants at most; 0: as many as the
	 * transport allows. It is less until it is known who the peer is. On a
	 * stream a larger one is -EPROTO, before there is memory for it. */
	size_t frame_max;
	/* Bytes that have come, of frames or parts of them: goes up whenever the
	 * transport knows of more, also while `recv` waits for the rest of a
	 * frame. A peer for whom it stands still is silent. */
	uint64_t came;
};

/* Holds it once more; gives it back. Any thread. NULL is ignored. */
HEPH_API struct heph_transport *
heph_transport_ref(struct heph_transport *transport);
HEPH_API void heph_transport_free(struct heph_transport *transport);

#ifdef __cplusplus
}
#endif
#endif
