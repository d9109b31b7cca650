/* SPDX-License-Identifier: MIT */
/*
 * A child goes through these states, in the supervisor's view:
 *
 *     RUNS   -> WAITS   it reports: it is put among the failed, or where it is
 *                       awaited
 *     RUNS   -> STOPS   it is halted, in a round or to be begun again
 *     STOPS  -> WAITS   it reports
 *     WAITS  -> RUNS    go
 *     any    -> ENDS    end
 *
 * and from each of them it may be gone. The failed are taken one after the
 * other: one begins a round, in which those that the strategy says are halted,
 * the latest first, each awaited before the next. Then all of the round are
 * put among the pausing, who begin again when their time has come. Those who
 * fail during a round of others are kept until it is over; those who fail in
 * their own have stopped.
 */
#include "core/supervisor.h"

#include <heph/time.h>

#include "base/log.h"
#include "core/life.h"
#include "core/wait.h"
#include "core/watch.h"

#define GRACE_MIN (5 * HEPH_SEC)

/* ---- making ---------------------------------------------------------------- */

static struct heph_restarts limits_of(const struct heph_tree *tree)
{
	return (struct heph_restarts){ .times = tree->times,
				       .within = tree->within,
				       .backoff = tree->backoff,
				       .backoff_max = tree->backoff_max };
}

const char *heph_tree_wrong(const struct heph_tree *tree)
{
	struct heph_restarts limits = limits_of(tree);

	if ((unsigned)tree->strategy > HEPH_REST_FOR_ONE)
		return "strategy: one of enum heph_strategy";
	if (tree->grace < 0)
		return "grace: not below 0";
	return heph_restarts_wrong(&limits);
}

struct heph_supervisor *heph_supervisor_find(struct heph_self *self,
					     const struct heph_tree *tree)
{
	uint64_t id = (uintptr_t)tree->private__[0];
	uint64_t number = (uintptr_t)tree->private__[1];
	struct heph_supervisor *supervisor;

	if (!self->ext || id != self->id)
		return NULL;
	supervisor = self->ext->trees;
	while (supervisor && supervisor->number != number)
		supervisor = supervisor->next;
	return supervisor;
}

/* A server among the children lets its connections finish for half of the
 * runtime's grace, and is not to be forced meanwhile. */
static heph_time default_grace(const struct heph_self *self)
{
	heph_time length = self->thread->heph->config.grace / 8 * 5;

	return length > GRACE_MIN ? length : GRACE_MIN;
}

static struct heph_supervisor *make(struct heph_self *self,
				    const struct heph_tree *tree)
{
	struct heph_restarts limits = limits_of(tree);
	size_t size = offsetof(struct heph_supervisor, intensity) +
		      heph_intensity_size(&limits);
	struct heph_ext *ext = heph_self_extend(self);
	struct heph_supervisor *supervisor =
		ext ? heph_pool_take(&self->thread->pool, size) : NULL;

	if (!supervisor)
		return NULL;
	supervisor->self = self;
	supervisor->number = ++ext->n_trees;
	supervisor->strategy = tree->strategy;
	supervisor->grace = tree->grace ? tree->grace : default_grace(self);
	heph_list_init(&supervisor->children);
	supervisor->n_children = 0;
	heph_list_init(&supervisor->failed);
	heph_list_init(&supervisor->pausing);
	supervisor->victim = supervisor->awaited = NULL;
	supervisor->round = supervisor->changed = false;
	heph_intensity_init(&supervisor->intensity, &limits, self->id,
			    heph_now());
	supervisor->next = ext->trees;
	return ext->trees = supervisor;
}

struct heph_supervisor *heph_supervisor_get(struct heph_self *self,
					    struct heph_tree *tree)
{
	struct heph_supervisor *supervisor = heph_supervisor_find(self, tree);

	if (supervisor)
		return supervisor;
	supervisor = make(self, tree);
	if (!supervisor)
		return NULL;
	tree->private__[0] = (void *)(uintptr_t)self->id;
	tree->private__[1] = (void *)(uintptr_t)supervisor->number;
	return supervisor;
}

/* ---- lists ----------------------------------------------------------------- */

static struct heph_child *by_node(struct heph_list *node)
{
	return node ? heph_container_of(node, struct heph_child, node) : NULL;
}

static struct heph_child *by_queue(struct heph_list *node)
{
	return node ? heph_container_of(node, struct heph_child, queue) : NULL;
}

static struct heph_child *latest(const struct heph_supervisor *supervisor)
{
	return by_node(heph_list_last(&supervisor->children));
}

/* The one that was started before that; NULL: none. */
static struct heph_child *older(const struct heph_child *child)
{
	struct heph_list *node = child->node.prev;

	return node == &child->supervisor->children ? NULL : by_node(node);
}

struct heph_child *heph_supervisor_child(struct heph_supervisor *supervisor,
					 struct heph_addr addr)
{
	struct heph_list *node;

	heph_list_each(node, &supervisor->children)
		if (heph_child_addr(by_node(node)).id == addr.id)
			return by_node(node);
	return NULL;
}

/* Keeps the order by time, and that of those whose time is the same. */
static void pause_until(struct heph_child *child, heph_time when)
{
	struct heph_list *list = &child->supervisor->pausing;
	struct heph_list *node = list->prev;

	while (node != list && by_queue(node)->at > when)
		node = node->prev;
	child->at = when;
	heph_list_insert(node, &child->queue, node->next);
}

/* ---- being told ------------------------------------------------------------ */

static void changed(struct heph_supervisor *supervisor)
{
	supervisor->changed = true;
	heph_wake(supervisor->self, HEPH_WAIT_CHILD);
}

static bool escalates(const struct heph_child *child)
{
	return !child->halted && child->wish == HEPH_ESCALATE;
}

/* It waits: to be decided about, or for the others of its round, which it would
 * have been halted in; or it was halted alone, and may begin again. */
static void take_report(struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;

	if (escalates(child) ||
	    (child->state == HEPH_CHILD_RUNS && !child->in_round)) {
		heph_list_push_back(&supervisor->failed, &child->queue);
		child->in_round = false;
	} else if (!child->in_round) {
		pause_until(child, 0);
	}
	child->state = HEPH_CHILD_WAITS;
	if (supervisor->awaited == child)
		supervisor->awaited = NULL;
	changed(supervisor);
}

/* One that was halted and runs has had a late halt (child.h). */
void heph_supervisor_reported(struct heph_child *child)
{
	if (child->state == HEPH_CHILD_RUNS && child->halted)
		heph_child_tell(child, HEPH_TELL_GO);
	else if (child->state != HEPH_CHILD_ENDS)
		take_report(child);
}

static void await_victim(struct heph_supervisor *supervisor,
			 struct heph_child *victim)
{
	supervisor->victim = victim;
	supervisor->patience = (struct heph_patience){ 0 };
}

void heph_supervisor_lost(struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;

	if (supervisor->victim == child)
		await_victim(supervisor, older(child));
	if (supervisor->awaited == child)
		supervisor->awaited = NULL;
	changed(supervisor);
}

/* ---- stopping -------------------------------------------------------------- */

static heph_time later(const struct heph_supervisor *supervisor,
		       heph_time length)
{
	return heph_deadline(
		heph_within(heph_self_ctx(supervisor->self), length));
}

static void be_patient(struct heph_supervisor *supervisor,
		       struct heph_patience *patience)
{
	patience->until = later(supervisor, supervisor->grace);
	patience->n = 0;
}

/* It has passed: forces the child, and says so if that does not help. */
static void lose_patience(struct heph_child *child,
			  struct heph_patience *patience)
{
	struct heph_supervisor *supervisor = child->supervisor;

	if (patience->n++) {
		heph_log_error("a child cannot be forced, waiting for it",
			       HEPH_KV_STR("child", child->name));
		patience->until = HEPH_NEVER;
		return;
	}
	heph_log_warn("a child does not stop, forcing it",
		      HEPH_KV_STR("child", child->name));
	heph_child_tell(child, HEPH_TELL_FORCE);
	patience->until = later(supervisor, supervisor->grace);
}

static void halt(struct heph_child *child)
{
	child->state = HEPH_CHILD_STOPS;
	heph_child_tell(child, HEPH_TELL_HALT);
}

/* Whether the victim of a round has to be awaited. */
static bool must_stop(struct heph_child *child)
{
	if (!child->in_round || child->state == HEPH_CHILD_WAITS)
		return false;
	if (!child->supervisor->patience.until) {
		be_patient(child->supervisor, &child->supervisor->patience);
		if (child->state == HEPH_CHILD_RUNS)
			halt(child);
	}
	return true;
}

/* ---- rounds ---------------------------------------------------------------- */

/* What they may have reported meanwhile is no other failure, unless it is that
 * of the whole tree. */
static void join_round(struct heph_child *child)
{
	bool fails_all = child->state == HEPH_CHILD_WAITS && escalates(child);

	if (fails_all || child->state == HEPH_CHILD_ENDS)
		return;
	heph_list_remove(&child->queue);
	child->in_round = true;
}

static void begin_round(struct heph_child *cause, heph_time resume)
{
	struct heph_supervisor *supervisor = cause->supervisor;
	struct heph_child *child = latest(supervisor);

	supervisor->round = true;
	supervisor->resume = resume;
	await_victim(supervisor, child);
	cause->in_round = true;
	for (; child; child = older(child)) {
		if (child != cause)
			join_round(child);
		else if (supervisor->strategy == HEPH_REST_FOR_ONE)
			return;
	}
}

/* In the order of their starts. */
static void end_round(struct heph_supervisor *supervisor)
{
	struct heph_list *node;
	struct heph_child *child;

	supervisor->round = false;
	heph_list_each(node, &supervisor->children) {
		child = by_node(node);
		if (!child->in_round)
			continue;
		child->in_round = false;
		pause_until(child, supervisor->resume);
	}
}

/* Whether one is over, or there was none. */
static bool go_on_with_round(struct heph_supervisor *supervisor)
{
	if (!supervisor->round)
		return true;
	while (supervisor->victim && !must_stop(supervisor->victim))
		await_victim(supervisor, older(supervisor->victim));
	if (supervisor->victim) {
		if (heph_now() >= supervisor->patience.until)
			lose_patience(supervisor->victim,
				      &supervisor->patience);
		return false;
	}
	end_round(supervisor);
	return true;
}

/* ---- deciding -------------------------------------------------------------- */

static int give_up(const struct heph_child *child, const char *why)
{
	heph_log_error(why, HEPH_KV_STR("child", child->name),
		       HEPH_KV_ERR("err", child->exit.err),
		       HEPH_KV_STR("note", child->exit.note));
	return child->exit.err < 0 ? child->exit.err : -ECHILD;
}

static int decide_about(struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;
	struct heph_intensity *intensity = &supervisor->intensity;
	heph_time pause;

	if (child->wish == HEPH_ESCALATE)
		return give_up(child, "a child escalates");
	if (!heph_intensity_add(intensity, heph_now(), &pause))
		return give_up(child, "a child failed once too often");
	heph_log_info("restarting a child", HEPH_KV_STR("child", child->name),
		      HEPH_KV_ERR("err", child->exit.err),
		      HEPH_KV_UINT("left",
				   heph_intensity_left(intensity, heph_now())),
		      HEPH_KV_UINT("max", intensity->limits.times));
	if (supervisor->strategy == HEPH_ONE_FOR_ONE)
		pause_until(child, later(supervisor, pause));
	else
		begin_round(child, later(supervisor, pause));
	return 0;
}

static void begin_again(struct heph_child *child)
{
	heph_list_remove(&child->queue);
	child->state = HEPH_CHILD_RUNS;
	child->restarts++;
	heph_child_tell(child, HEPH_TELL_GO);
}

static void release_pausing(struct heph_supervisor *supervisor)
{
	struct heph_child *child;

	while ((child = by_queue(heph_list_first(&supervisor->pausing))) &&
	       child->at <= heph_now())
		begin_again(child);
}

int heph_supervisor_step(struct heph_supervisor *supervisor)
{
	struct heph_child *child;
	int err = 0;

	supervisor->changed = false;
	while (err == 0 && go_on_with_round(supervisor)) {
		child = by_queue(heph_list_pop_front(&supervisor->failed));
		if (!child)
			break;
		err = decide_about(child);
	}
	if (err < 0)
		return err;
	release_pausing(supervisor);
	return supervisor->n_children > 0;
}

heph_time heph_supervisor_when(const struct heph_supervisor *supervisor)
{
	struct heph_child *first =
		by_queue(heph_list_first(&supervisor->pausing));
	heph_time when = first ? first->at : HEPH_NEVER;

	if (supervisor->victim && supervisor->patience.until < when)
		when = supervisor->patience.until;
	return when;
}

/* ---- ending ---------------------------------------------------------------- */

/* Until `awaited` has reported or is gone, forced if need be. */
static int await(heph_ctx ctx, struct heph_supervisor *supervisor)
{
	struct heph_patience patience;
	int err;

	be_patient(supervisor, &patience);
	while (supervisor->awaited) {
		err = heph_wait_for(heph_until(ctx, patience.until),
				    HEPH_WAIT_CHILD);
		if (!supervisor->awaited)
			break;
		if (err < 0 &&
		    (err != -ETIME || heph_deadline(ctx) <= patience.until))
			return err;
		if (err == -ETIME)
			lose_patience(supervisor->awaited, &patience);
	}
	return 0;
}

static void end(struct heph_child *child)
{
	heph_list_remove(&child->queue);
	child->in_round = false;
	child->state = HEPH_CHILD_ENDS;
	child->supervisor->awaited = child;
	heph_child_tell(child, HEPH_TELL_END);
}

/* Shielded, and until the runtime's grace is over. If that does not help, or
 * we are forced ourselves, so is the child, and we wait for ever. */
static void end_for_sure(struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;
	struct heph_self *self = supervisor->self;
	heph_ctx ctx = heph_shield(heph_self_ctx(self), HEPH_NEVER);

	end(child);
	if (await(ctx, supervisor) == 0)
		return;
	heph_child_tell(supervisor->awaited, HEPH_TELL_FORCE);
	while (supervisor->awaited)
		heph_wait_only(self, HEPH_WAIT_CHILD);
}

void heph_supervisor_end(struct heph_supervisor *supervisor, unsigned scope)
{
	struct heph_child *child;

	while ((child = latest(supervisor)) && child->watch->scope >= scope)
		end_for_sure(child);
}

int heph_supervisor_end_child(heph_ctx ctx, struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;
	int err;

	end(child);
	err = await(ctx, supervisor);
	supervisor->awaited = NULL;
	return err;
}

/* One in a round begins again with the others. */
int heph_supervisor_restart_child(heph_ctx ctx, struct heph_child *child)
{
	struct heph_supervisor *supervisor = child->supervisor;
	struct heph_addr addr = heph_child_addr(child);
	int err = 0;

	if (child->state == HEPH_CHILD_RUNS)
		halt(child);
	if (child->state == HEPH_CHILD_STOPS) {
		supervisor->awaited = child;
		err = await(ctx, supervisor);
		supervisor->awaited = NULL;
		child = heph_supervisor_child(supervisor, addr);
	}
	if (err == 0 && (!child || child->state == HEPH_CHILD_ENDS))
		err = -ESRCH;
	if (err == 0 && !child->in_round)
		begin_again(child);
	return err;
}

void heph_supervisors_end(struct heph_self *self, unsigned scope)
{
	struct heph_supervisor *supervisor = self->ext->trees;

	for (; supervisor; supervisor = supervisor->next)
		heph_supervisor_end(supervisor, scope);
}

void heph_supervisors_fini(struct heph_self *self)
{
	struct heph_supervisor *supervisor;
	size_t size;

	while ((supervisor = self->ext->trees)) {
		heph_debug_assert(!supervisor->n_children);
		self->ext->trees = supervisor->next;
		size = offsetof(struct heph_supervisor, intensity) +
		       heph_intensity_size(&supervisor->intensity.limits);
		heph_pool_give(&self->thread->pool, supervisor, size);
	}
}
