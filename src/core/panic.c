/* SPDX-License-Identifier: MIT */
/*
 * A panic gives up all frames of the actor, writes the exit down outside of its
 * stack, and ends the actor from the foot of that. Where it cannot, because the
 * frames are not the actor's own or it is ending already, the process stops.
 */
#include <heph/actor.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/usdt.h"
#include "core/life.h"
#include "core/slot.h"

static int run_after_panic(struct heph_coro *coro)
{
	struct heph_self *self =
		heph_container_of(coro, struct heph_self, coro);
	struct heph_exit exit = self->thread->panic;

	heph_life_end(self, &exit);
}

/* The note is cut to what fits. */
static void note_panic(struct heph_exit *exit, const char *file, int line,
		       const char *text)
{
	const char *base = strrchr(file, '/');
	int n = snprintf(exit->note, sizeof(exit->note),
			 "%.30s:%d: ", base ? base + 1 : file, line);

	strncat(exit->note, text, sizeof(exit->note) - 1 - (size_t)n);
}

/* Why a panic has nowhere to go; NULL: it has. */
static const char *where_no_panic_can_be(const struct heph_self *self)
{
	if (!self->kind)
		return "by a plain thread";
	if (self->thread->hooks)
		return "in a function that the runtime calls";
	if (self->thread->current != self)
		return "by somebody else than the running actor";
	if (self->flags & HEPH_FLAG_FINISHING)
		return "in a deferred call, or another function that cleans up";
	return NULL;
}

_Noreturn static void panic_in_vain(const struct heph_self *self,
				    const char *file, int line,
				    const char *text)
{
	const char *where = where_no_panic_can_be(self);
	char words[256];

	snprintf(words, sizeof(words), "panic %s: %s",
		 where ? where : "without memory for it", text);
	heph_assert_failed(words, file, line, heph_self_name(self));
}

void heph_raw_panic(heph_ctx ctx, const char *file, int line,
		    const char *format, ...)
{
	struct heph_self *self = ctx.self;
	struct heph_ext *ext = heph_self_extend(self);
	struct heph_exit *exit = &self->thread->panic;
	char text[sizeof(exit->note)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!self->kind && self->thread->heph->panicked)
		self->thread->heph->panicked(self, file, line, text);
	if (!ext || where_no_panic_can_be(self))
		panic_in_vain(self, file, line, text);
	heph_count(&self->thread->count.panicked);
	HEPH_PROBE4(panic, self->id, text, file, line);
	*exit = (struct heph_exit){ .err = -ENOTRECOVERABLE };
	note_panic(exit, file, line, text);
	heph_slot_reset(self, run_after_panic);
}
