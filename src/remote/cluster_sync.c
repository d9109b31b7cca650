/* SPDX-License-Identifier: MIT */
/*
 * The copy of the registry, kept as the broker has it.
 *
 * Changes come by a plain subscription, each with its revision. They are subscribed to
 * first, then all keys are read, so nothing falls between. Revisions go up by one from
 * change to change: a gap means that messages were lost, and so may a connection that was
 * made anew; then all is read again. What is older than what one has is left out.
 */
#define HEPH_LOG_TARGET "heph.cluster"
#include "remote/cluster_state.h"

#include <string.h>

static const heph_time PAUSE = 20 * HEPH_MSEC; /* before another attempt */

/* ---- applying ------------------------------------------------------------------------ */

static void read_value(struct heph_cluster_state *state,
		       struct heph_cluster_entry *entry, const void *data, size_t size)
{
	entry->garbage = heph_cluster_value_read(entry->kind, data, size,
						 &entry->value) < 0;
	if (!entry->garbage)
		return;
	state->refused++;
	heph_log_warn("an entry of the registry is not ours",
		      HEPH_KV_STR("key", entry->key),
		      HEPH_KV_UINT("revision", entry->revision));
}

static void told(struct heph_cluster_state *state, const struct heph_cluster_entry *entry)
{
	if (entry->kind == HEPH_CLUSTER_MEMBER)
		heph_cluster_member_changed(state, entry);
	else
		heph_cluster_changed(state, entry->key);
	if (entry->kind == HEPH_CLUSTER_NAME)
		heph_cluster_find_again(state);
}

static void apply(struct heph_cluster_state *state, const char *key, bool deleted,
		  const void *data, size_t size, uint64_t revision)
{
	char name[HEPH_CLUSTER_NAME_MAX + 1];
	enum heph_cluster_kind kind;
	struct heph_cluster_entry *entry;

	if (heph_cluster_key_read(key, &kind, name) < 0) {
		state->refused++;
		return;
	}
	entry = heph_cluster_map_make(&state->map, key);
	if (!entry) {
		heph_log_error("the registry is too large", HEPH_KV_STR("key", key));
		return;
	}
	entry->seen = state->snapshots;
	if (revision <= entry->revision)
		return;
	entry->kind = kind;
	entry->revision = revision;
	entry->deleted = deleted;
	entry->garbage = false;
	if (!deleted)
		read_value(state, entry, data, size);
	told(state, entry);
}

/* Takes what is stored into the copy, if it is newer. */
static void apply_stored(struct heph_cluster_state *state,
			 const struct heph_cluster_stored *stored)
{
	apply(state, stored->key, stored->deleted, stored->data, stored->size,
	      stored->revision);
}

void heph_cluster_apply_own(struct heph_cluster_state *state, const char *key,
			    const char *text, uint64_t revision)
{
	apply(state, key, !text, text, text ? strlen(text) : 0, revision);
}

int heph_cluster_refresh(heph_ctx ctx, struct heph_cluster_state *state,
			 const char *key)
{
	struct heph_cluster_stored *stored = NULL;
	struct heph_cluster_entry *entry;
	uint64_t snapshots = state->snapshots, had;
	int err;

	entry = heph_cluster_map_find(&state->map, key);
	had = entry ? entry->revision : 0;
	err = heph_cluster_store_get(ctx, state->link, key, &stored);
	if (err == 0)
		apply_stored(state, stored);
	heph_cluster_stored_free(stored);
	if (err != -ENOENT)
		return err;
	/* Not even a sign that it was deleted: so the next one to put it says 0. */
	entry = heph_cluster_map_find(&state->map, key);
	if (entry && entry->revision == had && state->snapshots == snapshots) {
		entry->deleted = true;
		told(state, entry);
		entry->revision = 0;
	}
	return 0;
}

/* ---- reading all ------------------------------------------------------------------------- */

/* What is not in the store any more. */
static void forget(struct heph_cluster_state *state)
{
	struct heph_cluster_entry *entry, *next;

	for (entry = heph_cluster_map_next(&state->map, NULL); entry; entry = next) {
		next = heph_cluster_map_next(&state->map, entry);
		if (entry->seen == state->snapshots ||
		    entry->revision > state->bucket.last)
			continue;
		if (!entry->deleted) {
			entry->deleted = true;
			told(state, entry);
		}
		heph_cluster_map_remove(&state->map, entry);
	}
}

/* All that is known of a store that was lost. */
static void forget_all(struct heph_cluster_state *state)
{
	struct heph_cluster_entry *entry = NULL;

	heph_log_warn("the store of the cluster was lost, or made anew",
		      HEPH_KV_STR("node", state->name));
	while ((entry = heph_cluster_map_next(&state->map, entry)))
		entry->revision = 0;
}

static void take_all(struct heph_cluster_state *state,
		     const struct heph_cluster_bucket *bucket,
		     const struct heph_cluster_stored *list)
{
	state->bucket = *bucket;
	state->snapshots++;
	for (; list; list = list->next) {
		apply_stored(state, list);
		if (list->revision > state->bucket.last)
			state->bucket.last = list->revision;
	}
	forget(state);
	heph_cluster_members_heard(state);
	state->synced = true;
	heph_cluster_changed(state, "");
	heph_cluster_find_again(state);
}

static int read_all(heph_ctx ctx, struct heph_cluster_state *state,
		    struct heph_nats_sub *sub)
{
	struct heph_cluster_stored *list = NULL;
	struct heph_cluster_bucket bucket;
	struct heph_nats_in change;
	int err = heph_cluster_store_read(heph_within(ctx, heph_nats_wait(state->link)),
					  state->link, &bucket, &list);

	if (err == 0 && state->bucket.created &&
	    state->bucket.created != bucket.created) {
		/* Changes that wait may be of the store that was lost, with higher
		 * revisions than those of the new one, which is read once more. */
		while (heph_chan_try_recv(sub->in, &change) == 0)
			heph_nats_msg_free(change.msg);
		forget_all(state);
		state->bucket.created = 0;
		err = -EAGAIN;
	}
	if (err == 0)
		take_all(state, &bucket, list);
	heph_cluster_stored_free(list);
	return err;
}

/* ---- changes ---------------------------------------------------------------------------------- */

/* Whether nothing is missing before it. */
static bool take_change(struct heph_cluster_state *state, struct heph_nats_msg *msg)
{
	struct heph_cluster_stored *stored;
	bool follows = true;
	int err = heph_cluster_change_read(state->link, msg, &stored);

	heph_nats_msg_free(msg);
	if (err == -EPROTO)
		state->refused++; /* somebody publishes there */
	if (err < 0)
		return err == -EPROTO;
	follows = stored->revision <= state->bucket.last + 1;
	if (stored->revision > state->bucket.last)
		state->bucket.last = stored->revision;
	apply_stored(state, stored);
	heph_cluster_stored_free(stored);
	return follows;
}

/* Until all must be read again. Returns 0, or why it ends. */
static int follow(heph_ctx ctx, heph_cluster_sync_inbox in,
		  struct heph_cluster_state *state, struct heph_nats_sub *sub,
		  heph_nats_events_receiver events)
{
	enum { CHANGE, EVENT, WAKE };
	uint64_t connects = heph_nats_connects(state->link);
	struct heph_nats_event event;
	struct heph_cluster_wake wake;
	struct heph_nats_in change;
	int which;

	for (;;) {
		which = heph_wait(ctx, [CHANGE] = heph_on_chan(sub->in, &change),
				  [EVENT] = heph_on_chan(events, &event),
				  [WAKE] = heph_on_msg(in, &wake));
		if (which < 0)
			return which;
		if ((which == WAKE && state->wanted != state->bucket.created) ||
		    (which == CHANGE && !take_change(state, change.msg)) ||
		    heph_nats_connects(state->link) != connects)
			return 0;
	}
}

/* One who puts nonsense there is not to keep us busy: a pause between attempts. */
static int sync_all(heph_ctx ctx, heph_cluster_sync_inbox in,
		    struct heph_cluster_state *state, struct heph_nats_sub *sub,
		    heph_nats_events_receiver events)
{
	struct heph_cluster_wake wake;
	int err;

	for (;;) {
		while (heph_try_recv(in, &wake) == 0)
			;
		state->synced = false;
		err = read_all(ctx, state, sub);
		if (err == 0)
			err = follow(ctx, in, state, sub, events);
		if (err == -ECANCELED || err == -ESRCH || err == -EPIPE)
			return err;
		if (err == -EAGAIN)
			continue;
		err = heph_wait(ctx, heph_on_time(heph_now() + PAUSE),
				heph_on_msg(in, &wake));
		if (err < 0)
			return err;
	}
}

void heph_cluster_resync(struct heph_cluster_state *state, int64_t created)
{
	state->wanted = created;
	heph_post(((heph_cluster_sync_ref){ { .addr = state->sync } }),
		  { .kind = HEPH_CLUSTER_CHANGED });
}

static int sync_main(heph_ctx ctx, heph_cluster_sync_inbox in,
		     struct heph_cluster_arg *arg)
{
	struct heph_cluster_state *state = arg->state;
	heph_nats_events_receiver events;
	struct heph_nats_sub *sub;
	char subject[HEPH_NATS_SUBJECT_MAX];
	int err;

	heph_cluster_changes(state->link, subject);
	err = heph_nats_listen(state->link, &events);
	if (err < 0)
		return err;
	err = heph_nats_subscribe(ctx, state->link, subject, NULL, 0, &sub);
	if (err == 0) {
		err = sync_all(ctx, in, state, sub, events);
		heph_nats_unsubscribe(sub);
	}
	heph_chan_free(events);
	return err;
}
HEPH_ACTOR_MAIN(heph_cluster_sync, sync_main);
