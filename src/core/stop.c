/* SPDX-License-Identifier: MIT */
/*
 * Asking a runtime to stop, phase by phase.
 *
 * `stopping` says that the first-level actors of the phases below it were asked.
 * Each worker counts its own of each phase, and the runtime how many workers have
 * some; so an actor's begin and end touch what is shared only where it is the
 * first or the last one of its worker. Who lets a number of the runtime become 0
 * sees to the next phase. Setting `stopping` and looking at the numbers, and
 * changing a number and looking at `stopping`, are sequentially consistent: one of
 * the two sees the other.
 */
#include "base/log.h"
#include "core/heph.h"
#include "core/life.h"
#include "core/solo.h"
#include "core/state.h"
#include "core/worker.h"

static void post_stop(struct heph_worker *worker)
{
	if (!atomic_exchange(&worker->stop_posted, true))
		heph_thread_post(&worker->thread, &worker->stop_event);
}

/* From now on those of these phases that begin are stopped as well. */
void heph_stop_heard(struct heph_event *event)
{
	struct heph_worker *worker =
		heph_container_of(event, struct heph_worker, stop_event);

	atomic_store(&worker->stop_posted, false); /* before it is looked at */
	worker->stopping = atomic_load(&worker->thread.heph->stopping);
	heph_life_stop_roots(worker);
}

static void post_to_all(struct heph *heph)
{
	struct heph_thread *thread = NULL;

	while ((thread = heph_threads_next(heph, thread)))
		if (thread->is_worker)
			post_stop((struct heph_worker *)thread);
}

/* The first phase from there on that has an actor, or the number of phases. */
static unsigned find_phase(struct heph *heph, unsigned phase)
{
	while (phase < HEPH_PHASES && !atomic_load(&heph->roots[phase]))
		phase++;
	return phase;
}

void heph_stop_next(struct heph *heph)
{
	unsigned now, next;

	for (;;) {
		now = atomic_load(&heph->stopping);
		if (!now || now == HEPH_PHASES || find_phase(heph, 0) < now)
			return;
		next = find_phase(heph, now);
		next = next < HEPH_PHASES ? next + 1 : HEPH_PHASES;
		if (atomic_compare_exchange_strong(&heph->stopping, &now, next))
			post_to_all(heph);
		/* What has ended meanwhile took the old phase for the latest. */
	}
}

void heph_stop_runtime(struct heph *heph, heph_time deadline)
{
	heph_time none = 0;
	unsigned first = 0;

	atomic_compare_exchange_strong(&heph->deadline, &none, deadline);
	if (atomic_compare_exchange_strong(&heph->stopping, &first, 1))
		post_to_all(heph);
	heph_stop_next(heph);
	if (heph->notify)
		heph->notify(heph); /* of the deadline */
}

void heph_stop_late(struct heph_worker *worker)
{
	if (atomic_load(&worker->thread.heph->stopping))
		post_stop(worker);
}

/* ---- the actors of a worker ------------------------------------------------- */

void heph_life_stop_roots(struct heph_worker *worker)
{
	struct heph_self *self;

	for (uint32_t slot = worker->first_self; slot < worker->n_selves;
	     slot++) {
		self = &worker->selves[slot];
		if (self->id && (self->flags & HEPH_FLAG_ROOT) &&
		    !(self->flags & HEPH_FLAG_STOP) &&
		    heph_self_phase(self) < worker->stopping)
			heph_life_stop(self);
	}
}

/* Whether it knows that it is to end. */
static const char *stop_of(const struct heph_self *self)
{
	if (self->flags & HEPH_FLAG_FINISHING)
		return "giving back what it acquired";
	if (self->flags & HEPH_FLAG_STOP)
		return "asked to stop";
	if (self->flags & HEPH_FLAG_ROOT)
		return "not asked, its phase has not come";
	return "not asked, its parent has not ended";
}

static void list_one(const struct heph_self *self)
{
	char state[256];

	heph_state_say(self, state, sizeof(state));
	heph_log_error("actor still runs",
		       HEPH_KV_STR("name", heph_self_name(self)),
		       HEPH_KV_STR("type", heph_type_of(self)->name),
		       HEPH_KV_UINT("id", self->id),
		       HEPH_KV_INT("worker", heph_solo_place(self->thread)),
		       HEPH_KV_UINT("phase", heph_self_phase(self)),
		       HEPH_KV_STR("state", state),
		       HEPH_KV_STR("stop", stop_of(self)),
		       HEPH_KV_UINT("inbox", self->n));
}

void heph_life_list(struct heph_worker *worker)
{
	enum { LINES = 50 };
	struct heph_self *self;
	unsigned n = 0;

	for (uint32_t slot = worker->first_self; slot < worker->n_selves;
	     slot++) {
		self = &worker->selves[slot];
		if (!self->id || n++ >= LINES)
			continue;
		list_one(self);
	}
	if (n > LINES)
		heph_log_error("and more", HEPH_KV_UINT("actors", n - LINES));
}
