/* SPDX-License-Identifier: MIT */
/*
 * Records never wrap: what is left at the end of the ring, if it is too little,
 * is padded. head and tail count all bytes ever put in and taken out.
 *
 * A trace has a number. A thread that finds another one than it knew has joined
 * a new trace: it counts from 0, and says who it is. What it puts in before, as
 * it does not look each time, has the old number, and is left out.
 */
#include "core/trace.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/futex.h"
#include "core/mover.h"
#include "core/solo.h"

/* What a worker may tell on the average: a record in so much time, and as many
 * at once when it was silent before. */
#define PRICE (10 * HEPH_USEC)
enum { AT_ONCE = 4096 };

/* How long turns are summed up in one record. */
#define SUM_TIME (10 * HEPH_MSEC)

/* Of so many turns in a row that are summed up one looks at the clock; a power
 * of two. */
enum { LOOK_EVERY = 8 };

static size_t whole(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* ---- the ring -------------------------------------------------------------- */

static struct heph_trace_record *at(struct heph_trace_stream *stream,
				    uint64_t pos)
{
	return (void *)(stream->ring + pos % HEPH_TRACE_RING);
}

static bool has_room(struct heph_trace_stream *stream, uint64_t end)
{
	if (end - stream->seen <= HEPH_TRACE_RING)
		return true;
	stream->seen =
		atomic_load_explicit(&stream->tail, memory_order_acquire);
	return end - stream->seen <= HEPH_TRACE_RING;
}

static void wake_writer(struct heph_trace_stream *stream)
{
	if (!atomic_exchange(&stream->heph->trace_full, 1))
		heph_futex_wake(&stream->heph->trace_full);
}

/* Fills the ring up to its end. */
static void pad(struct heph_trace_stream *stream, uint64_t head, size_t size)
{
	struct heph_trace_record *record = at(stream, head);

	record->size = (uint32_t)size;
	record->kind = HEPH_TRACE_PAD;
	atomic_store_explicit(&stream->head, head + size, memory_order_release);
}

static void lose(struct heph_trace_stream *stream)
{
	if (stream->trace != atomic_load(&stream->heph->tracing))
		return;
	stream->counter++;
	heph_count(&stream->lost);
	wake_writer(stream);
}

uint64_t heph_trace_lost(const struct heph_trace_stream *stream)
{
	return atomic_load(&stream->lost) - stream->lost_before;
}

struct heph_trace_record *heph_trace_room(struct heph_trace_stream *stream,
					  size_t more)
{
	uint64_t head =
		atomic_load_explicit(&stream->head, memory_order_relaxed);
	size_t size = whole(sizeof(struct heph_trace_record) + more);
	size_t left = HEPH_TRACE_RING - head % HEPH_TRACE_RING;
	size_t skip = left < size ? left : 0;
	struct heph_trace_record *record;

	if (size > HEPH_TRACE_LARGEST ||
	    !has_room(stream, head + skip + size)) {
		lose(stream);
		return NULL;
	}
	if (skip)
		pad(stream, head, skip);
	record = at(stream, head + skip);
	record->size = (uint32_t)size;
	record->more = (uint32_t)more;
	record->trace = (uint16_t)stream->trace;
	record->counter = stream->counter++;
	record->name = NULL;
	record->substream = 0;
	return record;
}

void heph_trace_publish(struct heph_trace_stream *stream,
			struct heph_trace_record *record)
{
	uint64_t head =
		atomic_load_explicit(&stream->head, memory_order_relaxed) +
		record->size;

	atomic_store_explicit(&stream->head, head, memory_order_release);
	if (head - stream->seen > HEPH_TRACE_RING / 2) {
		stream->seen = atomic_load_explicit(&stream->tail,
						    memory_order_acquire);
		if (head - stream->seen > HEPH_TRACE_RING / 2)
			wake_writer(stream);
	}
}

const struct heph_trace_record *
heph_trace_take(struct heph_trace_stream *stream, uint64_t *pos)
{
	uint64_t head =
		atomic_load_explicit(&stream->head, memory_order_acquire);
	const struct heph_trace_record *record;

	atomic_store_explicit(&stream->tail, *pos, memory_order_release);
	while (*pos != head) {
		record = at(stream, *pos);
		*pos += record->size;
		if (record->kind != HEPH_TRACE_PAD)
			return record;
	}
	atomic_store_explicit(&stream->tail, *pos, memory_order_release);
	return NULL;
}

/* ---- records --------------------------------------------------------------- */

static struct heph_trace_record *room_for(struct heph_trace_stream *stream,
					  enum heph_trace_kind kind,
					  uint64_t start, uint64_t end,
					  const char *name, const char *more)
{
	size_t len = more ? strnlen(more, HEPH_TRACE_TEXT) : 0;
	struct heph_trace_record *record = heph_trace_room(stream, len);

	if (!record)
		return NULL;
	record->kind = (uint16_t)kind;
	record->start = start;
	record->end = end;
	record->name = name;
	memcpy(record->follows, more ? more : "", len);
	return record;
}

/* One without a name. */
static void put(struct heph_trace_stream *stream, enum heph_trace_kind kind,
		uint64_t start, uint64_t end, uint64_t a, uint64_t b)
{
	struct heph_trace_record *record =
		room_for(stream, kind, start, end, NULL, NULL);

	if (!record)
		return;
	record->value[0] = a;
	record->value[1] = b;
	heph_trace_publish(stream, record);
}

static void put_name(struct heph_trace_stream *stream,
		     enum heph_trace_kind kind, uint64_t start, uint64_t a,
		     const char *name)
{
	struct heph_trace_record *record =
		room_for(stream, kind, start, heph_clock_ticks(), NULL, name);

	if (!record)
		return;
	record->value[0] = a;
	heph_trace_publish(stream, record);
}

/* ---- streams --------------------------------------------------------------- */

static void add(struct heph_trace_stream *stream)
{
	struct heph *heph = stream->heph;

	stream->next_one = atomic_load(&heph->trace_streams);
	while (!atomic_compare_exchange_weak(&heph->trace_streams,
					     &stream->next_one, stream))
		;
}

static struct heph_trace_stream *make(struct heph *heph, uint32_t id)
{
	struct heph_trace_stream *stream = heph_mem_reserve(sizeof(*stream));

	if (!stream)
		return NULL;
	stream->ring = heph_mem_reserve(HEPH_TRACE_RING);
	if (!stream->ring) {
		heph_mem_unreserve(stream, sizeof(*stream));
		return NULL;
	}
	stream->heph = heph;
	stream->id = id;
	stream->teller.price = (int64_t)heph_clock_ns_to_ticks(PRICE);
	if (!stream->teller.price)
		stream->teller.price = 1;
	stream->teller.most = AT_ONCE * stream->teller.price;
	add(stream);
	return stream;
}

uint32_t heph_trace_stream_id(const struct heph_thread *thread)
{
	const struct heph_worker *worker = (const struct heph_worker *)thread;

	if (thread->number != HEPH_SOLO)
		return thread->number + 1U;
	return HEPH_THREADS_MAX + worker->first_self;
}

/* Says who it is. */
static void introduce(struct heph_trace_stream *stream,
		      const struct heph_thread *thread, uint64_t now)
{
	char name[HEPH_TRACE_TEXT];
	enum heph_trace_kind kind = HEPH_TRACE_THREAD;

	if (thread->number == HEPH_SOLO) {
		kind = HEPH_TRACE_OWN;
		snprintf(name, sizeof(name), "own thread of %s",
			 ((const struct heph_solo *)thread)->type->type->name);
	} else if (thread->is_worker) {
		kind = HEPH_TRACE_WORKER;
		snprintf(name, sizeof(name), "worker %u", thread->number);
	} else {
		snprintf(name, sizeof(name), "thread %u", thread->number);
	}
	put_name(stream, kind, now, 0, name);
}

static void join(struct heph_trace_stream *stream,
		 const struct heph_thread *thread, uint32_t trace)
{
	uint64_t now = heph_clock_ticks();

	stream->trace = trace;
	stream->counter = 0;
	stream->teller = (struct heph_trace_teller){
		.price = stream->teller.price,
		.most = stream->teller.most,
		.credit = stream->teller.most,
		.credited = now,
	};
	introduce(stream, thread, now);
}

struct heph_trace_stream *heph_trace_stream(struct heph_thread *thread)
{
	uint32_t trace = atomic_load(&thread->heph->tracing);

	if (!trace)
		return NULL;
	if (thread->moves)
		thread = &heph_solo_of(thread)->runner->thread;
	if (!thread->trace)
		thread->trace =
			make(thread->heph, heph_trace_stream_id(thread));
	if (thread->trace && thread->trace->trace != trace)
		join(thread->trace, thread, trace);
	return thread->trace;
}

void heph_trace_coordinator(struct heph *heph, enum heph_trace_kind kind,
			    uint64_t start, uint64_t a, const char *name)
{
	struct heph_trace_stream *stream;
	uint32_t trace = atomic_load(&heph->tracing);

	if (!trace)
		return;
	pthread_mutex_lock(&heph->lock);
	if (!heph->trace_own)
		heph->trace_own = make(heph, 0);
	stream = heph->trace_own;
	if (stream && stream->trace != trace) {
		stream->trace = trace;
		stream->counter = 0;
	}
	if (stream)
		put_name(stream, kind, start, a, name);
	pthread_mutex_unlock(&heph->lock);
}

void heph_trace_streams_forget(struct heph *heph)
{
	struct heph_trace_stream *stream = atomic_load(&heph->trace_streams);

	for (; stream; stream = stream->next_one) {
		atomic_store(&stream->tail, atomic_load(&stream->head));
		stream->lost_before = atomic_load(&stream->lost);
		stream->gaps = stream->next = 0;
	}
}

void heph_trace_streams_free(struct heph *heph)
{
	struct heph_trace_stream *stream = atomic_load(&heph->trace_streams);
	struct heph_trace_stream *next;

	for (; stream; stream = next) {
		next = stream->next_one;
		heph_mem_unreserve(stream->ring, HEPH_TRACE_RING);
		heph_mem_unreserve(stream, sizeof(*stream));
	}
	atomic_store(&heph->trace_streams, NULL);
}

/* ---- a worker's turn --------------------------------------------------------- */

static void spend(struct heph_trace_stream *stream)
{
	stream->teller.credit -= stream->teller.price;
}

static void tell(struct heph_trace_stream *stream, enum heph_trace_kind kind,
		 uint64_t start, uint64_t end, uint64_t a, uint64_t b)
{
	spend(stream);
	put(stream, kind, start, end, a, b);
}

/* What was summed up. */
static void tell_sum(struct heph_trace_stream *stream, uint64_t now)
{
	struct heph_trace_teller *teller = &stream->teller;

	if (teller->turns)
		tell(stream, HEPH_TRACE_RUNS, teller->began, now, teller->steps,
		     teller->turns);
	teller->turns = teller->steps = 0;
}

/* Awake, no more at a time than a turn needs: when others have the processor
 * for long, that is not earned. */
static void earn(struct heph_trace_teller *teller, int64_t turn, uint64_t now)
{
	int64_t time = (int64_t)(now - teller->credited);

	teller->credit += time > turn && !teller->slept ? turn : time;
	teller->credited = now;
	teller->slept = false;
	if (teller->credit > teller->most)
		teller->credit = teller->most;
}

/* Looks without asking anybody else to run. */
static bool has_work(struct heph_worker *worker)
{
	return heph_worker_any_ready(worker) || heph_movers_waiting(worker);
}

static void begin_told(struct heph_worker *worker,
		       struct heph_trace_stream *stream, uint64_t now)
{
	struct heph_trace_teller *teller = &stream->teller;

	tell_sum(stream, now);
	if (!teller->idle)
		teller->idle = now;
	if (teller->idle == now || !has_work(worker))
		return;
	tell(stream, HEPH_TRACE_POLL, teller->idle, now, 0, 0);
	teller->idle = now;
}

static void begin_summed(struct heph_trace_stream *stream, uint64_t now)
{
	struct heph_trace_teller *teller = &stream->teller;

	if (teller->turns &&
	    now - teller->began > heph_clock_ns_to_ticks(SUM_TIME))
		tell_sum(stream, now);
	if (!teller->turns)
		teller->began = teller->idle ? teller->idle : now;
	teller->turns++;
	teller->idle = 0;
}

/* Tells of a turn if there is credit for all that may happen in it. */
bool heph_trace_turn(struct heph_worker *worker)
{
	struct heph_trace_stream *stream = heph_trace_stream(&worker->thread);
	struct heph_trace_teller *teller;
	int64_t turn; /* what it may cost */
	uint64_t now;

	if (!stream)
		return false;
	teller = &stream->teller;
	if (teller->turns % LOOK_EVERY) {
		teller->turns++;
		return true;
	}
	now = heph_clock_ticks();
	turn = 2 * teller->price * worker->thread.heph->config.poll_ratio;
	if (turn > teller->most)
		turn = teller->most;
	earn(teller, turn, now);
	teller->tells = teller->credit >= turn;
	if (teller->tells)
		begin_told(worker, stream, now);
	else
		begin_summed(stream, now);
	return true;
}

static void begin_run(struct heph_trace_teller *teller,
		      const struct heph_self *self, uint64_t now)
{
	const char *own = self->ext ? self->ext->name : NULL;

	teller->run = now;
	teller->id = self->id;
	teller->type = heph_type_of(self)->name;
	teller->name[0] = '\0';
	if (own)
		snprintf(teller->name, sizeof(teller->name), "%s", own);
}

static void end_run(struct heph_trace_stream *stream, uint64_t now)
{
	struct heph_trace_teller *teller = &stream->teller;
	bool own = teller->name[0];
	struct heph_trace_record *record;

	if (!teller->run)
		return;
	spend(stream);
	record = room_for(stream, HEPH_TRACE_RUN, teller->run, now,
			  own ? NULL : teller->type, own ? teller->name : NULL);
	teller->run = 0;
	teller->idle = now;
	if (!record)
		return;
	record->value[0] = teller->id;
	heph_trace_publish(stream, record);
}

/* Without the mark that leads here. */
static struct heph_self *next_of(struct heph_worker *worker)
{
	struct heph_self *next;

	worker->n_unusual &= ~(unsigned)HEPH_TRACE_TURN;
	next = heph_worker_any_ready(worker) ? heph_worker_next(worker) : NULL;
	worker->n_unusual |= HEPH_TRACE_TURN;
	return next;
}

struct heph_self *heph_trace_next(struct heph_worker *worker)
{
	struct heph_trace_stream *stream = worker->thread.trace;
	uint64_t now = heph_clock_ticks();
	struct heph_self *next = next_of(worker);

	end_run(stream, now);
	if (next)
		begin_run(&stream->teller, next, now);
	return next;
}

void heph_trace_run_actors(struct heph_worker *worker, int budget)
{
	struct heph_trace_stream *stream = worker->thread.trace;

	if (!stream->teller.tells) {
		stream->teller.steps +=
			(uint64_t)heph_worker_run_actors(worker, budget);
		return;
	}
	worker->n_unusual |= HEPH_TRACE_TURN;
	atomic_store_explicit(&worker->thread.told, true, memory_order_relaxed);
	heph_worker_run_actors(worker, budget);
	atomic_store_explicit(&worker->thread.told, false,
			      memory_order_relaxed);
	worker->n_unusual &= ~(unsigned)HEPH_TRACE_TURN;
	if (stream->teller.run)
		end_run(stream, heph_clock_ticks());
}

void heph_trace_slice_begin(struct heph_worker *on, struct heph_self *self)
{
	struct heph_trace_stream *stream = heph_trace_stream(&on->thread);

	if (!stream || !stream->teller.tells ||
	    !heph_worker_any_ready(heph_worker_of(self)))
		return;
	atomic_store_explicit(&self->thread->told, true, memory_order_relaxed);
	begin_run(&stream->teller, self, heph_clock_ticks());
}

void heph_trace_slice_end(struct heph_worker *on, struct heph_worker *mover)
{
	struct heph_trace_stream *stream = on->thread.trace;

	atomic_store_explicit(&mover->thread.told, false, memory_order_relaxed);
	if (stream && stream->teller.run)
		end_run(stream, heph_clock_ticks());
}

void heph_trace_timers(struct heph_worker *worker, unsigned n)
{
	struct heph_trace_stream *stream = heph_trace_stream(&worker->thread);
	struct heph_trace_teller *teller;
	uint64_t now;

	if (!stream)
		return;
	teller = &stream->teller;
	if (!teller->tells || !teller->idle)
		return;
	now = heph_clock_ticks();
	tell(stream, HEPH_TRACE_TIMERS, teller->idle, now, n, 0);
	teller->idle = now;
}

void heph_trace_idle(struct heph_worker *worker)
{
	struct heph_trace_stream *stream = heph_trace_stream(&worker->thread);
	uint64_t now;

	if (!stream)
		return;
	stream->teller.slept = true;
	if (!stream->teller.turns)
		return;
	now = heph_clock_ticks();
	tell_sum(stream, now);
	stream->teller.idle = now;
}

/* ---- calls and signals -------------------------------------------------------- */

/* "TYPE.MEMBER" */
void heph_trace_call(struct heph_self *self, struct heph_addr to,
		     const char *member, uint64_t began)
{
	struct heph_trace_stream *stream = heph_trace_stream(self->thread);
	struct heph_trace_record *record;
	struct heph_kind *kind;

	if (!stream)
		return;
	kind = to.node == self->thread->node ?
		       heph_kind_with(self->thread->heph, to) :
		       NULL;
	spend(stream);
	record = room_for(stream, HEPH_TRACE_CALL, began, heph_clock_ticks(),
			  kind ? kind->type->name : "", member);
	if (!record)
		return;
	record->substream = self->kind ? self->id : 0;
	record->value[0] = to.id;
	heph_trace_publish(stream, record);
}

void heph_trace_signal(struct heph_thread *thread, uint64_t start, int signal)
{
	struct heph_trace_stream *stream = heph_trace_stream(thread);

	if (stream)
		put(stream, HEPH_TRACE_SIGNAL, start, heph_clock_ticks(),
		    (uint64_t)signal, 0);
}
