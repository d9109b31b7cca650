/* SPDX-License-Identifier: MIT */
#include "rt/ask.h"

#include <heph/time.h>

#include "base/mem.h"
#include "rt/runtime.h"

enum { SENT, TAKEN, ABANDONED };

void *heph_question_new(size_t size)
{
	return heph_mem_alloc(size);
}

/* Whether the question is still open, and now ours. */
static bool take(struct heph_question *question, int state)
{
	int sent = SENT;

	return atomic_compare_exchange_strong(&question->state, &sent, state);
}

static void on_question(struct heph_event *event)
{
	struct heph_question *question =
		heph_container_of(event, struct heph_question, event);

	if (!take(question, TAKEN)) {
		heph_mem_free(question);
		return;
	}
	question->fn(question, question->worker);
	heph_park_wake(&question->park);
}

/* The deadline of the asker, or its patience, and shielded as it is. */
static heph_ctx patient(const struct heph_asker *asker)
{
	heph_ctx ctx = asker->ctx.self ? asker->ctx :
					 (heph_ctx){ .deadline = HEPH_NEVER };

	return heph_within(ctx, asker->patience);
}

static int give_up(const struct heph_asker *asker,
		   struct heph_question *question, int err)
{
	if (!take(question, ABANDONED)) {
		heph_park_finish(asker->ctx, &question->park);
		return 0;
	}
	if (err != -ETIME ||
	    (asker->ctx.self && heph_now() >= heph_deadline(asker->ctx)))
		return err;
	return -EBUSY;
}

/* Workers leave, and would not answer. */
static bool is_ending(struct heph *heph)
{
	return atomic_load(&heph->abandon) ||
	       atomic_load(&((struct heph_runtime *)heph)->quit);
}

int heph_ask(const struct heph_asker *asker, struct heph_question *question,
	     struct heph_worker *worker,
	     void (*fn)(struct heph_question *question,
			struct heph_worker *worker))
{
	int err;

	if (asker->alone) {
		fn(question, worker);
		return 0;
	}
	if (is_ending(asker->heph)) {
		heph_mem_free(question);
		return -ECANCELED;
	}
	question->event.fn = on_question;
	question->worker = worker;
	question->fn = fn;
	atomic_store(&question->state, SENT);
	heph_park_prepare(&question->park, asker->ctx, HEPH_PARKS_INSPECTION);
	heph_thread_post(&worker->thread, &question->event);
	err = heph_park_wait(patient(asker), &question->park);
	return err < 0 ? give_up(asker, question, err) : 0;
}
