/* SPDX-License-Identifier: MIT */
/*
 * An import is held by the tables, until the peer is lost or the proxy has ended, and by
 * the proxy. Those for the same actor are a list, the latest first, which `by_id` has;
 * all of a node's are in home->proxies by the id of the proxy. The first one with a
 * reference has the peer asked to say when the actor ends (HEPH_FRAME_MONITOR).
 */
#include "remote/import.h"

#include "remote/like.h"
#include "remote/meet.h"
#include "remote/mem.h"
#include "remote/proxy.h"

/* ---- what is known of the actor --------------------------------------------------- */

static struct heph_import *hold(struct heph_import *import)
{
	import->holds++;
	return import;
}

static void release(struct heph_import *import)
{
	if (--import->holds > 0)
		return;
	if (import->held)
		heph_peer_release(import->held);
	if (import->counts != import)
		release(import->counts);
	heph_remote_mem_free(import);
}

/* The proxy may be waiting in it when it is lost, so it is held for as long. */
static void set_peer(struct heph_import *import, struct heph_peer *peer)
{
	import->peer = peer;
	import->held = peer ? heph_peer_hold(peer) : NULL;
}

static void ring(struct heph_import *import)
{
	if (import->bell.chan)
		(void)!heph_chan_try_send(import->bell, { 0 });
}

static void end(struct heph_import *import, int err)
{
	if (import->ended)
		return;
	import->ended = true;
	import->err = err;
	ring(import);
	heph_raw_stop(import->addr);
}

void heph_import_end(struct heph_import *import, int err)
{
	for (; import; import = import->other)
		end(import, err);
}

/* What was sent by it has not been taken, and never is. */
void heph_import_refuse(struct heph_import *import,
			const struct heph_wire_ref *ref, int err)
{
	for (; import; import = import->other)
		if (heph_wire_ref_same(&import->ref, ref)) {
			import->counts->sent -= import->own;
			import->own = 0;
			end(import, err);
		}
}

int heph_import_credit(struct heph_import *import, uint64_t taken)
{
	struct heph_import *counts = import->counts;

	if (taken < counts->taken || taken > counts->sent)
		return -EPROTO;
	counts->taken = taken;
	for (; import; import = import->other)
		ring(import);
	return 0;
}

/* ---- the tables -------------------------------------------------------------------- */

struct heph_imports *heph_imports_new(struct heph_node_state *node, uint64_t of)
{
	struct heph_imports *imports = heph_remote_mem_zero(sizeof(*imports));

	if (!imports)
		return NULL;
	imports->by_id.seed = node->home->given.seed;
	imports->node = node;
	imports->of = of;
	return imports;
}

static struct heph_table *proxies_of(const struct heph_imports *imports)
{
	return &imports->node->home->proxies;
}

/* It has left the table of its peer. */
static void let_go(struct heph_import *import)
{
	heph_table_take(proxies_of(import->in), import->addr.id);
	import->in->node->proxies--;
	import->in->n--;
	import->in = NULL;
	import->other = NULL;
	import->peer = NULL;
	release(import);
}

/* Takes it out of those for the same actor, and lets it go. */
static void leave(struct heph_import *import)
{
	struct heph_imports *imports = import->in;
	struct heph_table *by_id = &imports->by_id;
	struct heph_import *first = heph_table_get(by_id, import->ref.id);

	if (first == import && import->other)
		heph_table_change(by_id, import->ref.id, import->other);
	else if (first == import)
		heph_table_take(by_id, import->ref.id);
	while (first != import && first->other != import)
		first = first->other;
	first->other = import->other;
	let_go(import);
	if (by_id->n == 0)
		heph_meet_forget(imports);
}

void heph_import_left(void *ptr)
{
	struct heph_import *import = ptr;

	if (import->in)
		leave(import);
	import->ended = true;
	import->bell.chan = NULL;
	release(import);
}

void heph_imports_free(struct heph_imports *imports, int err)
{
	struct heph_import *import, *other;
	size_t at = 0;

	if (!imports)
		return;
	while ((import = heph_table_next(&imports->by_id, &at))) {
		heph_import_end(import, err);
		for (; import; import = other) {
			other = import->other;
			let_go(import);
		}
	}
	heph_table_fini(&imports->by_id);
	heph_remote_mem_free(imports);
}

void heph_imports_ring(struct heph_peer *peer)
{
	struct heph_import *import;
	size_t at = 0;

	while ((import = heph_table_next(&peer->imports->by_id, &at)))
		for (; import; import = import->other)
			ring(import);
}

/* ---- making them ------------------------------------------------------------------------- */

static int spawn(heph_ctx ctx, struct heph_import *import)
{
	const struct heph_actor *type =
		heph_like(import->remote, &heph_proxy_actor);
	const struct heph_proxy_spawn options = {
		.detached = true,
		.phase = HEPH_PHASE_MAX, /* after all nodes */
		.arg = { hold(import) },
	};
	int err = type ? heph_raw_spawn(ctx, type, &options, &import->addr) :
			 -ENOMEM;

	if (err < 0)
		release(import);
	return err;
}

/* Tells the peer to say when the actor has ended. */
static int monitor(struct heph_import *import)
{
	struct heph_frame frame;
	int err =
		heph_frame_new(&frame, HEPH_FRAME_MONITOR, 0, 0, HEPH_WIRE_REF);

	if (err < 0)
		return err;
	heph_wire_ref_write(&import->ref, heph_frame_body(&frame));
	return heph_peer_post(import->peer, &frame);
}

/* Whether there is one with that reference, up to `end`. */
static bool is_among(const struct heph_import *import,
		     const struct heph_import *end,
		     const struct heph_wire_ref *ref)
{
	while (import != end && !heph_wire_ref_same(&import->ref, ref))
		import = import->other;
	return import != end;
}

int heph_imports_attach(struct heph_imports *imports, struct heph_peer *peer)
{
	struct heph_import *import;
	size_t at = 0;
	int err = 0;

	while ((import = heph_table_next(&imports->by_id, &at))) {
		for (struct heph_import *one = import; one; one = one->other) {
			set_peer(one, peer);
			if (err == 0 && !is_among(import, one, &one->ref))
				err = monitor(one);
		}
	}
	peer->imports = imports;
	heph_imports_ring(peer);
	return err;
}

/* Puts it first among those for the same actor. */
static int join_tables(struct heph_import *import, struct heph_imports *imports,
		       struct heph_import *other)
{
	struct heph_table *by_id = &imports->by_id;
	struct heph_table *proxies = proxies_of(imports);
	int err = heph_table_put(proxies, import->addr.id, import);

	if (err < 0)
		return err;
	if (other)
		heph_table_change(by_id, import->ref.id, import);
	else
		err = heph_table_put(by_id, import->ref.id, import);
	if (err < 0) {
		heph_table_take(proxies, import->addr.id);
		return err;
	}
	import->other = other;
	import->in = imports;
	imports->n++;
	imports->node->proxies++;
	return 0;
}

/* The first one with that reference has the peer told of it. */
static int make(heph_ctx ctx, struct heph_import *import,
		struct heph_imports *imports, struct heph_import *other)
{
	int err = spawn(ctx, import);

	if (err < 0) {
		release(import);
		return err;
	}
	err = join_tables(import, imports, other);
	if (err < 0) {
		end(import, err);
		release(import);
		return err;
	}
	err = import->peer && !is_among(other, NULL, &import->ref) ?
		      monitor(import) :
		      0;
	if (err < 0) {
		end(import, err);
		leave(import);
	}
	return err;
}

/* One that is here can be used for that type. */
static bool fits(const struct heph_import *import,
		 const struct heph_remote_actor *remote, uint64_t hash)
{
	return !remote || import->remote == remote ||
	       (import->remote && import->hash == hash);
}

/* Whether it has that reference; or one like it, as the peer gave both. */
static bool means(const struct heph_import *import,
		  const struct heph_wire_ref *ref, bool given)
{
	return (given && import->given) ||
	       heph_wire_ref_same(&import->ref, ref);
}

/* Takes it for that reference: the one that may do more stays. */
static struct heph_addr use(struct heph_import *import,
			    const struct heph_wire_ref *ref, bool given)
{
	if (given && ref->rights & ~import->ref.rights)
		import->ref = *ref;
	import->given |= given;
	return import->addr;
}

static int make_new(heph_ctx ctx, struct heph_imports *imports,
		    struct heph_import *other, struct heph_peer *peer,
		    const struct heph_import *like, struct heph_addr *ret_addr)
{
	struct heph_import *made;
	int err;

	if (imports->n >= imports->node->config.refs)
		return -EDQUOT;
	made = heph_remote_mem_zero(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = *like;
	made->holds = 1;
	made->counts = other ? hold(other->counts) : made;
	set_peer(made, peer);
	err = make(ctx, made, imports, other);
	if (err == 0)
		*ret_addr = made->addr;
	return err;
}

int heph_import_get(heph_ctx ctx, struct heph_imports *imports,
		    struct heph_peer *peer,
		    const struct heph_remote_actor *remote,
		    const struct heph_wire_ref *ref, bool given,
		    struct heph_addr *ret_addr)
{
	struct heph_import *first = heph_table_get(&imports->by_id, ref->id);
	struct heph_import like = { .remote = remote,
				    .ref = *ref,
				    .given = given };
	bool other_type = false;

	if (remote)
		like.hash = heph_home_hash(imports->node->home, remote);
	for (struct heph_import *one = first; one; one = one->other) {
		if (!means(one, ref, given))
			continue;
		if (fits(one, remote, like.hash)) {
			*ret_addr = use(one, ref, given);
			return 0;
		}
		other_type |= one->remote != NULL;
	}
	if (other_type)
		return -EPROTOTYPE;
	return make_new(ctx, imports, first, peer, &like, ret_addr);
}
