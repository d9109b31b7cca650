/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/conn.h"
#include "remote/dial.h"
#include "remote/mem.h"
#include "remote/strangers.h"

#include <stdio.h>
#include <string.h>

#define GOODBYE HEPH_SEC /* so long a connection has to say all that waits */

/* ---- sending -------------------------------------------------------------------------- */

static void kick(struct heph_peer *peer)
{
	if (peer->conn)
		heph_conn_kick(peer->conn);
}

static void count_sent(struct heph_peer *peer, const struct heph_frame *frame)
{
	unsigned type = frame->data[0];

	peer->stats.sent += type == HEPH_FRAME_SEND ||
			    type == HEPH_FRAME_CALL ||
			    type == HEPH_FRAME_ANSWER;
}

/* Goes now or never. */
static void send_loose(struct heph_peer *peer, struct heph_frame *frame)
{
	if (peer->conn && heph_session_room(&peer->session, frame->size) &&
	    heph_session_put(&peer->session, *frame) == 0) {
		count_sent(peer, frame);
		kick(peer);
		return;
	}
	peer->stats.lost++;
	heph_frame_free(frame);
}

static int check(const struct heph_peer *peer, const struct heph_frame *frame)
{
	if (peer->closing)
		return -EHOSTDOWN;
	return frame->size <= peer->frame_max ? 0 : -EMSGSIZE;
}

/* Who comes while others wait waits behind them. */
static int await_room(heph_ctx ctx, struct heph_peer *peer, size_t size)
{
	bool first = peer->gate.waiting == 0;

	while (!first || !heph_session_room(&peer->session, size)) {
		int err = heph_gate_wait(ctx, &peer->gate);

		if (err < 0)
			return err == -EPIPE ? -EHOSTDOWN : err;
		first = true;
	}
	return peer->closing ? -EHOSTDOWN : 0;
}

int heph_peer_send(heph_ctx ctx, struct heph_peer *peer, struct heph_frame *frame)
{
	int err = check(peer, frame);

	if (err < 0)
		return err;
	if (frame->data[1] & HEPH_FRAME_LOOSE) {
		send_loose(peer, frame);
		return 0;
	}
	err = await_room(ctx, peer, frame->size);
	if (err == 0)
		err = heph_session_put(&peer->session, *frame);
	if (err < 0)
		return err;
	count_sent(peer, frame);
	kick(peer);
	return 0;
}

int heph_peer_post(struct heph_peer *peer, struct heph_frame *frame)
{
	int err = check(peer, frame);

	if (err == 0)
		err = heph_session_put_urgent(&peer->session, *frame);
	if (err < 0) {
		heph_frame_free(frame);
		return err;
	}
	count_sent(peer, frame);
	kick(peer);
	return 0;
}

/* As many as there is room for, if each wants little. */
void heph_peer_room(struct heph_peer *peer)
{
	const struct heph_session *session = &peer->session;
	unsigned places = session->out.n < session->queue ?
				  session->queue - (unsigned)session->out.n :
				  0;

	if (peer->gate.waiting == peer->gate.called ||
	    !heph_session_room(session, 0))
		return;
	while (peer->gate.called < places && heph_gate_call(&peer->gate))
		;
}

/* ---- what others want of it --------------------------------------------------------------- */

/* Makes its actor look. */
static void wake(struct heph_peer *peer)
{
	/* If its inbox is full it looks anyway. */
	if (heph_try_send(peer->self, { .frame = { NULL, 0 } }) < 0)
		return;
}

void heph_peer_do(struct heph_peer *peer, struct heph_job *job)
{
	bool first = peer->jobs == NULL;

	job->next__ = NULL;
	*peer->jobs_end = job;
	peer->jobs_end = &job->next__;
	if (first)
		wake(peer);
}

static void do_jobs(heph_ctx ctx, struct heph_peer *peer)
{
	struct heph_job *job;

	while ((job = peer->jobs)) {
		peer->jobs = job->next__;
		if (!peer->jobs)
			peer->jobs_end = &peer->jobs;
		job->run(ctx, peer, job);
	}
}

void heph_peer_pong(struct heph_peer *peer, heph_time sent, heph_time now)
{
	struct heph_request *request;

	if (sent > now)
		return;
	peer->round_trip = now - sent;
	while ((request = peer->pings)) {
		peer->pings = request->next;
		heph_ask_ponged(request, peer->round_trip);
	}
}

void heph_peer_ping(struct heph_peer *peer)
{
	if (!peer->conn)
		return;
	peer->conn->ping = true;
	heph_conn_kick(peer->conn);
}

static void all_done(struct heph_request *request, int result)
{
	while (request) {
		struct heph_request *next = request->next;

		heph_request_done(request, result);
		request = next;
	}
}

void heph_peer_close(struct heph_peer *peer, int err)
{
	if (peer->closing)
		return;
	peer->closing = true;
	peer->err = err;
	heph_gate_close(&peer->gate);
	if (peer->conn)
		heph_conn_goodbye(peer->conn, err, "");
	wake(peer);
}

/* ---- connections --------------------------------------------------------------------------- */

static void tell_up(struct heph_peer *peer)
{
	heph_log_info("peer is up", HEPH_KV_STR("peer", peer->name),
		      HEPH_KV_BOOL("again", peer->was_up));
	heph_node_tell(peer->node, peer, HEPH_PEER_UP, peer->was_up, 0);
}

int heph_peer_attach(struct heph_peer *peer, struct heph_conn *conn,
		     uint64_t received)
{
	int err = heph_session_resume(&peer->session, received);
	heph_time now = heph_now();

	if (err < 0)
		return err;
	peer->conn = conn;
	conn->peer = peer;
	conn->held = heph_peer_hold(peer);
	conn->wire->frame_max = 0;
	heph_strangers_leave(conn);
	if (conn->dial) {
		conn->dial->attached = true;
		conn->dial->id = peer->id;
	}
	heph_node_find(peer->node, peer->id);
	peer->last_wire = conn->number;
	heph_transport_free(peer->by);
	peer->by = heph_transport_ref(conn->wire->transport);
	peer->trust = conn->wire->trust;
	peer->window = conn->hello.window;
	peer->frame_max = (uint32_t)heph_conn_frame_max(conn);
	peer->heard = conn->wire->came;
	peer->said = conn->sent;
	peer->heard_at = now;
	peer->beat_due = heph_node_later(now, peer->node->config.beat);
	if (!peer->was_up || peer->away_told)
		tell_up(peer);
	peer->was_up = true;
	peer->away_told = false;
	heph_dials_up(peer->node, peer);
	heph_peer_room(peer);
	heph_refs_up(peer);
	heph_conn_kick(conn);
	wake(peer);
	return 0;
}

static void tell_away(struct heph_peer *peer)
{
	if (peer->away_told || peer->closing)
		return;
	peer->away_told = true;
	heph_log_info("peer is away", HEPH_KV_STR("peer", peer->name),
		      HEPH_KV_ERR("err", peer->away_err));
	heph_node_tell(peer->node, peer, HEPH_PEER_AWAY, false, peer->away_err);
	heph_dials_away(peer->node);
}

/* These say that a connection is not wanted, and nothing about the node. */
static bool is_of_connection(int err)
{
	return err == -EALREADY || err == -ESTALE;
}

/* That of a connection that crossed another one, which is about to be attached, is
 * told at the next beat. */
void heph_peer_detach(struct heph_peer *peer, struct heph_conn *conn)
{
	heph_time now = heph_now();

	conn->peer = NULL;
	peer->conn = NULL;
	peer->away_err = conn->err == -ENODATA ? -ECONNRESET : conn->err;
	peer->beat_due = heph_node_later(now, peer->node->config.beat);
	peer->away_until = heph_node_later(now, peer->node->config.patience);
	if (conn->goodbye && !is_of_connection(conn->bye))
		heph_peer_close(peer, conn->bye);
	else if (!conn->replaced && !conn->goodbye)
		tell_away(peer);
	wake(peer);
}

/* ---- time -------------------------------------------------------------------------------------- */

static void beat(struct heph_peer *peer, heph_time now)
{
	const struct heph_node_config *config = &peer->node->config;
	struct heph_conn *conn = peer->conn;

	if (!conn) {
		tell_away(peer);
		peer->beat_due = HEPH_NEVER;
		return;
	}
	if (conn->sent == peer->said || peer->pings)
		heph_peer_ping(peer);
	peer->said = conn->sent;
	peer->beat_due = heph_node_later(now, config->beat);
}

/* A part of a frame is something, as a large one may take its time. */
static void check_silence(struct heph_peer *peer, heph_time now)
{
	struct heph_conn *conn = peer->conn;

	if (conn->wire->came != peer->heard || conn->held_up) {
		peer->heard = conn->wire->came;
		peer->heard_at = now;
	} else if (now - peer->heard_at >= peer->node->config.silence) {
		heph_conn_end(conn, -ETIMEDOUT);
	}
}

static heph_time earlier(heph_time a, heph_time b)
{
	return a < b ? a : b;
}

static heph_time due(const struct heph_peer *peer)
{
	heph_time when;

	if (!peer->conn)
		return earlier(peer->beat_due, peer->away_until);
	when = heph_node_later(peer->heard_at, peer->node->config.silence);
	when = earlier(when, peer->beat_due);
	return earlier(when, heph_session_due(&peer->session));
}

static void look_at_clock(struct heph_peer *peer)
{
	heph_time now = heph_now();

	if (peer->conn) {
		check_silence(peer, now);
		heph_session_tick(&peer->session, now);
		if (heph_session_owes(&peer->session) ||
		    heph_session_waiting(&peer->session))
			heph_conn_kick(peer->conn);
	} else if (now >= peer->away_until) {
		heph_peer_close(peer, peer->away_err ? peer->away_err :
						       -EHOSTDOWN);
	}
	if (now >= peer->beat_due)
		beat(peer, now);
}

/* ---- the actor ---------------------------------------------------------------------------------- */

static void take(heph_ctx ctx, struct heph_peer *peer, struct heph_frame *frame)
{
	struct heph_frame_view view;
	int err;

	if (!frame->data)
		return;
	err = peer->closing ? 0 : heph_frame_view(frame->data, frame->size, &view);
	if (err == 0 && !peer->closing)
		err = heph_refs_frame(ctx, peer, &view);
	heph_frame_free(frame);
	if (err < 0) {
		peer->stats.refused++;
		heph_log_warn("peer is given up",
			      HEPH_KV_STR("peer", peer->name),
			      HEPH_KV_ERR("err", err));
		heph_peer_close(peer, err);
	}
}

static int wait_once(heph_ctx ctx, struct heph_peer *peer, heph_peer_inbox in)
{
	struct heph_peer_msg msg = { { NULL, 0 } };
	struct heph_pending pending;
	struct heph_down down;
	enum { ANSWER, DOWN, MSG, TIME };
	int what;

	while (heph_try_recv(in, &msg) == 0)
		take(ctx, peer, &msg.frame);
	do_jobs(ctx, peer);
	what = heph_wait(ctx, [ANSWER] = heph_on_any_answer(&pending),
			 [MSG] = heph_on_msg(in, &msg),
			 [DOWN] = heph_on_down(&down),
			 [TIME] = heph_on_time(due(peer)));
	if (what == MSG)
		take(ctx, peer, &msg.frame);
	else if (what == ANSWER)
		heph_refs_answered(ctx, peer, &pending);
	else if (what == DOWN)
		heph_refs_down(ctx, peer, &down);
	else if (what == TIME)
		look_at_clock(peer);
	return what;
}

/* What waits is sent, and the connection ends, if the other side is quick. */
static void take_leave(heph_ctx ctx, struct heph_peer *peer, heph_peer_inbox in)
{
	heph_ctx soon = heph_within(heph_shield(ctx, GOODBYE), GOODBYE);

	while (peer->conn && wait_once(soon, peer, in) >= 0)
		;
	if (peer->conn) {
		heph_ref conn = peer->conn->self;

		heph_conn_end(peer->conn, -ETIMEDOUT);
		/* Not for ever: a connection that does not end is listed. */
		while (peer->conn && heph_join(heph_shield(ctx, GOODBYE), conn,
					       NULL) == -ETIME)
			;
	}
}

static void leave_table(struct heph_peer *peer)
{
	struct heph_node_state *node = peer->node;

	for (unsigned i = 0; i < node->n_peers; i++)
		if (node->peers[i] == peer) {
			node->peers[i] = node->peers[--node->n_peers];
			return;
		}
}

void heph_node_stats_add(struct heph_node_stats *sum, const struct heph_peer *peer)
{
	sum->sent += peer->stats.sent;
	sum->received += peer->stats.received;
	sum->sent_bytes += peer->session.bytes_sent;
	sum->received_bytes += peer->stats.received_bytes;
	sum->resent += peer->session.resent;
	sum->lost += peer->stats.lost;
	sum->refused += peer->stats.refused;
}

/* Its children have ended. */
static void gone(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_peer *peer =
		(struct heph_peer *)((char *)ending -
				     offsetof(struct heph_peer, ending));

	peer->closing = true;
	if (peer->conn) /* it did not end in time */
		peer->conn->peer = NULL;
	do_jobs(ctx, peer);
	leave_table(peer);
	heph_node_lose(peer->node, peer->id);
	heph_node_stats_add(&peer->node->stats, peer);
	if (peer->was_up)
		heph_node_tell(peer->node, peer, HEPH_PEER_DOWN, false, peer->err);
	heph_log_info("peer is down", HEPH_KV_STR("peer", peer->name),
		      HEPH_KV_ERR("err", peer->err));
	all_done(peer->pings, -EHOSTDOWN);
	all_done(peer->mourners, 0);
	heph_dials_away(peer->node);
}

static int peer_main(heph_ctx ctx, heph_peer_inbox in, struct heph_peer_arg *arg)
{
	struct heph_peer *peer = arg->peer;
	bool set = heph_ending_set(ctx, &peer->ending, gone) == 0;
	int err = set ? heph_refs_init(ctx, peer) : -ENOMEM;

	if (err < 0)
		heph_peer_close(peer, err);
	while (!peer->closing && wait_once(ctx, peer, in) >= 0)
		;
	heph_peer_close(peer, 0);
	heph_refs_fini(ctx, peer);
	take_leave(ctx, peer, in);
	if (!set)
		gone(ctx, &peer->ending);
	return 0;
}

static void peer_drop(struct heph_peer_msg *msg)
{
	heph_frame_free(&msg->frame);
}

static void peer_free(struct heph_peer *peer)
{
	heph_session_release(&peer->session);
	heph_gate_release(&peer->gate);
	heph_transport_free(peer->by);
	heph_remote_mem_free(peer);
}

struct heph_peer *heph_peer_hold(struct heph_peer *peer)
{
	peer->holds++;
	return peer;
}

void heph_peer_release(struct heph_peer *peer)
{
	if (--peer->holds == 0)
		peer_free(peer);
}

static void peer_drop_arg(struct heph_peer_arg *arg)
{
	heph_peer_release(arg->peer);
}
HEPH_ACTOR_MAIN(heph_peer, peer_main, .drop = peer_drop,
		.drop_arg = peer_drop_arg);

/* ---- a new one -------------------------------------------------------------------------------------- */

/* Where others may find it: as it says; but it may listen on all addresses, and then
 * on the one by which it was found. */
static void find_where(struct heph_peer *peer, const struct heph_conn *conn)
{
	const char *said = conn->hello.where, *port = strrchr(said, ':');
	const char *known = conn->dial ? conn->dial->where : conn->wire->where;
	const char *end = strrchr(known, ':');
	bool any = said[0] == ':' || strncmp(said, "0.0.0.0:", 8) == 0 ||
		   strncmp(said, "[::]:", 5) == 0;

	if (said[0] && !any)
		snprintf(peer->where, sizeof(peer->where), "%s", said);
	else if (any && end)
		snprintf(peer->where, sizeof(peer->where), "%.*s%s",
			 (int)(end - known), known, port);
	else if (conn->dial)
		snprintf(peer->where, sizeof(peer->where), "%s", known);
}

static struct heph_peer *peer_new(struct heph_conn *conn)
{
	struct heph_node_state *node = conn->node;
	struct heph_peer *peer = heph_remote_mem_zero(sizeof(*peer));

	if (!peer)
		return NULL;
	if (heph_gate_init(&peer->gate) < 0) {
		peer_free(peer);
		return NULL;
	}
	peer->node = node;
	peer->holds = 1;
	peer->id = conn->hello.id;
	peer->serial = ++node->serials;
	strcpy(peer->name, conn->hello.name);
	find_where(peer, conn);
	peer->datagrams = conn->wire->type->datagrams;
	peer->jobs_end = &peer->jobs;
	peer->beat_due = peer->away_until = HEPH_NEVER;
	heph_session_init(&peer->session, peer->datagrams, node->config.queue,
			  node->config.queue_bytes);
	return peer;
}

int heph_peer_start(heph_ctx ctx, struct heph_conn *conn,
		    struct heph_peer **ret_peer)
{
	struct heph_node_state *node = conn->node;
	struct heph_peer *peer = peer_new(conn);
	int err;

	if (!peer)
		return -ENOMEM;
	err = heph_spawn(ctx, heph_peer, &peer->self, { peer }, .name = peer->name);
	if (err < 0) {
		peer_free(peer);
		return err;
	}
	node->peers[node->n_peers++] = peer;
	*ret_peer = peer;
	return 0;
}
