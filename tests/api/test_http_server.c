/* SPDX-License-Identifier: MIT */
/* The server: pipelining, limits, stops, filters, connections by hand. */
#include "httpd.h"

#include <linux/tcp.h>

static struct httpd server;

/* ---- pipelining ------------------------------------------------------------------ */

/* How many segments with data have come. */
static unsigned segments(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	must_be(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_data_segs_in;
}

static void pipelined_requests_are_answered_in_one_write(void **state)
{
	char requests[2000] = "", answers[4000] = "";
	unsigned before;
	int fd;

	httpd_start(&server, .name = NULL);
	fd = dial(&server);
	for (int i = 0; i < 16; i++) {
		strcat(requests, GET("/"));
		strcat(answers, INDEX);
	}
	/* At first nobody knows whether they are quick; a machine that is busy
	 * may take a quick one for slow. */
	for (int round = 0; round < 100; round++) {
		before = segments(fd);
		say(fd, requests);
		expect(fd, answers);
		if (segments(fd) == before + 1)
			break;
		must(round < 99);
	}
	close(fd);
	httpd_stop(&server);
}

static void answers_come_in_order(void **state)
{
	int fd;

	httpd_start(&server, .name = NULL);
	fd = dial(&server);
	for (int round = 0; round < 3; round++) {
		say(fd, GET("/known?10") GET("/") GET("/chunks")
				"POST /echo HTTP/1.1\r\nHost: a\r\n"
				"Content-Length: 3\r\n\r\nabc" GET("/nothing"));
		expect(fd, OK_BODY(10, "xxxxxxxxxx") INDEX
			   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "0003\r\none\r\n0008\r\ntwothree\r\n0\r\nDigest: x\r\n"
			   "\r\n" OK_BODY(3, "abc") OK_BODY(0, ""));
	}
	close(fd);
	httpd_stop(&server);
}

static void a_slow_handler_delays_no_answer_before_it(void **state)
{
	int fd;

	httpd_start(&server, .name = NULL);
	fd = dial(&server);
	for (int round = 0; round < 3; round++) {
		httpd_go = 0;
		say(fd, GET("/") GET("/wait") GET("/"));
		expect(fd, INDEX);
		httpd_go = 1;
		expect(fd, OK_TEXT(6, "waited") INDEX);
	}
	close(fd);
	httpd_stop(&server);
}

/* What fails on its way takes no answer before it along. */
static void a_failure_keeps_the_answers_before_it(void **state)
{
	int fd;

	httpd_start(&server, .name = NULL);
	for (int round = 0; round < 3; round++) {
		fd = dial(&server);
		say(fd, GET("/") GET("/known?9") GET("/"));
		expect(fd, INDEX OK_BODY(10, "xxxxxxxxx"));
		expect_end(fd);
		fd = dial(&server);
		say(fd, GET("/") GET("/") "GET\r\n\r\n");
		expect(fd, INDEX INDEX REFUSAL("400 Bad Request", 30,
					       "a line does not end with CR LF"));
		expect_end(fd);
	}
	httpd_stop(&server);
}

/* ---- limits ------------------------------------------------------------------------ */

static void requests_on_a_connection(void **state)
{
	int fd;

	httpd_start(&server, .requests = 2);
	fd = dial(&server);
	say(fd, GET("/") GET("/") GET("/"));
	expect(fd, INDEX LAST_INDEX);
	expect_end(fd);
	httpd_stop(&server);
}

static void connections_at_a_time(void **state)
{
	int first, second;
	char byte;

	httpd_start(&server, .connections = 1);
	first = dial(&server);
	still_good(first);
	second = dial(&server);
	say(second, GET("/"));
	usleep(20000);
	must_be(recv(second, &byte, 1, MSG_DONTWAIT), -1);
	close(first);
	expect(second, INDEX);
	close(second);
	httpd_stop(&server);
}

static struct heph_http_stats counted;

static void counts(void **state)
{
	struct heph_http_stats stats;
	int fd;

	memset(&counted, 0, sizeof(counted));
	httpd_start(&server, .stats = &counted, .name = "heph");
	fd = dial(&server);
	say(fd, GET("/nothing"));
	expect(fd, "HTTP/1.1 200 OK\r\nServer: heph\r\n"
		   "Content-Length: 0\r\n\r\n");
	must_be(heph_http_stats(&counted).connections_now, 1);
	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
		GET("/status?404") "GET /\r\n\r\n");
	while (hear(fd, (char[100]){ 0 }, 100) > 0)
		;
	close(fd);
	httpd_stop(&server);
	stats = heph_http_stats(&counted);
	must_be(stats.serve.accepted, 1);
	must_be(stats.connections_now, 0);
	must_be(stats.requests, 3);
	must_be(stats.requests_now, 0);
	must_be(stats.by_class[2], 2);
	must_be(stats.by_class[4], 2);
	must_be(stats.wrong, 1);
	must_be(stats.received, 3);
	must_be(stats.sent, 7);
}

/* ---- options that cannot be ----------------------------------------------------------- */

static int wrong_options(heph_ctx ctx, void *arg)
{
	static const struct heph_http_options unsized = {
		.handler = httpd_answer
	};
	static char long_name[1002];
	struct heph_http_conn *conn;
	heph_fd listener;

	memset(long_name, 'x', 1001);
	must_be(heph_http_serve(ctx, "127.0.0.1:0"), -EINVAL);
	must_be(heph_http_serve(ctx, "127.0.0.1:0", .handler = httpd_answer,
				.idle_time = -1),
		-EINVAL);
	must_be(heph_http_serve(ctx, "127.0.0.1:0", .handler = httpd_answer,
				.name = "a\r\nb"),
		-EINVAL);
	must_be(heph_http_serve(ctx, "127.0.0.1:0", .handler = httpd_answer,
				.limits.head = 1 << 30),
		-EINVAL);
	must_be(heph_http_serve(ctx, "127.0.0.1:0", .handler = httpd_answer,
				.name = long_name),
		-EINVAL);
	/* of nobody knows which version */
	must_be(heph_http_raw_serve(ctx, "127.0.0.1:0", &unsized), -EINVAL);
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_http_raw_serve_on(ctx, listener, &unsized), -EINVAL);
	must_be(heph_http_conn_new(ctx, listener, &unsized, &conn), -EINVAL);
	heph_close(listener);
	must_be(heph_http_serve(ctx, "nonsense", .handler = httpd_answer),
		-EINVAL);
	return 0;
}

static void options_that_cannot_be(void **state)
{
	run_task(wrong_options);
}

/* ---- what a handler asks ---------------------------------------------------------------- */

struct shop {
	int items;
};

static int asks(heph_ctx ctx, struct heph_http_request *req,
		struct heph_http_response *res)
{
	const struct heph_address *peer = heph_http_peer(req);
	struct heph_http_outcome outcome;
	struct heph_str value;
	unsigned at = 0;
	char *memory;

	must_be(heph_http_app(req, struct shop)->items, 42);
	must_be(heph_address_port(peer) > 0, 1);
	must(heph_http_peer(req) == peer);
	must(heph_str_equal(heph_http_field(req, "x-ONE"), "1"));
	must(heph_http_field(req, "X-Empty").data);
	must_be(heph_http_field(req, "X-Empty").size, 0);
	must(!heph_http_field(req, "X").data);
	value = heph_http_next_field(req, "x-two", &at);
	must(heph_str_equal(value, "a"));
	value = heph_http_next_field(req, "x-two", &at);
	must(heph_str_equal(value, "b"));
	must(!heph_http_next_field(req, "x-two", &at).data);
	for (size_t size = 0; size < 100000; size = size * 2 + 1) {
		memory = heph_http_alloc(req, size);
		must(memory && (uintptr_t)memory % 16 == 0);
		memset(memory, 'x', size);
	}
	must(!heph_http_alloc(req, SIZE_MAX - 4));
	must(heph_deadline(ctx) < heph_deadline(heph_http_ctx(req)));

	heph_http_add(res, "A", "1");
	heph_http_add(res, "B", "2");
	heph_http_add(res, "a", "3");
	heph_http_addf(res, "C", "%d%s", 4, "!");
	must(heph_str_equal(heph_http_added(res, "a"), "1"));
	must(!heph_http_added(res, "D").data);
	must_be(heph_http_interim(ctx, res, 103), 0);
	heph_http_remove(res, "b");
	heph_http_set(res, "A", "5");
	for (int i = 0; i < 50; i++)
		heph_http_add(res, "Long", "0123456789012345678901234567890");
	heph_http_remove(res, "long");
	must_be(heph_http_write(ctx, res, "x", 1), -EINVAL);
	must_be(heph_http_end(ctx, res), -EINVAL);
	must_be(heph_http_interim(ctx, res, 101), -EINVAL);
	must_be(heph_http_outcome(res).status, 0);
	must_be(heph_http_text(ctx, res, 201, "made"), 0);
	must_be(heph_http_send(ctx, res, "", 0), -EALREADY);
	must_be(heph_http_write(ctx, res, "x", 1), -EALREADY);
	must_be(heph_http_interim(ctx, res, 103), -EALREADY);
	must_be(heph_http_text(ctx, res, 200, "again"), -EALREADY);
	heph_http_add(res, "\r\n", "nothing happens");
	outcome = heph_http_outcome(res);
	must_be(outcome.status, 201);
	must_be(outcome.sent, 4);
	must(!outcome.failed && outcome.begun > 0);
	return 0;
}

static void what_a_handler_asks(void **state)
{
	struct shop shop = { 42 };
	int fd;

	httpd_start(&server, .handler = asks,
		    HEPH_HTTP_APP(struct shop, &shop));
	fd = dial(&server);
	for (int i = 0; i < 2; i++) {
		say(fd, "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-Two: a\r\nX-Empty:\r\n"
			"x-two: b\r\n\r\n");
		expect(fd, "HTTP/1.1 103 Early Hints\r\nA: 1\r\nB: 2\r\na: 3\r\nC: 4!\r\n\r\n"
			   "HTTP/1.1 201 Created\r\nContent-Length: 4\r\n"
			   "C: 4!\r\nA: 5\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\n\r\nmade");
		shop.items = 0; /* it was copied */
	}
	close(fd);
	httpd_stop(&server);
}

/* An answer is sent when it is said to be, not when its handler has returned. */
static int goes_on(heph_ctx ctx, struct heph_http_request *req,
		   struct heph_http_response *res)
{
	int err = heph_http_text(ctx, res, 200, "index");

	while (err == 0 && !httpd_go)
		err = heph_sleep(ctx, HEPH_MSEC);
	return err;
}

static void a_handler_may_go_on_after_its_answer(void **state)
{
	int fd;

	httpd_start(&server, .handler = goes_on);
	fd = dial(&server);
	say(fd, GET("/"));
	expect(fd, INDEX);
	httpd_go = 1;
	still_good(fd);
	close(fd);
	httpd_stop(&server);
}

static int closes(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	heph_panic(ctx, "on purpose");
}

#define PANICKED                                                               \
	"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 26\r\n"         \
	"Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" \
	"500 Internal Server Error\n"

/* The client is told; the runtime takes the connection back; the server goes on. */
static void a_panic_ends_the_connection(void **state)
{
	static struct heph_http_stats stats;
	int fd;

	memset(&stats, 0, sizeof(stats));
	httpd_start(&server, .handler = closes, .stats = &stats);
	for (int i = 0; i < 3; i++) {
		fd = dial(&server);
		say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
		expect(fd, PANICKED);
		expect_end(fd);
	}
	heph_stop(server.task);
	end_task(server.ctx, server.task);
	must_be(heph_drain(server.ctx), 0);
	must_be(heph_stats(server.ctx).failed, 3);
	must_be(stats.requests, 3);
	must_be(stats.requests_now, 0);
	must_be(stats.by_class[5], 3);
	must_be(stats.sent, 3 * 26);
	heph_free(server.ctx);
}

/* ---- no tunnel ------------------------------------------------------------------------- */

static int no_tunnel(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	if (req->host.data[0] == 'a') {
		must_be(heph_http_text(ctx, res, 200, "yes"), -EINVAL);
		return heph_http_text(ctx, res, 403, "no");
	}
	return 0;
}

/* After 2xx to CONNECT the client would send something else. */
static void connect_is_no_ordinary_request(void **state)
{
	int fd;

	httpd_start(&server, .handler = no_tunnel);
	fd = dial(&server);
	say(fd, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nwhatever");
	expect(fd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n"
		   "Connection: close\r\n"
		   "Content-Type: text/plain; charset=utf-8\r\n\r\nno");
	expect_end(fd);
	fd = dial(&server);
	say(fd, "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n");
	expect(fd, PANICKED);
	expect_end(fd);
	httpd_stop(&server);
}

/* ---- filters --------------------------------------------------------------------------- */

struct shout {
	struct heph_http_filter filter;
	char sign;
	bool wants;
};

static _Atomic int shouts_freed;

static int shout_head(struct heph_http_filter *filter,
		      struct heph_http_response *res, uint64_t *length)
{
	struct shout *shout = (struct shout *)filter;

	if (!shout->wants)
		return 0;
	heph_http_addf(res, "Shout", "%c", shout->sign);
	*length = HEPH_HTTP_UNKNOWN;
	return 1;
}

/* Each byte, and a sign behind it. */
static int shout_write(heph_ctx ctx, struct heph_http_filter *filter,
		       struct heph_http_response *res, const void *data,
		       size_t size)
{
	struct shout *shout = (struct shout *)filter;
	const char *bytes = data;
	char pair[2];
	int err = 0;

	for (size_t i = 0; err == 0 && i < size; i++) {
		pair[0] = bytes[i];
		pair[1] = shout->sign;
		err = heph_http_filter_write(ctx, filter, res, pair, 2);
	}
	return err;
}

static int shout_flush(heph_ctx ctx, struct heph_http_filter *filter,
		       struct heph_http_response *res)
{
	return heph_http_filter_write(ctx, filter, res, "~", 1);
}

static int shout_end(heph_ctx ctx, struct heph_http_filter *filter,
		     struct heph_http_response *res)
{
	return heph_http_filter_write(ctx, filter, res, ".", 1);
}

static void shout_free(struct heph_http_filter *filter)
{
	shouts_freed++;
}

static void add_shout(struct heph_http_request *req,
		      struct heph_http_response *res, char sign, bool wants)
{
	struct shout *shout = heph_http_alloc(req, sizeof(*shout));

	*shout = (struct shout){ { shout_head, shout_write, shout_flush,
				   shout_end, shout_free, NULL },
				 sign, wants };
	heph_http_add_filter(res, &shout->filter);
}

static int shouts(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	int err;

	add_shout(req, res, '!', true);
	add_shout(req, res, '-', false);
	add_shout(req, res, '?', true);
	if (heph_str_equal(req->path, "/none"))
		heph_http_status(res, 204);
	if (!heph_str_equal(req->path, "/pieces"))
		return heph_http_send(ctx, res, "ab", 2);
	err = heph_http_begin(ctx, res, 2);
	if (err == 0)
		err = heph_http_write(ctx, res, "a", 1);
	if (err == 0)
		err = heph_http_flush(ctx, res);
	if (err == 0)
		err = heph_http_write(ctx, res, "b", 1);
	add_shout(req, res, '*', true); /* too late */
	return err < 0 ? err : heph_http_end(ctx, res);
}

#define SHOUTED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"            \
		"Shout: ?\r\nShout: !\r\n\r\n"

static void filters_change_what_is_sent(void **state)
{
	int fd;

	shouts_freed = 0;
	httpd_start(&server, .handler = shouts);
	fd = dial(&server);
	say(fd, GET("/"));
	expect(fd, SHOUTED "000b\r\na!?!b!?!.!.\r\n0\r\n\r\n");
	say(fd, GET("/pieces"));
	expect(fd, SHOUTED "0007\r\na!?!~!~\r\n0007\r\nb!?!.!.\r\n0\r\n\r\n");
	say(fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
	expect(fd, SHOUTED);
	say(fd, GET("/none"));
	expect(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	close(fd);
	httpd_stop(&server);
	must_be(shouts_freed, 13);
}

/* ---- stopping ------------------------------------------------------------------------------ */

/* Idle connections end at once; a request that is under way is answered, and its
 * connection ends then. */
static void a_stop_is_graceful(void **state)
{
	int idle, fresh, busy, half, late;

	httpd_start(&server, .name = NULL);
	idle = dial(&server);
	still_good(idle);
	fresh = dial(&server);
	busy = dial(&server);
	say(busy, GET("/wait") GET("/"));
	half = dial(&server);
	say(half, "GET / HTTP/1.1\r\n");
	while (httpd_runs < 2 || heph_stats(server.ctx).actors < 7)
		sched_yield();
	usleep(10000); /* the half one is read */
	heph_stop(server.task);
	expect_end(idle);
	expect_end(fresh);
	while ((late = raw_connect(server.port)) >= 0)
		close(late);
	must(late == -ECONNREFUSED || late == -ECONNRESET);
	say(half, "Host: a\r\n\r\n");
	expect(half, LAST_INDEX);
	expect_end(half);
	httpd_go = 1;
	expect(busy, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n\r\nwaited");
	expect_end(busy);
	httpd_stop(&server);
}

/* Who has not ended after half of the grace is stopped; a client gets an answer
 * all the same. */
enum { IDLERS = 8 };

static _Atomic int idlers[IDLERS]; /* written by the test, read by an actor */

/* Stops the server just when requests come to connections that are idle: all of
 * that while none of its actors runs. */
static int stops_all(heph_ctx ctx, struct heph_http_request *req,
		     struct heph_http_response *res)
{
	int err;

	if (heph_str_equal(req->path, "/sleep")) {
		err = heph_sleep(ctx, HEPH_USEC);
		return err < 0 ? err : heph_http_text(ctx, res, 200, "slept");
	}
	if (heph_str_equal(req->path, "/stop")) {
		for (int i = 0; i < IDLERS; i++)
			say(idlers[i], GET("/sleep"));
		heph_stop(server.task);
	}
	return heph_http_text(ctx, res, 200, "");
}

/* Such a request is answered, or not begun. */
static void what_comes_with_a_stop_is_answered(void **state)
{
	char heard[2000];
	int fd;

	for (int round = 0; round < 20; round++) {
		httpd_start(&server, .handler = stops_all);
		fd = dial(&server);
		for (int i = 0; i < IDLERS; i++) {
			idlers[i] = dial(&server);
			say(idlers[i], GET("/"));
			must(hear(idlers[i], heard, sizeof(heard)) > 0);
		}
		say(fd, GET("/stop"));
		must(hear(fd, heard, sizeof(heard)) > 0);
		for (int i = 0; i < IDLERS; i++) {
			ssize_t n = hear(idlers[i], heard, sizeof(heard));

			must(n <= 0 || memcmp(heard, "HTTP/1.1 200", 12) == 0);
			close(idlers[i]);
		}
		close(fd);
		httpd_stop(&server);
	}
}

static void a_stop_ends_in_time(void **state)
{
	struct heph_config config = { .workers = 1,
				      .no_signals = true,
				      .grace = 200 * HEPH_MSEC };
	heph_time before = heph_now();
	int busy;

	memset(&server, 0, sizeof(server));
	server.options.size = sizeof(server.options);
	server.options.handler = httpd_answer;
	httpd_go = 0;
	httpd_runs = 0;
	must_be(heph_new(&server.ctx, &config), 0);
	server.task = start_task(server.ctx, httpd_serve, &server);
	while (!server.port)
		sched_yield();
	busy = dial(&server);
	say(busy, GET("/wait"));
	while (httpd_runs < 1)
		sched_yield();
	heph_stop(server.task);
	expect(busy, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 24\r\n"
		     "Connection: close\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n\r\n"
		     "503 Service Unavailable\n");
	expect_end(busy);
	end_task(server.ctx, server.task);
	must_be(heph_drain(server.ctx), 0);
	heph_free(server.ctx);
	must(heph_now() - before < 10 * HEPH_SEC);
}

static _Atomic bool forced;

static int until_forced(heph_ctx ctx, void *arg)
{
	int err = httpd_serve(ctx, arg);

	must_be(err, -ECANCELED);
	forced = true;
	return err;
}

static int in_a_tree(heph_ctx ctx, void *arg)
{
	struct heph_tree tree = { .grace = 50 * HEPH_MSEC };
	task_ref ref;

	must_be(heph_spawn(ctx, task, &ref, { until_forced, arg }, .tree = &tree,
			   .restart = HEPH_TEMPORARY),
		0);
	must_be(heph_supervise(ctx, &tree), -ECANCELED);
	return 0;
}

/* Who serves is forced to end; those who answer use what he has, and go on. */
static void a_forced_end(void **state)
{
	struct heph_config config = { .workers = 2, .no_signals = true };
	int fds[8];

	for (int round = 0; round < 3; round++) {
		memset(&server, 0, sizeof(server));
		server.options.size = sizeof(server.options);
		server.options.handler = httpd_answer;
		server.options.each_worker = true;
		must_be(heph_new(&server.ctx, &config), 0);
		server.task = start_task(server.ctx, in_a_tree, &server);
		while (!server.port)
			sched_yield();
		httpd_runs = 0;
		forced = false;
		for (int i = 0; i < 8; i++) {
			fds[i] = dial(&server);
			say(fds[i], GET("/large?9000000"));
		}
		while (httpd_runs < 8)
			sched_yield();
		heph_stop(server.task);
		while (!forced)
			sched_yield();
		for (int i = 0; i < 8; i++)
			close(fds[i]);
		end_task(server.ctx, server.task);
		must_be(heph_drain(server.ctx), 0);
		heph_free(server.ctx);
	}
}

/* On each of two workers. */
static int serve_on_each(heph_ctx ctx, void *arg)
{
	struct httpd *it = arg;
	heph_fd listener;

	must_be(heph_listen_shared(ctx, "127.0.0.1:0", &listener), 0);
	it->port = port_of(ctx, listener);
	return heph_http_serve_on(ctx, listener, .handler = httpd_answer,
				  .each_worker = true);
}

static void all_workers_serve(void **state)
{
	struct heph_config config = { .workers = 2, .no_signals = true };
	int fds[40];

	memset(&server, 0, sizeof(server));
	must_be(heph_new(&server.ctx, &config), 0);
	server.task = start_task(server.ctx, serve_on_each, &server);
	while (!server.port)
		sched_yield();
	for (int i = 0; i < 40; i++) {
		fds[i] = dial(&server);
		still_good(fds[i]);
	}
	heph_stop(server.task);
	for (int i = 0; i < 40; i++)
		expect_end(fds[i]);
	end_task(server.ctx, server.task);
	must_be(heph_drain(server.ctx), 0);
	heph_free(server.ctx);
}

/* ---- by hand --------------------------------------------------------------------------------- */

static int by_hand(heph_ctx ctx, void *arg)
{
	struct heph_http_options options = { .size = sizeof(options),
					     .requests = 3 };
	struct heph_http_response *res;
	struct heph_http_request *req;
	struct heph_http_conn *conn;
	char heard[1000];
	int other;
	heph_fd fd = pair(ctx, &other);

	must_be(heph_http_conn_new(ctx, fd, &options, &conn), 0);
	say(other, GET("/a") GET("/b"));
	must_be(heph_http_next(ctx, conn, &req, &res), 1);
	must(heph_str_equal(req->path, "/a"));
	must_be(heph_http_text(ctx, res, 200, "index"), 0);
	must_be(heph_http_next(ctx, conn, &req, &res), 1);
	must(heph_str_equal(req->path, "/b"));
	/* not answered: that is an empty 200 */
	must_be(heph_http_next(heph_within(ctx, HEPH_MSEC), conn, &req, &res),
		-ETIME);
	must_be(read(other, heard, sizeof(heard)), 2 * 37 + sizeof(INDEX) - 1 +
						   sizeof(OK_BODY(0, "")) - 1);
	heph_http_conn_free(ctx, conn);
	must_be(heph_fd_number(ctx, fd), -EBADF);
	while (read(other, heard, sizeof(heard)) != 0)
		must_be(heph_yield(ctx), 0);
	close(other);

	/* with the defaults; and given back with the actor */
	fd = pair(ctx, &other);
	must_be(heph_http_conn_new(ctx, fd, NULL, &conn), 0);
	say(other, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	must_be(heph_http_next(ctx, conn, &req, &res), 1);
	must_be(heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN), 0);
	must_be(heph_http_write(ctx, res, "x", 1), 0);
	close(other);
	return 0;
}

/* An actor that leaves it behind, after a request that was none. */
static int by_hand_forgotten(heph_ctx ctx, void *arg)
{
	struct heph_http_response *res;
	struct heph_http_request *req;
	struct heph_http_conn *conn;
	int other;
	heph_fd fd = pair(ctx, &other);
	char path[3000];

	must_be(heph_http_conn_new(ctx, fd, NULL, &conn), 0);
	snprintf(path, sizeof(path), "GET /%02000d HTTP/1.1\r\nHost: a\r\n\r\n",
		 1);
	say(other, path);
	must_be(heph_http_next(ctx, conn, &req, &res), 1);
	must_be(heph_http_text(ctx, res, 200, "index"), 0);
	say(other, "nonsense\r\n\r\n");
	must_be(heph_http_next(ctx, conn, &req, &res), -EBADMSG);
	close(other);
	return 0;
}

static void connections_by_hand_forgotten(void **state)
{
	run_task(by_hand_forgotten);
}

static void connections_by_hand(void **state)
{
	run_task(by_hand);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelined_requests_are_answered_in_one_write),
		cmocka_unit_test(answers_come_in_order),
		cmocka_unit_test(a_slow_handler_delays_no_answer_before_it),
		cmocka_unit_test(a_failure_keeps_the_answers_before_it),
		cmocka_unit_test(requests_on_a_connection),
		cmocka_unit_test(connections_at_a_time),
		cmocka_unit_test(counts),
		cmocka_unit_test(options_that_cannot_be),
		cmocka_unit_test(what_a_handler_asks),
		cmocka_unit_test(a_handler_may_go_on_after_its_answer),
		cmocka_unit_test(a_panic_ends_the_connection),
		cmocka_unit_test(filters_change_what_is_sent),
		cmocka_unit_test(a_stop_is_graceful),
		cmocka_unit_test(what_comes_with_a_stop_is_answered),
		cmocka_unit_test(a_stop_ends_in_time),
		cmocka_unit_test(all_workers_serve),
		cmocka_unit_test(connections_by_hand),
		cmocka_unit_test(connect_is_no_ordinary_request),
		cmocka_unit_test(a_forced_end),
		cmocka_unit_test(connections_by_hand_forgotten),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
