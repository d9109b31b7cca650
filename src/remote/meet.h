/* SPDX-License-Identifier: MIT */
/*
 * meet.h - references to third nodes
 *
 * Who gives a peer a reference to an actor of a third node tells it before where that
 * one is found. A connection is made when the first such reference comes; until it is
 * there the proxies wait.
 *
 * What is told of a node first stays: its id is that of its name, and no node of
 * another name gets what waits for it. It is dialled by the transport on which it was
 * told of, as that is what makes sure who is who.
 */
#ifndef HEPH_REMOTE_MEET_H
#define HEPH_REMOTE_MEET_H

#include "remote/import.h"

/* A node that we were told of. It is forgotten with who told, or when its last proxy
 * has ended if he is gone by then. */
struct heph_met {
	uint64_t id;
	struct heph_peer *teller; /* NULL: he is gone */
	struct heph_met *next_told; /* of his */
	struct heph_imports *imports; /* that wait for it; NULL: none */
	uint64_t serial; /* of the peer that gets them as it is there; 0 */
	char *name; /* NULL: it is not known; all three are one block */
	char *transport, *where; /* may be empty: it cannot be reached */
	struct heph_transport *by; /* ours, held; NULL: none */
};

/* Tells a peer of a node, once. Does not wait. Returns 0, also if there is nothing
 * to be told; what heph_peer_post() does. */
int heph_meet_introduce(struct heph_peer *peer, uint64_t id);

/* MEET has come. Returns 0; -EPROTO. */
int heph_meet_frame(struct heph_peer *peer, struct heph_cut *cut);

enum {
	HEPH_MEET_REFS = 256, /* actors of a node that is no peer so far */
	HEPH_MEET_DIALS = 16, /* for a peer at a time; or a quarter of `peers` */
};

/* Where proxies of a node wait that is no peer now, of which that peer gave a
 * reference; it is dialled. Returns 0; -EDQUOT: of too many such nodes he, or who told
 * of this one, has told, or too many of them are dialled, or are actors of this one;
 * -ENOMEM. */
int heph_meet_imports(struct heph_peer *giver, uint64_t id,
		      struct heph_imports **ret_imports);
/* None of these are left; a peer's are its own. */
void heph_meet_forget(struct heph_imports *imports);

/* A peer is there: it gets those that have waited for it, or an empty table. Returns 0;
 * -ENOMEM and others. */
int heph_meet_attach(struct heph_peer *peer);

/* The name of a node that is no peer, as we were told; NULL: we were not. */
const char *heph_meet_name(const struct heph_home *home, uint64_t id);

/* Whether `peer`, when it speaks of that node, means the `third` that we know. */
bool heph_meet_agrees(const struct heph_peer *peer,
		      const struct heph_peer *third);

/* A peer is lost: so is what it has told, and what is about it. */
void heph_meet_leave(struct heph_peer *peer);
void heph_meet_fini(struct heph_home *home);

#endif
