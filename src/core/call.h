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
 */
#ifndef HEPH_CORE_CALL_H
#define HEPH_CORE_CALL_H

#include <heph/types.h>

#include <stdalign.h>
#include <stdatomic.h>

#include "base/event.h"

struct heph_self;
struct heph_thread;

enum {
	HEPH_CALL_INLINE = 64,	  /* bytes of an answer within the record */
	HEPH_CALL_CLAIMED = 1,	  /* bit of `number`: somebody is answering */
};

/* A record: free, waiting (`number` even and not 0), or answered. */
struct heph_waiting_call {
	_Atomic uint64_t number;
	struct heph_event event;
	struct heph_self *caller;
	void *value;
	uint32_t size;
	uint32_t next_free;
	int err;
	bool done;
	alignas(16) unsigned char inlined[HEPH_CALL_INLINE];
};

/* All of a thread. */
struct heph_calls {
	struct heph_waiting_call *table; /* reserved memory */
	uint32_t n, max;		 /* ever used; at most */
	uint32_t free;			 /* list; 0: none. Place 0 is not used */
	uint64_t last_number;
	uint32_t in_use;
};

int heph_calls_init(struct heph_calls *calls, uint32_t max);
void heph_calls_fini(struct heph_calls *calls);

/* The other side's: nobody can answer that call any more. Any thread. */
void heph_call_fail(struct heph_reply reply, int err);

/* Whether nobody has answered or given up yet. Any thread. */
bool heph_call_open(struct heph_reply reply);

#endif
