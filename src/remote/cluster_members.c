/* SPDX-License-Identifier: MIT */
/*
 * Members: who is up, by what comes; and the judge, who says who is down.
 *
 * A member is down a lease and a margin after its entry has changed the last time, by our
 * own clock; and not before its entry was read once more, as a message may have been lost.
 * Who cannot reach the broker judges nobody.
 */
#define HEPH_LOG_TARGET "heph.cluster"
#include "remote/cluster_state.h"

#include <string.h>

#include "remote/mem.h"

enum { MARGIN = 10 }; /* a lease divided by it */
static const heph_time TIDY = 3600 * HEPH_SEC; /* so often what was deleted is forgotten */

static heph_time due(const struct heph_cluster_peer *peer)
{
	return peer->heard + peer->lease + peer->lease / MARGIN;
}

static bool is_self(const struct heph_cluster_state *state,
		    const struct heph_cluster_peer *peer)
{
	return peer->owner.id == state->self.id;
}

static bool same(struct heph_cluster_owner a, struct heph_cluster_owner b)
{
	return a.id == b.id && a.term == b.term;
}

/* ---- who is up -------------------------------------------------------------------------- */

bool heph_cluster_owner_up(const struct heph_cluster_state *state,
			   struct heph_cluster_owner owner)
{
	const struct heph_cluster_peer *peer;

	if (owner.id == state->self.id)
		return owner.term == state->self.term && heph_cluster_in(state);
	for (peer = state->peers; peer; peer = peer->next)
		if (same(peer->owner, owner))
			return peer->up;
	return false;
}

unsigned heph_cluster_members_up(const struct heph_cluster_state *state)
{
	unsigned n = 0;

	for (const struct heph_cluster_peer *peer = state->peers; peer;
	     peer = peer->next)
		n += peer->up;
	return n;
}

static void set_up(struct heph_cluster_state *state, struct heph_cluster_peer *peer,
		   bool up)
{
	if (peer->up == up)
		return;
	peer->up = up;
	if (!is_self(state, peer)) {
		heph_log_info(up ? "a member is up" : "a member is down",
			      HEPH_KV_STR("name", peer->name),
			      HEPH_KV_HEX("id", peer->owner.id));
		heph_cluster_tell(state, up ? HEPH_MEMBER_UP : HEPH_MEMBER_DOWN,
				  peer);
	}
	heph_cluster_changed(state, "");
	heph_cluster_find_again(state);
}

/* ---- what comes ----------------------------------------------------------------------------- */

static struct heph_cluster_peer **find(struct heph_cluster_state *state, const char *key)
{
	struct heph_cluster_peer **at = &state->peers;

	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

static void remove_peer(struct heph_cluster_state *state, struct heph_cluster_peer **at)
{
	struct heph_cluster_peer *peer = *at;

	if (!peer)
		return;
	*at = peer->next;
	set_up(state, peer, false);
	heph_remote_mem_free(peer);
}

static struct heph_cluster_peer *peer_new(const struct heph_cluster_entry *entry,
					  const char *name)
{
	struct heph_cluster_peer *peer = heph_remote_mem_zero(sizeof(*peer));

	if (!peer)
		return NULL;
	peer->owner = entry->value.owner;
	strcpy(peer->name, name);
	strcpy(peer->key, entry->key);
	return peer;
}

void heph_cluster_member_changed(struct heph_cluster_state *state,
				 const struct heph_cluster_entry *entry)
{
	struct heph_cluster_peer **at = find(state, entry->key), *peer = *at;
	char name[HEPH_CLUSTER_NAME_MAX + 1];
	enum heph_cluster_kind kind;

	if (peer && (entry->deleted || entry->garbage ||
		     !same(peer->owner, entry->value.owner))) {
		remove_peer(state, at);
		peer = NULL;
	}
	if (entry->deleted || entry->garbage ||
	    heph_cluster_key_read(entry->key, &kind, name) < 0 ||
	    strlen(name) > HEPH_NODE_NAME_MAX)
		return;
	if (!peer) {
		peer = peer_new(entry, name);
		if (!peer) {
			heph_log_error("no memory for a member",
				       HEPH_KV_STR("name", name));
			return;
		}
		peer->next = state->peers;
		state->peers = peer;
	}
	peer->lease = entry->value.lease;
	peer->heard = heph_now();
	set_up(state, peer, true);
	heph_cluster_changed(state, entry->key);
}

void heph_cluster_members_heard(struct heph_cluster_state *state)
{
	heph_time now = heph_now();

	for (struct heph_cluster_peer *peer = state->peers; peer; peer = peer->next)
		peer->heard = now;
}

void heph_cluster_members_free(struct heph_cluster_state *state)
{
	struct heph_cluster_peer *peer;

	while ((peer = state->peers)) {
		state->peers = peer->next;
		heph_remote_mem_free(peer);
	}
}

/* ---- the judge ---------------------------------------------------------------------------------- */

/* The one who is due first; NULL: nobody is a member but this node. */
static struct heph_cluster_peer *first_due(struct heph_cluster_state *state)
{
	struct heph_cluster_peer *first = NULL;

	for (struct heph_cluster_peer *peer = state->peers; peer; peer = peer->next)
		if (peer->up && !is_self(state, peer) &&
		    (!first || due(peer) < due(first)))
			first = peer;
	return first;
}

/* One member does what one is enough for: that with the lowest id. */
static bool is_janitor(const struct heph_cluster_state *state)
{
	for (const struct heph_cluster_peer *peer = state->peers; peer;
	     peer = peer->next)
		if (peer->up && peer->owner.id < state->self.id)
			return false;
	return true;
}

/* A key of somebody who is down; NULL: there is none. */
static const struct heph_cluster_entry *find_stale(struct heph_cluster_state *state)
{
	const struct heph_cluster_entry *entry = NULL;

	while ((entry = heph_cluster_map_next(&state->map, entry)))
		if (!entry->deleted && !entry->garbage && entry->revision > 0 &&
		    entry->value.owner.id != state->self.id &&
		    !heph_cluster_owner_up(state, entry->value.owner))
			return entry;
	return NULL;
}

/* Deletes what the dead have left, one after the other. */
static int clean(heph_ctx ctx, struct heph_cluster_state *state)
{
	const struct heph_cluster_entry *entry;
	char key[HEPH_CLUSTER_KEY_MAX];
	uint64_t revision, snapshots = state->snapshots;
	int err = 0;

	while (err == 0 && state->synced && state->snapshots == snapshots &&
	       heph_cluster_in(state) && is_janitor(state) &&
	       (entry = find_stale(state))) {
		strcpy(key, entry->key);
		err = heph_cluster_store_put(heph_within(ctx, state->config.lease),
					     state->link, key, NULL,
					     entry->revision, &revision);
		if (err == 0)
			heph_cluster_apply_own(state, key, NULL, revision);
		else if (err == -EEXIST)
			err = heph_cluster_refresh(ctx, state, key);
	}
	return err == -ECANCELED ? err : 0;
}

/* Whoever is due: down, if the broker has not heard of it either. */
static int judge(heph_ctx ctx, struct heph_cluster_state *state,
		 const struct heph_cluster_peer *first)
{
	struct heph_cluster_peer *peer;
	char key[HEPH_CLUSTER_KEY_MAX];
	uint64_t snapshots = state->snapshots;
	heph_time heard = first->heard;
	int err;

	strcpy(key, first->key);
	err = heph_cluster_refresh(heph_within(ctx, state->config.lease), state, key);
	peer = *find(state, key);
	if (!peer || peer->heard != heard || err == -ECANCELED)
		return err == -ECANCELED ? err : 0;
	if (err < 0 || !state->synced || state->snapshots != snapshots ||
	    !heph_cluster_in(state)) {
		peer->heard = heph_now(); /* one who cannot see does not judge */
		return 0;
	}
	set_up(state, peer, false);
	return clean(ctx, state);
}

/* Ends a wait for the next one who is due: a member that is new may be due earlier, but not
 * earlier than that. */
static heph_time next_look(struct heph_cluster_state *state)
{
	const struct heph_cluster_peer *first = first_due(state);
	heph_time soon = heph_now() + state->config.lease / 4;

	return first && due(first) < soon ? due(first) : soon;
}

static int judge_main(heph_ctx ctx, heph_cluster_judge_inbox in,
		      struct heph_cluster_arg *arg)
{
	struct heph_cluster_state *state = arg->state;
	const struct heph_cluster_peer *first;
	struct heph_cluster_wake wake;
	heph_time tidy = heph_now() + TIDY;
	int err = 0;

	while (err == 0) {
		err = heph_wait(ctx, heph_on_time(next_look(state)),
				heph_on_msg(in, &wake));
		if (err < 0)
			return err;
		first = first_due(state);
		err = first && due(first) <= heph_now() ? judge(ctx, state, first) :
							  0;
		if (err == 0 && heph_now() >= tidy && is_janitor(state)) {
			err = heph_cluster_store_tidy(ctx, state->link);
			err = err == -ECANCELED || err == -ESRCH ? err : 0;
			tidy = heph_now() + TIDY;
		}
	}
	return err;
}
HEPH_ACTOR_MAIN(heph_cluster_judge, judge_main);
