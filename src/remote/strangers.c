/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/strangers.h"

#include <string.h>

void heph_strangers_join(struct heph_conn *conn)
{
	struct heph_conn **at = &conn->node->strangers;

	while (*at)
		at = &(*at)->next_stranger;
	*at = conn;
	conn->next_stranger = NULL;
	conn->node->n_strangers++;
	conn->node->came++;
	conn->counted = true;
}

void heph_strangers_leave(struct heph_conn *conn)
{
	struct heph_conn **at = &conn->node->strangers;

	while (*at && *at != conn)
		at = &(*at)->next_stranger;
	if (!*at)
		return;
	*at = conn->next_stranger;
	conn->node->n_strangers--;
}

/* Without the port. */
static size_t host_size(const char *where)
{
	const char *port = strrchr(where, ':');

	return port ? (size_t)(port - where) : strlen(where);
}

static bool same_host(const struct heph_wire *a, const struct heph_wire *b)
{
	size_t size = host_size(a->where);

	return size == host_size(b->where) &&
	       memcmp(a->where, b->where, size) == 0;
}

/* NULL: there are none. */
static struct heph_conn *who_gives_way(const struct heph_node_state *node,
				       const struct heph_wire *wire)
{
	struct heph_conn *at = node->strangers;

	while (at && !same_host(at->wire, wire))
		at = at->next_stranger;
	return at ? at : node->strangers;
}

/* Its place is free at once: it ends without waiting for anybody. */
static void turn_out(struct heph_conn *conn)
{
	struct heph_node_state *node = conn->node;

	node->stats.refused++;
	if (!node->crowd_told)
		heph_log_warn("too many have come in and are no peers",
			      HEPH_KV_STR("from", conn->wire->where));
	node->crowd_told = true;
	heph_strangers_leave(conn);
	conn->counted = false;
	node->came--;
	heph_conn_end(conn, -EDQUOT);
}

int heph_strangers_room(struct heph_node_state *node,
			const struct heph_wire *wire)
{
	unsigned all = node->config.connections, most = all > 1 ? all / 2 : 1;
	struct heph_conn *oldest;

	if (node->n_strangers == 0)
		node->crowd_told = false;
	if (node->n_strangers < most && node->came < all)
		return 0;
	oldest = who_gives_way(node, wire);
	if (!oldest)
		return -EDQUOT;
	turn_out(oldest);
	return 0;
}
