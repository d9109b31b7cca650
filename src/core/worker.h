/* SPDX-License-Identifier: MIT */
/*
 * worker.h - one thread's actors: who may run, who runs, what time it is
 *
 * A passive object: heph_worker_run() is its loop, and everything here is
 * called by the thread that runs it, unless said otherwise.
 */
#ifndef HEPH_CORE_WORKER_H
#define HEPH_CORE_WORKER_H

#include "base/usdt.h"
#include "base/wheel.h"
#include "core/delay.h"
#include "core/misuse.h"
#include "core/sched.h"
#include "core/self.h"
#include "core/spin.h"
#include "coro/stack.h"

enum { HEPH_PRIORITIES = 3, HEPH_USUAL = 1 /* the queue of the normal one */ };

/* What a worker knows of a type of actor. Others may read the counters, and
 * what never changes. */
struct heph_kind {
	const struct heph_actor *type;
	size_t arg_size;        /* of that */
	struct heph_kind *next; /* the one looked for before */
	struct heph_self *free; /* blocks that were used for it, by `next` */
	_Atomic uint64_t spawned, alive;
	/* of the times that the frames of one were put away */
	_Atomic uint64_t displaced, live_sum, live_max;
	_Atomic bool deep; /* its actors get stacks of their own */
	_Atomic(struct heph_samples *) samples; /* see sample.h; NULL: none */
};

enum {
	HEPH_KINDS_MAX = UINT16_MAX, /* types of actors on a worker */
	HEPH_STACK_SIZES = 14,       /* 128 KiB to 1 GiB */
};

/* See slot.h. */
struct heph_slots {
	struct heph_slot **shared; /* table, reserved memory */
	uint32_t n, max, turn;
	uint32_t large; /* so many stacks of `sizes` are in use */
	struct heph_stacks *sizes[HEPH_STACK_SIZES]; /* larger than usual */
};

/* Bits of a place: other threads find the inbox full; some on other workers
 * wait for room in it; it is full, and open for other workers only. */
#define HEPH_PLACE_FULL UINT64_C(1)
#define HEPH_PLACE_WANTED UINT64_C(2)
#define HEPH_PLACE_LANES UINT64_C(4)

/* What another thread tells an actor, in a table beside that of the ids. */
struct heph_poke {
	struct heph_event event;
	/* The id, with HEPH_TELL_... in the bits of the worker's number; 0: it
	 * is not at the door. */
	_Atomic uint64_t what;
	struct heph_worker *worker;
};

/* A first-in first-out list of actors by `next`. */
struct heph_queue {
	struct heph_self *first, **end; /* where the next one goes */
};

/* The same, of solos. */
struct heph_movers {
	struct heph_solo *first, *last;
};

struct heph_worker {
	struct heph_thread thread;                /* first */
	struct heph_coro main;                    /* the loop's own stack */
	struct heph_queue ready[HEPH_PRIORITIES]; /* high, normal, low */
	unsigned n_unusual; /* so many of them are not in the normal one; sched.h */
	struct heph_sched sched;
	int budget; /* what the turn may still do before it looks at the clock */
	struct heph_self *ended; /* to be freed by the loop */
	struct heph_lane *dirty; /* lanes with something unpublished */
	struct heph_lane *blocked; /* lanes that somebody waits at */
	struct heph_list roomy;    /* inboxes with room that somebody waits for */

	struct heph_self *selves;  /* table, reserved memory */
	struct heph_poke *pokes;   /* the same indices */
	struct heph_alarm *alarms; /* the same */
	/*
	 * The same indices. The serial in the bits that an id has it in, or 0,
	 * and HEPH_PLACE_... Other threads read here whether an actor lives and
	 * has room; they only set HEPH_PLACE_WANTED.
	 */
	_Atomic uint64_t *places;
	uint32_t first_self, n_selves, max_selves; /* slots */
	uint32_t max_alive;
	uint32_t inbox; /* messages in those of actors that do not say */
	uint64_t serial;
	uint32_t alive;
	struct heph_kind *kinds; /* table, reserved memory; 0 is nobody's */
	struct heph_kind *latest_kind;
	_Atomic uint32_t n_kinds; /* read by others */
	uint32_t max_kinds;
	struct heph_stacks stacks;
	struct heph_slots slots;

	/* The wheel, or what the program has in its place. NULL, both: a mover
	 * that had no timers yet. */
	struct heph_wheel *wheel;
	void *timers;
	struct heph_delays delays; /* messages that are sent later */
	heph_time now;            /* of the last look at the clock */
	heph_time next_batch; /* of timers, if they are many; see timers.c */
	struct heph_spin spin; /* whether it is worth to do so before sleeping */
	heph_time trim_at; /* when idle stacks lose their memory; 0: not set */
	_Atomic uint32_t *movers;    /* that it may run, how many are ready */
	struct heph_movers visitors; /* that nobody else may run */
	bool visitor_next;           /* not one of the others */
	struct heph_list guests;     /* movers that have operations here */
	unsigned n_lanes;            /* so many have lanes to it */
	unsigned stopping; /* its first-level actors of phases below were asked */
	uint32_t roots[HEPH_PHASES]; /* so many of each it has */
	struct heph_event stop_event;
	_Atomic bool stop_posted;
	void *driver; /* of the driver */
	bool no_ring; /* the kernel has refused one, or its buffers, when it started */
	bool pipes_by_call; /* its driver only waits for them */
	unsigned sample_in; /* turns; see sample.h */
	bool sampling;      /* the one that runs */
	struct heph_self *sampled; /* who will be; NULL: nobody */
	heph_time sampled_at;
	bool soon;    /* what it was given may be over once it is handed over */
};

/* Returns 0; -ENOMEM. `max_actors` bounds the table. */
int heph_worker_init(struct heph_worker *worker, struct heph *heph,
		     uint32_t max_actors);
void heph_worker_fini(struct heph_worker *worker);

/* The parts of these two that a worker with tables of others has too. */
void heph_worker_prepare(struct heph_worker *worker, struct heph *heph);
void heph_worker_release(struct heph_worker *worker);

/* Runs actors until the runtime says stop (heph->abandon, or `*quit` set and
 * no actor left). On the worker's thread, which it makes its own. */
void heph_worker_run(struct heph_worker *worker, const _Atomic bool *quit);

/*
 * The parts of that loop, for who has a loop of its own: enter makes the calling
 * thread the worker's; a turn runs actors and takes in what has come, without
 * sleeping, and tells whether there is more to do at once; wait is how long it
 * may sleep then. Before that doze says that it sleeps, so that others wake it
 * by the driver; false: something has come, it does not. After it rouse;
 * whether another thread did wake it. Exit lists the actors that are left.
 */
void heph_worker_enter(struct heph_worker *worker);
bool heph_worker_turn(struct heph_worker *worker);
heph_time heph_worker_wait(struct heph_worker *worker);
bool heph_worker_doze(struct heph_worker *worker);
bool heph_worker_rouse(struct heph_worker *worker);
void heph_worker_exit(struct heph_worker *worker);

/* The part of a turn that runs actors, so many steps at most; how many it
 * took. */
int heph_worker_run_actors(struct heph_worker *worker, int budget);

/* Tells what it has in use. */
void heph_worker_publish(struct heph_worker *worker);

/* Runs one actor, the one whose turn it is, until it waits, but not for more than
 * a turn; false: there is none. Sends the first that is ready to the end of its
 * queue. */
bool heph_worker_step(struct heph_worker *worker);
void heph_worker_rotate(struct heph_worker *worker);

/* Takes in what others have left. Whether somebody can run now. */
bool heph_worker_look(struct heph_worker *worker);

/* Switches from the running actor to the next one, or to the loop. Returns
 * when the actor is resumed. */
void heph_worker_suspend(struct heph_self *self);

/* The same, as the last thing that a function does: then goes on with
 * then(&self->coro, arg), and returns what that does. */
HEPH_INLINE int heph_worker_suspend_then(struct heph_self *self, void *arg,
					 heph_coro_then *then);

/* The last switch of an actor. */
_Noreturn void heph_worker_leave(struct heph_self *self);

/* An actor has done something that could go on without ever waiting: when it
 * has used its turn, others run first. */
static inline void heph_worker_spend(struct heph_self *self);
/* The same of what does not wait: others run first at the next thing that it does. */
static inline void heph_worker_charge(struct heph_self *self);
void heph_worker_yield(struct heph_self *self);

/* Its budget is used up: it gets more, if its turn has some, or yields. */
void heph_worker_spent(struct heph_self *self);

/* What the worker knows of a type; NULL when there is no memory. */
struct heph_kind *heph_worker_kind(struct heph_worker *worker,
				   const struct heph_actor *type);

static inline struct heph_worker *heph_worker_of(const struct heph_self *self)
{
	return (struct heph_worker *)self->thread;
}

static inline uint32_t heph_self_index(const struct heph_self *self)
{
	return (uint32_t)(self - heph_worker_of(self)->selves);
}

static inline struct heph_addr heph_self_addr(const struct heph_self *self)
{
	return (struct heph_addr){ .id = self->id,
				   .slot = heph_self_index(self),
				   .node = self->thread->heph->node };
}

/* Of an actor, which a plain thread is not. */
static inline struct heph_kind *heph_kind_of(const struct heph_self *self)
{
	return &heph_worker_of(self)->kinds[self->kind];
}

static inline const struct heph_actor *
heph_type_of(const struct heph_self *self)
{
	return heph_kind_of(self)->type;
}

/* Not one of a single actor, see solo.h. */
static inline bool heph_worker_ordinary(const struct heph_worker *worker)
{
	return worker->thread.number != HEPH_SOLO;
}

static inline void heph_worker_spend(struct heph_self *self)
{
	if (self->kind && --heph_worker_of(self)->budget <= 0)
		heph_worker_spent(self);
}

static inline void heph_worker_charge(struct heph_self *self)
{
	struct heph_worker *worker;

	if (!self->kind)
		return;
	worker = heph_worker_of(self);
	worker->budget -= worker->budget > 1; /* the last one is for its next wait */
}

/* The solo with that slot; NULL: there is none. Any thread. See solo.h. */
__attribute__((cold)) struct heph_worker *heph_solo_at(struct heph *heph,
						       uint32_t slot);

/* The worker that the actor is or was on; NULL: there cannot be such an actor.
 * Any thread, and so are the next three. */
static inline struct heph_worker *heph_worker_with(struct heph *heph,
						   struct heph_addr addr)
{
	unsigned number = heph_id_thread(addr.id);
	struct heph_worker *worker;

	if (heph_unlikely(!addr.id || number >= heph->workers))
		return heph_id_solo(addr.id) ? heph_solo_at(heph, addr.slot) :
					       NULL;
	worker = (struct heph_worker *)heph_thread_of(heph, number);
	return worker && addr.slot < worker->max_selves ? worker : NULL;
}

/* The type of the actors of a block; NULL: it was never used. */
static inline struct heph_kind *heph_kind_at(struct heph_worker *worker,
					     uint32_t slot)
{
	unsigned kind = worker->selves[slot].kind;

	return kind ? &worker->kinds[kind] : NULL;
}

/* What the actor is, or was; NULL: there was none. Any thread: a block has one
 * kind from its first use on. */
static inline struct heph_kind *heph_kind_with(struct heph *heph,
					       struct heph_addr addr)
{
	struct heph_worker *worker = heph_worker_with(heph, addr);

	return worker && addr.id / HEPH_THREADS_MAX >= heph->first_serial ?
		       heph_kind_at(worker, addr.slot) :
		       NULL;
}

static inline bool heph_worker_alive(struct heph_worker *worker,
				     struct heph_addr addr)
{
	uint64_t place = atomic_load_explicit(&worker->places[addr.slot],
					      memory_order_acquire);

	return (place ^ addr.id) / HEPH_THREADS_MAX == 0;
}

static inline bool heph_worker_has(struct heph_worker *worker,
				   struct heph_addr addr, uint64_t bits)
{
	return atomic_load_explicit(&worker->places[addr.slot],
				    memory_order_relaxed) &
	       bits;
}

/* What other workers may know of an actor: 0, -EAGAIN (full), -ESRCH. */
static inline int heph_worker_room(struct heph_worker *worker,
				   struct heph_addr addr)
{
	if (!heph_worker_alive(worker, addr))
		return -ESRCH;
	return heph_worker_has(worker, addr, HEPH_PLACE_FULL) ? -EAGAIN : 0;
}

/* The same for those who have no lane. */
static inline int heph_worker_room_by_door(struct heph_worker *worker,
					   struct heph_addr addr)
{
	if (heph_worker_has(worker, addr, HEPH_PLACE_LANES) &&
	    heph_worker_alive(worker, addr))
		return -EAGAIN;
	return heph_worker_room(worker, addr);
}

/* The block of a local actor, if it has not ended; else NULL. */
static inline struct heph_self *heph_worker_find(struct heph_worker *worker,
						 uint64_t id, uint32_t slot)
{
	struct heph_self *self = &worker->selves[slot];

	return slot < worker->n_selves && self->id == id && id ? self : NULL;
}

/* Sends all that the lanes have unpublished. */
void heph_lanes_flush(struct heph_worker *from);

/* ---- who runs next: inline, on the path of every message --------------------- */

/* The number of the run queue of an actor with that priority. */
static inline unsigned heph_queue_of_priority(int priority)
{
	return (unsigned)(HEPH_HIGH - priority);
}

static inline struct heph_queue *heph_worker_queue(struct heph_worker *worker,
						   const struct heph_self *self)
{
	return &worker->ready[self->flags >> HEPH_FLAG_QUEUE];
}

HEPH_INLINE void heph_queue_push(struct heph_queue *queue,
				 struct heph_self *self)
{
	self->next = NULL;
	*queue->end = self;
	queue->end = &self->next;
}

/* The first one, which there is. */
HEPH_INLINE void heph_queue_pop(struct heph_queue *queue)
{
	queue->first = queue->first->next;
	if (!queue->first)
		queue->end = &queue->first;
}

/* Whether it goes into the queue that most actors go into. */
HEPH_INLINE bool heph_worker_usual(const struct heph_self *self)
{
	return self->flags >> HEPH_FLAG_QUEUE == HEPH_USUAL;
}

/* Puts an actor into the run queue. */
HEPH_INLINE void heph_worker_ready(struct heph_worker *worker,
				   struct heph_self *self)
{
	worker->n_unusual += !heph_worker_usual(self);
	heph_queue_push(heph_worker_queue(worker, self), self);
}

/* How many are in the run queues. */
unsigned heph_worker_count_ready(const struct heph_worker *worker);

static inline bool heph_worker_any_ready(const struct heph_worker *worker)
{
	return worker->ready[HEPH_USUAL].first ||
	       (heph_unlikely(worker->n_unusual) && heph_sched_any(worker));
}

/* Takes the actor whose turn it is out of its queue; NULL: nobody can run. */
HEPH_INLINE struct heph_self *heph_worker_next(struct heph_worker *worker)
{
	struct heph_queue *queue = &worker->ready[HEPH_USUAL];
	struct heph_self *self = queue->first;

	if (heph_unlikely(worker->n_unusual))
		return heph_sched_next(worker);
	if (self)
		heph_queue_pop(queue);
	return self;
}

/* Whether something is to be done before the running actor, `self`, suspends:
 * somebody else uses its context, lanes are to be flushed, queues to be shared.
 * One branch for all. */
HEPH_INLINE bool heph_worker_has_rare(const struct heph_worker *worker,
				      const struct heph_self *self)
{
	return ((uintptr_t)worker->thread.current ^ (uintptr_t)self) |
	       (uintptr_t)worker->dirty | worker->n_unusual;
}

/* The same as heph_worker_suspend_then(), whatever there is to do before. */
int heph_worker_suspend_slowly(struct heph_self *self, void *arg,
			       heph_coro_then *then);

/* Calls nothing but the switch, so that no frame stays on the stack. */
HEPH_INLINE int heph_worker_suspend_then(struct heph_self *self, void *arg,
					 heph_coro_then *then)
{
	struct heph_worker *worker = heph_worker_of(self);
	struct heph_self *next = worker->ready[HEPH_USUAL].first;

	if (heph_unlikely(!next || (next->flags & HEPH_FLAGS_BY_LOOP) ||
			  heph_worker_has_rare(worker, self) ||
			  worker->budget <= 1))
		return heph_worker_suspend_slowly(self, arg, then);
	heph_queue_pop(&worker->ready[HEPH_USUAL]);
	worker->budget--;
	worker->thread.current = next;
	HEPH_PROBE3(run, next->id, self->id, self->waiting);
	return heph_coro_switch_then(&self->coro, &next->coro, arg, then);
}

#endif
