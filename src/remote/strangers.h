/* SPDX-License-Identifier: MIT */
/*
 * strangers.h - who came in, and has not become a peer
 *
 * They have half of the node's connections, so there is always room for peers. When
 * that is full, the one who has been there for the longest gives way to who comes
 * next: of those from the same address, if there is one, else of all. So who fills
 * the place from one address is in his own way, and a peer that comes back is let in,
 * whoever keeps silent here.
 */
#ifndef HEPH_REMOTE_STRANGERS_H
#define HEPH_REMOTE_STRANGERS_H

#include "remote/conn.h"

/* Makes room for one more, which comes by that wire. Returns 0; -EDQUOT: all places
 * are those of peers. */
int heph_strangers_room(struct heph_node_state *node,
			const struct heph_wire *wire);

/* It is one; it is none any more, if it was. */
void heph_strangers_join(struct heph_conn *conn);
void heph_strangers_leave(struct heph_conn *conn);

#endif
