/* SPDX-License-Identifier: MIT */
/*
 * call.h - more about calls: started ones, their deadlines, their failures
 *
 * heph_call() sends and waits. A started call is the same in two steps, so an
 * actor can have many at a time:
 *
 *     HEPH_PENDING(long) first, second;
 *
 *     err = heph_start_call(ctx, a, total, &first, { .kind = COUNTER_TOTAL });
 *     ...
 *     err = heph_await(ctx, &first, &total);
 *
 * A pending call is plain data and belongs to the actor that started it. When
 * that one ends or restarts its calls are given up, as heph_forget_call() does.
 *
 * An actor that calls one that calls it waits for itself: nobody answers. Give
 * such calls a deadline, or forward instead of calling.
 */
#ifndef HEPH_CALL_H
#define HEPH_CALL_H

#include <heph/message.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- started calls ------------------------------------------------------- */

/* A call that was started: a number that is checked. { 0 } is none. */
struct heph_pending {
	uint64_t call;
	uint32_t slot;
	uint32_t reserved;
};

/*
 * heph_start_call(ctx, ref, member, &pending, message): waits while the inbox
 * is full, but not for the answer. The deadline of `ctx` goes to the callee; it
 * does not end the call.
 * Returns 0; else what heph_call() does, and `pending` is { 0 }. -ENOMEM also
 * when there are too many calls at a time: 65,536 of a plain thread, 255 of an
 * actor on HEPH_ANY or HEPH_OWN_THREAD.
 */
HEPH_API HEPH_MUST int heph_raw_start_call(heph_ctx ctx, struct heph_addr to,
					   const struct heph_call *call,
					   struct heph_pending *ret_pending);

/* heph_try_start_call(ctx, ref, member, &pending, message): the same, but does not
 * wait: -EAGAIN (the inbox is full). */
HEPH_API HEPH_MUST int heph_raw_try_start_call(heph_ctx ctx,
					       struct heph_addr to,
					       const struct heph_call *call,
					       struct heph_pending *ret_pending);

/*
 * heph_await(ctx, &pending, &result): waits for the answer of a started call.
 * Returns 0; -EPIPE, -ENOMEM as heph_call() does, or what it was refused with;
 * then `pending` is { 0 }. -ETIME, -ECANCELED, and `pending` is not { 0 }: it
 * goes on and can be awaited again. -EINVAL: it is none, was awaited before, or
 * is another actor's.
 */
HEPH_API HEPH_MUST int heph_raw_await(heph_ctx ctx,
				      struct heph_pending *pending, void *ret,
				      size_t ret_size);

/* heph_forget_call(ctx, &pending): gives it up, and `pending` is { 0 }. Its
 * answer is dropped and counted as late, also when it is there already. Nothing
 * happens to one that heph_await() would not know. */
HEPH_API void heph_raw_forget_call(heph_ctx ctx, struct heph_pending *pending);

/* heph_on_answer(pending): a clause of heph_wait(): when the call was answered
 * or has failed; heph_await() then does not wait. { 0 } is a hole in the list;
 * with one that heph_await() does not know heph_wait() returns -EINVAL. */
static inline struct heph_on heph_raw_on_answer(struct heph_pending pending)
{
	struct heph_on on = heph_on_time(0);

	on.what = pending.call ? HEPH_ON_ANSWER__ : HEPH_ON_NOTHING__;
	on.who.id = pending.call;
	on.who.slot = pending.slot;
	return on;
}

/* A clause: when any of the calls that this actor has started, of whichever type,
 * was answered or has failed: `ret_pending` is the one that was the first, and
 * says so until it is awaited, or given up. So one actor may have many thousands
 * under way. */
static inline struct heph_on
heph_on_any_answer(struct heph_pending *ret_pending)
{
	struct heph_on on = heph_on_time(0);

	on.what = HEPH_ON_ANY_ANSWER__;
	on.ret = ret_pending;
	return on;
}

/* heph_same_call(one, other): whether two pending calls, of any type, are the same
 * one: heph_on_any_answer() fills one in, this tells whose it is. */
#define heph_same_call(one, other) heph_raw_same_call((one).raw, (other).raw)
static inline bool heph_raw_same_call(struct heph_pending one,
				      struct heph_pending other)
{
	return one.call == other.call && one.slot == other.slot;
}

/* ---- the side of the callee ---------------------------------------------- */

/*
 * heph_for_caller(ctx, msg.member): `ctx`, but its waits end with -ETIME when the
 * caller stops waiting, as far as that is known now: at the deadline of the call.
 * Through it a call hands on the smaller of both. If the caller has given up or
 * was answered before this each wait returns -ETIME at once; one that has begun
 * is not woken by it: heph_reply_wanted() tells later. Of a caller in a runtime
 * that has ended, and for a message that was sent and not called, it is `ctx`.
 */
HEPH_API heph_ctx heph_raw_for_caller(heph_ctx ctx, struct heph_reply reply);

/*
 * heph_forward(ctx, ref, member, msg.reply, message): waits while the inbox is
 * full. Sends a message whose `member` is the reply of a call that was received
 * here, so that the other actor answers it.
 * Returns 0: that actor owes the answer; if it ends the call fails, and the
 * end of this one means nothing any more. Else what heph_send() does: the
 * answer is still owed here.
 */
HEPH_API HEPH_MUST int heph_raw_forward(heph_ctx ctx, struct heph_addr to,
					const void *msg, size_t size,
					size_t reply_at,
					struct heph_reply reply);

/* ---- why a call failed ---------------------------------------------------- */

enum { HEPH_CALL_NAME_MAX = 48 };

/* A call that failed. Times are measured if the context of the call had a
 * deadline; else they are -1. */
struct heph_call_failure {
	int err;                       /* 0: none has failed so far */
	heph_ref target;               /* who was called */
	char name[HEPH_CALL_NAME_MAX]; /* of it, or of its type; may be cut */
	const char *member;            /* of the message, for the answer */
	heph_time waited;              /* from the call on */
	heph_time inbox;               /* of that until it was received */
	heph_time processing;          /* of that since then */
	bool refused;                  /* by heph_refuse(), with `err` */
};

/* The latest call of this actor, or thread, that failed, in whichever way it
 * was made. (It is not kept when there is no memory.) */
HEPH_API struct heph_call_failure heph_call_error(heph_ctx ctx);

/*
 * Writes a failure in words, such as "call counter.total: no answer within
 * 1.000 s: 0.200 s in its inbox, 0.800 s in processing". Cut to `size`, which
 * counts the 0 at the end. Returns the length of the whole text.
 */
HEPH_API int heph_call_error_text(const struct heph_call_failure *failure,
				  char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
