/* SPDX-License-Identifier: MIT */
/* Numbers by worker and by type; the text is looked at as strictly as the format
 * is written down. */
#include "act.h"
#include "prometheus.h"

#include <unistd.h>

/* ---- traffic -------------------------------------------------------------------- */

static int ask_often(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref near = spawn_on(ctx, HEPH_HERE, answer_all, NULL);
	struct heph_worker_stats *stats = heph_alloc(ctx, sizeof(*stats));

	(void)in, (void)arg;
	do {
		for (int n = 0; n < 1000; n++)
			sync_with(ctx, near);
		must_be(heph_worker_stats(ctx, 0, stats), 0);
	} while (stats->run.count < 10);
	return 0;
}

static char *text_of(heph_ctx ctx)
{
	char *text;
	size_t size;

	assert_int_equal(heph_metrics_text(heph_runtime(ctx), &text, &size), 0);
	text = realloc(text, size + 1);
	assert_non_null(text);
	text[size] = '\0';
	return text;
}

static void must_have(const char *text, const char *line)
{
	if (strstr(text, line))
		return;
	fprintf(stderr, "no '%s' in:\n%s", line, text);
	abort();
}

static bool find_act(void *arg, const struct heph_type_metrics *metrics)
{
	if (metrics->actor != &act_actor)
		return true;
	*(struct heph_type_metrics *)arg = *metrics;
	return false;
}

static void check_histogram(const struct heph_histogram *histogram)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HEPH_BUCKETS; i++)
		n += histogram->buckets[i];
	assert_int_equal(n, histogram->count);
	assert_true(heph_histogram_at(histogram, 50) <=
		    heph_histogram_at(histogram, 100));
	assert_int_equal(heph_histogram_at(histogram, 100), histogram->max);
}

static void they_are_of_workers_and_types(void **state)
{
	static struct heph_type_metrics metrics;
	struct heph_worker_stats stats;
	heph_ctx ctx = begin(&two_workers);
	act_ref ref = spawn_on(ctx, HEPH_WORKER(0), ask_often, NULL);
	char *text;

	(void)state;
	must_be(heph_join(ctx, ref, NULL), 0);
	await_all_back(ctx);
	ref = spawn_on(ctx, HEPH_WORKER(1), idle, NULL);
	assert_int_equal(heph_worker_stats(ctx, 0, &stats), 0);
	assert_int_equal(stats.stats.spawned, 2);
	assert_true(stats.run.count >= 10);
	assert_true(stats.run.sum > 0);
	check_histogram(&stats.run);
	check_histogram(&stats.wait);
	check_histogram(&stats.inbox);
	if (!strcmp(heph_driver_name(ctx), "uring")) {
		assert_true(stats.ring_size > 0);
	} else {
		assert_int_equal(stats.ring_size, 0);
		assert_string_equal(stats.features, "");
	}
	assert_int_equal(heph_worker_stats(ctx, 1, &stats), 0);
	assert_int_equal(stats.worker, 1);
	assert_int_equal(stats.stats.actors, 1);
	assert_int_equal(heph_worker_stats(ctx, 2, &stats), -EINVAL);
	assert_int_equal(heph_each_type(ctx, find_act, &metrics), 0);
	assert_string_equal(metrics.name, "act");
	assert_int_equal(metrics.stats.spawned, 3);
	assert_int_equal(metrics.stats.alive, 1);
	assert_true(metrics.run.count >= 10);
	text = text_of(ctx);
	assert_true(read_text(text) > 200);
	assert_true(families_seen > 20);
	must_have(text, "heph_workers 2\n");
	must_have(text, "heph_all_actors 1\n");
	must_have(text, "heph_actors{worker=\"1\"} 1\n");
	must_have(text, "heph_spawned_total{worker=\"0\"} 2\n");
	must_have(text, "heph_type_actors{type=\"act\"} 1\n");
	must_have(text,
		  "heph_type_run_seconds_bucket{type=\"act\",le=\"+Inf\"}");
	free(text);
	stop_and_join(ctx, ref);
	end(ctx);
}

static void names_are_escaped(void **state)
{
	const struct heph_config config = { .workers = 1,
					    .no_signals = true,
					    .name = "a \"b\\\nc" };
	heph_ctx ctx = begin(&config);
	char *text = text_of(ctx);

	(void)state;
	must_have(text, "heph_info{name=\"a \\\"b\\\\\\nc\",driver=");
	read_text(text);
	free(text);
	end(ctx);
}

static void they_are_written(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	FILE *file = tmpfile();
	char *text = calloc(1, 1 << 18);

	(void)state;
	assert_int_equal(heph_metrics_write(heph_runtime(ctx), fileno(file)),
			 0);
	rewind(file);
	assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
	assert_true(read_text(text) > 100);
	assert_int_equal(heph_metrics_write(heph_runtime(ctx), -2), -EBADF);
	free(text);
	fclose(file);
	end(ctx);
}

static void percentiles(void **state)
{
	struct heph_histogram histogram = { 0 };

	(void)state;
	assert_int_equal(heph_histogram_at(&histogram, 99), 0);
	histogram.buckets[4] = 90; /* 8 to 15 */
	histogram.buckets[8] = 10; /* 128 to 255 */
	histogram.count = 100;
	histogram.max = 200;
	assert_int_equal(heph_histogram_at(&histogram, 0), 16);
	assert_int_equal(heph_histogram_at(&histogram, 90), 16);
	assert_int_equal(heph_histogram_at(&histogram, 91), 200);
	assert_int_equal(heph_histogram_at(&histogram, 100), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_of_workers_and_types),
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(they_are_written),
		cmocka_unit_test(percentiles),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
