/* SPDX-License-Identifier: MIT */
/*
 * request.h - something that another thread does for an actor that waits
 *
 * A request is embedded in a record that says what is wanted. It goes through
 * the door of the other thread, whose function claims and answers it, at once
 * or later; the answer comes back through the door of the asker.
 *
 * The asker may give up (deadline, stop) until then. It and the other thread
 * race for the request by swapping `state`; the loser acts on what the winner
 * did: an abandoned request belongs to the other thread, which finds out when
 * it cannot claim it; of one that is claimed the answer is sure to come, and
 * the asker waits for it.
 *
 * Within one thread the same functions call each other.
 */
#ifndef HEPH_CORE_REQUEST_H
#define HEPH_CORE_REQUEST_H

#include "core/self.h"

struct heph_request {
	struct heph_event event; /* with the function of who is next */
	struct heph_self *asker;
	_Atomic int state;
	int result;
	uint16_t reason; /* HEPH_WAIT_..., what wakes the asker */
	uint8_t wants;   /* HEPH_WANTS_... */
	bool back;
	uint32_t number; /* of this wait; 0: nobody has looked at it */
};

enum {
	HEPH_WANTS_THREAD, /* that the other one does something */
	HEPH_WANTS_NAME,   /* that there is one */
};

/* A request of `asker`; `fn` is called on the other thread. */
void heph_request_init(struct heph_request *request, struct heph_self *asker,
		       unsigned reason, void (*fn)(struct heph_event *event));

/* Asker. Lets it go to `to`. */
void heph_request_send(struct heph_request *request, struct heph_thread *to);

/*
 * Asker. Waits for the answer, and returns it; or says why it gave up, and
 * sets `*ret_gone`: then the record is the other thread's. -ETIME, -ECANCELED,
 * -ENOMEM.
 */
HEPH_MUST int heph_request_await(heph_ctx ctx, struct heph_request *request,
				 bool *ret_gone);

/* Asker. Gives it up: true, and the record is the other thread's. Or it is on
 * its way back: waits for that. */
HEPH_MUST bool heph_request_abandon(struct heph_request *request);

/* The other thread. Whether the asker still waits; then the request must be
 * answered. Otherwise the record is ours. */
HEPH_MUST bool heph_request_claim(struct heph_request *request);

/* The other thread, after a claim. The record is the asker's from then on. */
void heph_request_answer(struct heph_request *request, int result);

#endif
