/* SPDX-License-Identifier: MIT */
/*
 * supervisor.h - what an actor knows of the children in one of its trees
 *
 * Made when a tree is first used, freed when that life of the actor ends. All
 * of it is the supervisor's own: the children only have something put into it,
 * and what is to be done about that is done in the supervisor's calls.
 */
#ifndef HEPH_CORE_SUPERVISOR_H
#define HEPH_CORE_SUPERVISOR_H

#include "core/child.h"
#include "core/intensity.h"
#include "core/select.h"

/* How long one is patient with a child that was asked to stop. */
struct heph_patience {
	heph_time until;
	unsigned n; /* how often that has passed */
};

struct heph_supervisor {
	struct heph_supervisor *next; /* in ext->trees, the latest first */
	struct heph_self *self;
	uint64_t number; /* of the tree */
	enum heph_strategy strategy;
	heph_time grace;
	struct heph_list children; /* by `node`, in the order of their starts */
	unsigned n_children;
	struct heph_list failed;  /* by `queue`: to be decided about */
	struct heph_list pausing; /* by `queue`: to be begun again, by `at` */

	/* A round: several are stopped, the latest first, and begun again. */
	bool round;
	struct heph_child *victim;     /* who is stopped now; NULL: all have */
	struct heph_patience patience; /* with it */
	heph_time resume; /* when they may begin again, at the earliest */

	struct heph_child *awaited; /* its end, or its report */
	bool changed;               /* since it was last looked at */
	struct heph_intensity intensity;
};

/* What is wrong with the values of a tree, in words; NULL: nothing. */
const char *heph_tree_wrong(const struct heph_tree *tree);

/* The child with that address, or NULL. */
struct heph_child *heph_supervisor_child(struct heph_supervisor *supervisor,
					 struct heph_addr addr);

/* The one for a tree of an actor; find: NULL if it was not used yet; get: NULL
 * if there is no memory. */
struct heph_supervisor *heph_supervisor_find(struct heph_self *self,
					     const struct heph_tree *tree);
struct heph_supervisor *heph_supervisor_get(struct heph_self *self,
					    struct heph_tree *tree);

/* A child has reported; a child is gone. */
void heph_supervisor_reported(struct heph_child *child);
void heph_supervisor_lost(struct heph_child *child);

/* Does what there is to do. Returns 1; 0, no child is left; or an error: it
 * gives up, and its children are to be ended. */
HEPH_MUST int heph_supervisor_step(struct heph_supervisor *supervisor);

/* When there is something to do if no child says anything. */
heph_time heph_supervisor_when(const struct heph_supervisor *supervisor);

/* Waits, for nothing else. Ends the children that were started in that scope or
 * inside it, the latest first. */
void heph_supervisor_end(struct heph_supervisor *supervisor, unsigned scope);

/* Waits. Ends a child, or stops it and has it begin again. Returns 0; -ETIME,
 * -ECANCELED: then it goes on. */
HEPH_MUST int heph_supervisor_end_child(heph_ctx ctx, struct heph_child *child);
HEPH_MUST int heph_supervisor_restart_child(heph_ctx ctx,
					    struct heph_child *child);

/* Of the clause heph_on_tree(): whether there is something to do. */
int heph_tree_ready(heph_ctx ctx, struct heph_clause *clause);

/* The same of all trees of an actor; frees those of one that is ending. */
void heph_supervisors_end(struct heph_self *self, unsigned scope);
void heph_supervisors_fini(struct heph_self *self);

#endif
