/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
#include "remote/refs.h"

#include <string.h>

#include "remote/asks.h"
#include "remote/callin.h"
#include "remote/calls.h"
#include "remote/desk.h"
#include "remote/meet.h"
#include "remote/mem.h"
#include "remote/message.h"
#include "remote/import.h"
#include "remote/export.h"
#include "remote/stub.h"
#include "remote/tap.h"

enum { ERRNO_MAX = 4095 };

/* ---- life ------------------------------------------------------------------------- */

int heph_refs_init(heph_ctx ctx, struct heph_peer *peer)
{
	int err = heph_exports_init(peer);

	(void)ctx;
	if (err == 0)
		err = heph_asks_init(peer);
	if (err < 0)
		return err;
	peer->calls = heph_calls_new(peer->node->config.calls);
	return peer->calls ? heph_meet_attach(peer) : -ENOMEM;
}

/* Calls first: who waits is told of the peer, not of its proxy. */
void heph_refs_fini(heph_ctx ctx, struct heph_peer *peer)
{
	heph_calls_free(peer->calls, -EHOSTDOWN);
	peer->calls = NULL;
	heph_imports_free(peer->imports, -EHOSTDOWN);
	peer->imports = NULL;
	heph_asks_fini(ctx, peer, -EHOSTDOWN);
	heph_tap_leave(peer);
	heph_table_fini(&peer->introduced);
	heph_meet_leave(peer);
	heph_exports_fini(ctx, peer);
}

void heph_refs_count(const struct heph_peer *peer,
		     struct heph_node_stats *stats)
{
	stats->calls += peer->calls ? peer->calls->in_use : 0;
	stats->proxies += peer->imports ? peer->imports->n : 0;
	stats->exports += peer->exports ? (unsigned)peer->exports->by_id.n : 0;
}

void heph_refs_up(struct heph_peer *peer)
{
	if (peer->imports)
		heph_imports_ring(peer);
}

/* ---- what is refused ----------------------------------------------------------------- */

static const char *const words[HEPH_REFUSED_KINDS] = {
	[HEPH_REFUSED_SEND] = "message could not leave",
	[HEPH_REFUSED_FORGED] = "reference is forged",
	[HEPH_REFUSED_GONE] = "message for an actor that has ended",
	[HEPH_REFUSED_TYPE] = "message of another type",
	[HEPH_REFUSED_MESSAGE] = "bytes that are no such message",
	[HEPH_REFUSED_RIGHT] = "reference does not allow it",
	[HEPH_REFUSED_LIMIT] = "limit of the peer reached",
	[HEPH_REFUSED_ANSWER] = "answer that nobody waits for",
	[HEPH_REFUSED_ROOM] = "no room for a message",
	[HEPH_REFUSED_MEMORY] = "no memory for a message",
	[HEPH_REFUSED_NAME] = "another name for a node",
};

void heph_refs_refuse(struct heph_peer *peer, enum heph_refused what, int err)
{
	if (what == HEPH_REFUSED_GONE || what == HEPH_REFUSED_ROOM)
		peer->stats.lost++;
	else
		peer->stats.refused++;
	if (peer->refused_kinds & 1u << what)
		return;
	peer->refused_kinds |= 1u << what;
	heph_log_warn(words[what], HEPH_KV_STR("peer", peer->name),
		      HEPH_KV_ERR("err", err));
}

enum heph_refused heph_refused_kind(int err)
{
	switch (err) {
	case -EACCES:
		return HEPH_REFUSED_FORGED;
	case -ESRCH:
		return HEPH_REFUSED_GONE;
	case -EPROTOTYPE:
		return HEPH_REFUSED_TYPE;
	case -EDQUOT:
		return HEPH_REFUSED_LIMIT;
	case -ENOMEM:
		return HEPH_REFUSED_MEMORY;
	default:
		return HEPH_REFUSED_MESSAGE;
	}
}

/* ---- frames ---------------------------------------------------------------------------- */

int heph_refs_cut(struct heph_cut *cut, struct heph_wire_ref *ret_ref)
{
	const void *wire;
	int err = heph_cut_bytes(cut, HEPH_WIRE_REF, &wire);

	if (err == 0)
		heph_wire_ref_read(wire, ret_ref);
	return err;
}

int heph_refs_post(struct heph_peer *peer, enum heph_frame_type type, int err,
		   uint64_t id, const void *more, size_t size)
{
	struct heph_frame frame;
	unsigned char *at;
	int result = heph_frame_new(&frame, type, 0, (uint32_t)-err, 8 + size);

	if (result < 0)
		return result;
	at = heph_put_u64(heph_frame_body(&frame), id);
	heph_put_bytes(at, more, size);
	return heph_peer_post(peer, &frame);
}

/* The value of an answer, on the heap or not, is given to who waits. */
static int give_answer(heph_ctx ctx, struct heph_peer *peer,
		       const struct heph_frame_view *view,
		       const struct heph_cut *cut,
		       const struct heph_call_out *call)
{
	enum { SMALL = 256 };
	size_t size = call->field->answer_size;
	_Alignas(16) unsigned char small[SMALL];
	void *value = size <= SMALL ? small : heph_remote_mem_alloc(size);
	int err = value ? 0 : -ENOMEM;

	if (err == 0)
		err = heph_answer_read(ctx, peer, call->field, view->flags,
				       cut->at, (size_t)(cut->end - cut->at),
				       value, NULL);
	if (err == 0)
		(void)heph_raw_answer(call->reply, value, size);
	if (value != small)
		heph_remote_mem_free(value);
	return err == -EBADMSG ? -EPROTO : err;
}

static int on_answer(heph_ctx ctx, struct heph_peer *peer,
		     const struct heph_frame_view *view, struct heph_cut *cut)
{
	struct heph_call_out call;
	uint64_t number;
	int err = heph_cut_u64(cut, &number);

	if (err < 0 || view->number > ERRNO_MAX)
		return -EPROTO;
	if (heph_calls_take(peer->calls, number, &call) < 0) {
		heph_refs_refuse(peer, HEPH_REFUSED_ANSWER, -ENOENT);
		return 0;
	}
	heph_tap_answer(peer, HEPH_TAP_IN, call.field, number,
			-(int)view->number);
	err = view->number ? -(int)view->number :
			     give_answer(ctx, peer, view, cut, &call);
	if (err < 0 && !view->number)
		heph_refs_refuse(peer, HEPH_REFUSED_ANSWER, err);
	if (err < 0)
		(void)heph_raw_refuse(call.reply, err);
	return 0;
}

static int on_credit(struct heph_peer *peer, struct heph_cut *cut)
{
	struct heph_import *import;
	uint64_t id, taken;
	int err = heph_cut_u64(cut, &id);

	if (err == 0)
		err = heph_cut_u64(cut, &taken);
	if (err < 0)
		return err;
	import = heph_table_get(&peer->imports->by_id, id);
	return import ? heph_import_credit(import, taken) : 0;
}

static int on_down(struct heph_peer *peer, const struct heph_frame_view *view,
		   struct heph_cut *cut)
{
	struct heph_import *import;
	struct heph_wire_ref ref;
	uint64_t id;
	int err = heph_cut_u64(cut, &id);
	bool refused = cut->at != cut->end;

	if (err == 0 && refused)
		err = heph_refs_cut(cut, &ref);
	if (err < 0 || view->number > ERRNO_MAX)
		return -EPROTO;
	import = heph_table_get(&peer->imports->by_id, id);
	if (import && refused)
		heph_import_refuse(import, &ref, -(int)view->number);
	else if (import)
		heph_import_end(import, -(int)view->number);
	return 0;
}

int heph_refs_frame(heph_ctx ctx, struct heph_peer *peer,
		    const struct heph_frame_view *view)
{
	struct heph_cut cut = { view->body, view->body + view->size };

	switch (view->type) {
	case HEPH_FRAME_SEND:
	case HEPH_FRAME_CALL:
		return heph_stub_message(ctx, peer, view);
	case HEPH_FRAME_ANSWER:
		return on_answer(ctx, peer, view, &cut);
	case HEPH_FRAME_CREDIT:
		return on_credit(peer, &cut);
	case HEPH_FRAME_MONITOR:
		return heph_export_monitor(ctx, peer, &cut);
	case HEPH_FRAME_DOWN:
		return on_down(peer, view, &cut);
	case HEPH_FRAME_STOP:
		return heph_export_stop(peer, &cut);
	case HEPH_FRAME_WHEREIS:
		return heph_desk_whereis(peer, &cut);
	case HEPH_FRAME_SPAWN:
		return heph_desk_spawn(ctx, peer, view, &cut);
	case HEPH_FRAME_LIST:
		return heph_desk_list(peer, &cut);
	case HEPH_FRAME_TAP:
		return heph_desk_tap(peer, view, &cut);
	case HEPH_FRAME_FOUND:
	case HEPH_FRAME_LISTED:
	case HEPH_FRAME_TAPPED:
		return heph_asks_answered(ctx, peer, view);
	case HEPH_FRAME_MEET:
		return heph_meet_frame(peer, &cut);
	default:
		return -EPROTO;
	}
}

/* All that there are. */
static int pass_answers(heph_ctx ctx, struct heph_peer *peer)
{
	struct heph_pending pending;
	const struct heph_on on = heph_on_any_answer(&pending);
	int err = 0;

	while (err == 0 && heph_raw_wait(heph_until(ctx, 0), &on, 1) == 0)
		err = heph_callin_answered(ctx, peer, &pending);
	return err;
}

void heph_refs_answered(heph_ctx ctx, struct heph_peer *peer,
			struct heph_pending *pending)
{
	int err = 0;

	if (peer->closing || !peer->exports) {
		heph_raw_forget_call(ctx, pending);
		return;
	}
	err = heph_callin_answered(ctx, peer, pending);
	if (err == 0)
		err = pass_answers(ctx, peer);
	if (err < 0)
		heph_peer_close(peer, err);
}

/* What an actor has answered goes before its end. */
void heph_refs_down(heph_ctx ctx, struct heph_peer *peer,
		    const struct heph_down *down)
{
	int err = 0;

	if (peer->closing || !peer->exports)
		return;
	err = pass_answers(ctx, peer);
	if (err == 0)
		err = heph_export_down(ctx, peer, down);
	if (err < 0)
		heph_peer_close(peer, err);
}
