/* SPDX-License-Identifier: MIT */
#include <heph/metrics.h>

#include <string.h>

#include "base/mem.h"
#include "core/sample.h"
#include "core/stats.h"

heph_time heph_histogram_at(const struct heph_histogram *histogram,
			    double percent)
{
	double wanted = (double)histogram->count * percent / 100;
	uint64_t n = 0;
	heph_time end;

	if (!histogram->count)
		return 0;
	for (unsigned i = 0; i < HEPH_BUCKETS - 1; i++) {
		n += histogram->buckets[i];
		end = INT64_C(1) << i;
		if (n && (double)n >= wanted)
			return end < histogram->max ? end : histogram->max;
	}
	return histogram->max;
}

/* What was measured of the actors of one type on one worker. */
static struct heph_samples *samples_of(struct heph_kind *kind)
{
	return atomic_load_explicit(&kind->samples, memory_order_acquire);
}

/* ---- workers --------------------------------------------------------------- */

static void add_samples(struct heph_worker *worker,
			struct heph_worker_stats *stats)
{
	uint32_t n =
		atomic_load_explicit(&worker->n_kinds, memory_order_acquire);
	struct heph_samples *samples;

	for (; n; n--) {
		samples = samples_of(&worker->kinds[n]);
		if (!samples)
			continue;
		heph_tally_add_to(&stats->run, &samples->run);
		heph_tally_add_to(&stats->wait, &samples->wait);
		heph_tally_add_to(&stats->inbox, &samples->inbox);
	}
}

void heph_worker_stats_of(struct heph_worker *worker,
			  struct heph_worker_stats *ret_stats)
{
	const struct heph_driver *driver = worker->thread.heph->driver;

	*ret_stats = (struct heph_worker_stats){
		.worker = worker->thread.number,
		.asleep = atomic_load(&worker->thread.asleep),
	};
	heph_stats_add(&ret_stats->stats, &worker->thread.count);
	ret_stats->stats.actors =
		ret_stats->stats.spawned - ret_stats->stats.ended;
	add_samples(worker, ret_stats);
	if (driver->describe && worker->driver)
		driver->describe(worker, ret_stats);
}

int heph_worker_stats(heph_ctx ctx, unsigned worker,
		      struct heph_worker_stats *ret_stats)
{
	struct heph *heph = ctx.self->thread->heph;

	if (worker >= heph->workers)
		return -EINVAL;
	heph_worker_stats_of((struct heph_worker *)heph_thread_of(heph, worker),
			     ret_stats);
	return 0;
}

/* ---- types ----------------------------------------------------------------- */

struct types {
	struct heph_type_metrics *list;
	size_t n, max;
};

static bool grow(struct types *types)
{
	size_t max = types->max ? types->max * 2 : 16;
	struct heph_type_metrics *list =
		heph_mem_alloc_raw(max * sizeof(*list));

	if (!list)
		return false;
	if (types->n)
		memcpy(list, types->list, types->n * sizeof(*list));
	heph_mem_free(types->list);
	types->list = list;
	types->max = max;
	return true;
}

/* The entry of a type, made if there is none; NULL: no memory. */
static struct heph_type_metrics *entry(struct types *types,
				       const struct heph_actor *actor)
{
	for (size_t i = types->n; i; i--)
		if (types->list[i - 1].actor == actor)
			return &types->list[i - 1];
	if (types->n == types->max && !grow(types))
		return NULL;
	types->list[types->n] = (struct heph_type_metrics){
		.actor = actor,
		.name = actor->name,
	};
	return &types->list[types->n++];
}

static int add_kind(struct types *types, struct heph_kind *kind)
{
	struct heph_type_metrics *metrics = entry(types, kind->type);
	struct heph_samples *samples = samples_of(kind);

	if (!metrics)
		return -ENOMEM;
	heph_type_stats_add(&metrics->stats, kind);
	if (!samples)
		return 0;
	heph_tally_add_to(&metrics->run, &samples->run);
	heph_tally_add_to(&metrics->wait, &samples->wait);
	heph_tally_add_to(&metrics->inbox, &samples->inbox);
	return 0;
}

static int add_worker(struct types *types, struct heph_worker *worker)
{
	uint32_t n =
		atomic_load_explicit(&worker->n_kinds, memory_order_acquire);
	int err = 0;

	for (uint32_t i = 1; err == 0 && i <= n; i++)
		err = add_kind(types, &worker->kinds[i]);
	return err;
}

static void add_histogram(struct heph_histogram *to,
			  const struct heph_histogram *from)
{
	to->count += from->count;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned n = 0; n < HEPH_BUCKETS; n++)
		to->buckets[n] += from->buckets[n];
}

void heph_type_metrics_add(struct heph_type_metrics *to,
			   const struct heph_type_metrics *from)
{
	to->stats.alive += from->stats.alive;
	to->stats.spawned += from->stats.spawned;
	to->stats.displaced += from->stats.displaced;
	if (from->stats.live_max > to->stats.live_max)
		to->stats.live_max = from->stats.live_max;
	add_histogram(&to->run, &from->run);
	add_histogram(&to->wait, &from->wait);
	add_histogram(&to->inbox, &from->inbox);
}

static void visit_all(const struct types *types, heph_type_fn *visit, void *arg)
{
	struct heph_type_stats *stats;

	for (size_t i = 0; i < types->n; i++) {
		stats = &types->list[i].stats;
		if (stats->displaced)
			stats->live_mean /= stats->displaced;
		if (!visit(arg, &types->list[i]))
			return;
	}
}

int heph_types_visit(struct heph *heph, heph_type_fn *visit, void *arg)
{
	struct heph_thread *thread = NULL;
	struct types types = { 0 };
	int err = 0;

	while (err == 0 && (thread = heph_threads_next(heph, thread)))
		if (thread->is_worker)
			err = add_worker(&types, (struct heph_worker *)thread);
	if (err == 0)
		visit_all(&types, visit, arg);
	heph_mem_free(types.list);
	return err;
}

int heph_each_type(heph_ctx ctx, heph_type_fn *visit, void *arg)
{
	return heph_types_visit(ctx.self->thread->heph, visit, arg);
}
