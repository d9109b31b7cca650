/* SPDX-License-Identifier: MIT */
/*
 * https.c - an HTTPS server that says hello, and how it is protected
 *
 * usage: https ADDRESS CERTIFICATE KEY [CA]
 *
 * The certificate, with those above it, and the key are files in PEM. With CA, a file
 * too, clients must show a certificate that it has signed. SIGHUP makes it read the
 * files again; connections go on with the old ones.
 *
 * Try it with: curl --cacert ca.pem https://localhost:7890/
 */
#include <heph/http.h>
#include <heph/tls.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int hello(heph_ctx ctx, struct heph_http_request *req,
		 struct heph_http_response *res)
{
	return heph_http_text(ctx, res, HEPH_HTTP_STATUS_OK,
			      "Hello, and nobody else hears it.\n");
}

/* ---- reads the files again --------------------------------------------------------- */

struct reloader_arg {
	struct heph_tls *tls;
};

HEPH_ACTOR(reloader, void, struct reloader_arg);

static void reload(struct heph_tls *tls)
{
	int changed = heph_tls_reload_files(tls);

	if (changed < 0)
		printf("the old certificate stays: %s\n", heph_tls_error_text());
	else
		printf("the certificate is %s\n", changed ? "new" : "the same");
	fflush(stdout);
}

static int reloader_main(heph_ctx ctx, struct reloader_arg *arg)
{
	int which;

	while ((which = heph_wait(ctx, heph_on_signal(SIGHUP, NULL))) == 0)
		reload(arg->tls);
	return which;
}
HEPH_ACTOR_MAIN(reloader, reloader_main);

/* ---- serves ---------------------------------------------------------------------------- */

struct server_arg {
	const char *address;
	struct heph_tls *tls;
};

HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	reloader_ref reloader;
	heph_fd listener;
	int err;

	err = heph_spawn(ctx, reloader, &reloader, { arg->tls });
	if (err == 0)
		err = heph_listen_shared(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	printf("listening on %s\n", address);
	fflush(stdout);
	return heph_http_serve_on(ctx, listener, .handler = hello,
				  .tls = arg->tls, .each_worker = true);
}
HEPH_ACTOR_MAIN(server, server_main);

int main(int argc, char **argv)
{
	struct heph_config config = { .name = "https", .grace = 5 * HEPH_SEC };
	const char *ca = argc > 4 ? argv[4] : NULL;
	struct heph_tls *tls;
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: https ADDRESS CERTIFICATE KEY [CA]\n");
		return 2;
	}
	err = heph_tls_server_new(&tls, .cert = { .file = argv[2],
						  .key_file = argv[3] },
				  .ca_file = ca, .alpn = "http/1.1",
				  .verify = ca ? HEPH_TLS_VERIFY_REQUIRED :
						 HEPH_TLS_VERIFY_NONE);
	if (err < 0) {
		fprintf(stderr, "https: %s\n", heph_tls_error_text());
		return 1;
	}
	err = heph_run(&config, server, { argv[1], tls });
	heph_tls_free(tls);
	if (err < 0)
		fprintf(stderr, "https: %s: %s\n", argv[1], strerror(-err));
	return err < 0;
}
