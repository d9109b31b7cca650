/* SPDX-License-Identifier: MIT */
#include "core/park.h"

#include <heph/time.h>

#include "core/futex.h"
#include "core/wait.h"

static void on_wake(struct heph_event *event)
{
	struct heph_park *park =
		heph_container_of(event, struct heph_park, event);

	heph_park_init(park);
	heph_wake(park->self, HEPH_WAIT_PARK);
}

void heph_park_prepare(struct heph_park *park, heph_ctx ctx, unsigned what)
{
	struct heph_self *self = ctx.self;

	atomic_store_explicit(&park->woken, HEPH_PARK_WAITING,
			      memory_order_relaxed);
	park->self = self;
	park->what = (uint8_t)what;
	if (!self)
		return;
	park->event.fn = on_wake;
	park->thread = self->thread;
	park->node = self->thread->heph->node;
	park->first_serial = self->thread->heph->first_serial;
}

/* ---- threads without a runtime --------------------------------------------- */

/* A peer that runs is often faster than the kernel. */
#define SPIN (2 * HEPH_USEC)

static void spin(struct heph_park *park)
{
	heph_time until = heph_now() + SPIN;

	while (!heph_park_woken(park) && heph_now() < until)
		;
}

/* Who wakes sees that the kernel has to be asked, or the kernel sees that the
 * word has changed. */
static void sleep_bare(struct heph_park *park, heph_time length)
{
	uint32_t waiting = HEPH_PARK_WAITING;

	if (atomic_compare_exchange_strong(&park->woken, &waiting,
					   HEPH_PARK_ASLEEP) ||
	    waiting == HEPH_PARK_ASLEEP)
		heph_futex_wait(&park->woken, HEPH_PARK_ASLEEP, length);
}

static int wait_bare(struct heph_park *park, heph_time deadline)
{
	heph_time length = HEPH_NEVER;

	/* A worker has others to run; its actors have contexts. */
	heph_assert(!heph_thread_current || !heph_thread_current->is_worker);
	if (deadline > heph_now())
		spin(park);
	while (!heph_park_woken(park)) {
		if (deadline != HEPH_NEVER) {
			length = deadline - heph_now();
			if (length <= 0)
				return -ETIME;
		}
		sleep_bare(park, length);
	}
	return 0;
}

/* The swap releases what the waker did. The record may be gone after it: the
 * kernel wants the address alone. */
static void wake_bare(struct heph_park *park)
{
	if (atomic_exchange(&park->woken, HEPH_PARK_WOKEN) == HEPH_PARK_ASLEEP)
		heph_futex_wake(&park->woken);
}

/* ---- all --------------------------------------------------------------------- */

int heph_park_wait(heph_ctx ctx, struct heph_park *park)
{
	int err = 0;

	if (!ctx.self)
		return wait_bare(park, heph_deadline(ctx));
	while (err == 0 && !heph_park_woken(park))
		err = heph_wait_about(ctx, HEPH_WAIT_PARK, park);
	return heph_park_woken(park) ? 0 : err;
}

void heph_park_finish(heph_ctx ctx, struct heph_park *park)
{
	if (!ctx.self)
		(void)wait_bare(park, HEPH_NEVER);
	while (!heph_park_woken(park))
		heph_wait_only(ctx.self, HEPH_WAIT_PARK);
}

/* The waiter cannot go on before the event has come, so its thread is there
 * until then. After that it is because we are inside its runtime. */
static bool wake_through_door(struct heph_park *park)
{
	uint16_t node = park->node;
	bool inside, same;
	struct heph *heph = heph_enter(node, &inside);

	if (!heph)
		return false;
	same = heph->first_serial == park->first_serial;
	if (same)
		heph_thread_post(park->thread, &park->event);
	heph_leave(node, inside);
	return same;
}

bool heph_park_wake(struct heph_park *park)
{
	if (!park->self) {
		wake_bare(park);
		return true;
	}
	if (park->thread == heph_thread_current) {
		on_wake(&park->event);
		return true;
	}
	return wake_through_door(park);
}

int heph_park_allowed(heph_ctx ctx)
{
	return ctx.self ? heph_wait_allowed(ctx) : 0;
}
