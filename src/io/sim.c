/* SPDX-License-Identifier: MIT */
/*
 * The events are a heap, the next one first. Of those at the same time the one
 * that drew the lowest number is next, so nothing depends on the order in which
 * they were made.
 */
#include "io/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/sim_child.h"
#include "io/sim_disk.h"
#include "io/sim_driver.h"
#include "io/sim_file.h"
#include "io/sim_host.h"
#include "io/sim_link.h"
#include "io/sim_socket.h"

#define BEGINNING HEPH_SEC

static enum heph_sim_defect planted;

void heph_sim_plant(enum heph_sim_defect defect)
{
	planted = defect;
}

/* ---- memory -------------------------------------------------------------------- */

/* One that a test lets fail is not the last one. */
void *heph_sim_memory(size_t size)
{
	void *memory = heph_mem_alloc(size);

	if (!memory)
		memory = heph_mem_alloc(size);
	if (memory)
		return memory;
	heph_log_error("no memory for the simulated kernel");
	heph_log_flush();
	abort();
}

struct heph_sim *heph_sim_new(uint64_t seed,
			      const struct heph_sim_options *options)
{
	struct heph_sim *sim = heph_mem_alloc(sizeof(*sim));

	if (!sim)
		return NULL;
	sim->options = *options;
	sim->seed = seed;
	sim->defect = planted;
	sim->now = BEGINNING;
	heph_rand_seed(&sim->rand, seed);
	sim->result.hash = seed;
	heph_list_init(&sim->sockets);
	heph_list_init(&sim->links);
	heph_list_init(&sim->packets);
	heph_list_init(&sim->cuts);
	heph_list_init(&sim->hosts);
	heph_list_init(&sim->programs);
	heph_list_init(&sim->children);
	heph_list_init(&sim->ops);
	return sim;
}

/* Children that run have files of their own, which nobody closes. */
static void close_all(struct heph_sim *sim)
{
	heph_sim_children_end(sim);
	for (unsigned n = 0; n < sim->n_files; n++)
		heph_sim_close(sim, HEPH_SIM_FIRST + (int)n);
	while (!heph_list_empty(&sim->links))
		heph_sim_link_free(heph_container_of(
			sim->links.next, struct heph_sim_link, node));
}

void heph_sim_free(struct heph_sim *sim)
{
	heph_sim_forget(sim);
	close_all(sim);
	heph_sim_packets_fini(sim);
	heph_sim_cuts_fini(sim);
	heph_sim_hosts_fini(sim);
	heph_sim_children_fini(sim);
	heph_sim_disk_free(sim->disk);
	heph_mem_free(sim->files);
	heph_mem_free(sim->heap);
	heph_mem_free(sim);
}

/* ---- events -------------------------------------------------------------------- */

static bool before(const struct heph_sim_event *a, const struct heph_sim_event *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void put(struct heph_sim *sim, struct heph_sim_event *event, unsigned place)
{
	sim->heap[place] = event;
	event->place = place;
}

static void rise(struct heph_sim *sim, struct heph_sim_event *event)
{
	unsigned place = event->place;

	for (; place > 1 && before(event, sim->heap[place / 2]); place /= 2)
		put(sim, sim->heap[place / 2], place);
	put(sim, event, place);
}

static unsigned lesser_child(const struct heph_sim *sim, unsigned place)
{
	unsigned child = 2 * place;

	if (child < sim->n_events &&
	    before(sim->heap[child + 1], sim->heap[child]))
		child++;
	return child;
}

static void sink(struct heph_sim *sim, struct heph_sim_event *event)
{
	unsigned place = event->place, child;

	for (; 2 * place <= sim->n_events; place = child) {
		child = lesser_child(sim, place);
		if (!before(sim->heap[child], event))
			break;
		put(sim, sim->heap[child], place);
	}
	put(sim, event, place);
}

static void grow_heap(struct heph_sim *sim)
{
	unsigned max = sim->max_events ? sim->max_events * 2 : 64;
	struct heph_sim_event **heap =
		heph_sim_memory((max + 1) * sizeof(struct heph_sim_event *));

	if (sim->n_events)
		memcpy(heap, sim->heap,
		       (sim->n_events + 1) * sizeof(*sim->heap));
	heph_mem_free(sim->heap);
	sim->heap = heap;
	sim->max_events = max;
}

void heph_sim_never(struct heph_sim *sim, struct heph_sim_event *event)
{
	struct heph_sim_event *last;

	if (!event->place)
		return;
	last = sim->heap[sim->n_events--];
	if (last != event) {
		put(sim, last, event->place);
		rise(sim, last);
		sink(sim, last);
	}
	event->place = 0;
}

void heph_sim_at(struct heph_sim *sim, struct heph_sim_event *event,
		 heph_time when)
{
	heph_sim_never(sim, event);
	if (when == HEPH_NEVER)
		return;
	if (sim->n_events == sim->max_events)
		grow_heap(sim);
	event->when = when < sim->now ? sim->now : when;
	event->order = heph_rand_next(&sim->rand);
	event->place = ++sim->n_events;
	rise(sim, event);
}

bool heph_sim_next(struct heph_sim *sim, heph_time until)
{
	struct heph_sim_event *event = sim->n_events ? sim->heap[1] : NULL;

	if (!event || event->when > until)
		return false;
	heph_sim_never(sim, event);
	if (event->when > sim->now)
		sim->now = event->when;
	sim->result.steps++;
	event->fn(sim, event);
	return true;
}

/* ---- chance -------------------------------------------------------------------- */

uint64_t heph_sim_below(struct heph_sim *sim, uint64_t n)
{
	return heph_rand_below(&sim->rand, n);
}

heph_time heph_sim_between(struct heph_sim *sim, heph_time a, heph_time b)
{
	return b <= a ? a :
			a + (heph_time)heph_sim_below(sim,
						      (uint64_t)(b - a) + 1);
}

size_t heph_sim_shorten(struct heph_sim *sim, size_t size)
{
	return size > 1 && heph_sim_fault(sim, HEPH_SIM_KIND(short_count)) ?
		       1 + heph_sim_below(sim, size - 1) :
		       size;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

void heph_sim_trace(struct heph_sim *sim, uint64_t what, uint64_t a, uint64_t b)
{
	uint64_t hash = mix(sim->result.hash, what);

	hash = mix(hash, (uint64_t)sim->now);
	hash = mix(hash, a);
	sim->result.hash = mix(hash, b);
}

/* ---- failing -------------------------------------------------------------------- */

void heph_sim_failed(struct heph_sim *sim, int err, const char *text)
{
	struct heph_fmt faults;
	char kinds[384];

	if (sim->result.failed)
		return;
	sim->result.failed = true;
	sim->err = err;
	heph_fmt_init(&faults, kinds, sizeof(kinds));
	heph_sim_faults_print(sim, &faults);
	snprintf(sim->failure, sizeof(sim->failure),
		 "simulation failed after %lld.%06lld s: %.256s "
		 "(HEPH_SIM_SEED=%llu%s)",
		 (long long)(sim->now / HEPH_SEC),
		 (long long)(sim->now % HEPH_SEC / HEPH_USEC), text,
		 (unsigned long long)sim->seed, kinds);
}

uint64_t heph_sim_random(heph_ctx ctx, uint64_t n)
{
	struct heph_sim *sim = ctx.self->thread->heph->sim;

	return sim ? heph_sim_below(sim, n) : 0;
}

void heph_sim_fail(heph_ctx ctx, const char *text)
{
	struct heph_sim *sim = ctx.self->thread->heph->sim;

	if (sim)
		heph_sim_failed(sim, -EPROTO, text);
}

/* Each kind of fault is there in every other world: what is found by one alone
 * is often hidden by another one. */
static double some(struct heph_rand *rand, double most)
{
	double part = (double)heph_rand_below(rand, 1000) / 1000;

	return heph_rand_below(rand, 2) ? most * part * part : 0;
}

struct heph_sim_faults heph_sim_faults(uint64_t seed)
{
	struct heph_sim_faults faults;
	struct heph_rand rand;

	heph_rand_seed(&rand, ~seed);
	faults.short_count = some(&rand, 0.5);
	faults.interrupted = some(&rand, 0.1);
	faults.late = some(&rand, 0.05);
	faults.no_buffer = some(&rand, 0.3);
	faults.cancel_late = some(&rand, 1);
	faults.accept_error = some(&rand, 0.1);
	faults.accept_end = some(&rand, 0.3);
	faults.refused = some(&rand, 0.1);
	faults.reset = some(&rand, 0.01);
	faults.mute = some(&rand, 0.002);
	faults.lost = some(&rand, 0.2);
	faults.doubled = some(&rand, 0.1);
	faults.unresolved = some(&rand, 0.1);
	faults.disk = some(&rand, 0.02);
	faults.stall = some(&rand, 0.02);
	return faults;
}
