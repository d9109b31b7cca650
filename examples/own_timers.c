/* SPDX-License-Identifier: MIT */
/*
 * own_timers.c - timers of the program's own, in place of the wheel
 *
 * usage: own_timers
 *
 * A sorted list that says what it does: simple, and good for a few timers. An
 * actor sleeps for 100 ms by it.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>

struct sorted {
	struct heph_list list; /* a ring; the earliest is after it */
	unsigned long n;
};

/* The node is the first member. */
static struct heph_timer *timer_of(struct heph_list *node)
{
	return (struct heph_timer *)node;
}

static void *create(heph_time now)
{
	struct sorted *sorted = calloc(1, sizeof(*sorted));

	(void)now;
	if (sorted)
		sorted->list.prev = sorted->list.next = &sorted->list;
	return sorted;
}

static void add(void *timers, struct heph_timer *timer)
{
	struct sorted *sorted = timers;
	struct heph_list *after = sorted->list.next;

	printf("Adding timer...\n");
	while (after != &sorted->list && timer_of(after)->when <= timer->when)
		after = after->next;
	timer->node.next = after;
	timer->node.prev = after->prev;
	after->prev->next = &timer->node;
	after->prev = &timer->node;
	sorted->n++;
}

static void take_out(void *timers, struct heph_timer *timer)
{
	struct sorted *sorted = timers;

	timer->node.prev->next = timer->node.next;
	timer->node.next->prev = timer->node.prev;
	sorted->n--;
}

static heph_time next(void *timers)
{
	struct sorted *sorted = timers;

	return sorted->n ? timer_of(sorted->list.next)->when : HEPH_NEVER;
}

static struct heph_timer *expire(void *timers, heph_time now)
{
	struct sorted *sorted = timers;
	struct heph_timer *timer = timer_of(sorted->list.next);

	if (!sorted->n || timer->when > now)
		return NULL;
	printf("Waking timer...\n");
	take_out(sorted, timer);
	return timer;
}

static unsigned long count(const void *timers)
{
	return ((const struct sorted *)timers)->n;
}

static const struct heph_timers sorted_list = {
	.name = "sorted list",
	.create = create,
	.destroy = free,
	.add = add,
	.remove = take_out,
	.next = next,
	.expire = expire,
	.count = count,
};

HEPH_ACTOR(app, void, void);

static int app_main(heph_ctx ctx)
{
	int err = heph_sleep(ctx, 100 * HEPH_MSEC);

	if (err == 0)
		printf("Hello, World!\n");
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);

int main(void)
{
	const struct heph_config config = { .workers = 1,
					    .timers = &sorted_list };

	return heph_run(&config, app) < 0;
}
