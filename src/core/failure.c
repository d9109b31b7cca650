/* SPDX-License-Identifier: MIT */
#include "core/failure.h"

#include <heph/call.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/worker.h"

/* ---- whom ------------------------------------------------------------------ */

/* Of an actor on this worker its own name, else that of its type. */
static const char *name_in(struct heph *heph, struct heph_addr addr)
{
	struct heph_kind *kind = heph_kind_with(heph, addr);
	struct heph_worker *worker = heph_worker_with(heph, addr);
	struct heph_self *self = NULL;

	if (!kind)
		return "nobody";
	if (&worker->thread == heph_thread_current)
		self = heph_worker_find(worker, addr.id, addr.slot);
	return self ? heph_self_name(self) : kind->type->name;
}

static void copy_name(struct heph_addr addr, char *name)
{
	bool inside;
	struct heph *heph = heph_enter(addr.node, &inside);

	snprintf(name, HEPH_CALL_NAME_MAX, "%s",
		 heph ? name_in(heph, addr) : "nobody");
	if (heph)
		heph_leave(addr.node, inside);
}

/* ---- keeping it ------------------------------------------------------------ */

/* The place for it, made if there is none; NULL when there is no memory. */
static struct heph_call_failure *place(struct heph_self *self)
{
	struct heph_ext *ext = heph_self_extend(self);

	if (ext && !ext->failure)
		ext->failure = heph_pool_take(&self->thread->pool,
					      sizeof(*ext->failure));
	return ext ? ext->failure : NULL;
}

static void log_it(const struct heph_call_failure *failure)
{
	char text[200];

	if (!heph_log_on(HEPH_LOG_DEBUG))
		return;
	heph_call_error_text(failure, text, sizeof(text));
	heph_log_debug(text, HEPH_KV_UINT("to", failure->target.addr.id),
		       HEPH_KV_ERR("err", failure->err));
}

void heph_failure_note(struct heph_self *self, struct heph_addr to,
		       const char *member, const struct heph_failure *how)
{
	struct heph_call_failure *failure = place(self);

	if (!failure)
		return;
	*failure = (struct heph_call_failure){
		.err = how->err,
		.target = { to },
		.member = member,
		.waited = how->waited,
		.inbox = how->inbox,
		.processing = how->processing,
		.refused = how->refused,
	};
	copy_name(to, failure->name);
	log_it(failure);
}

struct heph_call_failure heph_call_error(heph_ctx ctx)
{
	const struct heph_ext *ext = ctx.self->ext;

	if (ext && ext->failure)
		return *ext->failure;
	return (struct heph_call_failure){ .waited = -1,
					   .inbox = -1,
					   .processing = -1 };
}

/* ---- in words -------------------------------------------------------------- */

/* What happened; what follows it is how long it took. */
static const char *reason(int err, bool refused)
{
	switch (err) {
	case 0:
		return "has not failed";
	case -ETIME:
		return refused ? "no answer in time" : "no answer within";
	case -EPIPE:
		return "nobody can answer it any more";
	case -ESRCH:
		return "there is no such actor";
	case -ECANCELED:
		return "given up to stop";
	case -EDEADLK:
		return "would wait for itself";
	default:
		return strerror(-err);
	}
}

static double seconds(heph_time time)
{
	return (double)time / (double)HEPH_SEC;
}

int heph_call_error_text(const struct heph_call_failure *failure, char *buf,
			 size_t size)
{
	const char *member = failure->member ? failure->member : "?";
	const char *who = failure->refused ? "refused: " : "";
	const char *why = reason(failure->err, failure->refused);
	const char *after = failure->err == -ETIME && !failure->refused ?
				    " " :
				    " after ";

	if (failure->waited < 0)
		return snprintf(buf, size, "call %s.%s: %s%s", failure->name,
				member, who, why);
	return snprintf(buf, size,
			"call %s.%s: %s%s%s%.3f s: %.3f s in its inbox, %.3f s "
			"in processing",
			failure->name, member, who, why, after,
			seconds(failure->waited), seconds(failure->inbox),
			seconds(failure->processing));
}
