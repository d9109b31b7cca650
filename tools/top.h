/* SPDX-License-Identifier: MIT */
/* top.h - what heph top shows: two looks at a program, and what lies between */
#ifndef HEPH_TOOLS_TOP_H
#define HEPH_TOOLS_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ask.h"
#include "options.h"

enum { TOP_WORKERS = 64, TOP_LINE = 512, TOP_WORD = 48 };

struct top_actor {
	uint64_t id, received;
	double rate; /* messages received in a second */
	uint64_t inbox, capacity, restarts, memory;
	int worker;
	char name[TOP_WORD], type[TOP_WORD], state[12], wait[16];
};

struct top_worker {
	double cpu; /* percent of a core; < 0: not known */
	uint64_t actors, sent, received;
	double rate;     /* messages received in a second */
	double p50, p99; /* of the time that actors run, in ns */
	double wait99;
	uint64_t ticks; /* of the processor, if it was `seen` */
	bool seen;
};

/* One look. */
struct top_look {
	double at; /* seconds */
	struct top_actor *actors;
	size_t n, size;
	struct top_worker workers[TOP_WORKERS];
	int n_workers;
	uint64_t all, stuck; /* actors; and those that do not come back */
	uint64_t spawned, failed, restarted, messages, dropped;
};

struct top {
	const struct options *options;
	struct ask ask;
	char name[TOP_WORD], driver[16];
	long pid;
	struct top_look now, before;
	const struct top_sort *sort;
	bool reverse;
};

/* What can be sorted by; the one with that letter or name, or NULL. */
const struct top_sort *top_sort_find(const char *name, int letter);
const char *top_sort_name(const struct top_sort *sort);

/* Connects and asks who that is. Returns 0, or what to end with. */
int top_open(struct top *top);
void top_close(struct top *top);

/* Looks again. Returns 0, or what to end with. */
int top_look(struct top *top);

/* Sorts what the last look saw. */
void top_order(struct top *top);

/* Writes line `n` of the picture; false: it has fewer. `ret_title`: it holds the
 * titles of what follows. */
bool top_line(const struct top *top, int n, char line[TOP_LINE],
	      bool *ret_title);

#endif
