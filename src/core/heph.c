/* SPDX-License-Identifier: MIT */
/*
 * The table of runtimes. A place holds the runtime, how many strangers are
 * inside, and the highest serial that a runtime in this place has given to an
 * actor: the next one begins after it, so ids are not used again in a process.
 *
 * Entering counts first and looks then; leaving the table clears the place
 * first and looks at the count then. Both are sequentially consistent, so
 * either the stranger finds no runtime, or heph_fini() waits for it.
 */
#include "core/heph.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <heph/time.h>

#include "base/mem.h"
#include "core/lane.h"
#include "core/lose.h"
#include "core/solo.h"
#include "core/trace.h"
#include "core/worker.h"

struct heph_place heph_places[HEPH_RUNTIMES_MAX];

struct heph *heph_at_place(unsigned node)
{
	return atomic_load(&heph_places[node].heph);
}

static int claim_place(struct heph *heph)
{
	for (unsigned node = 0; node < HEPH_RUNTIMES_MAX; node++) {
		struct heph *nobody = NULL;

		heph->node = (uint16_t)node;
		if (atomic_compare_exchange_strong(&heph_places[node].heph,
						   &nobody, heph))
			return 0;
	}
	return -EAGAIN;
}

int heph_init(struct heph *heph, const struct heph_config *config,
	      const struct heph_driver *driver)
{
	size_t lanes = (size_t)config->workers * config->workers;
	int err;

	memset(heph, 0, sizeof(*heph));
	heph->config = *config;
	snprintf(heph->name, sizeof(heph->name), "%s",
		 config->name ? config->name : "");
	heph->config.name = heph->name;
	heph->config.driver = driver->name;
	heph->workers = config->workers;
	heph->driver = driver;
	heph->next_timer = HEPH_NEVER;
	heph->lanes = heph_mem_alloc(lanes * sizeof(*heph->lanes));
	if (!heph->lanes)
		return -ENOMEM;
	pthread_mutex_init(&heph->lock, NULL);
	err = claim_place(heph);
	if (err < 0)
		goto fail_place;
	heph->first_serial = heph_serial_base(heph) + 1;
	heph_maps_init(&heph->maps, heph->first_serial);
	heph_registry_init(&heph->registry);
	return 0;

fail_place:
	pthread_mutex_destroy(&heph->lock);
	heph_mem_free(heph->lanes);
	return err;
}

static void leave_place(struct heph *heph)
{
	if (atomic_load(&heph_places[heph->node].heph) != heph)
		return;
	atomic_store(&heph_places[heph->node].heph, NULL);
	while (atomic_load(&heph_places[heph->node].inside))
		sched_yield();
}

/* Lets come to rest what is still at the doors, and disposes of messages whose
 * actor has ended. On a plain thread's account: the workers' drivers are
 * stopped, so what drop functions close is closed by that. */
static void sweep(struct heph *heph, struct heph_thread *plain)
{
	struct heph_thread *mine = heph_thread_current;
	struct heph_thread *thread;
	bool any;

	heph_thread_current = plain;
	do {
		any = false;
		thread = NULL;
		while ((thread = heph_threads_next(heph, thread))) {
			any |= heph_thread_open_door(thread);
			if (thread->is_worker)
				any |= heph_lanes_read(
					(struct heph_worker *)thread);
		}
	} while (any);
	heph_thread_current = mine;
}

void heph_retire(struct heph *heph)
{
	struct heph_thread *plain;
	struct heph_worker *worker;

	for (unsigned n = 0; n < heph->workers; n++) {
		worker = (struct heph_worker *)heph_thread_of(heph, n);
		heph_serial_used(heph,
				 worker->serial); /* before the next one */
	}
	heph_solos_retire(heph);
	leave_place(heph);
	plain = heph->n_threads > heph->workers ?
			heph_thread_of(heph, heph->workers) :
			NULL;
	if (plain && !atomic_load(&heph->abandon))
		sweep(heph, plain);
}

void heph_fini(struct heph *heph)
{
	leave_place(heph);
	heph_trace_streams_free(heph);
	heph_solos_fini(heph);
	for (unsigned n = 0; n < heph->workers * heph->workers; n++)
		heph_mem_unreserve(heph->lanes[n], sizeof(struct heph_lane));
	heph_mem_free(heph->lanes);
	heph_registry_fini(&heph->registry);
	heph_maps_fini(&heph->maps);
	pthread_mutex_destroy(&heph->lock);
}

/* The ids of a simulated runtime are the same each time. */
uint64_t heph_serial_base(struct heph *heph)
{
	return heph->driver->simulated ?
		       0 :
		       atomic_load(&heph_places[heph->node].serial);
}

void heph_serial_used(struct heph *heph, uint64_t serial)
{
	_Atomic uint64_t *last = &heph_places[heph->node].serial;
	uint64_t old = atomic_load(last);

	while (old < serial &&
	       !atomic_compare_exchange_weak(last, &old, serial))
		;
}

int heph_threads_add(struct heph *heph, struct heph_thread *thread)
{
	int err = 0;

	pthread_mutex_lock(&heph->lock);
	if (heph->n_threads < HEPH_THREADS_MAX) {
		thread->number = (uint16_t)heph->n_threads++;
		atomic_store(&heph->threads[thread->number], thread);
	} else {
		err = -EAGAIN;
	}
	pthread_mutex_unlock(&heph->lock);
	if (err == 0)
		heph_lose_init_thread(thread);
	return err;
}

void heph_threads_retire(struct heph *heph, struct heph_thread *thread)
{
	pthread_mutex_lock(&heph->lock);
	heph->free_threads[heph->n_free_threads++] = thread->number;
	pthread_mutex_unlock(&heph->lock);
}

struct heph_thread *heph_threads_reuse(struct heph *heph)
{
	struct heph_thread *thread = NULL;

	pthread_mutex_lock(&heph->lock);
	if (heph->n_free_threads)
		thread = heph_thread_of(
			heph, heph->free_threads[--heph->n_free_threads]);
	pthread_mutex_unlock(&heph->lock);
	return thread;
}

unsigned heph_threads_attached(struct heph *heph)
{
	unsigned n;

	pthread_mutex_lock(&heph->lock);
	n = heph->n_threads - heph->workers - heph->n_free_threads;
	pthread_mutex_unlock(&heph->lock);
	return n;
}

/* Numbers are given in their order, and none is taken back. */
struct heph_thread *heph_threads_next(struct heph *heph,
				      const struct heph_thread *thread)
{
	unsigned number = thread ? thread->number + 1u : 0;
	struct heph_thread *next = NULL;

	if (number < HEPH_THREADS_MAX)
		next = heph_thread_of(heph, number);
	return next ? next : heph_solos_next(heph, thread);
}

struct heph *heph_enter(uint16_t node, bool *ret_inside)
{
	struct heph_thread *thread = heph_thread_current;
	struct heph *heph;

	*ret_inside = thread && thread->heph->node == node;
	if (*ret_inside)
		return thread->heph;
	if (node >= HEPH_RUNTIMES_MAX || !atomic_load(&heph_places[node].heph))
		return NULL;
	atomic_fetch_add(&heph_places[node].inside, 1);
	heph = atomic_load(&heph_places[node].heph);
	if (!heph)
		atomic_fetch_sub(&heph_places[node].inside, 1);
	return heph;
}

void heph_leave(uint16_t node, bool inside)
{
	if (!inside)
		atomic_fetch_sub(&heph_places[node].inside, 1);
}

static void set_result(struct heph *heph, int result)
{
	int none = 0;

	atomic_compare_exchange_strong(&heph->result, &none, result);
}

void heph_fail(struct heph *heph, int result)
{
	set_result(heph, result);
	heph_stop_runtime(heph, heph_now() + heph->config.grace);
}

void heph_abandon(struct heph *heph, int result)
{
	struct heph_thread *thread = NULL;

	set_result(heph, result);
	atomic_store(&heph->abandon, true);
	while ((thread = heph_threads_next(heph, thread)))
		heph_thread_wake(thread);
	if (heph->notify)
		heph->notify(heph);
}
