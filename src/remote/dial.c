/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/dial.h"

#include "remote/mem.h"

#include <stdio.h>
#include <string.h>

#define LOG_PAUSE (60 * HEPH_SEC) /* between errors that change */

/* ---- its peer -------------------------------------------------------------------------- */

bool heph_dial_expects(const struct heph_dial *dial, const char *name,
		       uint64_t id)
{
	return (!dial->name[0] || strcmp(dial->name, name) == 0) &&
	       (!dial->meets || dial->meets == id);
}

bool heph_dial_is_of(const struct heph_dial *dial, const struct heph_peer *peer)
{
	if (dial->meets)
		return dial->meets == peer->id;
	return dial->id == peer->id ||
	       (dial->name[0] && strcmp(dial->name, peer->name) == 0);
}

static bool is_connected(const struct heph_dial *dial)
{
	const struct heph_node_state *node = dial->node;

	for (unsigned i = 0; i < node->n_peers; i++)
		if (node->peers[i]->conn && heph_dial_is_of(dial, node->peers[i]))
			return true;
	return false;
}

static void answer_all(struct heph_dial *dial, int result)
{
	struct heph_request *request;

	while ((request = dial->waiters)) {
		dial->waiters = request->next;
		heph_request_done(request, result);
	}
}

static void wake(struct heph_dial *dial)
{
	if (!dial->waits)
		return;
	dial->waits = false;
	heph_post(dial->self, { 0 });
}

void heph_dials_up(struct heph_node_state *node, const struct heph_peer *peer)
{
	for (struct heph_dial *dial = node->dials; dial; dial = dial->next)
		if (heph_dial_is_of(dial, peer))
			answer_all(dial, 0);
}

void heph_dials_away(struct heph_node_state *node)
{
	for (struct heph_dial *dial = node->dials; dial; dial = dial->next)
		wake(dial);
}

void heph_dial_end(struct heph_dial *dial)
{
	dial->over = true;
	if (!dial->attached)
		heph_stop(dial->self);
	wake(dial);
}

/* ---- connecting ------------------------------------------------------------------------- */

/* That which was refused for good is not tried again. But anybody may stand at the
 * address: once it has been connected, and where it is the other side who refuses,
 * only the node that is wanted is believed. */
static bool is_final(const struct heph_dial *dial)
{
	return (dial->err == -EACCES || dial->err == -ELOOP) && dial->sure;
}

void heph_dial_over(struct heph_dial *dial, const struct heph_conn *conn)
{
	bool first = !dial->id && !conn->goodbye;

	dial->err = conn->goodbye && conn->bye ? conn->bye : conn->err;
	dial->sure = first || !dial->name[0] ||
		     (conn->writing && heph_admit_trusts(conn->wire, dial->name));
	dial->by_it = conn->goodbye && conn->why[0];
	strcpy(dial->why, conn->why);
}

/* What it was to meet is not there: who told of it may have lied. */
static bool meets_nobody(const struct heph_dial *dial)
{
	return dial->meets && heph_now() >= dial->until &&
	       !heph_node_peer_by_id(dial->node, dial->meets);
}

static int connect_once(heph_ctx ctx, struct heph_dial *dial)
{
	const struct heph_transport_type *type = dial->transport->type;
	struct heph_node_state *node = dial->node;
	struct heph_wire *wire;
	heph_ref conn;
	int err;

	dial->why[0] = 0;
	dial->by_it = false;
	dial->sure = true;
	dial->err = type->connect(heph_within(ctx, node->config.handshake),
				  dial->transport, dial->where, &wire);
	if (dial->err < 0)
		return dial->err;
	err = heph_conn_start(ctx, node, wire, dial, &conn);
	if (err < 0) {
		type->close(ctx, wire);
		return dial->err = err;
	}
	err = heph_join(ctx, conn, NULL);
	return err < 0 ? err : dial->err;
}

/* Which errors there are may depend on who means harm: so it is not every change of
 * them, and of what peers have told the node logs one line at a time. */
static bool may_log(struct heph_dial *dial)
{
	heph_time *due = dial->meets ? &dial->node->meet_log_due : &dial->log_due;
	heph_time now = heph_now();

	if (now < *due && (dial->meets || !dial->given_up))
		return false;
	*due = now + LOG_PAUSE;
	return true;
}

/* What nobody has said. */
static const char *reason(const struct heph_dial *dial)
{
	if (dial->why[0])
		return dial->why;
	switch (dial->err) {
	case -EINVAL:
		return "such an address cannot be: write 127.0.0.1:7000, "
		       "[::1]:7000 or name:7000";
	case -ECONNREFUSED:
	case -ENOENT: /* a Unix socket */
		return "nobody listens there";
	case -ETIME:
		return "no answer; if it has another secret its log says so";
	case -EPROTO:
	case -EPIPE:
	case -ECONNRESET:
		return "it has ended the connection; its log says why";
	default:
		return "";
	}
}

/* Once for each kind of failure. */
static void log_failure(struct heph_dial *dial)
{
	if (dial->err == dial->told || !may_log(dial))
		return;
	dial->told = dial->err;
	heph_log_warn(dial->given_up ? "connecting is given up" :
				       "connecting failed",
		      HEPH_KV_STR("where", dial->where),
		      HEPH_KV_STR("peer", dial->name),
		      HEPH_KV_ERR("err", dial->err),
		      HEPH_KV_STR("why", reason(dial)),
		      HEPH_KV_BOOL("by_it", dial->by_it));
}

/* "Full jitter": any time up to a limit that doubles. */
static int rest(heph_ctx ctx, struct heph_dial *dial, heph_time *limit)
{
	const struct heph_node_config *config = &dial->node->config;
	heph_time length = (heph_time)(heph_node_random(ctx) %
				       (uint64_t)*limit);

	*limit = *limit < config->backoff_max / 2 ? *limit * 2 :
						    config->backoff_max;
	return heph_sleep(ctx, length);
}

static int await_turn(heph_ctx ctx, heph_dial_inbox in, struct heph_dial *dial)
{
	struct heph_dial_msg msg;
	int err = 0;

	while (err == 0 && !dial->over &&
	       (is_connected(dial) || dial->node->closing)) {
		dial->waits = true;
		err = heph_recv(ctx, in, &msg);
		dial->waits = false;
	}
	return dial->over || meets_nobody(dial) ? -ECANCELED : err;
}

/* It was not connected. Whether that was the last time. Who is connected otherwise
 * has been reached. */
static bool give_up(struct heph_dial *dial)
{
	unsigned most = dial->node->config.attempts;

	if (dial->err == -EALREADY)
		return false;
	dial->given_up = is_final(dial) ||
			 (most && ++dial->attempts >= most);
	log_failure(dial);
	return dial->given_up;
}

static int keep_connected(heph_ctx ctx, heph_dial_inbox in,
			  struct heph_dial *dial)
{
	heph_time limit = dial->node->config.backoff;
	int err;

	while ((err = await_turn(ctx, in, dial)) == 0) {
		dial->attached = false;
		err = connect_once(ctx, dial);
		if (heph_stopping(ctx) || dial->over)
			return -ECANCELED;
		if (dial->attached) {
			limit = dial->node->config.backoff;
			dial->told = 0;
			dial->attempts = 0;
		} else if (give_up(dial)) {
			return err;
		}
		dial->attached = false;
		err = rest(ctx, dial, &limit);
		if (err < 0)
			return err;
	}
	return err;
}

/* ---- the actor ----------------------------------------------------------------------------- */

static void ended(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_dial *dial =
		(struct heph_dial *)((char *)ending -
				     offsetof(struct heph_dial, ending));
	struct heph_dial **at = &dial->node->dials;

	(void)ctx;
	while (*at != dial)
		at = &(*at)->next;
	*at = dial->next;
	answer_all(dial, dial->given_up ? dial->err : -ECANCELED);
}

static int dial_main(heph_ctx ctx, heph_dial_inbox in, struct heph_dial_arg *arg)
{
	struct heph_dial *dial = arg->dial;
	bool set = heph_ending_set(ctx, &dial->ending, ended) == 0;

	if (set)
		keep_connected(ctx, in, dial);
	else
		ended(ctx, &dial->ending);
	return 0;
}

static void dial_free(struct heph_dial *dial)
{
	heph_transport_free(dial->transport);
	heph_remote_mem_free(dial);
}

static void dial_drop(struct heph_dial_arg *arg)
{
	dial_free(arg->dial);
}
HEPH_ACTOR_MAIN(heph_dial, dial_main, .drop_arg = dial_drop);

int heph_dial_start(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_transport *transport, const char *where,
		    const char *name, uint64_t meets,
		    struct heph_dial **ret_dial)
{
	struct heph_dial *dial = heph_remote_mem_zero(sizeof(*dial));
	heph_time now = heph_now(), most = node->config.handshake;
	int err;

	if (!dial)
		return -ENOMEM;
	dial->node = node;
	dial->transport = heph_transport_ref(transport);
	snprintf(dial->where, sizeof(dial->where), "%s", where);
	snprintf(dial->name, sizeof(dial->name), "%s", name);
	dial->meets = meets;
	dial->until = most < HEPH_NEVER - now ? now + most : HEPH_NEVER;
	dial->next = node->dials;
	node->dials = dial;
	err = heph_spawn(ctx, heph_dial, &dial->self, { dial });
	if (err < 0) {
		node->dials = dial->next;
		dial_free(dial);
		return err;
	}
	*ret_dial = dial;
	return 0;
}
