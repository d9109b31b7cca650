/* SPDX-License-Identifier: MIT */
/*
 * The life of a record, by its `number`:
 *
 *     0            free, or being made
 *     n            waiting; n is even and never used again on this thread
 *     n | CLAIMED  somebody writes the answer, or the failure, into it
 *     0            done, or given up
 *
 * From n on it changes by compare-and-swap alone: an answer, a failure, and
 * the caller that gives up race for it, and one of them gets it. When that is
 * another thread than the caller's, the record comes back as an event.
 */
#include "core/call.h"

#include <heph/time.h>

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/answers.h"
#include "core/send.h"
#include "core/stackrule.h"
#include "core/wait.h"

/* Numbers begin with the time: no call takes less than two nanoseconds, so none
 * of a thread of an earlier runtime comes again in this place. */
int heph_calls_init(struct heph_calls *calls, uint32_t max)
{
	*calls = (struct heph_calls){
		.n = 1,
		.max = max + 1,
		.last_number = (uint64_t)heph_clock_now() & ~(uint64_t)HEPH_CALL_CLAIMED,
	};
	calls->table = heph_mem_reserve(calls->max * sizeof(*calls->table));
	return calls->table ? 0 : -ENOMEM;
}

void heph_calls_fini(struct heph_calls *calls)
{
	heph_mem_unreserve(calls->table, calls->max * sizeof(*calls->table));
	calls->table = NULL;
}

static struct heph_waiting_call *take(struct heph_calls *calls, size_t size)
{
	struct heph_waiting_call *call;
	uint32_t slot = calls->free;

	if (!slot && calls->n == calls->max)
		return NULL;
	call = &calls->table[slot ? slot : calls->n];
	call->value = call->inlined;
	if (size > HEPH_CALL_INLINE) {
		call->value = heph_mem_alloc_raw(size);
		if (!call->value)
			return NULL;
	}
	if (slot)
		calls->free = call->next_free;
	else
		calls->n++;
	calls->in_use++;
	call->size = (uint32_t)size;
	call->err = 0;
	call->done = false;
	return call;
}

static void give(struct heph_calls *calls, struct heph_waiting_call *call)
{
	if (call->value != call->inlined)
		heph_mem_free(call->value);
	call->next_free = calls->free;
	calls->free = (uint32_t)(call - calls->table);
	calls->in_use--;
}

static void finish(struct heph_waiting_call *call)
{
	atomic_store_explicit(&call->number, 0, memory_order_relaxed);
	call->done = true;
	heph_wake(call->caller, HEPH_WAIT_CALL);
}

static void came_back(struct heph_event *event)
{
	finish(heph_container_of(event, struct heph_waiting_call, event));
}

/* Claims the record that the reply is for, if the call is still open. */
static struct heph_waiting_call *claim(struct heph_thread *thread,
				       struct heph_reply reply)
{
	struct heph_waiting_call *call = &thread->calls.table[reply.slot];
	uint64_t number = reply.call;

	if (reply.slot >= thread->calls.max)
		return NULL;
	if (!atomic_compare_exchange_strong_explicit(
		    &call->number, &number, reply.call | HEPH_CALL_CLAIMED,
		    memory_order_acquire, memory_order_relaxed))
		return NULL;
	return call;
}

static int complete(struct heph *heph, struct heph_reply reply, int err,
		    const void *value, size_t size)
{
	struct heph_thread *thread = heph_thread_of(heph, reply.thread);
	struct heph_waiting_call *call = thread ? claim(thread, reply) : NULL;

	if (!call)
		return -EPIPE;
	if (err == 0) {
		heph_assert(size == call->size); /* or: answered as another type */
		memcpy(call->value, value, size);
	}
	call->err = err;
	if (thread == heph_thread_current) {
		finish(call);
	} else {
		call->event.fn = came_back;
		heph_thread_post(thread, &call->event);
	}
	return 0;
}

static bool plausible(struct heph_reply reply)
{
	return reply.call && !(reply.call & HEPH_CALL_CLAIMED) &&
	       reply.thread < HEPH_THREADS_MAX;
}

static int reach(struct heph_reply reply, int err, const void *value, size_t size)
{
	struct heph *heph;
	bool inside;
	int result;

	if (!plausible(reply))
		return -EPIPE;
	heph = heph_enter(reply.node, &inside);
	if (!heph)
		return -EPIPE;
	result = complete(heph, reply, err, value, size);
	if (result < 0 && err == 0 && !heph_thread_current)
		atomic_fetch_add(&heph->strangers_late, 1);
	heph_leave(reply.node, inside);
	return result;
}

int heph_raw_answer(struct heph_reply reply, const void *value, size_t size)
{
	struct heph_thread *thread = heph_thread_current;
	int err = reach(reply, 0, value, size);

	if (thread && thread->current)
		heph_answers_given(thread->current, reply);
	if (err < 0 && thread)
		heph_count(&thread->count.late_answers);
	return err;
}

void heph_call_fail(struct heph_reply reply, int err)
{
	(void)reach(reply, err, NULL, 0);
}

bool heph_call_open(struct heph_reply reply)
{
	struct heph_thread *thread;
	struct heph *heph;
	bool inside, open;

	if (!plausible(reply))
		return false;
	heph = heph_enter(reply.node, &inside);
	if (!heph)
		return false;
	thread = heph_thread_of(heph, reply.thread);
	open = thread && reply.slot < thread->calls.max &&
	       atomic_load_explicit(&thread->calls.table[reply.slot].number,
					      memory_order_relaxed) == reply.call;
	heph_leave(reply.node, inside);
	return open;
}

bool heph_raw_reply_wanted(struct heph_reply reply)
{
	return heph_call_open(reply);
}

/* Waits for the answer, or gives up. */
static int await(heph_ctx ctx, struct heph_waiting_call *call, uint64_t number)
{
	uint64_t expected = number;
	int err;

	while (!call->done) {
		err = heph_wait_for(ctx, HEPH_WAIT_CALL);
		if (call->done || err == 0)
			continue;
		if (atomic_compare_exchange_strong(&call->number, &expected, 0))
			return err;
		while (!call->done) /* it is on its way */
			heph_wait_only(ctx.self, HEPH_WAIT_CALL);
	}
	return call->err;
}

int heph_raw_call(heph_ctx ctx, struct heph_addr to, const struct heph_call *call)
{
	struct heph_thread *thread = ctx.self->thread;
	struct heph_calls *calls = &thread->calls;
	struct heph_waiting_call *record;
	struct heph_letter letter;
	uint64_t number;
	int err = heph_wait_allowed(ctx);

	if (err == 0 && ctx.self->id == to.id && to.id && to.node == thread->node)
		err = -EDEADLK; /* who would answer? */
	if (err < 0)
		return err;
	record = take(calls, call->ret_size);
	if (!record)
		return -ENOMEM;
	number = calls->last_number += 2;
	record->caller = ctx.self;
	letter = (struct heph_letter){
		.data = call->msg,
		.size = (uint32_t)call->size,
		.reply_at = (uint32_t)call->reply_at,
		.reply = { .call = number,
			   .slot = (uint32_t)(record - calls->table),
			   .thread = thread->number,
			   .node = thread->heph->node },
	};
	atomic_store_explicit(&record->number, number, memory_order_release);
	heph_stackrule_check(ctx.self, letter.data, letter.size, "message");
	err = heph_letter_send(ctx, to, &letter);
	if (err == 0)
		err = await(ctx, record, number);
	else
		atomic_store_explicit(&record->number, 0, memory_order_relaxed);
	if (err == 0)
		memcpy(call->ret, record->value, call->ret_size);
	give(calls, record);
	return err;
}
