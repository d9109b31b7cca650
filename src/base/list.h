/* SPDX-License-Identifier: MIT */
/*
 * list.h - a doubly linked list of nodes that live in other structs
 *
 *   struct job { struct heph_list node; int n; };
 *
 *   heph_list_push_back(&jobs, &job->node);
 *   node = heph_list_pop_front(&jobs);
 *   job = heph_container_of(node, struct job, node);
 *
 * A list and a node are the same struct: a ring with the list itself as one of
 * its members. All calls are O(1), none allocates or fails.
 *
 * Thread     None of this is thread-safe.
 * Ownership  A list owns nothing. A node is in at most one list, and must be
 *            removed before its memory goes away.
 */
#ifndef HEPH_BASE_LIST_H
#define HEPH_BASE_LIST_H

#include "base/assert.h"

#include <heph/timers.h> /* struct heph_list */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The struct of type `type_` whose member `member_` is at `ptr_`. */
#define heph_container_of(ptr_, type_, member_)                                \
	((type_ *)((uintptr_t)(ptr_)-offsetof(type_, member_)))

/* Visits each node in order; `var_` is a struct heph_list * of the caller. The
 * nodes must stay where they are meanwhile. */
#define heph_list_each(var_, list_)                                            \
	for ((var_) = (list_)->next; (var_) != (list_); (var_) = (var_)->next)

/* The same, and the node `var_` itself may be removed or freed. `tmp_` is
 * another struct heph_list * of the caller. */
#define heph_list_each_safe(var_, tmp_, list_)                                 \
	for ((var_) = (list_)->next, (tmp_) = (var_)->next; (var_) != (list_); \
	     (var_) = (tmp_), (tmp_) = (var_)->next)

/* Makes an empty list, or a node that is in no list. */
static inline void heph_list_init(struct heph_list *list)
{
	list->prev = list;
	list->next = list;
}

/* True if the list has no nodes; also true of a node that is in no list. */
static inline bool heph_list_empty(const struct heph_list *list)
{
	heph_slow_assert(list->next->prev == list);
	return list->next == list;
}

/* Puts `node`, which is in no list, between two neighbours. */
static inline void heph_list_insert(struct heph_list *prev,
				    struct heph_list *node,
				    struct heph_list *next)
{
	heph_slow_assert(prev->next == next && next->prev == prev);
	heph_slow_assert(prev != node && next != node);
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

/* Adds `node` as the last one. It must be in no list; it need not be
 * initialised. */
static inline void heph_list_push_back(struct heph_list *list,
				       struct heph_list *node)
{
	heph_list_insert(list->prev, node, list);
}

/* Adds `node` as the first one, under the same conditions. */
static inline void heph_list_push_front(struct heph_list *list,
					struct heph_list *node)
{
	heph_list_insert(list, node, list->next);
}

/*
 * Takes `node` out of the list that it is in. Afterwards it is in no list, and
 * removing it again is harmless. A node must have been initialised or pushed.
 */
static inline void heph_list_remove(struct heph_list *node)
{
	heph_slow_assert(node->prev->next == node);
	heph_slow_assert(node->next->prev == node);
	node->prev->next = node->next;
	node->next->prev = node->prev;
	heph_list_init(node);
}

/* The first node, which stays in the list; NULL if there is none. */
static inline struct heph_list *heph_list_first(const struct heph_list *list)
{
	return heph_list_empty(list) ? NULL : list->next;
}

/* The last node, which stays in the list; NULL if there is none. */
static inline struct heph_list *heph_list_last(const struct heph_list *list)
{
	return heph_list_empty(list) ? NULL : list->prev;
}

/* Takes the first node out; NULL if there is none. */
static inline struct heph_list *heph_list_pop_front(struct heph_list *list)
{
	struct heph_list *node = heph_list_first(list);

	if (node)
		heph_list_remove(node);
	return node;
}

/* Moves all nodes of `from` to the end of `to`, in order; `from` is empty
 * afterwards. */
static inline void heph_list_splice(struct heph_list *to,
				    struct heph_list *from)
{
	if (heph_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	heph_list_init(from);
}

#endif
