/* SPDX-License-Identifier: MIT */
/*
 * Claims: the names and leases of this node, each an actor that gets it, keeps it, and
 * gives it up when the actor it is for, or who asked for it, ends.
 *
 * A key can be had if it is not there, or of a member that is down, or of an earlier
 * term of this node; by compare-and-set with the revision that this was seen at.
 */
#define HEPH_LOG_TARGET "heph.cluster"
#include "remote/cluster_state.h"

#include <string.h>

#include "remote/mem.h"

static const heph_time PAUSE = 20 * HEPH_MSEC;

static void drop_arg(struct heph_cluster_claim_arg *arg)
{
	struct heph_cluster_claim *claim = arg->claim;

	if (claim->at) {
		*claim->at = claim->next;
		if (claim->next)
			claim->next->at = claim->at;
	}
	heph_remote_mem_free(claim);
}

struct heph_cluster_claim *
heph_cluster_claim_find(const struct heph_cluster_state *state,
			enum heph_cluster_kind kind, const char *name, uint64_t token)
{
	struct heph_cluster_claim *claim = state->claims;

	while (claim && (claim->kind != kind || strcmp(claim->name, name) != 0 ||
			 (token != 0 && (!claim->held || claim->token != token))))
		claim = claim->next;
	return claim;
}

/* ---- getting it ---------------------------------------------------------------------------- */

/* Another one here has the same lease, or is about to get it, or to give it up: as all of
 * a node look the same in the registry. */
static bool held_here(const struct heph_cluster_claim *claim)
{
	const struct heph_cluster_claim *other = claim->state->claims;

	while (other && (other == claim ||
			 (!other->held && !other->leaving && !other->trying) ||
			 strcmp(other->key, claim->key) != 0))
		other = other->next;
	return other;
}

static bool is_ours(const struct heph_cluster_claim *claim,
		    const struct heph_cluster_entry *entry)
{
	const struct heph_cluster_owner *owner = &entry->value.owner;

	return !entry->deleted && !entry->garbage &&
	       owner->id == claim->state->self.id &&
	       owner->term == claim->state->self.term;
}

static void set_held(struct heph_cluster_claim *claim, uint64_t revision)
{
	claim->held = true;
	claim->unsure = false;
	claim->revision = revision;
	claim->token = (uint64_t)claim->state->bucket.created + revision;
}

/* Whether it may be put, and in place of which revision. 1: it is ours already, by an
 * attempt whose answer was lost. */
static int look(struct heph_cluster_claim *claim, uint64_t *ret_expected)
{
	struct heph_cluster_state *state = claim->state;
	const struct heph_cluster_entry *entry =
		heph_cluster_map_find(&state->map, claim->key);

	if (!heph_cluster_in(state))
		return -ENOLINK;
	if (held_here(claim))
		return -EEXIST;
	*ret_expected = entry ? entry->revision : 0;
	if (!entry || entry->deleted)
		return 0;
	if (entry->garbage)
		return -EPROTO;
	if (is_ours(claim, entry)) /* nobody's here any more, but perhaps of this one */
		return claim->unsure;
	return heph_cluster_owner_up(state, entry->value.owner) ? -EEXIST : 0;
}

static int put(heph_ctx ctx, struct heph_cluster_claim *claim, uint64_t expected)
{
	struct heph_cluster_state *state = claim->state;
	char text[HEPH_CLUSTER_VALUE_MAX];
	uint64_t revision;
	int err;

	claim->value.owner = state->self;
	err = heph_cluster_value_write(claim->kind, &claim->value, text);
	if (err == 0)
		err = heph_cluster_store_put(ctx, state->link, claim->key, text,
					     expected, &revision);
	if (err < 0)
		return err;
	heph_cluster_apply_own(state, claim->key, text, revision);
	/* Meanwhile this node may have been cut off. */
	if (!heph_cluster_in(state) || state->self.term != claim->value.owner.term)
		return -ENOLINK;
	set_held(claim, revision);
	return 0;
}

/* A name that seems to be somebody's: the copy may be behind. */
static int look_twice(heph_ctx ctx, struct heph_cluster_claim *claim,
		      uint64_t *ret_expected)
{
	int err = look(claim, ret_expected);

	if (err != -EEXIST || claim->kind != HEPH_CLUSTER_NAME || held_here(claim))
		return err;
	err = heph_cluster_refresh(ctx, claim->state, claim->key);
	return err < 0 ? err : look(claim, ret_expected);
}

/* What is worth another attempt is -EAGAIN. */
static int try_once(heph_ctx ctx, struct heph_cluster_claim *claim)
{
	uint64_t expected;
	int err = look_twice(ctx, claim, &expected);

	if (err < 0)
		return err;
	if (err == 1) {
		set_held(claim, expected);
		return 0;
	}
	claim->trying = true;
	err = put(ctx, claim, expected);
	claim->trying = false;
	if (err < 0 && err != -EEXIST)
		claim->unsure = true;
	if (err < 0)
		heph_cluster_changed(claim->state, claim->key);
	if (err == -EEXIST || err == -ETIME) {
		err = heph_cluster_refresh(ctx, claim->state, claim->key);
		return err == 0 ? -EAGAIN : err;
	}
	return err;
}

/* Goes on while there is no broker, for as long as the connection waits. */
static int try(heph_ctx ctx, struct heph_cluster_claim *claim)
{
	heph_time until = heph_now() + heph_nats_wait(claim->state->link);
	heph_ctx limit = heph_until(ctx, until);
	int err;

	for (;;) {
		err = try_once(limit, claim);
		if (err != -EAGAIN && err != -ENOTCONN && err != -ENETUNREACH &&
		    err != -ETIME)
			return err;
		if (heph_now() >= until)
			return -ENOTCONN;
		if (err != -EAGAIN && heph_sleep(limit, PAUSE) == -ECANCELED)
			return -ECANCELED;
	}
}

/* A lease is waited for. */
static int get(heph_ctx ctx, struct heph_cluster_claim *claim,
	       heph_cluster_claim_inbox in)
{
	heph_ctx patient = heph_raw_for_caller(ctx, claim->reply);
	struct heph_cluster_wake wake;
	struct heph_down down;
	int err, which;

	for (;;) {
		err = try(ctx, claim);
		if (err != -EEXIST || claim->kind != HEPH_CLUSTER_LEASE)
			return err;
		which = heph_wait(patient, heph_on_down(&down),
				  heph_on_msg(in, &wake));
		if (which < 0)
			return which;
		if (which == 0)
			return -ESRCH;
	}
}

/* ---- keeping it ----------------------------------------------------------------------------------- */

/* Something has changed. A name is taken back after a cut; a lease is lost. */
static int check(heph_ctx ctx, struct heph_cluster_claim *claim)
{
	struct heph_cluster_state *state = claim->state;
	const struct heph_cluster_entry *entry =
		heph_cluster_map_find(&state->map, claim->key);

	if (claim->held && heph_cluster_in(state) && entry && is_ours(claim, entry) &&
	    entry->revision >= claim->revision)
		return 0;
	claim->held = false;
	if (claim->kind == HEPH_CLUSTER_LEASE)
		return -ENOLINK;
	if (!heph_cluster_in(state))
		return 0;
	return try(ctx, claim);
}

/* Until it is given up, which 0 means, or lost. */
static int keep(heph_ctx ctx, struct heph_cluster_claim *claim,
		heph_cluster_claim_inbox in, struct heph_cluster_wake *wake)
{
	enum { DOWN, WAKE };
	struct heph_down down;
	int which, err;

	for (;;) {
		wake->released.raw.call = 0;
		which = heph_wait(ctx, [DOWN] = heph_on_down(&down),
				  [WAKE] = heph_on_msg(in, wake));
		if (which < 0)
			return which;
		if (which == DOWN || wake->kind == HEPH_CLUSTER_RELEASE)
			return 0;
		err = check(ctx, claim);
		if (err < 0 && err != -ENOTCONN && err != -ENOLINK)
			return err;
		if (err == -ENOLINK && claim->kind == HEPH_CLUSTER_LEASE)
			return err;
	}
}

/* Deletes the key, if it is ours. -ENOENT: it is not. What came of an attempt whose
 * answer was lost is looked up first. */
static int delete(heph_ctx ctx, struct heph_cluster_claim *claim)
{
	struct heph_cluster_state *state = claim->state;
	const struct heph_cluster_entry *entry;
	uint64_t revision;
	int err;

	if (claim->unsure) {
		err = heph_cluster_refresh(ctx, state, claim->key);
		if (err < 0)
			return err;
		if (held_here(claim)) /* who puts his own there */
			return -ENOENT;
	}
	entry = heph_cluster_map_find(&state->map, claim->key);
	if (!entry || !is_ours(claim, entry))
		return -ENOENT;
	err = heph_cluster_store_put(ctx, state->link, claim->key, NULL,
				     entry->revision, &revision);
	if (err == 0)
		heph_cluster_apply_own(state, claim->key, NULL, revision);
	else if (err == -EEXIST)
		err = heph_cluster_refresh(ctx, state, claim->key) < 0 ? -ENOTCONN :
									 -EAGAIN;
	return err;
}

/* Goes on until it is done, as others can have it only then; who asked is told when the
 * connection has waited for long enough. At the end of this node there is a second. */
static void give_up(heph_ctx ctx, struct heph_cluster_claim *claim,
		    const struct heph_cluster_wake *asked)
{
	heph_time until = heph_now() + heph_nats_wait(claim->state->link);
	int err = claim->held || claim->unsure ? -EAGAIN : -ENOENT;

	claim->held = false;
	claim->leaving = true; /* nobody here may think that it is free */
	while (err != 0 && err != -ENOENT && err != -ESRCH) {
		err = delete(heph_shield(ctx, HEPH_SEC), claim);
		if (err == 0 || err == -EAGAIN)
			continue;
		if (heph_now() >= until)
			heph_answer(asked->released, -ENOTCONN);
		if (!heph_cluster_in(claim->state) || heph_sleep(ctx, PAUSE) < 0)
			break; /* nobody thinks any more that it is ours */
	}
	claim->leaving = false;
	heph_cluster_changed(claim->state, claim->key);
	heph_answer(asked->released, err);
}

static void answer(const struct heph_cluster_claim *claim, int err)
{
	int64_t result = err;

	if (err == 0 && claim->kind == HEPH_CLUSTER_LEASE)
		result = (int64_t)claim->token;
	heph_raw_answer(claim->reply, &result, sizeof(result));
}

static int monitor(heph_ctx ctx, struct heph_cluster_claim *claim)
{
	int err = heph_raw_monitor(ctx, claim->holder);

	if (err == 0 && claim->kind == HEPH_CLUSTER_NAME)
		err = heph_raw_monitor(ctx, claim->target);
	return err;
}

static int claim_main(heph_ctx ctx, heph_cluster_claim_inbox in,
		      struct heph_cluster_claim_arg *arg)
{
	struct heph_cluster_claim *claim = arg->claim;
	struct heph_cluster_wake wake = { 0 };
	int err;

	claim->self = heph_self(in).addr;
	err = heph_cluster_listen(ctx, claim->state, claim->key, claim->self);
	if (err == 0)
		err = monitor(ctx, claim);
	if (err == 0)
		err = get(ctx, claim, in);
	answer(claim, err);
	if (err < 0) { /* or it would be nobody's, and nobody could have it */
		give_up(ctx, claim, &wake);
		return 0;
	}
	err = keep(ctx, claim, in, &wake);
	if (err < 0 && err != -ECANCELED)
		heph_log_warn("lost", HEPH_KV_STR("key", claim->key),
			      HEPH_KV_ERR("err", err));
	give_up(ctx, claim, &wake);
	return 0;
}
HEPH_ACTOR_MAIN(heph_cluster_claim, claim_main, .drop_arg = drop_arg);
