/* SPDX-License-Identifier: MIT */
#include <heph/time.h>

#include "base/clock.h"
#include "core/timers.h"
#include "core/wait.h"

#define MARGIN_MAX (100 * HEPH_MSEC)

static __thread heph_time latest;

heph_time heph_now(void)
{
	if (heph_unlikely(heph_time_virtual))
		return *heph_time_virtual;
	return latest = heph_clock_now();
}

heph_time heph_recently(void)
{
	return heph_unlikely(heph_time_virtual) ? *heph_time_virtual : latest;
}

int heph_sleep(heph_ctx ctx, heph_time length)
{
	heph_time when, limit = heph_deadline(ctx);
	heph_ctx short_ctx = heph_within(ctx, length > 0 ? length : 0);
	int err;

	heph_ctx_check(ctx, "heph_sleep");
	err = heph_wait_allowed(ctx);
	if (err < 0)
		return err;
	when = heph_deadline(short_ctx);
	do {
		err = heph_wait_for(short_ctx, 0);
	} while (err == 0);
	return err == -ETIME && when < limit ? 0 : err;
}

int heph_yield(heph_ctx ctx)
{
	int err = heph_wait_allowed(ctx);

	if (err == 0)
		heph_worker_yield(ctx.self);
	return err;
}

/* A goodbye must be over a little before the grace is. */
static heph_time end_of_goodbyes(heph_time grace)
{
	heph_time margin = (grace - heph_now()) / 10;

	if (margin > MARGIN_MAX)
		margin = MARGIN_MAX;
	return margin > 0 ? grace - margin : grace;
}

heph_ctx heph_shield(heph_ctx ctx, heph_time length)
{
	heph_time grace = atomic_load(&ctx.self->thread->heph->deadline);

	ctx = heph_within(ctx, length);
	if (grace)
		ctx = heph_until(ctx, end_of_goodbyes(grace));
	ctx.deadline |= 1;
	return ctx;
}
