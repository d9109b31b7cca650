/* SPDX-License-Identifier: MIT */
/* heph log, trace, stop, cycles, metrics: one request, and little to print. */
#if HEPH_CTL

#include "commands.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "exits.h"
#include "options.h"
#include "text.h"

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Asks, and has `fn` print the lines of the answer. */
static int ask_and(const struct options *options, json_t *request, ask_fn *fn)
{
	struct ask asked;
	int code = ask_open(&asked, &options->target);

	if (code == 0)
		code = ask(&asked, request, fn, NULL);
	else
		json_decref(request);
	ask_close(&asked);
	return code;
}

static int wrong(const char *usage)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

/* ---- log ----------------------------------------------------------------------------- */

static void tell_level(void *arg, json_t *line)
{
	long long lost = number(line, "lost");

	text_print(stdout, word(line, "level"), 0);
	if (lost)
		printf(", %lld lines lost", lost);
	puts("");
}

int log_level(int argc, char **argv)
{
	static const char usage[] =
		"usage: heph log [OPTION...] [LEVEL]\n\n"
		"Tells what a program logs, or changes it: off, error, warn, "
		"info or debug.\n";
	struct options options;
	const char *level;
	json_t *request;
	int code = options_read(&options, "log", 0, usage, argc, argv);

	if (code >= 0)
		return code;
	level = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	request = options_request(&options, "log");
	if (level)
		json_object_set_new(request, "level", json_string(level));
	return ask_and(&options, request, tell_level);
}

/* ---- trace ---------------------------------------------------------------------------- */

static void tell_trace(void *arg, json_t *line)
{
	printf("trace %s: %lld events written, %lld lost, %lld bytes\n",
	       json_is_true(json_object_get(line, "on")) ? "on" : "off",
	       number(line, "written"), number(line, "lost"),
	       number(line, "bytes"));
}

/* The program may be in another directory. */
static json_t *absolute(const char *file)
{
	char path[2 * PATH_MAX], here[PATH_MAX];

	if (*file == '/' || !getcwd(here, sizeof(here)))
		return json_string(file);
	snprintf(path, sizeof(path), "%s/%s", here, file);
	return json_string(path);
}

int trace_switch(int argc, char **argv)
{
	static const char usage[] =
		"usage: heph trace [OPTION...] on FILE | off | status\n\n"
		"Begins and ends the trace of a program, into a new file.\n";
	struct options options;
	const char *action, *file;
	json_t *request;
	int code = options_read(&options, "trace", 0, usage, argc, argv);

	if (code >= 0)
		return code;
	action = options_next(&options);
	file = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	if (action && strcmp(action, "on") && strcmp(action, "off") &&
	    strcmp(action, "status")) {
		fprintf(stderr, "heph: there is no 'trace %s'\n", action);
		return wrong(usage);
	}
	if (!action || (strcmp(action, "on") == 0) != (file != NULL))
		return wrong(usage);
	request = options_request(&options, "trace");
	json_object_set_new(request, "action", json_string(action));
	if (file)
		json_object_set_new(request, "file", absolute(file));
	return ask_and(&options, request, tell_trace);
}

/* ---- stop ------------------------------------------------------------------------------ */

static void tell_stopped(void *arg, json_t *line)
{
	if (json_is_true(json_object_get(line, "all"))) {
		puts("all actors were asked to stop");
		return;
	}
	text_print(stdout, word(line, "name"), 0);
	printf("#%lld was asked to stop\n", number(line, "id"));
}

int stop(int argc, char **argv)
{
	static const char usage[] =
		"usage: heph stop [OPTION...] ACTOR | --all\n\n"
		"Asks an actor to stop (its id, NAME#ID, or its name), or all.\n";
	struct options options;
	const char *actor;
	json_t *request;
	int code =
		options_read(&options, "stop", OPTIONS_ALL, usage, argc, argv);

	if (code >= 0)
		return code;
	actor = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	if (!actor == !options.all)
		return wrong(usage);
	request = options_request(&options, "stop");
	if (actor)
		json_object_set_new(request, "actor", json_string(actor));
	else
		json_object_set_new(request, "all", json_true());
	return ask_and(&options, request, tell_stopped);
}

/* ---- cycles and metrics ---------------------------------------------------------------- */

/* A command without arguments but the program. */
static int ask_only(const char *name, const char *usage, ask_fn *fn, int argc,
		    char **argv)
{
	struct options options;
	int code = options_read(&options, name, 0, usage, argc, argv);

	if (code >= 0)
		return code;
	if (!options.target.program)
		options.target.program = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	return ask_and(&options, options_request(&options, name), fn);
}

static void tell_cycle(void *arg, json_t *line)
{
	const json_t *cycle = json_object_get(line, "cycle");

	if (cycle) {
		text_print(stdout, word(cycle, "text"), 0);
		puts("");
	} else if (number(line, "count") == 0) {
		puts("no actors wait for each other");
	}
}

int cycles(int argc, char **argv)
{
	static const char usage[] =
		"usage: heph cycles [OPTION...] [PROGRAM]\n\n"
		"Looks for actors that wait for each other in a circle.\n";

	return ask_only("cycles", usage, tell_cycle, argc, argv);
}

static void tell_metrics(void *arg, json_t *line)
{
	fputs(word(line, "text"), stdout);
}

int metrics(int argc, char **argv)
{
	static const char usage[] =
		"usage: heph metrics [OPTION...] [PROGRAM]\n\n"
		"Prints all numbers of a program, as Prometheus reads them.\n";

	return ask_only("metrics", usage, tell_metrics, argc, argv);
}

#endif
