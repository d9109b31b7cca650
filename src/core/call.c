/* SPDX-License-Identifier: MIT */
/*
 * The life of a record, by its `number`:
 *
 *     0            free, or being made
 *     n            waiting; n is never used again on this thread
 *     n | CLAIMED  somebody writes the answer, or the failure, into it
 *     0            done, or given up
 *
 * From n on it changes by compare-and-swap alone: an answer, a failure, and
 * the caller that gives up race for it, and one of them gets it. When that is
 * another thread than the caller's, the record comes back as an event. A caller
 * that gives up meanwhile and does not wait for that leaves the record to the
 * event.
 *
 * Who reads the deadline looks at the number before and after: it is written
 * when the number is 0, so a deadline between two times the same number is that
 * of the call.
 */
#include "core/call.h"

#include <heph/time.h>

#include <string.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/mem.h"
#include "base/usdt.h"
#include "core/answers.h"
#include "core/failure.h"
#include "core/send.h"
#include "core/solo.h"
#include "core/stackrule.h"
#include "core/trace.h"
#include "core/wait.h"

enum { ERRNO_MAX = 4095 }; /* as the kernel has it */

/* Numbers begin with the time: no call takes less than four nanoseconds, so none
 * of a thread of an earlier runtime comes again in this place. */
void heph_calls_share(struct heph_calls *calls, struct heph_waiting_call *table,
		      uint32_t first, uint32_t n)
{
	*calls = (struct heph_calls){
		.table = table,
		.n = first + 1,
		.max = first + n,
		.last_number = (uint64_t)heph_clock_now() / HEPH_CALL_STEP *
			       HEPH_CALL_STEP,
	};
}

int heph_calls_init(struct heph_calls *calls, uint32_t max)
{
	size_t size = (max + (size_t)1) * sizeof(struct heph_waiting_call);

	heph_calls_share(calls, heph_mem_reserve_table(size), 0, max + 1);
	return calls->table ? 0 : -ENOMEM;
}

void heph_calls_fini(struct heph_calls *calls)
{
	heph_mem_unreserve(calls->table, calls->max * sizeof(*calls->table));
	calls->table = NULL;
}

HEPH_INLINE struct heph_waiting_call *take(struct heph_calls *calls,
					   size_t size)
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
	call->done = call->refused = call->listed = false;
	return call;
}

HEPH_INLINE void give(struct heph_calls *calls, struct heph_waiting_call *call)
{
	if (call->value != call->inlined)
		heph_mem_free(call->value);
	call->next_free = calls->free;
	calls->free = (uint32_t)(call - calls->table);
	calls->in_use--;
}

static void finish(struct heph_waiting_call *call)
{
	struct heph_self *caller = call->caller;

	atomic_store_explicit(&call->number, 0, memory_order_relaxed);
	call->done = true;
	if (heph_unlikely(call->listed))
		heph_list_push_back(&caller->ext->answered, &call->answered);
	HEPH_PROBE2(answer, caller->id, call->err);
	heph_wake(caller, HEPH_WAIT_CALL);
}

/* An answer that nobody waits for any more, though it came in time. */
static void waste(struct heph_thread *thread, struct heph_waiting_call *call)
{
	if (call->err == 0 || call->refused)
		heph_count(&thread->count.late_answers);
	give(&thread->calls, call);
}

static void came_back(struct heph_event *event)
{
	struct heph_waiting_call *call =
		heph_container_of(event, struct heph_waiting_call, event);

	if (heph_likely(call->caller))
		finish(call);
	else
		waste(call->home, call);
}

/* The thread that a reply goes to; NULL: there is none. */
HEPH_INLINE struct heph_thread *caller_of(struct heph *heph,
					  struct heph_reply reply)
{
	if (heph_likely(reply.thread < HEPH_THREADS_MAX))
		return heph_thread_of(heph, reply.thread);
	if (reply.thread != HEPH_SOLO)
		return NULL;
	return heph_solo_of_call(heph, reply.slot);
}

/* The record that a reply is for, whatever is in it now, and its thread. NULL:
 * there is no such place. */
HEPH_INLINE struct heph_waiting_call *record_of(struct heph *heph,
						struct heph_reply reply,
						struct heph_thread **ret_thread)
{
	struct heph_thread *thread = caller_of(heph, reply);

	*ret_thread = thread;
	return thread && reply.slot < thread->calls.max ?
		       &thread->calls.table[reply.slot] :
		       NULL;
}

/* Whether the call is still open, and ours to answer from now on. */
static bool claim(struct heph_waiting_call *call, struct heph_reply reply)
{
	uint64_t number = reply.call;

	return atomic_compare_exchange_strong_explicit(
		&call->number, &number, reply.call | HEPH_CALL_CLAIMED,
		memory_order_acquire, memory_order_relaxed);
}

/* How a call ends, by somebody other than its caller. */
struct outcome {
	int err;       /* 0: answered */
	bool refused;  /* by who had it, not by its end */
	const void *value;
	size_t size;
};

static int complete(struct heph *heph, struct heph_reply reply,
		    const struct outcome *how)
{
	struct heph_thread *thread;
	struct heph_waiting_call *call = record_of(heph, reply, &thread);

	if (!call || !claim(call, reply))
		return -EPIPE;
	if (how->err == 0) {
		heph_assert(how->size ==
			    call->size); /* or: answered as another type */
		memcpy(call->value, how->value, how->size);
	}
	call->err = how->err;
	call->refused = how->refused;
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
	return reply.call && !(reply.call & HEPH_CALL_CLAIMED);
}

static int reach(struct heph_reply reply, const struct outcome *how)
{
	struct heph *heph;
	bool inside;
	int result;

	if (!plausible(reply))
		return -EPIPE;
	heph = heph_enter(reply.node, &inside);
	if (!heph)
		return -EPIPE;
	result = complete(heph, reply, how);
	if (result < 0 && (how->err == 0 || how->refused) &&
	    !heph_thread_current)
		atomic_fetch_add(&heph->strangers_late, 1);
	heph_leave(reply.node, inside);
	return result;
}

/* The common case: to an actor of the worker that runs. False: it is another
 * one, or not to be answered any more. */
HEPH_INLINE bool answer_near(struct heph_thread *thread,
			     struct heph_reply reply, const void *value,
			     size_t size)
{
	struct heph_waiting_call *call;

	if (heph_unlikely(reply.thread != thread->number ||
			  reply.node !=
				  atomic_load_explicit(&thread->near,
						       memory_order_relaxed) ||
			  reply.slot >= thread->calls.max || !plausible(reply)))
		return false;
	call = &thread->calls.table[reply.slot];
	if (heph_unlikely(size != call->size || !claim(call, reply)))
		return false;
	heph_copy(call->value, value, size);
	call->err = 0;
	finish(call);
	return true;
}

/* The same for any call, by who had it. */
static int settle(struct heph_reply reply, const struct outcome *how)
{
	struct heph_thread *thread = heph_thread_current;
	int err = reach(reply, how);

	if (thread && thread->current)
		heph_answers_given(thread->current, reply);
	if (err < 0 && thread)
		heph_count(&thread->count.late_answers);
	return err;
}

int heph_raw_answer(struct heph_reply reply, const void *value, size_t size)
{
	struct heph_thread *thread = heph_thread_current;

	if (thread && thread->current)
		heph_stackrule_check(thread->current, value, size, "answer",
				     NULL);
	if (thread && heph_likely(answer_near(thread, reply, value, size))) {
		if (thread->current)
			heph_answers_given(thread->current, reply);
		return 0;
	}
	return settle(reply, &(struct outcome){ .value = value, .size = size });
}

int heph_raw_refuse(struct heph_reply reply, int err)
{
	if (err >= 0 || err < -ERRNO_MAX)
		return -EINVAL;
	return settle(reply, &(struct outcome){ .err = err, .refused = true });
}

void heph_call_fail(struct heph_reply reply, int err)
{
	(void)reach(reply, &(struct outcome){ .err = err });
}

/* Whether the call has that number now. */
static bool is_open(struct heph_waiting_call *call, struct heph_reply reply)
{
	return atomic_load_explicit(&call->number, memory_order_acquire) ==
	       reply.call;
}

bool heph_call_open(struct heph_reply reply)
{
	struct heph_waiting_call *call;
	struct heph_thread *thread;
	struct heph *heph;
	bool inside, open;

	if (!plausible(reply))
		return false;
	heph = heph_enter(reply.node, &inside);
	if (!heph)
		return false;
	call = record_of(heph, reply, &thread);
	open = call && is_open(call, reply);
	heph_leave(reply.node, inside);
	return open;
}

bool heph_raw_reply_wanted(struct heph_reply reply)
{
	return heph_call_open(reply);
}

/* Until when the caller waits; 0: not any more. */
static heph_time deadline_of(struct heph_waiting_call *call,
			     struct heph_reply reply)
{
	heph_time deadline;

	if (!is_open(call, reply))
		return 0;
	if (!(reply.call & HEPH_CALL_TIMED))
		return HEPH_NEVER;
	/* Acquire: if it is a later call's, so is the number that follows. */
	deadline = atomic_load_explicit(&call->deadline, memory_order_acquire);
	return is_open(call, reply) ? deadline : 0;
}

heph_ctx heph_raw_for_caller(heph_ctx ctx, struct heph_reply reply)
{
	struct heph_waiting_call *call;
	struct heph_thread *thread;
	struct heph *heph;
	bool inside;

	if (!plausible(reply))
		return ctx;
	heph = heph_enter(reply.node, &inside);
	if (!heph)
		return ctx;
	call = record_of(heph, reply, &thread);
	ctx = heph_until(ctx, call ? deadline_of(call, reply) : 0);
	heph_leave(reply.node, inside);
	return ctx;
}

static heph_time not_received(uint64_t number)
{
	return ~(heph_time)number;
}

void heph_call_received(struct heph_reply reply)
{
	heph_time before = not_received(reply.call);
	struct heph_waiting_call *call;
	struct heph_thread *thread;
	struct heph *heph;
	bool inside;

	if (!plausible(reply))
		return;
	heph = heph_enter(reply.node, &inside);
	if (!heph)
		return;
	call = record_of(heph, reply, &thread);
	if (call)
		atomic_compare_exchange_strong(&call->received, &before,
					       heph_now());
	heph_leave(reply.node, inside);
}

/* ---- the caller ------------------------------------------------------------ */

static void note_times(struct heph_waiting_call *call, uint64_t number,
		       heph_time deadline)
{
	call->sent = heph_now();
	atomic_store_explicit(&call->received, not_received(number),
			      memory_order_relaxed);
	/* Release: who reads it does not find the former number after it. */
	atomic_store_explicit(&call->deadline, deadline, memory_order_release);
}

void heph_call_failed(heph_ctx ctx, struct heph_addr to, const char *member,
		      const struct heph_waiting_call *record, bool timed,
		      int err)
{
	struct heph_failure how = { err, false, -1, -1, -1 };
	heph_time received;

	if (record && record->done)
		how.refused = record->refused;
	if (record && timed) {
		received = atomic_load(&record->received);
		how.waited = heph_now() - record->sent;
		how.inbox = received >= 0 ? received - record->sent :
					    how.waited;
		how.processing = how.waited - how.inbox;
	}
	heph_failure_note(ctx.self, to, member, &how);
}

/* A record that waits, and its number. */
HEPH_INLINE struct heph_waiting_call *open(heph_ctx ctx, size_t size,
					   uint64_t *ret_number)
{
	struct heph_calls *calls = &ctx.self->thread->calls;
	struct heph_waiting_call *call = take(calls, size);
	uint64_t number;

	if (!call)
		return NULL;
	number = calls->last_number += HEPH_CALL_STEP;
	call->caller = ctx.self;
	if (heph_unlikely(ctx.deadline != HEPH_NEVER)) {
		number |= HEPH_CALL_TIMED;
		note_times(call, number, heph_deadline(ctx));
	}
	atomic_store_explicit(&call->number, number, memory_order_release);
	*ret_number = number;
	return call;
}

/* Whether there is a call to make. 0; -EDEADLK, -ECANCELED. */
HEPH_INLINE int check(heph_ctx ctx, struct heph_addr to)
{
	int err = heph_wait_allowed(ctx);

	if (err == 0 && ctx.self->id == to.id && to.id &&
	    to.node == ctx.self->thread->node)
		err = -EDEADLK; /* who would answer? */
	return err;
}

HEPH_INLINE int begin(heph_ctx ctx, struct heph_addr to,
		      const struct heph_call *call, heph_call_way *way,
		      struct heph_waiting_call **ret_record,
		      uint64_t *ret_number)
{
	struct heph_thread *thread = ctx.self->thread;
	struct heph_waiting_call *record = NULL;
	struct heph_letter letter;
	int err = check(ctx, to);

	if (err < 0)
		goto fail;
	err = -ENOMEM;
	record = open(ctx, call->ret_size, ret_number);
	if (!record)
		goto fail;
	letter = (struct heph_letter){
		.data = call->msg,
		.size = (uint32_t)call->size,
		.reply_at = (uint32_t)call->reply_at,
		.reply = { .call = *ret_number,
			   .slot = (uint32_t)(record - thread->calls.table),
			   .thread = thread->number,
			   .node = thread->node },
	};
	heph_stackrule_check_msg(ctx.self, to, letter.data, letter.size);
	err = way(ctx, to, &letter);
	if (heph_unlikely(err < 0))
		goto fail;
	*ret_record = record;
	return 0;

fail:
	heph_call_failed(ctx, to, call->member, record, heph_call_timed(ctx),
			 err);
	if (record)
		heph_call_drop(thread, record);
	return err;
}

int heph_call_begin(heph_ctx ctx, struct heph_addr to,
		    const struct heph_call *call, heph_call_way *way,
		    struct heph_waiting_call **ret_record, uint64_t *ret_number)
{
	return begin(ctx, to, call, way, ret_record, ret_number);
}

void heph_call_end(struct heph_thread *thread, struct heph_waiting_call *record)
{
	give(&thread->calls, record);
}

/* Whether it is not answered, and never will be. */
static bool withdraw(struct heph_waiting_call *record)
{
	uint64_t number = atomic_load(&record->number);

	return number && !(number & HEPH_CALL_CLAIMED) &&
	       atomic_compare_exchange_strong(&record->number, &number, 0);
}

void heph_call_drop(struct heph_thread *thread,
		    struct heph_waiting_call *record)
{
	if (withdraw(record)) {
		give(&thread->calls, record);
	} else if (record->done) {
		waste(thread, record);
	} else {
		record->home = thread;
		record->caller = NULL;
	}
}

int heph_call_wait(heph_ctx ctx, struct heph_waiting_call *record)
{
	int err = 0;

	while (err == 0 && !record->done)
		err = heph_wait_about(ctx, HEPH_WAIT_CALL, record);
	return record->done ? 0 : err;
}

/* The common case: an actor waits for ever. What is left is for await(). */
HEPH_INLINE void await_quickly(heph_ctx ctx,
			       const struct heph_waiting_call *record)
{
	struct heph_self *self = ctx.self;

	if (heph_unlikely(record->done || ctx.deadline != HEPH_NEVER ||
			  !self->kind || (self->flags & HEPH_FLAGS_REFUSE)))
		return;
	self->about = record;
	self->waiting = HEPH_WAIT_CALL | HEPH_WAIT_STOP | HEPH_WAIT_ABOUT;
	heph_worker_suspend(self);
}

/* Waits for the answer, or gives up. */
static int await(heph_ctx ctx, struct heph_waiting_call *record)
{
	int err;

	while (!record->done) {
		err = heph_wait_about(ctx, HEPH_WAIT_CALL, record);
		if (record->done || err == 0)
			continue;
		if (withdraw(record))
			return err;
		while (!record->done) /* it is on its way */
			heph_wait_only(ctx.self, HEPH_WAIT_CALL);
	}
	return record->err;
}

__attribute__((noinline)) static int
call_and_wait(heph_ctx ctx, struct heph_addr to, const struct heph_call *call)
{
	struct heph_waiting_call *record;
	uint64_t number;
	int err = begin(ctx, to, call, heph_letter_send, &record, &number);

	if (heph_unlikely(err < 0))
		return err;
	record->to = to; /* for who looks into the caller */
	HEPH_PROBE3(call, to.id, call->member, ctx.self->id);
	await_quickly(ctx, record);
	err = await(ctx, record);
	if (heph_likely(err == 0))
		heph_copy(call->ret, record->value, call->ret_size);
	else
		heph_call_failed(ctx, to, call->member, record,
				 heph_call_timed(ctx), err);
	give(&ctx.self->thread->calls, record);
	return err;
}

__attribute__((noinline)) static int
call_traced(heph_ctx ctx, struct heph_addr to, const struct heph_call *call)
{
	uint64_t began = heph_clock_ticks();
	int err = call_and_wait(ctx, to, call);

	heph_trace_call(ctx.self, to, call->member, began);
	return err;
}

int heph_raw_call(heph_ctx ctx, struct heph_addr to,
		  const struct heph_call *call)
{
	if (heph_unlikely(atomic_load_explicit(&ctx.self->thread->told,
					       memory_order_relaxed)))
		return call_traced(ctx, to, call);
	return call_and_wait(ctx, to, call);
}
