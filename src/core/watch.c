/* SPDX-License-Identifier: MIT */
/*
 * What travels between two threads, each at most once and in this order:
 *
 *     event    ->  register: the watch is put into the actor's list, or comes
 *                  back at once because the actor has ended
 *     cancel   ->  it is taken out of the list, if it is still there
 *     event    <-  down: the actor has ended
 *     cancel   <-  cancelled: nothing else will come
 *
 * A door is first-in first-out for each thread that pushes, so `cancel` finds
 * the registration done, and `cancelled` comes after a `down` that was sent
 * before. On one thread all of these are function calls.
 */
#include "core/watch.h"

#include <heph/time.h>

#include <stdio.h>

#include "core/child.h"
#include "core/lane.h"
#include "core/life.h"
#include "core/map.h"
#include "core/scope.h"
#include "core/timers.h"
#include "core/wait.h"

#define ABROAD_EVERY HEPH_MSEC /* look whether one of another runtime lives */

static void on_register(struct heph_event *event);
static void on_cancel(struct heph_event *event);

static bool is_owned(const struct heph_watch *watch)
{
	return watch->use == HEPH_WATCH_MONITOR ||
	       watch->use == HEPH_WATCH_HOLD;
}

static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	(void)ctx;
	heph_watch_free(heph_container_of(owned, struct heph_watch, owned));
}

struct heph_watch *heph_watch_new(struct heph_self *watcher,
				  enum heph_watch_use use)
{
	struct heph_ext *ext = heph_self_extend(watcher);
	struct heph_watch *watch;

	if (!ext)
		return NULL;
	watch = heph_pool_take(&watcher->thread->pool, sizeof(*watch));
	if (!watch)
		return NULL;
	*watch = (struct heph_watch){
		.event.fn = on_register,
		.cancel.fn = on_cancel,
		.owned.undo = undo,
		.watcher = watcher,
		.by = watcher->id,
		.home = watcher->thread,
		.scope = heph_scope_number(watcher),
		.use = (uint8_t)use,
	};
	heph_list_init(&watch->by_watched);
	heph_list_push_back(is_owned(watch) ? &ext->owned : &ext->watching,
			    &watch->owned.node);
	return watch;
}

void heph_watch_forget(struct heph_watch *watch)
{
	heph_list_remove(&watch->owned.node);
	heph_pool_give(&watch->home->pool, watch, sizeof(*watch));
}

/* The latest owned watch of `self` for that use, of that actor, or NULL. */
static struct heph_watch *find_owned(struct heph_self *self,
				     enum heph_watch_use use,
				     struct heph_addr who)
{
	struct heph_owned *owned;
	struct heph_watch *watch;
	struct heph_list *node;

	if (!self->ext)
		return NULL;
	for (node = self->ext->owned.prev; node != &self->ext->owned;
	     node = node->prev) {
		owned = heph_container_of(node, struct heph_owned, node);
		if (owned->undo != undo)
			continue;
		watch = heph_container_of(owned, struct heph_watch, owned);
		if (watch->use == use && watch->who.id == who.id)
			return watch;
	}
	return NULL;
}

/* ---- the watcher's thread ------------------------------------------------- */

void heph_watch_keep_down(struct heph_watch *watch)
{
	struct heph_self *watcher = watch->watcher;

	heph_list_push_back(&watcher->ext->downs, &watch->by_watched);
	heph_wake(watcher, HEPH_WAIT_WATCH);
}

static void use_down(struct heph_watch *watch)
{
	switch (watch->use) {
	case HEPH_WATCH_JOIN:
		if (watch->left)
			heph_watch_forget(watch);
		else
			heph_wake(watch->watcher, HEPH_WAIT_WATCH);
		break;
	case HEPH_WATCH_MONITOR:
		heph_watch_keep_down(watch);
		break;
	case HEPH_WATCH_LINK:
		heph_link_came_back(watch);
		break;
	default:
		heph_watch_forget(watch);
	}
}

static void on_down(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, event);
	struct heph_self *watcher = watch->watcher;
	bool child = watch->child, escalate = watch->escalate;
	struct heph_child *record = watch->record;

	watch->down = true;
	if (watch->forgotten)
		return; /* on_cancelled() comes after this */
	if (child)
		heph_scope_child_ended(watcher, watch->scope, watch->exit.err);
	use_down(watch);
	if (record)
		heph_child_down(record);
	if (child)
		heph_life_child_ended(watcher, escalate);
}

/* Nothing of it is under way any more, and nobody waits for it. */
static void on_cancelled(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, cancel);

	heph_pool_give(&watch->home->pool, watch, sizeof(*watch));
}

int heph_watch_possible(struct heph_self *self, struct heph_addr who)
{
	return who.node != self->thread->heph->node && heph_raw_alive(who) ?
		       -EXDEV :
		       0;
}

void heph_watch_start(struct heph_watch *watch, struct heph_addr who)
{
	struct heph *heph = watch->home->heph;
	struct heph_worker *worker =
		who.node == heph->node ? heph_worker_with(heph, who) : NULL;

	watch->who = who;
	if (!worker || !heph_worker_alive(worker, who)) {
		watch->exit.err = -ESRCH;
		on_down(&watch->event);
		return;
	}
	watch->thread = &worker->thread;
	if (watch->thread == watch->home)
		on_register(&watch->event);
	else
		heph_thread_post(watch->thread, &watch->event);
}

/* Whether ending it takes a way through a door. That of a hold always does,
 * so that holds and messages that were under way before are there before. */
static bool is_far(const struct heph_watch *watch)
{
	if (watch->down || !watch->thread)
		return false;
	return watch->thread != watch->home || watch->use == HEPH_WATCH_HOLD;
}

void heph_watch_free(struct heph_watch *watch)
{
	if (is_far(watch)) {
		watch->forgotten = true;
		heph_list_remove(&watch->owned.node);
		if (watch->use == HEPH_WATCH_HOLD &&
		    heph_thread_has_lanes(watch->home, watch->thread))
			heph_lanes_flush((struct heph_worker *)watch->home);
		heph_thread_post(watch->thread, &watch->cancel);
		return;
	}
	heph_list_remove(&watch->by_watched);
	heph_watch_forget(watch);
}

int heph_watch_undo(struct heph_self *self, enum heph_watch_use use,
		    struct heph_addr who)
{
	struct heph_watch *watch =
		find_owned(self, use, heph_addr_resolve(who));

	if (!watch)
		return -ENOENT;
	heph_watch_free(watch);
	return 0;
}

void heph_watch_leave(struct heph_watch *watch)
{
	if (watch->child && !watch->down)
		watch->left = true;
	else
		heph_watch_free(watch);
}

/* ---- the watched actor's thread ------------------------------------------- */

static struct heph_self *find_watched(const struct heph_watch *watch)
{
	return heph_worker_find((struct heph_worker *)watch->thread,
				watch->who.id, watch->who.slot);
}

void heph_watch_send_back(struct heph_watch *watch)
{
	if (watch->home == heph_thread_current) {
		on_down(&watch->event);
	} else {
		watch->event.fn = on_down;
		heph_thread_post(watch->home, &watch->event);
	}
}

/* Who cannot be extended for lack of memory is looked for in the thread's list
 * when it ends. Holds come first: so it is seen at once whether there are any. */
void heph_watch_attach(struct heph_watch *watch, struct heph_self *watched)
{
	struct heph_ext *ext = heph_self_extend(watched);
	struct heph_list *list = ext ? &ext->watchers : &watched->thread->loose;

	if (watch->use == HEPH_WATCH_HOLD) {
		heph_list_push_front(list, &watch->by_watched);
		watched->flags &= (uint16_t)~HEPH_FLAG_UNHELD;
	} else {
		heph_list_push_back(list, &watch->by_watched);
	}
}

static void on_register(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, event);
	struct heph_self *self = find_watched(watch);

	if (self) {
		heph_watch_attach(watch, self);
	} else {
		watch->exit.err = -ESRCH;
		heph_watch_send_back(watch);
	}
}

static void on_cancel(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, cancel);

	if (watch->use == HEPH_WATCH_HOLD)
		heph_hold_released(watch, find_watched(watch));
	heph_list_remove(&watch->by_watched);
	watch->cancel.fn = on_cancelled;
	heph_thread_post(watch->home, &watch->cancel);
}

static void tell(struct heph_watch *watch, const struct heph_exit *exit,
		 bool escalate)
{
	heph_list_remove(&watch->by_watched);
	watch->exit = *exit;
	watch->escalate = escalate;
	heph_watch_send_back(watch);
}

static void tell_loose(struct heph_thread *thread, uint64_t id,
		       const struct heph_exit *exit)
{
	struct heph_list *node, *next;
	struct heph_watch *watch;

	heph_list_each_safe(node, next, &thread->loose) {
		watch = heph_container_of(node, struct heph_watch, by_watched);
		if (watch->who.id == id)
			tell(watch, exit, false);
	}
}

void heph_watches_notify(struct heph_self *self, uint64_t id,
			 const struct heph_exit *exit, bool escalate)
{
	struct heph_list *node;

	heph_links_notify(self, exit);
	while (self->ext && (node = heph_list_first(&self->ext->watchers)))
		tell(heph_container_of(node, struct heph_watch, by_watched),
		     exit, escalate);
	if (!heph_list_empty(&self->thread->loose))
		tell_loose(self->thread, id, exit);
}

void heph_links_notify(struct heph_self *self, const struct heph_exit *exit)
{
	struct heph_list *node, *next;
	struct heph_watch *watch;

	if (!self->ext)
		return;
	heph_list_each_safe(node, next, &self->ext->watchers) {
		watch = heph_container_of(node, struct heph_watch, by_watched);
		if (watch->use != HEPH_WATCH_LINK)
			continue;
		snprintf(watch->name, sizeof(watch->name), "%s",
			 heph_self_name(self));
		tell(watch, exit, false);
	}
}

/* ---- joining ---------------------------------------------------------------- */

int heph_watch_join(heph_ctx ctx, struct heph_watch *watch,
		    struct heph_exit *ret_exit)
{
	int err = 0;

	watch->since = heph_recently();
	watch->number = 0;
	while (err == 0 && !watch->down)
		err = heph_wait_about(ctx, HEPH_WAIT_WATCH, watch);
	if (!watch->down)
		return err;
	*ret_exit = watch->exit;
	heph_watch_free(watch);
	return 0;
}

static int join(heph_ctx ctx, struct heph_addr addr, struct heph_exit *ret_exit)
{
	struct heph_watch *watch = heph_watch_new(ctx.self, HEPH_WATCH_JOIN);
	int err;

	if (!watch)
		return -ENOMEM;
	heph_watch_start(watch, addr);
	err = heph_watch_join(ctx, watch, ret_exit);
	if (err < 0)
		heph_watch_free(watch);
	return err;
}

/* Nothing is told across runtimes. */
static int join_abroad(heph_ctx ctx, struct heph_addr addr)
{
	int err = 0;

	while (err == 0 && heph_raw_alive(addr))
		err = heph_sleep(ctx, ABROAD_EVERY);
	return err;
}

static bool is_self(heph_ctx ctx, struct heph_addr addr)
{
	return ctx.self->id && ctx.self->id == addr.id &&
	       addr.node == ctx.self->thread->heph->node;
}

int heph_raw_join(heph_ctx ctx, struct heph_addr addr,
		  struct heph_exit *ret_exit)
{
	struct heph_exit exit = { .err = -ESRCH };
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	addr = heph_addr_resolve(addr);
	if (is_self(ctx, addr))
		return -EDEADLK;
	if (addr.node != ctx.self->thread->heph->node)
		err = join_abroad(ctx, addr);
	else if (heph_raw_alive(addr))
		err = join(ctx, addr, &exit);
	if (err == 0 && ret_exit)
		*ret_exit = exit;
	return err;
}

int heph_join_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_watch *watch = clause->begun;
	struct heph_exit *ret_exit = clause->on->ret;

	(void)ctx;
	if (watch ? !watch->down : heph_raw_alive(clause->on->who))
		return 0;
	if (ret_exit)
		*ret_exit = watch ? watch->exit :
				    (struct heph_exit){ .err = -ESRCH };
	return 1;
}

int heph_join_begin(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_addr who = heph_addr_resolve(clause->on->who);
	int err = heph_watch_possible(ctx.self, who);

	if (err < 0)
		return err;
	if (is_self(ctx, who))
		return -EDEADLK;
	clause->begun = heph_watch_new(ctx.self, HEPH_WATCH_JOIN);
	if (!clause->begun)
		return -ENOMEM;
	heph_watch_start(clause->begun, who);
	return 0;
}

void heph_join_end(heph_ctx ctx, struct heph_clause *clause)
{
	(void)ctx;
	heph_watch_free(clause->begun);
}
