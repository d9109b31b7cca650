/* SPDX-License-Identifier: MIT */
/*
 * counts.h - how many requests each route of a router has had, and for how long
 *
 * Counted in several places, by the number of the worker, so that workers seldom
 * write to the same lines; a route takes memory when it is first used.
 */
#ifndef HEPH_HTTP_COUNTS_H
#define HEPH_HTTP_COUNTS_H

#include <heph/http/types.h>
#include <heph/types.h>

#include <stdatomic.h>

enum {
	HEPH_HTTP_COUNT_PLACES = 8,
	HEPH_HTTP_CLASSES = 6, /* 1xx to 5xx; 0: none was sent */
	HEPH_HTTP_BUCKETS = 17, /* the last one has no limit */
};

/* Times are below heph_http_bounds[i], in nanoseconds. */
extern const heph_time heph_http_bounds[HEPH_HTTP_BUCKETS - 1];

/* Of a route, in one place, or all of them together. */
struct heph_http_count {
	uint64_t responses[HEPH_HTTP_METHODS][HEPH_HTTP_CLASSES];
	uint64_t buckets[HEPH_HTTP_BUCKETS];
	uint64_t sum; /* of the times, in nanoseconds */
	uint64_t sent, received; /* bytes of bodies */
};

struct heph_http_counts {
	unsigned n; /* routes, and one more: what no route answers */
	_Atomic uint64_t lost; /* requests that there was no memory for */
	_Atomic(struct heph_http_count *) at[]; /* n of each place */
};

struct heph_http_counts *heph_http_counts_new(unsigned n_routes);
/* NULL is allowed. */
void heph_http_counts_free(struct heph_http_counts *counts);

/* What one request was. */
struct heph_http_counted {
	unsigned route; /* its number; `n - 1`: none */
	int worker;
	enum heph_http_method method;
	unsigned status;
	heph_time time;
	uint64_t sent, received;
};
void heph_http_counts_add(struct heph_http_counts *counts,
			  const struct heph_http_counted *what);

/* The sums of a route. Any thread. */
void heph_http_counts_sum(const struct heph_http_counts *counts, unsigned route,
			  struct heph_http_count *ret_count);

#endif
