/* SPDX-License-Identifier: MIT */
/*
 * An actor runs on its own stack from begin() to the end. The entry of its
 * coroutine calls run(), which is the body, and then heph_life_ended(). There
 * finish() keeps the promised order:
 *
 *     1. end the trees, stop the other children, wait until none is left
 *     2. cancel the operations, wait until none is left
 *     3. undo what was acquired, the latest first
 *     4. answer the calls that are owed, with -EPIPE
 *     5. free the arena
 *
 * Undoing may run code of the user, which may acquire again and spawn; so 1 to
 * 3 go on until a round has found nothing. Then the supervisor decides whether
 * heph_life_end() calls the body again.
 *
 * A panic (panic.c) abandons all frames, and comes to heph_life_end() as well.
 */
#include "core/life.h"

#include <string.h>

#include "base/usdt.h"
#include "core/answers.h"
#include "core/child.h"
#include "core/inbox.h"
#include "core/own.h"
#include "core/scope.h"
#include "core/slot.h"
#include "core/solo.h"
#include "core/supervisor.h"
#include "core/timers.h"
#include "core/verdict.h"
#include "core/wait.h"
#include "core/watch.h"

static const struct heph_exit child_failed = {
	.err = -ECHILD, .note = "a child failed and escalated"
};

/* ---- beginning ------------------------------------------------------------- */

static void *arg_of(const struct heph_self *self)
{
	return heph_slot_top(self->slot, heph_type_of(self)->arg_size);
}

static heph_coro_fn run;

static struct heph_self *take_block(struct heph_worker *worker,
				    struct heph_kind *kind)
{
	struct heph_self *self = kind->free;

	if (worker->alive == worker->max_alive)
		return NULL;
	if (self) {
		kind->free = self->next;
	} else {
		if (worker->n_selves == worker->max_selves)
			return NULL;
		self = &worker->selves[worker->n_selves];
		worker->n_selves++;
		self->kind = (uint16_t)(kind - worker->kinds);
		self->thread = &worker->thread;
	}
	return self;
}

static void give_block(struct heph_self *self)
{
	struct heph_kind *kind = heph_kind_of(self);

	self->next = kind->free;
	kind->free = self;
}

static int copy_name(struct heph_self *self, const char *name)
{
	struct heph_ext *ext = heph_self_extend(self);
	size_t size = strlen(name) + 1;

	if (ext)
		ext->name = heph_pool_take(&self->thread->pool, size);
	if (!ext || !ext->name)
		return -ENOMEM;
	memcpy(ext->name, name, size);
	return 0;
}

static int attach(struct heph_self *self, const struct heph_birth *birth)
{
	if (!birth->watch && !birth->hold)
		return 0;
	if (!heph_self_extend(self))
		return -ENOMEM;
	if (birth->watch)
		heph_watch_attach(birth->watch, self);
	if (birth->watch)
		self->ext->child = birth->watch->record;
	if (birth->hold)
		heph_watch_attach(birth->hold, self);
	self->ext->held = birth->hold;
	return 0;
}

static int extend(struct heph_self *self, const struct heph_birth *birth)
{
	const struct heph_options *options = heph_birth_options(birth);
	const char *name = options->name;
	int err = 0;

	if (options->give.turn && !heph_self_extend(self))
		return -ENOMEM; /* now, for it cannot fail later */
	if (options->phase && !heph_self_extend(self))
		return -ENOMEM;
	if (options->phase)
		self->ext->phase = (uint8_t)options->phase;
	if (name)
		err = copy_name(self, name);
	if (err == 0 && heph_verdict_wanted(birth->type, birth->spawn))
		err = heph_verdict_prepare(self, birth->spawn);
	return err < 0 ? err : attach(self, birth);
}

static bool has_parent(const struct heph_birth *birth)
{
	return birth->parent || (birth->watch && birth->watch->child &&
				 birth->watch->watcher->kind);
}

static void prepare(struct heph_self *self, const struct heph_birth *birth)
{
	const struct heph_options *options = heph_birth_options(birth);

	self->last = NULL;
	self->n = 0;
	self->capacity = options->inbox ? options->inbox :
					  heph_worker_of(self)->inbox;
	self->waiting = self->woken = 0;
	self->ext = NULL;
	self->received = self->received_high = 0;
	self->parent = self->child = self->older = self->younger = 0;
	self->flags = (uint16_t)(heph_queue_of_priority(options->priority)
				 << HEPH_FLAG_QUEUE);
	if (!has_parent(birth)) {
		self->flags |= HEPH_FLAG_ROOT;
		if (options->phase < heph_worker_of(self)->stopping)
			self->flags |= HEPH_FLAG_STOP;
	}
	self->refused = 0;
}

static struct heph_self *relative(struct heph_self *self, uint32_t slot)
{
	return slot ? &heph_worker_of(self)->selves[slot] : NULL;
}

static void join_family(struct heph_self *self, struct heph_self *parent)
{
	struct heph_self *sibling = relative(self, parent->child);

	self->parent = heph_self_index(parent);
	self->older = parent->child;
	if (sibling)
		sibling->younger = heph_self_index(self);
	parent->child = heph_self_index(self);
}

static void leave_family(struct heph_self *self)
{
	struct heph_self *older = relative(self, self->older);
	struct heph_self *younger = relative(self, self->younger);

	if (older)
		older->younger = self->younger;
	if (younger)
		younger->older = self->older;
	else if (self->parent)
		relative(self, self->parent)->child = self->older;
	self->older = self->younger = 0;
}

static void count_alive(struct heph_worker *worker, int change)
{
	struct heph *heph = worker->thread.heph;

	if (worker->alive == 0)
		atomic_fetch_add(&heph->busy, 1);
	worker->alive += (uint32_t)change;
	if (worker->alive == 0 && atomic_fetch_sub(&heph->busy, 1) == 1 &&
	    heph->notify)
		heph->notify(heph);
}

/* Those of the first level: the end of the last one of a phase may begin the next
 * one. */
static void count_root(struct heph_self *self, int change)
{
	struct heph *heph = self->thread->heph;
	unsigned phase = heph_self_phase(self);
	uint32_t *n = &heph_worker_of(self)->roots[phase];

	if (*n == 0)
		atomic_fetch_add(&heph->roots[phase], 1);
	*n += (uint32_t)change;
	if (*n == 0 && atomic_fetch_sub(&heph->roots[phase], 1) == 1)
		heph_stop_next(heph);
}

/* From here on the actor exists. */
static void appear(struct heph_worker *worker, struct heph_self *self)
{
	struct heph_kind *kind = heph_kind_of(self);
	uint64_t serial = ++worker->serial;

	self->id = serial * HEPH_THREADS_MAX +
		   heph_id_thread(worker->thread.number);
	atomic_store_explicit(&worker->places[heph_self_index(self)],
			      serial * HEPH_THREADS_MAX, memory_order_release);
	heph_count(&kind->alive);
	heph_count(&kind->spawned);
	count_alive(worker, 1);
	if (self->flags & HEPH_FLAG_ROOT)
		count_root(self, 1);
	heph_count(&worker->thread.count.spawned);
	heph_worker_ready(worker, self);
	HEPH_PROBE3(spawn, self->id, kind->type->name, worker->thread.number);
}

int heph_life_begin(struct heph_worker *worker, const struct heph_birth *birth,
		    struct heph_self **ret_self)
{
	const struct heph_actor *type = birth->type;
	struct heph_kind *kind = heph_worker_kind(worker, type);
	struct heph_self *self;
	int err = -ENOMEM;

	if (!kind)
		return -ENOMEM;
	self = take_block(worker, kind);
	if (!self)
		return -EAGAIN;
	prepare(self, birth);
	err = heph_slot_bind(self, heph_birth_options(birth)->stack,
			     (const char *)birth->spawn + type->arg_at, run,
			     heph_life_ended);
	if (err < 0)
		goto fail_bind;
	err = birth->plain ? 0 : extend(self, birth);
	if (err < 0)
		goto fail_extend;
	if (birth->parent)
		join_family(self, birth->parent);
	appear(worker, self);
	*ret_self = self;
	return 0;

fail_extend:
	heph_self_shrink(self);
	heph_slot_unbind(self);
fail_bind:
	give_block(self);
	return err;
}

/* ---- ending ---------------------------------------------------------------- */

void heph_life_tell(struct heph_self *self, unsigned what)
{
	if (what & (HEPH_TELL_HALT | HEPH_TELL_GO | HEPH_TELL_END))
		heph_child_told(self, what);
	if (what & HEPH_TELL_STOP) {
		self->flags |= HEPH_FLAG_STOP;
		heph_wake(self, HEPH_WAIT_STOP);
	}
	if (what & HEPH_TELL_FORCE) {
		self->flags |= HEPH_FLAG_FORCED;
		heph_wake(self, HEPH_WAIT_FORCE);
	}
}

void heph_life_fail(struct heph_self *self, const struct heph_exit *cause)
{
	struct heph_exit *exit;

	if (self->flags & (HEPH_FLAG_FINISHING | HEPH_FLAG_FAILED))
		return;
	self->flags |= HEPH_FLAG_FAILED;
	exit = self->ext ? heph_self_need_exit(self) : NULL;
	if (exit)
		*exit = *cause;
	heph_wake(self, HEPH_WAIT_STOP);
}

/* Those of a plain thread are of the first level, and fail the runtime. */
void heph_life_child_ended(struct heph_self *self, bool escalate)
{
	if (escalate && self->kind)
		heph_life_fail(self, &child_failed);
	if (self->ext)
		self->ext->children_ended++;
	heph_wake(self, HEPH_WAIT_CHILD);
}

/* The youngest child on the same worker; NULL: none came after `mark`. */
static struct heph_self *near_child(const struct heph_self *self, uint32_t slot,
				    const struct heph_mark *mark)
{
	struct heph_self *child = slot ? &heph_worker_of(self)->selves[slot] :
					 NULL;

	if (child && mark && child->id / HEPH_THREADS_MAX <= mark->serial)
		return NULL;
	return child;
}

/* Whether there are children on other workers; stops them, if asked to. */
static bool has_distant_children(struct heph_ext *ext,
				 const struct heph_mark *mark, bool stop)
{
	unsigned scope = mark ? mark->number : 0;
	struct heph_watch *watch;
	struct heph_list *node;
	bool any = false;

	heph_list_each(node, &ext->watching) {
		watch = heph_container_of(node, struct heph_watch, owned.node);
		if (!watch->child || watch->down || watch->scope < scope)
			continue;
		any = true;
		if (stop)
			heph_raw_stop(watch->who);
	}
	return any;
}

bool heph_life_has_children(const struct heph_self *self,
			    const struct heph_mark *mark)
{
	return near_child(self, self->child, mark) ||
	       (self->ext && has_distant_children(self->ext, mark, false));
}

/* Whether a plain thread can be told of nothing any more. */
static bool is_lost(const struct heph_self *self)
{
	return !self->kind && atomic_load(&self->thread->heph->abandon);
}

static void end_children(struct heph_self *self, const struct heph_mark *mark)
{
	unsigned what = HEPH_WAIT_CHILD | (self->kind ? 0 : HEPH_WAIT_STOP);
	struct heph_self *child;

	if (self->ext)
		heph_supervisors_end(self, mark ? mark->number : 0);
	child = near_child(self, self->child, mark);
	for (; child; child = near_child(self, child->older, mark))
		heph_life_stop(child);
	if (self->ext)
		has_distant_children(self->ext, mark, true);
	while (heph_life_has_children(self, mark) && !is_lost(self))
		heph_wait_only(self, what);
}

static void end_operations(struct heph_self *self)
{
	if (heph_list_empty(&self->ext->operations))
		return;
	self->thread->heph->driver->cancel(self);
	while (!heph_list_empty(&self->ext->operations))
		heph_wait_only(self, HEPH_WAIT_OP);
}

/* Steps 1 to 3. Operations belong to the actor, not to a scope. */
void heph_life_give_back(struct heph_self *self, const struct heph_mark *mark)
{
	do {
		if (heph_life_has_children(self, mark))
			end_children(self, mark);
		if (!self->ext)
			return;
		if (!mark)
			end_operations(self);
	} while (heph_own_undo_one(self, mark));
}

static void end_watches(struct heph_ext *ext)
{
	struct heph_list *node;

	while ((node = heph_list_first(&ext->watching)))
		heph_watch_free(
			heph_container_of(node, struct heph_watch, owned.node));
}

static void settle(struct heph_self *self)
{
	if (!self->ext && !self->child)
		return;    /* it has acquired nothing */
	self->refused = 0; /* who cleans up may be refused anew */
	heph_life_give_back(self, NULL);
	if (!self->ext)
		return;
	heph_supervisors_fini(self);
	end_watches(self->ext);
	heph_answers_fail(self);
	heph_arena_fini(&self->ext->arena, &self->thread->pool);
}

/* Who has no extension has no links, and so it was a child; the same is said
 * where there was no memory for the cause. */
static const struct heph_exit *cause_of(const struct heph_self *self)
{
	const struct heph_exit *exit = self->ext ? self->ext->exit : NULL;

	return exit && exit->err ? exit : &child_failed;
}

/* What it looks like from outside that the body returned `err`. */
static void judge(struct heph_self *self, struct heph_exit *exit)
{
	if (exit->err > 0)
		exit->err = 0;
	if ((self->flags & HEPH_FLAGS_REFUSE) && exit->err == -ECANCELED)
		exit->err = 0;
	if ((self->flags & HEPH_FLAG_FAILED) && exit->err == 0)
		*exit = *cause_of(self);
}

/* The body has returned. Whether it is to be called again, and if not, whether
 * the parent fails as well. */
static bool finish(struct heph_self *self, struct heph_exit *exit,
		   bool *ret_escalate)
{
	self->flags |= HEPH_FLAG_FINISHING;
	judge(self, exit);
	settle(self);
	*ret_escalate = false;
	if (!self->ext && exit->err >= 0)
		return false; /* nobody is asked */
	if (self->ext)
		heph_links_notify(self, exit);
	return heph_verdict_again(self, exit, ret_escalate);
}

static void restart(struct heph_self *self)
{
	const struct heph_actor *type = heph_type_of(self);

	heph_count(&self->thread->count.restarted);
	HEPH_PROBE3(restart, self->id, type->name, self->thread->number);
	self->flags &= (uint16_t)~HEPH_FLAGS_LIFE;
	heph_self_drop_exit(self);
	self->refused = 0;
	self->ext->restarts++;
	memcpy(arg_of(self), (char *)self->ext->spawn + type->arg_at,
	       type->arg_size);
	heph_worker_yield(self);
}

static void drop_arg(struct heph_self *self)
{
	const struct heph_actor *type = heph_type_of(self);
	void *spawn = self->ext ? self->ext->spawn : NULL;

	if (type->drop_arg)
		type->drop_arg(spawn ? (char *)spawn + type->arg_at :
				       arg_of(self));
}

/* The actor is gone: first for other threads, then for those that waited. */
static void disappear(struct heph_self *self, const struct heph_exit *exit,
		      bool escalate)
{
	struct heph_worker *worker = heph_worker_of(self);
	struct heph_self *parent = relative(self, self->parent);
	uint64_t id = self->id;

	HEPH_PROBE3(exit, id, heph_type_of(self)->name, exit->err);
	heph_inbox_leave_place(self);
	self->id = 0;
	drop_arg(self);
	if (self->last || self->ext)
		heph_inbox_close(self);
	leave_family(self);
	if (self->ext || !heph_list_empty(&self->thread->loose))
		heph_watches_notify(self, id, exit, escalate);
	if (self->ext)
		end_watches(self->ext); /* a link that came late */
	if (parent) {
		heph_scope_near_child_ended(parent, id, exit->err);
		heph_life_child_ended(parent, escalate);
	} else if (escalate && (self->flags & HEPH_FLAG_ROOT)) {
		heph_fail(worker->thread.heph, -ECHILD);
	}
	if (self->flags & HEPH_FLAG_ROOT)
		count_root(self, -1);
	heph_timers_cancel(self);
	if (self->ext)
		heph_self_shrink(self);
	heph_count(&worker->thread.count.ended);
	heph_count_add(&heph_kind_of(self)->alive, -UINT64_C(1));
}

void heph_life_end(struct heph_self *self, struct heph_exit *exit)
{
	bool escalate;

	while (finish(self, exit, &escalate)) {
		restart(self);
		*exit = (struct heph_exit){ 0 };
		exit->err = heph_type_of(self)->entry(heph_self_ctx(self),
						      (struct heph_inbox *)self,
						      arg_of(self));
	}
	disappear(self, exit, escalate);
	heph_worker_leave(self);
}

/* The body of an actor, called from the entry of its coroutine with nothing in
 * between: what is there while it waits costs memory. */
static int run(struct heph_coro *coro)
{
	struct heph_self *self =
		heph_container_of(coro, struct heph_self, coro);

	return heph_type_of(self)->entry(
		heph_self_ctx(self), (struct heph_inbox *)self, arg_of(self));
}

void heph_life_ended(struct heph_coro *coro, int result)
{
	struct heph_exit exit = { .err = result };

	heph_life_end(heph_container_of(coro, struct heph_self, coro), &exit);
}

void heph_life_bury(struct heph_self *self)
{
	struct heph_worker *worker = heph_worker_of(self);

	heph_slot_unbind(self);
	give_block(self);
	count_alive(worker, -1);
	if (heph_unlikely(!heph_worker_ordinary(worker)))
		heph_solo_rest(worker);
}

void heph_life_finish_thread(struct heph_self *self)
{
	settle(self);
	heph_self_shrink(self);
}
