/* SPDX-License-Identifier: MIT */
#include "core/delay.h"

#include <heph/timer.h>

#include <string.h>

#include "base/mem.h"
#include "core/own.h"
#include "core/send.h"
#include "core/stackrule.h"
#include "core/timers.h"
#include "core/worker.h"

enum { PLACES = 64 };
#define AGAIN HEPH_MSEC /* when an inbox was full */

struct heph_delayed {
	struct heph_owned owned;
	struct heph_timer timer;
	struct heph_self *self; /* who made it */
	struct heph_addr to;
	uint64_t number;
	uint32_t place, size;
	alignas(16) unsigned char msg[];
};

/* Place 0 is nobody's. */
struct heph_delay_place {
	struct heph_delayed *delayed; /* NULL: it is free */
	uint32_t next_free;
};

/* ---- the table --------------------------------------------------------------- */

static int grow(struct heph_delays *delays)
{
	uint32_t max = delays->max ? 2 * delays->max : PLACES;
	struct heph_delay_place *table;

	if (max <= delays->max)
		return -ENOMEM;
	table = heph_mem_alloc(max * sizeof(*table));
	if (!table)
		return -ENOMEM;
	if (delays->n)
		memcpy(table, delays->table, delays->n * sizeof(*table));
	else
		delays->n = 1;
	heph_mem_free(delays->table);
	delays->table = table;
	delays->max = max;
	return 0;
}

static int take_place(struct heph_delays *delays, struct heph_delayed *delayed)
{
	uint32_t place = delays->free;

	if (!place && delays->n == delays->max && grow(delays) < 0)
		return -ENOMEM;
	if (place)
		delays->free = delays->table[place].next_free;
	else
		place = delays->n++;
	delays->table[place].delayed = delayed;
	delayed->place = place;
	delayed->number = ++delays->number;
	return 0;
}

static void give_place(struct heph_delays *delays, uint32_t place)
{
	delays->table[place].delayed = NULL;
	delays->table[place].next_free = delays->free;
	delays->free = place;
}

static struct heph_delayed *find(heph_ctx ctx, heph_timer_id timer)
{
	const struct heph_delays *delays;
	struct heph_delayed *delayed;

	if (!ctx.self->kind)
		return NULL;
	delays = &heph_worker_of(ctx.self)->delays;
	if (timer.place >= delays->n)
		return NULL;
	delayed = delays->table[timer.place].delayed;
	return delayed && delayed->number == timer.number &&
			       delayed->self == ctx.self ?
		       delayed :
		       NULL;
}

void heph_delays_fini(struct heph_delays *delays)
{
	heph_mem_free(delays->table);
}

/* ---- records ----------------------------------------------------------------- */

static size_t size_of(uint32_t msg_size)
{
	return sizeof(struct heph_delayed) + msg_size;
}

static void discard(struct heph_worker *worker, struct heph_delayed *delayed)
{
	heph_list_remove(&delayed->owned.node);
	give_place(&worker->delays, delayed->place);
	heph_pool_give(&worker->thread.pool, delayed, size_of(delayed->size));
}

/* It is not sent: by the actor's end, or because it wants so. */
static void undo(heph_ctx ctx, struct heph_owned *owned)
{
	struct heph_delayed *delayed =
		heph_container_of(owned, struct heph_delayed, owned);
	struct heph_worker *worker = heph_worker_of(ctx.self);

	heph_timers_disarm(worker, &delayed->timer);
	heph_letter_drop(delayed->to, delayed->msg);
	discard(worker, delayed);
}

static void arm(struct heph_worker *worker, struct heph_delayed *delayed,
		heph_time when)
{
	heph_timers_arm(worker, &delayed->timer, when);
}

void heph_delay_expire(struct heph_worker *worker, struct heph_timer *timer)
{
	struct heph_delayed *delayed =
		heph_container_of(timer, struct heph_delayed, timer);
	int err;

	if (timer->when > worker->now) {
		arm(worker, delayed, timer->when);
		return;
	}
	err = heph_letter_put(delayed->to, delayed->msg, delayed->size);
	if (err == -EAGAIN || err == -ENOMEM) {
		arm(worker, delayed, worker->now + AGAIN);
		return;
	}
	if (err < 0) {
		heph_count(&worker->thread.count.posts_dropped);
		heph_letter_drop(delayed->to, delayed->msg);
	}
	discard(worker, delayed);
}

/* Of two for the same moment the earlier call. */
static bool before(const struct heph_delayed *a, const struct heph_delayed *b)
{
	return !b || a->timer.when < b->timer.when ||
	       (a->timer.when == b->timer.when && a->number < b->number);
}

static struct heph_delayed *first_of(const struct heph_delays *delays)
{
	struct heph_delayed *first = NULL, *it;

	for (uint32_t place = 1; place < delays->n; place++) {
		it = delays->table[place].delayed;
		if (it && before(it, first))
			first = it;
	}
	return first;
}

heph_time heph_delays_next(const struct heph_worker *worker)
{
	const struct heph_delayed *first = first_of(&worker->delays);

	return first ? first->timer.when : HEPH_NEVER;
}

void heph_delays_run(struct heph_worker *worker)
{
	struct heph_delayed *first;

	while ((first = first_of(&worker->delays)) &&
	       first->timer.when <= worker->now) {
		heph_timers_disarm(worker, &first->timer);
		heph_delay_expire(worker, &first->timer);
	}
}

/* All that may fail. NULL: there is no memory. */
static struct heph_delayed *make(heph_ctx ctx, size_t size)
{
	struct heph_worker *worker = heph_worker_of(ctx.self);
	struct heph_pool *pool = &worker->thread.pool;
	struct heph_delayed *delayed;

	if (!heph_self_extend(ctx.self) || heph_timers_need(worker) < 0)
		return NULL;
	delayed = heph_pool_take(pool, size_of((uint32_t)size));
	if (!delayed)
		return NULL;
	if (take_place(&worker->delays, delayed) < 0) {
		heph_pool_give(pool, delayed, size_of((uint32_t)size));
		return NULL;
	}
	delayed->size = (uint32_t)size;
	return delayed;
}

/* ---- public -------------------------------------------------------------------- */

int heph_raw_send_after(heph_ctx ctx, heph_timer_id *ret_timer,
			struct heph_addr to, heph_time length, const void *msg,
			size_t size)
{
	struct heph_delayed *delayed;

	if (!ctx.self->kind)
		return -EOPNOTSUPP;
	if (!heph_raw_alive(to))
		return -ESRCH;
	heph_stackrule_check_msg(ctx.self, to, msg, size);
	delayed = make(ctx, size);
	if (!delayed)
		return -ENOMEM;
	delayed->owned.undo = undo;
	delayed->self = ctx.self;
	delayed->to = to;
	delayed->timer = (struct heph_timer){ 0 };
	memcpy(delayed->msg, msg, size);
	heph_list_push_back(&ctx.self->ext->owned, &delayed->owned.node);
	arm(heph_worker_of(ctx.self), delayed,
	    heph_deadline(heph_within(heph_no_ctx(), length > 0 ? length : 0)));
	if (ret_timer)
		*ret_timer = (heph_timer_id){ .number = delayed->number,
					      .place = delayed->place };
	return 0;
}

int heph_cancel_timer(heph_ctx ctx, heph_timer_id timer)
{
	struct heph_delayed *delayed = find(ctx, timer);

	if (!delayed)
		return -ENOENT;
	undo(ctx, &delayed->owned);
	return 0;
}

heph_time heph_timer_left(heph_ctx ctx, heph_timer_id timer)
{
	struct heph_delayed *delayed = find(ctx, timer);
	heph_time left;

	if (!delayed)
		return -ENOENT;
	left = delayed->timer.when - heph_now();
	return left > 0 ? left : 0;
}
