/* SPDX-License-Identifier: MIT */
/* The node's actor: its life, and who its peers are. What it is asked for is in
 * ask.c and, where it is about references, in the files of these. */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/herald.h"
#include "remote/mem.h"

#include <heph/sim.h>

#include <string.h>
#include <sys/random.h>

#define GOODBYE (2 * HEPH_SEC) /* for all peers */

/* Peers cannot wait for room, and who spawns asks often. */
enum { REQUESTS = 4096 };

enum {
	PEERS = 1024,
	PEERS_MAX = 1 << 20,
	WINDOW = 256,
	WINDOW_MAX = 65536,
	QUEUE = 1024,
	CALLS = 65536,
	REFS = 100000,
	SPAWNED = 10000,
	PHASE = 6,
};

/* ---- its peers ------------------------------------------------------------------------- */

struct heph_peer *heph_node_peer(const struct heph_node_state *node,
				 const char *name)
{
	for (unsigned i = 0; i < node->n_peers; i++)
		if (!node->peers[i]->closing &&
		    strcmp(node->peers[i]->name, name) == 0)
			return node->peers[i];
	return NULL;
}

struct heph_peer *heph_node_peer_by_id(const struct heph_node_state *node,
				       uint64_t id)
{
	for (unsigned i = 0; i < node->n_peers; i++)
		if (!node->peers[i]->closing && node->peers[i]->id == id)
			return node->peers[i];
	return NULL;
}

void heph_node_lose(struct heph_node_state *node, uint64_t id)
{
	node->lost[node->n_lost++ % HEPH_NODE_LOST] = id;
}

void heph_node_find(struct heph_node_state *node, uint64_t id)
{
	for (unsigned i = 0; i < HEPH_NODE_LOST; i++)
		if (node->lost[i] == id)
			node->lost[i] = 0;
}

bool heph_node_has_lost(const struct heph_node_state *node, uint64_t id)
{
	for (unsigned i = 0; i < HEPH_NODE_LOST; i++)
		if (node->lost[i] == id)
			return true;
	return false;
}

void heph_node_tell(struct heph_node_state *node, const struct heph_peer *peer,
		    enum heph_peer_event what, bool again, int err)
{
	struct heph_node_event event = {
		.event = what, .again = again, .err = err, .id = peer->id
	};

	strcpy(event.name, peer->name);
	for (struct heph_herald *at = node->heralds; at; at = at->next)
		heph_herald_tell(at, &event);
}

uint64_t heph_node_random(heph_ctx ctx)
{
	uint64_t number = 0;

	if (strcmp(heph_driver_name(ctx), "sim") == 0)
		return heph_sim_random(ctx, UINT64_MAX);
	/* Never fails for so few bytes: getrandom(2). */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return 0;
	return number;
}

/* ---- the actor ---------------------------------------------------------------------------- */

static int wait_once(heph_ctx ctx, struct heph_node_state *node,
		     heph_node_inbox in)
{
	struct heph_node_msg msg;
	struct heph_down down;
	enum { MSG, DOWN };
	int what = heph_wait(ctx, [MSG] = heph_on_msg(in, &msg),
			     [DOWN] = heph_on_down(&down));

	if (what == MSG) {
		msg.request->done.raw = msg.done.raw;
		msg.request->run(ctx, node, msg.request);
	} else if (what == DOWN) {
		heph_home_down(ctx, node, &down);
	}
	return what;
}

/* All of them say goodbye at the same time. */
static void take_leave(heph_ctx ctx, struct heph_node_state *node,
		       heph_node_inbox in)
{
	heph_ctx soon = heph_within(heph_shield(ctx, GOODBYE), GOODBYE);

	node->closing = true;
	for (unsigned i = 0; i < node->n_peers; i++)
		heph_peer_close(node->peers[i], 0);
	while (node->n_peers) {
		heph_peer_ref ref = node->peers[0]->self;
		int what = heph_wait(soon, heph_on_join(ref, NULL));

		if (what < 0)
			return;
	}
	(void)in;
}

static int node_main(heph_ctx ctx, heph_node_inbox in, struct heph_node_arg *arg)
{
	struct heph_node_state *node = arg->node;
	int err;

	node->self = heph_self(in);
	while (!node->id)
		node->id = heph_node_random(ctx);
	err = heph_home_init(ctx, node);
	if (err < 0)
		return err;
	heph_log_info("node", HEPH_KV_STR("node", node->name),
		      HEPH_KV_HEX("id", node->id));
	while (wait_once(ctx, node, in) >= 0)
		;
	take_leave(ctx, node, in);
	return 0;
}

static void node_drop(struct heph_node_msg *msg)
{
	heph_request_free(msg->request);
}

static void node_free(struct heph_node_state *node)
{
	heph_heralds_free(node);
	heph_remote_mem_free(node->peers);
	heph_remote_mem_free(node);
}

static void node_drop_arg(struct heph_node_arg *arg)
{
	heph_home_fini(heph_no_ctx(), arg->node);
	node_free(arg->node);
}
HEPH_ACTOR_MAIN(heph_node, node_main, .drop = node_drop,
		.drop_arg = node_drop_arg);

/* ---- starting, stopping -------------------------------------------------------------------- */

static void default_to(unsigned *value, unsigned otherwise)
{
	if (!*value)
		*value = otherwise;
}

static void default_time(heph_time *value, heph_time otherwise)
{
	if (!*value)
		*value = otherwise;
}

static void fill_in(struct heph_node_config *config)
{
	default_time(&config->patience, 5 * HEPH_SEC);
	default_time(&config->beat, HEPH_SEC);
	default_time(&config->silence, config->beat < HEPH_NEVER / 8 ?
					       4 * config->beat :
					       HEPH_NEVER);
	default_time(&config->backoff, 50 * HEPH_MSEC);
	default_time(&config->backoff_max, 5 * HEPH_SEC);
	default_time(&config->handshake, 10 * HEPH_SEC);
	default_to(&config->peers, PEERS);
	default_to(&config->connections, 2 * config->peers);
	default_to(&config->window, WINDOW);
	default_to(&config->queue, QUEUE);
	if (!config->queue_bytes)
		config->queue_bytes = 16 << 20;
	default_to(&config->calls, CALLS);
	default_to(&config->refs, REFS);
	default_to(&config->spawned, SPAWNED);
	default_to(&config->phase, PHASE);
}

/* Long enough to be added to the clock. */
static bool is_time(heph_time value)
{
	return value > 0 && (value <= HEPH_NEVER / 2 || value == HEPH_NEVER);
}

static bool is_name(const char *name)
{
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_.") :
			  0;

	return n > 0 && n <= HEPH_NODE_NAME_MAX && name[n] == 0;
}

static bool is_valid(const struct heph_node_config *config)
{
	return is_name(config->name) && is_time(config->patience) &&
	       is_time(config->beat) && is_time(config->silence) &&
	       is_time(config->backoff) && is_time(config->backoff_max) &&
	       is_time(config->handshake) && config->beat <= config->silence &&
	       config->backoff <= config->backoff_max &&
	       config->peers <= PEERS_MAX && config->window <= WINDOW_MAX &&
	       config->phase < HEPH_PHASE_MAX && /* proxies are last */
	       (config->format == HEPH_CBOR || config->format == HEPH_JSON);
}

static struct heph_node_state *node_new(const struct heph_node_config *config)
{
	struct heph_node_state *node = heph_remote_mem_zero(sizeof(*node));

	if (!node)
		return NULL;
	node->peers = heph_remote_mem_zero(config->peers * sizeof(*node->peers));
	if (!node->peers) {
		heph_remote_mem_free(node);
		return NULL;
	}
	node->config = *config;
	strcpy(node->name, config->name);
	node->config.name = node->name;
	return node;
}

/* Only threads spawn actors of the first level, which end in phases. To send nobody
 * something later is refused, and for another reason by a thread. */
static unsigned phase_of(heph_ctx ctx, const struct heph_node_state *node)
{
	struct heph_addr nobody = { 0, 0, 0, 0 };
	bool is_thread = heph_raw_send_after(ctx, NULL, nobody, 0, "", 1) ==
			 -EOPNOTSUPP;

	return is_thread ? node->config.phase : 0;
}

int heph_raw_node_start(heph_ctx ctx, heph_node *ret_node,
			const struct heph_node_config *config)
{
	struct heph_node_config filled;
	struct heph_node_state *node;
	heph_node_ref ref;
	int err;

	if (!heph_take_options__(&filled, sizeof(filled), config))
		return -EINVAL;
	fill_in(&filled);
	if (!is_valid(&filled))
		return -EINVAL;
	node = node_new(&filled);
	if (!node)
		return -ENOMEM;
	err = heph_spawn(ctx, heph_node, &ref, { node }, .name = node->name,
			 .inbox = REQUESTS, .phase = phase_of(ctx, node));
	if (err < 0)
		node_free(node);
	else
		ret_node->addr = ref.addr;
	return err;
}

int heph_node_stop(heph_ctx ctx, heph_node node)
{
	heph_stop(node);
	return heph_join(ctx, node, NULL);
}
