/* SPDX-License-Identifier: MIT */
/* Places in the pool that nobody could give back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <heph/http.h>

#include <stdio.h>
#include <stdlib.h>

#include "http/client_pool.h"

#define must(expr_)                                                            \
	((expr_) ? (void)0 : must_failed(#expr_, __LINE__))

static void must_failed(const char *expr, int line)
{
	fprintf(stderr, "%s:%d: must: %s\n", __FILE__, line, expr);
	abort();
}

/* As after a message that found no room for long: the other one's reference is
 * gone, and the pool was not told. */
static void lose_one(heph_ctx ctx, struct heph_http_client client)
{
	struct heph_http_target target;
	struct heph_http_lease *lease;

	must(heph_http_target_new(&target, heph_str("http://a.test/")) == 0);
	must(heph_http_lease_new(&target, NULL, &lease) == 0);
	heph_http_target_free(&target);
	must(heph_http_pool_ask(heph_within(ctx, 10 * HEPH_SEC), client,
				lease) == 0);
	heph_http_lease_unref(lease);
}

HEPH_ACTOR(app, void, void);

static int app_main(heph_ctx ctx)
{
	struct heph_http_client_stats stats;
	struct heph_http_client client;

	must(heph_http_client_start(ctx, &client, .per_host = 2) == 0);
	for (int n = 0; n < 3; n++) /* more than there are places */
		lose_one(ctx, client);
	do {
		must(heph_sleep(ctx, 10 * HEPH_MSEC) == 0);
		must(heph_http_client_stats(ctx, client, &stats) == 0);
	} while (stats.used_now > 0);
	must(stats.opened == 3);
	must(stats.waiting_now == 0 && stats.idle_now == 0);
	heph_http_client_stop(client);
	return heph_join(ctx, (heph_ref){ client.actor__ }, NULL);
}
HEPH_ACTOR_MAIN(app, app_main);

static void lost_places_are_taken_back(void **state)
{
	const struct heph_config config = { .workers = 1, .no_signals = true };

	(void)state;
	setenv("HEPH_LOG", "off", 0);
	assert_int_equal(heph_run(&config, app), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_places_are_taken_back),
	};

	return cmocka_run_group_tests_name("client_pool", tests, NULL, NULL);
}
