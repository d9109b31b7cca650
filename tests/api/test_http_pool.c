/* SPDX-License-Identifier: MIT */
/* The connections of a client: which are used again, how many there are, and what
 * becomes of them when those who use them end. */
#include "http_peer.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define HI OK "Content-Length: 2\r\n\r\nhi"

static struct script script, other;

static struct heph_http_client_stats stats_of(heph_ctx ctx,
					      struct heph_http_client client)
{
	struct heph_http_client_stats stats;

	must_be(heph_http_client_stats(ctx, client, &stats), 0);
	return stats;
}

static void must_get(heph_ctx ctx, struct heph_http_client client,
		     const struct script *from)
{
	struct heph_http_reply *reply;

	must_be(heph_http_get(ctx, client, from->url, &reply), 0);
	must_say(ctx, reply, 200, "hi");
}

/* Until the pool says so. */
static void await_used(heph_ctx ctx, struct heph_http_client client,
		       unsigned used, unsigned waiting)
{
	struct heph_http_client_stats stats;

	do {
		must_be(heph_yield(ctx), 0);
		stats = stats_of(ctx, client);
	} while (stats.used_now != used || stats.waiting_now != waiting);
}

/* ---- a server for many connections ---------------------------------------------------- */

struct serving {
	heph_fd fd;
	unsigned requests; /* then it closes; 0: never */
	bool slow;
	bool rude; /* it may close at any time */
};

HEPH_ACTOR(serving, void, struct serving);

static _Atomic unsigned served_connections, served_requests;

static int serving_main(heph_ctx ctx, struct serving *arg)
{
	unsigned n = 0;
	char *data;
	int got;

	served_connections++;
	while ((got = heph_read_view(ctx, arg->fd, &data)) > 0) {
		if (arg->rude && (served_requests + n) % 7 == 3)
			return 0;
		if (arg->slow && heph_sleep(ctx, HEPH_MSEC) < 0)
			return 0;
		if (heph_write_all(ctx, arg->fd, HI, strlen(HI)) < 0)
			return 0;
		served_requests++;
		if (++n == arg->requests)
			return 0;
	}
	return 0;
}
HEPH_ACTOR_MAIN(serving, serving_main);

struct server_arg {
	heph_fd listener;
	struct serving how;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	return heph_serve(ctx, arg->listener, serving, fd, arg->how);
}
HEPH_ACTOR_MAIN(server, server_main);

static server_ref serve(heph_ctx ctx, struct script *ret, struct serving how)
{
	char address[HEPH_ADDRESS_MAX];
	server_ref server;
	heph_fd listener;

	served_connections = served_requests = 0;
	must_be(heph_listen(ctx, "127.0.0.1:0", &listener), 0);
	must_be(heph_local_address(ctx, listener, address), 0);
	sprintf(ret->url, "http://%.50s", address);
	must_be(heph_spawn(ctx, server, &server, { listener, how },
			   .give = listener),
		0);
	return server;
}

/* The client first: the server waits for what is idle. */
static void end_server(heph_ctx ctx, server_ref server,
		       struct heph_http_client client)
{
	heph_http_client_stop(client);
	must_be(heph_join(ctx, (heph_ref){ client.actor__ }, NULL), 0);
	heph_stop(server);
	must_be(heph_join(ctx, server, NULL), 0);
}

/* ---- used again ------------------------------------------------------------------------- */

static int reuse(heph_ctx ctx, act_inbox in, void *arg)
{
	struct heph_http_client client;
	server_ref server = serve(ctx, &script, (struct serving){ 0 });

	must_be(heph_http_client_start(ctx, &client), 0);
	for (int n = 0; n < 100; n++)
		must_get(ctx, client, &script);
	must_be(served_connections, 1);
	must_be(stats_of(ctx, client).idle_now, 1);
	must_be(stats_of(ctx, client).reused, 99);
	end_server(ctx, server, client);
	return 0;
}

static void a_connection_is_used_again(void **state)
{
	run(reuse, NULL);
}

/* The peer has closed it: that is noticed before it is used, or a request that does
 * no harm is sent again. */
static int find_dead(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"), SEND(HI), CLOSE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND(HI), FOREVER, END,
	};
	struct heph_http_client_stats stats;
	struct heph_http_client client;
	peer_ref peer = peer_start(ctx, &script, steps);

	must_be(heph_http_client_start(ctx, &client), 0);
	must_get(ctx, client, &script);
	while (script.connections < 2)
		must_be(heph_yield(ctx), 0);
	/* The first one is closed at the end of the worker's turn. */
	must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must_get(ctx, client, &script);
	stats = stats_of(ctx, client);
	must_be(stats.dead, 1);
	must_be(stats.opened, 2);
	must_be(stats.reused, 0);
	heph_stop(peer);
	must_be(heph_join(ctx, peer, NULL), 0);
	/* And nobody asks: within a second or two the pool sees it itself. */
	while (stats_of(ctx, client).idle_now > 0)
		must_be(heph_sleep(ctx, 50 * HEPH_MSEC), 0);
	must_be(stats_of(ctx, client).dead, 2);
	return 0;
}

static void a_dead_connection_is_not_used(void **state)
{
	run(find_dead, NULL);
}

static int retry(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"), SEND(HI),
		EXPECT("GET /again"), EXPECT("\r\n\r\n"), CLOSE, /* too late */
		ACCEPT, EXPECT("GET /again"), EXPECT("\r\n\r\n"), SEND(HI),
		EXPECT("POST /once"), EXPECT("\r\n\r\n"), CLOSE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND(HI),
		EXPECT("GET /no"), EXPECT("\r\n\r\n"), CLOSE,
		ACCEPT, EXPECT("\r\n\r\n"), SEND(HI),
		EXPECT("GET /half"), EXPECT("\r\n\r\n"), SEND("HTTP"), CLOSE,
		ACCEPT, EXPECT("GET /first"), EXPECT("\r\n\r\n"), CLOSE,
		END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client;
	struct heph_http_reply *reply;

	must_be(heph_http_client_start(ctx, &client), 0);
	must_get(ctx, client, &script);
	must_be(heph_http_get(ctx, client, at(&script, "/again"), &reply), 0);
	must_say(ctx, reply, 200, "hi");
	/* Not one that might be done twice, */
	must_be(heph_http_post(ctx, client, at(&script, "/once"), "x", 1,
			       &reply),
		-ENODATA);
	must_get(ctx, client, &script);
	/* nor where the caller does not want it, */
	must_be(heph_http_get(ctx, client, at(&script, "/no"), &reply,
			      .no_retry = true),
		-ENODATA);
	must_get(ctx, client, &script);
	/* nor after the first byte of a response, nor on a new connection. */
	must_be(heph_http_get(ctx, client, at(&script, "/half"), &reply),
		-ENODATA);
	must_be(heph_http_get(ctx, client, at(&script, "/first"), &reply),
		-ENODATA);
	peer_end(ctx, peer, &script);
	must_be(script.connections, 5);
	return 0;
}

static void what_does_no_harm_is_sent_again(void **state)
{
	run(retry, NULL);
}

/* ---- limits --------------------------------------------------------------------------------- */

struct getting {
	struct heph_http_client client;
	int n;
};

static _Atomic long got_replies, got_errors;

static int get_many(heph_ctx ctx, act_inbox in, void *arg)
{
	struct getting *getting = arg;
	struct heph_http_reply *reply;
	struct heph_str body;
	int err;

	for (int n = 0; n < getting->n; n++) {
		err = heph_http_get(ctx, getting->client, script.url, &reply);
		if (err < 0) {
			got_errors++;
			continue;
		}
		if (n % 5)
			err = heph_http_reply_read_all(ctx, reply, 9, &body);
		if (n % 5 && err == 0)
			must_be_text(body, "hi");
		if (err == 0)
			got_replies++;
		else
			got_errors++;
		heph_http_reply_free(ctx, reply);
	}
	return 0;
}

static int storm(heph_ctx ctx, act_inbox in, void *arg)
{
	bool rude = arg;
	server_ref server = serve(
		ctx, &script, (struct serving){ .rude = rude, .slow = !rude });
	static struct getting getting;
	struct heph_http_client_stats stats;
	act_ref actors[100];

	got_replies = got_errors = 0;
	getting.n = 10;
	must_be(heph_http_client_start(ctx, &getting.client, .per_host = 8), 0);
	for (int n = 0; n < 100; n++)
		actors[n] = spawn_on(ctx, HEPH_WORKER(n % 2), get_many,
				     &getting);
	for (int n = 0; n < 100; n++)
		must_be(heph_join(ctx, actors[n], NULL), 0);
	stats = stats_of(ctx, getting.client);
	must_be(got_replies + got_errors, 1000);
	must(rude || got_errors == 0);
	await_used(ctx, getting.client, 0, 0);
	must(stats.idle_now <= 8);
	must(rude || served_connections <= 8 + 200); /* those not read */
	must(stats.opened + stats.reused >= 1000);
	end_server(ctx, server, getting.client);
	return 0;
}

static void a_hundred_actors_share_eight_connections(void **state)
{
	run(storm, NULL);
}

static void peers_may_close_at_any_time(void **state)
{
	run(storm, &script);
}

static char order[10];

static int get_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	struct getting *getting = arg;
	struct heph_http_reply *reply;

	int err = heph_http_get(ctx, getting->client, script.url, &reply);

	if (err == -ECANCELED)
		return err;
	must_be(err, 0);
	order[strlen(order)] = (char)getting->n;
	heph_http_reply_free(ctx, reply);
	return 0;
}

static int wait_in_order(heph_ctx ctx, act_inbox in, void *arg)
{
	server_ref server = serve(ctx, &script, (struct serving){ 0 });
	static struct getting getting[4];
	struct heph_http_failure failure = { 0 };
	struct heph_http_client client;
	struct heph_http_reply *reply, *none;
	act_ref actors[4];

	memset(order, 0, sizeof(order));
	must_be(heph_http_client_start(ctx, &client, .per_host = 1,
				       .waiting = 4),
		0);
	must_be(heph_http_get(ctx, client, script.url, &reply), 0);
	for (int n = 0; n < 4; n++) {
		getting[n] = (struct getting){ client, 'a' + n };
		actors[n] = spawn_on(ctx, HEPH_WORKER(0), get_in_order,
				     &getting[n]);
		await_used(ctx, client, 1, (unsigned)n + 1);
	}
	must_be(heph_http_get(ctx, client, script.url, &none,
			      .failure = &failure),
		-EAGAIN);
	must_be(failure.phase, HEPH_HTTP_PHASE_WAIT);
	heph_stop(actors[1]); /* it waits no more */
	await_used(ctx, client, 1, 3);
	must_be(heph_http_get(ctx, client, script.url, &none,
			      .times = { .wait = HEPH_MSEC }),
		-ETIME);
	await_used(ctx, client, 1, 3);
	must_say(ctx, reply, 200, "hi");
	for (int n = 0; n < 4; n++)
		if (n != 1)
			must_be(heph_join(ctx, actors[n], NULL), 0);
	must_be(strcmp(order, "acd"), 0);
	must_be(stats_of(ctx, client).refused, 1);
	end_server(ctx, server, client);
	return 0;
}

static void requests_wait_in_order(void **state)
{
	run(wait_in_order, NULL);
}

/* As long as the client says, for the very first request, too. */
static int wait_shortly(heph_ctx ctx, act_inbox in, void *arg)
{
	server_ref server = serve(ctx, &script, (struct serving){ 0 });
	struct heph_http_client client;
	struct heph_http_reply *reply, *none;
	heph_time begin;

	must_be(heph_http_client_start(ctx, &client, .per_host = 1,
				       .times = { .wait = HEPH_MSEC }),
		0);
	must_be(heph_http_get(ctx, client, script.url, &reply), 0);
	begin = heph_now();
	must_be(heph_http_get(heph_within(ctx, 5 * HEPH_SEC), client, script.url,
			      &none),
		-ETIME);
	must(heph_now() - begin < 4 * HEPH_SEC);
	must_say(ctx, reply, 200, "hi");
	end_server(ctx, server, client);
	return 0;
}

static void the_client_says_how_long_requests_wait(void **state)
{
	run(wait_shortly, NULL);
}

static int evict(heph_ctx ctx, act_inbox in, void *arg)
{
	server_ref server = serve(ctx, &script, (struct serving){ 0 });
	server_ref another = serve(ctx, &other, (struct serving){ 0 });
	struct heph_http_client client;

	must_be(heph_http_client_start(ctx, &client, .connections = 1), 0);
	for (int n = 0; n < 6; n++)
		must_get(ctx, client, n % 2 ? &other : &script);
	must_be(stats_of(ctx, client).evicted, 5);
	must_be(stats_of(ctx, client).idle_now, 1);
	must_be(served_connections, 6);
	end_server(ctx, server, client);
	end_server(ctx, another, client);
	return 0;
}

static void an_idle_connection_makes_room_for_another_host(void **state)
{
	run(evict, NULL);
}

static int get_old(heph_ctx ctx, act_inbox in, void *arg)
{
	server_ref server = serve(ctx, &script, (struct serving){ 0 });
	struct heph_http_client client, aging;

	must_be(heph_http_client_start(ctx, &client, .idle_time = 1), 0);
	must_be(heph_http_client_start(ctx, &aging, .max_age = 1), 0);
	for (int n = 0; n < 3; n++) {
		must_get(ctx, client, &script);
		must_get(ctx, aging, &script);
	}
	must_be(stats_of(ctx, client).reused, 0);
	must_be(stats_of(ctx, aging).reused, 0);
	must_be(served_connections, 6);
	heph_http_client_stop(aging);
	end_server(ctx, server, client);
	return 0;
}

static void old_connections_are_closed(void **state)
{
	run(get_old, NULL);
}

/* ---- those who end -------------------------------------------------------------------------- */

/* What an actor does when it ends. */
struct ending {
	struct heph_http_client client;
	int how; /* 'r'eturns, 'p'anics, 's'topped */
	int when;
};

enum { IN_HEAD, IN_BODY, READING, WRITING, BY_HAND, WHENS };

static struct heph_http_reply *_Atomic ending_reply;

static void get_somewhere(heph_ctx ctx, struct ending *ending)
{
	struct heph_http_client_conn *conn;
	struct heph_http_reply *reply;
	char byte;
	int err;

	switch (ending->when) {
	case IN_HEAD:
		err = heph_http_get(ctx, ending->client, script.url, &reply);
		must_be(err, -ECANCELED);
		return;
	case WRITING:
		must_be(heph_http_fetch_begin(ctx, ending->client, script.url,
					      &reply,
					      .method = HEPH_HTTP_POST,
					      .length = 10),
			0);
		must_be(heph_http_fetch_write(ctx, reply, "x", 1), 0);
		break;
	case BY_HAND:
		must_be(heph_http_client_conn_open(ctx, script.url, NULL,
						   &conn),
			0);
		must_be(heph_http_client_conn_send(ctx, conn, "/"), 0);
		must_be(heph_http_client_conn_receive(ctx, conn, &reply), 0);
		break;
	default:
		must_be(heph_http_get(ctx, ending->client, script.url, &reply),
			0);
		if (ending->when == READING)
			must_be(heph_http_reply_read(ctx, reply, &byte, 1), 1);
	}
	ending_reply = reply;
}

static int end_somehow(heph_ctx ctx, act_inbox in, void *arg)
{
	struct ending *ending = arg;

	get_somewhere(ctx, ending);
	if (ending->how == 'p')
		heph_panic(ctx, "on purpose");
	return ending->how == 's' ? idle(ctx, in, NULL) : 0;
}

static int end_everywhere(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step mute[] = { ACCEPT, EXPECT("\r\n\r\n"), MUTE, END };
	static const struct step half[] = {
		ACCEPT, EXPECT("\r\n\r\n"),
		SEND(OK "Content-Length: 4\r\n\r\nab"), MUTE, END,
	};
	static struct ending ending;
	struct heph_http_client client;
	peer_ref peer;
	act_ref actor;

	must_be(heph_http_client_start(ctx, &client), 0);
	for (int n = 0; n < 3 * 2 * WHENS; n++) {
		ending = (struct ending){ client, "rps"[n % 3], n / 6 };
		if (ending.when == IN_HEAD)
			ending.how = 's';
		ending_reply = NULL;
		peer = peer_start(ctx, &script,
				  ending.when == IN_HEAD ||
						  ending.when == WRITING ?
					  mute :
					  half);
		actor = spawn_on(ctx, HEPH_WORKER(n / 3 % 2), end_somehow,
				 &ending);
		if (ending.when == IN_HEAD)
			while (!script.matched)
				must_be(heph_yield(ctx), 0);
		while (ending.when != IN_HEAD && ending.how == 's' &&
		       !ending_reply)
			must_be(heph_yield(ctx), 0);
		if (ending.how == 's')
			heph_stop(actor);
		must_be(heph_join(ctx, actor, NULL), 0);
		peer_end(ctx, peer, &script);
		await_used(ctx, client, 0, 0);
	}
	return 0;
}

static void all_is_given_back_however_an_actor_ends(void **state)
{
	run(end_everywhere, NULL);
}

/* The client ends first: who has a connection keeps it. */
static int outlive(heph_ctx ctx, act_inbox in, void *arg)
{
	static const struct step steps[] = {
		ACCEPT, EXPECT("\r\n\r\n"), SEND(OK "Content-Length: 4\r\n\r\nab"),
		PAUSE(1), SEND("cd"), MUTE, END,
	};
	peer_ref peer = peer_start(ctx, &script, steps);
	struct heph_http_client client;
	struct heph_http_client_stats stats;
	struct heph_http_reply *reply, *none;

	must_be(heph_http_client_start(ctx, &client), 0);
	must_be(heph_http_get(ctx, client, script.url, &reply), 0);
	heph_http_client_stop(client);
	must_be(heph_join(ctx, (heph_ref){ client.actor__ }, NULL), 0);
	must_be(heph_http_get(ctx, client, script.url, &none), -ESRCH);
	must_be(heph_http_client_stats(ctx, client, &stats), -ESRCH);
	must_say(ctx, reply, 200, "abcd");
	peer_end(ctx, peer, &script);
	return 0;
}

static void a_request_may_outlive_the_client(void **state)
{
	run(outlive, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_used_again),
		cmocka_unit_test(a_dead_connection_is_not_used),
		cmocka_unit_test(what_does_no_harm_is_sent_again),
		cmocka_unit_test(a_hundred_actors_share_eight_connections),
		cmocka_unit_test(peers_may_close_at_any_time),
		cmocka_unit_test(requests_wait_in_order),
		cmocka_unit_test(the_client_says_how_long_requests_wait),
		cmocka_unit_test(an_idle_connection_makes_room_for_another_host),
		cmocka_unit_test(old_connections_are_closed),
		cmocka_unit_test(all_is_given_back_however_an_actor_ends),
		cmocka_unit_test(a_request_may_outlive_the_client),
	};

	return cmocka_run_group_tests_name("http_pool", tests, NULL, NULL);
}
