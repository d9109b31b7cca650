/* SPDX-License-Identifier: MIT */
#include "core/thread.h"

#include "core/futex.h"
#include "core/heph.h"
#include "core/signals.h"
#include "core/mover.h"

__thread struct heph_thread *heph_thread_current;

void heph_thread_prepare(struct heph_thread *thread, struct heph *heph)
{
	*thread = (struct heph_thread){
		.heph = heph,
		.node = heph->node,
		.signal_event.fn = heph_signals_deliver,
	};
	heph_pool_init(&thread->pool);
	heph_list_init(&thread->signals);
	heph_list_init(&thread->loose);
}

int heph_thread_init(struct heph_thread *thread, struct heph *heph,
		     uint32_t max_calls)
{
	heph_thread_prepare(thread, heph);
	return heph_calls_init(&thread->calls, max_calls);
}

void heph_thread_fini(struct heph_thread *thread)
{
	if (atomic_load(&thread->heph->abandon))
		thread->pool.in_use = 0; /* what they had is lost */
	heph_calls_fini(&thread->calls);
	heph_pool_fini(&thread->pool);
}

void heph_thread_wake(struct heph_thread *to)
{
	struct heph_worker *host;

	if (!atomic_load(&to->asleep) || !atomic_exchange(&to->asleep, 0))
		return;
	if (heph_thread_current)
		heph_count(&heph_thread_current->count.wakes);
	if (to->moves) {
		heph_mover_ready(to);
		return;
	}
	host = atomic_load_explicit(&to->host, memory_order_relaxed);
	if (host)
		to->heph->driver->wake(host);
	else
		heph_futex_wake(&to->asleep);
}

void heph_thread_post(struct heph_thread *to, struct heph_event *event)
{
	heph_events_push(&to->door, event);
	heph_thread_wake(to);
}

bool heph_thread_open_door(struct heph_thread *thread)
{
	struct heph_event *event = heph_events_take_all(&thread->door);
	struct heph_event *next;
	bool any = event;

	for (; event; event = next) {
		next = event->next; /* fn may free it, or send it on */
		event->fn(event);
	}
	return any;
}
