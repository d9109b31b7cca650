/* SPDX-License-Identifier: MIT */
/*
 * actor.h - the life of an actor: spawning, stopping, joining
 *
 * An actor is a function that waits. It is spawned by another actor, its
 * parent, or by a plain thread through a context of its own. It ends when its
 * function returns, and never outlives its parent unless it was spawned
 * `.detached`. When it ends, in this order: its children are stopped and
 * awaited; its operations are cancelled and awaited; what it acquired is
 * given back, the latest first; callers that it owes an answer get -EPIPE; its
 * memory is freed. Then its supervisor decides, or it is gone.
 *
 * The names here are the untyped half. Programs use the macros of typed.h.
 */
#ifndef HEPH_ACTOR_H
#define HEPH_ACTOR_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- spawning ------------------------------------------------------------ */

/*
 * Where an actor runs. On a worker it stays there: cheap, and right for most.
 *
 * HEPH_ANY       By turns on whichever worker has time, so it is never stuck
 *                behind another actor that computes for long. While operations
 *                of it are in flight it stays where they were begun. Its
 *                messages go from thread to thread, each costs some 200 ns; it
 *                has a stack of its own. Across a wait it may come to another
 *                thread: keep no address of a thread-local variable, errno's
 *                among them, and hold no lock. Its priority does not matter.
 * HEPH_OWN_THREAD A thread of its own, on which it may block: in system calls,
 *                in a library, in a computation. The thread has the actor's
 *                name. To spawn one costs a thread, until those of actors of
 *                the same type that have ended are used again; a message costs
 *                a sleep and a wake-up, tens of us, if it waits. A stop does
 *                not interrupt what blocks: it is seen by the next wait. What
 *                still blocks when the grace is over ends the process.
 *
 * Both do and are all that other actors do and are. At most 255 calls of one
 * wait at a time, and there are at most 2^18 of both in a runtime. What they
 * spawn with HEPH_HERE goes to a worker: that which runs the one that moves, or
 * by turns. heph_serve(), heph_serve_on_each() and heph_run_on_each() choose
 * where the actors run by themselves, whatever `.on` says.
 */
enum {
	HEPH_HERE = 0,        /* with its parent; of a thread: by turns */
	HEPH_ANY = -1,        /* moves from worker to worker */
	HEPH_OWN_THREAD = -2, /* on a thread that may block */
	HEPH_NEXT = -3,       /* on a worker, by turns; then it stays there */
};
#define HEPH_WORKER(n) ((n) + 1) /* on worker n, counted from 0 */

enum { HEPH_ARG_MAX = 1 << 14 }; /* bytes of an argument; it is on the stack */

/*
 * The stack of an actor. Without the option the actors of a worker share some
 * stacks of 64 KiB: what one has on its stack is put away when another one needs
 * the place while it waits. So nobody else may use an address of an actor's
 * stack while the actor waits. It costs a copy of that, some hundred bytes, at
 * some switches; actors of a type that was seen to wait with more than 4 KiB get
 * stacks of their own from then on.
 *
 * `.stack` gives the actor a stack that is its alone, of that many bytes, or of
 * 64 KiB with HEPH_STACK_OWN; it costs a page of memory at least. Actors that
 * move, and those with their own thread (1 MiB), have one in any case.
 */
enum { HEPH_STACK_OWN = 1, HEPH_STACK_MAX = 1 << 30 };

/*
 * When a runtime is asked to stop it asks the actors of the first level, those
 * without an actor for a parent, and phase by phase: first those of phase 0, as
 * they all are unless `.phase` says something else; when they have ended, with
 * their children, those of the next phase that there are; and so on. So what
 * others use to the last, a store for example, gets a later phase than those. All
 * of that is within the grace of the runtime, which is not begun anew. Who begins
 * when its phase has come is asked to stop at once.
 */
enum { HEPH_PHASE_MAX = 7 };

enum { HEPH_LOW = -1, HEPH_NORMAL = 0, HEPH_HIGH = 1 };

/* What a supervisor says to a failure. */
enum heph_verdict {
	HEPH_RESTART,  /* run the function again, with the same inbox */
	HEPH_STOP,     /* let it end */
	HEPH_ESCALATE, /* let it end, and fail its parent with -ECHILD */
};

/* As often as it fails. */
#define HEPH_UNLIMITED UINT32_MAX

enum { HEPH_RESTARTS_MAX = 1024 };

/*
 * How often, and how soon, an actor is restarted: when it has been restarted
 * more than `times` within the time `within` (as Erlang counts), it ends. So a
 * pause that is long beside `within` keeps it from ever being too many.
 */
struct heph_restarts {
	unsigned times;   /* 1 to 1024, or HEPH_UNLIMITED; 0: not restarted */
	heph_time within; /* 0: 5 seconds; HEPH_NEVER: in its whole life */
	heph_time backoff;     /* the pause before the first restart; 0: none */
	heph_time backoff_max; /* it doubles each time, up to this, and starts
				  again when a life was longer than `within`;
				  0: it does not grow */
	unsigned jitter; /* 0 to 100: percent of a pause that are random */
};

/* Which ends of a child its supervisor does not accept (tree.h). */
enum heph_restart_type {
	HEPH_TRANSIENT, /* it is restarted when it has failed */
	HEPH_PERMANENT, /* always, also when its function returned 0 */
	HEPH_TEMPORARY, /* never */
};

struct heph_tree;

#define HEPH_OPTIONS__                                                         \
	const char *name;   /* default: that of the type; it is copied */      \
	unsigned inbox;     /* messages, 1 to 2^20; 0: 64 */                   \
	int on;             /* HEPH_HERE, HEPH_WORKER(n), _ANY, _OWN_THREAD */ \
	int priority;       /* HEPH_LOW, HEPH_NORMAL, HEPH_HIGH */             \
	bool detached;      /* the runtime is its parent */                    \
	struct heph_fd give; /* becomes the child's, if it starts */           \
	struct heph_restarts restarts; /* when it fails */                     \
	bool held;          /* ends when nobody holds it: heph_hold() */       \
	struct heph_tree *tree; /* of the parent, which supervises it */       \
	enum heph_restart_type restart; /* by that */                          \
	size_t stack;       /* bytes, HEPH_STACK_OWN; 0: what is needed */     \
	unsigned phase      /* in which it is stopped, 0 to 7, of the end */

struct heph_options {
	HEPH_OPTIONS__;
};

/* The queue of messages in front of an actor. */
struct heph_inbox;

/* Its name in object files is what a linker says where that was forgotten. */
#define HEPH_ACTOR_SYMBOL__(name_) #name_ "_actor_by_HEPH_ACTOR_MAIN"

/*
 * What the runtime must know of a type of actor; made by HEPH_ACTOR_MAIN().
 * The functions get pointers to values of the actor's own types.
 */
struct heph_actor {
	size_t size__; /* of this struct */
	unsigned abi;  /* HEPH_ABI; another one is refused */
	const char *name;
	size_t msg_size; /* 0: takes no messages */
	size_t arg_size, arg_at;
	size_t spawn_size, decide_at, options_size;
	int (*entry)(heph_ctx ctx, struct heph_inbox *inbox, void *arg);
	void (*drop)(void *msg);     /* NULL: messages own nothing */
	void (*drop_arg)(void *arg); /* NULL: the argument owns nothing */
	/* 0 or a negative errno; -EINVAL: they own something and cannot be
	 * copied. NULL: that if there is `drop`, else they are copied as they
	 * are. */
	int (*copy)(void *to, const void *from);
	enum heph_verdict (*decide)(const void *spawn,
				    const struct heph_exit *why, void *arg);
	/* Of which it is another body, for the same messages; NULL: it is its own.
	 * heph_whereis() takes it for one of that type. */
	const struct heph_actor *like;
};

/*
 * Waits, if the actor goes to another worker: for one round trip. Starts an
 * actor; `spawn` is the actor type's own struct of options and argument, which
 * is copied. With `ret_addr` NULL nobody learns its address.
 * Returns 0; -ENOMEM; -EAGAIN (too many actors); -EINVAL (an option is out of
 * range, or the type was compiled for another version); -EBADF (`give` is not
 * the caller's); -ETIME, -ECANCELED; with HEPH_OWN_THREAD also -EOPNOTSUPP (the
 * runtime has no threads: it lives in another loop) and what the kernel says to
 * one more thread and one more ring, -EAGAIN and -EMFILE for example. The
 * argument is the actor's after 0 and still the caller's after anything else.
 */
HEPH_API HEPH_MUST int heph_raw_spawn(heph_ctx ctx,
				      const struct heph_actor *actor,
				      const void *spawn,
				      struct heph_addr *ret_addr);

/* ---- any reference ------------------------------------------------------- */

/*
 * Asks an actor to stop: its current wait and all later ones return
 * -ECANCELED (but see heph_shield()). Returns at once; nothing happens if it
 * is gone. Any thread. Not in a signal handler.
 */
#define heph_stop(ref) heph_raw_stop((ref).addr)
HEPH_API void heph_raw_stop(struct heph_addr addr);

/* Whether the actor has not ended. Once false it stays false; true says
 * nothing about the next moment. Any thread. */
#define heph_alive(ref) heph_raw_alive((ref).addr)
HEPH_API bool heph_raw_alive(struct heph_addr addr);

/*
 * Waits. Until the actor has ended; restarts are not an end. With `ret_exit`,
 * which may be NULL, it tells why; of an actor that had ended before the call
 * that is not known any more, and `ret_exit->err` is -ESRCH.
 * An actor of another runtime is looked at each millisecond, and it is not known
 * why it ended: -ESRCH.
 * Returns 0; -ETIME, -ECANCELED; -ENOMEM; -EDEADLK (its own end).
 */
#define heph_join(ctx, ref, ret_exit)                                          \
	heph_raw_join((ctx), (ref).addr, (ret_exit))
HEPH_API HEPH_MUST int heph_raw_join(heph_ctx ctx, struct heph_addr addr,
				     struct heph_exit *ret_exit);

/* ---- the running actor --------------------------------------------------- */

/* The name of the actor, or thread, that `ctx` belongs to; valid until it has
 * ended. */
HEPH_API const char *heph_name(heph_ctx ctx);

/* The number of the worker it runs on, at the moment; -1 for a plain thread and
 * an actor on its own thread. */
HEPH_API int heph_worker(heph_ctx ctx);

/* Whether it was asked to stop. */
HEPH_API bool heph_stopping(heph_ctx ctx);

/*
 * Ends the actor at once, as a failure with `err` -ENOTRECOVERABLE and the
 * text as its note. Its frames are abandoned: what it acquired from the
 * runtime is given back, what its functions hold otherwise (malloc, locks,
 * cleanup attributes) is not. It must not cross frames of a library that
 * calls back. Called by a plain thread, or inside a drop or clean-up function,
 * it ends the process.
 */
#define heph_panic(ctx, ...)                                                   \
	heph_raw_panic((ctx), __FILE__, __LINE__, __VA_ARGS__)
HEPH_API HEPH_NORETURN void heph_raw_panic(heph_ctx ctx, const char *file,
					   int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Panics if `expr` does not hold. Never compiled out. */
#define heph_check(ctx, expr)                                                  \
	(__builtin_expect(!!(expr), 1) ?                                       \
		 (void)0 :                                                     \
		 heph_panic(ctx, "check failed: %s", #expr))

#ifdef __cplusplus
}
#endif
#endif
