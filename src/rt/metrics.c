/* SPDX-License-Identifier: MIT */
/*
 * The text format of Prometheus, 0.0.4: a family of numbers at a time, its name,
 * what it is, then a line for each worker or type.
 */
#include <heph/metrics.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/heph.h"
#include "core/stats.h"
#include "rt/out.h"

/* Buckets that are written: from 64 ns, and from one message, on. */
enum { FIRST_TIME = 6, LAST_TIME = 38, LAST_FILL = 20 };

struct page {
	struct heph *heph;
	struct heph_out out;
	struct heph_worker_stats *workers;
	struct heph_type_metrics *types;
	size_t n_types, max_types;
};

static void family(struct page *page, const char *name, const char *type,
		   const char *help)
{
	heph_out_add(&page->out, "# HELP heph_%s %s\n# TYPE heph_%s %s\n", name,
		     help, name, type);
}

/* ---- labels ---------------------------------------------------------------- */

enum { LABEL = 200 };

/* The value of a label: a backslash, a quote and an end of line are escaped. */
static void escape(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 3 < size; from++) {
		if (*from == '\\' || *from == '"' || *from == '\n')
			to[n++] = '\\';
		to[n++] = *from == '\n' ? 'n' : *from;
	}
	to[n] = '\0';
}

static void of_worker(char *label, unsigned worker)
{
	snprintf(label, LABEL, "worker=\"%u\"", worker);
}

static void of_type(char *label, const char *type)
{
	char value[LABEL - 10];

	escape(value, sizeof(value), type);
	snprintf(label, LABEL, "type=\"%s\"", value);
}

/* ---- numbers --------------------------------------------------------------- */

/* A number of struct heph_stats. */
struct number {
	const char *name, *help;
	size_t at;
};

#define NOW(member, name, help)                                                \
	{                                                                      \
		name, help, offsetof(struct heph_stats, member)                \
	}

static const struct number gauges[] = {
	NOW(actors, "actors", "Actors that have not ended."),
	NOW(operations, "operations", "Operations in flight."),
	NOW(buffers, "buffers", "Buffers lent to operations or holding data."),
	NOW(timers, "timers", "Timers that are armed."),
	NOW(calls, "calls", "Calls that wait for an answer."),
	NOW(stacks, "stacks", "Stacks in use."),
	NOW(slots, "slots", "Stacks that actors share."),
	NOW(bytes, "bytes", "Bytes of records, messages and arenas in use."),
};

static const struct number counters[] = {
	NOW(spawned, "spawned_total", "Actors that have begun."),
	NOW(ended, "ended_total", "Actors that have ended."),
	NOW(failed, "failed_total", "Failures of actors."),
	NOW(restarted, "restarted_total", "Restarts of actors."),
	NOW(panicked, "panicked_total", "Panics of actors."),
	NOW(sent, "messages_delivered_total", "Messages put into inboxes."),
	NOW(received, "messages_received_total", "Messages received."),
	NOW(posts_dropped, "posts_dropped_total",
	    "Posted messages that were dropped."),
	NOW(unread_dropped, "unread_dropped_total",
	    "Messages left in the inbox of an actor that ended."),
	NOW(late_answers, "late_answers_total",
	    "Answers that nobody waited for any more."),
	NOW(polls, "turns_total", "Turns of workers."),
	NOW(sleeps, "sleeps_total", "Times that a worker went to sleep."),
	NOW(wakes, "wakes_total", "Times that another thread woke one."),
	NOW(system_calls, "system_calls_total",
	    "Calls of the kernel to hand over operations or to sleep."),
	NOW(bounced, "bounced_bytes_total",
	    "Bytes copied for input and output on stacks of actors."),
	NOW(displaced, "displaced_total",
	    "Times that an actor was copied away from its stack."),
	NOW(overflows, "ring_overflows_total",
	    "Looks at a ring that had no room for all that was done."),
};

/* Those that make sense of the runtime alone: what one worker opens or sends
 * another one closes or receives. */
static const struct number totals[] = {
	NOW(messages, "messages", "Messages in inboxes and under way."),
	NOW(descriptors, "descriptors", "Descriptors that are open."),
};

static uint64_t value_of(const struct heph_stats *stats,
			 const struct number *number)
{
	return *(const uint64_t *)(const void *)((const char *)stats +
						 number->at);
}

static void write_number(struct page *page, const struct number *number,
			 const char *type)
{
	char label[LABEL];

	family(page, number->name, type, number->help);
	for (unsigned n = 0; n < page->heph->workers; n++) {
		of_worker(label, n);
		heph_out_add(&page->out, "heph_%s{%s} %" PRIu64 "\n",
			     number->name, label,
			     value_of(&page->workers[n].stats, number));
	}
}

static void write_numbers(struct page *page)
{
	struct heph_stats stats = heph_stats_of(page->heph);

	for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
		write_number(page, &gauges[i], "gauge");
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		write_number(page, &counters[i], "counter");
	for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
		family(page, totals[i].name, "gauge", totals[i].help);
		heph_out_add(&page->out, "heph_%s %" PRIu64 "\n",
			     totals[i].name, value_of(&stats, &totals[i]));
	}
	family(page, "all_actors", "gauge",
	       "Actors that have not ended, also those that move or have a "
	       "thread.");
	heph_out_add(&page->out, "heph_all_actors %" PRIu64 "\n", stats.actors);
}

/* ---- drivers --------------------------------------------------------------- */

static void write_features(struct page *page,
			   const struct heph_worker_stats *stats)
{
	const char *at = stats->features;
	int n;

	while (*at) {
		n = (int)strcspn(at, " ");
		heph_out_add(&page->out,
			     "heph_driver_feature{worker=\"%u\",feature=\""
			     "%.*s\"} 1\n",
			     stats->worker, n, at);
		at += n;
		at += strspn(at, " ");
	}
}

static void write_drivers(struct page *page)
{
	char name[LABEL];

	escape(name, sizeof(name), page->heph->name);
	family(page, "info", "gauge", "The runtime.");
	heph_out_add(&page->out, "heph_info{name=\"%s\",driver=\"%s\"} 1\n",
		     name, page->heph->driver->name);
	family(page, "workers", "gauge", "Workers.");
	heph_out_add(&page->out, "heph_workers %u\n", page->heph->workers);
	family(page, "worker_asleep", "gauge", "Whether a worker sleeps.");
	for (unsigned n = 0; n < page->heph->workers; n++)
		heph_out_add(&page->out,
			     "heph_worker_asleep{worker=\"%u\"} %d\n", n,
			     page->workers[n].asleep);
	family(page, "ring_size", "gauge", "Entries of the ring of a worker.");
	for (unsigned n = 0; n < page->heph->workers; n++)
		heph_out_add(&page->out,
			     "heph_ring_size{worker=\"%u\"} %" PRIu32 "\n", n,
			     page->workers[n].ring_size);
	family(page, "buffers_size_bytes", "gauge",
	       "Bytes of a worker for what arrives.");
	for (unsigned n = 0; n < page->heph->workers; n++)
		heph_out_add(&page->out,
			     "heph_buffers_size_bytes{worker=\"%u\"} %" PRIu64
			     "\n",
			     n, page->workers[n].buffers_size);
	family(page, "driver_feature", "gauge",
	       "What the driver of a worker uses of the kernel.");
	for (unsigned n = 0; n < page->heph->workers; n++)
		write_features(page, &page->workers[n]);
}

/* ---- histograms ------------------------------------------------------------ */

/* How the limits of buckets are written: 2^n, in this unit. */
struct scale {
	unsigned first, last; /* n */
	double unit;
};

static const struct scale seconds = { FIRST_TIME, LAST_TIME, 1e-9 };
static const struct scale messages = { 0, LAST_FILL, 1 };

/* Bucket n ends below 2^n, and what is counted is whole. */
static double limit_of(const struct scale *scale, unsigned n)
{
	return scale->unit < 1 ? (double)(UINT64_C(1) << n) * scale->unit :
				 (double)((UINT64_C(1) << n) - 1);
}

/* The count is the sum of what was read: the worker goes on counting. */
static void write_histogram(struct page *page, const char *name,
			    const char *label, const struct scale *scale,
			    const struct heph_histogram *histogram)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < HEPH_BUCKETS; i++) {
		n += histogram->buckets[i];
		if (i >= scale->first && i <= scale->last)
			heph_out_add(&page->out,
				     "heph_%s_bucket{%s,le=\"%.10g\"} %" PRIu64
				     "\n",
				     name, label, limit_of(scale, i), n);
	}
	heph_out_add(&page->out,
		     "heph_%s_bucket{%s,le=\"+Inf\"} %" PRIu64
		     "\nheph_%s_sum{%s} %.10g\nheph_%s_count{%s} %" PRIu64 "\n",
		     name, label, n, name, label,
		     (double)histogram->sum * scale->unit, name, label, n);
}

/* One of the three that there are of a worker and of a type. */
struct measure {
	const char *of_worker, *of_type, *help;
	const struct scale *scale;
	size_t at_worker, at_type;
};

static const struct measure measures[] = {
	{ "worker_run_seconds", "type_run_seconds",
	  "How long actors ran at a time; sampled.", &seconds,
	  offsetof(struct heph_worker_stats, run),
	  offsetof(struct heph_type_metrics, run) },
	{ "worker_wait_seconds", "type_wait_seconds",
	  "How long actors waited for their turn; sampled.", &seconds,
	  offsetof(struct heph_worker_stats, wait),
	  offsetof(struct heph_type_metrics, wait) },
	{ "worker_inbox_messages", "type_inbox_messages",
	  "Messages that were there when an actor had its turn; sampled.",
	  &messages, offsetof(struct heph_worker_stats, inbox),
	  offsetof(struct heph_type_metrics, inbox) },
};

static const struct heph_histogram *histogram_at(const void *base, size_t at)
{
	return (const void *)((const char *)base + at);
}

static void write_measure(struct page *page, const struct measure *measure)
{
	char label[LABEL];

	family(page, measure->of_worker, "histogram", measure->help);
	for (unsigned n = 0; n < page->heph->workers; n++) {
		of_worker(label, n);
		write_histogram(page, measure->of_worker, label, measure->scale,
				histogram_at(&page->workers[n],
					     measure->at_worker));
	}
	family(page, measure->of_type, "histogram", measure->help);
	for (size_t i = 0; i < page->n_types; i++) {
		of_type(label, page->types[i].name);
		write_histogram(page, measure->of_type, label, measure->scale,
				histogram_at(&page->types[i],
					     measure->at_type));
	}
}

/* ---- types ----------------------------------------------------------------- */

struct type_number {
	const char *name, *type, *help;
	size_t at;
};

#define OF_TYPE(member, name, type, help)                                      \
	{                                                                      \
		name, type, help, offsetof(struct heph_type_stats, member)     \
	}

static const struct type_number type_numbers[] = {
	OF_TYPE(alive, "type_actors", "gauge",
		"Actors of the type that have not ended."),
	OF_TYPE(spawned, "type_spawned_total", "counter",
		"Actors of the type that have begun."),
	OF_TYPE(displaced, "type_displaced_total", "counter",
		"Times that one was copied away from its stack."),
	OF_TYPE(live_max, "type_live_bytes_max", "gauge",
		"The most that one had on its stack then."),
};

static void write_types(struct page *page)
{
	char label[LABEL];
	const void *value;

	for (size_t k = 0; k < sizeof(type_numbers) / sizeof(*type_numbers);
	     k++) {
		family(page, type_numbers[k].name, type_numbers[k].type,
		       type_numbers[k].help);
		for (size_t i = 0; i < page->n_types; i++) {
			of_type(label, page->types[i].name);
			value = (const char *)&page->types[i].stats +
				type_numbers[k].at;
			heph_out_add(&page->out, "heph_%s{%s} %" PRIu64 "\n",
				     type_numbers[k].name, label,
				     *(const uint64_t *)value);
		}
	}
}

/* Two types may have one name, in two files: a line is for a name. */
static bool merge(struct page *page, const struct heph_type_metrics *metrics)
{
	struct heph_type_metrics *other;

	for (size_t i = 0; i < page->n_types; i++) {
		other = &page->types[i];
		if (strcmp(other->name, metrics->name) != 0)
			continue;
		heph_type_metrics_add(other, metrics);
		return true;
	}
	return false;
}

static bool collect(void *arg, const struct heph_type_metrics *metrics)
{
	struct page *page = arg;

	if (!merge(page, metrics) && page->n_types < page->max_types)
		page->types[page->n_types++] = *metrics;
	return true;
}

static bool count(void *arg, const struct heph_type_metrics *metrics)
{
	struct page *page = arg;

	(void)metrics;
	page->max_types++;
	return true;
}

/* A type that appears between the two is told of the next time. */
static int read_all(struct page *page)
{
	struct heph *heph = page->heph;
	int err = heph_types_visit(heph, count, page);

	page->workers = heph_mem_alloc(heph->workers * sizeof(*page->workers));
	page->types =
		heph_mem_alloc((page->max_types + 1) * sizeof(*page->types));
	if (err == 0 && (!page->workers || !page->types))
		err = -ENOMEM;
	for (unsigned n = 0; err == 0 && n < heph->workers; n++)
		heph_worker_stats_of((struct heph_worker *)heph_thread_of(heph,
									  n),
				     &page->workers[n]);
	return err < 0 ? err : heph_types_visit(heph, collect, page);
}

static int write_page(struct page *page)
{
	int err = read_all(page);

	if (err < 0)
		return err;
	write_drivers(page);
	write_numbers(page);
	write_types(page);
	for (size_t i = 0; i < sizeof(measures) / sizeof(*measures); i++)
		write_measure(page, &measures[i]);
	return heph_out_flush(&page->out);
}

static struct page *new_page(struct heph *heph, int fd)
{
	struct page *page = heph_mem_alloc(sizeof(*page));

	if (!page)
		return NULL;
	page->heph = heph;
	heph_out_init(&page->out, fd);
	return page;
}

static void free_page(struct page *page)
{
	heph_mem_free(page->workers);
	heph_mem_free(page->types);
	heph_mem_free(page);
}

int heph_metrics_write(struct heph *heph, int fd)
{
	struct page *page;
	int err;

	if (fd < 0)
		return -EBADF;
	page = new_page(heph, fd);
	err = page ? write_page(page) : -ENOMEM;
	if (page)
		free_page(page);
	return err;
}

int heph_metrics_text(struct heph *heph, char **ret_text, size_t *ret_size)
{
	struct page *page = new_page(heph, -1);
	int err = page ? write_page(page) : -ENOMEM;

	*ret_text = NULL;
	*ret_size = 0;
	if (err == 0) {
		*ret_text = page->out.text;
		*ret_size = page->out.n;
	} else if (page) {
		free(page->out.text);
	}
	if (page)
		free_page(page);
	return err;
}
