/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request from the first byte to the last one of its answer
 *
 *     http-request N [AT_A_TIME]
 *
 * A client and a server in one worker, each an actor, over a socket pair: so what
 * is counted is one write and one read of the client, too. For bench-check.
 */
#include <heph/http.h>
#include <heph/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

enum { MOST = 64, ANSWER_MOST = 256 };

struct client_arg {
	long n;
	int at_a_time;
};

struct server_arg {
	heph_fd fd;
};

HEPH_ACTOR(client, void, struct client_arg);
HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	struct heph_http_conn *conn;
	struct heph_http_request *req;
	struct heph_http_response *res;
	int n = heph_http_conn_new(ctx, arg->fd, NULL, &conn);

	if (n < 0)
		return n;
	while ((n = heph_http_next(ctx, conn, &req, &res)) > 0) {
		n = heph_http_text(ctx, res, 200, "Hello, World!");
		if (n < 0)
			break;
	}
	heph_http_conn_free(ctx, conn);
	return n;
}
HEPH_ACTOR_MAIN(server, server_main);

/* Asks, and reads so many answers of one size, which the first one tells. */
static int ask(heph_ctx ctx, heph_fd fd, const char *requests, int n,
	       size_t *size)
{
	static char answers[MOST * ANSWER_MOST];
	int err = heph_write_all(ctx, fd, requests,
				 (size_t)n * (sizeof(REQUEST) - 1));

	if (err == 0 && *size == 0) {
		err = heph_read(ctx, fd, answers, sizeof(answers));
		*size = err > 0 ? (size_t)err : 0;
		return err > 0 ? 0 : err;
	}
	return err < 0 ? err :
			 heph_read_exact(ctx, fd, answers, (size_t)n * *size,
					 NULL);
}

static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	static char requests[MOST * sizeof(REQUEST)];
	heph_time begun;
	size_t size = 0;
	server_ref server;
	heph_fd fds[2];
	int err = heph_socket_pair(ctx, AF_UNIX, SOCK_STREAM, 0, fds);

	for (int i = 0; i < arg->at_a_time; i++)
		strcat(requests, REQUEST);
	if (err == 0)
		err = heph_spawn(ctx, server, &server, { fds[1] },
				 .give = fds[1]);
	if (err == 0) /* how long an answer is */
		err = ask(ctx, fds[0], requests, 1, &size);
	begun = heph_now();
	for (long i = 0; err == 0 && i < arg->n; i += arg->at_a_time)
		err = ask(ctx, fds[0], requests, arg->at_a_time, &size);
	if (err == 0)
		printf("http-request n=%ld ns_per_op=%.1f\n", arg->n,
		       (double)(heph_now() - begun) / (double)arg->n);
	return err;
}
HEPH_ACTOR_MAIN(client, client_main);

int main(int argc, char **argv)
{
	const struct heph_config config = { .workers = 1,
					    .spin = HEPH_SPIN_OFF };
	long n = argc > 1 ? atol(argv[1]) : 100000;
	int at_a_time = argc > 2 ? atoi(argv[2]) : 1;
	int err;

	if (n < 1 || at_a_time < 1 || at_a_time > MOST) {
		fprintf(stderr, "usage: http-request [N [AT_A_TIME]]\n");
		return 2;
	}
	err = heph_run(&config, client, { n, at_a_time });
	if (err < 0)
		fprintf(stderr, "http-request: %s\n", strerror(-err));
	return err < 0;
}
