/* SPDX-License-Identifier: MIT */
/*
 * ask.h - a question to a worker that may never answer
 *
 * A question is a record that goes to the worker's door; what it asks is done
 * there, on the worker's thread, and who asked waits for it: an actor, a plain
 * thread with a context, or one without. If the worker does not come to it in
 * time, because an actor does not come back from its function, the question is
 * left to it: whoever of the two is later frees the record.
 */
#ifndef HEPH_RT_ASK_H
#define HEPH_RT_ASK_H

#include "core/park.h"
#include "core/worker.h"

struct heph_question {
	struct heph_event event;
	struct heph_park park;
	_Atomic int state;
	struct heph_worker *worker;
	/* On the worker's thread. */
	void (*fn)(struct heph_question *question, struct heph_worker *worker);
};

/* Who asks, how long it is patient with each worker, and whether all workers
 * are run by the thread that asks, so that it can look by itself. */
struct heph_asker {
	struct heph *heph;
	heph_ctx ctx; /* { 0 }: a thread without one */
	heph_time patience; /* with each that is asked */
	heph_time until;    /* with all of them; 0: no limit */
	bool alone;
	bool *awake; /* NULL, or: those that are awake are not asked, but told of */
};

/* A record of that size, of which the question is the first member; NULL: no
 * memory. Freed by heph_mem_free(), unless heph_ask() has failed. */
void *heph_question_new(size_t size);

/*
 * Waits. Asks a worker. Returns 0, and the answer is in the record, which may
 * be used for another question; -EBUSY (no answer), -ETIME, -ECANCELED, and the
 * record is gone.
 */
HEPH_MUST int heph_ask(const struct heph_asker *asker,
		       struct heph_question *question,
		       struct heph_worker *worker,
		       void (*fn)(struct heph_question *question,
				  struct heph_worker *worker));

#endif
