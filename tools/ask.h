/* SPDX-License-Identifier: MIT */
/* ask.h - asks a program over its control socket */
#ifndef HEPH_TOOLS_ASK_H
#define HEPH_TOOLS_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "find.h"

struct ask {
	int fd; /* -1: not connected */
	char path[FIND_PATH];
	char *data; /* what has come, from `at` on not looked at */
	size_t at, n, size;
	bool quiet; /* say nothing when the program goes away */
};

/* Connects. Returns 0, or what the command shall end with: it was said why. */
int ask_open(struct ask *ask, const struct target *target);
void ask_close(struct ask *ask);

/* Called with each line of an answer, the last one too, which lasts until it
 * returns. */
typedef void ask_fn(void *arg, json_t *line);

/* Sends a request, which is taken, and has fn() see the answer. Returns 0, or
 * what the command shall end with: it was said why. */
int ask(struct ask *ask, json_t *request, ask_fn *fn, void *arg);

/* For one request and answers of one line: the line, which is the caller's, or
 * NULL and `ret_code`. */
json_t *ask_once(struct ask *ask, json_t *request, int *ret_code);

#endif
