/* SPDX-License-Identifier: MIT */
/*
 * heph_wait(): the clauses are asked in order, and if none can be had the
 * actor waits for whatever may make one of them true, then asks again. Nothing
 * of a clause but a poll of a descriptor outlives a wait, and the polls are
 * cancelled and awaited before it returns.
 */
#include <heph/message.h>
#include <heph/time.h>

#include "core/inbox.h"
#include "core/signals.h"
#include "core/wait.h"

enum { CLAUSES_MAX = 64, NONE = -1 };

struct select {
	heph_ctx ctx;
	const struct heph_on *on;
	size_t n;
	unsigned what;	/* to wait for */
	heph_time when; /* of the earliest clause about time */
	void *polls[CLAUSES_MAX];
};

static bool msg_ready(const struct heph_on *on)
{
	struct heph_self *self = (struct heph_self *)on->inbox;

	if (!self->last)
		return false;
	heph_inbox_take(self, on->ret);
	return true;
}

static int signal_ready(heph_ctx ctx, const struct heph_on *on)
{
	struct heph_signal_take *take;
	int err = heph_signals_take(ctx.self, on->signal, &take);

	if (err < 0 || !take->count)
		return err;
	if (on->ret)
		*(unsigned *)on->ret = take->count;
	take->count = 0;
	return 1;
}

static int fd_ready(struct select *select, size_t i)
{
	const struct heph_driver *driver =
		select->ctx.self->thread->heph->driver;

	if (select->polls[i])
		return driver->poll_ready(select->polls[i]);
	return driver->poll_now(select->ctx.self, select->on[i].fd,
				select->on[i].what == HEPH_ON_WRITABLE__);
}

/* Whether clause i can be had; takes it. 1, 0, or an error. */
static int ready(struct select *select, size_t i)
{
	const struct heph_on *on = &select->on[i];

	switch (on->what) {
	case HEPH_ON_MSG__:
		heph_assert((struct heph_self *)on->inbox == select->ctx.self);
		return msg_ready(on);
	case HEPH_ON_TIME__:
		return on->when <= heph_now();
	case HEPH_ON_SIGNAL__:
		return signal_ready(select->ctx, on);
	case HEPH_ON_READABLE__:
	case HEPH_ON_WRITABLE__:
		return fd_ready(select, i);
	case HEPH_ON_NOTHING__:
		break;
	}
	return 0;
}

static int first_ready(struct select *select)
{
	int is;

	for (size_t i = 0; i < select->n; i++) {
		is = ready(select, i);
		if (is)
			return is < 0 ? is : (int)i;
	}
	return -EAGAIN;
}

/* What a clause makes the actor wait for. */
static unsigned reason(struct select *select, const struct heph_on *on)
{
	switch (on->what) {
	case HEPH_ON_MSG__:
		return HEPH_WAIT_MSG;
	case HEPH_ON_SIGNAL__:
		return HEPH_WAIT_SIGNAL;
	case HEPH_ON_READABLE__:
	case HEPH_ON_WRITABLE__:
		return HEPH_WAIT_OP;
	case HEPH_ON_TIME__:
		if (on->when < select->when)
			select->when = on->when;
		return HEPH_WAIT_TIME;
	case HEPH_ON_NOTHING__:
		break;
	}
	return 0;
}

static int begin_polls(struct select *select)
{
	const struct heph_driver *driver =
		select->ctx.self->thread->heph->driver;
	int err = 0;

	for (size_t i = 0; err == 0 && i < select->n; i++) {
		enum heph_on_what__ what = select->on[i].what;

		if (what == HEPH_ON_READABLE__ || what == HEPH_ON_WRITABLE__)
			err = driver->poll_begin(select->ctx.self,
						 select->on[i].fd,
						 what == HEPH_ON_WRITABLE__,
						 &select->polls[i]);
	}
	return err;
}

static void end_polls(struct select *select)
{
	for (size_t i = 0; i < select->n; i++)
		if (select->polls[i])
			select->ctx.self->thread->heph->driver->poll_end(
				select->polls[i]);
}

/* Waits until a clause may be had. 0, or the reason why not. */
static int wait_a_bit(struct select *select)
{
	heph_ctx ctx = heph_until(select->ctx, select->when);
	int err = heph_wait_for(ctx, select->what);

	if (err == -ETIME && heph_deadline(ctx) < heph_deadline(select->ctx))
		return 0; /* a clause about time */
	return err;
}

static int wait_for_one(struct select *select)
{
	int which, err = begin_polls(select);

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
	struct select select = { .ctx = ctx, .on = on, .n = n, .when = HEPH_NEVER };
	int which = heph_wait_allowed(ctx);

	if (which < 0)
		return which;
	if (n > CLAUSES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		select.what |= reason(&select, &on[i]);
	if (!select.what)
		return -EINVAL;
	which = first_ready(&select);
	if (which != -EAGAIN) {
		heph_worker_spend(ctx.self);
		return which;
	}
	which = wait_for_one(&select);
	end_polls(&select);
	return which;
}
