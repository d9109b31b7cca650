/* SPDX-License-Identifier: MIT */
/*
 * health.h - what those ask who run a server: does it live, is it ready, what does
 * it do
 *
 *     HEPH_HTTP_ROUTE("GET", "/live", heph_http_live),
 *     HEPH_HTTP_BY("GET", "/ready", HEPH_HTTP_READY(.checks = checks)),
 *     HEPH_HTTP_BY("GET", "/metrics", HEPH_HTTP_METRICS_PAGE(.stats = &stats)),
 */
#ifndef HEPH_HTTP_HEALTH_H
#define HEPH_HTTP_HEALTH_H

#include <heph/http/client.h>
#include <heph/http/middleware.h>
#include <heph/http/server.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- health --------------------------------------------------------------------- */

/* Waits. 200 and {"status":"ok"}: a worker that answers is alive. */
HEPH_API heph_http_handler heph_http_live;

struct heph_http_check {
	const char *name; /* "store" */
	/* Waits, perhaps. Returns 0: it is ready; a negative errno. */
	int (*check)(heph_ctx ctx, const void *arg);
	const void *arg;
};

/*
 * Whether all checks are ready: 200, else 503, and a JSON object:
 *
 *     {"checks":{"store":"ok","index":"ETIMEDOUT"},"status":"unready"}
 *
 * They are made one after the other, within `time` all together; those that are
 * not made because it has passed are "ETIME". It may not be cached.
 */
struct heph_http_ready {
	size_t size;
	const struct heph_http_check *checks; /* ends with { NULL }; NULL: none */
	heph_time time; /* 5 s */
};
#define HEPH_HTTP_READY(...) HEPH_HTTP_MIDDLEWARE__(ready, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(ready);

/* ---- metrics ---------------------------------------------------------------------- */

/*
 * All numbers as Prometheus reads them, text format 0.0.4: those of the runtime
 * (metrics.h of libheph), of a server, by route, of what HEPH_HTTP_METRICS() counts,
 * of a client, and the program's own.
 *
 *     static int print_more(heph_ctx ctx, struct heph_http_request *req, FILE *out)
 *     {
 *             fprintf(out, "# HELP shop_orders_total Orders.\n"
 *                          "# TYPE shop_orders_total counter\n"
 *                          "shop_orders_total %lu\n", atomic_load(&orders));
 *             return 0;
 *     }
 *
 *     HEPH_HTTP_METRICS_PAGE(.more = print_more)
 */
struct heph_http_metrics_page {
	size_t size;
	const struct heph_http_stats *stats; /* of a server; NULL: none */
	/* Of another router, which is not freed before this one; NULL: this one. */
	struct heph_http_router *const *router;
	bool no_runtime; /* without those of the runtime */
	/* Of a client's pool; what it points to is read at each request. NULL: none. */
	const struct heph_http_client *client;
	/* Writes numbers of the program's own, whole lines in the same format, behind
	 * the others; heph_http_app(req, ...) is where they are. Waits, perhaps: to
	 * call an actor. Returns 0; a negative errno, which the request ends with. */
	int (*more)(heph_ctx ctx, struct heph_http_request *req, FILE *out);
};
#define HEPH_HTTP_METRICS_PAGE(...)                                            \
	HEPH_HTTP_MIDDLEWARE__(metrics_page, __VA_ARGS__)
HEPH_HTTP_FUNCTIONS__(metrics_page);

/* The same of a server and a router, either may be NULL, without the runtime's, in
 * memory that the caller gives to free(3). Does not wait; any thread. Returns 0;
 * -ENOMEM. */
HEPH_API HEPH_MUST int
heph_http_metrics_text(const struct heph_http_stats *stats,
		       const struct heph_http_router *router, char **ret_text,
		       size_t *ret_size);

#ifdef __cplusplus
}
#endif
#endif
