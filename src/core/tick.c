/* SPDX-License-Identifier: MIT */
#include "core/tick.h"

#include <heph/timer.h>

/* `from` and `n` periods; HEPH_NEVER at most. */
static heph_time later(heph_time from, heph_time period, heph_time n)
{
	heph_time length, when;

	if (__builtin_mul_overflow(period, n, &length) ||
	    __builtin_add_overflow(from, length, &when) || when > HEPH_NEVER)
		return HEPH_NEVER;
	return when;
}

/* Takes the tick that is due, and what is late with it. */
static void take(struct heph_interval *interval, heph_time now)
{
	heph_time since, late;

	if (__builtin_sub_overflow(now, interval->next, &since))
		since = INT64_MAX;
	late = since / interval->period;
	if (interval->late == HEPH_LATE_BURST) {
		interval->next = later(interval->next, interval->period, 1);
		return;
	}
	interval->skipped += (uint64_t)late;
	if (interval->late == HEPH_LATE_DELAY)
		interval->next = later(now, interval->period, 1);
	else
		interval->next =
			later(interval->next, interval->period, late + 1);
}

int heph_tick_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_interval *interval = clause->on->object;
	heph_time now = heph_now();

	(void)ctx;
	if (interval->period <= 0)
		return -EINVAL;
	if (now < interval->next)
		return 0;
	take(interval, now);
	return 1;
}

int heph_tick(heph_ctx ctx, struct heph_interval *interval)
{
	const struct heph_on on = heph_on_tick(interval);
	int which = heph_raw_wait(ctx, &on, 1);

	return which < 0 ? which : 0;
}
