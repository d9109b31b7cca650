/* SPDX-License-Identifier: MIT */
/*
 * Calls to several actors. They are begun like others, and their records held
 * here until the function returns: nothing in between can end the actor.
 */
#include <heph/group.h>

#include <string.h>

#include "base/mem.h"
#include "core/call.h"
#include "core/group.h"
#include "core/send.h"
#include "core/wait.h"

/* ---- the first answer ------------------------------------------------------- */

/* Calls of which one answer is wanted. */
struct race {
	heph_ctx ctx;
	const struct heph_call *call;
	struct heph_waiting_call **open;
	struct heph_addr *full; /* those that were not called yet */
	unsigned n_open, n_full;
	int err; /* of the latest that failed */
};

static int enter(struct race *race, struct heph_addr to, heph_call_way *way)
{
	struct heph_waiting_call *record;
	uint64_t number;
	int err = heph_call_begin(race->ctx, to, race->call, way, &record,
				  &number);

	if (err < 0)
		return race->err = err;
	record->to = to;
	race->open[race->n_open++] = record;
	return 0;
}

/* Calls all that have room. 0; -ECANCELED. */
static int enter_all(struct race *race, struct heph_group *group)
{
	unsigned at = 0;
	int err;

	while (at < group->n) {
		err = enter(race, group->members[at], heph_letter_try_send);
		if (err == -ESRCH) {
			heph_group_drop_at(group, at);
			continue;
		}
		if (err == -ECANCELED)
			return err;
		if (err == -EAGAIN)
			race->full[race->n_full++] = group->members[at];
		at++;
	}
	return 0;
}

static void note(struct race *race, const struct heph_waiting_call *record,
		 int err)
{
	heph_call_failed(race->ctx, record->to, race->call->member, record,
			 heph_call_timed(race->ctx), err);
}

/* Takes those out that have failed. The one that was answered, or NULL. */
static struct heph_waiting_call *look(struct race *race)
{
	struct heph_waiting_call *record, *answered = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < race->n_open; i++) {
		record = race->open[i];
		if (answered || !record->done) {
			race->open[n++] = record;
		} else if (record->err == 0) {
			answered = record;
		} else {
			race->err = record->err;
			note(race, record, record->err);
			heph_call_end(race->ctx.self->thread, record);
		}
	}
	race->n_open = n;
	return answered;
}

/* Calls one more, when it has room. 0, or why the wait ended. */
static int enter_full(struct race *race)
{
	int err = enter(race, race->full[--race->n_full], heph_letter_send);

	return err == -ETIME || err == -ECANCELED ? err : 0;
}

/* Waits for an answer. 0, and which; else why there is none. */
static int run(struct race *race, struct heph_waiting_call **ret_answered)
{
	int err;

	while (!(*ret_answered = look(race))) {
		if (!race->n_open && !race->n_full)
			return race->err;
		err = race->n_open ? heph_wait_for(race->ctx, HEPH_WAIT_CALL) :
				     enter_full(race);
		if (err < 0) {
			*ret_answered = look(race);
			return *ret_answered ? 0 : err;
		}
	}
	return 0;
}

static int prepare(struct race *race, unsigned n)
{
	size_t each = sizeof(*race->full) + sizeof(*race->open);

	race->full = heph_mem_alloc_raw(n * each);
	if (!race->full)
		return -ENOMEM;
	race->open = (struct heph_waiting_call **)(void *)(race->full + n);
	return 0;
}

static void leave(struct race *race)
{
	struct heph_thread *thread = race->ctx.self->thread;

	for (unsigned i = 0; i < race->n_open; i++)
		heph_call_drop(thread, race->open[i]);
	heph_mem_free(race->full);
}

int heph_raw_call_any(heph_ctx ctx, struct heph_group *group,
		      const struct heph_call *call)
{
	struct race race = { .ctx = ctx, .call = call, .err = -ESRCH };
	struct heph_waiting_call *answered = NULL;
	int err = heph_wait_allowed(ctx);

	if (err == 0)
		err = group->n ? prepare(&race, group->n) : -ESRCH;
	if (err < 0)
		return err;
	err = enter_all(&race, group);
	if (err == 0)
		err = run(&race, &answered);
	if (answered) {
		memcpy(call->ret, answered->value, call->ret_size);
		heph_call_end(ctx.self->thread, answered);
	} else if (race.n_open) {
		note(&race, race.open[0], err);
	}
	leave(&race);
	return err;
}

/* ---- all answers ------------------------------------------------------------ */

static void *result(const struct heph_call_results *to, unsigned i, size_t at)
{
	return (char *)to->results + i * to->stride + at;
}

/* Begins all calls. What failed at once has its result, and no record. 0, or
 * -ECANCELED: then the rest was not begun. */
static int begin_all(heph_ctx ctx, const struct heph_group *group,
		     const struct heph_call *call,
		     const struct heph_call_results *to,
		     struct heph_waiting_call **records)
{
	uint64_t number;
	int err = 0, *ret_err;

	for (unsigned i = 0; i < group->n; i++) {
		ret_err = result(to, i, to->err_at);
		records[i] = NULL;
		if (err != -ECANCELED)
			err = heph_call_begin(ctx, group->members[i], call,
					      heph_letter_send, &records[i],
					      &number);
		*ret_err = err;
	}
	return err == -ECANCELED ? err : 0;
}

/* What came of a call that is done. */
static int take(const struct heph_waiting_call *record,
		const struct heph_call *call, void *ret_value)
{
	if (record->err == 0)
		memcpy(ret_value, record->value, call->ret_size);
	return record->err;
}

/* Ends a call that has begun; it was answered, or `err` says why nobody waits
 * for it any more. Its result. */
static int end(heph_ctx ctx, struct heph_waiting_call *record, int err,
	       const struct heph_call *call, void *ret_value)
{
	struct heph_thread *thread = ctx.self->thread;

	if (record->done)
		err = take(record, call, ret_value);
	if (err < 0)
		heph_call_failed(ctx, record->to, call->member, record, false,
				 err);
	if (record->done)
		heph_call_end(thread, record);
	else
		heph_call_drop(thread, record);
	return err;
}

/* Waits for all that have begun, unless `err` says not to. How many were
 * answered. */
static int collect(heph_ctx ctx, int err, const struct heph_group *group,
		   const struct heph_call *call,
		   const struct heph_call_results *to,
		   struct heph_waiting_call **records)
{
	int n = 0, *ret_err;

	for (unsigned i = 0; i < group->n; i++) {
		if (!records[i])
			continue;
		if (err == 0)
			err = heph_call_wait(ctx, records[i]);
		ret_err = result(to, i, to->err_at);
		records[i]->to = group->members[i];
		*ret_err = end(ctx, records[i], err, call,
			       result(to, i, to->value_at));
		n += *ret_err == 0;
	}
	return n;
}

int heph_raw_call_all(heph_ctx ctx, struct heph_group *group,
		      const struct heph_call *call,
		      const struct heph_call_results *to)
{
	struct heph_waiting_call **records;
	int err = heph_wait_allowed(ctx), n;

	if (err == 0 && !group->n)
		err = -ESRCH;
	if (err == 0 && group->n > to->size / to->stride)
		err = -ENOSPC;
	if (err < 0)
		return err;
	records = heph_mem_alloc_raw(group->n * sizeof(*records));
	if (!records)
		return -ENOMEM;
	err = begin_all(ctx, group, call, to, records);
	n = collect(ctx, err, group, call, to, records);
	heph_mem_free(records);
	return n;
}
