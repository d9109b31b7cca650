/* SPDX-License-Identifier: MIT */
/* What a node is asked for by functions of node.h, but for what is about
 * references. */
#include "remote/conn.h"
#include "remote/dial.h"
#include "remote/door.h"
#include "remote/herald.h"

#include <string.h>

/* Asks, and gives back what was asked. */
static int ask_and_free(heph_ctx ctx, heph_node node,
			struct heph_request *request)
{
	int err = heph_request(ctx, node, request);

	heph_request_free(request);
	return err;
}

/* Returns 0; -EINVAL: it is too long, or empty. */
static int put_text(char *ret_text, size_t size, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0 || n >= size)
		return -EINVAL;
	memcpy(ret_text, text, n + 1);
	return 0;
}

/* ---- listening -------------------------------------------------------------------------- */

static void run_listen(heph_ctx ctx, struct heph_node_state *node,
		       struct heph_request *request)
{
	heph_entry_start(ctx, node, (struct heph_ask_listen *)request);
}

static void drop_listen(struct heph_request *request)
{
	heph_transport_free(((struct heph_ask_listen *)request)->transport);
}

int heph_node_listen(heph_ctx ctx, heph_node node,
		     struct heph_transport *transport, const char *where,
		     char ret_where[HEPH_WHERE_MAX])
{
	struct heph_ask_listen *ask =
		heph_request_new(sizeof(*ask), run_listen, drop_listen);
	int err;

	if (!ask)
		return -ENOMEM;
	ask->transport = heph_transport_ref(transport);
	err = put_text(ask->where, sizeof(ask->where), where);
	if (err == 0)
		err = heph_request(ctx, node, &ask->request);
	if (err == 0 && ret_where)
		memcpy(ret_where, ask->where, HEPH_WHERE_MAX);
	heph_request_free(&ask->request);
	return err;
}

/* ---- connecting -------------------------------------------------------------------------- */

struct ask_connect {
	struct heph_request request;
	struct heph_transport *transport; /* held */
	char where[HEPH_WHERE_MAX];
	char name[HEPH_NODE_NAME_MAX + 1]; /* "": whoever it is */
	bool waits; /* until it is there */
};

static void drop_connect(struct heph_request *request)
{
	heph_transport_free(((struct ask_connect *)request)->transport);
}

/* The program's own dial to that address, or of that name. */
static struct heph_dial *find_dial(const struct heph_node_state *node,
				   const struct ask_connect *ask)
{
	for (struct heph_dial *dial = node->dials; dial; dial = dial->next)
		if ((dial->transport == ask->transport &&
		     strcmp(dial->where, ask->where) == 0) ||
		    (ask->name[0] && strcmp(dial->name, ask->name) == 0))
			if (!dial->over && !dial->meets)
				return dial;
	return NULL;
}

static bool is_up(const struct heph_node_state *node, const char *name)
{
	const struct heph_peer *peer = heph_node_peer(node, name);

	return peer && peer->conn;
}

/* Who asks for what is being tried waits as well. */
static int dial_for(heph_ctx ctx, struct heph_node_state *node,
		    const struct ask_connect *ask, struct heph_dial **ret_dial)
{
	struct heph_dial *dial = find_dial(node, ask);

	if (node->closing)
		return -ESRCH;
	if (!dial)
		return heph_dial_start(ctx, node, ask->transport, ask->where,
				       ask->name, 0, ret_dial);
	if (!ask->name[0] || strcmp(dial->name, ask->name) != 0 ||
	    strcmp(dial->where, ask->where) != 0 || is_up(node, ask->name))
		return -EEXIST;
	*ret_dial = dial;
	return 0;
}

static void run_connect(heph_ctx ctx, struct heph_node_state *node,
			struct heph_request *request)
{
	struct ask_connect *ask = (struct ask_connect *)request;
	struct heph_dial *dial;
	int err = dial_for(ctx, node, ask, &dial);

	if (err < 0 || !ask->waits || is_up(node, ask->name))
		heph_request_done(request, err);
	else
		heph_request_keep(&dial->waiters, request);
}

int heph_node_connect(heph_ctx ctx, heph_node node,
		      struct heph_transport *transport, const char *where,
		      const char *peer)
{
	struct ask_connect *ask =
		heph_request_new(sizeof(*ask), run_connect, drop_connect);
	int err;

	if (!ask)
		return -ENOMEM;
	ask->transport = heph_transport_ref(transport);
	ask->waits = peer;
	err = put_text(ask->where, sizeof(ask->where), where);
	if (err == 0 && peer && *peer)
		err = put_text(ask->name, sizeof(ask->name), peer);
	if (err < 0) {
		heph_request_free(&ask->request);
		return err;
	}
	return ask_and_free(ctx, node, &ask->request);
}

int heph_node_meet(heph_ctx ctx, struct heph_node_state *node, uint64_t id,
		   const char *name, struct heph_transport *by, const char *where)
{
	struct heph_dial *dial;

	if (id == node->id || heph_node_peer_by_id(node, id))
		return 0;
	for (dial = node->dials; dial; dial = dial->next)
		if (!dial->over && (dial->meets ? dial->meets == id :
						  !strcmp(dial->name, name)))
			return 0;
	return heph_dial_start(ctx, node, by, where, name, id, &dial);
}

void heph_node_unmeet(struct heph_node_state *node, uint64_t id)
{
	for (struct heph_dial *dial = node->dials; dial; dial = dial->next)
		if (dial->meets == id && !dial->over)
			heph_dial_end(dial);
}

const char *heph_node_where(const struct heph_node_state *node,
			    const struct heph_transport *transport)
{
	for (struct heph_entry *entry = node->doors; entry; entry = entry->next)
		if (entry->open && entry->transport == transport)
			return entry->where;
	return "";
}

/* ---- about a peer ---------------------------------------------------------------------------- */

struct ask_peer {
	struct heph_request request;
	char name[HEPH_NODE_NAME_MAX + 1];
	heph_time time;
};

static struct ask_peer *ask_peer(const char *name,
				 void (*run)(heph_ctx ctx,
					     struct heph_node_state *node,
					     struct heph_request *request))
{
	struct ask_peer *ask = heph_request_new(sizeof(*ask), run, NULL);

	/* No peer has a name that is too long. */
	if (ask && put_text(ask->name, sizeof(ask->name), name) < 0)
		ask->name[0] = 0;
	return ask;
}

/* Ends the dials that are about a peer, or want one of that name. Returns whether
 * there was one. */
static bool end_dials(struct heph_node_state *node, const char *name,
		      const struct heph_peer *peer)
{
	bool found = false;

	for (struct heph_dial *dial = node->dials; dial; dial = dial->next)
		if (!dial->over && (strcmp(dial->name, name) == 0 ||
				    (peer && heph_dial_is_of(dial, peer)))) {
			found = true;
			heph_dial_end(dial);
		}
	return found;
}

static void run_disconnect(heph_ctx ctx, struct heph_node_state *node,
			   struct heph_request *request)
{
	struct ask_peer *ask = (struct ask_peer *)request;
	struct heph_peer *peer = heph_node_peer(node, ask->name);
	bool found = ask->name[0] && end_dials(node, ask->name, peer);

	(void)ctx;
	if (!peer) {
		heph_request_done(request, found ? 0 : -ENOENT);
		return;
	}
	request->next = peer->mourners;
	peer->mourners = request;
	heph_peer_close(peer, 0);
}

int heph_node_disconnect(heph_ctx ctx, heph_node node, const char *peer)
{
	struct ask_peer *ask = ask_peer(peer, run_disconnect);

	return ask ? ask_and_free(ctx, node, &ask->request) : -ENOMEM;
}

/* A connection that has not measured one asks now; all that wait get the next one. */
static void run_ping(heph_ctx ctx, struct heph_node_state *node,
		     struct heph_request *request)
{
	struct ask_peer *ask = (struct ask_peer *)request;
	struct heph_peer *peer = heph_node_peer(node, ask->name);

	(void)ctx;
	if (strcmp(ask->name, node->name) == 0) {
		heph_request_done(request, 0);
		return;
	}
	if (!peer) {
		heph_request_done(request, -ENOTCONN);
		return;
	}
	heph_request_keep(&peer->pings, request);
	heph_peer_ping(peer);
}

int heph_node_ping(heph_ctx ctx, heph_node node, const char *peer,
		   heph_time *ret_time)
{
	struct ask_peer *ask = ask_peer(peer, run_ping);
	int err = ask ? heph_request(ctx, node, &ask->request) : -ENOMEM;

	if (err == 0)
		*ret_time = ask->time;
	if (ask)
		heph_request_free(&ask->request);
	return err;
}

void heph_ask_ponged(struct heph_request *request, heph_time time)
{
	((struct ask_peer *)request)->time = time;
	heph_request_done(request, 0);
}

/* ---- watching ------------------------------------------------------------------------------- */

struct ask_watch {
	struct heph_request request;
	struct heph_addr watcher;
};

/* What there is comes first. */
static void tell_all(const struct heph_node_state *node,
		     struct heph_herald *herald)
{
	for (unsigned i = 0; i < node->n_peers; i++) {
		const struct heph_peer *peer = node->peers[i];
		struct heph_node_event event = {
			.event = peer->away_told ? HEPH_PEER_AWAY : HEPH_PEER_UP,
			.id = peer->id,
			.err = peer->away_told ? peer->away_err : 0,
		};

		if (!peer->was_up)
			continue;
		strcpy(event.name, peer->name);
		heph_herald_tell(herald, &event);
	}
}

static void run_watch(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_request *request)
{
	struct ask_watch *ask = (struct ask_watch *)request;
	int err = heph_herald_start(ctx, node, ask->watcher);

	if (err == 0)
		tell_all(node, node->heralds);
	heph_request_done(request, err);
}

int heph_raw_node_watch(heph_ctx ctx, heph_node node, struct heph_addr watcher,
			size_t size)
{
	struct ask_watch *ask;

	if (size != sizeof(struct heph_node_event))
		return -EINVAL;
	ask = heph_request_new(sizeof(*ask), run_watch, NULL);
	if (!ask)
		return -ENOMEM;
	ask->watcher = watcher;
	return ask_and_free(ctx, node, &ask->request);
}

/* ---- looking ---------------------------------------------------------------------------------- */

struct ask_stats {
	struct heph_request request;
	struct heph_node_stats stats;
};

static void run_stats(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_request *request)
{
	struct heph_node_stats *stats = &((struct ask_stats *)request)->stats;

	(void)ctx;
	*stats = node->stats;
	for (unsigned i = 0; i < node->n_peers; i++) {
		heph_node_stats_add(stats, node->peers[i]);
		heph_refs_count(node->peers[i], stats);
	}
	stats->peers = node->n_peers;
	stats->connections = node->connections;
	heph_request_done(request, 0);
}

int heph_node_stats(heph_ctx ctx, heph_node node,
		    struct heph_node_stats *ret_stats)
{
	struct ask_stats *ask = heph_request_new(sizeof(*ask), run_stats, NULL);
	int err = ask ? heph_request(ctx, node, &ask->request) : -ENOMEM;

	if (err == 0)
		*ret_stats = ask->stats;
	if (ask)
		heph_request_free(&ask->request);
	return err;
}

struct ask_peers {
	struct heph_request request;
	size_t max, n;
	struct heph_peer_info infos[];
};

enum { INFOS_MAX = 1 << 20 };

static void tell_about(const struct heph_peer *peer, struct heph_peer_info *ret)
{
	*ret = (struct heph_peer_info){
		.id = peer->id,
		.transport = peer->by ? peer->by->type->name : "",
		.trust = peer->trust,
		.connected = peer->conn != NULL,
		.round_trip = peer->round_trip,
		.waiting = (unsigned)(peer->session.urgent.n +
				      peer->session.out.n +
				      peer->session.kept.n),
	};
	strcpy(ret->name, peer->name);
	if (peer->conn)
		memcpy(ret->where, peer->conn->wire->where, sizeof(ret->where));
	heph_node_stats_add(&ret->stats, peer);
	heph_refs_count(peer, &ret->stats);
	ret->stats.connections = peer->conn != NULL;
}

static void run_peers(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_request *request)
{
	struct ask_peers *ask = (struct ask_peers *)request;

	(void)ctx;
	ask->n = node->n_peers;
	for (size_t i = 0; i < ask->n && i < ask->max; i++)
		tell_about(node->peers[i], &ask->infos[i]);
	heph_request_done(request, 0);
}

int heph_node_peers(heph_ctx ctx, heph_node node,
		    struct heph_peer_info *ret_peers, size_t max)
{
	size_t n = max < INFOS_MAX ? max : INFOS_MAX;
	struct ask_peers *ask = heph_request_new(
		sizeof(*ask) + n * sizeof(*ret_peers), run_peers, NULL);
	int err;

	if (!ask)
		return -ENOMEM;
	ask->max = n;
	err = heph_request(ctx, node, &ask->request);
	if (err == 0) {
		n = ask->n < n ? ask->n : n;
		if (n)
			memcpy(ret_peers, ask->infos, n * sizeof(*ret_peers));
		err = (int)ask->n;
	}
	heph_request_free(&ask->request);
	return err;
}
