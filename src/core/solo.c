/* SPDX-License-Identifier: MIT */
#include "core/solo.h"

#include <heph/time.h>

#include <stdio.h>

#include "base/mem.h"
#include "core/life.h"
#include "core/mover.h"
#include "core/sample.h"
#include "core/slot.h"
#include "core/timers.h"

enum { STACKS_KEPT = 64 }; /* of resting movers of a type, with memory */

/* ---- the tables ------------------------------------------------------------ */

static const size_t table_size = HEPH_SOLOS_MAX * sizeof(struct heph_solo);
static const size_t selves_size = HEPH_SOLOS_MAX * sizeof(struct heph_self);
static const size_t pokes_size = HEPH_SOLOS_MAX * sizeof(struct heph_poke);
static const size_t alarms_size = HEPH_SOLOS_MAX * sizeof(struct heph_alarm);
static const size_t places_size = HEPH_SOLOS_MAX * sizeof(_Atomic uint64_t);
static const size_t calls_size = (size_t)HEPH_SOLOS_MAX * HEPH_SOLO_CALLS *
				 sizeof(struct heph_waiting_call);

static void free_tables(struct heph_solos *solos)
{
	heph_mem_unreserve(solos->calls, calls_size);
	heph_mem_unreserve(solos->places, places_size);
	heph_mem_unreserve(solos->alarms, alarms_size);
	heph_mem_unreserve(solos->pokes, pokes_size);
	heph_mem_unreserve(solos->selves, selves_size);
	heph_mem_unreserve(solos->table, table_size);
}

static int make_tables(struct heph_solos *solos)
{
	solos->table = heph_mem_reserve(table_size);
	solos->selves = heph_mem_reserve_table(selves_size);
	solos->pokes = heph_mem_reserve_table(pokes_size);
	solos->alarms = heph_mem_reserve_table(alarms_size);
	solos->places = heph_mem_reserve_table(places_size);
	solos->calls = heph_mem_reserve_table(calls_size);
	if (solos->table && solos->selves && solos->pokes && solos->alarms &&
	    solos->places && solos->calls)
		return 0;
	free_tables(solos);
	return -ENOMEM;
}

static int make_stacks(struct heph_solos *solos)
{
	int err = heph_stacks_init(&solos->small, HEPH_STACK_SIZE,
				   HEPH_SOLOS_MAX);

	if (err < 0)
		return err;
	err = heph_stacks_init(&solos->large, HEPH_SOLO_STACK, HEPH_SOLOS_MAX);
	if (err < 0)
		heph_stacks_fini(&solos->small);
	return err;
}

static struct heph_solos *make_solos(struct heph *heph)
{
	struct heph_solos *solos = heph_mem_alloc(sizeof(*solos));

	if (!solos)
		return NULL;
	if (make_tables(solos) < 0)
		goto fail_tables;
	if (make_stacks(solos) < 0)
		goto fail_stacks;
	pthread_mutex_init(&solos->lock, NULL);
	pthread_mutex_init(&solos->timer_lock, NULL);
	heph_wheel_init(&solos->wheel, heph_now());
	solos->n = 1;
	solos->serial = heph_serial_base(heph);
	return solos;

fail_stacks:
	free_tables(solos);
fail_tables:
	heph_mem_free(solos);
	return NULL;
}

/* Those of a runtime, made the first time. */
static struct heph_solos *need_solos(struct heph *heph)
{
	struct heph_solos *solos;

	pthread_mutex_lock(&heph->lock);
	solos = heph_solos_of(heph);
	if (!solos) {
		solos = make_solos(heph);
		atomic_store(&heph->solos, solos);
	}
	pthread_mutex_unlock(&heph->lock);
	return solos;
}

static struct heph_solo *at(struct heph *heph, uint32_t slot)
{
	struct heph_solos *solos = heph_solos_of(heph);

	return solos && slot && slot < atomic_load(&solos->n) ?
		       &solos->table[slot] :
		       NULL;
}

struct heph_worker *heph_solo_at(struct heph *heph, uint32_t slot)
{
	struct heph_solo *solo = at(heph, slot);

	return solo ? &solo->worker : NULL;
}

struct heph_thread *heph_solo_of_call(struct heph *heph, uint32_t slot)
{
	struct heph_solo *solo = at(heph, slot / HEPH_SOLO_CALLS);

	return solo ? &solo->worker.thread : NULL;
}

struct heph_thread *heph_solos_next(struct heph *heph,
				    const struct heph_thread *thread)
{
	const struct heph_solo *last = (const struct heph_solo *)thread;
	uint32_t slot = 1;
	struct heph_solo *solo;

	if (thread && thread->number == HEPH_SOLO)
		slot = last->worker.first_self + 1;
	solo = at(heph, slot);
	return solo ? &solo->worker.thread : NULL;
}

/* ---- one solo -------------------------------------------------------------- */

static void set_tables(struct heph_solos *solos, struct heph_worker *worker,
		       uint32_t slot)
{
	worker->selves = solos->selves;
	worker->pokes = solos->pokes;
	worker->alarms = solos->alarms;
	worker->places = solos->places;
	worker->first_self = worker->n_selves = slot;
	worker->max_selves = slot + 1;
	worker->max_alive = 1;
	worker->kinds = solos->table[slot].kinds;
	worker->max_kinds = 2;
	heph_calls_share(&worker->thread.calls, solos->calls,
			 slot * HEPH_SOLO_CALLS, HEPH_SOLO_CALLS);
}

/* Nothing fails after the stack is taken. Under the lock. */
static int make_solo(struct heph *heph, struct heph_solo_type *type,
		     uint32_t slot)
{
	static _Atomic uint32_t no_movers;
	struct heph_solos *solos = heph_solos_of(heph);
	struct heph_solo *solo = &solos->table[slot];
	struct heph_worker *worker = &solo->worker;

	heph_worker_prepare(worker, heph);
	if (heph_stacks_borrow(&worker->stacks,
			       type->moves ? &solos->small : &solos->large) < 0)
		return -ENOMEM;
	heph_pool_init_small(&worker->thread.pool);
	worker->thread.number = HEPH_SOLO;
	worker->thread.near = HEPH_NOT_NEAR;
	worker->thread.moves = type->moves;
	worker->movers = &no_movers;
	set_tables(solos, worker, slot);
	solo->type = type;
	solo->visit.fn = heph_mover_visit;
	heph_list_init(&solo->guest);
	solo->armed = HEPH_NEVER;
	return 0;
}

/* A new one, or NULL. Under the lock. */
static int add_solo(struct heph *heph, struct heph_solo_type *type,
		    struct heph_solo **ret_solo)
{
	struct heph_solos *solos = heph_solos_of(heph);
	uint32_t slot = atomic_load(&solos->n);
	int err;

	if (slot == HEPH_SOLOS_MAX)
		return -EAGAIN;
	err = make_solo(heph, type, slot);
	if (err < 0)
		return err;
	atomic_store(&solos->n, slot + 1); /* now others may see it */
	*ret_solo = &solos->table[slot];
	return 0;
}

/* ---- those that rest ------------------------------------------------------- */

static struct heph_solo_type *
find_type(struct heph_solos *solos, const struct heph_actor *type, bool moves)
{
	struct heph_solo_type *it = solos->types;

	while (it && (it->type != type || it->moves != moves))
		it = it->next;
	return it;
}

/* Under the lock; NULL: no memory. */
static struct heph_solo_type *
need_type(struct heph_solos *solos, const struct heph_actor *type, bool moves)
{
	struct heph_solo_type *it = find_type(solos, type, moves);

	if (it)
		return it;
	it = heph_mem_alloc(sizeof(*it));
	if (!it)
		return NULL;
	it->type = type;
	it->moves = moves;
	it->next = solos->types;
	return solos->types = it;
}

static void put_resting(struct heph_solo_type *type, struct heph_solo *solo)
{
	solo->younger = NULL;
	if (type->n++)
		type->last->younger = solo;
	else
		type->first = solo;
	type->last = solo;
}

/* Somebody may run it because there is something at its door: not this one. */
static bool claim(struct heph_solo *solo)
{
	struct heph_thread *thread = &solo->worker.thread;

	return !thread->moves || atomic_exchange(&thread->asleep, 0);
}

/* Under the lock; NULL: there is none. */
static struct heph_solo *get_resting(struct heph_solo_type *type)
{
	struct heph_solo *solo;

	for (unsigned n = type->n; n; n--) {
		solo = type->first;
		type->first = solo->younger;
		type->n--;
		if (claim(solo))
			return solo;
		put_resting(type, solo);
	}
	return NULL;
}

static int get_or_add(struct heph *heph, const struct heph_actor *actor,
		      bool moves, struct heph_solo **ret_solo)
{
	struct heph_solos *solos = heph_solos_of(heph);
	struct heph_solo_type *type;
	int err = 0;

	pthread_mutex_lock(&solos->lock);
	type = need_type(solos, actor, moves);
	*ret_solo = type ? get_resting(type) : NULL;
	if (!type)
		err = -ENOMEM;
	else if (!*ret_solo)
		err = add_solo(heph, type, ret_solo);
	pthread_mutex_unlock(&solos->lock);
	return err;
}

/* The last mover's end may be what workers wait for that are to leave. */
static void count_moving(struct heph *heph, int change)
{
	struct heph_thread *thread = NULL;

	if (atomic_fetch_add(&heph->moving, (uint32_t)change) != 1 ||
	    change > 0 || !atomic_load(&heph->deadline))
		return;
	while ((thread = heph_threads_next(heph, thread)))
		heph_thread_wake(thread);
}

/* Has its thread from now on. */
static int start(struct heph_solo *solo)
{
	struct heph *heph = solo->worker.thread.heph;
	int err = solo->started ? 0 : heph->start_thread(&solo->worker);

	solo->started = err == 0;
	return err;
}

/* All that was there when the runtime was asked to stop have heard of it. */
static void tell_stopping(struct heph_worker *worker)
{
	if (atomic_load(&worker->thread.heph->deadline) &&
	    !atomic_exchange(&worker->stop_posted, true))
		heph_thread_post(&worker->thread, &worker->stop_event);
}

int heph_solo_take(struct heph *heph, const struct heph_actor *type, int on,
		   struct heph_worker **ret_worker)
{
	bool moves = on == HEPH_ANY;
	struct heph_solo *solo;
	int err;

	if (!moves && !heph->start_thread)
		return -EOPNOTSUPP;
	if (!need_solos(heph))
		return -ENOMEM;
	err = get_or_add(heph, type, moves, &solo);
	if (err < 0)
		return err;
	solo->worker.serial = atomic_fetch_add(&heph_solos_of(heph)->serial, 1);
	if (moves)
		count_moving(heph, 1);
	else
		err = start(solo);
	if (err < 0) {
		heph_solo_rest(&solo->worker);
		return err;
	}
	tell_stopping(&solo->worker);
	*ret_worker = &solo->worker;
	return 0;
}

void heph_solo_rest(struct heph_worker *worker)
{
	struct heph_solo *solo = heph_solo_of(&worker->thread);
	struct heph *heph = worker->thread.heph;
	struct heph_solos *solos = heph_solos_of(heph);
	unsigned n;

	if (heph_worker_ordinary(worker))
		return;
	pthread_mutex_lock(&solos->lock);
	put_resting(solo->type, solo);
	n = solo->type->n;
	pthread_mutex_unlock(&solos->lock);
	if (!worker->thread.moves)
		return;
	if (n > STACKS_KEPT)
		heph_stacks_trim(&worker->stacks, 0);
	count_moving(heph, -1);
}

void heph_solo_give(struct heph_worker *worker)
{
	heph_solo_rest(worker);
	if (worker->thread.moves)
		heph_mover_launch(worker); /* and so to sleep */
}

void heph_solo_name(struct heph_self *self)
{
	char name[16];

	if (self->thread->number != HEPH_SOLO || self->thread->moves ||
	    self->thread->heph->driver->simulated)
		return;
	snprintf(name, sizeof(name), "%s", heph_self_name(self));
	pthread_setname_np(pthread_self(), name);
}

int heph_solo_place(const struct heph_thread *thread)
{
	const struct heph_solo *solo = (const struct heph_solo *)thread;

	if (thread->number != HEPH_SOLO)
		return thread->number;
	if (!thread->moves || !solo->runner)
		return -1;
	return solo->runner->thread.number;
}

struct heph_worker *heph_solo_near(struct heph_thread *thread)
{
	return heph_solo_of(thread)->runner;
}

/* ---- all of a runtime ------------------------------------------------------ */

void heph_solos_list(struct heph *heph)
{
	enum { LINES = 50 };
	struct heph_solo *solo;
	unsigned n = 0;

	for (uint32_t slot = 1; n < LINES && (solo = at(heph, slot)); slot++) {
		if (!solo->worker.thread.moves || !solo->worker.alive)
			continue;
		heph_life_list(&solo->worker);
		n++;
	}
}

void heph_solos_retire(struct heph *heph)
{
	struct heph_solos *solos = heph_solos_of(heph);

	if (solos)
		heph_serial_used(heph, atomic_load(&solos->serial));
}

static void free_types(struct heph_solos *solos)
{
	struct heph_solo_type *type;

	while ((type = solos->types)) {
		solos->types = type->next;
		heph_mem_free(type);
	}
}

void heph_solos_fini(struct heph *heph)
{
	struct heph_solos *solos = heph_solos_of(heph);
	struct heph_solo *solo;

	if (!solos)
		return;
	for (uint32_t slot = 1; (solo = at(heph, slot)); slot++)
	{
		heph_samples_free(&solo->worker);
		heph_slots_fini(&solo->worker);
		heph_worker_release(&solo->worker);
	}
	free_types(solos);
	heph_stacks_fini(&solos->large);
	heph_stacks_fini(&solos->small);
	pthread_mutex_destroy(&solos->timer_lock);
	pthread_mutex_destroy(&solos->lock);
	free_tables(solos);
	heph_mem_free(solos);
	atomic_store(&heph->solos, NULL);
}
