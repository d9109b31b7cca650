/* SPDX-License-Identifier: MIT */
/*
 * tls.h - certificates made for a test, and two ends that shake hands
 *
 * Keys and certificates are made when a test asks for them, in memory, and never
 * kept.
 */
#ifndef TEST_TLS_H
#define TEST_TLS_H

#include "task.h"

#include <heph/sim.h>
#include <heph/tls.h>

#include "certs.h"

/* What most tests need; made once. */
struct kit {
	struct made ca, server, client;
};

UNUSED static struct kit *kit(void)
{
	static struct kit kit;

	if (kit.ca.cert)
		return &kit;
	kit.ca = make_cert(&(struct recipe){ .name = "a root", .ca = true });
	kit.server = make_cert(&(struct recipe){
		.name = "server",
		.names = "DNS:localhost,DNS:*.example.com,IP:127.0.0.1,IP:::1",
		.issuer = &kit.ca });
	kit.client = make_cert(&(struct recipe){
		.name = "client",
		.names = "email:client@example.com,URI:spiffe://example/client",
		.issuer = &kit.ca });
	return &kit;
}

UNUSED static int free_kit(void **state)
{
	struct kit *it = kit();

	(void)state;
	free_cert(&it->ca);
	free_cert(&it->server);
	free_cert(&it->client);
	return 0;
}

/* ---- things for an end to do -------------------------------------------------------------- */

UNUSED static int write_text(heph_ctx ctx, struct heph_stream *stream,
			     const char *text)
{
	struct iovec piece = { (void *)(uintptr_t)text, strlen(text) };

	return heph_stream_write(ctx, stream, &piece, 1);
}

/* Reads all that comes before the end, at most `size` bytes. */
UNUSED static int read_all(heph_ctx ctx, struct heph_stream *stream, char *buf,
			   size_t size)
{
	size_t done = 0;
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0) {
		must(done + (size_t)n <= size);
		memcpy(buf + done, data, (size_t)n);
		done += (size_t)n;
	}
	heph_stream_unread(ctx, stream);
	return n < 0 ? n : (int)done;
}

/* Sends all back, until the end. */
UNUSED static int echo(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	char *data;
	int n;

	while ((n = heph_stream_read(ctx, stream, &data)) > 0) {
		struct iovec piece = { data, (size_t)n };

		n = heph_stream_write(ctx, stream, &piece, 1);
		if (n < 0)
			return n;
	}
	return n < 0 ? n : heph_stream_end(ctx, stream);
}

/* Says `arg`, or hello, to an echo, and reads it again. */
UNUSED static int greet(heph_ctx ctx, struct heph_stream *stream, void *arg)
{
	const char *text = arg ? arg : "hello";
	char buf[100];
	int n = write_text(ctx, stream, text);

	if (n == 0)
		n = heph_stream_end(ctx, stream);
	if (n == 0)
		n = read_all(ctx, stream, buf, sizeof(buf));
	if (n < 0)
		return n;
	must_be(n, strlen(text));
	must_be(memcmp(buf, text, (size_t)n), 0);
	return 0;
}

/* ---- two ends ---------------------------------------------------------------------------- */

typedef int (*end_fn)(heph_ctx ctx, struct heph_stream *stream, void *arg);

/* What it was told of the connection. */
struct facts {
	enum heph_tls_version version;
	char cipher[64], alpn[64], name[64];
	bool resumed, verified;
};

/* One end: it shakes hands, does something if it has one, and closes. */
struct end {
	struct heph_tls *tls; /* not freed */
	const char *host;     /* NULL: it is the server */
	end_fn fn;            /* what it returns is `result` then */
	void *arg;
	heph_time patience; /* for the handshake; 0: 10 s */
	struct heph_fd_handle fd;
	int result;
	char text[200]; /* of an error */
	struct facts facts;
};

UNUSED static void note_facts(const struct heph_stream *stream,
			      struct facts *facts)
{
	struct heph_tls_info info;

	must_be(heph_tls_info(stream, &info), 0);
	facts->version = info.version;
	facts->resumed = info.resumed;
	facts->verified = info.verified;
	snprintf(facts->cipher, sizeof(facts->cipher), "%s", info.cipher);
	snprintf(facts->alpn, sizeof(facts->alpn), "%.*s", HEPH_STR(info.alpn));
	snprintf(facts->name, sizeof(facts->name), "%.*s", HEPH_STR(info.name));
}

UNUSED static int run_end(heph_ctx ctx, void *arg)
{
	struct end *end = arg;
	struct heph_stream stream;
	heph_ctx hurry = heph_within(ctx, end->patience ? end->patience :
							  10 * HEPH_SEC);
	heph_fd fd;

	must_be(heph_fd_take(ctx, end->fd, &fd), 0);
	end->text[0] = '\0';
	if (end->host)
		end->result = heph_tls_connect(hurry, end->tls, fd, end->host,
					       &stream);
	else
		end->result = heph_tls_accept(hurry, end->tls, fd, &stream);
	if (end->result < 0) {
		snprintf(end->text, sizeof(end->text), "%s",
			 heph_tls_error_text());
		heph_close(fd);
		return 0;
	}
	note_facts(&stream, &end->facts);
	if (end->fn)
		end->result = end->fn(heph_within(ctx, 20 * HEPH_SEC), &stream,
				      end->arg);
	if (end->result < 0)
		snprintf(end->text, sizeof(end->text), "%s",
			 heph_tls_error_text());
	heph_stream_close(ctx, &stream);
	return 0;
}

/* A connection; one end is the caller's, the other one that end's. In all worlds. */
UNUSED static heph_fd give_other(heph_ctx ctx, struct end *end)
{
	heph_fd listener = listen_somewhere(ctx), ours, other;
	char address[HEPH_ADDRESS_MAX];

	must_be(heph_local_address(ctx, listener, address), 0);
	must_be(heph_connect(ctx, address, &ours), 0);
	must_be(heph_accept(ctx, listener, &other), 0);
	heph_close(listener);
	must_be(heph_fd_give(ctx, other, &end->fd), 0);
	return ours;
}

UNUSED static task_ref start_end(heph_ctx ctx, struct end *end, int on)
{
	task_ref task;

	must_be(heph_spawn(ctx, task, &task, { run_end, end }, .on = on), 0);
	return task;
}

/* Both ends, each in an actor, until both are done; they are not on a stack. */
UNUSED static void run_ends(heph_ctx ctx, struct end *server, struct end *client)
{
	heph_fd fd = give_other(ctx, server);
	task_ref tasks[2];

	must_be(heph_fd_give(ctx, fd, &client->fd), 0);
	tasks[0] = start_end(ctx, server, test_on(HEPH_HERE));
	tasks[1] = start_end(ctx, client, test_on(HEPH_HERE));
	end_task(ctx, tasks[0]);
	end_task(ctx, tasks[1]);
}

/* A server that echoes and a client that greets, to be changed. */
struct both {
	struct end server, client;
};

UNUSED static struct both *new_both(struct heph_tls *server,
				    struct heph_tls *client)
{
	struct both *both = calloc(1, sizeof(*both));

	both->server.tls = server;
	both->server.fn = echo;
	both->client.tls = client;
	both->client.fn = greet;
	both->client.host = "localhost";
	return both;
}

UNUSED static void run_both(heph_ctx ctx, struct both *both)
{
	run_ends(ctx, &both->server, &both->client);
}

UNUSED static void must_work(const struct both *both)
{
	if (both->server.result < 0 || both->client.result < 0)
		fprintf(stderr, "server: %s; client: %s\n", both->server.text,
			both->client.text);
	must_be(both->server.result, 0);
	must_be(both->client.result, 0);
}

/* Runs a test in a world that a seed decides. */
UNUSED static void run_simulated(task_fn fn, uint64_t seed)
{
	must_be(heph_sim_run(seed, NULL, task, { fn, NULL }), 0);
}

UNUSED static struct heph_tls *new_server(void)
{
	struct heph_tls *tls;

	must_be(heph_tls_server_new(&tls, .cert = { .pem = kit()->server.pem }),
		0);
	return tls;
}

UNUSED static struct heph_tls *new_client(void)
{
	struct heph_tls *tls;

	must_be(heph_tls_client_new(&tls, .ca_pem = kit()->ca.cert_pem), 0);
	return tls;
}

#endif
