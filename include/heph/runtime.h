/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - starting and ending the runtime, plain threads, numbers
 *
 * A runtime is a set of workers: threads, one for each core, that share
 * nothing and run the actors spawned on them. Several may live in a process.
 *
 *     heph_run(&config, app, { .port = 7000 })       a main program in a line
 *
 * or, where main() wants to hold the reins:
 *
 *     heph_new(&ctx, &config);  heph_spawn(ctx, ...);
 *     heph_drain(ctx);          heph_free(ctx);
 *
 * SIGINT and SIGTERM ask the first-level actors to stop, those that have no
 * actor for a parent, unless an actor takes the signal itself (see
 * heph_on_signal()). When the grace is over, or a second one comes, the
 * runtime ends at once: what still runs is listed and abandoned. A worker that
 * is stuck in an actor then, or an operation that the kernel cannot cancel,
 * ends the process. SIGQUIT prints all actors (inspect.h), SIGUSR2 the numbers
 * (metrics.h).
 *
 * The threads of a runtime block all signals but those of faults (and workers
 * SIGVTALRM, by which stalls are found), and a program
 * that an actor starts inherits that: give it another mask
 * (posix_spawnattr_setsigmask(3), or sigprocmask(2) before exec).
 */
#ifndef HEPH_RUNTIME_H
#define HEPH_RUNTIME_H

#include <heph/actor.h>
#include <heph/sched.h>
#include <heph/timers.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_WORKERS_MAX = 512,
	HEPH_RUNTIMES_MAX = 256,
	HEPH_SPIN_OFF = -1,
};

/* All zero is right for most programs. config.h reads it from the environment and
 * from a file. */
struct heph_config {
	const char *name;  /* default: that of the program */
	unsigned workers;  /* 0: one for each core that we may use */
	bool pin;          /* tie each worker to a core, node by node of memory */
	bool no_signals;   /* leave SIGINT, SIGTERM, SIGQUIT, SIGUSR2 alone */
	heph_time grace;   /* from the first request to stop to the end; 0: 8 s */
	unsigned actors;   /* on each worker at most; 0: 16 million */
	unsigned poll_ratio; /* actors run between two looks at the kernel; 0: 64 */
	unsigned slots; /* stacks that the actors of a worker share, 1 to 65,536;
			 * 0: 1,024. The environment's HEPH_SLOTS goes first */
	size_t buffers; /* bytes of each worker for what arrives, 64 KiB to 1 GiB;
			 * 0: 1 MiB. Of io_uring; see heph_stats().buffers */
	const char *driver; /* "uring", "epoll"; NULL: io_uring if it works here,
			     * else epoll. The environment's HEPH_DRIVER goes
			     * first */
	heph_time spin; /* how long a worker that was often woken at once looks
			 * for work before it sleeps, at most 1 ms; 0: 50 us;
			 * HEPH_SPIN_OFF: it sleeps at once */
	unsigned inbox; /* of actors without `.inbox`: messages, 1 to 2^20; 0: 64 */
	const struct heph_timers *timers; /* of <heph/timers.h>, in place of the
					   * wheel; NULL: that */
	const struct heph_scheduler *scheduler; /* of <heph/sched.h>; NULL: the
						 * default */
	heph_time max_run; /* actors run between two looks at the kernel, in all;
			    * 0: 5 ms. One that runs is not interrupted */
	heph_time stall; /* an actor that runs for so long without waiting is
			  * reported to standard error, once, with a backtrace;
			  * 0: 1 s; HEPH_NEVER: none is */
	heph_time run_limit; /* after which the process ends with such a report;
			      * 0: never */
	const char *trace; /* a new file for what happens, see <heph/trace.h>; NULL:
			    * none. The environment's HEPH_TRACE goes first */
	const char *control; /* where `heph top` and others ask what it does: the
			      * path of a Unix socket, a directory for it, or
			      * "auto"; NULL: nowhere. The environment's
			      * HEPH_CONTROL goes first; see heph(1) */
};

/*
 * Starts a runtime and gives the calling thread a context: all calls work for
 * it, and its waits block the thread. `config` may be NULL.
 * Returns 0; -EINVAL (a value is out of range: the log says which); -ENOMEM,
 * -EAGAIN (no more threads), -EMFILE, and what else the kernel says; with
 * "uring" wanted, what keeps it from working: -EPERM, -ENOSYS, -EOPNOTSUPP (the
 * kernel is too old), and others;
 * with `control`: -EADDRINUSE (another program listens there), -EEXIST, -EPERM
 * (something else is there), -ENAMETOOLONG, -EBUSY, -EOPNOTSUPP (this library has
 * none), and others: the log says why.
 */
#define heph_new(ret_ctx, config)                                              \
	heph_raw_new((ret_ctx), (config), sizeof(struct heph_config))
HEPH_API HEPH_MUST int heph_raw_new(heph_ctx *ret_ctx,
				    const struct heph_config *config,
				    size_t size);

/*
 * Waits. Until no actor is left. Only by plain threads: -EDEADLK. Returns 0;
 * -EINTR (a second SIGINT or SIGTERM ended the runtime), -ETIMEDOUT (the grace
 * was over), -ECHILD (one of the first level escalated); -ETIME; -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_drain(heph_ctx ctx);

/*
 * Asks all actors to stop, waits for them as long as the grace allows, ends
 * the workers and frees everything. By the thread that called heph_new(), when
 * no other thread is attached. A context { 0 } is fine.
 */
HEPH_API void heph_free(heph_ctx ctx);

/* The runtime that a context belongs to; valid until heph_free() of that. */
HEPH_API struct heph *heph_runtime(heph_ctx ctx);

/* Gives the calling thread a context of its own. Returns 0; -EAGAIN (more than
 * 1,024, with the workers); -ENOMEM; -EOPNOTSUPP (a simulated runtime).
 * heph_detach(), by the same thread, takes it back, with all that the thread has
 * acquired through it: its actors are stopped and awaited. */
HEPH_API HEPH_MUST int heph_attach(struct heph *heph, heph_ctx *ret_ctx);
HEPH_API void heph_detach(heph_ctx ctx);

/* heph_run(config, NAME[, argument][, .option = ...]): starts a runtime, one
 * actor in it, and waits until no actor is left. Returns what the actor
 * returned, or the runtime's own error. Not within an actor. */
HEPH_API HEPH_MUST int heph_raw_run(const struct heph_config *config, size_t size,
				    const struct heph_actor *actor,
				    const void *spawn);

/* heph_run_on_each(ctx, NAME[, argument][, .option = ...]): waits. Spawns an
 * actor on each worker, with a copy of the argument (so a type whose argument
 * owns something does not fit), and waits until all of them have ended; a
 * failed spawn, a deadline or a stop stops those that run. Returns 0, or
 * the first error of spawning, or the first that one of them returned. */
HEPH_API HEPH_MUST int heph_raw_run_on_each(heph_ctx ctx,
					    const struct heph_actor *actor,
					    const void *spawn, size_t size);

/* How many workers there are. */
HEPH_API unsigned heph_workers(heph_ctx ctx);

/* What its input and output goes through: "uring", "epoll"; "test" in the kit of
 * <heph/test.h>. The text is static. */
HEPH_API const char *heph_driver_name(heph_ctx ctx);

/* ---- numbers ------------------------------------------------------------- */

/* What is there now, and what has happened since the start; the sum over all
 * workers. Read without stopping them, so not from one moment. */
struct heph_stats {
	/* now */
	uint64_t actors;      /* not ended */
	uint64_t messages;    /* in inboxes and under way */
	uint64_t descriptors; /* open */
	uint64_t operations;  /* in flight */
	uint64_t buffers;     /* lent to operations or holding data */
	uint64_t timers;      /* armed */
	uint64_t calls;       /* waiting for an answer */
	uint64_t stacks;      /* in use */
	uint64_t slots;       /* those of them that actors share */
	uint64_t bytes;       /* in records, messages and arenas in use */
	/* since the start */
	uint64_t spawned, ended, failed, restarted, panicked;
	uint64_t sent, received;   /* messages */
	uint64_t posts_dropped;    /* heph_post() found it full or gone */
	uint64_t unread_dropped;   /* left in an inbox at the end of an actor */
	uint64_t late_answers;     /* nobody waited any more */
	uint64_t polls, sleeps, wakes; /* of the workers */
	uint64_t system_calls;     /* io_uring_enter(2) and alike */
	uint64_t bounced;          /* bytes copied for I/O on actors' stacks */
	uint64_t displaced;        /* actors copied away from their stacks */
	uint64_t overflows; /* looks at a ring that had no room for all that was done */
};

/* Adds them up. Does not wait. By the owner of the context. */
HEPH_API struct heph_stats heph_stats(heph_ctx ctx);

/* The same about the actors of one type. They share stacks: one that is about to
 * run where the frames of another one are displaces that one, which is copied. */
struct heph_type_stats {
	uint64_t alive;     /* now */
	uint64_t spawned;   /* since the start, and so are all of these */
	uint64_t displaced; /* so often the frames of one were copied away */
	uint64_t live_mean; /* bytes of its stack that one used then */
	uint64_t live_max;
	bool own_stacks; /* one used so much that new ones do not share */
};

/* heph_type_stats(ctx, NAME): what a runtime knows of a type of actor, the sum over
 * its workers; zeros if there was none of it. Does not wait; by the owner of the
 * context. Read without stopping the workers, so not from one moment. */
#define heph_type_stats(ctx, name)                                             \
	heph_raw_type_stats((ctx), &name##_actor)
HEPH_API struct heph_type_stats
heph_raw_type_stats(heph_ctx ctx, const struct heph_actor *actor);

#ifdef __cplusplus
}
#endif
#endif
