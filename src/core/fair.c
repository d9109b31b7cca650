/* SPDX-License-Identifier: MIT */
/*
 * The schedulers that come with Heph.
 *
 * The fair one is a pairing heap whose nodes lie in a table, one for each actor
 * of the worker: it takes memory where it is touched only, and nothing can fail.
 * A node is a child of one that comes before it; `sibling` links the children.
 * Taking the root merges its children in pairs, and then the pairs.
 *
 * `least` is how far the one that is furthest behind has come.
 */
#include "core/sched.h"

#include <heph/actor.h>

#include <stddef.h>

#include "base/mem.h"

/* ---- fair ---------------------------------------------------------------------- */

enum { RANK_BITS = 2 };
/* New ones are a little behind, or those that come and go would always find one
 * of theirs in front, and run before all others for ever. */
#define BEHIND (100 * HEPH_USEC * counts[1])
#define AHEAD (5 * HEPH_MSEC * counts[1]) /* of who was waiting */

/* What a nanosecond counts, from high to low priority. */
static const uint64_t counts[] = { 5, 10, 15 };

struct node {
	uint64_t key; /* time used, and the rank of its priority; 0: new */
	uint32_t child, sibling;
	uint32_t since; /* when it became ready, counted */
};

struct fair {
	struct node *nodes;
	size_t size;
	uint32_t root, count;
	uint64_t least; /* a key */
};

static void *fair_create(uint32_t max)
{
	struct fair *fair = heph_mem_alloc(sizeof(*fair));

	if (!fair)
		return NULL;
	fair->size = ((size_t)max + 1) * sizeof(*fair->nodes);
	fair->nodes = heph_mem_reserve_table(fair->size);
	fair->least = UINT64_C(1) << RANK_BITS;
	if (fair->nodes)
		return fair;
	heph_mem_free(fair);
	return NULL;
}

static void fair_destroy(void *scheduler)
{
	struct fair *fair = scheduler;

	heph_mem_unreserve(fair->nodes, fair->size);
	heph_mem_free(fair);
}

/* Among equals who was ready first. */
static bool before(const struct node *a, const struct node *b)
{
	return a->key < b->key ||
	       (a->key == b->key && (int32_t)(a->since - b->since) < 0);
}

static uint32_t merge(struct node *nodes, uint32_t a, uint32_t b)
{
	uint32_t front = before(&nodes[a], &nodes[b]) ? a : b;
	uint32_t back = front == a ? b : a;

	nodes[back].sibling = nodes[front].child;
	nodes[front].child = back;
	return front;
}

static uint64_t rank_of(int priority)
{
	return (uint64_t)(HEPH_HIGH - priority);
}

static uint64_t used(uint64_t key)
{
	return key >> RANK_BITS;
}

/* What it has used counts from where the others are. */
static uint64_t place(const struct fair *fair, uint64_t key)
{
	uint64_t least = used(fair->least);

	if (!key)
		return least + BEHIND;
	if (least > AHEAD && used(key) < least - AHEAD)
		return least - AHEAD;
	return used(key);
}

static void fair_ready(void *scheduler, uint32_t actor, int priority)
{
	struct fair *fair = scheduler;
	struct node *node = &fair->nodes[actor];

	node->key = place(fair, node->key) << RANK_BITS | rank_of(priority);
	node->since = fair->count++;
	node->child = 0;
	node->sibling = 0;
	fair->root = fair->root ? merge(fair->nodes, fair->root, actor) : actor;
}

static uint32_t merge_in_pairs(struct node *nodes, uint32_t child)
{
	uint32_t pairs = 0, older, after, pair;

	while (child) {
		older = nodes[child].sibling;
		after = older ? nodes[older].sibling : 0;
		pair = older ? merge(nodes, older, child) : child;
		nodes[pair].sibling = pairs;
		pairs = pair;
		child = after;
	}
	return pairs;
}

static uint32_t merge_all(struct node *nodes, uint32_t pairs)
{
	uint32_t root = pairs, after, it;

	if (!root)
		return 0;
	it = nodes[root].sibling;
	nodes[root].sibling = 0;
	for (; it; it = after) {
		after = nodes[it].sibling;
		root = merge(nodes, root, it);
	}
	return root;
}

/* Somebody who runs, or did, is there. */
static void advance(struct fair *fair, uint64_t key)
{
	if (fair->root && fair->nodes[fair->root].key < key)
		key = fair->nodes[fair->root].key;
	if (key > fair->least)
		fair->least = key;
}

static uint32_t fair_next(void *scheduler)
{
	struct fair *fair = scheduler;
	struct node *nodes = fair->nodes;
	uint32_t actor = fair->root;

	if (!actor)
		return 0;
	advance(fair, nodes[actor].key);
	fair->root =
		merge_all(nodes, merge_in_pairs(nodes, nodes[actor].child));
	return actor;
}

static void fair_ran(void *scheduler, uint32_t actor, int priority,
		     heph_time length)
{
	struct fair *fair = scheduler;
	uint64_t *key = &fair->nodes[actor].key;

	*key += ((uint64_t)length * counts[rank_of(priority)]) << RANK_BITS;
	advance(fair, *key);
}


static void fair_gone(void *scheduler, uint32_t actor)
{
	struct fair *fair = scheduler;

	fair->nodes[actor].key = 0;
}

const struct heph_scheduler heph_scheduler_fair = {
	.name = "fair",
	.create = fair_create,
	.destroy = fair_destroy,
	.ready = fair_ready,
	.next = fair_next,
	.ran = fair_ran,
	.gone = fair_gone,
};

/* ---- first come, first served ---------------------------------------------------- */

struct fifo {
	uint32_t *after; /* by actor */
	size_t size;
	uint32_t first, last;
};

static void *fifo_create(uint32_t max)
{
	struct fifo *fifo = heph_mem_alloc(sizeof(*fifo));

	if (!fifo)
		return NULL;
	fifo->size = ((size_t)max + 1) * sizeof(*fifo->after);
	fifo->after = heph_mem_reserve_table(fifo->size);
	if (fifo->after)
		return fifo;
	heph_mem_free(fifo);
	return NULL;
}

static void fifo_destroy(void *scheduler)
{
	struct fifo *fifo = scheduler;

	heph_mem_unreserve(fifo->after, fifo->size);
	heph_mem_free(fifo);
}

static void fifo_ready(void *scheduler, uint32_t actor, int priority)
{
	struct fifo *fifo = scheduler;

	(void)priority;
	fifo->after[actor] = 0;
	if (fifo->first)
		fifo->after[fifo->last] = actor;
	else
		fifo->first = actor;
	fifo->last = actor;
}

static uint32_t fifo_next(void *scheduler)
{
	struct fifo *fifo = scheduler;
	uint32_t actor = fifo->first;

	if (actor)
		fifo->first = fifo->after[actor];
	return actor;
}

static void fifo_ran(void *scheduler, uint32_t actor, int priority,
		     heph_time length)
{
	(void)scheduler, (void)actor, (void)priority, (void)length;
}

static void fifo_gone(void *scheduler, uint32_t actor)
{
	(void)scheduler, (void)actor;
}

const struct heph_scheduler heph_scheduler_fifo = {
	.name = "fifo",
	.create = fifo_create,
	.destroy = fifo_destroy,
	.ready = fifo_ready,
	.next = fifo_next,
	.ran = fifo_ran,
	.gone = fifo_gone,
};
