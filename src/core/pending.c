/* SPDX-License-Identifier: MIT */
/*
 * Calls that were started: the record of a call, on the list of what the actor
 * acquired, so that it is given up when the actor ends. What the actor has is
 * the number and the place of the record.
 */
#include "core/pending.h"

#include <string.h>

#include "base/usdt.h"
#include "core/send.h"
#include "core/wait.h"

/* The record, if it is one of that actor's. */
static struct heph_waiting_call *find(struct heph_self *self,
				      struct heph_pending pending)
{
	struct heph_calls *calls = &self->thread->calls;
	struct heph_waiting_call *record;

	if (!pending.call || pending.slot >= calls->n)
		return NULL;
	record = &calls->table[pending.slot];
	return record->started == pending.call && record->caller == self ?
		       record :
		       NULL;
}

/* It is nobody's started call any more. */
static void forget(struct heph_waiting_call *record)
{
	record->started = 0;
	record->listed = false;
	if (record->done)
		heph_list_remove(&record->answered);
}

/* It is not on the actor's list any more, or not yet. */
static void give_up(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_waiting_call *record =
		heph_container_of(owned, struct heph_waiting_call, owned);

	forget(record);
	heph_call_drop(ctx.self->thread, record);
}

static void keep(heph_ctx ctx, struct heph_waiting_call *record,
		 uint64_t number, struct heph_addr to, const char *member)
{
	record->started = number;
	record->to = to;
	record->member = member;
	if (ctx.deadline == HEPH_NEVER)
		record->sent = -1;
	record->owned.undo = give_up;
	heph_list_push_back(&ctx.self->ext->owned, &record->owned.node);
	record->listed = true;
	if (record->done) /* while this one waited for room */
		heph_list_push_back(&ctx.self->ext->answered,
				    &record->answered);
}

static int start(heph_ctx ctx, struct heph_addr to,
		 const struct heph_call *call, heph_call_way *way,
		 struct heph_pending *ret_pending)
{
	struct heph_waiting_call *record;
	uint64_t number;
	int err = heph_self_extend(ctx.self) ? 0 : -ENOMEM;

	*ret_pending = (struct heph_pending){ 0 };
	if (err == 0)
		err = heph_call_begin(ctx, to, call, way, &record, &number);
	if (err < 0)
		return err;
	HEPH_PROBE3(call, to.id, call->member, ctx.self->id);
	keep(ctx, record, number, to, call->member);
	*ret_pending = (struct heph_pending){
		.call = number,
		.slot = (uint32_t)(record - ctx.self->thread->calls.table),
	};
	return 0;
}

int heph_raw_start_call(heph_ctx ctx, struct heph_addr to,
			const struct heph_call *call,
			struct heph_pending *ret_pending)
{
	return start(ctx, to, call, heph_letter_send, ret_pending);
}

int heph_raw_try_start_call(heph_ctx ctx, struct heph_addr to,
			    const struct heph_call *call,
			    struct heph_pending *ret_pending)
{
	return start(ctx, to, call, heph_letter_try_send, ret_pending);
}

static void note(heph_ctx ctx, const struct heph_waiting_call *record, int err)
{
	heph_call_failed(ctx, record->to, record->member, record,
			 record->sent >= 0, err);
}

int heph_raw_await(heph_ctx ctx, struct heph_pending *pending, void *ret,
		   size_t ret_size)
{
	struct heph_waiting_call *record = find(ctx.self, *pending);
	int err;

	if (!record || record->size != ret_size)
		return -EINVAL;
	err = heph_wait_allowed(ctx);
	if (err == 0)
		err = heph_call_wait(ctx, record);
	if (err < 0) {
		note(ctx, record, err);
		return err;
	}
	err = record->err;
	if (err == 0)
		memcpy(ret, record->value, ret_size);
	else
		note(ctx, record, err);
	forget(record);
	heph_list_remove(&record->owned.node);
	heph_call_end(ctx.self->thread, record);
	*pending = (struct heph_pending){ 0 };
	heph_worker_spend(ctx.self);
	return err;
}

void heph_raw_forget_call(heph_ctx ctx, struct heph_pending *pending)
{
	struct heph_waiting_call *record = find(ctx.self, *pending);

	*pending = (struct heph_pending){ 0 };
	if (!record)
		return;
	heph_list_remove(&record->owned.node);
	give_up(ctx, &record->owned);
}

int heph_pending_ready(heph_ctx ctx, struct heph_clause *clause)
{
	const struct heph_addr *which = &clause->on->who;
	struct heph_pending pending = { .call = which->id,
					.slot = which->slot };
	struct heph_waiting_call *record = find(ctx.self, pending);

	return record ? record->done : -EINVAL;
}

int heph_pending_any_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_thread *thread = ctx.self->thread;
	struct heph_pending *ret_pending = clause->on->ret;
	struct heph_waiting_call *record;
	struct heph_list *first;

	if (!ctx.self->ext || heph_list_empty(&ctx.self->ext->answered))
		return 0;
	first = ctx.self->ext->answered.next;
	record = heph_container_of(first, struct heph_waiting_call, answered);
	*ret_pending = (struct heph_pending){
		.call = record->started,
		.slot = (uint32_t)(record - thread->calls.table),
	};
	return 1;
}
