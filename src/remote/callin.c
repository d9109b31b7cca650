/* SPDX-License-Identifier: MIT */
#include "remote/callin.h"

#include "remote/mem.h"
#include "remote/message.h"
#include "remote/refs.h"
#include "remote/tap.h"

/* A call of the peer that an actor of ours has to answer. */
struct heph_call_in {
	union {
		struct heph_pending pending;
		struct heph_call_in *next; /* free */
	};
	uint64_t number; /* the peer's */
	const struct heph_field *field;
	heph_time deadline;
};

int heph_callin_error(struct heph_peer *peer, uint64_t call, int err)
{
	return heph_refs_post(peer, HEPH_FRAME_ANSWER, err, call, NULL, 0);
}

void heph_callins_free(heph_ctx ctx, struct heph_exports *exports)
{
	struct heph_call_in *call, *next;
	size_t at = 0;

	while ((call = heph_table_next(&exports->calls, &at))) {
		heph_raw_forget_call(ctx, &call->pending);
		heph_remote_mem_free(call);
	}
	for (call = exports->free; call; call = next) {
		next = call->next;
		heph_remote_mem_free(call);
	}
	heph_table_fini(&exports->calls);
}

static void give_back(struct heph_exports *exports, struct heph_call_in *call)
{
	call->next = exports->free;
	exports->free = call;
}

/* ---- starting ----------------------------------------------------------------------- */

enum { REAP = 256 }; /* calls at a time */

/* Forgets calls whose callers have given up, when there are too many. Not again soon
 * if there were none. */
static void reap(heph_ctx ctx, struct heph_exports *exports)
{
	struct heph_call_in *call, *given_up[REAP];
	heph_time now = heph_now();
	unsigned n = 0;
	size_t at = 0;

	if (now < exports->reap_after)
		return;
	while (n < REAP && (call = heph_table_next(&exports->calls, &at)))
		if (call->deadline <= now)
			given_up[n++] = call;
	if (n == 0)
		exports->reap_after = now + HEPH_SEC / 10;
	while (n-- > 0) {
		heph_table_take(&exports->calls, given_up[n]->pending.call);
		heph_raw_forget_call(ctx, &given_up[n]->pending);
		give_back(exports, given_up[n]);
	}
}

static int new_call(heph_ctx ctx, struct heph_peer *peer,
		    struct heph_call_in **ret_call)
{
	struct heph_exports *exports = peer->exports;
	unsigned max = peer->node->config.calls;

	if (exports->calls.n >= max)
		reap(ctx, exports);
	if (exports->calls.n >= max)
		return -EDQUOT;
	*ret_call = exports->free;
	if (exports->free)
		exports->free = exports->free->next;
	else
		*ret_call = heph_remote_mem_alloc(sizeof(**ret_call));
	return *ret_call ? 0 : -ENOMEM;
}

int heph_callin_start(heph_ctx ctx, struct heph_export *export,
		      const struct heph_delivery_in *delivery)
{
	const struct heph_incoming *in = &delivery->in;
	const struct heph_call call = {
		.msg = delivery->msg,
		.size = export->remote->msg()->size,
		.reply_at = in->reply_at,
		.ret_size = in->field->answer_size,
		.member = in->field->name,
	};
	struct heph_exports *exports = export->peer->exports;
	struct heph_call_in *record;
	struct heph_pending pending;
	int err = new_call(ctx, export->peer, &record);

	if (err < 0)
		return err;
	err = heph_raw_try_start_call(heph_until(ctx, delivery->deadline),
				      export->addr, &call, &pending);
	if (err < 0) {
		give_back(exports, record);
		return err;
	}
	*record = (struct heph_call_in){ .pending = pending,
					 .number = in->call,
					 .field = in->field,
					 .deadline = delivery->deadline };
	if (heph_table_put(&exports->calls, pending.call, record) == 0)
		return 0;
	heph_raw_forget_call(ctx, &pending);
	give_back(exports, record);
	return heph_callin_error(export->peer, in->call, -ENOMEM);
}

/* ---- answers ------------------------------------------------------------------------- */

static int answer_value(struct heph_peer *peer, const struct heph_call_in *call,
			const void *value)
{
	struct heph_frame frame;
	int err = heph_answer_write(peer, call->number, call->field, value,
				    &frame);

	if (err < 0)
		return heph_callin_error(peer, call->number, err);
	heph_tap_answer(peer, HEPH_TAP_OUT, call->field, call->number, 0);
	return heph_peer_post(peer, &frame);
}

int heph_callin_answered(heph_ctx ctx, struct heph_peer *peer,
			 struct heph_pending *pending)
{
	struct heph_call_in *call =
		heph_table_take(&peer->exports->calls, pending->call);
	void *value;
	int err;

	if (!call) { /* not one of these */
		heph_raw_forget_call(ctx, pending);
		return 0;
	}
	value = heph_exports_room(peer->exports, call->field->answer_size);
	err = value ? heph_raw_await(ctx, pending, value,
				     call->field->answer_size) :
		      -ENOMEM;
	heph_raw_forget_call(ctx, pending);
	err = err == 0 ? answer_value(peer, call, value) :
			 heph_callin_error(peer, call->number, err);
	give_back(peer->exports, call);
	return err;
}
