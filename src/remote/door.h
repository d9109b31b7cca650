/* SPDX-License-Identifier: MIT */
/*
 * door.h - where others come in
 *
 * An actor that accepts; connections that came in are its children. When its door
 * breaks it opens another one at the same address.
 */
#ifndef HEPH_REMOTE_DOOR_H
#define HEPH_REMOTE_DOOR_H

#include "remote/node_state.h"

struct heph_entry_arg {
	struct heph_entry *entry;
};
HEPH_ACTOR(heph_entry, void, struct heph_entry_arg);

/* A request to listen: where it has become is told in `where`. */
struct heph_ask_listen {
	struct heph_request request;
	struct heph_transport *transport; /* held */
	char where[HEPH_WHERE_MAX];
};

struct heph_entry {
	struct heph_entry *next;
	struct heph_node_state *node;
	struct heph_transport *transport;
	struct heph_ending ending;
	struct heph_ask_listen *ask; /* NULL: it was answered */
	struct heph_door *door;
	char where[HEPH_WHERE_MAX];
	bool open; /* others come in */
};

/* Opens a door, and answers the request, in any case. In the node's actor. */
void heph_entry_start(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_ask_listen *ask);

#endif
