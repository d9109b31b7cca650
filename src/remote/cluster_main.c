/* SPDX-License-Identifier: MIT */
/*
 * The actor of a cluster that others ask.
 *
 * It never waits for the broker: what takes time its children do, and its answers
 * are of the copy of the registry.
 */
#include "remote/cluster_main.h"

#include <heph/call.h>

#include <string.h>

static void drop_msg(struct heph_cluster_msg *msg)
{
	heph_remote_mem_free(msg->claim);
	heph_oneshot_free(msg->list);
	heph_oneshot_free(msg->share);
}

/* ---- ears ------------------------------------------------------------------------------------- */

static void free_ear(void *ptr)
{
	struct heph_cluster_ear *ear = ptr;

	*ear->at = ear->next;
	if (ear->next)
		ear->next->at = ear->at;
	heph_remote_mem_free(ear);
}

int heph_cluster_listen(heph_ctx ctx, struct heph_cluster_state *state, const char *key,
			struct heph_addr addr)
{
	struct heph_cluster_ear *ear = heph_remote_mem_zero(sizeof(*ear));

	if (!ear)
		return -ENOMEM;
	strcpy(ear->key, key);
	ear->addr = addr;
	ear->at = &state->ears;
	ear->next = state->ears;
	if (ear->next)
		ear->next->at = &ear->next;
	state->ears = ear;
	if (heph_own(ctx, ear, free_ear) == 0)
		return 0;
	free_ear(ear);
	return -ENOMEM;
}

/* A full inbox has a message already that wakes. */
void heph_cluster_changed(struct heph_cluster_state *state, const char *key)
{
	const struct heph_cluster_wake wake = { .kind = HEPH_CLUSTER_CHANGED };

	for (const struct heph_cluster_ear *ear = state->ears; ear; ear = ear->next)
		if (!key[0] || strcmp(ear->key, key) == 0)
			(void)!heph_raw_try_send(ear->addr, &wake, sizeof(wake));
}

/* ---- the actor ------------------------------------------------------------------------------------ */

void heph_cluster_state_free(void *ptr)
{
	struct heph_cluster_state *state = ptr;
	struct heph_nats_link *link = state->link;

	heph_cluster_find_free(state);
	heph_cluster_members_free(state);
	heph_cluster_map_clear(&state->map);
	heph_cluster_shared_close(state->shared);
	heph_cluster_shared_unref(state->shared);
	heph_remote_mem_free(state);
	heph_nats_unuse(link);
	heph_nats_link_unref(link);
}

static int start(heph_ctx ctx, struct heph_cluster_state *state,
		 const struct heph_cluster_msg *msg)
{
	heph_cluster_sync_ref sync;
	int err = heph_spawn(ctx, heph_cluster_sync, &sync, { state },
			     .name = "cluster sync");

	state->sync = sync.addr;
	if (err == 0)
		err = heph_spawn(ctx, heph_cluster_renewer, NULL,
				 { state, msg->result.raw },
				 .name = "cluster renewer");
	if (err == 0)
		err = heph_spawn(ctx, heph_cluster_judge, NULL, { state },
				 .name = "cluster judge");
	if (err < 0)
		heph_answer(msg->result, err);
	return err;
}

static void tell_members(const struct heph_cluster_state *state,
			 const struct heph_cluster_msg *msg)
{
	struct heph_cluster_list list = { .n = 0 };

	list.members = heph_remote_mem_zero((heph_cluster_members_up(state) + 1) *
					    sizeof(*list.members));
	for (const struct heph_cluster_peer *peer = state->peers;
	     peer && list.members; peer = peer->next) {
		if (!peer->up)
			continue;
		list.members[list.n].id = peer->owner.id;
		strcpy(list.members[list.n++].name, peer->name);
	}
	if (heph_oneshot_send(msg->list, list) < 0)
		heph_cluster_list_drop(&list);
}

/* A name that the same actor has already is no error. */
static int claim(heph_ctx ctx, struct heph_cluster_state *state,
		 const struct heph_cluster_msg *msg)
{
	struct heph_cluster_claim *claim = msg->claim, *other = NULL;
	int err;

	if (claim->kind == HEPH_CLUSTER_NAME)
		other = heph_cluster_claim_find(state, claim->kind, claim->name, 0);
	if (other) {
		heph_remote_mem_free(claim);
		if (other->held && heph_raw_same(other->target, msg->watcher))
			return 0;
		/* It was not got, and is given back as soon as there is a broker. */
		return other->leaving && other->unsure ? -ENOTCONN : -EEXIST;
	}
	claim->state = state;
	strcpy(claim->value.node, state->name);
	claim->reply = msg->claimed.raw;
	claim->at = &state->claims;
	claim->next = state->claims;
	if (claim->next)
		claim->next->at = &claim->next;
	state->claims = claim;
	err = heph_spawn(ctx, heph_cluster_claim, NULL, { claim },
			 .name = claim->kind == HEPH_CLUSTER_NAME ? "cluster name" :
								    "cluster lease");
	if (err < 0) {
		*claim->at = claim->next;
		if (claim->next)
			claim->next->at = claim->at;
		heph_remote_mem_free(claim);
		return err;
	}
	return 1; /* it answers */
}

static void release(heph_ctx ctx, struct heph_cluster_state *state,
		    const struct heph_cluster_msg *msg)
{
	struct heph_cluster_claim *found =
		heph_cluster_claim_find(state, msg->what, msg->name, msg->token);
	heph_cluster_claim_ref ref;
	int err = -ENOENT;

	if (found && found->self.id) {
		ref.addr = found->self;
		err = heph_forward(ctx, ref, released, msg->result,
				   { .kind = HEPH_CLUSTER_RELEASE });
	}
	if (err < 0)
		heph_answer(msg->result, err == -ESRCH ? -ENOENT : err);
}

static void tell_stats(const struct heph_cluster_state *state,
		       const struct heph_cluster_msg *msg)
{
	const struct heph_cluster_shared *shared = state->shared;
	const struct heph_cluster_stats stats = {
		.members = heph_cluster_members_up(state),
		.names = heph_cluster_names_count(state),
		.subjects = shared->parts[HEPH_CLUSTER_SERVING],
		.inboxes = shared->parts[HEPH_CLUSTER_DURABLE],
		.lost = shared->lost,
		.refused = shared->refused + state->refused,
		.redelivered = shared->redelivered,
		.given_up = shared->given_up,
		.cuts = state->cuts,
	};

	heph_answer(msg->stats, stats);
}

static void share(const struct heph_cluster_state *state,
		  const struct heph_cluster_msg *msg)
{
	struct heph_cluster_share made = { heph_cluster_shared_ref(state->shared) };

	if (heph_oneshot_send(msg->share, made) < 0)
		heph_cluster_share_drop(&made);
}

static bool holds(const struct heph_cluster_state *state,
		  const struct heph_cluster_msg *msg)
{
	return heph_cluster_in(state) &&
	       heph_cluster_claim_find(state, HEPH_CLUSTER_LEASE, msg->name,
				       msg->token);
}

static int handle(heph_ctx ctx, struct heph_cluster_state *state,
		  const struct heph_cluster_msg *msg)
{
	int err = 0;

	switch (msg->kind) {
	case HEPH_CLUSTER_ASK_JOIN:
		return start(ctx, state, msg);
	case HEPH_CLUSTER_ASK_WATCH:
		heph_answer(msg->result,
			    heph_cluster_herald_start(ctx, state, msg->watcher));
		break;
	case HEPH_CLUSTER_ASK_MEMBERS:
		tell_members(state, msg);
		break;
	case HEPH_CLUSTER_ASK_CLAIM:
		err = claim(ctx, state, msg);
		if (err <= 0)
			heph_answer(msg->claimed, err);
		break;
	case HEPH_CLUSTER_ASK_RELEASE:
		release(ctx, state, msg);
		break;
	case HEPH_CLUSTER_ASK_FIND:
		heph_cluster_find(ctx, state, msg->name, msg->hash, msg->wait,
				  msg->found.raw);
		break;
	case HEPH_CLUSTER_ASK_HOLDS:
		heph_answer(msg->result, holds(state, msg));
		break;
	case HEPH_CLUSTER_ASK_STATS:
		tell_stats(state, msg);
		break;
	case HEPH_CLUSTER_ASK_SHARE:
		share(state, msg);
		break;
	}
	return 0;
}

/* Waits for whatever is next. Returns 0, or why it ends. */
static int turn(heph_ctx ctx, struct heph_cluster_state *state,
		heph_cluster_main_inbox in)
{
	enum { MSG, SYNC, ENDS };
	struct heph_on on[ENDS] = { 0 };
	struct heph_cluster_msg msg;
	struct heph_exit exit;
	int which;

	on[MSG] = heph_on_msg(in, &msg);
	if (state->sync.id)
		on[SYNC] = heph_raw_on_join(state->sync, &exit);
	which = heph_raw_wait(ctx, on, ENDS);
	if (which == MSG)
		return handle(ctx, state, &msg);
	if (which < 0)
		return which;
	state->sync = (struct heph_addr){ 0 };
	if (!heph_nats_closed(state->link))
		return 0; /* it could not begin: joining fails */
	if (state->standing == HEPH_CLUSTER_IN)
		heph_cluster_cut_off(state, -ESRCH);
	return -ESRCH;
}

static int cluster_main(heph_ctx ctx, heph_cluster_main_inbox in,
			struct heph_cluster_main_arg *arg)
{
	struct heph_cluster_state *state = arg->state;
	int err;

	heph_nats_use(state->link);
	err = heph_own(ctx, state, heph_cluster_state_free);
	if (err < 0) {
		heph_cluster_state_free(state);
		return err;
	}
	while (err == 0)
		err = turn(ctx, state, in);
	return err == -ECANCELED ? 0 : err;
}
HEPH_ACTOR_MAIN(heph_cluster_main, cluster_main, .drop = drop_msg);
