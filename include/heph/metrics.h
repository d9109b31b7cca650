/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - numbers of each worker and of each type of actor
 *
 * What heph_stats() and heph_type_stats() sum up (runtime.h), worker by worker
 * and type by type, with times, and as text that Prometheus reads. The counters
 * are counted in any case. Times are sampled: in one of HEPH_SAMPLE_TURNS turns
 * of a worker the last actor in its queue is noted, and it is measured how long
 * it took until that one ran and how long it ran then. A turn runs
 * config.poll_ratio actors at most, so under load it is one run of a thousand
 * that is measured, and with little to do one of sixteen.
 *
 * SIGUSR2 writes heph_metrics_write() to standard error, unless
 * config.no_signals is set or an actor takes the signal itself.
 */
#ifndef HEPH_METRICS_H
#define HEPH_METRICS_H

#include <heph/runtime.h>
#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	HEPH_SAMPLE_TURNS = 16,
	HEPH_BUCKETS = 40,
	HEPH_FEATURES_TEXT = 256,
};

/* How often a time was of which size. */
struct heph_histogram {
	uint64_t count; /* measured */
	heph_time sum;
	heph_time max;
	/* Number 0: less than 1 ns; n: from 2^(n-1) ns to less than 2^n; the last
	 * one: all from 2^38 ns (275 s) on. */
	uint64_t buckets[HEPH_BUCKETS];
};

/* A time that `percent` (0 to 100) of them were not above: the end of the bucket,
 * so up to twice what it was, but not above `max`. 0: none was measured. */
HEPH_API heph_time heph_histogram_at(const struct heph_histogram *histogram,
				     double percent);

struct heph_worker_stats {
	unsigned worker;            /* its number */
	bool asleep;                /* nothing to do */
	struct heph_stats stats;    /* of it alone */
	struct heph_histogram run;  /* how long actors ran at a time; sampled */
	struct heph_histogram wait; /* from ready to running; sampled */
	struct heph_histogram inbox; /* messages, not times, that were there when
				      * an actor was about to run; sampled */
	/* of its driver */
	uint32_t ring_size;    /* entries, of io_uring; 0: it has no ring */
	uint64_t buffers_size; /* bytes for what arrives; 0: it has none */
	char features[HEPH_FEATURES_TEXT]; /* that it uses of the kernel, in words,
					    * with blanks between; or empty */
};

/* Tells of a worker. Does not wait; by the owner of the context. Read without
 * stopping it, so not from one moment. Returns 0; -EINVAL (there is no such
 * worker). */
HEPH_API HEPH_MUST int heph_worker_stats(heph_ctx ctx, unsigned worker,
					 struct heph_worker_stats *ret_stats);

struct heph_type_metrics {
	const struct heph_actor *actor;
	const char *name; /* of the type */
	struct heph_type_stats stats;
	struct heph_histogram run, wait, inbox; /* sampled */
};

/* False: that was enough. It may not wait. */
typedef bool heph_type_fn(void *arg, const struct heph_type_metrics *metrics);

/* Visits the types of actors that there have been. Does not wait; by the owner
 * of the context. Returns 0; -ENOMEM. */
HEPH_API HEPH_MUST int heph_each_type(heph_ctx ctx, heph_type_fn *visit,
				      void *arg);

/*
 * All of that as text in the exposition format of Prometheus, version 0.0.4: to
 * a descriptor of the system, or into memory that the caller gives to free(3).
 * They do not wait for actors or workers; the first one blocks as write(2) does.
 * By any thread; nobody calls heph_free() meanwhile.
 * Return 0; -ENOMEM; what write(2) says.
 */
HEPH_API HEPH_MUST int heph_metrics_write(struct heph *heph, int fd);
HEPH_API HEPH_MUST int heph_metrics_text(struct heph *heph, char **ret_text,
					 size_t *ret_size);

#ifdef __cplusplus
}
#endif
#endif
