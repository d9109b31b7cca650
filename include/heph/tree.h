/* SPDX-License-Identifier: MIT */
/*
 * tree.h - supervising children
 *
 * A supervisor is an actor with a struct heph_tree, usually on its stack. It
 * spawns children with the option `.tree`, and then supervises them:
 *
 *     struct heph_tree tree = { .strategy = HEPH_ONE_FOR_ONE, .times = 5 };
 *
 *     err = heph_spawn(ctx, store, &store, { "numbers" }, .tree = &tree);
 *     if (err == 0)
 *             err = heph_supervise(ctx, &tree);
 *
 * When a child ends in a way that its `.restart` does not accept, it gives
 * back all that it owns and waits for the supervisor's verdict: it is begun
 * again, perhaps with others, or it ends. Meanwhile its references stay good,
 * and so do unread messages. A heph_stop() of a child that runs has its
 * function return, and `.restart` says what then; of one that waits to be
 * begun again it is the end.
 *
 * A child with `.decide` is asked first: HEPH_RESTART leaves it to the tree,
 * HEPH_STOP ends it, HEPH_ESCALATE fails the tree. One with `.restarts` is
 * restarted by itself until these are too many; the tree hears of it then.
 *
 * When the supervisor ends, for whatever reason, its trees are ended first:
 * the children are stopped in reverse order of their starts, each awaited
 * before the next.
 *
 * All functions are for the supervisor itself; none keeps the address of its
 * tree, so a tree may be moved.
 */
#ifndef HEPH_TREE_H
#define HEPH_TREE_H

#include <heph/actor.h>
#include <heph/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who is begun again when a child has failed. */
enum heph_strategy {
	HEPH_ONE_FOR_ONE,  /* it alone */
	HEPH_ONE_FOR_ALL,  /* all */
	HEPH_REST_FOR_ONE, /* it, and those that were started after it */
};

/*
 * Begins as zeros and what is wanted. The values are read when the tree is
 * first used. `times` to `backoff_max` are as in struct heph_restarts, of all
 * children together; but 0 times is none: the first failure is one too many.
 */
struct heph_tree {
	enum heph_strategy strategy;
	unsigned times;
	heph_time within, backoff, backoff_max;
	heph_time grace; /* for a child to stop, then it is forced: even its
			    shielded waits are refused; 0: 5 seconds, or five
			    eighths of the runtime's grace if that is more;
			    nobody is begun again before it has ended */
	void *private__[2];
};

/*
 * Waits. Supervises until no child is left. Those that are stopped to be begun
 * again, or at the end, are stopped in reverse order of their starts, and
 * begun in that order. Temporary ones among them are not begun again.
 * Returns 0 (all children have ended); -ECANCELED, or the error of the child
 * that failed once too often or escalated (-ECHILD if its function returned
 * 0), and all children have been ended; -ETIME, and they go on: call it again;
 * -ENOMEM; -EINVAL (a value of the tree is out of range; a plain thread).
 */
HEPH_API HEPH_MUST int heph_supervise(heph_ctx ctx, struct heph_tree *tree);

/* A clause of heph_wait(): there is something to do for heph_tree_step(). */
HEPH_API struct heph_on heph_on_tree(struct heph_tree *tree);

/*
 * Waits only when the tree fails, for its children to end. Does what there is
 * to be done now, for a supervisor that waits for other things as well.
 * Returns 1, there are children; 0, there are none (they could be spawned
 * now); errors as heph_supervise(), but -ETIME and -ECANCELED.
 */
HEPH_API HEPH_MUST int heph_tree_step(heph_ctx ctx, struct heph_tree *tree);

/*
 * Waits. Ends a child and forgets it, or stops it and begins it again, which
 * does not count. Returns 0, when it has ended or has stopped; -ESRCH (not a
 * child of this tree); -EINVAL (a temporary one is not begun again); -ETIME,
 * -ECANCELED, and then it goes on.
 */
#define heph_tree_end_child(ctx, tree, ref)                                    \
	heph_raw_tree_end_child((ctx), (tree), (ref).addr)
HEPH_API HEPH_MUST int heph_raw_tree_end_child(heph_ctx ctx,
					       struct heph_tree *tree,
					       struct heph_addr addr);
#define heph_tree_restart_child(ctx, tree, ref)                                \
	heph_raw_tree_restart_child((ctx), (tree), (ref).addr)
HEPH_API HEPH_MUST int heph_raw_tree_restart_child(heph_ctx ctx,
						   struct heph_tree *tree,
						   struct heph_addr addr);

/* ---- who there is -------------------------------------------------------- */

enum heph_child_state {
	HEPH_CHILD_RUNS,
	HEPH_CHILD_STOPS, /* it was asked to stop, to be begun again */
	HEPH_CHILD_WAITS, /* to be begun again */
	HEPH_CHILD_ENDS,  /* it was asked to end */
};

struct heph_child_info {
	heph_ref ref;
	const char *name; /* until the supervisor waits next */
	enum heph_child_state state;
	enum heph_restart_type restart;
	unsigned restarts; /* so far, by the tree */
};

/* How many children there are, and the first `n` of them, in the order of
 * their starts. Do not wait. */
HEPH_API unsigned heph_tree_count(const struct heph_tree *tree);
HEPH_API unsigned heph_tree_children(const struct heph_tree *tree,
				     struct heph_child_info *ret_infos,
				     unsigned n);

#ifdef __cplusplus
}
#endif
#endif
