/* SPDX-License-Identifier: MIT */
#include "http/counts.h"

#include "http/mem.h"

#include <string.h>

const heph_time heph_http_bounds[HEPH_HTTP_BUCKETS - 1] = {
	HEPH_USEC * 100,  HEPH_USEC * 250,  HEPH_USEC * 500,  HEPH_MSEC,
	HEPH_USEC * 2500, HEPH_MSEC * 5,    HEPH_MSEC * 10,   HEPH_MSEC * 25,
	HEPH_MSEC * 50,   HEPH_MSEC * 100,  HEPH_MSEC * 250,  HEPH_MSEC * 500,
	HEPH_SEC,	  HEPH_MSEC * 2500, HEPH_SEC * 5,     HEPH_SEC * 10,
};

struct heph_http_counts *heph_http_counts_new(unsigned n_routes)
{
	size_t places = (size_t)HEPH_HTTP_COUNT_PLACES * (n_routes + 1);
	struct heph_http_counts *counts = heph_http_mem_alloc(
		sizeof(*counts) + places * sizeof(counts->at[0]));

	if (!counts)
		return NULL;
	counts->n = n_routes + 1;
	atomic_init(&counts->lost, 0);
	for (size_t i = 0; i < places; i++)
		atomic_init(&counts->at[i], NULL);
	return counts;
}

void heph_http_counts_free(struct heph_http_counts *counts)
{
	if (!counts)
		return;
	for (size_t i = 0; i < (size_t)HEPH_HTTP_COUNT_PLACES * counts->n; i++)
		heph_http_mem_free(counts->at[i]);
	heph_http_mem_free(counts);
}

/* Makes it if it is not there; of two that do so at a time, one is thrown away. */
static struct heph_http_count *
make(_Atomic(struct heph_http_count *) *at)
{
	struct heph_http_count *count = heph_http_mem_alloc(sizeof(*count));
	struct heph_http_count *other = NULL;

	if (!count)
		return NULL;
	memset(count, 0, sizeof(*count));
	/* Pairs with the acquiring loads: it is zeroed when it is seen. */
	if (atomic_compare_exchange_strong(at, &other, count))
		return count;
	heph_http_mem_free(count);
	return other;
}

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static unsigned bucket_of(heph_time time)
{
	unsigned i = 0;

	while (i < HEPH_HTTP_BUCKETS - 1 && time > heph_http_bounds[i])
		i++;
	return i;
}

void heph_http_counts_add(struct heph_http_counts *counts,
			  const struct heph_http_counted *what)
{
	unsigned place = (unsigned)(what->worker + 1) % HEPH_HTTP_COUNT_PLACES;
	unsigned class = what->status / 100;
	_Atomic(struct heph_http_count *) *at =
		&counts->at[(size_t)place * counts->n + what->route];
	struct heph_http_count *count = atomic_load(at);

	if (!count)
		count = make(at);
	if (!count) {
		counts->lost++;
		return;
	}
	add(&count->responses[what->method][class < HEPH_HTTP_CLASSES ? class :
									 0],
	    1);
	add(&count->buckets[bucket_of(what->time)], 1);
	add(&count->sum, (uint64_t)what->time);
	add(&count->sent, what->sent);
	add(&count->received, what->received);
}

void heph_http_counts_sum(const struct heph_http_counts *counts, unsigned route,
			  struct heph_http_count *ret_count)
{
	enum { WORDS = sizeof(*ret_count) / sizeof(uint64_t) };
	uint64_t *sums = (uint64_t *)ret_count;

	memset(ret_count, 0, sizeof(*ret_count));
	for (unsigned place = 0; place < HEPH_HTTP_COUNT_PLACES; place++) {
		const uint64_t *from = (const uint64_t *)counts
			->at[(size_t)place * counts->n + route];

		for (unsigned i = 0; from && i < WORDS; i++)
			sums[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	}
}
