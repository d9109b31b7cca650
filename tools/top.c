/* SPDX-License-Identifier: MIT */
/* heph top: the actors of a program, and what they did since the last picture. */
#if HEPH_CTL

#include "top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "exits.h"
#include "text.h"
#include "top_screen.h"

static const char usage[] =
	"usage: heph top [OPTION...] [PROGRAM]\n\n"
	"Shows the workers and the actors of a program, and what they do.\n"
	"--sort is rate, inbox, memory, received, restarts, name, type or id.\n\n"
	"  q ends; r, i, m, v, s, n, t, d sort by rate, inbox, memory, received,\n"
	"  restarts, name, type, id; R turns around; p waits; blank: now\n";

/* ---- sorting ------------------------------------------------------------------------ */

struct top_sort {
	const char *name;
	int letter;
	int (*compare)(const void *a, const void *b);
};

static int largest(double one, double other)
{
	return (one < other) - (one > other);
}

#define LARGEST(name_, member_)                                                \
	static int by_##name_(const void *a, const void *b)                    \
	{                                                                      \
		return largest(                                                \
			(double)((const struct top_actor *)a)->member_,        \
			(double)((const struct top_actor *)b)->member_);       \
	}
LARGEST(rate, rate)
LARGEST(memory, memory)
LARGEST(inbox, inbox)
LARGEST(received, received)
LARGEST(restarts, restarts)

static int by_id(const void *a, const void *b)
{
	const struct top_actor *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

static int by_name(const void *a, const void *b)
{
	const struct top_actor *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static int by_type(const void *a, const void *b)
{
	const struct top_actor *one = a, *other = b;

	return strcmp(one->type, other->type);
}

static const struct top_sort sorts[] = {
	{ "rate", 'r', by_rate },         { "inbox", 'i', by_inbox },
	{ "memory", 'm', by_memory },     { "received", 'v', by_received },
	{ "restarts", 's', by_restarts }, { "name", 'n', by_name },
	{ "type", 't', by_type },         { "id", 'd', by_id },
};

const struct top_sort *top_sort_find(const char *name, int letter)
{
	for (size_t n = 0; n < sizeof(sorts) / sizeof(*sorts); n++)
		if (name ? strcmp(sorts[n].name, name) == 0 :
			   sorts[n].letter == letter)
			return &sorts[n];
	return NULL;
}

const char *top_sort_name(const struct top_sort *sort)
{
	return sort->name;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct top *top = arg;
	int order = top->sort->compare(a, b);

	if (order == 0)
		return by_id(a, b);
	return top->reverse ? -order : order;
}

void top_order(struct top *top)
{
	if (top->now.n)
		qsort_r(top->now.actors, top->now.n, sizeof(*top->now.actors),
			compare, top);
}

/* ---- the picture ---------------------------------------------------------------------- */

static const char *time_text(char to[16], double ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	int n = 0;

	for (; ns >= 1000 && n < 3; n++)
		ns /= 1000;
	snprintf(to, 16, ns < 10 && n ? "%.1f%s" : "%.0f%s", ns, units[n]);
	return to;
}

static void head(const struct top *top, char line[TOP_LINE])
{
	char actors[32], rate[32];
	double all = 0;

	for (int n = 0; n < top->now.n_workers; n++)
		all += top->now.workers[n].rate;
	snprintf(line, TOP_LINE,
		 "%s (%ld, %s): %s actors, %s messages/s, sorted by %s%s",
		 top->name, top->pid, top->driver,
		 text_number(actors, (double)top->now.all),
		 text_number(rate, all), top->sort->name,
		 top->now.stuck ? "; a worker is STUCK" : "");
}

static void counters(const struct top *top, char line[TOP_LINE])
{
	char spawned[32], failed[32], restarted[32], dropped[32];

	snprintf(line, TOP_LINE,
		 "since the start: %s spawned, %s failed, %s restarted, "
		 "%s messages dropped",
		 text_number(spawned, (double)top->now.spawned),
		 text_number(failed, (double)top->now.failed),
		 text_number(restarted, (double)top->now.restarted),
		 text_number(dropped, (double)top->now.dropped));
}

static void worker_line(const struct top *top, int n, char line[TOP_LINE])
{
	const struct top_worker *worker = &top->now.workers[n];
	char cpu[16] = "-", rate[32], p50[16], p99[16], wait[16];

	if (worker->cpu >= 0)
		snprintf(cpu, sizeof(cpu), "%.0f%%", worker->cpu);
	snprintf(
		line, TOP_LINE,
		"worker %-3d  cpu %5s  %11s messages/s  runs %s, 99%% below %s; "
		"99%% wait less than %s",
		n, cpu, text_number(rate, worker->rate),
		time_text(p50, worker->p50), time_text(p99, worker->p99),
		time_text(wait, worker->wait99));
}

static void actor_line(const struct top_actor *actor, char line[TOP_LINE])
{
	char rate[32], inbox[40], memory[16];

	snprintf(inbox, sizeof(inbox), "%llu/%llu",
		 (unsigned long long)actor->inbox,
		 (unsigned long long)actor->capacity);
	text_number(rate, actor->rate);
	text_bytes(memory, (double)actor->memory);
	snprintf(line, TOP_LINE,
		 "%10llu  %3d  %-10s  %-10s  %10s  %11s  %6s  %4llu  %s",
		 (unsigned long long)actor->id, actor->worker, actor->state,
		 actor->wait, rate, inbox, memory,
		 (unsigned long long)actor->restarts, actor->name);
	if (strcmp(actor->name, actor->type) != 0)
		snprintf(line + strlen(line), TOP_LINE - strlen(line), " (%s)",
			 actor->type);
}

bool top_line(const struct top *top, int n, char line[TOP_LINE],
	      bool *ret_title)
{
	int above = 4 + top->now.n_workers;

	*ret_title = n == above - 1;
	line[0] = '\0';
	if (n == 0)
		head(top, line);
	else if (n == 1)
		counters(top, line);
	else if (n < above - 2)
		worker_line(top, n - 2, line);
	else if (n == above - 1)
		snprintf(line, TOP_LINE,
			 "%10s  %3s  %-10s  %-10s  %10s  %11s  %6s  %4s  %s",
			 "ID", "WRK", "STATE", "WAIT", "MESSAGES/s", "INBOX",
			 "MEM", "RST", "NAME");
	else if (n >= above && (size_t)(n - above) < top->now.n)
		actor_line(&top->now.actors[n - above], line);
	else
		return n == above - 2;
	return true;
}

/* ---- without a screen -------------------------------------------------------------------- */

static void print(const struct top *top, long actors)
{
	char line[TOP_LINE];
	bool title;

	for (int n = 0; n < 4 + top->now.n_workers + actors &&
			top_line(top, n, line, &title);
	     n++)
		puts(line);
	puts("");
	fflush(stdout);
}

static void nap(double length)
{
	struct timespec time = { .tv_sec = (time_t)length };

	time.tv_nsec = (long)((length - (double)time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
}

static int batch(struct top *top)
{
	long actors = top->options->limit ? top->options->limit : 20;
	int code = top_look(top);

	for (long n = 0; code == 0 && n < top->options->batch; n++) {
		nap(top->options->interval);
		code = top_look(top);
		if (code == 0) {
			top_order(top);
			print(top, actors);
		}
	}
	return code;
}

static int run(struct top *top)
{
	int code = top_open(top);

	if (code == 0)
		code = top->options->batch ? batch(top) : top_screen(top);
	top_close(top);
	return code;
}

int top(int argc, char **argv)
{
	struct options options;
	struct top it = { .options = &options };
	int code = options_read(&options, "top",
				OPTIONS_FILTERS | OPTIONS_LIMIT | OPTIONS_SORT |
					OPTIONS_TOP,
				usage, argc, argv);

	if (code >= 0)
		return code;
	if (!options.target.program)
		options.target.program = options_next(&options);
	if (options.argc)
		return options_too_many(&options);
	it.reverse = options.reverse;
	it.sort = top_sort_find(options.sort ? options.sort : "rate", 0);
	if (it.sort)
		return run(&it);
	fprintf(stderr, "heph: top does not sort by '%s'\n", options.sort);
	return EXIT_USAGE;
}

#endif
