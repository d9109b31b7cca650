/* SPDX-License-Identifier: MIT */
#include "core/child.h"

#include <string.h>

#include "core/life.h"
#include "core/supervisor.h"
#include "core/wait.h"
#include "core/watch.h"

/* ---- the supervisor's side ------------------------------------------------- */

static void on_report(struct heph_event *event)
{
	heph_supervisor_reported(
		heph_container_of(event, struct heph_child, report));
}

static struct heph_child *take(struct heph_supervisor *supervisor,
			       const char *name)
{
	size_t name_size = strlen(name) + 1;
	size_t size = sizeof(struct heph_child) + name_size;
	struct heph_child *child =
		heph_pool_take(&supervisor->self->thread->pool, size);

	if (!child)
		return NULL;
	*child = (struct heph_child){ .supervisor = supervisor,
				      .size = size,
				      .report.fn = on_report };
	memcpy(child->name, name, name_size);
	heph_list_init(&child->queue);
	heph_list_push_back(&supervisor->children, &child->node);
	supervisor->n_children++;
	return child;
}

static void give(struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;

	heph_list_remove(&child->queue);
	heph_list_remove(&child->node);
	supervisor->n_children--;
	heph_pool_give(&supervisor->self->thread->pool, child, child->size);
}

struct heph_child *heph_child_new(struct heph_supervisor *supervisor,
				  const struct heph_actor *type,
				  const struct heph_options *options)
{
	struct heph_child *child =
		take(supervisor, options->name ? options->name : type->name);

	if (!child)
		return NULL;
	child->restart = (uint8_t)options->restart;
	child->watch = heph_watch_new(supervisor->self, HEPH_WATCH_PLAIN);
	if (!child->watch) {
		give(child);
		return NULL;
	}
	child->watch->child = true;
	child->watch->record = child;
	return child;
}

void heph_child_forget(struct heph_child *child)
{
	heph_watch_forget(child->watch);
	give(child);
}

struct heph_addr heph_child_addr(const struct heph_child *child)
{
	return child->watch->who;
}

void heph_child_tell(struct heph_child *child, unsigned what)
{
	heph_addr_tell(child->watch->who, what);
}

void heph_child_down(struct heph_child *child)
{
	heph_supervisor_lost(child);
	give(child);
}

/* ---- the child's side ------------------------------------------------------ */

void heph_child_told(struct heph_self *self, unsigned what)
{
	struct heph_child *child = self->ext->child;

	child->go = child->go || (what & HEPH_TELL_GO);
	child->end = child->end || (what & HEPH_TELL_END);
	if ((what & HEPH_TELL_HALT) && (!child->asking || child->go))
		child->halt = true;
	if ((what & (HEPH_TELL_HALT | HEPH_TELL_END)) && !child->asking)
		heph_life_stop(self);
	heph_wake(self, HEPH_WAIT_VERDICT);
}

static void report(struct heph_child *child)
{
	child->asking = true;
	child->go = child->halt = false;
	if (child->watch->home == heph_thread_current)
		on_report(&child->report);
	else
		heph_thread_post(child->watch->home, &child->report);
}

static void await(struct heph_self *self, struct heph_child *child)
{
	while (!child->go && !child->end && !(self->flags & HEPH_FLAG_STOP))
		heph_wait_only(self, HEPH_WAIT_VERDICT | heph_pause_ends(self));
}

bool heph_child_ask(struct heph_self *self, const struct heph_exit *exit,
		    enum heph_verdict wish)
{
	struct heph_child *child = self->ext->child;

	self->flags &= (uint16_t)~HEPH_FLAG_STOP;
	child->exit = *exit;
	child->wish = wish;
	child->halted = child->halt;
	for (;;) {
		report(child);
		await(self, child);
		if (child->end || (self->flags & HEPH_FLAG_STOP))
			return false;
		if (!child->halt)
			break;
		child->halted = true;
	}
	child->asking = false;
	return true;
}
