/* SPDX-License-Identifier: MIT */
/* Clusters: the public side. */
#include "remote/cluster_main.h"

#include <heph/call.h>

#include <string.h>

#include "remote/node_state.h"

enum { INBOX = 256 };

/* ---- joining ---------------------------------------------------------------------------------------- */

/* Who this node is. */
struct who {
	struct heph_request request;
	char name[HEPH_NODE_NAME_MAX + 1];
	uint64_t id;
};

static void say_who(heph_ctx ctx, struct heph_node_state *node,
		    struct heph_request *request)
{
	struct who *who = (struct who *)request;

	(void)ctx;
	strcpy(who->name, node->name);
	who->id = node->id;
	heph_request_done(request, 0);
}

static int ask_who(heph_ctx ctx, heph_node node, struct heph_cluster_state *state)
{
	struct who *who = heph_request_new(sizeof(*who), say_who, NULL);
	int err = who ? heph_request(ctx, node, &who->request) : -ENOMEM;

	if (err == 0) {
		strcpy(state->name, who->name);
		state->self.id = who->id;
		err = heph_cluster_key(HEPH_CLUSTER_MEMBER, state->name, state->key);
	}
	if (who)
		heph_request_free(&who->request);
	return err;
}

static int check_config(struct heph_cluster_config *config,
			const struct heph_cluster_config *given)
{
	if (!heph_take_options__(config, sizeof(*config), given))
		return -EINVAL;
	if (config->lease == 0)
		config->lease = 6 * HEPH_SEC;
	if (config->replicas == 0)
		config->replicas = 1;
	return config->lease >= 300 * HEPH_MSEC &&
			       config->lease <= 24 * 3600 * HEPH_SEC &&
			       (config->replicas == 1 || config->replicas == 3 ||
				config->replicas == 5) ?
		       0 :
		       -EINVAL;
}

/* All but what its actor makes. */
static int state_new(heph_ctx ctx, heph_nats nats, heph_node node,
		     const struct heph_cluster_config *config,
		     struct heph_cluster_state **ret_state)
{
	struct heph_cluster_state *state = heph_remote_mem_zero(sizeof(*state));
	int err;

	if (!state)
		return -ENOMEM;
	err = check_config(&state->config, config);
	if (err == 0)
		err = heph_nats_link_of(ctx, nats, &state->link);
	if (err == 0)
		err = ask_who(ctx, node, state);
	if (err == 0)
		err = heph_cluster_shared_new(&state->shared, state->link, node,
					      state->config.replicas);
	if (err == 0) {
		*ret_state = state;
		return 0;
	}
	heph_nats_link_unref(state->link);
	heph_remote_mem_free(state);
	return err;
}

static int gone(int err)
{
	return err == -EPIPE ? -ESRCH : err;
}

/* From now on others can reach this node by its name. */
static int open_door(heph_ctx ctx, heph_nats nats, heph_node node,
		  struct heph_cluster_shared *shared, const char *name)
{
	int err = heph_nats_transport_new(ctx, nats, &shared->transport);

	return err < 0 ? err :
			 heph_node_listen(ctx, node, shared->transport, name, NULL);
}

int heph_raw_cluster_join(heph_ctx ctx, heph_cluster *ret_cluster, heph_nats nats,
			  heph_node node, const struct heph_cluster_config *config)
{
	struct heph_cluster_shared *shared;
	struct heph_cluster_state *state = NULL;
	char name[HEPH_NODE_NAME_MAX + 1];
	heph_cluster_main_ref ref;
	int err = state_new(ctx, nats, node, config, &state), result;

	if (err < 0)
		return err;
	memcpy(name, state->name, sizeof(name));
	shared = heph_cluster_shared_ref(state->shared);
	err = heph_spawn(ctx, heph_cluster_main, &ref, { state }, .name = "cluster",
			 .inbox = INBOX);
	if (err < 0) {
		heph_nats_use(state->link);
		heph_cluster_state_free(state);
		heph_cluster_shared_unref(shared);
		return err;
	}
	shared->cluster.addr = ref.addr;
	err = gone(heph_call(ctx, ref, result, &result, { .kind = HEPH_CLUSTER_ASK_JOIN }));
	if (err == 0)
		err = result;
	if (err == 0)
		err = open_door(ctx, nats, node, shared, name);
	if (err < 0)
		heph_stop(ref);
	heph_cluster_shared_unref(shared);
	ret_cluster->addr = ref.addr;
	return err;
}

int heph_cluster_shared_of(heph_ctx ctx, heph_cluster cluster,
			   struct heph_cluster_shared **ret_shared)
{
	heph_cluster_share_sender tx;
	heph_cluster_share_receiver rx;
	struct heph_cluster_share share;
	int err = heph_oneshot_new(heph_cluster_share, &tx, &rx);

	if (err < 0)
		return err;
	err = heph_send(ctx, heph_cluster_main_of(cluster), { .kind = HEPH_CLUSTER_ASK_SHARE, .share = tx });
	if (err < 0)
		heph_oneshot_free(tx);
	else
		err = heph_oneshot_recv(ctx, rx, &share);
	if (err == 0)
		*ret_shared = share.shared;
	heph_oneshot_free(rx);
	return gone(err);
}

/* ---- members ---------------------------------------------------------------------------------------- */

int heph_raw_cluster_watch(heph_ctx ctx, heph_cluster cluster,
			   struct heph_addr watcher, size_t size)
{
	int result, err;

	if (size != sizeof(struct heph_member))
		return -EINVAL;
	err = heph_call(ctx, heph_cluster_main_of(cluster), result, &result,
			{ .kind = HEPH_CLUSTER_ASK_WATCH, .watcher = watcher });
	return err < 0 ? gone(err) : result;
}

/* The list is the caller's. */
static int ask_members(heph_ctx ctx, heph_cluster cluster,
		       struct heph_cluster_list *ret_list)
{
	heph_cluster_list_sender tx;
	heph_cluster_list_receiver rx;
	int err = heph_oneshot_new(heph_cluster_list, &tx, &rx);

	if (err < 0)
		return err;
	err = heph_send(ctx, heph_cluster_main_of(cluster), { .kind = HEPH_CLUSTER_ASK_MEMBERS, .list = tx });
	if (err < 0)
		heph_oneshot_free(tx);
	else
		err = heph_oneshot_recv(ctx, rx, ret_list);
	heph_oneshot_free(rx);
	return gone(err);
}

int heph_cluster_members(heph_ctx ctx, heph_cluster cluster,
			 struct heph_member *ret_members, size_t max)
{
	struct heph_cluster_list list;
	int err = ask_members(ctx, cluster, &list);

	if (err < 0)
		return err;
	err = list.members ? (int)list.n : -ENOMEM;
	if (err > 0 && max > 0)
		memcpy(ret_members, list.members,
		       (list.n < max ? list.n : max) * sizeof(*ret_members));
	heph_cluster_list_drop(&list);
	return err;
}

int heph_cluster_stats(heph_ctx ctx, heph_cluster cluster,
		       struct heph_cluster_stats *ret_stats)
{
	return gone(heph_call(ctx, heph_cluster_main_of(cluster), stats, ret_stats,
			      { .kind = HEPH_CLUSTER_ASK_STATS }));
}

/* ---- claims ------------------------------------------------------------------------------------------- */

/* Ends with its parent, who is whoever has asked: so that end is seen. */
HEPH_ACTOR(heph_cluster_holder, void, void);

static int holder_main(heph_ctx ctx)
{
	return heph_sleep(ctx, HEPH_NEVER);
}
HEPH_ACTOR_MAIN(heph_cluster_holder, holder_main);

static int claim_new(enum heph_cluster_kind kind, const char *name,
		     struct heph_cluster_claim **ret_claim)
{
	struct heph_cluster_claim *claim = heph_remote_mem_zero(sizeof(*claim));
	int err = claim ? heph_cluster_key(kind, name, claim->key) : -ENOMEM;

	if (err < 0) {
		heph_remote_mem_free(claim);
		return err;
	}
	claim->kind = kind;
	strcpy(claim->name, name);
	*ret_claim = claim;
	return 0;
}

/* The claim is given away. Returns the token; 0 of a name. */
static int64_t call_claim(heph_ctx ctx, heph_cluster cluster,
			  struct heph_cluster_claim *claim, struct heph_addr target)
{
	HEPH_PENDING(int64_t) pending;
	int64_t result;
	int err = heph_start_call(ctx, heph_cluster_main_of(cluster), claimed, &pending,
				  { .kind = HEPH_CLUSTER_ASK_CLAIM, .claim = claim, .watcher = target });

	if (err < 0) {
		heph_remote_mem_free(claim);
		return gone(err);
	}
	err = heph_await(ctx, &pending, &result);
	heph_forget_call(ctx, &pending);
	return err < 0 ? gone(err) : result;
}

static int64_t run_claim(heph_ctx ctx, heph_cluster cluster,
			 struct heph_cluster_claim *claim, struct heph_addr target)
{
	heph_cluster_holder_ref holder;
	int64_t result;
	int err = heph_spawn(ctx, heph_cluster_holder, &holder,
			     .name = "cluster holder");

	if (err < 0) {
		heph_remote_mem_free(claim);
		return err;
	}
	claim->holder = holder.addr;
	claim->target = target;
	result = call_claim(ctx, cluster, claim, target);
	if (result < 0)
		heph_stop(holder);
	return result;
}

static int fill_in(heph_ctx ctx, heph_node node, const struct heph_remote_actor *remote,
		   struct heph_addr addr, struct heph_cluster_value *value)
{
	if (strlen(remote->name) >= sizeof(value->type))
		return -EINVAL;
	strcpy(value->type, remote->name);
	value->hash = heph_remote_hash(remote);
	return heph_raw_node_ref_out(ctx, node, remote, addr, 0, value->ref);
}

int heph_raw_cluster_register(heph_ctx ctx, heph_cluster cluster,
			      const struct heph_remote_actor *remote,
			      struct heph_addr addr, const char *name)
{
	struct heph_cluster_shared *shared;
	struct heph_cluster_claim *claim;
	int err = claim_new(HEPH_CLUSTER_NAME, name, &claim);

	if (err < 0)
		return err;
	err = heph_cluster_shared_of(ctx, cluster, &shared);
	if (err == 0) {
		err = fill_in(ctx, shared->node, remote, addr, &claim->value);
		heph_cluster_shared_unref(shared);
	}
	if (err == 0)
		return (int)run_claim(ctx, cluster, claim, addr);
	heph_remote_mem_free(claim);
	return err;
}

static int call_release(heph_ctx ctx, heph_cluster cluster,
			enum heph_cluster_kind kind, const char *name, uint64_t token)
{
	struct heph_cluster_msg msg = { .kind = HEPH_CLUSTER_ASK_RELEASE, .what = kind,
					.token = token };
	int result, err;

	if (strlen(name) > HEPH_CLUSTER_NAME_MAX)
		return -ENOENT;
	strcpy(msg.name, name);
	err = heph_call(ctx, heph_cluster_main_of(cluster), result, &result, msg);
	if (err == -EPIPE)
		return heph_alive(heph_cluster_main_of(cluster)) ? -ENOENT : -ESRCH;
	return err < 0 ? err : result;
}

int heph_cluster_unregister(heph_ctx ctx, heph_cluster cluster, const char *name)
{
	return call_release(ctx, cluster, HEPH_CLUSTER_NAME, name, 0);
}

int heph_cluster_lease(heph_ctx ctx, heph_cluster cluster, const char *name,
		       struct heph_lease *ret_lease)
{
	struct heph_cluster_claim *claim;
	int64_t token;
	int err = claim_new(HEPH_CLUSTER_LEASE, name, &claim);

	if (err < 0)
		return err;
	token = run_claim(ctx, cluster, claim, (struct heph_addr){ 0 });
	if (token < 0)
		return (int)token;
	ret_lease->token = (uint64_t)token;
	strcpy(ret_lease->name, name);
	return 0;
}

int heph_cluster_release(heph_ctx ctx, heph_cluster cluster,
			 const struct heph_lease *lease)
{
	return call_release(ctx, cluster, HEPH_CLUSTER_LEASE, lease->name,
			    lease->token);
}

int heph_cluster_holds(heph_ctx ctx, heph_cluster cluster,
		       const struct heph_lease *lease)
{
	struct heph_cluster_msg msg = { .kind = HEPH_CLUSTER_ASK_HOLDS, .token = lease->token };
	int result, err;

	strcpy(msg.name, lease->name);
	err = heph_call(ctx, heph_cluster_main_of(cluster), result, &result, msg);
	return err < 0 ? gone(err) : result;
}

/* ---- finding ---------------------------------------------------------------------------------------------- */

static int find(heph_ctx ctx, heph_cluster cluster,
		const struct heph_remote_actor *remote, const char *name, bool wait,
		struct heph_cluster_found *ret_found)
{
	struct heph_cluster_msg msg = { .kind = HEPH_CLUSTER_ASK_FIND, .wait = wait,
					.hash = heph_remote_hash(remote) };
	int err;

	if (strlen(name) > HEPH_CLUSTER_NAME_MAX)
		return -EINVAL;
	strcpy(msg.name, name);
	err = heph_call(ctx, heph_cluster_main_of(cluster), found, ret_found, msg);
	return err < 0 ? gone(err) : ret_found->err;
}

/* The reference as an actor here: connects to its node if that is no peer yet. */
static int import(heph_ctx ctx, struct heph_cluster_shared *shared,
		  const struct heph_remote_actor *remote,
		  const struct heph_cluster_found *found, heph_time patience,
		  struct heph_addr *ret_addr)
{
	heph_ctx limit = heph_within(ctx, patience);
	int err;

	for (;;) {
		err = heph_raw_node_ref_in(ctx, shared->node, remote, found->ref,
					   ret_addr);
		if (err != -EHOSTUNREACH)
			return err;
		err = heph_node_connect(limit, shared->node, shared->transport,
					found->node, found->node);
		if (err == -EEXIST) /* somebody else does, and is about to succeed */
			err = heph_sleep(limit, 5 * HEPH_MSEC);
		if (err == -ETIME && heph_now() < heph_deadline(ctx))
			return -EHOSTDOWN;
		if (err < 0)
			return err;
	}
}

/* The member of that id. */
static int who_is(heph_ctx ctx, heph_cluster cluster, uint64_t id,
		  char ret_name[HEPH_NODE_NAME_MAX + 1])
{
	struct heph_cluster_list list;
	int err = ask_members(ctx, cluster, &list);

	if (err < 0)
		return err;
	err = -EHOSTUNREACH;
	for (size_t i = 0; list.members && i < list.n && err < 0; i++) {
		if (list.members[i].id != id)
			continue;
		strcpy(ret_name, list.members[i].name);
		err = 0;
	}
	heph_cluster_list_drop(&list);
	return err;
}

int heph_cluster_reach(heph_ctx ctx, struct heph_cluster_shared *shared,
		       const struct heph_remote_actor *remote,
		       const uint8_t wire[HEPH_WIRE_REF], heph_time patience,
		       struct heph_addr *ret_addr)
{
	struct heph_cluster_found found = { 0 };
	struct heph_wire_ref ref;
	int err = heph_raw_node_ref_in(ctx, shared->node, remote, wire, ret_addr);

	if (err != -EHOSTUNREACH)
		return err;
	heph_wire_ref_read(wire, &ref);
	memcpy(found.ref, wire, sizeof(found.ref));
	err = who_is(ctx, shared->cluster, ref.node, found.node);
	return err < 0 ? err : import(ctx, shared, remote, &found, patience, ret_addr);
}

int heph_raw_cluster_whereis(heph_ctx ctx, heph_cluster cluster,
			     const struct heph_remote_actor *remote, const char *name,
			     bool wait, struct heph_addr *ret_addr)
{
	struct heph_cluster_shared *shared;
	struct heph_cluster_found found;
	heph_ctx limit = ctx;
	int err = heph_cluster_shared_of(ctx, cluster, &shared);

	if (err < 0)
		return err;
	if (!wait)
		limit = heph_within(ctx, heph_nats_wait(shared->link));
	err = find(limit, cluster, remote, name, wait, &found);
	if (err == -ETIME && heph_now() < heph_deadline(ctx))
		err = -ENOTCONN;
	if (err == 0)
		err = import(ctx, shared, remote, &found,
			     heph_nats_wait(shared->link), ret_addr);
	heph_cluster_shared_unref(shared);
	return err;
}
