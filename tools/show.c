/* SPDX-License-Identifier: MIT */
/* heph show: all that is known of one actor. */
#if HEPH_CTL

#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "exits.h"
#include "options.h"
#include "text.h"

static const char usage[] =
	"usage: heph show [OPTION...] ACTOR\n\n"
	"Tells all that is known of an actor: its id, NAME#ID, or its name.\n";

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool yes(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void row(const char *key, const char *text)
{
	printf("%-12s", key);
	text_print(stdout, text, 0);
	fputs("\n", stdout);
}

static void tell_place(const json_t *actor)
{
	char text[64];

	if (yes(actor, "own_thread"))
		snprintf(text, sizeof(text), "a thread of its own");
	else
		snprintf(text, sizeof(text), "worker %lld%s",
			 number(actor, "worker"),
			 yes(actor, "moves") ? ", may move" : "");
	row("runs on", text);
	if (!number(actor, "parent"))
		snprintf(text, sizeof(text), "the runtime");
	else
		snprintf(text, sizeof(text), "#%lld", number(actor, "parent"));
	row("parent", text);
}

static void tell_state(const json_t *actor)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", word(actor, "state"),
		 yes(actor, "stopping") ? ", asked to stop" : "",
		 yes(actor, "shielded") ? ", shielded" : "");
	row("state", text);
	row("does", word(actor, "text"));
}

static void tell_numbers(const json_t *actor)
{
	char text[128], one[16], other[16];

	snprintf(text, sizeof(text), "%lld of %lld, %s", number(actor, "inbox"),
		 number(actor, "capacity"),
		 text_bytes(one, (double)number(actor, "messages")));
	row("inbox", text);
	snprintf(text, sizeof(text), "%lld messages, owes %lld answers",
		 number(actor, "received"), number(actor, "owed"));
	row("received", text);
	snprintf(text, sizeof(text), "stack %s of %s",
		 text_bytes(one, (double)number(actor, "stack")),
		 text_bytes(other, (double)number(actor, "stack_size")));
	row("memory", text);
	snprintf(text, sizeof(text), "%s",
		 text_bytes(one, (double)number(actor, "arena")));
	row("arena", text);
	snprintf(text, sizeof(text), "%lld in flight",
		 number(actor, "operations"));
	row("operations", text);
	snprintf(text, sizeof(text), "%lld", number(actor, "watchers"));
	row("watchers", text);
	snprintf(text, sizeof(text), "%lld", number(actor, "restarts"));
	row("restarts", text);
	snprintf(text, sizeof(text), "%lld", number(actor, "children"));
	row("children", text);
}

static void tell_family(const json_t *family)
{
	json_t *child;
	size_t n;
	char text[512];

	json_array_foreach(family, n, child)
	{
		snprintf(text, sizeof(text), "%s#%lld  %s", word(child, "name"),
			 number(child, "id"), word(child, "text"));
		row("", text);
	}
}

static void tell(const json_t *line)
{
	const json_t *actor = json_object_get(line, "actor");
	char text[128];

	snprintf(text, sizeof(text), "%s#%lld", word(actor, "name"),
		 number(actor, "id"));
	row("actor", text);
	row("type", word(actor, "type"));
	tell_place(actor);
	tell_state(actor);
	tell_numbers(actor);
	tell_family(json_object_get(line, "family"));
}

int show(int argc, char **argv)
{
	struct options options;
	struct ask asked;
	const char *actor;
	json_t *line = NULL;
	int code =
		options_read(&options, "show", OPTIONS_JSON, usage, argc, argv);

	if (code >= 0)
		return code;
	actor = options_next(&options);
	if (!actor) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (options.argc)
		return options_too_many(&options);
	code = ask_open(&asked, &options.target);
	if (code == 0)
		line = ask_once(&asked,
				json_pack("{s:s, s:s}", "cmd", "show", "actor",
					  actor),
				&code);
	if (line && options.json) {
		json_dumpf(line, stdout, JSON_COMPACT);
		fputs("\n", stdout);
	} else if (line) {
		tell(line);
	}
	json_decref(line);
	ask_close(&asked);
	return code;
}

#endif
