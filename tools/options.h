/* SPDX-License-Identifier: MIT */
/* options.h - the options of the commands that ask a program */
#ifndef HEPH_TOOLS_OPTIONS_H
#define HEPH_TOOLS_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

#include "find.h"

/* Which options a command has. All have --socket, --program and --help. */
enum {
	OPTIONS_FILTERS = 1
			  << 0, /* --name, --type, --state, --wait, --worker */
	OPTIONS_LIMIT = 1 << 1,
	OPTIONS_SORT = 1 << 2, /* and --reverse */
	OPTIONS_COLUMNS = 1 << 3,
	OPTIONS_JSON = 1 << 4,
	OPTIONS_TOP = 1 << 5, /* --batch, --interval */
	OPTIONS_DEPTH = 1 << 6,
	OPTIONS_ALL = 1 << 7,
};

struct options {
	struct target target;
	const char *name, *type, *state, *wait; /* NULL: not told */
	const char *sort, *columns;
	long worker;     /* -2: not told */
	long limit;      /* 0: none */
	long depth;      /* 0: all */
	long batch;      /* frames; 0: not told */
	double interval; /* seconds */
	bool reverse, json, all;
	int argc; /* what is no option */
	char **argv;
};

/* Reads the arguments of `heph COMMAND`. Returns -1, or what the command shall end
 * with at once. */
int options_read(struct options *options, const char *command, unsigned allowed,
		 const char *usage, int argc, char **argv);

/* Takes the first argument that is no option, or returns NULL. */
const char *options_next(struct options *options);

/* Complains about an argument that is too much. Returns what to end with. */
int options_too_many(const struct options *options);

/* A request with the filters in it. */
json_t *options_request(const struct options *options, const char *command);

#endif
