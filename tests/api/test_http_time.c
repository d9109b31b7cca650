/* SPDX-License-Identifier: MIT */
/* Clients that are slow, in virtual time. */
#include "task.h"

#include <heph/http.h>
#include <heph/sim.h>

#define ADDRESS "10.0.0.1:80"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* ---- the server ---------------------------------------------------------------- */

static struct heph_http_stats stats;

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	struct heph_str body;
	char *bytes, first;
	int err;

	if (heph_str_equal(req->path, "/sleep")) {
		err = heph_sleep(ctx, HEPH_NEVER);
		return err;
	}
	if (heph_str_equal(req->path, "/late")) { /* its own patience */
		err = heph_sleep(heph_http_ctx(req), 100 * HEPH_SEC);
		return err < 0 ? err : heph_http_text(ctx, res, 200, "late");
	}
	if (heph_str_equal(req->path, "/large")) {
		bytes = heph_http_alloc(req, 4 << 20);
		must(bytes);
		memset(bytes, 'x', 4 << 20);
		return heph_http_send(ctx, res, bytes, 4 << 20);
	}
	if (heph_str_equal(req->path, "/ponder")) {
		must_be(heph_http_read(ctx, req, &first, 1), 1);
		must_be(heph_sleep(ctx, 20 * HEPH_SEC), 0);
	}
	if (heph_str_equal(req->path, "/ignore"))
		return heph_http_text(ctx, res, 200, "ignored");
	err = heph_http_read_all(ctx, req, 0, &body);
	return err < 0 ? err : heph_http_send(ctx, res, body.data, body.size);
}

static int serve(heph_ctx ctx, void *arg)
{
	return heph_http_serve(ctx, ADDRESS, .handler = answer, .stats = &stats,
			       .write_time = 5 * HEPH_SEC);
}

/* ---- the clients ------------------------------------------------------------------ */

struct client {
	heph_fd fd;
	heph_time begun;
	char heard[2000];
};

static void dial(heph_ctx ctx, struct client *client)
{
	must_be(heph_connect(ctx, ADDRESS, &client->fd), 0);
	client->begun = heph_now();
}

static void say(heph_ctx ctx, struct client *client, const char *text)
{
	must_be(heph_write_all(ctx, client->fd, text, strlen(text)), 0);
}

/* Reads to the end, which must be after so many seconds. */
static void ends_after(heph_ctx ctx, struct client *client, long seconds,
		       const char *begin)
{
	size_t have = 0;
	double after;
	int n;

	while ((n = heph_read(ctx, client->fd, client->heard + have,
			      sizeof(client->heard) - 1 - have)) > 0)
		have += (size_t)n;
	client->heard[have] = '\0';
	after = (double)(heph_now() - client->begun) / 1e9;
	if (n != 0 || after < (double)seconds - 0.001 ||
	    after > (double)seconds + 0.1 ||
	    strncmp(client->heard, begin, strlen(begin)) != 0) {
		fprintf(stderr, "%d after %f: %s\n", n, after, client->heard);
		must(!"ends as it should");
	}
	heph_close(client->fd);
}

static void idle(heph_ctx ctx, struct client *client)
{
	dial(ctx, client);
	ends_after(ctx, client, 60, "");
	dial(ctx, client);
	must_be(heph_sleep(ctx, 30 * HEPH_SEC), 0);
	say(ctx, client, GET);
	ends_after(ctx, client, 90, "HTTP/1.1 200 OK\r\n");
}

/* It begins to be idle when the rest of the body is read away. */
static void idle_after_a_body(heph_ctx ctx, struct client *client)
{
	dial(ctx, client);
	say(ctx, client,
	    "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
	must_be(heph_sleep(ctx, 4 * HEPH_SEC), 0);
	say(ctx, client, "x");
	must_be(heph_sleep(ctx, 4 * HEPH_SEC), 0);
	say(ctx, client, "x");
	ends_after(ctx, client, 68, "HTTP/1.1 200 OK\r\n");
}

/* Byte by byte, which makes it no better. */
static void slow_head(heph_ctx ctx, struct client *client)
{
	uint64_t before = heph_http_stats(&stats).late_heads;

	dial(ctx, client);
	for (int i = 0; i < 9; i++) {
		say(ctx, client, (char[]){ GET[i], '\0' });
		must_be(heph_sleep(ctx, HEPH_SEC), 0);
	}
	ends_after(ctx, client, 10, "HTTP/1.1 408 Request Timeout\r\n");
	must(strstr(client->heard, "\r\nConnection: close\r\n"));
	must_be(heph_http_stats(&stats).late_heads, before + 1);
}

static void slow_body(heph_ctx ctx, struct client *client)
{
	uint64_t before = heph_http_stats(&stats).late_bodies;

	char text[2001];

	memset(text, 'x', 2000);
	text[2000] = '\0';
	/* one that stops */
	dial(ctx, client);
	say(ctx, client,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10001\r\n\r\n");
	for (int i = 0; i < 5; i++) {
		must_be(heph_sleep(ctx, HEPH_SEC), 0);
		say(ctx, client, text);
	}
	ends_after(ctx, client, 15, "HTTP/1.1 408 Request Timeout\r\n");
	/* one that drips */
	dial(ctx, client);
	say(ctx, client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n");
	for (int i = 0; i < 9; i++) {
		must_be(heph_sleep(ctx, HEPH_SEC), 0);
		say(ctx, client, "x");
	}
	ends_after(ctx, client, 10, "HTTP/1.1 408 Request Timeout\r\n");
	must_be(heph_http_stats(&stats).late_bodies, before + 2);
	/* one that is slow, but not too slow */
	dial(ctx, client);
	say(ctx, client,
	    "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	    "Content-Length: 40000\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		must_be(heph_sleep(ctx, HEPH_SEC), 0);
		say(ctx, client, text);
	}
	must_be(heph_read(ctx, client->fd, client->heard, 15), 15);
	must_be(memcmp(client->heard, "HTTP/1.1 200 OK", 15), 0);
	heph_close(client->fd);
	/* one whose handler is slow itself */
	dial(ctx, client);
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	say(ctx, client, "POST /ponder HTTP/1.1\r\nHost: a\r\n"
			 "Connection: close\r\nContent-Length: 9\r\n\r\n");
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	say(ctx, client, "x");
	must_be(heph_sleep(ctx, 25 * HEPH_SEC), 0);
	say(ctx, client, "xxxxxxxx");
	ends_after(ctx, client, 27, "HTTP/1.1 200 OK\r\n");
	/* one that nobody reads: the connection ends, after the answer */
	dial(ctx, client);
	say(ctx, client,
	    "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
	ends_after(ctx, client, 10, "HTTP/1.1 200 OK\r\n");
}

static void slow_handler(heph_ctx ctx, struct client *client)
{
	uint64_t before = heph_http_stats(&stats).late_handlers;

	dial(ctx, client);
	say(ctx, client, "GET /sleep HTTP/1.1\r\nHost: a\r\n"
			 "Connection: close\r\n\r\n");
	ends_after(ctx, client, 30, "HTTP/1.1 503 Service Unavailable\r\n");
	must_be(heph_http_stats(&stats).late_handlers, before + 1);
	dial(ctx, client);
	say(ctx, client, "GET /late HTTP/1.1\r\nHost: a\r\n"
			 "Connection: close\r\n\r\n");
	ends_after(ctx, client, 100, "HTTP/1.1 200 OK\r\n");
}

/* It takes nothing of a large body. */
static void slow_reader(heph_ctx ctx, struct client *client)
{
	uint64_t before = heph_http_stats(&stats).late_writers;

	dial(ctx, client);
	say(ctx, client, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	must_be(heph_sleep(ctx, 6 * HEPH_SEC), 0);
	must_be(heph_http_stats(&stats).late_writers, before + 1);
	must_be(heph_http_stats(&stats).connections_now, 0);
	heph_close(client->fd);
}

/* A refused client that goes on talking holds the connection for two seconds. */
static void lingering(heph_ctx ctx, struct client *client)
{
	dial(ctx, client);
	say(ctx, client, "nonsense\r\n\r\n");
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	must_be(heph_http_stats(&stats).connections_now, 1);
	must_be(heph_sleep(ctx, 2 * HEPH_SEC), 0);
	must_be(heph_http_stats(&stats).connections_now, 0);
	ends_after(ctx, client, 3, "HTTP/1.1 400 Bad Request\r\n");
}

static void (*const clients[])(heph_ctx ctx, struct client *client) = {
	idle, slow_head, slow_body, slow_handler, slow_reader, lingering,
	idle_after_a_body,
};

static int world(heph_ctx ctx, void *arg)
{
	struct client *client = heph_alloc(ctx, sizeof(*client));
	heph_time begun;
	task_ref server;

	memset(&stats, 0, sizeof(stats));
	must_be(heph_spawn(ctx, task, &server, { serve, NULL }), 0);
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	clients[(intptr_t)arg](ctx, client);
	dial(ctx, client); /* idle: it does not hold up the end */
	begun = heph_now();
	heph_stop(server);
	must_be(heph_join(ctx, server, NULL), 0);
	must(heph_now() - begun < HEPH_SEC);
	return 0;
}

static void in_a_world(long which)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct heph_sim_options options = { .latency_max =
							    HEPH_MSEC };

		assert_int_equal(heph_sim_run(seed, &options, task,
					      { world, (void *)which }),
				 0);
	}
}

static void idle_connections_end(void **state)
{
	in_a_world(0);
}

static void slow_heads_are_refused(void **state)
{
	in_a_world(1);
}

static void slow_bodies_are_refused(void **state)
{
	in_a_world(2);
}

static void slow_handlers_are_given_up(void **state)
{
	in_a_world(3);
}

static void slow_readers_are_given_up(void **state)
{
	in_a_world(4);
}

static void lingering_ends(void **state)
{
	in_a_world(5);
}

static void idle_begins_after_a_body(void **state)
{
	in_a_world(6);
}

/* ---- by hand ------------------------------------------------------------------------- */

static const char dripping[] = "POST / HTTP/1.1\r\nHost: a\r\n"
			       "Transfer-Encoding: chunked\r\n\r\n"
			       "3\r\nabc\r\n0\r\nX: y\r\nZ: w\r\n\r\n";

static int drip(heph_ctx ctx, void *arg)
{
	struct client *client = heph_alloc(ctx, sizeof(*client));

	dial(ctx, client);
	for (const char *at = dripping; *at; at++) {
		say(ctx, client, (char[]){ *at, '\0' });
		must_be(heph_sleep(ctx, 100 * HEPH_MSEC), 0);
	}
	ends_after(ctx, client, 20, "HTTP/1.1 200 OK\r\n");
	must(strstr(client->heard, "\r\n\r\nxxxxxxxxxx"));
	return 0;
}

/* A deadline that ends a wait loses nothing; that of a request is not that of its
 * answer. */
static int patient_hands(heph_ctx ctx, void *arg)
{
	const struct heph_http_options options = { .size = sizeof(options),
						   .body_rate = HEPH_NEVER };
	struct heph_address from;
	struct heph_http_response *res;
	struct heph_http_request *req;
	struct heph_http_conn *conn;
	heph_fd listener, fd;
	char buf[10];
	int n, have = 0, late = 0;
	heph_time begun;
	task_ref ref;

	must_be(heph_listen(ctx, ADDRESS, &listener), 0);
	must_be(heph_spawn(ctx, task, &ref, { drip, NULL }), 0);
	must_be(heph_accept_from(ctx, listener, &fd, &from), 0);
	begun = heph_now();
	must_be(heph_http_conn_new(ctx, fd, &options, &conn), 0);
	must_be(heph_http_next(heph_within(ctx, 8 * HEPH_SEC), conn, &req, &res),
		1);
	while ((n = heph_http_read(heph_within(ctx, 30 * HEPH_MSEC), req,
				   buf + have, sizeof(buf) - (size_t)have)) != 0) {
		must(n > 0 || n == -ETIME);
		have += n > 0 ? n : 0;
		late += n < 0;
	}
	must_be(have, 3);
	must(late > 30);
	must_be(heph_http_trailers(req)->n, 2);
	must(heph_str_equal(heph_http_field_value(&heph_http_trailers(req)->at[1]),
			    "w"));
	must_be(heph_sleep(ctx, begun + 20 * HEPH_SEC - heph_now()), 0);
	must(heph_deadline(heph_http_ctx(req)) == HEPH_NEVER);
	must_be(heph_http_send(ctx, res, "xxxxxxxxxx", 10), 0);
	heph_http_conn_free(ctx, conn);
	must_be(heph_join(ctx, ref, NULL), 0);
	heph_close(listener);
	return 0;
}

static void by_hand(void **state)
{
	struct heph_sim_options options = { .latency_max = HEPH_MSEC };

	for (uint64_t seed = 1; seed <= 20; seed++)
		assert_int_equal(heph_sim_run(seed, &options, task,
					      { patient_hands, NULL }),
				 0);
}

/* ---- whatever breaks ------------------------------------------------------------------ */

/* Several clients, in worlds where connections break and reads are cut short: what
 * is answered is right. */
static int some_client(heph_ctx ctx, void *arg)
{
	struct client *client = heph_alloc(ctx, sizeof(*client));
	int err = heph_connect(ctx, ADDRESS, &client->fd);
	size_t done;

	ctx = heph_within(ctx, 300 * HEPH_SEC);
	for (int i = 0; err == 0 && i < 20; i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: a\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n"
			 "5\r\nhe%02do\r\n0\r\n\r\n"
			 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
			 "a%02d",
			 i, i);
		err = heph_write_all(ctx, client->fd, text, strlen(text));
		if (err == 0) {
			memset(client->heard, 0, sizeof(client->heard));
			err = heph_read_exact(ctx, client->fd, client->heard,
					      2 * (17 + 37 + 19 + 2) + 8, &done);
		}
		if (err < 0)
			break;
		snprintf(text, sizeof(text), "\r\n\r\nhe%02do", i);
		must(strstr(client->heard, text));
		snprintf(text, sizeof(text), "\r\n\r\na%02d", i);
		must(strstr(client->heard, text));
	}
	return 0;
}

static int broken_world(heph_ctx ctx, void *arg)
{
	task_ref server, some[5];

	must_be(heph_spawn(ctx, task, &server, { serve, NULL }), 0);
	must_be(heph_sleep(ctx, HEPH_SEC), 0);
	for (int i = 0; i < 5; i++)
		must_be(heph_spawn(ctx, task, &some[i], { some_client, NULL }),
			0);
	for (int i = 0; i < 5; i++)
		must_be(heph_join(ctx, some[i], NULL), 0);
	heph_stop(server);
	(void)!heph_join(ctx, server, NULL);
	return 0;
}

static void worlds_that_break(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct heph_sim_options options = { .faults = heph_sim_faults(
							    seed) };
		int err = heph_sim_run(seed, &options, task,
				       { broken_world, NULL });

		if (err != 0)
			fprintf(stderr, "seed %ld: %d\n", (long)seed, err);
		assert_int_equal(err, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_connections_end),
		cmocka_unit_test(slow_heads_are_refused),
		cmocka_unit_test(slow_bodies_are_refused),
		cmocka_unit_test(slow_handlers_are_given_up),
		cmocka_unit_test(slow_readers_are_given_up),
		cmocka_unit_test(lingering_ends),
		cmocka_unit_test(worlds_that_break),
		cmocka_unit_test(idle_begins_after_a_body),
		cmocka_unit_test(by_hand),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
