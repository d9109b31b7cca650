/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * A router is an actor of the type that it routes, with another body, as a proxy is.
 * It takes a message, chooses, and hands it on: by heph_forward() if it is a call, so
 * that the one who gets it owes the answer.
 */
#include <heph/remote/router.h>

#include <heph/heph.h>

#include <stdlib.h>
#include <string.h>

#include "remote/like.h"
#include "remote/message.h"

/* What a router was made of; the actor's. */
struct plan {
	struct heph_router router;
	struct heph_addr *members;
	unsigned n_members;
	char *name;
};

struct heph_routing_arg {
	struct plan *plan;
};
HEPH_ACTOR(heph_routing, void, struct heph_routing_arg);

static void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->members);
	free(plan->name);
	free(plan);
}

static void drop_arg(struct heph_routing_arg *arg)
{
	plan_free(arg->plan);
}

/* ---- one message -------------------------------------------------------------------- */

struct route {
	heph_ctx ctx;
	const struct plan *plan;
	const struct heph_remote_actor *remote;
	size_t size;
	void *msg, *copy;
	struct heph_reply reply; /* of the message; call 0: nobody's */
	size_t reply_at;
	struct heph_group group; /* of those that are left */
	uint64_t dropped;
};

/* Waits. Returns 0: the message is away. */
static int pass(struct route *route, struct heph_addr to)
{
	if (!route->reply.call)
		return heph_raw_send(route->ctx, to, route->msg, route->size);
	return heph_raw_forward(heph_raw_for_caller(route->ctx, route->reply),
				to, route->msg, route->size, route->reply_at,
				route->reply);
}

static struct heph_addr named(const struct route *route)
{
	struct heph_addr to = { 0 };

	(void)!heph_raw_whereis(route->ctx, NULL, route->plan->name, &to);
	return to;
}

/* By turns; those that have ended leave the group. */
static int pass_by_turns(struct route *route)
{
	struct heph_addr to;
	int err = -ESRCH;

	while (err == -ESRCH && route->group.n > 0) {
		route->group.turn %= route->group.n;
		to = route->group.members[route->group.turn];
		err = pass(route, to);
		if (err == -ESRCH)
			heph_raw_group_remove(&route->group, to);
		else
			route->group.turn++;
	}
	return err;
}

/* Copies to all but the last, who gets the message itself. What cannot be copied or
 * delivered is left out, and counted. Returns 0: the message is away. */
static int pass_to_all(struct route *route)
{
	struct heph_group *group = &route->group;
	const struct heph_codec *codec = route->remote->msg();
	int err;

	heph_raw_group_remove_gone(group);
	for (unsigned i = 0; i + 1 < group->n; i++) {
		err = heph_codec_copy(codec, route->copy, route->msg);
		if (err == 0) {
			err = heph_raw_send(route->ctx, group->members[i],
					    route->copy, route->size);
			if (err < 0)
				heph_codec_drop(codec, route->copy);
		}
		if (err == -ECANCELED)
			return err;
		route->dropped += err < 0;
	}
	return group->n ?
		       heph_raw_send(route->ctx, group->members[group->n - 1],
				     route->msg, route->size) :
		       -ESRCH;
}

static int route_one(struct route *route)
{
	const struct heph_router *router = &route->plan->router;
	struct heph_addr to;

	if (router->group)
		return router->how == HEPH_TO_ALL && !route->reply.call ?
			       pass_to_all(route) :
			       pass_by_turns(route);
	to = router->fn ? router->fn(router->user, route->msg) : named(route);
	return to.id ? pass(route, to) : -ESRCH;
}

/* It has nowhere to go. */
static void give_up(struct route *route, int err)
{
	if (route->reply.call)
		heph_raw_refuse(route->reply, err);
	else if (route->dropped++ == 0)
		heph_log_warn("message has nowhere to go",
			      HEPH_KV_STR("type", route->remote->name),
			      HEPH_KV_ERR("err", err));
	route->remote->drop(route->msg);
}

/* ---- the actor ------------------------------------------------------------------------- */

static int fill_group(heph_ctx ctx, struct route *route)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < route->plan->n_members; i++)
		err = heph_raw_group_add(ctx, &route->group,
					 route->plan->members[i]);
	return err;
}

static int routing_main(heph_ctx ctx, heph_routing_inbox in,
			struct heph_routing_arg *arg)
{
	const struct plan *plan = arg->plan;
	const struct heph_remote_actor *remote = plan->router.remote;
	struct route route = { .ctx = ctx,
			       .plan = plan,
			       .remote = remote,
			       .size = remote->msg()->size };
	int err = fill_group(ctx, &route);

	route.msg = heph_alloc(ctx, route.size);
	route.copy = heph_alloc(ctx, route.size);
	if (!route.msg || !route.copy)
		err = -ENOMEM;
	while (err == 0) {
		err = heph_raw_recv(ctx, in.inbox, route.msg, route.size);
		if (err < 0)
			break;
		route.reply =
			heph_message_reply(remote, route.msg, &route.reply_at);
		err = route_one(&route);
		if (err < 0)
			give_up(&route, err);
		if (err != -ECANCELED)
			err = 0;
	}
	return err;
}

HEPH_ACTOR_MAIN(heph_routing, routing_main, .drop_arg = drop_arg);

/* ---- making one -------------------------------------------------------------------------- */

static int plan_group(struct plan *plan, const struct heph_group *group)
{
	size_t size = group->n * sizeof(*group->members);

	plan->members = malloc(size ? size : 1);
	if (!plan->members)
		return -ENOMEM;
	if (size)
		memcpy(plan->members, group->members, size);
	plan->n_members = group->n;
	return 0;
}

static struct plan *plan_new(const struct heph_router *router)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	int err = plan ? 0 : -ENOMEM;

	if (err == 0) {
		plan->router = *router;
		if (router->group)
			err = plan_group(plan, router->group);
	}
	if (err == 0 && router->name) {
		plan->name = strdup(router->name);
		err = plan->name ? 0 : -ENOMEM;
	}
	if (err == 0)
		return plan;
	plan_free(plan);
	return NULL;
}

int heph_raw_route(heph_ctx ctx, const struct heph_router *router,
		   struct heph_addr *ret_addr)
{
	const struct heph_actor *type;
	struct heph_routing_spawn spawn = { .first__ = 0 };
	int err;

	if (!router->remote->msg ||
	    !(router->group || router->name || router->fn))
		return -EINVAL;
	type = heph_like(router->remote, &heph_routing_actor);
	spawn.arg.plan = type ? plan_new(router) : NULL;
	if (!spawn.arg.plan)
		return -ENOMEM;
	err = heph_raw_spawn(ctx, type, &spawn, ret_addr);
	if (err < 0)
		plan_free(spawn.arg.plan);
	return err;
}
