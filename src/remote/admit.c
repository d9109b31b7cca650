/* SPDX-License-Identifier: MIT */
/*
 * Who may be a peer, and by which connection.
 *
 * There is one peer for each life of a node, found by its id, and it has one
 * connection at a time. All is decided in the node's actor, when a connection has
 * shaken hands so far that nothing of it can be undone by a message under way: for
 * who made it, when hello has come back; for who took it in, when ready has come.
 *
 * Both may connect at the same moment, and both may take the other's connection for
 * the first one. Who gets ready while it has a connection of its own asks: has the
 * other side known of that one, and given it up? If so, or if it was the other side's
 * as well, the new one takes its place. Else the two have crossed each other, and
 * that of the node with the higher id stays, which both conclude. Nothing is lost, as
 * what was sent by the other one is kept, and sent again.
 *
 * A session that the other side does not know has been given up there, and is over; but
 * as long as nothing has come from it (`confirmed`) it may not have begun there, as
 * ready is still under way or was lost: then it begins now, with all that was sent,
 * unless that side says that it has given one up.
 *
 * An id is no secret: it is in each hello and in each reference. So it is believed
 * of the name alone that it belongs to, and a session goes on over a wire that is
 * as sure of that name as the one before.
 *
 * The place of a peer, of a name or of a connection is free when the actor that has
 * it has ended: so the new one waits for that, and asks again (-EAGAIN).
 */
#include "remote/conn.h"

#include "remote/dial.h"
#include "remote/meet.h"

#include <stdio.h>
#include <string.h>

static int no(struct heph_conn *conn, int err, const char *why)
{
	snprintf(conn->why, sizeof(conn->why), "%s", why);
	return err;
}

static int wait_for(struct heph_conn *conn, struct heph_addr addr)
{
	conn->awaited.addr = addr;
	return -EAGAIN;
}

/* ---- who it is --------------------------------------------------------------------------- */

/* Those of a node's name that are still there, ending ones too. */
static struct heph_peer *of_name(const struct heph_node_state *node,
				 const char *name)
{
	for (unsigned i = 0; i < node->n_peers; i++)
		if (strcmp(node->peers[i]->name, name) == 0)
			return node->peers[i];
	return NULL;
}

static struct heph_peer *of_id(const struct heph_node_state *node, uint64_t id)
{
	for (unsigned i = 0; i < node->n_peers; i++)
		if (node->peers[i]->id == id)
			return node->peers[i];
	return NULL;
}

static bool is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	return n > 0 && name[n] == 0;
}

bool heph_admit_trusts(const struct heph_wire *wire, const char *name)
{
	if (wire->trust != HEPH_TRUST_NAME)
		return true;
	for (const char *at = wire->names; at && *at; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

static bool is_welcome(const struct heph_conn *conn)
{
	const struct heph_node_config *config = &conn->node->config;

	return !config->welcome ||
	       config->welcome(config->user, conn->hello.name,
			       conn->wire->trust, conn->wire->where);
}

/* Whether the id is that of the name. It is asked again before a connection is
 * attached, as somebody else may have come in meanwhile. */
static int check_id(struct heph_conn *conn)
{
	const struct heph_node_state *node = conn->node;
	const struct heph_peer *peer = of_id(node, conn->hello.id);
	const char *told = heph_meet_name(node->home, conn->hello.id);

	if (peer && strcmp(peer->name, conn->hello.name) != 0)
		return no(conn, -EEXIST, "that id is another node's");
	if (!peer && told && strcmp(told, conn->hello.name) != 0)
		return no(conn, -EEXIST, "others know that id by another name");
	if (peer && conn->wire->trust < peer->trust)
		return no(conn, -EPERM, "it was surer before who it is");
	return 0;
}

int heph_admit(struct heph_conn *conn)
{
	const struct heph_node_state *node = conn->node;
	const char *name = conn->hello.name;
	const struct heph_peer *other = of_name(node, name);

	if (node->closing)
		return no(conn, -ESHUTDOWN, "the node is ending");
	if (conn->hello.id == node->id)
		return no(conn, -ELOOP, "this is the node itself");
	if (!is_name(name))
		return no(conn, -EACCES, "that is no name of a node");
	if (strcmp(name, node->name) == 0)
		return no(conn, -EACCES, "both nodes have the same name");
	if (!heph_admit_trusts(conn->wire, name))
		return no(conn, -EACCES, "its keys are not those of that name");
	if (conn->dial && !heph_dial_expects(conn->dial, name, conn->hello.id))
		return no(conn, -EACCES, "it is another node than was wanted");
	if (!is_welcome(conn))
		return no(conn, -EACCES, "it is not welcome");
	if (other && other->conn && other->id != conn->hello.id)
		return no(conn, -EEXIST, "a node of that name is connected");
	if (!other && node->n_peers >= node->config.peers)
		return no(conn, -EDQUOT, "there are too many peers");
	return check_id(conn);
}

/* ---- the place of a peer -------------------------------------------------------------------- */

/* What is there ends, with that error, and its place is waited for. */
static int make_way(struct heph_conn *conn, struct heph_peer *peer, int err)
{
	heph_peer_close(peer, err);
	return wait_for(conn, peer->self.addr);
}

/* A new peer, as there is none of that id. An older life of that node is over. */
static int make_peer(heph_ctx ctx, struct heph_conn *conn,
		     struct heph_peer **ret_peer)
{
	struct heph_peer *other = of_name(conn->node, conn->hello.name);
	int err = heph_admit(conn); /* much may have happened since */

	if (err < 0)
		return err;
	if (other)
		return make_way(conn, other, -EHOSTDOWN);
	return heph_peer_start(ctx, conn, ret_peer);
}

/* Whether a session that the other side does not have is one that it had. */
static bool is_over(const struct heph_peer *peer, bool lost)
{
	return peer->confirmed || lost;
}

/* Whether the session can be carried by that wire: what was not acknowledged is sent
 * again as it is, and is numbered as for a stream or as for datagrams. */
static bool fits(const struct heph_peer *peer, const struct heph_conn *conn)
{
	return peer->datagrams == conn->wire->type->datagrams &&
	       peer->frame_max <= heph_conn_frame_max(conn);
}

static int to_attach(struct heph_conn *conn, struct heph_peer *peer,
		     uint64_t received)
{
	int err = heph_peer_attach(peer, conn, received);

	if (err < 0) {
		no(conn, err, "it has not what was sent to it");
		heph_peer_close(peer, err);
	}
	return err;
}

/* One that both have waits for a wire of its kind, as long as the node has patience.
 * One that the other side does not know ends, so that there is one. */
static int does_not_fit(struct heph_conn *conn, struct heph_peer *peer,
			bool goes_on)
{
	if (!goes_on)
		return make_way(conn, peer, -EHOSTDOWN);
	return no(conn, -EALREADY, "the session is on a wire of another kind");
}

/* ---- it was made here ------------------------------------------------------------------------- */

static int put_ready(struct heph_conn *conn)
{
	struct heph_frame frame;
	int err = heph_fifo_reserve(&conn->say, conn->say.n + 1);

	if (err == 0)
		err = heph_ready_write(&conn->ready, &frame);
	if (err == 0)
		heph_fifo_put(&conn->say, frame);
	return err;
}

/* The dial has learned who is there, by whichever connection: it waits until that one
 * is away. */
static int is_up_already(struct heph_conn *conn, const struct heph_peer *peer)
{
	conn->dial->id = peer->id;
	heph_dials_up(conn->node, peer);
	return no(conn, -EALREADY, "there is another connection");
}

/* A peer that was made since we said hello is one that the other side may not have
 * known of when it answered. */
int heph_admit_made(heph_ctx ctx, struct heph_conn *conn)
{
	struct heph_peer *peer = of_id(conn->node, conn->hello.id);
	bool goes_on = peer && conn->hello.expected == conn->node->id;
	bool crossed = peer && peer->serial > conn->since;
	int err = check_id(conn);

	if (err < 0)
		return err;
	if (peer && peer->conn && !peer->closing)
		return is_up_already(conn, peer);
	if (peer && (peer->closing ||
		     (!goes_on && !crossed && is_over(peer, conn->hello.lost))))
		return make_way(conn, peer, -EHOSTDOWN);
	if (peer && !fits(peer, conn))
		return does_not_fit(conn, peer, goes_on);
	if (!peer && (err = make_peer(ctx, conn, &peer)) < 0)
		return err;
	conn->ready = (struct heph_ready){
		.expected = goes_on ? peer->id : 0,
		.received = peer->session.received,
		.last = peer->last_wire,
		.lost = heph_node_has_lost(conn->node, peer->id),
	};
	err = put_ready(conn);
	if (err < 0)
		return err;
	return to_attach(conn, peer, goes_on ? conn->hello.received : 0);
}

/* ---- it came in ----------------------------------------------------------------------------------- */

/* Whether that which is there stays, as the two have crossed each other. */
static bool stays(const struct heph_conn *there, const struct heph_conn *conn)
{
	return there->dial && conn->ready.last != there->number &&
	       conn->node->id > conn->hello.id;
}

static int take_place(struct heph_conn *conn, struct heph_conn *there)
{
	if (stays(there, conn))
		return no(conn, -EALREADY, "there is another connection");
	there->replaced = true;
	heph_conn_end(there, -EALREADY);
	return wait_for(conn, there->self.addr);
}

int heph_admit_came(heph_ctx ctx, struct heph_conn *conn)
{
	struct heph_peer *peer = of_id(conn->node, conn->hello.id);
	bool offered = peer && peer->serial == conn->offered;
	bool goes_on = conn->ready.expected == conn->node->id;
	int err = check_id(conn);

	if (err < 0)
		return err;
	if (peer && peer->closing)
		return make_way(conn, peer, -EHOSTDOWN);
	if (goes_on && !offered)
		return no(conn, -ESTALE, "there is no such session any more");
	if (peer && goes_on && !fits(peer, conn))
		return does_not_fit(conn, peer, true);
	if (peer && peer->conn)
		return take_place(conn, peer->conn);
	if (peer && !fits(peer, conn))
		return does_not_fit(conn, peer, false);
	if (offered && !goes_on && is_over(peer, conn->ready.lost))
		return make_way(conn, peer, -EHOSTDOWN);
	if (!peer && (err = make_peer(ctx, conn, &peer)) < 0)
		return err;
	return to_attach(conn, peer, conn->ready.received);
}
