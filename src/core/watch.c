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

#include "core/life.h"
#include "core/wait.h"

static void on_register(struct heph_event *event);
static void on_cancel(struct heph_event *event);

struct heph_watch *heph_watch_new(struct heph_self *watcher)
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
		.watcher = watcher,
		.home = watcher->thread,
	};
	heph_list_init(&watch->by_watched);
	heph_list_push_back(&ext->watching, &watch->by_watcher);
	return watch;
}

void heph_watch_forget(struct heph_watch *watch)
{
	heph_list_remove(&watch->by_watcher);
	heph_pool_give(&watch->home->pool, watch, sizeof(*watch));
}

/* ---- the watcher's thread ------------------------------------------------- */

static void on_down(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, event);
	struct heph_self *watcher = watch->watcher;
	bool child = watch->child, escalate = watch->escalate;

	watch->down = true;
	if (watch->forgotten)
		return; /* on_cancelled() comes after this */
	if (watch->joined)
		heph_wake(watcher, HEPH_WAIT_WATCH);
	else
		heph_watch_forget(watch);
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

void heph_watch_start(struct heph_watch *watch, struct heph_thread *thread,
		      struct heph_addr who)
{
	watch->thread = thread;
	watch->who = who;
	if (thread == watch->home)
		on_register(&watch->event);
	else
		heph_thread_post(thread, &watch->event);
}

void heph_watch_free(struct heph_watch *watch)
{
	if (!watch->down && watch->thread && watch->thread != watch->home) {
		watch->forgotten = true;
		heph_list_remove(&watch->by_watcher);
		heph_thread_post(watch->thread, &watch->cancel);
		return;
	}
	heph_list_remove(&watch->by_watched);
	heph_watch_forget(watch);
}

void heph_watch_leave(struct heph_watch *watch)
{
	if (watch->child && !watch->down)
		watch->joined = false;
	else
		heph_watch_free(watch);
}

/* ---- the watched actor's thread ------------------------------------------- */

static void send_back(struct heph_watch *watch)
{
	if (watch->home == heph_thread_current) {
		on_down(&watch->event);
	} else {
		watch->event.fn = on_down;
		heph_thread_post(watch->home, &watch->event);
	}
}

int heph_watch_attach(struct heph_watch *watch, struct heph_self *watched)
{
	struct heph_ext *ext = heph_self_extend(watched);

	if (!ext)
		return -ENOMEM;
	heph_list_push_back(&ext->watchers, &watch->by_watched);
	return 0;
}

static void on_register(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, event);
	struct heph_self *self =
		heph_worker_find((struct heph_worker *)watch->thread,
				 watch->who.id, watch->who.slot);
	int err = self ? heph_watch_attach(watch, self) : -ESRCH;

	if (err < 0) {
		watch->exit = (struct heph_exit){ .err = err };
		send_back(watch);
	}
}

static void on_cancel(struct heph_event *event)
{
	struct heph_watch *watch =
		heph_container_of(event, struct heph_watch, cancel);

	heph_list_remove(&watch->by_watched);
	watch->cancel.fn = on_cancelled;
	heph_thread_post(watch->home, &watch->cancel);
}

void heph_watches_notify(struct heph_self *self, const struct heph_exit *exit,
			 bool escalate)
{
	struct heph_watch *watch;
	struct heph_list *node;

	while (self->ext &&
	       (node = heph_list_pop_front(&self->ext->watchers))) {
		watch = heph_container_of(node, struct heph_watch, by_watched);
		watch->exit = *exit;
		watch->escalate = escalate;
		send_back(watch);
	}
}

/* ---- public ---------------------------------------------------------------- */

int heph_watch_join(heph_ctx ctx, struct heph_watch *watch,
		    struct heph_exit *ret_exit)
{
	int err = 0;

	while (err == 0 && !watch->down)
		err = heph_wait_for(ctx, HEPH_WAIT_WATCH);
	if (!watch->down)
		return err;
	*ret_exit = watch->exit;
	heph_watch_free(watch);
	return 0;
}

static int join(heph_ctx ctx, struct heph_thread *thread, struct heph_addr addr,
		struct heph_exit *ret_exit)
{
	struct heph_watch *watch = heph_watch_new(ctx.self);
	int err;

	if (!watch)
		return -ENOMEM;
	watch->joined = true;
	heph_watch_start(watch, thread, addr);
	err = heph_watch_join(ctx, watch, ret_exit);
	if (err < 0)
		heph_watch_free(watch);
	else if (ret_exit->err == -ENOMEM && heph_raw_alive(addr))
		err = -ENOMEM; /* it could not be watched */
	return err;
}

int heph_raw_join(heph_ctx ctx, struct heph_addr addr,
		  struct heph_exit *ret_exit)
{
	struct heph_thread *self_thread = ctx.self->thread;
	struct heph_exit exit = { .err = -ESRCH };
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	if (ctx.self->id && ctx.self->id == addr.id &&
	    addr.node == self_thread->heph->node)
		return -EDEADLK;
	if (addr.node != self_thread->heph->node && heph_raw_alive(addr))
		return -EXDEV;
	if (heph_raw_alive(addr))
		err = join(ctx,
			   &heph_worker_with(self_thread->heph, addr)->thread,
			   addr, &exit);
	if (err == 0 && ret_exit)
		*ret_exit = exit;
	return err;
}
