/* SPDX-License-Identifier: MIT */
#include <heph/runtime.h>

#include "core/heph.h"
#include "core/self.h"

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add(struct heph_stats *stats, struct heph_counters *count)
{
	stats->descriptors += get(&count->descriptors);
	stats->operations += get(&count->operations);
	stats->buffers += get(&count->buffers);
	stats->timers += get(&count->timers);
	stats->calls += get(&count->calls);
	stats->stacks += get(&count->stacks);
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
}

struct heph_stats heph_stats(heph_ctx ctx)
{
	struct heph *heph = ctx.self->thread->heph;
	struct heph_stats stats = { 0 };
	struct heph_thread *thread = NULL;

	while ((thread = heph_threads_next(heph, thread)))
		add(&stats, &thread->count);
	stats.posts_dropped += get(&heph->strangers_dropped);
	stats.late_answers += get(&heph->strangers_late);
	stats.descriptors -= get(&heph->strangers_closed);
	stats.actors = stats.spawned - stats.ended;
	return stats;
}

unsigned heph_workers(heph_ctx ctx)
{
	return ctx.self->thread->heph->workers;
}

struct heph *heph_runtime(heph_ctx ctx)
{
	return ctx.self->thread->heph;
}
