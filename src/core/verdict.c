/* SPDX-License-Identifier: MIT */
#include "core/verdict.h"

#include <heph/time.h>

#include <string.h>

#include "base/log.h"
#include "core/child.h"
#include "core/intensity.h"
#include "core/timers.h"
#include "core/wait.h"
#include "core/watch.h"

/* ---- the copy of the spawn struct ------------------------------------------ */

static bool has_decide(const struct heph_actor *type, const void *spawn)
{
	static void (*const none)(void);

	return memcmp((const char *)spawn + type->decide_at, &none,
		      sizeof(none)) != 0;
}

bool heph_verdict_wanted(const struct heph_actor *type, const void *spawn)
{
	const struct heph_options *options = spawn;

	if (options->tree && options->restart != HEPH_TEMPORARY)
		return true;
	return options->restarts.times || has_decide(type, spawn);
}

/* After the copy lies the count of restarts, if they are limited. */
static size_t intensity_at(const struct heph_actor *type)
{
	return (type->spawn_size + 15) & ~(size_t)15;
}

static size_t size_of(const struct heph_actor *type, const void *spawn)
{
	const struct heph_options *options = spawn;

	if (!options->restarts.times)
		return type->spawn_size;
	return intensity_at(type) + heph_intensity_size(&options->restarts);
}

static struct heph_intensity *intensity_of(struct heph_self *self)
{
	const struct heph_options *options = self->ext->spawn;

	if (!options->restarts.times)
		return NULL;
	return (void *)((char *)self->ext->spawn +
			intensity_at(heph_type_of(self)));
}

int heph_verdict_prepare(struct heph_self *self, const void *spawn)
{
	const struct heph_actor *type = heph_type_of(self);
	struct heph_ext *ext = heph_self_extend(self);
	struct heph_options *copy;

	if (ext)
		ext->spawn = heph_pool_take(&self->thread->pool,
					    size_of(type, spawn));
	if (!ext || !ext->spawn)
		return -ENOMEM;
	copy = memcpy(ext->spawn, spawn, type->spawn_size);
	copy->name = NULL; /* it was copied */
	copy->tree = NULL; /* it may move */
	if (copy->restarts.backoff &&
	    heph_timers_need(heph_worker_of(self)) < 0)
		return -ENOMEM; /* now, for a pause cannot fail later */
	if (intensity_of(self))
		heph_intensity_init(intensity_of(self), &copy->restarts,
				    (uintptr_t)self->id, heph_now());
	return 0;
}

void heph_verdict_fini(struct heph_self *self)
{
	void *spawn = self->ext->spawn;

	if (spawn)
		heph_pool_give(&self->thread->pool, spawn,
			       size_of(heph_type_of(self), spawn));
	self->ext->spawn = NULL;
}

/* ---- deciding -------------------------------------------------------------- */

static struct heph_child *child_of(const struct heph_self *self)
{
	return self->ext ? self->ext->child : NULL;
}

/* Whether it could be called again at all. */
static bool repeatable(struct heph_self *self)
{
	const struct heph_options *options = self->ext ? self->ext->spawn :
							 NULL;

	if (!options || atomic_load(&self->thread->heph->deadline))
		return false;       /* or the runtime is ending */
	return !options->give.turn; /* it had a descriptor, which is closed */
}

/* Whether it was asked to stop, as one is that nobody holds any more. */
static bool is_asked(const struct heph_self *self)
{
	return (self->flags & HEPH_FLAG_STOP) || heph_hold_is_over(self);
}

/* Who was asked to stop is not restarted, unless its tree wants it. */
static enum heph_verdict unasked(struct heph_self *self)
{
	return child_of(self) && !heph_hold_is_over(self) ? HEPH_RESTART :
							    HEPH_STOP;
}

/* What .decide says to a failure, or what there is without it. */
static enum heph_verdict ask(struct heph_self *self,
			     const struct heph_exit *exit)
{
	const struct heph_actor *type = heph_type_of(self);
	void *spawn;

	if (!repeatable(self))
		return HEPH_STOP;
	if (is_asked(self))
		return unasked(self);
	spawn = self->ext->spawn;
	if (!has_decide(type, spawn))
		return HEPH_RESTART;
	return type->decide(spawn, exit, (char *)spawn + type->arg_at);
}

/* One that stands for another actor ends when that does, or when that cannot be
 * reached any more: who knows of it has said so. */
static void report(struct heph_self *self, const struct heph_exit *exit,
		   const char *text)
{
	enum heph_log_level level = heph_type_of(self)->like ? HEPH_LOG_DEBUG :
							       HEPH_LOG_WARN;

	heph_log(level, text, HEPH_KV_UINT("id", self->id),
		 HEPH_KV_ERR("err", exit->err),
		 HEPH_KV_STR("note", exit->note));
}

static void report_restart(struct heph_self *self, const struct heph_exit *exit,
			   const struct heph_intensity *intensity)
{
	if (!intensity || intensity->limits.times == HEPH_UNLIMITED) {
		report(self, exit, "actor failed, restarting it");
		return;
	}
	heph_log_warn("actor failed, restarting it",
		      HEPH_KV_UINT("id", self->id),
		      HEPH_KV_UINT("left",
				   heph_intensity_left(intensity, heph_now())),
		      HEPH_KV_UINT("max", intensity->limits.times),
		      HEPH_KV_ERR("err", exit->err),
		      HEPH_KV_STR("note", exit->note));
}

/* ---- restarting ------------------------------------------------------------ */

/* Whether there is one more restart; then after which pause. */
static bool allowed(struct heph_self *self, const struct heph_exit *exit,
		    heph_time *ret_pause)
{
	struct heph_intensity *intensity = intensity_of(self);

	*ret_pause = 0;
	if (intensity &&
	    !heph_intensity_add(intensity, heph_now(), ret_pause)) {
		report(self, exit, "actor failed, no restarts left");
		return false;
	}
	report_restart(self, exit, intensity);
	return true;
}

/* Whether the pause is over, and it is to begin again; a stop ends it at once,
 * and may come at the same moment. */
static bool rest(struct heph_self *self, heph_time pause)
{
	heph_ctx ctx = heph_within(heph_self_ctx(self), pause);
	int err = pause ? 0 : -ETIME;

	ctx.deadline |= 1; /* and what is to end it we name */
	while (err == 0 && !is_asked(self))
		err = heph_wait_for(ctx, heph_pause_ends(self));
	return err == -ETIME && !is_asked(self);
}

/* Of a child in a tree only if it has limits of its own, and was not asked to
 * stop. */
static bool restarts_itself(struct heph_self *self)
{
	return !child_of(self) || (intensity_of(self) && !is_asked(self));
}

/* A failure. True: the actor begins again. Otherwise `*ret_verdict` is left. */
static bool survives(struct heph_self *self, const struct heph_exit *exit,
		     enum heph_verdict *ret_verdict)
{
	static const char *const texts[] = {
		[HEPH_RESTART] = "actor failed, its supervisor decides",
		[HEPH_STOP] = "actor failed",
		[HEPH_ESCALATE] = "actor failed, escalating",
	};
	heph_time pause;

	heph_count(&self->thread->count.failed);
	if (self->thread->heph->failed)
		self->thread->heph->failed(self, exit);
	*ret_verdict = ask(self, exit);
	if (*ret_verdict != HEPH_RESTART || !restarts_itself(self)) {
		report(self, exit, texts[*ret_verdict]);
		return false;
	}
	if (!allowed(self, exit, &pause))
		return false;
	*ret_verdict = HEPH_STOP;
	return rest(self, pause);
}

/* What a child wants of its supervisor; HEPH_STOP: nothing, it ends. */
static enum heph_verdict wish(struct heph_self *self,
			      const struct heph_exit *exit,
			      enum heph_verdict verdict)
{
	const struct heph_child *child = child_of(self);

	if (child->end || heph_hold_is_over(self))
		return HEPH_STOP;
	if (exit->err >= 0 && child->restart == HEPH_PERMANENT)
		verdict = HEPH_RESTART;
	if (child->halt)
		verdict = HEPH_RESTART;
	if (verdict == HEPH_RESTART &&
	    (child->restart == HEPH_TEMPORARY || !repeatable(self)))
		verdict = HEPH_STOP;
	return verdict;
}

bool heph_verdict_again(struct heph_self *self, const struct heph_exit *exit,
			bool *ret_escalate)
{
	enum heph_verdict verdict = HEPH_STOP;

	*ret_escalate = false;
	if (exit->err < 0 && survives(self, exit, &verdict))
		return true;
	if (child_of(self)) {
		verdict = wish(self, exit, verdict);
		return verdict != HEPH_STOP &&
		       heph_child_ask(self, exit, verdict);
	}
	*ret_escalate = verdict == HEPH_ESCALATE;
	return false;
}
