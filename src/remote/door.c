/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/door.h"

#include "remote/conn.h"
#include "remote/mem.h"

#include <stdio.h>
#include <string.h>

#define PAUSE HEPH_SEC /* before a door that broke is opened again */

static void answer(struct heph_entry *entry, int result)
{
	struct heph_ask_listen *ask = entry->ask;

	if (!ask)
		return;
	entry->ask = NULL;
	memcpy(ask->where, entry->where, sizeof(ask->where));
	heph_request_done(&ask->request, result);
}

static void let_in(heph_ctx ctx, struct heph_entry *entry, struct heph_wire *wire)
{
	struct heph_node_state *node = entry->node;
	heph_ref conn;
	int err = heph_conn_start(ctx, node, wire, NULL, &conn);

	if (err == 0) {
		node->full_told = false;
		return;
	}
	node->stats.refused++;
	if (!node->full_told)
		heph_log_warn("connection refused", HEPH_KV_ERR("err", err),
			      HEPH_KV_STR("at", entry->where));
	node->full_told = true;
	wire->type->close(ctx, wire);
}

/* Until the door breaks. */
static int accept_all(heph_ctx ctx, struct heph_entry *entry)
{
	const struct heph_transport_type *type = entry->transport->type;
	struct heph_wire *wire;
	int err;

	do {
		err = type->accept(ctx, entry->door, &wire);
		if (err == 0)
			let_in(ctx, entry, wire);
	} while (err == 0 || err == -EAGAIN);
	return err;
}

/* The address with the port that it got is the one to open again. */
static int open_door(heph_ctx ctx, struct heph_entry *entry)
{
	char where[HEPH_WHERE_MAX];
	int err = entry->transport->type->listen(ctx, entry->transport,
						 entry->where, &entry->door,
						 where);

	if (err < 0)
		return err;
	entry->open = true;
	memcpy(entry->where, where, sizeof(where));
	return 0;
}

static void close_door(heph_ctx ctx, struct heph_entry *entry)
{
	if (entry->open)
		entry->transport->type->close_door(ctx, entry->door);
	entry->open = false;
}

static void serve(heph_ctx ctx, struct heph_entry *entry)
{
	int err = open_door(ctx, entry);

	answer(entry, err);
	while (err == 0) {
		err = accept_all(ctx, entry);
		if (err == -ECANCELED)
			break;
		heph_log_warn("a door broke", HEPH_KV_STR("at", entry->where),
			      HEPH_KV_ERR("err", err));
		close_door(ctx, entry);
		while (heph_sleep(ctx, PAUSE) == 0 &&
		       (err = open_door(ctx, entry)) < 0)
			;
	}
	close_door(ctx, entry);
}

/* What the actor still had open has gone before, as it was acquired later. */
static void ended(heph_ctx ctx, struct heph_ending *ending)
{
	struct heph_entry *entry =
		(struct heph_entry *)((char *)ending -
				      offsetof(struct heph_entry, ending));
	struct heph_entry **at = &entry->node->doors;

	while (*at != entry)
		at = &(*at)->next;
	(void)ctx; /* the door belongs to the actor, and has been closed */
	*at = entry->next;
	answer(entry, -ECANCELED);
}

static int entry_main(heph_ctx ctx, struct heph_entry_arg *arg)
{
	struct heph_entry *entry = arg->entry;

	if (heph_ending_set(ctx, &entry->ending, ended) < 0) {
		answer(entry, -ENOMEM);
		ended(ctx, &entry->ending);
		return 0;
	}
	serve(ctx, entry);
	return 0;
}

static void entry_drop(struct heph_entry_arg *arg)
{
	heph_transport_free(arg->entry->transport);
	heph_remote_mem_free(arg->entry);
}
HEPH_ACTOR_MAIN(heph_entry, entry_main, .drop_arg = entry_drop);

static struct heph_entry *entry_new(struct heph_node_state *node,
				    struct heph_ask_listen *ask)
{
	struct heph_entry *entry = heph_remote_mem_zero(sizeof(*entry));

	if (!entry)
		return NULL;
	entry->node = node;
	entry->ask = ask;
	entry->transport = heph_transport_ref(ask->transport);
	memcpy(entry->where, ask->where, sizeof(entry->where));
	entry->next = node->doors;
	node->doors = entry;
	return entry;
}

void heph_entry_start(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_ask_listen *ask)
{
	struct heph_entry *entry = entry_new(node, ask);
	int err = entry ? heph_spawn(ctx, heph_entry, NULL, { entry },
				     .name = "heph_door") :
			  -ENOMEM;

	if (err == 0)
		return;
	if (entry) {
		node->doors = entry->next;
		entry_drop(&(struct heph_entry_arg){ entry });
	}
	heph_request_done(&ask->request, err);
}
