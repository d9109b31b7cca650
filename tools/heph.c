/* SPDX-License-Identifier: MIT */
/* heph - what there is to ask and to do about Heph from a shell */
#include <heph/config.h>

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "doctor.h"
#include "new.h"
#include "remote.h"
#include "trace.h"

static const struct command {
	const char *name, *what;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "new", "makes a project that builds, runs and tests", new_project },
	{ "doctor", "which driver programs get here, and why", doctor },
#if HEPH_CTL
	{ "ps", "the actors of a program", ps },
	{ "top", "the same, and again each second", top },
	{ "tree", "which actor is the child of which", tree },
	{ "show", "all that is known of one actor", show },
	{ "log", "what a program logs, and changes it", log_level },
	{ "stop", "asks an actor, or all, to stop", stop },
	{ "cycles", "actors that wait for each other", cycles },
	{ "metrics", "all numbers, as Prometheus reads them", metrics },
#endif
#if HEPH_REMOTE_TOOL
	{ "remote", "asks a node of another program over the network", remote },
#endif
	{ "trace", "begins and ends a trace, and makes it readable", trace },
};
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static int usage(FILE *to, int code)
{
	fprintf(to, "usage: heph COMMAND [OPTION...]\n\n");
	for (int n = 0; n < COMMANDS; n++)
		fprintf(to, "  %-8s %s\n", commands[n].name, commands[n].what);
	fprintf(to, "\nheph COMMAND --help tells more; heph --version.\n");
	return code;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return usage(stdout, 0);
	if (strcmp(name, "--version") == 0) {
		printf("heph %s\n", HEPH_VERSION);
		return 0;
	}
	for (int n = 0; n < COMMANDS; n++)
		if (strcmp(commands[n].name, name) == 0)
			return commands[n].run(argc - 2, argv + 2);
	if (*name)
		fprintf(stderr, "heph: there is no command '%s'\n", name);
	return usage(stderr, 64);
}
