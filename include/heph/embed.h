/* SPDX-License-Identifier: MIT */
/*
 * embed.h - a runtime inside a foreign event loop
 *
 * An embedded runtime has one worker and no thread: it runs on the thread that
 * made it, when the loop of that thread (epoll, poll, libuv, GLib ...) says so.
 * The loop watches one descriptor for reading, and calls heph_embed_run() when
 * it is readable:
 *
 *     heph_embed_new(&embed, NULL);
 *     heph_spawn(heph_embed_ctx(embed), ...);
 *     ... poll heph_embed_fd(embed) with the others; if it is readable:
 *     heph_embed_run(embed);
 *     ...
 *     heph_embed_free(embed);
 *
 * The descriptor is readable as long as there is something to do: completions,
 * timers, messages of other threads and runtimes, signals. It is not while all
 * actors wait: nothing runs then.
 *
 * The loop's callbacks have a context, heph_embed_ctx(), with which all calls
 * work as they do for a plain thread (runtime.h). What does not wait returns at
 * once, and what it began goes on in the next heph_embed_run(). What waits, runs
 * the worker meanwhile and nothing else: the other descriptors and timers of the
 * loop have to wait for it, so callbacks give their waits a short deadline, or
 * send and leave the waiting to an actor. Reading and writing descriptors
 * through this context blocks without running the worker. An actor has its own
 * context; used in an actor this one ends the process.
 *
 * SIGINT and SIGTERM are left to the program. Actors may take signals
 * (heph_on_signal()).
 *
 * A process may have several, on one thread or on several, besides runtimes of
 * heph_new(). All calls here are made by the thread that made it.
 */
#ifndef HEPH_EMBED_H
#define HEPH_EMBED_H

#include <heph/runtime.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_embed;

/*
 * Makes an embedded runtime. `config` may be NULL; `workers` in it is 0 or 1,
 * and `pin` and `no_signals` do not count. Not within an actor.
 * Returns 0; -EINVAL (a value is out of range), -ENOMEM, -EMFILE, -EAGAIN (too
 * many runtimes), and what else the kernel says.
 */
#define heph_embed_new(ret_embed, config)                                      \
	heph_raw_embed_new((ret_embed), (config), sizeof(struct heph_config))
HEPH_API HEPH_MUST int heph_raw_embed_new(struct heph_embed **ret_embed,
					  const struct heph_config *config,
					  size_t size);

/*
 * Stops all actors, runs them until they have ended, for as long as the grace
 * allows (it does not return to the loop meanwhile), and frees everything. Not
 * within an actor, nor while another thread is attached. NULL is fine.
 */
HEPH_API void heph_embed_free(struct heph_embed *embed);

/* The context of the loop's thread. */
HEPH_API heph_ctx heph_embed_ctx(struct heph_embed *embed);

/* The descriptor that is readable when there is something to do: for poll(2)
 * and alike, level-triggered; not to be read or closed. */
HEPH_API int heph_embed_fd(struct heph_embed *embed);

/*
 * Does what there is to do, but not more than a turn of it (`poll_ratio` actors);
 * does not block. May be called when there is nothing to do. Not within an actor.
 * Returns 1 if there is more to do at once (the descriptor stays readable); 0;
 * and after the runtime has ended by itself why it has: -ETIMEDOUT (the grace was
 * over), -ECHILD (an actor of the first level escalated).
 */
HEPH_API int heph_embed_run(struct heph_embed *embed);

/*
 * For a loop that calls before each poll(2) instead of letting the descriptor
 * tell the time: milliseconds until heph_embed_run() has something to do, if the
 * descriptor does not say so before; 0: now; -1: never. It is rounded up.
 */
HEPH_API int heph_embed_timeout(struct heph_embed *embed);

/* Asks all actors to stop, as the first SIGINT does elsewhere, and returns. The
 * loop goes on calling heph_embed_run(). */
HEPH_API void heph_embed_stop(struct heph_embed *embed);

/* Whether no actor is left. */
HEPH_API bool heph_embed_done(struct heph_embed *embed);

#ifdef __cplusplus
}
#endif
#endif
