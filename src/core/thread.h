/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what every thread has that takes part in a runtime
 *
 * A worker is such a thread, and so is a plain thread with a context. It owns
 * memory (its pool, its records of calls) that only it takes from and gives
 * back to, and it has a door: a list of events, which any thread may push to.
 * An event is embedded in a record that was made beforehand, so to push one
 * never allocates and never fails; its function runs on the thread that owns
 * the door. All that crosses threads, but for the messages from one worker to
 * another (lane.h), goes through doors.
 *
 * Sleeping. A thread that goes to sleep sets `asleep` and looks at its doors
 * once more; who pushes something looks at `asleep` after that. Both are
 * sequentially consistent, so one of the two sees the other. Who swaps
 * `asleep` back to 0 wakes the thread: one wake for each sleep.
 */
#ifndef HEPH_CORE_THREAD_H
#define HEPH_CORE_THREAD_H

#include <heph/actor.h>
#include <heph/runtime.h>
#include <heph/types.h>

#include "base/event.h"
#include "base/list.h"
#include "base/pool.h"
#include "core/call.h"
#include "core/receipts.h"

/* For what is on the path of every message. */
#define HEPH_INLINE static inline __attribute__((always_inline))
#define heph_likely(x) __builtin_expect(!!(x), 1)
#define heph_unlikely(x) __builtin_expect(!!(x), 0)

enum {
	HEPH_CACHE_LINE = 64,
	HEPH_THREADS_MAX =
		1024, /* workers and plain threads: 10 bits of an id */
	HEPH_SOLO = 2 * HEPH_THREADS_MAX - 1, /* the number of all of solo.h */
	HEPH_SIGNALS = 65,
	HEPH_NOT_NEAR = UINT16_MAX, /* no node */
	HEPH_PHASES = HEPH_PHASE_MAX + 1,
};

struct heph;
struct heph_self;
struct heph_worker;

/* Counted by the owner, read by anybody: relaxed, no read-modify-write. */
struct heph_counters {
	_Atomic uint64_t spawned, ended, failed, restarted, panicked;
	_Atomic uint64_t received, delivered, posts_dropped;
	_Atomic uint64_t unread_dropped, late_answers, polls, sleeps;
	_Atomic uint64_t runs; /* of actors, until the last turn */
	_Atomic uint64_t wakes, system_calls, descriptors, operations, buffers;
	_Atomic uint64_t timers, calls, stacks, slots, bytes, bounced;
	_Atomic uint64_t displaced, overflows;
};

static inline void heph_count_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(
		counter,
		atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static inline void heph_count(_Atomic uint64_t *counter)
{
	heph_count_add(counter, 1);
}

static inline void heph_count_set(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, n, memory_order_relaxed);
}

struct heph_thread {
	/* the owner */
	struct heph *heph;
	struct heph_self *current; /* who runs; NULL: nobody */
	uint16_t number;	 /* in heph->threads, workers first; or HEPH_SOLO */
	uint16_t node;		 /* of heph */
	_Atomic uint16_t near;	 /* a worker's node; lose.h has it hidden */
	bool is_worker;
	bool moves;		 /* a solo that whichever worker takes it runs */
	uint8_t hooks;           /* of the user that run: drop functions */
	_Atomic bool told; /* what runs there is traced one by one; trace.h */
	int tid; /* the kernel's number of it; 0: a mover, or not yet known */
	/* It sleeps in that one's driver, which may be its own; NULL: on
	 * `asleep`. Read by who wakes it, perhaps when it is another's. */
	_Atomic(struct heph_worker *) host;
	struct heph_thread *outer; /* another context of the same thread */
	struct heph_pool pool;
	struct heph_calls calls;
	struct heph_list signals; /* struct heph_signal_take */
	struct heph_list loose;	  /* watches of actors without extension */
	struct heph_counters count;
	struct heph_exit panic;            /* of the actor that runs */
	uint64_t waits; /* that were looked at, and got a number */
	uint32_t free_files, n_free_files; /* io's */
	struct heph_receipts receipts;     /* in debug builds */
	struct heph_trace_stream *trace; /* NULL: it has told nothing so far */

	/* others, about messages of ours that wait in their doors, and, for a
	 * solo, about those that wait in its door */
	alignas(HEPH_CACHE_LINE) _Atomic uint32_t under_way;
	_Atomic uint32_t arriving;
	_Atomic bool takes_signals; /* `signals` was used */

	/* anybody */
	alignas(HEPH_CACHE_LINE) struct heph_events door;
	_Atomic uint32_t asleep; /* 1: sleeps, or is about to */
	_Atomic uint32_t signal_count[HEPH_SIGNALS];
	_Atomic uint64_t signal_sender[HEPH_SIGNALS]; /* of the latest */
	_Atomic bool signal_posted;
	struct heph_event signal_event;
};

/* The thread that is running, if it is one of ours. Do not keep it across a
 * wait; an actor has self->thread for that. */
extern __thread struct heph_thread *heph_thread_current;

/*
 * Before (1) and after (-1) a function of the user that is called in the middle
 * of our own work: it disposes of a message, converts or copies it. No panic can
 * leave it, as that would abandon our frames too. Any thread.
 */
static inline void heph_thread_hook(int change)
{
	struct heph_thread *thread = heph_thread_current; /* NULL: a stranger */

	if (thread)
		thread->hooks = (uint8_t)(thread->hooks + change);
}

/* Prepares a thread; the second one, without room for calls. It gets its number
 * by heph_threads_add(). Returns 0; -ENOMEM. */
int heph_thread_init(struct heph_thread *thread, struct heph *heph,
		     uint32_t max_calls);
void heph_thread_prepare(struct heph_thread *thread, struct heph *heph);
void heph_thread_fini(struct heph_thread *thread);

/* Gives an event to a thread and wakes it if it sleeps. Any thread. */
void heph_thread_post(struct heph_thread *to, struct heph_event *event);

/* Wakes the thread if it sleeps. Any thread, after it has published what is to
 * be seen, with a sequentially consistent store. */
void heph_thread_wake(struct heph_thread *to);

/* Runs the events that are at the door. Owner. Returns whether there were
 * any. */
bool heph_thread_open_door(struct heph_thread *thread);

/* Whether messages from one to the other go by a lane: both are workers. */
static inline bool heph_thread_has_lanes(const struct heph_thread *from,
					 const struct heph_thread *to)
{
	return from->is_worker && from->number != HEPH_SOLO &&
	       to->number != HEPH_SOLO && from->heph == to->heph;
}

/* The number of the thread in an id of one of its actors; the low bits of
 * HEPH_SOLO are nobody else's, because there are fewer workers. */
static inline unsigned heph_id_thread(uint64_t id)
{
	return id & (HEPH_THREADS_MAX - 1);
}

static inline bool heph_id_solo(uint64_t id)
{
	return id && heph_id_thread(id) == heph_id_thread(HEPH_SOLO);
}

#endif
