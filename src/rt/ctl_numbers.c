/* SPDX-License-Identifier: MIT */
/* The requests of the control socket for counters, and for circles of waits. */
#if HEPH_CTL

#include "rt/ctl_answer.h"

#include <heph/metrics.h>
#include <heph/runtime.h>

#include "rt/inspect.h"
#include "rt/runtime.h"

/* ---- counters --------------------------------------------------------------------- */

#define COUNTER(name_)                                                         \
	{                                                                      \
#name_, offsetof(struct heph_stats, name_)                     \
	}

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(actors),         COUNTER(messages),     COUNTER(descriptors),
	COUNTER(operations),     COUNTER(buffers),      COUNTER(timers),
	COUNTER(calls),          COUNTER(stacks),       COUNTER(slots),
	COUNTER(bytes),          COUNTER(spawned),      COUNTER(ended),
	COUNTER(failed),         COUNTER(restarted),    COUNTER(panicked),
	COUNTER(sent),           COUNTER(received),     COUNTER(posts_dropped),
	COUNTER(unread_dropped), COUNTER(late_answers), COUNTER(polls),
	COUNTER(sleeps),         COUNTER(wakes),        COUNTER(system_calls),
	COUNTER(bounced),        COUNTER(displaced),    COUNTER(overflows),
};

static json_t *counters_of(const struct heph_stats *stats)
{
	json_t *all = json_object();

	for (size_t n = 0; all && n < sizeof(counters) / sizeof(*counters); n++)
		json_object_set_new_nocheck(
			all, counters[n].name,
			json_integer((json_int_t) *
				     (const uint64_t *)((const char *)stats +
							counters[n].offset)));
	return all;
}

static json_t *times_of(const struct heph_histogram *histogram)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count",
			 (json_int_t)histogram->count, "sum_ns",
			 (json_int_t)histogram->sum, "p50_ns",
			 (json_int_t)heph_histogram_at(histogram, 50), "p99_ns",
			 (json_int_t)heph_histogram_at(histogram, 99), "max_ns",
			 (json_int_t)histogram->max);
}

static json_t *worker_of(const struct heph_worker_stats *worker)
{
	return json_pack("{s:I, s:b, s:o, s:o, s:o}", "worker",
			 (json_int_t)worker->worker, "asleep", worker->asleep,
			 "stats", counters_of(&worker->stats), "run",
			 times_of(&worker->run), "wait",
			 times_of(&worker->wait));
}

int heph_ctl_stats(struct heph_ctl_client *client,
		   const struct heph_ctl_request *request,
		   struct heph_ctl_error *error)
{
	heph_ctx ctx = client->runtime->owner;
	struct heph_stats all = heph_stats(ctx);
	struct heph_worker_stats worker;
	json_t *workers = json_array();

	for (unsigned n = 0; workers && n < client->runtime->heph.workers; n++)
		if (heph_worker_stats(ctx, n, &worker) == 0)
			json_array_append_new(workers, worker_of(&worker));
	return heph_ctl_done(client,
			     json_pack("{s:o, s:o}", "stats", counters_of(&all),
				       "workers", workers));
}

/* ---- circles ------------------------------------------------------------------------ */

static bool send_cycle(void *arg, const struct heph_cycle *cycle)
{
	struct heph_ctl_client *client = arg;
	json_t *actors = json_array();

	for (unsigned n = 0; n < cycle->n && n < HEPH_CYCLE_MAX; n++)
		json_array_append_new(
			actors,
			json_pack("{s:I, s:o, s:o}", "id",
				  (json_int_t)cycle->actors[n].ref.addr.id,
				  "name", heph_ctl_text(cycle->actors[n].name),
				  "text",
				  heph_ctl_text(cycle->actors[n].text)));
	return heph_ctl_client_send(
		client,
		json_pack("{s:{s:I, s:b, s:o, s:o}}", "cycle", "n",
			  (json_int_t)cycle->n, "ends", cycle->ends, "text",
			  heph_ctl_text(cycle->text), "actors", actors));
}

int heph_ctl_cycles(struct heph_ctl_client *client,
		    const struct heph_ctl_request *request,
		    struct heph_ctl_error *error)
{
	struct heph_asker asker =
		heph_asker_outside(&client->runtime->heph, false);
	int n = heph_cycles_find(&asker, send_cycle, client);

	if (n < 0)
		return heph_ctl_fail(error, n, "cannot look for circles");
	return heph_ctl_done(client, json_pack("{s:i}", "count", n));
}

#endif
