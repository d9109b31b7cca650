/* SPDX-License-Identifier: MIT */
/*
 * inspect.h - seeing inside a program that runs: its actors, what each of them
 * waits for, and who waits for whom in a circle
 *
 *     heph_inspect(ctx, &(struct heph_inspect_filter){ .type = "conn" }, print, NULL);
 *     heph_dump(heph_runtime(ctx), STDERR_FILENO);
 *
 * It is always there and costs nothing until it is asked: a worker is asked by
 * an event at its door, copies what there is of some actors, and lets others
 * run before it copies the next. So what is seen of one actor is from one
 * moment, and two actors may be from different ones. A worker that does not
 * answer, because an actor does not come back from its function, is seen as
 * that: the actor that runs there is visited with HEPH_STATE_STUCK, and the
 * others of that worker are not.
 *
 * SIGQUIT prints the dump to standard error, unless config.no_signals is set
 * or an actor takes the signal itself.
 */
#ifndef HEPH_INSPECT_H
#define HEPH_INSPECT_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph;

enum {
	HEPH_INFO_NAME = 48,  /* bytes of a name that are kept, with its end */
	HEPH_INFO_TEXT = 192, /* of a text */
	HEPH_INFO_OPERATION = 24,
};

enum heph_actor_state {
	HEPH_STATE_RUNNING,    /* it runs right now, or asks */
	HEPH_STATE_READY,      /* it will, when its turn comes */
	HEPH_STATE_WAITING,    /* see `wait` */
	HEPH_STATE_ENDING,     /* it gives back what it acquired; it may wait */
	HEPH_STATE_RESTARTING, /* it failed, and waits to be begun again */
	HEPH_STATE_STUCK,      /* it runs, and its worker does not answer */
	HEPH_STATES,
};

/* What it waits for. */
enum heph_wait_kind {
	HEPH_WAITS_NOT,      /* for nothing: it runs or is ready */
	HEPH_WAITS_MESSAGE,  /* any message */
	HEPH_WAITS_SELECTED, /* heph_recv_where(): one that matches */
	HEPH_WAITS_ROOM,     /* in the inbox of `on` */
	HEPH_WAITS_ANSWER,   /* to its call, by `on` */
	HEPH_WAITS_JOIN,     /* the end of `on` */
	HEPH_WAITS_DOWN,     /* heph_on_down(): of any that it monitors */
	HEPH_WAITS_CHILD,    /* the end of a child; `on` if it must end first */
	HEPH_WAITS_SUPERVISOR, /* `on` decides whether it is begun again */
	HEPH_WAITS_OPERATION,  /* `operation`, perhaps on a descriptor */
	HEPH_WAITS_SIGNAL,     /* of the process */
	HEPH_WAITS_CHANNEL,    /* something in it, or room */
	HEPH_WAITS_ONESHOT,    /* its value */
	HEPH_WAITS_NAME,       /* an actor that registers it */
	HEPH_WAITS_THREAD,     /* another worker: to spawn there, to link */
	HEPH_WAITS_INSPECTION, /* heph_inspect() and alike */
	HEPH_WAITS_TIME,       /* `deadline` alone: it sleeps */
	HEPH_WAITS_STOP,       /* nothing but to be stopped */
	HEPH_WAITS,
};

/*
 * What is known of an actor. All of it is copied: it stays as it is when the
 * actor ends.
 */
struct heph_actor_info {
	heph_ref ref;
	heph_ref parent;           /* { 0 }: the runtime */
	char name[HEPH_INFO_NAME]; /* cut off if it is longer */
	char type[HEPH_INFO_NAME];
	int worker;   /* the number; where it is now, or was last, if it
			  * moves; -1: it has a thread of its own */
	int priority; /* HEPH_LOW, HEPH_NORMAL, HEPH_HIGH */
	bool moves;   /* between workers */
	bool own_thread;
	bool stopping; /* it was asked to stop */
	bool shielded; /* it waits all the same; see heph_shield() */

	enum heph_actor_state state;
	enum heph_wait_kind wait; /* the first of `waits` */
	uint32_t waits; /* bits 1u << HEPH_WAITS_...: the clauses of heph_wait() */
	heph_ref on;    /* the actor that it waits on; { 0 }: no certain one */
	char on_name[HEPH_INFO_NAME];        /* its name or, if it is on another
					      * worker, its type's; or empty */
	char operation[HEPH_INFO_OPERATION]; /* "read", "accept"; or empty */
	int fd;               /* the descriptor's number; -1: none */
	heph_time deadline;   /* when it stops waiting; HEPH_NEVER */
	heph_time since;      /* when it began to wait; 0: not known */
	uint64_t wait_number; /* another one in each wait for an answer, for room,
			       * for an end; 0: not known */

	uint32_t inbox, capacity; /* messages in it; it takes. 0: takes none */
	uint64_t received;        /* messages, since its start */
	uint32_t restarts;        /* so often */
	uint32_t children;        /* now */
	uint32_t owed;       /* calls that it received and has not answered */
	uint32_t watchers;   /* monitors, joins, links and holds of others */
	uint32_t operations; /* in flight */
	size_t stack;        /* bytes in use, of one that does not run */
	size_t stack_size;   /* bytes that it may use */
	size_t arena;        /* bytes of its arena */
	size_t messages;     /* bytes of those in its inbox */
	char text[HEPH_INFO_TEXT]; /* "waits for the answer of store#12291, at
				    * most 0.500 s" */
};

/* Which actors are visited. All zero: all of them. */
struct heph_inspect_filter {
	const char *name, *type; /* NULL: any */
	unsigned states;         /* bits 1u << HEPH_STATE_...; 0: any */
	unsigned waits;     /* bits 1u << HEPH_WAITS_...: one of them; 0: any */
	bool one_worker;    /* only those of `worker` */
	int worker;         /* -1: those with a thread of their own */
	heph_time patience; /* with a worker that does not answer; 0: 1 second */
};

/* Called for each actor, on the thread and the stack of who asked. `info` is
 * good until it returns. False: that was enough. It may not wait. */
typedef bool heph_inspect_fn(void *arg, const struct heph_actor_info *info);

/*
 * Waits. Visits the actors of the runtime that `ctx` belongs to, in no certain
 * order; those that begin or end meanwhile, or move, may be visited or not.
 * `filter` NULL is all. By actors and by plain threads. The one that asks is seen
 * as waiting for that (HEPH_WAITS_INSPECTION).
 * Returns 0, also if an actor that is stuck keeps a worker from answering; -EBUSY
 * (a worker did not answer, as the machine is busy: not all were visited);
 * -ENOMEM; -ETIME, -ECANCELED.
 */
HEPH_API HEPH_MUST int heph_inspect(heph_ctx ctx,
				    const struct heph_inspect_filter *filter,
				    heph_inspect_fn *visit, void *arg);

/* The same, by any thread that is none of an actor, with or without a context;
 * it blocks the thread, which must not be one that runs a worker. Nobody calls
 * heph_free() meanwhile. */
HEPH_API HEPH_MUST int
heph_inspect_from_outside(struct heph *heph,
			  const struct heph_inspect_filter *filter,
			  heph_inspect_fn *visit, void *arg);

/*
 * Waits. Tells of one actor: heph_actor_info(ctx, ref, &info). Returns 0;
 * -ESRCH (it has ended, or is of another runtime); -EBUSY (its worker did not
 * answer within a second: `ret_info` tells of the actor that runs there);
 * -ENOMEM; -ETIME, -ECANCELED.
 */
#define heph_actor_info(ctx, ref, ret_info)                                    \
	heph_raw_actor_info((ctx), (ref).addr, (ret_info))
HEPH_API HEPH_MUST int heph_raw_actor_info(heph_ctx ctx, struct heph_addr addr,
					   struct heph_actor_info *ret_info);

/* "waiting", "answer": one word for a name in a table. Static. */
HEPH_API const char *heph_state_name(enum heph_actor_state state);
HEPH_API const char *heph_wait_kind_name(enum heph_wait_kind wait);

/* Writes what it does into `text`, as `info->text` has it, but as of now.
 * Returns how long that is; it is cut off at `size`. */
HEPH_API size_t heph_info_say(const struct heph_actor_info *info, char *text,
			      size_t size);

/* ---- waits that never end ------------------------------------------------- */

enum { HEPH_CYCLE_MAX = 16 };

/*
 * Actors that wait in a circle: each for the next, the last one for the first.
 * Each waits for an answer, for room, or for an end, and for nothing else. No
 * reports of circles that were none: each was looked at twice, and all of them
 * were waiting all the time between.
 */
struct heph_cycle {
	unsigned n;         /* actors in it, also if these are more than fit */
	bool ends;          /* a deadline will end it */
	heph_time deadline; /* the first of them; HEPH_NEVER */
	struct heph_actor_info actors[HEPH_CYCLE_MAX];
	char text[1024]; /* "a#1025 waits for the answer of b#2049, ..." */
};

typedef bool heph_cycle_fn(void *arg, const struct heph_cycle *cycle);

/* Waits. Looks for such circles and visits each once. Returns how many there
 * are; errors as heph_inspect(). */
HEPH_API HEPH_MUST int heph_find_cycles(heph_ctx ctx, heph_cycle_fn *visit,
					void *arg);

/* ---- everything, as text -------------------------------------------------- */

/*
 * Writes all of it to a descriptor of the system: the runtime, its workers, a
 * table of the actors, circles. Of many actors of one type that wait for the
 * same kind of thing ten are listed, and the others counted. By any thread but
 * those that run actors, as it blocks; within an actor use heph_dump_by(), which
 * waits. Works while workers are stuck.
 * Returns 0; -ENOMEM; what write(2) says; -EDEADLK (within an actor).
 */
HEPH_API HEPH_MUST int heph_dump(struct heph *heph, int fd);

/* Waits, but for the descriptor. The same, by an actor or a thread with a
 * context. Also -ETIME, -ECANCELED. */
HEPH_API HEPH_MUST int heph_dump_by(heph_ctx ctx, int fd);

#ifdef __cplusplus
}
#endif
#endif
