/* SPDX-License-Identifier: MIT */
/* Finding names, and those who wait for one. */
#include "remote/cluster_state.h"

#include <heph/call.h>

#include <string.h>

#include "remote/mem.h"

/* Its caller may have given up, which is seen when there is something to tell, or when
 * there are many. */
struct heph_cluster_waiting {
	struct heph_cluster_waiting *next;
	uint64_t hash;
	struct heph_reply reply;
	bool wait; /* for the name; else only until this node is a member */
	char key[HEPH_CLUSTER_KEY_MAX];
};

enum { SWEEP = 64 }; /* so many are looked at for one that is added */

static int find(const struct heph_cluster_state *state, const char *key, uint64_t hash,
		struct heph_cluster_found *found)
{
	const struct heph_cluster_entry *entry =
		heph_cluster_map_find(&state->map, key);

	memset(found, 0, sizeof(*found));
	if (!heph_cluster_in(state))
		return -ENOTCONN;
	if (!entry || entry->deleted)
		return -ENOENT;
	if (entry->garbage)
		return -EPROTO;
	if (!heph_cluster_owner_up(state, entry->value.owner))
		return -ENOENT;
	if (entry->value.hash != hash)
		return -EPROTOTYPE;
	strcpy(found->node, entry->value.node);
	memcpy(found->ref, entry->value.ref, sizeof(found->ref));
	return 0;
}

static void answer(struct heph_reply reply, struct heph_cluster_found *found, int err)
{
	found->err = err;
	heph_raw_answer(reply, found, sizeof(*found));
}

/* Frees some of those whose caller has gone. */
static void sweep(struct heph_cluster_state *state)
{
	struct heph_cluster_waiting **at = &state->waiting, *waiting;

	for (unsigned i = 0; i < SWEEP && (waiting = *at); i++) {
		if (heph_raw_reply_wanted(waiting->reply)) {
			at = &waiting->next;
			continue;
		}
		*at = waiting->next;
		heph_remote_mem_free(waiting);
	}
}

/* ---- a name that is not there: the copy may be behind --------------------------------- */

struct heph_cluster_lookup_arg {
	struct heph_cluster_state *state;
	uint64_t hash;
	struct heph_reply reply;
	char key[(HEPH_CLUSTER_KEY_MAX + 7) / 8 * 8]; /* no padding, of any bytes, at the end */
};
HEPH_ACTOR(heph_cluster_lookup, void, struct heph_cluster_lookup_arg);

static int lookup_main(heph_ctx ctx, struct heph_cluster_lookup_arg *arg)
{
	struct heph_cluster_found found = { 0 };
	int err;

	err = heph_cluster_refresh(heph_raw_for_caller(ctx, arg->reply), arg->state,
				   arg->key);
	if (err == -ENETUNREACH)
		err = -ENOTCONN;
	if (err == 0)
		err = find(arg->state, arg->key, arg->hash, &found);
	answer(arg->reply, &found, err);
	return 0;
}
HEPH_ACTOR_MAIN(heph_cluster_lookup, lookup_main);

static void look_up(heph_ctx ctx, struct heph_cluster_state *state, const char *key,
		    uint64_t hash, struct heph_reply reply)
{
	struct heph_cluster_lookup_arg arg = { state, hash, reply, "" };
	struct heph_cluster_found found = { 0 };
	int err;

	strcpy(arg.key, key);
	err = heph_spawn(ctx, heph_cluster_lookup, NULL, arg,
			 .name = "cluster lookup");
	if (err < 0)
		answer(reply, &found, err);
}

/* ---- finding ---------------------------------------------------------------------------- */

void heph_cluster_find(heph_ctx ctx, struct heph_cluster_state *state, const char *name,
		       uint64_t hash, bool wait, struct heph_reply reply)
{
	struct heph_cluster_waiting *waiting;
	struct heph_cluster_found found = { 0 };
	char key[HEPH_CLUSTER_KEY_MAX];
	int err = heph_cluster_key(HEPH_CLUSTER_NAME, name, key);

	if (err == 0)
		err = find(state, key, hash, &found);
	if (err == -ENOENT && !wait) {
		look_up(ctx, state, key, hash, reply);
		return;
	}
	if (err != -ENOTCONN && err != -ENOENT) {
		answer(reply, &found, err);
		return;
	}
	sweep(state);
	waiting = heph_remote_mem_zero(sizeof(*waiting));
	if (!waiting) {
		answer(reply, &found, -ENOMEM);
		return;
	}
	waiting->hash = hash;
	waiting->reply = reply;
	waiting->wait = wait;
	strcpy(waiting->key, key);
	waiting->next = state->waiting;
	state->waiting = waiting;
}

void heph_cluster_find_again(struct heph_cluster_state *state)
{
	struct heph_cluster_waiting **at = &state->waiting, *waiting;
	struct heph_cluster_found found = { 0 };
	int err;

	while ((waiting = *at)) {
		err = find(state, waiting->key, waiting->hash, &found);
		if (err == -ENOTCONN || (err == -ENOENT && waiting->wait)) {
			at = &waiting->next;
			continue;
		}
		*at = waiting->next;
		answer(waiting->reply, &found, err);
		heph_remote_mem_free(waiting);
	}
}

void heph_cluster_find_free(struct heph_cluster_state *state)
{
	struct heph_cluster_waiting *waiting;

	while ((waiting = state->waiting)) {
		state->waiting = waiting->next;
		heph_remote_mem_free(waiting);
	}
}

unsigned heph_cluster_names_count(const struct heph_cluster_state *state)
{
	const struct heph_cluster_entry *entry = NULL;
	unsigned n = 0;

	while ((entry = heph_cluster_map_next(&state->map, entry)))
		n += entry->kind == HEPH_CLUSTER_NAME && !entry->deleted &&
		     !entry->garbage &&
		     heph_cluster_owner_up(state, entry->value.owner);
	return n;
}
