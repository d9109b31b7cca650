/* SPDX-License-Identifier: MIT */
/*
 * Messages of an actor in a second are found by comparing with the look before:
 * that one is sorted by id, the new one is not. The processor time of a worker is
 * that of the thread NAME/N, as the kernel counts it.
 */
#if HEPH_CTL

#include "top.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void copy(char *to, size_t size, const json_t *text)
{
	const char *from = json_string_value(text);

	text_clean(to, size, from ? from : "-", 0);
}

/* ---- the program ---------------------------------------------------------------------- */

int top_open(struct top *top)
{
	json_t *line = NULL;
	int code = ask_open(&top->ask, &top->options->target);

	if (code == 0)
		line = ask_once(&top->ask, json_pack("{s:s}", "cmd", "version"),
				&code);
	if (!line)
		return code;
	copy(top->name, sizeof(top->name), json_object_get(line, "name"));
	copy(top->driver, sizeof(top->driver), json_object_get(line, "driver"));
	top->pid = (long)number(line, "pid");
	top->now.n_workers = (int)number(line, "workers");
	if (top->now.n_workers > TOP_WORKERS)
		top->now.n_workers = TOP_WORKERS;
	top->before.n_workers = top->now.n_workers;
	json_decref(line);
	return 0;
}

void top_close(struct top *top)
{
	ask_close(&top->ask);
	free(top->now.actors);
	free(top->before.actors);
}

/* ---- actors ---------------------------------------------------------------------------- */

/* In the order of the request. */
enum {
	ID,
	NAME,
	TYPE,
	WORKER,
	STATE,
	WAIT,
	INBOX,
	CAPACITY,
	RECEIVED,
	RESTARTS,
	STACK,
	ARENA,
	MESSAGES,
};

static json_t *list_request(const struct top *top)
{
	json_t *request = options_request(top->options, "list");

	json_object_set_new(request, "rows", json_true());
	json_object_set_new(request, "fields",
			    json_pack("[sssssssssssss]", "id", "name", "type",
				      "worker", "state", "wait", "inbox",
				      "capacity", "received", "restarts",
				      "stack", "arena", "messages"));
	return request;
}

static uint64_t cell(const json_t *row, size_t n)
{
	return (uint64_t)json_integer_value(json_array_get(row, n));
}

static struct top_actor *new_actor(struct top_look *look)
{
	if (look->n == look->size) {
		look->size = 2 * look->size + 1024;
		look->actors = realloc(look->actors,
				       look->size * sizeof(*look->actors));
		if (!look->actors)
			abort(); /* there is nothing that we could do */
	}
	return &look->actors[look->n++];
}

static void take(struct top_look *look, const json_t *row)
{
	struct top_actor *actor = new_actor(look);

	actor->id = cell(row, ID);
	actor->received = cell(row, RECEIVED);
	actor->rate = 0;
	actor->inbox = cell(row, INBOX);
	actor->capacity = cell(row, CAPACITY);
	actor->restarts = cell(row, RESTARTS);
	actor->memory =
		cell(row, STACK) + cell(row, ARENA) + cell(row, MESSAGES);
	actor->worker = (int)json_integer_value(json_array_get(row, WORKER));
	copy(actor->name, sizeof(actor->name), json_array_get(row, NAME));
	copy(actor->type, sizeof(actor->type), json_array_get(row, TYPE));
	copy(actor->state, sizeof(actor->state), json_array_get(row, STATE));
	copy(actor->wait, sizeof(actor->wait), json_array_get(row, WAIT));
}

static void on_actors(void *arg, json_t *line)
{
	struct top_look *look = arg;
	json_t *rows = json_object_get(line, "rows"), *row;
	size_t n;

	json_array_foreach(rows, n, row) take(look, row);
	look->stuck += json_array_size(json_object_get(line, "stuck"));
}

static int by_id(const void *a, const void *b)
{
	const struct top_actor *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

static void rate_actors(struct top *top, double time)
{
	const struct top_actor *before;
	struct top_actor *actor;

	if (top->before.n)
		qsort(top->before.actors, top->before.n,
		      sizeof(*top->before.actors), by_id);
	for (size_t n = 0; top->before.n && n < top->now.n; n++) {
		actor = &top->now.actors[n];
		before = bsearch(actor, top->before.actors, top->before.n,
				 sizeof(*actor), by_id);
		if (before && actor->received > before->received)
			actor->rate =
				(double)(actor->received - before->received) /
				time;
	}
}

/* ---- workers ---------------------------------------------------------------------------- */

static void take_worker(struct top_worker *worker, const json_t *from)
{
	const json_t *stats = json_object_get(from, "stats");
	const json_t *run = json_object_get(from, "run");

	worker->cpu = -1;
	worker->actors = number(stats, "spawned") - number(stats, "ended");
	worker->sent = number(stats, "sent");
	worker->received = number(stats, "received");
	worker->p50 = (double)number(run, "p50_ns");
	worker->p99 = (double)number(run, "p99_ns");
	worker->wait99 =
		(double)number(json_object_get(from, "wait"), "p99_ns");
}

static void take_stats(struct top_look *look, const json_t *line)
{
	const json_t *stats = json_object_get(line, "stats");
	json_t *workers = json_object_get(line, "workers");

	look->all = number(stats, "actors");
	look->spawned = number(stats, "spawned");
	look->failed = number(stats, "failed");
	look->restarted = number(stats, "restarted");
	look->messages = number(stats, "received");
	look->dropped = number(stats, "posts_dropped") +
			number(stats, "unread_dropped");
	for (int n = 0; n < look->n_workers; n++)
		take_worker(&look->workers[n],
			    json_array_get(workers, (size_t)n));
}

/* The ticks that a thread has used, if its name ends in "/N". */
static void read_thread(struct top_look *look, const char *path)
{
	char text[1024], *name, *end;
	unsigned long user, kernel;
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	int worker;

	if (file)
		fclose(file);
	text[size] = '\0';
	name = strchr(text, '(');
	end = strrchr(text, ')'); /* a name may have some, too */
	if (!name || !end)
		return;
	*end = '\0';
	name = strrchr(name, '/');
	if (!name || name[1] < '0' || name[1] > '9')
		return;
	worker = atoi(name + 1);
	/* state, eight numbers, two faults and two of children's */
	if (worker >= look->n_workers ||
	    sscanf(end + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &user, &kernel) != 2)
		return;
	look->workers[worker].ticks = user + kernel;
	look->workers[worker].seen = true;
}

static void read_threads(struct top *top)
{
	char dir[64], path[512];
	struct dirent *entry;
	DIR *tasks;

	snprintf(dir, sizeof(dir), "/proc/%ld/task", top->pid);
	tasks = opendir(dir);
	while (tasks && (entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "%s/%s/stat", dir, entry->d_name);
		read_thread(&top->now, path);
	}
	if (tasks)
		closedir(tasks);
}

static void rate_workers(struct top *top, double time)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);
	const struct top_worker *before;
	struct top_worker *worker;

	for (int n = 0; n < top->now.n_workers; n++) {
		worker = &top->now.workers[n];
		before = &top->before.workers[n];
		if (worker->seen && before->seen)
			worker->cpu = (double)(worker->ticks - before->ticks) *
				      100 / ticks / time;
		worker->rate =
			(double)(worker->received - before->received) / time;
	}
}

/* ---- a look ------------------------------------------------------------------------------ */

static void swap(struct top *top)
{
	struct top_look old = top->before;

	top->before = top->now;
	top->now = (struct top_look){ .actors = old.actors,
				      .size = old.size,
				      .n_workers = old.n_workers };
}

int top_look(struct top *top)
{
	json_t *line;
	double time;
	int code;

	swap(top);
	line = ask_once(&top->ask, json_pack("{s:s}", "cmd", "stats"), &code);
	if (!line)
		return code;
	take_stats(&top->now, line);
	json_decref(line);
	read_threads(top);
	top->now.at = seconds();
	code = ask(&top->ask, list_request(top), on_actors, &top->now);
	time = top->now.at - top->before.at;
	if (code == 0 && top->before.at > 0 && time > 0) {
		rate_actors(top, time);
		rate_workers(top, time);
	}
	return code;
}

#endif
