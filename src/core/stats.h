/* SPDX-License-Identifier: MIT */
/* stats.h - adding up what threads and types have counted. Any thread. */
#ifndef HEPH_CORE_STATS_H
#define HEPH_CORE_STATS_H

#include <heph/metrics.h>

#include "core/worker.h"

void heph_stats_add(struct heph_stats *stats, struct heph_counters *count);

/* `live_mean` is the sum so far. */
void heph_type_stats_add(struct heph_type_stats *stats, struct heph_kind *kind);

/* Of all threads, and of one that is an ordinary worker. */
struct heph_stats heph_stats_of(struct heph *heph);
void heph_worker_stats_of(struct heph_worker *worker,
			  struct heph_worker_stats *ret_stats);

/* Adds those of another type of the same name. */
void heph_type_metrics_add(struct heph_type_metrics *to,
			   const struct heph_type_metrics *from);

/* See heph_each_type(). */
HEPH_MUST int heph_types_visit(struct heph *heph, heph_type_fn *visit,
			       void *arg);

#endif
