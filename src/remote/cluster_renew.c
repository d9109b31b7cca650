/* SPDX-License-Identifier: MIT */
/*
 * The renewer: this node as a member.
 *
 * The entry is put with compare-and-set, each third of the lease. It counts from the moment
 * when it was sent: a lease less a margin after that this node is cut off for itself, while
 * the others wait for a lease and a margin after they have heard of it. So it knows first,
 * as long as clocks do not run differently by more than two margins in a lease, a fifth.
 * Then it joins again, with a higher term, so that nothing of the old one counts.
 */
#define HEPH_LOG_TARGET "heph.cluster"
#include "remote/cluster_state.h"

#include <string.h>

enum { MARGIN = 10, RENEWALS = 3 }; /* a lease divided by them */
static const heph_time PAUSE = 20 * HEPH_MSEC;

struct renewer {
	struct heph_cluster_state *state;
	heph_cluster_renewer_inbox in;
	uint64_t revision; /* of our entry */
	int64_t bucket;    /* the one that it is in, by `created` */
	heph_time sent;    /* the latest renewal that has arrived */
};

/* ---- putting ---------------------------------------------------------------------------- */

/* Puts our entry in place of that revision. */
static int put(heph_ctx ctx, struct renewer *r, uint64_t expected)
{
	struct heph_cluster_state *state = r->state;
	const struct heph_cluster_value value = { .owner = state->self,
						  .lease = state->config.lease };
	char text[HEPH_CLUSTER_VALUE_MAX];
	heph_time now = heph_now();
	uint64_t revision;
	int err = heph_cluster_value_write(HEPH_CLUSTER_MEMBER, &value, text);

	if (err == 0)
		err = heph_cluster_store_put(ctx, state->link, state->key, text,
					     expected, &revision);
	if (err < 0)
		return err;
	r->revision = revision;
	r->sent = now;
	state->valid_until = now + state->config.lease - state->config.lease / MARGIN;
	state->standing = HEPH_CLUSTER_IN;
	heph_cluster_apply_own(state, state->key, text, revision);
	return 0;
}

/* ---- joining -------------------------------------------------------------------------------- */

/* Until something changes, or that time. Returns 0; -ECANCELED. */
static int await_change(heph_ctx ctx, struct renewer *r, heph_time when)
{
	struct heph_cluster_wake wake;
	int err = heph_wait(ctx, heph_on_time(when), heph_on_msg(r->in, &wake));

	return err < 0 ? err : 0;
}

/* Until the copy is of that bucket. */
static int await_copy(heph_ctx ctx, struct renewer *r,
		      const struct heph_cluster_bucket *bucket)
{
	struct heph_cluster_state *state = r->state;
	heph_time until = heph_now() + heph_nats_wait(state->link);
	int err = 0;

	if (state->bucket.created != bucket->created)
		heph_cluster_resync(state, bucket->created);
	while (err == 0 &&
	       (!state->synced || state->bucket.created != bucket->created)) {
		if (heph_now() >= until)
			return -ETIME;
		err = await_change(ctx, r, until);
	}
	return err;
}

/* There is an entry of our name which is another one's: who is dead if it does not change
 * for as long as it may. Returns 0: look again; -EEXIST. */
static int await_death(heph_ctx ctx, struct renewer *r,
		       const struct heph_cluster_entry *entry, uint64_t *ret_expected)
{
	struct heph_cluster_state *state = r->state;
	uint64_t revision = entry->revision, id = entry->value.owner.id;
	heph_time lease = entry->value.lease;
	heph_time until = heph_now() + lease + lease / MARGIN;
	int err = 0;

	while (err == 0 && heph_now() < until) {
		err = await_change(ctx, r, until);
		entry = heph_cluster_map_find(&state->map, state->key);
		if (!entry || entry->deleted || entry->garbage ||
		    entry->value.owner.id != id)
			return err;
		if (entry->revision != revision)
			return -EEXIST;
	}
	if (err == 0)
		err = heph_cluster_refresh(ctx, state, state->key);
	entry = heph_cluster_map_find(&state->map, state->key);
	if (err == 0 && entry && entry->revision == revision)
		*ret_expected = revision;
	return err;
}

/* Which revision is ours to replace; UINT64_MAX: look again. */
static int look(heph_ctx ctx, struct renewer *r, uint64_t *ret_expected)
{
	struct heph_cluster_state *state = r->state;
	const struct heph_cluster_entry *entry =
		heph_cluster_map_find(&state->map, state->key);

	*ret_expected = UINT64_MAX;
	if (!entry || entry->deleted) {
		*ret_expected = entry ? entry->revision : 0;
		return 0;
	}
	if (entry->garbage)
		return -EPROTO;
	if (entry->value.owner.id != state->self.id)
		return await_death(ctx, r, entry, ret_expected);
	if (entry->value.owner.term > state->self.term)
		state->self.term = entry->value.owner.term;
	*ret_expected = entry->revision;
	return 0;
}

static int try_join(heph_ctx ctx, struct renewer *r)
{
	struct heph_cluster_state *state = r->state;
	struct heph_cluster_bucket bucket;
	uint64_t expected;
	int err = heph_cluster_store_open(ctx, state->link, state->config.replicas,
					  &bucket);

	if (err == 0)
		err = await_copy(ctx, r, &bucket);
	while (err == 0) {
		err = look(ctx, r, &expected);
		if (err < 0 || expected == UINT64_MAX)
			continue;
		state->self.term++;
		r->bucket = bucket.created;
		err = put(heph_within(ctx, state->config.lease), r, expected);
		if (err != -EEXIST)
			return err;
		err = heph_cluster_refresh(ctx, state, state->key);
	}
	return err;
}

/* What does not pass by itself, and what waiting does not help. */
static bool is_final(int err)
{
	return err == 0 || err == -EEXIST || err == -EPROTO || err == -EACCES ||
	       err == -ENOTSUP || err == -ECANCELED || err == -ESRCH ||
	       err == -EINVAL;
}

static int in_vain(int err)
{
	if (err == -ENETUNREACH) /* nobody there who stores anything */
		return -ENOTSUP;
	return err == -ENOMEM ? err : -ENOTCONN;
}

/* For the first time: for as long as the connection waits. */
static int join(heph_ctx ctx, struct renewer *r)
{
	heph_time until = heph_now() + heph_nats_wait(r->state->link);
	int err;

	for (;;) {
		err = try_join(ctx, r);
		if (is_final(err))
			return err;
		if (heph_now() >= until)
			return in_vain(err);
		err = heph_sleep(ctx, PAUSE);
		if (err < 0)
			return err;
	}
}

/* ---- renewing ---------------------------------------------------------------------------------- */

/* Whether the copy is of the bucket that we have joined. If not, our entry in the copy may
 * be of either, and so may its revision: what they tell does not count. */
static bool same_bucket(const struct renewer *r)
{
	return r->state->bucket.created == r->bucket;
}

/* Somebody has changed our entry. Our own attempt, whose answer was lost, is well. */
static int compare(heph_ctx ctx, struct renewer *r)
{
	struct heph_cluster_state *state = r->state;
	const struct heph_cluster_entry *entry;
	int err = heph_cluster_refresh(ctx, state, state->key);

	if (err < 0)
		return err;
	entry = heph_cluster_map_find(&state->map, state->key);
	if (!same_bucket(r) || !entry || entry->deleted || entry->garbage ||
	    entry->value.owner.id != state->self.id ||
	    entry->value.owner.term != state->self.term)
		return -EEXIST;
	r->revision = entry->revision;
	return 0;
}

/* Whether the bucket is the same one. */
static int examine(heph_ctx ctx, struct renewer *r)
{
	struct heph_cluster_state *state = r->state;
	struct heph_cluster_bucket bucket;
	int err = heph_cluster_store_open(ctx, state->link, state->config.replicas,
					  &bucket);

	return err == 0 && bucket.created != r->bucket ? -EEXIST : err;
}

/* Until it is done. -EEXIST: it is ours no more; -ETIME: too late. */
static int renew(heph_ctx ctx, struct renewer *r)
{
	heph_time third = r->state->config.lease / RENEWALS;
	heph_ctx limit = heph_until(ctx, r->state->valid_until), soon;
	int err;

	while (same_bucket(r)) {
		soon = heph_within(limit, third);
		err = put(soon, r, r->revision);
		if (err == 0)
			return 0;
		if (err == -EEXIST)
			err = compare(soon, r);
		else if (err == -ENETUNREACH)
			err = examine(soon, r);
		if (err == -EEXIST || err == -ECANCELED || err == -ESRCH)
			return err;
		if (heph_now() >= r->state->valid_until)
			return -ETIME;
		err = err == 0 ? 0 : heph_sleep(limit, PAUSE);
		if (err < 0)
			return err;
	}
	return -EEXIST;
}

/* As long as it can. */
static int stay(heph_ctx ctx, struct renewer *r)
{
	int err = 0;

	while (err == 0) {
		err = heph_sleep(ctx, r->sent + r->state->config.lease / RENEWALS -
					      heph_now());
		if (err == 0)
			err = renew(ctx, r);
	}
	return err;
}

/* ---- cut off -------------------------------------------------------------------------------------- */

static struct heph_cluster_peer *own_peer(struct heph_cluster_state *state)
{
	struct heph_cluster_peer *peer = state->peers;

	while (peer && peer->owner.id != state->self.id)
		peer = peer->next;
	return peer;
}

/* To those who watch it is about ourselves, whether or not our entry is there. */
static void tell_own(struct heph_cluster_state *state, enum heph_member_event event)
{
	struct heph_cluster_peer peer = { .owner = state->self };

	strcpy(peer.name, state->name);
	heph_cluster_tell(state, event, &peer);
}

void heph_cluster_cut_off(struct heph_cluster_state *state, int err)
{
	struct heph_cluster_peer *peer = own_peer(state);

	state->standing = HEPH_CLUSTER_CUT;
	state->valid_until = 0;
	state->cuts++;
	if (peer)
		peer->up = false;
	heph_log_warn("cut off from the cluster", HEPH_KV_STR("name", state->name),
		      HEPH_KV_ERR("err", err));
	tell_own(state, HEPH_MEMBER_CUT);
	heph_cluster_changed(state, "");
}

/* Again and again. A name that is another one's now may come back. */
static int join_again(heph_ctx ctx, struct renewer *r)
{
	heph_time pause = r->state->config.lease / 10;
	int err;

	do {
		err = try_join(ctx, r);
		if (err == 0 || err == -ECANCELED || err == -ESRCH)
			break;
		err = heph_sleep(ctx, pause < PAUSE ? PAUSE : pause);
	} while (err == 0);
	if (err < 0)
		return err;
	heph_log_info("joined again", HEPH_KV_STR("name", r->state->name));
	tell_own(r->state, HEPH_MEMBER_JOINED);
	heph_cluster_changed(r->state, "");
	return 0;
}

/* Who leaves says so. */
static void leave(heph_ctx ctx, struct renewer *r)
{
	heph_ctx last = heph_shield(ctx, HEPH_SEC);
	uint64_t revision;

	if (heph_cluster_in(r->state) &&
	    heph_cluster_store_put(last, r->state->link, r->state->key, NULL,
				   r->revision, &revision) < 0)
		heph_log_info("left without a word");
}

static int renewer_main(heph_ctx ctx, heph_cluster_renewer_inbox in,
			struct heph_cluster_renewer_arg *arg)
{
	struct renewer r = { .state = arg->state, .in = in };
	int err = heph_cluster_listen(ctx, arg->state, arg->state->key,
				      heph_self(in).addr);

	if (err == 0)
		err = join(ctx, &r);
	heph_raw_answer(arg->joined, &err, sizeof(err));
	while (err == 0) {
		err = stay(ctx, &r);
		if (err == -ECANCELED || err == -ESRCH)
			break;
		heph_cluster_cut_off(arg->state, err);
		err = join_again(ctx, &r);
	}
	leave(ctx, &r);
	return 0;
}
HEPH_ACTOR_MAIN(heph_cluster_renewer, renewer_main);
