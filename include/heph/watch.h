/* SPDX-License-Identifier: MIT */
/*
 * watch.h - what becomes of other actors: monitors, links, holds
 *
 * A monitor tells when an actor has ended; a link makes two actors fail
 * together; a hold keeps an actor, spawned `.held`, from ending. All take any
 * reference to an actor of the same runtime, on any worker. A restart is not an
 * end, but for links: they are between two lives, and a restart ends one.
 *
 * What an actor made of these goes when it ends or is restarted. Nothing is
 * allocated when something occurs, so nothing of it is ever lost. All functions
 * are called by the owner of the context, and only heph_link() waits.
 */
#ifndef HEPH_WATCH_H
#define HEPH_WATCH_H

#include <heph/message.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- monitors ------------------------------------------------------------ */

/* An actor has ended, and why. */
struct heph_down {
	heph_ref who;
	struct heph_exit exit;
};

/*
 * Asks to be told of the end of an actor: exactly one down comes for it, which
 * a clause heph_on_down() takes; until then it is kept. If the actor had ended
 * before, it comes at once, with `exit.err` -ESRCH. Two monitors of an actor
 * are two downs. Returns 0; -ENOMEM; -EXDEV (it is of another runtime).
 */
#define heph_monitor(ctx, ref) heph_raw_monitor((ctx), (ref).addr)
HEPH_API HEPH_MUST int heph_raw_monitor(heph_ctx ctx, struct heph_addr addr);

/* Undoes the latest monitor of that actor, and takes its down away, if it has
 * come. Returns 0; -ENOENT (there is none). */
#define heph_demonitor(ctx, ref) heph_raw_demonitor((ctx), (ref).addr)
HEPH_API int heph_raw_demonitor(heph_ctx ctx, struct heph_addr addr);

/* A clause: when a down has come. Takes the oldest one; `ret_down` may be
 * NULL. */
static inline struct heph_on heph_on_down(struct heph_down *ret_down)
{
	struct heph_on on = heph_on_time(0);

	on.what = HEPH_ON_DOWN__;
	on.ret = ret_down;
	return on;
}

/*
 * A clause: when that actor has ended, as heph_join() would tell; `ret_exit`
 * may be NULL. It need not have been spawned or monitored by the caller.
 * heph_wait() may return besides: -EDEADLK (its own end); -EXDEV.
 */
#define heph_on_join(ref, ret_exit) heph_raw_on_join((ref).addr, (ret_exit))
static inline struct heph_on heph_raw_on_join(struct heph_addr addr,
					      struct heph_exit *ret_exit)
{
	struct heph_on on = heph_on_time(0);

	on.what = HEPH_ON_JOIN__;
	on.who = addr;
	on.ret = ret_exit;
	return on;
}

/* ---- links --------------------------------------------------------------- */

/*
 * Waits, if the other actor is on another worker: for one round trip. Links two
 * actors: when one ends with an error, or is restarted after one, so does the
 * other. Its waits return -ECANCELED, unless they are shielded, and it ends
 * with the same error and a note that names who failed; that is a failure like
 * others, which its supervisor decides about and which goes along its own
 * links. If one ends with 0 the link is gone, and no more. An exit that comes
 * to an actor which is ending already has no effect.
 * Returns 0; -EEXIST (they are linked already); -ESRCH (it is gone); -EDEADLK
 * (itself); -ENOMEM; -ETIME, -ECANCELED; -EXDEV (it is of another runtime);
 * -EOPNOTSUPP (by a plain thread).
 */
#define heph_link(ctx, ref) heph_raw_link((ctx), (ref).addr)
HEPH_API HEPH_MUST int heph_raw_link(heph_ctx ctx, struct heph_addr addr);

/* Undoes a link, whoever made it. Nothing of it acts on the caller any more; on
 * the other one, if it is on another worker, not for long. Returns 0; -ENOENT
 * (they are not linked). */
#define heph_unlink(ctx, ref) heph_raw_unlink((ctx), (ref).addr)
HEPH_API int heph_raw_unlink(heph_ctx ctx, struct heph_addr addr);

/* With `trap` the ends of linked actors, good ones as well, do not act on the
 * caller but come as downs. It holds until the actor is restarted. */
HEPH_API void heph_trap_exits(heph_ctx ctx, bool trap);

/* ---- holds --------------------------------------------------------------- */

/*
 * Holds an actor. One that was spawned `.held` is stopped when nobody holds it
 * any more and it waits for a message: so it has received all that were sent
 * before the last hold was given back, and done what it does about them. (One
 * that takes no messages is stopped at once. One that fails then, or waits for
 * a restart, is not restarted unless it has messages to receive.) A hold that
 * is made before that keeps it going. Whoever spawned it has the first hold. What
 * is still under way to it from others then is dropped and counted.
 *
 * A hold of an actor that was not spawned `.held` has no effect on it. Each
 * call makes a hold of its own. Returns 0; -ESRCH (it is gone); -ENOMEM; -EXDEV
 * (it is of another runtime).
 */
#define heph_hold(ctx, ref) heph_raw_hold((ctx), (ref).addr)
HEPH_API HEPH_MUST int heph_raw_hold(heph_ctx ctx, struct heph_addr addr);

/* Gives a hold of the caller's back. Returns 0; -ENOENT (it has none; or the
 * actor has ended). */
#define heph_release(ctx, ref) heph_raw_release((ctx), (ref).addr)
HEPH_API int heph_raw_release(heph_ctx ctx, struct heph_addr addr);

#ifdef __cplusplus
}
#endif
#endif
