/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what is told of a runtime: records in a buffer of each thread
 *
 * A thread puts records into its stream, a ring that one other thread takes them
 * out of: the writer of rt, or who saves what there is when the process crashes.
 * When the ring is full the record is lost, but its number is not given to
 * another one, so that the gap is seen.
 *
 * A worker tells of each run of an actor as long as it has credit, which is as
 * much as time has passed. When it has none it sums up: so many steps in so many
 * turns. A turn in which it tells takes the slow way from one actor to the next
 * (heph_sched_next()), so that the other one need not ask.
 *
 * Thread     All but heph_trace_streams_... by the thread that the stream is of,
 *            or that runs the actor.
 */
#ifndef HEPH_CORE_TRACE_H
#define HEPH_CORE_TRACE_H

#include "core/worker.h"

enum {
	HEPH_TRACE_RING = 1 << 19,    /* bytes */
	HEPH_TRACE_LARGEST = 1 << 17, /* of a record */
	HEPH_TRACE_TEXT = 48,         /* of a name, in what the runtime tells */
	/* in worker->n_unusual: the turn is told of */
	HEPH_TRACE_TURN = 1 << 30,
};

/* What there is to tell, and what the numbers of it are called; a kind without
 * names has none. `name` and `more`: see the record. */
#define HEPH_TRACE_KINDS(X)                                                    \
	X(SPAN, NULL, NULL, NULL, NULL)                                        \
	X(BUILD, "Building the runtime", "worker_threads", NULL, "stream")     \
	X(START, "Starting the trace", "worker_threads", NULL, "stream")       \
	X(WORKER, "Initialised the worker thread", NULL, NULL, "stream")       \
	X(OWN, "Initialised the thread of an actor", NULL, NULL, "stream")     \
	X(THREAD, "Attached a thread", NULL, NULL, "stream")                   \
	X(RUN, "Running actor", "id", NULL, "name")                            \
	X(RUNS, "Running actors", "steps", "turns", NULL)                      \
	X(POLL, "Polling for OS events", NULL, NULL, NULL)                     \
	X(TIMERS, "Scheduling actors based on timers", "amount", NULL, NULL)   \
	X(SIGNAL, "Relaying process signal to actors", "signal", NULL, NULL)   \
	X(SIGNALS, "Relaying process signals", "signal", NULL, NULL)           \
	X(JOIN, "Joining worker", "id", NULL, NULL)                            \
	X(JOIN_OWN, "Joining the thread of an actor", "id", NULL, NULL)        \
	X(CALL, "Calling", "to", NULL, "call")                                 \
	X(LOST, "Events were lost", "amount", NULL, NULL)

enum heph_trace_kind {
#define HEPH_TRACE_KIND(name_, ...) HEPH_TRACE_##name_,
	HEPH_TRACE_KINDS(HEPH_TRACE_KIND)
#undef HEPH_TRACE_KIND
		HEPH_TRACE_PAD, /* up to the end of the ring */
};

/* 64 bytes, and what follows. */
struct heph_trace_record {
	uint32_t size; /* of all, a multiple of 8 */
	uint16_t kind;
	uint16_t trace; /* the low part of its number */
	uint32_t counter;
	uint32_t more;       /* bytes that follow */
	uint64_t start, end; /* ticks */
	uint64_t substream;
	uint64_t value[2];
	const char *name; /* that lives as long as the program; or NULL */
	/* Of a SPAN: description and attributes as they are in the file. Of others:
	 * a name, or the rest of it after a dot. */
	unsigned char follows[];
};

struct heph_trace_stream {
	struct heph_trace_stream *next_one; /* in heph->trace_streams */
	struct heph *heph;
	uint32_t id;

	/* the owner */
	alignas(HEPH_CACHE_LINE) unsigned char *ring;
	_Atomic uint64_t head; /* bytes put in */
	uint64_t seen;         /* what tail was, at least */
	uint32_t trace;        /* the number of it that we have joined */
	uint32_t counter;
	_Atomic uint64_t lost; /* of all traces */
	struct heph_trace_teller {
		int64_t credit, price, most; /* ticks; of a record; at most */
		uint64_t credited;           /* when */
		uint64_t idle;  /* since when nobody runs; 0: not known */
		uint64_t began; /* of the turns that are summed up */
		uint64_t steps, turns;
		uint64_t run, id; /* who runs since when; 0: nobody */
		const char *type;
		bool tells;                 /* in this turn */
		bool slept;                 /* before it */
		char name[HEPH_TRACE_TEXT]; /* its own; empty: it has none */
	} teller;

	/* the writer */
	alignas(HEPH_CACHE_LINE) _Atomic uint64_t tail; /* bytes taken out */
	uint64_t lost_before;                           /* this trace */
	uint64_t gaps; /* records that were missing so far */
	uint32_t next; /* counter */
};

/* ---- records --------------------------------------------------------------- */

/* The stream of a thread, or of the worker that runs it, which has joined the
 * trace; NULL: nothing is traced, or there is no memory. */
struct heph_trace_stream *heph_trace_stream(struct heph_thread *thread);

/* 0 is the coordinator's; those of solos come after all that have numbers. */
uint32_t heph_trace_stream_id(const struct heph_thread *thread);

/* Room for a record with so many bytes that follow; it must be published, with
 * nothing in between. NULL: there is none, and it is lost. */
struct heph_trace_record *heph_trace_room(struct heph_trace_stream *stream,
					  size_t more);
void heph_trace_publish(struct heph_trace_stream *stream,
			struct heph_trace_record *record);

/* The coordinator's, on stream 0; `name` may be NULL. Any thread. */
void heph_trace_coordinator(struct heph *heph, enum heph_trace_kind kind,
			    uint64_t start, uint64_t a, const char *name);

/* Takes the oldest record out, which remains valid until the next call with
 * `*at` as it was set; NULL: there is none. By one thread at a time. */
const struct heph_trace_record *
heph_trace_take(struct heph_trace_stream *stream, uint64_t *at);

/* How many records of this trace were lost. Any thread. */
uint64_t heph_trace_lost(const struct heph_trace_stream *stream);

/* What is in the streams so far is not of the trace that begins. */
void heph_trace_streams_forget(struct heph *heph);
void heph_trace_streams_free(struct heph *heph);

/* ---- a worker's turn --------------------------------------------------------- */

/* Before a turn: whether it is traced. */
bool heph_trace_turn(struct heph_worker *worker);

/* The part of it that runs actors. */
void heph_trace_run_actors(struct heph_worker *worker, int budget);

/* After: so many timers have expired. */
void heph_trace_timers(struct heph_worker *worker, unsigned n);

/* It falls asleep. */
void heph_trace_idle(struct heph_worker *worker);

/* From one actor to the next, in a turn that is told of; NULL: nobody can run. */
struct heph_self *heph_trace_next(struct heph_worker *worker);

/* A slice of a mover on this worker: about to begin, and over. */
void heph_trace_slice_begin(struct heph_worker *on, struct heph_self *self);
void heph_trace_slice_end(struct heph_worker *on, struct heph_worker *mover);

/* ---- calls and signals -------------------------------------------------------- */

struct heph_waiting_call;

/* A call that was begun while thread->told was set has been made and is over. */
void heph_trace_call(struct heph_self *self, struct heph_addr to,
		     const char *member, uint64_t began);

void heph_trace_signal(struct heph_thread *thread, uint64_t start, int signal);

/* Whether anything is traced. */
static inline bool heph_tracing(const struct heph *heph)
{
	return heph_unlikely(atomic_load_explicit(&heph->tracing,
						  memory_order_relaxed) != 0);
}

#endif
