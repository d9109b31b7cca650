/* SPDX-License-Identifier: MIT */
/*
 * timer.h - messages that are sent later, and intervals
 *
 *     heph_send_after(ctx, ref, HEPH_SEC, { .kind = POLL })    a message in a second
 *
 *     struct heph_interval every = heph_interval(HEPH_SEC);
 *     while (heph_tick(ctx, &every) == 0)                      each second
 *             ...
 *
 * Neither is ever early.
 */
#ifndef HEPH_TIMER_H
#define HEPH_TIMER_H

#include <heph/message.h>
#include <heph/time.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- messages that are sent later ---------------------------------------- */

/* A message that is to be sent; { 0 } is none. */
typedef struct heph_timer_id {
	uint64_t number; /* 0: none */
	uint32_t place;
} heph_timer_id;

/*
 * heph_send_after(ctx, ref, length, message): does not wait. Sends the message
 * when `length` from now has passed, to an actor on any worker, or at the next
 * look at the clock if that is 0 or less. All it needs is taken now, so it is
 * never lost: if the inbox is full then, it is tried again each millisecond. If
 * the actor has ended by then, the message goes to the `.drop` function of its
 * type and is counted as a post is (heph_stats().posts_dropped).
 *
 * It belongs to the caller: one that is not sent when the caller ends, is
 * restarted, or closes the scope that it was made in, is cancelled. (Let an
 * actor that lives longer send what must outlive this one.) Its order among
 * what is sent to the same actor otherwise is that of the moment when it is
 * sent; of two for the same moment the earlier call goes first.
 *
 * Returns 0; -ESRCH (the actor is gone); -ENOMEM; -EOPNOTSUPP (by a plain
 * thread). Then the message is still the caller's.
 */
HEPH_API HEPH_MUST int
heph_raw_send_after(heph_ctx ctx, heph_timer_id *ret_timer, struct heph_addr to,
		    heph_time length, const void *msg, size_t size);

/* heph_send_timer(ctx, &timer, ref, length, message): the same, with what
 * heph_cancel_timer() needs. */

/* Cancels one of the caller's: the message is not sent but goes to the `.drop`
 * function of its type. Returns 0; -ENOENT (it was sent, or cancelled). */
HEPH_API int heph_cancel_timer(heph_ctx ctx, heph_timer_id timer);

/* How long it is until that one of the caller's is sent, 0 or more; -ENOENT (it
 * was sent, or cancelled). */
HEPH_API heph_time heph_timer_left(heph_ctx ctx, heph_timer_id timer);

/* ---- intervals ----------------------------------------------------------- */

/* What becomes of ticks that nobody was there to take, because what is done at
 * a tick took longer than a period, or the machine was asleep. */
enum heph_late {
	HEPH_LATE_SKIP,  /* left out: the next one keeps to the grid */
	HEPH_LATE_BURST, /* they come at once, one after the other */
	HEPH_LATE_DELAY, /* left out: the next one is a period from now */
};

/*
 * Something that happens again and again. Ticks do not drift: each is a period
 * after the one before, however late that was taken (but with HEPH_LATE_DELAY,
 * where that is the point). Plain data of the caller, who may change it.
 */
struct heph_interval {
	heph_time next; /* when the next tick is due; HEPH_NEVER: there is none */
	heph_time period; /* more than 0 */
	enum heph_late late;
	uint64_t skipped; /* ticks that were left out so far */
};

/* One whose first tick is a period from now, and which leaves out what is late.
 * Set `late` for another habit, and `next` for another begin. */
static inline struct heph_interval heph_interval(heph_time period)
{
	heph_ctx ctx = heph_within(heph_no_ctx(), period);
	struct heph_interval it = { heph_deadline(ctx), period, HEPH_LATE_SKIP,
				    0 };

	return it;
}

/* Waits. For the next tick, and takes it. Returns 0; -ETIME, -ECANCELED;
 * -EINVAL (the period is not more than 0); -ENOMEM. */
HEPH_API HEPH_MUST int heph_tick(heph_ctx ctx, struct heph_interval *interval);

/* A clause: when the next tick is due. Takes it. */
static inline struct heph_on heph_on_tick(struct heph_interval *interval)
{
	struct heph_on on = heph_on_time(interval->next);

	on.what = HEPH_ON_TICK__;
	on.object = interval;
	return on;
}

#ifdef __cplusplus
}
#endif
#endif
