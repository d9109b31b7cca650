/* SPDX-License-Identifier: MIT */
/* What actors wait for, in words. */
#include <stdio.h>

#include <heph/time.h>

#include "base/log.h"
#include "core/timers.h"
#include "core/worker.h"
#include "core/state.h"

static const struct {
	unsigned bit;
	const char *name;
} reasons[] = {
	{ HEPH_WAIT_MSG, "a message" },
	{ HEPH_WAIT_ROOM, "room in an inbox" },
	{ HEPH_WAIT_CALL, "an answer" },
	{ HEPH_WAIT_WATCH, "the end of an actor" },
	{ HEPH_WAIT_CHILD, "the end of a child" },
	{ HEPH_WAIT_OP, "an operation" },
	{ HEPH_WAIT_SIGNAL, "a signal" },
	{ HEPH_WAIT_REQUEST, "another thread" },
	{ HEPH_WAIT_DRAIN, "the end of the runtime" },
	{ HEPH_WAIT_VERDICT, "its supervisor" },
	{ HEPH_WAIT_PARK, "a channel" },
};

struct words {
	char *at, *end;
	bool any;
};

static void add(struct words *words, const char *text)
{
	int n = snprintf(words->at, (size_t)(words->end - words->at), "%s%s",
			 words->any ? " or " : "", text);

	if (n > 0 && n < words->end - words->at)
		words->at += n;
	words->any = true;
}

static void add_time(struct words *words, heph_time left)
{
	if (left < 0)
		left = 0;
	snprintf(words->at, (size_t)(words->end - words->at),
		 "%s %lld.%03lld s", words->any ? ", at most" : "for",
		 (long long)(left / HEPH_SEC),
		 (long long)(left % HEPH_SEC / HEPH_MSEC));
}

static void say_waiting(const struct heph_self *self, heph_time now, char *text,
			size_t size)
{
	struct words words = { .at = text, .end = text + size };
	heph_time deadline = heph_timers_deadline(self);

	words.at += snprintf(text, size, "waits");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (self->waiting & reasons[i].bit) {
			if (!words.any)
				words.at += snprintf(words.at, 6, " for ");
			add(&words, reasons[i].name);
		}
	if (deadline != HEPH_NEVER) {
		if (!words.any)
			words.at += snprintf(words.at, 2, " ");
		add_time(&words, deadline - now);
	} else if (!words.any) {
		snprintf(words.at, (size_t)(words.end - words.at),
			 self->waiting & HEPH_WAIT_STOP ?
				 " to be stopped" :
				 " for something else");
	}
}

void heph_state_say(const struct heph_self *self, char *text, size_t size)
{
	if (self->waiting)
		say_waiting(self, heph_now(), text, size);
	else
		snprintf(text, size, "%s",
			 self->thread->current == self ? "running" : "ready");
}

void heph_state_list(const struct heph_worker *worker, const char *where)
{
	const struct heph_self *self;
	char text[256];

	for (uint32_t slot = worker->first_self; slot < worker->n_selves;
	     slot++) {
		self = &worker->selves[slot];
		if (!self->id)
			continue;
		heph_state_say(self, text, sizeof(text));
		heph_log_error(where,
			       HEPH_KV_STR("actor", heph_self_name(self)),
			       HEPH_KV_UINT("id", self->id),
			       HEPH_KV_STR("state", text),
			       HEPH_KV_UINT("inbox", self->n));
	}
}
