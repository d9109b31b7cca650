/* SPDX-License-Identifier: MIT */
/* What an actor does, in words. */
#include <heph/inspect.h>
#include <heph/time.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const states[HEPH_STATES] = {
	[HEPH_STATE_RUNNING] = "running",       [HEPH_STATE_READY] = "ready",
	[HEPH_STATE_WAITING] = "waiting",       [HEPH_STATE_ENDING] = "ending",
	[HEPH_STATE_RESTARTING] = "restarting", [HEPH_STATE_STUCK] = "stuck",
};

/* A word, and what it waits for if there is no more to say. */
static const struct {
	const char *name, *text;
} waits[HEPH_WAITS] = {
	[HEPH_WAITS_NOT] = { "nothing", "nothing" },
	[HEPH_WAITS_MESSAGE] = { "message", "a message" },
	[HEPH_WAITS_SELECTED] = { "selected", "a certain message" },
	[HEPH_WAITS_ROOM] = { "room", "room in an inbox" },
	[HEPH_WAITS_ANSWER] = { "answer", "an answer" },
	[HEPH_WAITS_JOIN] = { "join", "the end of an actor" },
	[HEPH_WAITS_DOWN] = { "down", "the end of an actor" },
	[HEPH_WAITS_CHILD] = { "child", "the end of a child" },
	[HEPH_WAITS_SUPERVISOR] = { "supervisor", "its supervisor" },
	[HEPH_WAITS_OPERATION] = { "operation", "an operation" },
	[HEPH_WAITS_SIGNAL] = { "signal", "a signal" },
	[HEPH_WAITS_CHANNEL] = { "channel", "a channel" },
	[HEPH_WAITS_ONESHOT] = { "oneshot", "a oneshot" },
	[HEPH_WAITS_NAME] = { "name", "a name" },
	[HEPH_WAITS_THREAD] = { "thread", "another worker" },
	[HEPH_WAITS_INSPECTION] = { "inspection", "a look at actors" },
	[HEPH_WAITS_TIME] = { "time", "" },
	[HEPH_WAITS_STOP] = { "stop", "a stop" },
};

const char *heph_state_name(enum heph_actor_state state)
{
	return (unsigned)state < HEPH_STATES ? states[state] : "unknown";
}

const char *heph_wait_kind_name(enum heph_wait_kind wait)
{
	return (unsigned)wait < HEPH_WAITS ? waits[wait].name : "unknown";
}

struct words {
	char *text;
	size_t size, n;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words,
						      const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words->text + words->n, words->size - words->n, format,
		      args);
	va_end(args);
	if (n > 0)
		words->n += (size_t)n;
	if (words->n >= words->size)
		words->n = words->size - 1;
}

static void add_time(struct words *words, heph_time time)
{
	if (time < 0)
		time = 0;
	add(words, "%" PRId64 ".%03d s", time / HEPH_SEC,
	    (int)(time % HEPH_SEC / HEPH_MSEC));
}

static void add_on(struct words *words, const char *what,
		   const struct heph_actor_info *info)
{
	add(words, "%s %s#%" PRIu64, what, info->on_name, info->on.addr.id);
}

static void add_operation(struct words *words,
			  const struct heph_actor_info *info)
{
	add(words, "%s", info->operation);
	if (info->fd >= 0)
		add(words, " of descriptor %d", info->fd);
}

/* The first of its waits, with all that is known. */
static void add_wait(struct words *words, const struct heph_actor_info *info)
{
	bool on = info->on.addr.id;

	if (on && info->wait == HEPH_WAITS_ANSWER)
		add_on(words, "the answer of", info);
	else if (on && info->wait == HEPH_WAITS_ROOM)
		add_on(words, "room in the inbox of", info);
	else if (on && info->wait == HEPH_WAITS_JOIN)
		add_on(words, "the end of", info);
	else if (on && info->wait == HEPH_WAITS_CHILD)
		add_on(words, "the end of its child", info);
	else if (on && info->wait == HEPH_WAITS_SUPERVISOR)
		add_on(words, "its supervisor", info);
	else if (info->wait == HEPH_WAITS_OPERATION && *info->operation)
		add_operation(words, info);
	else
		add(words, "%s", waits[info->wait].text);
}

static void add_others(struct words *words, const struct heph_actor_info *info)
{
	for (unsigned kind = info->wait + 1; kind < HEPH_WAITS; kind++) {
		if (!(info->waits & 1u << kind))
			continue;
		if (kind == HEPH_WAITS_OPERATION && *info->operation) {
			add(words, " or ");
			add_operation(words, info);
		} else {
			add(words, " or %s", waits[kind].text);
		}
	}
}

static void add_waiting(struct words *words, const struct heph_actor_info *info,
			heph_time now)
{
	bool ends = info->deadline != HEPH_NEVER;

	if (info->wait == HEPH_WAITS_TIME) {
		add(words, "sleeps for ");
		add_time(words, info->deadline - now);
		return;
	}
	add(words, "waits for ");
	add_wait(words, info);
	add_others(words, info);
	if (ends) {
		add(words, ", at most ");
		add_time(words, info->deadline - now);
	}
	if (info->since) {
		add(words, ", since ");
		add_time(words, now - info->since);
	}
}

size_t heph_info_say(const struct heph_actor_info *info, char *text,
		     size_t size)
{
	struct words words = { .text = text, .size = size };

	if (!size)
		return 0;
	text[0] = '\0';
	if (info->state == HEPH_STATE_STUCK)
		add(&words, "runs and does not come back; its worker is stuck");
	else if (info->state == HEPH_STATE_ENDING)
		add(&words, "ends, ");
	else if (info->state == HEPH_STATE_RESTARTING)
		add(&words, "is to be begun again, ");
	if (info->state == HEPH_STATE_STUCK)
		return words.n;
	if (info->wait)
		add_waiting(&words, info, heph_now());
	else
		add(&words, "%s",
		    info->state == HEPH_STATE_RUNNING ? "runs" : "is ready");
	if (info->stopping)
		add(&words, ", asked to stop");
	return words.n;
}
