/* SPDX-License-Identifier: MIT */
/* Handshakes that succeed, and what they agree upon. */
#include "tls.h"

static const enum heph_tls_version versions[] = { HEPH_TLS_1_2, HEPH_TLS_1_3 };

static struct heph_tls *client_of(enum heph_tls_version version)
{
	struct heph_tls *tls;

	must_be(heph_tls_client_new(&tls, .ca_pem = kit()->ca.cert_pem,
				    .min_version = version,
				    .max_version = version),
		0);
	return tls;
}

/* ---- versions -------------------------------------------------------------------------- */

static int both_versions(heph_ctx ctx, void *arg)
{
	struct heph_tls *server = new_server(), *client;
	struct both *both;

	for (int i = 0; i < 2; i++) {
		client = client_of(versions[i]);
		both = new_both(server, client);
		run_both(ctx, both);
		must_work(both);
		must_be(both->server.facts.version, versions[i]);
		must_be(both->client.facts.version, versions[i]);
		must(both->client.facts.verified);
		must(!both->server.facts.verified);
		must(!both->client.facts.resumed);
		must_be(strcmp(both->client.facts.cipher,
			       both->server.facts.cipher),
			0);
		must(strstr(both->client.facts.cipher, "GCM"));
		free(both);
		heph_tls_free(client);
	}
	heph_tls_free(server);
	return 0;
}

static void shakes_hands_with_both_versions(void **state)
{
	run_task(both_versions);
	run_simulated(both_versions, 1);
}

static int on_plain_threads(heph_ctx ctx, void *arg)
{
	struct heph_tls *server = new_server(), *client = new_client();
	struct both *both = new_both(server, client);
	heph_fd fd = give_other(ctx, &both->server);
	task_ref task = start_end(ctx, &both->server, HEPH_WORKER(0));

	must_be(heph_fd_give(ctx, fd, &both->client.fd), 0);
	run_end(ctx, &both->client);
	end_task(ctx, task);
	must_work(both);
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void works_on_plain_threads(void **state)
{
	run_thread(on_plain_threads);
}

static int everywhere(heph_ctx ctx, void *arg)
{
	static const int places[][2] = {
		{ HEPH_ANY, HEPH_ANY },
		{ HEPH_OWN_THREAD, HEPH_WORKER(0) },
		{ HEPH_WORKER(1), HEPH_ANY },
	};
	struct heph_tls *server = new_server(), *client = new_client();
	struct both *both = new_both(server, client);
	task_ref tasks[2];
	heph_fd fd;

	for (int i = 0; i < 3; i++) {
		fd = give_other(ctx, &both->server);
		must_be(heph_fd_give(ctx, fd, &both->client.fd), 0);
		tasks[0] = start_end(ctx, &both->server, places[i][0]);
		tasks[1] = start_end(ctx, &both->client, places[i][1]);
		end_task(ctx, tasks[0]);
		end_task(ctx, tasks[1]);
		must_work(both);
	}
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void works_wherever_actors_are(void **state)
{
	struct heph_config config = { .workers = 2, .no_signals = true };
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	end_task(ctx, start_task(ctx, everywhere, NULL));
	must_be(heph_drain(ctx), 0);
	heph_free(ctx);
}

static int disjoint_versions(heph_ctx ctx, void *arg)
{
	struct heph_tls *server, *client = client_of(HEPH_TLS_1_2);
	struct both *both;

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .min_version = HEPH_TLS_1_3),
		0);
	both = new_both(server, client);
	run_both(ctx, both);
	must_be(both->server.result, -EPROTO);
	must_be(both->client.result, -EPROTO);
	must(strstr(both->server.text, "unsupported protocol"));
	must(strstr(both->client.text, "the peer says: protocol version"));
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void refuses_versions_that_are_too_old(void **state)
{
	run_task(disjoint_versions);
}

/* ---- kinds of keys ---------------------------------------------------------------------- */

static int keys_of_rsa(heph_ctx ctx, void *arg)
{
	struct made *made = arg;
	struct heph_tls *server, *client;
	struct both *both;

	must_be(heph_tls_server_new(&server, .cert = { .pem = made[1].pem },
				    .ca_pem = made[0].cert_pem,
				    .verify = HEPH_TLS_VERIFY_REQUIRED),
		0);
	for (int i = 0; i < 2; i++) {
		must_be(heph_tls_client_new(&client, .ca_pem = made[0].cert_pem,
					    .cert = { .pem = made[1].pem },
					    .max_version = versions[i]),
			0);
		both = new_both(server, client);
		run_both(ctx, both);
		must_work(both);
		must(both->server.facts.verified);
		free(both);
		heph_tls_free(client);
	}
	heph_tls_free(server);
	return 0;
}

/* The deepest that OpenSSL goes on a stack. */
static void has_room_on_the_stack_for_rsa(void **state)
{
	struct made made[2];

	made[0] = make_cert(&(struct recipe){ .name = "a large root",
					      .ca = true,
					      .rsa = 2048 });
	made[1] = make_cert(&(struct recipe){ .name = "usual",
					      .names = "DNS:localhost",
					      .issuer = &made[0],
					      .rsa = 2048 });
	run_task_on(1, keys_of_rsa, made);
	free_cert(&made[0]);
	free_cert(&made[1]);
}

/* ---- names of hosts ---------------------------------------------------------------------- */

static int hosts(heph_ctx ctx, void *arg)
{
	static const struct {
		const char *host, *asked;
		int err;
	} cases[] = {
		{ "localhost", "localhost", 0 },
		{ "LocalHost.", "localhost", 0 },
		{ "a.example.com", "a.example.com", 0 },
		{ "127.0.0.1", "", 0 },
		{ "::1", "", 0 },
		{ "[::1]", "", 0 },
		{ "a.b.example.com", "a.b.example.com", -EKEYREJECTED },
		{ "example.com", "example.com", -EKEYREJECTED },
		{ "server", "server", -EKEYREJECTED }, /* the common name */
		{ "127.0.0.2", "", -EKEYREJECTED },
		{ "::2", "", -EKEYREJECTED },
	};
	struct heph_tls *server = new_server(), *client;
	struct both *both;

	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .no_resumption = true),
		0);
	both = new_both(server, client);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		both->client.host = cases[i].host;
		run_both(ctx, both);
		must_be(both->client.result, cases[i].err);
		if (cases[i].err == 0) {
			must_be(strcmp(both->server.facts.name, cases[i].asked),
				0);
			continue;
		}
		must(strstr(both->client.text, "is not of"));
		must(strstr(both->client.text, cases[i].host));
		must(both->server.result < 0);
	}
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void verifies_the_name_of_the_host(void **state)
{
	run_task(hosts);
}

static int without_host(heph_ctx ctx, void *arg)
{
	struct heph_tls *client = new_client(), *server = new_server();
	struct heph_stream stream;
	heph_fd fd = { 0 };
	char longer[300];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	must_be(heph_tls_connect(ctx, client, fd, NULL, &stream), -EINVAL);
	must_be(heph_tls_connect(ctx, client, fd, "", &stream), -EINVAL);
	must_be(heph_tls_connect(ctx, client, fd, ".a", &stream), -EINVAL);
	must_be(heph_tls_connect(ctx, client, fd, longer, &stream), -EINVAL);
	must_be(heph_tls_connect(ctx, server, fd, "a", &stream), -EINVAL);
	must_be(heph_tls_accept(ctx, client, fd, &stream), -EINVAL);
	must_be(heph_tls_accept(ctx, server, fd, &stream), -EBADF);
	must_be(heph_tls_connect(ctx, client, fd, "a", &stream), -EBADF);
	heph_tls_free(client);
	heph_tls_free(server);
	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .host = "localhost"),
		0);
	must_be(heph_tls_connect(ctx, client, fd, NULL, &stream), -EBADF);
	heph_tls_free(client);
	return 0;
}

static void refuses_what_cannot_be(void **state)
{
	run_task(without_host);
}

/* ---- application protocols ----------------------------------------------------------------- */

static int protocols(heph_ctx ctx, void *arg)
{
	static const struct {
		const char *server, *client, *agreed; /* NULL: it fails */
	} cases[] = {
		{ "h2,http/1.1", "http/1.1,h2", "h2" },
		{ "h2,http/1.1", "http/1.1", "http/1.1" },
		{ "http/1.1", NULL, "" },
		{ NULL, "h2", "" },
		{ "h2", "http/1.1,spdy/1", NULL },
	};
	struct heph_tls *server, *client;
	struct both *both;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		must_be(heph_tls_server_new(&server,
					    .cert = { .pem = kit()->server.pem },
					    .alpn = cases[i].server),
			0);
		must_be(heph_tls_client_new(&client,
					    .ca_pem = kit()->ca.cert_pem,
					    .alpn = cases[i].client),
			0);
		both = new_both(server, client);
		run_both(ctx, both);
		must_be(both->client.result, cases[i].agreed ? 0 : -EPROTO);
		must_be(both->server.result, cases[i].agreed ? 0 : -EPROTO);
		if (cases[i].agreed) {
			must_be(strcmp(both->server.facts.alpn, cases[i].agreed),
				0);
			must_be(strcmp(both->client.facts.alpn, cases[i].agreed),
				0);
		} else {
			must(strstr(both->client.text, "no application protocol"));
		}
		free(both);
		heph_tls_free(server);
		heph_tls_free(client);
	}
	return 0;
}

static void agrees_upon_an_application_protocol(void **state)
{
	run_task(protocols);
}

/* ---- certificates by name -------------------------------------------------------------------- */

struct shown {
	char subject[256];
};

static int note_subject(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct shown *shown = arg;
	struct heph_tls_peer *peer = malloc(sizeof(*peer));

	must_be(heph_tls_peer(stream, peer), 0);
	snprintf(shown->subject, sizeof(shown->subject), "%s", peer->subject);
	free(peer);
	return greet(ctx, stream, NULL);
}

static int by_name(heph_ctx ctx, void *arg)
{
	static const struct {
		const char *host, *subject;
	} cases[] = {
		{ "localhost", "CN=server" },
		{ "one.example.org", "CN=one" },
		{ "ONE.example.org.", "CN=one" },
		{ "any.example.org", "CN=wild" },
		{ "two.any.example.org", "CN=server" }, /* nobody's */
		{ "other.test", "CN=server" },
		{ "127.0.0.1", "CN=server" },
	};
	struct made *made = arg;
	struct heph_tls_cert others[2] = { { .pem = made[0].pem },
					   { .pem = made[1].pem } };
	struct heph_tls *server, *client;
	struct shown *shown = calloc(1, sizeof(*shown));
	struct both *both;

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .more_certs = others, .n_more_certs = 2),
		0);
	must_be(heph_tls_client_new(&client, .verify = HEPH_TLS_VERIFY_NONE), 0);
	both = new_both(server, client);
	both->client.fn = note_subject;
	both->client.arg = shown;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		both->client.host = cases[i].host;
		run_both(ctx, both);
		must_work(both);
		must_be(strcmp(shown->subject, cases[i].subject), 0);
		must(!both->client.facts.verified);
	}
	must_be(heph_tls_reload(server, .cert = { .pem = kit()->server.pem },
				.more_certs = others, .n_more_certs = 2,
				.refuse_unknown_names = true),
		0);
	both->client.host = "other.test";
	run_both(ctx, both);
	must_be(both->client.result, -EPROTO);
	must(strstr(both->client.text, "unrecognized name"));
	both->client.host = "one.example.org";
	run_both(ctx, both);
	must_work(both);
	both->client.host = "::1"; /* names nobody */
	run_both(ctx, both);
	must_work(both);
	free(both);
	free(shown);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void shows_the_certificate_of_the_name(void **state)
{
	struct made made[2];

	made[0] = make_cert(&(struct recipe){
		.name = "one", .names = "DNS:One.example.org", .issuer = &kit()->ca });
	made[1] = make_cert(&(struct recipe){
		.name = "wild", .names = "DNS:*.example.org", .issuer = &kit()->ca });
	run_task_on(1, by_name, made);
	free_cert(&made[0]);
	free_cert(&made[1]);
}

/* One name with two kinds of keys: the client's abilities decide. */
static int two_kinds(heph_ctx ctx, void *arg)
{
	struct made *rsa = arg;
	struct heph_tls_cert other = { .pem = rsa->pem };
	static const char *const ciphers[] = { "ECDHE-RSA-AES128-GCM-SHA256",
					       "ECDHE-ECDSA-AES128-GCM-SHA256" };
	struct heph_tls *server, *client;
	struct both *both;

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .more_certs = &other, .n_more_certs = 1),
		0);
	for (int i = 0; i < 2; i++) {
		must_be(heph_tls_client_new(&client,
					    .ca_pem = kit()->ca.cert_pem,
					    .ciphers = ciphers[i],
					    .max_version = HEPH_TLS_1_2),
			0);
		both = new_both(server, client);
		run_both(ctx, both);
		must_work(both);
		must_be(strcmp(both->client.facts.cipher, ciphers[i]), 0);
		free(both);
		heph_tls_free(client);
	}
	heph_tls_free(server);
	return 0;
}

static void has_keys_of_two_kinds_for_a_name(void **state)
{
	struct made rsa = make_cert(&(struct recipe){ .name = "rsa",
						      .names = "DNS:localhost",
						      .issuer = &kit()->ca,
						      .rsa = 2048 });

	run_task_on(1, two_kinds, &rsa);
	free_cert(&rsa);
}

/* ---- resuming ------------------------------------------------------------------------------- */

static int resume(heph_ctx ctx, void *arg)
{
	struct heph_tls *server = new_server(), *client;
	struct both *both;
	heph_fd fd;
	task_ref tasks[2];

	for (int i = 0; i < 2; i++) {
		client = client_of(versions[i]);
		both = new_both(server, client);
		for (int n = 0; n < 6; n++) {
			fd = give_other(ctx, &both->server);
			must_be(heph_fd_give(ctx, fd, &both->client.fd), 0);
			tasks[0] = start_end(ctx, &both->server,
					     HEPH_WORKER(n % 2));
			tasks[1] = start_end(ctx, &both->client,
					     HEPH_WORKER(n / 2 % 2));
			end_task(ctx, tasks[0]);
			end_task(ctx, tasks[1]);
			must_work(both);
			must_be(both->client.facts.resumed, n > 0);
			must_be(both->server.facts.resumed, n > 0);
			must(both->client.facts.verified);
		}
		both->client.host = "a.example.com"; /* another one */
		run_both(ctx, both);
		must_work(both);
		must(!both->client.facts.resumed);
		free(both);
		heph_tls_free(client);
	}
	heph_tls_free(server);
	return 0;
}

static void resumes_on_any_worker(void **state)
{
	run_task_on(2, resume, NULL);
}

static int no_resumption(heph_ctx ctx, void *arg)
{
	struct heph_tls *servers[2], *clients[2];
	struct both *both;

	for (int i = 0; i < 2; i++) {
		must_be(heph_tls_server_new(&servers[i],
					    .cert = { .pem = kit()->server.pem },
					    .no_resumption = i == 0),
			0);
		must_be(heph_tls_client_new(&clients[i],
					    .ca_pem = kit()->ca.cert_pem,
					    .no_resumption = i == 1),
			0);
		both = new_both(servers[i], clients[i]);
		for (int n = 0; n < 2; n++) {
			run_both(ctx, both);
			must_work(both);
			must(!both->client.facts.resumed);
		}
		free(both);
		heph_tls_free(servers[i]);
		heph_tls_free(clients[i]);
	}
	return 0;
}

static void resumes_nothing_if_told_so(void **state)
{
	run_task(no_resumption);
}

/* The key of a ticket is known for twice its life; in a world with a clock of its
 * own; sessions end by that of the kernel. */
static int old_tickets(heph_ctx ctx, void *arg)
{
	struct heph_tls *server, *client = client_of(HEPH_TLS_1_3);
	struct both *both;
	static const struct {
		heph_time wait;
		bool resumed;
	} steps[] = { { 0, false },
		      { 50 * HEPH_SEC, true },
		      { 50 * HEPH_SEC, true }, /* and gets another one */
		      { 150 * HEPH_SEC, true },
		      { 201 * HEPH_SEC, false } };

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .ticket_time = 100 * HEPH_SEC),
		0);
	both = new_both(server, client);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		must_be(heph_sleep(ctx, steps[i].wait), 0);
		run_both(ctx, both);
		must_work(both);
		must_be(both->server.facts.resumed, steps[i].resumed);
	}
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void forgets_the_keys_of_old_tickets(void **state)
{
	run_simulated(old_tickets, 1);
}

/* The oldest goes: with two places, of three hosts. */
static int few_sessions(heph_ctx ctx, void *arg)
{
	static const char *const names[] = { "a.example.com", "b.example.com",
					     "c.example.com", "b.example.com",
					     "a.example.com" };
	static const bool resumed[] = { false, false, false, true, false };
	struct heph_tls *server = new_server(), *client;
	struct both *both;

	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .sessions = 2, .max_version = HEPH_TLS_1_2),
		0);
	both = new_both(server, client);
	for (int i = 0; i < 5; i++) {
		both->client.host = names[i];
		run_both(ctx, both);
		must_work(both);
		must_be(both->client.facts.resumed, resumed[i]);
	}
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void keeps_as_many_sessions_as_it_may(void **state)
{
	run_task(few_sessions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shakes_hands_with_both_versions),
		cmocka_unit_test(works_on_plain_threads),
		cmocka_unit_test(works_wherever_actors_are),
		cmocka_unit_test(refuses_versions_that_are_too_old),
		cmocka_unit_test(has_room_on_the_stack_for_rsa),
		cmocka_unit_test(verifies_the_name_of_the_host),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(agrees_upon_an_application_protocol),
		cmocka_unit_test(shows_the_certificate_of_the_name),
		cmocka_unit_test(has_keys_of_two_kinds_for_a_name),
		cmocka_unit_test(resumes_on_any_worker),
		cmocka_unit_test(resumes_nothing_if_told_so),
		cmocka_unit_test(forgets_the_keys_of_old_tickets),
		cmocka_unit_test(keeps_as_many_sessions_as_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, free_kit);
}
