/* SPDX-License-Identifier: MIT */
/* The server when there is no memory: whatever allocation fails, the client gets an
 * answer or an end, the next client is served, and nothing is lost. */
#include <heph/http.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/mem.h"

static _Atomic int port;

/* Uses what there is: memory, many fields, trailers, chunks. */
static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	struct heph_stream stream;
	struct heph_str body;
	int err;

	if (heph_str_equal(req->path, "/up")) {
		for (int i = 0; i < 20; i++)
			heph_http_addf(res, "X", "012345678901234567890%d", i);
		return heph_http_upgrade(ctx, req, res, "x", &stream, &body);
	}
	err = heph_http_read_all(ctx, req, 0, &body);
	if (err < 0)
		return err;
	if (!heph_http_alloc(req, 10000))
		return -ENOMEM;
	for (int i = 0; i < 20; i++)
		heph_http_addf(res, "X-Long", "0123456789012345678901234%d", i);
	heph_http_add_trailer(res, "X-Sum", "1");
	err = heph_http_begin(ctx, res, HEPH_HTTP_UNKNOWN);
	if (err == 0)
		err = heph_http_write(ctx, res, body.data, body.size);
	return err < 0 ? err : heph_http_end(ctx, res);
}

struct server_arg {
	char unused;
};
HEPH_ACTOR(server, void, struct server_arg);

static int server_main(heph_ctx ctx, struct server_arg *arg)
{
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int err = heph_listen_shared(ctx, "127.0.0.1:0", &listener);

	if (err == 0)
		err = heph_local_address(ctx, listener, address);
	if (err < 0)
		return err;
	port = atoi(strrchr(address, ':') + 1);
	return heph_http_serve_on(ctx, listener, .handler = answer);
}
HEPH_ACTOR_MAIN(server, server_main);

static bool (*talk_as)(void);

static int dial(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				    sizeof(patience)),
			 0);
	return fd;
}

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* All that comes until the end, as a text. */
static const char *hear(int fd)
{
	static char heard[20000];
	size_t have = 0;
	ssize_t n;

	while ((n = recv(fd, heard + have, sizeof(heard) - 1 - have, 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		have += (size_t)n;
	}
	assert_true(n == 0 || errno == ECONNRESET || errno == EPIPE);
	close(fd);
	heard[have] = '\0';
	return heard;
}

/* Two requests, the head and the body of the second one in parts. Returns whether
 * both were answered with 200. */
static bool talk(void)
{
	const char *heard, *first;
	int fd = dial();

	say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
		"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
	usleep(2000);
	say(fd, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	usleep(2000);
	say(fd, "3\r\ndef\r\n0\r\nX: y\r\n\r\n");
	heard = hear(fd);
	first = strstr(heard, "HTTP/1.1 200 ");
	return first && strstr(first + 1, "HTTP/1.1 200 ") &&
	       strstr(heard, "abcdef\r\n0\r\nX-Sum: 1\r\n\r\n");
}

/* Another protocol, whose bytes are here already and must not be taken for requests.
 * Returns whether it was spoken. */
static bool talk_up(void)
{
	const char *heard, *first;
	int fd = dial();

	say(fd, "GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
		"Upgrade: x\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	shutdown(fd, SHUT_WR);
	heard = hear(fd);
	first = strstr(heard, "HTTP/1.1 ");
	assert_true(!first || !strstr(first + 1, "HTTP/1.1 "));
	return first && strstr(first, "HTTP/1.1 101 ") == first;
}

/* With a server that has no memory in store. Returns as talk(). */
static bool talk_without(heph_ctx ctx, int n)
{
	server_ref server;
	bool good;

	port = 0;
	assert_int_equal(heph_spawn(ctx, server, &server), 0);
	while (!port || heph_stats(ctx).operations == 0)
		sched_yield();
	heph_http_mem_fail_after(n);
	good = talk_as();
	heph_http_mem_fail_after(-1);
	assert_true(talk_as());
	heph_stop(server);
	assert_int_equal(heph_join(ctx, server, NULL), 0);
	return good;
}

static void whatever_allocation_fails(bool (*talk_so)(void), int least)
{
	struct heph_config config = { .workers = 1, .no_signals = true };
	size_t before = heph_http_mem_used();
	heph_ctx ctx;
	int n = 1;

	talk_as = talk_so;
	setenv("HEPH_LOG", "off", 0);
	assert_int_equal(heph_new(&ctx, &config), 0);
	while (!talk_without(ctx, n))
		n++;
	assert_in_range(n, least, 100);
	assert_int_equal(heph_drain(ctx), 0);
	assert_int_equal(heph_stats(ctx).failed, 0);
	heph_free(ctx);
	assert_int_equal(heph_http_mem_used(), before);
}

static void requests_without_memory(void **state)
{
	whatever_allocation_fails(talk, 8);
}

static void upgrades_without_memory(void **state)
{
	whatever_allocation_fails(talk_up, 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_without_memory),
		cmocka_unit_test(upgrades_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
