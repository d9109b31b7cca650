/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"

static const struct {
	const char *name, *what;
	int (*run)(int argc, char **argv);
} actions[] = {
	{ "convert", "a trace as JSON for Chrome and Perfetto", trace_convert },
};
enum { ACTIONS = sizeof(actions) / sizeof(*actions), BAD_USAGE = 64 };

static int usage(FILE *to, int code)
{
	fprintf(to, "usage: heph trace ACTION [OPTION...]\n\n");
	for (int n = 0; n < ACTIONS; n++)
		fprintf(to, "  %-8s %s\n", actions[n].name, actions[n].what);
#if HEPH_CTL
	fprintf(to, "  on, off, status\n"
		    "           the trace of a program that runs: heph trace on "
		    "--help\n");
#endif
	fprintf(to, "\nheph trace ACTION --help tells more.\n");
	return code;
}

int trace(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "";

	if (strcmp(name, "--help") == 0)
		return usage(stdout, 0);
	for (int n = 0; n < ACTIONS; n++)
		if (strcmp(actions[n].name, name) == 0)
			return actions[n].run(argc - 1, argv + 1);
#if HEPH_CTL
	if (*name) /* options may come first */
		return trace_switch(argc, argv);
#else
	if (*name)
		fprintf(stderr, "heph: there is no 'trace %s'\n", name);
#endif
	return usage(stderr, BAD_USAGE);
}
