/* SPDX-License-Identifier: MIT */
#include "remote/export.h"

#include <string.h>

#include "remote/callin.h"
#include "remote/mem.h"
#include "remote/refs.h"
#include "remote/stub.h"

/* ---- tables ------------------------------------------------------------------------ */

int heph_exports_init(struct heph_peer *peer)
{
	struct heph_exports *exports = heph_remote_mem_zero(sizeof(*exports));

	peer->exports = exports;
	if (!exports)
		return -ENOMEM;
	exports->by_id.seed = exports->calls.seed =
		peer->node->home->given.seed;
	return 0;
}

struct heph_export *heph_export_hold(struct heph_export *export)
{
	export->holds++;
	return export;
}

void heph_export_release(struct heph_export *export)
{
	if (--export->holds == 0)
		heph_remote_mem_free(export);
}

void heph_export_drop(const struct heph_export *export, void *msg)
{
	export->remote->drop(msg);
}

void heph_export_unqueue(struct heph_export *export)
{
	struct heph_waiting *first = export->first;

	export->first = first->next;
	export->n_waiting--;
	if (!export->first)
		export->last = &export->first;
	heph_remote_mem_free(first);
}

static void leave(struct heph_export *export)
{
	while (export->first) {
		heph_export_drop(export, export->first->msg);
		heph_export_unqueue(export);
	}
	export->peer->node->exports--;
	export->peer = NULL;
	heph_export_release(export);
}

void heph_exports_fini(heph_ctx ctx, struct heph_peer *peer)
{
	struct heph_exports *exports = peer->exports;
	struct heph_export *export;
	size_t at = 0;

	if (!exports)
		return;
	/* Monitors stay: the actor ends soon, and one by one they cost a search. */
	while ((export = heph_table_next(&exports->by_id, &at)))
		leave(export);
	heph_table_fini(&exports->by_id);
	heph_callins_free(ctx, exports);
	heph_remote_mem_free(exports->msg);
	heph_remote_mem_free(exports);
	peer->exports = NULL;
}

static int add(struct heph_peer *peer, const struct heph_given *given,
	       const struct heph_wire_ref *ref, struct heph_export **ret_export)
{
	struct heph_export *export;
	int err;

	if (peer->exports->by_id.n >= peer->node->config.refs)
		return -EDQUOT;
	export = heph_remote_mem_zero(sizeof(*export));
	if (!export)
		return -ENOMEM;
	export->peer = peer;
	export->addr = given->addr;
	export->remote = given->remote;
	export->hash = given->hash;
	export->ref = *ref;
	export->last = &export->first;
	export->holds = 1;
	err = heph_table_put(&peer->exports->by_id, ref->id, export);
	if (err < 0) {
		heph_remote_mem_free(export);
		return err;
	}
	peer->node->exports++;
	*ret_export = export;
	return 0;
}

/* The code is looked at when it is another one than the last time. One that has ended
 * is not added again by what was under way. */
int heph_export_find(struct heph_peer *peer, const struct heph_wire_ref *ref,
		     struct heph_export **ret_export)
{
	struct heph_export *export =
		heph_table_get(&peer->exports->by_id, ref->id);
	struct heph_given *given;
	int err;

	*ret_export = export;
	if (export && heph_wire_ref_same(&export->ref, ref))
		return 0;
	err = heph_home_find(peer->node, ref, &given);
	if (err < 0)
		return err;
	if (!export)
		return heph_raw_alive(given->addr) ?
			       add(peer, given, ref, ret_export) :
			       -ESRCH;
	export->ref = *ref;
	return 0;
}

void *heph_exports_room(struct heph_exports *exports, size_t size)
{
	void *grown;

	if (size <= exports->msg_size)
		return exports->msg;
	grown = heph_remote_mem_alloc(size);
	if (!grown)
		return NULL;
	heph_remote_mem_free(exports->msg);
	exports->msg = grown;
	exports->msg_size = size;
	return grown;
}

/* ---- the end of actors ------------------------------------------------------------------------- */

static int tell_down(struct heph_peer *peer, uint64_t id, int err)
{
	return heph_refs_post(peer, HEPH_FRAME_DOWN, err, id, NULL, 0);
}

/* It is forged: there may be good ones to the same actor. */
static int tell_forged(struct heph_peer *peer, const struct heph_wire_ref *ref)
{
	uint8_t wire[HEPH_WIRE_REF];

	heph_wire_ref_write(ref, wire);
	return heph_refs_post(peer, HEPH_FRAME_DOWN, -EACCES, ref->id, wire,
			      sizeof(wire));
}

int heph_export_monitor(heph_ctx ctx, struct heph_peer *peer,
			struct heph_cut *cut)
{
	struct heph_export *export;
	struct heph_wire_ref ref;
	int err = heph_refs_cut(cut, &ref);

	if (err < 0)
		return err;
	err = heph_export_find(peer, &ref, &export);
	if (err == 0 && !export->monitored) {
		err = heph_raw_monitor(ctx, export->addr);
		export->monitored = err == 0;
	}
	if (err == 0)
		return 0;
	if (err != -ESRCH)
		heph_refs_refuse(peer, heph_refused_kind(err), err);
	return err == -EACCES ? tell_forged(peer, &ref) :
				tell_down(peer, ref.id, err);
}

static void remove_export(struct heph_export *export)
{
	heph_table_take(&export->peer->exports->by_id, export->ref.id);
	leave(export);
}

void heph_export_tidy(struct heph_export *export)
{
	if (export->peer && !export->monitored && !export->first &&
	    !heph_raw_alive(export->addr))
		remove_export(export);
}

int heph_export_stop(struct heph_peer *peer, struct heph_cut *cut)
{
	struct heph_export *export;
	struct heph_wire_ref ref;
	int err = heph_refs_cut(cut, &ref);

	if (err < 0)
		return err;
	err = heph_export_find(peer, &ref, &export);
	if (err == -ESRCH)
		return 0; /* it has ended by itself */
	if (err < 0)
		heph_refs_refuse(peer, heph_refused_kind(err), err);
	else if (!(ref.rights & HEPH_MAY_STOP))
		heph_refs_refuse(peer, HEPH_REFUSED_RIGHT, -EACCES);
	else
		heph_raw_stop(export->addr);
	return 0;
}

static int ended(struct heph_export *export, const struct heph_exit *why)
{
	struct heph_peer *peer = export->peer;
	int err;

	export->monitored = false;
	err = heph_export_refuse_waiting(export, -ESRCH);
	if (err == 0)
		err = tell_down(peer, export->ref.id, why->err);
	remove_export(export);
	return err;
}

/* Of an adapter the runtime tells the end of the actor that it leads to. */
static struct heph_export *find_ended(struct heph_peer *peer)
{
	struct heph_export *export;
	size_t at = 0;

	while ((export = heph_table_next(&peer->exports->by_id, &at)))
		if (export->monitored && !heph_raw_alive(export->addr))
			break;
	return export;
}

int heph_export_down(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_down *down)
{
	struct heph_export *export =
		heph_table_get(&peer->exports->by_id, down->who.addr.id);

	(void)ctx;
	if (!export || !export->monitored)
		export = find_ended(peer);
	return export ? ended(export, &down->exit) : 0;
}
