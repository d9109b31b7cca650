/* SPDX-License-Identifier: MIT */
/* Certificates that are exchanged while they are in use. */
#include "tls.h"

static char dir[] = "/tmp/heph-tls-XXXXXX", path[100];

static void write_file(const char *text)
{
	FILE *out = fopen(path, "w");

	must(out);
	fputs(text, out);
	must_be(fclose(out), 0);
}

static int note_serial(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct heph_tls_peer *peer = malloc(sizeof(*peer));

	must_be(heph_tls_peer(stream, peer), 0);
	memcpy(arg, peer->serial, sizeof(peer->serial));
	free(peer);
	return greet(ctx, stream, NULL);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int reload_files(heph_ctx ctx, void *arg)
{
	struct made other = make_cert(&(struct recipe){
		.name = "other", .names = "DNS:localhost", .issuer = &kit()->ca });
	char *serials = calloc(3, 64);
	struct heph_tls *server, *client;
	struct both *both;

	write_file(kit()->server.pem);
	must_be(heph_tls_server_new(&server, .cert = { .file = path }), 0);
	must_be(heph_tls_client_new(&client, .ca_pem = kit()->ca.cert_pem,
				    .no_resumption = true),
		0);
	both = new_both(server, client);
	both->client.fn = note_serial;
	both->client.arg = serials;
	run_both(ctx, both);
	must_work(both);
	must_be(heph_tls_reload_files(server), 0); /* the same */

	write_file("this is no certificate");
	must_be(heph_tls_reload_files(server), -EBADMSG);
	must(strstr(heph_tls_error_text(), path));
	must_be(unlink(path), 0);
	must_be(heph_tls_reload_files(server), -ENOENT);
	both->client.arg = serials + 64;
	run_both(ctx, both); /* with the old one */
	must_work(both);
	must_be(strcmp(serials, serials + 64), 0);

	write_file(other.pem);
	must_be(heph_tls_reload_files(server), 1);
	both->client.arg = serials + 128;
	run_both(ctx, both);
	must_work(both);
	must(strcmp(serials, serials + 128) != 0);
	free(both);
	free(serials);
	free_cert(&other);
	heph_tls_free(server);
	heph_tls_free(client);
	return 0;
}

static void reads_changed_files_again(void **state)
{
	must(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cert.pem", dir);
	run_task(reload_files);
	unlink(path);
	rmdir(dir);
}

/* ---- under load -------------------------------------------------------------------------------- */

enum { CONNECTIONS = 60 };

static int handshakes(heph_ctx ctx, void *arg)
{
	struct heph_tls **sides = arg;
	struct both *both = new_both(sides[0], sides[1]);

	for (int i = 0; i < CONNECTIONS; i++) {
		run_both(ctx, both);
		must_work(both);
	}
	free(both);
	return 0;
}

/* A connection from before goes on after several. */
static int stay(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct heph_tls **sides = arg;
	char *data;

	must_be(write_text(ctx, stream, "one"), 0);
	must_be(heph_stream_read(ctx, stream, &data), 3);
	for (int i = 0; i < 20; i++) {
		must_be(heph_tls_reload(sides[0],
					.cert = { .pem = kit()->server.pem }),
			0);
		must_be(heph_tls_reload(sides[1], .ca_pem = kit()->ca.cert_pem),
			0);
		must_be(heph_tls_reload(sides[0], .alpn = "h2"), -EINVAL);
		must_be(heph_yield(ctx), 0);
	}
	return greet(ctx, stream, NULL);
}

static int reload_under_load(heph_ctx ctx, void *arg)
{
	struct heph_tls *sides[2] = { new_server(), new_client() };
	struct heph_tls **heap = malloc(sizeof(sides));
	struct both *both = new_both(sides[0], sides[1]);
	task_ref tasks[2];

	memcpy(heap, sides, sizeof(sides));
	both->client.fn = stay;
	both->client.arg = heap;
	for (int i = 0; i < 2; i++)
		must_be(heph_spawn(ctx, task, &tasks[i], { handshakes, heap },
				   .on = HEPH_WORKER(i)),
			0);
	run_both(ctx, both);
	must_work(both);
	for (int i = 0; i < 2; i++)
		end_task(ctx, tasks[i]);
	heph_tls_free(sides[0]);
	heph_tls_free(sides[1]);
	free(heap);
	free(both);
	return 0;
}

static void exchanges_certificates_under_load(void **state)
{
	run_task_on(2, reload_under_load, NULL);
}

/* It is freed while connections have it: they keep it. */
static int free_and_go_on(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	struct heph_tls **sides = arg;

	must_be(write_text(ctx, stream, "a"), 0);
	heph_tls_free(sides[0]);
	heph_tls_free(sides[1]);
	return greet(ctx, stream, NULL);
}

static int echo_more(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *data;

	must_be(heph_stream_read(ctx, stream, &data), 1);
	return echo(ctx, stream, arg);
}

static int free_early(heph_ctx ctx, void *arg)
{
	struct heph_tls **sides = malloc(2 * sizeof(*sides));
	struct both *both;

	sides[0] = new_server();
	sides[1] = new_client();
	both = new_both(sides[0], sides[1]);
	both->client.fn = free_and_go_on;
	both->client.arg = sides;
	both->server.fn = echo_more;
	run_both(ctx, both);
	must_work(both);
	free(both);
	free(sides);
	return 0;
}

static void connections_keep_what_they_use(void **state)
{
	run_task(free_early);
	heph_tls_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_changed_files_again),
		cmocka_unit_test(exchanges_certificates_under_load),
		cmocka_unit_test(connections_keep_what_they_use),
	};

	return cmocka_run_group_tests(tests, NULL, free_kit);
}
