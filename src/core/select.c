/* SPDX-License-Identifier: MIT */
/*
 * heph_wait(): the clauses are asked in order, and if none can be had the
 * actor waits for whatever may make one of them true, then asks again. What a
 * clause began for the wait is ended before heph_wait() returns.
 */
#include <heph/time.h>

#include "core/chan.h"
#include "core/inbox.h"
#include "core/oneshot.h"
#include "core/pending.h"
#include "core/room.h"
#include "core/scan.h"
#include "core/select.h"
#include "core/signals.h"
#include "core/supervisor.h"
#include "core/tick.h"
#include "core/wait.h"
#include "core/watch.h"

enum { CLAUSES_MAX = 64 };

struct select {
	heph_ctx ctx;
	struct heph_clause *clauses;
	size_t n;
	unsigned what;	/* to wait for */
	heph_time when; /* of the earliest clause about time */
};

/* ---- the kinds of clauses -------------------------------------------------- */

static int msg_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_self *self = (struct heph_self *)clause->on->inbox;

	heph_inbox_check(ctx, self);
	if (!self->last)
		return 0;
	heph_inbox_take(self, clause->on->ret);
	return 1;
}

static int msg_where_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_self *self = (struct heph_self *)clause->on->inbox;
	int err;

	heph_inbox_check(ctx, self);
	err = heph_scan_take(self, &clause->on->match, clause->on->ret);
	if (err < 0)
		return err == -EAGAIN ? 0 : err;
	return 1;
}

static int time_ready(heph_ctx ctx, struct heph_clause *clause)
{
	(void)ctx;
	return clause->on->when <= heph_now();
}

static int signal_ready(heph_ctx ctx, struct heph_clause *clause)
{
	const struct heph_on *on = clause->on;
	struct heph_signal_take *take;
	int err = heph_signals_take(ctx.self, on->signal, &take);

	if (err < 0 || !take->count)
		return err;
	if (on->size) /* heph_on_signal_from() */
		*(struct heph_signal *)on->ret = heph_signals_info(take);
	else if (on->ret)
		*(unsigned *)on->ret = take->count;
	take->count = 0;
	return 1;
}

static bool about_writing(const struct heph_on *on)
{
	return on->what == HEPH_ON_WRITABLE__;
}

static int fd_ready(heph_ctx ctx, struct heph_clause *clause)
{
	const struct heph_driver *driver = ctx.self->thread->heph->driver;

	if (clause->begun)
		return driver->poll_ready(clause->begun);
	return driver->poll_now(ctx.self, clause->on->fd, about_writing(clause->on));
}

static int fd_begin(heph_ctx ctx, struct heph_clause *clause)
{
	const struct heph_driver *driver = ctx.self->thread->heph->driver;

	return driver->poll_begin(ctx.self, clause->on->fd,
				  about_writing(clause->on), &clause->begun);
}

static void fd_end(heph_ctx ctx, struct heph_clause *clause)
{
	ctx.self->thread->heph->driver->poll_end(clause->begun);
}

static const struct heph_clause_type types[] = {
	[HEPH_ON_MSG__] = { HEPH_WAIT_MSG, msg_ready, NULL, NULL },
	[HEPH_ON_TIME__] = { HEPH_WAIT_TIME, time_ready, NULL, NULL },
	[HEPH_ON_SIGNAL__] = { HEPH_WAIT_SIGNAL, signal_ready, NULL, NULL },
	[HEPH_ON_READABLE__] = { HEPH_WAIT_OP, fd_ready, fd_begin, fd_end },
	[HEPH_ON_WRITABLE__] = { HEPH_WAIT_OP, fd_ready, fd_begin, fd_end },
	[HEPH_ON_ROOM__] = { HEPH_WAIT_ROOM, heph_room_ready, heph_room_begin,
			     heph_room_end },
	[HEPH_ON_ANSWER__] = { HEPH_WAIT_CALL, heph_pending_ready, NULL, NULL },
	[HEPH_ON_ANY_ANSWER__] = { HEPH_WAIT_CALL, heph_pending_any_ready, NULL,
				   NULL },
	[HEPH_ON_DOWN__] = { HEPH_WAIT_WATCH, heph_down_ready, NULL, NULL },
	[HEPH_ON_JOIN__] = { HEPH_WAIT_WATCH, heph_join_ready, heph_join_begin,
			     heph_join_end },
	[HEPH_ON_CHAN__] = { HEPH_WAIT_PARK, heph_chan_clause_ready,
			     heph_chan_clause_begin, heph_chan_clause_end },
	[HEPH_ON_MSG_WHERE__] = { HEPH_WAIT_MSG, msg_where_ready, NULL, NULL },
	[HEPH_ON_TREE__] = { HEPH_WAIT_CHILD | HEPH_WAIT_TIME, heph_tree_ready,
			     NULL, NULL },
	[HEPH_ON_ONESHOT__] = { HEPH_WAIT_PARK, heph_oneshot_clause_ready,
				heph_oneshot_clause_begin,
				heph_oneshot_clause_end },
	[HEPH_ON_TICK__] = { HEPH_WAIT_TIME, heph_tick_ready, NULL, NULL },
};

/* NULL: a hole in the list. */
static const struct heph_clause_type *type_of(const struct heph_clause *clause)
{
	return clause->on->what ? &types[clause->on->what] : NULL;
}

/* ---- waiting --------------------------------------------------------------- */

static int first_ready(struct select *select)
{
	const struct heph_clause_type *type;
	int is, none = -EAGAIN;

	for (size_t i = 0; i < select->n; i++) {
		type = type_of(&select->clauses[i]);
		is = type ? type->ready(select->ctx, &select->clauses[i]) : 0;
		if (is == -ENOBUFS)
			none = is; /* unless another one can be had */
		else if (is)
			return is < 0 ? is : (int)i;
	}
	return none;
}

static void prepare(struct select *select, const struct heph_on *on)
{
	const struct heph_clause_type *type;

	for (size_t i = 0; i < select->n; i++) {
		select->clauses[i] = (struct heph_clause){ .on = &on[i] };
		type = type_of(&select->clauses[i]);
		if (!type)
			continue;
		select->what |= type->reason;
		if ((type->reason & HEPH_WAIT_TIME) && on[i].when < select->when)
			select->when = on[i].when;
	}
}

static int begin(struct select *select)
{
	const struct heph_clause_type *type;
	int err = 0;

	for (size_t i = 0; err == 0 && i < select->n; i++) {
		type = type_of(&select->clauses[i]);
		if (type && type->begin)
			err = type->begin(select->ctx, &select->clauses[i]);
	}
	return err;
}

static void end(struct select *select)
{
	for (size_t i = 0; i < select->n; i++)
		if (select->clauses[i].begun)
			type_of(&select->clauses[i])
				->end(select->ctx, &select->clauses[i]);
}

/* Waits until a clause may be had. 0, or the reason why not. */
static int wait_a_bit(struct select *select)
{
	heph_ctx ctx = heph_until(select->ctx, select->when);
	int err = heph_wait_for(ctx, select->what & ~(unsigned)HEPH_WAIT_TIME);

	if (err == -ETIME && heph_deadline(ctx) < heph_deadline(select->ctx))
		return 0; /* a clause about time */
	return err;
}

static int wait_for_one(struct select *select)
{
	int which, err = begin(select);

	while (err == 0) {
		which = first_ready(select);
		if (which != -EAGAIN)
			return which;
		err = wait_a_bit(select);
		if (err == -ETIME) { /* but something may have come as well */
			which = first_ready(select);
			return which == -EAGAIN ? err : which;
		}
	}
	return err;
}

int heph_raw_wait(heph_ctx ctx, const struct heph_on *on, size_t n)
{
	struct heph_clause clauses[CLAUSES_MAX];
	struct select select = {
		.ctx = ctx, .clauses = clauses, .n = n, .when = HEPH_NEVER
	};
	int which = heph_wait_allowed(ctx);

	if (which < 0)
		return which;
	if (n > CLAUSES_MAX)
		return -EINVAL;
	prepare(&select, on);
	if (!select.what)
		return -EINVAL;
	which = first_ready(&select);
	if (which != -EAGAIN) {
		heph_worker_spend(ctx.self);
		return which;
	}
	which = wait_for_one(&select);
	end(&select);
	return which;
}
