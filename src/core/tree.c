/* SPDX-License-Identifier: MIT */
/* The calls of heph/tree.h. */
#include <heph/time.h>
#include <heph/tree.h>

#include "base/log.h"
#include "core/supervisor.h"
#include "core/wait.h"

/* The actor that runs, if the tree is one of its. */
static struct heph_supervisor *of_running(const struct heph_tree *tree)
{
	struct heph_self *self =
		heph_thread_current ? heph_thread_current->current : NULL;

	return self ? heph_supervisor_find(self, tree) : NULL;
}

static int get(heph_ctx ctx, struct heph_tree *tree,
	       struct heph_supervisor **ret_supervisor)
{
	const char *wrong = ctx.self->kind ? heph_tree_wrong(tree) :
					     "not by plain threads";

	if (wrong) {
		heph_log_error("a tree is out of range",
			       HEPH_KV_STR("value", wrong));
		return -EINVAL;
	}
	*ret_supervisor = heph_supervisor_get(ctx.self, tree);
	return *ret_supervisor ? 0 : -ENOMEM;
}

/* A tree that fails is ended. */
static int step(struct heph_supervisor *supervisor)
{
	int err = heph_supervisor_step(supervisor);

	if (err < 0)
		heph_supervisor_end(supervisor, 0);
	return err;
}

/* Until there may be something to do. */
static int rest(heph_ctx ctx, const struct heph_supervisor *supervisor)
{
	heph_time when = heph_supervisor_when(supervisor);
	int err = heph_wait_for(heph_until(ctx, when), HEPH_WAIT_CHILD);

	return err == -ETIME && when < heph_deadline(ctx) ? 0 : err;
}

int heph_supervise(heph_ctx ctx, struct heph_tree *tree)
{
	struct heph_supervisor *supervisor;
	int err = get(ctx, tree, &supervisor);

	if (err < 0)
		return err;
	err = heph_wait_allowed(ctx);
	while (err == 0) {
		err = step(supervisor);
		if (err <= 0)
			return err;
		err = rest(ctx, supervisor);
	}
	if (err == -ECANCELED)
		heph_supervisor_end(supervisor, 0);
	return err;
}

int heph_tree_step(heph_ctx ctx, struct heph_tree *tree)
{
	struct heph_supervisor *supervisor;
	int err = get(ctx, tree, &supervisor);

	return err < 0 ? err : step(supervisor);
}

/* ---- the clause ------------------------------------------------------------ */

struct heph_on heph_on_tree(struct heph_tree *tree)
{
	struct heph_supervisor *supervisor = of_running(tree);

	return (struct heph_on){
		.what = HEPH_ON_TREE__,
		.ret = tree,
		.when = supervisor ? heph_supervisor_when(supervisor) :
				     HEPH_NEVER,
	};
}

int heph_tree_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_supervisor *supervisor =
		heph_supervisor_find(ctx.self, clause->on->ret);

	if (!supervisor)
		return 0;
	return supervisor->changed || clause->on->when <= heph_now();
}

/* ---- one child ------------------------------------------------------------- */

static struct heph_child *find(heph_ctx ctx, const struct heph_tree *tree,
			       struct heph_addr addr)
{
	struct heph_supervisor *supervisor =
		heph_supervisor_find(ctx.self, tree);

	return supervisor ? heph_supervisor_child(supervisor, addr) : NULL;
}

int heph_raw_tree_end_child(heph_ctx ctx, struct heph_tree *tree,
			    struct heph_addr addr)
{
	struct heph_child *child = find(ctx, tree, addr);
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	return child ? heph_supervisor_end_child(ctx, child) : -ESRCH;
}

int heph_raw_tree_restart_child(heph_ctx ctx, struct heph_tree *tree,
				struct heph_addr addr)
{
	struct heph_child *child = find(ctx, tree, addr);
	int err = heph_wait_allowed(ctx);

	if (err < 0)
		return err;
	if (!child)
		return -ESRCH;
	if (child->restart == HEPH_TEMPORARY)
		return -EINVAL;
	return heph_supervisor_restart_child(ctx, child);
}

/* ---- who there is ---------------------------------------------------------- */

unsigned heph_tree_count(const struct heph_tree *tree)
{
	struct heph_supervisor *supervisor = of_running(tree);

	return supervisor ? supervisor->n_children : 0;
}

static struct heph_child_info info_of(const struct heph_child *child)
{
	return (struct heph_child_info){
		.ref = { heph_child_addr(child) },
		.name = child->name,
		.state = child->state,
		.restart = child->restart,
		.restarts = child->restarts,
	};
}

unsigned heph_tree_children(const struct heph_tree *tree,
			    struct heph_child_info *ret_infos, unsigned n)
{
	struct heph_supervisor *supervisor = of_running(tree);
	struct heph_list *node;
	unsigned i = 0;

	if (!supervisor)
		return 0;
	heph_list_each(node, &supervisor->children) {
		if (i == n)
			break;
		ret_infos[i++] = info_of(
			heph_container_of(node, struct heph_child, node));
	}
	return supervisor->n_children;
}
