/* SPDX-License-Identifier: MIT */
/*
 * A spawn on another worker is a request, with a copy of options and argument.
 * The watch that makes the new actor a child of the spawner is made before and
 * travels along, so nothing can fail after the actor has begun.
 */
#include <heph/actor.h>
#include <heph/message.h>

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/intensity.h"
#include "core/life.h"
#include "core/supervisor.h"
#include "core/request.h"
#include "core/mover.h"
#include "core/scope.h"
#include "core/stackrule.h"
#include "core/verdict.h"
#include "core/wait.h"
#include "core/watch.h"

struct order {
	struct heph_request request;
	struct heph_worker *worker;
	const struct heph_actor *type;
	struct heph_watch *watch, *hold; /* of the birth */
	struct heph_addr addr;
	alignas(16) unsigned char spawn[];
};

/* ---- the other worker ------------------------------------------------------ */

static void name(struct heph_watch *watch, struct heph_thread *thread,
		 struct heph_addr who)
{
	if (!watch)
		return;
	watch->thread = thread;
	watch->who = who;
}

/* On the worker that the actor goes to. */
static int begin(struct heph_worker *worker, const struct heph_birth *birth,
		 struct heph_addr *ret_addr)
{
	struct heph_fd give = heph_birth_options(birth)->give;
	struct heph_self *child;
	int err = heph_life_begin(worker, birth, &child);

	if (err < 0) {
		heph_solo_rest(worker);
		return err;
	}
	if (heph_unlikely(!heph_worker_ordinary(worker)))
		heph_solo_name(child);
	*ret_addr = heph_self_addr(child);
	name(birth->watch, &worker->thread, *ret_addr);
	name(birth->hold, &worker->thread, *ret_addr);
	if (give.turn)
		worker->thread.heph->driver->fd_attach(child, give);
	return 0;
}

static void on_order(struct heph_event *event)
{
	struct order *order =
		heph_container_of(event, struct order, request.event);
	const struct heph_birth birth = { .type = order->type,
					  .spawn = order->spawn,
					  .watch = order->watch,
					  .hold = order->hold };

	if (heph_request_claim(&order->request)) {
		heph_request_answer(&order->request,
				    begin(order->worker, &birth, &order->addr));
		return;
	}
	heph_solo_rest(order->worker);
	heph_mem_free(order);
}

/* ---- the spawner ----------------------------------------------------------- */

/* With a copy of the options, and of the name that they point to. */
static struct order *make_order(heph_ctx ctx, struct heph_worker *worker,
				const struct heph_birth *birth)
{
	const char *name = heph_birth_options(birth)->name;
	size_t size = birth->type->spawn_size;
	size_t name_size = name ? strlen(name) + 1 : 0;
	struct order *order =
		heph_mem_alloc_raw(sizeof(*order) + size + name_size);

	if (!order)
		return NULL;
	heph_request_init(&order->request, ctx.self, HEPH_WAIT_REQUEST,
			  on_order);
	order->worker = worker;
	order->type = birth->type;
	order->watch = birth->watch;
	order->hold = birth->hold;
	memcpy(order->spawn, birth->spawn, size);
	if (name)
		((struct heph_options *)(void *)order->spawn)->name =
			memcpy(order->spawn + size, name, name_size);
	return order;
}

static int order_spawn(heph_ctx ctx, struct heph_worker *worker,
		       const struct heph_birth *birth,
		       struct heph_addr *ret_addr)
{
	struct order *order = make_order(ctx, worker, birth);
	bool gone = false;
	int err;

	if (!order) {
		heph_solo_rest(worker);
		return -ENOMEM;
	}
	heph_request_send(&order->request, &worker->thread);
	err = heph_request_await(ctx, &order->request, &gone);
	if (err == 0)
		*ret_addr = order->addr;
	if (!gone)
		heph_mem_free(order);
	return err;
}

/* Nobody runs it yet, so it needs no order. */
static int begin_mover(struct heph_worker *worker,
		       const struct heph_birth *birth,
		       struct heph_addr *ret_addr)
{
	int err = begin(worker, birth, ret_addr);

	heph_mover_launch(worker);
	return err;
}

/* A plain thread is one for what it spawns in a scope. */
static bool is_parent(const struct heph_self *self)
{
	return self->kind || heph_scope_number(self);
}

static int spawn_there(heph_ctx ctx, struct heph_worker *worker,
		       struct heph_birth *birth, struct heph_addr *ret_addr)
{
	struct heph_watch *joined = birth->watch;
	int err;

	birth->parent = NULL;
	if (is_parent(ctx.self) && !heph_birth_options(birth)->detached) {
		if (!joined)
			birth->watch =
				heph_watch_new(ctx.self, HEPH_WATCH_PLAIN);
		if (!birth->watch) {
			heph_solo_give(worker);
			return -ENOMEM;
		}
		birth->watch->child = true;
	}
	if (worker->thread.moves)
		err = begin_mover(worker, birth, ret_addr);
	else
		err = order_spawn(ctx, worker, birth, ret_addr);
	if (err < 0 && birth->watch && !joined)
		heph_watch_forget(birth->watch);
	return err;
}

/* ---- both ------------------------------------------------------------------ */

static int refuse(const struct heph_actor *type, const char *what)
{
	heph_log_error("heph_spawn: out of range",
		       HEPH_KV_STR("type", type->name),
		       HEPH_KV_STR("option", what));
	return -EINVAL;
}

static const char *restarts_wrong(const struct heph_restarts *restarts)
{
	if (!restarts->times && (restarts->within || restarts->backoff ||
				 restarts->backoff_max || restarts->jitter))
		return "restarts: times, if there is anything else";
	return heph_restarts_wrong(restarts);
}

static const char *tree_wrong(heph_ctx ctx, const struct heph_birth *birth)
{
	const struct heph_options *options = heph_birth_options(birth);

	if (!options->tree)
		return options->restart ? "restart: without a tree" : NULL;
	if (options->detached || !ctx.self->kind || birth->watch)
		return "tree: not of threads, servers, or detached actors";
	if ((unsigned)options->restart > HEPH_TEMPORARY)
		return "restart: one of enum heph_restart_type";
	if (options->give.turn && options->restart != HEPH_TEMPORARY)
		return "give: to a child that is restarted";
	return heph_tree_wrong(options->tree);
}

static const char *phase_wrong(heph_ctx ctx, const struct heph_birth *birth)
{
	const struct heph_options *options = heph_birth_options(birth);

	if (options->phase > HEPH_PHASE_MAX)
		return "phase: 0 to 7";
	if (options->phase && ctx.self->kind && !options->detached)
		return "phase: of those without an actor for a parent";
	return NULL;
}

/* Most actors have none of the options that say who restarts or ends them. */
static bool cared_for(const struct heph_options *options)
{
	const struct heph_restarts *restarts = &options->restarts;

	return restarts->times | restarts->jitter | options->restart |
	       options->held | (options->tree != NULL) | options->phase |
	       (restarts->within | restarts->backoff | restarts->backoff_max);
}

static int check_care(heph_ctx ctx, const struct heph_birth *birth)
{
	const char *wrong =
		restarts_wrong(&heph_birth_options(birth)->restarts);

	if (!wrong)
		wrong = tree_wrong(ctx, birth);
	if (!wrong)
		wrong = phase_wrong(ctx, birth);
	return wrong ? refuse(birth->type, wrong) : 0;
}

static bool type_fits(const struct heph_actor *type)
{
	return type->abi == HEPH_ABI && type->size__ == sizeof(*type) &&
	       type->options_size == sizeof(struct heph_options);
}

static int check(heph_ctx ctx, const struct heph_birth *birth)
{
	const struct heph_options *options = heph_birth_options(birth);
	const struct heph_actor *type = birth->type;
	struct heph *heph = ctx.self->thread->heph;

	if (!type_fits(type))
		return refuse(type, "compiled for another version of heph");
	if (type->arg_size > HEPH_ARG_MAX)
		return refuse(type, "argument: 16384 bytes");
	if (options->inbox > HEPH_INBOX_MAX)
		return refuse(type, "inbox: 1 to 1048576");
	if (options->on < HEPH_NEXT ||
	    (options->on > 0 && (unsigned)options->on > heph->workers))
		return refuse(type, "on: a worker that there is, or HEPH_HERE, "
				    "HEPH_NEXT, HEPH_ANY, HEPH_OWN_THREAD");
	if (options->stack > HEPH_STACK_MAX)
		return refuse(type, "stack: 0 to 1073741824");
	if (options->priority < HEPH_LOW || options->priority > HEPH_HIGH)
		return refuse(type, "priority: HEPH_LOW to HEPH_HIGH");
	return 0;
}

/* The ordinary worker that an actor with these options goes to. */
static struct heph_worker *choose(heph_ctx ctx,
				  const struct heph_options *options)
{
	struct heph *heph = ctx.self->thread->heph;
	unsigned number;

	if (options->on > 0)
		number = (unsigned)options->on - 1;
	else if (options->on == HEPH_HERE && ctx.self->thread->moves)
		return heph_solo_near(ctx.self->thread);
	else
		number = atomic_fetch_add(&heph->turn, 1) % heph->workers;
	return (struct heph_worker *)heph_thread_of(heph, number);
}

/* Elsewhere, or where there is something to choose. */
static int spawn_far(heph_ctx ctx, struct heph_birth *birth,
		     struct heph_addr *ret_addr)
{
	const struct heph_options *options = heph_birth_options(birth);
	struct heph_worker *worker;
	int err = 0;

	if (options->on >= 0 || options->on == HEPH_NEXT ||
	    ctx.self->thread->heph->driver->alone)
		worker = choose(ctx, options);
	else
		err = heph_solo_take(ctx.self->thread->heph, birth->type,
				     options->on, &worker);
	if (err < 0)
		return err;
	if (ctx.self->thread == &worker->thread)
		return begin(worker, birth, ret_addr);
	return spawn_there(ctx, worker, birth, ret_addr);
}

static int spawn(heph_ctx ctx, struct heph_birth *birth,
		 struct heph_addr *ret_addr)
{
	const struct heph_options *options = heph_birth_options(birth);
	struct heph_self *self = ctx.self;

	if (!options->detached && self->kind && !options->tree)
		birth->parent = self;
	if (heph_likely(!options->on && self->kind &&
			self->thread->number != HEPH_SOLO))
		return begin(heph_worker_of(self), birth, ret_addr);
	return spawn_far(ctx, birth, ret_addr);
}

static int spawn_in_tree(heph_ctx ctx, struct heph_birth *birth,
			 struct heph_addr *ret_addr)
{
	const struct heph_options *options = heph_birth_options(birth);
	struct heph_supervisor *supervisor;
	struct heph_child *child;
	int err;

	supervisor = heph_supervisor_get(ctx.self, options->tree);
	child = supervisor ? heph_child_new(supervisor, birth->type, options) :
			     NULL;
	if (!child)
		return -ENOMEM;
	birth->watch = child->watch;
	err = spawn(ctx, birth, ret_addr);
	if (err < 0)
		heph_child_forget(child);
	return err;
}

static int spawn_held(heph_ctx ctx, struct heph_birth *birth,
		      struct heph_addr *ret_addr)
{
	const struct heph_options *options = heph_birth_options(birth);
	int err;

	if (options->held) {
		birth->hold = heph_watch_new(ctx.self, HEPH_WATCH_HOLD);
		if (!birth->hold)
			return -ENOMEM;
	}
	err = options->tree ? spawn_in_tree(ctx, birth, ret_addr) :
			      spawn(ctx, birth, ret_addr);
	if (err < 0 && birth->hold)
		heph_watch_forget(birth->hold);
	return err;
}

static int spawn_checked(heph_ctx ctx, struct heph_birth *birth,
			 struct heph_addr *ret_addr)
{
	struct heph_fd give = heph_birth_options(birth)->give;
	bool rare = heph_unlikely(cared_for(heph_birth_options(birth)));
	struct heph *heph;
	int err;

	heph_ctx_check(ctx, "heph_spawn");
	heph = ctx.self->thread->heph;
	err = check(ctx, birth);
	if (err == 0 && rare)
		err = check_care(ctx, birth);
	if (err == 0)
		heph_stackrule_check_arg(ctx.self, birth->type, birth->spawn);
	if (err == 0)
		err = heph_wait_allowed(ctx);
	if (err == 0 && give.turn)
		err = heph->driver->fd_detach(ctx, give);
	if (err < 0)
		return err;
	err = rare ? spawn_held(ctx, birth, ret_addr) :
		     spawn(ctx, birth, ret_addr);
	if (err < 0 && give.turn)
		heph->driver->fd_attach(ctx.self, give);
	return err;
}

/* Member by member: what lies between them may be anything. */
HEPH_INLINE bool has_options(const struct heph_options *options)
{
	return options->name || options->stack || options->give.turn ||
	       (options->inbox | (unsigned)options->on |
		(unsigned)options->priority | options->detached) ||
	       cared_for(options);
}

/* Most actors are spawned by one of the same worker, and without options. */
static bool is_plain(heph_ctx ctx, const struct heph_actor *type,
		     const void *it)
{
	const struct heph_self *self = ctx.self;

	return self && self->thread->current == self && self->kind &&
	       self->thread->number != HEPH_SOLO &&
	       !(self->flags & HEPH_FLAGS_REFUSE) && type_fits(type) &&
	       type->arg_size <= HEPH_ARG_MAX && !has_options(it) &&
	       !heph_verdict_wanted(type, it);
}

static int spawn_plain(heph_ctx ctx, const struct heph_actor *type,
		       const void *it, struct heph_addr *ret_addr)
{
	const struct heph_birth birth = {
		.type = type, .spawn = it, .parent = ctx.self, .plain = true
	};
	struct heph_self *child;
	int err;

	heph_stackrule_check_arg(ctx.self, type, it);
	err = heph_life_begin(heph_worker_of(ctx.self), &birth, &child);

	if (err == 0)
		*ret_addr = heph_self_addr(child);
	return err;
}

int heph_raw_spawn(heph_ctx ctx, const struct heph_actor *type, const void *it,
		   struct heph_addr *ret_addr)
{
	struct heph_birth birth = { .type = type, .spawn = it };
	struct heph_addr addr;
	int err;

	if (heph_likely(is_plain(ctx, type, it)))
		err = spawn_plain(ctx, type, it, &addr);
	else
		err = spawn_checked(ctx, &birth, &addr);
	if (err < 0)
		return err;
	if (ret_addr)
		*ret_addr = addr;
	/* Only who spawns on another worker is ready for others to run. */
	if (heph_likely(heph_birth_options(&birth)->on == HEPH_HERE))
		heph_worker_charge(ctx.self);
	else
		heph_worker_spend(ctx.self);
	return 0;
}

int heph_spawn_joined(heph_ctx ctx, const struct heph_actor *type,
		      const void *it, struct heph_watch **ret_watch)
{
	struct heph_birth birth = { .type = type, .spawn = it };
	struct heph_addr addr;
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	birth.watch = heph_watch_new(ctx.self, HEPH_WATCH_JOIN);
	if (!birth.watch)
		return -ENOMEM;
	err = spawn_checked(ctx, &birth, &addr);
	if (err < 0)
		heph_watch_forget(birth.watch);
	else
		*ret_watch = birth.watch;
	return err;
}
