/* SPDX-License-Identifier: MIT */
/*
 * herald.h - tells one who watches
 *
 * An actor between the node, which never waits, and who watches, whose inbox may be
 * full. It ends when that one does.
 */
#ifndef HEPH_REMOTE_HERALD_H
#define HEPH_REMOTE_HERALD_H

#include "remote/node_state.h"

struct heph_herald_arg {
	struct heph_addr watcher;
};
HEPH_ACTOR(heph_crier, struct heph_node_event, struct heph_herald_arg);

struct heph_herald {
	struct heph_herald *next;
	heph_crier_ref ref;
	bool full_told; /* it is in the log that there is no room */
};

/* One more who watches. In the node's actor. Returns 0; -ENOMEM, -EDQUOT, what
 * heph_spawn() says. */
int heph_herald_start(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_addr watcher);
void heph_herald_tell(struct heph_herald *herald,
		      const struct heph_node_event *event);
/* At the end of the node. */
void heph_heralds_free(struct heph_node_state *node);

#endif
