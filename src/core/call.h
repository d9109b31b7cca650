/* SPDX-License-Identifier: MIT */
/*
 * call.h - calls that wait for their answer
 *
 * A caller has a record in a table of its thread, whose memory is never
 * unmapped while the runtime lives. A reply is the number of the call and the
 * place of the record: who answers, on any thread, claims the record by that
 * number, so that an answer that comes too late, or twice, finds another
 * number and is refused. The value is written into the record, never into the
 * caller's stack.
 *
 * The record also has what the callee may want to know, and what is told of a
 * call that failed: until when the caller waits, when the call was received. A
 * bit of the number says that it is there, so that a call without a deadline
 * costs nothing for it.
 */
#ifndef HEPH_CORE_CALL_H
#define HEPH_CORE_CALL_H

#include <heph/call.h>
#include <heph/types.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "base/event.h"
#include "core/own.h"

struct heph_letter;
struct heph_self;
struct heph_thread;

enum {
	HEPH_CALL_INLINE = 64, /* bytes of an answer within the record */

	/* bits of `number` */
	HEPH_CALL_CLAIMED = 1, /* somebody is answering */
	HEPH_CALL_TIMED = 2,   /* the call has a deadline */
	HEPH_CALL_STEP = 4,    /* from one number to the next */
};

/* A record: free, waiting (`number` not 0 nor claimed), or answered. */
struct heph_waiting_call {
	_Atomic uint64_t number;
	struct heph_event event;
	struct heph_self *caller; /* NULL: given up while it was claimed */
	void *value;
	uint32_t size;
	uint32_t next_free;
	int err;
	bool done;
	bool refused; /* by heph_refuse() */
	bool listed;  /* it goes to `answered` when it is done */
	_Atomic heph_time deadline; /* if timed */
	alignas(16) unsigned char inlined[HEPH_CALL_INLINE];

	/* if timed; -1 in `sent` of one that was started and is not */
	heph_time sent;
	_Atomic heph_time received; /* ~number: it was not */

	struct heph_addr to;

	/* if it was started */
	uint64_t started; /* its number; 0: it was not */
	struct heph_owned owned;
	struct heph_list answered; /* if it is listed and done */
	const char *member;
	struct heph_thread *home; /* set when it is given up */
};

/* All of a thread. */
struct heph_calls {
	struct heph_waiting_call *table; /* reserved memory */
	uint32_t n, max;                 /* ever used; at most */
	uint32_t free; /* list; 0: none. Place 0 is not used */
	uint64_t last_number;
	uint32_t in_use;
};

int heph_calls_init(struct heph_calls *calls, uint32_t max);
void heph_calls_fini(struct heph_calls *calls);

/* Calls that are `n` places, the first one unused, of a table that others
 * share; it is not theirs to free. */
void heph_calls_share(struct heph_calls *calls, struct heph_waiting_call *table,
		      uint32_t first, uint32_t n);

/* ---- the caller ------------------------------------------------------------ */

/* A way to send, such as heph_letter_send(). */
typedef int heph_call_way(heph_ctx ctx, struct heph_addr to,
			  const struct heph_letter *letter);

/* Sends a call that way and does not wait for its answer. Returns 0, and what
 * was begun must be finished or dropped; or why not, which is noted. */
HEPH_MUST int heph_call_begin(heph_ctx ctx, struct heph_addr to,
			      const struct heph_call *call, heph_call_way *way,
			      struct heph_waiting_call **ret_record,
			      uint64_t *ret_number);

/* Waits until it is done: 0; or why not, and it goes on: -ETIME, -ECANCELED,
 * -ENOMEM. */
HEPH_MUST int heph_call_wait(heph_ctx ctx, struct heph_waiting_call *record);

/* Gives the record back. It is done. */
void heph_call_end(struct heph_thread *thread,
		   struct heph_waiting_call *record);

/* Gives the record back, answered or not; an answer that is on its way is
 * dropped when it comes. Does not wait. */
void heph_call_drop(struct heph_thread *thread,
		    struct heph_waiting_call *record);

/* Whether calls of that context have a deadline. */
static inline bool heph_call_timed(heph_ctx ctx)
{
	return ctx.deadline != HEPH_NEVER;
}

/* Notes that the call failed. `record` is NULL if it has none; its times are
 * read if it is timed. */
void heph_call_failed(heph_ctx ctx, struct heph_addr to, const char *member,
		      const struct heph_waiting_call *record, bool timed,
		      int err);

/* ---- the other side, any thread --------------------------------------------- */

/* Nobody can answer that call any more. */
void heph_call_fail(struct heph_reply reply, int err);

/* Whether nobody has answered or given up yet. */
bool heph_call_open(struct heph_reply reply);

/* The call, which is timed, was received. Only the first time counts. */
void heph_call_received(struct heph_reply reply);

static inline bool heph_reply_same(struct heph_reply a, struct heph_reply b)
{
	return memcmp(&a, &b, sizeof(a)) == 0; /* there is no padding */
}

#endif
