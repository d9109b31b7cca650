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

/* ---- names --------------------------------------------------------------- */

/* Those that wait say so. All are called by the owner of the context. */
enum { HEPH_NAME_MAX = 255 }; /* bytes of a registered name, at least 1 */

/*
 * Gives an actor, or an adapter, of this runtime a name that others find it
 * by. Mostly an actor registers heph_self(in). The name belongs to the caller,
 * and goes when the caller ends or restarts, when the named one has ended, or
 * by heph_unregister(). Who waits for the name is woken.
 * Returns 0; -EEXIST (the name leads to another one, or to this one already);
 * -EINVAL (it is empty or too long); -ESRCH (the actor has ended); -EXDEV (it
 * is of another runtime); -ENOMEM.
 */
#define heph_register(ctx, ref, name)                                          \
	heph_raw_register((ctx), (ref).addr, (name))
HEPH_API HEPH_MUST int heph_raw_register(heph_ctx ctx, struct heph_addr addr,
					 const char *name);

/* Takes a name away, whoever has registered it. Returns 0; -ENOENT. */
HEPH_API int heph_unregister(heph_ctx ctx, const char *name);

/*
 * heph_whereis(ctx, NAME, "name", &ref): finds the actor of that name, which is
 * of type NAME. Returns 0; -ENOENT (there is none, or it has ended);
 * -EPROTOTYPE (it is of another type, or an adapter). `type` NULL: of any.
 */
HEPH_API HEPH_MUST int heph_raw_whereis(heph_ctx ctx,
					const struct heph_actor *type,
					const char *name,
					struct heph_addr *ret_addr);

/* Finds what has that name, of any type. Returns 0; -ENOENT. */
HEPH_MUST static inline int heph_whereis_any(heph_ctx ctx, const char *name,
					     heph_ref *ret_ref)
{
	return heph_raw_whereis(ctx, NULL, name, &ret_ref->addr);
}

/*
 * heph_await_name(ctx, NAME, "name", &ref): waits until there is an actor of
 * that name, which may be at once. Returns 0; -EPROTOTYPE (but it is of another
 * type); -EINVAL (no name is so); -ETIME, -ECANCELED; -ENOMEM.
 */
HEPH_API HEPH_MUST int heph_raw_await_name(heph_ctx ctx,
					   const struct heph_actor *type,
					   const char *name,
					   struct heph_addr *ret_addr);

/* Waits. The same for one of any type. */
HEPH_MUST static inline int heph_await_any_name(heph_ctx ctx, const char *name,
						heph_ref *ret_ref)
{
	return heph_raw_await_name(ctx, NULL, name, &ret_ref->addr);
}

struct heph_named {
	char name[HEPH_NAME_MAX + 1];
	heph_ref ref;
};

/* All names at this moment, in the order of their bytes, up to `max` of them.
 * Returns how many there are, which may be more; -ENOMEM. */
HEPH_API HEPH_MUST int heph_names(heph_ctx ctx, struct heph_named *ret_names,
				  size_t max);

/* ---- untyped ones -------------------------------------------------------- */

/*
 * heph_cast(ref, NAME, &typed): from a reference to any actor to one that
 * messages can be sent to. Any thread. Returns 0; -ESRCH (it has ended);
 * -EPROTOTYPE (it is of another type, or an adapter).
 */
HEPH_API HEPH_MUST int heph_raw_cast(struct heph_addr addr,
				     const struct heph_actor *type,
				     struct heph_addr *ret_addr);

/* For tools: what has that number in this runtime, see heph_id(). Looks through
 * a table. Returns 0; -ESRCH. */
HEPH_API HEPH_MUST int heph_ref_of(heph_ctx ctx, uint64_t id,
				   heph_ref *ret_ref);

#ifdef __cplusplus
}
#endif
#endif
