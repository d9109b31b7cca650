/* SPDX-License-Identifier: MIT */
/*
 * A link is two watches, one in each direction. Who asks for it makes the one
 * and sends it as a request; the other one's thread attaches it and makes the
 * one that goes back. From then on both do what watches do: the end of a life
 * sends the other one's half back and frees its own.
 *
 * Two actors may ask each other at the same time. Then the request of the one
 * with the lower id goes first: the other request is put off, where it arrives,
 * until it is known what became of that, and finds a link or makes one. So
 * there is never more than one link of a pair.
 */
#include <heph/watch.h>

#include <stdio.h>

#include "base/mem.h"
#include "core/life.h"
#include "core/request.h"
#include "core/wait.h"
#include "core/watch.h"

struct order {
	struct heph_request request;
	struct heph_watch *watch; /* the asker's half */
	struct heph_addr by, who;
	struct heph_worker *worker; /* of the other one */
};

/* The half that `self` made, of a link that exists; it may be down. */
static struct heph_watch *find_own(struct heph_self *self, uint64_t id)
{
	struct heph_watch *watch;
	struct heph_list *node;

	if (!self->ext)
		return NULL;
	heph_list_each(node, &self->ext->watching) {
		watch = heph_container_of(node, struct heph_watch, owned.node);
		if (watch->use == HEPH_WATCH_LINK && watch->who.id == id &&
		    watch != self->ext->linking)
			return watch;
	}
	return NULL;
}

static bool is_linked(struct heph_self *self, uint64_t id)
{
	struct heph_watch *own = find_own(self, id);

	return own && !own->down;
}

/* ---- the other one's thread ------------------------------------------------- */

/* Makes the half that goes back. It finds the asker, who lives until it has the
 * answer. */
static int link_back(struct heph_self *self, struct order *order)
{
	struct heph_watch *back;

	if (!self)
		return -ESRCH;
	if (is_linked(self, order->by.id))
		return -EEXIST;
	back = heph_watch_new(self, HEPH_WATCH_LINK);
	if (!back)
		return -ENOMEM;
	heph_watch_attach(order->watch, self);
	heph_watch_start(back, order->by);
	return 0;
}

/* Whether `self` asks for the same link, and goes first. */
static bool goes_first(struct heph_self *self, struct order *order)
{
	struct heph_watch *own = self && self->ext ? self->ext->linking : NULL;

	return own && own->who.id == order->by.id && self->id < order->by.id;
}

static void on_order(struct heph_event *event)
{
	struct order *order =
		heph_container_of(event, struct order, request.event);
	struct heph_self *self =
		heph_worker_find(order->worker, order->who.id, order->who.slot);

	if (goes_first(self, order)) {
		event->next = self->ext->put_off;
		self->ext->put_off = event;
	} else if (heph_request_claim(&order->request)) {
		heph_request_answer(&order->request, link_back(self, order));
	} else {
		heph_mem_free(order);
	}
}

/* ---- who asks ---------------------------------------------------------------- */

static void handle_put_off(struct heph_ext *ext)
{
	struct heph_event *event = ext->put_off, *next;

	ext->put_off = NULL;
	for (; event; event = next) {
		next = event->next;
		event->fn(event);
	}
}

static int ask(heph_ctx ctx, struct heph_watch *watch)
{
	struct heph_ext *ext = ctx.self->ext;
	struct order *order = heph_mem_alloc_raw(sizeof(*order));
	bool gone = false;
	int err;

	if (!order)
		return -ENOMEM;
	*order =
		(struct order){ .watch = watch,
				.by = heph_self_addr(ctx.self),
				.who = watch->who,
				.worker = (struct heph_worker *)watch->thread };
	heph_request_init(&order->request, ctx.self, HEPH_WAIT_REQUEST,
			  on_order);
	ext->linking = watch;
	heph_request_send(&order->request, watch->thread);
	err = heph_request_await(ctx, &order->request, &gone);
	ext->linking = NULL;
	if (!gone)
		heph_mem_free(order);
	return err;
}

static int link_with(heph_ctx ctx, struct heph_worker *worker,
		     struct heph_addr addr)
{
	struct heph_watch *watch = heph_watch_new(ctx.self, HEPH_WATCH_LINK);
	int err;

	if (!watch)
		return -ENOMEM;
	watch->thread = &worker->thread;
	watch->who = addr;
	err = ask(ctx, watch);
	if (err < 0)
		heph_watch_forget(watch); /* it never left */
	handle_put_off(ctx.self->ext);
	return err;
}

int heph_raw_link(heph_ctx ctx, struct heph_addr addr)
{
	struct heph_self *self = ctx.self;
	struct heph_worker *worker;
	int err = heph_wait_allowed(ctx);

	addr = heph_addr_resolve(addr);
	if (err == 0)
		err = heph_watch_possible(self, addr);
	if (err < 0)
		return err;
	if (!self->kind)
		return -EOPNOTSUPP;
	if (!heph_raw_alive(addr))
		return -ESRCH;
	if (self->id == addr.id)
		return -EDEADLK;
	if (is_linked(self, addr.id))
		return -EEXIST;
	worker = heph_worker_with(self->thread->heph, addr);
	err = link_with(ctx, worker, addr);
	heph_worker_spend(self);
	return err;
}

/* Tells the other one, which undoes its half. */
static void dissolve(struct heph_self *self, uint64_t id)
{
	struct heph_list *node, *next;
	struct heph_watch *watch;

	heph_list_each_safe(node, next, &self->ext->watchers) {
		watch = heph_container_of(node, struct heph_watch, by_watched);
		if (watch->use != HEPH_WATCH_LINK || watch->by != id)
			continue;
		heph_list_remove(node);
		watch->dissolved = true;
		heph_watch_send_back(watch);
	}
}

int heph_raw_unlink(heph_ctx ctx, struct heph_addr addr)
{
	struct heph_watch *watch;

	addr = heph_addr_resolve(addr);
	watch = find_own(ctx.self, addr.id);
	if (!watch)
		return -ENOENT;
	dissolve(ctx.self, addr.id);
	for (; watch; watch = find_own(ctx.self, addr.id))
		heph_watch_free(watch);
	return 0;
}

void heph_trap_exits(heph_ctx ctx, bool trap)
{
	if (trap)
		ctx.self->flags |= HEPH_FLAG_TRAP;
	else
		ctx.self->flags &= (uint16_t)~HEPH_FLAG_TRAP;
}

/* ---- exits -------------------------------------------------------------------- */

static void fail(struct heph_self *self, const struct heph_watch *watch)
{
	struct heph_exit cause = { .err = watch->exit.err };
	int n = snprintf(cause.note, sizeof(cause.note),
			 "linked actor %s failed", watch->name);

	if (watch->exit.note[0])
		snprintf(cause.note + n, sizeof(cause.note) - (size_t)n, ": %s",
			 watch->exit.note);
	heph_life_fail(self, &cause);
}

void heph_link_came_back(struct heph_watch *watch)
{
	struct heph_self *self = watch->watcher;

	if (self->ext->linking == watch)
		self->ext->linking =
			NULL; /* the link was made, and has ended */
	if (!watch->dissolved && (self->flags & HEPH_FLAG_TRAP)) {
		heph_watch_keep_down(watch);
		return;
	}
	if (!watch->dissolved && watch->exit.err < 0)
		fail(self, watch);
	heph_watch_forget(watch);
}
