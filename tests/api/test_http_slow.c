/* SPDX-License-Identifier: MIT */
/* Two hundred slow clients, of each kind, in virtual time: others are served as if
 * they were not there, and the slow ones are sent away. */
#include "task.h"

#include <heph/http.h>
#include <heph/sim.h>

#define ADDRESS "10.0.0.1:80"

enum { SLOW = 200, LARGE = 4 << 20 };

static struct heph_http_stats stats;
static char large[LARGE];

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	struct heph_str body;
	int err;

	if (heph_str_equal(req->path, "/large"))
		return heph_http_send(ctx, res, large, sizeof(large));
	err = heph_http_read_all(ctx, req, 0, &body);
	return err < 0 ? err : heph_http_text(ctx, res, 200, "index");
}

static int serve(heph_ctx ctx, void *arg)
{
	return heph_http_serve(ctx, ADDRESS, .handler = answer, .stats = &stats,
			       .write_time = 10 * HEPH_SEC);
}

/* What a slow client says, and then no more. */
static const char *const says[] = {
	"",				  /* idle: 60 s */
	"GET / HTTP/1.1\r\nHost: a\r\nX-", /* a head: 10 s */
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", /* a body */
	"GET /large HTTP/1.1\r\nHost: a\r\n\r\n", /* it does not read */
};

static void be_slow(heph_ctx ctx, heph_fd *fds)
{
	for (int i = 0; i < SLOW; i++) {
		const char *text = says[i % 4];

		must_be(heph_connect(ctx, ADDRESS, &fds[i]), 0);
		if (*text)
			must_be(heph_write_all(ctx, fds[i], text, strlen(text)),
				0);
	}
}

/* Returns how long the slowest of so many requests took. */
static heph_time be_served(heph_ctx ctx, int n)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	heph_time slowest = 0;
	char heard[1000];
	heph_fd fd;

	must_be(heph_connect(ctx, ADDRESS, &fd), 0);
	for (int i = 0; i < n; i++) {
		heph_time begun = heph_now(), took;
		int got = 0, more;

		must_be(heph_write_all(ctx, fd, request, sizeof(request) - 1), 0);
		do {
			more = heph_read(ctx, fd, heard + got,
					 sizeof(heard) - 1 - (size_t)got);
			must(more > 0);
			got += more;
			heard[got] = '\0';
		} while (!strstr(heard, "\r\n\r\nindex"));
		took = heph_now() - begun;
		slowest = took > slowest ? took : slowest;
	}
	heph_close(fd);
	return slowest;
}

static int world(heph_ctx ctx, void *arg)
{
	heph_fd *fds = heph_alloc(ctx, SLOW * sizeof(*fds));
	struct heph_http_stats now;
	task_ref server;

	memset(&stats, 0, sizeof(stats));
	must_be(heph_spawn(ctx, task, &server, { serve, NULL }), 0);
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	be_slow(ctx, fds);
	/* A few ways of at most 1 ms each. */
	must(be_served(ctx, 50) < 5 * HEPH_MSEC);
	now = heph_http_stats(&stats);
	must(now.connections_now >= SLOW);
	must_be(heph_sleep(ctx, 15 * HEPH_SEC), 0);
	now = heph_http_stats(&stats);
	must_be(now.late_heads, SLOW / 4);
	must_be(now.late_bodies, SLOW / 4);
	must_be(now.late_writers, SLOW / 4);
	must_be(now.connections_now, SLOW / 4);
	must(be_served(ctx, 10) < 5 * HEPH_MSEC);
	must_be(heph_sleep(ctx, 60 * HEPH_SEC), 0);
	must_be(heph_http_stats(&stats).connections_now, 0);
	for (int i = 0; i < SLOW; i++)
		heph_close(fds[i]);
	heph_stop(server);
	return heph_join(ctx, server, NULL);
}

static void others_are_served(void **state)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct heph_sim_options options = { .latency_max = HEPH_MSEC };

		assert_int_equal(
			heph_sim_run(seed, &options, task, { world, NULL }), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_served),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
