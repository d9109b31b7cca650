/* SPDX-License-Identifier: MIT */
#include "remote/meet.h"

#include <string.h>

#include "remote/mem.h"
#include "remote/refs.h"

/* ---- telling --------------------------------------------------------------------- */

static size_t length(const char *text)
{
	return strlen(text) + 1; /* with its nul */
}

static int tell(struct heph_peer *peer, uint64_t id, const char *name,
		const char *transport, const char *where)
{
	struct heph_frame frame;
	unsigned char *at;
	int err = heph_frame_new(&frame, HEPH_FRAME_MEET, 0, 0,
				 8 + length(name) + length(transport) +
					 length(where));

	if (err < 0)
		return err;
	at = heph_put_u64(heph_frame_body(&frame), id);
	at = heph_put_bytes(at, name, length(name));
	at = heph_put_bytes(at, transport, length(transport));
	heph_put_bytes(at, where, length(where));
	return heph_peer_post(peer, &frame);
}

static int tell_of(struct heph_peer *peer, uint64_t id)
{
	const struct heph_peer *third = heph_node_peer_by_id(peer->node, id);
	const struct heph_met *met = heph_table_get(&peer->node->home->met, id);

	if (third)
		return tell(peer, id, third->name,
			    third->by ? third->by->type->name : "",
			    third->where);
	if (met && met->name)
		return tell(peer, id, met->name, met->transport, met->where);
	return 0; /* it is for who knows it otherwise */
}

int heph_meet_introduce(struct heph_peer *peer, uint64_t id)
{
	int err;

	if (heph_table_get(&peer->introduced, id))
		return 0;
	err = heph_table_put(&peer->introduced, id, peer);
	return err == 0 ? tell_of(peer, id) : err;
}

/* ---- being told ------------------------------------------------------------------ */

/* So many nodes may be dialled at a time for each peer that told of them, so that one
 * who lies is not in the way of others. */
static bool may_dial(const struct heph_peer *peer)
{
	unsigned n = 0, most = peer->node->config.peers / 4;

	if (most < HEPH_MEET_DIALS)
		most = HEPH_MEET_DIALS;
	for (const struct heph_met *met = peer->told; met; met = met->next_told)
		n += met->imports != NULL;
	return n < most;
}

static void join_told(struct heph_peer *peer, struct heph_met *met)
{
	met->teller = peer;
	met->next_told = peer->told;
	peer->told = met;
	peer->n_told++;
}

static void leave_told(struct heph_met *met)
{
	struct heph_met **at;

	if (!met->teller)
		return;
	for (at = &met->teller->told; *at != met;)
		at = &(*at)->next_told;
	*at = met->next_told;
	met->teller->n_told--;
	met->teller = NULL;
}

static struct heph_met *met_or_new(struct heph_peer *peer, uint64_t id)
{
	struct heph_home *home = peer->node->home;
	struct heph_met *met = heph_table_get(&home->met, id);

	if (met)
		return met;
	met = heph_remote_mem_zero(sizeof(*met));
	if (!met)
		return NULL;
	met->id = id;
	if (heph_table_put(&home->met, id, met) < 0) {
		heph_remote_mem_free(met);
		return NULL;
	}
	join_told(peer, met);
	return met;
}

static void met_free(struct heph_met *met)
{
	leave_told(met);
	heph_transport_free(met->by);
	heph_remote_mem_free(met->name);
	heph_remote_mem_free(met);
}

/* Texts with their nuls. */
struct told {
	const char *name, *transport, *where;
	size_t name_size, transport_size, where_size;
};

static int cut_told(struct heph_cut *cut, struct told *told)
{
	int err = heph_cut_text(cut, &told->name, &told->name_size);

	if (err == 0)
		err = heph_cut_text(cut, &told->transport,
				    &told->transport_size);
	if (err == 0)
		err = heph_cut_text(cut, &told->where, &told->where_size);
	if (err < 0 || cut->at != cut->end || cut->end[-1] != '\0' ||
	    told->name_size > HEPH_NODE_NAME_MAX || !told->name_size ||
	    told->where_size >= HEPH_WHERE_MAX)
		return -EPROTO;
	return 0;
}

static int keep(struct heph_met *met, const struct told *told,
		struct heph_transport *by)
{
	size_t n = told->name_size + 1, t = told->transport_size + 1,
	       w = told->where_size + 1;
	char *block = heph_remote_mem_alloc(n + t + w);

	if (!block)
		return -ENOMEM;
	met->name = memcpy(block, told->name, n);
	met->transport = memcpy(block + n, told->transport, t);
	met->where = memcpy(block + n + t, told->where, w);
	if (by && strcmp(by->type->name, told->transport) == 0)
		met->by = heph_transport_ref(by);
	return 0;
}

/* Those who are here are known by what they say, and not by what others say. But who
 * calls one by another name means somebody else. */
static int told_of_peer(struct heph_peer *peer, const struct heph_peer *third,
			const struct told *told)
{
	struct heph_table *names = &peer->other_names;
	char *name;
	int err;

	if (strcmp(third->name, told->name) == 0)
		return 0;
	heph_refs_refuse(peer, HEPH_REFUSED_NAME, -EACCES);
	if (heph_table_get(names, third->id))
		return 0;
	if (names->n >= peer->node->config.peers)
		return -EDQUOT;
	name = heph_remote_mem_alloc(told->name_size + 1);
	if (!name)
		return -ENOMEM;
	memcpy(name, told->name, told->name_size + 1);
	err = heph_table_put(names, third->id, name);
	if (err < 0)
		heph_remote_mem_free(name);
	return err;
}

bool heph_meet_agrees(const struct heph_peer *peer,
		      const struct heph_peer *third)
{
	const char *name = heph_table_get(&peer->other_names, third->id);

	return !name || strcmp(name, third->name) == 0;
}

const char *heph_meet_name(const struct heph_home *home, uint64_t id)
{
	const struct heph_met *met = heph_table_get(&home->met, id);

	return met ? met->name : NULL;
}

/* The first word about a node stays. */
static void told_of_other(struct heph_peer *peer, uint64_t id,
			  const struct told *told)
{
	struct heph_met *met = met_or_new(peer, id);

	if (met && met->name && strcmp(met->name, told->name) != 0)
		heph_refs_refuse(peer, HEPH_REFUSED_NAME, -EACCES);
	else if (!met || (!met->name && keep(met, told, peer->by) < 0))
		heph_refs_refuse(peer, HEPH_REFUSED_MEMORY, -ENOMEM);
}

int heph_meet_frame(struct heph_peer *peer, struct heph_cut *cut)
{
	struct heph_home *home = peer->node->home;
	const struct heph_peer *third;
	struct told told;
	uint64_t id;
	int err = heph_cut_u64(cut, &id);

	if (err == 0)
		err = cut_told(cut, &told);
	if (err < 0)
		return err;
	third = heph_node_peer_by_id(peer->node, id);
	if (third && id != peer->node->id)
		return told_of_peer(peer, third, &told);
	if (id == peer->node->id)
		return 0;
	if (!heph_table_get(&home->met, id) &&
	    peer->n_told >= peer->node->config.peers) {
		heph_refs_refuse(peer, HEPH_REFUSED_LIMIT, -EDQUOT);
		return 0;
	}
	told_of_other(peer, id, &told);
	return 0;
}

/* ---- meeting -------------------------------------------------------------------------- */

struct meeting {
	struct heph_request request;
	uint64_t id;
};

static void run_meeting(heph_ctx ctx, struct heph_node_state *node,
			struct heph_request *request)
{
	uint64_t id = ((struct meeting *)request)->id;
	struct heph_met *met = heph_table_get(&node->home->met, id);
	struct heph_import *import;
	size_t at = 0;
	int err = -EHOSTUNREACH;

	if (met && met->name && !met->by)
		err = -EPROTONOSUPPORT;
	else if (met && met->name && met->where[0] && met->imports)
		err = heph_node_meet(ctx, node, id, met->name, met->by,
				     met->where);
	if (err < 0 && met && met->imports)
		while ((import = heph_table_next(&met->imports->by_id, &at)))
			heph_import_end(import, -EHOSTUNREACH);
	heph_request_done(request, err);
}

/* The node's actor is to dial; if it does not come to it, the proxies give up by
 * themselves. */
static void dial(struct heph_node_state *node, uint64_t id)
{
	struct meeting *meeting =
		heph_request_new(sizeof(*meeting), run_meeting, NULL);

	if (!meeting)
		return;
	meeting->id = id;
	if (heph_try_send(node->self, { .request = &meeting->request }) < 0)
		heph_request_free(&meeting->request);
}

int heph_meet_imports(struct heph_peer *giver, uint64_t id,
		      struct heph_imports **ret_imports)
{
	struct heph_node_state *node = giver->node;
	const struct heph_peer *peer = heph_node_peer_by_id(node, id);
	struct heph_met *met = heph_table_get(&node->home->met, id);
	struct heph_peer *teller = met && met->teller ? met->teller : giver;

	*ret_imports = NULL;
	if (!met && giver->n_told >= node->config.peers)
		return -EDQUOT;
	if ((!met || !met->imports) && !may_dial(teller))
		return -EDQUOT;
	met = met_or_new(giver, id);
	if (!met)
		return -ENOMEM;
	if (!met->imports) {
		met->imports = heph_imports_new(node, id);
		if (!met->imports)
			return -ENOMEM;
		dial(node, id);
	}
	met->serial = peer ? peer->serial : 0;
	*ret_imports = met->imports;
	return met->imports->n < HEPH_MEET_REFS ? 0 : -EDQUOT;
}

void heph_meet_forget(struct heph_imports *imports)
{
	struct heph_table *table = &imports->node->home->met;
	struct heph_met *met = heph_table_get(table, imports->of);

	if (!met || met->imports != imports)
		return;
	heph_node_unmeet(imports->node, met->id);
	met->imports = NULL;
	heph_imports_free(imports, 0);
	if (met->name && met->teller)
		return;
	heph_table_take(table, met->id);
	met_free(met);
}

static bool is_of(const struct heph_met *met, const struct heph_peer *peer)
{
	return met->name ? strcmp(met->name, peer->name) == 0 :
			   met->serial == peer->serial;
}

int heph_meet_attach(struct heph_peer *peer)
{
	struct heph_home *home = peer->node->home;
	struct heph_met *met = heph_table_take(&home->met, peer->id);
	struct heph_imports *imports = met ? met->imports : NULL;

	if (met && !is_of(met, peer)) {
		heph_imports_free(imports, -EACCES);
		imports = NULL;
	}
	if (met)
		met_free(met);
	if (!imports)
		imports = heph_imports_new(peer->node, peer->id);
	return imports ? heph_imports_attach(imports, peer) : -ENOMEM;
}

/* What has proxies goes on without him, for as long as these wait. */
static void forget_told(struct heph_peer *peer)
{
	struct heph_met *met;

	while ((met = peer->told)) {
		leave_told(met);
		if (met->imports)
			continue;
		heph_table_take(&peer->node->home->met, met->id);
		met_free(met);
	}
}

void heph_meet_leave(struct heph_peer *peer)
{
	size_t at = 0;
	char *name;

	while ((name = heph_table_next(&peer->other_names, &at)))
		heph_remote_mem_free(name);
	heph_table_fini(&peer->other_names);
	forget_told(peer);
}

void heph_meet_fini(struct heph_home *home)
{
	struct heph_met *met;
	size_t at = 0;

	while ((met = heph_table_next(&home->met, &at))) {
		heph_imports_free(met->imports, -EHOSTUNREACH);
		met_free(met);
	}
	heph_table_fini(&home->met);
}
