/* SPDX-License-Identifier: MIT */
/* Text in the exposition format of Prometheus, version 0.0.4. */
#include <heph/http/health.h>
#include <heph/http/method.h>
#include <heph/metrics.h>
#include <heph/runtime.h>

#include "http/config.h"
#include "http/counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void begin_family(FILE *out, const char *name, const char *type,
			 const char *help)
{
	fprintf(out, "# HELP heph_http_%s %s\n# TYPE heph_http_%s %s\n", name,
		help, name, type);
}

/* ---- of a server ------------------------------------------------------------------ */

static void print_one(FILE *out, const char *name, const char *help,
		      uint64_t value)
{
	size_t size = strlen(name);
	bool total = size > 6 && !strcmp(name + size - 6, "_total");

	begin_family(out, name, total ? "counter" : "gauge", help);
	fprintf(out, "heph_http_%s %" PRIu64 "\n", name, value);
}

static void print_late(FILE *out, const struct heph_http_stats *stats)
{
	static const char *const what[] = { "head", "body", "handler",
					    "writer" };
	const uint64_t values[] = { stats->late_heads, stats->late_bodies,
				    stats->late_handlers,
				    stats->late_writers };

	begin_family(out, "late_total", "counter",
		     "What was not done in time: clients' heads and bodies, "
		     "handlers, clients that read.");
	for (unsigned i = 0; i < 4; i++)
		fprintf(out,
			"heph_http_late_total{what=\"%s\"} %" PRIu64 "\n",
			what[i], values[i]);
}

static void print_classes(FILE *out, const struct heph_http_stats *stats)
{
	begin_family(out, "responses_total", "counter",
		     "Responses by the class of their status; none: nothing "
		     "was sent.");
	fprintf(out,
		"heph_http_responses_total{class=\"none\"} %" PRIu64 "\n",
		stats->by_class[0]);
	for (unsigned i = 1; i < 6; i++)
		fprintf(out,
			"heph_http_responses_total{class=\"%uxx\"} %" PRIu64
			"\n",
			i, stats->by_class[i]);
}

static void print_server(FILE *out, const struct heph_http_stats *stats)
{
	print_one(out, "connections", "Connections now.",
		  stats->connections_now);
	print_one(out, "requests", "Requests that are being answered now.",
		  stats->requests_now);
	print_one(out, "accepted_total", "Connections accepted.",
		  stats->serve.accepted);
	print_one(out, "refused_total",
		  "Connections closed for want of memory or places.",
		  stats->serve.refused);
	print_one(out, "accept_failed_total", "Attempts to accept that failed.",
		  stats->serve.failed);
	print_one(out, "full_total",
		  "Times that the limit of connections was reached.",
		  stats->serve.full);
	print_one(out, "requests_total", "Requests.", stats->requests);
	print_one(out, "malformed_total", "Requests that were no HTTP.",
		  stats->wrong);
	print_classes(out, stats);
	print_late(out, stats);
	print_one(out, "received_bytes_total", "Bytes of requests' bodies.",
		  stats->received);
	print_one(out, "sent_bytes_total", "Bytes of responses' bodies.",
		  stats->sent);
	print_one(out, "handshakes_total", "TLS handshakes.",
		  stats->handshakes);
	print_one(out, "failed_handshakes_total", "TLS handshakes that failed.",
		  stats->failed_handshakes);
}

/* ---- by route ----------------------------------------------------------------------- */

typedef void print_route_fn(FILE *out, const char *route,
			    const struct heph_http_count *count);

static void print_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
}

static void print_responses(FILE *out, const char *route,
			    const struct heph_http_count *count)
{
	for (unsigned m = 0; m < HEPH_HTTP_METHODS; m++) {
		const char *method =
			heph_http_method_name((enum heph_http_method)m);

		for (unsigned c = 0; c < HEPH_HTTP_CLASSES; c++) {
			if (!count->responses[m][c])
				continue;
			fputs("heph_http_route_requests_total{route=\"", out);
			print_label(out, route);
			fprintf(out, "\",method=\"%s\",class=\"",
				method ? method : "other");
			fprintf(out, c ? "%uxx" : "none", c);
			fprintf(out, "\"} %" PRIu64 "\n",
				count->responses[m][c]);
		}
	}
}

static void print_bucket(FILE *out, const char *route, const char *suffix)
{
	fprintf(out, "heph_http_route_seconds%s{route=\"", suffix);
	print_label(out, route);
	putc('"', out);
}

static void print_times(FILE *out, const char *route,
			const struct heph_http_count *count)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HEPH_HTTP_BUCKETS; i++) {
		n += count->buckets[i];
		print_bucket(out, route, "_bucket");
		if (i < HEPH_HTTP_BUCKETS - 1)
			fprintf(out, ",le=\"%g\"} %" PRIu64 "\n",
				(double)heph_http_bounds[i] / HEPH_SEC, n);
		else
			fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n", n);
	}
	print_bucket(out, route, "_sum");
	fprintf(out, "} %.9f\n", (double)count->sum / HEPH_SEC);
	print_bucket(out, route, "_count");
	fprintf(out, "} %" PRIu64 "\n", n);
}

static void print_sent(FILE *out, const char *route,
		       const struct heph_http_count *count)
{
	fputs("heph_http_route_sent_bytes_total{route=\"", out);
	print_label(out, route);
	fprintf(out, "\"} %" PRIu64 "\n", count->sent);
}

static void print_received(FILE *out, const char *route,
			   const struct heph_http_count *count)
{
	fputs("heph_http_route_received_bytes_total{route=\"", out);
	print_label(out, route);
	fprintf(out, "\"} %" PRIu64 "\n", count->received);
}

static bool is_used(const struct heph_http_count *count)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HEPH_HTTP_BUCKETS; i++)
		n += count->buckets[i];
	return n > 0;
}

/* A path may stand for several routes, of different methods: they are one. */
static void sum_path(const struct heph_http_router *router, const char *path,
		     struct heph_http_count *ret_count)
{
	const struct heph_http_endpoint *at;
	struct heph_http_count count;

	memset(ret_count, 0, sizeof(*ret_count));
	for (at = router->endpoints; at; at = at->next) {
		if (strcmp(at->path, path) != 0)
			continue;
		heph_http_counts_sum(router->counts, at->number, &count);
		for (size_t i = 0; i < sizeof(count) / 8; i++)
			((uint64_t *)ret_count)[i] += ((uint64_t *)&count)[i];
	}
}

static bool is_first(const struct heph_http_router *router,
		     const struct heph_http_endpoint *endpoint)
{
	const struct heph_http_endpoint *at = router->endpoints;

	while (strcmp(at->path, endpoint->path) != 0)
		at = at->next;
	return at == endpoint;
}

static void print_each(FILE *out, const struct heph_http_router *router,
		       print_route_fn *print)
{
	const struct heph_http_endpoint *at;
	struct heph_http_count count;

	for (at = router->endpoints; at; at = at->next) {
		if (!is_first(router, at))
			continue;
		sum_path(router, at->path, &count);
		if (is_used(&count))
			print(out, at->path, &count);
	}
	heph_http_counts_sum(router->counts, router->counts->n - 1, &count);
	if (is_used(&count))
		print(out, "none", &count);
}

static void print_router(FILE *out, const struct heph_http_router *router)
{
	begin_family(out, "route_requests_total", "counter",
		     "Requests by route, method and class of the status; "
		     "route none: no route answered.");
	print_each(out, router, print_responses);
	begin_family(out, "route_seconds", "histogram",
		     "Time until the handler of a request has returned.");
	print_each(out, router, print_times);
	begin_family(out, "route_sent_bytes_total", "counter",
		     "Bytes of responses' bodies by route.");
	print_each(out, router, print_sent);
	begin_family(out, "route_received_bytes_total", "counter",
		     "Bytes of requests' bodies by route.");
	print_each(out, router, print_received);
	print_one(out, "uncounted_total",
		  "Requests that there was no memory to count.",
		  router->counts->lost);
}

int heph_http_metrics_text(const struct heph_http_stats *stats,
			   const struct heph_http_router *router,
			   char **ret_text, size_t *ret_size)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return -ENOMEM;
	if (stats) {
		struct heph_http_stats now = heph_http_stats(stats);

		print_server(out, &now);
	}
	if (router && router->counts)
		print_router(out, router);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}

/* ---- the page --------------------------------------------------------------------------- */

int heph_http_start_metrics_page(const void *config,
				 struct heph_http_router *router,
				 const void **ret_config, const char **ret_why)
{
	struct heph_http_metrics_page *its;
	int err;

	its = heph_http_config_take(router, config, sizeof(*its), sizeof(*its),
				    &err, ret_why);
	*ret_config = its;
	return its ? 0 : err;
}
HEPH_HTTP_NO_STOP(metrics_page);

static void print_client(FILE *out, const struct heph_http_client_stats *stats)
{
	print_one(out, "client_connections",
		  "Connections of the client that are in use now.",
		  stats->used_now);
	print_one(out, "client_idle_connections",
		  "Connections of the client that are kept for others.",
		  stats->idle_now);
	print_one(out, "client_waiting",
		  "Requests of the client that wait for a connection now.",
		  stats->waiting_now);
	print_one(out, "client_requests_total",
		  "Requests of the client that asked for a connection.",
		  stats->requests);
	print_one(out, "client_opened_total",
		  "New connections that the client was allowed.",
		  stats->opened);
	print_one(out, "client_reused_total",
		  "Times that a connection of the client was used again.",
		  stats->reused);
	print_one(out, "client_refused_total",
		  "Requests of the client that found too many waiting.",
		  stats->refused);
	print_one(out, "client_dead_total",
		  "Idle connections of the client that their peer has closed.",
		  stats->dead);
}

/* What is not there before the page is asked for. Waits, perhaps. */
static int print_others(heph_ctx ctx, const struct heph_http_metrics_page *config,
			struct heph_http_request *req, FILE *out)
{
	struct heph_http_client_stats stats;
	int err = 0;

	if (config->client) {
		err = heph_http_client_stats(ctx, *config->client, &stats);
		if (err == 0)
			print_client(out, &stats);
		if (err ==
		    -ESRCH) /* it has ended; the others count all the more */
			err = 0;
	}
	if (err == 0 && config->more)
		err = config->more(ctx, req, out);
	return err < 0 ? err : ferror(out) ? -ENOMEM : 0;
}

static int others_text(heph_ctx ctx, const struct heph_http_metrics_page *config,
		       struct heph_http_request *req, char **ret_text,
		       size_t *ret_size)
{
	FILE *out;
	int err;

	if (!config->client && !config->more)
		return 0;
	out = open_memstream(ret_text, ret_size);
	if (!out)
		return -ENOMEM;
	err = print_others(ctx, config, req, out);
	if (fclose(out) != 0 && err == 0)
		err = -ENOMEM;
	return err;
}

enum { TEXTS = 3 };

/* All texts, one after the other in memory of the request. */
static int make_page(heph_ctx ctx, const struct heph_http_metrics_page *config,
		     struct heph_http_request *req, struct heph_str *ret_page)
{
	char *texts[TEXTS] = { NULL }, *page = NULL;
	size_t sizes[TEXTS] = { 0 }, at = 0;
	int err = 0;

	if (!config->no_runtime)
		err = heph_metrics_text(heph_runtime(ctx), &texts[0], &sizes[0]);
	if (err == 0)
		err = heph_http_metrics_text(config->stats,
					     config->router ?
						     *config->router :
						     req->match__->router,
					     &texts[1], &sizes[1]);
	if (err == 0)
		err = others_text(ctx, config, req, &texts[2], &sizes[2]);
	if (err == 0) {
		page = heph_http_alloc(req, sizes[0] + sizes[1] + sizes[2] + 1);
		err = page ? 0 : -ENOMEM;
	}
	for (unsigned n = 0; n < TEXTS; n++) {
		if (err == 0 && sizes[n])
			memcpy(page + at, texts[n], sizes[n]);
		at += sizes[n];
		free(texts[n]);
	}
	*ret_page = heph_str_of(page, at);
	return err;
}

int heph_http_run_metrics_page(heph_ctx ctx, const void *config,
			       struct heph_http_request *req,
			       struct heph_http_response *res,
			       const struct heph_http_chain *chain)
{
	struct heph_str page = { NULL, 0 };
	int err = make_page(ctx, config, req, &page);

	(void)chain;
	if (err < 0)
		return err;
	heph_http_set(res, "Content-Type",
		      "text/plain; version=0.0.4; charset=utf-8");
	heph_http_set(res, "Cache-Control", "no-store");
	return heph_http_send(ctx, res, page.data, page.size);
}
