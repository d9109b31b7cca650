/* SPDX-License-Identifier: MIT */
/*
 * event.h - things that other threads want done here
 *
 * An event is embedded in what it is about. Any thread pushes; one thread, the
 * owner, takes all that has come and calls each `fn`.
 *
 * Order      Events of one thread are taken in the order it pushed them.
 * Waking     push tells whether there was nothing before: then, and only then,
 *            the pusher wakes the owner if it may be asleep.
 * Ownership  A pushed event belongs to the owner until it is taken; it must
 *            not be pushed again before. After that the queue has forgotten
 *            it: `fn` may free it or push it again.
 */
#ifndef HEPH_BASE_EVENT_H
#define HEPH_BASE_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct heph_event {
	struct heph_event *next; /* of the queue; of the taker afterwards */
	void (*fn)(struct heph_event *event);
};

/* All zeros is an empty queue. The newest event is first. */
struct heph_events {
	_Atomic(struct heph_event *) head;
};

/*
 * Adds an event. Any thread, lock-free. Returns true if the queue was empty.
 *
 * Seq_cst: the owner says that it sleeps and then looks at the queue, we push
 * and then look whether it sleeps. One of the two must see the other.
 */
static inline bool heph_events_push(struct heph_events *events,
				    struct heph_event *event)
{
	struct heph_event *head =
		atomic_load_explicit(&events->head, memory_order_relaxed);

	do {
		event->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&events->head, &head, event, memory_order_seq_cst,
		memory_order_relaxed));
	return !head;
}

/* True if nothing was pushed since the last take. Any thread; seq_cst, so that
 * it may be the owner's last look before it sleeps. */
static inline bool heph_events_empty(struct heph_events *events)
{
	return !atomic_load(&events->head);
}

/*
 * Takes all events, the oldest first, linked by `next`; NULL if there are
 * none, which costs one plain load. Owner only. Read an event's `next` before
 * you call its `fn`.
 *
 * The load may miss an event that is being pushed; that is for the next call.
 * The exchange acquires what the pushers wrote into their events.
 */
static inline struct heph_event *
heph_events_take_all(struct heph_events *events)
{
	struct heph_event *event, *next, *oldest = NULL;

	if (!atomic_load_explicit(&events->head, memory_order_relaxed))
		return NULL;
	event = atomic_exchange(&events->head, NULL);
	for (; event; event = next) {
		next = event->next;
		event->next = oldest;
		oldest = event;
	}
	return oldest;
}

#endif
