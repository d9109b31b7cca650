/* SPDX-License-Identifier: MIT */
/*
 * What can be done to any reference, from any thread.
 *
 * A stop from another thread needs no memory: the table `pokes` has an event
 * for each slot. It holds the id that is meant, because the slot may be in
 * other hands when the event arrives; if two ids race for it, the younger one
 * wins, because the other has ended already.
 */
#include <heph/actor.h>

#include "core/life.h"
#include "core/worker.h"

static void on_poke(struct heph_event *event)
{
	struct heph_poke *poke = heph_container_of(event, struct heph_poke, event);
	struct heph_worker *worker = poke->worker;
	uint32_t slot = (uint32_t)(poke - worker->pokes);
	struct heph_self *self =
		heph_worker_find(worker, atomic_exchange(&poke->id, 0), slot);

	if (self)
		heph_life_stop(self);
}

static void poke(struct heph_worker *worker, struct heph_addr addr)
{
	struct heph_poke *it = &worker->pokes[addr.slot];
	uint64_t id = atomic_load(&it->id);

	do {
		if (id >= addr.id)
			return; /* this one, or a younger, is at the door */
	} while (!atomic_compare_exchange_weak(&it->id, &id, addr.id));
	if (id)
		return; /* the event is at the door and will find ours */
	it->event.fn = on_poke;
	it->worker = worker;
	heph_thread_post(&worker->thread, &it->event);
}

static void stop(struct heph_worker *worker, struct heph_addr addr)
{
	if (!heph_worker_alive(worker, addr))
		return;
	if (&worker->thread == heph_thread_current)
		heph_life_stop(&worker->selves[addr.slot]);
	else
		poke(worker, addr);
}

void heph_raw_stop(struct heph_addr addr)
{
	struct heph_worker *worker;
	struct heph *heph;
	bool inside;

	heph = heph_enter(addr.node, &inside);
	if (!heph)
		return;
	worker = heph_worker_with(heph, addr);
	if (worker)
		stop(worker, addr);
	heph_leave(addr.node, inside);
}

bool heph_raw_alive(struct heph_addr addr)
{
	struct heph_worker *worker;
	struct heph *heph;
	bool inside, result;

	heph = heph_enter(addr.node, &inside);
	if (!heph)
		return false;
	worker = heph_worker_with(heph, addr);
	result = worker && heph_worker_alive(worker, addr);
	heph_leave(addr.node, inside);
	return result;
}

const char *heph_name(heph_ctx ctx)
{
	return heph_self_name(ctx.self);
}

int heph_worker(heph_ctx ctx)
{
	return ctx.self->kind ? ctx.self->thread->number : -1;
}

bool heph_stopping(heph_ctx ctx)
{
	return ctx.self->flags & HEPH_FLAGS_REFUSE;
}
