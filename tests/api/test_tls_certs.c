/* SPDX-License-Identifier: MIT */
/* Certificates that are refused, of both sides, and options that cannot be. */
#include "tls.h"

#include <sys/stat.h>

/* ---- of servers ----------------------------------------------------------------------------- */

static struct made rogue, middle, nowhere;

static void make_others(void)
{
	rogue = make_cert(&(struct recipe){ .name = "a root", .ca = true });
	middle = make_cert(&(struct recipe){
		.name = "middle", .ca = true, .issuer = &kit()->ca });
	nowhere = make_cert(&(struct recipe){ .name = "client",
					      .issuer = &rogue });
}

static void free_others(void)
{
	free_cert(&rogue);
	free_cert(&middle);
	free_cert(&nowhere);
}

struct bad {
	struct recipe recipe;
	bool alone; /* without those above it */
	int err;    /* of the client; 0: it is good */
	const char *text, *heard; /* in that of the client, and of the server */
};

static const struct bad bads[] = {
	{ { .name = "good", .names = "DNS:localhost" }, false, 0, "", "" },
	{ { .name = "good", .names = "DNS:localhost", .issuer = &middle },
	  false,
	  0,
	  "",
	  "" },
	{ { .name = "alone", .names = "DNS:localhost", .issuer = &middle },
	  true,
	  -EKEYREJECTED,
	  "unable to get local issuer certificate",
	  "unknown CA" },
	{ { .name = "old", .names = "DNS:localhost", .from = -20, .until = -1 },
	  false,
	  -EKEYEXPIRED,
	  "certificate has expired",
	  "certificate expired" },
	{ { .name = "early", .names = "DNS:localhost", .from = 1, .until = 20 },
	  false,
	  -EKEYEXPIRED,
	  "certificate is not yet valid",
	  "bad certificate" },
	{ { .name = "other", .names = "DNS:other.test" },
	  false,
	  -EKEYREJECTED,
	  "is not of localhost",
	  "bad certificate" },
	{ { .name = "localhost" }, /* which nobody looks at: RFC 9525 */
	  false,
	  -EKEYREJECTED,
	  "is not of localhost",
	  "bad certificate" },
	{ { .name = "rogue", .names = "DNS:localhost", .issuer = &rogue },
	  false,
	  -EKEYREJECTED,
	  "certificate", /* signature, or issuer */
	  "" },
	{ { .name = "use", .names = "DNS:localhost", .use = "clientAuth" },
	  false,
	  -EKEYREJECTED,
	  "unsuitable certificate purpose",
	  "unsupported certificate" },
	{ { .name = "no ca", .names = "DNS:localhost", .issuer = &nowhere },
	  false,
	  -EKEYREJECTED,
	  "",
	  "" },
};

static void must_say(const struct end *end, const char *text)
{
	bool said = strstr(end->text, text) != NULL;

	if (!said)
		fprintf(stderr, "'%s' is not in '%s'\n", text, end->text);
	must(said);
}

static void try_bad(heph_ctx ctx, const struct bad *bad, const struct made *made,
		    enum heph_tls_version version)
{
	struct heph_tls *server, *client;
	struct both *both;
	char *pem = to_pem(made->cert, NULL, made->key);

	must_be(heph_tls_server_new(&server,
				    .cert = { .pem = bad->alone ? pem :
								  made->pem }),
		0);
	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .max_version = version),
		0);
	both = new_both(server, client);
	run_both(ctx, both);
	must_be(both->client.result, bad->err);
	must_say(&both->client, bad->text);
	if (bad->err == 0)
		must_be(both->server.result, 0);
	else
		must(both->server.result == -EPROTO);
	must_say(&both->server, bad->heard);
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	free(pem);
}

static int bad_servers(heph_ctx ctx, void *arg)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		struct recipe recipe = bads[i].recipe;
		struct made made;

		if (!recipe.issuer)
			recipe.issuer = &kit()->ca;
		made = make_cert(&recipe);
		try_bad(ctx, &bads[i], &made, HEPH_TLS_1_2);
		try_bad(ctx, &bads[i], &made, HEPH_TLS_1_3);
		free_cert(&made);
	}
	return 0;
}

static void refuses_bad_servers_and_tells_them_why(void **state)
{
	make_others();
	run_task(bad_servers);
	free_others();
}

static int self_signed(heph_ctx ctx, void *arg)
{
	struct made made = make_cert(
		&(struct recipe){ .name = "self", .names = "DNS:localhost" });
	struct heph_tls *server, *client;
	struct both *both;

	must_be(heph_tls_server_new(&server, .cert = { .pem = made.pem }), 0);
	client = new_client();
	both = new_both(server, client);
	run_both(ctx, both);
	must_be(both->client.result, -EKEYREJECTED);
	must_say(&both->client, "self-signed certificate");
	/* Whoever is named is trusted. */
	must_be(heph_tls_reload(client, .ca_pem = made.cert_pem), 0);
	run_both(ctx, both);
	must_work(both);
	free(both);
	heph_tls_free(server);
	heph_tls_free(client);
	free_cert(&made);
	return 0;
}

static void trusts_those_who_sign_themselves_if_named(void **state)
{
	run_task(self_signed);
}

/* ---- of clients -------------------------------------------------------------------------------- */

static int note_client(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	static const struct {
		enum heph_tls_name kind;
		const char *name;
	} wanted[] = { { HEPH_TLS_EMAIL, "client@example.com" },
		       { HEPH_TLS_URI, "spiffe://example/client" } };
	struct heph_tls_peer *peer = malloc(sizeof(*peer));
	enum heph_tls_name kind;
	char name[100];
	bool *seen = arg;

	if (heph_tls_peer(stream, peer) == 0) {
		*seen = true;
		must_be(strcmp(peer->subject, "CN=client"), 0);
		must_be(strcmp(peer->issuer, "CN=a root"), 0);
		must(peer->serial[0]);
		must(peer->from < time(NULL) && peer->until > time(NULL));
		must_be(peer->names, 2);
		for (unsigned i = 0; i < 2; i++) {
			must_be(heph_tls_peer_name(stream, i, &kind, name,
						   sizeof(name)),
				0);
			must_be(kind, wanted[i].kind);
			must_be(strcmp(name, wanted[i].name), 0);
			must_be(heph_tls_peer_name(stream, i, &kind, name, 5),
				-ENOSPC);
			must_be(heph_tls_peer_name(stream, i, &kind, name, 0),
				-ENOSPC);
		}
		must_be(heph_tls_peer_name(stream, 2, &kind, name, 99), -ENOENT);
	}
	free(peer);
	return echo(ctx, stream, NULL);
}

struct client_case {
	enum heph_tls_verify verify;
	const char *pem; /* of the client; NULL: none */
	int err;         /* of the server */
	bool seen;
	const char *text;
};

static void try_client(heph_ctx ctx, const struct client_case *it,
		       enum heph_tls_version version)
{
	struct heph_tls *server, *client;
	struct both *both;
	bool *seen = calloc(1, sizeof(*seen));

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .verify = it->verify,
				    .ca_pem = kit()->ca.cert_pem),
		0);
	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .cert = { .pem = it->pem },
				    .max_version = version),
		0);
	both = new_both(server, client);
	both->server.fn = note_client;
	both->server.arg = seen;
	run_both(ctx, both);
	must_be(both->server.result, it->err);
	must_be(*seen, it->seen);
	must_be(both->server.facts.verified, it->seen);
	must_say(&both->server, it->text);
	must_be(both->client.result, it->err ? -EPROTO : 0);
	if (it->err)
		must_say(&both->client, "TLS: the peer says: ");
	free(both);
	free(seen);
	heph_tls_free(server);
	heph_tls_free(client);
}

static int clients(heph_ctx ctx, void *arg)
{
	const char *good = kit()->client.pem, *bad = nowhere.pem;
	const struct client_case cases[] = {
		{ HEPH_TLS_VERIFY_NONE, good, 0, false, "" },
		{ HEPH_TLS_VERIFY_OPTIONAL, NULL, 0, false, "" },
		{ HEPH_TLS_VERIFY_OPTIONAL, good, 0, true, "" },
		{ HEPH_TLS_VERIFY_OPTIONAL, bad, -EKEYREJECTED, false,
		  "the peer's certificate" },
		{ HEPH_TLS_VERIFY_REQUIRED, NULL, -ENOKEY, false,
		  "peer did not return a certificate" },
		{ HEPH_TLS_VERIFY_REQUIRED, good, 0, true, "" },
		{ HEPH_TLS_VERIFY_REQUIRED, bad, -EKEYREJECTED, false,
		  "the peer's certificate" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		try_client(ctx, &cases[i], HEPH_TLS_1_2);
		try_client(ctx, &cases[i], HEPH_TLS_1_3);
	}
	return 0;
}

static void asks_clients_for_certificates(void **state)
{
	make_others();
	run_task(clients);
	free_others();
}

/* A session says who the client is: one of before the change is of no use. */
static int no_more_trusted(heph_ctx ctx, void *arg)
{
	struct heph_tls *server, *client;
	struct both *both;
	bool *seen = calloc(1, sizeof(*seen));

	must_be(heph_tls_server_new(&server, .cert = { .pem = kit()->server.pem },
				    .verify = HEPH_TLS_VERIFY_REQUIRED,
				    .ca_pem = kit()->ca.cert_pem),
		0);
	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .cert = { .pem = kit()->client.pem }),
		0);
	both = new_both(server, client);
	both->server.fn = note_client;
	both->server.arg = seen;
	for (int n = 0; n < 2; n++) {
		run_both(ctx, both);
		must_work(both);
		must_be(both->server.facts.resumed, n);
		must(both->server.facts.verified && *seen);
	}
	must_be(heph_tls_reload(server, .cert = { .pem = kit()->server.pem },
				.verify = HEPH_TLS_VERIFY_REQUIRED,
				.ca_pem = rogue.cert_pem),
		0);
	run_both(ctx, both);
	must_be(both->server.result, -EKEYREJECTED);
	free(both);
	free(seen);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void sessions_end_with_trust(void **state)
{
	make_others();
	run_task(no_more_trusted);
	free_others();
}

/* ---- options ------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/heph-tls-XXXXXX";

static const char *file(const char *name, const char *text)
{
	static char paths[4][100];
	static int n;
	char *path = paths[n++ % 4];
	FILE *out;

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	out = fopen(path, "w");
	fputs(text, out);
	fclose(out);
	return path;
}

#define must_fail(err_, text_, side_, ...)                                     \
	must_fail_((err_), (text_), #side_ " " #__VA_ARGS__,                   \
		   heph_tls_##side_##_new(&made_, __VA_ARGS__))
static struct heph_tls *made_;

static void must_fail_(int err, const char *text, const char *what, int result)
{
	if (result != err || !strstr(heph_tls_error_text(), text))
		fprintf(stderr, "%s: %d, '%s'\n", what, result,
			heph_tls_error_text());
	must_be(result, err);
	must(strstr(heph_tls_error_text(), text));
}

static void tells_what_is_wrong_with_options(void **state)
{
	const char *good = kit()->server.pem;
	struct heph_tls_cert none = { 0 };
	struct {
		struct heph_tls_config now;
		const char *more;
	} later = { { .size = sizeof(later), .cert = { .pem = good } }, "x" };

	must_fail(-EINVAL, "must have a certificate", server, .alpn = "h2");
	must_fail(-EINVAL, "must trust somebody", server, .cert = { .pem = good },
		  .verify = HEPH_TLS_VERIFY_REQUIRED);
	must_fail(-EINVAL, "servers always", client,
		  .verify = HEPH_TLS_VERIFY_OPTIONAL);
	must_fail(-EINVAL, "`verify`", client,
		  .verify = (enum heph_tls_verify)9);
	must_fail(-EINVAL, "versions", client, .min_version = HEPH_TLS_1_3,
		  .max_version = HEPH_TLS_1_2);
	must_fail(-EINVAL, "versions", client,
		  .min_version = (enum heph_tls_version)11);
	must_fail(-EINVAL, "`ciphers`", server, .cert = { .pem = good },
		  .ciphers = "NOTHING");
	must_fail(-EINVAL, "`suites`", server, .cert = { .pem = good },
		  .suites = "NOTHING");
	must_fail(-EINVAL, "`groups`", server, .cert = { .pem = good },
		  .groups = "NOTHING");
	must_fail(-EINVAL, "`alpn`", server, .cert = { .pem = good },
		  .alpn = "h2,,x");
	must_fail(-EINVAL, "`alpn`", server, .cert = { .pem = good },
		  .alpn = "h2,");
	must_fail(-EINVAL, "`ticket_time`", server, .cert = { .pem = good },
		  .ticket_time = HEPH_MSEC);
	must_fail(-EINVAL, "`ticket_time`", server, .cert = { .pem = good },
		  .ticket_time = 8 * 86400 * HEPH_SEC);
	must_fail(-EINVAL, "`sessions`", client, .sessions = 1u << 20);
	must_fail(-EINVAL, "`more_certs`", client, .more_certs = &none,
		  .n_more_certs = 1);
	must_fail(-EINVAL, "of nothing", server, .cert = { .pem = good },
		  .more_certs = &none, .n_more_certs = 1);
	must_fail(-EINVAL, "10,000", server, .cert = { .pem = good },
		  .more_certs = &none, .n_more_certs = 10001);
	must_be(heph_tls_raw_server_new(&made_, &later.now), -EINVAL);
	must(strstr(heph_tls_error_text(), "later version"));
	later.now.size = 4;
	must_be(heph_tls_raw_server_new(&made_, &later.now), -EINVAL);
}

static void tells_what_is_wrong_with_files(void **state)
{
	const char *good, *key, *other, *empty, *junk, *cut;
	char *half = strdup(kit()->server.pem);

	must(mkdtemp(dir));
	half[strlen(half) / 3] = '\0';
	good = file("good.pem", kit()->server.cert_pem);
	key = file("key.pem", kit()->server.pem);
	must_fail(-ENOENT, "/no/such", server, .cert = { .file = "/no/such" });
	must_fail(-ENOENT, "/no/such", server,
		  .cert = { .file = good, .key_file = "/no/such" });
	must_fail(-ENOENT, "/no/such", client, .ca_file = "/no/such");
	must_fail(-ENOENT, "/no/such", client, .ca_dir = "/no/such");
	must_fail(-EISDIR, dir, server, .cert = { .file = dir });
	must_fail(-EBADMSG, "/dev/zero", server, .cert = { .file = "/dev/zero" });
	must_fail(-EBADMSG, "good.pem", server, .cert = { .file = good });
	must_be(heph_tls_server_new(&made_,
				    .cert = { .file = good, .key_file = key }),
		0);
	heph_tls_free(made_);
	must_be(heph_tls_client_new(&made_, .ca_dir = dir), 0);
	heph_tls_free(made_);
	other = file("other.pem", kit()->client.pem);
	must_fail(-EKEYREJECTED, "is not that of the certificate", server,
		  .cert = { .file = good, .key_file = other });
	empty = file("empty.pem", "");
	must_fail(-EBADMSG, "empty.pem", server, .cert = { .file = empty });
	must_fail(-ENOENT, "could be trusted", client, .ca_file = empty);
	junk = file("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
				"-----END CERTIFICATE-----\n");
	must_fail(-EBADMSG, "junk.pem", server, .cert = { .file = junk });
	must_fail(-EBADMSG, "junk.pem", client, .ca_file = junk);
	cut = file("cut.pem", half);
	must_fail(-EBADMSG, "cut.pem", server, .cert = { .file = cut });
	free(half);
}

/* Those of the kind that asks for a password. */
static void needs_the_password_of_a_key(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long size;

	must_be(PEM_write_bio_PKCS8PrivateKey(bio, kit()->server.key,
					      EVP_aes_128_cbc(), "secret", 6,
					      NULL, NULL),
		1);
	size = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)size);
	BIO_free(bio);
	must_be(heph_tls_server_new(&made_,
				    .cert = { .pem = kit()->server.cert_pem,
					      .key_pem = text,
					      .password = "secret" }),
		0);
	heph_tls_free(made_);
	must_fail(-EBADMSG, "PEM in memory", server,
		  .cert = { .pem = kit()->server.cert_pem,
			    .key_pem = text,
			    .password = "wrong" });
	must_fail(-EBADMSG, "PEM in memory", server,
		  .cert = { .pem = kit()->server.cert_pem, .key_pem = text });
	free(text);
}

static int clean(void **state)
{
	static const char *const names[] = { "good.pem", "key.pem", "other.pem",
					     "empty.pem", "junk.pem", "cut.pem" };
	char path[100];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	return free_kit(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_servers_and_tells_them_why),
		cmocka_unit_test(trusts_those_who_sign_themselves_if_named),
		cmocka_unit_test(asks_clients_for_certificates),
		cmocka_unit_test(sessions_end_with_trust),
		cmocka_unit_test(tells_what_is_wrong_with_options),
		cmocka_unit_test(tells_what_is_wrong_with_files),
		cmocka_unit_test(needs_the_password_of_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
