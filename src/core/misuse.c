/* SPDX-License-Identifier: MIT */
#include "core/misuse.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/fmt.h"
#include "core/describe.h"
#include "core/thread.h"

#define PAGE "errors-you-will-meet"

/* A thread has the contexts of several runtimes when it runs one of them. */
static bool attached_here(const struct heph_thread *thread)
{
	const struct heph_thread *it = heph_thread_current;

	while (it && it != thread)
		it = it->outer;
	return it;
}

bool heph_ctx_is_ours(const struct heph_self *self)
{
	const struct heph_thread *mine = heph_thread_current;

	if (!self || self->thread->current != self)
		return false;
	return self->kind ? self->thread == mine && !mine->hooks :
			    attached_here(self->thread);
}

/* ---- words ------------------------------------------------------------------- */

static void add_owner(struct heph_fmt *fmt, const struct heph_self *owner)
{
	if (owner->kind)
		heph_describe_actor(fmt, owner);
	else
		heph_fmt_str(fmt, "another thread");
}

/* Who is here; and what it would better do. */
static const char *add_caller(struct heph_fmt *fmt)
{
	const struct heph_thread *mine = heph_thread_current;

	if (mine && mine->hooks) {
		heph_fmt_str(fmt, "a function that the runtime calls (drop, "
				  "copy, decide, ...)");
		return "such a function must not wait";
	}
	if (mine && mine->current && mine->current->kind) {
		heph_describe_actor(fmt, mine->current);
		return "use the context that its function was called with, and "
		       "keep none in a global variable";
	}
	if (mine && mine->current)
		heph_fmt_str(fmt, "a thread that has another one");
	else
		heph_fmt_str(fmt, "a thread that has none");
	return "a thread gets its own by heph_new() or heph_attach()";
}

static void say_empty(struct heph_fmt *fmt)
{
	heph_fmt_str(fmt,
		     " with an empty context: an actor has the one that its "
		     "function was called with, main() gets one by heph_new(), "
		     "another thread by heph_attach(); or use heph_run()");
}

void heph_ctx_misused(const struct heph_self *self, const char *what)
{
	char text[480];
	struct heph_fmt fmt;
	const char *instead;

	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, what ? what : "a wait");
	if (self) {
		heph_fmt_str(&fmt, what ? " with the context of " :
					  " with the context or inbox of ");
		add_owner(&fmt, self);
		heph_fmt_str(&fmt, ", by ");
		instead = add_caller(&fmt);
		heph_fmt_str(&fmt, ": ");
		heph_fmt_str(&fmt, instead);
	} else {
		say_empty(&fmt);
	}
	heph_misuse(text, PAGE);
}

void heph_inbox_misused(const struct heph_self *self,
			const struct heph_self *owner)
{
	char text[480];
	struct heph_fmt fmt;

	if (!self || !owner)
		heph_ctx_misused(NULL, "heph_recv");
	heph_fmt_init(&fmt, text, sizeof(text));
	heph_fmt_str(&fmt, "a receive by ");
	add_owner(&fmt, self);
	heph_fmt_str(&fmt, " from the inbox of ");
	add_owner(&fmt, owner);
	heph_fmt_str(&fmt, ": an actor receives from its own inbox; send it a "
			   "message instead");
	heph_misuse(text, PAGE);
}
