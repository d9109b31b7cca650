/* SPDX-License-Identifier: MIT */
/* Connections to NATS: how they are made, what is refused; nodes that talk over them. */
#include "cluster_sides.h"
#include "certs.h"

#include <heph/sim.h>
#include <dirent.h>
#include <pthread.h>

/* ---- connecting --------------------------------------------------------------------- */

struct attempt {
	const char *url;
	struct heph_nats_config config;
	int err;
};

static int attempt(heph_ctx ctx, act_inbox in, void *arg)
{
	struct attempt *attempt = arg;
	struct heph_nats_stats stats;
	heph_nats nats;
	int err;

	attempt->config.size = sizeof(attempt->config);
	attempt->config.url = attempt->url;
	err = heph_raw_nats_connect(ctx, &nats, &attempt->config);
	must_be(err, attempt->err);
	if (err == 0) {
		must_be(heph_nats_stats(ctx, nats, &stats), 0);
		must(stats.connected && stats.server[0] && stats.reconnects == 0);
	}
	return 0;
}

static void try_to_connect(const char *url, struct heph_nats_config config, int err)
{
	struct attempt it = { url, config, err };

	run(attempt, &it);
}

static void connects_or_says_why_not(void **state)
{
	char both[160];

	(void)state;
	try_to_connect(server.url, (struct heph_nats_config){ 0 }, 0);
	snprintf(both, sizeof(both), "nats://127.0.0.1:1,%s", server.url);
	try_to_connect(both, (struct heph_nats_config){ 0 }, 0);
	try_to_connect("nats://127.0.0.1:1", (struct heph_nats_config){ 0 },
		       -ECONNREFUSED);
	try_to_connect(NULL, (struct heph_nats_config){ 0 }, -EINVAL);
	try_to_connect("", (struct heph_nats_config){ 0 }, -EINVAL);
	try_to_connect(server.url, (struct heph_nats_config){ .prefix = "a.b" },
		       -EINVAL);
	try_to_connect(server.url, (struct heph_nats_config){ .user = "u" }, -EINVAL);
	try_to_connect(server.url, (struct heph_nats_config){ .queue = 1 << 21 },
		       -EINVAL);
	try_to_connect(server.url,
		       (struct heph_nats_config){ .nkey_seed_file = "/nowhere" },
		       -EINVAL);
	try_to_connect(server.url,
		       (struct heph_nats_config){ .ca_file = "/nowhere" }, -EINVAL);
}

static int in_a_simulation(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_nats nats;

	must_be(heph_nats_connect(ctx, &nats, .url = server.url), -EOPNOTSUPP);
	return 0;
}

static void is_refused_in_a_simulated_world(void **state)
{
	(void)state;
	must_be(heph_sim_run(1, NULL, act, { in_a_simulation, NULL }), 0);
}

/* ---- credentials ----------------------------------------------------------------------- */

static void with_broker(const char *config, void (*fn)(struct nats_server *))
{
	struct nats_server other;

	nats_server_start_with(&other, config);
	fn(&other);
	nats_server_end(&other);
}

static void try_users(struct nats_server *other)
{
	char url[128];

	try_to_connect(other->url,
		       (struct heph_nats_config){ .user = "u", .password = "p" }, 0);
	try_to_connect(other->url,
		       (struct heph_nats_config){ .user = "u", .password = "x" },
		       -EACCES);
	try_to_connect(other->url, (struct heph_nats_config){ 0 }, -EACCES);
	snprintf(url, sizeof(url), "nats://u:p@127.0.0.1:%d", other->port);
	try_to_connect(url, (struct heph_nats_config){ 0 }, 0);
}

static void try_tokens(struct nats_server *other)
{
	try_to_connect(other->url, (struct heph_nats_config){ .token = "secret" }, 0);
	try_to_connect(other->url, (struct heph_nats_config){ .token = "x" }, -EACCES);
}

/* A pair of keys that was made for this test. */
#define SEED "SUAODFK6WNEL7S445QPCDMJNDEHAZVNNTPXNKA3CCLIEENRZSDUS4W32E4"
#define KEY "UC2ZBNNQYJ7UHDB5JYGTHCEAHWAARGLCLMWWIPQD7TZPTMPHEZ5NDL3K"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	must(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void try_nkeys(struct nats_server *other)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/seed", other->dir);
	write_file(path, SEED "\n");
	try_to_connect(other->url, (struct heph_nats_config){ .nkey_seed_file = path },
		       0);
	try_to_connect(other->url, (struct heph_nats_config){ 0 }, -EACCES);
	write_file(path, "SUAODFK6WNEL7S445QPCDMJNDEHAZVNNTPXNKA3CCLIEENRZSDUS4W32EA\n");
	try_to_connect(other->url, (struct heph_nats_config){ .nkey_seed_file = path },
		       -EINVAL);
	write_file(path, "nothing");
	try_to_connect(other->url, (struct heph_nats_config){ .nkey_seed_file = path },
		       -EINVAL);
}

static void credentials_pass_through(void **state)
{
	(void)state;
	with_broker("authorization { user: u, password: p }\n", try_users);
	with_broker("authorization { token: secret }\n", try_tokens);
	with_broker("authorization { users: [ { nkey: " KEY " } ] }\n", try_nkeys);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static struct made ca, broker, stranger_ca, client;

static void write_in(const struct nats_server *other, const char *name,
		     const char *text, char path[96])
{
	snprintf(path, 96, "%s/%s", other->dir, name);
	write_file(path, text);
}

/* Only the key of what certs.h makes. */
static const char *key_of(const struct made *made)
{
	const char *key = strstr(made->pem, "-----BEGIN PRIVATE KEY");

	must(key);
	return key;
}

static void start_tls(struct nats_server *other, bool mutual)
{
	char cert[96], key[96], root[96], config[512];

	memset(other, 0, sizeof(*other));
	nats_server_dir(other);
	write_in(other, "cert", broker.cert_pem, cert);
	write_in(other, "key", key_of(&broker), key);
	write_in(other, "root", ca.cert_pem, root);
	snprintf(config, sizeof(config),
		 "tls { cert_file: \"%s\", key_file: \"%s\", ca_file: \"%s\", "
		 "verify: %s, timeout: 5 }\n",
		 cert, key, root, mutual ? "true" : "false");
	nats_server_start_as(other, config);
	snprintf(other->url, sizeof(other->url), "tls://localhost:%d", other->port);
}

static void is_verified(void)
{
	char root[96], wrong[96], elsewhere[64];
	struct nats_server other;

	start_tls(&other, false);
	snprintf(elsewhere, sizeof(elsewhere), "tls://127.0.0.1:%d", other.port);
	write_in(&other, "root", ca.cert_pem, root);
	write_in(&other, "wrong", stranger_ca.cert_pem, wrong);
	try_to_connect(other.url, (struct heph_nats_config){ .ca_file = root }, 0);
	try_to_connect(other.url, (struct heph_nats_config){ .ca_file = wrong },
		       -EPROTO);
	try_to_connect(other.url, (struct heph_nats_config){ .tls = true }, -EPROTO);
	try_to_connect(elsewhere, (struct heph_nats_config){ .ca_file = root },
		       -EPROTO); /* the certificate is of another name */
	try_to_connect(elsewhere,
		       (struct heph_nats_config){ .tls = true,
						  .tls_skip_verify = true },
		       0);
	nats_server_end(&other);
}

static void is_mutual(void)
{
	char root[96], cert[96], key[96];
	struct nats_server other;

	start_tls(&other, true);
	write_in(&other, "root", ca.cert_pem, root);
	write_in(&other, "client", client.cert_pem, cert);
	write_in(&other, "client.key", key_of(&client), key);
	try_to_connect(other.url,
		       (struct heph_nats_config){ .ca_file = root,
						  .cert_file = cert,
						  .key_file = key },
		       0);
	try_to_connect(other.url,
		       (struct heph_nats_config){ .ca_file = root,
						  .cert_file = cert },
		       -EINVAL);
	nats_server_end(&other);
}

static void tls_passes_through(void **state)
{
	(void)state;
	ca = make_cert(&(struct recipe){ .name = "a root", .ca = true });
	stranger_ca = make_cert(&(struct recipe){ .name = "another", .ca = true });
	broker = make_cert(&(struct recipe){
		.name = "broker", .names = "DNS:localhost", .issuer = &ca });
	client = make_cert(&(struct recipe){ .name = "client", .issuer = &ca });
	is_verified();
	is_mutual();
	free_cert(&client);
	free_cert(&broker);
	free_cert(&stranger_ca);
	free_cert(&ca);
}

/* ---- where it answers ------------------------------------------------------------------- */

/* One who knocks at a door may not have the node publish to any subject. */
static int knock(heph_ctx ctx, act_inbox in, void *arg)
{
	static const char hello[] = "HNW1heph.wire.0123456789abcdefghijkl";
	natsSubscription *ours = NULL, *other = NULL;
	struct heph_transport *transport;
	natsConnection *conn = NULL;
	natsMsg *msg = NULL;
	heph_node node;
	heph_nats nats;

	must_be(heph_nats_connect(ctx, &nats, .url = server.url), 0);
	must_be(heph_node_start(ctx, &node, .name = "n"), 0);
	must_be(heph_nats_transport_new(ctx, nats, &transport), 0);
	must_be(heph_node_listen(ctx, node, transport, "n", NULL), 0);
	heph_transport_free(transport);
	must(natsConnection_ConnectTo(&conn, server.url) == NATS_OK);
	must(natsConnection_SubscribeSync(&ours, conn, "heph.inbox.x.1") == NATS_OK);
	must(natsConnection_SubscribeSync(&other, conn, "victim") == NATS_OK);
	for (int i = 0; i < 20; i++)
		must(natsConnection_PublishRequestString(conn, "heph.node.n", "victim",
							 hello) == NATS_OK);
	must(natsConnection_PublishRequestString(conn, "heph.node.n",
						 "heph.inbox.x.1", hello) == NATS_OK);
	must(natsSubscription_NextMsg(&msg, ours, 20000) == NATS_OK);
	natsMsg_Destroy(msg);
	must(natsSubscription_NextMsg(&msg, other, 1) == NATS_TIMEOUT);
	natsSubscription_Destroy(ours);
	natsSubscription_Destroy(other);
	natsConnection_Destroy(conn);
	heph_stop((heph_ref){ node.addr });
	must_be(heph_join(ctx, (heph_ref){ node.addr }, NULL), 0);
	return 0;
}

static int knock_elsewhere(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_OWN_THREAD, knock, NULL); /* as it blocks */

	must_be(heph_join(ctx, ref, NULL), 0);
	return 0;
}

static void it_answers_where_answers_go(void **state)
{
	run(knock_elsewhere, NULL);
}

/* ---- a broker that is silent ------------------------------------------------------------ */

/* Says that it wants TLS, and nothing more, until it is told to end. */
struct silent {
	int listener, conn, port;
	pthread_t thread;
};

static void *be_silent(void *arg)
{
	static const char info[] = "INFO {\"server_id\":\"X\",\"version\":\"2.9.0\","
				   "\"headers\":true,\"max_payload\":1048576,"
				   "\"proto\":1,\"tls_required\":true}\r\n";
	struct silent *silent = arg;

	silent->conn = accept(silent->listener, NULL, NULL);
	if (silent->conn >= 0)
		must(write(silent->conn, info, sizeof(info) - 1) ==
		     sizeof(info) - 1);
	return NULL;
}

static void silent_start(struct silent *silent)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(addr);

	silent->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(silent->listener, (struct sockaddr *)&addr, size) == 0);
	must(listen(silent->listener, 8) == 0);
	must(getsockname(silent->listener, (struct sockaddr *)&addr, &size) == 0);
	silent->port = ntohs(addr.sin_port);
	must(pthread_create(&silent->thread, NULL, be_silent, silent) == 0);
}

/* On a machine that is too slow nobody has come. */
static void silent_end(struct silent *silent)
{
	shutdown(silent->listener, SHUT_RDWR);
	must(pthread_join(silent->thread, NULL) == 0);
	if (silent->conn >= 0)
		close(silent->conn);
	close(silent->listener);
}

/* The threads of this process. */
struct tasks {
	long ids[256];
	int n;
};

static struct tasks tasks_now(void)
{
	struct tasks tasks = { .n = 0 };
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	must(dir != NULL);
	while ((entry = readdir(dir)) && tasks.n < 256)
		if (entry->d_name[0] != '.')
			tasks.ids[tasks.n++] = atol(entry->d_name);
	closedir(dir);
	return tasks;
}

static bool has_more_than(const struct tasks *now, const struct tasks *before)
{
	for (int i = 0; i < now->n; i++) {
		int j = 0;

		while (j < before->n && before->ids[j] != now->ids[i])
			j++;
		if (j == before->n)
			return true;
	}
	return false;
}

/* A process that ends takes from OpenSSL what a thread that dials still works with. */
static void await_only(const struct tasks *before)
{
	struct tasks now = tasks_now();

	while (has_more_than(&now, before)) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		now = tasks_now();
	}
}

static int connect_silent(heph_ctx ctx, act_inbox in, void *arg)
{
	heph_nats nats;

	must_be(heph_nats_connect(heph_within(ctx, 300 * HEPH_MSEC), &nats,
				  .url = arg, .tls = true),
		-ETIME);
	return 0;
}

static void nobody_waits_for_a_silent_broker(void **state)
{
	struct tasks before = tasks_now();
	struct silent silent;
	char url[64];

	(void)state;
	silent_start(&silent);
	snprintf(url, sizeof(url), "tls://127.0.0.1:%d", silent.port);
	run(connect_silent, url); /* and so the runtime ends */
	silent_end(&silent);
	await_only(&before);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_or_says_why_not),
		cmocka_unit_test(is_refused_in_a_simulated_world),
		cmocka_unit_test(credentials_pass_through),
		cmocka_unit_test(tls_passes_through),
		cmocka_unit_test(it_answers_where_answers_go),
		cmocka_unit_test(nobody_waits_for_a_silent_broker),
	};

	child_main(argc, argv);
	return cmocka_run_group_tests(tests, start_server, end_server);
}
