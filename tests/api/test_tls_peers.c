/* SPDX-License-Identifier: MIT */
/* Our client and the servers of others: OpenSSL's own, and Python's. */
#include "tls.h"

static char dir[] = "/tmp/heph-tls-XXXXXX", path[100];

/* A program that tells where it listens, and ends after three connections. */
struct peer {
	FILE *out;
	int port;
};

static const char openssl_server[] =
	"exec timeout 10 openssl s_server -accept 127.0.0.1:0 -www -cert %s %s "
	"-naccept 3 </dev/null 2>&1";

static const char python_server[] =
	"exec timeout 10 python3 -c '\n"
	"import socket, ssl, sys\n"
	"context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
	"context.load_cert_chain(\"%s\")\n"
	"listener = socket.create_server((\"127.0.0.1\", 0))\n"
	"print(\"127.0.0.1:%%d\" %% listener.getsockname()[1], flush=True)\n"
	"for i in range(3):\n"
	"    sock, _ = listener.accept()\n"
	"    tls = context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)\n"
	"    while part := tls.recv(100000):\n"
	"        tls.sendall(part)\n"
	"    tls.unwrap()\n"
	"    tls.close()\n"
	"' %s";

static void start_peer(struct peer *peer, const char *format, const char *options)
{
	char command[2000], line[100], *port = NULL;

	snprintf(command, sizeof(command), format, path, options);
	peer->out = popen(command, "re");
	must(peer->out);
	while (!port) {
		must(fgets(line, sizeof(line), peer->out));
		port = strstr(line, "127.0.0.1:");
	}
	peer->port = atoi(strchr(port, ':') + 1);
}

static void connect_to(heph_ctx ctx, struct heph_tls *tls, int port,
		       struct heph_stream *stream)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd fd;
	int err;

	address_of(address, port);
	must_be(heph_connect(ctx, address, &fd), 0);
	err = heph_tls_connect(ctx, tls, fd, "localhost", stream);
	if (err < 0)
		fprintf(stderr, "%s\n", heph_tls_error_text());
	must_be(err, 0);
}

static bool have(const char *program)
{
	char command[100];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

/* ---- OpenSSL ------------------------------------------------------------------------------------ */

static void ask_page(heph_ctx ctx, struct heph_tls *tls, int port,
		     enum heph_tls_version version, bool resumed)
{
	struct heph_tls_info info;
	struct heph_stream stream;
	static char page[100000];
	int n;

	connect_to(ctx, tls, port, &stream);
	must_be(heph_tls_info(&stream, &info), 0);
	must_be(info.version, version);
	must_be(info.resumed, resumed);
	must_be(write_text(ctx, &stream, "GET / HTTP/1.0\r\n\r\n"), 0);
	n = read_all(ctx, &stream, page, sizeof(page) - 1);
	must(n > 0);
	page[n] = '\0';
	must(strstr(page, version == HEPH_TLS_1_2 ? "TLSv1.2" : "TLSv1.3"));
	heph_stream_close(ctx, &stream);
}

static void talks_to_openssl(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	static const char *const options[] = { "-tls1_2", "-tls1_3" };
	struct heph_tls *tls;
	struct peer peer;
	heph_ctx ctx;

	if (!have("openssl"))
		skip();
	must_be(heph_new(&ctx, &config), 0);
	ctx = heph_within(ctx, 20 * HEPH_SEC);
	for (int i = 0; i < 2; i++) {
		tls = new_client();
		start_peer(&peer, openssl_server, options[i]);
		for (int n = 0; n < 3; n++)
			ask_page(ctx, tls, peer.port,
				 i ? HEPH_TLS_1_3 : HEPH_TLS_1_2, n > 0);
		heph_tls_free(tls);
		must_be(pclose(peer.out), 0);
	}
	heph_free(ctx);
}

/* ---- Python ------------------------------------------------------------------------------------- */

static void talks_to_python(void **state)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	struct heph_tls *tls = new_client();
	struct heph_stream stream;
	struct peer peer;
	char buf[100];
	heph_ctx ctx;

	if (!have("python3"))
		skip();
	must_be(heph_new(&ctx, &config), 0);
	ctx = heph_within(ctx, 20 * HEPH_SEC);
	start_peer(&peer, python_server, "");
	for (int i = 0; i < 3; i++) {
		connect_to(ctx, tls, peer.port, &stream);
		must_be(write_text(ctx, &stream, "hello, snake"), 0);
		must_be(heph_stream_end(ctx, &stream), 0);
		must_be(read_all(ctx, &stream, buf, sizeof(buf)), 12);
		must_be(memcmp(buf, "hello, snake", 12), 0);
		heph_stream_close(ctx, &stream);
	}
	must_be(pclose(peer.out), 0);
	heph_tls_free(tls);
	heph_free(ctx);
}

static int make_files(void **state)
{
	FILE *out;

	must(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/server.pem", dir);
	out = fopen(path, "w");
	fputs(kit()->server.pem, out);
	fclose(out);
	return 0;
}

static int clean(void **state)
{
	unlink(path);
	rmdir(dir);
	return free_kit(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks_to_openssl),
		cmocka_unit_test(talks_to_python),
	};

	return cmocka_run_group_tests(tests, make_files, clean);
}
