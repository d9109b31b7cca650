/* SPDX-License-Identifier: MIT */
/*
 * What can be done to any reference, from any thread.
 *
 * To tell an actor of another thread something needs no memory: the table
 * `pokes` has an event for each slot. It holds the id that is meant, because
 * the slot may be in other hands when the event arrives; if two ids race for
 * it, the younger one wins, because the other has ended already. What is told
 * to the same actor meanwhile is told together.
 */
#include "core/refs.h"

#include <heph/refs.h>

#include "core/life.h"
#include "core/map.h"
#include "core/solo.h"
#include "core/worker.h"

#define WHAT ((uint64_t)HEPH_THREADS_MAX - 1) /* the bits of what is told */

static void on_poke(struct heph_event *event)
{
	struct heph_poke *poke =
		heph_container_of(event, struct heph_poke, event);
	struct heph_worker *worker = poke->worker;
	uint32_t slot = (uint32_t)(poke - worker->pokes);
	uint64_t told = atomic_exchange(&poke->what, 0);
	uint64_t id = (told & ~WHAT) | heph_id_thread(worker->thread.number);
	struct heph_self *self = heph_worker_find(worker, id, slot);

	if (self)
		heph_life_tell(self, told & WHAT);
}

static void poke(struct heph_worker *worker, struct heph_addr addr,
		 unsigned what)
{
	struct heph_poke *it = &worker->pokes[addr.slot];
	uint64_t old = atomic_load(&it->what), told;

	do {
		if ((old | WHAT) > (addr.id | WHAT))
			return; /* a younger one is at the door */
		told = (addr.id & ~WHAT) | what;
		if ((old | WHAT) == (addr.id | WHAT))
			told |= old;
		if (told == old)
			return;
	} while (!atomic_compare_exchange_weak(&it->what, &old, told));
	if (old)
		return; /* the event is at the door and will find ours */
	it->event.fn = on_poke;
	it->worker = worker;
	heph_thread_post(&worker->thread, &it->event);
}

static void tell(struct heph_worker *worker, struct heph_addr addr,
		 unsigned what)
{
	if (!heph_worker_alive(worker, addr))
		return;
	if (&worker->thread == heph_thread_current)
		heph_life_tell(&worker->selves[addr.slot], what);
	else
		poke(worker, addr, what);
}

void heph_addr_tell(struct heph_addr addr, unsigned what)
{
	struct heph_worker *worker;
	struct heph *heph;
	bool inside;

	addr = heph_addr_resolve(addr);
	heph = heph_enter(addr.node, &inside);
	if (!heph)
		return;
	worker = heph_worker_with(heph, addr);
	if (worker)
		tell(worker, addr, what);
	heph_leave(addr.node, inside);
}

void heph_raw_stop(struct heph_addr addr)
{
	heph_addr_tell(addr, HEPH_TELL_STOP);
}

bool heph_raw_alive(struct heph_addr addr)
{
	struct heph_worker *worker;
	struct heph *heph;
	bool inside, result;

	addr = heph_addr_resolve(addr);
	heph = heph_enter(addr.node, &inside);
	if (!heph)
		return false;
	worker = heph_worker_with(heph, addr);
	result = worker && heph_worker_alive(worker, addr);
	heph_leave(addr.node, inside);
	return result;
}

const struct heph_actor *heph_addr_type(struct heph *heph,
					struct heph_addr addr)
{
	struct heph_worker *worker = heph_worker_with(heph, addr);

	if (!worker || addr.node != heph->node ||
	    !heph_worker_alive(worker, addr))
		return NULL;
	return heph_kind_at(worker, addr.slot)->type;
}

static bool equal(struct heph_addr a, struct heph_addr b)
{
	return a.id == b.id && a.node == b.node;
}

bool heph_raw_same(struct heph_addr a, struct heph_addr b)
{
	if (equal(a, b))
		return true;
	if (!heph_addr_is_map(a) && !heph_addr_is_map(b))
		return false;
	a = heph_addr_resolve(a);
	b = heph_addr_resolve(b);
	return a.id && equal(a, b);
}

int heph_raw_cast(struct heph_addr addr, const struct heph_actor *type,
		  struct heph_addr *ret_addr)
{
	const struct heph_actor *found;
	struct heph *heph;
	bool inside;

	if (heph_addr_is_map(addr))
		return heph_raw_alive(addr) ? -EPROTOTYPE : -ESRCH;
	heph = heph_enter(addr.node, &inside);
	if (!heph)
		return -ESRCH;
	found = heph_addr_type(heph, addr);
	heph_leave(addr.node, inside);
	if (!heph_type_is(found, type))
		return found ? -EPROTOTYPE : -ESRCH;
	*ret_addr = addr;
	return 0;
}

/* How many places there are where that id may be. */
static uint32_t places_for(struct heph *heph, uint64_t id)
{
	unsigned number = heph_id_thread(id);

	if (number == HEPH_MAPS_NUMBER)
		return atomic_load(&heph->maps.n);
	if (heph_id_solo(id))
		return heph_solos_of(heph) ?
			       atomic_load(&heph_solos_of(heph)->n) :
			       0;
	if (!id || number >= heph->workers)
		return 0;
	return ((struct heph_worker *)heph_thread_of(heph, number))->max_selves;
}

int heph_ref_of(heph_ctx ctx, uint64_t id, heph_ref *ret_ref)
{
	struct heph *heph = ctx.self->thread->heph;
	struct heph_addr addr = { .id = id, .node = heph->node };
	uint32_t n = places_for(heph, id);

	for (addr.slot = 1; addr.slot < n; addr.slot++) {
		if (!heph_raw_alive(addr))
			continue;
		ret_ref->addr = addr;
		return 0;
	}
	return -ESRCH;
}

const char *heph_name(heph_ctx ctx)
{
	return heph_self_name(ctx.self);
}

int heph_worker(heph_ctx ctx)
{
	return ctx.self->kind ? heph_solo_place(ctx.self->thread) : -1;
}

bool heph_stopping(heph_ctx ctx)
{
	return ctx.self->flags & HEPH_FLAGS_REFUSE;
}
