/* SPDX-License-Identifier: MIT */
#include "core/sample.h"

#include <heph/time.h>

#include "base/mem.h"

void heph_sample_begin(struct heph_worker *worker)
{
	struct heph_queue *queue = &worker->ready[HEPH_USUAL];
	struct heph_self *self;

	worker->sample_in = HEPH_SAMPLE_TURNS;
	if (worker->sampled || !queue->first)
		return;
	self = heph_container_of(queue->end, struct heph_self, next);
	self->flags |= HEPH_FLAG_SAMPLED;
	worker->sampled = self;
	worker->sampled_at = heph_now();
}

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t value)
{
	unsigned bucket = value ? 64 - (unsigned)__builtin_clzll(value) : 0;

	return bucket < HEPH_BUCKETS ? bucket : HEPH_BUCKETS - 1;
}

static void note(struct heph_tally *tally, uint64_t value)
{
	heph_count(&tally->count);
	heph_count_add(&tally->sum, value);
	if (value > get(&tally->max))
		heph_count_set(&tally->max, value);
	heph_count(&tally->buckets[bucket_of(value)]);
}

/* NULL: no memory, it is not measured then. */
static struct heph_samples *samples_of(struct heph_kind *kind)
{
	struct heph_samples *samples =
		atomic_load_explicit(&kind->samples, memory_order_relaxed);

	if (samples)
		return samples;
	samples = heph_mem_alloc(sizeof(*samples));
	atomic_store_explicit(&kind->samples, samples, memory_order_release);
	return samples;
}

/* The loop says that there are actors in an unusual queue, so that the one that
 * runs asks for the next one, and is told that there is none. */
static heph_time run_alone(struct heph_worker *worker, struct heph_self *self,
			   heph_time began)
{
	worker->sampling = true;
	worker->n_unusual++;
	heph_coro_switch(&worker->main, &self->coro);
	worker->n_unusual--;
	worker->sampling = false;
	return heph_now() - began;
}

void heph_sample_run(struct heph_worker *worker, struct heph_self *self)
{
	struct heph_samples *samples = samples_of(heph_kind_of(self));
	heph_time began = heph_now(), ran;
	uint32_t n = self->n;

	self->flags &= (uint16_t)~HEPH_FLAG_SAMPLED;
	worker->sampled = NULL;
	ran = run_alone(worker, self, began);
	if (!samples)
		return;
	note(&samples->wait, (uint64_t)(began - worker->sampled_at));
	note(&samples->inbox, n);
	note(&samples->run, (uint64_t)ran);
}

void heph_samples_free(struct heph_worker *worker)
{
	for (uint32_t n = worker->n_kinds; n; n--)
		heph_mem_free(worker->kinds[n].samples);
}

void heph_tally_add_to(struct heph_histogram *histogram,
		       struct heph_tally *tally)
{
	heph_time max = (heph_time)get(&tally->max);

	histogram->count += get(&tally->count);
	histogram->sum += (heph_time)get(&tally->sum);
	if (max > histogram->max)
		histogram->max = max;
	for (unsigned n = 0; n < HEPH_BUCKETS; n++)
		histogram->buckets[n] += get(&tally->buckets[n]);
}
