/* SPDX-License-Identifier: MIT */
#if HEPH_CTL

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"

/* Of the long options; the short ones are letters. */
enum { ALWAYS = 1 << 30 };

static const struct {
	struct option option;
	unsigned allowed;
	const char *value, *what;
} all[] = {
	{ { "program", required_argument, NULL, 'p' },
	  ALWAYS,
	  "PROGRAM",
	  "the program: its process id or its name" },
	{ { "socket", required_argument, NULL, 'S' },
	  ALWAYS,
	  "PATH",
	  "the program: its control socket" },
	{ { "name", required_argument, NULL, 'n' },
	  OPTIONS_FILTERS,
	  "PATTERN",
	  "actors with such a name" },
	{ { "type", required_argument, NULL, 't' },
	  OPTIONS_FILTERS,
	  "PATTERN",
	  "actors of such a type" },
	{ { "state", required_argument, NULL, 's' },
	  OPTIONS_FILTERS,
	  "STATE",
	  "actors that are running, ready, waiting, ..." },
	{ { "wait", required_argument, NULL, 'W' },
	  OPTIONS_FILTERS,
	  "WHAT",
	  "actors that wait for a message, answer, ..." },
	{ { "worker", required_argument, NULL, 'w' },
	  OPTIONS_FILTERS,
	  "N",
	  "actors of worker N; -1: those with threads of their own" },
	{ { "limit", required_argument, NULL, 'l' },
	  OPTIONS_LIMIT,
	  "N",
	  "N lines at most" },
	{ { "sort", required_argument, NULL, 'k' },
	  OPTIONS_SORT,
	  "COLUMN",
	  "sorted by that" },
	{ { "reverse", no_argument, NULL, 'r' },
	  OPTIONS_SORT,
	  NULL,
	  "the other way around" },
	{ { "columns", required_argument, NULL, 'o' },
	  OPTIONS_COLUMNS,
	  "LIST",
	  "these columns, with commas between; `help` names all" },
	{ { "json", no_argument, NULL, 'j' },
	  OPTIONS_JSON,
	  NULL,
	  "a JSON object in each line" },
	{ { "batch", required_argument, NULL, 'b' },
	  OPTIONS_TOP,
	  "N",
	  "N pictures as text, for scripts" },
	{ { "interval", required_argument, NULL, 'd' },
	  OPTIONS_TOP,
	  "SECONDS",
	  "time between two pictures; 1 if not told" },
	{ { "depth", required_argument, NULL, 'D' },
	  OPTIONS_DEPTH,
	  "N",
	  "N generations at most" },
	{ { "all", no_argument, NULL, 'a' },
	  OPTIONS_ALL,
	  NULL,
	  "the whole runtime" },
	{ { "help", no_argument, NULL, 'h' }, ALWAYS, NULL, "these lines" },
};
enum { ALL = sizeof(all) / sizeof(*all) };

static int tell_usage(FILE *to, unsigned allowed, const char *usage, int code)
{
	char text[40];

	fprintf(to, "%s\n", usage);
	for (int n = 0; n < ALL; n++) {
		if (!(all[n].allowed & allowed))
			continue;
		snprintf(text, sizeof(text), "-%c, --%s %s", all[n].option.val,
			 all[n].option.name, all[n].value ? all[n].value : "");
		fprintf(to, "  %-24s %s\n", text, all[n].what);
	}
	return code;
}

/* -1, or what the command ends with. */
static int read_number(long *ret_value, const char *name, long least)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(optarg, &end, 10);
	if (errno || !*optarg || *end || value < least) {
		fprintf(stderr,
			"heph: --%s needs a number from %ld on, not '%s'\n",
			name, least, optarg);
		return EXIT_USAGE;
	}
	*ret_value = value;
	return -1;
}

static int read_interval(struct options *options)
{
	char *end;

	options->interval = strtod(optarg, &end);
	if (*end || options->interval < 0.05 || options->interval > 86400) {
		fprintf(stderr,
			"heph: --interval needs seconds from 0.05 to 86400, not '%s'\n",
			optarg);
		return EXIT_USAGE;
	}
	return -1;
}

static int set(struct options *options, int letter)
{
	switch (letter) {
	case 'p':
		options->target.program = optarg;
		return -1;
	case 'S':
		options->target.path = optarg;
		return -1;
	case 'n':
		options->name = optarg;
		return -1;
	case 't':
		options->type = optarg;
		return -1;
	case 's':
		options->state = optarg;
		return -1;
	case 'W':
		options->wait = optarg;
		return -1;
	case 'w':
		return read_number(&options->worker, "worker", -1);
	case 'l':
		return read_number(&options->limit, "limit", 1);
	case 'k':
		options->sort = optarg;
		return -1;
	case 'r':
		options->reverse = true;
		return -1;
	case 'o':
		options->columns = optarg;
		return -1;
	case 'j':
		options->json = true;
		return -1;
	case 'b':
		return read_number(&options->batch, "batch", 1);
	case 'd':
		return read_interval(options);
	case 'D':
		return read_number(&options->depth, "depth", 1);
	default:
		options->all = true;
		return -1;
	}
}

/* The options of this command, as getopt_long(3) wants them. */
static void pick(struct option *longs, char *shorts, unsigned allowed)
{
	for (int n = 0; n < ALL; n++) {
		if (!(all[n].allowed & allowed))
			continue;
		*longs++ = all[n].option;
		*shorts++ = (char)all[n].option.val;
		if (all[n].option.has_arg == required_argument)
			*shorts++ = ':';
	}
	memset(longs, 0, sizeof(*longs));
	*shorts = '\0';
}

int options_read(struct options *options, const char *command, unsigned allowed,
		 const char *usage, int argc, char **argv)
{
	struct option longs[ALL + 1];
	char shorts[2 * ALL + 1], name[32];
	int letter, code = -1;

	*options = (struct options){ .worker = -2, .interval = 1 };
	allowed |= ALWAYS;
	pick(longs, shorts, allowed);
	/* The argument before the first one is "COMMAND": getopt tells it. */
	snprintf(name, sizeof(name), "heph %s", command);
	argv[-1] = name;
	while (code < 0 && (letter = getopt_long(argc + 1, argv - 1, shorts,
						 longs, NULL)) != -1) {
		if (letter == 'h')
			code = tell_usage(stdout, allowed, usage, 0);
		else if (letter == '?')
			code = tell_usage(stderr, allowed, usage, EXIT_USAGE);
		else
			code = set(options, letter);
	}
	options->argc = argc + 1 - optind;
	options->argv = argv - 1 + optind;
	return code;
}

const char *options_next(struct options *options)
{
	if (!options->argc)
		return NULL;
	options->argc--;
	return *options->argv++;
}

int options_too_many(const struct options *options)
{
	fprintf(stderr, "heph: what is '%s' for?\n", options->argv[0]);
	return EXIT_USAGE;
}

static void add_text(json_t *request, const char *key, const char *value)
{
	if (value)
		json_object_set_new(request, key, json_string(value));
}

json_t *options_request(const struct options *options, const char *command)
{
	json_t *request = json_pack("{s:s}", "cmd", command);

	add_text(request, "name", options->name);
	add_text(request, "type", options->type);
	add_text(request, "state", options->state);
	add_text(request, "wait", options->wait);
	if (options->worker > -2)
		json_object_set_new(request, "worker",
				    json_integer(options->worker));
	return request;
}

#endif
