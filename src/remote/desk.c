/* SPDX-License-Identifier: MIT */
#include "remote/desk.h"

#include <stdlib.h>
#include <string.h>

#include "remote/mem.h"
#include "remote/message.h"
#include "remote/refs.h"
#include "remote/tap.h"

static int found(struct heph_peer *peer, uint64_t number,
		 const struct heph_wire_ref *ref, int err)
{
	uint8_t wire[HEPH_WIRE_REF];

	if (err == 0)
		heph_wire_ref_write(ref, wire);
	return heph_refs_post(peer, HEPH_FRAME_FOUND, err, number, wire,
			      err == 0 ? sizeof(wire) : 0);
}

/* What somebody asks for: a name, and of which type it should be. */
struct wish {
	uint64_t number, hash;
	const char *name; /* in the frame, without an end */
	size_t size;
};

static int cut_wish(struct heph_cut *cut, struct wish *ret_wish)
{
	int err = heph_cut_u64(cut, &ret_wish->number);

	if (err == 0)
		err = heph_cut_u64(cut, &ret_wish->hash);
	return err < 0 ? err :
			 heph_cut_text(cut, &ret_wish->name, &ret_wish->size);
}

/* ---- names ------------------------------------------------------------------------- */

int heph_desk_whereis(struct heph_peer *peer, struct heph_cut *cut)
{
	struct heph_wire_ref ref;
	const struct heph_home_name *named;
	struct wish wish;
	int err = cut_wish(cut, &wish);

	if (err < 0)
		return err;
	named = heph_home_name(peer->node->home, wish.name, wish.size);
	if (!named)
		err = -ENOENT;
	else if (named->hash != wish.hash)
		err = -EPROTOTYPE;
	else
		err = heph_home_may_give(peer->node, named->addr,
					 named->rights);
	if (err == 0)
		err = heph_ref_out(peer, named->remote, named->addr,
				   named->rights, &ref);
	return found(peer, wish.number, &ref, err);
}

/* ---- new actors ---------------------------------------------------------------------- */

/* Options, with room for an argument behind them. */
struct spawn {
	struct heph_options options;
	_Alignas(16) unsigned char more[HEPH_ARG_MAX + 64];
};

int heph_desk_start(heph_ctx ctx, const struct heph_remote_actor *remote,
		    const void *arg, struct heph_addr *ret_addr)
{
	const struct heph_actor *actor = remote->actor;
	struct spawn *spawn;
	int err;

	if (!actor || actor->spawn_size > sizeof(*spawn))
		return -EACCES;
	spawn = heph_remote_mem_zero(sizeof(*spawn));
	if (!spawn)
		return -ENOMEM;
	if (arg && actor->arg_size)
		memcpy((char *)spawn + actor->arg_at, arg, actor->arg_size);
	err = heph_raw_spawn(ctx, actor, spawn, ret_addr);
	heph_remote_mem_free(spawn);
	return err;
}

/* One that a peer wants; the node's actor makes it, as it is its child. */
struct order {
	struct heph_request request;
	struct heph_peer *peer; /* held */
	const struct heph_remote_actor *remote;
	uint64_t number;
	void *arg; /* of the codec's; NULL: none */
};

static void drop_order(struct heph_request *request)
{
	struct order *order = (struct order *)request;

	if (order->arg)
		heph_codec_drop(order->remote->arg(), order->arg);
	heph_remote_mem_free(order->arg);
	heph_peer_release(order->peer);
}

/* Others may have been ordered since it was. */
static int start_counted(heph_ctx ctx, struct order *order,
			 struct heph_addr *ret_addr)
{
	struct heph_peer *peer = order->peer;
	int err = heph_home_may_spawn(peer->node, peer->name);

	if (err == 0)
		err = heph_desk_start(ctx, order->remote, order->arg, ret_addr);
	if (err < 0)
		return err;
	heph_remote_mem_free(order->arg);
	order->arg = NULL;
	err = heph_home_spawned(ctx, peer->node, peer->name, *ret_addr);
	if (err < 0)
		heph_raw_stop(*ret_addr);
	return err;
}

static void run_order(heph_ctx ctx, struct heph_node_state *node,
		      struct heph_request *request)
{
	struct order *order = (struct order *)request;
	struct heph_peer *peer = order->peer;
	struct heph_wire_ref ref;
	struct heph_addr addr;
	int err;

	(void)node;
	if (!peer->closing && peer->imports) {
		err = start_counted(ctx, order, &addr);
		if (err == 0)
			err = heph_ref_out(peer, order->remote, addr,
					   HEPH_MAY_STOP, &ref);
		err = found(peer, order->number, &ref, err);
		if (err < 0)
			heph_peer_close(peer, err);
	}
	heph_request_done(request, 0);
}

static int read_arg(heph_ctx ctx, struct order *order, unsigned flags,
		    const struct heph_cut *cut)
{
	const struct heph_codec *codec;
	int err;

	if (!order->remote->arg)
		return cut->at == cut->end ? 0 : -EPROTO;
	codec = order->remote->arg();
	order->arg = heph_remote_mem_zero(codec->size);
	if (!order->arg)
		return -ENOMEM;
	err = heph_arg_read(ctx, order->peer, codec, flags, cut->at,
			    (size_t)(cut->end - cut->at), order->arg);
	if (err < 0) {
		heph_remote_mem_free(order->arg);
		order->arg = NULL;
	}
	return err == -EBADMSG ? -EPROTO : err;
}

/* Returns 0: the node's actor answers. */
static int give_order(heph_ctx ctx, struct heph_peer *peer,
		      const struct heph_home_name *offer, uint64_t number,
		      unsigned flags, const struct heph_cut *cut)
{
	struct order *order =
		heph_request_new(sizeof(*order), run_order, drop_order);
	int err;

	if (!order)
		return -ENOMEM;
	order->peer = heph_peer_hold(peer);
	order->remote = offer->remote;
	order->number = number;
	err = read_arg(ctx, order, flags, cut);
	if (err == 0)
		err = heph_try_send(peer->node->self,
				    { .request = &order->request });
	if (err < 0)
		heph_request_free(&order->request);
	return err;
}

int heph_desk_spawn(heph_ctx ctx, struct heph_peer *peer,
		    const struct heph_frame_view *view, struct heph_cut *cut)
{
	const struct heph_home_name *offer;
	struct wish wish;
	int err = cut_wish(cut, &wish);

	if (err < 0)
		return err;
	offer = heph_home_offer(peer->node->home, wish.name, wish.size);
	if (!offer)
		err = -EACCES;
	else if (offer->hash != wish.hash)
		err = -EPROTOTYPE;
	else
		err = heph_home_may_spawn(peer->node, peer->name);
	if (err == 0)
		err = give_order(ctx, peer, offer, wish.number, view->flags,
				 cut);
	return err < 0 ? found(peer, wish.number, NULL, err) : 0;
}

/* ---- looking at it ---------------------------------------------------------------------- */

int heph_desk_list(struct heph_peer *peer, struct heph_cut *cut)
{
	bool listed = peer->node->config.listed;
	uint64_t number;
	char *text;
	int err = heph_cut_u64(cut, &number);

	if (err < 0)
		return err;
	text = listed ? heph_home_list(peer->node->home) : NULL;
	err = text ? 0 : listed ? -ENOMEM : -EACCES;
	if (err == 0 && HEPH_FRAME_HEAD + 8 + strlen(text) > peer->frame_max)
		err = -EMSGSIZE;
	err = heph_refs_post(peer, HEPH_FRAME_LISTED, err, number, text,
			     err == 0 ? strlen(text) : 0);
	free(text);
	return err;
}

int heph_desk_tap(struct heph_peer *peer, const struct heph_frame_view *view,
		  struct heph_cut *cut)
{
	uint64_t number;
	int err = heph_cut_u64(cut, &number);

	if (err < 0 || view->number > 1)
		return -EPROTO;
	if (view->number == 0) {
		heph_tap_end(peer, number);
		return 0;
	}
	err = peer->node->config.tapped ? heph_tap_begin(peer, number) :
					  -EACCES;
	return err < 0 ? heph_refs_post(peer, HEPH_FRAME_TAPPED, err, number,
					NULL, 0) :
			 0;
}
