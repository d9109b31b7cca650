/* SPDX-License-Identifier: MIT */
/* conn.h - the actor that serves one connection */
#ifndef CONN_H
#define CONN_H

#include "store.h"

struct conn_arg {
	heph_fd fd;
	const struct shards *shards;
};

/* Its inbox must have room for a message from each store. */
HEPH_ACTOR(conn, struct store_reply, struct conn_arg);

#endif
