/* SPDX-License-Identifier: MIT */
/*
 * Who waits for one actor alone, for its answer, for room in its inbox or for its
 * end, is an edge; an actor has one at most. So following the edges from anywhere
 * ends somewhere, or comes round.
 *
 * The edges are from different moments, so what comes round is looked at again,
 * one actor after the other. If each is in the same wait as before then all of
 * them waited at the same time: after the last one was first seen, and before
 * the first one was seen again. And what each waits for is still to come: the
 * one that is to answer has not answered, the full inbox is full.
 */
#include "rt/inspect.h"

#include <heph/time.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct edge {
	struct heph_addr from, to;
	struct heph_reply reply;
	uint64_t number; /* of the wait */
	size_t mark;     /* of the walk that came here first; 0: none did */
};

struct edges {
	struct edge *list;
	size_t n, max;
	size_t *table; /* by the id of `from`, places in `list` and one; 0: free */
	size_t mask;
	bool no_memory;
};

#define WAITS                                                                  \
	(1u << HEPH_WAITS_ANSWER | 1u << HEPH_WAITS_ROOM |                     \
	 1u << HEPH_WAITS_JOIN)

/* ---- collecting ------------------------------------------------------------ */

static bool grow(struct edges *edges)
{
	size_t max = edges->max ? edges->max * 2 : 64;
	struct edge *list = heph_mem_alloc_raw(max * sizeof(*list));

	if (!list)
		return false;
	if (edges->n)
		memcpy(list, edges->list, edges->n * sizeof(*list));
	heph_mem_free(edges->list);
	edges->list = list;
	edges->max = max;
	return true;
}

/* Whether it waits for one thing, and of whom. */
static bool waits_for_one(const struct heph_actor_info *info)
{
	return info->waits == 1u << info->wait && (info->waits & WAITS) &&
	       info->on.addr.id && info->wait_number;
}

static bool collect(void *arg, const struct heph_look *look)
{
	struct edges *edges = arg;

	if (!waits_for_one(&look->info))
		return true;
	if (edges->n == edges->max && !grow(edges)) {
		edges->no_memory = true;
		return false;
	}
	edges->list[edges->n++] =
		(struct edge){ .from = look->info.ref.addr,
			       .to = look->info.on.addr,
			       .reply = look->reply,
			       .number = look->info.wait_number };
	return true;
}

/* ---- following ------------------------------------------------------------- */

static size_t place_of(const struct edges *edges, uint64_t id)
{
	size_t place = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
		       edges->mask;

	while (edges->table[place] &&
	       edges->list[edges->table[place] - 1].from.id != id)
		place = (place + 1) & edges->mask;
	return place;
}

static int index_edges(struct edges *edges)
{
	size_t size = 64;

	while (size < edges->n * 2)
		size *= 2;
	edges->mask = size - 1;
	edges->table = heph_mem_alloc(size * sizeof(*edges->table));
	if (!edges->table)
		return -ENOMEM;
	for (size_t i = 0; i < edges->n; i++)
		edges->table[place_of(edges, edges->list[i].from.id)] = i + 1;
	return 0;
}

static struct edge *next_of(const struct edges *edges, const struct edge *edge)
{
	size_t found = edges->table[place_of(edges, edge->to.id)];

	return found ? &edges->list[found - 1] : NULL;
}

/* One of a circle that nobody has come to before; NULL. */
static struct edge *walk(struct edges *edges, size_t start)
{
	struct edge *edge = &edges->list[start];

	while (edge && !edge->mark) {
		edge->mark = start + 1;
		edge = next_of(edges, edge);
	}
	return edge && edge->mark == start + 1 ? edge : NULL;
}

/* ---- looking again --------------------------------------------------------- */

struct search {
	const struct heph_asker *asker;
	struct edges edges;
	struct heph_look look, next;
	struct heph_cycle cycle;
	heph_cycle_fn *visit;
	void *arg;
	int n;
	bool enough;
	bool silent; /* a worker did not answer when it was asked again */
};

static bool same_wait(const struct edge *edge,
		      const struct heph_actor_info *info)
{
	return waits_for_one(info) && info->wait_number == edge->number &&
	       info->on.addr.id == edge->to.id;
}

/* What a look that fails says of a circle: there is none, or it is not known. */
static int unseen(struct search *search, int err)
{
	search->silent |= err == -EBUSY;
	return err == -ESRCH || err == -EBUSY ? 0 : err;
}

/* Whether what it waits for is still to come from the one that it waits for.
 * 1, 0, or an error. */
static int is_due(struct search *search, const struct edge *edge)
{
	bool owes = false;
	int err = heph_look_at(search->asker, edge->to,
			       search->look.info.wait == HEPH_WAITS_ANSWER ?
				       &edge->reply :
				       NULL,
			       &search->next, &owes);

	if (err < 0)
		return unseen(search, err);
	switch (search->look.info.wait) {
	case HEPH_WAITS_ANSWER:
		return owes;
	case HEPH_WAITS_ROOM:
		return search->next.info.inbox >= search->next.info.capacity;
	default:
		return 1;
	}
}

/* Whether that actor waits as before. 1, 0, or an error. */
static int look_again(struct search *search, const struct edge *edge)
{
	bool owes;
	int err = heph_look_at(search->asker, edge->from, NULL, &search->look,
			       &owes);

	if (err < 0)
		return unseen(search, err);
	return same_wait(edge, &search->look.info) ? is_due(search, edge) : 0;
}

static void add_actor(struct heph_cycle *cycle,
		      const struct heph_actor_info *info)
{
	if (info->deadline < cycle->deadline)
		cycle->deadline = info->deadline;
	cycle->ends = cycle->deadline != HEPH_NEVER;
	if (cycle->n < HEPH_CYCLE_MAX)
		cycle->actors[cycle->n] = *info;
	cycle->n++;
}

static int verify(struct search *search, const struct edge *first)
{
	const struct edge *edge = first;
	int is;

	search->cycle.n = 0;
	search->cycle.deadline = HEPH_NEVER;
	search->cycle.ends = false;
	do {
		is = look_again(search, edge);
		if (is <= 0)
			return is;
		add_actor(&search->cycle, &search->look.info);
		edge = next_of(&search->edges, edge);
	} while (edge != first);
	return 1;
}

/* ---- telling --------------------------------------------------------------- */

/* Each is known by its name now, also where the look at who waits for it could not
 * know it. */
static void name_others(struct heph_cycle *cycle)
{
	struct heph_actor_info *info, *next;

	for (unsigned i = 0; i < cycle->n && i < HEPH_CYCLE_MAX; i++) {
		info = &cycle->actors[i];
		next = &cycle->actors[(i + 1) % cycle->n % HEPH_CYCLE_MAX];
		if (info->on.addr.id != next->ref.addr.id)
			continue; /* it did not fit */
		memcpy(info->on_name, next->name, sizeof(info->on_name));
		heph_info_say(info, info->text, sizeof(info->text));
	}
}

static void say(struct heph_cycle *cycle)
{
	unsigned n = cycle->n < HEPH_CYCLE_MAX ? cycle->n : HEPH_CYCLE_MAX;
	const struct heph_actor_info *info;
	size_t at = 0;
	int more;

	cycle->text[0] = '\0';
	for (unsigned i = 0; i < n && at < sizeof(cycle->text); i++) {
		info = &cycle->actors[i];
		more = snprintf(cycle->text + at, sizeof(cycle->text) - at,
				"%s%s#%" PRIu64 " %s", i ? "; " : "",
				info->name, info->ref.addr.id, info->text);
		at += more > 0 ? (size_t)more : 0;
	}
	if (cycle->n > n && at < sizeof(cycle->text))
		snprintf(cycle->text + at, sizeof(cycle->text) - at,
			 "; and %u more", cycle->n - n);
}

static int tell(struct search *search, const struct edge *first)
{
	int is = verify(search, first);

	if (is <= 0)
		return is;
	search->n++;
	name_others(&search->cycle);
	say(&search->cycle);
	search->enough = search->visit &&
			 !search->visit(search->arg, &search->cycle);
	return 0;
}

static int follow(struct search *search)
{
	struct edges *edges = &search->edges;
	const struct edge *first;
	int err = edges->n ? index_edges(edges) : 0;

	for (size_t i = 0; err == 0 && i < edges->n && !search->enough; i++) {
		first = edges->list[i].mark ? NULL : walk(edges, i);
		if (first)
			err = tell(search, first);
	}
	return err;
}

int heph_cycles_find(const struct heph_asker *asker, heph_cycle_fn *visit,
		     void *arg)
{
	const struct heph_inspect_filter filter = { .waits = WAITS };
	struct search *search = heph_mem_alloc(sizeof(*search));
	int err;

	if (!search)
		return -ENOMEM;
	search->asker = asker;
	search->visit = visit;
	search->arg = arg;
	err = heph_look_at_all(asker, &filter, collect, &search->edges);
	if (err == 0 && search->edges.no_memory)
		err = -ENOMEM;
	if (err == 0)
		err = follow(search);
	if (err == 0)
		err = search->n || !search->silent ? search->n : -EBUSY;
	heph_mem_free(search->edges.table);
	heph_mem_free(search->edges.list);
	heph_mem_free(search);
	return err;
}

int heph_find_cycles(heph_ctx ctx, heph_cycle_fn *visit, void *arg)
{
	struct heph_asker asker = heph_asker_of(ctx);
	int err = heph_park_allowed(ctx);

	return err < 0 ? err : heph_cycles_find(&asker, visit, arg);
}
