/* SPDX-License-Identifier: MIT */
/*
 * import.h - what is known here of an actor of a peer
 *
 * The tables and the proxy (proxy.h) hold it together. While the peer is there, the same
 * reference has the same proxy, and so have all of the same actor that the peer itself
 * gave. What a third one says to be a reference to that actor has a proxy of its own until
 * the peer has shown to be of the same mind: it may be forged, and must neither spoil good
 * ones nor borrow their rights.
 *
 * All of it is used on the node's worker only.
 */
#ifndef HEPH_REMOTE_IMPORT_H
#define HEPH_REMOTE_IMPORT_H

#include "remote/home.h"

struct heph_bell_ring {
	char unused;
};
HEPH_CHAN(heph_bell, struct heph_bell_ring);

/* An actor of a peer. */
struct heph_import {
	struct heph_peer *peer; /* NULL: not known yet, or lost */
	struct heph_peer *held; /* the same, but until the proxy has ended */
	struct heph_imports *in; /* NULL: it has left the tables */
	struct heph_import *other; /* of the same actor: without a type, or by
				    * another reference */
	struct heph_import *counts; /* whose `sent`, `taken` hold for all of the
				     * actor: itself, or held */
	bool given; /* the reference is from the peer itself */
	struct heph_addr addr;     /* of the proxy */
	const struct heph_remote_actor *remote; /* NULL: takes no messages */
	struct heph_wire_ref ref;
	uint64_t hash;        /* of `remote` */
	uint64_t sent, taken; /* messages: so far; as the peer said */
	uint64_t own;         /* of these it has sent so many */
	bool ended;
	int err;     /* why */
	unsigned holds;
	heph_bell_sender bell; /* NULL: the proxy does not listen */
};

/* All of a peer, or of a node that is to become one. */
struct heph_imports {
	struct heph_table by_id; /* struct heph_import by the actor's id there */
	struct heph_node_state *node;
	uint64_t of; /* the id of the other node */
	unsigned n;
};

/* NULL: no memory. */
struct heph_imports *heph_imports_new(struct heph_node_state *node,
				      uint64_t of);

/*
 * The proxy for a reference to an actor of that peer, which is made if there is none;
 * `remote` NULL: nothing will be sent to it. `ctx` is any actor of the node's worker.
 * `peer` is NULL if it is not known yet: the proxy waits for it, `handshake` at most,
 * and ends with -EHOSTUNREACH then. `given`: the reference has come from the peer
 * itself.
 * Returns 0; -EDQUOT; -EPROTOTYPE (it is known here as of another type); -ENOMEM and
 * what heph_spawn() does.
 */
int heph_import_get(heph_ctx ctx, struct heph_imports *imports,
		    struct heph_peer *peer,
		    const struct heph_remote_actor *remote,
		    const struct heph_wire_ref *ref, bool given,
		    struct heph_addr *ret_addr);

/* The actor has ended, or the peer is lost: so do its proxies, with that error. */
void heph_import_end(struct heph_import *import, int err);

/* The peer says that the reference is not good. */
void heph_import_refuse(struct heph_import *import,
			const struct heph_wire_ref *ref, int err);

/* The peer has taken so many messages in all. Returns 0; -EPROTO. */
int heph_import_credit(struct heph_import *import, uint64_t taken);

/* The proxy's: it has ended, for whatever reason, and holds the import at `ptr` no more. */
void heph_import_left(void *ptr);

/* The window is known, or has changed. */
void heph_imports_ring(struct heph_peer *peer);

/* The peer is there for whom these have waited. Errors end the peer. */
int heph_imports_attach(struct heph_imports *imports, struct heph_peer *peer);

/* Ends all proxies, and frees the table. NULL is ignored. */
void heph_imports_free(struct heph_imports *imports, int err);

#endif
