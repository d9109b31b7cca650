/* SPDX-License-Identifier: MIT */
/*
 * router.c - how long it takes to find the route of a path
 *
 *     http-router [COUNT]
 *
 * For 10, 100 and 1,000 routes like those of a REST service: paths of four
 * segments, of which none, one or two are parameters. Prints for each kind of
 * path nanoseconds and instructions for a look (the latter where the kernel counts
 * them), over all routes by turns, the check of the path included.
 */
#include <heph/http/method.h>

#include "http/router.h"

#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1000 };

static char texts[MOST][64], paths[3][MOST][64];
static struct heph_http_route routes[MOST];

static int handler(heph_ctx ctx, struct heph_http_request *req,
		   struct heph_http_response *res)
{
	return 0;
}

/* A third of the routes of each kind. */
static struct heph_http_router *make(unsigned n)
{
	static const char *const patterns[] = {
		"/api/v1/things%u/list", "/api/v1/things%u/{id:u64}",
		"/api/v1/things%u/{id:u64}/parts/{part}"
	};
	static const char *const requests[] = {
		"/api/v1/things%u/list", "/api/v1/things%u/123456",
		"/api/v1/things%u/123456/parts/wheel"
	};
	struct heph_http_refusal refusal;
	struct heph_http_router *router;

	for (unsigned i = 0; i < n; i++) {
		snprintf(texts[i], sizeof(texts[i]), patterns[i % 3], i / 3);
		routes[i] = (struct heph_http_route){ .methods = "GET",
						      .path = texts[i],
						      .handler = handler };
		for (unsigned kind = 0; kind < 3; kind++)
			snprintf(paths[kind][i], sizeof(paths[kind][i]),
				 requests[kind],
				 i / 3 < n / 3 ? i / 3 : i / 3 - 1);
	}
	if (heph_http_router_make(routes, n, &router, &refusal) < 0)
		abort();
	return router;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Of this thread in user mode; 0: nobody counts them. */
static uint64_t instructions(void)
{
	static struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	static int fd = -2;
	uint64_t n;

	if (fd == -2)
		fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	return fd >= 0 && read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void look(const struct heph_http_router *router, const char *text)
{
	struct heph_http_found found;
	struct heph_str path;

	if (heph_http_path_decode(heph_str(text), NULL, &path) < 0)
		abort();
	heph_http_routetree_find(&router->tree, 1u << HEPH_HTTP_GET, path,
				 &found);
	if (!found.leaf)
		abort();
}

static void measure(const struct heph_http_router *router, unsigned n,
		    unsigned kind, unsigned long count)
{
	static const char *const names[] = { "texts", "one number",
					     "number and any" };
	double best = 1e18;
	uint64_t used = 0;

	for (unsigned round = 0; round < 7; round++) {
		uint64_t before = instructions();
		double begun = now(), took;

		for (unsigned long i = 0; i < count; i++)
			look(router, paths[kind][i % (n / 3 * 3)]);
		took = (now() - begun) / (double)count;
		used = (instructions() - before) / count;
		best = took < best ? took : best;
	}
	printf("http/router routes=%u path=\"%s\" ns=%.1f", n, names[kind], best);
	if (used)
		printf(" instructions=%" PRIu64, used);
	putchar('\n');
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

	for (unsigned n = 10; n <= MOST; n *= 10) {
		struct heph_http_router *router = make(n);

		for (unsigned kind = 0; kind < 3; kind++)
			measure(router, n, kind, count);
		heph_http_router_free(router);
	}
	return 0;
}
