/* SPDX-License-Identifier: MIT */
/*
 * router.h - actors that pass messages on
 *
 * A router takes the messages of a type and hands each to another actor: to one of
 * a group, to all of them, to whoever has a name, to whom a function says. It is
 * a reference like others, so it can be exported from a node under a name, and
 * who sends does not see what is behind it. Calls are passed on as calls.
 *
 *     err = heph_route_to_group(ctx, &ref, counter, &workers, HEPH_TO_ONE);
 *     err = heph_node_export(ctx, node, counter, ref, "workers");
 *
 * A router is a child of the caller. It awaits room in the inbox it passes a
 * message to, so its own is full when those are. What has nowhere to go is dropped
 * and counted, and a call fails with -ESRCH.
 */
#ifndef HEPH_REMOTE_ROUTER_H
#define HEPH_REMOTE_ROUTER_H

#include <heph/group.h>
#include <heph/remote/actor.h>
#include <heph/typed.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heph_route {
	HEPH_TO_ONE, /* by turns */
	HEPH_TO_ALL, /* copies, by the codec; a call goes to one, by turns */
};

/* A function that chooses: `msg` is one of the type, and stays the router's; it
 * returns a reference of that type, or { 0 } for nobody. Must not wait. */
typedef struct heph_addr heph_route_fn(void *user, const void *msg);

/* What a router does; filled in by the macros. */
struct heph_router {
	const struct heph_remote_actor *remote;
	const struct heph_group *group; /* copied */
	enum heph_route how;
	const char *name; /* of heph_register(); copied */
	heph_route_fn *fn;
	void *user;
};

/* Each: does not wait. Returns 0; what heph_spawn() does. */
HEPH_API HEPH_MUST int heph_raw_route(heph_ctx ctx,
				      const struct heph_router *router,
				      struct heph_addr *ret_addr);

/* heph_route_to_group(ctx, &ref, NAME, &group, HEPH_TO_ONE) */
#define heph_route_to_group(ctx, ret_ref, n_, group_, how_)                    \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_route_to_group");           \
		  _Static_assert(HEPH_SAME__(*(group_), n_##_group),           \
				 "heph_route_to_group: " #group_               \
				 " is not a " #n_ "_group *");                 \
		  heph_raw_route((ctx),                                        \
				 &(const struct heph_router){                  \
					 .remote = n_##_remote(),              \
					 .group = &(group_)->group,            \
					 .how = (how_) },                      \
				 &(ret_ref)->addr))

/* heph_route_to_name(ctx, &ref, NAME, "name"): to who has that name in this runtime
 * at the moment (heph_register()). */
#define heph_route_to_name(ctx, ret_ref, n_, name_)                            \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_route_to_name");            \
		  heph_raw_route((ctx),                                        \
				 &(const struct heph_router){                  \
					 .remote = n_##_remote(),              \
					 .name = (name_) },                    \
				 &(ret_ref)->addr))

/* heph_route_by(ctx, &ref, NAME, fn, user): fn is
 * NAME_ref fn(T *user, const <message> *msg). */
#define heph_route_by(ctx, ret_ref, n_, fn_, user_)                            \
	HEPH_DO__(HEPH_IS_REF__(n_, ret_ref, "heph_route_by");                 \
		  HEPH_STRICT__ n_##_ref (*const heph_f__)(                    \
			  __typeof__(user_), const n_##_msg__ *) = (fn_);      \
		  HEPH_END__                                                   \
		  heph_raw_route((ctx),                                        \
				 &(const struct heph_router){                  \
					 .remote = n_##_remote(),              \
					 .fn = (heph_route_fn *)(void *)heph_f__, \
					 .user = (user_) },                    \
				 &(ret_ref)->addr))

#ifdef __cplusplus
}
#endif
#endif
