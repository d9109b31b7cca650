/* SPDX-License-Identifier: MIT */
/*
 * refs.h - what can be done to references: compare, adapt, turn into one
 * another
 *
 * An adapter is a reference that takes messages of another type: a function
 * makes from each of them a message of the type that the actor understands.
 * All else that is done to it is done to the actor: it can be stopped, joined,
 * asked whether it is alive, called. An adapter may lead to another one, up to
 * 16 of them.
 *
 * These are the untyped functions. Programs use the macros of typed.h, which
 * have the same names without `raw_`.
 */
#ifndef HEPH_REFS_H
#define HEPH_REFS_H

#include <heph/actor.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- identity ------------------------------------------------------------ */

/* Whether two references, of any type, lead to the same actor, directly or
 * through adapters. Any thread. */
#define heph_same(a, b) heph_raw_same((a).addr, (b).addr)
HEPH_API bool heph_raw_same(struct heph_addr a, struct heph_addr b);

/* The number of an actor, or of an adapter, for logs: never used again in this
 * process. */
#define heph_id(ref) ((uint64_t)(ref).addr.id)

/* ---- adapters ------------------------------------------------------------ */

enum {
	HEPH_MAP_VALUE_MAX = 64, /* bytes of the value of an adapter */
	HEPH_MAP_DEPTH_MAX = 16, /* adapters on the way to an actor */
};

/* An adapter in the making. */
struct heph_mapping {
	struct heph_addr target;
	const void *fn;    /* the address of a pointer to the function */
	const void *drop;  /* the same, of the one that drops; NULL: none */
	const void *value; /* NULL: the function takes none */
	size_t value_size;
	size_t from_size, to_size; /* of the messages */
};

/*
 * heph_map(ctx, &ret_ref, target, fn[, value]): an adapter. Where `ret_ref` is
 * a reference that takes messages B and `target` one that takes messages A, fn
 * is
 *
 *     int fn(const B *from, A *to[, const V *value])
 *
 * It fills `to`, which is all zero. A negative number that it returns becomes
 * the result of the send, and the target hears nothing of it. It runs on the
 * thread of each sender, on several at a time: it must not wait, and must keep
 * nothing but what it writes to `to`. `value` is plain data of 64 bytes at
 * most, copied into the adapter.
 *
 * What `from` owns may move to `to`; nothing may be freed or acquired, because
 * a send that fails after that has not given `from` away: then `to` is
 * forgotten, and what was sent is still the sender's.
 *
 * A call goes through too, if fn says heph_carry_reply(to->answer,
 * from->answer); if it does not, the call fails with -EINVAL.
 *
 * heph_map_owning(ctx, &ret_ref, target, fn, drop[, value]): the same for
 * messages that own something: a message that heph_post() cannot deliver is
 * given to void drop(B *msg). Without one it is just counted.
 *
 * The adapter belongs to the caller and ends with it, or by heph_unmap(); then
 * a send to it is -ESRCH. Returns 0; -ESRCH (the target has ended); -ELOOP
 * (more than 16 adapters one after the other); -EAGAIN (more than 2^20 adapters
 * in all); -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_raw_map(heph_ctx ctx,
				    const struct heph_mapping *mapping,
				    struct heph_addr *ret_addr);

/* Ends an adapter that the caller has made, before its time. Returns 0; -ESRCH
 * (it has ended, or is somebody else's). */
#define heph_unmap(ctx, ref) heph_raw_unmap((ctx), (ref).addr)
HEPH_API int heph_raw_unmap(heph_ctx ctx, struct heph_addr addr);

#ifdef __cplusplus
}
#endif
#endif
