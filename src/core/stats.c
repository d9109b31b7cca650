/* SPDX-License-Identifier: MIT */
#include <heph/runtime.h>

#include "core/heph.h"
#include "core/stats.h"
#include "core/worker.h"

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void heph_stats_add(struct heph_stats *stats, struct heph_counters *count)
{
	stats->descriptors += get(&count->descriptors);
	stats->operations += get(&count->operations);
	stats->buffers += get(&count->buffers);
	stats->timers += get(&count->timers);
	stats->calls += get(&count->calls);
	stats->stacks += get(&count->stacks);
	stats->slots += get(&count->slots);
	stats->bytes += get(&count->bytes);
	stats->spawned += get(&count->spawned);
	stats->ended += get(&count->ended);
	stats->failed += get(&count->failed);
	stats->restarted += get(&count->restarted);
	stats->panicked += get(&count->panicked);
	stats->sent += get(&count->delivered);
	stats->received += get(&count->received);
	stats->messages += get(&count->delivered) - get(&count->received) -
			   get(&count->unread_dropped);
	stats->posts_dropped += get(&count->posts_dropped);
	stats->unread_dropped += get(&count->unread_dropped);
	stats->late_answers += get(&count->late_answers);
	stats->polls += get(&count->polls);
	stats->sleeps += get(&count->sleeps);
	stats->wakes += get(&count->wakes);
	stats->system_calls += get(&count->system_calls);
	stats->bounced += get(&count->bounced);
	stats->displaced += get(&count->displaced);
	stats->overflows += get(&count->overflows);
}

struct heph_stats heph_stats_of(struct heph *heph)
{
	struct heph_stats stats = { 0 };
	struct heph_thread *thread = NULL;

	while ((thread = heph_threads_next(heph, thread)))
		heph_stats_add(&stats, &thread->count);
	stats.posts_dropped += get(&heph->strangers_dropped);
	stats.late_answers += get(&heph->strangers_late);
	stats.descriptors -= get(&heph->strangers_closed);
	stats.actors = stats.spawned - stats.ended;
	return stats;
}

struct heph_stats heph_stats(heph_ctx ctx)
{
	return heph_stats_of(ctx.self->thread->heph);
}

/* What a worker knows of a type; NULL: nothing. */
static struct heph_kind *kind_of(struct heph_worker *worker,
				 const struct heph_actor *type)
{
	uint32_t n =
		atomic_load_explicit(&worker->n_kinds, memory_order_acquire);

	for (; n; n--)
		if (worker->kinds[n].type == type)
			return &worker->kinds[n];
	return NULL;
}

void heph_type_stats_add(struct heph_type_stats *stats, struct heph_kind *kind)
{
	uint64_t live_max = get(&kind->live_max);

	stats->alive += get(&kind->alive);
	stats->spawned += get(&kind->spawned);
	stats->displaced += get(&kind->displaced);
	stats->live_mean += get(&kind->live_sum);
	if (live_max > stats->live_max)
		stats->live_max = live_max;
	stats->own_stacks |=
		atomic_load_explicit(&kind->deep, memory_order_relaxed);
}

struct heph_type_stats heph_raw_type_stats(heph_ctx ctx,
					   const struct heph_actor *type)
{
	struct heph_type_stats stats = { 0 };
	struct heph_thread *thread = NULL;
	struct heph_kind *kind;

	while ((thread = heph_threads_next(ctx.self->thread->heph, thread))) {
		kind = thread->is_worker ?
			       kind_of((struct heph_worker *)thread, type) :
			       NULL;
		if (kind)
			heph_type_stats_add(&stats, kind);
	}
	if (stats.displaced)
		stats.live_mean /= stats.displaced;
	return stats;
}

unsigned heph_workers(heph_ctx ctx)
{
	return ctx.self->thread->heph->workers;
}

const char *heph_driver_name(heph_ctx ctx)
{
	return ctx.self->thread->heph->driver->name;
}

struct heph *heph_runtime(heph_ctx ctx)
{
	return ctx.self->thread->heph;
}
