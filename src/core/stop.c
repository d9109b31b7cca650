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
#include "core/heph.h"
#include "core/life.h"
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
	unsigned now = atomic_load(&heph->stopping), next;

	if (!now || now == HEPH_PHASES || find_phase(heph, 0) < now)
		return;
	next = find_phase(heph, now);
	next = next < HEPH_PHASES ? next + 1 : HEPH_PHASES;
	if (atomic_compare_exchange_strong(&heph->stopping, &now, next))
		post_to_all(heph);
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
