/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/stub.h"

#include <string.h>

#include "remote/callin.h"
#include "remote/mem.h"
#include "remote/refs.h"
#include "remote/tap.h"

/* ---- delivering ----------------------------------------------------------------------- */

/* Returns 0: the message is given away; -EAGAIN: there is no room; other errors. */
static int give(heph_ctx ctx, struct heph_export *export,
		const struct heph_delivery_in *delivery)
{
	if (!delivery->in.call)
		return heph_raw_try_send(export->addr, delivery->msg,
					 export->remote->msg()->size);
	if (delivery->deadline != HEPH_NEVER &&
	    delivery->deadline <= heph_now())
		return -ETIME;
	return heph_callin_start(ctx, export, delivery);
}

/* It cannot be delivered. */
static int refuse(struct heph_export *export,
		  const struct heph_delivery_in *delivery, int err)
{
	heph_export_drop(export, delivery->msg);
	if (err != -ETIME) /* else its caller knows that */
		heph_refs_refuse(export->peer, heph_refused_kind(err), err);
	return delivery->in.call ?
		       heph_callin_error(export->peer, delivery->in.call, err) :
		       0;
}

/* One more has gone. Tells the peer each quarter of the window. */
static int took(struct heph_export *export)
{
	unsigned char taken[8];
	uint32_t step = export->peer->node->config.window / 4;

	export->taken++;
	if (export->peer->datagrams || export->taken - export->told <= step)
		return 0;
	export->told = export->taken;
	heph_put_u64(taken, export->taken);
	return heph_refs_post(export->peer, HEPH_FRAME_CREDIT, 0,
			      export->ref.id, taken, sizeof(taken));
}

/* ---- no room ----------------------------------------------------------------------------- */

static void release_ptr(void *ptr)
{
	heph_export_release(ptr);
}

struct stub_arg {
	struct heph_export *export; /* held */
};
HEPH_ACTOR(heph_stub, void, struct stub_arg);

static int stub_main(heph_ctx ctx, struct stub_arg *arg)
{
	struct heph_export *export = arg->export;
	struct heph_on room = heph_raw_on_room(export->addr);
	int err = heph_own(ctx, export, release_ptr);

	if (err < 0) {
		if (export->peer)
			heph_peer_do(export->peer, &export->job);
		else
			heph_export_release(export);
		return err;
	}
	err = heph_raw_wait(ctx, &room, 1);
	if (err < 0 && err != -ECANCELED)
		err = heph_sleep(ctx, HEPH_MSEC); /* of another runtime */
	if (err != -ECANCELED && export->peer)
		heph_peer_do(export->peer, &heph_export_hold(export)->job);
	return 0;
}
HEPH_ACTOR_MAIN(heph_stub, stub_main);

static int spawn_stub(heph_ctx ctx, struct heph_export *export)
{
	int err;

	if (export->stubbed)
		return 0;
	err = heph_spawn(ctx, heph_stub, NULL, { heph_export_hold(export) });
	if (err < 0)
		heph_export_release(export);
	else
		export->stubbed = true;
	return err;
}

int heph_export_refuse_waiting(struct heph_export *export, int why)
{
	int err = 0;

	while (export->first) {
		if (err == 0)
			err = refuse(export, &export->first->delivery, why);
		else
			heph_export_drop(export, export->first->msg);
		heph_export_unqueue(export);
		if (err == 0)
			err = took(export);
	}
	return err;
}

/* Sees to it that a stub waits for those who wait. */
static int await_room(heph_ctx ctx, struct heph_export *export)
{
	int err = spawn_stub(ctx, export);

	return err < 0 ? heph_export_refuse_waiting(export, err) : 0;
}

/* Gives those who wait as long as there is room. */
static int give_waiting(heph_ctx ctx, struct heph_export *export)
{
	int err = 0;

	while (err == 0 && export->first) {
		err = give(ctx, export, &export->first->delivery);
		if (err == -EAGAIN)
			break;
		if (err < 0)
			err = refuse(export, &export->first->delivery, err);
		heph_export_unqueue(export);
		if (err == 0)
			err = took(export);
	}
	return err == -EAGAIN ? await_room(ctx, export) : err;
}

/* There may be room again. */
static void on_room(heph_ctx ctx, struct heph_peer *peer, struct heph_job *job)
{
	struct heph_export *export =
		(struct heph_export *)(void *)((char *)job -
					       offsetof(struct heph_export,
							job));
	int err = 0;

	export->stubbed = false;
	if (export->peer && !peer->closing)
		err = give_waiting(ctx, export);
	heph_export_tidy(export);
	heph_export_release(export);
	if (err < 0)
		heph_peer_close(peer, err);
}

/* Moves the message to those who wait. */
static bool queue(struct heph_export *export,
		  const struct heph_delivery_in *delivery)
{
	size_t size = export->remote->msg()->size;
	struct heph_waiting *waiting =
		heph_remote_mem_alloc(sizeof(*waiting) + size);

	if (!waiting)
		return false;
	waiting->next = NULL;
	waiting->delivery = *delivery;
	waiting->delivery.msg = waiting->msg;
	memcpy(waiting->msg, delivery->msg, size);
	*export->last = waiting;
	export->last = &waiting->next;
	export->n_waiting++;
	export->job.run = on_room;
	return true;
}

/* A loose message is given up if others wait: it came in no order anyway. */
static bool is_loose(const struct heph_export *export,
		     const struct heph_delivery_in *delivery)
{
	return export->peer->datagrams && !delivery->in.call;
}

static int deliver(heph_ctx ctx, struct heph_export *export,
		   const struct heph_delivery_in *delivery)
{
	int err = export->first ? -EAGAIN : give(ctx, export, delivery);

	if (err == -EAGAIN && is_loose(export, delivery)) {
		heph_refs_refuse(export->peer, HEPH_REFUSED_ROOM, err);
		heph_export_drop(export, delivery->msg);
		return 0;
	}
	if (err == -EAGAIN) {
		/* Who sends datagrams hears of no window. */
		if (export->n_waiting >= export->peer->node->config.window)
			err = -EDQUOT;
		else if (queue(export, delivery))
			return await_room(ctx, export);
		else
			err = -ENOMEM;
	}
	if (err < 0)
		err = refuse(export, delivery, err);
	return err == 0 ? took(export) : err;
}

/* ---- frames --------------------------------------------------------------------------------- */

/* What is before a message. */
struct head {
	struct heph_wire_ref ref;
	uint64_t hash, call, ns;
};

static int cut_head(struct heph_cut *cut, bool called, struct head *ret_head)
{
	int err = heph_refs_cut(cut, &ret_head->ref);

	ret_head->call = ret_head->ns = 0;
	if (err == 0)
		err = heph_cut_u64(cut, &ret_head->hash);
	if (err == 0 && called)
		err = heph_cut_u64(cut, &ret_head->call);
	if (err == 0 && called)
		err = heph_cut_u64(cut, &ret_head->ns);
	return err == 0 && called && !ret_head->call ? -EPROTO : err;
}

static heph_time deadline_in(uint64_t ns)
{
	heph_time when;

	if (!ns || ns > INT64_MAX ||
	    __builtin_add_overflow(heph_now(), (heph_time)ns, &when))
		return HEPH_NEVER;
	return when;
}

/* The type may have become known since the export was made. */
static int check_type(struct heph_export *export, uint64_t hash)
{
	struct heph_given *given;

	if (!export->remote) {
		given = heph_table_get(&export->peer->node->home->given,
				       export->ref.id);
		if (given) {
			export->remote = given->remote;
			export->hash = given->hash;
		}
	}
	return export->remote && export->remote->msg && export->hash == hash ?
		       0 :
		       -EPROTOTYPE;
}

static int read_message(heph_ctx ctx, struct heph_export *export,
			const struct heph_frame_view *view,
			const struct heph_cut *cut,
			struct heph_delivery_in *delivery)
{
	struct heph_peer *peer = export->peer;
	const struct heph_codec *codec = export->remote->msg();
	struct heph_codec_error error = { "", "" };
	int err;

	delivery->msg = heph_exports_room(peer->exports, codec->size);
	if (!delivery->msg)
		return -ENOMEM;
	err = heph_message_read(ctx, peer, codec, view->flags, cut->at,
				(size_t)(cut->end - cut->at), delivery->msg,
				&delivery->in, &error);
	if (err < 0)
		heph_log_debug("message refused",
			       HEPH_KV_STR("peer", peer->name),
			       HEPH_KV_STR("type", export->remote->name),
			       HEPH_KV_STR("field", error.field),
			       HEPH_KV_STR("why", error.why));
	return err == -EBADMSG ? -EPROTO : err;
}

/* It is not even read. `export` NULL: it is not known for whom it is. */
static int refuse_frame(struct heph_peer *peer, struct heph_export *export,
			const struct head *head, int why)
{
	int err = 0;

	heph_refs_refuse(peer, heph_refused_kind(why), why);
	if (head->call)
		err = heph_callin_error(peer, head->call, why);
	return err == 0 && export ? took(export) : err;
}

int heph_stub_message(heph_ctx ctx, struct heph_peer *peer,
		      const struct heph_frame_view *view)
{
	struct heph_cut cut = { view->body, view->body + view->size };
	struct heph_delivery_in delivery;
	struct heph_export *export;
	struct head head;
	int err = cut_head(&cut, view->type == HEPH_FRAME_CALL, &head);

	if (err < 0)
		return err;
	err = heph_export_find(peer, &head.ref, &export);
	if (err < 0)
		return refuse_frame(peer, NULL, &head, err);
	export->received++;
	if (!peer->datagrams &&
	    export->received - export->taken > peer->node->config.window)
		return -EPROTO;
	err = check_type(export, head.hash);
	if (err < 0)
		return refuse_frame(peer, export, &head, err);
	delivery =
		(struct heph_delivery_in){ .in = { .call = head.call },
					   .deadline = deadline_in(head.ns) };
	err = read_message(ctx, export, view, &cut, &delivery);
	if (err < 0)
		return refuse_frame(peer, export, &head, err);
	heph_tap_message(peer, HEPH_TAP_IN, export->remote, head.ref.id,
			 delivery.msg);
	err = deliver(ctx, export, &delivery);
	heph_export_tidy(export);
	return err;
}
